//! How one link takes over what another, bare one holds.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::links::{self, Mark};
use super::{reviews, statements};
use crate::store::{Lease, Link, LinkId, LinkKey, StoreError, StoreErrorKind};

statements! {
    MOVE_UIDS = "UPDATE calcom_chain_uids SET link = ?3 WHERE tenant = ?1 AND link = ?2";
    MOVE_CHANGES = "UPDATE calcom_changes SET link = ?3 WHERE tenant = ?1 AND link = ?2";
    MOVE_DELIVERIES = "UPDATE calcom_deliveries SET link = ?3 WHERE tenant = ?1 AND link = ?2";
    MOVE_REVIEWS = "UPDATE calcom_reviews SET link = ?3 WHERE tenant = ?1 AND link = ?2";
    REMOVE_LINK = "DELETE FROM calcom_links WHERE tenant = ?1 AND id = ?2";
}

/// Moves all that a claimed, bare link holds to another link, and removes the bare one.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    lease: &Lease,
    into: LinkId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let bare = links::leased(connection, lease).await?.link;
    if into == bare.id {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "a link cannot absorb itself",
        ));
    }
    if !bare.is_bare() {
        return Err(StoreError::conflict(
            "the link is more than a name for one side, and cannot be absorbed",
        ));
    }
    links::find(connection, &lease.tenant, &LinkKey::Id(into))
        .await?
        .ok_or_else(|| StoreError::not_found("link"))?;
    take_over(connection, &bare, into, now).await?;
    links::mark(connection, &lease.tenant, into, Mark::ToRead, now).await
}

/// Moves all that a bare link holds to another link, and removes the bare one.
pub(super) async fn take_over(
    connection: &mut SqliteConnection,
    bare: &Link,
    into: LinkId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    reviews::settle_twins(connection, bare, into, at).await?;
    for statement in [MOVE_UIDS, MOVE_CHANGES, MOVE_DELIVERIES, MOVE_REVIEWS] {
        sqlx::query(statement)
            .bind(bare.tenant.as_str())
            .bind(bare.id.get())
            .bind(into.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    sqlx::query(REMOVE_LINK)
        .bind(bare.tenant.as_str())
        .bind(bare.id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
