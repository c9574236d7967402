//! The worked example of `docs/hosts.md` against a real MariaDB, which `scripts/check-mariadb` starts:
//! its schema, its triggers, its statements, and its relay.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod adapter;
mod client;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use calcom::ambient::{Clock, SystemClock};
use calcom::model::{NewAttendee, NewBooking};
use calcom::sqlite::SqliteStore;
use calcom::store::{AppointmentRepository, AppointmentStatus, Origin, TenantId};
use calcom::testing::conformance::{AppointmentTable, Detail, check_appointments};
use calcom::testing::{FakeEventType, Harness, ManualClock};
use chrono::{DateTime, Datelike, TimeDelta, Utc};

use adapter::Salon;
use client::{APP, RELAY, SYNC, Server, text};

const STARTED_BY: &str = "needs a MariaDB server: run scripts/check-mariadb";

fn server() -> Server {
    let socket = std::env::var("CALCOM_MARIADB_SOCKET").expect(STARTED_BY);
    Server::new(socket)
}

/// A database of the name, with the schema of the guide and what it knows.
async fn database(server: &Server, name: &str, event_types: &[i64], users: &[i64]) -> Salon {
    server.create_database(name).await;
    let mut known = String::new();
    for id in event_types {
        known += &format!("INSERT INTO services (name, calcom_event_type) VALUES ('s', {id});");
    }
    for id in users {
        known += &format!("INSERT INTO stylists (name, calcom_user) VALUES ('s', {id});");
    }
    server.run(APP, name, &known).await.unwrap();
    Salon::new(server.clone(), name)
}

/// The statements of the guide keep every promise of the port.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a MariaDB server: run scripts/check-mariadb"]
async fn the_statements_keep_every_promise() {
    let server = server();
    let databases = std::sync::atomic::AtomicUsize::new(0);
    let report = check_appointments(|| async {
        let n = databases.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let salon = database(&server, &format!("suite_{n}"), &[42, 43], &[5, 6]).await;
        let salon = Arc::new(salon);
        AppointmentTable::new(salon.clone())
            .with_tenants([TenantId::new("salon")])
            .with_event_types([42, 43].map(Into::into))
            .with_staff([5, 6].map(Into::into))
            .without(Detail::Absent)
            .without(Detail::Responses)
            .without(Detail::Metadata)
            .with_host_writes(salon)
    })
    .await;
    println!("{report}");
    assert!(report.is_kept(), "{report}");
    assert_eq!(report.skipped.len(), 3, "{report}");
}

/// Next Monday at nine, in a slot of half an hour.
fn slot(n: i64) -> DateTime<Utc> {
    let now = SystemClock.now();
    let days = 7 - i64::from(now.weekday().num_days_from_monday());
    let midnight = now.timestamp() - now.timestamp().rem_euclid(24 * 60 * 60);
    let midnight = DateTime::from_timestamp(midnight, 0).unwrap();
    midnight + TimeDelta::days(days) + TimeDelta::minutes(9 * 60 + n * 30)
}

struct Morning {
    server: Server,
    salon: Salon,
    harness: Harness,
    folder: tempfile::TempDir,
}

impl Morning {
    async fn new(name: &'static str) -> Self {
        let server = server();
        let folder = tempfile::tempdir().unwrap();
        // The relay goes by the real time, so the store begins with it.
        let clock = ManualClock::at(SystemClock.now());
        let books = SqliteStore::open_with_clock(folder.path().join("books.db"), clock.shared());
        let books = Arc::new(books.await.unwrap());
        let salon = database(&server, name, &[4711], &[]).await;
        let harness = Harness::builder(Arc::new(salon.clone()))
            .clock(clock)
            .store(books)
            .event_type(FakeEventType::new("cut", 30).with_id(4711))
            .start();
        let harness = harness.await.unwrap();
        let user = harness.host().get();
        let stylist = format!("INSERT INTO stylists (name, calcom_user) VALUES ('Hanna', {user})");
        server.run(APP, name, &stylist).await.unwrap();
        Self {
            server,
            salon,
            harness,
            folder,
        }
    }

    /// The application sends a statement of its own.
    async fn app(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let answer = self.server.run(APP, &self.salon.database, sql).await;
        answer.unwrap()
    }

    async fn insert(&self, n: i64) -> String {
        let (begins, ends) = (client::instant(slot(n)), client::instant(slot(n + 1)));
        let sql = format!(
            "INSERT INTO visits (state, begins, ends, service_no, client, email, zone) \
             VALUES ('booked', {begins}, {ends}, 1, 'Cem', 'cem@example.com', 'Europe/Berlin'); SELECT LAST_INSERT_ID()"
        );
        self.app(&sql).await[0][0].clone().unwrap()
    }

    /// Runs the relay of the guide until the outbox is empty.
    async fn relay(&self) {
        let relay = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hosts/mariadb/relay.py");
        let done = tokio::process::Command::new("/usr/bin/python3")
            .arg(relay)
            .arg("--once")
            .args(["--tenant", "salon", "--user", RELAY])
            .args(["--socket", self.server.socket()])
            .args(["--database", &self.salon.database])
            .arg("--books")
            .arg(self.folder.path().join("books.db"))
            .stdin(Stdio::null())
            .output();
        let done = done.await.unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        let left = self.app("SELECT COUNT(*) FROM calcom_outbox").await;
        assert_eq!(left[0][0].as_deref(), Some("0"));
    }

    async fn settle(&self) {
        self.relay().await;
        self.harness.settle().await;
        self.relay().await;
        self.harness.settle().await;
    }

    async fn get(&self, id: &str) -> Option<calcom::store::Appointment> {
        let read = self.salon.get(self.harness.tenant(), &id.into()).await;
        read.unwrap()
    }
}

/// An application that knows nothing of Cal.com writes, and the triggers and the relay do the rest; what
/// happens at Cal.com comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a MariaDB server: run scripts/check-mariadb"]
async fn a_morning_in_both_directions() {
    let morning = Morning::new("both_directions").await;
    let harness = &morning.harness;
    let id = morning.insert(0).await;
    morning.settle().await;
    harness.assert_in_sync().await;
    assert_eq!(harness.fake().live_bookings()[0].start, slot(0));

    // An attendee moves it, and the application moves it again, naming no origin.
    let booking = harness.fake().live_bookings().remove(0);
    let moved = harness.fake().move_booking(&booking.uid, slot(4)).await;
    moved.unwrap();
    morning.settle().await;
    let visit = morning.get(&id).await.unwrap();
    assert_eq!((visit.state.start, visit.origin), (slot(4), Origin::Calcom));
    let (begins, ends) = (client::instant(slot(6)), client::instant(slot(7)));
    let sql = format!("UPDATE visits SET begins = {begins}, ends = {ends} WHERE visit_no = {id}");
    morning.app(&sql).await;
    assert_eq!(morning.get(&id).await.unwrap().origin, Origin::from("app"));
    morning.settle().await;
    harness.assert_in_sync().await;
    assert_eq!(harness.fake().live_bookings()[0].start, slot(6));

    // An attendee books, and cancels.
    let ann = NewAttendee::new("Änn 🧪", "ann@example.com", "Europe/Berlin".into());
    let booking = NewBooking::new(harness.event_type(), slot(10), ann);
    let booked = harness.fake().book(booking).await.unwrap();
    morning.settle().await;
    harness.assert_in_sync().await;
    let sql = "SELECT client, state, t.name FROM visits JOIN stylists t USING (stylist_no) WHERE calcom_chain IS NOT NULL";
    let row = morning.app(sql).await.remove(0);
    let row: Vec<_> = row.iter().map(|value| value.as_deref().unwrap()).collect();
    assert_eq!(row, ["Änn 🧪", "booked", "Hanna"]);
    let cancelled = harness.fake().cancel_booking(&booked.uid, "ill").await;
    cancelled.unwrap();
    morning.settle().await;
    let sql = "SELECT state, changed_why FROM visits WHERE calcom_chain IS NOT NULL";
    let row = morning.app(sql).await.remove(0);
    assert_eq!(row, [Some("cancelled".to_owned()), Some("ill".to_owned())]);
    harness.assert_in_sync().await;
    harness.assert_no_doubles().await;
}

/// Statuses of the application's own cause no write at Cal.com, and a reason does not outlive its write.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a MariaDB server: run scripts/check-mariadb"]
async fn what_is_over_stays_at_the_host() {
    let morning = Morning::new("what_is_over").await;
    let harness = &morning.harness;
    let (first, second) = (morning.insert(0).await, morning.insert(1).await);
    morning.settle().await;
    let writes = harness.fake().writes().len();
    morning
        .app(&format!("UPDATE visits SET state = 'completed' WHERE visit_no = {first}; UPDATE visits SET state = 'no_show' WHERE visit_no = {second}"))
        .await;
    morning.settle().await;
    harness.assert_in_sync().await;
    assert_eq!(harness.fake().writes().len(), writes);
    // A row that is deleted is asked about, and nothing is cancelled because it is not there.
    morning
        .app(&format!("DELETE FROM visits WHERE visit_no = {first}"))
        .await;
    morning.settle().await;
    assert_eq!(harness.fake().live_bookings().len(), 2);
    assert_eq!(harness.reviews().await.len(), 1);
    assert_eq!(morning.get(&first).await, None);
}

/// A transaction that commits late has an early position in the outbox, and is not passed over; one that
/// is rolled back tells nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a MariaDB server: run scripts/check-mariadb"]
async fn a_late_commit_is_not_passed_over() {
    let morning = Morning::new("late").await;
    let harness = &morning.harness;
    let values = |n: i64| {
        let (begins, ends) = (client::instant(slot(n)), client::instant(slot(n + 1)));
        format!("('booked', {begins}, {ends}, 1, 'Cem', 'cem@example.com', 'Europe/Berlin')")
    };
    let columns =
        "INSERT INTO visits (state, begins, ends, service_no, client, email, zone) VALUES";
    let late = format!(
        "START TRANSACTION; {columns} {}; SELECT SLEEP(1.5); COMMIT",
        values(0)
    );
    let undone = format!("START TRANSACTION; {columns} {}; ROLLBACK", values(2));
    let begun = async {
        morning.app(&late).await;
    };
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        morning.app(&undone).await;
        morning.insert(4).await;
        morning.relay().await;
        harness.settle().await;
        assert_eq!(harness.fake().live_bookings().len(), 1);
    };
    tokio::join!(begun, meanwhile);
    morning.settle().await;
    harness.assert_in_sync().await;
    let mut starts: Vec<_> = harness
        .fake()
        .live_bookings()
        .iter()
        .map(|b| b.start)
        .collect();
    starts.sort();
    assert_eq!(starts, [slot(0), slot(4)]);
    let states = morning.get("1").await.map(|visit| visit.state.status);
    assert_eq!(states, Some(AppointmentStatus::Confirmed));
}

/// What the relay needs, and no more, is what its user may do; and nobody takes the sync service's user
/// for the application.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a MariaDB server: run scripts/check-mariadb"]
async fn users_may_do_what_they_need() {
    let server = server();
    database(&server, "users", &[42], &[]).await;
    let read = server.run(RELAY, "users", "SELECT * FROM visits").await;
    assert!(read.unwrap_err().contains("ERROR 1142"));
    let write = server.run(SYNC, "users", "DELETE FROM visits").await;
    assert!(write.unwrap_err().contains("ERROR 1142"));
}
