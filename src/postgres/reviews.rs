//! Opening and closing review items. All of it runs under the tenant's lock.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::error::failed;
use super::log::{self, Subject};
use super::rows::Row;
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
        "INSERT INTO reviews (tenant, link, appointment, cause, reason, ends, evidence, opened_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, now_of_books(), now_of_books()) \
         ON CONFLICT (tenant, COALESCE(link, 0), cause) WHERE resolved_at IS NULL \
         DO UPDATE SET evidence = excluded.evidence, updated_at = excluded.updated_at, count = reviews.count + 1 \
         RETURNING id, count";
    TAKE_PART =
        "INSERT INTO review_links (tenant, review, link) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant, review, link) DO NOTHING";
    /// The open items that end with the link's part, and whether other links have one. Items that
    /// are open are never pruned, so none of them is locked.
    PARTS_OF_LINK =
        "SELECT r.id, CASE WHEN r.link IS NULL THEN r.cause END AS cause_of_tenant, EXISTS (SELECT FROM review_links o \
             WHERE o.tenant = r.tenant AND o.review = r.id AND o.link <> p.link) AS has_others \
         FROM review_links p JOIN reviews r ON r.tenant = p.tenant AND r.id = p.review \
         WHERE p.tenant = $1 AND p.link = $2 AND r.resolved_at IS NULL AND r.ends = $3 \
         ORDER BY r.id";
    END_PART = "DELETE FROM review_links WHERE tenant = $1 AND review = $2 AND link = $3";
    OPEN_OF_TENANT =
        "SELECT id, ends FROM reviews \
         WHERE tenant = $1 AND COALESCE(link, 0) = 0 AND cause = $2 AND resolved_at IS NULL";
    OPEN_WITH_CAUSE =
        "SELECT id FROM reviews \
         WHERE tenant = $1 AND COALESCE(link, 0) = 0 AND resolved_at IS NULL AND (cause = $2 OR ends = $3) ORDER BY id";
    CLOSE =
        "UPDATE reviews SET resolution = $3, resolved_by = $4, resolved_at = now_of_books() \
         WHERE tenant = $1 AND id = $2 RETURNING id, link, appointment, reason";
    /// How instructions ended. An item that a prune is removing does not matter any more.
    SET_OUTCOMES =
        "WITH locked AS MATERIALIZED ( \
             SELECT r.id FROM reviews r \
             WHERE r.tenant = $1 AND r.id = ANY ($2) AND r.resolved_at IS NOT NULL \
               AND EXISTS (SELECT FROM review_links p WHERE p.tenant = $1 AND p.review = r.id AND p.link = $4) \
             ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED \
         ) \
         UPDATE reviews SET outcome = told.outcome \
         FROM unnest($2::bigint[], $3::text[]) AS told (id, outcome) JOIN locked USING (id) \
         WHERE reviews.tenant = $1 AND reviews.id = told.id";
    /// Locks the items that a link has to do with, by id, before any of their parts: a prune
    /// removes items with their parts.
    LOCK_ITEMS_OF =
        "SELECT id FROM reviews \
         WHERE tenant = $1 AND id = ANY (ARRAY( \
             SELECT id FROM reviews WHERE tenant = $1 AND link = $2 \
             UNION SELECT review FROM review_links WHERE tenant = $1 AND link = $2)) \
         ORDER BY id FOR UPDATE";
    /// The open items of a link whose cause another link has an open item for.
    TWINS =
        "SELECT r.id FROM reviews r \
         WHERE r.tenant = $1 AND r.link = $2 AND r.resolved_at IS NULL \
           AND EXISTS (SELECT FROM reviews t \
             WHERE t.tenant = $1 AND COALESCE(t.link, 0) = $3 AND t.cause = r.cause AND t.resolved_at IS NULL) \
         ORDER BY r.id";
    MOVE_ITEMS = "UPDATE reviews SET link = $3 WHERE tenant = $1 AND link = $2";
    MOVE_PARTS =
        "WITH moved AS (DELETE FROM review_links WHERE tenant = $1 AND link = $2 RETURNING review) \
         INSERT INTO review_links (tenant, review, link) SELECT $1, review, $3 FROM moved \
         ON CONFLICT (tenant, review, link) DO NOTHING";
}

/// Opens, updates and closes items as a settlement says; returns those that were opened.
pub(super) async fn store(
    connection: &mut PgConnection,
    link: &Link,
    settlement: &Settlement,
) -> Result<Vec<ReviewId>, StoreError> {
    let (mut opened, mut kept) = (Vec::new(), Vec::new());
    for new in &settlement.reviews {
        let (id, is_new) = open(connection, link, new).await?;
        kept.push(id);
        if is_new {
            opened.push(id);
        }
    }
    let pause = tenants::paused_by(connection, &link.tenant).await?;
    if settlement.settled {
        end_parts(connection, link, &kept, pause.as_deref()).await?;
    }
    // The item of a pause stays open as long as the pause does.
    let gone = settlement.gone.iter();
    for cause in gone.filter(|cause| pause.as_ref() != Some(*cause)) {
        settle_tenants(connection, &link.tenant, cause).await?;
    }
    tell_outcomes(connection, link, settlement).await?;
    Ok(opened)
}

/// Stores how instructions of resolved items ended. Of an item that is named twice, the last counts.
async fn tell_outcomes(
    connection: &mut PgConnection,
    link: &Link,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let told = settlement.outcomes.iter();
    let told: BTreeMap<i64, &str> = told
        .map(|(id, outcome)| (id.get(), outcome.as_str()))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let (ids, outcomes): (Vec<i64>, Vec<&str>) = told.into_iter().unzip();
    sqlx::query(SET_OUTCOMES)
        .bind(link.tenant.as_str())
        .bind(ids)
        .bind(outcomes)
        .bind(link.id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Opens an item, or updates the open one with the same cause; returns whether it is new.
async fn open(
    connection: &mut PgConnection,
    link: &Link,
    new: &NewReview,
) -> Result<(ReviewId, bool), StoreError> {
    let subject = Subject {
        tenant: &link.tenant,
        link: match new.scope {
            ReviewScope::Link => Some(link.id),
            ReviewScope::Tenant => None,
        },
        appointment: link.appointment.as_ref(),
    };
    let (id, is_new) = open_about(connection, subject, new).await?;
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
    connection: &mut PgConnection,
    tenant: &TenantId,
    new: &NewReview,
) -> Result<ReviewId, StoreError> {
    let subject = Subject {
        tenant,
        link: None,
        appointment: None,
    };
    let (id, _) = open_about(connection, subject, new).await?;
    Ok(id)
}

async fn open_about(
    connection: &mut PgConnection,
    subject: Subject<'_>,
    new: &NewReview,
) -> Result<(ReviewId, bool), StoreError> {
    let row = sqlx::query(OPEN)
        .bind(subject.tenant.as_str())
        .bind(subject.link.map(LinkId::get))
        .bind(subject.appointment.map(AppointmentId::as_str))
        .bind(new.cause.as_str())
        .bind(new.reason.as_str())
        .bind(new.ends.as_str())
        .bind(json(&new.evidence))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let row = Row::of("reviews", &row);
    let count = row.get::<i64>("count")?;
    Ok((row.number("id")?, count == 1))
}

/// The link has no part in open items any more, other than those kept. An item that nobody else has
/// a part in closes, and keeps its last part, as the record of whom it was about; but that of the
/// tenant's pause stays open.
async fn end_parts(
    connection: &mut PgConnection,
    link: &Link,
    kept: &[ReviewId],
    pause: Option<&str>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(PARTS_OF_LINK)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(ReviewEnd::WithLinks.as_str())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for row in &rows {
        let row = Row::of("reviews", row);
        let id = row.number("id")?;
        if kept.contains(&id) {
            continue;
        }
        let has_others: bool = row.get("has_others")?;
        let is_pause = pause.is_some() && row.get::<Option<&str>>("cause_of_tenant")? == pause;
        if !has_others && !is_pause {
            close(connection, &link.tenant, id, &Resolution::Settled, ITSELF).await?;
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
    connection: &mut PgConnection,
    tenant: &TenantId,
    cause: &str,
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
    let row = Row::of("reviews", &row);
    let end: ReviewEnd = row.word("ends")?;
    if end != ReviewEnd::WithCause {
        return Ok(());
    }
    let id = row.number("id")?;
    close(connection, tenant, id, &Resolution::Settled, ITSELF).await
}

/// Closes the item of a pause that is over, and those that end with their causes: what the turns in
/// progress found during the pause was not worked on, and comes again if it is still the case.
pub(super) async fn end_pause(
    connection: &mut PgConnection,
    tenant: &TenantId,
    cause: &str,
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
        close(connection, tenant, id, &Resolution::Settled, ITSELF).await?;
    }
    Ok(())
}

/// Closes an item, and says so in the log.
pub(super) async fn close(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: ReviewId,
    resolution: &Resolution,
    by: &str,
) -> Result<(), StoreError> {
    let row = sqlx::query(CLOSE)
        .bind(tenant.as_str())
        .bind(id.get())
        .bind(json(resolution))
        .bind(by)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let row = Row::of("reviews", &row);
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
    log::write(connection, subject, &event).await
}

/// Moves the items and parts of a link to another one, which keeps one open item a cause.
pub(super) async fn move_parts(
    connection: &mut PgConnection,
    from: &Link,
    into: LinkId,
) -> Result<(), StoreError> {
    let tenant = &from.tenant;
    sqlx::query(LOCK_ITEMS_OF)
        .bind(tenant.as_str())
        .bind(from.id.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let twins: Vec<i64> = sqlx::query_scalar(TWINS)
        .bind(tenant.as_str())
        .bind(from.id.get())
        .bind(into.get())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for twin in twins {
        let twin = ReviewId::new(twin);
        close(connection, tenant, twin, &Resolution::Settled, ITSELF).await?;
    }
    for statement in [MOVE_ITEMS, MOVE_PARTS] {
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(from.id.get())
            .bind(into.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}
