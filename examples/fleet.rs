//! Several worker processes on one PostgreSQL database. Changes of many tenants go to a [`FakeCalcom`] while one process after the
//! other is killed (SIGKILL) and started again.
//!
//! ```text
//! scripts/with-postgres cargo run --release --example fleet
//! scripts/with-postgres cargo run --release --example fleet -- --processes 4 --tenants 50 --changes 20000 --kill-every 3
//! ```
//!
//! Prints its progress and a summary. The exit code is 0 if every change was pushed, no slot was booked twice, no tenant waited much
//! longer than its share of the work takes, and no credential exceeded its rate limit.
//!
//! One tenant has far more changes than its rate limit lets through at once, so that it waits for the next minute a few times. Two
//! fifths of the tenants are small; they should be done long before.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use calcom::SecretString;
use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::{Client, RatePolicy};
use calcom::model::{EventTypeId, UserId};
use calcom::postgres::PostgresStore;
use calcom::store::{
    AppointmentId, AppointmentState, AppointmentStatus, AppointmentWrite, Origin, Person, TenantId,
};
use calcom::sync::{Engine, StaticTenants, SyncConfig, SyncEngine, Tenant, Worker, WorkerConfig};
use calcom::testing::{FakeCalcom, FakeEventType, RequestOutcome};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::process::{Child, Command};
use tokio::time::Instant;

type Failure = Box<dyn Error + Send + Sync>;

/// The server, as `scripts/with-postgres` names it.
const SERVER: &str = "CALCOM_TEST_POSTGRES";
/// Tells a process of the fleet what to work on, and that it is one.
const ORDERS: &str = "CALCOM_FLEET_ORDERS";

/// Requests a minute that FakeCalcom allows each credential.
const RATE_LIMIT: u32 = 2_000;
/// How long the claims of a killed process last.
const LEASE: Duration = Duration::from_secs(6);
const CONCURRENCY: usize = 8;
const APPOINTMENT_MINUTES: u32 = 15;
/// When an unfinished run is given up.
const DEADLINE: Duration = Duration::from_secs(30 * 60);
/// How many times its fair share of the time a small tenant may take.
const MOST_SHARES: f64 = 3.0;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let url = std::env::var(SERVER)
        .map_err(|_| format!("{SERVER} is not set; scripts/with-postgres sets it"))?;
    if let Ok(orders) = std::env::var(ORDERS) {
        work(&url, serde_json::from_str(&orders)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options {
        processes: argument("--processes", 4)?.max(1),
        tenants: argument("--tenants", 50)?.max(2),
        changes: argument("--changes", 20_000)?,
        kill_every: Duration::from_secs(argument("--kill-every", 3)?.max(1).into()),
    };
    let run = Run::prepare(&url, &options).await?;
    let summary = run.watch(&options).await?;
    run.clean_up().await?;
    println!("{summary}");
    Ok(if summary.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Options {
    processes: u32,
    tenants: u32,
    changes: u32,
    kill_every: Duration,
}

/// The number that follows `name` on the command line, or the usual one.
fn argument(name: &str, usual: u32) -> Result<u32, Failure> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    if arguments.next().is_none() {
        return Ok(usual);
    }
    let number = arguments
        .next()
        .ok_or_else(|| format!("{name} needs a number"))?;
    Ok(number
        .parse()
        .map_err(|error| format!("{name} {number}: {error}"))?)
}

// -- a process of the fleet --------------------------------------------------------------------------------------------------

#[derive(Serialize, Deserialize)]
struct Orders {
    schema: String,
    base_url: String,
    tenants: Vec<Account>,
}

/// A tenant and what it has at FakeCalcom.
#[derive(Serialize, Deserialize)]
struct Account {
    name: String,
    key: String,
    user: i64,
    event_type: i64,
}

/// Works until it is killed.
async fn work(url: &str, orders: Orders) -> Result<(), Failure> {
    let builder = PostgresStore::builder().schema(orders.schema);
    let store = Arc::new(builder.connect(url).await?);
    let mut tenants = Vec::new();
    for account in orders.tenants {
        // No waiting for the budget within a call: the engine defers the turn instead, and the lane is free for other tenants.
        let rate = RatePolicy::default()
            .with_requests_per_minute(RATE_LIMIT)
            .with_max_wait(Duration::ZERO);
        let client = Client::builder(SecretString::from(account.key))
            .base_url(orders.base_url.as_str())
            .rate(rate)
            .shared_budget(store.clone())
            .build()?;
        let tenant = Tenant::new(TenantId::new(account.name), Arc::new(client))
            .with_event_type(EventTypeId::new(account.event_type))
            .with_host(UserId::new(account.user));
        tenants.push(tenant);
    }
    let mut config = SyncConfig::default();
    config.lease = LEASE;
    config.call_timeout = LEASE / 3;
    let tenants = Arc::new(StaticTenants::new(tenants));
    let engine = Engine::builder(store.clone(), store.clone(), tenants);
    let engine = Arc::new(engine.config(config).build());
    let mut config = WorkerConfig::default();
    config.concurrency = CONCURRENCY;
    config.sweep_every = None;
    config.services_every = None;
    let worker = Worker::new(engine.clone()).with_config(config);
    tokio::spawn(async move { store.wake_on_change(|| engine.nudge()).await });
    worker.run_until(std::future::pending()).await;
    Ok(())
}

fn start(orders: &str) -> Result<Child, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .env(ORDERS, orders)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

// -- the one that watches ----------------------------------------------------------------------------------------------------

/// What a run works with.
struct Run {
    store: PostgresStore,
    schema: String,
    /// For looking into the store's tables.
    tables: PgPool,
    fake: FakeCalcom,
    orders: Orders,
    /// How many changes each tenant has, the small tenants first.
    shares: BTreeMap<String, u32>,
    small: usize,
}

impl Run {
    /// Makes the tenants and records all changes.
    async fn prepare(url: &str, options: &Options) -> Result<Self, Failure> {
        let schema = format!("fleet_{:x}", SystemEntropy.next_u64());
        let store = PostgresStore::builder()
            .schema(&schema)
            .connect(url)
            .await?;
        let tables: PgConnectOptions = url.parse()?;
        let tables = PgPool::connect_with(tables.options([("search_path", &schema)])).await?;
        let fake = FakeCalcom::builder().rate_limit(RATE_LIMIT).start().await?;

        println!(
            "recording {} changes of {} tenants",
            options.changes, options.tenants
        );
        let small = options.tenants as usize * 2 / 5;
        let mut shares = BTreeMap::new();
        let mut tenants = Vec::new();
        for ((number, event_type), share) in (0_u32..).zip(1_000_i64..).zip(shares_of(options)) {
            let name = format!("tenant-{number:05}");
            let user = fake.add_user(name.as_str());
            let visit = FakeEventType::new(name.as_str(), APPOINTMENT_MINUTES)
                .with_id(event_type)
                .with_owner(user.id)
                .with_slot_interval(APPOINTMENT_MINUTES)
                .with_hours(0..24);
            fake.add_event_type(visit);
            let account = Account {
                name: name.clone(),
                key: user.api_key.expose_secret().to_owned(),
                user: user.id.get(),
                event_type,
            };
            record(&store, &account, share).await?;
            tenants.push(account);
            shares.insert(name, share);
        }
        let orders = Orders {
            schema: schema.clone(),
            base_url: fake.base_url().to_string(),
            tenants,
        };
        Ok(Self {
            store,
            schema,
            tables,
            fake,
            orders,
            shares,
            small,
        })
    }

    /// Lets the fleet work, and kills, until all is done.
    async fn watch(&self, options: &Options) -> Result<Summary, Failure> {
        let orders = serde_json::to_string(&self.orders)?;
        let begun = Instant::now();
        let mut processes = Vec::new();
        for _ in 0..options.processes {
            processes.push(start(&orders)?);
        }
        let mut kills = 0;
        let (mut next_kill, mut next_line) = (begun + options.kill_every, begun);
        // After how long the last small tenant was done, and how many changes of all tenants were by then.
        let mut small_done = None;
        loop {
            let done = self.done().await?;
            let total: i64 = done.values().sum();
            let is_done =
                |name| done.get(name).copied() == self.shares.get(name).map(|of| (*of).into());
            if small_done.is_none() && self.shares.keys().take(self.small).all(is_done) {
                small_done = Some((begun.elapsed(), total));
            }
            if self.shares.keys().all(is_done) || begun.elapsed() > DEADLINE {
                break;
            }
            if next_line <= Instant::now() {
                let seconds = begun.elapsed().as_secs();
                println!("{seconds:4} s: {total} done, {kills} killed");
                next_line += Duration::from_secs(10);
            }
            if next_kill <= Instant::now() {
                let victim = kills % processes.len();
                processes[victim].kill().await?;
                processes[victim] = start(&orders)?;
                kills += 1;
                next_kill += options.kill_every;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let took = begun.elapsed();
        for process in &mut processes {
            process.kill().await?;
        }
        self.summary(took, kills, small_done).await
    }

    /// How many changes of each tenant have ended.
    async fn done(&self) -> Result<BTreeMap<String, i64>, Failure> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT tenant, count(*) FROM notices WHERE kind = 'change' AND fate IS NOT NULL GROUP BY tenant",
        )
        .fetch_all(&self.tables)
        .await?;
        Ok(rows.into_iter().collect())
    }

    async fn summary(
        &self,
        took: Duration,
        kills: usize,
        small_done: Option<(Duration, i64)>,
    ) -> Result<Summary, Failure> {
        let fates: Vec<(String, i64)> = sqlx::query_as(
            "SELECT COALESCE(fate, 'waiting'), count(*) FROM notices WHERE kind = 'change' GROUP BY fate ORDER BY 1",
        )
        .fetch_all(&self.tables)
        .await?;
        let reviews = "SELECT count(*) FROM reviews WHERE resolved_at IS NULL";
        let reviews = sqlx::query_scalar(reviews).fetch_one(&self.tables).await?;
        let live = self.fake.live_bookings();
        let mut slots: BTreeMap<_, u32> = BTreeMap::new();
        for booking in &live {
            let event_type = booking.event_type_id.map(EventTypeId::get);
            *slots.entry((event_type, booking.start)).or_default() += 1;
        }
        let requests = self.fake.requests();
        let refused = requests
            .iter()
            .filter(|request| request.outcome == RequestOutcome::Answered(429));
        let (waited, done_by_then) = small_done.unwrap_or((took, i64::MAX));
        Ok(Summary {
            changes: self.shares.values().map(|share| i64::from(*share)).sum(),
            live: live.len(),
            doubled: slots.values().filter(|count| **count > 1).count(),
            reviews,
            requests: requests.len(),
            refused: refused.count(),
            small: self.small,
            waited,
            fair: self.fair_share(waited, done_by_then),
            fates,
            kills,
            took,
        })
    }

    /// How long the small tenants would have taken at the same pace, if all tenants took turns: as many turns for each as a small one
    /// has changes.
    fn fair_share(&self, waited: Duration, done_by_then: i64) -> Duration {
        let of_small = self.shares.values().next().copied().unwrap_or_default();
        let turns: u32 = self.shares.values().map(|share| of_small.min(*share)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a count of changes")]
        let part = f64::from(turns) / (done_by_then.max(1) as f64);
        waited.mul_f64(part)
    }

    async fn clean_up(self) -> Result<(), Failure> {
        self.store.close().await;
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
            .execute(&self.tables)
            .await?;
        self.fake.shutdown().await;
        Ok(())
    }
}

/// How many changes each tenant has: the small ones first, then those between, then one with ten times as many as these.
fn shares_of(options: &Options) -> Vec<u32> {
    let small = options.tenants * 2 / 5;
    let of_small = (options.changes / (options.tenants * 8)).max(1);
    let rest = options.changes.saturating_sub(small * of_small);
    let between = options.tenants - small - 1;
    let of_between = rest / (between + 10);
    let mut shares = vec![of_small; small as usize];
    shares.resize((small + between) as usize, of_between);
    shares.push(rest - between * of_between);
    shares
}

/// Records a tenant's changes: new appointments, one after the other in time.
async fn record(store: &PostgresStore, account: &Account, count: u32) -> Result<(), Failure> {
    let now = SystemClock.now();
    let midnight = (now + TimeDelta::days(7))
        .date_naive()
        .and_time(chrono::NaiveTime::MIN);
    let length = TimeDelta::minutes(APPOINTMENT_MINUTES.into());
    let tenant = TenantId::new(account.name.clone());
    let mut start = midnight.and_utc();
    for number in 0..count {
        let state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + length,
            EventTypeId::new(account.event_type),
            Person::new("Ada", format!("ada-{number}@example.com"), "UTC"),
        );
        let write = AppointmentWrite::new(state, Origin::Phone, now);
        let id = AppointmentId::new(number.to_string());
        store.create_appointment(&tenant, &id, write).await?;
        start += length;
    }
    Ok(())
}

struct Summary {
    changes: i64,
    fates: Vec<(String, i64)>,
    live: usize,
    doubled: usize,
    reviews: i64,
    requests: usize,
    refused: usize,
    small: usize,
    waited: Duration,
    fair: Duration,
    kills: usize,
    took: Duration,
}

impl Summary {
    fn holds(&self) -> bool {
        let all = [("pushed".to_owned(), self.changes)];
        // In a short run, most of the wait is for the leases of processes that were killed.
        let longest = self.fair.mul_f64(MOST_SHARES).max(2 * LEASE);
        self.fates == all
            && usize::try_from(self.changes) == Ok(self.live)
            && self.doubled == 0
            && self.reviews == 0
            && self.refused == 0
            && self.waited <= longest
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fates: Vec<_> = self
            .fates
            .iter()
            .map(|(fate, n)| format!("{n} {fate}"))
            .collect();
        writeln!(
            f,
            "took {:.1} s; {} processes killed",
            self.took.as_secs_f64(),
            self.kills
        )?;
        writeln!(f, "changes: {}", fates.join(", "))?;
        writeln!(
            f,
            "live bookings: {}; slots booked twice: {}; open review items: {}",
            self.live, self.doubled, self.reviews
        )?;
        writeln!(
            f,
            "requests: {}, of which refused by a rate limit: {}",
            self.requests, self.refused
        )?;
        writeln!(
            f,
            "{} small tenants: the last was done after {:.1} s; a fair share of the work takes {:.1} s",
            self.small,
            self.waited.as_secs_f64(),
            self.fair.as_secs_f64()
        )?;
        write!(
            f,
            "{}",
            if self.holds() {
                "all of it holds"
            } else {
                "NOT all of it holds"
            }
        )
    }
}
