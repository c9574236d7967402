//! Marks: what says *look here* without a change or a delivery.

use sqlx::PgConnection;

use super::error::failed;
use super::statements;
use crate::sql::decode;
use crate::store::{Link, LinkId, LinkKey, Mark, MarkSource, StoreError, TenantId};

statements! {
    MARKS =
        "SELECT n.id, n.source, n.review, r.reason, r.resolution, r.resolved_by \
         FROM notices n LEFT JOIN reviews r ON r.tenant = n.tenant AND r.id = n.review \
         WHERE n.kind = 'mark' AND n.tenant = $1 AND n.target = $2 ORDER BY n.id";
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

/// The marks that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    link: &Link,
) -> Result<Vec<Mark>, StoreError> {
    let rows = sqlx::query(MARKS)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    rows.iter().map(decode::mark).collect()
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
