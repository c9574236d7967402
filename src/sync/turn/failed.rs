//! Outcomes of a turn in which a call failed: a retry, a tenant on hold, or a review item.

use std::time::Duration;

use super::{Case, Turn, TurnOutcome, is_passing};
use crate::metrics;
use crate::store::{
    Hold, LogEvent, NewReview, ReviewEnd, ReviewEvidence, ReviewReason, Settlement, StoreError,
};
use crate::sync::calendar::{CalendarError, CalendarErrorKind};
use crate::sync::failure::{self, Next};
use crate::sync::review::with_causes;

impl Turn<'_> {
    /// Retries on the usual schedule, then review.
    pub(super) fn again_or_review(&mut self, case: &Case) -> (Settlement, TurnOutcome) {
        let chance = self.engine.entropy.next_u64();
        let attempts = self.standing.attempts;
        match failure::attempt(attempts, &self.engine.config, chance) {
            Some(delay) => (self.retry(delay, &case.message), TurnOutcome::Waiting),
            None => (self.in_review(case), TurnOutcome::InReview),
        }
    }

    fn retry(&mut self, delay: Duration, error: &str) -> Settlement {
        metrics::work_repeated();
        self.standing.attempts = self.standing.attempts.saturating_add(1);
        self.standing.last.failed(self.claim.now, error);
        self.log.push(LogEvent::RetryScheduled {
            at: self.claim.now + delay,
            attempts: self.standing.attempts,
            error: error.to_owned(),
        });
        let mut settlement = self.later(delay);
        // What comes meanwhile neither shortens the wait nor uses up an attempt.
        settlement.not_before = Some(delay);
        settlement
    }

    pub(super) fn after_host_failure(&mut self, error: &StoreError) -> (Settlement, TurnOutcome) {
        let causes = with_causes(error);
        if !is_passing(error) {
            let message =
                format!("The host's repository refuses: {causes}. Fix the cause, then retry.");
            let case = Case::new(ReviewReason::HostRefused, message);
            return (self.in_review(&case), TurnOutcome::InReview);
        }
        tracing::warn!(error = %causes, "the host's repository failed");
        let message = format!(
            "The host's repository failed at every attempt: {causes}. Retry when it is back; one retry covers all appointments of this item."
        );
        let case = Case::new(ReviewReason::HostUnavailable, message);
        let cause = ReviewReason::HostUnavailable.as_str();
        self.again_or_review(&case.shared(cause))
    }

    pub(super) async fn after_calendar_failure(
        &mut self,
        error: CalendarError,
    ) -> (Settlement, TurnOutcome) {
        let causes = with_causes(&error);
        let chance = self.engine.entropy.next_u64();
        let attempts = self.standing.attempts;
        match failure::after(&error, attempts, &self.engine.config, chance) {
            Next::Retry(delay) => (self.retry(delay, &causes), TurnOutcome::Waiting),
            Next::Hold(delay) => (self.hold(delay), TurnOutcome::Waiting),
            Next::Exhausted => {
                let message = format!(
                    "Every attempt failed: {causes}. Whether the last one was carried out is looked up on a retry; one retry covers all appointments of this item."
                );
                let case = Case::new(ReviewReason::RetriesExhausted, message);
                let case = case.shared(ReviewReason::RetriesExhausted.as_str());
                (self.in_review(&case), TurnOutcome::InReview)
            }
            Next::Rejected => {
                let case = Case::new(ReviewReason::Rejected, refusal(&causes));
                (self.in_review(&case), TurnOutcome::InReview)
            }
            Next::SlotTaken => {
                let case = Case::new(ReviewReason::SlotTaken, refusal(&causes));
                (self.in_review(&case), TurnOutcome::InReview)
            }
            Next::AskForAccount => self.after_denial(&causes).await,
        }
    }

    /// The credentials were refused for one call. Checking the account tells whether they are
    /// wrong.
    async fn after_denial(&mut self, causes: &str) -> (Settlement, TurnOutcome) {
        let asked = self.call(self.tenant.calendar.account()).await;
        match asked.map_err(|error| (error.kind(), error)) {
            Ok(()) => {
                let case = Case::new(ReviewReason::Rejected, refusal(causes));
                (self.in_review(&case), TurnOutcome::InReview)
            }
            Err((CalendarErrorKind::Denied, _)) => (self.pause(causes), TurnOutcome::Waiting),
            Err((CalendarErrorKind::Throttled, error)) => {
                let chance = self.engine.entropy.next_u64();
                match failure::after(&error, 0, &self.engine.config, chance) {
                    Next::Hold(delay) => (self.hold(delay), TurnOutcome::Waiting),
                    _ => (self.pause(causes), TurnOutcome::Waiting),
                }
            }
            Err((_, error)) => {
                let message = format!("{causes}; and the account: {}", with_causes(&error));
                let case = Case::new(ReviewReason::RetriesExhausted, message);
                self.again_or_review(&case.shared(ReviewReason::RetriesExhausted.as_str()))
            }
        }
    }

    fn pause(&mut self, causes: &str) -> Settlement {
        let reason = ReviewReason::CredentialsRefused;
        let message = format!(
            "Cal.com refuses the tenant's credentials, its account included, and the tenant's work is paused. Replace them, then retry. {causes}"
        );
        let cause = reason.as_str().to_owned();
        self.standing.last.failed(self.claim.now, causes);
        self.log.push(LogEvent::TenantPaused);
        let mut settlement = self.later(Duration::ZERO);
        settlement.hold = Some(Hold::Pause(cause.clone()));
        let review = NewReview::of_tenant(cause, reason, ReviewEvidence::new(message));
        let review = review.ending(ReviewEnd::WithCause);
        settlement.reviews.push(review);
        settlement
    }

    /// Holds the tenant; the link is next when work resumes.
    fn hold(&mut self, delay: Duration) -> Settlement {
        self.log.push(LogEvent::Postponed {
            until: self.claim.now + delay,
        });
        let mut settlement = self.later(Duration::ZERO);
        settlement.hold = Some(Hold::For(delay));
        settlement
    }

    /// A delivery's claim is not visible yet; it is looked for on schedule, and anything else that
    /// arrives is processed at once.
    pub(super) fn not_yet(&mut self) -> Settlement {
        let mut settlement = self.later(Duration::ZERO);
        settlement.wake = self.next_doubt();
        // The changes and the deliveries that wait with it are worked on with the next look.
        settlement
    }

    /// Everything stays as it was and is retried; what was written on the way is kept.
    fn later(&mut self, delay: Duration) -> Settlement {
        let mut settlement = self.settlement();
        settlement.wake = Some(delay);
        settlement.marks = self.heeded_marks(false);
        // Whoever asked for a read by a mark is served by the next turn.
        if !settlement.marks.is_empty() {
            self.standing.verify = true;
            self.plan_next_look();
            self.standing.put_into(&mut settlement.link);
        }
        settlement
    }
}

fn refusal(causes: &str) -> String {
    format!("Cal.com refuses: {causes}. Change the appointment, or mend the cause and retry.")
}
