//! The queue: whose turn it is, and which of its links.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::links::link_columns;
use super::marks;
use super::rows::{Row, micros, micros_after};
use super::{SqliteStore, absorb, inbox, keys, links, outbox, routing, settle, statements};
use crate::sql::decode;
use crate::sql::decode::QueuedLink;
use crate::store::{
    Checkpoint, Claim, ClaimRequest, Lease, Link, LinkId, LinkKey, Links, MarkSource, Settled,
    Settlement, StoreError, TenantId,
};

/// The tenants that have anything to do, now or later, in the order of their names: one probe of
/// each index a tenant, however much it has waiting. `$first` is where the walk begins, `$while`
/// how long it goes on.
macro_rules! tenants_with_work {
    ($first:literal, $while:literal) => {
        concat!(
            "WITH RECURSIVE walk (tenant) AS ( \
               SELECT MIN(tenant) FROM ( \
                 SELECT MIN(tenant) AS tenant FROM calcom_notices WHERE routed = 0 ", $first, " \
                 UNION ALL \
                 SELECT MIN(tenant) FROM calcom_links WHERE due_at IS NOT NULL ", $first, ") \
               UNION ALL \
               SELECT (SELECT MIN(tenant) FROM ( \
                 SELECT MIN(n.tenant) AS tenant FROM calcom_notices n WHERE n.routed = 0 AND n.tenant > walk.tenant \
                 UNION ALL \
                 SELECT MIN(l.tenant) FROM calcom_links l WHERE l.due_at IS NOT NULL AND l.tenant > walk.tenant)) \
               FROM walk WHERE walk.tenant IS NOT NULL ", $while, ") "
        )
    };
}

/// When the first of a tenant's notices to be routed was taken in, and when the first of its links
/// that can be claimed became due. ?1 is the store's time, ?2 the newest format.
macro_rules! first_of {
    ($tenant:literal) => {
        concat!(
            "(SELECT n.taken_at FROM calcom_notices n WHERE n.tenant = ",
            $tenant,
            " AND n.routed = 0 \
              ORDER BY n.id LIMIT 1) AS first_taken, \
             (SELECT l.due_at FROM calcom_links l WHERE l.tenant = ",
            $tenant,
            " AND l.due_at <= ?1 AND l.format <= ?2 \
              ORDER BY l.due_at, l.id LIMIT 1) AS first_due "
        )
    };
}

/// The first tenant of a walk that is neither paused nor held and has a notice to be routed or a
/// link to be claimed, with when the first of each was taken in and became due. ?1 is the store's
/// time, ?2 the newest format, ?3 where the walk begins or ends.
macro_rules! next_turn {
    ($first:literal, $while:literal) => {
        concat!(
            tenants_with_work!($first, $while),
            "SELECT tenant, first_taken, first_due FROM ( \
               SELECT walk.tenant AS tenant, ", first_of!("walk.tenant"), "FROM walk \
               WHERE walk.tenant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM calcom_tenants t \
                 WHERE t.tenant = walk.tenant AND (t.paused_by IS NOT NULL OR t.not_before > ?1))) \
             WHERE first_taken IS NOT NULL OR first_due IS NOT NULL LIMIT 1"
        )
    };
}

statements! {
    TURN_FROM_START = next_turn!("", "");
    TURN_AFTER = next_turn!("AND tenant > ?3", "");
    TURN_UP_TO = next_turn!("AND tenant <= ?3", "AND walk.tenant < ?3");
    /// Once somebody else's turn was in vain, the walk goes on from there.
    TURN_BETWEEN = next_turn!("AND tenant > ?3 AND tenant <= ?4", "AND walk.tenant < ?4");
    /// How far the tenant whose turn it is has come.
    TURN_OF = concat!("SELECT ?3 AS tenant, ", first_of!("?3"));
    LEASE = concat!(
        "UPDATE calcom_links SET fence = fence + 1, begun = begun + 1, is_leased = 1, due_at = ?4 \
         WHERE id = (SELECT id FROM calcom_links WHERE tenant = ?1 AND due_at <= ?2 AND format <= ?3 \
             ORDER BY due_at, id LIMIT 1) \
         RETURNING ",
        link_columns!()
    );
    NEXT_DUE = concat!(
        tenants_with_work!("", ""),
        "SELECT MIN(at) FROM (SELECT MAX( \
           CASE WHEN EXISTS (SELECT 1 FROM calcom_notices n WHERE n.tenant = walk.tenant AND n.routed = 0) THEN ?1 \
             ELSE (SELECT l.due_at FROM calcom_links l \
               WHERE l.tenant = walk.tenant AND l.due_at IS NOT NULL AND l.format <= ?2 \
               ORDER BY l.due_at, l.id LIMIT 1) END, \
           COALESCE((SELECT t.not_before FROM calcom_tenants t WHERE t.tenant = walk.tenant), ?1)) AS at \
         FROM walk \
         WHERE walk.tenant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM calcom_tenants t \
           WHERE t.tenant = walk.tenant AND t.paused_by IS NOT NULL))"
    );
}

/// Where the walk through the tenants has come to.
#[derive(Clone, Copy)]
enum Walk<'a> {
    FromStart,
    After(&'a TenantId),
    /// From the start again, to this one.
    UpTo(&'a TenantId),
    Between(&'a TenantId, &'a TenantId),
    /// Nowhere: the turn is still this one's.
    At(&'a TenantId),
}

/// A tenant that may have something to claim.
struct Turn {
    tenant: TenantId,
    first_taken: Option<i64>,
    first_due: Option<i64>,
}

impl Turn {
    /// Whether something was taken in before the work that is due became due. Of what was taken in
    /// at the very instant at which that became due, one batch is enough.
    fn routes_first(&self, has_routed: bool) -> bool {
        match (self.first_taken, self.first_due) {
            (Some(taken), Some(due)) => taken < due || (taken == due && !has_routed),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

async fn next_turn(
    connection: &mut SqliteConnection,
    walk: Walk<'_>,
    format: u16,
    now: DateTime<Utc>,
) -> Result<Option<Turn>, StoreError> {
    let query = match walk {
        Walk::FromStart => sqlx::query(TURN_FROM_START),
        Walk::After(_) => sqlx::query(TURN_AFTER),
        Walk::UpTo(_) => sqlx::query(TURN_UP_TO),
        Walk::Between(..) => sqlx::query(TURN_BETWEEN),
        Walk::At(_) => sqlx::query(TURN_OF),
    };
    let query = query.bind(micros(now)).bind(i64::from(format));
    let query = match walk {
        Walk::FromStart => query,
        Walk::After(tenant) | Walk::UpTo(tenant) | Walk::At(tenant) => query.bind(tenant.as_str()),
        Walk::Between(after, last) => query.bind(after.as_str()).bind(last.as_str()),
    };
    let row = query.fetch_optional(connection).await.map_err(failed)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let row = Row::of("calcom_links", &row);
    Ok(Some(Turn {
        tenant: row.text("tenant")?,
        first_taken: row.get("first_taken")?,
        first_due: row.get("first_due")?,
    }))
}

/// Whether a claim would find anything to route or to lease.
async fn is_anything_to_do(
    connection: &mut SqliteConnection,
    request: &ClaimRequest,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let turn = next_turn(connection, Walk::FromStart, request.format, now).await?;
    Ok(turn.is_some())
}

/// Walks once through the tenants until a link is leased.
async fn claim(
    connection: &mut SqliteConnection,
    request: &ClaimRequest,
    now: DateTime<Utc>,
) -> Result<Option<QueuedLink>, StoreError> {
    let begin = request.after.as_ref();
    let mut in_vain: Option<TenantId> = None;
    let mut has_wrapped = begin.is_none();
    loop {
        let walk = match (in_vain.as_ref(), begin) {
            (Some(tenant), Some(begin)) if has_wrapped => Walk::Between(tenant, begin),
            (Some(tenant), _) => Walk::After(tenant),
            (None, Some(begin)) if has_wrapped => Walk::UpTo(begin),
            (None, Some(begin)) => Walk::After(begin),
            (None, None) => Walk::FromStart,
        };
        let Some(turn) = next_turn(connection, walk, request.format, now).await? else {
            if has_wrapped {
                return Ok(None);
            }
            has_wrapped = true;
            in_vain = None;
            continue;
        };
        let tenant = turn.tenant.clone();
        route_what_is_first(connection, turn, request.format, now).await?;
        let leased = lease(connection, &tenant, request, now).await?;
        if leased.is_some() {
            return Ok(leased);
        }
        in_vain = Some(tenant);
    }
}

/// Gives to links what was taken in before the work that is due next: all of it if nothing is.
async fn route_what_is_first(
    connection: &mut SqliteConnection,
    mut turn: Turn,
    format: u16,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut has_routed = false;
    while turn.routes_first(has_routed) {
        routing::route(connection, &turn.tenant).await?;
        has_routed = true;
        let Some(next) = next_turn(connection, Walk::At(&turn.tenant), format, now).await? else {
            return Ok(());
        };
        turn = next;
    }
    Ok(())
}

/// Leases the tenant's link that can be claimed now and whose work was taken in first.
async fn lease(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    request: &ClaimRequest,
    now: DateTime<Utc>,
) -> Result<Option<QueuedLink>, StoreError> {
    let row = sqlx::query(LEASE)
        .bind(tenant.as_str())
        .bind(micros(now))
        .bind(i64::from(request.format))
        .bind(micros_after(now, request.lease))
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.as_ref().map(decode::link).transpose()
}

#[async_trait]
impl Links for SqliteStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError> {
        // An idle worker asks again and again: it must not hold up the doors, and so it only reads.
        let mut connection = self.reads().acquire().await.map_err(failed)?;
        let is_idle = !is_anything_to_do(&mut connection, request, self.now()).await?;
        drop(connection);
        if is_idle {
            return Ok(None);
        }

        let mut transaction = self.write().await?;
        let now = self.now();
        let claimed = claim(&mut transaction, request, now).await?;
        let claim = match claimed {
            None => None,
            Some(QueuedLink {
                link,
                fence,
                marks,
                begun,
            }) => {
                let lease = Lease::new(link.tenant.clone(), link.id, fence, marks);
                let mut claim = Claim::new(lease, link, now, self.books_since());
                claim.begun = begun;
                claim.changes = outbox::waiting(&mut transaction, &claim.link).await?;
                claim.deliveries = inbox::waiting(&mut transaction, &claim.link).await?;
                claim.marks = marks::waiting(&mut transaction, &claim.link).await?;
                claim.first_revision =
                    outbox::first_revision(&mut transaction, &claim.link).await?;
                routing::pass_over(&mut transaction, &claim).await?;
                Some(claim)
            }
        };
        // Also without a claim: something may have been routed.
        transaction.commit().await.map_err(failed)?;
        Ok(claim)
    }

    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        settle::checkpoint(&mut transaction, lease, &checkpoint, self.now()).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        let mut transaction = self.write().await?;
        let settled = settle::settle(&mut transaction, lease, &settlement, self.now()).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(settled)
    }

    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        absorb::give_up(&mut transaction, lease, into, self.now()).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        let mut connection = self.reads().acquire().await.map_err(failed)?;
        links::find(&mut connection, tenant, key).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        key: &LinkKey,
        source: MarkSource,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.write().await?;
        let owner = keys::owner(&mut transaction, tenant, key).await?;
        if let Some(link) = owner {
            marks::mark_link(&mut transaction, tenant, link, &source, self.now()).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(owner.is_some())
    }

    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError> {
        let now = micros(self.now());
        let at: Option<i64> = sqlx::query_scalar(NEXT_DUE)
            .bind(now)
            .bind(i64::from(format))
            .fetch_one(self.reads())
            .await
            .map_err(failed)?;
        Ok(at.map(|at| {
            let wait = u64::try_from(at.saturating_sub(now)).unwrap_or(0);
            Duration::from_micros(wait)
        }))
    }
}
