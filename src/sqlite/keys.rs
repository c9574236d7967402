//! The names under which links are found.

use sqlx::SqliteConnection;

use super::error::failed;
use super::statements;
use crate::store::{Link, LinkId, LinkKey, StoreError, TenantId};

statements! {
    OWNER = "SELECT link FROM calcom_keys WHERE tenant = ?1 AND kind = ?2 AND name = ?3";
    OWNER_BY_ID = "SELECT id FROM calcom_links WHERE tenant = ?1 AND id = ?2";
    OWN =
        "INSERT INTO calcom_keys (tenant, kind, name, link) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, kind, name) DO NOTHING";
    MOVE_UIDS =
        "UPDATE calcom_keys SET link = ?3 WHERE tenant = ?1 AND link = ?2 AND kind = 'booking'";
    FORGET = "DELETE FROM calcom_keys WHERE tenant = ?1 AND link = ?2";
}

/// The link that a key belongs to.
pub(super) async fn owner(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &LinkKey,
) -> Result<Option<LinkId>, StoreError> {
    let query = match (key.parts(), key) {
        (Some((kind, name)), _) => sqlx::query_scalar(OWNER)
            .bind(tenant.as_str())
            .bind(kind)
            .bind(name),
        (None, LinkKey::Id(id)) => sqlx::query_scalar(OWNER_BY_ID)
            .bind(tenant.as_str())
            .bind(id.get()),
        (None, _) => return Ok(None),
    };
    let owner: Option<i64> = query.fetch_optional(connection).await.map_err(failed)?;
    Ok(owner.map(LinkId::new))
}

/// The other links that own one of the keys, in the order of their ids.
pub(super) async fn other_owners(
    connection: &mut SqliteConnection,
    link: &Link,
    keys: &[LinkKey],
) -> Result<Vec<LinkId>, StoreError> {
    let mut owners = Vec::new();
    for key in keys {
        let owner = owner(connection, &link.tenant, key).await?;
        owners.extend(owner.filter(|owner| *owner != link.id));
    }
    owners.sort_unstable();
    owners.dedup();
    Ok(owners)
}

/// Makes a key the link's, if it is nobody's.
pub(super) async fn own(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &LinkKey,
    link: LinkId,
) -> Result<(), StoreError> {
    let Some((kind, name)) = key.parts() else {
        return Ok(());
    };
    sqlx::query(OWN)
        .bind(tenant.as_str())
        .bind(kind)
        .bind(name)
        .bind(link.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Moves the uids of a link to another one, and forgets its other keys.
pub(super) async fn move_over(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    from: LinkId,
    into: LinkId,
) -> Result<(), StoreError> {
    sqlx::query(MOVE_UIDS)
        .bind(tenant.as_str())
        .bind(from.get())
        .bind(into.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(FORGET)
        .bind(tenant.as_str())
        .bind(from.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
