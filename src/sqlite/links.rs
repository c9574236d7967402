//! Link rows.

use sqlx::SqliteConnection;

use super::error::failed;
use super::{keys, statements};
use crate::model::{BookingUid, RecurringBookingUid};
use crate::sql::decode::{self, QueuedLink};
use crate::store::{
    AppointmentId, ChainKey, Lease, Link, LinkId, LinkKey, Opaque, StoreError, SyncKey, TenantId,
};

/// The columns that [`decode::link`] reads.
macro_rules! link_columns {
    () => {
        "id, tenant, appointment, booking, chain, series, sync_key, bare AS is_bare, state, format, fence, marks, begun"
    };
}
pub(super) use link_columns;

statements! {
    BY_ID = concat!("SELECT ", link_columns!(), " FROM calcom_links WHERE tenant = ?1 AND id = ?2");
    LEASED = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links \
         WHERE tenant = ?1 AND id = ?2 AND fence = ?3 AND is_leased = 1"
    );
    MAKE = "INSERT INTO calcom_links (tenant, appointment, booking) VALUES (?1, ?2, ?3) RETURNING id";
    STORE =
        "UPDATE calcom_links SET appointment = ?3, booking = ?4, chain = ?5, series = ?6, sync_key = ?7, bare = ?8, \
           state = ?9, format = ?10 \
         WHERE tenant = ?1 AND id = ?2";
    SET_APPOINTMENT = "UPDATE calcom_links SET appointment = ?3 WHERE tenant = ?1 AND id = ?2";
    REMOVE = "DELETE FROM calcom_links WHERE tenant = ?1 AND id = ?2";
}

/// The link of a lease, if the lease is the newest and was not given back.
pub(super) async fn leased(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &LinkKey,
) -> Result<Option<Link>, StoreError> {
    match keys::owner(connection, tenant, key).await? {
        Some(id) => by_id(connection, tenant, id).await,
        None => Ok(None),
    }
}

pub(super) async fn by_id(
    connection: &mut SqliteConnection,
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

/// A link that is no more than a name for one side.
pub(super) async fn make(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    appointment: Option<&AppointmentId>,
    booking: Option<&BookingUid>,
) -> Result<LinkId, StoreError> {
    let id: i64 = sqlx::query_scalar(MAKE)
        .bind(tenant.as_str())
        .bind(appointment.map(AppointmentId::as_str))
        .bind(booking.map(BookingUid::as_str))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(LinkId::new(id))
}

/// Stores a link, but not its place in the queue.
pub(super) async fn store(
    connection: &mut SqliteConnection,
    link: &Link,
) -> Result<(), StoreError> {
    sqlx::query(STORE)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .bind(link.booking.as_ref().map(BookingUid::as_str))
        .bind(link.chain.as_ref().map(ChainKey::as_str))
        .bind(link.series.as_ref().map(RecurringBookingUid::as_str))
        .bind(link.sync_key.as_ref().map(SyncKey::as_str))
        .bind(link.bare)
        .bind(link.state.as_ref().map(Opaque::bytes))
        .bind(i64::from(link.state.as_ref().map_or(0, Opaque::format)))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn set_appointment(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
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
