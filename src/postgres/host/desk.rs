//! A host's own table, as somebody works with it who takes appointments for callers.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::appointments::{PostgresAppointments, unless_foreign};
use crate::model::PhoneNumber;
use crate::postgres::appointments::first_day;
use crate::postgres::error::failed;
use crate::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentWrite, Change,
    RequestKey, Revision, StoreError, StoreErrorKind, Taken, TenantId,
};

/// Needs columns that the engine does without: [`request_column`](super::HostTable::request_column) for
/// [`take`](AppointmentDesk::take), and [`phone_column`](super::HostTable::phone_column), with the index
/// that is described there, for [`by_phone`](AppointmentDesk::by_phone). Without its column, a call is
/// [`Invalid`](StoreErrorKind::Invalid). The change is recorded in the transaction that writes the row,
/// whether or not the table is watched.
#[async_trait]
impl AppointmentDesk for PostgresAppointments {
    async fn take(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
        write: AppointmentWrite,
    ) -> Result<Taken, StoreError> {
        if self.statements().take.is_none() {
            return Err(lacks("request_column"));
        }
        let mut transaction = self.store().begin("take appointment").await?;
        let taken = self.take_in(&mut transaction, tenant, key, &write).await;
        transaction.end(taken).await
    }

    async fn requested(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
    ) -> Result<Option<Appointment>, StoreError> {
        let take = self.statements().take.as_ref();
        let (_, get) = take.ok_or_else(|| lacks("request_column"))?;
        let row = sqlx::query(AssertSqlSafe(get.clone()))
            .bind(tenant.as_str())
            .bind(key.as_str())
            .fetch_optional(self.store().pool())
            .await
            .map_err(failed)?;
        row.map(|row| self.appointment(&row)).transpose()
    }

    async fn revise(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let mut transaction = self.store().begin("revise appointment").await?;
        let revised = self.revise_in(&mut transaction, tenant, id, expected, &write);
        let revised = revised.await;
        if let Some(revised) = transaction.end(revised).await? {
            return Ok(revised);
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

    async fn by_phone(
        &self,
        tenant: &TenantId,
        number: &PhoneNumber,
        after: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let by_phone = self.statements().by_phone.as_ref();
        let by_phone = by_phone.ok_or_else(|| lacks("phone_column"))?;
        // PostgreSQL adds microseconds with 53 bits.
        let last = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or_default();
        let after = after.clamp(first_day(), last);
        let rows = sqlx::query(AssertSqlSafe(by_phone.clone()))
            .bind(tenant.as_str())
            .bind(number.as_str())
            .bind(after.timestamp_micros())
            .bind(i64::from(limit))
            .fetch_all(self.store().pool())
            .await
            .map_err(failed)?;
        rows.iter().map(|row| self.appointment(row)).collect()
    }
}

fn lacks(setter: &str) -> StoreError {
    let message = format!("the table was described without a {setter}");
    StoreError::new(StoreErrorKind::Invalid, message)
}

impl PostgresAppointments {
    async fn take_in(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        key: &RequestKey,
        write: &AppointmentWrite,
    ) -> Result<Taken, StoreError> {
        let take = self.statements().take.as_ref();
        let (take, get) = take.ok_or_else(|| lacks("request_column"))?;
        let take = sqlx::query(AssertSqlSafe(take.clone()));
        let take = take.bind(tenant.as_str()).bind(key.as_str());
        let take = self.bind_parts(take, write)?.bind(write.origin.as_str());
        let row = take
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        if let Some(row) = row {
            let created = self.appointment(&row)?;
            self.record_write(connection, tenant, &created).await?;
            return Ok(Taken::new(created, true));
        }
        // A statement of its own, so that it sees what the one before waited for.
        let get = sqlx::query(AssertSqlSafe(get.clone()));
        let get = get.bind(tenant.as_str()).bind(key.as_str());
        match get.fetch_optional(connection).await.map_err(failed)? {
            Some(row) => Ok(Taken::new(self.appointment(&row)?, false)),
            None => Err(StoreError::conflict(
                "the row was not created: another unique index of the table refuses it, or the tenant is not the table's",
            )),
        }
    }

    async fn revise_in(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: &AppointmentWrite,
    ) -> Result<Option<Appointment>, StoreError> {
        let revise = sqlx::query(AssertSqlSafe(self.statements().revise.clone()));
        // A revision that is too large for the column is in no row.
        let expected = i64::try_from(expected.get()).unwrap_or(-1);
        let revise = revise
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(expected);
        let revise = self.bind_parts(revise, write)?.bind(write.origin.as_str());
        let found = revise.fetch_optional(&mut *connection).await;
        let Some(row) = unless_foreign(found)? else {
            return Ok(None);
        };
        let revised = self.appointment(&row)?;
        self.record_write(connection, tenant, &revised).await?;
        Ok(Some(revised))
    }

    /// Records the change that a write was. Where the table is watched, it is recorded already.
    async fn record_write(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        written: &Appointment,
    ) -> Result<(), StoreError> {
        let change = Change::new(
            tenant.clone(),
            written.id.clone(),
            written.revision,
            written.origin.clone(),
            written.updated_at,
        );
        self.store().record_change_in(connection, &change).await
    }
}
