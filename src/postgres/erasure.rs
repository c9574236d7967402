//! Erasing a tenant, and what belongs to one person.

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::error::failed;
use super::links::link_columns;
use super::rows::Row;
use super::{PostgresStore, links, statements};
use crate::sql::{decode, json};
use crate::store::{
    DeliveryId, Erased, Erasure, Link, LinkId, Opaque, Page, ReviewEvidence, ReviewId, StoreError,
    StoredBody, TenantId,
};

/// Removes some rows of a tenant: in the order of an index, and found one by one, so that no
/// statement walks a whole table, however large it is.
macro_rules! some {
    ($table:literal, $name:literal, $order:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE tenant = $1 AND ",
            $name,
            " = ANY (ARRAY( \
               SELECT ",
            $name,
            " FROM ",
            $table,
            " WHERE tenant = $1 ORDER BY ",
            $order,
            " LIMIT $2))"
        )
    };
}

macro_rules! some_notices {
    ($which:literal, $order:literal) => {
        concat!(
            "DELETE FROM notices WHERE id = ANY (ARRAY( \
               SELECT id FROM notices WHERE tenant = $1 AND ",
            $which,
            " ORDER BY ",
            $order,
            " LIMIT $2))"
        )
    };
}

statements! {
    /// No review item has this cause. The row goes last.
    PAUSE =
        "INSERT INTO tenants (tenant, paused_by) VALUES ($1, 'erasure') \
         ON CONFLICT (tenant) DO UPDATE SET paused_by = excluded.paused_by";
    VOID_LEASES =
        "UPDATE links SET is_leased = false, fence = fence + 1 \
         WHERE tenant = $1 AND due_at IS NOT NULL AND is_leased";
    VOID_EVENT_LEASES =
        "UPDATE sender_events SET is_leased = false, fence = fence + 1 \
         WHERE tenant = $1 AND due_at IS NOT NULL AND is_leased";
    ERASE_SWEEP = "DELETE FROM sweeps WHERE tenant = $1";
    ERASE_CHANGES = some_notices!("kind = 'change'", "tenant, appointment, revision");
    ERASE_DELIVERIES = some_notices!("kind = 'delivery'", "tenant, id");
    ERASE_EVENTS = some!("sender_events", "id", "tenant, id");
    /// The index of marks goes by their target.
    ERASE_MARKS = some_notices!("kind = 'mark' AND target IS NOT NULL", "tenant, target, id");
    ERASE_PARTS = some!("review_links", "ctid", "tenant, review, link");
    ERASE_REVIEWS = some!("reviews", "id", "tenant, id");
    ERASE_LOG = some!("log", "id", "tenant, id");
    ERASE_KEYS = some!("keys", "ctid", "tenant, kind, name");
    ERASE_LINKS = some!("links", "id", "tenant, id");
    ERASE_APPOINTMENTS = some!("appointments", "id", "tenant, id");
    ERASE_SERVICE_SYNC = "DELETE FROM service_syncs WHERE tenant = $1";
    ERASE_SERVICES = some!("services", "id", "tenant, id");
    ERASE_SERVICE_LINKS = some!("service_links", "id", "tenant, id");
    ERASE_DOCUMENTS = some!("documents", "ctid", "tenant, name, version");
    FORGET_TENANT = "DELETE FROM tenants WHERE tenant = $1";
    LINKS = concat!(
        "SELECT ", link_columns!(), " FROM links WHERE tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3"
    );
    REPLACE_STATE =
        "UPDATE links SET state = $3, format = $4 \
         WHERE tenant = $1 AND id = $2 AND is_leased = false AND state IS NOT DISTINCT FROM $5 AND format = $6";
    BODIES =
        "SELECT id, booking, body FROM notices \
         WHERE tenant = $1 AND id > $2 AND kind = 'delivery' AND body <> '' ORDER BY tenant, id LIMIT $3";
    EMPTY_BODIES = "UPDATE notices SET body = '' WHERE tenant = $1 AND kind = 'delivery' AND id = ANY ($2)";
    REPLACE_EVIDENCE = "UPDATE reviews SET evidence = $3 WHERE tenant = $1 AND id = $2";
}

#[async_trait]
impl Erasure for PostgresStore {
    async fn erase_tenant(&self, tenant: &TenantId, limit: u32) -> Result<Erased, StoreError> {
        // A prune that removes items with their parts may be in the way.
        self.retried(|| async {
            let mut transaction = self.begin_for("erase tenant", tenant).await?;
            let erased = erase(&mut transaction, tenant, limit).await?;
            transaction.commit().await?;
            Ok(erased)
        })
        .await
    }

    async fn links(&self, tenant: &TenantId, page: Page<LinkId>) -> Result<Vec<Link>, StoreError> {
        let rows = sqlx::query(LINKS)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, LinkId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        let links = rows.iter().map(decode::link);
        links.map(|known| known.map(|known| known.link)).collect()
    }

    async fn replace_state(&self, read: &Link, state: Opaque) -> Result<(), StoreError> {
        let mut transaction = self.begin("replace state").await?;
        let replaced = sqlx::query(REPLACE_STATE)
            .bind(read.tenant.as_str())
            .bind(read.id.get())
            .bind(state.bytes())
            .bind(i32::from(state.format()))
            .bind(read.state.as_ref().map(Opaque::bytes))
            .bind(i32::from(read.state.as_ref().map_or(0, Opaque::format)))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if replaced.rows_affected() == 0 {
            let known = links::by_id(&mut transaction, &read.tenant, read.id).await?;
            return Err(match known {
                Some(_) => StoreError::conflict("the link is being worked on"),
                None => StoreError::not_found("link"),
            });
        }
        transaction.commit().await
    }

    async fn bodies(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<StoredBody>, StoreError> {
        let rows = sqlx::query(BODIES)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, DeliveryId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode_body).collect()
    }

    async fn empty_bodies(
        &self,
        tenant: &TenantId,
        deliveries: &[DeliveryId],
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = deliveries.iter().map(|id| id.get()).collect();
        sqlx::query(EMPTY_BODIES)
            .bind(tenant.as_str())
            .bind(ids)
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn replace_evidence(
        &self,
        tenant: &TenantId,
        review: ReviewId,
        evidence: ReviewEvidence,
    ) -> Result<(), StoreError> {
        let replaced = sqlx::query(REPLACE_EVIDENCE)
            .bind(tenant.as_str())
            .bind(review.get())
            .bind(json(&evidence))
            .execute(self.pool())
            .await
            .map_err(failed)?;
        match replaced.rows_affected() {
            0 => Err(StoreError::not_found("review item")),
            _ => Ok(()),
        }
    }
}

fn decode_body(row: &PgRow) -> Result<StoredBody, StoreError> {
    let row = Row::of("notices", row);
    let body = String::from_utf8(row.get("body")?).map_err(|_| row.corrupt("body"))?;
    Ok(StoredBody::new(
        row.number("id")?,
        row.text_if_any("booking")?,
        body,
    ))
}

/// Removes some rows of every kind; those that others name go after them.
async fn erase(
    connection: &mut PgConnection,
    tenant: &TenantId,
    limit: u32,
) -> Result<Erased, StoreError> {
    for statement in [
        PAUSE,
        VOID_LEASES,
        VOID_EVENT_LEASES,
        ERASE_SWEEP,
        ERASE_SERVICE_SYNC,
    ] {
        execute(connection, statement, tenant).await?;
    }
    let mut erased = Erased {
        changes: some(connection, ERASE_CHANGES, tenant, limit).await?,
        deliveries: some(connection, ERASE_DELIVERIES, tenant, limit).await?,
        events: some(connection, ERASE_EVENTS, tenant, limit).await?,
        log: some(connection, ERASE_LOG, tenant, limit).await?,
        appointments: some(connection, ERASE_APPOINTMENTS, tenant, limit).await?,
        services: some(connection, ERASE_SERVICES, tenant, limit).await?
            + some(connection, ERASE_SERVICE_LINKS, tenant, limit).await?,
        documents: some(connection, ERASE_DOCUMENTS, tenant, limit).await?,
        ..Erased::default()
    };
    let all = u64::from(limit);
    let mut is_clear = true;
    for statement in [ERASE_MARKS, ERASE_PARTS, ERASE_KEYS] {
        is_clear &= some(connection, statement, tenant, limit).await? < all;
    }
    if is_clear {
        erased.reviews = some(connection, ERASE_REVIEWS, tenant, limit).await?;
        if erased.reviews < all {
            erased.links = some(connection, ERASE_LINKS, tenant, limit).await?;
        }
    }
    if is_clear && erased.total() == 0 {
        execute(connection, FORGET_TENANT, tenant).await?;
        erased.is_done = true;
    }
    Ok(erased)
}

async fn execute(
    connection: &mut PgConnection,
    statement: &'static str,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    let executed = sqlx::query(statement).bind(tenant.as_str());
    executed.execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn some(
    connection: &mut PgConnection,
    statement: &'static str,
    tenant: &TenantId,
    limit: u32,
) -> Result<u64, StoreError> {
    let removed = sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(i64::from(limit))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(removed.rows_affected())
}
