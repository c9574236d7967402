//! The ready appointments table, as somebody works with it who takes appointments for callers.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

use super::error::failed;
use super::{SqliteStore, appointments, statements};
use crate::model::PhoneNumber;
use crate::sql::decode;
use crate::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentWrite,
    RequestKey, Revision, StoreError, Taken, TenantId,
};

statements! {
    /// The expressions are those of the index `calcom_appointments_phone`, to the letter. The order is by
    /// expressions, for which no index can be walked: what a number finds is sorted.
    BY_PHONE = concat!(
        "SELECT ", appointments::appointment_columns!(), " FROM calcom_appointments \
         WHERE tenant = ?1 \
           AND CASE WHEN json_valid(state) THEN json_extract(state, '$.attendee.phone_number') END = ?2 \
           AND julianday(CASE WHEN json_valid(state) THEN json_extract(state, '$.end') END) > julianday(?3) \
           AND CASE WHEN json_valid(state) THEN json_extract(state, '$.status') END IN ('pending', 'confirmed') \
         ORDER BY +start_at, +id LIMIT ?4"
    );
}

/// An instant as SQLite's date functions read it: to the millisecond, in the years that they know.
fn date_text(instant: DateTime<Utc>) -> String {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    let first = day(0, 1, 1).and_time(NaiveTime::MIN).and_utc();
    let last = day(9999, 12, 31).and_time(NaiveTime::MIN).and_utc();
    let instant = instant.clamp(first, last);
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The id of an appointment that is taken is the text of the request's key.
#[async_trait]
impl AppointmentDesk for SqliteStore {
    async fn take(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
        write: AppointmentWrite,
    ) -> Result<Taken, StoreError> {
        let id = AppointmentId::new(key.as_str());
        let mut transaction = self.write().await?;
        let known = appointments::get_by_id(&mut transaction, tenant, &id).await?;
        if let Some(known) = known {
            return Ok(Taken::new(known, false));
        }
        let created = self
            .create_appointment_in(&mut transaction, tenant, &id, write)
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Taken::new(created, true))
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
            .bind(date_text(after))
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::appointment).collect()
    }
}
