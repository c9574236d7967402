//! The file with the books is deleted in the middle of a run; the host's table, in a file of its own, and Cal.com stay. Nothing
//! is booked twice, and what does not agree afterwards is in review.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use calcom::ambient::Clock;
use calcom::model::{Booking, BookingUid, NewAttendee, NewBooking, NewWebhook};
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, Change, LinkKey, Links, Origin, Page, Person, ReviewItem, TenantId, Window,
};
use calcom::sync::{Engine, SYNC_KEY_METADATA, StaticTenants, SyncEngine, Tenant, Worker};
use calcom::testing::{FakeCalcom, Fault, ManualClock, Operation, SeededEntropy, Then};
use chrono::{DateTime, TimeDelta, Utc};

use crate::harness::{MORNING, SECRET, at, cancel, client, config, move_to};

/// The host, with its table in one file and the books in another.
struct Salon {
    fake: FakeCalcom,
    clock: ManualClock,
    folder: tempfile::TempDir,
    table: SqliteStore,
    books: SqliteStore,
    engine: Arc<Engine>,
    receiver: tokio::task::JoinHandle<()>,
}

impl Drop for Salon {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

static TENANT: LazyLock<TenantId> = LazyLock::new(|| TenantId::new("salon"));

async fn open(file: &Path, clock: &ManualClock) -> SqliteStore {
    let store = SqliteStore::open_with_clock(file, clock.shared());
    store.await.unwrap()
}

fn books_in(folder: &Path) -> PathBuf {
    folder.join("books.sqlite")
}

fn engine(
    fake: &FakeCalcom,
    clock: &ManualClock,
    table: &SqliteStore,
    books: &SqliteStore,
) -> Arc<Engine> {
    let named = Tenant::new(TENANT.clone(), Arc::new(client(fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(fake.event_type_id())
        .with_host(fake.host_id());
    let mut config = config();
    config.host_timeout = Duration::from_secs(10);
    let tenants = Arc::new(StaticTenants::new([named]));
    let engine = Engine::builder(Arc::new(books.clone()), Arc::new(table.clone()), tenants)
        .config(config)
        .clock(clock.shared())
        .sync_key_secret("kept apart from the books")
        .entropy(Arc::new(SeededEntropy::new(3)));
    Arc::new(engine.build())
}

async fn receive(fake: &FakeCalcom, engine: &Arc<Engine>) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/webhooks/calcom/{}",
        listener.local_addr().unwrap(),
        *TENANT
    );
    let unlimited = WebhookConfig::default().with_requests_per_minute(None);
    let router = webhooks_with(engine.clone(), unlimited);
    fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

impl Salon {
    async fn new() -> Self {
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let fake = FakeCalcom::builder().seed(7).clock(clock.shared());
        let fake = fake.start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let table = open(&folder.path().join("table.sqlite"), &clock).await;
        let books = open(&books_in(folder.path()), &clock).await;
        let engine = engine(&fake, &clock, &table, &books);
        let receiver = receive(&fake, &engine).await;
        Self {
            fake,
            clock,
            folder,
            table,
            books,
            engine,
            receiver,
        }
    }

    /// The process is gone, and the books with it; another process begins with new ones.
    async fn lose_the_books(&mut self) {
        self.receiver.abort();
        self.books.pool().close().await;
        for end in ["", "-wal", "-shm"] {
            let mut file = books_in(self.folder.path()).into_os_string();
            file.push(end);
            // The last two are there only while it is open.
            let _ = std::fs::remove_file(file);
        }
        self.clock.advance(Duration::from_secs(60));
        self.books = open(&books_in(self.folder.path()), &self.clock).await;
        self.engine = engine(&self.fake, &self.clock, &self.table, &self.books);
        self.receiver = receive(&self.fake, &self.engine).await;
    }

    /// The host makes an appointment for somebody of the same name, and records it.
    async fn take(&self, name: &str, start: DateTime<Utc>) {
        let end = start + TimeDelta::minutes(30);
        let event_type = self.fake.event_type_id();
        let confirmed = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(confirmed, start, end, event_type, guest(name));
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        let id = AppointmentId::new(name);
        let made = self.table.create_appointment(&TENANT, &id, write);
        self.record(&made.await.unwrap()).await;
    }

    async fn record(&self, appointment: &Appointment) {
        let (id, at) = (appointment.id.clone(), appointment.updated_at);
        let origin = appointment.origin.clone();
        let change = Change::new(TENANT.clone(), id, appointment.revision, origin, at);
        self.engine.record(&change).await.unwrap();
    }

    /// The host changes the appointment of somebody, and records it.
    async fn change(&self, name: &str, edit: impl FnOnce(&mut AppointmentState)) {
        let found = self.appointment(name).await;
        let mut state = found.state.clone();
        edit(&mut state);
        let write = AppointmentWrite::new(state, Origin::Admin, self.clock.now());
        let written = self.table.update(&TENANT, &found.id, found.revision, write);
        self.record(&written.await.unwrap()).await;
    }

    /// Somebody books on Cal.com's page.
    async fn book(&self, name: &str, start: DateTime<Utc>) -> BookingUid {
        let attendee = NewAttendee::from(&guest(name));
        let booking = NewBooking::new(self.fake.event_type_id(), start, attendee);
        self.fake.book(booking).await.unwrap().uid
    }

    /// The newest booking of somebody.
    fn booking(&self, name: &str) -> Booking {
        let mut all = self.fake.bookings();
        all.retain(|booking| booking.attendees[0].email == address(name));
        all.pop().unwrap()
    }

    async fn appointments(&self) -> Vec<Appointment> {
        let window = Window::new(DateTime::UNIX_EPOCH, at(10_000));
        let all = self.table.scan(&TENANT, window, None, 1000);
        all.await.unwrap()
    }

    /// The appointment of somebody, of whom there is one.
    async fn appointment(&self, name: &str) -> Appointment {
        let mut of_one = self.appointments().await;
        of_one.retain(|one| one.state.attendee.email == Some(address(name)));
        assert_eq!(of_one.len(), 1, "{name}");
        of_one.remove(0)
    }

    async fn settle(&self) {
        let mut left = Duration::from_secs(20 * 60);
        loop {
            let done = Worker::new(self.engine.clone()).drain().await.unwrap();
            if !done.is_empty() {
                continue;
            }
            let due = self.books.next_due(u16::MAX).await.unwrap();
            let Some(due) = due.filter(|due| *due <= left) else {
                return;
            };
            let due = due.max(Duration::from_millis(1));
            left = left.saturating_sub(due);
            self.clock.advance(due);
        }
    }

    async fn sweep(&self) {
        self.clock.advance(Duration::from_secs(3 * 60));
        let swept = self.engine.sweep(&TENANT, Duration::ZERO).await;
        assert!(swept.unwrap().expect("nobody else sweeps").is_complete());
        self.settle().await;
    }

    async fn reviews(&self) -> Vec<ReviewItem> {
        let open = self.engine.open_reviews(&TENANT, Page::first(1000));
        open.await.unwrap()
    }

    /// Creations that were sent to Cal.com.
    fn creations(&self) -> usize {
        let writes = self.fake.writes();
        let create = Operation::CreateBooking;
        writes
            .iter()
            .filter(|write| write.operation == create)
            .count()
    }

    /// Nobody has two live bookings or two appointments, and whose two sides do not agree is in review. Returns who that is.
    async fn assert_nothing_is_doubled(&self) -> BTreeSet<String> {
        let mut live: BTreeMap<String, Booking> = BTreeMap::new();
        for booking in self.fake.live_bookings() {
            let name = name_of(&booking.attendees[0].email);
            let other = live.insert(name.clone(), booking);
            assert!(other.is_none(), "{name} is booked twice");
        }
        let reviews = self.reviews().await;
        let mut in_review = BTreeSet::new();
        let mut known = BTreeSet::new();
        for appointment in self.appointments().await {
            let name = name_of(appointment.state.attendee.email.as_deref().unwrap());
            assert!(known.insert(name.clone()), "{name} has two appointments");
            let key = LinkKey::Appointment(appointment.id.clone());
            let link = self.books.find(&TENANT, &key).await.unwrap();
            let booking = live.remove(&name);
            let is_asked = reviews.iter().any(|item| {
                let is_of_link = link.as_ref().is_some_and(|link| item.link == Some(link.id));
                let names_booking =
                    |booking: &Booking| item.evidence.bookings.contains(&booking.uid);
                is_of_link || booking.as_ref().is_some_and(names_booking)
            });
            if is_asked {
                in_review.insert(name);
                continue;
            }
            match (&booking, appointment.state.status.is_live()) {
                (Some(booking), true) => {
                    assert_eq!(booking.start, appointment.state.start, "{name}");
                    let link = link.expect("a link");
                    assert_eq!(link.booking.as_ref(), Some(&booking.uid), "{name}");
                }
                (None, false) => {}
                _ => panic!("{name} differs, and nobody is asked: {appointment:?} {booking:?}"),
            }
        }
        assert!(live.is_empty(), "bookings without an appointment: {live:?}");
        in_review
    }
}

fn address(name: &str) -> String {
    format!("{name}@example.com")
}

fn name_of(address: &str) -> String {
    address.trim_end_matches("@example.com").to_owned()
}

fn guest(name: &str) -> Person {
    Person::new(name, address(name), "Europe/Berlin")
}

/// Everything was settled when the books were lost: both sides stay as they are, and nothing is written.
#[tokio::test]
async fn what_agreed_before_the_books_were_deleted_agrees_afterwards() {
    let mut salon = Salon::new().await;
    for (hour, name) in [(0, "taken"), (1, "taken-moved"), (2, "taken-ended")] {
        salon.take(name, at(hour)).await;
    }
    for (hour, name) in [(10, "booked"), (11, "booked-moved"), (12, "booked-ended")] {
        salon.book(name, at(hour)).await;
    }
    salon.settle().await;
    for (hour, name) in [(20, "taken-moved"), (40, "booked-moved")] {
        salon.change(name, move_to(at(hour))).await;
    }
    for name in ["taken-ended", "booked-ended"] {
        salon.change(name, cancel).await;
    }
    salon.settle().await;
    assert_eq!(salon.assert_nothing_is_doubled().await, BTreeSet::new());
    let (writes, before) = (salon.fake.writes().len(), salon.appointments().await);

    // Whether the booking of an appointment that has ended lives, nothing says that is left.
    let asked = || BTreeSet::from(["booked-ended".to_owned()]);
    salon.lose_the_books().await;
    for _ in 0..2 {
        salon.sweep().await;
        assert_eq!(salon.assert_nothing_is_doubled().await, asked());
        assert_eq!(salon.fake.writes().len(), writes);
        assert_eq!(salon.appointments().await, before);
    }

    // And they are kept in sync from then on.
    for (hour, name) in [(50, "taken"), (51, "taken-moved"), (52, "booked")] {
        salon.change(name, move_to(at(hour))).await;
    }
    let moved = salon.booking("booked-moved").uid;
    salon.fake.move_booking(&moved, at(53)).await.unwrap();
    salon.settle().await;
    assert_eq!(salon.assert_nothing_is_doubled().await, asked());
    assert_eq!(
        salon.creations(),
        3,
        "three were made before, and none since"
    );
    assert_eq!(salon.appointment("booked-moved").await.state.start, at(53));
}

/// What was under way is lost with the books: changes that nobody has worked on, webhooks that nobody has looked at, and calls
/// whose answers never came.
#[tokio::test]
async fn what_was_under_way_when_the_books_were_deleted_is_booked_once() {
    let mut salon = Salon::new().await;
    let taken = [
        "moved",
        "ended",
        "move-unanswered",
        "end-unanswered",
        "moved-there",
        "ended-there",
    ];
    for (hour, name) in (0..).zip(taken) {
        salon.take(name, at(hour)).await;
    }
    let booked = ["b-moved", "b-ended", "b-moved-there", "b-ended-there"];
    for (hour, name) in (10..).zip(booked) {
        salon.book(name, at(hour)).await;
    }
    salon.settle().await;
    assert_eq!(salon.appointments().await.len(), 10);

    // Carried out, and never answered.
    let unanswered = [
        Operation::CreateBooking,
        Operation::Reschedule,
        Operation::Cancel,
    ];
    for operation in unanswered {
        salon
            .fake
            .inject(Fault::new(operation, Then::ApplyThenDrop));
    }
    salon.take("unanswered", at(20)).await;
    salon.change("move-unanswered", move_to(at(21))).await;
    salon.change("end-unanswered", cancel).await;
    Worker::new(salon.engine.clone()).drain().await.unwrap();
    salon.fake.clear_faults();
    // Recorded, and nothing more.
    salon.take("new", at(22)).await;
    for (hour, name) in [(23, "moved"), (24, "b-moved")] {
        salon.change(name, move_to(at(hour))).await;
    }
    for name in ["ended", "b-ended"] {
        salon.change(name, cancel).await;
    }
    // Told by a webhook that nobody has looked at.
    salon.book("b-new", at(25)).await;
    for (hour, name) in [(26, "moved-there"), (27, "b-moved-there")] {
        let uid = salon.booking(name).uid;
        salon.fake.move_booking(&uid, at(hour)).await.unwrap();
    }
    for name in ["ended-there", "b-ended-there"] {
        let uid = salon.booking(name).uid;
        salon.fake.cancel_booking(&uid, "ill").await.unwrap();
    }
    let created = salon.creations();

    salon.lose_the_books().await;
    salon.sweep().await;
    let in_review = salon.assert_nothing_is_doubled().await;
    // The only one that was never booked.
    assert_eq!(salon.creations(), created + 1, "{in_review:?}");
    assert_eq!(salon.booking("new").start, at(22));
    assert_eq!(salon.appointment("b-new").await.state.start, at(25));
    // Which of two states is the newer one, nobody can know without the books.
    let undecided = [
        "moved",
        "ended",
        "moved-there",
        "ended-there",
        "b-moved",
        "b-ended",
        "b-moved-there",
        "b-ended-there",
    ];
    for name in &in_review {
        assert!(undecided.contains(&name.as_str()), "{name} is in review");
    }
    let writes = salon.fake.writes().len();
    salon.sweep().await;
    assert_eq!(salon.assert_nothing_is_doubled().await, in_review);
    assert_eq!(salon.fake.writes().len(), writes, "the writing goes on");
}

/// An appointment that was cancelled and revived has had two bookings: the second one is found, and a third one is another.
#[tokio::test]
async fn a_later_booking_of_an_appointment_is_found_without_the_books() {
    let mut salon = Salon::new().await;
    let revive = |start| {
        move |state: &mut AppointmentState| {
            state.status = AppointmentStatus::Confirmed;
            move_to(start)(state);
        }
    };
    salon.take("again", at(0)).await;
    salon.settle().await;
    salon.change("again", cancel).await;
    salon.settle().await;
    salon.change("again", revive(at(1))).await;
    salon.settle().await;
    let second = salon.booking("again").uid;
    assert_eq!(salon.creations(), 2);

    salon.lose_the_books().await;
    // The host says once more what it had said before; no sweep has run.
    let known = salon.appointment("again").await;
    salon.record(&known).await;
    salon.settle().await;
    assert_eq!(salon.creations(), 2, "booked twice");
    assert_eq!(salon.assert_nothing_is_doubled().await, BTreeSet::new());
    assert_eq!(salon.booking("again").uid, second);

    salon.change("again", cancel).await;
    salon.settle().await;
    salon.change("again", revive(at(2))).await;
    salon.settle().await;
    assert_eq!(salon.creations(), 3);
    assert_eq!(salon.assert_nothing_is_doubled().await, BTreeSet::new());
    let all = salon.fake.bookings();
    let keys = all
        .iter()
        .map(|booking| booking.metadata_str(SYNC_KEY_METADATA));
    let keys: BTreeSet<_> = keys.collect();
    assert_eq!(keys.len(), 3, "each of them has a key of its own");
}
