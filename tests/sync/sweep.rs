//! The sweep: what nobody told of is found by looking, and what is as it should be is left alone.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{World, ann, at, cancel, client, config, move_to};
use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::client::Client;
use calcom::model::{
    Booking, BookingQuery, BookingUid, CancelParams, EventTypeId, NewAttendee, NewBooking, Trigger,
};
use calcom::store::{
    AppointmentRepository, AppointmentStatus, AppointmentWrite, DeliveryFate, InMemoryStore, Inbox,
    LogEvent, NoticeSource, Origin, Outbox, Page, Sweeps, WebhookHealth,
};
use calcom::sync::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, Engine, EventTypeFacts, StaticTenants,
    SweepReport, SweepStop, SyncEngine, Tenant, Worker, WorkerConfig, Write,
};
use calcom::testing::{FakeEventType, Fault, Operation, SeededEntropy, Then, When};
use chrono::{DateTime, TimeDelta, Utc};

/// Longer than an update is left to its webhook.
const ASIDE: Duration = Duration::from_secs(3 * 60);
const QUARTER: Duration = Duration::from_secs(15 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Distinct half hours in the working time of working days.
fn slot(n: i64) -> DateTime<Utc> {
    let (day, half) = (n / 12, n % 12);
    at(0) + TimeDelta::days(day / 4 * 7 + day % 4) + TimeDelta::minutes(half * 30)
}

/// Sweeps at once, a while after whatever happened.
async fn sweep_with(world: &World, engine: &Engine) -> SweepReport {
    world.clock.advance(ASIDE);
    let swept = engine.sweep(&world.tenant, Duration::ZERO).await;
    swept.unwrap().expect("nobody else sweeps")
}

async fn sweep(world: &World) -> SweepReport {
    let report = sweep_with(world, &world.engine).await;
    assert!(report.is_complete(), "{report:?}");
    report
}

async fn health(world: &World) -> WebhookHealth {
    let health = world.engine.webhook_health(&world.tenant, DAY).await;
    health.unwrap()
}

/// From now on no webhook arrives, and none is sent again.
fn lose_all_webhooks(world: &World) {
    world
        .fake
        .inject(Fault::new(When::Any, Then::LoseWebhook).always());
}

fn is_found(event: &LogEvent) -> bool {
    matches!(event, LogEvent::FoundBySweep { .. })
}

/// Cal.com's list of bookings with a will of its own.
#[derive(Debug)]
struct List {
    client: Client,
    /// How many rows a page has at most.
    most: u32,
    filters: bool,
    panics: bool,
    /// The page, counted from one, in whose place comes nothing.
    fails_at: Option<u32>,
    /// These are cancelled while the list is walked, one after each page.
    cancelled_meanwhile: Mutex<Vec<BookingUid>>,
    pages: AtomicU32,
}

impl List {
    fn of(world: &World) -> Self {
        Self {
            client: client(&world.fake),
            most: 100,
            filters: true,
            panics: false,
            fails_at: None,
            cancelled_meanwhile: Mutex::default(),
            pages: AtomicU32::new(0),
        }
    }
}

#[async_trait]
impl Calendar for List {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        Calendar::booking(&self.client, uid).await
    }

    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        Calendar::bookings(&self.client, query).await
    }

    async fn bookings_page(&self, query: &BookingQuery) -> Result<BookingPage, CalendarError> {
        assert!(!self.panics, "the list panics");
        let before = self.pages.fetch_add(1, Ordering::SeqCst);
        if self.fails_at == Some(before + 1) {
            let kind = CalendarErrorKind::Unavailable;
            return Err(CalendarError::new(kind, "nothing came"));
        }
        let mut asked = query.clone();
        if !self.filters {
            asked = BookingQuery::default();
            asked.skip = query.skip;
        }
        let page = self.client.bookings_page(&asked.with_take(self.most)).await;
        let next = self.cancelled_meanwhile.lock().unwrap().pop();
        if let Some(uid) = next {
            let reason = CancelParams::reason("meanwhile");
            self.client.bookings().cancel(&uid, &reason).await?;
        }
        page
    }

    async fn write(&self, write: &Write) -> Result<Booking, CalendarError> {
        self.client.write(write).await
    }

    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        self.client.free_slots(event_type, from, until).await
    }

    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        self.client.event_type(id).await
    }

    async fn account(&self) -> Result<(), CalendarError> {
        self.client.account().await
    }
}

/// An engine over the world's books, and a host of its own or the world's.
fn engine_for(
    world: &World,
    host: &InMemoryStore,
    tenants: impl IntoIterator<Item = Tenant>,
) -> Arc<Engine> {
    let books = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new(tenants));
    let engine = Engine::builder(books, Arc::new(host.clone()), tenants)
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

fn salon(world: &World, list: Arc<List>) -> Tenant {
    Tenant::new(world.tenant.clone(), list)
        .with_event_type(world.fake.event_type_id())
        .with_host(world.fake.host_id())
}

fn engine_with(world: &World, list: &Arc<List>) -> Arc<Engine> {
    engine_for(world, &world.store, [salon(world, Arc::clone(list))])
}

/// Sixty changes at Cal.com, of which every tenth is told to nobody.
#[tokio::test]
async fn lost_webhooks_are_found_and_counted() {
    let world = World::new().await;
    let mut known = Vec::new();
    for n in 0..40 {
        known.push(world.book(slot(n)).await);
        world.clock.advance(Duration::from_secs(7));
    }
    world.drain().await;
    world.assert_in_step().await;
    for n in 0..60 {
        if n % 10 == 9 {
            world.fake.inject(Fault::new(When::Any, Then::LoseWebhook));
        }
        let index = usize::try_from(n / 3 * 2).unwrap();
        match n % 3 {
            0 => drop(world.book(slot(40 + n)).await),
            1 => {
                let moved = world.fake.move_booking(&known[index].uid, slot(120 + n));
                moved.await.unwrap();
            }
            _ => {
                let ended = world.fake.cancel_booking(&known[index + 1].uid, "ill");
                ended.await.unwrap();
            }
        }
        world.clock.advance(Duration::from_secs(11));
        world.drain().await;
    }
    world.clock.advance(Duration::from_secs(5));
    world.drain().await;
    assert_eq!(health(&world).await.found_by_sweep, 0);
    let report = sweep(&world).await;
    assert_eq!(report.notices_given, 6);
    assert_eq!(report.changes_recorded, 0);
    assert!(!world.drain().await.is_empty());
    world.assert_in_step().await;
    let health = health(&world).await;
    assert_eq!(health.found_by_sweep, 6);
    assert_eq!(health.received, 40 + 54);
    assert_eq!((health.ignored, health.contradicted), (0, 0));
    assert!(health.last_received_ago.unwrap() >= ASIDE);
    let events = world.events().await;
    assert_eq!(events.iter().filter(|event| is_found(event)).count(), 6);
    assert_eq!(world.writes(), 0);
    // The same is not found twice.
    let again = sweep(&world).await;
    assert_eq!((again.notices_given, again.changes_recorded), (0, 0));
}

/// A chain that moved several times, unheard of, is one pair in the end.
#[tokio::test]
async fn a_booking_that_moved_on_and_on_is_followed() {
    let world = World::new().await;
    let first = world.book(slot(0)).await;
    world.drain().await;
    lose_all_webhooks(&world);
    let second = world.fake.move_booking(&first.uid, slot(1)).await.unwrap();
    world.clock.advance(Duration::from_secs(9));
    let third = world.fake.move_booking(&second.uid, slot(2)).await.unwrap();
    let report = sweep(&world).await;
    assert_eq!(report.notices_given, 2, "one for each move");
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    let id = world.store.appointments(&world.tenant)[0].id.clone();
    assert_eq!(world.booking_of(&id).await, third.uid);
    assert_eq!(sweep(&world).await.notices_given, 0);
}

/// A host whose table lives apart from the books wrote, and died before it recorded.
#[tokio::test]
async fn what_a_host_wrote_and_never_recorded_is_pushed() {
    let world = World::new().await;
    let host = InMemoryStore::with_clock(world.clock.shared());
    let engine = engine_for(&world, &host, [salon(&world, Arc::new(List::of(&world)))]);
    let write = |state| AppointmentWrite::new(state, Origin::Phone, world.clock.now());
    let id = "a".into();
    let made = write(world.state(at(0)));
    host.create_appointment(&world.tenant, &id, made).unwrap();
    assert_eq!(world.drain_with(&engine).await, []);
    let report = sweep_with(&world, &engine).await;
    assert_eq!(report.changes_recorded, 1);
    world.drain_with(&engine).await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    let changes = world.store.changes(&world.tenant, &id, Page::first(10));
    let changes = changes.await.unwrap();
    assert_eq!(changes[0].0.change.source, NoticeSource::Sweep);
    assert_eq!(changes[0].0.change.origin, Origin::Phone);

    for edit in [
        Box::new(move_to(at(1))) as Box<dyn FnOnce(&mut _)>,
        Box::new(cancel),
    ] {
        let found = host.get(&world.tenant, &id).await.unwrap().unwrap();
        let mut state = found.state.clone();
        edit(&mut state);
        let updated = host.update(&world.tenant, &id, found.revision, write(state.clone()));
        updated.await.unwrap();
        let report = sweep_with(&world, &engine).await;
        assert_eq!(report.changes_recorded, 1);
        world.drain_with(&engine).await;
        let live = world.fake.live_bookings();
        let live: Vec<_> = live.iter().map(|booking| booking.start).collect();
        let wanted = state.status.is_live().then_some(state.start);
        assert_eq!(live, wanted.into_iter().collect::<Vec<_>>());
    }
    let writes = world.writes();
    // What the engine itself wrote at the host is no news either.
    world.book(at(5)).await;
    world.drain_with(&engine).await;
    let report = sweep_with(&world, &engine).await;
    assert_eq!((report.appointments_read, report.changes_recorded), (2, 0));
    assert_eq!(world.drain_with(&engine).await, []);
    assert_eq!(world.writes(), writes);
}

/// What was written a moment ago is about to be recorded by whoever wrote it.
#[tokio::test]
async fn a_fresh_write_and_a_fresh_update_are_left_alone_for_a_while() {
    let world = World::new().await;
    let host = InMemoryStore::with_clock(world.clock.shared());
    let engine = engine_for(&world, &host, [salon(&world, Arc::new(List::of(&world)))]);
    let write = AppointmentWrite::new(world.state(at(0)), Origin::Phone, world.clock.now());
    host.create_appointment(&world.tenant, &"a".into(), write)
        .unwrap();
    lose_all_webhooks(&world);
    world.book(at(3)).await;
    world.clock.advance(Duration::from_secs(60));
    let early = engine.sweep(&world.tenant, Duration::ZERO).await.unwrap();
    let early = early.unwrap();
    assert_eq!((early.notices_given, early.changes_recorded), (0, 0));
    let later = sweep_with(&world, &engine).await;
    assert_eq!((later.notices_given, later.changes_recorded), (1, 1));
}

/// Pages of four, twelve bookings of which six were made at one instant, and one that is cancelled
/// after each page, so that everything behind it moves up.
#[tokio::test]
async fn rows_that_move_while_the_list_is_walked_take_no_other_along() {
    let world = World::new().await;
    lose_all_webhooks(&world);
    let mut made = Vec::new();
    for n in 0..12 {
        made.push(world.book(slot(n)).await.uid);
        if n >= 5 {
            world.clock.advance(Duration::from_secs(1));
        }
    }
    let mut list = List::of(&world);
    list.most = 4;
    let meanwhile: Vec<_> = made[..3].iter().rev().cloned().collect();
    list.cancelled_meanwhile = Mutex::new(meanwhile);
    let list = Arc::new(list);
    let engine = engine_with(&world, &list);
    let report = sweep_with(&world, &engine).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(list.pages.load(Ordering::SeqCst) > 3);
    world.drain_with(&engine).await;
    let booked = |world: &World| {
        let appointments = world.store.appointments(&world.tenant);
        let live = appointments.iter().filter(|a| a.state.status.is_live());
        live.map(|a| a.state.start).collect::<Vec<_>>()
    };
    for n in 3..12 {
        assert!(booked(&world).contains(&slot(n)), "{n} was passed over");
    }
    // What was cancelled meanwhile is found by the next one.
    sweep_with(&world, &engine).await;
    world.drain_with(&engine).await;
    world.assert_in_step().await;
    assert_eq!(booked(&world).len(), 9);
}

/// What lies behind the page that did not come is not passed over, and what was read is not read
/// anew.
#[tokio::test]
async fn a_walk_that_breaks_off_goes_on_from_its_last_page() {
    let world = World::new().await;
    lose_all_webhooks(&world);
    for n in 0..12 {
        world.book(slot(n)).await;
        world.clock.advance(Duration::from_secs(30 * 60));
    }
    let mut list = List::of(&world);
    (list.most, list.fails_at) = (4, Some(2));
    let engine = engine_with(&world, &Arc::new(list));
    let first = sweep_with(&world, &engine).await;
    assert!(!first.is_complete());
    assert_eq!((first.bookings_read, first.notices_given), (4, 4));
    world.drain_with(&engine).await;
    // One of the four lies within the overlap.
    let second = sweep_with(&world, &engine).await;
    assert!(second.is_complete(), "{second:?}");
    assert_eq!((second.bookings_read, second.notices_given), (9, 8));
    world.drain_with(&engine).await;
    world.assert_in_step().await;
}

/// A server that falls back to a version without filters lists all there is, by start.
#[tokio::test]
async fn a_list_that_ignores_its_filter_tells_nothing_of_what_is_unchanged() {
    let world = World::new().await;
    let mut made = Vec::new();
    for n in (0..10).rev() {
        made.push(world.book(slot(n)).await);
        world.clock.advance(Duration::from_secs(1));
    }
    world.drain().await;
    let mut list = List::of(&world);
    (list.filters, list.most) = (false, 4);
    let list = Arc::new(list);
    let engine = engine_with(&world, &list);
    let report = sweep_with(&world, &engine).await;
    assert!(report.is_complete());
    assert_eq!(report.notices_given, 0);
    lose_all_webhooks(&world);
    let moved = world.fake.move_booking(&made[4].uid, slot(30));
    moved.await.unwrap();
    assert_eq!(sweep_with(&world, &engine).await.notices_given, 1);
    world.drain_with(&engine).await;
    world.assert_in_step().await;
}

#[tokio::test]
async fn of_two_workers_one_sweeps() {
    let world = World::new().await;
    let (one, other) = (world.restarted(), world.restarted());
    let begin = |engine: Arc<Engine>| {
        let tenant = world.tenant.clone();
        tokio::spawn(async move { engine.sweep(&tenant, QUARTER).await.unwrap() })
    };
    let (one, other) = tokio::join!(begin(one), begin(other));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.is_some() != other.is_some(), "{one:?} {other:?}");
    // Not due until the time has passed, and then not while somebody is at it.
    let due = |every| world.engine.sweep(&world.tenant, every);
    assert_eq!(due(QUARTER).await.unwrap(), None);
    world.clock.advance(QUARTER);
    let lease = Duration::from_secs(60);
    let begun = world.store.begin_sweep(&world.tenant, QUARTER, lease);
    assert!(begun.await.unwrap().is_some());
    assert_eq!(due(Duration::ZERO).await.unwrap(), None);
    world.clock.advance(lease);
    assert!(due(QUARTER).await.unwrap().is_some());
}

/// A booking that is in no list, and an appointment that is in no scan, have not ended by that.
#[tokio::test]
async fn absence_ends_nothing() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    let made = world.make("a", at(3), Origin::Phone);
    world.drain().await;
    sweep(&world).await;
    assert!(world.fake.forget(&booking.uid));
    assert!(world.store.remove_appointment(&world.tenant, &made.id));
    let writes = world.writes();
    for _ in 0..3 {
        let report = sweep(&world).await;
        assert_eq!((report.notices_given, report.changes_recorded), (0, 0));
    }
    assert_eq!(world.drain().await, []);
    assert_eq!(world.writes(), writes);
    let left = world.store.appointments(&world.tenant);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state.status, AppointmentStatus::Confirmed);
    assert_eq!(world.review_reasons().await, []);
}

#[tokio::test]
async fn with_nothing_dirty_a_sweep_does_nothing() {
    let world = World::new().await;
    for n in 0..6 {
        world.make(&format!("a{n}"), slot(n), Origin::Phone);
        world.book(slot(20 + n)).await;
    }
    world.drain().await;
    world
        .change(&"a0".into(), Origin::Admin, move_to(slot(50)))
        .await;
    world.change(&"a1".into(), Origin::Admin, cancel).await;
    world.settle().await;
    world.assert_in_step().await;
    let (writes, deliveries) = (world.writes(), world.delivery_fates().await.len());
    for round in 0..3 {
        let report = sweep(&world).await;
        assert_eq!(report.notices_given, 0, "round {round}");
        assert_eq!(report.changes_recorded, 0, "round {round}");
        assert!(report.bookings_read > 0 && report.appointments_read == 12);
        assert_eq!(world.drain().await, []);
    }
    assert_eq!(world.writes(), writes);
    assert_eq!(world.delivery_fates().await.len(), deliveries);
}

/// One user at Cal.com works for several tenants, and the list shows the bookings of all.
#[tokio::test]
async fn another_tenants_booking_is_not_taken() {
    let world = World::new().await;
    lose_all_webhooks(&world);
    let second = FakeEventType::new("at-the-other-salon", 30);
    let second = world.fake.add_event_type(second);
    let host = world.fake.host_id();
    let other = Tenant::new("other".into(), Arc::new(client(&world.fake)))
        .with_event_type(second)
        .with_host(host);
    let engine = engine_for(
        &world,
        &world.store,
        [salon(&world, Arc::new(List::of(&world))), other],
    );
    let booking = NewBooking::new(second, at(0), NewAttendee::from(&ann()));
    world.fake.book(booking).await.unwrap();
    let report = sweep_with(&world, &engine).await;
    assert_eq!((report.bookings_read, report.notices_given), (1, 0));
    assert_eq!(world.drain_with(&engine).await, []);
    assert_eq!(world.store.appointments(&world.tenant), []);
    // Its own tenant takes it.
    let other = "other".into();
    let theirs = engine.sweep(&other, Duration::ZERO).await.unwrap();
    assert_eq!(theirs.unwrap().notices_given, 1);
    world.drain_with(&engine).await;
    assert_eq!(world.store.appointments(&other).len(), 1);
    assert_eq!(world.store.appointments(&world.tenant), []);
}

/// The webhook came after all, before anybody had looked: it has told of the change.
#[tokio::test]
async fn what_a_webhook_tells_in_time_is_not_counted_as_found() {
    let world = World::new().await;
    let late = Fault::new(Trigger::BookingCreated, Then::HoldWebhooks);
    world.fake.inject(late);
    world.book(at(0)).await;
    let held = world.fake.deliveries().len() - 1;
    assert_eq!(sweep(&world).await.notices_given, 1);
    world.fake.release(&[held]).await;
    world.drain().await;
    world.assert_in_step().await;
    let fates = world.delivery_fates().await;
    let expected = [Some(DeliveryFate::Agreed), Some(DeliveryFate::Applied)];
    assert_eq!(fates, expected);
    assert_eq!(health(&world).await.found_by_sweep, 0);
    assert!(!world.events().await.iter().any(is_found));
}

/// A case that waits for a person is not told anew with every sweep, though the list shows it.
#[tokio::test]
async fn what_is_in_review_is_told_once() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    assert!(world.fake.set_status(&booking.uid, "awaiting_moon"));
    assert_eq!(sweep(&world).await.notices_given, 1);
    world.drain().await;
    assert_eq!(world.review_reasons().await.len(), 1);
    for _ in 0..3 {
        assert_eq!(sweep(&world).await.notices_given, 0);
    }
}

/// A sweep that Cal.com refuses keeps its place, looks at the host all the same, and the next one
/// goes on.
#[tokio::test]
async fn a_sweep_that_fails_goes_on_where_it_stood() {
    let world = World::new().await;
    world.make("a", at(3), Origin::Phone);
    world.drain().await;
    lose_all_webhooks(&world);
    world.book(at(0)).await;
    let fault = |then| Fault::new(Operation::ListBookings, then);
    world.fake.inject(fault(Then::status(503)));
    let failed = sweep_with(&world, &world.engine).await;
    let outage = SweepStop::Calendar(CalendarErrorKind::Unavailable);
    assert_eq!(failed.stopped, [outage]);
    assert_eq!((failed.notices_given, failed.appointments_read), (0, 1));
    // The server says when it may be asked again.
    world.fake.inject(fault(Then::too_many_requests(600)));
    let throttled = sweep_with(&world, &world.engine).await;
    let stop = SweepStop::Calendar(CalendarErrorKind::Throttled);
    assert_eq!(throttled.stopped, [stop]);
    world.clock.advance(Duration::from_secs(590));
    let at_once = world.engine.sweep(&world.tenant, Duration::ZERO);
    assert_eq!(at_once.await.unwrap(), None);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(sweep(&world).await.notices_given, 1);
}

/// A worker sweeps by itself, and a tenant whose sweep panics stops neither it nor the others.
#[tokio::test]
async fn a_worker_sweeps_on_its_schedule() {
    let world = World::new().await;
    lose_all_webhooks(&world);
    world.book(at(0)).await;
    world.clock.advance(ASIDE);
    let mut list = List::of(&world);
    list.panics = true;
    let bad = Tenant::new("bad".into(), Arc::new(list)).with_event_type(EventTypeId::new(999));
    let good = salon(&world, Arc::new(List::of(&world)));
    let engine = engine_for(&world, &world.store, [bad, good]);
    let unknown = engine.sweep(&"nobody".into(), Duration::ZERO).await;
    let unknown = unknown.unwrap().expect("a report");
    assert_eq!(unknown.stopped, [SweepStop::UnknownTenant]);
    let run = |every| {
        let mut config = WorkerConfig::default();
        config.sweep_every = every;
        let worker = Worker::new(engine.clone()).with_config(config);
        let world = &world;
        async move {
            let booked = async {
                for _ in 0..100 {
                    if !world.store.appointments(&world.tenant).is_empty() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            worker.run_until(booked).await;
            world.store.appointments(&world.tenant).len()
        }
    };
    assert_eq!(run(None).await, 0, "this worker sweeps nothing");
    assert_eq!(run(Some(QUARTER)).await, 1);
    let page = Page::first(10);
    let told = world.store.deliveries(&world.tenant, page).await.unwrap();
    assert_eq!(told[0].0.source, NoticeSource::Sweep);
}
