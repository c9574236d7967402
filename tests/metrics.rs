//! Metrics: what is recorded where, under which names, and with which labels.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use calcom::ambient::Clock;
use calcom::client::{Client, RetryPolicy};
use calcom::metrics::{METRICS, MetricKind, describe};
use calcom::model::{EventTypeId, NewAttendee, NewBooking, NewWebhook};
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{
    AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin, Person,
    ReviewReason,
};
use calcom::sync::{
    Engine, Monitor, StaticTenants, SyncConfig, SyncEngine, Tenant, TurnOutcome, Worker,
};
use calcom::testing::{
    FakeCalcom, Fault, ManualClock, Operation, SeededEntropy, Then, WebhookBody, When,
};
use chrono::{DateTime, TimeDelta, Utc};

const SECRET: &str = "whsec_of_the_test";

/// A metric with its labels: `name{label=value}`.
type Series = (String, BTreeMap<String, String>);

/// Remembers everything.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    kinds: BTreeMap<String, MetricKind>,
    values: BTreeMap<Series, f64>,
    observed: BTreeMap<Series, Vec<f64>>,
    described: BTreeMap<String, (MetricKind, Option<Unit>, String)>,
}

#[derive(Debug)]
struct Cell {
    memory: Memory,
    series: Series,
}

impl Cell {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut memory = self.memory.0.lock().unwrap();
        let value = memory.values.entry(self.series.clone()).or_default();
        *value = change(*value);
    }
}

impl CounterFn for Cell {
    fn increment(&self, by: u64) {
        self.change(|value| value + by as f64);
    }

    fn absolute(&self, to: u64) {
        self.change(|_| to as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }

    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }

    fn set(&self, to: f64) {
        self.change(|_| to);
    }
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        let mut memory = self.memory.0.lock().unwrap();
        let observed = memory.observed.entry(self.series.clone());
        observed.or_default().push(value);
    }
}

impl Memory {
    fn cell(&self, key: &Key, kind: MetricKind) -> Arc<Cell> {
        let labels = key.labels();
        let labels = labels.map(|it| (it.key().to_owned(), it.value().to_owned()));
        let series = (key.name().to_owned(), labels.collect());
        let mut memory = self.0.lock().unwrap();
        let known = memory.kinds.insert(key.name().to_owned(), kind);
        assert!(known.is_none_or(|known| known == kind), "{key:?}");
        Arc::new(Cell {
            memory: self.clone(),
            series,
        })
    }

    fn describe(&self, kind: MetricKind, key: &KeyName, unit: Option<Unit>, text: &SharedString) {
        let described = (kind, unit, text.to_string());
        let mut memory = self.0.lock().unwrap();
        memory.described.insert(key.as_str().to_owned(), described);
    }

    fn value(&self, name: &str, label: Option<(&str, &str)>) -> f64 {
        let labels = label.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let series = (name.to_owned(), labels.into_iter().collect());
        let memory = self.0.lock().unwrap();
        memory.values.get(&series).copied().unwrap_or_default()
    }

    /// What a histogram has seen, of all its series.
    fn observed(&self, name: &str) -> Vec<f64> {
        let memory = self.0.lock().unwrap();
        let of_name = memory.observed.iter().filter(|((it, _), _)| it == name);
        of_name.flat_map(|(_, values)| values.clone()).collect()
    }

    /// Every series that was recorded.
    fn series(&self) -> BTreeSet<Series> {
        let memory = self.0.lock().unwrap();
        let all = memory.values.keys().chain(memory.observed.keys());
        all.cloned().collect()
    }
}

impl Recorder for Memory {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(MetricKind::Counter, &key, unit, &text);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(MetricKind::Gauge, &key, unit, &text);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(MetricKind::Histogram, &key, unit, &text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key, MetricKind::Counter))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key, MetricKind::Gauge))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key, MetricKind::Histogram))
    }
}

struct World {
    fake: FakeCalcom,
    store: InMemoryStore,
    clock: ManualClock,
    engine: Arc<Engine>,
    url: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn at(hours: i64) -> DateTime<Utc> {
    let morning: DateTime<Utc> = "2026-12-08T08:00:00Z".parse().unwrap();
    morning + TimeDelta::hours(hours)
}

fn ann() -> Person {
    Person::new("Ann Attendee", "ann@example.com", "Europe/London")
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap());
        let fake = FakeCalcom::builder().seed(3).clock(clock.shared());
        let fake = fake.start().await.unwrap();
        let store = InMemoryStore::with_clock(clock.shared());
        let delays = (Duration::from_millis(2), Duration::from_millis(5));
        let client = Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .clock(clock.shared())
            .retry(RetryPolicy::default().with_delays(delays.0, delays.1))
            .build()
            .unwrap();
        let salon = Tenant::new("salon".into(), Arc::new(client))
            .with_webhook_secret(SECRET)
            .with_event_type(fake.event_type_id())
            .with_host(fake.host_id());
        let tenants = Arc::new(StaticTenants::new([salon]));
        let books = Arc::new(store.clone());
        let mut config = SyncConfig::default();
        config.jitter_percent = 0;
        let engine = Engine::builder(books.clone(), books, tenants)
            .config(config)
            .clock(clock.shared())
            .entropy(Arc::new(SeededEntropy::new(1)));
        let engine = Arc::new(engine.build());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = WebhookConfig::default().with_requests_per_minute(None);
        config.max_body_bytes = 100_000;
        let router = webhooks_with(engine.clone(), config);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let url = format!("http://{address}/webhooks/calcom/salon");
        fake.subscribe(url.clone(), SECRET, NewWebhook::booking_triggers());
        Self {
            fake,
            store,
            clock,
            engine,
            url,
            serving,
        }
    }

    fn make(&self, id: &str, event_type: EventTypeId, start: DateTime<Utc>) {
        let end = start + TimeDelta::minutes(30);
        let status = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(status, start, end, event_type, ann());
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        let made = self
            .store
            .create_appointment(&"salon".into(), &id.into(), write);
        made.unwrap();
    }

    async fn book(&self, start: DateTime<Utc>) {
        let attendee = NewAttendee::from(&ann());
        let booking = NewBooking::new(self.fake.event_type_id(), start, attendee);
        self.fake.book(booking).await.unwrap();
    }

    async fn drain(&self) -> Vec<TurnOutcome> {
        let done = Worker::new(self.engine.clone()).drain().await.unwrap();
        done.into_iter().map(|report| report.outcome).collect()
    }

    async fn post(&self, url: &str, body: Vec<u8>, signature: &str) -> u16 {
        let request = reqwest::Client::new().post(url).body(body);
        let request = request.header(calcom::webhook::SIGNATURE_HEADER, signature);
        request.send().await.unwrap().status().as_u16()
    }
}

/// A life with everything in it. The runtime has one thread, so the recorder of this thread hears of all.
async fn live(world: &World) {
    // One change each way, the one at Cal.com is applied 3 s late.
    world.make("a", world.fake.event_type_id(), at(0));
    world.drain().await;
    world.book(at(2)).await;
    world.clock.advance(Duration::from_secs(3));
    world.drain().await;
    // A request that is repeated.
    let once = Fault::new(Operation::GetBooking, Then::status(503));
    world.fake.inject(once);
    world.book(at(4)).await;
    world.drain().await;
    // Work that is put off: Cal.com fails, and a creation is not sent again.
    let fails = Fault::new(Operation::CreateBooking, Then::status(503));
    world.fake.inject(fails);
    world.make("b", world.fake.event_type_id(), at(6));
    assert!(world.drain().await.contains(&TurnOutcome::Waiting));
    world.clock.advance(Duration::from_secs(60));
    world.drain().await;
    // What goes to review: an event type that is not the tenant's.
    world.make("c", EventTypeId::new(987_654_321), at(8));
    assert!(world.drain().await.contains(&TurnOutcome::InReview));
    // What no webhook told of.
    let lost = Fault::new(When::Any, Then::LoseWebhook);
    world.fake.inject(lost);
    world.book(at(10)).await;
    world.clock.advance(Duration::from_secs(600));
    let swept = world.engine.sweep(&"salon".into(), Duration::ZERO).await;
    swept.unwrap().unwrap();
    world.drain().await;
    // Webhooks that are not taken in.
    let body = WebhookBody::created("one", at(0)).to_bytes();
    assert_eq!(world.post(&world.url, body.clone(), "00").await, 401);
    let nobody = world.url.replace("salon", "nobody-at-all");
    assert_eq!(world.post(&nobody, body, "00").await, 401);
    assert_eq!(world.post(&world.url, vec![b'x'; 100_001], "00").await, 413);
    // A queue, which a monitor sees.
    world.make("d", world.fake.event_type_id(), at(12));
    world.clock.advance(Duration::from_secs(90));
    Monitor::new(world.engine.clone()).refresh().await;
}

#[tokio::test]
async fn what_happens_is_recorded_under_the_names_that_are_declared() {
    let memory = Memory::default();
    let _recording = ::metrics::set_default_local_recorder(&memory);
    let world = World::new().await;
    live(&world).await;

    let value = |name, label, word| memory.value(name, Some((label, word)));
    let webhooks = |outcome| value("calcom_webhooks_total", "outcome", outcome);
    assert_eq!(webhooks("stored"), 4.0);
    assert_eq!(
        (webhooks("unverified"), webhooks("unknown_tenant")),
        (1.0, 1.0)
    );
    assert_eq!((webhooks("too_large"), webhooks("unavailable")), (1.0, 0.0));
    let lags = memory.observed("calcom_webhook_lag_seconds");
    // The two bookings that were made at Cal.com and told of; what we wrote ourselves is an echo.
    assert_eq!(lags.len(), 2, "{lags:?}");
    assert!((3.0..8.0).contains(&lags[0]) && lags[1] < 5.0, "{lags:?}");
    assert_eq!(memory.value("calcom_found_by_sweep_total", None), 1.0);
    let turns = |outcome| value("calcom_turns_total", "outcome", outcome);
    assert!(turns("settled") >= 5.0);
    assert_eq!(
        (turns("waiting"), turns("in_review"), turns("error")),
        (1.0, 1.0, 0.0)
    );
    // One was sent in vain.
    assert_eq!(value("calcom_writes_total", "plan", "create"), 3.0);
    assert_eq!(value("calcom_retries_total", "layer", "client"), 1.0);
    assert_eq!(value("calcom_retries_total", "layer", "engine"), 1.0);
    let requests = memory.observed("calcom_api_request_duration_seconds");
    assert_eq!(requests.len(), world.fake.requests().len());
    assert!(requests.iter().all(|took| (0.0..30.0).contains(took)));

    // What a monitor sets.
    let depth = |class| value("calcom_queue_depth", "class", class);
    assert_eq!((depth("small"), depth("large")), (1.0, 0.0));
    let age = |class| value("calcom_queue_age_seconds", "class", class);
    assert_eq!((age("small"), age("large")), (90.0, 0.0));
    let open = |reason| value("calcom_reviews_open", "reason", reason);
    assert_eq!(
        (open("foreign_event_type"), open("conflict"), open("other")),
        (1.0, 0.0, 0.0)
    );
    let checks = |check| value("calcom_health_status", "check", check);
    assert_eq!((checks("workers"), checks("storage")), (1.0, 0.0));
    assert!(memory.value("calcom_api_rate_limit_remaining", None) > 1_000.0);
    assert_eq!(memory.value("calcom_circuit_open", None), 0.0);
    assert_eq!(memory.value("calcom_tenants_paused", None), 0.0);
    assert_eq!(memory.value("calcom_monitor_looks_total", None), 1.0);

    // All that is declared was recorded, and nothing else, with the kinds and labels declared.
    let recorded: BTreeSet<String> = memory.series().into_iter().map(|(name, _)| name).collect();
    let declared: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.into()).collect();
    assert_eq!(recorded, declared);
    let kinds = memory.0.lock().unwrap().kinds.clone();
    for metric in METRICS {
        assert_eq!(kinds[metric.name], metric.kind, "{}", metric.name);
        let all = memory.series();
        for (_, labels) in all.iter().filter(|(name, _)| name == metric.name) {
            let names: Vec<&str> = labels.keys().map(String::as_str).collect();
            assert_eq!(names, metric.labels, "{}", metric.name);
        }
    }

    // The values of labels are words of the crate's own, and few.
    let word = |text: &str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
        text.len() < 40 && !text.is_empty() && text.chars().all(is_plain)
    };
    let from_outside = ["salon", "nobody", "ann", "example", "http", "987"];
    let series = memory.series();
    for (name, labels) in &series {
        for value in labels.values() {
            assert!(word(value), "{name}: {value:?}");
            let told = from_outside.iter().find(|text| value.contains(**text));
            // `cancel` and the like are words of Cal.com's.
            assert_eq!(told, None, "{name}: {value:?}");
        }
    }
    assert!(series.len() < 80, "{}", series.len());
}

/// Reasons and kinds that this version does not know come from the store.
#[tokio::test]
async fn a_reason_that_is_not_known_is_no_label() {
    let memory = Memory::default();
    let _recording = ::metrics::set_default_local_recorder(&memory);
    let world = World::new().await;
    world.make("c", EventTypeId::new(987_654_321), at(8));
    world.drain().await;
    let monitor = Monitor::new(world.engine.clone());
    monitor.refresh().await;
    let reasons = || {
        let series = memory.series().into_iter();
        let reasons = series.filter(|(name, _)| name == "calcom_reviews_open");
        let reasons = reasons.map(|(_, labels)| labels["reason"].clone());
        reasons.collect::<BTreeSet<_>>()
    };
    let mut known: BTreeSet<String> = ReviewReason::KNOWN
        .iter()
        .map(|reason| reason.as_str().to_owned())
        .collect();
    known.insert("other".to_owned());
    assert_eq!(reasons(), known);
    // What is resolved goes back to zero.
    let reason = Some(("reason", "foreign_event_type"));
    assert_eq!(memory.value("calcom_reviews_open", reason), 1.0);
    let page = calcom::store::Page::first(9);
    let (salon, dismiss) = ("salon".into(), calcom::store::Resolution::Dismiss);
    let items = world.engine.open_reviews(&salon, page).await.unwrap();
    let resolved = world.engine.resolve(&salon, items[0].id, dismiss, "eve");
    resolved.await.unwrap();
    monitor.refresh().await;
    assert_eq!(memory.value("calcom_reviews_open", reason), 0.0);
}

#[test]
fn everything_is_described() {
    let memory = Memory::default();
    ::metrics::with_local_recorder(&memory, describe);
    let described = memory.0.lock().unwrap().described.clone();
    assert_eq!(described.len(), METRICS.len());
    for metric in METRICS {
        let (kind, unit, text) = &described[metric.name];
        assert_eq!(*kind, metric.kind);
        assert!(text.ends_with('.') && text == metric.description);
        assert!(metric.name.starts_with("calcom_"));
        // Prometheus' conventions.
        let is_total = metric.name.ends_with("_total");
        assert_eq!(is_total, *kind == MetricKind::Counter, "{}", metric.name);
        let in_seconds = metric.name.ends_with("_seconds");
        assert_eq!(in_seconds, *unit == Some(Unit::Seconds), "{}", metric.name);
        if *kind == MetricKind::Histogram {
            assert!(in_seconds);
        }
    }
    assert!(calcom::metrics::BUCKETS.is_sorted());
}

/// The names of metrics in a text, without what Prometheus appends for a histogram.
fn names_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !is_part(c));
    let names = words.filter(|word| word.starts_with("calcom_"));
    let histogram = |name: &str| {
        let of_name = METRICS.iter().find(|metric| metric.name == name);
        of_name.is_some_and(|metric| metric.kind == MetricKind::Histogram)
    };
    let bare = |word: &str| {
        let suffixes = ["_bucket", "_sum", "_count"];
        let bare = suffixes.iter().find_map(|suffix| word.strip_suffix(suffix));
        bare.filter(|name| histogram(name))
            .unwrap_or(word)
            .to_owned()
    };
    names.map(bare).collect()
}

#[test]
fn the_dashboard_and_the_alerts_use_what_is_declared_and_all_of_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/grafana");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let declared: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.into()).collect();
    let shown = names_in(&dashboard.to_string());
    assert_eq!(shown, declared);
    let alerted = names_in(&read("alerts.yaml"));
    let unknown: Vec<_> = alerted.difference(&declared).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(alerted, declared, "an alert uses each");
    // A histogram has no series of its bare name.
    for metric in METRICS {
        if metric.kind == MetricKind::Histogram {
            for text in [dashboard.to_string(), read("alerts.yaml")] {
                let bare = |end| text.contains(&format!("{}{end}", metric.name));
                assert!(!bare("{") && !bare("["), "{}", metric.name);
            }
        }
    }
}

/// The table in the module's documentation.
#[test]
fn the_documentation_names_what_is_declared() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics/mod.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let rows: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .collect();
    assert_eq!(rows.len(), METRICS.len());
    for (row, metric) in rows.iter().zip(METRICS) {
        assert!(row.starts_with(&format!("{}` | ", metric.name)), "{row}");
        let kind = format!("{:?}", metric.kind).to_lowercase();
        assert!(row.contains(&format!("| {kind} |")), "{row}");
        for label in metric.labels {
            assert!(row.contains(&format!("`{label}`:")), "{row}: {label}");
        }
    }
}
