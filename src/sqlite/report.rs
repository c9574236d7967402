//! Reports.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::inbox::delivery_columns;
use super::marks;
use super::outbox::change_columns;
use super::review_items::review_columns;
use super::rows::{Row, micros, micros_before};
use super::{SqliteStore, inbox, keys, links, review_items, statements};
use crate::sql::decode;
use crate::store::{
    ActivitySlice, AppointmentId, ChangeCount, DeliveryCount, HistoryEntry, HistoryKind,
    HistoryPosition, Link, LinkId, LinkKey, LinkStatus, Page, Reports, ReviewFilter, StoreError,
    TenantId, Waits, WorkCounts,
};

/// How many rows there are, how long the longest of them waited, and all of them together: until
/// they were settled, or until now, which is ?2.
macro_rules! waits {
    () => {
        "COUNT(*) AS waiting, \
         MAX(COALESCE(settled_at, ?2) - taken_at) AS longest, SUM(COALESCE(settled_at, ?2) - taken_at) AS total "
    };
}

statements! {
    HISTORY_CHANGES = concat!(
        "SELECT ", change_columns!(), ", taken_at, settled_at FROM calcom_notices \
         WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change' AND (taken_at, id) > (?3, ?4) \
         ORDER BY taken_at, id LIMIT ?5"
    );
    HISTORY_DELIVERIES = concat!(
        "SELECT ", delivery_columns!("n."), ", n.settled_at FROM calcom_keys k CROSS JOIN calcom_notices n \
         WHERE k.tenant = ?1 AND k.link = ?2 AND k.kind = 'booking' \
           AND n.tenant = k.tenant AND n.booking = k.name AND n.kind = 'delivery' AND (n.taken_at, n.id) > (?3, ?4) \
         ORDER BY n.taken_at, n.id LIMIT ?5"
    );
    HISTORY_LOG =
        "SELECT id, at, tenant, link, appointment, event FROM calcom_log \
         WHERE tenant = ?1 AND appointment = ?2 AND (at, id) > (?3, ?4) ORDER BY at, id LIMIT ?5";
    /// From before the link had its appointment.
    HISTORY_LOG_OF_LINK =
        "SELECT id, at, tenant, link, appointment, event FROM calcom_log \
         WHERE tenant = ?1 AND link = ?2 AND appointment IS NULL AND (at, id) > (?3, ?4) ORDER BY at, id LIMIT ?5";
    HISTORY_REVIEWS = concat!(
        "SELECT ", review_columns!(), " FROM calcom_review_links p CROSS JOIN calcom_reviews r \
         WHERE p.tenant = ?1 AND p.link = ?2 AND r.tenant = p.tenant AND r.id = p.review \
           AND (r.opened_at, r.id) > (?3, ?4) \
         ORDER BY r.opened_at, r.id LIMIT ?5"
    );
    QUEUED = concat!(
        "SELECT ", links::link_columns!(), ", due_at, is_leased FROM calcom_links WHERE tenant = ?1 AND id = ?2"
    );
    LAST_CHANGE = concat!(
        "SELECT ", change_columns!(), " FROM calcom_notices \
         WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change' ORDER BY taken_at DESC, id DESC LIMIT 1"
    );
    WAITING_CHANGES =
        "SELECT COUNT(*) FROM calcom_notices WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change' AND fate IS NULL";
    OPEN_REVIEWS = concat!(
        "SELECT ", review_columns!(), " FROM calcom_review_links p CROSS JOIN calcom_reviews r \
         WHERE p.tenant = ?1 AND p.link = ?2 AND r.tenant = p.tenant AND r.id = p.review AND r.resolved_at IS NULL \
         ORDER BY r.id"
    );
    HELD = "SELECT paused_by IS NOT NULL AS is_paused, not_before FROM calcom_tenants WHERE tenant = ?1";
    CHANGES_ENDED = concat!(
        "SELECT origin, fate, ", waits!(), "FROM calcom_notices \
         WHERE tenant = ?1 AND kind = 'change' AND settled_at >= ?3 GROUP BY origin, fate"
    );
    CHANGES_WAITING = concat!(
        "SELECT origin, fate, ", waits!(), "FROM calcom_notices INDEXED BY calcom_notices_waiting_changes \
         WHERE tenant = ?1 AND kind = 'change' AND fate IS NULL GROUP BY origin"
    );
    DELIVERIES_ENDED = concat!(
        "SELECT source, fate, ", waits!(), "FROM calcom_notices INDEXED BY calcom_notices_ended \
         WHERE tenant = ?1 AND kind = 'delivery' AND settled_at >= ?3 GROUP BY source, fate"
    );
    DELIVERIES_WAITING = concat!(
        "SELECT source, fate, ", waits!(), "FROM calcom_notices INDEXED BY calcom_notices_waiting_deliveries \
         WHERE tenant = ?1 AND kind = 'delivery' AND fate IS NULL GROUP BY source"
    );
    CHANGES_IN_SLICES = concat!(
        "SELECT settled_at / ?4 AS slice, origin, fate, ", waits!(), "FROM calcom_notices INDEXED BY calcom_notices_ended \
         WHERE tenant = ?1 AND kind = 'change' AND settled_at >= ?3 GROUP BY slice, origin, fate"
    );
    DELIVERIES_IN_SLICES = concat!(
        "SELECT settled_at / ?4 AS slice, source, fate, ", waits!(), "FROM calcom_notices INDEXED BY calcom_notices_ended \
         WHERE tenant = ?1 AND kind = 'delivery' AND settled_at >= ?3 GROUP BY slice, source, fate"
    );
    ALL_WAITING_CHANGES = concat!(
        "SELECT ", change_columns!(), ", taken_at, settled_at FROM calcom_notices INDEXED BY calcom_notices_waiting_changes \
         WHERE tenant = ?1 AND kind = 'change' AND fate IS NULL ORDER BY appointment, id LIMIT ?2"
    );
    LINKS_DUE =
        "SELECT COUNT(*) FILTER (WHERE is_leased = 1) AS leased, COUNT(*) FILTER (WHERE is_leased = 0 AND due_at <= ?2) AS due, \
           COUNT(*) FILTER (WHERE is_leased = 0 AND due_at > ?2) AS later, MIN(CASE WHEN is_leased = 0 AND due_at <= ?2 THEN due_at END) AS oldest \
         FROM calcom_links WHERE tenant = ?1 AND due_at IS NOT NULL";
    FIRST_UNROUTED = "SELECT taken_at FROM calcom_notices WHERE tenant = ?1 AND routed = 0 ORDER BY id LIMIT 1";
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
        connection: &mut SqliteConnection,
        appointment: &AppointmentId,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let (micros, id) = HistoryPosition::start_of(self.page, self.kind);
        sqlx::query(self.statement)
            .bind(self.tenant.as_str())
            .bind(appointment.as_str())
            .bind(micros)
            .bind(id)
            .bind(i64::from(self.page.limit))
            .fetch_all(connection)
            .await
            .map_err(failed)
    }

    async fn of_link(
        self,
        connection: &mut SqliteConnection,
        link: LinkId,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let (micros, id) = HistoryPosition::start_of(self.page, self.kind);
        sqlx::query(self.statement)
            .bind(self.tenant.as_str())
            .bind(link.get())
            .bind(micros)
            .bind(id)
            .bind(i64::from(self.page.limit))
            .fetch_all(connection)
            .await
            .map_err(failed)
    }
}

fn change_entry(row: &SqliteRow) -> Result<HistoryEntry, StoreError> {
    let (recorded, fate) = decode::change(row)?;
    let row = Row::of("calcom_notices", row);
    let ended = fate.zip(row.instant_if_any("settled_at")?);
    let taken_at = row.instant("taken_at")?;
    Ok(HistoryEntry::of_change(taken_at, recorded, ended))
}

fn delivery_entry(row: &SqliteRow) -> Result<HistoryEntry, StoreError> {
    let (delivery, fate) = decode::delivery(row)?;
    let row = Row::of("calcom_notices", row);
    let ended = fate.zip(row.instant_if_any("settled_at")?);
    Ok(HistoryEntry::of_delivery(delivery, ended))
}

fn waits(row: &Row<'_>) -> Result<Waits, StoreError> {
    let length = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or_default());
    let count: i64 = row.get("waiting")?;
    let mean = row.get::<i64>("total")? / count.max(1);
    let count = u64::try_from(count).unwrap_or_default();
    Ok(Waits::new(count, length(row.get("longest")?), length(mean)))
}

#[async_trait]
impl Reports for SqliteStore {
    async fn history(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        // One snapshot: what is settled in between would be missing from both of its places.
        let mut transaction = self.reads().begin().await.map_err(failed)?;
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
        let key = LinkKey::Appointment(appointment.clone());
        if let Some(link) = keys::owner(&mut transaction, tenant, &key).await? {
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
        Ok(HistoryEntry::merge(all, &page))
    }

    async fn link_status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<LinkStatus, StoreError> {
        let now = self.now();
        let mut transaction = self.reads().begin().await.map_err(failed)?;
        let mut status = LinkStatus::unknown(now);
        (status.is_paused, status.held_until) = held(&mut transaction, tenant, now).await?;
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
        let key = LinkKey::Appointment(appointment.clone());
        if let Some(id) = keys::owner(&mut transaction, tenant, &key).await? {
            add_link(&mut transaction, tenant, id, &mut status).await?;
        }
        Ok(status)
    }

    async fn work_counts(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WorkCounts, StoreError> {
        let now = self.now();
        let since = micros_before(now, within);
        let mut transaction = self.reads().begin().await.map_err(failed)?;
        let mut counts = WorkCounts::default();
        for statement in [CHANGES_WAITING, CHANGES_ENDED] {
            for row in &grouped(&mut transaction, statement, tenant, now, since).await? {
                let row = Row::of("calcom_notices", row);
                let (origin, fate) = (row.word("origin")?, row.word_if_any("fate")?);
                let count = ChangeCount::new(origin, fate, waits(&row)?);
                counts.changes.push(count);
            }
        }
        for statement in [DELIVERIES_WAITING, DELIVERIES_ENDED] {
            for row in &grouped(&mut transaction, statement, tenant, now, since).await? {
                let row = Row::of("calcom_notices", row);
                let (source, fate) = (row.word("source")?, row.word_if_any("fate")?);
                let count = DeliveryCount::new(source, fate, waits(&row)?);
                counts.deliveries.push(count);
            }
        }
        counts.sort();
        let open = ReviewFilter::open();
        counts.reviews = review_items::counts(&mut transaction, tenant, &open, now).await?;
        let (is_paused, held_until) = held(&mut transaction, tenant, now).await?;
        counts.is_paused = is_paused;
        counts.held_for = held_until.and_then(|until| (until - now).to_std().ok());
        add_links(&mut transaction, tenant, now, &mut counts).await?;
        Ok(counts)
    }

    async fn activity(
        &self,
        tenant: &TenantId,
        within: Duration,
        slice: Duration,
    ) -> Result<Vec<ActivitySlice>, StoreError> {
        let now = self.now();
        let seconds = ActivitySlice::seconds(slice);
        let sliced = async |connection: &mut SqliteConnection, statement| {
            sqlx::query(statement)
                .bind(tenant.as_str())
                .bind(micros(now))
                .bind(micros_before(now, within))
                .bind(seconds * 1_000_000)
                .fetch_all(connection)
                .await
                .map_err(failed)
        };
        let from = |row: &Row<'_>| {
            let start = row.number::<i64>("slice")? * seconds;
            DateTime::from_timestamp(start, 0).ok_or_else(|| row.corrupt("settled_at"))
        };
        let mut transaction = self.reads().begin().await.map_err(failed)?;
        let mut changes = Vec::new();
        for row in &sliced(&mut transaction, CHANGES_IN_SLICES).await? {
            let row = Row::of("calcom_notices", row);
            let (origin, fate) = (row.word("origin")?, row.word_if_any("fate")?);
            changes.push((from(&row)?, ChangeCount::new(origin, fate, waits(&row)?)));
        }
        let mut deliveries = Vec::new();
        for row in &sliced(&mut transaction, DELIVERIES_IN_SLICES).await? {
            let row = Row::of("calcom_notices", row);
            let (source, fate) = (row.word("source")?, row.word_if_any("fate")?);
            deliveries.push((from(&row)?, DeliveryCount::new(source, fate, waits(&row)?)));
        }
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
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(change_entry).collect()
    }
}

async fn grouped(
    connection: &mut SqliteConnection,
    statement: &'static str,
    tenant: &TenantId,
    now: DateTime<Utc>,
    since: i64,
) -> Result<Vec<SqliteRow>, StoreError> {
    sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(micros(now))
        .bind(since)
        .fetch_all(connection)
        .await
        .map_err(failed)
}

/// Whether the tenant is paused, and until when it is held.
async fn held(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    now: DateTime<Utc>,
) -> Result<(bool, Option<DateTime<Utc>>), StoreError> {
    let row = sqlx::query(HELD)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok((false, None));
    };
    let row = Row::of("calcom_tenants", &row);
    let until = row.instant_if_any("not_before")?;
    Ok((row.get("is_paused")?, until.filter(|until| *until > now)))
}

/// Adds what is known of the link, and what waits for it.
async fn add_link(
    connection: &mut SqliteConnection,
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
    let row = Row::of("calcom_links", &row);
    status.due_at = row.instant_if_any("due_at")?;
    status.is_leased = row.get("is_leased")?;
    let link: Link = known.link;
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    status.waiting_deliveries = count(inbox::waiting(connection, &link).await?.len());
    status.waiting_marks = count(marks::waiting(connection, &link).await?.len());
    status.link = Some(link);
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
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    now: DateTime<Utc>,
    counts: &mut WorkCounts,
) -> Result<(), StoreError> {
    let row = sqlx::query(LINKS_DUE)
        .bind(tenant.as_str())
        .bind(micros(now))
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let row = Row::of("calcom_links", &row);
    counts.leased = row.count("leased")?;
    counts.due = row.count("due")?;
    counts.later = row.count("later")?;
    let oldest: Option<i64> = row.get("oldest")?;
    let unrouted: Option<i64> = sqlx::query_scalar(FIRST_UNROUTED)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let oldest = oldest.into_iter().chain(unrouted).min();
    counts.oldest_due = oldest.map(|at| {
        let ago = micros(now).saturating_sub(at);
        Duration::from_micros(u64::try_from(ago).unwrap_or_default())
    });
    Ok(())
}
