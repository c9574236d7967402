//! A SQLite file in which somebody else has written: any content in any column.

use std::fmt::Debug;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use calcom::chrono::{DateTime, TimeDelta, Utc};
use calcom::model::{BookingUid, EventTypeId};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    ChainKey, Change, Checkpoint, ClaimRequest, DeliveryClaim, Hold, Inbox, LinkKey, Links,
    NewDelivery, NewReview, Opaque, Origin, Outbox, Page, Person, Resolution, Retention,
    ReviewEvidence, ReviewId, ReviewReason, Reviews, Revision, Settlement, StoreError,
    StoreErrorKind, SyncKey, SyncLog, TenantId, Tenants, Upkeep, Window,
};
use calcom::testing::ManualClock;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::runtime::Runtime;

use super::{Input, Output, told};

const LEASE: Duration = Duration::from_secs(60);
const FORMAT: u16 = 1;
/// No input keeps the store busy for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is written into a column.
#[derive(Clone, Debug)]
enum Content {
    Text(String),
    Integer(i64),
    Blob(Vec<u8>),
    Real(f64),
    /// A text that is not UTF-8.
    BadText(Vec<u8>),
    Null,
}

/// How many kinds of content an input can choose from.
pub const KINDS: u8 = 6;

impl Content {
    fn of(kind: u8, bytes: &[u8]) -> Self {
        let number = || {
            let mut number = [0; 8];
            let length = bytes.len().min(8);
            number[..length].copy_from_slice(&bytes[..length]);
            number
        };
        match kind % KINDS {
            0 => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            1 => Self::Integer(i64::from_le_bytes(number())),
            2 => Self::Blob(bytes.to_vec()),
            3 => Self::Real(f64::from_le_bytes(number())),
            4 => Self::BadText(bytes.to_vec()),
            _ => Self::Null,
        }
    }
}

/// An input of the target: one column that is overwritten.
pub fn input(column: u8, kind: u8, content: &[u8]) -> Vec<u8> {
    Output::default()
        .byte(0)
        .byte(column)
        .byte(kind)
        .rest(content)
}

/// The books, and how they were before an input was written into them.
struct Books {
    runtime: Runtime,
    pool: SqlitePool,
    store: SqliteStore,
    /// Table and column, in a fixed order.
    columns: Vec<(String, String)>,
    tables: Vec<String>,
}

/// Overwrites some columns, and makes every call that reads them.
pub fn target(data: &[u8]) {
    static BOOKS: OnceLock<Mutex<Books>> = OnceLock::new();
    let books = BOOKS.get_or_init(|| Mutex::new(Books::new()));
    let books = books.lock().unwrap_or_else(PoisonError::into_inner);
    let mut input = Input::new(data);
    let more = input.byte() % 4;
    let mut damages = Vec::new();
    for _ in 0..more {
        let (column, kind) = (input.byte(), input.byte());
        damages.push((column, Content::of(kind, input.short())));
    }
    let (column, kind) = (input.byte(), input.byte());
    damages.push((column, Content::of(kind, input.rest())));
    books.runtime.block_on(async {
        books.restore().await;
        for (column, content) in &damages {
            books.damage(*column, content).await;
        }
        let calls = tokio::time::timeout(PATIENCE, use_all(&books.store, &damages));
        calls.await.expect("a call of the store does not end");
    });
}

impl Books {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let (pool, store, columns, tables) = runtime.block_on(async {
            let pool = SqlitePoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(
                    SqliteConnectOptions::new()
                        .in_memory(true)
                        .foreign_keys(false)
                        .pragma("ignore_check_constraints", "1"),
                )
                .await
                .expect("a database in memory");
            let clock = ManualClock::at(at(0));
            let store = SqliteStore::with_pool_and_clock(pool.clone(), clock.shared());
            let store = store.await.expect("a store");
            write(&store, &clock).await.expect("books");
            loosen(&pool).await;
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'calcom\\_%' ESCAPE '\\' \
                 AND name != 'calcom_migrations' ORDER BY name",
            )
            .fetch_all(&pool)
            .await
            .expect("tables");
            let mut columns = Vec::new();
            for table in &tables {
                let names: Vec<String> =
                    sqlx::query_scalar("SELECT name FROM pragma_table_info(?1) ORDER BY cid")
                        .bind(table)
                        .fetch_all(&pool)
                        .await
                        .expect("columns");
                columns.extend(names.into_iter().map(|name| (table.clone(), name)));
                run(&pool, format!("CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")).await;
            }
            run(&pool, "CREATE TEMP TABLE kept_sequence AS SELECT * FROM sqlite_sequence".to_owned()).await;
            (pool, store, columns, tables)
        });
        assert!(columns.len() <= 256, "an input names a column by one byte");
        let books = Self {
            runtime,
            pool,
            store,
            columns,
            tables,
        };
        // Everything can be read while nothing is overwritten.
        books.runtime.block_on(async {
            let read = read_all(&books.store).await;
            let failed: Vec<&StoreError> =
                read.iter().filter_map(|read| read.as_ref().err()).collect();
            assert!(failed.is_empty(), "{failed:?}");
        });
        books
    }

    /// Makes the tables as they were.
    async fn restore(&self) {
        let mut script = String::from("BEGIN;");
        for table in &self.tables {
            script +=
                &format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};");
        }
        script += "DELETE FROM sqlite_sequence; INSERT INTO sqlite_sequence SELECT * FROM kept_sequence; COMMIT;";
        run(&self.pool, script).await;
    }

    /// Overwrites a column of every row, as far as the keys allow it.
    async fn damage(&self, column: u8, content: &Content) {
        let (table, column) = &self.columns[usize::from(column) % self.columns.len()];
        let value = match content {
            Content::BadText(_) => "CAST(?1 AS TEXT)",
            _ => "?1",
        };
        let sql = format!("UPDATE OR IGNORE {table} SET {column} = {value}");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let query = match content {
            Content::Text(text) => query.bind(text),
            Content::Integer(number) => query.bind(number),
            Content::Blob(bytes) | Content::BadText(bytes) => query.bind(bytes),
            Content::Real(number) => query.bind(number),
            Content::Null => query.bind(None::<i64>),
        };
        // A key of a table cannot be just anything.
        let _ = query.execute(&self.pool).await;
    }
}

/// Takes the column types and the obligations from the tables, so that anything can be written.
async fn loosen(pool: &SqlitePool) {
    run(pool, "PRAGMA writable_schema = ON".to_owned()).await;
    run(
        pool,
        // Not those of the conditions.
        "UPDATE sqlite_master SET sql = replace(replace(replace(replace(replace(sql, \
         ') STRICT, WITHOUT ROWID', ') WITHOUT ROWID'), ') STRICT', ')'), \
         ' IS NOT NULL', ' IS_SOME'), ' NOT NULL', ''), ' IS_SOME', ' IS NOT NULL') \
         WHERE type = 'table' AND name LIKE 'calcom\\_%' ESCAPE '\\'"
            .to_owned(),
    )
    .await;
    run(pool, "PRAGMA writable_schema = RESET".to_owned()).await;
}

async fn run(pool: &SqlitePool, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(pool)
        .await
        .expect("a statement");
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("an instant") + TimeDelta::minutes(minute)
}

fn tenants() -> [TenantId; 2] {
    [TenantId::new("one"), TenantId::new("two")]
}

fn appointment_write() -> AppointmentWrite {
    let state = AppointmentState::new(
        AppointmentStatus::Confirmed,
        at(60),
        at(90),
        EventTypeId::new(7),
        Person::new("Ada", "ada@example.com", "Europe/Berlin"),
    );
    AppointmentWrite::new(state, Origin::Phone, at(0))
}

/// Fills every table.
async fn write(store: &SqliteStore, clock: &ManualClock) -> Result<(), StoreError> {
    for tenant in tenants() {
        let id = AppointmentId::new("a");
        store
            .create_appointment(&tenant, &id, appointment_write())
            .await?;
        let chain = ChainKey::new("chain");
        store
            .create_for_booking(&tenant, &chain, appointment_write())
            .await?;
        let mut delivery = NewDelivery::new(tenant.clone(), [1; 32], "BOOKING_CREATED");
        delivery.booking = Some(BookingUid::new("booking"));
        delivery.claim = DeliveryClaim::new(AppointmentStatus::Cancelled, Some(at(60)), None);
        delivery.body = "{}".to_owned();
        store.accept(delivery.clone()).await?;

        while let Some(claim) = store.claim(&ClaimRequest::new(LEASE, FORMAT)).await? {
            let mut link = claim.link.clone();
            link.state = Some(Opaque::new(FORMAT, br#"{"base":null}"#.to_vec()));
            link.sync_key = link
                .appointment
                .as_ref()
                .map(|id| SyncKey::new(id.as_str()));
            let checkpoint = Checkpoint::new(link.clone(), LEASE);
            store.checkpoint(&claim.lease, checkpoint).await?;
            let mut settlement = Settlement::new(link);
            settlement.wake = Some(Duration::from_secs(1));
            settlement.mark_siblings = true;
            let evidence = ReviewEvidence::new("both sides changed");
            settlement.reviews = vec![
                NewReview::of_link(ReviewReason::Conflict, evidence.clone()),
                NewReview::of_tenant("outage", ReviewReason::RetriesExhausted, evidence),
            ];
            let settled = store.settle(&claim.lease, settlement).await?;
            for review in settled.opened.into_iter().skip(1) {
                store
                    .resolve(&tenant, review, &Resolution::Retry, "eve")
                    .await?;
            }
        }
        delivery.fingerprint = [2; 32];
        store.accept(delivery).await?;
        let change = Change::new(tenant, id, Revision::new(2), Origin::Admin, at(0));
        store.record(&change).await?;
    }
    // The second tenant is held back.
    clock.advance(5 * LEASE);
    let last = ClaimRequest::new(LEASE, FORMAT).after(Some(tenants()[0].clone()));
    if let Some(claim) = store.claim(&last).await? {
        let mut settlement = Settlement::new(claim.link);
        settlement.hold = Some(Hold::Pause("outage".to_owned()));
        settlement.wake = Some(Duration::from_secs(1));
        store.settle(&claim.lease, settlement).await?;
    }
    clock.advance(5 * LEASE);
    Ok(())
}

/// Every call that only reads.
async fn read_all(store: &SqliteStore) -> Vec<Result<(), StoreError>> {
    fn read<T: Debug>(result: Result<T, StoreError>) -> Result<(), StoreError> {
        result.map(|value| drop(format!("{value:?}")))
    }
    let mut all = Vec::new();
    for tenant in &tenants() {
        let id = AppointmentId::new("a");
        all.push(read(AppointmentRepository::get(store, tenant, &id).await));
        let window = Window::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        all.push(read(store.scan(tenant, window, None, 10).await));
        all.push(read(store.changes(tenant, &id, Page::first(10)).await));
        all.push(read(store.deliveries(tenant, Page::first(10)).await));
        all.push(read(store.open_reviews(tenant, Page::first(10)).await));
        for review in 1..4 {
            all.push(read(store.review(tenant, ReviewId::new(review)).await));
        }
        all.push(read(store.log(tenant, Page::first(100)).await));
        all.push(read(store.is_paused(tenant).await));
        for key in [
            LinkKey::Appointment(id.clone()),
            LinkKey::Booking(BookingUid::new("booking")),
            LinkKey::SyncKey(SyncKey::new("a")),
        ] {
            let found = store.find(tenant, &key).await;
            if let Ok(Some(link)) = &found {
                all.push(read(store.find(tenant, &LinkKey::Id(link.id)).await));
            }
            all.push(read(found));
        }
    }
    all.push(read(store.next_due(FORMAT).await));
    all
}

/// Reads everything, then works as a worker and a host would.
async fn use_all(store: &SqliteStore, damages: &[(u8, Content)]) {
    for read in read_all(store).await {
        if let Err(error) = read {
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error:?}");
            examine(&error, damages);
        }
    }
    let request = ClaimRequest::new(LEASE, FORMAT);
    for _ in 0..3 {
        match store.claim(&request).await {
            Ok(Some(claim)) => {
                let mut settlement = Settlement::new(claim.link);
                settlement.wake = Some(Duration::from_secs(1));
                settlement.marks = claim.marks.iter().map(|mark| mark.id).collect();
                if let Err(error) = store.settle(&claim.lease, settlement).await {
                    examine(&error, damages);
                }
            }
            Ok(None) => break,
            Err(error) => examine(&error, damages),
        }
    }
    for tenant in &tenants() {
        let review = store
            .resolve(tenant, ReviewId::new(1), &Resolution::Retry, "eve")
            .await;
        let update = appointment_write();
        let id = AppointmentId::new("a");
        let updated = store.update(tenant, &id, Revision::FIRST, update).await;
        let resumed = store.resume(tenant).await;
        for error in [review.err(), updated.err(), resumed.err()]
            .into_iter()
            .flatten()
        {
            examine(&error, damages);
        }
    }
    if let Err(error) = store.prune(&Retention::of(Duration::ZERO), 10).await {
        examine(&error, damages);
    }
}

/// No error repeats what it could not read.
fn examine(error: &StoreError, damages: &[(u8, Content)]) {
    let told = told(error);
    for (_, content) in damages {
        if let Content::Text(text) = content {
            // A short text may be part of what the error says anyway.
            let is_repeated = text.len() >= 24 && told.contains(text.as_str());
            assert!(
                !is_repeated || told.contains(&format!("row {text} of")),
                "{told}"
            );
        }
    }
}
