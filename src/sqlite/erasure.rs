//! Erasing a tenant, and what belongs to one person.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::error::failed;
use super::links::link_columns;
use super::rows::Row;
use super::{SqliteStore, links, statements};
use crate::sql::{decode, json};
use crate::store::{
    DeliveryId, Erased, Erasure, Link, LinkId, Opaque, Page, ReviewEvidence, ReviewId, StoreError,
    StoredBody, TenantId,
};

statements! {
    /// No review item has this cause. The row goes last.
    PAUSE =
        "INSERT INTO calcom_tenants (tenant, paused_by) VALUES (?1, 'erasure') \
         ON CONFLICT (tenant) DO UPDATE SET paused_by = excluded.paused_by";
    VOID_LEASES =
        "UPDATE calcom_links SET is_leased = 0, fence = fence + 1 \
         WHERE tenant = ?1 AND due_at IS NOT NULL AND is_leased = 1";
    VOID_EVENT_LEASES =
        "UPDATE calcom_sender_events SET is_leased = 0, fence = fence + 1 \
         WHERE tenant = ?1 AND due_at IS NOT NULL AND is_leased = 1";
    ERASE_SWEEP = "DELETE FROM calcom_sweeps WHERE tenant = ?1";
    ERASE_CHANGES =
        "DELETE FROM calcom_notices WHERE id IN ( \
           SELECT id FROM calcom_notices WHERE tenant = ?1 AND appointment IS NOT NULL AND kind = 'change' LIMIT ?2)";
    ERASE_DELIVERIES =
        "DELETE FROM calcom_notices WHERE id IN ( \
           SELECT id FROM calcom_notices WHERE tenant = ?1 AND kind = 'delivery' LIMIT ?2)";
    ERASE_EVENTS =
        "DELETE FROM calcom_sender_events WHERE id IN ( \
           SELECT id FROM calcom_sender_events WHERE tenant = ?1 LIMIT ?2)";
    ERASE_MARKS =
        "DELETE FROM calcom_notices WHERE id IN ( \
           SELECT id FROM calcom_notices WHERE tenant = ?1 AND link IS NOT NULL LIMIT ?2)";
    ERASE_PARTS =
        "DELETE FROM calcom_review_links WHERE (tenant, review, link) IN ( \
           SELECT tenant, review, link FROM calcom_review_links WHERE tenant = ?1 LIMIT ?2)";
    ERASE_REVIEWS =
        "DELETE FROM calcom_reviews WHERE id IN (SELECT id FROM calcom_reviews WHERE tenant = ?1 LIMIT ?2)";
    ERASE_LOG = "DELETE FROM calcom_log WHERE id IN (SELECT id FROM calcom_log WHERE tenant = ?1 LIMIT ?2)";
    ERASE_KEYS =
        "DELETE FROM calcom_keys WHERE (tenant, kind, name) IN ( \
           SELECT tenant, kind, name FROM calcom_keys WHERE tenant = ?1 LIMIT ?2)";
    ERASE_LINKS =
        "DELETE FROM calcom_links WHERE id IN (SELECT id FROM calcom_links WHERE tenant = ?1 LIMIT ?2)";
    ERASE_APPOINTMENTS =
        "DELETE FROM calcom_appointments WHERE (tenant, id) IN ( \
           SELECT tenant, id FROM calcom_appointments WHERE tenant = ?1 LIMIT ?2)";
    ERASE_SERVICE_SYNC = "DELETE FROM calcom_service_syncs WHERE tenant = ?1";
    ERASE_SERVICES =
        "DELETE FROM calcom_services WHERE (tenant, id) IN ( \
           SELECT tenant, id FROM calcom_services WHERE tenant = ?1 LIMIT ?2)";
    ERASE_SERVICE_LINKS =
        "DELETE FROM calcom_service_links WHERE id IN ( \
           SELECT id FROM calcom_service_links WHERE tenant = ?1 LIMIT ?2)";
    ERASE_DOCUMENTS =
        "DELETE FROM calcom_documents WHERE id IN ( \
           SELECT id FROM calcom_documents WHERE tenant = ?1 LIMIT ?2)";
    FORGET_TENANT = "DELETE FROM calcom_tenants WHERE tenant = ?1";
    LINKS = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    REPLACE_STATE =
        "UPDATE calcom_links SET state = ?3, format = ?4 \
         WHERE tenant = ?1 AND id = ?2 AND is_leased = 0 AND state IS ?5 AND format = ?6";
    BODIES =
        "SELECT id, booking, body FROM calcom_notices \
         WHERE tenant = ?1 AND id > ?2 AND kind = 'delivery' AND +body <> '' ORDER BY id LIMIT ?3";
    REPLACE_EVIDENCE = "UPDATE calcom_reviews SET evidence = ?3 WHERE tenant = ?1 AND id = ?2";
}

/// How many ids one statement names.
const AT_ONCE: usize = 500;

#[async_trait]
impl Erasure for SqliteStore {
    async fn erase_tenant(&self, tenant: &TenantId, limit: u32) -> Result<Erased, StoreError> {
        let mut transaction = self.write().await?;
        let erased = erase(&mut transaction, tenant, limit).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(erased)
    }

    async fn links(&self, tenant: &TenantId, page: Page<LinkId>) -> Result<Vec<Link>, StoreError> {
        let rows = sqlx::query(LINKS)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, LinkId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        let links = rows.iter().map(decode::link);
        links.map(|known| known.map(|known| known.link)).collect()
    }

    async fn replace_state(&self, read: &Link, state: Opaque) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let replaced = sqlx::query(REPLACE_STATE)
            .bind(read.tenant.as_str())
            .bind(read.id.get())
            .bind(state.bytes())
            .bind(i64::from(state.format()))
            .bind(read.state.as_ref().map(Opaque::bytes))
            .bind(i64::from(read.state.as_ref().map_or(0, Opaque::format)))
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
        transaction.commit().await.map_err(failed)
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
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode_body).collect()
    }

    async fn empty_bodies(
        &self,
        tenant: &TenantId,
        deliveries: &[DeliveryId],
    ) -> Result<(), StoreError> {
        for ids in deliveries.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "UPDATE calcom_notices SET body = '' WHERE kind = 'delivery' AND tenant = ",
            );
            query
                .push_bind(tenant.as_str().to_owned())
                .push(" AND id IN (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id.get());
            }
            query.push(")");
            let emptied = query.build().execute(self.writes()).await;
            emptied.map_err(failed)?;
        }
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
            .execute(self.writes())
            .await
            .map_err(failed)?;
        match replaced.rows_affected() {
            0 => Err(StoreError::not_found("review item")),
            _ => Ok(()),
        }
    }
}

fn decode_body(row: &SqliteRow) -> Result<StoredBody, StoreError> {
    let row = Row::of("calcom_notices", row);
    let body = row.get::<String>("body")?;
    Ok(StoredBody::new(
        row.number("id")?,
        row.text_if_any("booking")?,
        body,
    ))
}

/// Removes some rows of every kind; those that others name go after them.
async fn erase(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    statement: &'static str,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    let executed = sqlx::query(statement).bind(tenant.as_str());
    executed.execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn some(
    connection: &mut SqliteConnection,
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
