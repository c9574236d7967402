//! The queue: whose turn it is, and which of its links.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::error::{failed, is_lost_race};
use super::rows::{Row, ahead, micros};
use super::transaction::alone;
use super::{PostgresStore, absorb, links, marks, settle, statements};
use crate::sql::decode;
use crate::sql::decode::QueuedLink;
use crate::store::{
    Checkpoint, Claim, ClaimRequest, Lease, Link, LinkId, LinkKey, Links, MarkSource, Revision,
    Settled, Settlement, StoreError, TenantId,
};

statements! {
    /// $1 is the tenant that was served last, $2 the one that was tried last in this round.
    CLAIM_NEXT = "SELECT * FROM claim_next($1, $2, $3, $4)";
    CLAIM_OF = "SELECT * FROM claim_of($1, $2, $3, true, $4, $5)";
    /// How long until something can be claimed: a walk over all tenants. $1 is the newest format.
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

/// What an attempt to claim something came to.
enum Attempt {
    Claimed(Box<Claim>),
    /// A batch of this tenant's was routed, and there is more to be routed first.
    Again(TenantId),
    /// Nothing of this tenant can be claimed now.
    Vain(TenantId),
    /// As far as can be told without routing: somebody else holds this tenant's lock.
    Locked(TenantId),
    /// Every tenant with work has been tried.
    None,
}

impl PostgresStore {
    /// Tries to claim something of the next tenant whose turn it is.
    async fn claim_next(
        &self,
        request: &ClaimRequest,
        last: Option<&TenantId>,
    ) -> Result<Attempt, StoreError> {
        let attempt = sqlx::query(CLAIM_NEXT)
            .bind(request.after.as_ref().map(TenantId::as_str))
            .bind(last.map(TenantId::as_str))
            .bind(i32::from(request.format))
            .bind(ahead(request.lease));
        self.attempt(&alone("claim", attempt.fetch_all(self.pool())).await?)
    }

    /// Routes what a tenant has unrouted, then tries to claim something of it.
    async fn claim_of(
        &self,
        tenant: &TenantId,
        request: &ClaimRequest,
        waits: bool,
        has_routed: bool,
    ) -> Result<Attempt, StoreError> {
        let attempt = sqlx::query(CLAIM_OF)
            .bind(tenant.as_str())
            .bind(i32::from(request.format))
            .bind(ahead(request.lease))
            .bind(waits)
            .bind(has_routed);
        self.attempt(&alone("claim", attempt.fetch_all(self.pool())).await?)
    }

    /// What the rows of an attempt say.
    fn attempt(&self, rows: &[PgRow]) -> Result<Attempt, StoreError> {
        let Some((first, waiting)) = rows.split_first() else {
            return Ok(Attempt::None);
        };
        let row = Row::of("links", first);
        Ok(match row.get("part")? {
            "link" => Attempt::Claimed(Box::new(self.claimed(first, waiting)?)),
            "again" => Attempt::Again(row.text("tenant")?),
            "vain" => Attempt::Vain(row.text("tenant")?),
            "locked" => Attempt::Locked(row.text("tenant")?),
            "none" => Attempt::None,
            _ => return Err(row.corrupt("part")),
        })
    }

    /// A leased link with all that waits for it.
    fn claimed(&self, first: &PgRow, waiting: &[PgRow]) -> Result<Claim, StoreError> {
        let row = Row::of("links", first);
        let QueuedLink {
            link,
            fence,
            marks,
            begun,
        } = decode::link(first)?;
        let lease = Lease::new(link.tenant.clone(), link.id, fence, marks);
        let mut claim = Claim::new(lease, link, row.instant("now")?, self.books_since());
        claim.begun = begun;
        let first_revision: Option<i64> = row.get("revision")?;
        claim.first_revision = first_revision
            .and_then(|number| u64::try_from(number).ok())
            .map(Revision::new);
        for row in waiting {
            match Row::of("notices", row).get("part")? {
                "change" => claim.changes.push(decode::change(row)?.0),
                "delivery" => claim.deliveries.push(decode::delivery(row)?.0),
                "mark" => claim.marks.push(decode::mark(row)?),
                _ => return Err(Row::of("notices", row).corrupt("part")),
            }
        }
        Ok(claim)
    }
}

#[async_trait]
impl Links for PostgresStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError> {
        let mut last = None;
        let mut locked = Vec::new();
        loop {
            let mut attempt = self
                .retried(|| self.claim_next(request, last.as_ref()))
                .await?;
            while let Attempt::Again(tenant) = attempt {
                attempt = self
                    .retried(|| self.claim_of(&tenant, request, false, true))
                    .await?;
            }
            last = Some(match attempt {
                Attempt::Claimed(claim) => return Ok(Some(*claim)),
                Attempt::Locked(tenant) => {
                    locked.push(tenant.clone());
                    tenant
                }
                Attempt::Again(tenant) | Attempt::Vain(tenant) => tenant,
                Attempt::None => break,
            });
        }
        // Nothing is claimable at once; now there is time to wait for who routes or settles.
        for tenant in locked {
            let mut has_routed = false;
            loop {
                match self
                    .retried(|| self.claim_of(&tenant, request, true, has_routed))
                    .await?
                {
                    Attempt::Claimed(claim) => return Ok(Some(*claim)),
                    Attempt::Again(_) => has_routed = true,
                    _ => break,
                }
            }
        }
        Ok(None)
    }

    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError> {
        lease.check_link(&checkpoint.link)?;
        self.retried(|| settle::checkpoint(self, lease, &checkpoint))
            .await
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        lease.check_link(&settlement.link)?;
        self.retried(|| settle::settle(self, lease, &settlement))
            .await
    }

    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError> {
        self.retried(|| async {
            let mut transaction = self.begin_for("absorb", &lease.tenant).await?;
            let given_up = absorb::give_up(&mut transaction, lease, into).await;
            transaction.end(given_up).await
        })
        .await
    }

    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        self.retried(|| async {
            let mut connection = self.pool().acquire().await.map_err(failed)?;
            links::find(&mut connection, tenant, key).await
        })
        .await
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
        let mut transaction = self.begin_for("mark", tenant).await?;
        let marked = marks::mark_by_key(&mut transaction, tenant, key, &source).await;
        transaction.end(marked).await
    }

    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError> {
        let next_due = || async {
            sqlx::query_scalar(NEXT_DUE)
                .bind(i32::from(format))
                .fetch_optional(self.pool())
                .await
                .map_err(failed)
        };
        let wait: Option<Option<i64>> = self.retried(next_due).await?;
        Ok(wait.flatten().map(micros))
    }
}
