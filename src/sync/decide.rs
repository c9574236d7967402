//! Decisions: a pure and total function of three states.

use chrono::{DateTime, Utc};

use super::facts::{Facts, Local, Order, Remote};
use super::policy::{ConflictPolicy, Inexpressible};
use super::standing::Base;
use crate::model::UserId;
use crate::store::{
    AppointmentState, AppointmentStatus, Differences, Field, Guests, Origin, Place, ReviewReason,
    Winner,
};

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
    /// Replace the booking: create another one for the appointment, and cancel this one.
    Rebook,
    /// Cancel the booking.
    CancelBooking,
    /// Confirm the pending booking.
    ConfirmBooking,
    /// Decline the pending booking.
    DeclineBooking,
    /// Give the booking to another member of staff.
    #[non_exhaustive]
    Reassign {
        /// The Cal.com user who is to hold it.
        to: UserId,
    },
    /// Change where the booking takes place.
    #[non_exhaustive]
    UpdateLocation {
        /// The new location.
        to: Place,
    },
    /// Add guests to the booking.
    #[non_exhaustive]
    AddGuests {
        /// The guests that Cal.com does not have.
        guests: Guests,
    },
    /// Say whether the attendee came.
    #[non_exhaustive]
    MarkAbsent {
        /// Whether they did not come.
        absent: bool,
    },
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
    /// The fields in which Cal.com is to become like the host, of which the decision may carry a
    /// part.
    pub wish: Differences,
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        Self {
            decision,
            conflict: None,
            wish: Differences::NONE,
        }
    }
}

/// Every field.
const ALL: Differences = Differences::ALL;

/// The fields that a new booking can bring to Cal.com: who confirms it and who holds it is not the
/// engine's to say.
const REBOOKABLE: Differences = Differences::ALL.without(
    Differences::NONE
        .with(Field::Status)
        .with(Field::Host)
        .with(Field::Absent),
);

/// The fields that Cal.com's response to a write may change.
pub(super) const ANSWERED: Differences = Differences::NONE
    .with(Field::Status)
    .with(Field::Start)
    .with(Field::Length);

/// Decides how to bring both sides into agreement.
///
/// Pure and total: no I/O, no clock, no randomness; every combination of inputs has an answer.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    if let Some(verdict) = facts.order.and_then(|order| obey(order, facts)) {
        return verdict;
    }
    match (facts.base, facts.local, facts.remote) {
        (_, None, None) => Decision::Nothing.into(),
        (None, None, Some(remote)) => unknown_booking(remote),
        (Some(base), None, Some(remote)) => missing_appointment(base, remote),
        (None, Some(local), None) => unknown_appointment(local),
        (Some(base), Some(local), None) => missing_booking(base, local),
        (None, Some(local), Some(remote)) => without_base(local, remote, facts),
        (Some(base), Some(local), Some(remote)) => three_way(base, local, remote, facts),
    }
}

/// The decision that carries out a reviewer's order; `None` if it does not apply.
fn obey(order: Order, facts: &Facts<'_>) -> Option<Verdict> {
    let decision = match (order, facts.local, facts.remote) {
        (Order::TakeRemote, Some(local), Some(remote)) => take(local, remote, ALL),
        (Order::TakeRemote, None, Some(remote)) if remote.state.status.is_live() => {
            Decision::CreateAppointment
        }
        (Order::ForceLocal, Some(local), Some(remote)) => {
            return Some(push(ALL, remote.state, local.state, facts));
        }
        (Order::ForceLocal, Some(local), None) if local.state.status.is_live() => {
            Decision::CreateBooking
        }
        // The host has no appointment, and that is what Cal.com is to hold.
        (Order::ForceLocal, None, Some(remote)) if remote.state.status.is_live() => {
            Decision::CancelBooking
        }
        (Order::AcceptDifference, None, None) | (Order::TakeRemote | Order::ForceLocal, _, _) => {
            return None;
        }
        (Order::AcceptDifference, _, _) => Decision::AcceptDifference,
    };
    Some(decision.into())
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

fn without_base(local: Local<'_>, remote: Remote<'_>, facts: &Facts<'_>) -> Verdict {
    if local.state.agrees_with(remote.state) {
        Decision::MoveBase.into()
    } else if *local.origin == Origin::Calcom {
        // Nobody at the host has touched it since it was made for this booking.
        take(local, remote, ALL).into()
    } else {
        conflict(ALL, None, local, remote, facts)
    }
}

/// The fields a side has changed since the base. A revived side may have changed everything.
fn changes(before: &AppointmentState, now: &AppointmentState) -> Differences {
    if !before.status.is_live() && now.status.is_live() {
        ALL
    } else {
        now.changes_since(before)
    }
}

/// Decides with a base. Whatever else there is nothing to do about, the appointment follows what Cal.com
/// had answered to our own write.
fn three_way(base: &Base, local: Local<'_>, remote: Remote<'_>, facts: &Facts<'_>) -> Verdict {
    let mut verdict = by_changes(base, local, remote, facts);
    let owed_by =
        |state: &AppointmentState| facts.owed.intersection(state.differences(remote.state));
    let owed = owed_by(local.state);
    if verdict.decision == Decision::MoveBase && !owed.is_empty() {
        return take(local, remote, owed).into();
    }
    if let Decision::UpdateAppointment { state } = &mut verdict.decision {
        let left = owed_by(state).without(changes(&base.local, local.state));
        **state = state.taking(left, remote.state);
    }
    verdict
}

fn by_changes(base: &Base, local: Local<'_>, remote: Remote<'_>, facts: &Facts<'_>) -> Verdict {
    let ours = changes(&base.local, local.state);
    let mut theirs = changes(&base.remote, remote.state);
    if ours.is_empty() {
        let apart = local.state.differences(remote.state);
        theirs = theirs.union(facts.owed.intersection(apart));
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
        (true, false) => push(ours, remote.state, local.state, facts),
        (true, true) => {
            let touched = ours.union(theirs);
            let apart = touched.intersection(local.state.differences(remote.state));
            if apart.is_empty() {
                Decision::MoveBase.into()
            } else if *local.origin == Origin::Calcom {
                take(local, remote, touched).into()
            } else {
                conflict(touched, Some(&base.remote), local, remote, facts)
            }
        }
    }
}

/// Decides a conflict, field by field: each has its winner. What the host wins is pushed first, while
/// the change is still its own; what Cal.com wins is left looking changed there, and taken next.
fn conflict(
    touched: Differences,
    remote_before: Option<&AppointmentState>,
    local: Local<'_>,
    remote: Remote<'_>,
    facts: &Facts<'_>,
) -> Verdict {
    let apart = touched.intersection(local.state.differences(remote.state));
    let mut won_by_host = Differences::NONE;
    for field in Field::ALL.iter().filter(|field| apart.contains(**field)) {
        let policy = facts.policy.conflicts_of(*field);
        match winner_of(policy, local.updated_at, remote.updated_at) {
            None => return Decision::Review(ReviewReason::Conflict).into(),
            Some(Winner::Local) => won_by_host = won_by_host.with(*field),
            Some(Winner::Remote) => {}
        }
    }
    let was_live = remote_before.is_none_or(|before| before.status.is_live());
    let has_ended = was_live && !remote.state.status.is_live();
    let won_by_calcom = apart.without(won_by_host);
    let taken = |fields| (Verdict::from(take(local, remote, fields)), Winner::Remote);
    let (mut verdict, winner) = if won_by_host.is_empty() {
        taken(touched)
    } else if has_ended {
        let review = Decision::Review(ReviewReason::RemoteEnded);
        (review.into(), Winner::Local)
    } else {
        let wish = touched.without(won_by_calcom);
        let pushed = push(wish, remote.state, local.state, facts);
        let sends_nothing = matches!(
            pushed.decision,
            Decision::AcceptDifference | Decision::MoveBase
        );
        if sends_nothing && !won_by_calcom.is_empty() {
            // What the host wins may stay there; that settles nothing of the rest.
            taken(won_by_calcom)
        } else {
            (pushed, Winner::Local)
        }
    };
    // A push that turns out to be a review has not chosen a winner yet.
    if !matches!(verdict.decision, Decision::Review(_)) {
        verdict.conflict = Some(winner);
    }
    verdict
}

/// The side that wins by a policy; `None` if a person has to decide.
fn winner_of(
    policy: ConflictPolicy,
    local_at: DateTime<Utc>,
    remote_at: Option<DateTime<Utc>>,
) -> Option<Winner> {
    match policy {
        ConflictPolicy::Review => None,
        ConflictPolicy::RemoteWins => Some(Winner::Remote),
        ConflictPolicy::LocalWins => Some(Winner::Local),
        // A tie goes to Cal.com, whose change is known to have happened.
        ConflictPolicy::NewestWins => remote_at.map(|remote_at| {
            if local_at > remote_at {
                Winner::Local
            } else {
                Winner::Remote
            }
        }),
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
    Decision::update_appointment(local.state.taking(fields, remote.state))
}

/// The decision that brings some fields of the booking to the host's values, as far as the API can.
fn push(
    fields: Differences,
    remote: &AppointmentState,
    local: &AppointmentState,
    facts: &Facts<'_>,
) -> Verdict {
    let decision = match (remote.status.is_live(), local.status.is_live()) {
        (true, false) if is_declined(remote, local) => Decision::DeclineBooking,
        (true, false) => Decision::CancelBooking,
        // The host revived an appointment on whose end both sides had agreed.
        (false, true) if fields.status => Decision::CreateBooking,
        (false, true) => Decision::Review(ReviewReason::RemoteEnded),
        (false, false) => Decision::MoveBase,
        (true, true) => amend(
            fields.intersection(local.differences(remote)),
            remote,
            local,
            facts,
        ),
    };
    Verdict {
        wish: fields,
        ..decision.into()
    }
}

/// Whether the host declined what was waiting for its confirmation.
fn is_declined(remote: &AppointmentState, local: &AppointmentState) -> bool {
    remote.status == AppointmentStatus::Pending && local.status == AppointmentStatus::Declined
}

/// The next step that brings a live booking to the host's values. One field at a time: each step is
/// one call to Cal.com, whose answer is compared anew.
fn amend(
    wanted: Differences,
    remote: &AppointmentState,
    local: &AppointmentState,
    facts: &Facts<'_>,
) -> Decision {
    let confirms = local.status == AppointmentStatus::Confirmed;
    let guests = local.guests.as_ref().zip(remote.guests.as_ref());
    let guests = guests.filter(|_| wanted.guests);
    let added: Option<Guests> = guests.map(|(ours, theirs)| ours.missing_from(theirs).collect());
    let removes_guests =
        guests.is_some_and(|(ours, theirs)| theirs.missing_from(ours).next().is_some());
    // No endpoint changes these on an existing booking.
    let mut cannot = Differences::NONE
        .with(Field::Length)
        .with(Field::EventType)
        .with(Field::Email)
        .with(Field::Name)
        .with(Field::Notes)
        .with(Field::Responses)
        .with(Field::Metadata)
        .union(facts.unsupported);
    cannot.status |= !confirms;
    cannot.guests |= removes_guests;
    let inexpressible = wanted.intersection(cannot);
    let rest = inexpressible.without(facts.policy.fields_to(Inexpressible::Accept));
    let mut rebooks = facts.policy.fields_to(Inexpressible::Rebook);
    if facts.order == Some(Order::ForceLocal) {
        rebooks = REBOOKABLE;
    }
    if !rest.without(rebooks.intersection(REBOOKABLE)).is_empty() {
        return Decision::Review(ReviewReason::NotExpressible);
    }
    if !rest.is_empty() {
        return Decision::Rebook;
    }
    let wanted = wanted.without(cannot);
    if wanted.status {
        Decision::ConfirmBooking
    } else if wanted.start {
        Decision::Reschedule { start: local.start }
    } else if let Some(to) = local.host.filter(|_| wanted.host) {
        Decision::Reassign { to }
    } else if let Some(to) = local.location.clone().filter(|_| wanted.location) {
        Decision::UpdateLocation { to }
    } else if let Some(guests) = added.filter(|_| wanted.guests) {
        Decision::AddGuests { guests }
    } else if let Some(absent) = local.absent.filter(|_| wanted.absent) {
        Decision::MarkAbsent { absent }
    } else if inexpressible.is_empty() {
        Decision::MoveBase
    } else {
        Decision::AcceptDifference
    }
}
