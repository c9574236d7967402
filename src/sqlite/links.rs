//! Links, and the queue of those that are due.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::rows::{Row, json, micros, micros_after};
use super::{SqliteStore, absorb, inbox, outbox, settle, statements};
use crate::model::BookingUid;
use crate::store::{
    Claim, Lease, Link, LinkId, LinkKey, Links, PendingWrite, Settlement, StoreError, TenantId,
};

macro_rules! link_columns {
    () => {
        "id, tenant, appointment, booking, chain, series, base, sync_key, pending, rivals, attempts, verify, fence, marks, due_at"
    };
}

statements! {
    CLAIM = concat!(
        "UPDATE calcom_links SET fence = fence + 1, lease_until = ?2 \
         WHERE id = (SELECT id FROM calcom_links \
             WHERE due_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1) \
               AND tenant NOT IN (SELECT tenant FROM calcom_paused_tenants) \
             ORDER BY due_at LIMIT 1) \
         RETURNING ",
        link_columns!()
    );
    /// Those nobody works on, soonest first; and the few that somebody works on, which come back when the lease runs out.
    NEXT_DUE =
        "SELECT MIN(at) FROM ( \
           SELECT at FROM (SELECT due_at AS at FROM calcom_links \
             WHERE due_at IS NOT NULL AND lease_until IS NULL \
               AND tenant NOT IN (SELECT tenant FROM calcom_paused_tenants) \
             ORDER BY due_at LIMIT 1) \
           UNION ALL \
           SELECT MAX(due_at, lease_until) FROM calcom_links \
             WHERE due_at IS NOT NULL AND lease_until IS NOT NULL \
               AND tenant NOT IN (SELECT tenant FROM calcom_paused_tenants))";
    LEASED = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links \
         WHERE tenant = ?1 AND id = ?2 AND fence = ?3 AND lease_until IS NOT NULL"
    );
    BEGIN_WRITE =
        "UPDATE calcom_links SET pending = ?3, sync_key = COALESCE(?4, sync_key), chain = COALESCE(?5, chain), \
           lease_until = MAX(lease_until, ?6) \
         WHERE tenant = ?1 AND id = ?2";
    FIND_BY_ID = concat!("SELECT ", link_columns!(), " FROM calcom_links WHERE tenant = ?1 AND id = ?2");
    FIND_BY_APPOINTMENT = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links WHERE tenant = ?1 AND appointment = ?2"
    );
    FIND_BY_BOOKING = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links \
         WHERE tenant = ?1 AND id = (SELECT link FROM calcom_chain_uids WHERE tenant = ?1 AND uid = ?2)"
    );
    FIND_BY_CHAIN = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links WHERE tenant = ?1 AND chain = ?2"
    );
    FIND_BY_SYNC_KEY = concat!(
        "SELECT ", link_columns!(), " FROM calcom_links WHERE tenant = ?1 AND sync_key = ?2"
    );
    MARK =
        "UPDATE calcom_links SET marks = marks + 1, due_at = MIN(COALESCE(due_at, ?3), ?3) \
         WHERE tenant = ?1 AND id = ?2";
    MARK_TO_READ =
        "UPDATE calcom_links SET marks = marks + 1, due_at = MIN(COALESCE(due_at, ?3), ?3), \
           verify = 1, read_mark = marks + 1 \
         WHERE tenant = ?1 AND id = ?2";
    MARK_TO_RETRY =
        "UPDATE calcom_links SET marks = marks + 1, due_at = MIN(COALESCE(due_at, ?3), ?3), \
           verify = 1, read_mark = marks + 1, attempts = 0, retry_mark = marks + 1 \
         WHERE tenant = ?1 AND id = ?2";
    REMEMBER_UID =
        "INSERT INTO calcom_chain_uids (tenant, uid, link) VALUES (?1, ?2, ?3) ON CONFLICT (tenant, uid) DO NOTHING";
}

/// A link with its place in the queue.
pub(super) struct QueuedLink {
    pub(super) link: Link,
    pub(super) fence: i64,
    pub(super) marks: i64,
    pub(super) is_due: bool,
}

fn decode(row: &SqliteRow) -> Result<QueuedLink, StoreError> {
    let row = Row::of("calcom_links", row);
    Ok(QueuedLink {
        link: Link {
            tenant: row.text("tenant")?,
            id: row.number("id")?,
            appointment: row.text_if_any("appointment")?,
            booking: row.text_if_any("booking")?,
            chain: row.text_if_any("chain")?,
            series: row.text_if_any("series")?,
            base: row.json_if_any("base")?,
            sync_key: row.text_if_any("sync_key")?,
            pending: row.json_if_any("pending")?,
            rivals: row.json("rivals")?,
            attempts: row.count("attempts")?,
            verify: row.get("verify")?,
        },
        fence: row.get("fence")?,
        marks: row.get("marks")?,
        is_due: row.get::<Option<i64>>("due_at")?.is_some(),
    })
}

#[async_trait]
impl Links for SqliteStore {
    async fn claim(
        &self,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        let mut transaction = self.write().await?;
        let row = sqlx::query(CLAIM)
            .bind(micros(now))
            .bind(micros_after(now, lease))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let QueuedLink {
            link, fence, marks, ..
        } = decode(&row)?;
        let claim = Claim {
            changes: outbox::waiting(&mut transaction, &link).await?,
            deliveries: inbox::waiting(&mut transaction, &link).await?,
            lease: Lease {
                tenant: link.tenant.clone(),
                link: link.id,
                fence,
                marks,
            },
            link,
        };
        transaction.commit().await.map_err(failed)?;
        Ok(Some(claim))
    }

    async fn begin_write(
        &self,
        lease: &Lease,
        write: &PendingWrite,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (sync_key, chain) = match write {
            PendingWrite::CreateBooking { sync_key, .. } => (Some(sync_key.as_str()), None),
            PendingWrite::CreateAppointment { chain } => (None, Some(chain.as_str())),
            PendingWrite::Reschedule { .. } | PendingWrite::Cancel { .. } => (None, None),
        };
        let mut transaction = self.write().await?;
        leased(&mut transaction, lease).await?;
        sqlx::query(BEGIN_WRITE)
            .bind(lease.tenant.as_str())
            .bind(lease.link.get())
            .bind(json(write))
            .bind(sync_key)
            .bind(chain)
            .bind(micros(until))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        settle::settle(&mut transaction, lease, &settlement).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn absorb(
        &self,
        lease: &Lease,
        into: LinkId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        absorb::give_up(&mut transaction, lease, into, now).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        let mut connection = self.reads().acquire().await.map_err(failed)?;
        Ok(find(&mut connection, tenant, key)
            .await?
            .map(|found| found.link))
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let at: Option<i64> = sqlx::query_scalar(NEXT_DUE)
            .fetch_one(self.reads())
            .await
            .map_err(failed)?;
        Ok(at.and_then(DateTime::from_timestamp_micros))
    }
}

/// The link of a lease, if the lease is the newest and was not given back.
pub(super) async fn leased(
    connection: &mut SqliteConnection,
    lease: &Lease,
) -> Result<QueuedLink, StoreError> {
    let row = sqlx::query(LEASED)
        .bind(lease.tenant.as_str())
        .bind(lease.link.get())
        .bind(lease.fence)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    decode(&row.ok_or_else(StoreError::lease_lost)?)
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &LinkKey,
) -> Result<Option<QueuedLink>, StoreError> {
    let query = match key {
        LinkKey::Id(_) => sqlx::query(FIND_BY_ID),
        LinkKey::Appointment(_) => sqlx::query(FIND_BY_APPOINTMENT),
        LinkKey::Booking(_) => sqlx::query(FIND_BY_BOOKING),
        LinkKey::Chain(_) => sqlx::query(FIND_BY_CHAIN),
        LinkKey::SyncKey(_) => sqlx::query(FIND_BY_SYNC_KEY),
    };
    let query = query.bind(tenant.as_str());
    let query = match key {
        LinkKey::Id(id) => query.bind(id.get()),
        LinkKey::Appointment(id) => query.bind(id.as_str()),
        LinkKey::Booking(uid) => query.bind(uid.as_str()),
        LinkKey::Chain(chain) => query.bind(chain.as_str()),
        LinkKey::SyncKey(sync_key) => query.bind(sync_key.as_str()),
    };
    let row = query.fetch_optional(connection).await.map_err(failed)?;
    row.as_ref().map(decode).transpose()
}

/// What a mark asks for, besides that the link is looked at.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// Nothing.
    Due,
    /// That the booking is read.
    ToRead,
    /// That the booking is read, and that attempts are counted from zero.
    ToRetry,
}

pub(super) async fn mark(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    link: LinkId,
    mark: Mark,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let query = match mark {
        Mark::Due => sqlx::query(MARK),
        Mark::ToRead => sqlx::query(MARK_TO_READ),
        Mark::ToRetry => sqlx::query(MARK_TO_RETRY),
    };
    query
        .bind(tenant.as_str())
        .bind(link.get())
        .bind(micros(at))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Makes a booking one of the link's chain. A booking that is some link's already stays there.
pub(super) async fn remember_uid(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    uid: &BookingUid,
    link: LinkId,
) -> Result<(), StoreError> {
    sqlx::query(REMEMBER_UID)
        .bind(tenant.as_str())
        .bind(uid.as_str())
        .bind(link.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
