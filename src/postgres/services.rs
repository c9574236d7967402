//! A ready services table, for a host that has none.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::error::failed;
use super::rows::Stamp;
use super::{PostgresStore, statements};
use crate::model::EventTypeId;
use crate::sql::{decode, revision_number};
use crate::store::{
    Revision, Service, ServiceId, ServiceRepository, ServiceWrite, StoreError, TenantId,
};

macro_rules! service_columns {
    () => {
        "id, revision, name, length_in_minutes, description, is_active, event_type, updated_at"
    };
}

statements! {
    GET = concat!(
        "SELECT ", service_columns!(), " FROM services WHERE tenant = $1 AND id = $2"
    );
    GET_BY_EVENT_TYPE = concat!(
        "SELECT ", service_columns!(), " FROM services \
         WHERE tenant = $1 AND event_type = $2 ORDER BY tenant, event_type, id LIMIT 1"
    );
    PAGE = concat!(
        "SELECT ", service_columns!(), " FROM services \
         WHERE tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3"
    );
    CREATE = concat!(
        "INSERT INTO services \
         (tenant, id, revision, name, length_in_minutes, description, is_active, event_type, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ",
        service_columns!()
    );
    UPDATE = concat!(
        "UPDATE services SET revision = $3, name = $4, length_in_minutes = $5, description = $6, \
             is_active = $7, event_type = $8, updated_at = $9 \
         WHERE tenant = $1 AND id = $2 AND revision = $10 RETURNING ",
        service_columns!()
    );
    IS_TAKEN = "SELECT id FROM services WHERE tenant = $1 AND id = $2";
}

impl PostgresStore {
    /// Creates a service that was made at the host.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) if the id is taken,
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](crate::store::StoreErrorKind::ReadOnly).
    pub async fn create_service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let mut transaction = self.begin("create service").await?;
        let created = create(&mut transaction, tenant, id, &write).await?;
        transaction.commit().await?;
        Ok(created)
    }
}

#[async_trait]
impl ServiceRepository for PostgresStore {
    async fn services_page(
        &self,
        tenant: &TenantId,
        after: Option<&ServiceId>,
        limit: u32,
    ) -> Result<Vec<Service>, StoreError> {
        // No text comes before the empty one, and it is no id.
        let rows = sqlx::query(PAGE)
            .bind(tenant.as_str())
            .bind(after.map_or("", ServiceId::as_str))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::service).collect()
    }

    async fn service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
    ) -> Result<Option<Service>, StoreError> {
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        get(&mut connection, tenant, id).await
    }

    async fn create_for_event_type(
        &self,
        tenant: &TenantId,
        event_type: EventTypeId,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let mut transaction = self.begin_for("create service", tenant).await?;
        let known = sqlx::query(GET_BY_EVENT_TYPE)
            .bind(tenant.as_str())
            .bind(event_type.get())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        if let Some(known) = known {
            return decode::service(&known);
        }
        let id = free_id(&mut transaction, tenant, event_type).await?;
        let write = write.with_event_type(event_type);
        let created = create(&mut transaction, tenant, &id, &write).await?;
        transaction.commit().await?;
        Ok(created)
    }

    async fn update_service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
        expected: Revision,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let (known, next) = match revision_number(expected) {
            Ok(known) => (known, revision_number(expected.next())?),
            // One that is too large for the table is in no row of it.
            Err(_) => (-1, -1),
        };
        let mut transaction = self.begin("update service").await?;
        let row = sqlx::query(UPDATE)
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(next)
            .bind(&write.details.name)
            .bind(i64::from(write.details.length_in_minutes))
            .bind(&write.details.description)
            .bind(write.is_active)
            .bind(write.event_type.map(EventTypeId::get))
            .bind(Stamp(write.at))
            .bind(known)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let Some(row) = row else {
            return Err(match get(&mut transaction, tenant, id).await? {
                Some(_) => StoreError::conflict(
                    "the service was written meanwhile: read again, then decide again",
                ),
                None => StoreError::not_found("service"),
            });
        };
        let updated = decode::service(&row)?;
        transaction.commit().await?;
        Ok(updated)
    }
}

async fn create(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &ServiceId,
    write: &ServiceWrite,
) -> Result<Service, StoreError> {
    let row = sqlx::query(CREATE)
        .bind(tenant.as_str())
        .bind(id.as_str())
        .bind(revision_number(Revision::FIRST)?)
        .bind(&write.details.name)
        .bind(i64::from(write.details.length_in_minutes))
        .bind(&write.details.description)
        .bind(write.is_active)
        .bind(write.event_type.map(EventTypeId::get))
        .bind(Stamp(write.at))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    decode::service(&row)
}

async fn get(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &ServiceId,
) -> Result<Option<Service>, StoreError> {
    let row = sqlx::query(GET)
        .bind(tenant.as_str())
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.as_ref().map(decode::service).transpose()
}

/// An id that no service of the tenant has: one made for the event type may have been paired with
/// another one since.
async fn free_id(
    connection: &mut PgConnection,
    tenant: &TenantId,
    event_type: EventTypeId,
) -> Result<ServiceId, StoreError> {
    let mut id = format!("calcom-{event_type}");
    let mut number = 1_u32;
    loop {
        let taken = sqlx::query(IS_TAKEN)
            .bind(tenant.as_str())
            .bind(&id)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        if taken.is_none() {
            return Ok(ServiceId::new(id));
        }
        number += 1;
        id = format!("calcom-{event_type}-{number}");
    }
}
