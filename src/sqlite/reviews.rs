//! The review queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::links::{self, Mark};
use super::log::{self, Subject};
use super::rows::{Row, json, micros};
use super::{SqliteStore, statements, tenants};
use crate::store::{
    AppointmentId, Link, LinkId, LogEvent, NewReview, Resolution, Resolved, ReviewId, ReviewItem,
    ReviewReason, Reviews, StoreError, TenantId,
};

/// Who resolves an item when nobody has to decide any more.
const NOBODY: &str = "calcom";

macro_rules! review_columns {
    () => {
        "id, tenant, link, appointment, reason, evidence, opened_at, updated_at, resolution, resolved_by, resolved_at"
    };
}

statements! {
    OPEN_ITEMS = concat!(
        "SELECT ", review_columns!(), " FROM calcom_reviews WHERE tenant = ?1 AND resolved_at IS NULL ORDER BY id"
    );
    ITEM = concat!("SELECT ", review_columns!(), " FROM calcom_reviews WHERE tenant = ?1 AND id = ?2");
    OPEN =
        "INSERT INTO calcom_reviews (tenant, link, appointment, reason, evidence, opened_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) \
         ON CONFLICT (tenant, COALESCE(link, 0), reason) WHERE resolved_at IS NULL \
         DO UPDATE SET appointment = excluded.appointment, evidence = excluded.evidence, updated_at = excluded.updated_at";
    RESOLVE =
        "UPDATE calcom_reviews SET resolution = ?3, resolved_by = ?4, resolved_at = ?5 WHERE tenant = ?1 AND id = ?2";
    OPEN_OF_LINK = concat!(
        "SELECT ", review_columns!(), " FROM calcom_reviews \
         WHERE tenant = ?1 AND link = ?2 AND resolved_at IS NULL ORDER BY id"
    );
}

#[async_trait]
impl Reviews for SqliteStore {
    async fn open_reviews(&self, tenant: &TenantId) -> Result<Vec<ReviewItem>, StoreError> {
        let rows = sqlx::query(OPEN_ITEMS)
            .bind(tenant.as_str())
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
        resolved: &Resolved,
    ) -> Result<ReviewItem, StoreError> {
        let mut transaction = self.write().await?;
        let item = item(&mut transaction, tenant, id)
            .await?
            .ok_or_else(|| StoreError::not_found("review item"))?;
        if item.resolved.is_some() {
            return Err(StoreError::conflict("the review item is closed already"));
        }
        let item = close(&mut transaction, item, resolved.clone()).await?;
        if resolved.resolution == Resolution::Retry {
            match item.link {
                Some(link) => {
                    links::mark(&mut transaction, tenant, link, Mark::ToRetry, resolved.at).await?;
                }
                None => tenants::resume(&mut transaction, tenant).await?,
            }
        }
        transaction.commit().await.map_err(failed)?;
        Ok(item)
    }
}

fn decode(row: &SqliteRow) -> Result<ReviewItem, StoreError> {
    let row = Row::of("calcom_reviews", row);
    let resolved = match row.get::<Option<&str>>("resolution")? {
        None => None,
        Some(word) => Some(Resolved {
            resolution: Resolution::from_word(word).ok_or_else(|| row.corrupt("resolution"))?,
            by: row.get("resolved_by")?,
            at: row.instant("resolved_at")?,
        }),
    };
    Ok(ReviewItem {
        id: row.number("id")?,
        tenant: row.text("tenant")?,
        link: row.get::<Option<i64>>("link")?.map(LinkId::new),
        appointment: row.text_if_any("appointment")?,
        reason: row.word("reason")?,
        evidence: row.json("evidence")?,
        opened_at: row.instant("opened_at")?,
        updated_at: row.instant("updated_at")?,
        resolved,
    })
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

/// Opens an item, or brings the one that is open for the same subject and reason up to date.
pub(super) async fn open(
    connection: &mut SqliteConnection,
    subject: Subject<'_>,
    review: &NewReview,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(OPEN)
        .bind(subject.tenant.as_str())
        .bind(subject.link.map(LinkId::get))
        .bind(subject.appointment.map(AppointmentId::as_str))
        .bind(review.reason.as_str())
        .bind(json(&review.evidence))
        .bind(micros(at))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Closes an open item, and says so in the log.
async fn close(
    connection: &mut SqliteConnection,
    mut item: ReviewItem,
    resolved: Resolved,
) -> Result<ReviewItem, StoreError> {
    sqlx::query(RESOLVE)
        .bind(item.tenant.as_str())
        .bind(item.id.get())
        .bind(resolved.resolution.as_str())
        .bind(resolved.by.as_str())
        .bind(micros(resolved.at))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let subject = Subject {
        tenant: &item.tenant,
        link: item.link,
        appointment: item.appointment.as_ref(),
    };
    let event = LogEvent::ReviewResolved {
        reason: item.reason.clone(),
        resolution: resolved.resolution.clone(),
        by: resolved.by.clone(),
    };
    log::write(connection, subject, &event, resolved.at).await?;
    item.resolved = Some(resolved);
    Ok(item)
}

/// Closes a link's open items, except the one with the reason `kept`, because both sides came to agree.
pub(super) async fn settle_all(
    connection: &mut SqliteConnection,
    link: &Link,
    kept: Option<&ReviewReason>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    for item in open_of(connection, &link.tenant, link.id).await? {
        let settles_itself = item.reason != ReviewReason::ForeignBooking;
        if settles_itself && Some(&item.reason) != kept {
            close(connection, item, settled(at)).await?;
        }
    }
    Ok(())
}

/// Closes the open items of a link that is being absorbed, where the absorbing link has one with the same reason.
pub(super) async fn settle_twins(
    connection: &mut SqliteConnection,
    absorbed: &Link,
    into: LinkId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let tenant = &absorbed.tenant;
    let kept = open_of(connection, tenant, into).await?;
    for item in open_of(connection, tenant, absorbed.id).await? {
        if kept.iter().any(|twin| twin.reason == item.reason) {
            close(connection, item, settled(at)).await?;
        }
    }
    Ok(())
}

async fn open_of(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    link: LinkId,
) -> Result<Vec<ReviewItem>, StoreError> {
    let rows = sqlx::query(OPEN_OF_LINK)
        .bind(tenant.as_str())
        .bind(link.get())
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    rows.iter().map(decode).collect()
}

fn settled(at: DateTime<Utc>) -> Resolved {
    Resolved {
        resolution: Resolution::Settled,
        by: NOBODY.to_owned(),
        at,
    }
}
