//! Decisions: a pure and total function of three states.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::standing::Base;
use crate::store::{AppointmentState, Differences, Origin, ReviewReason, Winner};

/// Which side wins when both have changed, differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictPolicy {
    /// Neither: manual review.
    #[default]
    Review,
    /// Cal.com.
    RemoteWins,
    /// The host. If that would revive an ended booking, manual review.
    LocalWins,
    /// The latest change. If Cal.com does not say when it changed, manual review.
    NewestWins,
}

/// The host's side.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Local<'a> {
    /// Its state.
    pub state: &'a AppointmentState,
    /// Who made its latest change.
    pub origin: &'a Origin,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Whether the appointment was created for a booking.
    pub from_booking: bool,
}

impl<'a> Local<'a> {
    /// An appointment that was not created for a booking.
    pub const fn new(
        state: &'a AppointmentState,
        origin: &'a Origin,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self {
            state,
            origin,
            updated_at,
            from_booking: false,
        }
    }

    /// Sets whether the appointment was created for a booking.
    #[must_use]
    pub const fn with_from_booking(mut self, from_booking: bool) -> Self {
        self.from_booking = from_booking;
        self
    }
}

/// Cal.com's side: the newest booking of the chain.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Remote<'a> {
    /// Its state.
    pub state: &'a AppointmentState,
    /// When it last changed, if known.
    pub updated_at: Option<DateTime<Utc>>,
}

impl<'a> Remote<'a> {
    /// A booking in this state, and when it last changed, if known.
    pub const fn new(state: &'a AppointmentState, updated_at: Option<DateTime<Utc>>) -> Self {
        Self { state, updated_at }
    }
}

/// A reviewer's order about how to bring the two sides into agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// Bring Cal.com's state to the appointment.
    TakeRemote,
    /// Bring the appointment's state to Cal.com.
    ForceLocal,
    /// Let the sides differ as they do now.
    AcceptDifference,
}

/// The input of a decision: by default, neither side and nothing known.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Facts<'a> {
    /// Both sides as they were when they last agreed.
    pub base: Option<&'a Base>,
    /// The host's side, if there is an appointment.
    pub local: Option<Local<'a>>,
    /// Cal.com's side, if there is a booking.
    pub remote: Option<Remote<'a>>,
    /// The conflict policy.
    pub policy: ConflictPolicy,
    /// Whether Cal.com's response to our own write differs from what was sent and the appointment
    /// has not been updated yet.
    pub follow: bool,
    /// A reviewer's order, if there is one.
    pub order: Option<Order>,
}

impl<'a> Facts<'a> {
    /// Sets both sides as they were when they last agreed.
    #[must_use]
    pub const fn with_base(mut self, base: Option<&'a Base>) -> Self {
        self.base = base;
        self
    }

    /// Sets the host's side.
    #[must_use]
    pub const fn with_local(mut self, local: Option<Local<'a>>) -> Self {
        self.local = local;
        self
    }

    /// Sets Cal.com's side.
    #[must_use]
    pub const fn with_remote(mut self, remote: Option<Remote<'a>>) -> Self {
        self.remote = remote;
        self
    }

    /// Sets the conflict policy.
    #[must_use]
    pub const fn with_policy(mut self, policy: ConflictPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets whether the appointment still has to follow Cal.com's response to our own write.
    #[must_use]
    pub const fn with_follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Sets a reviewer's order.
    #[must_use]
    pub const fn with_order(mut self, order: Option<Order>) -> Self {
        self.order = order;
        self
    }
}

/// The next action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Both sides are unchanged since they last agreed. Every echo of our own writes ends here.
    Nothing,
    /// Both sides agree: only move the base.
    MoveBase,
    /// The difference is accepted: only move the base.
    AcceptDifference,
    /// The appointment ended before it was ever booked: push nothing.
    SkipNeverBooked,
    /// The change came from Cal.com: push nothing.
    SkipOriginCalcom,
    /// The booking ended before the host knew of it: create nothing.
    IgnoreEnded,
    /// Create a booking for the appointment.
    CreateBooking,
    /// Move the booking.
    #[non_exhaustive]
    Reschedule {
        /// The new start.
        start: DateTime<Utc>,
    },
    /// Cancel the booking.
    CancelBooking,
    /// Create an appointment for the booking.
    CreateAppointment,
    /// Update the appointment to this state.
    #[non_exhaustive]
    UpdateAppointment {
        /// The new state: Cal.com's changes applied to the host's state.
        state: Box<AppointmentState>,
    },
    /// Needs manual review.
    Review(ReviewReason),
}

impl Decision {
    /// Moves the booking to this start.
    pub const fn reschedule(start: DateTime<Utc>) -> Self {
        Self::Reschedule { start }
    }

    /// Brings the appointment to this state.
    pub fn update_appointment(state: AppointmentState) -> Self {
        Self::UpdateAppointment {
            state: Box::new(state),
        }
    }
}

/// A decision, and whether it settled a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The next action.
    pub decision: Decision,
    /// The winner, if both sides had changed, differently, and the policy chose one.
    pub conflict: Option<Winner>,
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        Self {
            decision,
            conflict: None,
        }
    }
}

/// Every field.
const ALL: Differences = Differences {
    status: true,
    start: true,
    length: true,
    event_type: true,
    email: true,
    name: true,
};

/// The fields that Cal.com's response to a write may change.
const ANSWERED: Differences = Differences {
    status: true,
    start: true,
    length: true,
    event_type: false,
    email: false,
    name: false,
};

/// Decides how to bring both sides into agreement.
///
/// Pure and total: no I/O, no clock, no randomness; every combination of inputs has an answer.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    if let Some(decision) = facts.order.and_then(|order| obey(order, facts)) {
        return decision.into();
    }
    match (facts.base, facts.local, facts.remote) {
        (_, None, None) => Decision::Nothing.into(),
        (None, None, Some(remote)) => unknown_booking(remote),
        (Some(base), None, Some(remote)) => missing_appointment(base, remote),
        (None, Some(local), None) => unknown_appointment(local),
        (Some(base), Some(local), None) => missing_booking(base, local),
        (None, Some(local), Some(remote)) => without_base(local, remote, facts.policy),
        (Some(base), Some(local), Some(remote)) => three_way(base, local, remote, facts),
    }
}

/// The decision that carries out a reviewer's order; `None` if it does not apply.
fn obey(order: Order, facts: &Facts<'_>) -> Option<Decision> {
    match (order, facts.local, facts.remote) {
        (Order::TakeRemote, Some(local), Some(remote)) => Some(take(local, remote, ALL)),
        (Order::TakeRemote, None, Some(remote)) if remote.state.status.is_live() => {
            Some(Decision::CreateAppointment)
        }
        (Order::ForceLocal, Some(local), Some(remote)) => {
            Some(push(ALL, remote.state, local.state))
        }
        (Order::ForceLocal, Some(local), None) if local.state.status.is_live() => {
            Some(Decision::CreateBooking)
        }
        // The host has no appointment, and that is what Cal.com is to hold.
        (Order::ForceLocal, None, Some(remote)) if remote.state.status.is_live() => {
            Some(Decision::CancelBooking)
        }
        (Order::AcceptDifference, None, None) | (Order::TakeRemote | Order::ForceLocal, _, _) => {
            None
        }
        (Order::AcceptDifference, _, _) => Some(Decision::AcceptDifference),
    }
}

fn unknown_booking(remote: Remote<'_>) -> Verdict {
    if remote.state.status.is_live() {
        Decision::CreateAppointment.into()
    } else {
        Decision::IgnoreEnded.into()
    }
}

fn missing_appointment(base: &Base, remote: Remote<'_>) -> Verdict {
    let is_accepted = !base.local.status.is_live() && remote.state.agrees_with(&base.remote);
    // That a record is absent proves nothing: a person decides whether its booking is to be
    // cancelled.
    if remote.state.status.is_live() && !is_accepted {
        Decision::Review(ReviewReason::AppointmentMissing).into()
    } else {
        Decision::Nothing.into()
    }
}

fn unknown_appointment(local: Local<'_>) -> Verdict {
    if local.from_booking {
        // It has a booking somewhere; making another would double it.
        Decision::Review(ReviewReason::LinkLost).into()
    } else if *local.origin == Origin::Calcom {
        Decision::SkipOriginCalcom.into()
    } else if local.state.status.is_live() {
        Decision::CreateBooking.into()
    } else {
        Decision::SkipNeverBooked.into()
    }
}

fn missing_booking(base: &Base, local: Local<'_>) -> Verdict {
    let is_accepted = !base.remote.status.is_live() && local.state.agrees_with(&base.local);
    let lives = base.remote.status.is_live() || local.state.status.is_live();
    if lives && !is_accepted {
        Decision::Review(ReviewReason::BookingMissing).into()
    } else {
        Decision::Nothing.into()
    }
}

fn without_base(local: Local<'_>, remote: Remote<'_>, policy: ConflictPolicy) -> Verdict {
    if local.state.agrees_with(remote.state) {
        Decision::MoveBase.into()
    } else if *local.origin == Origin::Calcom {
        // Nobody at the host has touched it since it was made for this booking.
        take(local, remote, ALL).into()
    } else {
        conflict(ALL, None, local, remote, policy)
    }
}

/// The fields a side has changed since the base. A revived side may have changed everything.
fn changes(before: &AppointmentState, now: &AppointmentState) -> Differences {
    if !before.status.is_live() && now.status.is_live() {
        ALL
    } else {
        now.differences(before)
    }
}

fn three_way(base: &Base, local: Local<'_>, remote: Remote<'_>, facts: &Facts<'_>) -> Verdict {
    let ours = changes(&base.local, local.state);
    let mut theirs = changes(&base.remote, remote.state);
    if facts.follow && ours.is_empty() {
        let owed = local.state.differences(remote.state);
        theirs = theirs.union(owed.intersection(ANSWERED));
    }
    match (!ours.is_empty(), !theirs.is_empty()) {
        (false, false) => Decision::Nothing.into(),
        (false, true) => take(local, remote, theirs).into(),
        // The change says that it is Cal.com's, and Cal.com knows nothing of it. Neither pushed nor
        // overwritten.
        (true, false) if *local.origin == Origin::Calcom => {
            if local.state.agrees_with(remote.state) {
                Decision::MoveBase.into()
            } else {
                Decision::Review(ReviewReason::OriginContradicted).into()
            }
        }
        (true, false) => push(ours, remote.state, local.state).into(),
        (true, true) => {
            let touched = ours.union(theirs);
            let apart = touched.intersection(local.state.differences(remote.state));
            if apart.is_empty() {
                Decision::MoveBase.into()
            } else if *local.origin == Origin::Calcom {
                take(local, remote, touched).into()
            } else {
                conflict(touched, Some(&base.remote), local, remote, facts.policy)
            }
        }
    }
}

fn conflict(
    touched: Differences,
    remote_before: Option<&AppointmentState>,
    local: Local<'_>,
    remote: Remote<'_>,
    policy: ConflictPolicy,
) -> Verdict {
    let winner = match policy {
        ConflictPolicy::Review => None,
        ConflictPolicy::RemoteWins => Some(Winner::Remote),
        ConflictPolicy::LocalWins => Some(Winner::Local),
        ConflictPolicy::NewestWins => remote.updated_at.map(|remote_at| {
            // A tie goes to Cal.com, whose change is known to have happened.
            if local.updated_at > remote_at {
                Winner::Local
            } else {
                Winner::Remote
            }
        }),
    };
    let was_live = remote_before.is_none_or(|before| before.status.is_live());
    let has_ended = was_live && !remote.state.status.is_live();
    let decision = match winner {
        None => return Decision::Review(ReviewReason::Conflict).into(),
        Some(Winner::Remote) => take(local, remote, touched),
        Some(Winner::Local) if has_ended => Decision::Review(ReviewReason::RemoteEnded),
        Some(Winner::Local) => push(touched, remote.state, local.state),
    };
    // A push that turns out to be a review has not chosen a winner yet.
    let decided = !matches!(decision, Decision::Review(_));
    Verdict {
        decision,
        conflict: winner.filter(|_| decided),
    }
}

/// The host's state with some fields taken from Cal.com.
fn take(local: Local<'_>, remote: Remote<'_>, fields: Differences) -> Decision {
    let apart = local.state.differences(remote.state).intersection(fields);
    if apart.is_empty() {
        return Decision::MoveBase;
    }
    let revives = !local.state.status.is_live() && remote.state.status.is_live();
    let fields = if revives { ALL } else { apart };
    let state = local.state.taking(fields, remote.state);
    Decision::update_appointment(state)
}

/// The decision that brings some fields of the booking to the host's values, as far as the API can.
fn push(fields: Differences, remote: &AppointmentState, local: &AppointmentState) -> Decision {
    match (remote.status.is_live(), local.status.is_live()) {
        (true, false) => Decision::CancelBooking,
        // The host revived an appointment on whose end both sides had agreed.
        (false, true) if fields.status => Decision::CreateBooking,
        (false, true) => Decision::Review(ReviewReason::RemoteEnded),
        (false, false) => Decision::MoveBase,
        (true, true) => {
            let wanted = fields.intersection(local.differences(remote));
            if wanted.status || wanted.length || wanted.event_type || wanted.email {
                Decision::Review(ReviewReason::NotExpressible)
            } else if wanted.start {
                Decision::Reschedule { start: local.start }
            } else if wanted.name {
                // Cal.com cannot rename an attendee, and nothing depends on it.
                Decision::AcceptDifference
            } else {
                Decision::MoveBase
            }
        }
    }
}
