//! Appointments in the host's own table, without an adapter: the statements are put together from the
//! names and types of its columns.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

use super::columns::columns_of;
use super::parts::Value;
use super::row::HostRow;
use super::statements::Statements;
use super::table::HostTable;
use crate::postgres::PostgresStore;
use crate::postgres::error::failed;
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, ChainKey, Revision,
    StoreError, StoreErrorKind, TenantId, Window,
};

/// The text of an id cannot be one of the column's type.
const NOT_OF_THE_TYPE: [&str; 4] = ["22P02", "22003", "22007", "22008"];

/// The appointments of a host's own table; made by [`PostgresStore::appointments_in`].
#[derive(Clone)]
pub struct PostgresAppointments {
    store: PostgresStore,
    table: Arc<HostTable>,
    statements: Arc<Statements>,
}

impl fmt::Debug for PostgresAppointments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresAppointments")
            .field("schema", &self.table.schema)
            .field("table", &self.table.table)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// The host's own table as the engine's repository. The columns are looked at once, here.
    ///
    /// The engine's writes carry the origin [`Calcom`](crate::store::Origin::Calcom), and raise the revision by
    /// one. For the application's own writes to be seen, let the database watch the table
    /// (`SELECT calcom.watch('…')`), or record each with
    /// [`record_change_in`](Self::record_change_in).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use calcom::postgres::{HostTable, PostgresStore};
    ///
    /// let store = PostgresStore::connect("postgres://salon@localhost/salon").await?;
    /// let table = HostTable::new("appointments").email_column("attendee_email");
    /// let appointments = store.appointments_in(table).await?;
    /// # let _ = appointments;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Invalid`](StoreErrorKind::Invalid), with the name of the column, if one is missing, is of a
    /// type that cannot hold what it is for, would be left empty in a new row although it may not be,
    /// or lacks the word of a status or an origin that the engine writes;
    /// [`Unavailable`](StoreErrorKind::Unavailable) if the database cannot be reached.
    pub async fn appointments_in(
        &self,
        table: HostTable,
    ) -> Result<PostgresAppointments, StoreError> {
        let columns = columns_of(self.pool(), &table).await?;
        let statements = Statements::of(&table, &columns)?;
        Ok(PostgresAppointments {
            store: self.clone(),
            table: Arc::new(table),
            statements: Arc::new(statements),
        })
    }
}

impl PostgresAppointments {
    pub(super) fn store(&self) -> &PostgresStore {
        &self.store
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.statements
    }

    /// Binds every part that the table holds.
    pub(super) fn bind_parts<'q>(
        &self,
        mut query: Query<'q, Postgres, PgArguments>,
        write: &AppointmentWrite,
    ) -> Result<Query<'q, Postgres, PgArguments>, StoreError> {
        for (part, _) in self.table.parts() {
            query = match part.value(&self.table, write)? {
                Value::Text(text) => query.bind(text),
                Value::Integer(number) => query.bind(number),
                Value::Boolean(truth) => query.bind(truth),
                Value::Texts(texts) => query.bind(texts),
            };
        }
        Ok(query)
    }

    pub(super) fn appointment(&self, row: &PgRow) -> Result<Appointment, StoreError> {
        HostRow {
            table: &self.table,
            row,
        }
        .appointment()
    }
}

/// Nothing, if a text cannot be an id of this table.
pub(super) fn unless_foreign<T>(
    found: Result<Option<T>, sqlx::Error>,
) -> Result<Option<T>, StoreError> {
    match found {
        Err(sqlx::Error::Database(error))
            if error
                .code()
                .is_some_and(|code| NOT_OF_THE_TYPE.contains(&code.as_ref())) =>
        {
            Ok(None)
        }
        found => found.map_err(failed),
    }
}

#[async_trait]
impl AppointmentRepository for PostgresAppointments {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        let get = sqlx::query(AssertSqlSafe(self.statements.get.clone()));
        let get = get.bind(tenant.as_str()).bind(id.as_str());
        let row = unless_foreign(get.fetch_optional(self.store.pool()).await)?;
        row.as_ref().map(|row| self.appointment(row)).transpose()
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let create = sqlx::query(AssertSqlSafe(self.statements.create.clone()));
        let create = create.bind(tenant.as_str()).bind(chain.as_str());
        let create = self.bind_parts(create, &write)?;
        create.execute(self.store.pool()).await.map_err(failed)?;
        // Whoever came first, it is this one now.
        let get = sqlx::query(AssertSqlSafe(self.statements.get_by_chain.clone()));
        let get = get.bind(tenant.as_str()).bind(chain.as_str());
        match get
            .fetch_optional(self.store.pool())
            .await
            .map_err(failed)?
        {
            Some(row) => self.appointment(&row),
            None => Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the row was not created: another unique index of the table refuses it, or the tenant is not the table's",
            )),
        }
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let update = sqlx::query(AssertSqlSafe(self.statements.update.clone()));
        // A revision that is too large for the column is in no row.
        let expected = i64::try_from(expected.get()).unwrap_or(-1);
        let update = update
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(expected);
        let update = self.bind_parts(update, &write)?;
        if let Some(row) = unless_foreign(update.fetch_optional(self.store.pool()).await)? {
            return self.appointment(&row);
        }
        let (kind, message) = match self.get(tenant, id).await? {
            Some(_) => (
                StoreErrorKind::Conflict,
                "the appointment has changed meanwhile",
            ),
            None => (StoreErrorKind::NotFound, "there is no such appointment"),
        };
        Err(StoreError::new(kind, message))
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let sql = match &after {
            Some(_) => &self.statements.scan_next,
            None => &self.statements.scan_first,
        };
        let scan = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(tenant.as_str())
            .bind(window.from.timestamp_micros())
            .bind(window.until.timestamp_micros());
        let scan = match &after {
            Some((start, id)) => scan.bind(start.timestamp_micros()).bind(id.as_str()),
            None => scan,
        };
        let rows = scan
            .bind(i64::from(limit))
            .fetch_all(self.store.pool())
            .await;
        let rows = rows.map_err(failed)?;
        rows.iter().map(|row| self.appointment(row)).collect()
    }
}
