//! Marks: what says *look here* without a change or a delivery.

use sqlx::PgConnection;

use super::error::failed;
use super::statements;
use crate::store::{LinkId, LinkKey, MarkSource, StoreError, TenantId};

statements! {
    /// The foreign key takes a shared lock on the link's key, which no lease, checkpoint or
    /// settlement holds up.
    MARK_BY_KEY =
        "INSERT INTO notices (kind, tenant, target, source) \
         SELECT 'mark', tenant, link, $4 FROM keys WHERE tenant = $1 AND kind = $2 AND name = $3";
    MARK_BY_ID =
        "INSERT INTO notices (kind, tenant, target, source) \
         SELECT 'mark', tenant, id, $3 FROM links WHERE tenant = $1 AND id = $2";
    MARK = "INSERT INTO notices (kind, tenant, target, source) VALUES ('mark', $1, $2, $3)";
}

/// Marks the link that a key belongs to; `false` if there is none.
pub(super) async fn mark_by_key(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: &LinkKey,
    source: &MarkSource,
) -> Result<bool, StoreError> {
    let query = match (key.parts(), key) {
        (Some((kind, name)), _) => sqlx::query(MARK_BY_KEY)
            .bind(tenant.as_str())
            .bind(kind)
            .bind(name),
        (None, LinkKey::Id(id)) => sqlx::query(MARK_BY_ID).bind(tenant.as_str()).bind(id.get()),
        (None, _) => return Ok(false),
    };
    let marked = query
        .bind(source.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(marked.rows_affected() > 0)
}

/// Marks one link.
pub(super) async fn mark_link(
    connection: &mut PgConnection,
    tenant: &TenantId,
    link: LinkId,
    source: &MarkSource,
) -> Result<(), StoreError> {
    sqlx::query(MARK)
        .bind(tenant.as_str())
        .bind(link.get())
        .bind(source.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
