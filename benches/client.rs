//! What the client costs: a page of a hundred bookings against bare reqwest with `serde_json::from_slice` into the same types, the
//! client's typed reading of that page against `serde_json::Value`, a cache hit against a bare moka `get`, and the policies.
//!
//! `cargo bench --bench client`. Criterion times each part by itself; the table at the end compares them. Its samples alternate
//! between the two sides of a ratio, so that whatever else the machine does hits both alike, and are split into blocks, whose
//! spread says how far a ratio can be trusted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a program that measures, by the machine's clock"
)]

use std::future::Future;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use calcom::client::{Client, RatePolicy, RetryPolicy, decode};
use calcom::model::{Booking, BookingQuery, EventTypeId, SlotQuery, SlotsByDay};
use chrono::DateTime;
use criterion::{Criterion, Throughput};
use futures_util::future::join_all;
use moka::future::Cache;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use ratio::{compare, micros, print_heading, print_ratio, spread};

mod ratio;

const KEY: &str = "cal_live_0123456789abcdef";
const BOOKINGS: u32 = 100;
const MANY: usize = 64;
/// How many cache hits are timed together: one is too short for the clock.
const HITS: u32 = 1000;
/// How many reads are timed together: the allocator puts off part of the work of releasing one side's values until the other
/// side allocates.
const READS: u32 = 10;

/// What bare reqwest reads into: the client's own types.
#[derive(Deserialize)]
struct Page {
    data: Vec<Booking>,
}

#[derive(Deserialize)]
struct Me {
    data: calcom::model::User,
}

fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchanges");
    let bytes = std::fs::read(path.join(format!("{name}.json"))).unwrap();
    let exchange: Value = serde_json::from_slice(&bytes).unwrap();
    exchange["response"]["body"].clone()
}

fn page() -> Bytes {
    let template = &recorded("066-booking-create")["data"];
    let booking = |n| {
        let mut booking = template.clone();
        booking["uid"] = json!(format!("hRocbBzoTr66HPURF7J{n:03}"));
        booking
    };
    let data: Vec<Value> = (0..BOOKINGS).map(booking).collect();
    let pagination = json!({"totalItems": BOOKINGS, "hasNextPage": false});
    let body = json!({"status": "success", "data": data, "pagination": pagination});
    body.to_string().into()
}

/// A server on a thread of its own, which gives out ready bytes with the headers that the policies read.
fn serve(page: Bytes) -> String {
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-ratelimit-limit-default", "100000000"),
        ("x-ratelimit-remaining-default", "99999999"),
        ("x-ratelimit-reset-default", "60"),
    ];
    let me = Bytes::from(recorded("011-me").to_string());
    let slots = Bytes::from(recorded("037-slots-range").to_string());
    let answer = move |body: Bytes| get(move || std::future::ready((headers, body.clone())));
    let router = Router::new()
        .route("/v2/bookings", answer(page))
        .route("/v2/me", answer(me))
        .route("/v2/slots", answer(slots));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}/v2", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    base
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

struct Sides {
    base: String,
    body: Bytes,
    client: Client,
    without_policies: Client,
    bare: reqwest::Client,
    bare_cache: Cache<SlotQuery, Arc<SlotsByDay>>,
    runtime: Runtime,
}

impl Sides {
    fn new() -> Self {
        let body = page();
        let base = serve(body.clone());
        let builder = || Client::builder(KEY).base_url(&base);
        let plenty = RatePolicy::default().with_requests_per_minute(u32::MAX);
        Self {
            client: builder().rate(plenty).build().unwrap(),
            without_policies: builder()
                .breaker(None)
                .rate(None)
                .retry(RetryPolicy::none())
                .build()
                .unwrap(),
            bare: reqwest::Client::new(),
            bare_cache: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(300))
                .build(),
            runtime: runtime(),
            base,
            body,
        }
    }

    async fn page_by_client(&self) -> usize {
        let query = BookingQuery::default().with_take(BOOKINGS);
        let page = self.client.bookings().list(&query).await.unwrap();
        page.items.len()
    }

    async fn page_by_reqwest(&self) -> usize {
        let url = format!("{}/bookings?take={BOOKINGS}", self.base);
        let request = self.bare.get(url).header("cal-api-version", "2024-08-13");
        let answer = request.bearer_auth(KEY).send().await.unwrap();
        let bytes = answer.error_for_status().unwrap().bytes().await.unwrap();
        let page: Page = serde_json::from_slice(&bytes).unwrap();
        page.data.len()
    }

    async fn me_by_reqwest(&self) -> i64 {
        let request = self.bare.get(format!("{}/me", self.base)).bearer_auth(KEY);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        let me: Me = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        me.data.id.get()
    }

    /// So many calls at once; how long until the last is answered.
    fn time<F: Future<Output = usize>>(&self, calls: usize, call: impl Fn() -> F) -> Duration {
        let began = Instant::now();
        let sizes = self.runtime.block_on(join_all((0..calls).map(|_| call())));
        let took = began.elapsed();
        assert!(sizes.iter().all(|size| *size == BOOKINGS as usize));
        took
    }

    fn time_me(&self, client: &Client) -> Duration {
        let began = Instant::now();
        let me = self.runtime.block_on(client.me().get()).unwrap();
        black_box(me);
        began.elapsed()
    }

    fn hits_by_client(&self, query: &SlotQuery) -> Duration {
        let availability = self.client.availability();
        self.runtime.block_on(async {
            availability.slots(query).await.unwrap();
            let began = Instant::now();
            for _ in 0..HITS {
                black_box(availability.slots(black_box(query)).await.unwrap());
            }
            began.elapsed()
        })
    }

    fn hits_by_moka(&self, query: &SlotQuery) -> Duration {
        self.runtime.block_on(async {
            let slots = async { Arc::default() };
            self.bare_cache.get_with(query.clone(), slots).await;
            let began = Instant::now();
            for _ in 0..HITS {
                black_box(self.bare_cache.get(black_box(query)).await.unwrap());
            }
            began.elapsed()
        })
    }

    fn typed(&self) -> Duration {
        let answer = http::Response::new(self.body.clone());
        time_reads(|| {
            decode::<Vec<Booking>>("bookings.list", black_box(&answer), DateTime::UNIX_EPOCH)
        })
    }

    fn untyped(&self) -> Duration {
        time_reads(|| serde_json::from_slice::<Value>(black_box(&self.body)))
    }
}

/// What one of several reads takes, the result's release included.
fn time_reads<T, E: std::fmt::Debug>(read: impl Fn() -> Result<T, E>) -> Duration {
    let began = Instant::now();
    for _ in 0..READS {
        black_box(read().unwrap());
    }
    began.elapsed() / READS
}

fn slot_query() -> SlotQuery {
    let at = |text: &str| text.parse().unwrap();
    let (from, to) = (at("2099-12-07T00:00:00Z"), at("2099-12-08T00:00:00Z"));
    SlotQuery::new(EventTypeId::new(2), from, to).with_time_zone("Europe/Berlin")
}

fn ratios(sides: &Sides, samples: usize) {
    print_heading("ours", "theirs");
    for (calls, samples) in [(1, samples), (MANY, samples / 20)] {
        let blocks = compare(
            samples,
            || sides.time(calls, || sides.page_by_client()),
            || sides.time(calls, || sides.page_by_reqwest()),
        );
        let name = format!("page of {BOOKINGS}, {calls} at once: client / reqwest");
        print_ratio(&name, 0.90, &blocks);
    }
    let blocks = compare(samples / 5, || sides.typed(), || sides.untyped());
    print_ratio("reading the page: typed / serde_json::Value", 0.50, &blocks);

    let query = slot_query();
    let blocks = compare(
        samples / 4,
        || sides.hits_by_client(&query),
        || sides.hits_by_moka(&query),
    );
    print_ratio("1000 cache hits: availability / moka get", 1.5, &blocks);

    let blocks = compare(
        10 * samples,
        || sides.time_me(&sides.client),
        || sides.time_me(&sides.without_policies),
    );
    let cost = blocks
        .iter()
        .map(|(with, without)| micros(*with) - micros(*without));
    let [least, cost, most] = spread(cost);
    let met = if cost < 1.0 { "met" } else { "MISSED" };
    println!(
        "all policies on a call that succeeds: {cost:.2} us ({least:.2} to {most:.2})   < 1 us {met}"
    );
}

fn time_each(criterion: &mut Criterion, sides: &Sides) {
    let run = &sides.runtime;
    let mut pages = criterion.benchmark_group("page");
    for calls in [1, MANY] {
        pages.throughput(Throughput::Elements(calls as u64));
        pages.bench_function(format!("client/{calls}"), |b| {
            b.iter(|| run.block_on(join_all((0..calls).map(|_| sides.page_by_client()))));
        });
        pages.bench_function(format!("reqwest/{calls}"), |b| {
            b.iter(|| run.block_on(join_all((0..calls).map(|_| sides.page_by_reqwest()))));
        });
    }
    pages.finish();

    let mut reading = criterion.benchmark_group("reading");
    reading.throughput(Throughput::Bytes(sides.body.len() as u64));
    reading.bench_function("typed", |b| {
        b.iter_custom(|n| (0..n).map(|_| sides.typed()).sum());
    });
    reading.bench_function("value", |b| {
        b.iter_custom(|n| (0..n).map(|_| sides.untyped()).sum());
    });
    reading.finish();

    let mut call = criterion.benchmark_group("small call");
    call.bench_function("policies", |b| {
        b.iter(|| run.block_on(sides.client.me().get()));
    });
    call.bench_function("no policies", |b| {
        b.iter(|| run.block_on(sides.without_policies.me().get()));
    });
    call.bench_function("reqwest", |b| {
        b.iter(|| run.block_on(sides.me_by_reqwest()));
    });
    call.finish();
}

fn main() {
    let sides = Sides::new();
    let is_test = std::env::args().any(|argument| argument == "--test");
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    time_each(&mut criterion, &sides);
    criterion.final_summary();
    ratios(&sides, if is_test { 40 } else { 2000 });
}
