//! What a tenant that is paused or held costs the others: a claim and its settlement for one tenant, with another tenant that has
//! 100,000 due links and as many changes that were not routed, against the same without it.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calcom::sqlite::SqliteStore;
use calcom::store::{
    AppointmentId, Change, ChangeFate, ClaimRequest, Hold, InMemoryStore, LinkKey, NewReview,
    Origin, Outbox, ReviewEnd, ReviewEvidence, ReviewReason, Revision, Settlement, Store, TenantId,
};
use calcom::testing::ManualClock;
use chrono::DateTime;
use criterion::Criterion;
use tokio::runtime::{Builder, Runtime};

use crate::is_test;
use crate::ratio::{compare, print_heading, print_ratio};

const GOAL: f64 = 1.5;
const LEASE: Duration = Duration::from_secs(60);
/// How many claims are timed together.
const CLAIMS: u32 = 10;
/// By its name the first one that a claim comes to.
const BUSY: &str = "busy";
const FREE: &str = "free";

fn clock() -> ManualClock {
    ManualClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
}

fn change(tenant: &str, number: u32, revision: u64) -> Change {
    let appointment = AppointmentId::new(format!("appointment-{number}"));
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let revision = Revision::new(revision);
    Change::new(
        TenantId::new(tenant),
        appointment,
        revision,
        Origin::Admin,
        at,
    )
}

/// A store, however it records many changes at once.
enum Kind {
    Memory(InMemoryStore),
    Sqlite(SqliteStore),
}

impl Kind {
    async fn record_all(&self, changes: impl Iterator<Item = Change>) {
        match self {
            Self::Memory(store) => {
                for change in changes {
                    store.record(&change).await.unwrap();
                }
            }
            Self::Sqlite(store) => {
                let mut transaction = store.pool().begin().await.unwrap();
                for change in changes {
                    let recorded = store.record_change_in(&mut transaction, &change);
                    recorded.await.unwrap();
                }
                transaction.commit().await.unwrap();
            }
        }
    }

    fn shared(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Sqlite(store) => Arc::new(store.clone()),
        }
    }
}

/// Makes so many links due, which takes many claims; then records as many changes that nobody routes.
async fn make_busy(kind: &Kind, clock: &ManualClock, links: u32) {
    kind.record_all((0..links).map(|number| change(BUSY, number, 1)))
        .await;
    let store = kind.shared();
    let tenant = TenantId::new(BUSY);
    let last = LinkKey::Appointment(change(BUSY, links - 1, 1).appointment);
    // Its time does not pass, and so the first link is claimed again and again, and more are routed each time.
    let request = ClaimRequest::new(Duration::ZERO, 1);
    while store.find(&tenant, &last).await.unwrap().is_none() {
        store.claim(&request).await.unwrap().unwrap();
    }
    clock.advance(Duration::from_secs(1));
    kind.record_all((0..links).map(|number| change(BUSY, number, 2)))
        .await;
}

/// Settles nothing of the busy tenant but this.
async fn hold_busy(store: &dyn Store, hold: Hold) {
    let claim = store.claim(&ClaimRequest::new(LEASE, 1)).await;
    let claim = claim.unwrap().unwrap();
    assert_eq!(claim.link.tenant.as_str(), BUSY);
    let mut settlement = Settlement::new(claim.link.clone());
    if let Hold::Pause(cause) = &hold {
        let evidence = ReviewEvidence::new("the key is refused");
        let reason = ReviewReason::CredentialsRefused;
        let review = NewReview::of_tenant(cause.clone(), reason, evidence);
        settlement.reviews = vec![review.ending(ReviewEnd::WithCause)];
    }
    settlement.hold = Some(hold);
    store.settle(&claim.lease, settlement).await.unwrap();
}

struct Side<'a> {
    store: Arc<dyn Store>,
    runtime: &'a Runtime,
    /// How many appointments were changed. Each is changed once: a claim reads the whole history of its own.
    changed: Cell<u32>,
}

impl<'a> Side<'a> {
    fn new(kind: &Kind, runtime: &'a Runtime) -> Self {
        Self {
            store: kind.shared(),
            runtime,
            changed: Cell::new(0),
        }
    }

    /// Claims and settles a few times in a row. Recording what is claimed is not timed.
    fn time(&self) -> Duration {
        let took = async {
            let mut took = Duration::ZERO;
            for _ in 0..CLAIMS {
                took += self.claim_and_settle().await;
            }
            took
        };
        self.runtime.block_on(took)
    }

    async fn claim_and_settle(&self) -> Duration {
        self.changed.set(self.changed.get() + 1);
        let change = change(FREE, self.changed.get(), 1);
        self.store.record(&change).await.unwrap();
        let began = Instant::now();
        let claim = self.store.claim(&ClaimRequest::new(LEASE, 1)).await;
        let claim = claim.unwrap().unwrap();
        let mut settlement = Settlement::new(claim.link.clone());
        let changes = claim.changes.iter();
        settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
        self.store.settle(&claim.lease, settlement).await.unwrap();
        let took = began.elapsed();
        assert_eq!(claim.link.tenant.as_str(), FREE);
        assert_eq!(claim.changes.len(), 1);
        took
    }
}

struct Pair<'a> {
    name: &'static str,
    with: Side<'a>,
    without: Side<'a>,
}

impl<'a> Pair<'a> {
    fn new(name: &'static str, runtime: &'a Runtime, make: impl Fn(&ManualClock) -> Kind) -> Self {
        let clock = clock();
        let (with, without) = (make(&clock), make(&clock));
        let began = Instant::now();
        runtime.block_on(make_busy(&with, &clock, links()));
        println!("{name}: set up in {:.1?}", began.elapsed());
        Self {
            name,
            with: Side::new(&with, runtime),
            without: Side::new(&without, runtime),
        }
    }

    fn hold(&self, hold: Hold) {
        let store = &*self.with.store;
        self.with.runtime.block_on(async {
            store.resume(&TenantId::new(BUSY)).await.unwrap();
            hold_busy(store, hold).await;
        });
    }
}

fn links() -> u32 {
    if is_test() { 1_000 } else { 100_000 }
}

fn sqlite(runtime: &Runtime, folder: &Path, clock: &ManualClock) -> Kind {
    let number = std::fs::read_dir(folder).unwrap().count();
    let path = folder.join(format!("{number}.db"));
    let store = runtime.block_on(SqliteStore::open_with_clock(path, clock.shared()));
    Kind::Sqlite(store.unwrap())
}

fn time_each(criterion: &mut Criterion, held: &str, pair: &Pair<'_>) {
    let mut group = criterion.benchmark_group(format!("{CLAIMS} claims, {}", pair.name));
    for (name, side) in [
        (format!("with a {held} tenant"), &pair.with),
        (format!("without a {held} tenant"), &pair.without),
    ] {
        group.bench_function(name, |b| {
            b.iter_custom(|times| (0..times).map(|_| side.time()).sum());
        });
    }
    group.finish();
}

pub(crate) fn measure(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let pairs = [
        Pair::new("in memory", &runtime, |clock| {
            Kind::Memory(InMemoryStore::with_clock(clock.shared()))
        }),
        Pair::new("SQLite", &runtime, |clock| {
            sqlite(&runtime, folder.path(), clock)
        }),
    ];
    let samples = if is_test() { 10 } else { 200 };
    let holds = [
        ("paused", Hold::Pause("key".to_owned())),
        ("throttled", Hold::For(Duration::from_secs(3600))),
    ];
    let mut measured = Vec::new();
    for (held, hold) in holds {
        for pair in &pairs {
            pair.hold(hold.clone());
            time_each(criterion, held, pair);
            let blocks = compare(samples, || pair.with.time(), || pair.without.time());
            measured.push((format!("{}: a {held} tenant waits", pair.name), blocks));
        }
    }
    print_heading("with", "without");
    for (name, blocks) in measured {
        print_ratio(&name, GOAL, &blocks);
    }
    println!(
        "each: {CLAIMS} claims with their settlements; {} due links and as many changes of a held tenant",
        links()
    );
}
