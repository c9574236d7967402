//! Events of other senders.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteExecutor, SqliteRow};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::error::failed;
use super::rows::{Row, micros, micros_after};
use super::{SqliteStore, reviews, statements};
use crate::sql::decode;
use crate::store::{
    EventAccepted, EventClaim, EventClaimRequest, EventLease, NewReview, NewSenderEvent, Page,
    Resolution, ReviewId, SenderEventFate, SenderEventId, SenderEventRecord, SenderEvents,
    StoreError, StoredEventBody, TenantId,
};
use crate::webhook::Sender;

/// What can be claimed at ?2 of the senders in the JSON ?3, and the order in which it is: a tenant that is being erased is passed
/// over, and so is what an earlier event of its key holds up, or another one that is being handled.
macro_rules! first_due {
    ($tenants:literal) => {
        concat!(
            "SELECT e.id FROM calcom_sender_events e \
             WHERE e.due_at <= ?2 AND (?3 IS NULL OR e.sender IN (SELECT value FROM json_each(?3))) AND ",
            $tenants,
            " AND NOT EXISTS (SELECT 1 FROM calcom_tenants t WHERE t.tenant = e.tenant AND t.paused_by = 'erasure') \
               AND NOT EXISTS (SELECT 1 FROM calcom_sender_events o \
                 WHERE o.tenant = e.tenant AND o.sender = e.sender AND o.order_key = e.order_key \
                   AND o.order_key IS NOT NULL AND o.due_at IS NOT NULL AND o.id < e.id) \
               AND NOT EXISTS (SELECT 1 FROM calcom_sender_events o \
                 WHERE o.tenant = e.tenant AND o.sender = e.sender AND o.order_key = e.order_key \
                   AND o.order_key IS NOT NULL AND o.is_leased = 1 AND o.due_at > ?2 AND o.id <> e.id) \
             ORDER BY e.tenant, e.due_at, e.id LIMIT 1"
        )
    };
}

statements! {
    ACCEPT =
        "INSERT INTO calcom_sender_events \
           (tenant, sender, event_id, event, order_key, signed_at, taken_at, due_at, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8) ON CONFLICT (tenant, sender, event_id) DO NOTHING";
    FIRST_AFTER = first_due!("e.tenant > ?1");
    FIRST_UP_TO = first_due!("e.tenant <= ?1");
    CLAIM =
        "UPDATE calcom_sender_events \
         SET is_leased = 1, fence = fence + 1, attempts = attempts + 1, due_at = ?2 WHERE id = ?1 \
         RETURNING id, tenant, sender, event_id, event, order_key, signed_at, taken_at, body, fence, attempts, review";
    END =
        "UPDATE calcom_sender_events SET is_leased = 0, due_at = NULL, fate = ?4, ended_at = ?5 \
         WHERE tenant = ?1 AND id = ?2 AND fence = ?3 AND is_leased = 1 RETURNING review";
    RETRY =
        "UPDATE calcom_sender_events SET is_leased = 0, due_at = ?4 \
         WHERE tenant = ?1 AND id = ?2 AND fence = ?3 AND is_leased = 1";
    HAND_BACK =
        "UPDATE calcom_sender_events SET is_leased = 0, due_at = ?4, attempts = attempts - 1 \
         WHERE tenant = ?1 AND id = ?2 AND fence = ?3 AND is_leased = 1";
    PARK =
        "UPDATE calcom_sender_events SET is_leased = 0, due_at = NULL \
         WHERE tenant = ?1 AND id = ?2 AND fence = ?3 AND is_leased = 1 RETURNING review";
    SET_REVIEW = "UPDATE calcom_sender_events SET review = ?3 WHERE tenant = ?1 AND id = ?2";
    SET_OUTCOME =
        "UPDATE calcom_reviews SET outcome = ?3 WHERE tenant = ?1 AND id = ?2 AND resolved_at IS NOT NULL";
    DISMISS =
        "UPDATE calcom_sender_events SET fate = 'dismissed', ended_at = ?3 \
         WHERE tenant = ?1 AND review = ?2 AND due_at IS NULL AND fate IS NULL";
    RESUME =
        "UPDATE calcom_sender_events SET due_at = ?3, attempts = 0 \
         WHERE tenant = ?1 AND review = ?2 AND due_at IS NULL AND fate IS NULL";
    OF_TENANT =
        "SELECT id, tenant, sender, event_id, event, order_key, signed_at, taken_at, attempts, review, fate, \
           due_at IS NULL AND fate IS NULL AS is_parked \
         FROM calcom_sender_events WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    BODIES =
        "SELECT id, fate IS NOT NULL AS is_over, body FROM calcom_sender_events \
         WHERE tenant = ?1 AND id > ?2 AND +body <> '' ORDER BY id LIMIT ?3";
}

/// How many ids one statement names.
const AT_ONCE: usize = 500;

#[async_trait]
impl SenderEvents for SqliteStore {
    async fn accept_event(&self, new: NewSenderEvent) -> Result<EventAccepted, StoreError> {
        let stored = sqlx::query(ACCEPT)
            .bind(new.tenant.as_str())
            .bind(new.sender.as_str())
            .bind(new.event_id.as_str())
            .bind(new.event.as_str())
            .bind(new.order_key.as_deref())
            .bind(new.signed_at.map(micros))
            .bind(micros(self.now()))
            .bind(new.body.as_str())
            .execute(self.writes())
            .await
            .map_err(failed)?;
        Ok(match stored.rows_affected() {
            0 => EventAccepted::Duplicate,
            _ => EventAccepted::Stored,
        })
    }

    async fn claim_event(
        &self,
        request: &EventClaimRequest,
    ) -> Result<Option<EventClaim>, StoreError> {
        // Reads first: mostly there is nothing, and then nobody has to wait for a writer.
        let mut reads = self.reads().acquire().await.map_err(failed)?;
        if first_due(&mut reads, request, self.now()).await?.is_none() {
            return Ok(None);
        }
        drop(reads);
        let mut transaction = self.write().await?;
        let now = self.now();
        let Some(id) = first_due(&mut transaction, request, now).await? else {
            return Ok(None);
        };
        let row = sqlx::query(CLAIM)
            .bind(id)
            .bind(micros_after(now, request.lease))
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        let body = Row::of("sender_events", &row).text("body")?;
        let claim = decode::event_claim(&row, body)?;
        transaction.commit().await.map_err(failed)?;
        Ok(Some(claim))
    }

    async fn end_event(
        &self,
        lease: &EventLease,
        fate: &SenderEventFate,
        outcome: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let ended = sqlx::query_scalar(END)
            .bind(lease.tenant.as_str())
            .bind(lease.event.get())
            .bind(lease.fence)
            .bind(fate.as_str())
            .bind(micros(self.now()))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let review: Option<i64> = ended.ok_or_else(StoreError::event_lost)?;
        set_outcome(&mut transaction, &lease.tenant, review, outcome).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn retry_event(&self, lease: &EventLease, wait: Duration) -> Result<(), StoreError> {
        let due_at = micros_after(self.now(), wait);
        give_up(self.writes(), RETRY, lease, due_at).await
    }

    async fn hand_back_event(&self, lease: &EventLease) -> Result<(), StoreError> {
        give_up(self.writes(), HAND_BACK, lease, micros(self.now())).await
    }

    async fn park_event(
        &self,
        lease: &EventLease,
        review: &NewReview,
        outcome: Option<&str>,
    ) -> Result<ReviewId, StoreError> {
        let mut transaction = self.write().await?;
        let now = self.now();
        let parked = sqlx::query_scalar(PARK)
            .bind(lease.tenant.as_str())
            .bind(lease.event.get())
            .bind(lease.fence)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let before: Option<i64> = parked.ok_or_else(StoreError::event_lost)?;
        set_outcome(&mut transaction, &lease.tenant, before, outcome).await?;
        let id = reviews::open_of_tenant(&mut transaction, &lease.tenant, review, now).await?;
        sqlx::query(SET_REVIEW)
            .bind(lease.tenant.as_str())
            .bind(lease.event.get())
            .bind(id.get())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(id)
    }

    async fn sender_events(
        &self,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<SenderEventRecord>, StoreError> {
        let rows = self.page_of(OF_TENANT, tenant, page).await?;
        rows.iter().map(decode::event_record).collect()
    }

    async fn event_bodies(
        &self,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<StoredEventBody>, StoreError> {
        let rows = self.page_of(BODIES, tenant, page).await?;
        let body = |row: &SqliteRow| {
            let row = Row::of("sender_events", row);
            let (id, is_over) = (row.number("id")?, row.boolean("is_over")?);
            Ok(StoredEventBody::new(id, is_over, row.text("body")?))
        };
        rows.iter().map(body).collect()
    }

    async fn empty_event_bodies(
        &self,
        tenant: &TenantId,
        events: &[SenderEventId],
    ) -> Result<(), StoreError> {
        for ids in events.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "UPDATE calcom_sender_events SET body = '' WHERE fate IS NOT NULL AND tenant = ",
            );
            query
                .push_bind(tenant.as_str().to_owned())
                .push(" AND id IN (");
            let mut listed = query.separated(", ");
            for id in ids {
                listed.push_bind(id.get());
            }
            query.push(")");
            let emptied = query.build().execute(self.writes());
            emptied.await.map_err(failed)?;
        }
        Ok(())
    }
}

impl SqliteStore {
    async fn page_of(
        &self,
        statement: &'static str,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, SenderEventId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)
    }
}

/// The event whose turn it is.
async fn first_due(
    connection: &mut SqliteConnection,
    request: &EventClaimRequest,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    // The empty text comes before every tenant.
    let after = request.after.as_ref().map_or("", TenantId::as_str);
    let senders = request.senders.as_ref();
    let senders = senders.map(|senders| senders.iter().map(Sender::as_str).collect::<Vec<_>>());
    let senders = senders.map(|senders| serde_json::json!(senders).to_string());
    for statement in [FIRST_AFTER, FIRST_UP_TO] {
        let first = sqlx::query_scalar(statement)
            .bind(after)
            .bind(micros(now))
            .bind(senders.as_deref())
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

async fn give_up(
    connection: impl SqliteExecutor<'_>,
    statement: &'static str,
    lease: &EventLease,
    due_at: i64,
) -> Result<(), StoreError> {
    let given_up = sqlx::query(statement)
        .bind(lease.tenant.as_str())
        .bind(lease.event.get())
        .bind(lease.fence)
        .bind(due_at)
        .execute(connection)
        .await
        .map_err(failed)?;
    match given_up.rows_affected() {
        0 => Err(StoreError::event_lost()),
        _ => Ok(()),
    }
}

/// Stores how the retry ended that a resolved item asked for.
async fn set_outcome(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    review: Option<i64>,
    outcome: Option<&str>,
) -> Result<(), StoreError> {
    if let Some((review, outcome)) = review.zip(outcome) {
        sqlx::query(SET_OUTCOME)
            .bind(tenant.as_str())
            .bind(review)
            .bind(outcome)
            .execute(connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// What the resolution of a review item decides about the event that it is about, if any.
pub(super) async fn resolved(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    review: ReviewId,
    resolution: &Resolution,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let statement = match resolution {
        Resolution::Dismiss => DISMISS,
        _ => RESUME,
    };
    sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(review.get())
        .bind(micros(now))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
