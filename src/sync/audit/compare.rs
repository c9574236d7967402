//! Whether the two sides of a pair have drifted apart: pure functions.

use chrono::{DateTime, Utc};

use super::is_within;
use crate::store::{AppointmentState, Differences, Window};
use crate::sync::standing::Base;

/// What a pair has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PairSays {
    /// Both sides agree.
    InStep,
    /// They differ as they did when the difference was accepted.
    Accepted,
    /// They have drifted apart in these fields.
    Differs(Differences),
}

/// Compares both sides of a pair, with what they were when they last agreed. `owed` are the fields
/// in which the appointment has yet to follow Cal.com's answer to our own write.
pub(super) fn compare_pair(
    local: &AppointmentState,
    remote: &AppointmentState,
    base: Option<&Base>,
    owed: Differences,
) -> PairSays {
    let apart = local.differences(remote);
    if apart.is_empty() {
        return PairSays::InStep;
    }
    let Some(base) = base else {
        return PairSays::Differs(apart);
    };
    let news = changes(&base.local, local).union(changes(&base.remote, remote));
    let news = news.union(owed).intersection(apart);
    if news.is_empty() {
        PairSays::Accepted
    } else {
        PairSays::Differs(news)
    }
}

/// The fields a side has changed since the base. A revived side may have changed everything.
pub(super) fn changes(before: &AppointmentState, now: &AppointmentState) -> Differences {
    if !before.status.is_live() && now.status.is_live() {
        Differences::ALL
    } else {
        now.changes_since(before)
    }
}

/// Whether bringing a pair into agreement cancels one of its sides.
pub(super) fn would_cancel(local: &AppointmentState, remote: &AppointmentState) -> bool {
    local.status.is_live() != remote.status.is_live()
}

/// Whether a pair is reported at its live booking, or else at its appointment. Each pair is reported
/// once: at whichever of the two comes first within the window.
pub(super) fn is_told_at_booking(
    booking: DateTime<Utc>,
    appointment: &AppointmentState,
    window: Window,
) -> bool {
    is_within(window, booking)
        && (!appointment.status.is_live()
            || !is_within(window, appointment.start)
            || booking.timestamp_millis() <= appointment.start.timestamp_millis())
}

/// How many a repair may cancel without being asked to.
pub(super) fn allowed_cancellations(appointments: u64, percent: u32) -> u64 {
    let allowed = u128::from(appointments) * u128::from(percent) / 100;
    u64::try_from(allowed).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::store::{AppointmentStatus, Field, Person};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn state(minute: i64) -> AppointmentState {
        let ann = Person::new("Ann", "ann@example.com", "UTC");
        let status = AppointmentStatus::Confirmed;
        AppointmentState::new(status, at(minute), at(minute + 30), 7.into(), ann)
    }

    fn cancelled(minute: i64) -> AppointmentState {
        let mut state = state(minute);
        state.status = AppointmentStatus::Cancelled;
        state
    }

    fn differs(fields: &[Field]) -> PairSays {
        PairSays::Differs(fields.iter().copied().collect())
    }

    const NONE: Differences = Differences::NONE;

    #[test]
    fn every_field_that_changed_since_the_base_is_named() {
        let base = Base::new(state(0), state(0));
        let says = |local: &AppointmentState, remote: &AppointmentState| {
            compare_pair(local, remote, Some(&base), NONE)
        };
        assert_eq!(says(&state(0), &state(0)), PairSays::InStep);
        assert_eq!(says(&state(9), &state(0)), differs(&[Field::Start]));
        assert_eq!(says(&state(0), &state(9)), differs(&[Field::Start]));
        assert_eq!(says(&cancelled(0), &state(0)), differs(&[Field::Status]));
        assert_eq!(says(&state(0), &cancelled(0)), differs(&[Field::Status]));
        // Both have moved to the same time: the books are old, the sides agree.
        assert_eq!(says(&state(9), &state(9)), PairSays::InStep);
        let mut other = state(0);
        other.event_type = 8.into();
        other.end = at(45);
        let fields = [Field::Length, Field::EventType];
        assert_eq!(says(&state(0), &other), differs(&fields));
        assert_eq!(
            says(&state(0).with_host(1.into()), &state(0).with_host(2.into())),
            differs(&[Field::Host])
        );
        assert_eq!(
            says(&state(0).with_host(1.into()), &state(0)),
            PairSays::InStep
        );
    }

    #[test]
    fn an_accepted_difference_is_no_drift_until_something_changes() {
        let mut longer = state(0);
        longer.end = at(45);
        let base = Base::new(longer.clone(), state(0));
        let says = |local: &AppointmentState, remote: &AppointmentState, owed| {
            compare_pair(local, remote, Some(&base), owed)
        };
        assert_eq!(says(&longer, &state(0), NONE), PairSays::Accepted);
        let mut moved = longer.clone();
        (moved.start, moved.end) = (at(9), at(54));
        assert_eq!(says(&moved, &state(0), NONE), differs(&[Field::Start]));
        let owed = NONE.with(Field::Length);
        assert_eq!(says(&longer, &state(0), owed), differs(&[Field::Length]));
    }

    #[test]
    fn without_a_base_every_difference_is_drift() {
        let says = compare_pair(&state(0), &state(9), None, NONE);
        assert_eq!(says, differs(&[Field::Start]));
    }

    #[test]
    fn one_side_that_ended_is_what_cancels() {
        assert!(would_cancel(&state(0), &cancelled(0)));
        assert!(would_cancel(&cancelled(0), &state(0)));
        assert!(!would_cancel(&cancelled(0), &cancelled(9)));
        assert!(!would_cancel(&state(0), &state(9)));
    }

    #[test]
    fn the_share_is_rounded_down() {
        assert_eq!(allowed_cancellations(100, 10), 10);
        assert_eq!(allowed_cancellations(9, 10), 0);
        assert_eq!(allowed_cancellations(u64::MAX, 100), u64::MAX);
        assert_eq!(allowed_cancellations(u64::MAX, 200), u64::MAX);
        assert_eq!(allowed_cancellations(50, 0), 0);
    }

    fn any_state() -> impl Strategy<Value = AppointmentState> {
        (-5..15_i64, any::<bool>(), 1..3_u32, 0..3_i64).prop_map(|(minute, live, halves, host)| {
            let mut state = if live {
                state(minute)
            } else {
                cancelled(minute)
            };
            state.end = state.start + TimeDelta::minutes(30 * i64::from(halves));
            if host > 0 {
                state = state.with_host(host.into());
            }
            state
        })
    }

    proptest! {
        /// What agrees is no drift; what is not news since both sides agreed to differ is none either;
        /// and every field that is named differs.
        #[test]
        fn drift_is_what_differs_and_is_news(
            local in any_state(), remote in any_state(), base_local in any_state(), base_remote in any_state(),
        ) {
            let base = Base::new(base_local.clone(), base_remote.clone());
            match compare_pair(&local, &remote, Some(&base), NONE) {
                PairSays::InStep => prop_assert!(local.agrees_with(&remote)),
                PairSays::Accepted => prop_assert!(!local.agrees_with(&remote)),
                PairSays::Differs(fields) => {
                    prop_assert!(!fields.is_empty());
                    prop_assert!(fields.without(local.differences(&remote)).is_empty());
                    prop_assert!(local != base_local || remote != base_remote);
                }
            }
            let unchanged = Base::new(local.clone(), remote.clone());
            let says = compare_pair(&local, &remote, Some(&unchanged), NONE);
            prop_assert!(!matches!(says, PairSays::Differs(_)));
        }

        /// Of a live booking and a live appointment at least one of which is within the window,
        /// exactly one is where the pair is reported.
        #[test]
        fn a_pair_is_told_of_once(booking in -5..15_i64, appointment in -5..15_i64) {
            let window = Window::new(at(0), at(10));
            let told_at_booking = is_told_at_booking(at(booking), &state(appointment), window);
            let is_met = |minute| is_within(window, at(minute));
            prop_assume!(is_met(booking) || is_met(appointment));
            // The appointment tells of what its booking does not.
            let told_at_appointment = is_met(appointment) && !told_at_booking;
            prop_assert!(told_at_booking != told_at_appointment);
            prop_assert!(!told_at_booking || is_met(booking));
        }
    }
}
