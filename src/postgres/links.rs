//! Link rows.

use sqlx::PgConnection;

use super::error::failed;
use super::statements;
use crate::sql::decode::{self, QueuedLink};
use crate::store::{AppointmentId, Lease, Link, LinkId, LinkKey, StoreError, TenantId};

/// The columns that [`decode::link`] reads.
macro_rules! link_columns {
    () => {
        "id, tenant, appointment, booking, chain, series, sync_key, is_bare, state, format, fence, marks, begun"
    };
}
pub(super) use link_columns;

statements! {
    BY_ID = concat!("SELECT ", link_columns!(), " FROM links WHERE tenant = $1 AND id = $2");
    BY_KEY = concat!(
        "SELECT ", link_columns!(), " FROM links WHERE tenant = $1 AND id = ( \
           SELECT link FROM keys WHERE tenant = $1 AND kind = $2 AND name = $3)"
    );
    LEASED = concat!(
        "SELECT ", link_columns!(), " FROM links WHERE tenant = $1 AND id = $2 AND fence = $3 AND is_leased"
    );
    LOCK = "SELECT id FROM links WHERE tenant = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE";
    SET_APPOINTMENT = "UPDATE links SET appointment = COALESCE(appointment, $3) WHERE tenant = $1 AND id = $2";
    REMOVE = "DELETE FROM links WHERE tenant = $1 AND id = $2";
}

/// Locks links by id. A statement of its own, so that the next one sees what the last holder stored.
pub(super) async fn lock(
    connection: &mut PgConnection,
    tenant: &TenantId,
    links: &[LinkId],
) -> Result<(), StoreError> {
    let ids: Vec<i64> = links.iter().map(|link| link.get()).collect();
    sqlx::query(LOCK)
        .bind(tenant.as_str())
        .bind(ids)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// The link of a lease, if the lease is the newest and was not given back.
pub(super) async fn leased(
    connection: &mut PgConnection,
    lease: &Lease,
) -> Result<QueuedLink, StoreError> {
    let row = sqlx::query(LEASED)
        .bind(lease.tenant.as_str())
        .bind(lease.link.get())
        .bind(lease.fence)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    decode::link(&row.ok_or_else(StoreError::lease_lost)?)
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: &LinkKey,
) -> Result<Option<Link>, StoreError> {
    let (kind, name) = match (key.parts(), key) {
        (Some(parts), _) => parts,
        (None, LinkKey::Id(id)) => return by_id(connection, tenant, *id).await,
        (None, _) => return Ok(None),
    };
    let row = sqlx::query(BY_KEY)
        .bind(tenant.as_str())
        .bind(kind)
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let queued = row.as_ref().map(decode::link).transpose()?;
    Ok(queued.map(|queued| queued.link))
}

pub(super) async fn by_id(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: LinkId,
) -> Result<Option<Link>, StoreError> {
    let row = sqlx::query(BY_ID)
        .bind(tenant.as_str())
        .bind(id.get())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let queued = row.as_ref().map(decode::link).transpose()?;
    Ok(queued.map(|queued| queued.link))
}

/// Gives a link the appointment of one that it absorbs, if it has none.
pub(super) async fn set_appointment(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: LinkId,
    appointment: &AppointmentId,
) -> Result<(), StoreError> {
    sqlx::query(SET_APPOINTMENT)
        .bind(tenant.as_str())
        .bind(id.get())
        .bind(appointment.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn remove(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: LinkId,
) -> Result<(), StoreError> {
    sqlx::query(REMOVE)
        .bind(tenant.as_str())
        .bind(id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
