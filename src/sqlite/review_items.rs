//! The review queue as a person sees it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Sqlite, SqliteConnection};

use super::error::failed;
use super::rows::{Row, micros, micros_before};
use super::{SqliteStore, reviews, sender_events, statements, tenants};
use crate::sql::decode;
use crate::store::{
    Page, Resolution, ReviewCount, ReviewFilter, ReviewId, ReviewItem, ReviewReason, Reviews,
    StoreError, StoreErrorKind, TenantId,
};

macro_rules! review_columns {
    () => {
        "r.id, r.tenant, r.link, r.appointment, r.cause, r.reason, r.ends, r.evidence, r.count, r.opened_at, r.updated_at, \
         r.resolution, r.resolved_by, r.resolved_at, r.outcome, \
         (SELECT COUNT(*) FROM calcom_review_links p WHERE p.tenant = r.tenant AND p.review = r.id) AS links"
    };
}

pub(super) use review_columns;

/// What a filter asks for besides what its statement looks up by: ?2 open or not, ?3 reason, ?4 and
/// ?5 when it was opened.
macro_rules! filter {
    () => {
        "(?2 IS NULL OR (r.resolved_at IS NULL) = ?2) AND (?3 IS NULL OR r.reason = ?3) \
         AND (?4 IS NULL OR r.opened_at < ?4) AND (?5 IS NULL OR r.opened_at >= ?5) "
    };
}

/// The items in which the link of an appointment, ?6, is involved.
macro_rules! of_appointment {
    () => {
        "FROM calcom_keys k CROSS JOIN calcom_review_links p CROSS JOIN calcom_reviews r \
         WHERE k.tenant = ?1 AND k.kind = 'appointment' AND k.name = ?6 \
           AND p.tenant = k.tenant AND p.link = k.link AND r.tenant = p.tenant AND r.id = p.review AND "
    };
}

/// The counts by reason.
macro_rules! counts {
    () => {
        "SELECT r.reason AS reason, COUNT(*) AS items, MIN(r.opened_at) AS oldest "
    };
}

statements! {
    ITEMS = concat!(
        "SELECT ", review_columns!(), " FROM calcom_reviews r WHERE r.tenant = ?1 AND r.id > ?6 AND ",
        filter!(), "ORDER BY r.id LIMIT ?7"
    );
    /// Of those that are open there are few.
    ITEMS_OPEN = concat!(
        "SELECT ", review_columns!(), " FROM calcom_reviews r \
         WHERE r.tenant = ?1 AND r.resolved_at IS NULL AND r.id > ?6 AND ",
        filter!(), "ORDER BY r.id LIMIT ?7"
    );
    ITEMS_WITH_REASON = concat!(
        "SELECT ", review_columns!(), " FROM calcom_reviews r \
         WHERE r.tenant = ?1 AND r.reason = ?3 AND r.id > ?6 AND ",
        filter!(), "ORDER BY r.id LIMIT ?7"
    );
    ITEMS_OF_APPOINTMENT = concat!(
        "SELECT ", review_columns!(), " ", of_appointment!(), "r.id > ?7 AND ", filter!(), "ORDER BY r.id LIMIT ?8"
    );
    COUNTS = concat!(
        counts!(), "FROM calcom_reviews r WHERE r.tenant = ?1 AND ", filter!(), "GROUP BY r.reason ORDER BY r.reason"
    );
    COUNTS_OPEN = concat!(
        counts!(), "FROM calcom_reviews r INDEXED BY calcom_reviews_open WHERE r.tenant = ?1 AND r.resolved_at IS NULL AND ",
        filter!(), "GROUP BY r.reason ORDER BY r.reason"
    );
    COUNTS_OF_APPOINTMENT = concat!(
        counts!(), of_appointment!(), filter!(), "GROUP BY r.reason ORDER BY r.reason"
    );
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
        rows.iter().map(decode::review).collect()
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let statement = match filter {
            ReviewFilter {
                appointment: Some(_),
                ..
            } => ITEMS_OF_APPOINTMENT,
            ReviewFilter {
                is_open: Some(true),
                ..
            } => ITEMS_OPEN,
            ReviewFilter {
                reason: Some(_), ..
            } => ITEMS_WITH_REASON,
            _ => ITEMS,
        };
        let rows = filtered(statement, tenant, filter, self.now())
            .bind(page.after.map_or(i64::MIN, ReviewId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::review).collect()
    }

    async fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
    ) -> Result<Vec<ReviewCount>, StoreError> {
        let mut connection = self.reads().acquire().await.map_err(failed)?;
        counts(&mut connection, tenant, filter, self.now()).await
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
            reviews::end_pause(&mut transaction, tenant, &open.cause, now).await?;
        }
        sender_events::resolved(&mut transaction, tenant, id, resolution, now).await?;
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

/// A statement with what a filter asks for. The appointment, if there is one, is ?6.
fn filtered<'q>(
    statement: &'static str,
    tenant: &'q TenantId,
    filter: &'q ReviewFilter,
    now: DateTime<Utc>,
) -> Query<'q, Sqlite, SqliteArguments> {
    let ago = |age: Option<Duration>| age.map(|age| micros_before(now, age));
    let query = sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(filter.is_open)
        .bind(filter.reason.as_ref().map(ReviewReason::as_str))
        .bind(ago(filter.older_than))
        .bind(ago(filter.within));
    match &filter.appointment {
        Some(appointment) => query.bind(appointment.as_str()),
        None => query,
    }
}

/// The items that a filter lets through, by reason.
pub(super) async fn counts(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    filter: &ReviewFilter,
    now: DateTime<Utc>,
) -> Result<Vec<ReviewCount>, StoreError> {
    let statement = match filter {
        ReviewFilter {
            appointment: Some(_),
            ..
        } => COUNTS_OF_APPOINTMENT,
        ReviewFilter {
            is_open: Some(true),
            ..
        } => COUNTS_OPEN,
        _ => COUNTS,
    };
    let rows = filtered(statement, tenant, filter, now)
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let count = |row: &SqliteRow| {
        let row = Row::of("calcom_reviews", row);
        let age = micros(now).saturating_sub(row.get("oldest")?);
        let age = Duration::from_micros(u64::try_from(age).unwrap_or_default());
        Ok(ReviewCount::new(
            row.word("reason")?,
            row.count("items")?,
            age,
        ))
    };
    rows.iter().map(count).collect()
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
    row.as_ref().map(decode::review).transpose()
}
