//! Calling the handlers. What goes wrong with one event is contained to it: a handler that fails,
//! panics, hangs, or kills its process.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tracing::Instrument;

use super::{EventHandler, HandlerErrorKind, cut};
use crate::store::{
    EventClaim, EventClaimRequest, LogEvent, NewReview, ReviewEnd, ReviewEvidence, ReviewReason,
    SenderEvent, SenderEventFate, SenderEventId, StoreError, StoreErrorKind, TenantId,
};
use crate::sync::engine::Engine;
use crate::sync::failure;
use crate::sync::review::with_causes;
use crate::webhook::Sender;

/// How much of a handler's message is kept, in bytes.
const MAX_MESSAGE: usize = 2_000;

/// What a step did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventOutcome {
    /// The handler has taken it.
    Handled,
    /// The handler failed, and will be called again.
    Waiting,
    /// The handler failed, and the event needs manual review.
    InReview,
    /// The worker stops, and another one will call the handler.
    HandedBack,
    /// The lease was lost, and another worker has called the handler, or will.
    LeaseLost,
}

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventReport {
    /// The tenant.
    pub tenant: TenantId,
    /// Who sent the event.
    pub sender: Sender,
    /// The event.
    pub event: SenderEventId,
    /// How it ended.
    pub outcome: EventOutcome,
}

impl EventReport {
    /// A report; called by implementations of [`SyncEngine`](crate::sync::SyncEngine).
    pub fn new(
        tenant: TenantId,
        sender: Sender,
        event: SenderEventId,
        outcome: EventOutcome,
    ) -> Self {
        Self {
            tenant,
            sender,
            event,
            outcome,
        }
    }
}

impl Engine {
    pub(in crate::sync) async fn step_event(&self) -> Result<Option<EventReport>, StoreError> {
        // Other processes may subscribe to more, or to all of it.
        if self.senders.handlers.is_empty() {
            return Ok(None);
        }
        let mut hand_backs = self.hand_backs.subscribe();
        let served = self.senders.served().clone();
        let request = EventClaimRequest::new(self.config.lease)
            .after(served)
            .of_senders(self.senders.handlers.keys().cloned());
        let claimed = self.store_call(self.store.claim_event(&request)).await?;
        let Some(claim) = claimed else {
            return Ok(None);
        };
        // Where there is one there may be more for others.
        self.senders.nudge();
        let SenderEvent {
            id, tenant, sender, ..
        } = claim.event.clone();
        *self.senders.served() = Some(tenant.clone());
        let span = tracing::debug_span!(
            "calcom.sync.event",
            %tenant,
            %sender,
            event = %id,
            attempt = claim.attempt,
            otel.kind = "consumer",
        );
        // The engine lives as long as this call, and so does the sender.
        let handed_back = async { hand_backs.changed().await.unwrap_or_default() };
        let handled = self.handle_event(&claim, handed_back).instrument(span);
        let outcome = match handled.await {
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => EventOutcome::LeaseLost,
            outcome => outcome?,
        };
        tracing::debug!(%tenant, %sender, event = %id, ?outcome, "an event was worked on");
        Ok(Some(EventReport::new(tenant, sender, id, outcome)))
    }

    async fn handle_event(
        &self,
        claim: &EventClaim,
        handed_back: impl Future<Output = ()> + Send,
    ) -> Result<EventOutcome, StoreError> {
        let Some(handler) = self.senders.handlers.get(&claim.event.sender) else {
            // The store has not gone by the request. Not due at once, or it would be claimed in a loop.
            let put_off = self.store.retry_event(&claim.lease, self.config.lease);
            self.store_call(put_off).await?;
            return Ok(EventOutcome::HandedBack);
        };
        // An attempt that ended was either the last one, or is waited after.
        let attempts = self.config.retry_delays.len() + 1;
        if usize::try_from(claim.attempt).is_ok_and(|attempt| attempt > attempts) {
            let why = format!("it was started {attempts} times without its end being stored");
            return self.park_event(claim, &why).await;
        }
        let called = tokio::select! {
            biased;
            called = self.call_handler(&**handler, &claim.event) => called,
            () = handed_back => {
                self.store_call(self.store.hand_back_event(&claim.lease)).await?;
                return Ok(EventOutcome::HandedBack);
            }
        };
        match called {
            Ok(()) => {
                let outcome = "The handler was called again, and has taken the event.";
                let handled = SenderEventFate::Handled;
                self.end(claim, &handled, outcome).await?;
                Ok(EventOutcome::Handled)
            }
            Err((HandlerErrorKind::Retry, why)) => self.retry_or_park(claim, &why).await,
            Err((HandlerErrorKind::GiveUp, why)) => self.park_event(claim, &why).await,
        }
    }

    /// Calls a handler, with a limit and without its panics.
    async fn call_handler(
        &self,
        handler: &dyn EventHandler,
        event: &SenderEvent,
    ) -> Result<(), (HandlerErrorKind, String)> {
        let limit = self.config.event_timeout;
        let call = tokio::time::timeout(limit, async { handler.handle(event).await });
        // The engine's own state is not touched in there; what the handler leaves behind is its own.
        match AssertUnwindSafe(call).catch_unwind().await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err((error.kind(), with_causes(&error))),
            Ok(Err(_)) => {
                let why = format!("it took longer than {limit:?}");
                Err((HandlerErrorKind::Retry, why))
            }
            // The panic's text may hold anything; the process's own log has it.
            Err(_) => {
                let why = "it panicked; the process's log says where".to_owned();
                Err((HandlerErrorKind::Retry, why))
            }
        }
    }

    async fn end(
        &self,
        claim: &EventClaim,
        fate: &SenderEventFate,
        outcome: &str,
    ) -> Result<(), StoreError> {
        let outcome = claim.review.map(|_| outcome);
        let ended = self.store.end_event(&claim.lease, fate, outcome);
        self.store_call(ended).await
    }

    async fn retry_or_park(
        &self,
        claim: &EventClaim,
        why: &str,
    ) -> Result<EventOutcome, StoreError> {
        let failed_before = claim.attempt.saturating_sub(1);
        let chance = self.entropy.next_u64();
        let Some(wait) = failure::attempt(failed_before, &self.config, chance) else {
            return self.park_event(claim, why).await;
        };
        let put_off = self.store.retry_event(&claim.lease, wait);
        self.store_call(put_off).await?;
        let SenderEvent {
            tenant, sender, id, ..
        } = &claim.event;
        tracing::warn!(%tenant, %sender, event = %id, error = cut(why, MAX_MESSAGE), "a handler failed, and will be called again");
        Ok(EventOutcome::Waiting)
    }

    /// Sends an event to review.
    async fn park_event(&self, claim: &EventClaim, why: &str) -> Result<EventOutcome, StoreError> {
        let review = review_of(&claim.event, why);
        let outcome = "The handler was called again, and failed again: there is a new item.";
        let outcome = claim.review.map(|_| outcome);
        let parked = self.store.park_event(&claim.lease, &review, outcome);
        let id = self.store_call(parked).await?;
        let tenant = &claim.event.tenant;
        tracing::warn!(
            %tenant,
            review = %id,
            reason = %review.reason,
            cause = %review.evidence.message,
            "needs manual review"
        );
        // It is parked: what fails from here on is told nobody, and undoes nothing.
        let sent = LogEvent::SentToReview {
            reason: review.reason,
        };
        let _ = self
            .store_call(self.store.append(tenant, None, &sent))
            .await;
        if let Ok(Some(item)) = self.store_call(self.store.review(tenant, id)).await {
            self.tell_opened(&item);
        }
        Ok(EventOutcome::InReview)
    }
}

/// The item about an event that its handler has not taken.
fn review_of(event: &SenderEvent, why: &str) -> NewReview {
    let SenderEvent {
        id,
        sender,
        event_id,
        event,
        ..
    } = event;
    let why = cut(why, MAX_MESSAGE);
    let message = format!(
        "The handler of {sender} has not taken event {event_id} ({event}): {why}. Fix the cause, then retry, or dismiss the event."
    );
    // The row's id first: any text may be in the sender's words, also a slash.
    let cause = format!("handler/{id}/{sender}/{event_id}");
    let reason = ReviewReason::HandlerFailed;
    let review = NewReview::of_tenant(cause, reason, ReviewEvidence::new(message));
    review.ending(ReviewEnd::ByPerson)
}
