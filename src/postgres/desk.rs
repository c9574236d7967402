//! The ready appointments table, as somebody works with it who takes appointments for callers.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::failed;
use super::rows::Stamp;
use super::{PostgresStore, appointments, statements};
use crate::model::PhoneNumber;
use crate::sql::decode;
use crate::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentWrite,
    RequestKey, Revision, StoreError, Taken, TenantId,
};

statements! {
    /// What a number finds is sorted by itself, so that no plan walks the tenant in the order of starts
    /// and picks out the number's.
    BY_PHONE = concat!(
        "WITH found AS MATERIALIZED ( \
             SELECT ", appointments::appointment_columns!(), ", start_at FROM appointments \
             WHERE tenant = $1 AND live_phone_of(state) = $2 AND end_of(state) > $3 \
         ) \
         SELECT ", appointments::appointment_columns!(), " FROM found ORDER BY start_at, id LIMIT $4"
    );
}

/// The id of an appointment that is taken is the text of the request's key.
#[async_trait]
impl AppointmentDesk for PostgresStore {
    async fn take(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
        write: AppointmentWrite,
    ) -> Result<Taken, StoreError> {
        let id = AppointmentId::new(key.as_str());
        // A repetition locks nothing.
        if let Some(known) = self.get(tenant, &id).await? {
            return Ok(Taken::new(known, false));
        }
        let mut transaction = self.begin("take appointment").await?;
        let taken = self.take_in(&mut transaction, tenant, &id, write).await;
        transaction.end(taken).await
    }

    async fn requested(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
    ) -> Result<Option<Appointment>, StoreError> {
        self.get(tenant, &AppointmentId::new(key.as_str())).await
    }

    async fn revise(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.update(tenant, id, expected, write).await
    }

    async fn by_phone(
        &self,
        tenant: &TenantId,
        number: &PhoneNumber,
        after: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let rows = sqlx::query(BY_PHONE)
            .bind(tenant.as_str())
            .bind(number.as_str())
            .bind(Stamp(after.max(appointments::first_day())))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::appointment).collect()
    }
}
