//! The queue: whose turn it is, and which of its links.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::error::{failed, is_lost_race, retried};
use super::links::link_columns;
use super::marks;
use super::pool::{end, lock_tenant, try_lock_tenant};
use super::rows::{Row, Stamp, ahead, micros};
use super::{PostgresStore, absorb, inbox, links, outbox, routing, settle, statements};
use crate::sql::decode;
use crate::sql::decode::QueuedLink;
use crate::store::{
    Checkpoint, Claim, ClaimRequest, Lease, Link, LinkId, LinkKey, Links, MarkSource, Settled,
    Settlement, StoreError, TenantId,
};

statements! {
    /// The next tenant that has work and is neither paused nor held, after $1 in the order of names
    /// and around; and whether what it has unrouted was taken in before what is due. Walks from
    /// tenant to tenant by the partial indexes of what is unrouted and of what is due, a few rows
    /// each, whatever waits there: the first row after a tenant names the next one, and is its
    /// first. $2 is the newest format.
    NEXT_TURN = r#"
         WITH RECURSIVE walk (lap, tenant, is_found, routes) AS (
             SELECT CASE WHEN $1 IS NULL THEN 1 ELSE 0 END, COALESCE($1, '') COLLATE "C", false, false
             UNION ALL
             SELECT
                 CASE WHEN next.tenant IS NULL THEN 1 ELSE walk.lap END,
                 COALESCE(next.tenant, ''),
                 next.can_go AND (next.taken_at IS NOT NULL OR due.at IS NOT NULL),
                 next.taken_at IS NOT NULL AND (due.at IS NULL OR next.taken_at <= due.at)
             FROM walk
             LEFT JOIN LATERAL (
                 SELECT tenant, taken_at FROM notices
                 WHERE NOT is_routed AND fate IS NULL AND tenant > walk.tenant
                 ORDER BY tenant, id LIMIT 1
             ) AS notice ON true
             LEFT JOIN LATERAL (
                 SELECT tenant, format FROM links
                 WHERE due_at IS NOT NULL AND tenant > walk.tenant
                 ORDER BY tenant, format, due_at, id LIMIT 1
             ) AS link ON true
             CROSS JOIN LATERAL (
                 SELECT least.tenant,
                     CASE WHEN notice.tenant = least.tenant THEN notice.taken_at END AS taken_at,
                     CASE WHEN link.tenant = least.tenant THEN link.format END AS format,
                     COALESCE((
                         SELECT paused_by IS NULL AND (not_before IS NULL OR not_before <= now_of_books())
                         FROM tenants WHERE tenant = least.tenant
                     ), true) AS can_go
                 FROM (SELECT LEAST(notice.tenant, link.tenant) AS tenant) AS least
                 OFFSET 0
             ) AS next
             LEFT JOIN LATERAL (
                 WITH RECURSIVE formats (format) AS (
                     SELECT next.format WHERE next.can_go AND next.format <= $2
                     UNION ALL
                     SELECT (SELECT links.format FROM links
                             WHERE tenant = next.tenant AND due_at IS NOT NULL AND links.format > formats.format
                             ORDER BY tenant, links.format, due_at, id LIMIT 1)
                     FROM formats WHERE formats.format < $2
                 )
                 SELECT first.due_at AS at
                 FROM formats CROSS JOIN LATERAL (
                     SELECT due_at FROM links
                     WHERE tenant = next.tenant AND format = formats.format AND due_at <= now_of_books()
                     ORDER BY tenant, format, due_at, id LIMIT 1
                 ) AS first
                 WHERE formats.format <= $2
                 ORDER BY first.due_at LIMIT 1
             ) AS due ON true
             WHERE NOT walk.is_found
               AND (walk.lap = 0 OR (next.tenant IS NOT NULL AND ($1 IS NULL OR next.tenant <= $1)))
         )
         SELECT tenant, routes FROM walk WHERE is_found"#;
    /// How far the tenant whose turn it is has come: when the first of what it has unrouted was
    /// taken in, and when the first of its links that can be claimed became due.
    TURN_OF = r#"
         SELECT
             (SELECT taken_at FROM notices
              WHERE tenant >= $1 AND tenant <= $1 AND NOT is_routed AND fate IS NULL
              ORDER BY tenant, id LIMIT 1) AS first_taken,
             (WITH RECURSIVE formats (format) AS (
                 (SELECT format FROM links
                  WHERE tenant = $1 AND due_at IS NOT NULL ORDER BY tenant, format, due_at LIMIT 1)
                 UNION ALL
                 SELECT (SELECT links.format FROM links
                         WHERE tenant = $1 AND due_at IS NOT NULL AND links.format > formats.format
                         ORDER BY tenant, links.format, due_at LIMIT 1)
                 FROM formats WHERE formats.format < $2
              )
              SELECT min(first.due_at)
              FROM formats CROSS JOIN LATERAL (
                  SELECT due_at FROM links
                  WHERE tenant = $1 AND format = formats.format AND due_at <= now_of_books()
                  ORDER BY tenant, format, due_at, id LIMIT 1
              ) AS first
              WHERE formats.format <= $2) AS first_due"#;
    /// The link that is due for longest. Locks one link, and only one that is free. The tenant may
    /// have been paused since its turn was found.
    LEASE = concat!(r#"
         UPDATE links
         SET due_at = now_of_books() + $3 * interval '1 microsecond', is_leased = true, fence = fence + 1, begun = begun + 1
         WHERE tenant = $1 AND id = (
             SELECT id FROM links
             WHERE tenant = $1 AND due_at <= now_of_books()
               AND format = (
                 WITH RECURSIVE formats (format) AS (
                     (SELECT format FROM links
                      WHERE tenant = $1 AND due_at IS NOT NULL ORDER BY tenant, format, due_at LIMIT 1)
                     UNION ALL
                     SELECT (SELECT links.format FROM links
                             WHERE tenant = $1 AND due_at IS NOT NULL AND links.format > formats.format
                             ORDER BY tenant, links.format, due_at LIMIT 1)
                     FROM formats WHERE formats.format < $2
                 )
                 SELECT formats.format
                 FROM formats CROSS JOIN LATERAL (
                     SELECT due_at, id FROM links
                     WHERE tenant = $1 AND format = formats.format AND due_at <= now_of_books()
                     ORDER BY tenant, format, due_at, id LIMIT 1
                 ) AS first
                 WHERE formats.format <= $2
                 ORDER BY first.due_at, first.id LIMIT 1
               )
               AND COALESCE((
                 SELECT paused_by IS NULL AND (not_before IS NULL OR not_before <= now_of_books())
                 FROM tenants WHERE tenant = $1
               ), true)
             ORDER BY tenant, format, due_at, id LIMIT 1
             FOR NO KEY UPDATE SKIP LOCKED
         )
         RETURNING now_of_books() AS now, "#,
        link_columns!()
    );
    /// The same walk over all tenants. $1 is the newest format.
    NEXT_DUE = r#"
         WITH RECURSIVE walk (tenant, is_unrouted, format) AS (
             SELECT ''::text COLLATE "C", false, NULL::integer
             UNION ALL
             SELECT next.tenant, next.tenant = notice.tenant, CASE WHEN next.tenant = link.tenant THEN link.format END
             FROM walk
             LEFT JOIN LATERAL (
                 SELECT tenant FROM notices
                 WHERE NOT is_routed AND fate IS NULL AND tenant > walk.tenant
                 ORDER BY tenant, id LIMIT 1
             ) AS notice ON true
             LEFT JOIN LATERAL (
                 SELECT tenant, format FROM links
                 WHERE due_at IS NOT NULL AND tenant > walk.tenant
                 ORDER BY tenant, format, due_at, id LIMIT 1
             ) AS link ON true
             CROSS JOIN LATERAL (SELECT LEAST(notice.tenant, link.tenant) AS tenant OFFSET 0) AS next
             WHERE next.tenant IS NOT NULL
         )
         SELECT GREATEST(0, ceil(extract(epoch FROM min(GREATEST(work.at, hold.not_before)) - now_of_books()) * 1000000))::bigint
             AS microseconds
         FROM walk
         LEFT JOIN tenants AS hold ON hold.tenant = walk.tenant
         CROSS JOIN LATERAL (
             SELECT CASE WHEN hold.paused_by IS NOT NULL THEN NULL WHEN walk.is_unrouted THEN now_of_books() ELSE (
                 WITH RECURSIVE formats (format) AS (
                     SELECT walk.format WHERE walk.format <= $1
                     UNION ALL
                     SELECT (SELECT links.format FROM links
                             WHERE tenant = walk.tenant AND due_at IS NOT NULL AND links.format > formats.format
                             ORDER BY tenant, links.format, due_at, id LIMIT 1)
                     FROM formats WHERE formats.format < $1
                 )
                 SELECT min((
                     SELECT due_at FROM links
                     WHERE tenant = walk.tenant AND format = formats.format AND due_at IS NOT NULL
                     ORDER BY tenant, format, due_at, id LIMIT 1
                 ))
                 FROM formats WHERE formats.format <= $1
             ) END AS at
             OFFSET 0
         ) AS work
         WHERE work.at IS NOT NULL
         HAVING count(*) > 0"#;
}

/// How an attempt to claim something of one tenant ended.
enum Attempt {
    Claimed(Box<Claim>),
    /// Nothing of the tenant can be claimed now.
    Vain,
    /// As far as can be told without routing: somebody else holds the tenant's lock.
    Locked,
}

/// Whether something was taken in before the work that is due became due. Of what was taken in at
/// the very instant at which that became due, one batch is enough.
async fn routes_first(
    connection: &mut PgConnection,
    tenant: &TenantId,
    request: &ClaimRequest,
    has_routed: bool,
) -> Result<bool, StoreError> {
    let row = sqlx::query(TURN_OF)
        .bind(tenant.as_str())
        .bind(i32::from(request.format))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let row = Row::of("links", &row);
    let taken: Option<Stamp> = row.get("first_taken")?;
    let due: Option<Stamp> = row.get("first_due")?;
    Ok(match (taken, due) {
        (Some(taken), Some(due)) => taken.0 < due.0 || (taken.0 == due.0 && !has_routed),
        (Some(_), None) => true,
        (None, _) => false,
    })
}

/// Leases the tenant's link that can be claimed now and whose work was taken in first.
async fn lease(
    connection: &mut PgConnection,
    tenant: &TenantId,
    request: &ClaimRequest,
) -> Result<Option<PgRow>, StoreError> {
    sqlx::query(LEASE)
        .bind(tenant.as_str())
        .bind(i32::from(request.format))
        .bind(ahead(request.lease))
        .fetch_optional(connection)
        .await
        .map_err(failed)
}

impl PostgresStore {
    /// The tenant whose turn it is after another one, and whether it routes first.
    async fn next_turn(
        &self,
        after: Option<&TenantId>,
        format: u16,
    ) -> Result<Option<(TenantId, bool)>, StoreError> {
        let row = sqlx::query(NEXT_TURN)
            .bind(after.map(TenantId::as_str))
            .bind(i32::from(format))
            .fetch_optional(self.pool())
            .await
            .map_err(failed)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let row = Row::of("links", &row);
        Ok(Some((row.text("tenant")?, row.get("routes")?)))
    }

    /// Routes what was taken in before the work that is due next, then leases a link; goes on until
    /// one is leased or nothing is left to route. Each batch is a transaction of its own.
    async fn claim_of(
        &self,
        tenant: &TenantId,
        request: &ClaimRequest,
        mut routes: bool,
        waits: bool,
    ) -> Result<Attempt, StoreError> {
        let mut has_routed = false;
        loop {
            let mut transaction = self.begin().await?;
            let mut is_locked = false;
            if routes {
                is_locked = if waits {
                    lock_tenant(&mut transaction, tenant).await?;
                    true
                } else {
                    try_lock_tenant(&mut transaction, tenant).await?
                };
            }
            if is_locked {
                let routed = routing::route(&mut transaction, tenant).await?;
                has_routed = true;
                if routed > 0 && routes_first(&mut transaction, tenant, request, true).await? {
                    transaction.commit().await.map_err(failed)?;
                    continue;
                }
            }
            if let Some(row) = lease(&mut transaction, tenant, request).await? {
                let claim = self.claim_with(&mut transaction, &row).await?;
                transaction.commit().await.map_err(failed)?;
                return Ok(Attempt::Claimed(Box::new(claim)));
            }
            // Another worker may have been faster, and something may have come.
            let goes_on = routes_first(&mut transaction, tenant, request, has_routed).await?;
            transaction.commit().await.map_err(failed)?;
            match (goes_on, routes, is_locked) {
                (true, true, false) => return Ok(Attempt::Locked),
                (true, ..) => routes = true,
                (false, ..) => return Ok(Attempt::Vain),
            }
        }
    }

    /// A leased link with all that waits for it.
    async fn claim_with(
        &self,
        connection: &mut PgConnection,
        row: &PgRow,
    ) -> Result<Claim, StoreError> {
        let now = Row::of("links", row).instant("now")?;
        let QueuedLink {
            link,
            fence,
            marks,
            begun,
        } = decode::link(row)?;
        let lease = Lease::new(link.tenant.clone(), link.id, fence, marks);
        let mut claim = Claim::new(lease, link, now, self.books_since());
        claim.begun = begun;
        claim.changes = outbox::waiting(connection, &claim.link).await?;
        claim.deliveries = inbox::waiting(connection, &claim.link).await?;
        claim.marks = marks::waiting(connection, &claim.link).await?;
        claim.first_revision = outbox::first_revision(connection, &claim.link).await?;
        routing::pass_over(connection, &claim).await?;
        Ok(claim)
    }
}

#[async_trait]
impl Links for PostgresStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError> {
        let begin = request.after.as_ref();
        // Where a tenant comes in this round.
        let place =
            |tenant: &TenantId| (begin.is_some_and(|begin| tenant <= begin), tenant.clone());
        let mut last: Option<TenantId> = None;
        let mut locked = Vec::new();
        while let Some((tenant, routes)) = self
            .next_turn(last.as_ref().or(begin), request.format)
            .await?
        {
            if last
                .as_ref()
                .is_some_and(|last| place(&tenant) <= place(last))
            {
                break;
            }
            let attempt = retried(|| self.claim_of(&tenant, request, routes, false)).await?;
            match attempt {
                Attempt::Claimed(claim) => return Ok(Some(*claim)),
                Attempt::Vain => {}
                Attempt::Locked => locked.push(tenant.clone()),
            }
            last = Some(tenant);
        }
        // Nothing is claimable at once; now there is time to wait for who routes or settles.
        for tenant in locked {
            let attempt = retried(|| self.claim_of(&tenant, request, true, true)).await?;
            if let Attempt::Claimed(claim) = attempt {
                return Ok(Some(*claim));
            }
        }
        Ok(None)
    }

    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError> {
        retried(|| async {
            let mut transaction = self.begin_for(&lease.tenant).await?;
            let stored = settle::checkpoint(&mut transaction, lease, &checkpoint).await;
            end(transaction, stored).await
        })
        .await
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        retried(|| async {
            let mut transaction = self.begin_for(&lease.tenant).await?;
            let settled = settle::settle(&mut transaction, lease, &settlement).await;
            end(transaction, settled).await
        })
        .await
    }

    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError> {
        retried(|| async {
            let mut transaction = self.begin_for(&lease.tenant).await?;
            let given_up = absorb::give_up(&mut transaction, lease, into).await;
            end(transaction, given_up).await
        })
        .await
    }

    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        links::find(&mut connection, tenant, key).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        key: &LinkKey,
        source: MarkSource,
    ) -> Result<bool, StoreError> {
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        match marks::mark_by_key(&mut connection, tenant, key, &source).await {
            // It was absorbed since it was looked up; under the tenant's lock none is.
            Err(error) if is_lost_race(&error) => {}
            marked => return marked,
        }
        drop(connection);
        let mut transaction = self.begin_for(tenant).await?;
        let marked = marks::mark_by_key(&mut transaction, tenant, key, &source).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(marked)
    }

    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError> {
        let wait: Option<Option<i64>> = sqlx::query_scalar(NEXT_DUE)
            .bind(i32::from(format))
            .fetch_optional(self.pool())
            .await
            .map_err(failed)?;
        Ok(wait.flatten().map(micros))
    }
}
