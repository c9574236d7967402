//! Storing the outcome of a turn, in one transaction.

use std::time::Duration;

use super::reviewed::HELD_BY_ANOTHER;
use super::{Case, Stop, Turn, TurnOutcome, soonest};
use crate::metrics;
use crate::store::{
    AppointmentStatus, ChangeFate, Delivery, DeliveryFate, Differences, LogEvent, NoticeSource,
    Origin, RecordedChange, ReviewReason, Settlement, StoreError, StoreErrorKind, Winner,
};
use crate::sync::contain::TENANT_UNREADABLE;
use crate::sync::decide::Decision;

/// How long after a booking of a series has ended the others are looked at once more: they may be
/// carried out a moment later.
const SIBLING_LOOK: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// How changes became known that are applied.
#[derive(Debug, Default)]
struct Told {
    /// How long ago the webhooks were received.
    lags: Vec<Duration>,
    by_sweep: bool,
}

impl Told {
    fn record(self) {
        self.lags.into_iter().for_each(metrics::webhook_applied);
        if self.by_sweep {
            metrics::found_by_sweep();
        }
    }
}

impl Turn<'_> {
    pub(super) async fn settle(
        mut self,
        result: Result<Decision, Stop>,
    ) -> Result<TurnOutcome, StoreError> {
        // What was read is not in the base yet, and nothing else may tell of it.
        self.standing.verify |= result.is_err() && self.fresh;
        let (settlement, outcome) = match result {
            Ok(done) => (self.agreed(&done), TurnOutcome::Settled),
            Err(Stop::Review(case)) => (self.in_review(&case), TurnOutcome::InReview),
            Err(Stop::Calendar(error)) => self.after_calendar_failure(error).await,
            Err(Stop::Host(error)) => self.after_host_failure(&error),
            Err(Stop::Lag(case)) => self.again_or_review(&case),
            Err(Stop::NotYet) => (self.not_yet(), TurnOutcome::Waiting),
            Err(Stop::StillInReview) => (self.still_in_review(), TurnOutcome::InReview),
            Err(Stop::Seats(whole)) => self.pass_on(*whole).await?,
            Err(Stop::Absorb(into)) => return self.absorb_into(into).await,
            Err(Stop::Store(error)) if error.kind() == StoreErrorKind::LeaseLost => {
                return Ok(TurnOutcome::LeaseLost);
            }
            // What holds the key may be a link that nothing is known of yet; settling takes that
            // one in.
            Err(Stop::Store(error)) if error.kind() == StoreErrorKind::Conflict => {
                let case = Case::new(ReviewReason::TwoLiveBookings, HELD_BY_ANOTHER);
                self.again_or_review(&case)
            }
            // The lease runs out, and the link is worked on again.
            Err(Stop::Store(error)) => return Err(error),
        };
        let lease = self.claim.lease.clone();
        let told = self.told(&settlement);
        match self.engine.settle(&lease, settlement).await {
            Ok(_) => {
                told.record();
                Ok(outcome)
            }
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => Ok(TurnOutcome::LeaseLost),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let settlement = self.held_by_another();
                match self.engine.settle(&lease, settlement).await {
                    Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                        Ok(TurnOutcome::LeaseLost)
                    }
                    settled => settled.map(|_| TurnOutcome::InReview),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// How the changes became known that a settlement applies, for the metrics.
    fn told(&self, settlement: &Settlement) -> Told {
        let mut told = Told::default();
        if !metrics::ENABLED {
            return told;
        }
        let is_found = |event: &LogEvent| matches!(event, LogEvent::FoundBySweep { .. });
        told.by_sweep = settlement.log.iter().any(is_found);
        let applied = settlement.deliveries.iter();
        let applied = applied.filter(|(_, fate)| *fate == DeliveryFate::Applied);
        for (id, _) in applied {
            let mut deliveries = self.claim.deliveries.iter();
            let Some(delivery) = deliveries.find(|delivery| delivery.id == *id) else {
                continue;
            };
            if delivery.source == NoticeSource::Webhook {
                let waited = self.claim.now - delivery.received_at;
                let waited = waited.to_std().unwrap_or_default();
                told.lags.push(waited + self.began.elapsed());
            }
        }
        told
    }

    async fn absorb_into(mut self, into: crate::store::LinkId) -> Result<TurnOutcome, StoreError> {
        let lease = self.claim.lease.clone();
        let absorbed = self.engine.store.absorb(&lease, into);
        match self.engine.store_call(absorbed).await {
            Ok(()) => Ok(TurnOutcome::Absorbed),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => Ok(TurnOutcome::LeaseLost),
            // The other link was absorbed itself, or this one has grown: look again.
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::NotFound | StoreErrorKind::Conflict
                ) =>
            {
                let message = "The booking belongs to another link, which cannot take it over. End one of the two appointments at the host, then retry.";
                let case = Case::new(ReviewReason::LinkLost, message);
                let (settlement, outcome) = self.again_or_review(&case);
                match self.engine.settle(&lease, settlement).await {
                    Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                        Ok(TurnOutcome::LeaseLost)
                    }
                    settled => settled.map(|_| outcome),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// A settlement with all that the turn has found out so far.
    pub(super) fn settlement(&mut self) -> Settlement {
        self.standing.last.attempted(self.claim.now);
        self.standing.put_into(&mut self.link);
        let mut settlement = Settlement::new(self.link.clone());
        settlement.chain_uids = std::mem::take(&mut self.chain_uids).into_iter().collect();
        settlement.log = std::mem::take(&mut self.log);
        settlement.outcomes = std::mem::take(&mut self.outcomes);
        settlement.reviews = std::mem::take(&mut self.reports);
        settlement.mark_siblings = self.mark_siblings;
        // It was read for this turn.
        settlement.gone = vec![TENANT_UNREADABLE.to_owned()];
        self.report_strays(&mut settlement);
        settlement
    }

    /// Nothing is left to do.
    fn agreed(&mut self, done: &Decision) -> Settlement {
        self.move_base(done);
        self.standing.last.succeeded(self.claim.now);
        // Whatever was to follow, nothing is left to do.
        self.standing.retiring.take_if(|retiring| retiring.is_gone);
        self.standing.no_room_for = None;
        self.standing.attempts = 0;
        self.standing.verify = false;
        self.standing.in_review = false;
        self.plan_next_look();
        self.forget_what_cannot_land();
        self.explain(done);
        self.end_instructions("carried out");
        let both_sides = self.standing.base.is_some()
            || (self.local.is_none() && self.remote.is_none())
            || !self.is_anything_alive();
        let mut settlement = self.settlement();
        settlement.settled = both_sides;
        settlement.marks = self.heeded_marks(true);
        settlement.wake = self.next_wake();
        let fate = self.fate_of_changes(done);
        self.settle_changes(&mut settlement, &fate);
        let fate = if *done == Decision::IgnoreEnded {
            DeliveryFate::IgnoredEnded
        } else if self.applied {
            DeliveryFate::Applied
        } else if self.winner == Some(Winner::Local) {
            DeliveryFate::Overruled
        } else {
            DeliveryFate::Agreed
        };
        if fate == DeliveryFate::Applied {
            settlement.log.extend(self.found_by_sweep());
        }
        self.settle_deliveries(&mut settlement, &fate);
        settlement
    }

    /// The log entry for a change that only a sweep reported.
    fn found_by_sweep(&self) -> Option<LogEvent> {
        let is_swept = |delivery: &&Delivery| delivery.source == NoticeSource::Sweep;
        let mut settled = self.settled_together();
        let swept = settled.find(is_swept)?;
        if self.is_told_by_webhook() {
            return None;
        }
        let booking = self.link.booking.clone().or(swept.booking.clone())?;
        Some(LogEvent::FoundBySweep { booking })
    }

    pub(super) fn is_told_by_webhook(&self) -> bool {
        let mut settled = self.settled_together();
        settled.any(|delivery| delivery.source == NoticeSource::Webhook)
    }

    /// The deliveries that end with what becomes of the link.
    fn settled_together(&self) -> impl Iterator<Item = &Delivery> {
        self.claim.deliveries.iter().filter(|delivery| {
            let named = delivery.booking.as_ref();
            !named.is_some_and(|uid| self.strays.contains_key(uid))
                && !self.contradicted.contains(&delivery.id)
                && !self.is_in_doubt(delivery)
        })
    }

    /// Whether either side has something that takes up time.
    fn is_anything_alive(&self) -> bool {
        let local = self.local.as_ref().map(|local| local.state.status);
        let remote = self.remote.as_ref().map(|remote| remote.state.status);
        let mut statuses = local.into_iter().chain(remote);
        statuses.any(AppointmentStatus::is_live)
    }

    /// What both sides hold now is what later changes are compared with.
    fn move_base(&mut self, done: &Decision) {
        let local = self.local.as_ref().map(|local| local.state.clone());
        let remote = self.remote.as_ref().map(|remote| remote.state.clone());
        self.accepted |= *done == Decision::AcceptDifference;
        let ended = |mut state: crate::store::AppointmentState| {
            state.status = AppointmentStatus::Cancelled;
            state
        };
        let base = match (local, remote) {
            (Some(local), Some(remote)) => Some((local, remote)),
            // A person has said that the side that is gone may be gone.
            (Some(local), None) if self.accepted => Some((local.clone(), ended(local))),
            (None, Some(remote)) if self.accepted => Some((ended(remote.clone()), remote)),
            _ => None,
        };
        if let Some((local, remote)) = base {
            if *done == Decision::MoveBase || self.accepted {
                self.standing.owed = Differences::NONE;
            }
            self.standing.base = Some(crate::sync::standing::Base::new(local, remote));
        }
    }

    /// When to look again although nothing new has come.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let wake = soonest(self.next_doubt(), self.next_look_for_landings());
        soonest(wake, self.next_look())
    }

    pub(super) fn plan_next_look(&mut self) {
        let lives = self
            .remote
            .as_ref()
            .is_some_and(|remote| remote.state.status.is_live());
        if self.is_marked_by_sibling() && (lives || !self.fresh) {
            self.standing.look_at = Some(self.claim.now + SIBLING_LOOK);
        } else if self.fresh && self.next_look() == Some(Duration::ZERO) {
            self.standing.look_at = None;
        }
    }

    fn next_look(&self) -> Option<Duration> {
        let at = self.standing.look_at?;
        Some((at - self.claim.now).to_std().unwrap_or_default())
    }

    pub(super) fn next_doubt(&self) -> Option<Duration> {
        let doubts = self.standing.doubts.iter();
        let waits = doubts.map(|d| (d.again_at - self.claim.now).to_std().unwrap_or_default());
        waits.min()
    }

    fn fate_of_changes(&self, done: &Decision) -> ChangeFate {
        if self.pushed {
            ChangeFate::Pushed
        } else if *done == Decision::SkipNeverBooked {
            ChangeFate::SkippedNeverBooked
        } else if self.winner == Some(Winner::Remote) {
            ChangeFate::Overruled
        } else if self.accepted {
            ChangeFate::KeptAtHost
        } else {
            ChangeFate::Agreed
        }
    }

    /// Says in the log why nothing was done, where nothing was.
    pub(super) fn explain(&mut self, done: &Decision) {
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
            Decision::AcceptDifference => LogEvent::DifferenceAccepted,
            Decision::SkipNeverBooked => LogEvent::SkippedNeverBooked,
            Decision::SkipOriginCalcom => LogEvent::SkippedOriginCalcom,
            Decision::IgnoreEnded if self.link.booking.is_some() => LogEvent::IgnoredEnded {
                booking: self.link.booking.clone().unwrap_or_else(|| "".into()),
            },
            _ if !self.strays.is_empty() => return,
            _ => LogEvent::NothingToDo {
                changes: changes.len(),
                deliveries: self.claim.deliveries.len(),
            },
        });
    }

    pub(super) fn settle_changes(&self, settlement: &mut Settlement, newest: &ChangeFate) {
        for recorded in &self.claim.changes {
            let change = &recorded.change;
            let fate = if change.origin == Origin::Calcom {
                ChangeFate::SkippedOriginCalcom
            } else {
                match self.loaded_revision {
                    Some(read) if change.revision < read => ChangeFate::Superseded,
                    _ => newest.clone(),
                }
            };
            settlement.changes.push((recorded.id, fate));
        }
    }

    pub(super) fn settle_deliveries(&self, settlement: &mut Settlement, fate: &DeliveryFate) {
        let told = self.is_told_by_webhook();
        for delivery in &self.claim.deliveries {
            let stray = delivery
                .booking
                .as_ref()
                .and_then(|uid| self.strays.get(uid));
            let fate = if let Some(stray) = stray {
                stray.clone()
            } else if self.contradicted.contains(&delivery.id) {
                match fate {
                    DeliveryFate::InReview => DeliveryFate::InReview,
                    _ => DeliveryFate::Contradicted,
                }
            } else if self.is_in_doubt(delivery) {
                continue;
            } else if *fate == DeliveryFate::Applied
                && delivery.source == NoticeSource::Sweep
                && told
            {
                // The webhook came after all.
                DeliveryFate::Agreed
            } else {
                fate.clone()
            };
            settlement.deliveries.push((delivery.id, fate));
        }
    }
}
