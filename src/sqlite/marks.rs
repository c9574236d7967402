//! Marks: what says *look here* without a change or a delivery.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::rows::micros;
use super::statements;
use crate::sql::decode;
use crate::store::{Link, LinkId, Mark, MarkSource, StoreError, TenantId};

statements! {
    MARKS =
        "SELECT n.id, n.source, n.review, r.reason, r.resolution, r.resolved_by \
         FROM calcom_notices n LEFT JOIN calcom_reviews r ON r.tenant = n.tenant AND r.id = n.review \
         WHERE n.tenant = ?1 AND n.link = ?2 ORDER BY n.id";
    MARK =
        "INSERT INTO calcom_notices (tenant, kind, taken_at, link, source) VALUES (?1, 'mark', ?3, ?2, ?4)";
}

/// The marks that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut SqliteConnection,
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

/// Marks one link.
pub(super) async fn mark_link(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    link: LinkId,
    source: &MarkSource,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(MARK)
        .bind(tenant.as_str())
        .bind(link.get())
        .bind(micros(now))
        .bind(source.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
