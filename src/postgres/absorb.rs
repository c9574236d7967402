//! How one link takes over what another, bare one holds. All of it runs under the tenant's lock.

use sqlx::PgConnection;

use super::error::failed;
use super::marks;
use super::{keys, links, reviews, statements};
use crate::store::{Lease, Link, LinkId, MarkSource, StoreError};

statements! {
    MOVE_MARKS = "UPDATE notices SET target = $3 WHERE kind = 'mark' AND tenant = $1 AND target = $2";
}

/// Moves what a claimed, bare link holds to another link, which is marked, and removes the bare
/// one.
pub(super) async fn give_up(
    connection: &mut PgConnection,
    lease: &Lease,
    into: LinkId,
) -> Result<(), StoreError> {
    links::lock(connection, &lease.tenant, &[lease.link, into]).await?;
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
    move_over(connection, &bare, &other).await?;
    marks::mark_link(connection, &lease.tenant, into, &MarkSource::Absorbed).await
}

/// Moves what a bare link holds to another one, which gets its appointment if it has none, and
/// removes the bare one. Both are locked.
///
/// Changes and deliveries are not touched: they belong to whoever has the appointment or the uid.
pub(super) async fn move_over(
    connection: &mut PgConnection,
    bare: &Link,
    into: &Link,
) -> Result<(), StoreError> {
    let tenant = &bare.tenant;
    reviews::move_parts(connection, bare, into.id).await?;
    keys::move_over(connection, bare, into).await?;
    sqlx::query(MOVE_MARKS)
        .bind(tenant.as_str())
        .bind(bare.id.get())
        .bind(into.id.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if let (Some(appointment), None) = (&bare.appointment, &into.appointment) {
        links::set_appointment(connection, tenant, into.id, appointment).await?;
    }
    links::remove(connection, tenant, bare.id).await
}
