//! How one link takes over what another, bare one holds.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::marks;
use super::{keys, links, reviews, statements};
use crate::store::{Lease, Link, LinkId, LinkKey, MarkSource, StoreError};

statements! {
    MOVE_MARKS = "UPDATE calcom_notices SET link = ?3 WHERE tenant = ?1 AND link = ?2";
}

/// Moves what a claimed, bare link holds to another link, which is marked, and removes the bare
/// one.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    lease: &Lease,
    into: LinkId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let bare = links::leased(connection, lease).await?.link;
    if !bare.bare || into == bare.id {
        return Err(StoreError::conflict("only a bare link can be absorbed"));
    }
    let other = links::by_id(connection, &lease.tenant, into)
        .await?
        .ok_or_else(|| StoreError::not_found("link"))?;
    if bare.appointment.is_some() && other.appointment.is_some() {
        return Err(StoreError::conflict("both links have an appointment"));
    }
    move_over(connection, &bare, &other, now).await?;
    marks::mark_link(connection, &lease.tenant, into, &MarkSource::Absorbed, now).await
}

/// Moves what a bare link holds to another one, which gets its appointment if it has none, and
/// removes the bare one.
///
/// Changes and deliveries are not touched: they belong to whoever has the appointment or the uid.
pub(super) async fn move_over(
    connection: &mut SqliteConnection,
    bare: &Link,
    into: &Link,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let tenant = &bare.tenant;
    reviews::move_parts(connection, bare, into.id, now).await?;
    keys::move_over(connection, tenant, bare.id, into.id).await?;
    sqlx::query(MOVE_MARKS)
        .bind(tenant.as_str())
        .bind(bare.id.get())
        .bind(into.id.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if let (Some(appointment), None) = (&bare.appointment, &into.appointment) {
        links::set_appointment(connection, tenant, into.id, appointment).await?;
        let key = LinkKey::Appointment(appointment.clone());
        keys::own(connection, tenant, &key, into.id).await?;
    }
    links::remove(connection, tenant, bare.id).await
}
