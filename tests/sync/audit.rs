//! The window audit: every kind of drift is found once, a check writes nothing, and a repair has turns
//! bring both sides into agreement.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{World, ann, at, cancel, client, config, move_to};
use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::client::Client;
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId, NewAttendee, NewBooking};
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentWrite, Change, Field, InMemoryStore, Inbox,
    NoticeSource, Origin, Outbox, Page, Resolution, ReviewReason, Window,
};
use calcom::sync::{
    AuditCursor, AuditObserver, AuditParams, AuditProgress, AuditReport, AuditStop, BookingPage,
    Calendar, CalendarError, CalendarErrorKind, Drift, DriftKind, Engine, EventTypeFacts,
    SYNC_KEY_METADATA, StaticTenants, SyncEngine, Tenant, Write,
};
use calcom::testing::{FakeEventType, Fault, SeededEntropy, Then, When};
use chrono::{DateTime, TimeDelta, Utc};

/// Longer than an update is left to its webhook.
const ASIDE: Duration = Duration::from_secs(3 * 60);

/// Distinct half hours in the working time of working days.
fn slot(n: i64) -> DateTime<Utc> {
    let (day, half) = (n / 12, n % 12);
    at(0) + TimeDelta::days(day / 4 * 7 + day % 4) + TimeDelta::minutes(half * 30)
}

/// All that the tests book.
fn window() -> Window {
    Window::new(at(-24), at(24 * 60))
}

/// What the audit tells while it runs.
#[derive(Debug, Default)]
struct Heard {
    drift: Mutex<Vec<Drift>>,
    progress: Mutex<Vec<AuditProgress>>,
}

#[async_trait]
impl AuditObserver for Heard {
    async fn drift(&self, drift: &Drift) {
        self.drift.lock().unwrap().push(drift.clone());
    }

    async fn progress(&self, progress: &AuditProgress) {
        self.progress.lock().unwrap().push(progress.clone());
    }
}

/// Cal.com's list of bookings with a will of its own.
#[derive(Debug)]
struct List {
    client: Client,
    /// How many rows a page has at most.
    most: u32,
    filters: bool,
    /// The order of the rows of a page is turned around.
    turned: bool,
    /// The page, counted from one, in whose place comes nothing.
    fails_at: Option<u32>,
    /// These are moved while the list is walked, one after each page.
    moved_meanwhile: Mutex<Vec<(BookingUid, DateTime<Utc>)>>,
    hidden: Option<BookingUid>,
    pages: AtomicU32,
}

impl List {
    fn of(world: &World) -> Self {
        Self {
            client: client(&world.fake),
            most: 100,
            filters: true,
            turned: false,
            fails_at: None,
            moved_meanwhile: Mutex::default(),
            hidden: None,
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
        let asked = asked.with_take(self.most.min(query.take.unwrap_or(100)));
        let mut page = self.client.bookings_page(&asked).await?;
        if self.turned {
            page.bookings.reverse();
        }
        page.bookings
            .retain(|booking| Some(&booking.uid) != self.hidden.as_ref());
        let next = self.moved_meanwhile.lock().unwrap().pop();
        if let Some((uid, start)) = next {
            let params = calcom::model::RescheduleParams::default();
            let moved = self.client.bookings();
            moved.reschedule(&uid, start, &params).await?;
        }
        Ok(page)
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

fn engine_with(world: &World, list: Arc<dyn Calendar>) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), list)
        .with_event_type(world.fake.event_type_id())
        .with_event_type(world.types.lengths)
        .with_host(world.fake.host_id());
    let store = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(store.clone(), store, tenants)
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

async fn audit_by(world: &World, engine: &Engine, params: AuditParams) -> AuditReport {
    engine.audit(&world.tenant, params).await.unwrap()
}

/// Checks, a while after whatever happened.
async fn check(world: &World) -> AuditReport {
    world.clock.advance(ASIDE);
    audit_by(world, &world.engine, AuditParams::check(window())).await
}

async fn repair(world: &World) -> AuditReport {
    let params = AuditParams::repair(window()).without_brake();
    world.clock.advance(ASIDE);
    audit_by(world, &world.engine, params).await
}

/// From now on no webhook arrives, and none is sent again.
fn lose_all_webhooks(world: &World) {
    let lose = Fault::new(When::Any, Then::LoseWebhook);
    world.fake.inject(lose.always());
}

fn kinds(report: &AuditReport) -> Vec<DriftKind> {
    report.drift.iter().map(|drift| drift.kind).collect()
}

fn fields(drift: &Drift) -> Vec<Field> {
    let all = Field::ALL.iter().copied();
    all.filter(|field| drift.fields.contains(*field)).collect()
}

/// All pairs of a world, some made here and some at Cal.com.
async fn some_pairs(world: &World, pairs: i64) -> Vec<(AppointmentId, BookingUid)> {
    for n in 0..pairs {
        let start = slot(12 + n);
        if n % 2 == 0 {
            world.make(&format!("a-{n}"), start, Origin::Phone);
        } else {
            world.book(start).await;
        }
        world.clock.advance(Duration::from_secs(7));
    }
    world.settle().await;
    let mut made = world.store.appointments(&world.tenant);
    made.sort_by_key(|appointment| appointment.state.start);
    let mut pairs = Vec::new();
    for appointment in made {
        let uid = world.booking_of(&appointment.id).await;
        pairs.push((appointment.id, uid));
    }
    pairs
}

/// What the doors hold.
async fn doors(world: &World) -> (usize, usize) {
    let deliveries = world
        .store
        .deliveries(&world.tenant, Page::first(1000))
        .await;
    let swept = deliveries.unwrap();
    let swept = swept
        .iter()
        .filter(|(delivery, _)| delivery.source == NoticeSource::Sweep);
    let mut changes = 0;
    for appointment in world.store.appointments(&world.tenant) {
        let rows = world
            .store
            .changes(&world.tenant, &appointment.id, Page::first(1000));
        let rows = rows.await.unwrap();
        let swept = rows
            .iter()
            .filter(|(row, _)| row.change.source == NoticeSource::Sweep);
        changes += swept.count();
    }
    (swept.count(), changes)
}

#[tokio::test]
async fn a_window_in_step_has_no_drift_and_costs_one_page() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 12).await;
    // One that was moved, and one that was cancelled, agree too.
    world
        .change(&pairs[0].0, Origin::Admin, move_to(slot(40)))
        .await;
    world.change(&pairs[2].0, Origin::Admin, cancel).await;
    world.settle().await;
    let before = world.requests();
    let report = check(&world).await;
    assert_eq!(report.drift, []);
    assert!(report.is_complete() && report.cursor.is_none());
    let counts = &report.counts;
    assert_eq!((counts.in_step, counts.drift()), (11, 0), "{counts:?}");
    assert_eq!((counts.bookings_read, counts.appointments_read), (13, 12));
    assert_eq!(world.requests(), before + 1, "one page, and nothing by uid");
    assert_eq!(doors(&world).await, (0, 0));
}

/// What nobody told of, of every kind.
async fn drift_of_every_kind(world: &World) -> Vec<(AppointmentId, BookingUid)> {
    let pairs = some_pairs(world, 10).await;
    world.assert_in_step().await;
    lose_all_webhooks(world);
    let fake = &world.fake;
    // Missing here: booked, and no webhook came.
    world.book(slot(30)).await;
    // Moved at Cal.com, later and earlier.
    fake.move_booking(&pairs[0].1, slot(31)).await.unwrap();
    fake.move_booking(&pairs[9].1, slot(3)).await.unwrap();
    // Cancelled at Cal.com.
    fake.cancel_booking(&pairs[1].1, "ill").await.unwrap();
    pairs
}

#[tokio::test]
async fn drift_of_cal_com_s_is_found_once_and_a_check_writes_nothing() {
    let world = World::new().await;
    let pairs = drift_of_every_kind(&world).await;
    let books = format!("{:?}", world.events().await);
    let heard = Arc::new(Heard::default());
    let params = AuditParams::check(window()).with_observer(heard.clone());
    world.clock.advance(ASIDE);
    let report = audit_by(&world, &world.engine, params).await;
    assert!(report.is_complete());
    let mut found: Vec<_> = report
        .drift
        .iter()
        .map(|drift| (drift.appointment.clone(), drift.kind, fields(drift)))
        .collect();
    found.sort();
    let differs = |n: usize, field| (Some(pairs[n].0.clone()), DriftKind::Differs, vec![field]);
    let mut wanted = vec![
        (None, DriftKind::MissingHere, vec![]),
        differs(0, Field::Start),
        differs(1, Field::Status),
        differs(9, Field::Start),
    ];
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(*heard.drift.lock().unwrap(), report.drift);
    let counts = &report.counts;
    assert_eq!((counts.missing_here, counts.differing), (1, 3));
    assert_eq!(counts.by_field[&Field::Start], 2);
    assert_eq!((counts.in_step, counts.would_cancel), (7, 1));
    assert_eq!(doors(&world).await, (0, 0));
    assert_eq!(world.drain().await, []);
    assert_eq!(format!("{:?}", world.events().await), books);
}

#[tokio::test]
async fn a_repair_has_the_turns_bring_both_sides_into_agreement() {
    let world = World::new().await;
    drift_of_every_kind(&world).await;
    let report = repair(&world).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.drift.len(), 4);
    assert_eq!((report.notices_given, report.changes_recorded), (4, 0));
    world.settle().await;
    world.assert_in_step().await;
    let again = repair(&world).await;
    assert_eq!(again.drift, []);
    assert_eq!((again.notices_given, again.changes_recorded), (0, 0));
}

/// The host's side of drift: written, and never recorded.
#[tokio::test]
async fn drift_of_the_host_s_is_found_once_and_repaired() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 10).await;
    let host = InMemoryStore::with_clock(world.clock.shared());
    for appointment in world.store.appointments(&world.tenant) {
        let write = AppointmentWrite::new(appointment.state, appointment.origin, world.clock.now());
        host.create_appointment(&world.tenant, &appointment.id, write)
            .unwrap();
    }
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_event_type(world.fake.event_type_id())
        .with_host(world.fake.host_id());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(
        Arc::new(world.store.clone()),
        Arc::new(host.clone()),
        tenants,
    )
    .config(config())
    .clock(world.clock.shared());
    let engine = Arc::new(engine.build());
    let write = |state| AppointmentWrite::new(state, Origin::Phone, world.clock.now());
    let edit = async |n: usize, edit: fn(&mut calcom::store::AppointmentState)| {
        let found = host.get(&world.tenant, &pairs[n].0).await.unwrap().unwrap();
        let mut state = found.state.clone();
        edit(&mut state);
        let updated = host.update(&world.tenant, &pairs[n].0, found.revision, write(state));
        updated.await.unwrap();
    };
    let made = write(world.state(slot(30)));
    host.create_appointment(&world.tenant, &"new".into(), made)
        .unwrap();
    edit(0, |state| move_to(slot(31))(state)).await;
    edit(9, |state| move_to(slot(3))(state)).await;
    edit(4, cancel).await;
    edit(5, |state| "Bea".clone_into(&mut state.attendee.name)).await;

    world.clock.advance(ASIDE);
    let report = audit_by(&world, &engine, AuditParams::check(window())).await;
    let counts = &report.counts;
    assert_eq!(
        (counts.missing_there, counts.differing),
        (1, 4),
        "{report:?}"
    );
    assert_eq!(counts.by_field[&Field::Start], 2);
    assert_eq!(counts.by_field[&Field::Status], 1);
    assert_eq!(report.drift.len(), 5);
    assert_eq!(counts.would_cancel, 1);
    let params = AuditParams::repair(window()).with_brake_percent(10);
    let report = audit_by(&world, &engine, params).await;
    assert!(
        report.is_complete(),
        "one of eleven is within the brake: {report:?}"
    );
    assert!(report.changes_recorded >= 5, "{report:?}");
    world.drain_with(&engine).await;
    let live = world.fake.live_bookings();
    let starts: BTreeSet<_> = live.iter().map(|booking| booking.start).collect();
    let wanted = [31, 3, 30, 13, 14, 15, 17, 18, 19, 20].map(slot);
    assert_eq!(starts, BTreeSet::from(wanted));
    world.clock.advance(ASIDE);
    let report = audit_by(&world, &engine, AuditParams::check(window())).await;
    let left: Vec<_> = report
        .drift
        .iter()
        .filter(|drift| !drift.in_review)
        .collect();
    assert_eq!(left, [] as [&Drift; 0]);
}

/// A second booking that carries the key of one that there is, as a write that was carried out twice
/// leaves it.
#[tokio::test]
async fn a_second_live_booking_of_an_appointment_is_found_and_ended() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 4).await;
    lose_all_webhooks(&world);
    let key = world.link_of(&pairs[0].0).await.sync_key.unwrap();
    let attendee = NewAttendee::from(&ann());
    let second = NewBooking::new(world.fake.event_type_id(), slot(30), attendee)
        .with_metadata(SYNC_KEY_METADATA, key.as_str());
    let second = world.fake.book(second).await.unwrap();
    let report = check(&world).await;
    assert_eq!(kinds(&report), [DriftKind::Doubled]);
    let drift = &report.drift[0];
    assert_eq!(drift.appointment, Some(pairs[0].0.clone()));
    assert_eq!(drift.booking, Some(second.uid));
    assert_eq!(drift.rival, Some(pairs[0].1.clone()));
    assert_eq!(report.counts.in_step, 4);
    repair(&world).await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 4);
    assert_eq!(check(&world).await.drift, []);
}

#[tokio::test]
async fn what_was_accepted_is_no_drift_and_what_is_in_review_is_left_to_its_person() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 4).await;
    world
        .change(&pairs[0].0, Origin::Admin, |state| {
            state.attendee.email = Some("bea@example.com".to_owned());
        })
        .await;
    let change = world.appointment(&pairs[0].0).await;
    let change = Change::new(
        world.tenant.clone(),
        change.id,
        change.revision,
        change.origin,
        change.updated_at,
    );
    world.engine.record(&change).await.unwrap();
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    let report = repair(&world).await;
    assert_eq!(kinds(&report), [DriftKind::Differs]);
    assert!(report.drift[0].in_review);
    assert_eq!(fields(&report.drift[0]), [Field::Email]);
    assert_eq!(report.counts.in_review, 1);
    assert_eq!((report.notices_given, report.changes_recorded), (0, 0));
    world.resolve(Resolution::AcceptDifference).await;
    world.settle().await;
    let report = check(&world).await;
    assert_eq!(report.drift, []);
    assert_eq!((report.counts.accepted, report.counts.in_step), (1, 3));
}

#[tokio::test]
async fn what_is_recent_or_not_the_tenant_s_is_passed_over() {
    let world = World::new().await;
    some_pairs(&world, 3).await;
    lose_all_webhooks(&world);
    let other = world.fake.add_event_type(FakeEventType::new("other", 30));
    let attendee = NewAttendee::from(&ann());
    let theirs = NewBooking::new(other, slot(30), attendee);
    world.fake.book(theirs).await.unwrap();
    world.clock.advance(ASIDE);
    world.book(slot(31)).await;
    let params = AuditParams::check(window());
    let report = audit_by(&world, &world.engine, params).await;
    assert_eq!(report.drift, []);
    assert_eq!((report.counts.foreign, report.counts.too_recent), (1, 1));
    let report = check(&world).await;
    assert_eq!(kinds(&report), [DriftKind::MissingHere]);
}

/// An appointment that is gone ends no booking: a person decides.
#[tokio::test]
async fn nothing_is_cancelled_because_it_is_absent() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 4).await;
    assert!(world.store.remove_appointment(&world.tenant, &pairs[1].0));
    let report = repair(&world).await;
    assert_eq!(kinds(&report), [DriftKind::MissingHere]);
    assert_eq!(report.drift[0].appointment, Some(pairs[1].0.clone()));
    assert_eq!(report.counts.would_cancel, 0);
    world.settle().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::AppointmentMissing]
    );
    assert_eq!(world.fake.live_bookings().len(), 4);

    // Nor does a booking that no list has end its appointment: it is read by its uid.
    let mut list = List::of(&world);
    list.hidden = Some(pairs[2].1.clone());
    let engine = engine_with(&world, Arc::new(list));
    let report = audit_by(&world, &engine, AuditParams::repair(window())).await;
    assert_eq!(report.counts.drift(), 1, "the one of before");
    assert_eq!(report.counts.in_step, 3);
    let writes = world.writes();
    world.settle().await;
    assert_eq!(world.writes(), writes);
}

/// One that was moved to where it was met already, and that no list has, is told of all the same.
#[tokio::test]
async fn drift_of_a_booking_that_no_list_has_is_found() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 4).await;
    lose_all_webhooks(&world);
    for earlier in [true, false] {
        let start = slot(if earlier { 3 } else { 30 });
        let uid = world.booking_of(&pairs[2].0).await;
        let moved = world.fake.move_booking(&uid, start).await.unwrap();
        world.clock.advance(ASIDE);
        let mut list = List::of(&world);
        list.hidden = Some(moved.uid.clone());
        let engine = engine_with(&world, Arc::new(list));
        let report = audit_by(&world, &engine, AuditParams::check(window())).await;
        assert_eq!(kinds(&report), [DriftKind::Differs], "earlier: {earlier}");
        assert_eq!(report.drift[0].booking, Some(moved.uid));
        repair(&world).await;
        world.settle().await;
        world.assert_in_step().await;
    }
}

/// Half of the appointments were cancelled at Cal.com, as after somebody's wrong click.
#[tokio::test]
async fn a_repair_that_would_cancel_too_many_stops_before_it_does_anything() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 10).await;
    lose_all_webhooks(&world);
    for (_, uid) in &pairs[..2] {
        world.fake.cancel_booking(uid, "wrong click").await.unwrap();
    }
    world.book(slot(30)).await;
    world.clock.advance(ASIDE);
    let report = audit_by(&world, &world.engine, AuditParams::repair(window())).await;
    assert_eq!(report.stopped, Some(AuditStop::Brake));
    assert!(!report.is_complete());
    let brake = report.brake.unwrap();
    assert_eq!(
        (brake.would_cancel, brake.appointments, brake.allowed),
        (2, 10, 1)
    );
    assert_eq!(report.drift.len(), 3);
    assert_eq!((report.notices_given, report.changes_recorded), (0, 0));
    assert_eq!(doors(&world).await, (0, 0));
    let lives = |world: &World| {
        let all = world.store.appointments(&world.tenant);
        all.iter().filter(|met| met.state.status.is_live()).count()
    };
    world.settle().await;
    assert_eq!(lives(&world), 10, "nothing was done");

    // Whoever was asked says yes: the repair goes on without counting anew.
    let stored = serde_json::to_string(&report.cursor.unwrap()).unwrap();
    let cursor: AuditCursor = serde_json::from_str(&stored).unwrap();
    let params = AuditParams::repair(window())
        .resuming(cursor)
        .with_brake_percent(20);
    let report = audit_by(&world, &world.engine, params).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.notices_given, report.counts.drift()), (3, 3));
    world.settle().await;
    assert_eq!(lives(&world), 9, "two were cancelled, one is new");
    world.assert_in_step().await;
}

/// Between counting and repairing, more has ended.
#[tokio::test]
async fn the_brake_holds_for_what_ends_while_the_repair_runs() {
    let world = World::new().await;
    let pairs = some_pairs(&world, 10).await;
    lose_all_webhooks(&world);
    for (_, uid) in &pairs[..2] {
        world.fake.cancel_booking(uid, "ill").await.unwrap();
    }
    world.clock.advance(ASIDE);
    let params = AuditParams::repair(window());
    let report = audit_by(&world, &world.engine, params).await;
    let cursor = report.cursor.unwrap();
    for (_, uid) in &pairs[2..5] {
        world.fake.cancel_booking(uid, "ill").await.unwrap();
    }
    world.clock.advance(ASIDE);
    let params = AuditParams::repair(window())
        .resuming(cursor)
        .with_brake_percent(20);
    let report = audit_by(&world, &world.engine, params).await;
    assert_eq!(report.stopped, Some(AuditStop::Brake));
    assert_eq!(report.brake.unwrap().would_cancel, 3);
    assert_eq!(report.notices_given, 2);
}

fn as_set(drift: &[Drift]) -> BTreeSet<String> {
    drift.iter().map(|drift| format!("{drift:?}")).collect()
}

/// Interrupted at every page, resumed by another process: nothing is missed, nothing counted twice.
#[tokio::test]
async fn an_audit_resumes_at_any_page() {
    let world = World::new().await;
    drift_of_every_kind(&world).await;
    let whole = check(&world).await;
    for fails_at in 1..30 {
        let mut list = List::of(&world);
        (list.most, list.fails_at) = (3, Some(fails_at));
        let engine = engine_with(&world, Arc::new(list));
        let first = audit_by(&world, &engine, AuditParams::check(window())).await;
        let Some(cursor) = first.cursor else {
            assert_eq!(first.counts, whole.counts);
            assert!(fails_at > 5, "{fails_at} pages");
            return;
        };
        let Some(AuditStop::Calendar { kind, .. }) = first.stopped else {
            panic!("{:?}", first.stopped);
        };
        assert_eq!(kind, CalendarErrorKind::Unavailable);
        let stored = serde_json::to_string(&cursor).unwrap();
        let cursor: AuditCursor = serde_json::from_str(&stored).unwrap();
        let params = AuditParams::check(window()).resuming(cursor);
        let mut list = List::of(&world);
        list.most = 3;
        let engine = engine_with(&world, Arc::new(list));
        let rest = audit_by(&world, &engine, params).await;
        assert!(rest.is_complete());
        assert_eq!(rest.counts, whole.counts, "interrupted at page {fails_at}");
        let found: Vec<Drift> = first.drift.into_iter().chain(rest.drift).collect();
        assert_eq!(found.len(), whole.drift.len());
        assert_eq!(as_set(&found), as_set(&whole.drift));
    }
    panic!("the list has no end");
}

#[tokio::test]
async fn an_interrupted_repair_goes_on_and_converges() {
    let world = World::new().await;
    drift_of_every_kind(&world).await;
    world.clock.advance(ASIDE);
    let mut cursor = None;
    let mut interrupted = 0;
    for page in 0..100 {
        let mut list = List::of(&world);
        // One more page each time, so that it comes to an end.
        (list.most, list.fails_at) = (3, Some(2 + page % 3));
        let engine = engine_with(&world, Arc::new(list));
        let mut params = AuditParams::repair(window()).without_brake();
        params.cursor = cursor;
        let report = audit_by(&world, &engine, params).await;
        cursor = report.cursor;
        if cursor.is_none() {
            break;
        }
        interrupted += 1;
    }
    assert!(cursor.is_none() && interrupted > 2, "{interrupted}");
    world.settle().await;
    world.assert_in_step().await;
}

/// Servers that fall back to an old version ignore filters; and order is not to be relied on either.
#[tokio::test]
async fn a_list_that_ignores_filters_and_order_is_checked_here() {
    let world = World::new().await;
    drift_of_every_kind(&world).await;
    // Before the window, and after it.
    world.book(at(-24 * 4)).await;
    world.book(at(24 * 70)).await;
    let whole = check(&world).await;
    assert_eq!(whole.drift.len(), 4);
    for (filters, turned, most) in [(false, false, 4), (true, true, 4), (false, true, 100)] {
        let mut list = List::of(&world);
        (list.filters, list.turned, list.most) = (filters, turned, most);
        let engine = engine_with(&world, Arc::new(list));
        let report = audit_by(&world, &engine, AuditParams::check(window())).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(as_set(&report.drift), as_set(&whole.drift));
        assert_eq!(report.drift.len(), whole.drift.len());
    }
}

/// Pages of three, and a booking that is moved after each: nothing else is missed, and what moves is
/// left to its webhook.
#[tokio::test]
async fn rows_that_move_while_the_list_is_walked_take_no_other_along() {
    let world = World::new().await;
    let pairs = drift_of_every_kind(&world).await;
    let whole = check(&world).await;
    let mut list = List::of(&world);
    list.most = 3;
    // Backwards, forwards, and over each other.
    let moves = [(2, 40), (3, 4), (4, 41), (5, 5), (8, 6)];
    let moves = moves.map(|(n, to): (usize, i64)| (pairs[n].1.clone(), slot(to)));
    list.moved_meanwhile = Mutex::new(moves.into());
    let engine = engine_with(&world, Arc::new(list));
    let report = audit_by(&world, &engine, AuditParams::check(window())).await;
    assert!(report.is_complete());
    assert_eq!(as_set(&report.drift), as_set(&whole.drift));
    assert_eq!(report.drift.len(), whole.drift.len());
    // A while later the moves are found, too.
    assert_eq!(check(&world).await.drift.len(), whole.drift.len() + 5);
    repair(&world).await;
    world.settle().await;
    world.assert_in_step().await;
}

#[tokio::test]
async fn what_a_report_holds_is_bounded_and_the_observer_hears_all() {
    let world = World::new().await;
    drift_of_every_kind(&world).await;
    let heard = Arc::new(Heard::default());
    let params = AuditParams::check(window())
        .with_kept(1)
        .with_observer(heard.clone());
    world.clock.advance(ASIDE);
    let report = audit_by(&world, &world.engine, params).await;
    assert_eq!(report.drift.len(), 1);
    assert_eq!(report.counts.drift(), 4);
    assert_eq!(heard.drift.lock().unwrap().len(), 4);
    let progress = heard.progress.lock().unwrap();
    let last = progress.last().unwrap();
    assert_eq!(last.reached, window().until);
    assert_eq!(last.counts, report.counts);
}
