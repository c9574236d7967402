//! One turn: the work on one due link, from its claim to its settlement.
//!
//! A turn is told that something happened, never what. It loads the appointment, takes the state of the booking, decides, and
//! carries the decision out, until there is nothing left to decide; then one transaction stores the outcome.

mod apply;
mod push;
mod read;
mod settle;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::calendar::{CalendarError, CalendarErrorKind};
use super::decide::{self, Decision, Facts, Local, Verdict};
use super::engine::Engine;
use super::tenant::Tenant;
use crate::model::BookingUid;
use crate::store::{
    Appointment, AppointmentState, Claim, Link, LinkId, LinkKey, LogEvent, Origin, PendingWrite,
    ReviewReason, Revision, StoreError, StoreErrorKind, Winner,
};

/// How often a turn decides before it lets others have a go: create or move, take over what the answer differs in, and be sure
/// that nothing is left; the rest is for sides that keep moving while the turn lasts.
const MAX_ROUNDS: u32 = 6;

/// How long a link waits when its sides kept moving.
const UNSETTLED_DELAY: Duration = Duration::from_secs(1);

/// Cal.com's side as the turn knows it.
#[derive(Clone, Debug)]
struct RemoteSide {
    state: AppointmentState,
    updated_at: Option<DateTime<Utc>>,
}

/// Why a turn ended before both sides agreed.
#[derive(Debug)]
enum Stop {
    /// Cal.com failed or refused.
    Calendar(CalendarError),
    /// The host's repository failed or refused.
    Host(StoreError),
    /// The bookkeeping failed. Nothing can be settled; the lease runs out and the link is worked on again.
    Store(StoreError),
    /// A person has to decide.
    Review(Case),
    /// The link is a second name for another one.
    Absorb(LinkId),
    /// Try again soon; nothing failed.
    Later(Duration),
}

/// A case for a person.
#[derive(Clone, Debug)]
struct Case {
    reason: ReviewReason,
    message: String,
    alternatives: Vec<DateTime<Utc>>,
}

impl Case {
    fn new(reason: ReviewReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            alternatives: Vec::new(),
        }
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
    /// Both sides agree, or there is nothing to bring to agreement.
    Settled,
    /// The work is to be done again later.
    Waiting,
    /// A person has to decide.
    InReview,
    /// The link was a second name for another one and is gone.
    Absorbed,
    /// Somebody else has taken over the link.
    LeaseLost,
}

pub(super) struct Turn<'a> {
    engine: &'a Engine,
    tenant: Arc<Tenant>,
    claim: Claim,
    /// The link as it is going to be stored.
    link: Link,
    local: Option<Appointment>,
    /// The revision that was read, before our own writes.
    loaded_revision: Option<Revision>,
    remote: Option<RemoteSide>,
    /// Whether `remote` was read in this turn, and not taken from the base.
    fresh: bool,
    chain_uids: BTreeSet<BookingUid>,
    /// The booking that was named and leads to one that is not the tenant's.
    foreign: Option<BookingUid>,
    log: Vec<LogEvent>,
    pushed: bool,
    applied: bool,
    ended_series: bool,
    winner: Option<Winner>,
    contradictions: u32,
}

impl<'a> Turn<'a> {
    pub(super) fn new(engine: &'a Engine, tenant: Arc<Tenant>, claim: Claim) -> Self {
        let link = claim.link.clone();
        Self {
            engine,
            tenant,
            claim,
            link,
            local: None,
            loaded_revision: None,
            remote: None,
            fresh: false,
            chain_uids: BTreeSet::new(),
            foreign: None,
            log: Vec::new(),
            pushed: false,
            applied: false,
            ended_series: false,
            winner: None,
            contradictions: 0,
        }
    }

    /// Works on the link and stores the outcome.
    pub(super) async fn run(mut self) -> Result<TurnOutcome, StoreError> {
        let result = self.work().await;
        self.settle(result).await
    }

    /// Returns the decision that left nothing to do.
    async fn work(&mut self) -> Result<Decision, Stop> {
        self.load_local().await?;
        self.join_chain_of_appointment().await?;
        if self.needs_reading() {
            self.read_remote().await?;
        } else {
            self.remote = self.link.base.clone().map(|state| RemoteSide {
                state,
                updated_at: None,
            });
        }
        for _ in 0..MAX_ROUNDS {
            let verdict = self.decide();
            match verdict.decision {
                // What a base says about Cal.com is good enough to push to, not to bother a person with.
                Decision::Review(_) if !self.fresh && self.link.booking.is_some() => {
                    self.read_remote().await?;
                    continue;
                }
                Decision::Review(reason) => return Err(self.case_of(reason).into()),
                _ => {}
            }
            // What was found and written so far is known here only; a crash in a further write would lose it.
            if (self.pushed || self.applied) && verdict.decision.writes_to_calcom() {
                return Err(Stop::Later(Duration::ZERO));
            }
            if let Some(winner) = verdict.conflict {
                self.log.push(LogEvent::ConflictDecided { winner });
                self.winner = Some(winner);
            }
            match verdict.decision {
                Decision::CreateBooking => self.create_booking().await?,
                Decision::Reschedule { start } => self.reschedule(start).await?,
                Decision::CancelBooking => self.cancel_booking().await?,
                Decision::CreateAppointment => self.create_appointment().await?,
                // The booking ended while it was not known whether its appointment had been created. Creating it again gives
                // back the one that there is, if there is one, to be ended.
                Decision::IgnoreEnded if self.is_creating_appointment() => {
                    self.create_appointment().await?;
                }
                Decision::UpdateAppointment => self.update_appointment().await?,
                done => return Ok(done),
            }
        }
        Err(Stop::Later(UNSETTLED_DELAY))
    }

    fn decide(&self) -> Verdict {
        decide::decide(&Facts {
            base: self.link.base.as_ref(),
            local: self.local.as_ref().map(|appointment| Local {
                state: &appointment.state,
                origin: &appointment.origin,
                updated_at: appointment.updated_at,
                from_booking: appointment.chain.is_some(),
            }),
            remote: self.remote.as_ref().map(|remote| decide::Remote {
                state: &remote.state,
                updated_at: remote.updated_at,
            }),
            policy: self.tenant.conflict_policy,
        })
    }

    fn case_of(&self, reason: ReviewReason) -> Case {
        let message = match &reason {
            ReviewReason::Conflict => {
                "The appointment and its booking were both changed, differently."
            }
            ReviewReason::AppointmentMissing => {
                "The appointment is gone and its booking lives. Cancel the booking at Cal.com if it is not wanted."
            }
            ReviewReason::BookingMissing => {
                "Cal.com does not know the booking any more. It may have been deleted there."
            }
            ReviewReason::LinkLost => {
                "The appointment was made for a booking, and which one is not known any more."
            }
            ReviewReason::OriginContradicted => {
                "The appointment says that Cal.com made its latest change, and Cal.com holds another state."
            }
            ReviewReason::RemoteEnded => {
                "The booking has ended at Cal.com and the appointment was changed since; a booking cannot be revived."
            }
            ReviewReason::NotExpressible => {
                "Cal.com's API can move and cancel a booking; the appointment was changed in another way."
            }
            _ => "A person has to decide.",
        };
        Case::new(reason, message)
    }

    /// Reads the appointment, or reads it again.
    async fn load_local(&mut self) -> Result<(), Stop> {
        // A link that absorbed the one of an appointment knows of it by the changes that came along.
        if self.link.appointment.is_none() {
            let named = self.claim.changes.first();
            self.link.appointment = named.map(|recorded| recorded.change.appointment.clone());
        }
        if let Some(id) = &self.link.appointment {
            let appointments = &self.engine.appointments;
            let found = appointments.get(&self.link.tenant, id).await;
            self.local = found.map_err(Stop::Host)?;
            self.loaded_revision = self.local.as_ref().map(|local| local.revision);
        }
        Ok(())
    }

    /// An appointment that was made for a booking can have been recorded before the link of that booking heard of it; then the
    /// recorded change has a link of its own, and pushing from it would double the booking.
    async fn join_chain_of_appointment(&self) -> Result<(), Stop> {
        if !self.link.is_bare() {
            return Ok(());
        }
        let Some(chain) = self.local.as_ref().and_then(|local| local.chain.clone()) else {
            return Ok(());
        };
        self.absorb_if_other(&LinkKey::Chain(chain)).await
    }

    /// Stops the turn if a key belongs to another link.
    async fn absorb_if_other(&self, key: &LinkKey) -> Result<(), Stop> {
        let store = &self.engine.store;
        let found = store.find(&self.link.tenant, key).await;
        match found.map_err(Stop::Store)? {
            Some(other) if other.id != self.link.id => Err(Stop::Absorb(other.id)),
            _ => Ok(()),
        }
    }

    fn is_creating_appointment(&self) -> bool {
        matches!(
            self.link.pending,
            Some(PendingWrite::CreateAppointment { .. })
        )
    }

    /// Whether the base is not good enough to stand for Cal.com.
    fn needs_reading(&self) -> bool {
        let claims_calcom = self.local.as_ref().is_some_and(|local| {
            local.origin == Origin::Calcom
                && self
                    .link
                    .base
                    .as_ref()
                    .is_some_and(|base| !base.agrees_with(&local.state))
        });
        let never_read = self.link.base.is_none() && self.link.booking.is_some();
        !self.claim.deliveries.is_empty()
            || self.link.pending.is_some()
            || self.link.verify
            || !self.link.rivals.is_empty()
            || never_read
            || claims_calcom
    }

    /// Stores what is about to be written.
    async fn begin_write(&mut self, write: PendingWrite) -> Result<(), StoreError> {
        let now = self.engine.clock.now();
        let until = now + self.engine.config.lease;
        self.engine
            .store
            .begin_write(&self.claim.lease, &write, until)
            .await?;
        match &write {
            PendingWrite::CreateBooking { sync_key, .. } => {
                self.link.sync_key = Some(sync_key.clone());
            }
            PendingWrite::CreateAppointment { chain } => self.link.chain = Some(chain.clone()),
            PendingWrite::Reschedule { .. } | PendingWrite::Cancel { .. } => {}
        }
        self.link.pending = Some(write);
        Ok(())
    }

    /// Makes one call to Cal.com within the time allowed for it.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, CalendarError>> + Send,
    ) -> Result<T, CalendarError> {
        let limit = self.engine.config.call_timeout;
        tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            Err(CalendarError::new(
                CalendarErrorKind::Unavailable,
                "no answer came from Cal.com within the time allowed",
            ))
        })
    }

    /// Whether a failure of the host's repository passes by itself.
    fn is_passing(error: &StoreError) -> bool {
        matches!(
            error.kind(),
            StoreErrorKind::Unavailable | StoreErrorKind::Conflict
        )
    }
}
