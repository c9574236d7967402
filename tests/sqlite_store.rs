//! The SQLite store: the conformance suite, and what a file adds to it.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calcom::model::{BookingUid, EventTypeId};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Change, Inbox, LinkKey, Links, NewDelivery, NewReview, Origin,
    Outbox, PendingWrite, Person, ReviewEvidence, ReviewReason, Revision, Settlement,
    StoreErrorKind, SyncKey, TenantId,
};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

calcom::store_conformance!(
    store,
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await
);
calcom::appointment_conformance!(
    repository,
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await
);

const FILE: &str = "books.db";
const LEASE: Duration = Duration::from_secs(60);

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join(FILE)).await.unwrap()
}

fn options(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(folder.join(FILE))
}

/// A connection that looks at the file past the store.
async fn beside(folder: &Path) -> SqlitePool {
    SqlitePool::connect_with(options(folder)).await.unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("tenant")
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minute)
}

fn write(start_minute: i64) -> AppointmentWrite {
    AppointmentWrite {
        state: AppointmentState {
            status: AppointmentStatus::Confirmed,
            start: at(start_minute),
            end: at(start_minute + 30),
            event_type: EventTypeId::new(7),
            attendee: Person::new("Ada", "ada@example.com", "Europe/Berlin"),
        },
        origin: Origin::Phone,
        at: at(0),
    }
}

fn change(appointment: &str) -> Change {
    Change {
        tenant: tenant(),
        appointment: AppointmentId::new(appointment),
        revision: Revision::FIRST,
        origin: Origin::Admin,
        at: at(0),
    }
}

fn delivery(booking: &str) -> NewDelivery {
    NewDelivery {
        tenant: tenant(),
        fingerprint: [1; 32],
        received_at: at(0),
        trigger: "BOOKING_CREATED".to_owned(),
        booking: Some(BookingUid::new(booking)),
        rescheduled_from: None,
        sync_key: None,
        body: "{}".to_owned(),
        ignored: None,
    }
}

#[tokio::test]
async fn every_table_and_the_migrations_table_carry_our_name() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
            .fetch_all(&beside(folder.path()).await)
            .await
            .unwrap();
    assert!(tables.iter().any(|name| name == "calcom_migrations"));
    for name in tables {
        assert!(name.starts_with("calcom_"), "{name}");
    }
}

#[tokio::test]
async fn the_file_is_durable_and_readers_do_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(store.pool())
        .await
        .unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(store.pool())
        .await
        .unwrap();
    const FULL: i64 = 2;
    assert_eq!((journal.as_str(), synchronous), ("wal", FULL));
    let _writing = store.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
    store.next_due().await.unwrap();
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let write_begun = PendingWrite::CreateBooking {
        sync_key: SyncKey::new("key"),
        state: write(60).state,
        revision: Revision::FIRST,
        earlier: Vec::new(),
    };
    let (before, appointment) = {
        let store = open(folder.path()).await;
        let id = AppointmentId::new("a");
        let appointment = store
            .create_appointment(&tenant(), &id, write(60))
            .await
            .unwrap();
        let claim = store.claim(at(0), LEASE).await.unwrap().unwrap();
        store
            .begin_write(&claim.lease, &write_begun, at(5))
            .await
            .unwrap();
        store.accept(delivery("booking")).await.unwrap();
        (claim, appointment)
    };

    let store = open(folder.path()).await;
    assert_eq!(
        store.get(&tenant(), &appointment.id).await.unwrap(),
        Some(appointment)
    );
    let delivered = store.claim(at(4), LEASE).await.unwrap().unwrap();
    assert_eq!(delivered.deliveries.len(), 1);
    assert!(
        store.claim(at(4), LEASE).await.unwrap().is_none(),
        "the lease is forgotten"
    );
    let after = store.claim(at(5), LEASE).await.unwrap().unwrap();
    assert_eq!(after.link.id, before.link.id);
    assert_eq!(after.link.pending, Some(write_begun));
    assert_eq!(after.changes, before.changes);
    let late = store
        .settle(&before.lease, Settlement::new(before.link, at(5)))
        .await;
    assert_eq!(late.unwrap_err().kind(), StoreErrorKind::LeaseLost);
}

#[tokio::test]
async fn a_database_opened_for_reading_only_is_read_only() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await;
    let pool = SqlitePool::connect_with(options(folder.path()).read_only(true))
        .await
        .unwrap();
    let error = SqliteStore::with_pool(pool).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
}

#[tokio::test]
async fn a_write_that_the_database_refuses_is_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    sqlx::query("PRAGMA query_only = ON")
        .execute(store.pool())
        .await
        .unwrap();
    let recorded = store.record(&change("a")).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::ReadOnly);
    let accepted = store.accept(delivery("booking")).await;
    assert_eq!(accepted.unwrap_err().kind(), StoreErrorKind::ReadOnly);
}

#[cfg(unix)]
#[tokio::test]
#[ignore = "root may write every file: run it as another user"]
async fn a_file_without_write_permission_is_read_only() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.pool().close().await;
    set_permissions(folder.path().join(FILE), Permissions::from_mode(0o444)).unwrap();
    let error = SqliteStore::open(folder.path().join(FILE))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");

    set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
    let error = SqliteStore::open(folder.path().join("new.db"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(folder.path().join("missing").join(FILE))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "a shopping list ".repeat(100)).unwrap();
    let error = SqliteStore::open(folder.path().join(FILE))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await;
    sqlx::query(
        "INSERT INTO calcom_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&beside(folder.path()).await)
    .await
    .unwrap();
    let error = SqliteStore::open(folder.path().join(FILE))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NewerSchema);
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    // Closed first: a connection on its way out may hold a lock for longer than the impatient one waits.
    open(folder.path()).await.pool().close().await;
    let impatient = options(folder.path()).busy_timeout(Duration::from_millis(20));
    let store = SqliteStore::with_pool(SqlitePool::connect_with(impatient).await.unwrap());
    let store = store.await.unwrap();
    let beside = beside(folder.path()).await;
    let locked = beside.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let recorded = store.record(&change("a")).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::Unavailable);
    locked.rollback().await.unwrap();
    assert!(store.claim(at(0), LEASE).await.unwrap().is_none());
}

#[tokio::test]
async fn a_taken_pool_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(50))
        .connect_with(options(folder.path()).create_if_missing(true))
        .await
        .unwrap();
    let store = SqliteStore::with_pool(pool.clone()).await.unwrap();
    let _taken = pool.acquire().await.unwrap();
    let recorded = store.record(&change("a")).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let key = LinkKey::Appointment(AppointmentId::new("a"));
    let link = store.find(&tenant(), &key).await.unwrap().unwrap();
    sqlx::query("UPDATE calcom_links SET base = '{\"status\":\"ada@example.com\"}'")
        .execute(&beside(folder.path()).await)
        .await
        .unwrap();
    let error = store.find(&tenant(), &key).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let told = format!("{error} {error:?}");
    assert!(
        told.contains(&format!("row {} of calcom_links", link.id)),
        "{told}"
    );
    assert!(!told.contains("ada@example.com"), "{told}");
    // A claim that fails keeps the link for nobody.
    let claimed = store.claim(at(0), LEASE).await;
    assert_eq!(claimed.unwrap_err().kind(), StoreErrorKind::Corrupt);
    let leases: i64 = sqlx::query_scalar("SELECT COUNT(lease_until) FROM calcom_links")
        .fetch_one(&beside(folder.path()).await)
        .await
        .unwrap();
    assert_eq!(leases, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let path = folder.path().join(FILE);
            tokio::spawn(async move { SqliteStore::open(path).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_handles_on_one_file_share_one_queue() {
    const LINKS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let handles = [open(folder.path()).await, open(folder.path()).await];
    for number in 0..LINKS {
        handles[number % 2]
            .record(&change(&format!("a{number}")))
            .await
            .unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let store = handles[number % 2].clone();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                while let Some(claim) = store.claim(at(0), LEASE).await.unwrap() {
                    claimed.push(claim.link.id);
                }
                claimed
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), LINKS);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), LINKS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_on_two_handles_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let handles = [open(folder.path()).await, open(folder.path()).await];
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = handles[writer % 2].clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    let chain = ChainKey::new(format!("chain {writer} {number}"));
                    store
                        .create_for_booking(&tenant(), &chain, write(60))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_call_has_happened_whole_or_not_at_all() {
    const CALLS: u32 = 150;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await);
    for number in 0..CALLS {
        let change = change(&format!("a{number}"));
        let patience = Duration::from_micros(u64::from(number) * 20);
        let _answered_or_dropped = tokio::time::timeout(patience, store.record(&change)).await;
    }
    let mut recorded = 0;
    for number in 0..CALLS {
        let id = AppointmentId::new(format!("a{number}"));
        let changes = store.changes(&tenant(), &id).await.unwrap().len();
        let link = store
            .find(&tenant(), &LinkKey::Appointment(id))
            .await
            .unwrap();
        assert_eq!(
            changes,
            usize::from(link.is_some()),
            "a{number} is half done"
        );
        recorded += changes;
    }
    let mut claimed = 0;
    while let Some(claim) = store.claim(at(0), LEASE).await.unwrap() {
        claimed += claim.changes.len();
    }
    assert_eq!(claimed, recorded);
}

/// A host with a table of its own, in the file of the store.
async fn host(folder: &Path) -> (SqlitePool, SqliteStore) {
    let pool = SqlitePool::connect_with(options(folder).create_if_missing(true))
        .await
        .unwrap();
    sqlx::query("CREATE TABLE visits (id TEXT PRIMARY KEY)")
        .execute(&pool)
        .await
        .unwrap();
    let store = SqliteStore::with_pool(pool.clone()).await.unwrap();
    (pool, store)
}

#[tokio::test]
async fn a_change_is_recorded_in_the_hosts_transaction_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, store) = host(folder.path()).await;
    for commits in [false, true] {
        let mut transaction = pool.begin().await.unwrap();
        sqlx::query("INSERT INTO visits (id) VALUES ('a')")
            .execute(&mut *transaction)
            .await
            .unwrap();
        SqliteStore::record_change_in(&mut transaction, &change("a"))
            .await
            .unwrap();
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        let visits: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM visits")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(visits, i64::from(commits));
        let changes = store
            .changes(&tenant(), &AppointmentId::new("a"))
            .await
            .unwrap();
        assert_eq!(changes.len(), usize::from(commits));
        let claim = store.claim(at(0), LEASE).await.unwrap();
        assert_eq!(claim.is_some(), commits);
    }
}

#[tokio::test]
async fn an_appointment_is_created_in_the_hosts_transaction_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, store) = host(folder.path()).await;
    let id = AppointmentId::new("a");
    let mut transaction = pool.begin().await.unwrap();
    SqliteStore::create_appointment_in(&mut transaction, &tenant(), &id, write(60))
        .await
        .unwrap();
    drop(transaction);
    assert_eq!(store.get(&tenant(), &id).await.unwrap(), None);
    assert!(store.claim(at(0), LEASE).await.unwrap().is_none());

    let mut transaction = pool.begin().await.unwrap();
    let created = SqliteStore::create_appointment_in(&mut transaction, &tenant(), &id, write(60))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.get(&tenant(), &id).await.unwrap(), Some(created));
    let again = store.create_appointment(&tenant(), &id, write(90)).await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::Conflict);
}

#[tokio::test]
async fn every_write_of_the_ready_table_records_its_change() {
    async fn origins(store: &SqliteStore, appointment: &Appointment) -> Vec<(Revision, Origin)> {
        let changes = store.changes(&tenant(), &appointment.id).await.unwrap();
        let changes = changes.into_iter().map(|(row, _)| row.change);
        changes
            .map(|change| (change.revision, change.origin))
            .collect()
    }

    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = AppointmentId::new("a");
    let made = store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    let mut by_engine = write(90);
    by_engine.origin = Origin::Calcom;
    store
        .update(&tenant(), &id, made.revision, by_engine.clone())
        .await
        .unwrap();
    assert_eq!(
        origins(&store, &made).await,
        [
            (Revision::FIRST, Origin::Phone),
            (Revision::new(2), Origin::Calcom)
        ]
    );
    let chain = ChainKey::new("chain");
    let booked = store
        .create_for_booking(&tenant(), &chain, by_engine.clone())
        .await
        .unwrap();
    store
        .create_for_booking(&tenant(), &chain, by_engine)
        .await
        .unwrap();
    assert_eq!(
        origins(&store, &booked).await,
        [(Revision::FIRST, Origin::Calcom)]
    );
}

#[tokio::test]
async fn links_of_a_paused_tenant_wake_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claim = store.claim(at(0), LEASE).await.unwrap().unwrap();
    let mut settlement = Settlement::new(claim.link, at(0));
    settlement.next_due = Some(at(0));
    settlement.review = Some(NewReview {
        reason: ReviewReason::CredentialsRefused,
        evidence: ReviewEvidence::default(),
    });
    settlement.pause_tenant = true;
    store.settle(&claim.lease, settlement).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
}

#[tokio::test]
async fn a_settlement_of_what_does_not_wait_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claim = store.claim(at(0), LEASE).await.unwrap().unwrap();
    let mut settlement = Settlement::new(claim.link.clone(), at(0));
    settlement.changes = vec![(1234.into(), calcom::store::ChangeFate::Pushed)];
    let settled = store.settle(&claim.lease, settlement).await;
    assert_eq!(settled.unwrap_err().kind(), StoreErrorKind::Invalid);
    store
        .settle(&claim.lease, Settlement::new(claim.link.clone(), at(0)))
        .await
        .unwrap();
    // The lease was given back.
    let again = store
        .settle(&claim.lease, Settlement::new(claim.link, at(0)))
        .await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::LeaseLost);
}
