//! Opening and closing review items.

use chrono::{DateTime, Utc};
use sqlx::{Row as _, SqliteConnection};

use super::error::failed;
use super::log::{self, Subject};
use super::rows::{Row, micros};
use super::{statements, tenants};
use crate::sql::json;
use crate::store::{
    AppointmentId, Link, LinkId, LogEvent, NewReview, Resolution, ReviewEnd, ReviewId, ReviewScope,
    Settlement, StoreError, TenantId,
};

/// Who closes a review item whose cause is gone.
const ITSELF: &str = "calcom";

statements! {
    OPEN =
        "INSERT INTO calcom_reviews (tenant, link, appointment, cause, reason, ends, evidence, opened_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) \
         ON CONFLICT (tenant, COALESCE(link, 0), cause) WHERE resolved_at IS NULL \
         DO UPDATE SET evidence = excluded.evidence, updated_at = excluded.updated_at, count = count + 1 \
         RETURNING id, count";
    TAKE_PART =
        "INSERT INTO calcom_review_links (tenant, review, link) VALUES (?1, ?2, ?3) \
         ON CONFLICT (tenant, review, link) DO NOTHING";
    /// The open items that end with the link's part, and whether other links have one.
    PARTS_OF_LINK =
        "SELECT r.id, CASE WHEN r.link IS NULL THEN r.cause END AS cause_of_tenant, EXISTS (SELECT 1 FROM calcom_review_links o \
             WHERE o.tenant = r.tenant AND o.review = r.id AND o.link <> p.link) AS has_others \
         FROM calcom_review_links p CROSS JOIN calcom_reviews r \
         WHERE p.tenant = ?1 AND p.link = ?2 AND r.id = p.review AND r.tenant = p.tenant \
           AND r.resolved_at IS NULL AND r.ends = ?3 \
         ORDER BY r.id";
    END_PART = "DELETE FROM calcom_review_links WHERE tenant = ?1 AND review = ?2 AND link = ?3";
    OPEN_OF_TENANT =
        "SELECT id, ends FROM calcom_reviews \
         WHERE tenant = ?1 AND COALESCE(link, 0) = 0 AND cause = ?2 AND resolved_at IS NULL";
    OPEN_WITH_CAUSE =
        "SELECT id FROM calcom_reviews INDEXED BY calcom_reviews_one_open \
         WHERE tenant = ?1 AND COALESCE(link, 0) = 0 AND resolved_at IS NULL AND (cause = ?2 OR ends = ?3) ORDER BY id";
    CLOSE =
        "UPDATE calcom_reviews SET resolution = ?3, resolved_by = ?4, resolved_at = ?5 \
         WHERE tenant = ?1 AND id = ?2 RETURNING id, link, appointment, reason";
    SET_OUTCOME =
        "UPDATE calcom_reviews SET outcome = ?3 WHERE tenant = ?1 AND id = ?2 AND resolved_at IS NOT NULL \
           AND EXISTS (SELECT 1 FROM calcom_review_links p WHERE p.tenant = ?1 AND p.review = ?2 AND p.link = ?4)";
    /// The open items of a link whose cause another link has an open item for.
    TWINS =
        "SELECT r.id FROM calcom_reviews r \
         WHERE r.tenant = ?1 AND r.link = ?2 AND r.resolved_at IS NULL \
           AND EXISTS (SELECT 1 FROM calcom_reviews t \
             WHERE t.tenant = ?1 AND COALESCE(t.link, 0) = ?3 AND t.cause = r.cause AND t.resolved_at IS NULL) \
         ORDER BY r.id";
    MOVE_ITEMS = "UPDATE calcom_reviews SET link = ?3 WHERE tenant = ?1 AND link = ?2";
    COPY_PARTS =
        "INSERT OR IGNORE INTO calcom_review_links (tenant, review, link) \
         SELECT tenant, review, ?3 FROM calcom_review_links WHERE tenant = ?1 AND link = ?2";
    DROP_PARTS = "DELETE FROM calcom_review_links WHERE tenant = ?1 AND link = ?2";
}

/// Opens, updates and closes items as a settlement says; returns those that were opened.
pub(super) async fn store(
    connection: &mut SqliteConnection,
    link: &Link,
    settlement: &Settlement,
    now: DateTime<Utc>,
) -> Result<Vec<ReviewId>, StoreError> {
    let (mut opened, mut kept) = (Vec::new(), Vec::new());
    for new in &settlement.reviews {
        let (id, is_new) = open(connection, link, new, now).await?;
        kept.push(id);
        if is_new {
            opened.push(id);
        }
    }
    let pause = tenants::paused_by(connection, &link.tenant).await?;
    if settlement.settled {
        end_parts(connection, link, &kept, pause.as_deref(), now).await?;
    }
    // The item of a pause stays open as long as the pause does.
    let gone = settlement.gone.iter();
    for cause in gone.filter(|cause| pause.as_ref() != Some(*cause)) {
        settle_tenants(connection, &link.tenant, cause, now).await?;
    }
    for (id, outcome) in &settlement.outcomes {
        sqlx::query(SET_OUTCOME)
            .bind(link.tenant.as_str())
            .bind(id.get())
            .bind(outcome.as_str())
            .bind(link.id.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(opened)
}

/// Opens an item, or updates the open one with the same cause; returns whether it is new.
async fn open(
    connection: &mut SqliteConnection,
    link: &Link,
    new: &NewReview,
    now: DateTime<Utc>,
) -> Result<(ReviewId, bool), StoreError> {
    let subject = match new.scope {
        ReviewScope::Link => Subject::of_link(link),
        ReviewScope::Tenant => Subject {
            link: None,
            ..Subject::of_link(link)
        },
    };
    let (id, is_new) = open_about(connection, subject, new, now).await?;
    sqlx::query(TAKE_PART)
        .bind(link.tenant.as_str())
        .bind(id.get())
        .bind(link.id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok((id, is_new))
}

/// Opens or updates an item about a tenant, in which no link is involved.
pub(super) async fn open_of_tenant(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    new: &NewReview,
    now: DateTime<Utc>,
) -> Result<ReviewId, StoreError> {
    let (id, _) = open_about(connection, Subject::of_tenant(tenant), new, now).await?;
    Ok(id)
}

async fn open_about(
    connection: &mut SqliteConnection,
    subject: Subject<'_>,
    new: &NewReview,
    now: DateTime<Utc>,
) -> Result<(ReviewId, bool), StoreError> {
    let row = sqlx::query(OPEN)
        .bind(subject.tenant.as_str())
        .bind(subject.link.map(LinkId::get))
        .bind(subject.appointment.map(AppointmentId::as_str))
        .bind(new.cause.as_str())
        .bind(new.reason.as_str())
        .bind(new.ends.as_str())
        .bind(json(&new.evidence))
        .bind(micros(now))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let row = Row::of("calcom_reviews", &row);
    let count = row.get::<i64>("count")?;
    Ok((row.number("id")?, count == 1))
}

/// The link has no part in open items any more, other than those kept. An item that nobody else has
/// a part in closes, and keeps its last part, as the record of whom it was about; but that of the
/// tenant's pause stays open.
async fn end_parts(
    connection: &mut SqliteConnection,
    link: &Link,
    kept: &[ReviewId],
    pause: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(PARTS_OF_LINK)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(ReviewEnd::WithLinks.as_str())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for row in rows {
        let id = ReviewId::new(row.get("id"));
        if kept.contains(&id) {
            continue;
        }
        let has_others: bool = row.get("has_others");
        let is_pause = pause.is_some() && row.get::<Option<&str>, _>("cause_of_tenant") == pause;
        if !has_others && !is_pause {
            close(
                connection,
                &link.tenant,
                id,
                &Resolution::Settled,
                ITSELF,
                now,
            )
            .await?;
            continue;
        }
        sqlx::query(END_PART)
            .bind(link.tenant.as_str())
            .bind(id.get())
            .bind(link.id.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Closes the tenant's open item with a cause that is gone, if it ends with its cause.
pub(super) async fn settle_tenants(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    cause: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let row = sqlx::query(OPEN_OF_TENANT)
        .bind(tenant.as_str())
        .bind(cause)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok(());
    };
    let row = Row::of("calcom_reviews", &row);
    let end: ReviewEnd = row.word("ends")?;
    if end != ReviewEnd::WithCause {
        return Ok(());
    }
    let id = row.number("id")?;
    close(connection, tenant, id, &Resolution::Settled, ITSELF, now).await
}

/// Closes the item of a pause that is over, and those that end with their causes: what the turns in
/// progress found during the pause was not worked on, and comes again if it is still the case.
pub(super) async fn end_pause(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    cause: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let open: Vec<i64> = sqlx::query_scalar(OPEN_WITH_CAUSE)
        .bind(tenant.as_str())
        .bind(cause)
        .bind(ReviewEnd::WithCause.as_str())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for id in open {
        let id = ReviewId::new(id);
        close(connection, tenant, id, &Resolution::Settled, ITSELF, now).await?;
    }
    Ok(())
}

/// Closes an item, and says so in the log.
pub(super) async fn close(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: ReviewId,
    resolution: &Resolution,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let row = sqlx::query(CLOSE)
        .bind(tenant.as_str())
        .bind(id.get())
        .bind(json(resolution))
        .bind(by)
        .bind(micros(now))
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let row = Row::of("calcom_reviews", &row);
    let link = row.get::<Option<i64>>("link")?.map(LinkId::new);
    let appointment: Option<AppointmentId> = row.text_if_any("appointment")?;
    let subject = Subject {
        tenant,
        link,
        appointment: appointment.as_ref().filter(|_| link.is_some()),
    };
    let event = LogEvent::ReviewResolved {
        reason: row.word("reason")?,
        resolution: resolution.clone(),
        by: by.to_owned(),
    };
    log::write(connection, subject, &event, now).await
}

/// Moves the items and parts of a link to another one, which keeps one open item a cause.
pub(super) async fn move_parts(
    connection: &mut SqliteConnection,
    from: &Link,
    into: LinkId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let tenant = &from.tenant;
    let twins: Vec<i64> = sqlx::query_scalar(TWINS)
        .bind(tenant.as_str())
        .bind(from.id.get())
        .bind(into.get())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for twin in twins {
        let twin = ReviewId::new(twin);
        close(connection, tenant, twin, &Resolution::Settled, ITSELF, now).await?;
    }
    sqlx::query(MOVE_ITEMS)
        .bind(tenant.as_str())
        .bind(from.id.get())
        .bind(into.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(COPY_PARTS)
        .bind(tenant.as_str())
        .bind(from.id.get())
        .bind(into.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(DROP_PARTS)
        .bind(tenant.as_str())
        .bind(from.id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
