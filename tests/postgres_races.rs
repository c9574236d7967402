//! The PostgreSQL store under many hands at once: nobody is refused for somebody else's sake, and nothing is left behind.
//!
//! Needs a server: `scripts/with-postgres cargo test --test postgres_races -- --include-ignored`.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calcom::ambient::{Entropy, SystemEntropy};
use calcom::model::BookingUid;
use calcom::postgres::PostgresStore;
use calcom::store::{
    AppointmentId, Change, ChangeFate, Checkpoint, Claim, ClaimRequest, DeliveryFate, Inbox,
    LinkKey, Links, MarkSource, NewDelivery, NewReview, Origin, Outbox, Page, Resolution,
    ReviewEvidence, ReviewReason, Reviews, Revision, Settlement, StoreErrorKind, SyncKey, TenantId,
    Tenants,
};
use chrono::DateTime;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const TENANTS: [&str; 2] = ["a", "b"];
const APPOINTMENTS: u64 = 6;
const BOOKINGS: u64 = 10;
const DOORS: u64 = 4;
const WORKERS: u64 = 8;
const CALLS: u64 = 80;

/// A generator of numbers, the same for the same seed (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn tenant(&mut self) -> TenantId {
        TenantId::new(TENANTS[usize::from(self.below(2) == 0)])
    }

    fn booking(&mut self) -> BookingUid {
        BookingUid::new(format!("booking{}", self.below(BOOKINGS)))
    }
}

/// What comes in: changes, deliveries, marks, and what a person does.
async fn come_in(store: PostgresStore, seed: u64) {
    let mut chance = Chance(seed);
    for call in 0..CALLS {
        let tenant = chance.tenant();
        match chance.below(10) {
            0..4 => {
                let id = AppointmentId::new(format!("appointment{}", chance.below(APPOINTMENTS)));
                let revision = Revision::new(1 + seed * CALLS + call);
                let change = Change::new(tenant, id, revision, Origin::Admin, DateTime::UNIX_EPOCH);
                store.record(&change).await.unwrap();
            }
            4..7 => {
                let mut fingerprint = [0; 32];
                fingerprint[..8].copy_from_slice(&(seed * CALLS + call).to_le_bytes());
                let mut delivery = NewDelivery::new(tenant, fingerprint, "BOOKING_CREATED");
                delivery.booking = Some(chance.booking());
                delivery.rescheduled_from = Some(chance.booking());
                delivery.body = "{}".to_owned();
                store.accept(delivery).await.unwrap();
            }
            7..9 => {
                let key = LinkKey::Booking(chance.booking());
                store
                    .mark(&tenant, &key, MarkSource::Request)
                    .await
                    .unwrap();
            }
            _ => {
                let open = store.open_reviews(&tenant, Page::first(5)).await.unwrap();
                for item in open {
                    let resolved = store
                        .resolve(&tenant, item.id, &Resolution::Retry, "eve")
                        .await;
                    // It may have been closed meanwhile.
                    assert!(
                        resolved.is_ok()
                            || resolved
                                .is_err_and(|error| error.kind() == StoreErrorKind::Conflict)
                    );
                }
                store.resume(&tenant).await.unwrap();
            }
        }
    }
}

/// A settlement that ends all that came with a claim.
fn ending(claim: &Claim) -> Settlement {
    let mut settlement = Settlement::new(claim.link.clone());
    let changes = claim.changes.iter();
    settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
    let deliveries = claim.deliveries.iter();
    settlement.deliveries = deliveries
        .map(|row| (row.id, DeliveryFate::Agreed))
        .collect();
    settlement.marks = claim.marks.iter().map(|mark| mark.id).collect();
    settlement
}

/// Whether it was done; a worker is told that another one was first, and nothing else.
fn is_done<T>(answer: Result<T, calcom::store::StoreError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(error) => {
            use StoreErrorKind::{Conflict, LeaseLost, NotFound};
            assert!(
                matches!(error.kind(), Conflict | LeaseLost | NotFound),
                "{error:?}"
            );
            false
        }
    }
}

/// Claims one link and settles it, in one of many ways. Returns whether there was one.
async fn work(store: &PostgresStore, chance: &mut Chance) -> bool {
    let after = Some(chance.tenant());
    let request = ClaimRequest::new(Duration::from_secs(60), 1).after(after);
    let Some(claim) = store.claim(&request).await.unwrap() else {
        return false;
    };
    let mut settlement = ending(&claim);
    settlement.link.booking = Some(chance.booking());
    settlement.link.sync_key = Some(SyncKey::new(format!("key{}", chance.below(20))));
    settlement.link.series = Some("series".into());
    settlement.link.bare = chance.below(3) > 0;
    settlement.mark_siblings = chance.below(4) == 0;
    settlement.settled = chance.below(2) == 0;
    if chance.below(3) == 0 {
        let evidence = ReviewEvidence::new("a race");
        settlement.reviews.push(match chance.below(2) {
            0 => NewReview::of_link(ReviewReason::Conflict, evidence),
            _ => NewReview::of_tenant("race", ReviewReason::SlotTaken, evidence),
        });
    }
    if chance.below(3) == 0 {
        let checkpoint = Checkpoint::new(settlement.link.clone(), Duration::from_secs(60));
        is_done(store.checkpoint(&claim.lease, checkpoint).await);
    }
    if chance.below(6) == 0 {
        let key = LinkKey::Booking(chance.booking());
        let other = store.find(&claim.link.tenant, &key).await.unwrap();
        if let Some(other) = other
            && is_done(store.absorb(&claim.lease, other.id).await)
        {
            return true;
        }
    }
    if !is_done(store.settle(&claim.lease, settlement).await) {
        is_done(store.settle(&claim.lease, ending(&claim)).await);
    }
    true
}

async fn race(url: &str, schema: &str, seed: u64) {
    let mut stores = Vec::new();
    for _ in 0..3 {
        let builder = PostgresStore::builder().schema(schema).max_connections(6);
        stores.push(builder.connect(url).await.unwrap());
    }
    let store_of = |n: u64| stores[usize::try_from(n).unwrap() % stores.len()].clone();
    let at_the_doors = Arc::new(AtomicUsize::new(usize::try_from(DOORS).unwrap()));
    let mut tasks = Vec::new();
    for door in 0..DOORS {
        let (store, open) = (store_of(door), at_the_doors.clone());
        tasks.push(tokio::spawn(async move {
            come_in(store, seed * DOORS + door).await;
            open.fetch_sub(1, Ordering::SeqCst);
        }));
    }
    for worker in 0..WORKERS {
        let (store, open) = (store_of(worker), at_the_doors.clone());
        tasks.push(tokio::spawn(async move {
            let mut chance = Chance(1_000 * (seed + 1) + worker);
            // Marks of siblings beget marks, and so a worker does not go on for ever.
            for _ in 0..400 {
                let is_last = open.load(Ordering::SeqCst) == 0;
                if !work(&store, &mut chance).await {
                    if is_last {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    // What is left is settled one by one.
    let store = &stores[0];
    let request = ClaimRequest::new(Duration::from_secs(60), 1);
    while let Some(claim) = store.claim(&request).await.unwrap() {
        store.settle(&claim.lease, ending(&claim)).await.unwrap();
    }
    assert_eq!(store.next_due(1).await.unwrap(), None);
    for tenant in TENANTS.map(TenantId::new) {
        let all = Page::first(u32::MAX);
        let deliveries = store.deliveries(&tenant, all).await.unwrap();
        assert!(!deliveries.is_empty());
        assert!(deliveries.iter().all(|(_, fate)| fate.is_some()));
        for number in 0..APPOINTMENTS {
            let id = AppointmentId::new(format!("appointment{number}"));
            let changes = store.changes(&tenant, &id, Page::first(u32::MAX));
            let changes = changes.await.unwrap();
            assert!(changes.iter().all(|(_, fate)| fate.is_some()));
        }
    }
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_races -- --include-ignored"]
async fn many_at_once_leave_nothing_behind() {
    let url = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    let name = SystemEntropy.next_u64();
    for seed in 0..4 {
        let schema = format!("races_{name:x}_{seed}");
        race(&url, &schema, seed).await;
        let mut beside = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE")))
            .execute(&mut beside)
            .await
            .unwrap();
    }
}
