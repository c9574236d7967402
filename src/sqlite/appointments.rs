//! A ready appointments table, for a host that has none. Every write records its change in the same
//! transaction.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::error::failed;
use super::rows::micros;
use super::{SqliteStore, statements};
use crate::sql::{decode, json, revision_number};
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, ChainKey, Change, Reason,
    Revision, StoreError, TenantId, Window,
};

macro_rules! appointment_columns {
    () => {
        "id, revision, origin, state, chain, updated_at, reason"
    };
}
pub(super) use appointment_columns;

statements! {
    GET = concat!(
        "SELECT ", appointment_columns!(), " FROM calcom_appointments WHERE tenant = ?1 AND id = ?2"
    );
    GET_BY_CHAIN = concat!(
        "SELECT ", appointment_columns!(), " FROM calcom_appointments WHERE tenant = ?1 AND chain = ?2"
    );
    CREATE = concat!(
        "INSERT INTO calcom_appointments (tenant, id, chain, revision, origin, state, start_at, updated_at, reason) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING ",
        appointment_columns!()
    );
    UPDATE = concat!(
        "UPDATE calcom_appointments SET revision = ?4, origin = ?5, state = ?6, start_at = ?7, updated_at = ?8, reason = ?9 \
         WHERE tenant = ?1 AND id = ?2 AND revision = ?3 RETURNING ",
        appointment_columns!()
    );
    SCAN = concat!(
        "SELECT ", appointment_columns!(), " FROM calcom_appointments \
         WHERE tenant = ?1 AND start_at >= ?2 AND start_at < ?3 AND (start_at, id) > (?4, ?5) \
         ORDER BY start_at, id LIMIT ?6"
    );
}

impl SqliteStore {
    /// Creates an appointment that was made at the host, and records the change.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) if the id is taken,
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](crate::store::StoreErrorKind::ReadOnly).
    pub async fn create_appointment(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let mut transaction = self.write().await?;
        let created = self
            .create_appointment_in(&mut transaction, tenant, id, write)
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(created)
    }

    /// Creates an appointment that was made at the host, and records the change, in the host's own
    /// transaction.
    ///
    /// # Errors
    ///
    /// As [`create_appointment`](Self::create_appointment). Roll the transaction back then.
    pub async fn create_appointment_in(
        &self,
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: &AppointmentId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.create(connection, tenant, id, None, &write).await
    }

    async fn create(
        &self,
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: &AppointmentId,
        chain: Option<&ChainKey>,
        write: &AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let row = sqlx::query(CREATE)
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(chain.map(ChainKey::as_str))
            .bind(revision_number(Revision::FIRST)?)
            .bind(write.origin.as_str())
            .bind(json(&write.state))
            .bind(micros(write.state.start))
            .bind(micros(write.at))
            .bind(write.reason.as_ref().map(Reason::as_str))
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        let created = decode::appointment(&row)?;
        self.record_write(connection, tenant, &created).await?;
        Ok(created)
    }

    /// Records the change that a write of the table was.
    async fn record_write(
        &self,
        connection: &mut SqliteConnection,
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
        self.record_change_in(connection, &change).await
    }
}

#[async_trait]
impl AppointmentRepository for SqliteStore {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        let mut connection = self.reads().acquire().await.map_err(failed)?;
        get(&mut connection, GET, tenant, id.as_str()).await
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let mut transaction = self.write().await?;
        let known = get(&mut transaction, GET_BY_CHAIN, tenant, chain.as_str()).await?;
        if let Some(known) = known {
            return Ok(known);
        }
        let id = id_for(chain);
        let created = self
            .create(&mut transaction, tenant, &id, Some(chain), &write)
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(created)
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let (known, next) = match revision_number(expected) {
            Ok(known) => (known, revision_number(expected.next())?),
            // One that is too large for the table is in no row of it.
            Err(_) => (-1, -1),
        };
        let mut transaction = self.write().await?;
        let row = sqlx::query(UPDATE)
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(known)
            .bind(next)
            .bind(write.origin.as_str())
            .bind(json(&write.state))
            .bind(micros(write.state.start))
            .bind(micros(write.at))
            .bind(write.reason.as_ref().map(Reason::as_str))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let Some(row) = row else {
            return Err(
                match get(&mut transaction, GET, tenant, id.as_str()).await? {
                    Some(_) => StoreError::conflict(
                        "the appointment was written meanwhile: read again, then decide again",
                    ),
                    None => StoreError::not_found("appointment"),
                },
            );
        };
        let updated = decode::appointment(&row)?;
        self.record_write(&mut transaction, tenant, &updated)
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(updated)
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let from = micros(window.from);
        let (after_start, after_id) = match &after {
            Some((start, id)) => (micros(*start), id.as_str()),
            None => (i64::MIN, ""),
        };
        let rows = sqlx::query(SCAN)
            .bind(tenant.as_str())
            // The index is entered where the last page ended, not where the window begins.
            .bind(from.max(after_start))
            .bind(micros(window.until))
            .bind(after_start)
            .bind(after_id)
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::appointment).collect()
    }
}

/// Reads one appointment in a transaction.
pub(super) async fn get_by_id(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: &AppointmentId,
) -> Result<Option<Appointment>, StoreError> {
    get(connection, GET, tenant, id.as_str()).await
}

async fn get(
    connection: &mut SqliteConnection,
    statement: &'static str,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<Appointment>, StoreError> {
    let row = sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(key)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.as_ref().map(decode::appointment).transpose()
}

/// The id of an appointment that is created for a chain of bookings: the same one whenever and
/// wherever it is created.
fn id_for(chain: &ChainKey) -> AppointmentId {
    let digest = Sha256::digest(chain.as_str());
    AppointmentId::new(format!("calcom-{}", hex::encode(&digest[..16])))
}
