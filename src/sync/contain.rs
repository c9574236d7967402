//! Containing what goes wrong with one claim to its link or its tenant: a tenant that cannot be
//! read, a link that cannot be decoded, a turn that panics, hangs, or kills its process. Also a turn
//! that is cut short because its worker stops.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;

use super::engine::Engine;
use super::failure;
use super::review::with_causes;
use super::standing::Standing;
use super::turn::{Turn, TurnOutcome};
use crate::metrics;
use crate::store::{
    ChangeFate, Claim, DeliveryFate, Hold, Lease, Link, LinkKey, LogEvent, NewReview, ReviewEnd,
    ReviewEvidence, ReviewReason, Settled, Settlement, StoreError, StoreErrorKind,
};

/// The cause of the item about a tenant that cannot be read.
pub(super) const TENANT_UNREADABLE: &str = "tenant_unreadable";

/// The time limit of a whole turn, in leases. Every call in it has its own limit; this one covers
/// what those miss.
const LEASES_PER_TURN: u32 = 4;

impl Engine {
    /// Works on a claimed link, until `handed_back` completes at the latest.
    pub(super) async fn work_on(
        &self,
        claim: Claim,
        handed_back: impl Future<Output = ()> + Send,
    ) -> Result<TurnOutcome, StoreError> {
        if claim.begun > self.config.max_begun {
            let message = format!(
                "The work was begun {} times and never ended; it may kill its process. Look at the appointment and at the process's log, then retry.",
                claim.begun - 1
            );
            return self.park(&claim, ReviewReason::WorkFailed, message).await;
        }
        let standing = match Standing::of(&claim.link) {
            Ok(standing) => standing,
            Err(error) => {
                let message = format!(
                    "{}. Restore link {} from a copy, then retry.",
                    with_causes(&error),
                    claim.link.id
                );
                return self.park(&claim, ReviewReason::Undecodable, message).await;
            }
        };
        let tenant = self.tenants.tenant(&claim.link.tenant);
        let tenant = match self.host_call(tenant).await {
            Ok(Some(tenant)) => tenant,
            Ok(None) => {
                let message = "The tenant is not in the directory. Its work waits until it is.";
                return self.hold_tenant(&claim, message.to_owned()).await;
            }
            Err(error) => {
                let message = format!(
                    "The tenant cannot be read from the directory, and its work waits until it can: {}",
                    with_causes(&error)
                );
                return self.hold_tenant(&claim, message).await;
            }
        };
        let unfinished = Unfinished::of(&claim);
        let limit = self.config.lease * LEASES_PER_TURN;
        let wrote = Arc::new(AtomicBool::new(false));
        let turn = Turn::new(self, tenant, claim, standing, Arc::clone(&wrote)).run();
        let turn = tokio::time::timeout(limit, turn);
        // Boxed: a turn is a large future, and workers hold many. What a turn that panicked leaves
        // behind is its own; the engine it borrows has locks that are held for single statements
        // only.
        let turn = Box::pin(AssertUnwindSafe(turn).catch_unwind());
        let ended = tokio::select! {
            biased;
            ended = turn => ended,
            () = handed_back => {
                return self.give_back(&unfinished, wrote.load(Ordering::Relaxed)).await;
            }
        };
        match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                let what = format!("The work took longer than {limit:?}.");
                self.after_failed_work(&unfinished, what).await
            }
            // The panic's text may hold anything; the process's own log has it.
            Err(_) => {
                let what = "The work panicked; the process's log says where.".to_owned();
                self.after_failed_work(&unfinished, what).await
            }
        }
    }

    /// Stores an outcome, and warns about newly opened review items.
    pub(super) async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        let pause = match &settlement.hold {
            Some(Hold::Pause(cause)) => Some(cause.clone()),
            _ => None,
        };
        let settled = self
            .store_call(self.store.settle(lease, settlement))
            .await?;
        for id in &settled.opened {
            let item = self.store_call(self.store.review(&lease.tenant, *id)).await;
            let Ok(Some(item)) = item else {
                continue;
            };
            // One that was under way when another one paused the tenant opens no item.
            if item.link.is_none() && pause.as_ref() == Some(&item.cause) {
                self.tell_paused(&item.tenant, Some(item.id));
            } else {
                self.tell_opened(&item);
            }
            tracing::warn!(
                tenant = %item.tenant,
                review = %item.id,
                link = ?item.link,
                appointment = ?item.appointment,
                reason = %item.reason,
                cause = %item.evidence.message,
                "a person has to decide"
            );
        }
        Ok(settled)
    }

    /// Sends a link to review; an undecodable one stays exactly as it is stored.
    async fn park(
        &self,
        claim: &Claim,
        reason: ReviewReason,
        message: String,
    ) -> Result<TurnOutcome, StoreError> {
        let mut link = claim.link.clone();
        if let Ok(mut standing) = Standing::of(&link) {
            // What waited was not looked at: the base does not stand for Cal.com any more.
            standing.verify = true;
            standing.in_review = true;
            standing.last.failed(claim.now, &message);
            standing.put_into(&mut link);
        }
        let mut settlement = Settlement::new(link);
        Unfinished::of(claim).send_to_review(&mut settlement);
        mark_siblings(&mut settlement);
        settlement.log = vec![LogEvent::SentToReview {
            reason: reason.clone(),
        }];
        settlement.reviews = vec![NewReview::of_link(reason, ReviewEvidence::new(message))];
        self.settle_or_lose(&claim.lease, settlement, TurnOutcome::InReview)
            .await
    }

    /// Holds a tenant that cannot be read. Its links stay unchanged.
    async fn hold_tenant(&self, claim: &Claim, message: String) -> Result<TurnOutcome, StoreError> {
        let delay = self.config.tenant_retry_delay;
        let mut settlement = Settlement::new(claim.link.clone());
        settlement.wake = Some(Duration::ZERO);
        settlement.hold = Some(Hold::For(delay));
        settlement.log = vec![LogEvent::Postponed {
            until: claim.now + delay,
        }];
        let review = NewReview::of_tenant(
            TENANT_UNREADABLE,
            ReviewReason::TenantUnreadable,
            ReviewEvidence::new(message),
        );
        settlement.reviews = vec![review.ending(ReviewEnd::WithCause)];
        self.settle_or_lose(&claim.lease, settlement, TurnOutcome::Waiting)
            .await
    }

    /// After work that panicked, hung or was killed: retries on the usual schedule, then review.
    async fn after_failed_work(
        &self,
        unfinished: &Unfinished,
        what: String,
    ) -> Result<TurnOutcome, StoreError> {
        let lease = &unfinished.lease;
        let Some(mut link) = self.stored_link(lease).await? else {
            return Ok(TurnOutcome::LeaseLost);
        };
        let mut standing = Standing::of(&link).unwrap_or_default();
        let chance = self.entropy.next_u64();
        let delay = failure::attempt(standing.attempts, &self.config, chance);
        standing.attempts = match delay {
            Some(_) => standing.attempts.saturating_add(1),
            None => 0,
        };
        standing.verify = true;
        standing.last.failed(unfinished.now, &what);
        standing.put_into(&mut link);
        let mut settlement = Settlement::new(link);
        settlement.wake = delay;
        settlement.not_before = delay;
        if delay.is_none() {
            unfinished.send_to_review(&mut settlement);
            mark_siblings(&mut settlement);
            standing.in_review = true;
            standing.put_into(&mut settlement.link);
            let reason = ReviewReason::WorkFailed;
            settlement.log = vec![LogEvent::SentToReview {
                reason: reason.clone(),
            }];
            let message =
                format!("{what} Every further attempt did too. Fix the cause, then retry.");
            settlement.reviews = vec![NewReview::of_link(reason, ReviewEvidence::new(message))];
        } else {
            metrics::work_repeated();
            tracing::warn!(tenant = %lease.tenant, link = %lease.link, what, "work on a link failed");
        }
        self.settle_or_lose(lease, settlement, TurnOutcome::Failed)
            .await
    }

    /// Ends a turn that was cut short, for other workers to go on with: at once, or once a write that
    /// may be under way has had the time that a call is given.
    async fn give_back(
        &self,
        unfinished: &Unfinished,
        wrote: bool,
    ) -> Result<TurnOutcome, StoreError> {
        let lease = &unfinished.lease;
        let Some(link) = self.stored_link(lease).await? else {
            return Ok(TurnOutcome::LeaseLost);
        };
        let mut settlement = Settlement::new(link);
        let delay = if wrote {
            self.config.call_timeout
        } else {
            Duration::ZERO
        };
        settlement.wake = Some(delay);
        settlement.not_before = Some(delay);
        self.settle_or_lose(lease, settlement, TurnOutcome::HandedBack)
            .await
    }

    /// The link as it is stored: a turn may have stored more than it was given.
    async fn stored_link(&self, lease: &Lease) -> Result<Option<Link>, StoreError> {
        let key = LinkKey::Id(lease.link);
        let link = self.store.find(&lease.tenant, &key);
        self.store_call(link).await
    }

    async fn settle_or_lose(
        &self,
        lease: &Lease,
        settlement: Settlement,
        outcome: TurnOutcome,
    ) -> Result<TurnOutcome, StoreError> {
        match self.settle(lease, settlement).await {
            Ok(_) => Ok(outcome),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => Ok(TurnOutcome::LeaseLost),
            Err(error) => Err(error),
        }
    }
}

/// What is needed of a claim after the turn that consumed it is gone.
struct Unfinished {
    lease: Lease,
    now: chrono::DateTime<chrono::Utc>,
    changes: Vec<crate::store::ChangeId>,
    deliveries: Vec<crate::store::DeliveryId>,
    marks: Vec<crate::store::MarkId>,
}

impl Unfinished {
    fn of(claim: &Claim) -> Self {
        Self {
            lease: claim.lease.clone(),
            now: claim.now,
            changes: claim.changes.iter().map(|row| row.id).collect(),
            deliveries: claim.deliveries.iter().map(|row| row.id).collect(),
            marks: claim.marks.iter().map(|row| row.id).collect(),
        }
    }

    fn send_to_review(&self, settlement: &mut Settlement) {
        let changes = self.changes.iter();
        settlement.changes = changes.map(|id| (*id, ChangeFate::InReview)).collect();
        let deliveries = self.deliveries.iter();
        settlement.deliveries = deliveries.map(|id| (*id, DeliveryFate::InReview)).collect();
        settlement.marks.clone_from(&self.marks);
    }
}

/// Has the other links of the series looked at: the delivery that is parked with the link may be the
/// only one about all of them.
fn mark_siblings(settlement: &mut Settlement) {
    settlement.mark_siblings = settlement.link.series.is_some();
}
