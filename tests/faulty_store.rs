//! The decorators that fail as told: without faults they are what they decorate, and with faults
//! they do what the script says.

use std::sync::Arc;
use std::time::Duration;

use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    ChainKey, Change, InMemoryStore, Origin, Outbox, Page, Person, Revision, StoreError,
    StoreErrorKind, TenantId, Tenants, Window,
};
use calcom::testing::conformance::{AppointmentTable, DeskTable};
use calcom::testing::{
    FaultyAppointments, FaultyDesk, FaultyStore, StoreFault, StoreFaults, StoreOperation,
    StoreTrouble,
};
use chrono::{DateTime, TimeDelta, Utc};

calcom::store_conformance!(without_faults, |clock| {
    FaultyStore::new(Arc::new(InMemoryStore::with_clock(clock)))
});

calcom::appointment_conformance!(appointments_without_faults, {
    let table = InMemoryStore::new();
    let faulty = FaultyAppointments::new(Arc::new(table.clone()));
    AppointmentTable::from(faulty).with_host_writes(Arc::new(table))
});

calcom::desk_conformance!(desk_without_faults, {
    let table = Arc::new(InMemoryStore::new());
    DeskTable::new(Arc::new(FaultyDesk::new(table.clone())), table)
});

// What is carried out, and slow or failing by chance, is still carried out once: the promises try
// again when the table is busy.
calcom::appointment_conformance!(appointments_that_are_slow, {
    let table = InMemoryStore::new();
    let faulty = FaultyAppointments::new(Arc::new(table.clone()));
    let slow = StoreTrouble::SlowBefore(Duration::from_millis(1));
    faulty.inject(StoreFault::anywhere(slow).always());
    AppointmentTable::from(faulty).with_host_writes(Arc::new(table))
});

fn tenant() -> TenantId {
    TenantId::new("salon")
}

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::hours(hour)
}

fn change(revision: u64) -> Change {
    let revision = Revision::new(revision);
    Change::new(tenant(), "a".into(), revision, Origin::Phone, at(0))
}

fn write() -> AppointmentWrite {
    let ann = Person::new("Ann", "ann@example.com", "UTC");
    let status = AppointmentStatus::Confirmed;
    let state = AppointmentState::new(status, at(0), at(1), 7.into(), ann);
    AppointmentWrite::new(state, Origin::Calcom, at(0))
}

async fn recorded(store: &InMemoryStore) -> usize {
    let (tenant, id) = (tenant(), "a".into());
    let changes = store.changes(&tenant, &id, Page::first(100));
    changes.await.unwrap().len()
}

fn kind<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> StoreErrorKind {
    answer.unwrap_err().kind()
}

#[tokio::test]
async fn a_fault_strikes_before_or_after_the_call_is_carried_out() {
    let inner = InMemoryStore::new();
    let store = FaultyStore::new(Arc::new(inner.clone()));
    let unavailable = StoreErrorKind::Unavailable;
    let before = StoreTrouble::Fails(unavailable);
    store.inject(StoreFault::new(StoreOperation::Record, before));
    assert_eq!(kind(store.record(&change(1)).await), unavailable);
    assert_eq!(recorded(&inner).await, 0);

    let after = StoreTrouble::CarriedOutThenFails(unavailable);
    store.inject(StoreFault::new(StoreOperation::Record, after));
    assert_eq!(kind(store.record(&change(1)).await), unavailable);
    assert_eq!(recorded(&inner).await, 1);
    store.record(&change(2)).await.unwrap();
    assert_eq!(recorded(&inner).await, 2);
}

#[tokio::test]
async fn a_fault_has_the_kind_that_was_told() {
    let store = FaultyStore::new(Arc::new(InMemoryStore::new()));
    for told in [
        StoreErrorKind::Conflict,
        StoreErrorKind::LeaseLost,
        StoreErrorKind::Corrupt,
        StoreErrorKind::NotFound,
    ] {
        store.inject(StoreFault::new(
            StoreOperation::IsPaused,
            StoreTrouble::Fails(told),
        ));
        assert_eq!(kind(store.is_paused(&tenant()).await), told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_slow_or_hangs() {
    let inner = InMemoryStore::new();
    let store = FaultyStore::new(Arc::new(inner.clone()));
    let second = Duration::from_secs(1);
    let limited = async |revision: u64| {
        let change = change(revision);
        tokio::time::timeout(2 * second, store.record(&change)).await
    };
    for (trouble, is_answered, rows) in [
        (StoreTrouble::SlowBefore(second), true, 1),
        (StoreTrouble::SlowBefore(3 * second), false, 1),
        (StoreTrouble::SlowAfter(second), true, 2),
        (StoreTrouble::SlowAfter(3 * second), false, 3),
        (StoreTrouble::Hangs, false, 3),
        (StoreTrouble::CarriedOutThenHangs, false, 4),
    ] {
        store.inject(StoreFault::new(StoreOperation::Record, trouble));
        let began = tokio::time::Instant::now();
        let calls = store.faults().calls(StoreOperation::Record);
        assert_eq!(limited(calls + 1).await.is_ok(), is_answered, "{trouble:?}");
        let took = if is_answered { second } else { 2 * second };
        assert_eq!(began.elapsed().as_secs(), took.as_secs(), "{trouble:?}");
        assert_eq!(recorded(&inner).await, rows, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_call_panics() {
    let store = FaultyStore::new(Arc::new(InMemoryStore::new()));
    let panics = StoreTrouble::Panics;
    store.inject(StoreFault::new(StoreOperation::IsPaused, panics));
    let call = tokio::spawn(async move { store.is_paused(&tenant()).await });
    assert!(call.await.unwrap_err().is_panic());
}

#[tokio::test]
async fn faults_follow_their_script() {
    let store = FaultyStore::new(Arc::new(InMemoryStore::new()));
    let faults = store.faults().clone();
    let unavailable = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    let fault = StoreFault::new(StoreOperation::IsPaused, unavailable);
    store.inject(fault.clone().skip_first(1).times(2));
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(store.is_paused(&tenant()).await.is_ok());
    }
    assert_eq!(outcomes, [true, false, false, true]);
    // Others are not touched.
    store.record(&change(1)).await.unwrap();

    // The earliest one strikes, the next one afterwards.
    let corrupt = StoreTrouble::Fails(StoreErrorKind::Corrupt);
    store.inject(fault);
    store.inject(StoreFault::anywhere(corrupt).always());
    let next = store.is_paused(&tenant()).await;
    assert_eq!(kind(next), StoreErrorKind::Unavailable);
    for _ in 0..3 {
        let next = store.is_paused(&tenant()).await;
        assert_eq!(kind(next), StoreErrorKind::Corrupt);
    }
    assert_eq!(
        kind(store.record(&change(2)).await),
        StoreErrorKind::Corrupt
    );
    faults.clear();
    store.is_paused(&tenant()).await.unwrap();

    assert_eq!(faults.calls(StoreOperation::IsPaused), 9);
    assert_eq!(faults.struck(StoreOperation::IsPaused), 6);
    assert_eq!(faults.calls(StoreOperation::Claim), 0);
    let counts: Vec<_> = faults.counts().into_iter().collect();
    let expected = [
        (StoreOperation::Record, (2, 1)),
        (StoreOperation::IsPaused, (9, 6)),
    ];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_store_and_a_repository_can_share_one_script() {
    let inner = InMemoryStore::new();
    let faults = StoreFaults::new();
    let store = FaultyStore::with_faults(Arc::new(inner.clone()), faults.clone());
    let table = FaultyAppointments::with_faults(Arc::new(inner.clone()), faults.clone());
    let unavailable = StoreErrorKind::Unavailable;
    let lost = StoreTrouble::CarriedOutThenFails(unavailable);
    faults.inject(StoreFault::new(StoreOperation::CreateForBooking, lost));
    store.is_paused(&tenant()).await.unwrap();
    let chain = ChainKey::new("chain");
    let created = table.create_for_booking(&tenant(), &chain, write()).await;
    assert_eq!(kind(created), unavailable);
    assert_eq!(inner.appointments(&tenant()).len(), 1);
    // Whoever tries again gets the one that is there.
    let created = table.create_for_booking(&tenant(), &chain, write()).await;
    let id: AppointmentId = created.unwrap().id;
    assert_eq!(inner.appointments(&tenant())[0].id, id);
    let window = Window::new(at(0), at(1));
    let found = table.scan(&tenant(), window, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(faults.calls(StoreOperation::CreateForBooking), 2);
    assert_eq!(faults.calls(StoreOperation::Scan), 1);
    assert_eq!(faults.calls(StoreOperation::IsPaused), 1);
}

/// What strikes by chance depends on the seed and on nothing else.
#[tokio::test(start_paused = true)]
async fn chance_is_repeatable() {
    let run = async |seed: u64, percent: u32| {
        let faults = StoreFaults::seeded(seed, percent);
        let inner = Arc::new(InMemoryStore::new());
        let store = FaultyStore::with_faults(inner, faults.clone());
        let mut outcomes = Vec::new();
        for revision in 1..200 {
            outcomes.push(store.record(&change(revision)).await.is_ok());
        }
        (outcomes, faults.struck(StoreOperation::Record))
    };
    let first = run(7, 30).await;
    assert_eq!(first, run(7, 30).await);
    assert_ne!(first.0, run(8, 30).await.0);
    // Half of what strikes is slow, and succeeds.
    let failed = first.0.iter().filter(|is_ok| !**is_ok).count();
    assert!((40..90).contains(&first.1), "{}", first.1);
    assert!((10..60).contains(&failed), "{failed}");
    assert_eq!(run(7, 0).await.1, 0);
    assert_eq!(run(7, 100).await.1, 199);
}
