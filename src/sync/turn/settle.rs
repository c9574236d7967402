//! Storing the outcome of a turn, in one transaction.

use std::time::Duration;

use super::{Case, Stop, Turn, TurnOutcome};
use crate::store::{
    ChangeFate, Delivery, DeliveryFate, LogEvent, NewReview, Origin, PendingWrite, RecordedChange,
    ReviewEvidence, ReviewReason, Settlement, StoreError, StoreErrorKind, Winner,
};
use crate::sync::calendar::CalendarError;
use crate::sync::decide::Decision;
use crate::sync::failure::{self, Next, NextReview};

impl Turn<'_> {
    pub(super) async fn settle(
        mut self,
        result: Result<Decision, Stop>,
    ) -> Result<TurnOutcome, StoreError> {
        let (settlement, outcome) = match result {
            Ok(done) => (self.agreed(&done), TurnOutcome::Settled),
            Err(Stop::Review(case)) => (self.in_review(&case), TurnOutcome::InReview),
            Err(Stop::Calendar(error)) => self.after_calendar_failure(&error),
            Err(Stop::Host(error)) if Self::is_passing(&error) => {
                tracing::warn!(error = %error, "the host's repository failed; trying again");
                let delay = self.engine.config.host_retry_delay;
                (self.later(delay), TurnOutcome::Waiting)
            }
            Err(Stop::Host(error)) => {
                let message = format!("The host's repository refuses: {error}");
                let case = Case::new(ReviewReason::HostRefused, message);
                (self.in_review(&case), TurnOutcome::InReview)
            }
            Err(Stop::Later(delay)) => (self.later(delay), TurnOutcome::Waiting),
            Err(Stop::Absorb(into)) => return self.absorb_into(into).await,
            Err(Stop::Store(error)) if error.kind() == StoreErrorKind::LeaseLost => {
                return Ok(TurnOutcome::LeaseLost);
            }
            Err(Stop::Store(error)) => {
                // If the store is well enough to take this, the link need not wait for its lease to run out.
                let delay = self.engine.config.host_retry_delay;
                let settlement = self.later(delay);
                let _ = self
                    .engine
                    .store
                    .settle(&self.claim.lease, settlement)
                    .await;
                return Err(error);
            }
        };
        let store = &self.engine.store;
        match store.settle(&self.claim.lease, settlement).await {
            Ok(()) => Ok(outcome),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => Ok(TurnOutcome::LeaseLost),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let settlement = self.held_by_another();
                store.settle(&self.claim.lease, settlement).await?;
                Ok(TurnOutcome::InReview)
            }
            Err(error) => Err(error),
        }
    }

    async fn absorb_into(self, into: crate::store::LinkId) -> Result<TurnOutcome, StoreError> {
        let store = &self.engine.store;
        let now = self.engine.clock.now();
        match store.absorb(&self.claim.lease, into, now).await {
            Ok(()) => Ok(TurnOutcome::Absorbed),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => Ok(TurnOutcome::LeaseLost),
            // The other link was absorbed itself, or this one has grown: look again.
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::NotFound | StoreErrorKind::Conflict
                ) =>
            {
                let mut settlement = Settlement::new(self.claim.link.clone(), now);
                settlement.next_due = Some(now + super::UNSETTLED_DELAY);
                store.settle(&self.claim.lease, settlement).await?;
                Ok(TurnOutcome::Waiting)
            }
            Err(error) => Err(error),
        }
    }

    fn settlement(&mut self) -> Settlement {
        let mut settlement = Settlement::new(self.link.clone(), self.engine.clock.now());
        settlement.chain_uids = std::mem::take(&mut self.chain_uids).into_iter().collect();
        settlement.log = std::mem::take(&mut self.log);
        settlement.mark_series = self.ended_series;
        settlement
    }

    /// Nothing is left to do.
    fn agreed(&mut self, done: &Decision) -> Settlement {
        self.link.attempts = 0;
        self.link.pending = None;
        self.link.verify = false;
        let both_sides = self.local.is_some() && self.remote.is_some();
        if let Some(remote) = self.remote.as_ref().filter(|_| both_sides) {
            self.link.base = Some(remote.state.clone());
        }
        self.explain(done);
        let mut settlement = self.settlement();
        settlement.close_reviews = both_sides;
        let skipped = matches!(done, Decision::SkipNeverBooked);
        let pushed = if self.pushed {
            ChangeFate::Pushed
        } else if skipped {
            ChangeFate::SkippedNeverBooked
        } else if self.winner == Some(Winner::Remote) {
            ChangeFate::Overruled
        } else {
            ChangeFate::Agreed
        };
        self.settle_changes(&mut settlement, &pushed);
        let fate = if *done == Decision::IgnoreEnded {
            DeliveryFate::IgnoredEnded
        } else if self.applied {
            DeliveryFate::Applied
        } else if self.winner == Some(Winner::Local) {
            DeliveryFate::Overruled
        } else {
            DeliveryFate::Agreed
        };
        self.settle_deliveries(&mut settlement, &fate);
        settlement
    }

    /// Says in the log why nothing was done, where nothing was.
    fn explain(&mut self, done: &Decision) {
        let changes = &self.claim.changes;
        let from_calcom = |recorded: &RecordedChange| recorded.change.origin == Origin::Calcom;
        if changes.iter().any(from_calcom) {
            self.log.push(LogEvent::SkippedOriginCalcom);
            return;
        }
        if self.pushed || self.applied {
            return;
        }
        self.log.push(match done {
            Decision::MoveBase => LogEvent::BaseMoved,
            Decision::SkipNeverBooked => LogEvent::SkippedNeverBooked,
            Decision::SkipOriginCalcom => LogEvent::SkippedOriginCalcom,
            Decision::IgnoreEnded if self.link.booking.is_some() => LogEvent::IgnoredEnded {
                booking: self.link.booking.clone().unwrap_or_else(|| "".into()),
            },
            _ => LogEvent::NothingToDo {
                changes: changes.len(),
                deliveries: self.claim.deliveries.len(),
            },
        });
    }

    /// A person has to decide.
    fn in_review(&mut self, case: &Case) -> Settlement {
        if case.reason == ReviewReason::ForeignBooking && self.foreign_is_from_outside() {
            return self.refuse_foreign(case);
        }
        let review = self.review(case);
        // A write to Cal.com that may have been carried out stays on record, to be looked for next time: what went to
        // review need have nothing to do with it.
        if let Some(PendingWrite::CreateAppointment { .. }) = self.link.pending {
            self.link.pending = None;
        }
        // Until both sides agree, the base does not stand for Cal.com: were the host to go back to it, that would look like
        // agreement.
        self.link.verify = true;
        self.link.attempts = 0;
        self.log.push(LogEvent::SentToReview {
            reason: case.reason.clone(),
        });
        let mut settlement = self.settlement();
        self.settle_changes(&mut settlement, &ChangeFate::InReview);
        let fate = match case.reason {
            ReviewReason::ForeignBooking => DeliveryFate::RefusedForeign,
            _ => DeliveryFate::InReview,
        };
        self.settle_deliveries(&mut settlement, &fate);
        settlement.review = Some(review);
        settlement
    }

    /// Whether only a delivery says that the foreign booking has to do with the link. Were it the link's own, it would be
    /// found again and again.
    fn foreign_is_from_outside(&self) -> bool {
        let named = |delivery: &Delivery| delivery.booking == self.foreign;
        self.foreign != self.link.booking && self.claim.deliveries.iter().any(named)
    }

    /// The deliveries that name a foreign booking are refused. They say nothing about the rest, which stays due.
    fn refuse_foreign(&mut self, case: &Case) -> Settlement {
        let review = self.review(case);
        self.log.push(LogEvent::SentToReview {
            reason: case.reason.clone(),
        });
        let mut settlement = self.settlement();
        let (refused, rest): (Vec<_>, Vec<_>) = self
            .claim
            .deliveries
            .iter()
            .partition(|delivery| delivery.booking == self.foreign);
        let refused = refused.iter();
        settlement.deliveries = refused
            .map(|delivery| (delivery.id, DeliveryFate::RefusedForeign))
            .collect();
        let more = !rest.is_empty()
            || !self.claim.changes.is_empty()
            || self.link.pending.is_some()
            || self.link.verify;
        settlement.next_due = more.then_some(settlement.at);
        settlement.review = Some(review);
        settlement
    }

    fn review(&self, case: &Case) -> NewReview {
        let mut bookings: Vec<_> = self.link.booking.iter().cloned().collect();
        bookings.extend(self.link.rivals.iter().cloned());
        NewReview {
            reason: case.reason.clone(),
            evidence: ReviewEvidence {
                message: case.message.clone(),
                base: self.link.base.clone(),
                local: self.local.as_ref().map(|local| local.state.clone()),
                remote: self.remote.as_ref().map(|remote| remote.state.clone()),
                bookings,
                alternatives: case.alternatives.clone(),
            },
        }
    }

    fn after_calendar_failure(&mut self, error: &CalendarError) -> (Settlement, TurnOutcome) {
        let chance = self.engine.entropy.next_u64();
        let config = &self.engine.config;
        match failure::after(error, self.link.attempts, config, chance) {
            Next::Retry(delay) => {
                self.link.attempts = self.link.attempts.saturating_add(1);
                self.log.push(LogEvent::RetryScheduled {
                    at: self.engine.clock.now() + delay,
                    attempts: self.link.attempts,
                    error: error.to_string(),
                });
                (self.later(delay), TurnOutcome::Waiting)
            }
            Next::Postpone(delay) => {
                self.log.push(LogEvent::Postponed {
                    until: self.engine.clock.now() + delay,
                });
                (self.later(delay), TurnOutcome::Waiting)
            }
            Next::Review(next) => {
                let message = match next {
                    NextReview::Exhausted => format!(
                        "Every attempt failed. Whether the last one was carried out is looked up on a retry. {error}"
                    ),
                    NextReview::Rejected | NextReview::SlotTaken => {
                        format!("Cal.com refuses: {error}")
                    }
                };
                let case = Case::new(next.reason(), message);
                (self.in_review(&case), TurnOutcome::InReview)
            }
            Next::PauseTenant => {
                let message = format!(
                    "Cal.com refuses the tenant's credentials, and the tenant's work is paused. Replace them, then retry. {error}"
                );
                let case = Case::new(ReviewReason::CredentialsRefused, message);
                let review = NewReview {
                    reason: case.reason.clone(),
                    evidence: ReviewEvidence {
                        message: case.message,
                        ..ReviewEvidence::default()
                    },
                };
                self.log.push(LogEvent::TenantPaused);
                let mut settlement = self.later(Duration::ZERO);
                settlement.review = Some(review);
                settlement.pause_tenant = true;
                (settlement, TurnOutcome::Waiting)
            }
        }
    }

    /// Everything stays as it was and is tried again; what was written on the way is kept.
    fn later(&mut self, delay: Duration) -> Settlement {
        let mut settlement = self.settlement();
        settlement.next_due = Some(settlement.at + delay);
        settlement
    }

    /// Another link holds what this one was to hold; a person has to find out which is right.
    fn held_by_another(&mut self) -> Settlement {
        let case = Case::new(
            ReviewReason::TwoLiveBookings,
            "The booking, or the appointment, belongs to another pair already.",
        );
        let review = self.review(&case);
        let mut link = self.claim.link.clone();
        // A write that was begun stays on record.
        link.pending = self
            .link
            .pending
            .clone()
            .filter(|pending| !matches!(pending, PendingWrite::CreateAppointment { .. }));
        link.verify = true;
        let mut settlement = Settlement::new(link, self.engine.clock.now());
        settlement.log = vec![LogEvent::SentToReview {
            reason: case.reason,
        }];
        settlement.review = Some(review);
        self.settle_changes(&mut settlement, &ChangeFate::InReview);
        self.settle_deliveries(&mut settlement, &DeliveryFate::InReview);
        settlement
    }

    fn settle_changes(&self, settlement: &mut Settlement, newest: &ChangeFate) {
        for recorded in &self.claim.changes {
            let change = &recorded.change;
            let fate = if change.origin == Origin::Calcom {
                ChangeFate::SkippedOriginCalcom
            } else {
                match self.loaded_revision {
                    Some(read) if change.revision < read => ChangeFate::Superseded,
                    // A repository that lags behind its own outbox: come back for it.
                    Some(read) if change.revision > read => {
                        settlement.next_due = Some(settlement.at + super::UNSETTLED_DELAY);
                        continue;
                    }
                    _ => newest.clone(),
                }
            };
            settlement.changes.push((recorded.id, fate));
        }
    }

    fn settle_deliveries(&self, settlement: &mut Settlement, fate: &DeliveryFate) {
        let waiting = self.claim.deliveries.iter();
        settlement
            .deliveries
            .extend(waiting.map(|delivery| (delivery.id, fate.clone())));
    }
}
