//! A worker that stops hands back what it is about: others go on without waiting for its lease, and nothing is sent twice.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{SECRET, World, at, client, config};
use crate::hooked::{HookedHost, Hooks};
use async_trait::async_trait;
use calcom::ambient::Entropy;
use calcom::store::{Appointment, AppointmentId, LinkKey, Links, Origin, StoreError};
use calcom::sync::{
    Engine, Standing, StaticTenants, SyncEngine, Tenant, TurnOutcome, Worker, WorkerConfig,
};
use calcom::testing::{Fault, Operation, SeededEntropy, Then};
use tokio::sync::Notify;

/// Never answers.
#[derive(Debug, Default)]
struct Hanging {
    asked: Notify,
}

#[async_trait]
impl Hooks for Arc<Hanging> {
    async fn instead_of_get(
        &self,
        _id: &AppointmentId,
    ) -> Option<Result<Option<Appointment>, StoreError>> {
        self.asked.notify_one();
        std::future::pending().await
    }
}

/// An engine of the world's whose host never answers.
fn engine_that_hangs(world: &World, hanging: &Arc<Hanging>) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id());
    let host = Arc::new(HookedHost {
        table: world.store.clone(),
        hooks: Arc::clone(hanging),
    });
    let mut config = config();
    config.host_timeout = Duration::from_secs(3600);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(Arc::new(world.store.clone()), host, tenants)
        .config(config)
        .clock(world.clock.shared())
        .entropy(entropy);
    Arc::new(engine.build())
}

/// Returns once the engine has stored that it is about to write.
async fn write_is_begun(world: &World, id: &AppointmentId) {
    let key = LinkKey::Appointment(id.clone());
    loop {
        let link = world.store.find(&world.tenant, &key).await.unwrap();
        if link.is_some_and(|link| !Standing::of(&link).unwrap().pending.is_empty()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn worker(engine: &Arc<Engine>, grace: Duration) -> Worker {
    let mut config = WorkerConfig::default();
    config.shutdown_grace = grace;
    config.sweep_every = None;
    config.services_every = None;
    Worker::new(engine.clone()).with_config(config)
}

#[tokio::test]
async fn what_a_stopped_worker_has_not_begun_to_write_is_done_by_another_at_once() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    let hanging = Arc::new(Hanging::default());
    let engine = engine_that_hangs(&world, &hanging);
    let stopping = worker(&engine, Duration::from_millis(20));
    stopping.run_until(hanging.asked.notified()).await;
    // The clock has not moved: the lease would last for two more minutes.
    world.drain().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    world.assert_in_step().await;
}

/// The booking may be made at any moment: it is looked for only once it must have been.
#[tokio::test]
async fn what_may_be_under_way_is_left_alone_for_as_long_as_a_call_may_take() {
    for landing in [
        Then::DelayAfterApplying(Duration::from_secs(600)),
        Then::DelayBefore(Duration::from_millis(200)),
    ] {
        let world = World::new().await;
        let fault = Fault::new(Operation::CreateBooking, landing.clone());
        world.fake.inject(fault);
        let made = world.make("a", at(0), Origin::Phone);
        let engine = world.engine.clone();
        let stopped = tokio::spawn(async move { engine.step().await });
        write_is_begun(&world, &made.id).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.engine.hand_back();
        let report = stopped.await.unwrap().unwrap().unwrap();
        assert_eq!(report.outcome, TurnOutcome::HandedBack, "{landing:?}");
        let limit = config().call_timeout;
        let just_before = limit - Duration::from_millis(1);
        world.clock.advance(just_before);
        assert_eq!(world.drain().await, [], "{landing:?}: not yet");
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.clock.advance(Duration::from_millis(1));
        world.drain().await;
        assert_eq!(world.fake.live_bookings().len(), 1, "{landing:?}");
        assert_eq!(world.writes(), 1, "{landing:?}: it is not sent twice");
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_worker_that_has_the_time_finishes_its_work() {
    let world = World::new().await;
    let slow = Then::DelayBefore(Duration::from_millis(150));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, slow));
    let made = world.make("a", at(0), Origin::Phone);
    let stopping = worker(&world.engine, Duration::from_secs(60));
    stopping.run_until(write_is_begun(&world, &made.id)).await;
    assert_eq!(world.standing_of(&made.id).await.pending, []);
    assert_eq!(world.fake.live_bookings().len(), 1);
    world.drain().await; // its webhook
    world.assert_in_step().await;
}

/// What is handed back is no failed attempt, and a later step of the same engine is not affected.
#[tokio::test]
async fn handing_back_ends_the_steps_in_progress_only() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.hand_back();
    let report = world.engine.step().await.unwrap().unwrap();
    assert_eq!(report.outcome, TurnOutcome::Settled);
    let hanging = Arc::new(Hanging::default());
    let engine = engine_that_hangs(&world, &hanging);
    world
        .change(&made.id, Origin::Admin, crate::harness::cancel)
        .await;
    for _ in 0..20 {
        let step = tokio::spawn({
            let engine = engine.clone();
            async move { engine.step().await }
        });
        hanging.asked.notified().await;
        engine.hand_back();
        let report = step.await.unwrap().unwrap().unwrap();
        assert_eq!(report.outcome, TurnOutcome::HandedBack);
    }
    assert_eq!(world.standing_of(&made.id).await.attempts, 0);
    assert_eq!(world.review_reasons().await, []);
    world.drain().await;
    assert_eq!(world.fake.live_bookings().len(), 0);
}
