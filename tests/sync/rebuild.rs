//! The bookkeeping is lost in the middle of a run, and the links are rebuilt: both sides agree, and
//! nothing is there twice. Nor is it without a rebuild.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::{SECRET, World, ann, at, cancel, client, config, move_to};
use calcom::model::{BookingUid, NewAttendee, NewBooking};
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, Change, InMemoryStore, Inbox, LinkKey,
    Links, NewDelivery, Origin, Page, Resolution, Reviews, Store, Window,
};
use calcom::sync::{
    AuditParams, Engine, RebuildCursor, RebuildParams, RebuildReport, StaticTenants, SyncEngine,
    Tenant,
};
use calcom::testing::{Fault, SeededEntropy, Then, When};
use chrono::{DateTime, TimeDelta, Utc};

const ASIDE: Duration = Duration::from_secs(3 * 60);

fn slot(n: i64) -> DateTime<Utc> {
    let (day, half) = (n / 12, n % 12);
    at(0) + TimeDelta::days(day / 4 * 7 + day % 4) + TimeDelta::minutes(half * 30)
}

fn window() -> Window {
    Window::new(at(-24), at(24 * 60))
}

/// The world with new, empty books beside the host's old appointments.
struct Lost {
    world: World,
    books: InMemoryStore,
    engine: Arc<Engine>,
}

impl Lost {
    /// Some of the pairs were made here, some at Cal.com; some were moved and some cancelled, by
    /// either side. Then the books are lost, and no webhook comes any more.
    async fn new(pairs: i64) -> Self {
        let world = World::new().await;
        for n in 0..pairs {
            if n % 2 == 0 {
                make(&world, n, slot(12 + n)).await;
            } else {
                world.book(slot(12 + n)).await;
            }
            world.clock.advance(Duration::from_secs(7));
        }
        world.settle().await;
        let all = in_order(&world);
        assert_eq!(all.len(), usize::try_from(pairs).unwrap());
        for (n, appointment) in (0..).zip(&all) {
            let uid = world.booking_of(&appointment.id).await;
            match n % 10 {
                2 | 3 => change(&world, &appointment.id, move_to(slot(40 + n))).await,
                4 | 5 => drop(world.fake.move_booking(&uid, slot(40 + n)).await.unwrap()),
                6 | 7 => change(&world, &appointment.id, cancel).await,
                8 | 9 => drop(world.fake.cancel_booking(&uid, "ill").await.unwrap()),
                _ => {}
            }
        }
        world.settle().await;
        world.assert_in_step().await;
        let lose = Fault::new(When::Any, Then::LoseWebhook);
        world.fake.inject(lose.always());
        world.clock.advance(Duration::from_secs(2 * 60 * 60));
        let books = InMemoryStore::with_clock(world.clock.shared());
        let engine = engine_over(&world, &books);
        Self {
            world,
            books,
            engine,
        }
    }

    async fn rebuild(&self) -> RebuildReport {
        let params = RebuildParams::new(window());
        let rebuilt = self.engine.rebuild(&self.world.tenant, params).await;
        rebuilt.unwrap()
    }

    /// Works through everything that is due within the next minutes.
    async fn settle(&self) {
        for _ in 0..40 {
            self.world.drain_with(&self.engine).await;
            self.world.clock.advance(Duration::from_secs(5));
        }
    }

    async fn reviews(&self) -> usize {
        let page = Page::first(1000);
        let open = self.books.open_reviews(&self.world.tenant, page).await;
        open.unwrap().len()
    }

    /// One live booking an appointment, at the same time, and the books know the pair.
    async fn assert_in_step(&self) {
        let all = self.world.store.appointments(&self.world.tenant);
        let mut live = self.world.fake.live_bookings();
        for appointment in all.iter().filter(|met| met.state.status.is_live()) {
            let key = LinkKey::Appointment(appointment.id.clone());
            let link = self.books.find(&self.world.tenant, &key).await.unwrap();
            let uid: BookingUid = link.expect("a link").booking.expect("a booking");
            let booking = self.world.fake.booking(&uid).unwrap();
            assert!(booking.is_live(), "{appointment:?} {booking:?}");
            assert_eq!(booking.start, appointment.state.start);
            live.retain(|booking| booking.uid != uid);
        }
        assert!(live.is_empty(), "bookings without an appointment: {live:?}");
    }

    async fn assert_no_drift(&self) {
        self.world.clock.advance(ASIDE);
        let params = AuditParams::check(window());
        let audited = self.engine.audit(&self.world.tenant, params).await;
        let report = audited.unwrap();
        assert!(report.is_complete());
        assert_eq!(report.drift, []);
    }
}

fn engine_over(world: &World, books: &InMemoryStore) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id())
        .with_event_type(world.types.lengths)
        .with_host(world.fake.host_id());
    let books: Arc<dyn Store> = Arc::new(books.clone());
    let host: Arc<dyn AppointmentRepository> = Arc::new(world.store.clone());
    let engine = Engine::builder(books, host, Arc::new(StaticTenants::new([tenant])))
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(9)));
    Arc::new(engine.build())
}

async fn record(world: &World, appointment: Appointment) {
    let change = Change::new(
        world.tenant.clone(),
        appointment.id,
        appointment.revision,
        appointment.origin,
        appointment.updated_at,
    );
    world.engine.record(&change).await.unwrap();
}

async fn make(world: &World, n: i64, start: DateTime<Utc>) {
    let made = world.make(&format!("a-{n}"), start, Origin::Phone);
    record(world, made).await;
}

async fn change(
    world: &World,
    id: &AppointmentId,
    edit: impl FnOnce(&mut calcom::store::AppointmentState),
) {
    let changed = world.change(id, Origin::Admin, edit).await;
    record(world, changed).await;
}

fn in_order(world: &World) -> Vec<Appointment> {
    let mut all = world.store.appointments(&world.tenant);
    all.sort_by_key(|appointment| appointment.state.start);
    all
}

fn uids(world: &World) -> BTreeSet<BookingUid> {
    let live = world.fake.live_bookings();
    live.into_iter().map(|booking| booking.uid).collect()
}

#[tokio::test]
async fn links_are_rebuilt_and_nothing_is_written_at_either_side() {
    let lost = Lost::new(20).await;
    let (writes, live) = (lost.world.writes(), uids(&lost.world));
    let before = lost.world.store.appointments(&lost.world.tenant);
    let report = lost.rebuild().await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.counts.appointments_read, 20);
    assert!(report.counts.notices_given >= 12, "{report:?}");
    lost.settle().await;
    assert_eq!(lost.reviews().await, 0);
    assert_eq!(lost.world.writes(), writes);
    assert_eq!(uids(&lost.world), live);
    assert_eq!(lost.world.store.appointments(&lost.world.tenant), before);
    lost.assert_in_step().await;
    lost.assert_no_drift().await;

    // Once more finds nothing to do.
    let again = lost.rebuild().await;
    assert_eq!(
        (again.counts.notices_given, again.counts.changes_recorded),
        (0, 0),
        "{again:?}"
    );

    // And what comes after that finds its pair.
    let all = in_order(&lost.world);
    for appointment in all.iter().filter(|met| met.state.status.is_live()) {
        let key = LinkKey::Appointment(appointment.id.clone());
        let link = lost
            .books
            .find(&lost.world.tenant, &key)
            .await
            .unwrap()
            .unwrap();
        lost.world
            .fake
            .cancel_booking(&link.booking.unwrap(), "ill")
            .await
            .unwrap();
    }
    lost.world.clock.advance(ASIDE);
    let params = AuditParams::repair(window()).without_brake();
    lost.engine.audit(&lost.world.tenant, params).await.unwrap();
    lost.settle().await;
    let all = lost.world.store.appointments(&lost.world.tenant);
    assert!(all.iter().all(|met| !met.state.status.is_live()), "{all:?}");
}

/// While there were no books, either side went on: what Cal.com's side of its own bookings says is
/// taken, and where nobody can know, a person is asked. Nothing is there twice.
#[tokio::test]
async fn what_happened_while_the_books_were_gone_is_made_up_for() {
    let lost = Lost::new(20).await;
    let world = &lost.world;
    let all = in_order(world);
    let untouched: Vec<_> = all
        .iter()
        .filter(|met| met.state.status.is_live() && met.state.start < slot(40))
        .collect();
    let of_host: Vec<_> = untouched.iter().filter(|met| met.chain.is_none()).collect();
    let of_calcom: Vec<_> = untouched.iter().filter(|met| met.chain.is_some()).collect();
    assert!(of_host.len() >= 2 && of_calcom.len() >= 2);
    let booking_of = async |id: &AppointmentId| world.booking_of(id).await;
    // Cal.com's own, moved and cancelled there: that is taken.
    let moved = booking_of(&of_calcom[0].id).await;
    world.fake.move_booking(&moved, slot(80)).await.unwrap();
    let ended = booking_of(&of_calcom[1].id).await;
    world.fake.cancel_booking(&ended, "ill").await.unwrap();
    // The host's own, moved there and cancelled here: nobody can know which side is right.
    let moved = booking_of(&of_host[0].id).await;
    world.fake.move_booking(&moved, slot(82)).await.unwrap();
    world.change(&of_host[1].id, Origin::Admin, cancel).await;
    // And new ones.
    world.book(slot(84)).await;
    world.make("new", slot(86), Origin::Phone);

    world.clock.advance(ASIDE);
    let report = lost.rebuild().await;
    assert!(report.is_complete());
    lost.settle().await;
    assert_eq!(
        world.store.appointments(&world.tenant).len(),
        20 + 2,
        "no second one"
    );
    assert_eq!(lost.reviews().await, 2);
    for item in lost
        .books
        .open_reviews(&world.tenant, Page::first(9))
        .await
        .unwrap()
    {
        let resolution = Resolution::TakeRemote;
        let resolved = lost
            .engine
            .resolve(&world.tenant, item.id, resolution, "eve");
        resolved.await.unwrap();
    }
    lost.settle().await;
    assert_eq!(lost.reviews().await, 0);
    lost.assert_in_step().await;
    lost.assert_no_drift().await;
}

/// Without a rebuild, what refers to a lost pair must not make a second of either side: the sweep
/// finds bookings first, whose appointments the books do not know.
#[tokio::test]
async fn without_a_rebuild_nothing_is_there_twice_either() {
    let lost = Lost::new(20).await;
    let (writes, live) = (lost.world.writes(), uids(&lost.world));
    let before = lost.world.store.appointments(&lost.world.tenant).len();
    // Webhooks about some of the bookings come first: no appointment has been met yet.
    for uid in live.iter().take(6) {
        meet(&lost.world, &lost.books, uid).await;
        lost.world.drain_with(&lost.engine).await;
    }
    let met = lost.world.store.appointments(&lost.world.tenant);
    assert_eq!(met.len(), before, "{met:?}");
    let swept = lost.engine.sweep(&lost.world.tenant, Duration::ZERO).await;
    assert!(swept.unwrap().unwrap().is_complete());
    lost.settle().await;
    let after = lost.world.store.appointments(&lost.world.tenant);
    assert_eq!(after.len(), before, "{after:?}");
    assert_eq!((lost.world.writes(), uids(&lost.world)), (writes, live));
    lost.assert_in_step().await;
}

/// A booking that the engine made and that was moved far away since finds its appointment all the same.
#[tokio::test]
async fn a_booking_finds_its_appointment_wherever_that_stands() {
    let world = World::new().await;
    make(&world, 0, slot(12)).await;
    world.settle().await;
    let id: AppointmentId = "a-0".into();
    let uid = world.booking_of(&id).await;
    let lose = Fault::new(When::Any, Then::LoseWebhook);
    world.fake.inject(lose.always());
    world.clock.advance(Duration::from_secs(2 * 60 * 60));
    let books = InMemoryStore::with_clock(world.clock.shared());
    let engine = engine_over(&world, &books);
    let far = slot(12) + TimeDelta::days(28);
    let moved = world.fake.move_booking(&uid, far).await.unwrap();
    world.clock.advance(ASIDE);
    // Only the booking is met.
    let only = Window::new(far, far + TimeDelta::hours(1));
    let rebuilt = engine
        .rebuild(&world.tenant, RebuildParams::new(only))
        .await;
    let counts = rebuilt.unwrap().counts;
    assert_eq!((counts.notices_given, counts.appointments_read), (1, 0));
    world.drain_with(&engine).await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    let key = LinkKey::Appointment(id);
    let link = books.find(&world.tenant, &key).await.unwrap().unwrap();
    assert_eq!(link.booking, Some(moved.uid));
}

#[tokio::test]
async fn a_rebuild_goes_on_where_it_stopped() {
    let lost = Lost::new(10).await;
    let world = &lost.world;
    let refuse = Fault::new(calcom::testing::Operation::ListBookings, Then::status(500));
    world.fake.inject(refuse);
    let report = lost.rebuild().await;
    assert!(!report.is_complete());
    let stored = serde_json::to_string(&report.cursor.unwrap()).unwrap();
    let cursor: RebuildCursor = serde_json::from_str(&stored).unwrap();
    let params = RebuildParams::new(window()).resuming(cursor);
    let report = lost.engine.rebuild(&world.tenant, params).await.unwrap();
    assert!(report.is_complete() && report.cursor.is_none());
    assert_eq!(report.counts.appointments_read, 10);
    lost.settle().await;
    lost.assert_in_step().await;
}

/// An appointment from Cal.com that the engine has rebooked: its chain is that of a booking that has ended,
/// and the one that lives carries a key. Whatever is met first, the one that lives stays.
#[tokio::test]
async fn a_rebooked_appointment_keeps_the_booking_that_lives() {
    for rebuilds in [true, false] {
        let world = World::new().await;
        let attendee = NewAttendee::from(&ann());
        let booked = NewBooking::new(world.types.lengths, slot(12), attendee);
        let old = world.fake.book(booked).await.unwrap().uid;
        world.settle().await;
        let id = in_order(&world)[0].id.clone();
        let longer = |state: &mut calcom::store::AppointmentState| {
            state.end = state.start + TimeDelta::minutes(60);
        };
        change(&world, &id, longer).await;
        world.settle().await;
        let new = world.booking_of(&id).await;
        let live = uids(&world);
        assert_eq!(live, BTreeSet::from([new.clone()]), "it was rebooked");
        assert_ne!(new, old);
        let lose = Fault::new(When::Any, Then::LoseWebhook);
        world.fake.inject(lose.always());
        world.clock.advance(Duration::from_secs(2 * 60 * 60));
        let books = InMemoryStore::with_clock(world.clock.shared());
        let engine = engine_over(&world, &books);
        let writes = world.writes();
        if rebuilds {
            let params = RebuildParams::new(window());
            let rebuilt = engine.rebuild(&world.tenant, params).await;
            assert!(rebuilt.unwrap().is_complete());
            world.drain_with(&engine).await;
        } else {
            meet(&world, &books, &old).await;
            world.drain_with(&engine).await;
            let at = world.appointment(&id).await;
            let (revision, origin) = (at.revision, at.origin);
            let tenant = world.tenant.clone();
            let change = Change::new(tenant, id.clone(), revision, origin, at.updated_at);
            engine.record(&change).await.unwrap();
            world.drain_with(&engine).await;
            meet(&world, &books, &new).await;
            world.drain_with(&engine).await;
        }
        assert_eq!(uids(&world), live, "rebuilds: {rebuilds}");
        assert_eq!(world.writes(), writes);
        assert_eq!(in_order(&world).len(), 1);
        let key = LinkKey::Appointment(id);
        let link = books.find(&world.tenant, &key).await.unwrap().unwrap();
        assert_eq!(link.booking, Some(new));
        let open = books.open_reviews(&world.tenant, Page::first(9)).await;
        assert_eq!(open.unwrap().len(), 0);
    }
}

/// Something says to look at a booking.
async fn meet(world: &World, books: &InMemoryStore, uid: &BookingUid) {
    let mut notice = NewDelivery::new(world.tenant.clone(), [7; 32], "");
    notice.booking = Some(uid.clone());
    books.accept(notice).await.unwrap();
}
