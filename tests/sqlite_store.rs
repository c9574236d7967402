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
    Accepted, Appointment, AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentState,
    AppointmentStatus, AppointmentWrite, ChainKey, Change, ChangeFate, Checkpoint, Claim,
    ClaimRequest, DeliveryClaim, DeliveryFate, EventClaimRequest, Hold, Inbox, Links, LogScope,
    NewDelivery, NewReview, NewSenderEvent, Opaque, Origin, Outbox, Page, Person, Resolution,
    Retention, ReviewEvidence, ReviewReason, Reviews, Revision, SenderEventFate, SenderEvents,
    Settlement, StoreErrorKind, SyncKey, SyncLog, TenantId, Tenants, Upkeep,
};
use calcom::testing::ManualClock;
use calcom::testing::conformance::AppointmentTable;
use calcom::webhook::Sender;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

calcom::store_conformance!(
    store,
    let folder = tempfile::tempdir().unwrap();
    |clock| SqliteStore::open_with_clock(folder.path().join(FILE), clock).await.unwrap()
);
calcom::appointment_conformance!(
    repository,
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Arc::new(open(folder.path()).await);
        AppointmentTable::new(store.clone()).with_host_writes(store)
    }
);
calcom::desk_conformance!(
    desk,
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await
);
calcom::service_conformance!(
    services,
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
    let state = AppointmentState::new(
        AppointmentStatus::Confirmed,
        at(start_minute),
        at(start_minute + 30),
        EventTypeId::new(7),
        Person::new("Ada", "ada@example.com", "Europe/Berlin"),
    );
    AppointmentWrite::new(state, Origin::Phone, at(0))
}

fn change(appointment: &str) -> Change {
    let appointment = AppointmentId::new(appointment);
    Change::new(tenant(), appointment, Revision::FIRST, Origin::Admin, at(0))
}

fn delivery(booking: &str) -> NewDelivery {
    let mut delivery = NewDelivery::new(tenant(), [1; 32], "BOOKING_CREATED");
    delivery.booking = Some(BookingUid::new(booking));
    delivery.body = "{}".to_owned();
    delivery
}

fn request() -> ClaimRequest {
    ClaimRequest::new(LEASE, 1)
}

async fn claim(store: &SqliteStore) -> Claim {
    store.claim(&request()).await.unwrap().expect("some work")
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
    store.next_due(1).await.unwrap();
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(at(0));
    let path = folder.path().join(FILE);
    let state = Some(Opaque::new(1, vec![0, 255, 1]));
    let (before, appointment) = {
        let store = SqliteStore::open_with_clock(&path, clock.shared())
            .await
            .unwrap();
        let id = AppointmentId::new("a");
        let appointment = store
            .create_appointment(&tenant(), &id, write(60))
            .await
            .unwrap();
        let claim = claim(&store).await;
        let mut checkpoint = Checkpoint::new(claim.link.clone(), 5 * LEASE);
        checkpoint.link.state = state.clone();
        checkpoint.link.sync_key = Some(SyncKey::new("key"));
        store.checkpoint(&claim.lease, checkpoint).await.unwrap();
        store.accept(delivery("booking")).await.unwrap();
        (claim, appointment)
    };

    clock.set(at(4));
    let store = SqliteStore::open_with_clock(&path, clock.shared())
        .await
        .unwrap();
    assert_eq!(
        store.get(&tenant(), &appointment.id).await.unwrap(),
        Some(appointment)
    );
    let delivered = claim(&store).await;
    assert_eq!(delivered.deliveries.len(), 1);
    assert_eq!(delivered.books_since, at(0));
    let nothing = store.claim(&request()).await.unwrap();
    assert!(nothing.is_none(), "the lease is forgotten");
    clock.set(at(5));
    let after = claim(&store).await;
    assert_eq!(after.link.id, before.link.id);
    assert_eq!(after.link.state, state);
    assert_eq!(after.link.sync_key, Some(SyncKey::new("key")));
    assert_eq!(after.changes, before.changes);
    assert_eq!(after.begun, 2);
    let late = store
        .settle(&before.lease, Settlement::new(before.link))
        .await;
    assert_eq!(late.unwrap_err().kind(), StoreErrorKind::LeaseLost);
}

/// Rows of before the index for phone numbers, and what another program writes in SQL. One that is no JSON
/// stops neither the migration nor the look-up.
#[tokio::test]
async fn rows_of_before_are_found_by_phone() {
    let folder = tempfile::tempdir().unwrap();
    let number = "+4930123456".parse().unwrap();
    let insert = |id: &'static str, state: String| {
        sqlx::query(
            "INSERT INTO calcom_appointments (tenant, id, revision, origin, state, start_at, updated_at) \
             VALUES ('tenant', ?1, 1, 'admin', ?2, 0, 0)",
        )
        .bind(id)
        .bind(state)
    };
    let mut state = write(60).state;
    state.attendee.phone_number = Some("+4930123456".to_owned());
    let state = serde_json::to_string(&state).unwrap();
    open(folder.path()).await.pool().close().await;
    let beside = beside(folder.path()).await;
    for sql in [
        "DROP INDEX calcom_appointments_phone",
        "DELETE FROM calcom_migrations WHERE version = 4",
    ] {
        sqlx::query(sql).execute(&beside).await.unwrap();
    }
    for (id, state) in [("old", state.clone()), ("broken", "no JSON".to_owned())] {
        insert(id, state).execute(&beside).await.unwrap();
    }
    let store = open(folder.path()).await;
    insert("new", state).execute(&beside).await.unwrap();
    insert("worse", "{".to_owned())
        .execute(&beside)
        .await
        .unwrap();
    let found = store.by_phone(&tenant(), &number, at(0), 10).await.unwrap();
    let found: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(found, ["new", "old"]);
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
    assert!(store.claim(&request()).await.unwrap().is_none());
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
    let id = AppointmentId::new("a");
    store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    sqlx::query("UPDATE calcom_appointments SET state = '{\"status\":\"ada@example.com\"}'")
        .execute(&beside(folder.path()).await)
        .await
        .unwrap();
    let error = store.get(&tenant(), &id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let told = format!("{error} {error:?}");
    assert!(told.contains("row a of calcom_appointments"), "{told}");
    assert!(!told.contains("ada@example.com"), "{told}");
    // The books do not read it.
    assert_eq!(claim(&store).await.changes.len(), 1);
}

#[tokio::test]
async fn what_a_newer_version_wrote_into_a_row_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut sent = delivery("booking");
    sent.claim = DeliveryClaim::new(AppointmentStatus::Cancelled, None, None);
    store.accept(sent).await.unwrap();
    let first = claim(&store).await;
    let mut settlement = Settlement::new(first.link);
    settlement.wake = Some(Duration::ZERO);
    let evidence = ReviewEvidence::new("both sides changed");
    settlement.reviews = vec![NewReview::of_link(ReviewReason::Conflict, evidence)];
    let settled = store.settle(&first.lease, settlement).await.unwrap();
    let beside = beside(folder.path()).await;
    for damage in [
        "UPDATE calcom_notices SET claim = '{\"status\":\"teleported\"}'",
        "UPDATE calcom_reviews SET evidence = '{\"local\":7}'",
    ] {
        sqlx::query(damage).execute(&beside).await.unwrap();
    }

    let again = claim(&store).await;
    assert_eq!(again.deliveries[0].claim, DeliveryClaim::default());
    let page = Page::first(10);
    let open = store.open_reviews(&tenant(), page).await.unwrap();
    assert_eq!(open.len(), 1);
    let told = &open[0].evidence.message;
    assert!(told.contains("cannot be read back"), "{told}");
    store
        .resolve(&tenant(), settled.opened[0], &Resolution::Retry, "eve")
        .await
        .unwrap();

    // A decision of a kind that this version does not know is none that it carries out.
    sqlx::query("UPDATE calcom_reviews SET resolution = '{\"kind\":\"reassign\"}'")
        .execute(&beside)
        .await
        .unwrap();
    let mut settlement = Settlement::new(again.link);
    settlement.deliveries = vec![(again.deliveries[0].id, DeliveryFate::Agreed)];
    store.settle(&again.lease, settlement).await.unwrap();
    let marked = claim(&store).await;
    assert_eq!(marked.marks.len(), 1);
    assert_eq!(marked.marks[0].instruction, None);
    let item = store.review(&tenant(), settled.opened[0]).await.unwrap();
    let outcome = item.unwrap().resolved.unwrap().outcome.unwrap();
    assert!(outcome.contains("cannot be read back"), "{outcome}");
}

#[tokio::test]
async fn a_link_of_a_newer_format_is_left_to_a_newer_worker() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("newer")).await.unwrap();
    let newer = claim(&store).await;
    let mut settlement = Settlement::new(newer.link);
    settlement.link.state = Some(Opaque::new(2, vec![7]));
    store.settle(&newer.lease, settlement).await.unwrap();
    store.record(&change("older")).await.unwrap();
    let older = claim(&store).await;
    assert_eq!(older.link.appointment, Some(AppointmentId::new("older")));
    assert!(store.claim(&request()).await.unwrap().is_none());
    let both = ClaimRequest::new(LEASE, 2);
    assert!(store.claim(&both).await.unwrap().is_some());
}

#[tokio::test]
async fn numbers_that_are_too_large_are_refused_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut huge = change("a");
    huge.revision = Revision::new(u64::MAX);
    let recorded = store.record(&huge).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::Invalid);
    let id = AppointmentId::new("a");
    store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    let updated = store
        .update(&tenant(), &id, Revision::new(u64::MAX), write(60))
        .await;
    assert_eq!(updated.unwrap_err().kind(), StoreErrorKind::Conflict);

    let for_ever = ClaimRequest::new(Duration::MAX, u16::MAX);
    let claim = store.claim(&for_ever).await.unwrap().unwrap();
    assert!(store.next_due(1).await.unwrap().unwrap() > LEASE);
    let mut settlement = Settlement::new(claim.link);
    settlement.wake = Some(Duration::MAX);
    settlement.not_before = Some(Duration::MAX);
    settlement.hold = Some(Hold::For(Duration::MAX));
    settlement.changes = vec![(claim.changes[0].id, ChangeFate::Pushed)];
    store.settle(&claim.lease, settlement).await.unwrap();
    assert!(store.claim(&for_ever).await.unwrap().is_none());
    let pruned = store
        .prune(&Retention::of(Duration::MAX), u32::MAX)
        .await
        .unwrap();
    assert_eq!(pruned.total(), 0);
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
                while let Some(claim) = store.claim(&request()).await.unwrap() {
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
        let changes = store
            .changes(&tenant(), &id, Page::first(10))
            .await
            .unwrap();
        recorded += changes.len();
    }
    let mut claimed = 0;
    while let Some(claim) = store.claim(&request()).await.unwrap() {
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
        store
            .record_change_in(&mut transaction, &change("a"))
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
            .changes(&tenant(), &AppointmentId::new("a"), Page::first(10))
            .await
            .unwrap();
        assert_eq!(changes.len(), usize::from(commits));
        let claim = store.claim(&request()).await.unwrap();
        assert_eq!(claim.is_some(), commits);
    }
}

#[tokio::test]
async fn an_appointment_is_created_in_the_hosts_transaction_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, store) = host(folder.path()).await;
    let id = AppointmentId::new("a");
    let mut transaction = pool.begin().await.unwrap();
    store
        .create_appointment_in(&mut transaction, &tenant(), &id, write(60))
        .await
        .unwrap();
    drop(transaction);
    assert_eq!(store.get(&tenant(), &id).await.unwrap(), None);
    assert!(store.claim(&request()).await.unwrap().is_none());

    let mut transaction = pool.begin().await.unwrap();
    let created = store
        .create_appointment_in(&mut transaction, &tenant(), &id, write(60))
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
        let page = Page::first(10);
        let changes = store
            .changes(&tenant(), &appointment.id, page)
            .await
            .unwrap();
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

/// SQLite has one writer, so a host's open transaction does hold up the doors; but nobody who only reads, and only as long as
/// it is open.
#[tokio::test]
async fn a_hosts_open_transaction_holds_up_writers_only() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.pool().close().await;
    let impatient = options(folder.path()).busy_timeout(Duration::from_millis(20));
    let pool = SqlitePool::connect_with(impatient).await.unwrap();
    let store = SqliteStore::with_pool(pool).await.unwrap();
    let beside = beside(folder.path()).await;
    let mut of_the_host = beside.begin().await.unwrap();
    store
        .record_change_in(&mut of_the_host, &change("a"))
        .await
        .unwrap();

    let accepted = store.accept(delivery("booking")).await;
    assert_eq!(accepted.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(store.claim(&request()).await.unwrap().is_none());
    assert_eq!(store.next_due(1).await.unwrap(), None);
    assert!(
        store
            .deliveries(&tenant(), Page::first(10))
            .await
            .unwrap()
            .is_empty()
    );

    of_the_host.commit().await.unwrap();
    let accepted = store.accept(delivery("booking")).await;
    assert_eq!(accepted.unwrap(), Accepted::Stored);
    assert_eq!(claim(&store).await.changes.len(), 1);
}

#[tokio::test]
async fn a_change_waits_for_no_worker_and_moves_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let link = "SELECT due_at || ' ' || fence || ' ' || marks FROM calcom_links";
    let beside = beside(folder.path()).await;
    let before: String = sqlx::query_scalar(link).fetch_one(&beside).await.unwrap();
    let mut later = change("a");
    later.revision = Revision::new(2);
    store.record(&later).await.unwrap();
    let after: String = sqlx::query_scalar(link).fetch_one(&beside).await.unwrap();
    assert_eq!(before, after);
    let mut settlement = Settlement::new(claimed.link);
    settlement.changes = vec![(claimed.changes[0].id, ChangeFate::Pushed)];
    store.settle(&claimed.lease, settlement).await.unwrap();
    let second = claim(&store).await;
    assert_eq!(second.changes.len(), 1);
    assert_eq!(second.changes[0].change, later);
    assert_eq!(second.first_revision, Some(Revision::FIRST));
}

#[tokio::test]
async fn the_same_bytes_are_stored_again_once_the_first_ones_were_settled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let accept = async |delivery: NewDelivery| store.accept(delivery).await.unwrap();
    assert_eq!(accept(delivery("booking")).await, Accepted::Stored);
    assert_eq!(accept(delivery("booking")).await, Accepted::Duplicate);
    let claimed = claim(&store).await;
    assert_eq!(accept(delivery("booking")).await, Accepted::Duplicate);
    let mut settlement = Settlement::new(claimed.link);
    settlement.deliveries = vec![(claimed.deliveries[0].id, DeliveryFate::Agreed)];
    store.settle(&claimed.lease, settlement).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), None);
    assert_eq!(accept(delivery("booking")).await, Accepted::Stored);
    assert_eq!(claim(&store).await.deliveries.len(), 1);

    // What was ignored at the door is known for as long as it is kept.
    let mut ignored = delivery("booking");
    ignored.fingerprint = [2; 32];
    ignored.ignored = Some(DeliveryFate::IgnoredTemplate);
    assert_eq!(accept(ignored.clone()).await, Accepted::Ignored);
    assert_eq!(accept(ignored).await, Accepted::Duplicate);
    let page = Page::first(10);
    assert_eq!(store.deliveries(&tenant(), page).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_was_settled_before_it_was_routed_is_not_routed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut later = change("a");
    later.revision = Revision::FIRST.next();
    store.record(&later).await.unwrap();
    let appointment = AppointmentId::new("a");
    let page = Page::first(10);
    let recorded = store.changes(&tenant(), &appointment, page).await.unwrap();
    let mut settlement = Settlement::new(claimed.link);
    for (row, _) in recorded {
        settlement.changes.push((row.id, ChangeFate::Pushed));
    }
    assert_eq!(settlement.changes.len(), 2);
    store.settle(&claimed.lease, settlement).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), None);
}

#[tokio::test]
async fn a_paused_tenant_wakes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link);
    settlement.wake = Some(Duration::ZERO);
    let evidence = ReviewEvidence::default();
    let review = NewReview::of_tenant("key", ReviewReason::CredentialsRefused, evidence);
    settlement.reviews = vec![review];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    store.settle(&claimed.lease, settlement).await.unwrap();
    store.record(&change("b")).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), None);
    assert!(store.claim(&request()).await.unwrap().is_none());
    store.resume(&tenant()).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), Some(Duration::ZERO));
    assert!(store.claim(&request()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_settlement_of_what_does_not_wait_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link.clone());
    settlement.changes = vec![(1234.into(), ChangeFate::Pushed)];
    let settled = store.settle(&claimed.lease, settlement).await;
    assert_eq!(settled.unwrap_err().kind(), StoreErrorKind::Invalid);
    let settlement = Settlement::new(claimed.link);
    store
        .settle(&claimed.lease, settlement.clone())
        .await
        .unwrap();
    // The lease was given back.
    let again = store.settle(&claimed.lease, settlement).await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::LeaseLost);
}

/// Everything that the file's schema says.
async fn schema(pool: &SqlitePool) -> Vec<String> {
    let schema = "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY name";
    sqlx::query_scalar(schema).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn what_persons_did_before_a_migration_is_found_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link);
    let evidence = ReviewEvidence::default();
    settlement.reviews = vec![NewReview::of_link(ReviewReason::Conflict, evidence)];
    let settled = store.settle(&claimed.lease, settlement).await.unwrap();
    let (own, item) = (tenant(), settled.opened[0]);
    let dismissed = store.resolve(&own, item, &Resolution::Dismiss, "eve");
    dismissed.await.unwrap();
    store.pool().close().await;
    // A file of the version before.
    let beside = beside(folder.path()).await;
    let new = schema(&beside).await;
    sqlx::raw_sql(
        "DROP INDEX calcom_log_by_person; DELETE FROM calcom_migrations WHERE version = 3",
    )
    .execute(&beside)
    .await
    .unwrap();
    assert_ne!(schema(&beside).await, new);
    beside.close().await;

    let store = open(folder.path()).await;
    assert_eq!(schema(store.pool()).await, new);
    let own = tenant();
    let by_persons = store.latest(&own, LogScope::ByPersons, Page::first(9));
    let by_persons = by_persons.await.unwrap();
    assert_eq!(by_persons.len(), 1);
    assert_eq!(by_persons[0].event.actor(), Some("eve"));
}

/// A process of a version without events resolves an item and leaves its event parked: pruning decides
/// about it.
#[tokio::test]
async fn what_an_older_process_has_resolved_is_not_parked_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let older = beside(folder.path()).await;
    for id in ["retried", "dismissed", "removed", "open"] {
        let event = NewSenderEvent::new(tenant(), Sender::new("stripe"), id, "invoice.paid");
        store.accept_event(event).await.unwrap();
        let request = EventClaimRequest::new(LEASE);
        let claim = store.claim_event(&request).await.unwrap().unwrap();
        let evidence = ReviewEvidence::new("it failed");
        let review = NewReview::of_tenant(id, ReviewReason::HandlerFailed, evidence);
        store.park_event(&claim.lease, &review, None).await.unwrap();
    }
    for (id, kind) in [("retried", "retry"), ("dismissed", "dismiss")] {
        let resolve = AssertSqlSafe(format!(
            "UPDATE calcom_reviews SET resolution = '{{\"kind\":\"{kind}\"}}', resolved_by = 'eve', resolved_at = opened_at \
                 WHERE cause = '{id}'"
        ));
        sqlx::raw_sql(resolve).execute(&older).await.unwrap();
    }
    let remove = "DELETE FROM calcom_reviews WHERE cause = 'removed'";
    sqlx::raw_sql(remove).execute(&older).await.unwrap();
    store.prune(&Retention::forever(), 10).await.unwrap();
    let events = store.sender_events(&tenant(), Page::first(10)).await;
    let found: Vec<_> = events
        .unwrap()
        .into_iter()
        .map(|event| (event.event_id, event.is_parked, event.attempts, event.fate))
        .collect();
    let dismissed = Some(SenderEventFate::Dismissed);
    assert_eq!(
        found,
        [
            ("retried".to_owned(), false, 0, None),
            ("dismissed".to_owned(), false, 1, dismissed),
            ("removed".to_owned(), false, 0, None),
            ("open".to_owned(), true, 1, None),
        ]
    );
}
