//! Taking, moving and cancelling appointments.

use std::time::Duration;

use calcom::agents::{Caller, Outcome, Progress, Refusal, Tool};
use calcom::model::{NewAttendee, NewBooking};
use calcom::store::{AppointmentState, AppointmentStatus, AppointmentWrite, Origin, Person};
use calcom::testing::{Fault, Operation, Then};
use futures_util::future::join_all;
use serde_json::json;

use crate::salon::{ANN, BEN, Salon, booking, calling, id_of, kind, shown, utc};

const TEN: &str = "2026-12-03T10:00";

fn at_ten() -> chrono::DateTime<chrono::Utc> {
    utc("2026-12-03T09:00:00Z")
}

#[tokio::test]
async fn a_caller_books_and_both_sides_have_it() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let answer = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let Outcome::Booked {
        appointment,
        progress,
        ..
    } = &answer.result
    else {
        panic!("{}", shown(&answer));
    };
    assert_eq!(*progress, Progress::Confirmed);
    assert_eq!(appointment.start.to_rfc3339(), "2026-12-03T10:00:00+01:00");
    let kept = salon.appointments();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].origin, Origin::Phone);
    assert_eq!(kept[0].state.attendee.phone_number.as_deref(), Some(ANN));
    let bookings = salon.harness.fake().live_bookings();
    assert_eq!((bookings.len(), bookings[0].start), (1, at_ten()));
    salon.harness.assert_in_sync().await;
}

#[tokio::test]
async fn a_call_that_comes_ten_times_at_once_books_once() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let calls = (0..10).map(|_| salon.call(&ann, Tool::BookAppointment, booking(TEN)));
    let answers = join_all(calls).await;
    for answer in &answers {
        assert_eq!(answer, &answers[0], "{}", shown(answer));
        assert_eq!(kind(answer), "booked", "{}", shown(answer));
    }
    assert_eq!(salon.appointments().len(), 1);
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
    // And once more, later.
    let again = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert_eq!(again, answers[0]);
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
}

#[tokio::test]
async fn the_same_wish_in_other_words_books_once() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let first = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let other_words = json!({"service": "haarschnitt", "when": "2026-12-03T10:00:00+01:00", "name": "anna schmidt"});
    let again = salon.call(&ann, Tool::BookAppointment, other_words).await;
    assert_eq!(id_of(&again), id_of(&first));
    assert_eq!(salon.appointments().len(), 1);
    // Without a conversation the arguments alone name it.
    let program = Caller::program();
    let arguments =
        json!({"service": "Färben", "when": "2026-12-04T10:00", "name": "Ben", "phone": BEN});
    let calls = (0..10).map(|_| salon.call(&program, Tool::BookAppointment, arguments.clone()));
    let ids: Vec<String> = join_all(calls).await.iter().map(id_of).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(salon.appointments().len(), 2);
    assert_eq!(
        salon
            .appointments()
            .iter()
            .filter(|one| one.origin == Origin::Api)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_taken_slot_is_answered_with_alternatives() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let ben = calling("call-2", BEN);
    let answer = salon.call(&ben, Tool::BookAppointment, booking(TEN)).await;
    let Outcome::Taken { alternatives, .. } = &answer.result else {
        panic!("{}", shown(&answer));
    };
    let starts: Vec<String> = alternatives
        .iter()
        .map(|offer| offer.start.format("%d %H:%M").to_string())
        .collect();
    assert_eq!(
        starts,
        ["03 09:30", "03 10:30", "03 09:00", "03 11:00", "03 08:30"]
    );
    assert_eq!(salon.appointments().len(), 1);
}

/// Somebody books at Cal.com between the look and the booking.
#[tokio::test]
async fn a_slot_that_is_lost_on_the_way_leaves_nothing_behind() {
    let salon = Salon::open().await;
    let refusal = json!({
        "status": "error",
        "error": {
            "code": "BadRequestException",
            "message": "User either already has booking at this time or is not available",
        },
    });
    let taken = Then::answer(400, vec![], refusal.to_string());
    salon
        .harness
        .fake()
        .inject(Fault::new(Operation::CreateBooking, taken));
    let ann = calling("call-1", ANN);
    let answer = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert_eq!(kind(&answer), "taken", "{}", shown(&answer));
    let kept = salon.appointments();
    assert_eq!(kept[0].state.status, AppointmentStatus::Declined);
    salon.harness.settle().await;
    assert!(salon.harness.reviews().await.is_empty());
    assert!(salon.harness.fake().live_bookings().is_empty());
    // The slot has become free again: the same wish is carried out now.
    let again = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert_eq!(kind(&again), "booked", "{}", shown(&again));
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
}

#[tokio::test]
async fn what_takes_longer_is_accepted_and_said_so() {
    let mut salon = Salon::open_for(Duration::from_secs(1), |tenant| tenant).await;
    salon.rest();
    let ann = calling("call-1", ANN);
    let answer = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let Outcome::Booked { progress, .. } = &answer.result else {
        panic!("{}", shown(&answer));
    };
    assert_eq!(*progress, Progress::Accepted);
    salon.harness.settle().await;
    salon.harness.assert_in_sync().await;
    let again = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert!(
        matches!(
            again.result,
            Outcome::Booked {
                progress: Progress::Confirmed,
                ..
            }
        ),
        "{}",
        shown(&again)
    );
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
}

#[tokio::test]
async fn a_caller_moves_and_cancels_by_number_alone() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let later = calling("call-2", ANN);
    for _ in 0..2 {
        let moved = salon
            .call(
                &later,
                Tool::MoveAppointment,
                json!({"when": "2026-12-04T14:30"}),
            )
            .await;
        assert_eq!(kind(&moved), "moved", "{}", shown(&moved));
    }
    let bookings = salon.harness.fake().live_bookings();
    assert_eq!(
        (bookings.len(), bookings[0].start),
        (1, utc("2026-12-04T13:30:00Z"))
    );
    for _ in 0..2 {
        let cancelled = salon.call(&later, Tool::CancelAppointment, json!({})).await;
        assert_eq!(kind(&cancelled), "cancelled", "{}", shown(&cancelled));
    }
    assert!(salon.harness.fake().live_bookings().is_empty());
    let none = salon.call(&later, Tool::FindAppointments, json!({})).await;
    assert!(
        matches!(&none.result, Outcome::Appointments { appointments, .. } if appointments.is_empty())
    );
    salon.harness.assert_in_sync().await;
    // What was cancelled is taken again only if the caller says so.
    let again = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert!(
        matches!(
            again.result,
            Outcome::Refused {
                reason: Refusal::WasCancelled,
                ..
            }
        ),
        "{}",
        shown(&again)
    );
    let mut arguments = booking(TEN);
    arguments["again"] = json!("yes");
    let again = salon.call(&ann, Tool::BookAppointment, arguments).await;
    assert_eq!(kind(&again), "booked", "{}", shown(&again));
}

#[tokio::test]
async fn a_move_to_a_taken_slot_changes_nothing() {
    let salon = Salon::open().await;
    let (ann, ben) = (calling("call-1", ANN), calling("call-2", BEN));
    salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    salon
        .call(&ben, Tool::BookAppointment, booking("2026-12-03T11:00"))
        .await;
    let taken = salon
        .call(&ben, Tool::MoveAppointment, json!({"when": TEN}))
        .await;
    assert_eq!(kind(&taken), "taken", "{}", shown(&taken));
    // Cal.com says no only when it is asked to move.
    let refusal = json!({
        "status": "error",
        "error": {
            "code": "BadRequestException",
            "message": "User either already has booking at this time or is not available",
        },
    });
    let lost = Then::answer(400, vec![], refusal.to_string());
    salon
        .harness
        .fake()
        .inject(Fault::new(Operation::Reschedule, lost));
    let lost = salon
        .call(
            &ben,
            Tool::MoveAppointment,
            json!({"when": "2026-12-03T15:00"}),
        )
        .await;
    assert_eq!(kind(&lost), "taken", "{}", shown(&lost));
    salon.harness.settle().await;
    salon.harness.assert_in_sync().await;
    assert!(salon.harness.reviews().await.is_empty());
    let of_ben = salon.call(&ben, Tool::FindAppointments, json!({})).await;
    let Outcome::Appointments { appointments, .. } = &of_ben.result else {
        panic!("{}", shown(&of_ben));
    };
    assert_eq!(
        appointments[0].start.to_rfc3339(),
        "2026-12-03T11:00:00+01:00"
    );
}

#[tokio::test]
async fn an_appointment_moves_by_less_than_its_length() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let colour = json!({"service": "Färben", "when": TEN, "name": "Anna"});
    salon.call(&ann, Tool::BookAppointment, colour).await;
    let moved = salon
        .call(
            &ann,
            Tool::MoveAppointment,
            json!({"when": "2026-12-03T10:30"}),
        )
        .await;
    assert_eq!(kind(&moved), "moved", "{}", shown(&moved));
    assert_eq!(
        salon.harness.fake().live_bookings()[0].start,
        utc("2026-12-03T09:30:00Z")
    );
}

/// Slow, so that the answer was "accepted"; and then the slot turns out to be taken.
#[tokio::test]
async fn a_slot_that_is_lost_after_the_answer_leaves_nothing_behind_once_it_is_asked_again() {
    let mut salon = Salon::open_for(Duration::from_secs(1), |tenant| tenant).await;
    salon.rest();
    let ann = calling("call-1", ANN);
    let accepted = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert_eq!(kind(&accepted), "booked", "{}", shown(&accepted));
    let ben = NewAttendee::new("Ben", "ben@example.com", "Europe/Berlin".into());
    let theirs = NewBooking::new(salon.event_type(), at_ten(), ben);
    salon.harness.fake().book(theirs).await.unwrap();
    salon.harness.settle().await;
    salon.work();
    let again = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    assert_eq!(kind(&again), "taken", "{}", shown(&again));
    let theirs = salon.call(&ann, Tool::FindAppointments, json!({})).await;
    assert!(
        matches!(&theirs.result, Outcome::Appointments { appointments, .. } if appointments.is_empty()),
        "{}",
        shown(&theirs)
    );
}

/// A review item from before a write says nothing about it.
#[tokio::test]
async fn an_appointment_in_review_is_cancelled_all_the_same() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let booked = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let id = id_of(&booked);
    let refusal = json!({
        "status": "error",
        "error": {"code": "BadRequestException", "message": "The event type forbids that"},
    });
    let refused = Then::answer(400, vec![], refusal.to_string());
    salon
        .harness
        .fake()
        .inject(Fault::new(Operation::Reschedule, refused));
    let moved = json!({"when": "2026-12-04T10:00"});
    let moved = salon.call(&ann, Tool::MoveAppointment, moved).await;
    assert!(
        matches!(
            moved.result,
            Outcome::Refused {
                reason: Refusal::Rejected,
                ..
            }
        ),
        "{}",
        shown(&moved)
    );
    assert_eq!(salon.harness.reviews().await.len(), 1);
    let cancelled = json!({"appointment": id});
    let cancelled = salon.call(&ann, Tool::CancelAppointment, cancelled).await;
    assert_eq!(kind(&cancelled), "cancelled", "{}", shown(&cancelled));
}

#[tokio::test]
async fn a_caller_sees_nobody_elses_appointments() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let booked = salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let id = id_of(&booked);
    let ben = calling("call-2", BEN);
    let theirs = salon
        .call(&ben, Tool::FindAppointments, json!({"phone": ANN}))
        .await;
    assert!(
        matches!(&theirs.result, Outcome::Appointments { appointments, .. } if appointments.is_empty())
    );
    for (tool, arguments) in [
        (
            Tool::CancelAppointment,
            json!({"appointment": id, "phone": ANN}),
        ),
        (
            Tool::MoveAppointment,
            json!({"appointment": id, "phone": ANN, "when": "2026-12-04T10:00"}),
        ),
    ] {
        let refused = salon.call(&ben, tool, arguments).await;
        assert!(
            matches!(
                refused.result,
                Outcome::Refused {
                    reason: Refusal::NotTheirs,
                    ..
                }
            ),
            "{}",
            shown(&refused)
        );
    }
    let withheld = Caller::on_the_phone("call-3", None);
    let refused = salon
        .call(&withheld, Tool::CancelAppointment, json!({"phone": ANN}))
        .await;
    assert!(
        matches!(
            refused.result,
            Outcome::Refused {
                reason: Refusal::NumberWithheld,
                ..
            }
        ),
        "{}",
        shown(&refused)
    );
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
    // Staff may name any number.
    let found = salon
        .call(
            &Caller::program(),
            Tool::FindAppointments,
            json!({"phone": ANN}),
        )
        .await;
    assert!(
        matches!(&found.result, Outcome::Appointments { appointments, .. } if appointments.len() == 1)
    );
    assert!(!shown(&found).contains("Schmidt"));
}

#[tokio::test]
async fn which_of_several_is_asked() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    salon.call(&ann, Tool::BookAppointment, booking(TEN)).await;
    let second = salon
        .call(&ann, Tool::BookAppointment, booking("2026-12-03T12:00"))
        .await;
    let which = salon.call(&ann, Tool::CancelAppointment, json!({})).await;
    let Outcome::Unclear { doubts, .. } = &which.result else {
        panic!("{}", shown(&which));
    };
    assert_eq!(doubts[0].readings.len(), 2);
    let id = doubts[0].readings[1].value.clone();
    assert_eq!(id, id_of(&second));
    let cancelled = salon
        .call(&ann, Tool::CancelAppointment, json!({"appointment": id}))
        .await;
    assert_eq!(id_of(&cancelled), id_of(&second));
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
}

#[tokio::test]
async fn what_has_begun_is_not_changed() {
    let salon = Salon::open().await;
    let (start, end) = (utc("2026-12-01T07:45:00Z"), utc("2026-12-01T08:15:00Z"));
    let ann = Person::by_phone("Anna", ANN, "Europe/Berlin");
    let status = AppointmentStatus::Confirmed;
    let state = AppointmentState::new(status, start, end, salon.event_type(), ann);
    salon.write_in("a-1", AppointmentWrite::new(state, Origin::Admin, start));
    let refused = salon
        .call(&calling("call-1", ANN), Tool::CancelAppointment, json!({}))
        .await;
    assert!(
        matches!(
            refused.result,
            Outcome::Refused {
                reason: Refusal::HasBegun,
                ..
            }
        ),
        "{}",
        shown(&refused)
    );
}

#[tokio::test]
async fn everything_that_is_missing_is_said_at_once() {
    let salon = Salon::open().await;
    let nobody = Caller::on_the_phone("call-1", None);
    let unclear = salon.call(&nobody, Tool::BookAppointment, json!({})).await;
    let Outcome::Unclear { doubts, .. } = &unclear.result else {
        panic!("{}", shown(&unclear));
    };
    let items: Vec<String> = doubts
        .iter()
        .map(|doubt| format!("{:?}", doubt.item))
        .collect();
    assert_eq!(items, ["Service", "Date", "Name", "Contact"]);
    assert!(salon.appointments().is_empty());
}
