//! Deciding: a pure and total function of three states.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::store::{AppointmentState, Origin, ReviewReason, Winner};

/// Who wins when both sides changed, differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// A person decides.
    #[default]
    Review,
    /// Cal.com.
    RemoteWins,
    /// The host. Where that would mean to revive a booking that has ended, a person decides.
    LocalWins,
    /// Whoever wrote last. Where Cal.com does not say when it did, a person decides.
    NewestWins,
}

/// The host's side.
#[derive(Clone, Copy, Debug)]
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

/// Cal.com's side: the newest booking of the chain.
#[derive(Clone, Copy, Debug)]
pub struct Remote<'a> {
    /// Its state.
    pub state: &'a AppointmentState,
    /// When it last changed, if Cal.com says so.
    pub updated_at: Option<DateTime<Utc>>,
}

/// All that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The state on which both sides last agreed.
    pub base: Option<&'a AppointmentState>,
    /// The host's side, if there is an appointment.
    pub local: Option<Local<'a>>,
    /// Cal.com's side, if there is a booking.
    pub remote: Option<Remote<'a>>,
    /// What to do about a conflict.
    pub policy: ConflictPolicy,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Both sides agree with the base. Every echo of our own writes ends here.
    Nothing,
    /// Both sides agree with each other: move the base, nothing else.
    MoveBase,
    /// The appointment ended before Cal.com heard of it: nothing is pushed.
    SkipNeverBooked,
    /// The change came from Cal.com: nothing is pushed.
    SkipOriginCalcom,
    /// The booking ended before the host heard of it: nothing is created.
    IgnoreEnded,
    /// Make a booking for the appointment.
    CreateBooking,
    /// Move the booking.
    Reschedule {
        /// Where to.
        start: DateTime<Utc>,
    },
    /// Cancel the booking.
    CancelBooking,
    /// Make an appointment for the booking.
    CreateAppointment,
    /// Bring the appointment to what Cal.com says.
    UpdateAppointment,
    /// A person has to decide.
    Review(ReviewReason),
}

impl Decision {
    /// Whether it is carried out at Cal.com.
    pub(super) fn writes_to_calcom(&self) -> bool {
        matches!(
            self,
            Self::CreateBooking | Self::Reschedule { .. } | Self::CancelBooking
        )
    }
}

/// A decision, and whether it settled a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be done.
    pub decision: Decision,
    /// Set if both sides had changed, differently, and the policy chose one.
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

/// Decides what brings both sides to agree.
///
/// Pure and total: no I/O, no clock, no chance; every combination of values has an answer.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    match (facts.base, facts.local, facts.remote) {
        (_, None, None) => Decision::Nothing.into(),
        (None, None, Some(remote)) => unknown_booking(remote),
        (Some(_), None, Some(remote)) => missing_appointment(remote),
        (None, Some(local), None) => unknown_appointment(local),
        (Some(base), Some(local), None) => missing_booking(base, local),
        (None, Some(local), Some(remote)) => without_base(local, remote, facts.policy),
        (Some(base), Some(local), Some(remote)) => three_way(base, local, remote, facts.policy),
    }
}

fn unknown_booking(remote: Remote<'_>) -> Verdict {
    if remote.state.status.is_live() {
        Decision::CreateAppointment.into()
    } else {
        Decision::IgnoreEnded.into()
    }
}

fn missing_appointment(remote: Remote<'_>) -> Verdict {
    // That a record is absent proves nothing: a person decides whether its booking is to be cancelled.
    if remote.state.status.is_live() {
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

fn missing_booking(base: &AppointmentState, local: Local<'_>) -> Verdict {
    if base.status.is_live() || local.state.status.is_live() {
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
        Decision::UpdateAppointment.into()
    } else {
        conflict(remote.state, local, remote, policy)
    }
}

fn three_way(
    base: &AppointmentState,
    local: Local<'_>,
    remote: Remote<'_>,
    policy: ConflictPolicy,
) -> Verdict {
    let local_changed = !local.state.agrees_with(base);
    let remote_changed = !remote.state.agrees_with(base);
    match (local_changed, remote_changed) {
        (false, false) => Decision::Nothing.into(),
        (false, true) => Decision::UpdateAppointment.into(),
        (_, _) if local.state.agrees_with(remote.state) => Decision::MoveBase.into(),
        (true, true) if *local.origin == Origin::Calcom => Decision::UpdateAppointment.into(),
        (true, true) => conflict(base, local, remote, policy),
        // The change says that it is Cal.com's, and Cal.com knows nothing of it. Neither pushed nor overwritten.
        (true, false) if *local.origin == Origin::Calcom => {
            Decision::Review(ReviewReason::OriginContradicted).into()
        }
        (true, false) => push(remote.state, local.state).into(),
    }
}

fn conflict(
    base: &AppointmentState,
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
    let decision = match winner {
        None => return Decision::Review(ReviewReason::Conflict).into(),
        Some(Winner::Remote) => Decision::UpdateAppointment,
        Some(Winner::Local) if base.status.is_live() && !remote.state.status.is_live() => {
            Decision::Review(ReviewReason::RemoteEnded)
        }
        Some(Winner::Local) => push(remote.state, local.state),
    };
    // A push that turns out to be a review has not chosen a winner yet.
    let decided = !matches!(decision, Decision::Review(_));
    Verdict {
        decision,
        conflict: winner.filter(|_| decided),
    }
}

/// What brings the booking from its present state to the host's, as far as the API can.
fn push(remote: &AppointmentState, local: &AppointmentState) -> Decision {
    match (remote.status.is_live(), local.status.is_live()) {
        (true, false) => Decision::CancelBooking,
        // The host revived an appointment on whose end both sides had agreed.
        (false, true) => Decision::CreateBooking,
        (false, false) => Decision::MoveBase,
        (true, true) => {
            let only_times_differ = remote.status == local.status
                && remote.event_type == local.event_type
                && remote.same_attendee(local);
            if only_times_differ && remote.start != local.start {
                Decision::Reschedule { start: local.start }
            } else {
                Decision::Review(ReviewReason::NotExpressible)
            }
        }
    }
}
