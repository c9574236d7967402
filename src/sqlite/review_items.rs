//! The review queue as a person sees it.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::rows::{Row, micros};
use super::{SqliteStore, reviews, statements, tenants};
use crate::store::{
    LinkId, NewReview, Page, Resolution, Resolved, ReviewEvidence, ReviewId, ReviewItem, Reviews,
    StoreError, StoreErrorKind, TenantId,
};

macro_rules! review_columns {
    () => {
        "r.id, r.tenant, r.link, r.appointment, r.cause, r.reason, r.ends, r.evidence, r.count, r.opened_at, r.updated_at, \
         r.resolution, r.resolved_by, r.resolved_at, r.outcome, \
         (SELECT COUNT(*) FROM calcom_review_links p WHERE p.tenant = r.tenant AND p.review = r.id) AS links"
    };
}

statements! {
    OPEN_ITEMS = concat!(
        "SELECT ", review_columns!(), " FROM calcom_reviews r \
         WHERE r.tenant = ?1 AND r.id > ?2 AND r.resolved_at IS NULL ORDER BY r.id LIMIT ?3"
    );
    ITEM = concat!("SELECT ", review_columns!(), " FROM calcom_reviews r WHERE r.tenant = ?1 AND r.id = ?2");
    INSTRUCT =
        "INSERT INTO calcom_notices (tenant, kind, taken_at, link, source, review) \
         SELECT tenant, 'mark', ?3, link, 'instruction', review FROM calcom_review_links \
         WHERE tenant = ?1 AND review = ?2 ORDER BY link";
}

#[async_trait]
impl Reviews for SqliteStore {
    async fn open_reviews(
        &self,
        tenant: &TenantId,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let rows = sqlx::query(OPEN_ITEMS)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, ReviewId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode).collect()
    }

    async fn review(
        &self,
        tenant: &TenantId,
        id: ReviewId,
    ) -> Result<Option<ReviewItem>, StoreError> {
        let mut connection = self.reads().acquire().await.map_err(failed)?;
        item(&mut connection, tenant, id).await
    }

    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: &Resolution,
        by: &str,
    ) -> Result<ReviewItem, StoreError> {
        let mut transaction = self.write().await?;
        let now = self.now();
        let gone = || StoreError::not_found("review item");
        let open = item(&mut transaction, tenant, id).await?.ok_or_else(gone)?;
        if open.resolved.is_some() {
            return Err(StoreError::conflict("the review item is resolved already"));
        }
        let pause = tenants::paused_by(&mut transaction, tenant).await?;
        let is_pause = open.link.is_none() && pause.as_ref() == Some(&open.cause);
        if is_pause && *resolution != Resolution::Retry {
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the tenant is paused because of this item: retry it to let the tenant's work go on",
            ));
        }
        reviews::close(&mut transaction, tenant, id, resolution, by, now).await?;
        if is_pause {
            tenants::release(&mut transaction, tenant).await?;
        }
        if *resolution != Resolution::Dismiss {
            sqlx::query(INSTRUCT)
                .bind(tenant.as_str())
                .bind(id.get())
                .bind(micros(now))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        let resolved = item(&mut transaction, tenant, id).await?.ok_or_else(gone)?;
        transaction.commit().await.map_err(failed)?;
        Ok(resolved)
    }
}

async fn item(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: ReviewId,
) -> Result<Option<ReviewItem>, StoreError> {
    let row = sqlx::query(ITEM)
        .bind(tenant.as_str())
        .bind(id.get())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.as_ref().map(decode).transpose()
}

fn decode(row: &SqliteRow) -> Result<ReviewItem, StoreError> {
    let row = Row::of("calcom_reviews", row);
    let evidence = row.json_if_readable("evidence")?.unwrap_or_else(|| {
        ReviewEvidence::new(
            "What was stored with this item cannot be read back: a newer version of this crate wrote it, or it is damaged. \
             Look at both sides yourself.",
        )
    });
    let new = NewReview::of_tenant(row.get::<String>("cause")?, row.word("reason")?, evidence)
        .ending(row.word("ends")?);
    let opened_at = row.instant("opened_at")?;
    let mut item = ReviewItem::new(row.number("id")?, row.text("tenant")?, new, opened_at);
    item.link = row.get::<Option<i64>>("link")?.map(LinkId::new);
    item.appointment = row.text_if_any("appointment")?;
    item.links = u32::try_from(row.get::<i64>("links")?).unwrap_or(u32::MAX);
    item.count = u64::try_from(row.get::<i64>("count")?).unwrap_or(0);
    item.updated_at = row.instant("updated_at")?;
    if row.get::<Option<&str>>("resolution")?.is_some() {
        item.resolved = Some(decode_resolved(&row)?);
    }
    Ok(item)
}

fn decode_resolved(row: &Row<'_>) -> Result<Resolved, StoreError> {
    let resolution: Option<Resolution> = row.json_if_readable("resolution")?;
    let outcome: Option<String> = row.get("outcome")?;
    // The item is closed all the same; what was decided is unknown, and that is said.
    let unknown = || "The decision cannot be read back: a newer version of this crate stored it.";
    let outcome = match resolution {
        Some(_) => outcome,
        None => outcome.or_else(|| Some(unknown().to_owned())),
    };
    let mut resolved = Resolved::new(
        resolution.unwrap_or(Resolution::Settled),
        row.get::<String>("resolved_by")?,
        row.instant("resolved_at")?,
    );
    resolved.outcome = outcome;
    Ok(resolved)
}
