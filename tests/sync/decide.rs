//! The decision, over every combination of sides.

use calcom::model::EventTypeId;
use calcom::store::{
    AppointmentState, AppointmentStatus, Differences, Field, Origin, Person, ReviewReason,
};
use calcom::sync::{
    Base, ConflictPolicy, Decision, Facts, Inexpressible, Local, Order, Remote, SyncPolicy,
    Verdict, decide,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

/// Few values, so that sides agree often.
fn state() -> impl Strategy<Value = AppointmentState> {
    let status = prop_oneof![
        3 => Just(AppointmentStatus::Confirmed),
        1 => Just(AppointmentStatus::Pending),
        2 => Just(AppointmentStatus::Cancelled),
        1 => Just(AppointmentStatus::Declined),
    ];
    let details = (0..3_u8, 0..3_u8, 0..4_u8, 0..3_u8);
    (status, 0..3_i64, 1..3_i64, 1..3_i64, 0..2_u8, details).prop_map(
        |(status, hour, length, event_type, person, (host, place, guests, notes))| {
            let start = DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
            let state = AppointmentState::new(
                status,
                start,
                start + TimeDelta::minutes(30 * length),
                EventTypeId::new(event_type),
                Person::new(
                    format!("P{person}"),
                    format!("p{person}@example.com"),
                    "UTC",
                ),
            );
            with_details(state, host, place, guests, notes)
        },
    )
}

/// Adds details; 0 stands for what is not known.
fn with_details(
    mut state: AppointmentState,
    host: u8,
    place: u8,
    guests: u8,
    notes: u8,
) -> AppointmentState {
    if host > 0 {
        state = state.with_host(i64::from(host).into());
    }
    if place > 0 {
        state = state.with_location(format!("room {place}"));
    }
    if guests > 0 {
        state = state.with_guests((1..guests).map(|guest| format!("g{guest}@example.com")));
    }
    if notes > 0 {
        state = state.with_notes(format!("note {notes}"));
    }
    state
}

fn policy() -> impl Strategy<Value = SyncPolicy> {
    let winner = || {
        prop_oneof![
            Just(ConflictPolicy::Review),
            Just(ConflictPolicy::RemoteWins),
            Just(ConflictPolicy::LocalWins),
            Just(ConflictPolicy::NewestWins),
        ]
    };
    let field = || proptest::sample::select(Field::ALL);
    let conflicts = proptest::collection::vec((field(), winner()), 0..3);
    let accepted = proptest::collection::vec((field(), any::<bool>()), 0..3);
    (winner(), conflicts, accepted).prop_map(|(winner, conflicts, accepted)| {
        let mut policy = SyncPolicy::new(winner);
        for (field, winner) in conflicts {
            policy = policy.with_conflicts_of(field, winner);
        }
        for (field, accepts) in accepted {
            let what = if accepts {
                Inexpressible::Accept
            } else {
                Inexpressible::Review
            };
            policy = policy.with_inexpressible(field, what);
        }
        policy
    })
}

#[derive(Clone, Debug)]
struct Case {
    base: Option<(AppointmentState, AppointmentState)>,
    local: Option<(AppointmentState, Origin, i64, bool)>,
    remote: Option<(AppointmentState, Option<i64>)>,
    policy: SyncPolicy,
}

fn case() -> impl Strategy<Value = Case> {
    let origin = prop_oneof![
        Just(Origin::Calcom),
        Just(Origin::Admin),
        Just(Origin::Other("kiosk".to_owned()))
    ];
    let local = (state(), origin, 0..3_i64, any::<bool>());
    let remote = (state(), proptest::option::of(0..3_i64));
    (
        proptest::option::of((state(), state())),
        proptest::option::of(local),
        proptest::option::of(remote),
        policy(),
    )
        .prop_map(|(base, local, remote, policy)| Case {
            base,
            local,
            remote,
            policy,
        })
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn verdict(case: &Case) -> Verdict {
    ordered(case, None)
}

fn ordered(case: &Case, order: Option<Order>) -> Verdict {
    let base = case.base.clone();
    let base = base.map(|(local, remote)| Base::new(local, remote));
    let local = case
        .local
        .as_ref()
        .map(|(state, origin, at, from_booking)| {
            Local::new(state, origin, instant(*at)).with_from_booking(*from_booking)
        });
    let remote = case.remote.as_ref();
    let remote = remote.map(|(state, at)| Remote::new(state, at.map(instant)));
    let facts = Facts::default()
        .with_base(base.as_ref())
        .with_local(local)
        .with_remote(remote)
        .with_policy(case.policy.clone())
        .with_order(order);
    decide(&facts)
}

fn writes_to_calcom(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::CreateBooking
            | Decision::Reschedule { .. }
            | Decision::Rebook
            | Decision::CancelBooking
            | Decision::ConfirmBooking
            | Decision::DeclineBooking
            | Decision::Reassign { .. }
            | Decision::UpdateLocation { .. }
            | Decision::AddGuests { .. }
    )
}

fn writes_to_host(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::CreateAppointment | Decision::UpdateAppointment { .. }
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Origin: what Cal.com did is not told to Cal.com.
    #[test]
    fn a_change_of_cal_coms_is_never_pushed(mut case in case()) {
        if let Some(local) = &mut case.local {
            local.1 = Origin::Calcom;
        }
        prop_assert!(!writes_to_calcom(&verdict(&case).decision));
    }

    /// Base: where both sides hold what they agreed on, nothing is written, whatever the origin says.
    #[test]
    fn an_echo_causes_no_write(base in state(), other in state(), case in case()) {
        let (_, origin, at, from_booking) = case.local.clone().unwrap_or((base.clone(), Origin::Admin, 0, false));
        let echo = Case {
            base: Some((base.clone(), other.clone())),
            local: Some((base, origin, at, from_booking)),
            remote: Some((other, Some(0))),
            policy: case.policy,
        };
        prop_assert_eq!(verdict(&echo).decision, Decision::Nothing);
    }

    #[test]
    fn sides_that_agree_are_left_alone(case in case(), agreed in state()) {
        let mut case = case;
        let (origin, from_booking) = case.local.map_or((Origin::Admin, false), |l| (l.1, l.3));
        case.local = Some((agreed.clone(), origin, 0, from_booking));
        case.remote = Some((agreed, None));
        let decision = verdict(&case).decision;
        prop_assert!(matches!(decision, Decision::Nothing | Decision::MoveBase), "{decision:?}");
    }

    /// A side that did not change never overwrites one that did.
    #[test]
    fn only_what_changed_is_carried(case in case()) {
        let (Some(base), Some(local), Some(remote)) = (&case.base, &case.local, &case.remote) else {
            return Ok(());
        };
        let decision = verdict(&case).decision;
        if local.0.changes_since(&base.0).is_empty() {
            prop_assert!(!writes_to_calcom(&decision), "{decision:?}");
        }
        if remote.0.changes_since(&base.1).is_empty() {
            prop_assert!(!writes_to_host(&decision), "{decision:?}");
        }
    }

    /// A booking that has ended is never moved, and one that lives is never made again.
    #[test]
    fn nothing_is_doubled_or_revived(case in case()) {
        let decision = verdict(&case).decision;
        let remote_lives = case.remote.as_ref().is_some_and(|r| r.0.status.is_live());
        match decision {
            Decision::CreateBooking => prop_assert!(!remote_lives),
            _ if writes_to_calcom(&decision) => prop_assert!(remote_lives),
            _ => {}
        }
        if let Some(remote) = &case.remote
            && !remote.0.status.is_live()
        {
            prop_assert!(decision != Decision::CreateAppointment);
        }
    }

    /// Nothing is cancelled because it is absent.
    #[test]
    fn absence_is_no_reason_to_cancel(mut case in case()) {
        case.local = None;
        prop_assert!(!writes_to_calcom(&verdict(&case).decision));
    }

    /// A conflict that nobody is entitled to decide goes to a person.
    #[test]
    fn conflicts_are_reviewed_by_default(mut case in case()) {
        case.policy = SyncPolicy::default();
        let decided = verdict(&case);
        prop_assert_eq!(decided.conflict, None);
        if let (Some(base), Some(local), Some(remote)) = (&case.base, &case.local, &case.remote) {
            let both = !local.0.changes_since(&base.0).is_empty()
                && !remote.0.changes_since(&base.1).is_empty()
                && local.1 != Origin::Calcom;
            if both {
                let agree = matches!(decided.decision, Decision::MoveBase);
                let asked = decided.decision == Decision::Review(ReviewReason::Conflict);
                prop_assert!(agree || asked, "{:?}", decided.decision);
                prop_assert!(!agree || base.0 != base.1 || local.0.agrees_with(&remote.0));
            }
        }
    }

    /// Carrying a decision out leads to agreement, or to a person; deciding again then does nothing.
    #[test]
    fn a_decision_carried_out_is_the_last_one(case in case()) {
        let mut after = case.clone();
        match verdict(&case).decision {
            Decision::UpdateAppointment { state, .. } => {
                let remote = case.remote.clone().unwrap().0;
                after.local = case.local.map(|l| ((*state).clone(), Origin::Calcom, l.2, l.3));
                after.base = Some((*state, remote));
            }
            ref decision if writes_to_calcom(decision) => {
                let local = case.local.clone().unwrap().0;
                after.remote = Some((local.clone(), None));
                after.base = Some((local.clone(), local));
            }
            _ => return Ok(()),
        }
        prop_assert_eq!(verdict(&after).decision, Decision::Nothing);
    }
}

/// The table of the design, row by row.
#[test]
fn the_table() {
    let start = DateTime::UNIX_EPOCH;
    let state = |minutes: i64, status| {
        AppointmentState::new(
            status,
            start + TimeDelta::minutes(minutes),
            start + TimeDelta::minutes(minutes + 30),
            EventTypeId::new(1),
            Person::new("Ann", "ann@example.com", "UTC"),
        )
    };
    let confirmed = |minutes| state(minutes, AppointmentStatus::Confirmed);
    let cancelled = state(0, AppointmentStatus::Cancelled);
    let decided = |base: Option<AppointmentState>,
                   local: Option<AppointmentState>,
                   remote: Option<AppointmentState>,
                   policy: ConflictPolicy| {
        verdict(&Case {
            base: base.map(|base| (base.clone(), base)),
            local: local.map(|state| (state, Origin::Admin, 5, false)),
            remote: remote.map(|state| (state, Some(3))),
            policy: policy.into(),
        })
        .decision
    };
    let review = ConflictPolicy::Review;
    let (a, b, c) = (confirmed(0), confirmed(60), confirmed(120));
    let some = |state: &AppointmentState| Some(state.clone());
    let update = |state: &AppointmentState| Decision::update_appointment(state.clone());

    assert_eq!(
        decided(some(&a), some(&a), some(&a), review),
        Decision::Nothing
    );
    assert_eq!(
        decided(some(&a), some(&b), some(&a), review),
        Decision::reschedule(b.start)
    );
    assert_eq!(
        decided(some(&a), some(&cancelled), some(&a), review),
        Decision::CancelBooking
    );
    assert_eq!(decided(some(&a), some(&a), some(&b), review), update(&b));
    assert_eq!(
        decided(some(&a), some(&b), some(&b), review),
        Decision::MoveBase
    );
    assert_eq!(
        decided(some(&a), some(&b), some(&c), review),
        Decision::Review(ReviewReason::Conflict)
    );
    assert_eq!(
        decided(some(&a), some(&b), some(&c), ConflictPolicy::RemoteWins),
        update(&c)
    );
    assert_eq!(
        decided(some(&a), some(&b), some(&c), ConflictPolicy::LocalWins),
        Decision::reschedule(b.start)
    );
    assert_eq!(
        decided(some(&a), some(&b), some(&c), ConflictPolicy::NewestWins),
        Decision::reschedule(b.start)
    );
    assert_eq!(
        decided(
            some(&a),
            some(&b),
            some(&cancelled),
            ConflictPolicy::LocalWins
        ),
        Decision::Review(ReviewReason::RemoteEnded)
    );
    assert_eq!(
        decided(None, None, some(&a), review),
        Decision::CreateAppointment
    );
    assert_eq!(
        decided(None, None, some(&cancelled), review),
        Decision::IgnoreEnded
    );
    assert_eq!(
        decided(None, some(&a), None, review),
        Decision::CreateBooking
    );
    assert_eq!(
        decided(None, some(&cancelled), None, review),
        Decision::SkipNeverBooked
    );
    assert_eq!(
        decided(some(&a), None, some(&a), review),
        Decision::Review(ReviewReason::AppointmentMissing)
    );
    assert_eq!(
        decided(some(&a), some(&a), None, review),
        Decision::Review(ReviewReason::BookingMissing)
    );
    assert_eq!(
        decided(some(&cancelled), some(&b), some(&cancelled), review),
        Decision::CreateBooking
    );
    assert_eq!(decided(None, None, None, review), Decision::Nothing);
}

fn times(status: AppointmentStatus, minutes: i64, length: i64, name: &str) -> AppointmentState {
    let start = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
    let end = start + TimeDelta::minutes(length);
    let person = Person::new(name, "ann@example.com", "UTC");
    AppointmentState::new(status, start, end, EventTypeId::new(1), person)
}

fn pair(
    base: (AppointmentState, AppointmentState),
    local: AppointmentState,
    remote: AppointmentState,
) -> Case {
    Case {
        base: Some(base),
        local: Some((local, Origin::Admin, 5, false)),
        remote: Some((remote, Some(3))),
        policy: SyncPolicy::default(),
    }
}

/// Name, status and length differ and were accepted: each side's later move goes through, and takes nothing else along.
#[test]
fn an_accepted_difference_stands_in_nobodys_way() {
    use AppointmentStatus::{Confirmed, Pending};
    let local = times(Confirmed, 0, 90, "Ann Lee");
    let remote = times(Pending, 0, 30, "Ann");
    let base = (local.clone(), remote.clone());

    let rest = pair(base.clone(), local.clone(), remote.clone());
    assert_eq!(verdict(&rest).decision, Decision::Nothing);

    let moved = times(Confirmed, 60, 90, "Ann Lee");
    let by_host = pair(base.clone(), moved.clone(), remote);
    let start = moved.start;
    assert_eq!(verdict(&by_host).decision, Decision::reschedule(start));

    let by_calcom = pair(base, local, times(Pending, 60, 30, "Ann"));
    assert_eq!(
        verdict(&by_calcom).decision,
        Decision::update_appointment(moved)
    );
}

/// Cal.com answered our own write with another status and length: the appointment follows, unless the host has moved on.
#[test]
fn an_answer_that_differs_is_no_conflict() {
    use AppointmentStatus::{Confirmed, Pending};
    let sent = times(Confirmed, 0, 90, "Ann");
    let answered = times(Pending, 0, 30, "Ann");
    let decided = |local: &AppointmentState| {
        let base = Base::new(sent.clone(), answered.clone());
        let facts = Facts::default()
            .with_base(Some(&base))
            .with_local(Some(Local::new(
                local,
                &Origin::Phone,
                DateTime::UNIX_EPOCH,
            )))
            .with_remote(Some(Remote::new(&answered, None)))
            .with_policy(ConflictPolicy::RemoteWins)
            .with_owed(Differences::ALL);
        decide(&facts).decision
    };
    let follows = Decision::update_appointment(answered.clone());
    assert_eq!(decided(&sent), follows);
    let moved = times(Confirmed, 60, 90, "Ann");
    let start = moved.start;
    assert_eq!(decided(&moved), Decision::reschedule(start));
    // The host has come to what Cal.com holds in another field: that settles nothing of the answer.
    let mut elsewhere = sent.clone();
    elsewhere.event_type = EventTypeId::new(2);
    let base = Base::new(elsewhere, answered.clone());
    let facts = Facts::default()
        .with_base(Some(&base))
        .with_local(Some(Local::new(
            &sent,
            &Origin::Phone,
            DateTime::UNIX_EPOCH,
        )))
        .with_remote(Some(Remote::new(&answered, None)))
        .with_owed(Differences::ALL);
    assert_eq!(decide(&facts).decision, follows);
    // Nor does a conflict about something else that Cal.com wins.
    let base = Base::new(sent.clone(), answered.clone());
    let moved_here = times(Confirmed, 60, 90, "Ann");
    let moved_there = times(Pending, 120, 30, "Ann");
    let facts = Facts::default()
        .with_base(Some(&base))
        .with_local(Some(Local::new(
            &moved_here,
            &Origin::Phone,
            DateTime::UNIX_EPOCH,
        )))
        .with_remote(Some(Remote::new(&moved_there, None)))
        .with_policy(ConflictPolicy::RemoteWins)
        .with_owed(Differences::ALL);
    let follows = Decision::update_appointment(moved_there.clone());
    assert_eq!(decide(&facts).decision, follows);
}

#[test]
fn instants_are_compared_to_the_millisecond() {
    let state = times(AppointmentStatus::Confirmed, 0, 30, "Ann");
    let mut finer = state.clone();
    finer.start += TimeDelta::microseconds(999);
    finer.end += TimeDelta::microseconds(999);
    assert!(finer.agrees_with(&state));
    finer.start += TimeDelta::microseconds(1);
    assert!(!finer.agrees_with(&state));
}

#[test]
fn a_persons_order_is_carried_out() {
    use AppointmentStatus::{Cancelled, Confirmed};
    let base = times(Confirmed, 0, 30, "Ann");
    let (local, remote) = (
        times(Confirmed, 60, 30, "Ann"),
        times(Confirmed, 120, 30, "Ann"),
    );
    let case = pair((base.clone(), base.clone()), local.clone(), remote.clone());
    let decided = |case: &Case, order| ordered(case, Some(order)).decision;
    assert_eq!(
        decided(&case, Order::TakeRemote),
        Decision::update_appointment(remote)
    );
    let start = local.start;
    assert_eq!(
        decided(&case, Order::ForceLocal),
        Decision::reschedule(start)
    );
    assert_eq!(
        decided(&case, Order::AcceptDifference),
        Decision::AcceptDifference
    );
    // A booking that has ended is booked anew, and one whose appointment is gone is cancelled.
    let ended = pair(
        (base.clone(), base.clone()),
        local,
        times(Cancelled, 0, 30, "Ann"),
    );
    assert_eq!(decided(&ended, Order::ForceLocal), Decision::CreateBooking);
    let mut gone = case;
    gone.local = None;
    assert_eq!(decided(&gone, Order::ForceLocal), Decision::CancelBooking);
    assert_eq!(
        decided(&gone, Order::TakeRemote),
        Decision::CreateAppointment
    );
}

/// The host wins its name, which Cal.com cannot take: that must not keep Cal.com's new time from the host.
#[test]
fn what_cannot_be_pushed_does_not_swallow_what_cal_com_wins() {
    use AppointmentStatus::Confirmed;
    let base = times(Confirmed, 0, 30, "Ann");
    let mut case = pair(
        (base.clone(), base),
        times(Confirmed, 0, 30, "Ann Lee"),
        times(Confirmed, 60, 30, "Anna"),
    );
    case.policy = SyncPolicy::new(ConflictPolicy::RemoteWins)
        .with_conflicts_of(Field::Name, ConflictPolicy::LocalWins);
    let moved = times(Confirmed, 60, 30, "Ann Lee");
    assert_eq!(verdict(&case).decision, Decision::update_appointment(moved));
}
