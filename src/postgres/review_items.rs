//! The review queue as a person sees it.

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};

use super::error::failed;
use super::rows::{Row, back, micros};
use super::{PostgresStore, reviews, sender_events, statements, tenants};
use crate::sql::decode;
use crate::store::{
    Page, Resolution, ReviewCount, ReviewFilter, ReviewId, ReviewItem, ReviewReason, Reviews,
    StoreError, StoreErrorKind, TenantId,
};

macro_rules! review_columns {
    () => {
        "r.id, r.tenant, r.link, r.appointment, r.cause, r.reason, r.ends, r.evidence, r.count, r.opened_at, r.updated_at, \
         r.resolution, r.resolved_by, r.resolved_at, r.outcome, \
         (SELECT COUNT(*) FROM review_links p WHERE p.tenant = r.tenant AND p.review = r.id) AS links"
    };
}
pub(super) use review_columns;

/// What a filter asks for besides what its statement looks up by: $2 open or not, $3 reason, $4 and
/// $5 how long ago it was opened.
macro_rules! filter {
    () => {
        concat!(
            "($2::boolean IS NULL OR (r.resolved_at IS NULL) = $2) AND ($3::text IS NULL OR r.reason = $3) \
             AND ($4::bigint IS NULL OR r.opened_at < now_of_books() - $4 * interval '1 us') \
             AND ($5::bigint IS NULL OR r.opened_at >= now_of_books() - $5 * interval '1 us') "
        )
    };
}

/// The items in which the link of an appointment, $6, is involved.
macro_rules! of_appointment {
    () => {
        "FROM keys k JOIN review_links p ON p.tenant = k.tenant AND p.link = k.link \
             JOIN reviews r ON r.tenant = p.tenant AND r.id = p.review \
         WHERE k.tenant = $1 AND k.kind = 'appointment' AND k.name = $6 AND "
    };
}

/// The counts by reason.
macro_rules! counts {
    () => {
        concat!(
            "SELECT r.reason AS reason, COUNT(*) AS items, \
             (EXTRACT(epoch FROM now_of_books() - MIN(r.opened_at)) * 1000000)::bigint AS age "
        )
    };
}

/// The order in which Rust sorts them.
macro_rules! by_reason {
    () => {
        "GROUP BY r.reason ORDER BY r.reason COLLATE \"C\""
    };
}

statements! {
    ITEMS = concat!(
        "SELECT ", review_columns!(), " FROM reviews r WHERE r.tenant = $1 AND r.id > $6 AND ",
        filter!(), "ORDER BY r.tenant, r.id LIMIT $7"
    );
    /// Of those that are open there are few.
    ITEMS_OPEN = concat!(
        "SELECT ", review_columns!(), " FROM reviews r \
         WHERE r.tenant = $1 AND r.resolved_at IS NULL AND r.id > $6 AND ",
        filter!(), "ORDER BY r.tenant, r.id LIMIT $7"
    );
    ITEMS_WITH_REASON = concat!(
        "SELECT ", review_columns!(), " FROM reviews r \
         WHERE r.tenant = $1 AND r.reason = $3 AND r.id > $6 AND ",
        filter!(), "ORDER BY r.tenant, r.reason, r.id LIMIT $7"
    );
    ITEMS_OF_APPOINTMENT = concat!(
        "SELECT ", review_columns!(), " ", of_appointment!(), "r.id > $7 AND ", filter!(), "ORDER BY r.id LIMIT $8"
    );
    COUNTS = concat!(counts!(), "FROM reviews r WHERE r.tenant = $1 AND ", filter!(), by_reason!());
    COUNTS_OPEN = concat!(
        counts!(), "FROM reviews r WHERE r.tenant = $1 AND r.resolved_at IS NULL AND ", filter!(), by_reason!()
    );
    COUNTS_OF_APPOINTMENT = concat!(counts!(), of_appointment!(), filter!(), by_reason!());
    OPEN_ITEMS = concat!(
        "SELECT ", review_columns!(), " FROM reviews r \
         WHERE r.tenant = $1 AND r.id > $2 AND r.resolved_at IS NULL ORDER BY r.tenant, r.id LIMIT $3"
    );
    ITEM = concat!("SELECT ", review_columns!(), " FROM reviews r WHERE r.tenant = $1 AND r.id = $2");
    /// A statement of its own before the item is read: a lock and what it protects are never one.
    LOCK = "SELECT id FROM reviews WHERE tenant = $1 AND id = $2 FOR UPDATE";
    INSTRUCT =
        "INSERT INTO notices (kind, tenant, taken_at, target, source, review) \
         SELECT 'mark', tenant, now_of_books(), link, 'instruction', review FROM review_links \
         WHERE tenant = $1 AND review = $2 ORDER BY link";
}

#[async_trait]
impl Reviews for PostgresStore {
    async fn open_reviews(
        &self,
        tenant: &TenantId,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let rows = sqlx::query(OPEN_ITEMS)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, ReviewId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
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
        let rows = filtered(statement, tenant, filter)
            .bind(page.after.map_or(i64::MIN, ReviewId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::review).collect()
    }

    async fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
    ) -> Result<Vec<ReviewCount>, StoreError> {
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        counts(&mut connection, tenant, filter).await
    }

    async fn review(
        &self,
        tenant: &TenantId,
        id: ReviewId,
    ) -> Result<Option<ReviewItem>, StoreError> {
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        item(&mut connection, tenant, id).await
    }

    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: &Resolution,
        by: &str,
    ) -> Result<ReviewItem, StoreError> {
        let mut transaction = self.begin_for("resolve", tenant).await?;
        let resolved = resolve(&mut transaction, tenant, id, resolution, by).await;
        transaction.end(resolved).await
    }
}

/// Closes an open item and hands the decision to its links. The transaction holds the tenant's lock.
async fn resolve(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: ReviewId,
    resolution: &Resolution,
    by: &str,
) -> Result<ReviewItem, StoreError> {
    sqlx::query(LOCK)
        .bind(tenant.as_str())
        .bind(id.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let gone = || StoreError::not_found("review item");
    let open = item(&mut *connection, tenant, id).await?.ok_or_else(gone)?;
    if open.resolved.is_some() {
        return Err(StoreError::conflict("the review item is resolved already"));
    }
    let pause = tenants::paused_by(&mut *connection, tenant).await?;
    let is_pause = open.link.is_none() && pause.as_ref() == Some(&open.cause);
    if is_pause && *resolution != Resolution::Retry {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "the tenant is paused because of this item: retry it to let the tenant's work go on",
        ));
    }
    reviews::close(&mut *connection, tenant, id, resolution, by).await?;
    if is_pause {
        tenants::release(&mut *connection, tenant).await?;
        reviews::end_pause(&mut *connection, tenant, &open.cause).await?;
    }
    sender_events::resolved(&mut *connection, tenant, id, resolution).await?;
    if *resolution != Resolution::Dismiss {
        sqlx::query(INSTRUCT)
            .bind(tenant.as_str())
            .bind(id.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    item(connection, tenant, id).await?.ok_or_else(gone)
}

/// A statement with what a filter asks for. The appointment, if there is one, is $6.
fn filtered<'q>(
    statement: &'static str,
    tenant: &'q TenantId,
    filter: &'q ReviewFilter,
) -> Query<'q, Postgres, PgArguments> {
    let query = sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(filter.is_open)
        .bind(filter.reason.as_ref().map(ReviewReason::as_str))
        .bind(filter.older_than.map(back))
        .bind(filter.within.map(back));
    match &filter.appointment {
        Some(appointment) => query.bind(appointment.as_str()),
        None => query,
    }
}

/// The items that a filter lets through, by reason.
pub(super) async fn counts(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &ReviewFilter,
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
    let rows = filtered(statement, tenant, filter)
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let count = |row: &PgRow| {
        let row = Row::of("reviews", row);
        Ok(ReviewCount::new(
            row.word("reason")?,
            row.count("items")?,
            micros(row.get("age")?),
        ))
    };
    rows.iter().map(count).collect()
}

async fn item(
    connection: &mut PgConnection,
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
