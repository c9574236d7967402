//! Reports. Each reads one snapshot: what is settled in between would be missing from both of its
//! places.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::error::failed;
use super::inbox::delivery_columns;
use super::outbox::change_columns;
use super::review_items::review_columns;
use super::rows::{Row, Stamp, back, micros};
use super::{PostgresStore, links, review_items, statements};
use crate::sql::decode;
use crate::store::{
    ActivitySlice, AppointmentId, ChangeCount, DeliveryCount, HistoryEntry, HistoryKind,
    HistoryPosition, LinkId, LinkStatus, Page, Reports, ReviewFilter, StoreError, TenantId, Waits,
    WorkCounts,
};

/// How many rows there are, how long the longest of them waited, and all of them together: until
/// they were settled, or until now.
macro_rules! waits {
    () => {
        "COUNT(*) AS waiting, \
         (EXTRACT(epoch FROM MAX(COALESCE(settled_at, now_of_books()) - taken_at)) * 1000000)::bigint AS longest, \
         (EXTRACT(epoch FROM SUM(COALESCE(settled_at, now_of_books()) - taken_at)) * 1000000)::bigint AS total "
    };
}

/// What was settled within $2.
macro_rules! within {
    () => {
        "fate IS NOT NULL AND settled_at >= now_of_books() - $2 * interval '1 us' "
    };
}

/// The slice of $3 seconds in which a row was settled, by its number since 1970.
macro_rules! slice {
    () => {
        "floor(EXTRACT(epoch FROM settled_at) / $3::bigint)::bigint AS slice, "
    };
}

statements! {
    HISTORY_CHANGES = concat!(
        "SELECT ", change_columns!(), ", taken_at, settled_at FROM notices \
         WHERE kind = 'change' AND tenant = $1 AND appointment = $2 AND (taken_at, id) > ($3, $4) \
         ORDER BY tenant, appointment, taken_at, id LIMIT $5"
    );
    HISTORY_DELIVERIES = concat!(
        "SELECT ", delivery_columns!("n."), ", n.settled_at FROM keys k JOIN notices n ON n.tenant = k.tenant AND n.booking = k.name \
         WHERE k.tenant = $1 AND k.link = $2 AND k.kind = 'booking' \
           AND n.kind = 'delivery' AND (n.taken_at, n.id) > ($3, $4) \
         ORDER BY n.taken_at, n.id LIMIT $5"
    );
    HISTORY_LOG =
        "SELECT id, at, tenant, link, appointment, event FROM log \
         WHERE tenant = $1 AND appointment = $2 AND (at, id) > ($3, $4) ORDER BY tenant, appointment, at, id LIMIT $5";
    /// From before the link had its appointment.
    HISTORY_LOG_OF_LINK =
        "SELECT id, at, tenant, link, appointment, event FROM log \
         WHERE tenant = $1 AND link = $2 AND appointment IS NULL AND (at, id) > ($3, $4) ORDER BY tenant, link, at, id LIMIT $5";
    HISTORY_REVIEWS = concat!(
        "SELECT ", review_columns!(), " FROM review_links p JOIN reviews r ON r.tenant = p.tenant AND r.id = p.review \
         WHERE p.tenant = $1 AND p.link = $2 AND (r.opened_at, r.id) > ($3, $4) \
         ORDER BY r.opened_at, r.id LIMIT $5"
    );
    LINK_OF = "SELECT link FROM keys WHERE tenant = $1 AND kind = 'appointment' AND name = $2";
    QUEUED = concat!(
        "SELECT ", links::link_columns!(), ", due_at, is_leased FROM links WHERE tenant = $1 AND id = $2"
    );
    LAST_CHANGE = concat!(
        "SELECT ", change_columns!(), " FROM notices \
         WHERE kind = 'change' AND tenant = $1 AND appointment = $2 \
         ORDER BY tenant DESC, appointment DESC, taken_at DESC, id DESC LIMIT 1"
    );
    WAITING_CHANGES =
        "SELECT COUNT(*) FROM notices WHERE kind = 'change' AND fate IS NULL AND tenant = $1 AND appointment = $2";
    WAITING_OF_LINK =
        "SELECT \
             (SELECT COUNT(*) FROM notices WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1 \
                 AND booking IN (SELECT name FROM keys WHERE tenant = $1 AND link = $2 AND kind = 'booking')) AS deliveries, \
             (SELECT COUNT(*) FROM notices WHERE kind = 'mark' AND tenant = $1 AND target = $2) AS marks";
    OPEN_REVIEWS = concat!(
        "SELECT ", review_columns!(), " FROM review_links p JOIN reviews r ON r.tenant = p.tenant AND r.id = p.review \
         WHERE p.tenant = $1 AND p.link = $2 AND r.resolved_at IS NULL ORDER BY r.id"
    );
    /// One row, also of a tenant that was never paused or held.
    HELD =
        "SELECT COALESCE(t.paused_by IS NOT NULL, false) AS is_paused, t.not_before, now_of_books() AS now \
         FROM (SELECT $1::text AS tenant) AS asked LEFT JOIN tenants t ON t.tenant = asked.tenant";
    CHANGES_WAITING = concat!(
        "SELECT origin, fate, ", waits!(), "FROM notices WHERE kind = 'change' AND fate IS NULL AND tenant = $1 \
         GROUP BY origin, fate"
    );
    CHANGES_ENDED = concat!(
        "SELECT origin, fate, ", waits!(), "FROM notices WHERE kind = 'change' AND tenant = $1 AND ", within!(),
        "GROUP BY origin, fate"
    );
    DELIVERIES_WAITING = concat!(
        "SELECT source, fate, ", waits!(), "FROM notices WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1 \
         GROUP BY source, fate"
    );
    DELIVERIES_ENDED = concat!(
        "SELECT source, fate, ", waits!(), "FROM notices WHERE kind = 'delivery' AND tenant = $1 AND ", within!(),
        "GROUP BY source, fate"
    );
    CHANGES_IN_SLICES = concat!(
        "SELECT ", slice!(), "origin, fate, ", waits!(), "FROM notices WHERE kind = 'change' AND tenant = $1 AND ", within!(),
        "GROUP BY slice, origin, fate"
    );
    DELIVERIES_IN_SLICES = concat!(
        "SELECT ", slice!(), "source, fate, ", waits!(), "FROM notices WHERE kind = 'delivery' AND tenant = $1 AND ", within!(),
        "GROUP BY slice, source, fate"
    );
    ALL_WAITING_CHANGES = concat!(
        "SELECT ", change_columns!(), ", taken_at, settled_at FROM notices \
         WHERE kind = 'change' AND fate IS NULL AND tenant = $1 ORDER BY tenant, appointment, id LIMIT $2"
    );
    LINKS_DUE =
        "SELECT COUNT(*) FILTER (WHERE is_leased) AS leased, \
             COUNT(*) FILTER (WHERE NOT is_leased AND due_at <= now_of_books()) AS due, \
             COUNT(*) FILTER (WHERE NOT is_leased AND due_at > now_of_books()) AS later, \
             MIN(due_at) FILTER (WHERE NOT is_leased AND due_at <= now_of_books()) AS oldest, now_of_books() AS now \
         FROM links WHERE tenant = $1 AND due_at IS NOT NULL";
    FIRST_UNROUTED =
        "SELECT taken_at FROM notices WHERE tenant = $1 AND NOT is_routed AND fate IS NULL ORDER BY tenant, id LIMIT 1";
}

/// One page of one kind of row.
struct Part<'a> {
    statement: &'static str,
    tenant: &'a TenantId,
    page: &'a Page<HistoryPosition>,
    kind: HistoryKind,
}

impl Part<'_> {
    async fn of_appointment(
        self,
        connection: &mut PgConnection,
        appointment: &AppointmentId,
    ) -> Result<Vec<PgRow>, StoreError> {
        let (at, id) = self.start();
        sqlx::query(self.statement)
            .bind(self.tenant.as_str())
            .bind(appointment.as_str())
            .bind(at)
            .bind(id)
            .bind(i64::from(self.page.limit))
            .fetch_all(connection)
            .await
            .map_err(failed)
    }

    async fn of_link(
        self,
        connection: &mut PgConnection,
        link: LinkId,
    ) -> Result<Vec<PgRow>, StoreError> {
        let (at, id) = self.start();
        sqlx::query(self.statement)
            .bind(self.tenant.as_str())
            .bind(link.get())
            .bind(at)
            .bind(id)
            .bind(i64::from(self.page.limit))
            .fetch_all(connection)
            .await
            .map_err(failed)
    }

    /// After which instant and id the page begins. Nothing was taken in before 1970.
    fn start(&self) -> (Stamp, i64) {
        let (micros, id) = HistoryPosition::start_of(self.page, self.kind);
        let last = DateTime::from_timestamp(LAST_SECOND, 0).unwrap_or_default();
        let at = DateTime::from_timestamp_micros(micros.max(0)).unwrap_or(last);
        (Stamp(at.min(last)), id)
    }
}

/// The beginning of the year 200,000, which is before the end of PostgreSQL's calendar and chrono's.
const LAST_SECOND: i64 = 6_249_224_908_800;

fn change_entry(row: &PgRow) -> Result<HistoryEntry, StoreError> {
    let (recorded, fate) = decode::change(row)?;
    let row = Row::of("notices", row);
    let ended = fate.zip(row.instant_if_any("settled_at")?);
    let taken_at = row.instant("taken_at")?;
    Ok(HistoryEntry::of_change(taken_at, recorded, ended))
}

fn delivery_entry(row: &PgRow) -> Result<HistoryEntry, StoreError> {
    let (delivery, fate) = decode::delivery(row)?;
    let row = Row::of("notices", row);
    let ended = fate.zip(row.instant_if_any("settled_at")?);
    Ok(HistoryEntry::of_delivery(delivery, ended))
}

fn waits(row: &Row<'_>) -> Result<Waits, StoreError> {
    let count: i64 = row.get("waiting")?;
    let mean = row.get::<i64>("total")? / count.max(1);
    let count = u64::try_from(count).unwrap_or_default();
    Ok(Waits::new(count, micros(row.get("longest")?), micros(mean)))
}

#[async_trait]
impl Reports for PostgresStore {
    async fn history(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut transaction = self.begin_snapshot("history").await?;
        let part = |statement, kind| Part {
            statement,
            tenant,
            page: &page,
            kind,
        };
        let changes = part(HISTORY_CHANGES, HistoryKind::Change)
            .of_appointment(&mut transaction, appointment)
            .await?;
        let mut all: Vec<HistoryEntry> =
            changes.iter().map(change_entry).collect::<Result<_, _>>()?;
        let mut lines = part(HISTORY_LOG, HistoryKind::Log)
            .of_appointment(&mut transaction, appointment)
            .await?;
        if let Some(link) = link_of(&mut transaction, tenant, appointment).await? {
            let deliveries = part(HISTORY_DELIVERIES, HistoryKind::Delivery)
                .of_link(&mut transaction, link)
                .await?;
            for row in &deliveries {
                all.push(delivery_entry(row)?);
            }
            let early = part(HISTORY_LOG_OF_LINK, HistoryKind::Log);
            lines.extend(early.of_link(&mut transaction, link).await?);
            let reviews = part(HISTORY_REVIEWS, HistoryKind::Review)
                .of_link(&mut transaction, link)
                .await?;
            for row in &reviews {
                all.push(HistoryEntry::of_review(decode::review(row)?));
            }
        }
        for row in &lines {
            all.push(HistoryEntry::of_log(decode::log_entry(row)?));
        }
        transaction.commit().await?;
        Ok(HistoryEntry::merge(all, &page))
    }

    async fn link_status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<LinkStatus, StoreError> {
        let mut transaction = self.begin_snapshot("link status").await?;
        let held = held(&mut transaction, tenant).await?;
        let mut status = LinkStatus::unknown(held.now);
        status.is_paused = held.is_paused;
        status.held_until = held.until;
        let last = sqlx::query(LAST_CHANGE)
            .bind(tenant.as_str())
            .bind(appointment.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        status.last_change = last.as_ref().map(decode::change).transpose()?;
        let waiting: i64 = sqlx::query_scalar(WAITING_CHANGES)
            .bind(tenant.as_str())
            .bind(appointment.as_str())
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        status.waiting_changes = u64::try_from(waiting).unwrap_or_default();
        if let Some(id) = link_of(&mut transaction, tenant, appointment).await? {
            add_link(&mut transaction, tenant, id, &mut status).await?;
        }
        transaction.commit().await?;
        Ok(status)
    }

    async fn work_counts(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WorkCounts, StoreError> {
        let mut transaction = self.begin_snapshot("work counts").await?;
        let mut counts = WorkCounts::default();
        for (statement, within) in [(CHANGES_WAITING, None), (CHANGES_ENDED, Some(within))] {
            for row in &grouped(&mut transaction, statement, tenant, within).await? {
                let row = Row::of("notices", row);
                let (origin, fate) = (row.word("origin")?, row.word_if_any("fate")?);
                let count = ChangeCount::new(origin, fate, waits(&row)?);
                counts.changes.push(count);
            }
        }
        for (statement, within) in [(DELIVERIES_WAITING, None), (DELIVERIES_ENDED, Some(within))] {
            for row in &grouped(&mut transaction, statement, tenant, within).await? {
                let row = Row::of("notices", row);
                let (source, fate) = (row.word("source")?, row.word_if_any("fate")?);
                let count = DeliveryCount::new(source, fate, waits(&row)?);
                counts.deliveries.push(count);
            }
        }
        counts.sort();
        let open = ReviewFilter::open();
        counts.reviews = review_items::counts(&mut transaction, tenant, &open).await?;
        let held = held(&mut transaction, tenant).await?;
        counts.is_paused = held.is_paused;
        counts.held_for = held
            .until
            .and_then(|until| (until - held.now).to_std().ok());
        add_links(&mut transaction, tenant, &mut counts).await?;
        transaction.commit().await?;
        Ok(counts)
    }

    async fn activity(
        &self,
        tenant: &TenantId,
        within: Duration,
        slice: Duration,
    ) -> Result<Vec<ActivitySlice>, StoreError> {
        let seconds = ActivitySlice::seconds(slice);
        let sliced = async |connection: &mut PgConnection, statement| {
            sqlx::query(statement)
                .bind(tenant.as_str())
                .bind(back(within))
                .bind(seconds)
                .fetch_all(connection)
                .await
                .map_err(failed)
        };
        let from = |row: &Row<'_>| {
            let start = row.number::<i64>("slice")? * seconds;
            DateTime::from_timestamp(start, 0).ok_or_else(|| row.corrupt("settled_at"))
        };
        let mut transaction = self.begin_snapshot("activity").await?;
        let mut changes = Vec::new();
        for row in &sliced(&mut transaction, CHANGES_IN_SLICES).await? {
            let row = Row::of("notices", row);
            let (origin, fate) = (row.word("origin")?, row.word_if_any("fate")?);
            changes.push((from(&row)?, ChangeCount::new(origin, fate, waits(&row)?)));
        }
        let mut deliveries = Vec::new();
        for row in &sliced(&mut transaction, DELIVERIES_IN_SLICES).await? {
            let row = Row::of("notices", row);
            let (source, fate) = (row.word("source")?, row.word_if_any("fate")?);
            deliveries.push((from(&row)?, DeliveryCount::new(source, fate, waits(&row)?)));
        }
        transaction.commit().await?;
        Ok(ActivitySlice::collect(changes, deliveries))
    }

    async fn waiting_changes(
        &self,
        tenant: &TenantId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let rows = sqlx::query(ALL_WAITING_CHANGES)
            .bind(tenant.as_str())
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(change_entry).collect()
    }
}

/// The rows of a statement that counts, of all times or of those that ended within a span.
async fn grouped(
    connection: &mut PgConnection,
    statement: &'static str,
    tenant: &TenantId,
    within: Option<Duration>,
) -> Result<Vec<PgRow>, StoreError> {
    let mut query = sqlx::query(statement).bind(tenant.as_str());
    if let Some(within) = within {
        query = query.bind(back(within));
    }
    query.fetch_all(connection).await.map_err(failed)
}

async fn link_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    appointment: &AppointmentId,
) -> Result<Option<LinkId>, StoreError> {
    let link: Option<i64> = sqlx::query_scalar(LINK_OF)
        .bind(tenant.as_str())
        .bind(appointment.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(link.map(LinkId::new))
}

/// Whether a tenant is paused, and until when it is held.
struct Held {
    is_paused: bool,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

async fn held(connection: &mut PgConnection, tenant: &TenantId) -> Result<Held, StoreError> {
    let row = sqlx::query(HELD)
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let row = Row::of("tenants", &row);
    let now = row.instant("now")?;
    let until = row.instant_if_any("not_before")?;
    Ok(Held {
        is_paused: row.get("is_paused")?,
        until: until.filter(|until| *until > now),
        now,
    })
}

/// Adds what is known of the link, and what waits for it.
async fn add_link(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: LinkId,
    status: &mut LinkStatus,
) -> Result<(), StoreError> {
    let row = sqlx::query(QUEUED)
        .bind(tenant.as_str())
        .bind(id.get())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok(());
    };
    let known = decode::link(&row)?;
    status.begun = known.begun;
    status.link = Some(known.link);
    let row = Row::of("links", &row);
    status.due_at = row.instant_if_any("due_at")?;
    status.is_leased = row.get("is_leased")?;
    let waiting = sqlx::query(WAITING_OF_LINK)
        .bind(tenant.as_str())
        .bind(id.get())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let waiting = Row::of("notices", &waiting);
    status.waiting_deliveries = waiting.count("deliveries")?;
    status.waiting_marks = waiting.count("marks")?;
    let reviews = sqlx::query(OPEN_REVIEWS)
        .bind(tenant.as_str())
        .bind(id.get())
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let reviews = reviews.iter().map(decode::review);
    status.open_reviews = reviews.collect::<Result<_, _>>()?;
    Ok(())
}

/// Adds how many links have work, and since when the oldest is due.
async fn add_links(
    connection: &mut PgConnection,
    tenant: &TenantId,
    counts: &mut WorkCounts,
) -> Result<(), StoreError> {
    let row = sqlx::query(LINKS_DUE)
        .bind(tenant.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let row = Row::of("links", &row);
    counts.leased = row.count("leased")?;
    counts.due = row.count("due")?;
    counts.later = row.count("later")?;
    let now = row.instant("now")?;
    let oldest = row.instant_if_any("oldest")?;
    let unrouted: Option<Stamp> = sqlx::query_scalar(FIRST_UNROUTED)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let oldest = oldest
        .into_iter()
        .chain(unrouted.map(|stamp| stamp.0))
        .min();
    counts.oldest_due = oldest.map(|at| (now - at).to_std().unwrap_or_default());
    Ok(())
}
