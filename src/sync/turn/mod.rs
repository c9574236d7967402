//! One turn: the work on one claimed link, from its claim to its settlement.
//!
//! A turn knows that something happened, never what. It loads the appointment, obtains the
//! booking's state, decides, and carries the decision out, until nothing is left to decide; then
//! one transaction stores the outcome.

mod amend;
mod apply;
mod claims;
mod failed;
mod instruct;
mod landing;
mod look_up;
mod lost;
mod push;
mod read;
mod rebook;
mod reviewed;
mod rivals;
mod seats;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use self::amend::Amendment;
use super::calendar::{CalendarError, CalendarErrorKind, Write};
use super::decide::{Decision, Verdict, decide};
use super::engine::Engine;
use super::facts::{Facts, Local, Order, Remote};
use super::review::explain;
use super::standing::{OwnWrite, Standing};
use super::tenant::Tenant;
use crate::metrics;
use crate::model::{Booking, BookingUid};
use crate::store::{
    Appointment, AppointmentState, Checkpoint, Claim, DeliveryFate, DeliveryId, Differences, Link,
    LinkId, LinkKey, LogEvent, NewReview, Origin, Reason, ReviewId, ReviewReason, Revision,
    StoreError, StoreErrorKind, Winner,
};

/// How many times a turn decides before it yields: create or move, adopt what the response differs
/// in, and verify that nothing is left; the rest is for sides that keep changing during the turn.
const MAX_ROUNDS: u32 = 6;

/// How long the engine's own write of an appointment may take to become visible: longer than a turn
/// that does not see it is retried. What was not seen by then was taken back, or removed.
const VISIBLE_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// Cal.com's side as known to the turn.
#[derive(Clone, Debug)]
struct RemoteSide {
    state: AppointmentState,
    updated_at: Option<DateTime<Utc>>,
    /// Why it was last changed, as far as Cal.com says.
    reason: Option<Reason>,
}

/// Why a turn ended before both sides agreed.
#[derive(Debug)]
enum Stop {
    /// Cal.com failed or refused.
    Calendar(CalendarError),
    /// The host's repository failed or refused.
    Host(StoreError),
    /// The store failed. Nothing can be settled; the lease expires and the link is processed again.
    Store(StoreError),
    /// Needs manual review.
    Review(Case),
    /// The booking has seats, whose links are to be looked at.
    Seats(Box<Booking>),
    /// The link is a duplicate of another one.
    Absorb(LinkId),
    /// The host's repository lags behind its outbox, or the sides keep changing: retries on the
    /// usual schedule, then this case.
    Lag(Case),
    /// Nothing new has arrived for a link in review: it was only looked at.
    StillInReview,
    /// A delivery's claim is not visible yet, and there is nothing else to go by: look again on
    /// schedule.
    NotYet,
}

/// A case for manual review.
#[derive(Clone, Debug)]
struct Case {
    reason: ReviewReason,
    message: String,
    bookings: Vec<BookingUid>,
    alternatives: Vec<DateTime<Utc>>,
    /// The key that makes it one case for several links of the tenant, if it is shared.
    tenant_cause: Option<String>,
}

impl Case {
    fn new(reason: ReviewReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            bookings: Vec::new(),
            alternatives: Vec::new(),
            tenant_cause: None,
        }
    }

    /// A case fully described by its reason.
    fn of(reason: ReviewReason) -> Self {
        let message = explain(&reason);
        Self::new(reason, message)
    }

    /// A case shared by all links of the tenant that meet the same cause.
    fn shared(mut self, cause: impl Into<String>) -> Self {
        self.tenant_cause = Some(cause.into());
        self
    }

    fn about(mut self, bookings: impl IntoIterator<Item = BookingUid>) -> Self {
        self.bookings.extend(bookings);
        self
    }
}

impl From<Case> for Stop {
    fn from(case: Case) -> Self {
        Self::Review(case)
    }
}

impl From<CalendarError> for Stop {
    fn from(error: CalendarError) -> Self {
        Self::Calendar(error)
    }
}

/// How a turn ended, for reports and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnOutcome {
    /// Both sides agree, or there is nothing to do.
    Settled,
    /// The work will be retried later.
    Waiting,
    /// Needs manual review.
    InReview,
    /// The link was a duplicate of another one and was absorbed.
    Absorbed,
    /// The work panicked or took too long; it will be retried, or goes to review.
    Failed,
    /// Another worker has taken over the link.
    LeaseLost,
    /// The worker stops, and has [handed the link back](crate::sync::SyncEngine::hand_back).
    HandedBack,
}

impl TurnOutcome {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Waiting => "waiting",
            Self::InReview => "in_review",
            Self::Absorbed => "absorbed",
            Self::Failed => "failed",
            Self::LeaseLost => "lease_lost",
            Self::HandedBack => "handed_back",
        }
    }
}

pub(super) struct Turn<'a> {
    engine: &'a Engine,
    tenant: Arc<Tenant>,
    claim: Claim,
    /// The link and its memory, as they will be stored.
    link: Link,
    standing: Standing,
    local: Option<Appointment>,
    /// The revision that was read, before our own writes.
    loaded_revision: Option<Revision>,
    remote: Option<RemoteSide>,
    /// Whether `remote` was read in this turn, and not taken from the base.
    fresh: bool,
    /// What the last read found of every booking that it looked at; `None` for those that Cal.com
    /// does not know.
    visited: BTreeMap<BookingUid, Option<Booking>>,
    /// Whether the last read found what a write of unknown outcome had left.
    landed: bool,
    /// The bookings of the link's chain that were met.
    chain_uids: BTreeSet<BookingUid>,
    /// The deliveries whose claims Cal.com never bore out.
    contradicted: Vec<DeliveryId>,
    /// Seats that have moved to another booking: where they were, and where they are.
    seats_moved: BTreeMap<BookingUid, BookingUid>,
    /// Whether bookings of lost books were looked for.
    looked_for_lost: bool,
    /// The bookings that deliveries name and that are not the tenant's, with what becomes of those
    /// deliveries.
    strays: BTreeMap<BookingUid, DeliveryFate>,
    /// What a person has ordered, until it is carried out.
    order: Option<Order>,
    outcomes: Vec<(ReviewId, String)>,
    /// Review items about what was met, which stop nothing.
    reports: Vec<NewReview>,
    log: Vec<LogEvent>,
    /// The fields in which Cal.com is to become like the host, by the last decision.
    wish: Differences,
    pushed: bool,
    applied: bool,
    /// The difference was accepted rather than carried.
    accepted: bool,
    /// Whether the other links of the series are to be looked at.
    mark_siblings: bool,
    winner: Option<Winner>,
    contradictions: u32,
    /// Whether anything was written, or may have been: known outside when the turn is cut short.
    wrote: Arc<AtomicBool>,
    began: Instant,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        tenant: Arc<Tenant>,
        claim: Claim,
        standing: Standing,
        wrote: Arc<AtomicBool>,
    ) -> Self {
        let link = claim.link.clone();
        Self {
            engine,
            tenant,
            claim,
            link,
            standing,
            local: None,
            loaded_revision: None,
            remote: None,
            fresh: false,
            visited: BTreeMap::new(),
            landed: false,
            chain_uids: BTreeSet::new(),
            contradicted: Vec::new(),
            seats_moved: BTreeMap::new(),
            looked_for_lost: false,
            strays: BTreeMap::new(),
            order: None,
            outcomes: Vec::new(),
            reports: Vec::new(),
            log: Vec::new(),
            wish: Differences::NONE,
            pushed: false,
            applied: false,
            accepted: false,
            mark_siblings: false,
            winner: None,
            contradictions: 0,
            wrote,
            began: Instant::now(),
        }
    }

    /// Works on the link and stores the outcome.
    pub(super) async fn run(mut self) -> Result<TurnOutcome, StoreError> {
        let result = self.work().await;
        // After the work, which may have booked the seat, or moved it.
        let told = self.tell_whole_booking().await.map_err(Stop::Store);
        self.settle(result.and_then(|done| told.map(|()| done)))
            .await
    }

    /// Returns the decision that left nothing to do.
    async fn work(&mut self) -> Result<Decision, Stop> {
        self.tell_left_bookings().await.map_err(Stop::Store)?;
        self.load_local().await?;
        self.wait_for_the_newest_revision()?;
        self.join_chain_of_appointment().await?;
        self.take_instructions().await?;
        if self.needs_reading() {
            self.read_remote().await?;
            self.judge_claims()?;
        } else {
            self.remote = self.standing.base.as_ref().map(|base| RemoteSide {
                state: base.remote.clone(),
                updated_at: None,
                reason: None,
            });
        }
        self.mark_siblings = self.series_may_have_ended();
        if self.is_only_looked_at() {
            return Err(Stop::StillInReview);
        }
        for _ in 0..MAX_ROUNDS {
            self.retire_replaced().await?;
            let verdict = self.decide();
            match verdict.decision {
                // What a base says about Cal.com is good enough to push to, not to bother a person
                // with.
                Decision::Review(_) if !self.fresh && self.link.booking.is_some() => {
                    self.read_remote().await?;
                    self.judge_claims()?;
                    continue;
                }
                // Confirming a booking that has ended meanwhile would revive it, and replacing it would
                // make another one.
                Decision::ConfirmBooking | Decision::DeclineBooking | Decision::Rebook
                    if !self.fresh =>
                {
                    self.read_remote().await?;
                    self.judge_claims()?;
                    continue;
                }
                Decision::Review(reason) => return Err(Case::of(reason).into()),
                // What Cal.com cannot hold is accepted, and what it had answered is still owed to
                // the appointment.
                Decision::AcceptDifference
                    if self.order.is_none() && !self.standing.owed.is_empty() =>
                {
                    if let (Some(base), Some(local)) = (&mut self.standing.base, &self.local) {
                        base.local = local.state.clone();
                    }
                    self.accepted = true;
                    continue;
                }
                // Its booking may be known to books that were lost.
                Decision::SkipOriginCalcom if self.found_lost_booking().await? => continue,
                Decision::CreateAppointment if self.found_lost_appointment().await? => continue,
                _ => {}
            }
            if let Some(winner) = verdict.conflict {
                self.log.push(LogEvent::ConflictDecided { winner });
                self.winner = Some(winner);
            }
            self.wish = verdict.wish;
            match verdict.decision {
                Decision::CreateBooking => self.create(None).await?,
                Decision::Rebook => self.rebook().await?,
                Decision::Reschedule { start } => self.reschedule(start).await?,
                Decision::CancelBooking => self.cancel_booking().await?,
                Decision::ConfirmBooking => self.amend(Amendment::Confirm).await?,
                Decision::DeclineBooking => self.amend(Amendment::Decline).await?,
                Decision::Reassign { to } => self.amend(Amendment::Reassign(to)).await?,
                Decision::UpdateLocation { to } => self.amend(Amendment::Locate(to)).await?,
                Decision::MarkAbsent { absent } => self.amend(Amendment::Absent(absent)).await?,
                Decision::AddGuests { guests } => self.amend(Amendment::Invite(guests)).await?,
                Decision::CreateAppointment => self.create_appointment().await?,
                // The booking ended while it was not known whether its appointment had been
                // created. Creating it again gives back the one that there is, if there is one, to
                // be ended.
                Decision::IgnoreEnded if self.standing.creating_appointment => {
                    self.create_appointment().await?;
                }
                Decision::UpdateAppointment { state } => self.update_appointment(*state).await?,
                done => return Ok(done),
            }
            self.order = None;
        }
        let message = "Both sides kept changing while they were worked on. Retry when they rest.";
        Err(Stop::Lag(Case::new(ReviewReason::WorkFailed, message)))
    }

    fn decide(&self) -> Verdict {
        let local = self.local.as_ref().map(|appointment| {
            Local::new(
                &appointment.state,
                &appointment.origin,
                appointment.updated_at,
            )
            // What is being booked anew has no booking of that chain any more.
            .with_from_booking(appointment.chain.is_some() && !self.is_between_bookings())
        });
        let remote = self.remote.as_ref();
        let remote = remote.map(|remote| Remote::new(&remote.state, remote.updated_at));
        let facts = Facts::default()
            .with_base(self.standing.base.as_ref())
            .with_local(local)
            .with_remote(remote)
            .with_policy(self.tenant.policy.clone())
            .with_unsupported(self.unsupported())
            .with_owed(self.standing.owed)
            .with_order(self.order);
        let verdict = decide(&facts);
        if let Some(observer) = &self.engine.observer {
            observer.decided(&self.link.tenant, self.link.id, &verdict.decision);
        }
        verdict
    }

    /// Whether the appointment's booking was cancelled to make room for the next one.
    fn is_between_bookings(&self) -> bool {
        let retiring = self.standing.retiring.as_ref();
        retiring.is_some_and(|retiring| retiring.is_gone)
    }

    /// The fields that the tenant's server cannot change.
    fn unsupported(&self) -> Differences {
        let now = self.engine.clock.now();
        self.engine.unsupported.of(&self.tenant.id, now)
    }

    /// Reads the appointment, or reads it again.
    async fn load_local(&mut self) -> Result<(), Stop> {
        if let Some(id) = &self.link.appointment {
            let found = self.engine.appointments.get(&self.link.tenant, id);
            let found = self.engine.host_call(found).await.map_err(Stop::Host)?;
            self.local = found.map(|found| self.as_booked(found));
            self.loaded_revision = self.local.as_ref().map(|local| local.revision);
        }
        Ok(())
    }

    /// An appointment in the state in which it is booked.
    fn as_booked(&self, mut appointment: Appointment) -> Appointment {
        appointment.state = self.tenant.as_booked(appointment.state);
        appointment
    }

    /// A host's repository can lag behind its outbox, and behind the engine's own writes: a read
    /// replica, a change that was recorded before its transaction. Nothing is decided on a state that
    /// is known to be old.
    fn wait_for_the_newest_revision(&mut self) -> Result<(), Stop> {
        let (now, read) = (self.claim.now, self.loaded_revision);
        let is_over =
            |own: &mut OwnWrite| read >= Some(own.revision) || now - own.at >= VISIBLE_WITHIN;
        self.standing.own_write.take_if(is_over);
        let own = self.standing.own_write.iter().map(|own| own.revision);
        let recorded = self.claim.changes.iter().map(|row| row.change.revision);
        let known = recorded.chain(own);
        let Some(newest) = known.max() else {
            return Ok(());
        };
        let reason = match self.loaded_revision {
            Some(read) if read < newest => ReviewReason::RevisionMissing,
            // Written, and not visible yet: that it was seen before does not say that it was
            // removed.
            None => ReviewReason::AppointmentMissing,
            _ => return Ok(()),
        };
        let message = match reason {
            ReviewReason::AppointmentMissing => {
                "An appointment that was recorded, or that the engine created, never became visible in the host's repository. Retry once it is there."
            }
            _ => explain(&reason),
        };
        Err(Stop::Lag(Case::new(reason, message)))
    }

    /// An appointment that was made for a booking can have been recorded before the link of that
    /// booking heard of it; then the recorded change has a link of its own, and pushing from it
    /// would double the booking.
    async fn join_chain_of_appointment(&self) -> Result<(), Stop> {
        if !self.claim.link.bare {
            return Ok(());
        }
        let Some(chain) = self.local.as_ref().and_then(|local| local.chain.clone()) else {
            return Ok(());
        };
        self.absorb_if_other(&LinkKey::Chain(chain)).await
    }

    /// Stops the turn if a key belongs to another link.
    async fn absorb_if_other(&self, key: &LinkKey) -> Result<(), Stop> {
        let found = self.engine.store.find(&self.link.tenant, key);
        match self.engine.store_call(found).await.map_err(Stop::Store)? {
            Some(other) if other.id == self.link.id => Ok(()),
            Some(other) if other.appointment.is_some() && self.link.appointment.is_some() => {
                let message = "The booking of this appointment belongs to another appointment already. End one of the two at the host, then retry.";
                Err(Case::new(ReviewReason::LinkLost, message).into())
            }
            Some(other) => Err(Stop::Absorb(other.id)),
            None => Ok(()),
        }
    }

    /// Notes that the engine has written the appointment.
    fn has_written(&mut self, written: &Appointment) {
        self.standing.own_write = Some(OwnWrite {
            revision: written.revision,
            at: self.claim.now,
        });
    }

    /// Stores how far the work has come, and makes sure that the lease still holds. Comes before
    /// every write.
    async fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.wrote.store(true, Ordering::Relaxed);
        self.standing.put_into(&mut self.link);
        let lease = self.engine.config.lease;
        let mut checkpoint = Checkpoint::new(self.link.clone(), lease);
        checkpoint.chain_uids = self.chain_uids.iter().cloned().collect();
        checkpoint.log = self.log.clone();
        let stored = self.engine.store.checkpoint(&self.claim.lease, checkpoint);
        self.engine.store_call(stored).await?;
        self.log.clear();
        Ok(())
    }

    /// Sends a write within the time allowed for it.
    async fn send(&self, write: &Write) -> Result<Booking, CalendarError> {
        metrics::write(write.as_str());
        self.call(self.tenant.calendar.write(write)).await
    }

    /// Makes one call to Cal.com within the time allowed for it.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, CalendarError>> + Send,
    ) -> Result<T, CalendarError> {
        let limit = self.engine.config.call_timeout;
        tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            let message = format!("no answer came from Cal.com within {limit:?}");
            Err(CalendarError::new(CalendarErrorKind::Unavailable, message))
        })
    }

    /// Whether a change says that Cal.com made it.
    fn claims_calcom(&self) -> bool {
        self.local.as_ref().is_some_and(|local| {
            let base = self.standing.base.as_ref();
            local.origin == Origin::Calcom
                && base.is_some_and(|base| !base.local.agrees_with(&local.state))
        })
    }
}

/// The earliest of two times to wait.
fn soonest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

/// Whether a failure of the host's repository may pass by itself.
fn is_passing(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Unavailable | StoreErrorKind::Conflict
    )
}
