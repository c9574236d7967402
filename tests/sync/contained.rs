//! Nothing is poison: what goes wrong with one appointment or one tenant stays with it.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{SECRET, World, ann, at, client, config};
use crate::hooked::{HookedHost, Hooks};
use async_trait::async_trait;
use calcom::model::EventTypeId;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, Change, Checkpoint, ClaimRequest, Links, Opaque, Origin, Outbox, Page,
    Resolution, ReviewReason, Revision, StoreError, StoreErrorKind, TenantId,
};
use calcom::sync::{
    Engine, StaticTenants, SyncEngine, Tenant, TenantDirectory, TurnOutcome, Worker, WorkerConfig,
};
use calcom::testing::SeededEntropy;
use chrono::{DateTime, TimeDelta};

/// Panics, never answers, or answers nonsense, by the name of the appointment.
#[derive(Debug)]
struct Poisoned;

#[async_trait]
impl Hooks for Poisoned {
    async fn instead_of_get(
        &self,
        id: &AppointmentId,
    ) -> Option<Result<Option<Appointment>, StoreError>> {
        match id.as_str() {
            "panics" => panic!("a row that the host's mapping does not expect"),
            "hangs" => std::future::pending().await,
            "damaged" => {
                let kind = StoreErrorKind::Corrupt;
                let error = StoreError::new(kind, "the row's state cannot be read");
                Some(Err(error))
            }
            _ => None,
        }
    }
}

fn engine_over(
    world: &World,
    host: Arc<dyn AppointmentRepository>,
    tenants: Arc<dyn TenantDirectory>,
) -> Arc<Engine> {
    let books = Arc::new(world.store.clone());
    let engine = Engine::builder(books, host, tenants)
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

fn salon(world: &World) -> StaticTenants {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id());
    StaticTenants::new([tenant])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_a_hanging_and_a_damaged_appointment_stop_nobody_else() {
    let world = World::new().await;
    let host = Arc::new(HookedHost {
        table: world.store.clone(),
        hooks: Poisoned,
    });
    let engine = engine_over(&world, host, Arc::new(salon(&world)));
    for (n, id) in ["panics", "hangs", "damaged"].into_iter().enumerate() {
        world.make(id, at(i64::try_from(n).unwrap()), Origin::Phone);
    }
    let mut config = WorkerConfig::default();
    config.poll_interval = Duration::from_millis(5);
    let worker = Worker::new(engine.clone()).with_config(config);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(async move {
        worker
            .run_until(async {
                let _ = stopped.await;
            })
            .await;
    });
    for n in 3..8 {
        world.make(&format!("a{n}"), at(n), Origin::Phone);
    }
    // Three retries after 1, 5 and 30 s; a hanging call is given up after 100 ms of the runtime's time.
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(40)).await;
        world.clock.advance(Duration::from_secs(1));
    }
    for _ in 0..100 {
        if world.reviews().await.len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(
        world.fake.live_bookings().len(),
        5,
        "everything else is done"
    );
    let mut reasons = world.review_reasons().await;
    reasons.sort();
    let mut expected = [
        ReviewReason::WorkFailed,
        ReviewReason::HostUnavailable,
        ReviewReason::HostRefused,
    ];
    expected.sort();
    assert_eq!(reasons, expected);
    // The worker lives: what comes now is done.
    world.make("late", at(9), Origin::Phone);
    engine.nudge();
    for _ in 0..200 {
        if world.fake.live_bookings().len() == 6 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.fake.live_bookings().len(), 6);
    assert!(!run.is_finished());
    stop.send(()).unwrap();
    run.await.unwrap();
}

/// What was stored about one link cannot be read: it is parked as it is, and everybody else goes on.
#[tokio::test]
async fn one_undecodable_link_stops_nobody_else() {
    let world = World::new().await;
    let broken = world.make("broken", at(0), Origin::Phone);
    let claim = world
        .store
        .claim(&ClaimRequest::new(Duration::from_secs(9), 9))
        .await
        .unwrap()
        .unwrap();
    let mut link = claim.link.clone();
    let garbage = Opaque::new(1, b"{\"base\": 7".to_vec());
    link.state = Some(garbage.clone());
    let lease = Duration::from_secs(9);
    let stored = world
        .store
        .checkpoint(&claim.lease, Checkpoint::new(link, lease));
    stored.await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    world.make("healthy", at(1), Origin::Phone);
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.review_reasons().await, [ReviewReason::Undecodable]);
    assert_eq!(world.link_of(&broken.id).await.state, Some(garbage));
    // Nobody works on it in vain.
    assert_eq!(world.drain().await, []);
}

/// A link that a newer version has written is left to the newer version.
#[tokio::test]
async fn a_link_of_a_newer_version_is_left_alone() {
    let world = World::new().await;
    world.make("newer", at(0), Origin::Phone);
    let request = ClaimRequest::new(Duration::from_secs(9), u16::MAX);
    let claim = world.store.claim(&request).await.unwrap().unwrap();
    let mut link = claim.link.clone();
    link.state = Some(Opaque::new(u16::MAX, b"something new".to_vec()));
    let lease = Duration::from_secs(9);
    let stored = world
        .store
        .checkpoint(&claim.lease, Checkpoint::new(link, lease));
    stored.await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.make("own", at(1), Origin::Phone);
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.review_reasons().await, []);
    // It is still there for a worker that can read it.
    assert!(world.store.claim(&request).await.unwrap().is_some());
}

/// Work that kills its process is counted before it begins, and left to a person after a few times.
#[tokio::test]
async fn work_that_never_ends_is_left_to_a_person() {
    let world = World::new().await;
    let made = world.make("killer", at(0), Origin::Phone);
    for _ in 0..5 {
        let request = ClaimRequest::new(Duration::from_secs(120), 1);
        world.store.claim(&request).await.unwrap().unwrap();
        world.clock.advance(Duration::from_secs(121));
    }
    let reports = world.drain().await;
    assert_eq!(reports[0].outcome, TurnOutcome::InReview);
    assert_eq!(world.review_reasons().await, [ReviewReason::WorkFailed]);
    assert_eq!(world.writes(), 0);
    world.resolve(Resolution::Retry).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert!(world.link_of(&made.id).await.booking.is_some());
}

/// One tenant's row cannot be read, such as a key that does not decrypt.
#[derive(Debug)]
struct OneFails {
    others: StaticTenants,
    fails: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl TenantDirectory for OneFails {
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, StoreError> {
        self.others.tenants(after, limit).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        let fails = self.fails.load(std::sync::atomic::Ordering::SeqCst);
        if id.as_str() == "bad" && fails {
            let kind = StoreErrorKind::Corrupt;
            return Err(StoreError::new(kind, "the tenant's key does not decrypt"));
        }
        self.others.tenant(id).await
    }

    async fn tenant_of_event_type(&self, id: EventTypeId) -> Result<Option<TenantId>, StoreError> {
        self.others.tenant_of_event_type(id).await
    }
}

#[tokio::test]
async fn a_tenant_that_cannot_be_read_stops_no_other() {
    let world = World::new().await;
    let bad = TenantId::new("bad");
    let start = world.state(at(5)).start;
    for n in 0..8 {
        let id = AppointmentId::new(format!("b{n}"));
        let start = start + TimeDelta::hours(n);
        let end = start + TimeDelta::minutes(30);
        let event_type = world.types.confirm;
        let status = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(status, start, end, event_type, ann());
        let write = AppointmentWrite::new(state, Origin::Phone, start);
        world.store.create_appointment(&bad, &id, write).unwrap();
    }
    world.make("good", at(0), Origin::Phone);
    let calendar = || Arc::new(client(&world.fake));
    let good =
        Tenant::new(world.tenant.clone(), calendar()).with_event_type(world.fake.event_type_id());
    let other = Tenant::new(bad.clone(), calendar()).with_event_type(world.types.confirm);
    let directory = Arc::new(OneFails {
        others: StaticTenants::new([good, other]),
        fails: true.into(),
    });
    let host = Arc::new(world.store.clone());
    let engine = engine_over(&world, host, directory.clone());
    let turns = world.drain_with(&engine).await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(turns.iter().filter(|turn| turn.tenant == bad).count(), 1);
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(31));
        world.drain_with(&engine).await;
    }
    let open = engine.open_reviews(&bad, Page::first(9)).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].reason, ReviewReason::TenantUnreadable);
    let message = &open[0].evidence.message;
    assert!(message.contains("does not decrypt"), "{message}");

    // The cause is gone: the work goes on, and the item closes itself.
    directory
        .fails
        .store(false, std::sync::atomic::Ordering::SeqCst);
    world.clock.advance(Duration::from_secs(31));
    world.drain_with(&engine).await;
    assert_eq!(world.fake.live_bookings().len(), 9);
    let open = engine.open_reviews(&bad, Page::first(9)).await.unwrap();
    assert_eq!(open, []);
}

/// A tenant that is in no directory waits, with one item that says so.
#[tokio::test]
async fn an_unknown_tenant_waits_with_an_item() {
    let world = World::new().await;
    let nobody = TenantId::new("nobody");
    let change = Change::new(
        nobody.clone(),
        "a".into(),
        Revision::FIRST,
        Origin::Phone,
        DateTime::UNIX_EPOCH,
    );
    world.store.record(&change).await.unwrap();
    for _ in 0..3 {
        world.drain().await;
        world.clock.advance(Duration::from_secs(31));
    }
    let open = world.engine.open_reviews(&nobody, Page::first(9));
    let open = open.await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].count, 3);
}
