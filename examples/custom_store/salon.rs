//! The application: a salon's database as it was before anybody thought of Cal.com, and three
//! columns and a table more.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use calcom::ambient::{Clock, SystemClock};
use calcom::model::UserId;
use calcom::store::{AppointmentId, AppointmentState, Notes, Place, StoreError, TenantId};
use calcom::testing::conformance::HostWrites;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool};

use crate::adapter::{column_of, failed, guests_of, number_of};

/// New for Cal.com are `version`, `changed_by`, `changed_why` and `calcom_chain`, the numbers of
/// services and stylists at Cal.com, and the outbox.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS services (
    service_no        INTEGER PRIMARY KEY,
    name              TEXT NOT NULL,
    calcom_event_type INTEGER NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS stylists (
    stylist_no  INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    calcom_user INTEGER NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS visits (
    visit_no     INTEGER PRIMARY KEY AUTOINCREMENT,
    state        TEXT NOT NULL
        CHECK (state IN ('requested', 'booked', 'completed', 'no_show', 'cancelled', 'refused')),
    begins_ms    INTEGER NOT NULL,
    ends_ms      INTEGER NOT NULL,
    service_no   INTEGER NOT NULL REFERENCES services,
    stylist_no   INTEGER REFERENCES stylists,
    client       TEXT NOT NULL,
    email        TEXT,
    phone        TEXT,
    language     TEXT,
    zone         TEXT NOT NULL,
    place        TEXT,
    guests       TEXT,
    remarks      TEXT,
    version      INTEGER NOT NULL DEFAULT 1,
    changed_by   TEXT NOT NULL,
    changed_why  TEXT,
    changed_ms   INTEGER NOT NULL,
    calcom_chain TEXT UNIQUE
);
CREATE INDEX IF NOT EXISTS visits_by_time ON visits (begins_ms, visit_no);
CREATE TABLE IF NOT EXISTS outbox (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    visit_no   INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
);
";

/// The salon's database.
#[derive(Clone, Debug)]
pub(crate) struct Salon {
    pub(crate) database: SqlitePool,
}

impl Salon {
    /// Opens the database, with the services and stylists that Cal.com knows by these numbers.
    pub(crate) async fn open(
        file: &Path,
        services: &[(&str, i64)],
        stylists: &[(&str, i64)],
    ) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let database = SqlitePool::connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&database).await?;
        for (name, event_type) in services {
            sqlx::query(
                "INSERT INTO services (name, calcom_event_type) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )
            .bind(name)
            .bind(event_type)
            .execute(&database)
            .await?;
        }
        for (name, user) in stylists {
            sqlx::query(
                "INSERT INTO stylists (name, calcom_user) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )
            .bind(name)
            .bind(user)
            .execute(&database)
            .await?;
        }
        Ok(Self { database })
    }

    /// The reception books a visit. The row and its line in the outbox are one transaction.
    pub(crate) async fn book(&self, visit: &AppointmentState) -> Result<i64, StoreError> {
        let mut transaction = self.begin().await?;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO visits (state, begins_ms, ends_ms, service_no, stylist_no, client, email, phone, language, zone, \
                place, guests, remarks, changed_by, changed_ms) \
             VALUES (?1, ?2, ?3, (SELECT service_no FROM services WHERE calcom_event_type = ?4), \
                (SELECT stylist_no FROM stylists WHERE calcom_user = ?5), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'reception', ?14) \
             RETURNING visit_no",
        )
        .bind(column_of(visit.status))
        .bind(visit.start.timestamp_millis())
        .bind(visit.end.timestamp_millis())
        .bind(visit.event_type.get())
        .bind(visit.host.map(UserId::get))
        .bind(&visit.attendee.name)
        .bind(&visit.attendee.email)
        .bind(&visit.attendee.phone_number)
        .bind(&visit.attendee.language)
        .bind(&visit.attendee.time_zone)
        .bind(visit.location.as_ref().map(Place::as_str))
        .bind(guests_of(visit))
        .bind(visit.notes.as_ref().map(Notes::as_str))
        .bind(SystemClock.now().timestamp_millis())
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        tell(&mut transaction, number).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(number)
    }

    /// The reception changes a visit. It says who changed it, and forgets why somebody else did
    /// before.
    pub(crate) async fn change(
        &self,
        number: i64,
        visit: &AppointmentState,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE visits SET state = ?2, begins_ms = ?3, ends_ms = ?4, client = ?5, email = ?6, remarks = ?7, \
                version = version + 1, changed_by = 'reception', changed_why = NULL, changed_ms = ?8 WHERE visit_no = ?1",
        )
        .bind(number)
        .bind(column_of(visit.status))
        .bind(visit.start.timestamp_millis())
        .bind(visit.end.timestamp_millis())
        .bind(&visit.attendee.name)
        .bind(&visit.attendee.email)
        .bind(visit.notes.as_ref().map(Notes::as_str))
        .bind(SystemClock.now().timestamp_millis())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        tell(&mut transaction, number).await?;
        transaction.commit().await.map_err(failed)
    }

    /// A visit is over: `completed` or `no_show`, which Cal.com need not know.
    pub(crate) async fn close(&self, number: i64, state: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE visits SET state = ?2, version = version + 1, changed_by = 'reception', changed_why = NULL, \
                changed_ms = ?3 WHERE visit_no = ?1",
        )
        .bind(number)
        .bind(state)
        .bind(SystemClock.now().timestamp_millis())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        tell(&mut transaction, number).await?;
        transaction.commit().await.map_err(failed)
    }

    /// The state of a visit, in the salon's own word.
    pub(crate) async fn state_of(&self, number: i64) -> Result<String, StoreError> {
        sqlx::query_scalar("SELECT state FROM visits WHERE visit_no = ?1")
            .bind(number)
            .fetch_one(&self.database)
            .await
            .map_err(failed)
    }

    /// SQLite gives the lock for writing at the beginning, or not at all.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, StoreError> {
        let begun = self.database.begin_with("BEGIN IMMEDIATE");
        begun.await.map_err(failed)
    }
}

/// A line in the outbox about the visit as it stands now, in the transaction that wrote it.
async fn tell(transaction: &mut SqliteConnection, number: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (visit_no, version, changed_by, changed_ms) \
         SELECT visit_no, version, changed_by, changed_ms FROM visits WHERE visit_no = ?1",
    )
    .bind(number)
    .execute(transaction)
    .await
    .map_err(failed)?;
    Ok(())
}

/// For the conformance suite: how the application itself writes.
#[async_trait]
impl HostWrites for Salon {
    async fn create(
        &self,
        _: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let number = self.book(state).await?;
        Ok(AppointmentId::new(number.to_string()))
    }

    async fn change(
        &self,
        _: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        Salon::change(self, number_of(id).unwrap_or_default(), state).await
    }
}
