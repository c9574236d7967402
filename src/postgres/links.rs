//! Link rows.

use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::error::failed;
use super::rows::Row;
use super::{keys, statements};
use crate::store::{AppointmentId, Lease, Link, LinkId, LinkKey, Opaque, StoreError, TenantId};

/// The columns that [`decode`] reads.
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

/// A link with its place in the queue.
pub(super) struct QueuedLink {
    pub(super) link: Link,
    pub(super) fence: i64,
    pub(super) marks: i64,
    pub(super) begun: u32,
}

pub(super) fn decode(row: &PgRow) -> Result<QueuedLink, StoreError> {
    let row = Row::of("links", row);
    let mut link = Link::new(row.text("tenant")?, row.number("id")?);
    link.appointment = row.text_if_any("appointment")?;
    link.booking = row.text_if_any("booking")?;
    link.chain = row.text_if_any("chain")?;
    link.series = row.text_if_any("series")?;
    link.sync_key = row.text_if_any("sync_key")?;
    link.bare = row.get("is_bare")?;
    // A number that is no format is one that nobody can read.
    let format = u16::try_from(row.get::<i32>("format")?).unwrap_or(u16::MAX);
    link.state = row
        .get::<Option<Vec<u8>>>("state")?
        .map(|bytes| Opaque::new(format, bytes));
    Ok(QueuedLink {
        link,
        fence: row.get("fence")?,
        marks: row.get("marks")?,
        begun: u32::try_from(row.get::<i64>("begun")?).unwrap_or(u32::MAX),
    })
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
    decode(&row.ok_or_else(StoreError::lease_lost)?)
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: &LinkKey,
) -> Result<Option<Link>, StoreError> {
    let (kind, name) = match (keys::parts(key), key) {
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
    let queued = row.as_ref().map(decode).transpose()?;
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
    let queued = row.as_ref().map(decode).transpose()?;
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
