//! Connecting to the database.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::Instant;

use super::error::failed;
#[cfg(feature = "conformance")]
use super::testing::{self, TestClock};
use super::transaction::{Trace, Traced};
use super::{migrations, outbox, statements};
use crate::sql::Group;
use crate::store::{Accepted, NewDelivery, StoreError, StoreErrorKind, TenantId};

const SCHEMA: &str = "calcom";
/// PostgreSQL cuts names off after 63 bytes, and the channel of `NOTIFY` has four more than the schema.
const LONGEST_NAME: usize = 59;
const MAX_CONNECTIONS: u32 = 10;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How many deliveries one transaction stores.
const GROUP_SIZE: usize = 100;
/// A connection that was idle for longer is asked whether it still is one before it is used.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);
/// More than there are statements.
const STATEMENT_CACHE: usize = 250;

statements! {
    /// Not left to the database's defaults: the statement after a lock must see what the lock's last
    /// holder has committed.
    BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    /// Several statements that make one answer.
    BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    LOCK_TENANT = "SELECT lock_tenant($1)";
}

/// How to connect; see [`PostgresStore::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresBuilder {
    schema: String,
    max_connections: u32,
    acquire_timeout: Duration,
    lock_timeout: Duration,
    statement_timeout: Duration,
    idle_in_transaction_timeout: Duration,
    may_migrate: bool,
    #[cfg(feature = "conformance")]
    clock: Option<TestClock>,
}

impl Default for PostgresBuilder {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            max_connections: MAX_CONNECTIONS,
            acquire_timeout: ACQUIRE_TIMEOUT,
            lock_timeout: LOCK_TIMEOUT,
            statement_timeout: STATEMENT_TIMEOUT,
            idle_in_transaction_timeout: IDLE_IN_TRANSACTION_TIMEOUT,
            may_migrate: true,
            #[cfg(feature = "conformance")]
            clock: None,
        }
    }
}

impl PostgresBuilder {
    /// The schema that holds the tables, made if it does not exist. Default: `calcom`.
    ///
    /// A name of at most 59 ASCII letters, digits and underscores that begins with a letter or an
    /// underscore and not with `pg_`; capital letters are kept.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How many connections are open at most. Default: 10.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// How long a call waits for a connection that is free. Default: 10 s.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long a statement waits for a lock of another transaction. Default: 2 s.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long a statement runs at most. Default: 10 s.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// After how much idleness the server ends a transaction of the store's, so that a process that
    /// hangs in the middle of one loses its locks. Default: 5 s.
    pub fn idle_in_transaction_timeout(mut self, timeout: Duration) -> Self {
        self.idle_in_transaction_timeout = timeout;
        self
    }

    /// Makes no tables and changes none: connecting fails if they are missing or too old. For hosts
    /// that run [`PostgresStore::migrations`] themselves, with a role of its own.
    pub fn without_migrating(mut self) -> Self {
        self.may_migrate = false;
        self
    }

    /// Replaces the schema's clock by one that [`PassTime`](crate::testing::conformance::PassTime)
    /// moves: the database's, plus an offset that is kept in a table. For schemas of tests only; the
    /// schema keeps that clock.
    #[cfg(feature = "conformance")]
    pub fn with_movable_clock(mut self) -> Self {
        self.clock = Some(TestClock::Movable);
        self
    }

    /// Replaces the schema's clock by one that stands still, at first at `at`, until it is
    /// [stopped elsewhere](PostgresStore::stop_clock_at) or
    /// [`PassTime`](crate::testing::conformance::PassTime) moves it. For schemas of tests only; the
    /// schema keeps that clock, for everybody who connects to it.
    #[cfg(feature = "conformance")]
    pub fn with_stopped_clock(mut self, at: DateTime<Utc>) -> Self {
        self.clock = Some(TestClock::Stopped(at));
        self
    }

    /// Connects, and brings the tables up to date.
    ///
    /// The address looks like `postgres://user:password@host:5432/database`.
    ///
    /// # Errors
    ///
    /// [`Invalid`](StoreErrorKind::Invalid) if the address cannot be read or the schema's name is
    /// none, or if the tables are missing or too old and are [not to be
    /// made](Self::without_migrating); [`NewerSchema`](StoreErrorKind::NewerSchema) if a newer
    /// version of this crate made them; [`ReadOnly`](StoreErrorKind::ReadOnly) if they are to be
    /// made and the role may not; [`Unavailable`](StoreErrorKind::Unavailable) if the database
    /// cannot be reached or refuses the credentials.
    pub async fn connect(self, url: impl Into<SecretString>) -> Result<PostgresStore, StoreError> {
        self.connect_to(&url.into()).await
    }

    async fn connect_to(self, url: &SecretString) -> Result<PostgresStore, StoreError> {
        if !is_identifier(&self.schema) {
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the schema's name is not one: use ASCII letters, digits and underscores, 59 of them at most, no digit and \
                 no `pg_` at the beginning",
            ));
        }
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(failed)?
            .statement_cache_capacity(STATEMENT_CACHE);
        let settings: Arc<str> = self.settings().into();
        let trust = Trust::default();
        let pool = PgPoolOptions::new()
            .max_connections(self.max_connections.max(1))
            .acquire_timeout(self.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire({
                let trust = trust.clone();
                move |connection, meta| {
                    let is_trusted = trust.covers(meta.idle_for);
                    Box::pin(async move {
                        if !is_trusted {
                            connection.ping().await?;
                        }
                        Ok(true)
                    })
                }
            })
            .after_connect(move |connection, _| {
                let settings = AssertSqlSafe(settings.to_string());
                Box::pin(async move {
                    connection.execute(sqlx::raw_sql(settings)).await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await
            .map_err(failed)?;
        let books_since = migrations::run(&pool, &self.schema, self.may_migrate).await?;
        #[cfg(feature = "conformance")]
        let books_since = match self.clock {
            Some(clock) => testing::install(&pool, &self.schema, clock).await?,
            None => books_since,
        };
        Ok(PostgresStore {
            pool,
            record: outbox::record_in(&self.schema).into(),
            schema: self.schema.into(),
            arriving: Group::new(1, GROUP_SIZE),
            telling: Group::new(1, GROUP_SIZE),
            trust,
            books_since,
        })
    }

    /// What each connection begins with. The server's own schema comes before the one that is named
    /// here, and temporary tables come last. Compiling a plan, or making it anew for the values at
    /// hand, costs more than any of the store's statements; an index answers each of them whatever the
    /// values are.
    fn settings(&self) -> String {
        format!(
            "SET search_path = \"{}\", pg_temp; \
             SET default_transaction_isolation = 'read committed'; \
             SET lock_timeout = {}; \
             SET statement_timeout = {}; \
             SET idle_in_transaction_session_timeout = {}; \
             SET standard_conforming_strings = on; \
             SET jit = off; \
             SET plan_cache_mode = force_generic_plan",
            self.schema,
            milliseconds(self.lock_timeout),
            milliseconds(self.statement_timeout),
            milliseconds(self.idle_in_transaction_timeout),
        )
    }
}

/// A time limit as PostgreSQL takes it, for which nought is none.
fn milliseconds(limit: Duration) -> i32 {
    i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1)
}

fn is_identifier(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter)
        && !name.starts_with("pg_")
        && name.len() <= LONGEST_NAME
        && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// Every port over one schema of a PostgreSQL database. Clones share its connections.
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    schema: Arc<str>,
    /// The statement that records a change, with the schema's name.
    record: Arc<str>,
    /// Deliveries that wait to be stored together.
    arriving: Group<NewDelivery, Accepted>,
    /// Tenants of which other processes are still to be told.
    telling: Group<TenantId, ()>,
    trust: Trust,
    books_since: DateTime<Utc>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects with the defaults of [`builder`](Self::builder), and brings the tables up to date.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use calcom::SecretString;
    /// use calcom::postgres::PostgresStore;
    ///
    /// let url = SecretString::from(std::env::var("DATABASE_URL")?);
    /// let store = PostgresStore::connect(url).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: impl Into<SecretString>) -> Result<Self, StoreError> {
        Self::builder().connect(url).await
    }

    /// Connects with settings of one's own.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use calcom::postgres::PostgresStore;
    ///
    /// let store = PostgresStore::builder()
    ///     .schema("calcom_of_salon")
    ///     .max_connections(20)
    ///     .connect("postgres://salon@localhost/salon")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder::default()
    }

    /// The statements that make the tables, for hosts that run their own migrations: to be run in
    /// one transaction, by a role that owns the schema, while the schema is the first of
    /// `search_path`. A later version of this crate appends to them, and says so in its changelog.
    pub fn migrations() -> &'static str {
        migrations::ALL
    }

    /// The schema that holds the tables.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Closes the connections, once the calls that use them have ended. Later calls fail as
    /// [`Unavailable`](StoreErrorKind::Unavailable).
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Since when the schema keeps books.
    pub(super) fn books_since(&self) -> DateTime<Utc> {
        self.books_since
    }

    /// The statement that records a change, whatever the connection's `search_path` is.
    pub(super) fn record_statement(&self) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.record.to_string())
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(super) fn arriving(&self) -> &Group<NewDelivery, Accepted> {
        &self.arriving
    }

    pub(super) fn telling(&self) -> &Group<TenantId, ()> {
        &self.telling
    }

    /// For single statements.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A transaction; dropped, it leaves nothing behind. The name is for the trace.
    pub(super) async fn begin(&self, name: &'static str) -> Result<Traced, StoreError> {
        self.begin_with(name, BEGIN).await
    }

    /// A transaction that holds the tenant's lock. Two of one tenant follow each other.
    pub(super) async fn begin_for(
        &self,
        name: &'static str,
        tenant: &TenantId,
    ) -> Result<Traced, StoreError> {
        let mut transaction = self.begin(name).await?;
        let locked = sqlx::query(LOCK_TENANT)
            .bind(tenant.as_str())
            .execute(&mut *transaction)
            .await;
        locked.map_err(failed)?;
        Ok(transaction)
    }

    /// A transaction that only reads, all of it from one snapshot.
    pub(super) async fn begin_snapshot(&self, name: &'static str) -> Result<Traced, StoreError> {
        self.begin_with(name, BEGIN_SNAPSHOT).await
    }

    async fn begin_with(
        &self,
        name: &'static str,
        begin: &'static str,
    ) -> Result<Traced, StoreError> {
        let trace = Trace::begin(name);
        let transaction = self.pool.begin_with(begin).await.map_err(failed)?;
        Ok(Traced::new(transaction, trace))
    }
}

/// Whether an idle connection is taken for a living one without being asked, which would cost a
/// round trip.
#[derive(Clone, Default)]
pub(super) struct Trust {
    lost: Arc<Mutex<Option<Instant>>>,
}

impl Trust {
    /// A connection was lost just now.
    pub(super) fn lost(&self) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection that was used so long ago was used lately, and since the last one was
    /// lost.
    fn covers(&self, idle_for: Duration) -> bool {
        let lost = *self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        idle_for < IDLE_TRUSTED && lost.is_none_or(|lost| idle_for < lost.elapsed())
    }
}
