//! Opening the file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

use super::error::{failed, is_busy};
use super::migrations;
use crate::ambient::{Clock, SystemClock};
use crate::sql::Group;
use crate::store::{Accepted, NewDelivery, StoreError};

/// How long a write waits for a writer in another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call waits for its turn in this process.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How often, and after which pause, a file is tried to be opened. Turning a new file to WAL is the
/// one step for which SQLite does not wait itself, and so of two processes that start at once one
/// may be sent away.
const OPEN_ATTEMPTS: u32 = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(100);
/// How many deliveries one transaction stores.
const GROUP_SIZE: usize = 100;
/// How many reads run at once; they wait for no writer.
const READERS: u32 = 4;

/// Every port over one SQLite file. Clones share its connections.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    reads: SqlitePool,
    writes: SqlitePool,
    clock: Arc<dyn Clock>,
    /// Deliveries that wait to be stored together.
    arriving: Group<NewDelivery, Accepted>,
    books_since: DateTime<Utc>,
}

impl SqliteStore {
    /// Opens a file, creates it if there is none, and brings its tables up to date. Goes by the
    /// machine's clock.
    ///
    /// The file is kept in WAL mode with `synchronous = FULL`: with less, a power cut could take
    /// back a delivery that was acknowledged, or the sync key of a booking that was already asked
    /// for.
    ///
    /// # Errors
    ///
    /// [`NewerSchema`](crate::store::StoreErrorKind::NewerSchema) if a newer version of this crate
    /// wrote it, [`ReadOnly`](crate::store::StoreErrorKind::ReadOnly) if it cannot be written,
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) if it cannot be opened or stays
    /// locked, [`Corrupt`](crate::store::StoreErrorKind::Corrupt) if it is no SQLite database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock)).await
    }

    /// Opens a file as [`open`](Self::open) does, and goes by another clock.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with_clock(
        path: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().acquire_timeout(TURN_TIMEOUT);
        // One connection for all writes: SQLite lets one write at a time anyway, and the pool's
        // queue is fair while SQLite's own waiting is not.
        let writes = connect(&pool.clone().max_connections(1), &options).await?;
        let books_since = migrations::run(&writes, clock.now()).await?;
        Ok(Self {
            reads: pool.max_connections(READERS).connect_lazy_with(options),
            writes,
            clock,
            arriving: Group::new(1, GROUP_SIZE),
            books_since,
        })
    }

    /// Uses the host's own connections, and brings the tables of this crate up to date. Goes by the
    /// machine's clock.
    ///
    /// The host chooses the settings. Promises that survive a power cut need `synchronous = FULL`;
    /// WAL keeps readers from waiting for writers; foreign keys are to be on.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, StoreError> {
        Self::with_pool_and_clock(pool, Arc::new(SystemClock)).await
    }

    /// Uses the host's own connections as [`with_pool`](Self::with_pool) does, and goes by another
    /// clock.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn with_pool_and_clock(
        pool: SqlitePool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let books_since = migrations::run(&pool, clock.now()).await?;
        Ok(Self {
            reads: pool.clone(),
            writes: pool,
            clock,
            arriving: Group::new(1, GROUP_SIZE),
            books_since,
        })
    }

    /// The connections that write, for transactions of the host's own. A store that was
    /// [opened](Self::open) has only one: while the host holds it, writes of the store wait, and a
    /// write awaited inside such a transaction fails with
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable).
    pub fn pool(&self) -> &SqlitePool {
        &self.writes
    }

    /// The store's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Since when the file keeps books.
    pub(super) fn books_since(&self) -> DateTime<Utc> {
        self.books_since
    }

    pub(super) fn arriving(&self) -> &Group<NewDelivery, Accepted> {
        &self.arriving
    }

    pub(super) fn writes(&self) -> &SqlitePool {
        &self.writes
    }

    pub(super) fn reads(&self) -> &SqlitePool {
        &self.reads
    }

    /// A transaction that holds the write lock from the start; dropped, it leaves nothing behind.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        begin_write(&self.writes).await
    }
}

async fn connect(
    pool: &SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, StoreError> {
    for _ in 1..OPEN_ATTEMPTS {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(OPEN_PAUSE).await,
            answer => return answer.map_err(failed),
        }
    }
    let last = pool.clone().connect_with(options.clone()).await;
    last.map_err(failed)
}

pub(super) async fn begin_write(
    pool: &SqlitePool,
) -> Result<Transaction<'static, Sqlite>, StoreError> {
    pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
}
