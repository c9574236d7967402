//! The operator's commands of `calcom-sync`: what they print, how they exit, and what they do at Cal.com and
//! in the database. Each runs the real program against a FakeCalcom and a SQLite file, while a worker in
//! the test does the work, as `calcom-sync serve` would on another machine.

#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

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
        for secret in [key.expose_secret(), SECRET, KEY_SECRET, WRONG_KEY] {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_found_understood_and_resolved() {
    let world = World::new(true).await;
    world.appointment("a 1", at(9, 0)).await;
    world.drain().await;
    let booking = world.booking_of("a 1").await;
    // Both sides move it, differently.
    world.fake.move_booking(&booking, at(11, 0)).await.unwrap();
    world.move_local("a 1", at(14, 0)).await;
    world.drain().await;

    world
        .run(&["status"])
        .await
        .is(1)
        .says("somebody has to look")
        .says("To be decided: 1 review item; see with: calcom-sync reviews list");
    let list = world.run(&["reviews", "list"]).await.is(1);
    let list = list
        .says("both sides were changed, differently")
        .says("a 1");
    let id = list
        .out
        .lines()
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    let show = show
        .says("2099-12-08 14:00:00 UTC  2099-12-08 11:00:00 UTC  <- differs")
        .says("https://cal.example.org/booking/")
        .says("take-remote (suggested): Changes the appointment to what Cal.com has.");
    let command = show.out.lines().map(str::trim);
    let command = command
        .filter(|line| line.starts_with("calcom-sync reviews resolve"))
        .find(|line| line.contains("take-remote"))
        .unwrap();
    assert_eq!(
        command,
        format!("calcom-sync reviews resolve {id} take-remote")
    );
    let (code, json) = world.json(&["reviews", "show", &id]).await;
    assert_eq!(code, 0);
    assert_eq!(
        json["evidence"]["differences"],
        serde_json::json!(["start"])
    );
    assert_eq!(json["evidence"]["local"]["start"], "2099-12-08T14:00:00Z");
    assert_eq!(json["evidence"]["remote"]["start"], "2099-12-08T11:00:00Z");
    assert_eq!(json["review"]["reason"], "conflict");

    // The command as it was printed, while nobody works.
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let mut briefly = words.clone();
    briefly.extend(["--wait", "1s", "--by", "Ann"]);
    let stored = world.run(&briefly).await.is(7);
    stored.says("is stored; a worker will carry it out; none has within 1.0 s");
    world
        .run(&words)
        .await
        .is(1)
        .tells("was resolved already by Ann (take_remote)");
    let working = world.work();
    world.until_in_sync("a 1").await;
    working.stop().await;
    assert_eq!(world.start_of("a 1").await, at(11, 0));
    world
        .run(&["reviews", "list"])
        .await
        .is(0)
        .says("Nothing needs a decision.");
    let resolved = world.run(&["reviews", "list", "--resolved"]).await.is(0);
    resolved.says("take_remote by Ann");
    world
        .run(&["status", "a 1"])
        .await
        .is(0)
        .says("Appointment 'a 1' of tenant salon: both sides agree.")
        .says("calcom-sync history 'a 1'");
    let history = world.run(&["history", "a 1"]).await.is(0);
    let history = history
        .says("A phone agent made the appointment (revision 1)")
        .says("Webhook BOOKING_RESCHEDULED about booking")
        .says("It needs a decision: both sides were changed, differently.")
        .says("Ann decided: take what Cal.com says");
    let lines = history.out.lines().filter(|line| line.starts_with("20"));
    let times: Vec<&str> = lines.map(|line| &line[..19]).collect();
    assert!(times.len() > 5 && times.is_sorted(), "{times:?}");
    let (_, json) = world.json(&["history", "a 1", "--limit", "2"]).await;
    assert_eq!(json["entries"].as_array().unwrap().len(), 2);
    assert!(json["left_out"].as_u64().unwrap() > 2);
    assert_eq!(actions(&world).await, [pair("Ann", "resolve")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_slot_is_found_understood_and_rebooked() {
    let world = World::new(true).await;
    let working = world.work();
    world.book_at_calcom(at(10, 0)).await;
    let event_type = world.event_type().to_string();
    let start = "2099-12-08T10:00:00Z";
    let book = [
        "book",
        &event_type,
        start,
        "--name",
        "Ann",
        "--email",
        "ann@example.com",
        "--wait",
        "20s",
        "--id",
        "taken",
    ];
    let booked = world.run(&book).await.is(1);
    let booked = booked.says("It is not booked at Cal.com: it needs a decision.");
    let mark = "calcom-sync reviews show ";
    let (_, id) = booked.out.split_once(mark).unwrap();
    let id = id.lines().next().unwrap().to_owned();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    let show = show
        .says("the slot is taken at Cal.com")
        .says("rebook (suggested)")
        .says("Free slots for rebook, as Cal.com has them now");
    let command = show.out.lines().map(str::trim);
    let command = command
        .filter(|line| line.starts_with("calcom-sync reviews resolve"))
        .find(|line| line.contains("rebook"))
        .unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let resolved = world.run(&words).await.is(0);
    resolved.says("the decision (rebook) was carried out.");
    world.until_in_sync("taken").await;
    working.stop().await;
    let live = world.fake.live_bookings();
    let start = world.start_of("taken").await;
    assert_ne!(start, at(10, 0));
    let ours = world.booking_of("taken").await;
    let ours = live.iter().find(|booking| booking.uid == ours).unwrap();
    assert_eq!((ours.start, live.len()), (start, 2));
    let resolve = pair("hanna", "resolve");
    assert_eq!(actions(&world).await, [resolve, pair("hanna", "book")]);
    let log = world
        .run(&["log", "--by", "hanna", "--limit", "1"])
        .await
        .is(0);
    log.says("hanna decided: rebook for 2099-12-")
        .says("There are more");
    world
        .run(&["log", "--by", "nobody"])
        .await
        .is(0)
        .says("Nobody did anything.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_found_understood_and_replaced() {
    let mut world = World::new(false).await;
    let right = world.environment["CALCOM_API_KEY"].clone();
    let url = format!(
        "{}/webhooks/calcom/salon",
        world.environment["CALCOM_SYNC_PUBLIC_URL"]
    );
    let wrong = Arc::new(engine_with(&world.store, &world.fake, WRONG_KEY, &url));
    world.set("CALCOM_API_KEY", WRONG_KEY);
    world.appointment("a-1", at(9, 0)).await;
    let working = world.work_with(wrong);
    let until = Instant::now() + Duration::from_secs(20);
    while world.open_reviews().await != [ReviewReason::CredentialsRefused] {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop().await;

    let status = world.run(&["status"]).await.is(1);
    status
        .says("the work is stopped")
        .says("calcom-sync resume");
    let (code, json) = world.json(&["status"]).await;
    assert_eq!(
        (code, &json["tenants"][0]["health"]),
        (1, &"stopped".into())
    );
    assert_eq!(json["tenants"][0]["is_paused"], true);
    let list = world
        .run(&["reviews", "list", "--reason", "credentials-refused"])
        .await
        .is(1);
    let list = list
        .says("Cal.com refuses the API key")
        .says("(the tenant)");
    let id = list
        .out
        .lines()
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    show.says("Replace the credentials first, or it is paused again.");
    // Whoever asks Cal.com is told the same.
    let warm = world.run(&["warm-up"]).await.is(3);
    warm.says("Cal.com refuses the API key")
        .says("create a key in Cal.com's settings");
    world
        .run(&["webhook", "status"])
        .await
        .is(3)
        .tells("Cal.com refuses the API key");
    world
        .run(&["reconcile"])
        .await
        .is(3)
        .tells("Cal.com refuses the API key");
    let status = world.run(&["status", "a-1"]).await.is(1);
    status
        .says("To be decided")
        .says(&format!("calcom-sync reviews show {id}"));

    world.set("CALCOM_API_KEY", right);
    let working = world.work();
    let resolved = world.run(&["reviews", "resolve", &id, "retry"]).await.is(0);
    resolved.says("the decision (retry) was carried out.");
    world.until_in_sync("a-1").await;
    working.stop().await;
    world
        .run(&["status"])
        .await
        .is(0)
        .says("everything is fine");
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_webhook_is_found_and_its_cause_repaired() {
    let world = World::new(false).await;
    world.appointment("a-1", at(9, 0)).await;
    world.appointment("a-2", at(12, 0)).await;
    world.drain().await;
    // Nothing is subscribed, so that nobody hears of it.
    let booking = world.booking_of("a-1").await;
    world.fake.move_booking(&booking, at(10, 0)).await.unwrap();
    world.drain().await;
    world
        .run(&["status", "a-1"])
        .await
        .is(0)
        .says("both sides agree");

    let status = world.run(&["webhook", "status"]).await.is(1);
    status
        .says("No subscription at Cal.com goes to our address")
        .says("calcom-sync webhook repair");
    let window = ["--from", "2099-12-01", "--until", "2099-12-31"];
    let mut check = vec!["reconcile"];
    check.extend(window);
    let found = world.run(&check).await.is(1);
    let found = found
        .says("compared 2 appointments and 3 bookings")
        .says("1  pairs differ")
        .says("differs in start")
        .says("Nothing was changed.");
    assert_eq!(world.start_of("a-1").await, at(9, 0));
    let mut commands = found.out.lines().map(str::trim);
    let command = commands.rfind(|line| line.ends_with("--repair")).unwrap();
    let (code, json) = world.json(&check).await;
    assert_eq!((code, &json["tenants"][0]["differences"]), (1, &1.into()));
    assert_eq!(json["tenants"][0]["drift"][0]["appointment"], "a-1");
    assert_eq!(json["tenants"][0]["drift"][0]["kind"], "differs");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    world
        .run(&words)
        .await
        .is(0)
        .says("Given to the workers: 1 difference.");
    world.drain().await;
    assert_eq!(world.start_of("a-1").await, at(10, 0));
    world.run(&check).await.is(0).says("No differences.");
    // The status says that a webhook was missed.
    world
        .run(&["status"])
        .await
        .is(1)
        .says("Webhooks get lost: 1 change at Cal.com was found by comparing");

    world
        .run(&["webhook", "repair", "--by", "Ann"])
        .await
        .is(0)
        .says("created subscription");
    world
        .run(&["webhook", "status"])
        .await
        .is(0)
        .says("is in order");
    let test = world.run(&["webhook", "test"]).await.is(0);
    test.says("came back through the webhook's address and was verified");
    let (code, json) = world.json(&["webhook", "test"]).await;
    assert_eq!(
        (code, &json["tenants"][0]["has_arrived"]),
        (0, &true.into())
    );
    // The next change is heard of.
    let booking = world.booking_of("a-1").await;
    world.fake.cancel_booking(&booking, "ill").await.unwrap();
    let working = world.work();
    let until = Instant::now() + Duration::from_secs(20);
    let id = AppointmentId::new("a-1");
    loop {
        let found = world.store.get(&world.tenant, &id).await.unwrap().unwrap();
        if found.state.status == AppointmentStatus::Cancelled {
            break;
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop().await;
    let done: Vec<_> = actions(&world)
        .await
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(
        done,
        [
            "test_webhook",
            "test_webhook",
            "repair_subscription",
            "check_drift",
            "repair_drift",
            "check_drift",
            "check_drift"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_refused_or_leads_nowhere_is_told() {
    let mut world = World::new(true).await;
    world.set("CALCOM_WEBHOOK_SECRET", "another_secret_of_nobody");
    let test = world.run(&["webhook", "test"]).await.is(1);
    test.says("The answer was 401")
        .says("refused the signature");
    world
        .run(&["webhook", "status"])
        .await
        .is(1)
        .says("has another secret");
    world.set("CALCOM_SYNC_PUBLIC_URL", "http://127.0.0.1:9");
    let test = world.run(&["webhook", "test"]).await.is(1);
    test.tells("nothing answers at http://127.0.0.1:9/webhooks/calcom/salon");
    world.environment.remove("CALCOM_SYNC_PUBLIC_URL");
    world
        .run(&["webhook", "status"])
        .await
        .is(2)
        .tells("set public_url");
    world.run(&["webhook", "test"]).await.is(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_found_and_repaired_and_the_brake_explains_itself() {
    let world = World::new(false).await;
    for (id, hour) in [("a-1", 9), ("a-2", 10), ("a-3", 11)] {
        world.appointment(id, at(hour, 0)).await;
    }
    world.drain().await;
    // A booking that nobody heard of, and a write that was never recorded.
    world.book_at_calcom(at(14, 0)).await;
    let window = ["--from", "2099-12-01", "--until", "2099-12-31"];
    let run = |more: &'static [&'static str]| {
        let mut all = vec!["reconcile"];
        all.extend(window);
        all.extend(more);
        all
    };
    let found = world.run(&run(&[])).await.is(1);
    found
        .says("1  bookings have no appointment here")
        .says("no appointment here");
    let (code, json) = world.json(&run(&["--repair"])).await;
    assert_eq!(
        (code, &json["tenants"][0]["given_to_workers"]),
        (0, &1.into())
    );
    world.drain().await;
    world.run(&run(&[])).await.is(0).says("No differences.");

    // All bookings end at Cal.com, untold.
    for booking in world.fake.live_bookings() {
        world
            .fake
            .cancel_booking(&booking.uid, "closed")
            .await
            .unwrap();
    }
    let braked = world.run(&run(&["--repair"])).await.is(1);
    let braked = braked
        .says("The repair was stopped before it did anything: it would cancel 3")
        .says("--repair --without-brake");
    let (code, json) = world.json(&run(&["--repair"])).await;
    assert_eq!(
        (code, &json["tenants"][0]["brake"]["would_cancel"]),
        (1, &3.into())
    );
    assert_eq!(json["tenants"][0]["given_to_workers"], 0);
    let mut commands = braked.out.lines().map(str::trim);
    let command = commands
        .rfind(|line| line.ends_with("--without-brake"))
        .unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    world
        .run(&words)
        .await
        .is(0)
        .says("Given to the workers: 3 differences.");
    world.drain().await;
    for id in ["a-1", "a-2", "a-3"] {
        let id = AppointmentId::new(id);
        let found = world.store.get(&world.tenant, &id).await.unwrap().unwrap();
        assert_eq!(found.state.status, AppointmentStatus::Cancelled, "{id}");
    }
    world.run(&run(&[])).await.is(0);
    // A window must not be empty, and no brake goes without a repair.
    let empty = ["reconcile", "--from", "2099-12-08", "--until", "2099-12-08"];
    world
        .run(&empty)
        .await
        .is(2)
        .tells("the span of time is empty");
    world.run(&run(&["--without-brake"])).await.is(2);
    world.run(&run(&["--check-only", "--repair"])).await.is(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_comparison_says_how_to_go_on() {
    let world = World::new(false).await;
    let slow = Then::DelayBefore(Duration::from_secs(30));
    world.fake.inject(Fault::new(When::Any, slow).always());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command
        .args([
            "reconcile",
            "--from",
            "2099-12-01",
            "--until",
            "2099-12-31",
            "--repair",
        ])
        .env_clear()
        .envs(&world.environment)
        .current_dir(world.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while world.fake.requests().is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    interrupt(child.id().unwrap()).await;
    let ended = tokio::time::timeout(AT_MOST, child.wait_with_output()).await;
    let ended = ended.unwrap().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(7), "{err}");
    let command =
        "calcom-sync reconcile --from 2099-12-01T00:00:00Z --until 2099-12-31T00:00:00Z --repair";
    assert!(err.contains(command), "{err}");
    assert!(err.contains("interrupted"), "{err}");
}

async fn interrupt(process: u32) {
    let mut kill = tokio::process::Command::new("kill");
    let ran = kill.args(["-INT", &process.to_string()]).status();
    assert!(ran.await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_watched_until_it_is_interrupted() {
    let world = World::new(false).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command
        .args(["status", "--watch", "--json"])
        .env_clear()
        .envs(&world.environment)
        .current_dir(world.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    let id = child.id().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    interrupt(id).await;
    let ended = tokio::time::timeout(AT_MOST, child.wait_with_output()).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let out = String::from_utf8(ended.stdout).unwrap();
    let documents = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let documents: Vec<Value> = documents.collect();
    assert!(documents.len() >= 2, "{out}");
    assert_eq!(documents[0]["tenants"][0]["health"], "fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_booked_moved_and_cancelled_without_a_worker() {
    let world = World::new(false).await;
    let event_type = world.event_type().to_string();
    let book = [
        "book",
        &event_type,
        "2099-12-08T09:00:00Z",
        "--name",
        "Ann",
        "--email",
        "ann@example.com",
        "--wait",
        "40s",
        "--json",
    ];
    // Nobody works: the command does so itself, after a while.
    let booked = world.run(&book).await.is(0).json();
    assert_eq!(
        (&booked["state"], &booked["worked_here"]),
        (&"in_sync".into(), &true.into())
    );
    let id = booked["appointment"].as_str().unwrap().to_owned();
    assert!(id.starts_with("cli-") && id.len() == 20, "{id}");
    assert_eq!(booked["end"], "2099-12-08T09:30:00Z");
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 1);
    assert_eq!(booked["booking"], live[0].uid.as_str());
    let link = format!("https://cal.example.org/booking/{}", live[0].uid);
    assert_eq!(booked["booking_url"], link);

    // Without --wait it is only recorded.
    let moved = world
        .run(&["move", &id, "2099-12-08T12:00:00Z"])
        .await
        .is(0);
    moved
        .says("is moved to 2099-12-08 12:00:00 UTC")
        .says("A worker brings it to Cal.com.");
    assert_eq!(world.fake.live_bookings()[0].start, at(9, 0));
    let working = world.work();
    world.until_in_sync(&id).await;
    assert_eq!(world.fake.live_bookings()[0].start, at(12, 0));
    let cancel = [
        "cancel", &id, "nobody", "--reason", "ill", "--wait", "20s", "--json",
    ];
    let cancelled = world.run(&cancel).await.is(6).json();
    assert_eq!(cancelled["appointments"][0]["state"], "in_sync");
    assert_eq!(cancelled["appointments"][0]["worked_here"], false);
    assert_eq!(cancelled["appointments"][1]["error"]["kind"], "not_found");
    assert!(world.fake.live_bookings().is_empty());
    working.stop().await;
    world
        .run(&["cancel", &id])
        .await
        .is(0)
        .says("had ended before");
    world
        .run(&["move", &id, "2099-12-08T12:00:00Z"])
        .await
        .is(1)
        .tells("is cancelled");
    let done: Vec<_> = actions(&world)
        .await
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(done, ["cancel", "move", "book"]);
    let search = world.run(&["status", "--search", "ANN@"]).await.is(0);
    search.says(&id).says("Ann");
    world
        .run(&["status", "--search", "nobody at all"])
        .await
        .is(6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_booked_is_refused_with_the_next_step() {
    let world = World::new(false).await;
    let event_type = world.event_type().to_string();
    let start = "2099-12-08T09:00:00Z";
    let book = |more: &[&'static str]| {
        let mut all = vec!["book", &event_type, start, "--name", "Ann"];
        all.extend(more);
        all.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    for (more, told) in [
        (vec!["--email", "nobody"], "no e-mail address"),
        (vec!["--phone", "0301234"], "country code"),
        (
            vec!["--email", "a@b.c", "--time-zone", "Mars"],
            "no such time zone",
        ),
        (
            vec!["--email", "a@b.c", "--length", "2d"],
            "between a minute and a day",
        ),
        (vec!["--email", "a@b.c", "--id", " "], "the id is empty"),
    ] {
        let all = book(&more);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        world.run(&all).await.is(2).tells(told).tells("What to do");
    }
    let past = [
        "book",
        &event_type,
        "2020-12-08",
        "--name",
        "A",
        "--email",
        "a@b.c",
    ];
    world.run(&past).await.is(2).tells("lies in the past");
    let unknown = ["book", "Shave", start, "--name", "A", "--email", "a@b.c"];
    world
        .run(&unknown)
        .await
        .is(6)
        .tells("there is no service \"Shave\"");
    let foreign = ["book", "999", start, "--name", "A", "--email", "a@b.c"];
    world
        .run(&foreign)
        .await
        .is(6)
        .tells("event type 999 is none of tenant salon's");
    world.appointment("a-1", at(9, 0)).await;
    let all = book(&["--email", "a@b.c", "--id", "a-1"]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    world
        .run(&all)
        .await
        .is(2)
        .tells("there is an appointment a-1 already");
    world
        .run(&["move", "a-9", start])
        .await
        .is(6)
        .tells("there is no appointment a-9");
    assert!(world.fake.live_bookings().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_leave_out_what_calcom_does_not_know_yet() {
    let world = World::new(false).await;
    let write = ServiceWrite::new(ServiceDetails::new("Haircut", 30), SystemClock.now())
        .with_event_type(world.event_type());
    world
        .store
        .create_service(&world.tenant, &"cut".into(), write)
        .await
        .unwrap();
    let day = ["--from", "2099-12-08", "--until", "2099-12-09"];
    let mut slots = vec!["slots", "haircut"];
    slots.extend(day);
    let (code, before) = world.json(&slots).await;
    assert_eq!(code, 0);
    let free = |json: &Value, slot: &str| {
        let slots = json["event_types"][0]["slots"].as_array().unwrap();
        slots.contains(&slot.into())
    };
    assert!(free(&before, "2099-12-08T10:00:00Z"));
    assert_eq!(before["event_types"][0]["name"], "Haircut");
    // Recorded, and not at Cal.com yet.
    world.appointment("a-1", at(10, 0)).await;
    let (_, after) = world.json(&slots).await;
    assert!(!free(&after, "2099-12-08T10:00:00Z"));
    assert!(free(&after, "2099-12-08T11:00:00Z"));
    assert_eq!(after["event_types"][0]["held_back"], 1);
    let shown = world.run(&slots).await.is(0);
    shown
        .says("Haircut (cut), 30 min; times in UTC")
        .says("Tue 2099-12-08")
        .says_not(" 10:00")
        .says("Held back: 1 slot, free at Cal.com");
    let mut berlin = slots.clone();
    berlin.extend(["--time-zone", "Asia/Tokyo"]);
    world
        .run(&berlin)
        .await
        .is(0)
        .says("times in Asia/Tokyo")
        .says("Wed 2099-12-09");
    world.run(&["slots", "--time-zone", "Mars"]).await.is(2);
    world.run(&["slots", "Shave"]).await.is(6);
    world.run(&["slots", "--until", "2020-01-01"]).await.is(2);
    // By its name, with the service's length.
    let book = [
        "book",
        "HAIRCUT",
        "2099-12-08T15:00:00Z",
        "--name",
        "A",
        "--email",
        "a@b.c",
    ];
    world
        .run(&book)
        .await
        .is(0)
        .says("2099-12-08 15:00:00 UTC, 30 min");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_checked_and_imported() {
    let world = World::new(false).await;
    let check = world.run(&["services", "check"]).await.is(1);
    check
        .says("the event type has no service")
        .says("would create the service")
        .says("Event types with a service: 0 of 1.")
        .says("calcom-sync services import");
    let page = world.store_services().await;
    assert_eq!(page, 0);
    let (code, json) = world.json(&["services", "import", "--by", "Ann"]).await;
    assert_eq!((code, &json["tenants"][0]["is_synced"]), (0, &true.into()));
    assert_eq!(json["tenants"][0]["lines"][0]["action"], "create_service");
    assert_eq!(world.store_services().await, 1);
    world
        .run(&["services", "check"])
        .await
        .is(0)
        .says("Offered services with an event type: 1 of 1.");
    world.run(&["services", "import", "--force"]).await.is(0);
    world
        .fake
        .inject(Fault::new(When::Any, Then::status(500)).always());
    world
        .run(&["services", "check"])
        .await
        .is(4)
        .tells("Cal.com cannot be reached");
    world.fake.clear_faults();
    let first = actions(&world).await.pop();
    assert_eq!(first, Some(pair("Ann", "sync_services")));
}

impl World {
    async fn store_services(&self) -> usize {
        use calcom::store::ServiceRepository;

        let page = self.store.services_page(&self.tenant, None, 10);
        page.await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_paused_and_resumed() {
    let world = World::new(false).await;
    let pause = ["pause", "--reason", "Holiday", "--by", "Ann"];
    world
        .run(&pause)
        .await
        .is(0)
        .says("Tenant salon is paused.")
        .says("calcom-sync resume");
    world.run(&["pause"]).await.is(0).says("was paused already");
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    assert!(world.fake.live_bookings().is_empty());
    world
        .run(&["status", "a-1"])
        .await
        .is(1)
        .says("the tenant's work is paused");
    let event_type = world.event_type().to_string();
    let book = [
        "book",
        &event_type,
        "2099-12-08T12:00:00Z",
        "--name",
        "A",
        "--email",
        "bob@example.com",
        "--wait",
        "10s",
    ];
    world
        .run(&book)
        .await
        .is(1)
        .says("Go on with: calcom-sync resume");
    let list = world
        .run(&["reviews", "list"])
        .await
        .is(1)
        .says("somebody has paused the work");
    let id = list
        .out
        .lines()
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    // It can only be resumed.
    let refused = world
        .run(&["reviews", "resolve", &id, "dismiss"])
        .await
        .is(2);
    refused
        .tells("cannot be resolved with dismiss")
        .tells("possible are: retry");
    let (code, json) = world.json(&["resume"]).await;
    assert_eq!((code, &json["was_paused"]), (0, &true.into()));
    let working = world.work();
    let until = Instant::now() + Duration::from_secs(20);
    while world.fake.live_bookings().len() < 2 {
        assert!(
            Instant::now() < until,
            "{}",
            world.run(&["status"]).await.out
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop().await;
    world.run(&["resume"]).await.is(0).says("was not paused");
    let done = actions(&world).await;
    let wanted = [
        pair("hanna", "resume"),
        pair("hanna", "resume"),
        pair("hanna", "book"),
        pair("Ann", "pause"),
    ];
    assert_eq!(done, wanted);
    let log = world.run(&["log", "--within", "1h"]).await.is(0);
    log.says("Ann paused the tenant: Holiday.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_and_erased_and_a_tenant_too() {
    let world = World::new(true).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.drain().await;
    let ann = ["erase", "person", "--email", "ann@example.com"];
    let mut look = ann.to_vec();
    look.push("--check-only");
    let found = world
        .run(&look)
        .await
        .is(0)
        .says("found")
        .says_not("ann@example.com");
    assert!(found.out.contains("webhook "), "{}", found.out);
    // Nobody can be asked here.
    let asked = world.run(&ann).await.is(2).tells("add --yes");
    asked.says("found");
    let mut erase = ann.to_vec();
    erase.extend(["--yes", "--json"]);
    let ran = world.run(&erase).await;
    let json = ran.json();
    let is_clear = json["is_clear"].as_bool().unwrap();
    assert_eq!(ran.code, i32::from(!is_clear));
    let outcomes = json["findings"].as_array().unwrap().iter();
    assert!(
        outcomes.clone().any(|one| one["outcome"] == "erased"),
        "{json}"
    );
    let nobody = ["erase", "person", "--phone", "+4930999999999"];
    world
        .run(&nobody)
        .await
        .is(0)
        .says("nothing of the person was found");
    world
        .run(&["erase", "person", "--phone", "12"])
        .await
        .is(2)
        .tells("too short");
    world.run(&["erase", "person"]).await.is(2);
    assert_eq!(actions(&world).await, [pair("hanna", "erase_person")]);
    let log = world.run(&["log"]).await.is(0);
    log.says_not("ann@example.com");

    world
        .run(&["erase", "tenant", "--yes"])
        .await
        .is(2)
        .tells("name it with --tenant");
    world
        .run(&["erase", "tenant", "--tenant", "salon"])
        .await
        .is(2)
        .tells("add --yes");
    let erase = ["erase", "tenant", "--tenant", "salon", "--yes"];
    world.run(&erase).await.is(0).says("appointments  1");
    let id = AppointmentId::new("a-1");
    assert_eq!(world.store.get(&world.tenant, &id).await.unwrap(), None);
    world
        .run(&["history", "a-1"])
        .await
        .is(6)
        .tells("there is no appointment a-1 of tenant salon");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_were_lost_are_rebuilt_and_old_ones_pruned() {
    let mut world = World::new(false).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.run(&["prune", "--tenant", "salon"]).await.is(2);
    world.run(&["prune"]).await.is(0).says("there are none");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (code, json) = world.json(&["prune", "--older-than", "1s"]).await;
    assert_eq!((code, &json["changes"]), (0, &1.into()));
    assert_eq!(actions(&world).await, [pair("hanna", "prune")]);

    // Another database, with the appointments only.
    let path = world.dir.path().join("new.sqlite");
    let store = SqliteStore::open(&path).await.unwrap();
    let old = world
        .store
        .get(&world.tenant, &"a-1".into())
        .await
        .unwrap()
        .unwrap();
    let write = AppointmentWrite::new(old.state, Origin::System, old.updated_at);
    store
        .create_appointment(&world.tenant, &"a-1".into(), write)
        .await
        .unwrap();
    world.set("CALCOM_SYNC_DATABASE", path.display().to_string());
    let rebuild = ["rebuild", "--from", "2099-12-01", "--until", "2099-12-31"];
    world.run(&rebuild).await.is(2).tells("add --yes");
    let mut sure = rebuild.to_vec();
    sure.push("--yes");
    let rebuilt = world.run(&sure).await.is(0);
    rebuilt
        .says("Read 1 booking and 1 appointment ")
        .says("to be paired: 1 booking and 0 appointments");
    let key = world.fake.api_key();
    let store = Arc::new(store);
    let engine = engine_with(
        &store,
        &world.fake,
        key.expose_secret(),
        "http://127.0.0.1:9",
    );
    Worker::new(Arc::new(engine)).drain().await.unwrap();
    world
        .run(&["status", "a-1"])
        .await
        .is(0)
        .says("both sides agree");
    // It was paired with its booking, and not booked again.
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(actions(&world).await, [pair("hanna", "rebuild")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn performance_and_warm_up_measure() {
    let world = World::new(true).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.drain().await;
    let report = world.run(&["performance", "--report"]).await.is(0);
    report
        .says("a round trip takes")
        .says("Webhooks of the last 24 h waited for")
        .says("Cal.com answers in")
        .says("overview of the last 24 h");
    let all = [
        "performance",
        "--report",
        "--index-stats",
        "--slow-queries",
        "--over",
        "0ms",
    ];
    let (code, json) = world.json(&all).await;
    assert_eq!(code, 0);
    assert_eq!(
        json["report"]["tenants"][0]["calcom_round_trip"]["times"],
        5
    );
    assert!(json["report"]["tenants"][0]["webhook_lag"]["count"].as_u64() >= Some(1));
    let indexes = json["indexes"]["indexes"].as_array().unwrap();
    assert!(
        indexes
            .iter()
            .any(|index| index["table"] == "calcom_notices"),
        "{json}"
    );
    assert!(indexes.iter().all(|index| index["scans"].is_null()));
    let reads = json["slow_queries"]["reads"].as_array().unwrap().len();
    assert_eq!(json["slow_queries"]["reads_measured"], reads);
    let text = world
        .run(&[
            "performance",
            "--index-stats",
            "--slow-queries",
            "--over",
            "1h",
        ])
        .await;
    text.is(0)
        .says("SQLite does not count how often an index is used")
        .says("SQLite keeps no record of its statements")
        .says("Reads of this program that took 1 h or longer just now: 0 of 9.");
    world.run(&["performance"]).await.is(2);

    let warm = world.run(&["warm-up", "--days", "3"]).await.is(0);
    warm.says("database")
        .says("account")
        .says("slots of event type")
        .says("in all");
    let (code, json) = world.json(&["warm-up"]).await;
    assert_eq!(
        (code, json["tenants"][0]["steps"].as_array().unwrap().len()),
        (0, 4)
    );
    world.fake.go_offline().await;
    world
        .run(&["warm-up"])
        .await
        .is(4)
        .says("failed:")
        .says("What to do about the account");
    let offline = world.run(&["performance", "--report"]).await.is(0);
    offline.says("Cal.com does not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tenants_are_told_apart() {
    let mut world = World::new(false).await;
    let other = world.fake.add_event_type(FakeEventType::new("color", 60));
    let key = world.fake.api_key();
    let base = world.fake.base_url();
    let settings = format!(
        "[[tenants]]\nid = \"salon\"\napi_key = \"{0}\"\nbase_url = \"{base}\"\nevent_types = [{1}]\n\
         [[tenants]]\nid = \"studio\"\napi_key = \"{0}\"\nbase_url = \"{base}\"\nevent_types = [{other}]\n",
        key.expose_secret(),
        world.event_type(),
    );
    let file = world.dir.path().join("two.toml");
    std::fs::write(&file, settings).unwrap();
    let of_tenant = |name: &String| name.starts_with("CALCOM_") && !name.starts_with("CALCOM_SYNC");
    world.environment.retain(|name, _| !of_tenant(name));
    world.set("CALCOM_SYNC_CONFIG", file.display().to_string());
    world.appointment("a-1", at(9, 0)).await;
    let studio = TenantId::new("studio");
    let (one, two) = (AppointmentId::new("a-1"), AppointmentId::new("a-2"));
    let write = world.write(at(9, 0));
    let created = world.store.create_appointment(&studio, &two, write.clone());
    created.await.unwrap();
    world
        .run(&["pause"])
        .await
        .is(2)
        .tells("several tenants are configured: salon, studio");
    world
        .run(&["pause", "--tenant", "nobody"])
        .await
        .is(6)
        .tells("use one of these: salon, studio");
    let paused = world.run(&["pause", "--tenant", "studio"]).await.is(0);
    paused.says("calcom-sync resume --tenant studio");
    let status = world.run(&["status"]).await.is(1);
    status
        .says("Tenant salon: everything is fine.")
        .says("Tenant studio: the work is stopped.");
    world
        .run(&["status", "--tenant", "salon"])
        .await
        .is(0)
        .says_not("studio");
    // An appointment and an item are found in whichever tenant has them.
    world
        .run(&["history", "a-2"])
        .await
        .is(0)
        .says("calcom-sync status a-2 --tenant studio");
    let list = world.run(&["reviews", "list"]).await.is(1).says("studio");
    let id = list
        .out
        .lines()
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    show.says(&format!(
        "calcom-sync reviews resolve {id} retry --tenant studio"
    ));
    // The oldest come first, of whichever tenant they are.
    world.run(&["pause", "--tenant", "salon"]).await.is(0);
    let (_, json) = world.json(&["reviews", "list", "--limit", "1"]).await;
    assert_eq!(json["reviews"][0]["tenant"], "studio");
    assert_eq!(json["has_more"], true);
    world.run(&["resume", "--tenant", "salon"]).await.is(0);
    world
        .run(&["reviews", "show", &id, "--tenant", "salon"])
        .await
        .is(6);
    let created = world.store.create_appointment(&studio, &one, write);
    created.await.unwrap();
    world
        .run(&["status", "a-1"])
        .await
        .is(2)
        .tells("2 tenants have an appointment a-1");
    world
        .run(&["status", "a-1", "--tenant", "salon"])
        .await
        .is(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_items_are_decided_at_once() {
    let world = World::new(true).await;
    for (id, hour) in [("a-1", 9), ("a-2", 15)] {
        world.appointment(id, at(hour, 0)).await;
        world.drain().await;
        let booking = world.booking_of(id).await;
        let to = at(hour + 1, 0);
        world.fake.move_booking(&booking, to).await.unwrap();
        world.move_local(id, at(hour + 2, 0)).await;
        world.drain().await;
    }
    let (code, list) = world
        .json(&["reviews", "list", "--reason", "conflict"])
        .await;
    assert_eq!(code, 1);
    let ids = list["reviews"].as_array().unwrap().iter();
    let ids: Vec<String> = ids.map(|item| item["id"].to_string()).collect();
    assert_eq!(ids.len(), 2);
    let (_, limited) = world.json(&["reviews", "list", "--limit", "1"]).await;
    assert_eq!(limited["reviews"].as_array().unwrap().len(), 1);
    assert_eq!(limited["has_more"], true);
    let young = ["reviews", "list", "--older-than", "1d"];
    world
        .run(&young)
        .await
        .is(0)
        .says("Nothing needs a decision.");
    let resolve = [
        "reviews",
        "resolve",
        &ids[0],
        "999",
        &ids[1],
        "accept-difference",
    ];
    let (code, json) = world.json(&resolve).await;
    assert_eq!(code, 6, "{json}");
    let progress = json["decisions"].as_array().unwrap().iter();
    let progress: Vec<&Value> = progress.map(|decision| &decision["progress"]).collect();
    assert_eq!(progress, ["stored", "failed", "stored"]);
    world.drain().await;
    for (id, hour) in [("a-1", 11), ("a-2", 17)] {
        assert_eq!(world.state(id).await, SyncState::InSync);
        assert_eq!(world.start_of(id).await, at(hour, 0));
    }
    let (code, json) = world.json(&["reviews", "show", &ids[0]]).await;
    assert_eq!(code, 0);
    assert!(json["review"]["resolved"]["outcome"].is_string(), "{json}");
    assert_eq!(json["choices"], serde_json::json!([]));
    let window = ["reconcile", "--from", "2099-12-01", "--until", "2099-12-31"];
    let accepted = world.run(&window).await.is(0);
    accepted.says("2  differ in a way that was accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_one_json_document_or_plain_text() {
    let world = World::new(true).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.drain().await;
    let event_type = world.event_type().to_string();
    let start = "2099-12-08T15:00:00Z";
    let span = ["--from", "2099-12-01", "--until", "2099-12-31"];
    let with_span =
        |words: &[&'static str]| -> Vec<&str> { words.iter().copied().chain(span).collect() };
    let commands: [Vec<&str>; 25] = [
        with_span(&["reconcile"]),
        with_span(&["reconcile", "--repair"]),
        vec!["services", "import"],
        vec!["services", "check"],
        vec!["reviews", "list"],
        vec!["reviews", "list", "--resolved"],
        vec!["history", "a-1"],
        vec!["status"],
        vec!["status", "a-1"],
        vec!["status", "--search", "a-1"],
        with_span(&["rebuild", "--yes"]),
        vec!["prune"],
        vec!["erase", "person", "--email", "bob@example.com", "--yes"],
        vec!["webhook", "repair"],
        vec!["webhook", "status"],
        vec!["webhook", "test"],
        vec!["performance", "--report", "--index-stats", "--slow-queries"],
        vec!["warm-up"],
        vec!["slots", &event_type],
        vec!["move", "a-1", start],
        vec!["cancel", "a-1"],
        vec!["pause"],
        vec!["resume"],
        vec!["log"],
        vec!["erase", "tenant", "--tenant", "salon", "--yes"],
    ];
    for command in commands {
        let text = world.run(&command).await.is(0);
        assert!(
            !text.out.is_empty() && text.err.is_empty(),
            "{command:?}: {text:?}"
        );
        assert!(!text.out.contains('{'), "{command:?}: {text:?}");
        let (code, json) = world.json(&command).await;
        assert_eq!(code, 0, "{command:?}: {json}");
        assert!(json.is_object(), "{json}");
    }
    // Colours only where they are asked for.
    let colored = ["status", "--color", "always"];
    let colored = run_in(world.dir.path(), &world.environment, &colored)
        .await
        .is(0);
    colored.says("\u{1b}[32mTenant salon: everything is fine.\u{1b}[0m");
}

/// A worker elsewhere knows nothing of what is done here, so that it has to be told from here.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_notifies_whoever_is_to_be_notified() {
    let mut world = World::new(false).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel::<String>();
    let hook = move |body: String| {
        let sender = sender.clone();
        async move { sender.send(body).unwrap() }
    };
    let router = axum::Router::new().route("/hook", axum::routing::post(hook));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    world.set("CALCOM_SYNC_NOTIFY_URL", url);
    world.run(&["pause", "--by", "Ann"]).await.is(0);
    let body = received.try_recv().unwrap();
    assert!(body.contains("tenant_paused"), "{body}");
    world.run(&["resume"]).await.is(0);
    let body = received.try_recv().unwrap();
    assert!(body.contains("tenant_resumed"), "{body}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_command_lines_name_the_settings_file() {
    let mut world = World::new(false).await;
    let settings = format!(
        "[[tenants]]\nid = \"salon\"\napi_key = \"{}\"\nbase_url = \"{}\"\nevent_types = [{}]\n",
        world.fake.api_key().expose_secret(),
        world.fake.base_url(),
        world.event_type(),
    );
    let file = world.dir.path().join("my salon.toml");
    std::fs::write(&file, settings).unwrap();
    let of_tenant = |name: &String| name.starts_with("CALCOM_") && !name.starts_with("CALCOM_SYNC");
    world.environment.retain(|name, _| !of_tenant(name));
    let paused = world
        .run(&["pause", "--config", "my salon.toml"])
        .await
        .is(0);
    paused.says("Go on with: calcom-sync resume --config 'my salon.toml'");
    // The environment names it for all commands.
    world.set("CALCOM_SYNC_CONFIG", file.display().to_string());
    let paused = world.run(&["pause"]).await.is(0);
    paused.says("Go on with: calcom-sync resume\n");
    // Without an address of the web application, there are no links to it.
    world.appointment("a-1", at(9, 0)).await;
    world.run(&["resume"]).await.is(0);
    world.drain().await;
    let (code, json) = world.json(&["status", "a-1"]).await;
    assert_eq!((code, &json["booking_url"]), (0, &Value::Null));
    assert!(json["booking"].is_string(), "{json}");
}

/// Ids as hosts may have them: with spaces, slashes, quotes, letters of all scripts, and text that takes
/// over a terminal.
#[tokio::test(flavor = "multi_thread")]
async fn ids_of_every_kind_are_taken_and_shown_harmlessly() {
    let world = World::new(false).await;
    let ids = [
        "a b",
        "a/b/../c",
        "it's",
        "$(reboot)",
        "x;y",
        "日本 ✂",
        "-x",
        "a\u{1b}[31mred",
        "a\nb",
        "%20",
        "'",
        "\"",
        "\u{202e}evil",
    ];
    for (number, id) in ids.iter().enumerate() {
        let minute = u32::try_from(number).unwrap() * 30;
        world
            .appointment(id, at(9 + minute / 60, minute % 60))
            .await;
    }
    world.drain().await;
    for id in ids {
        for command in ["status", "history"] {
            let ran = world.run(&[command, "--", id]).await.is(0);
            assert!(!ran.out.contains('\u{202e}'), "{id:?}");
            let json = world.run(&["--json", command, "--", id]).await.is(0).json();
            assert_eq!(json["appointment"], id);
        }
    }
    world
        .run(&["reviews", "list", "--appointment", "a/b/../c"])
        .await
        .is(0);
    world
        .run(&["reviews", "show", "99"])
        .await
        .is(6)
        .tells("there is no review item 99");
    world.run(&["reviews", "show", "x"]).await.is(2);
    world
        .run(&["reviews", "list", "--reason", "weather"])
        .await
        .is(2)
        .tells("slot_taken");
    world
        .run(&["reviews", "resolve", "99", "retry"])
        .await
        .is(6);
    let past = [
        "reviews",
        "resolve",
        "99",
        "rebook",
        "--start",
        "2020-01-01",
    ];
    world.run(&past).await.is(2).tells("lies in the past");
    let start = ["reviews", "resolve", "99", "retry", "--start", "2099-01-01"];
    world.run(&start).await.is(2).tells("goes with rebook only");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_settings_or_a_database_the_next_step_is_told() {
    let world = World::new(false).await;
    let dir = tempfile::tempdir().unwrap();
    let none = BTreeMap::new();
    let commands: [&[&str]; 8] = [
        &["status"],
        &["reviews", "list"],
        &["history", "a-1"],
        &["reconcile"],
        &["book", "1", "2099-01-01", "--name", "A", "--email", "a@b.c"],
        &["webhook", "test"],
        &["performance", "--report"],
        &["log"],
    ];
    for command in commands {
        let ran = run_in(dir.path(), &none, command).await.is(2);
        ran.tells("no Cal.com API key is configured")
            .tells("What to do: set CALCOM_API_KEY");
        let mut json = command.to_vec();
        json.push("--json");
        let ran = run_in(dir.path(), &none, &json).await.is(2);
        let json = ran.json();
        assert_eq!(json["error"]["kind"], "usage");
        assert!(json["error"]["next"].is_string(), "{json}");
        // Nothing was created on the way.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
    let mut environment = world.environment.clone();
    for database in [
        "/nowhere/at/all/sync.sqlite",
        "postgres://salon:hidden@127.0.0.1:9/salon",
    ] {
        environment.insert("CALCOM_SYNC_DATABASE".to_owned(), database.to_owned());
        for command in [&["status"][..], &["reviews", "list"], &["log"]] {
            let ran = run_in(dir.path(), &environment, command).await.is(5);
            let ran = ran.tells("the database cannot");
            assert!(!ran.err.contains("hidden"), "{}", ran.err);
        }
    }
    // A file that is no database.
    let file = dir.path().join("text.sqlite");
    std::fs::write(
        &file,
        "this is no database, however long it may be, and never was one at all",
    )
    .unwrap();
    environment.insert(
        "CALCOM_SYNC_DATABASE".to_owned(),
        file.display().to_string(),
    );
    run_in(dir.path(), &environment, &["status"]).await.is(5);
}

/// The database goes away while it is watched.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_disappears_is_told_and_nothing_hangs() {
    let world = World::new(false).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sync.sqlite");
    let mut environment = world.environment.clone();
    environment.insert(
        "CALCOM_SYNC_DATABASE".to_owned(),
        path.display().to_string(),
    );
    run_in(dir.path(), &environment, &["status"]).await.is(0);
    let path = dir.path().to_owned();
    drop(dir);
    assert!(!path.exists());
    let elsewhere = tempfile::tempdir().unwrap();
    for command in [
        &["status"][..],
        &["pause"],
        &["reviews", "list"],
        &["history", "a-1"],
    ] {
        let ran = run_in(elsewhere.path(), &environment, command).await.is(5);
        ran.tells("What to do");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cal_com_that_fails_is_told_and_the_command_ends() {
    let world = World::new(false).await;
    world.appointment("a-1", at(9, 0)).await;
    world.fake.go_offline().await;
    let event_type = world.event_type().to_string();
    world
        .run(&["slots", &event_type])
        .await
        .is(4)
        .tells("Cal.com cannot be reached");
    world.run(&["webhook", "status"]).await.is(4);
    let reconcile = ["reconcile", "--from", "2099-12-01", "--until", "2099-12-31"];
    world
        .run(&reconcile)
        .await
        .is(4)
        .tells("go on with `calcom-sync reconcile --from 2099-12-01");
    let rebuild = [
        "rebuild",
        "--from",
        "2099-12-01",
        "--until",
        "2099-12-31",
        "--yes",
    ];
    world
        .run(&rebuild)
        .await
        .is(4)
        .tells("go on with `calcom-sync rebuild");
    let (code, json) = world.json(&rebuild).await;
    assert_eq!((code, &json["error"]["kind"]), (4, &"unreachable".into()));
    let service = ["services", "import"];
    world.run(&service).await.is(4);
    // Everything that needs the database only works on.
    world
        .run(&["status", "a-1"])
        .await
        .is(0)
        .says("it waits for a worker");
    world.fake.come_back().await.unwrap();
    let busy = Then::too_many_requests(30);
    world
        .fake
        .inject(Fault::new(Operation::ListBookings, busy).always());
    world
        .run(&reconcile)
        .await
        .is(4)
        .tells("Cal.com allows no more requests for now");
    assert!(world.clock.now() < SystemClock.now());
}
