//! The operator's commands of `calcom-sync`: what they print, how they exit, and what they do at Cal.com and
//! in the database. Each runs the real program against a FakeCalcom and a SQLite file, while a worker in
//! the test does the work, as `calcom-sync serve` would on another machine.

#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod agents;
mod booking;
mod day;
mod interrupted;
mod places;
mod told;
mod upkeep;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use calcom::ExposeSecret;
use calcom::ambient::{Clock, SystemClock};
use calcom::client::Client;
use calcom::model::{BookingUid, EventTypeId, NewAttendee, NewBooking, NewWebhook};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, Origin, Person, ReviewFilter, ReviewReason, ServiceDetails, ServiceWrite,
    TenantId,
};
use calcom::sync::{
    Engine, Operations, StaticTenants, SyncConfig, SyncState, Tenant, Worker, WorkerConfig,
};
use calcom::testing::{FakeCalcom, FakeEventType, Fault, ManualClock, Operation, Then, When};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const SECRET: &str = "whsec_that_nobody_may_read_0123456789";
const KEY_SECRET: &str = "sync_key_that_nobody_may_read_0123456789";
const WRONG_KEY: &str = "cal_wrong_key_that_nobody_may_read";
/// The longest that one command may take.
const AT_MOST: Duration = Duration::from_secs(60);

/// A Tuesday far ahead, so that every slot is free.
fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    format!("2099-12-08T{hour:02}:{minute:02}:00Z")
        .parse()
        .unwrap()
}

/// What a run of the program printed, and how it ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The id in the first row of a table.
    fn first_id(&self) -> String {
        let row = self.out.lines().nth(1).unwrap();
        row.split(' ').next().unwrap().to_owned()
    }

    #[track_caller]
    fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let (out, err) = (&self.out, &self.err);
        assert!(out.contains(text), "{text:?} is not in\n{out}\n{err}");
        self
    }

    #[track_caller]
    fn says_not(self, text: &str) -> Self {
        let out = &self.out;
        assert!(!out.contains(text), "{text:?} is in\n{out}");
        self
    }

    #[track_caller]
    fn tells(self, text: &str) -> Self {
        let err = &self.err;
        assert!(
            err.contains(text),
            "{text:?} is not in\n{err}\n{}",
            self.out
        );
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        let mut lines = self.out.lines();
        let line = lines.next().unwrap_or_default();
        assert_eq!(lines.next(), None, "more than one document: {}", self.out);
        let document: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        keys_are_snake_case(&document);
        document
    }
}

#[track_caller]
fn keys_are_snake_case(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(key.chars().all(is_word), "{key}");
                keys_are_snake_case(value);
            }
        }
        Value::Array(values) => values.iter().for_each(keys_are_snake_case),
        _ => {}
    }
}

/// A worker that runs beside the commands.
struct Working {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Working {
    async fn stop(self) {
        let _ = self.stop.send(());
        self.running.await.unwrap();
    }
}

struct World {
    fake: FakeCalcom,
    clock: ManualClock,
    store: Arc<SqliteStore>,
    engine: Arc<Engine>,
    tenant: TenantId,
    dir: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    serving: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn quick() -> SyncConfig {
    let mut config = SyncConfig::default();
    config.retry_delays = [10, 10, 10].map(Duration::from_millis).to_vec();
    config.claim_delays = [10, 50, 200].map(Duration::from_millis).to_vec();
    config
}

fn engine_with(store: &Arc<SqliteStore>, fake: &FakeCalcom, key: &str, url: &str) -> Engine {
    let client = Client::builder(key.to_owned()).base_url(fake.base_url().as_str());
    let client = Arc::new(client.build().unwrap());
    let tenant = Tenant::new("salon".into(), client.clone())
        .with_event_type(fake.event_type_id())
        .with_webhook_secret(SECRET)
        .with_subscription(client, url);
    let tenants = Arc::new(StaticTenants::new([tenant]));
    Engine::builder(store.clone(), store.clone(), tenants)
        .config(quick())
        .sync_key_secret(KEY_SECRET)
        .build()
}

impl World {
    /// Webhooks go to a server in this process, subscribed if asked for.
    async fn new(is_subscribed: bool) -> Self {
        // What was written an hour ago is not too recent to be compared.
        let clock = ManualClock::at(SystemClock.now() - TimeDelta::hours(1));
        let fake = FakeCalcom::builder()
            .clock(clock.shared())
            .slots_cache(Duration::ZERO)
            .event_type(FakeEventType::new("cut", 30).with_title("Haircut"))
            .start()
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sync.sqlite");
        let store = Arc::new(SqliteStore::open(&path).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{public}/webhooks/calcom/salon");
        let key = fake.api_key();
        let engine = Arc::new(engine_with(&store, &fake, key.expose_secret(), &url));
        let router = calcom::server::webhooks(engine.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        if is_subscribed {
            fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
        }
        let environment = [
            ("CALCOM_TENANT", "salon".to_owned()),
            ("CALCOM_API_KEY", key.expose_secret().to_owned()),
            ("CALCOM_BASE_URL", fake.base_url().to_string()),
            ("CALCOM_APP_URL", "https://cal.example.org".to_owned()),
            ("CALCOM_WEBHOOK_SECRET", SECRET.to_owned()),
            ("CALCOM_EVENT_TYPE_IDS", fake.event_type_id().to_string()),
            ("SYNC_KEY_SECRET", KEY_SECRET.to_owned()),
            ("CALCOM_SYNC_PUBLIC_URL", public),
            ("CALCOM_SYNC_DATABASE", path.display().to_string()),
            ("USER", "hanna".to_owned()),
            ("TZ", "UTC".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        Self {
            fake,
            clock,
            store,
            engine,
            tenant: TenantId::new("salon"),
            dir,
            environment: environment.into(),
            serving,
        }
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// Runs the program, and makes sure that it prints no secret.
    async fn run(&self, arguments: &[&str]) -> Ran {
        let ran = run_in(self.dir.path(), &self.environment, arguments).await;
        let key = self.fake.api_key();
        let retell = agents::KEY;
        for secret in [key.expose_secret(), SECRET, KEY_SECRET, WRONG_KEY, retell] {
            assert!(!ran.out.contains(secret), "{arguments:?} prints a secret");
            assert!(!ran.err.contains(secret), "{arguments:?} prints a secret");
        }
        assert!(!ran.out.contains('\x1b'), "{arguments:?} colours a file");
        ran
    }

    async fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let mut all = arguments.to_vec();
        all.push("--json");
        let ran = self.run(&all).await;
        (ran.code, ran.json())
    }

    fn work(&self) -> Working {
        self.work_with(self.engine.clone())
    }

    fn work_with(&self, engine: Arc<Engine>) -> Working {
        let mut config = WorkerConfig::default();
        config.poll_interval = Duration::from_millis(50);
        config.sweep_every = None;
        config.services_every = None;
        let worker = Worker::new(engine).with_config(config);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            worker
                .run_until(async move {
                    let _ = stopped.await;
                })
                .await;
        });
        Working { stop, running }
    }

    /// Works until nothing is due.
    async fn drain(&self) {
        Worker::new(self.engine.clone()).drain().await.unwrap();
    }

    fn event_type(&self) -> EventTypeId {
        self.fake.event_type_id()
    }

    /// Takes an appointment as the host application does, an hour ago.
    async fn appointment(&self, id: &str, start: DateTime<Utc>) -> Appointment {
        let write = self.write(start);
        let id = AppointmentId::new(id);
        self.store
            .create_appointment(&self.tenant, &id, write)
            .await
            .unwrap()
    }

    fn write(&self, start: DateTime<Utc>) -> AppointmentWrite {
        let ann = Person::new("Ann Attendee", "ann@example.com", "Europe/Berlin");
        let status = AppointmentStatus::Confirmed;
        let end = start + TimeDelta::minutes(30);
        let state = AppointmentState::new(status, start, end, self.event_type(), ann);
        AppointmentWrite::new(
            state,
            Origin::Phone,
            SystemClock.now() - TimeDelta::hours(1),
        )
    }

    /// Moves an appointment as the host application does.
    async fn move_local(&self, id: &str, start: DateTime<Utc>) {
        let id = AppointmentId::new(id);
        let before = self.store.get(&self.tenant, &id).await.unwrap().unwrap();
        let mut write = self.write(start);
        write.state.attendee = before.state.attendee.clone();
        let moved = self.store.update(&self.tenant, &id, before.revision, write);
        moved.await.unwrap();
    }

    /// Books at Cal.com, as a customer does on the web.
    async fn book_at_calcom(&self, start: DateTime<Utc>) -> BookingUid {
        let bob = NewAttendee::new("Bob", "bob@example.com", "Europe/London".into());
        let new = NewBooking::new(self.event_type(), start, bob);
        self.fake.book(new).await.unwrap().uid
    }

    async fn state(&self, id: &str) -> SyncState {
        let id = AppointmentId::new(id);
        self.engine.status(&self.tenant, &id).await.unwrap().state
    }

    async fn booking_of(&self, id: &str) -> BookingUid {
        let id = AppointmentId::new(id);
        let status = self.engine.status(&self.tenant, &id).await.unwrap();
        status.booking.unwrap()
    }

    async fn start_of(&self, id: &str) -> DateTime<Utc> {
        let id = AppointmentId::new(id);
        let found = self.store.get(&self.tenant, &id).await.unwrap().unwrap();
        found.state.start
    }

    async fn open_reviews(&self) -> Vec<ReviewReason> {
        let filter = ReviewFilter::open();
        let page = calcom::store::Page::first(100);
        let open = self.engine.reviews(&self.tenant, &filter, page);
        open.await
            .unwrap()
            .into_iter()
            .map(|item| item.reason)
            .collect()
    }

    async fn until_in_sync(&self, id: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.state(id).await != SyncState::InSync {
            assert!(Instant::now() < until, "{id}: {:?}", self.state(id).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn run_in(dir: &Path, environment: &BTreeMap<String, String>, arguments: &[&str]) -> Ran {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let ran = tokio::time::timeout(AT_MOST, command.output()).await;
    let ran = ran
        .unwrap_or_else(|_| panic!("{arguments:?} does not end"))
        .unwrap();
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8(ran.stdout).unwrap(),
        err: String::from_utf8(ran.stderr).unwrap(),
    }
}

/// The actions that `log` lists, newest first.
async fn actions(world: &World) -> Vec<(String, String)> {
    let (code, log) = world.json(&["log"]).await;
    assert_eq!(code, 0);
    let actions = log["actions"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    actions
        .map(|action| (word(&action["by"]), word(&action["action"])))
        .collect()
}

fn pair(by: &str, action: &str) -> (String, String) {
    (by.to_owned(), action.to_owned())
}
