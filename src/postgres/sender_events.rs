//! Events of other senders.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::error::failed;
use super::rows::{Row, Stamp, ahead};
use super::transaction::alone;
use super::{PostgresStore, reviews, statements};
use crate::sql::decode;
use crate::store::{
    EventAccepted, EventClaim, EventClaimRequest, EventLease, NewReview, NewSenderEvent, Page,
    Resolution, ReviewId, SenderEventFate, SenderEventId, SenderEventRecord, SenderEvents,
    StoreError, StoredEventBody, TenantId,
};
use crate::webhook::Sender;

/// What can be claimed, and the order in which it is: a tenant that is being erased is passed over,
/// and so is what an earlier event of its key holds up, or another one that is being handled. OFFSET 0
/// has the planner ask for each row that comes, of which the first few are enough, instead of joining.
macro_rules! first_due {
    ($what:literal, $tenants:literal, $senders:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM sender_events e \
             WHERE e.due_at <= now_of_books() AND ",
            $tenants,
            " AND (",
            $senders,
            "::text[] IS NULL OR e.sender = ANY (",
            $senders,
            "::text[])) AND NOT EXISTS (SELECT FROM tenants t WHERE t.tenant = e.tenant AND t.paused_by = 'erasure' OFFSET 0) \
               AND NOT EXISTS (SELECT FROM sender_events o \
                 WHERE o.tenant = e.tenant AND o.sender = e.sender AND o.order_key = e.order_key \
                   AND o.order_key IS NOT NULL AND o.due_at IS NOT NULL AND o.id < e.id OFFSET 0) \
               AND NOT EXISTS (SELECT FROM sender_events o \
                 WHERE o.tenant = e.tenant AND o.sender = e.sender AND o.order_key = e.order_key \
                   AND o.order_key IS NOT NULL AND o.is_leased AND o.due_at > now_of_books() AND o.id <> e.id OFFSET 0) \
             ORDER BY e.tenant, e.due_at, e.id LIMIT 1"
        )
    };
}

/// Changes an event under its lease, and stores how the retry ended that its resolved item asked for.
macro_rules! told {
    ($changed:literal) => {
        concat!(
            "WITH changed AS (UPDATE sender_events SET is_leased = false, due_at = NULL, ",
            $changed,
            " WHERE tenant = $1 AND id = $2 AND fence = $3 AND is_leased RETURNING review), \
             told AS (UPDATE reviews SET outcome = $4 FROM changed \
                 WHERE reviews.tenant = $1 AND reviews.id = changed.review AND reviews.resolved_at IS NOT NULL \
                   AND $4::text IS NOT NULL) \
             SELECT count(*) FROM changed"
        )
    };
}

statements! {
    ACCEPT =
        "INSERT INTO sender_events (tenant, sender, event_id, event, order_key, signed_at, taken_at, due_at, body) \
         SELECT $1, $2, $3, $4, $5, $6, now, now, $7 FROM clock_of_books() AS now \
         ON CONFLICT (tenant, sender, event_id) DO NOTHING";
    FIRST_AFTER = first_due!("e.tenant", "e.tenant > $1", "$2");
    FIRST_UP_TO = first_due!("e.tenant", "e.tenant <= $1", "$2");
    /// Under the tenant's lock, so that no two events of one key are claimed at once. Looks at the due
    /// time once more, as whoever had the row locked may have ended it.
    CLAIM = concat!(
        "UPDATE sender_events \
         SET is_leased = true, fence = fence + 1, attempts = attempts + 1, due_at = now_of_books() + $2 * interval '1 us' \
         WHERE tenant = $1 AND due_at <= now_of_books() AND id = (",
        first_due!("e.id", "e.tenant = $1", "$3"),
        ") RETURNING id, tenant, sender, event_id, event, order_key, signed_at, taken_at, body, fence, attempts, review"
    );
    END = told!("fate = $5, ended_at = now_of_books()");
    PARK = told!("review = review");
    SET_REVIEW = "UPDATE sender_events SET review = $3 WHERE tenant = $1 AND id = $2";
    RETRY =
        "UPDATE sender_events SET is_leased = false, due_at = now_of_books() + $4 * interval '1 us' \
         WHERE tenant = $1 AND id = $2 AND fence = $3 AND is_leased";
    HAND_BACK =
        "UPDATE sender_events SET is_leased = false, due_at = now_of_books() + $4 * interval '1 us', attempts = attempts - 1 \
         WHERE tenant = $1 AND id = $2 AND fence = $3 AND is_leased";
    DISMISS =
        "UPDATE sender_events SET fate = 'dismissed', ended_at = now_of_books() \
         WHERE tenant = $1 AND review = $2 AND due_at IS NULL AND fate IS NULL";
    RESUME =
        "UPDATE sender_events SET due_at = now_of_books(), attempts = 0 \
         WHERE tenant = $1 AND review = $2 AND due_at IS NULL AND fate IS NULL";
    OF_TENANT =
        "SELECT id, tenant, sender, event_id, event, order_key, signed_at, taken_at, attempts, review, fate, \
           due_at IS NULL AND fate IS NULL AS is_parked \
         FROM sender_events WHERE tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3";
    BODIES =
        "SELECT id, fate IS NOT NULL AS is_over, body FROM sender_events \
         WHERE tenant = $1 AND id > $2 AND body <> '' ORDER BY tenant, id LIMIT $3";
    EMPTY_BODIES = "UPDATE sender_events SET body = '' WHERE tenant = $1 AND id = ANY ($2) AND fate IS NOT NULL";
}

/// How many tenants one claim tries whose events others were quicker to claim.
const TENANTS_TRIED: usize = 16;

#[async_trait]
impl SenderEvents for PostgresStore {
    async fn accept_event(&self, new: NewSenderEvent) -> Result<EventAccepted, StoreError> {
        let stored = self.retried(|| {
            let stored = sqlx::query(ACCEPT)
                .bind(new.tenant.as_str())
                .bind(new.sender.as_str())
                .bind(new.event_id.as_str())
                .bind(new.event.as_str())
                .bind(new.order_key.as_deref())
                .bind(new.signed_at.map(Stamp))
                .bind(new.body.as_bytes());
            alone("accept event", stored.execute(self.pool()))
        });
        if stored.await?.rows_affected() == 0 {
            return Ok(EventAccepted::Duplicate);
        }
        self.tell_workers(&new.tenant);
        Ok(EventAccepted::Stored)
    }

    async fn claim_event(
        &self,
        request: &EventClaimRequest,
    ) -> Result<Option<EventClaim>, StoreError> {
        // Reads first: mostly there is nothing, and then nothing is locked.
        let senders = request.senders.as_ref();
        let senders = senders.map(|all| all.iter().map(Sender::as_str).collect::<Vec<_>>());
        let mut after = request.after.clone();
        for _ in 0..TENANTS_TRIED {
            let Some(tenant) = self
                .tenant_with_events(after.as_ref(), senders.as_deref())
                .await?
            else {
                return Ok(None);
            };
            let claimed = self
                .claim_event_of(&tenant, request.lease, senders.as_deref())
                .await?;
            if claimed.is_some() {
                return Ok(claimed);
            }
            after = Some(tenant);
        }
        Ok(None)
    }

    async fn end_event(
        &self,
        lease: &EventLease,
        fate: &SenderEventFate,
        outcome: Option<&str>,
    ) -> Result<(), StoreError> {
        let ended = sqlx::query_scalar(END)
            .bind(lease.tenant.as_str())
            .bind(lease.event.get())
            .bind(lease.fence)
            .bind(outcome)
            .bind(fate.as_str())
            .fetch_one(self.pool());
        let ended: i64 = alone("end event", ended).await?;
        held(ended.unsigned_abs())
    }

    async fn retry_event(&self, lease: &EventLease, wait: Duration) -> Result<(), StoreError> {
        self.give_up("retry event", RETRY, lease, wait).await
    }

    async fn hand_back_event(&self, lease: &EventLease) -> Result<(), StoreError> {
        let at_once = Duration::ZERO;
        self.give_up("hand back event", HAND_BACK, lease, at_once)
            .await
    }

    async fn park_event(
        &self,
        lease: &EventLease,
        review: &NewReview,
        outcome: Option<&str>,
    ) -> Result<ReviewId, StoreError> {
        let mut transaction = self.begin_for("park event", &lease.tenant).await?;
        let parked = park(&mut transaction, lease, review, outcome).await;
        transaction.end(parked).await
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
        let body = |row: &PgRow| {
            let known = Row::of("sender_events", row);
            let (id, is_over) = (known.number("id")?, known.boolean("is_over")?);
            Ok(StoredEventBody::new(id, is_over, body_of(row)?))
        };
        rows.iter().map(body).collect()
    }

    async fn empty_event_bodies(
        &self,
        tenant: &TenantId,
        events: &[SenderEventId],
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = events.iter().map(|id| id.get()).collect();
        sqlx::query(EMPTY_BODIES)
            .bind(tenant.as_str())
            .bind(ids)
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }
}

impl PostgresStore {
    /// The next tenant with an event that can be claimed.
    async fn tenant_with_events(
        &self,
        after: Option<&TenantId>,
        senders: Option<&[&str]>,
    ) -> Result<Option<TenantId>, StoreError> {
        // The empty text comes before every tenant.
        let after = after.map_or("", TenantId::as_str);
        for statement in [FIRST_AFTER, FIRST_UP_TO] {
            let first: Option<String> = sqlx::query_scalar(statement)
                .bind(after)
                .bind(senders)
                .fetch_optional(self.pool())
                .await
                .map_err(failed)?;
            if let Some(tenant) = first {
                return Ok(Some(TenantId::from(tenant)));
            }
        }
        Ok(None)
    }

    async fn claim_event_of(
        &self,
        tenant: &TenantId,
        lease: Duration,
        senders: Option<&[&str]>,
    ) -> Result<Option<EventClaim>, StoreError> {
        let mut transaction = self.begin_for("claim event", tenant).await?;
        let claimed = claim(&mut transaction, tenant, lease, senders).await;
        transaction.end(claimed).await
    }

    async fn give_up(
        &self,
        name: &'static str,
        statement: &'static str,
        lease: &EventLease,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let given_up = sqlx::query(statement)
            .bind(lease.tenant.as_str())
            .bind(lease.event.get())
            .bind(lease.fence)
            .bind(ahead(wait))
            .execute(self.pool());
        held(alone(name, given_up).await?.rows_affected())
    }

    async fn page_of(
        &self,
        statement: &'static str,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<PgRow>, StoreError> {
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, SenderEventId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)
    }
}

/// Claims an event of a tenant. The transaction holds the tenant's lock.
async fn claim(
    connection: &mut PgConnection,
    tenant: &TenantId,
    lease: Duration,
    senders: Option<&[&str]>,
) -> Result<Option<EventClaim>, StoreError> {
    let row = sqlx::query(CLAIM)
        .bind(tenant.as_str())
        .bind(ahead(lease))
        .bind(senders)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let claim = |row: &PgRow| decode::event_claim(row, body_of(row)?);
    row.as_ref().map(claim).transpose()
}

/// Parks an event and opens its item. The transaction holds the tenant's lock.
async fn park(
    connection: &mut PgConnection,
    lease: &EventLease,
    review: &NewReview,
    outcome: Option<&str>,
) -> Result<ReviewId, StoreError> {
    let parked: i64 = sqlx::query_scalar(PARK)
        .bind(lease.tenant.as_str())
        .bind(lease.event.get())
        .bind(lease.fence)
        .bind(outcome)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    held(parked.unsigned_abs())?;
    let id = reviews::open_of_tenant(connection, &lease.tenant, review).await?;
    sqlx::query(SET_REVIEW)
        .bind(lease.tenant.as_str())
        .bind(lease.event.get())
        .bind(id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(id)
}

fn body_of(row: &PgRow) -> Result<String, StoreError> {
    let row = Row::of("sender_events", row);
    String::from_utf8(row.get("body")?).map_err(|_| row.corrupt("body"))
}

/// Whether the one row of the event was still under its lease.
fn held(rows: u64) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::event_lost()),
        _ => Ok(()),
    }
}

/// What the resolution of a review item decides about the event that it is about, if any.
pub(super) async fn resolved(
    connection: &mut PgConnection,
    tenant: &TenantId,
    review: ReviewId,
    resolution: &Resolution,
) -> Result<(), StoreError> {
    let statement = match resolution {
        Resolution::Dismiss => DISMISS,
        _ => RESUME,
    };
    sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(review.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
