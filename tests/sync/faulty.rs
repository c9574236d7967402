//! A store that fails at any one call, before or after it was carried out: nothing is lost, and
//! nothing is booked twice.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{SECRET, World, at, cancel, client, config, move_to};
use calcom::store::{
    AppointmentRepository, Links, Origin, ReviewReason, Store, StoreErrorKind as Kind,
};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant};
use calcom::testing::{
    FaultyAppointments, FaultyStore, SeededEntropy, StoreFault, StoreFaults, StoreOperation,
    StoreTrouble,
};

/// An engine whose books and whose host both follow the script.
pub(crate) fn engine_over(world: &World, faults: &StoreFaults) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id())
        .with_host(world.fake.host_id());
    let inner = Arc::new(world.store.clone());
    let books: Arc<dyn Store> = Arc::new(FaultyStore::with_faults(inner.clone(), faults.clone()));
    let host: Arc<dyn AppointmentRepository> =
        Arc::new(FaultyAppointments::with_faults(inner, faults.clone()));
    let mut config = config();
    config.store_timeout = Duration::from_millis(50);
    let engine = Engine::builder(books, host, Arc::new(StaticTenants::new([tenant])))
        .config(config)
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

/// Works as a worker would: a step that fails is made again a moment later.
async fn work(world: &World, engine: &Engine) {
    for _ in 0..400 {
        // A hosted server sends them a while after its answer.
        world.webhooks_arrive().await;
        match engine.step().await {
            Ok(Some(_)) => {}
            Ok(None) => {
                if world.store.next_due(1).await.unwrap().is_none() {
                    return;
                }
                world.clock.advance(Duration::from_secs(10));
            }
            Err(_) => world.clock.advance(Duration::from_secs(1)),
        }
    }
    panic!("the work does not end");
}

/// The operations that a turn makes, and what may become of one call.
fn troubles() -> Vec<(StoreOperation, StoreTrouble)> {
    let operations = [
        StoreOperation::Claim,
        StoreOperation::Checkpoint,
        StoreOperation::Settle,
        StoreOperation::Get,
        StoreOperation::CreateForBooking,
        StoreOperation::Update,
    ];
    let troubles = [
        StoreTrouble::Fails(Kind::Unavailable),
        StoreTrouble::CarriedOutThenFails(Kind::Unavailable),
        StoreTrouble::Hangs,
        StoreTrouble::CarriedOutThenHangs,
    ];
    let leases = [StoreOperation::Checkpoint, StoreOperation::Settle];
    let lost = leases.map(|operation| (operation, StoreTrouble::Fails(Kind::LeaseLost)));
    let all = operations.into_iter();
    all.flat_map(|operation| troubles.map(|trouble| (operation, trouble)))
        .chain(lost)
        .collect()
}

/// The host books, moves and cancels, and an attendee books and moves; one call of the store or of
/// the host's table fails at each place.
#[tokio::test]
async fn one_call_that_fails_costs_nothing_but_time() {
    let mut struck = 0;
    for (operation, trouble) in troubles() {
        for skip in 0..2 {
            let world = World::new().await;
            let faults = StoreFaults::new();
            let engine = engine_over(&world, &faults);
            faults.inject(StoreFault::new(operation, trouble).skip_first(skip));
            let kept = world.make("kept", at(0), Origin::Phone);
            let ended = world.make("ended", at(1), Origin::Phone);
            work(&world, &engine).await;
            world.change(&kept.id, Origin::Admin, move_to(at(2))).await;
            world.change(&ended.id, Origin::Admin, cancel).await;
            work(&world, &engine).await;
            let booking = world.book(at(3)).await;
            work(&world, &engine).await;
            world.fake.move_booking(&booking.uid, at(4)).await.unwrap();
            work(&world, &engine).await;
            struck += faults.struck(operation);
            let case = format!("{operation:?} {trouble:?} after {skip}");
            let mut starts: Vec<_> = world.fake.live_bookings().iter().map(|b| b.start).collect();
            starts.sort();
            assert_eq!(starts, [at(2), at(4)], "{case}");
            let reasons = world.review_reasons().await;
            assert_eq!(reasons, [] as [ReviewReason; 0], "{case}");
            world.assert_in_step().await;
        }
    }
    // Each strikes, but for those of a second write of the host, of which there is one of each kind.
    let cases = 2 * troubles().len() as u64;
    assert_eq!(struck, cases - 8);
}

/// A store that fails by chance, at one call in five, for a while.
#[tokio::test]
async fn a_store_that_fails_by_chance_loses_nothing() {
    for seed in 0..8 {
        let world = World::new().await;
        let faults = StoreFaults::seeded(seed, 20);
        let engine = engine_over(&world, &faults);
        let mut made = Vec::new();
        for n in 0..4 {
            made.push(world.make(&format!("a{n}"), at(n), Origin::Phone));
        }
        for _ in 0..30 {
            if engine.step().await.is_err() {
                world.clock.advance(Duration::from_secs(1));
            }
        }
        world.change(&made[0].id, Origin::Admin, cancel).await;
        world
            .change(&made[1].id, Origin::Admin, move_to(at(6)))
            .await;
        for _ in 0..30 {
            if engine.step().await.is_err() {
                world.clock.advance(Duration::from_secs(1));
            }
        }
        faults.clear();
        work(&world, &engine).await;
        // What failed too often is left to a person, and is not lost.
        for _ in world.reviews().await {
            world.resolve(calcom::store::Resolution::Retry).await;
        }
        work(&world, &engine).await;
        let mut starts: Vec<_> = world.fake.live_bookings().iter().map(|b| b.start).collect();
        starts.sort();
        assert_eq!(starts, [at(2), at(3), at(6)], "seed {seed}");
        assert_eq!(world.review_reasons().await, [], "seed {seed}");
        let fates = world.delivery_fates().await;
        assert!(fates.iter().all(Option::is_some), "seed {seed}: {fates:?}");
    }
}
