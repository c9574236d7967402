//! Leases: a worker that slept through its own changes nothing anywhere; a repository that lags loses nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{SECRET, World, at, client, config, move_to};
use crate::hooked::{HookedHost, Hooks};
use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, Change, ChangeFate,
    InMemoryStore, Origin, Resolution, ReviewReason, Revision, StoreError,
};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant, TurnOutcome};
use calcom::testing::{Fault, ManualClock, Operation, SeededEntropy, Then};
use chrono::TimeDelta;
use tokio::sync::Notify;

/// Holds the host's next write: `update` before it is carried out, `create_for_booking` afterwards.
#[derive(Debug, Default)]
struct Slow {
    hold: AtomicBool,
    held: Notify,
    go: Notify,
}

impl Slow {
    async fn wait(&self) {
        if self.hold.swap(false, Ordering::SeqCst) {
            self.held.notify_one();
            self.go.notified().await;
        }
    }
}

#[async_trait]
impl Hooks for Slow {
    async fn after_create(&self) {
        self.wait().await;
    }

    async fn before_update(&self) {
        self.wait().await;
    }
}

/// A host's table apart from the books, which records nothing in the outbox.
fn slow_host() -> Arc<HookedHost<Slow>> {
    Arc::new(HookedHost {
        table: InMemoryStore::new(),
        hooks: Slow::default(),
    })
}

fn engine_over(
    world: &World,
    host: Arc<dyn AppointmentRepository>,
    clock: &ManualClock,
) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id())
        .with_event_type(world.types.confirm)
        .with_host(world.fake.host_id());
    let mut config = config();
    // The host is slow in this test, and not gone.
    config.host_timeout = Duration::from_secs(60);
    let books = Arc::new(world.store.clone());
    let engine = Engine::builder(books, host, Arc::new(StaticTenants::new([tenant])))
        .config(config)
        .clock(clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

/// A worker read the booking and then slept at the host's table until its lease had run out; another one did newer work meanwhile.
#[tokio::test]
async fn a_worker_without_a_lease_moves_no_appointment_back_in_time() {
    let world = World::new().await;
    let host = slow_host();
    let engine = || engine_over(&world, host.clone(), &world.clock);
    let (slow, quick) = (engine(), engine());
    let booking = world.book(at(0)).await;
    world.drain_with(&slow).await;
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.webhooks_arrive().await;
    host.hooks.hold.store(true, Ordering::SeqCst);
    let sleeper = tokio::spawn(async move { slow.step().await });
    host.hooks.held.notified().await;
    world.clock.advance(Duration::from_secs(121));
    world.fake.move_booking(&moved.uid, at(4)).await.unwrap();
    world.drain_with(&quick).await;
    let appointment = || host.table.appointments(&world.tenant).remove(0);
    assert_eq!(appointment().state.start, at(4));

    host.hooks.go.notify_one();
    let report = sleeper.await.unwrap().unwrap().unwrap();
    assert_eq!(report.outcome, TurnOutcome::LeaseLost);
    for _ in 0..10 {
        world.drain_with(&quick).await;
        world.clock.advance(Duration::from_secs(600));
    }
    assert_eq!(appointment().state.start, at(4));
    assert_eq!(world.fake.live_bookings()[0].start, at(4));
    assert_eq!(world.review_reasons().await, []);
}

/// A change is recorded before its transaction is visible: the appointment comes a moment later.
#[tokio::test]
async fn a_change_that_is_seen_before_its_appointment_is_not_lost() {
    let world = World::new().await;
    let host = slow_host();
    let engine = engine_over(&world, host.clone(), &world.clock);
    let id = AppointmentId::new("a");
    let change = Change::new(
        world.tenant.clone(),
        id.clone(),
        Revision::FIRST,
        Origin::Phone,
        world.clock.now(),
    );
    engine.record(&change).await.unwrap();
    world.drain_with(&engine).await;
    let write = AppointmentWrite::new(world.state(at(0)), Origin::Phone, world.clock.now());
    host.table
        .create_appointment(&world.tenant, &id, write)
        .unwrap();
    for _ in 0..50 {
        world.drain_with(&engine).await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.fates(&id).await, [Some(ChangeFate::Pushed)]);
    assert_eq!(world.review_reasons().await, []);
}

/// A change whose revision never comes, or whose appointment never does, ends in review after the usual schedule.
#[tokio::test]
async fn a_revision_that_never_comes_ends_in_review() {
    for (id, reason) in [
        ("a", ReviewReason::RevisionMissing),
        ("never", ReviewReason::AppointmentMissing),
    ] {
        let world = World::new().await;
        world.make("a", at(0), Origin::Phone);
        world.drain().await;
        let change = Change::new(
            world.tenant.clone(),
            id.into(),
            Revision::new(99),
            Origin::Phone,
            world.clock.now(),
        );
        world.engine.record(&change).await.unwrap();
        let mut turns = 0;
        for _ in 0..3600 {
            turns += world.drain().await.len();
            world.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(world.review_reasons().await, [reason]);
        assert_eq!(turns, 4);
        let fates = world.fates(&id.into()).await;
        assert_eq!(fates.last(), Some(&Some(ChangeFate::InReview)));
    }
}

/// A host that is read through a replica.
#[derive(Debug, Default)]
struct Replica {
    /// What it shows of an appointment for as long as it lags.
    shows: Mutex<Option<(AppointmentId, Option<Appointment>)>>,
}

#[async_trait]
impl Hooks for Replica {
    async fn instead_of_get(
        &self,
        id: &AppointmentId,
    ) -> Option<Result<Option<Appointment>, StoreError>> {
        let shows = self.shows.lock().unwrap().clone();
        shows.filter(|(of, _)| of == id).map(|(_, shown)| Ok(shown))
    }
}

impl Replica {
    fn show(&self, id: &AppointmentId, shown: Option<Appointment>) {
        *self.shows.lock().unwrap() = Some((id.clone(), shown));
    }

    fn catch_up(&self) {
        *self.shows.lock().unwrap() = None;
    }
}

fn replicated_host() -> Arc<HookedHost<Replica>> {
    Arc::new(HookedHost {
        table: InMemoryStore::new(),
        hooks: Replica::default(),
    })
}

/// The engine has just written the appointment, and the replica does not show it: nothing is decided on what it shows, neither that
/// the host has taken the write back nor that it has removed the row.
#[tokio::test]
async fn what_the_engine_wrote_itself_is_waited_for() {
    for is_new in [true, false] {
        let world = World::new().await;
        let host = replicated_host();
        let engine = engine_over(&world, host.clone(), &world.clock);
        let mut booking = world.book(at(0)).await;
        let mut before = None;
        world.drain_with(&engine).await;
        let id = host.table.appointments(&world.tenant).remove(0).id;
        if !is_new {
            before = host.table.get(&world.tenant, &id).await.unwrap();
            booking = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
            world.drain_with(&engine).await;
        }
        host.hooks.show(&id, before);
        world.fake.move_booking(&booking.uid, at(4)).await.unwrap();
        for _ in 0..3 {
            world.drain_with(&engine).await;
            world.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(world.review_reasons().await, [], "new: {is_new}");
        host.hooks.catch_up();
        for _ in 0..10 {
            world.drain_with(&engine).await;
            world.clock.advance(Duration::from_secs(1));
        }
        let appointment = host.table.appointments(&world.tenant).remove(0);
        assert_eq!(appointment.state.start, at(4));
        assert_eq!(world.review_reasons().await, []);
        assert_eq!(world.writes(), 0);
    }
}

/// A person has the engine move an appointment, which the host does not record: that a replica still shows the former time does not
/// move the booking back.
#[tokio::test]
async fn a_decision_is_not_undone_by_a_replica_that_lags() {
    let world = World::new().await;
    let host = replicated_host();
    let engine = engine_over(&world, host.clone(), &world.clock);
    world.book(at(0)).await;
    world.drain_with(&engine).await;
    let id = AppointmentId::new("late");
    let write = AppointmentWrite::new(world.state(at(0)), Origin::Phone, world.clock.now());
    let made = host.table.create_appointment(&world.tenant, &id, write);
    let made = made.unwrap();
    let change = Change::new(
        world.tenant.clone(),
        id.clone(),
        made.revision,
        Origin::Phone,
        world.clock.now(),
    );
    engine.record(&change).await.unwrap();
    world.drain_with(&engine).await;
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    let rebook = Resolution::rebook(at(3));
    host.hooks.show(&id, Some(made));
    world.resolve(rebook).await;
    for _ in 0..3 {
        world.drain_with(&engine).await;
        world.clock.advance(Duration::from_secs(1));
    }
    host.hooks.catch_up();
    for _ in 0..10 {
        world.drain_with(&engine).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let booking = world.link_of(&id).await.booking.unwrap();
    assert_eq!(world.fake.booking(&booking).unwrap().start, at(3));
    assert_eq!(world.review_reasons().await, []);
    // Two creations: the first one was refused.
    assert_eq!(world.writes(), 2);
}

/// What the engine wrote never shows, because the host's table was restored from a backup: after the usual schedule a person is
/// asked, and what they decide is carried out on what there is.
#[tokio::test]
async fn a_write_that_never_shows_does_not_block_the_appointment() {
    let world = World::new().await;
    let host = replicated_host();
    let engine = engine_over(&world, host.clone(), &world.clock);
    let booking = world.book(at(0)).await;
    world.drain_with(&engine).await;
    let before = host.table.appointments(&world.tenant).remove(0);
    let id = before.id.clone();
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.drain_with(&engine).await;
    host.hooks.show(&id, Some(before));
    world.fake.move_booking(&moved.uid, at(4)).await.unwrap();
    let mut turns = 0;
    for _ in 0..300 {
        turns += world.drain_with(&engine).await.len();
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::RevisionMissing]
    );
    assert_eq!(turns, 4);
    world.resolve(Resolution::ForceLocal).await;
    world.drain_with(&engine).await;
    assert_eq!(world.fake.live_bookings()[0].start, at(0));
    assert_eq!(world.review_reasons().await, []);
}

/// Leases go by the store's clock: a worker whose own clock is ahead takes nothing that is being worked on.
#[tokio::test]
async fn a_worker_whose_clock_is_ahead_does_not_double_a_booking() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.confirm;
    world.make_as("a", state, Origin::Phone);
    let ahead = ManualClock::at(world.clock.now() + TimeDelta::seconds(121));
    let host: Arc<dyn AppointmentRepository> = Arc::new(world.store.clone());
    let other = engine_over(&world, host, &ahead);
    let slow = Then::DelayBefore(Duration::from_millis(400));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, slow));
    let engine = world.engine.clone();
    let first = tokio::spawn(async move { engine.step().await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(other.step().await.unwrap(), None);
    first.await.unwrap().unwrap().unwrap();
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.writes(), 1);
}

/// The host writes while its appointment is being brought to what Cal.com says: both sides are read anew.
#[tokio::test]
async fn after_a_lost_race_for_the_appointment_both_sides_are_read_anew() {
    let world = World::new().await;
    let host = slow_host();
    let engine = engine_over(&world, host.clone(), &world.clock);
    let booking = world.book(at(0)).await;
    world.drain_with(&engine).await;
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.webhooks_arrive().await;
    host.hooks.hold.store(true, Ordering::SeqCst);
    let turn = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.step().await })
    };
    host.hooks.held.notified().await;
    // Both move on while the turn stands before its write.
    world.fake.move_booking(&moved.uid, at(6)).await.unwrap();
    let found = host.table.appointments(&world.tenant).remove(0);
    let mut state = found.state.clone();
    move_to(at(6))(&mut state);
    let write = AppointmentWrite::new(state, Origin::Admin, world.clock.now());
    let update = host
        .table
        .update(&world.tenant, &found.id, found.revision, write);
    update.await.unwrap();
    host.hooks.go.notify_one();
    let report = turn.await.unwrap().unwrap().unwrap();
    assert_eq!(report.outcome, TurnOutcome::Settled);
    world.drain_with(&engine).await;
    let appointment = host.table.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.start, at(6));
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.writes(), 0);
}

/// A process dies when the host has created the appointment and nobody was told; then the booking ends. That an appointment was
/// being created was on record before.
#[tokio::test]
async fn an_appointment_that_was_being_created_ends_with_its_booking() {
    let world = World::new().await;
    let host = slow_host();
    let engine = engine_over(&world, host.clone(), &world.clock);
    let booking = world.book(at(0)).await;
    world.webhooks_arrive().await;
    host.hooks.hold.store(true, Ordering::SeqCst);
    let dies = tokio::spawn({
        let engine = engine.clone();
        async move { engine.step().await }
    });
    host.hooks.held.notified().await;
    dies.abort();
    let _ = dies.await;
    let appointments = || host.table.appointments(&world.tenant);
    assert!(appointments()[0].state.status.is_live());
    let uid = &booking.uid;
    world.fake.cancel_booking(uid, "ill").await.unwrap();
    world.clock.advance(Duration::from_secs(121));
    world.drain_with(&engine).await;
    assert_eq!(appointments().len(), 1);
    assert!(!appointments()[0].state.status.is_live());
    assert_eq!(world.review_reasons().await, []);
}

/// However much of its lease a turn has used up, a write has a whole one before it.
#[tokio::test]
async fn a_write_has_a_whole_lease_before_it() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    let slow = Then::DelayAfterApplying(Duration::from_millis(350));
    world
        .fake
        .inject(Fault::new(Operation::EventTypes, slow.clone()));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, slow));
    let engine = world.engine.clone();
    let turn = tokio::spawn(async move { engine.step().await });
    while world.requests() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The event type is being read.
    world.clock.advance(Duration::from_secs(100));
    while world.writes() == 0 && !turn.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The booking is being made.
    world.clock.advance(Duration::from_secs(100));
    assert_eq!(world.restarted().step().await.unwrap(), None);
    turn.await.unwrap().unwrap().unwrap();
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
}
