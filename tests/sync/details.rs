//! Staff, location, guests, notes and confirmation: what an appointment holds besides its time and
//! its attendee.

use std::time::Duration;

use calcom::ambient::Clock;
use calcom::model::{BookingUid, NewAttendee, NewBooking, Trigger, UserId};
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    ChangeFate, Field, Guests, LogEvent, Origin, Reason, Resolution, ReviewReason, StoreErrorKind,
};
use calcom::sync::{ConflictPolicy, Inexpressible, Operations, SyncPolicy};
use calcom::testing::{
    FakeEventType, Fault, Operation, ServerKind, StoreFault, StoreFaults, StoreOperation,
    StoreTrouble, Then,
};

use crate::faulty::engine_over;
use crate::harness::{SECRET, World, ann, at, cancel, hosted, move_to};

fn count(world: &World, operation: Operation) -> usize {
    let writes = world.fake.writes();
    writes.iter().filter(|w| w.operation == operation).count()
}

fn located(place: &str) -> impl FnOnce(&mut AppointmentState) {
    move |state| state.location = Some(place.into())
}

/// An appointment on the event type whose bookings wait for confirmation, booked and pending.
async fn pending(world: &World) -> (calcom::store::Appointment, BookingUid) {
    let mut state = world.state(at(0));
    state.event_type = world.types.confirm;
    state.status = AppointmentStatus::Pending;
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    (world.appointment(&made.id).await, uid)
}

#[tokio::test]
async fn what_the_host_confirms_is_confirmed_once() {
    let world = World::new().await;
    let (made, uid) = pending(&world).await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.status = AppointmentStatus::Confirmed;
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(count(&world, Operation::Confirm), 1);
    // In place: no other booking was made for it.
    assert_eq!(world.booking_of(&made.id).await, uid);
    assert_eq!(world.review_reasons().await, []);
    let amended = |event: &LogEvent| {
        matches!(
            event,
            LogEvent::BookingAmended {
                field: Field::Status,
                ..
            }
        )
    };
    assert_eq!(
        world.events().await.iter().filter(|e| amended(e)).count(),
        1
    );
}

#[tokio::test]
async fn what_the_host_declines_is_declined_and_not_cancelled() {
    let world = World::new().await;
    let (made, uid) = pending(&world).await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.status = AppointmentStatus::Declined;
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(count(&world, Operation::Decline), 1);
    assert_eq!(count(&world, Operation::Cancel), 0);
    let booking = world.fake.booking(&uid).unwrap();
    assert_eq!(booking.status.as_str(), "rejected");
    assert_eq!(
        world.appointment(&made.id).await.state.status,
        AppointmentStatus::Declined
    );
}

/// Cal.com confirms whatever is not accepted, a cancelled booking too: that would revive it.
#[tokio::test]
async fn a_booking_that_ended_meanwhile_is_not_revived_by_confirming_it() {
    let world = World::new().await;
    let (made, uid) = pending(&world).await;
    let lost = Fault::new(Operation::Cancel, Then::LoseWebhook);
    world.fake.inject(lost);
    world.fake.cancel_booking(&uid, "ill").await.unwrap();
    world
        .change(&made.id, Origin::Admin, |state| {
            state.status = AppointmentStatus::Confirmed;
        })
        .await;
    world.drain().await;
    assert_eq!(count(&world, Operation::Confirm), 0);
    assert!(!world.fake.booking(&uid).unwrap().is_live());
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
}

/// Confirmed, the answer lost, and the host changes its mind before it is known.
#[tokio::test]
async fn a_confirmation_that_was_never_answered_is_recognized() {
    let world = World::new().await;
    let (made, uid) = pending(&world).await;
    world
        .fake
        .inject(Fault::new(Operation::Confirm, Then::ApplyThenDrop));
    world
        .fake
        .inject(Fault::new(Operation::Confirm, Then::LoseWebhook));
    world
        .change(&made.id, Origin::Admin, |state| {
            state.status = AppointmentStatus::Confirmed;
        })
        .await;
    world.drain().await;
    world.change(&made.id, Origin::Admin, cancel).await;
    world.settle().await;
    world.assert_in_step().await;
    assert!(!world.fake.booking(&uid).unwrap().is_live());
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(count(&world, Operation::Confirm), 1);
    assert_eq!(count(&world, Operation::Cancel), 1);
}

#[tokio::test]
async fn location_guests_and_notes_travel_with_a_new_booking() {
    let world = World::new().await;
    let offered = world.book(at(5)).await.location.unwrap();
    let state = world
        .state(at(0))
        .with_location(offered.as_str())
        .with_guests(["Bob@example.com"])
        .with_notes("rings twice");
    let made = world.make_as("a", state, Origin::Phone);
    world.drain().await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(booking.guests, ["Bob@example.com"]);
    assert_eq!(booking.location.as_deref(), Some(offered.as_str()));
    let responses = booking.booking_fields_responses.unwrap();
    assert_eq!(responses.get_str("notes"), Some("rings twice"));
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(count(&world, Operation::CreateBooking), 1);
}

#[tokio::test]
async fn the_details_of_a_booking_come_to_its_appointment() {
    let world = World::new().await;
    let attendee = NewAttendee::from(&ann());
    let booking = NewBooking::new(world.fake.event_type_id(), at(0), attendee)
        .with_guest("bob@example.com")
        .with_booking_field("notes", "rings twice");
    let booking = world.fake.book(booking).await.unwrap();
    world.drain().await;
    let id = world
        .link_of_booking(&booking.uid)
        .await
        .appointment
        .unwrap();
    let state = world.appointment(&id).await.state;
    assert_eq!(state.host, Some(world.fake.host_id()));
    let guests: Vec<&str> = state.guests.iter().flat_map(Guests::iter).collect();
    assert_eq!(guests, ["bob@example.com"]);
    assert_eq!(state.notes.unwrap().as_str(), "rings twice");
    assert_eq!(state.location.unwrap().as_str(), booking.location.unwrap());
    world.assert_in_step().await;
}

/// A host that keeps none of them writes none of them: nothing is cleared on the other side.
#[tokio::test]
async fn what_a_host_does_not_know_is_left_alone() {
    let world = World::new().await;
    let attendee = NewAttendee::from(&ann());
    let booking =
        NewBooking::new(world.fake.event_type_id(), at(0), attendee).with_guest("bob@example.com");
    let booking = world.fake.book(booking).await.unwrap();
    world.drain().await;
    let id = world
        .link_of_booking(&booking.uid)
        .await
        .appointment
        .unwrap();
    world
        .change(&id, Origin::Admin, |state| {
            (state.host, state.location) = (None, None);
            (state.guests, state.notes) = (None, None);
            move_to(at(2))(state);
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
    let moved = world.fake.booking(&world.booking_of(&id).await).unwrap();
    assert_eq!(moved.guests, ["bob@example.com"]);
    assert_eq!(world.review_reasons().await, []);
}

#[tokio::test]
async fn a_new_location_and_a_new_time_both_arrive() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let state = world.state(at(0)).with_location("Hauptstr. 1, Berlin");
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            located("Nebenstr. 2, Berlin")(state);
            move_to(at(3))(state);
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(booking.start, at(3));
    assert_eq!(booking.location.as_deref(), Some("Nebenstr. 2, Berlin"));
    assert_eq!(count(&world, Operation::UpdateLocation), 1);
    assert_eq!(count(&world, Operation::Reschedule), 1);
    assert_eq!(
        world.fates(&made.id).await.last(),
        Some(&Some(ChangeFate::Pushed))
    );
}

/// A move is answered, the rest of the change is not: it is sent all the same.
#[tokio::test]
async fn the_second_half_of_a_change_survives_a_crash_after_the_first() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let state = world.state(at(0)).with_location("Hauptstr. 1, Berlin");
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    let drop = Fault::new(Operation::Reschedule, Then::ApplyThenDrop);
    world.fake.inject(drop);
    world
        .change(&made.id, Origin::Admin, |state| {
            located("Nebenstr. 2, Berlin")(state);
            move_to(at(3))(state);
        })
        .await;
    world.settle().await;
    world.assert_in_step().await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(
        (booking.start, booking.location.as_deref()),
        (at(3), Some("Nebenstr. 2, Berlin"))
    );
    assert_eq!(world.review_reasons().await, []);
}

/// A server of 2025 has no endpoint for it: it is asked once, and a person decides.
#[tokio::test]
async fn a_server_that_cannot_change_a_location_is_asked_once() {
    let world = World::on(ServerKind::SelfHosted, |tenant| tenant).await;
    let mut made = Vec::new();
    for (index, id) in ["a", "b"].into_iter().enumerate() {
        let hours = i64::try_from(index).unwrap();
        let state = world.state(at(hours)).with_location("Hauptstr. 1, Berlin");
        made.push(world.make_as(id, state, Origin::Admin));
    }
    world.drain().await;
    let before = world.requests();
    for appointment in &made {
        world
            .change(&appointment.id, Origin::Admin, located("Nebenstr. 2"))
            .await;
        world.drain().await;
    }
    let asked = world.fake.requests();
    let asked = asked[before..]
        .iter()
        .filter(|r| r.operation == Operation::UpdateLocation);
    assert_eq!(asked.count(), 1);
    let reasons = [ReviewReason::NotExpressible, ReviewReason::NotExpressible];
    assert_eq!(world.review_reasons().await, reasons);
    // The difference, once accepted, stands in the way of nothing.
    world.resolve(Resolution::AcceptDifference).await;
    world.drain().await;
    world
        .change(&made[0].id, Origin::Admin, move_to(at(6)))
        .await;
    world.drain().await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made[0].id).await)
        .unwrap();
    assert_eq!(booking.start, at(6));
    assert_eq!(world.review_reasons().await.len(), 1);
    assert_eq!(
        world
            .appointment(&made[0].id)
            .await
            .state
            .location
            .unwrap()
            .as_str(),
        "Nebenstr. 2"
    );
}

#[tokio::test]
async fn a_tenant_may_let_locations_differ() {
    let policy = SyncPolicy::default().with_inexpressible(Field::Location, Inexpressible::Accept);
    let world = World::on(ServerKind::SelfHosted, |t| t.with_policy(policy.clone())).await;
    let state = world.state(at(0)).with_location("Hauptstr. 1, Berlin");
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, located("Nebenstr. 2"))
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(
        world.fates(&made.id).await.last(),
        Some(&Some(ChangeFate::KeptAtHost))
    );
    world.settle().await;
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_guest_is_added_and_none_is_removed_unasked() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let state = world.state(at(0)).with_guests(["bob@example.com"]);
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            *state = state
                .clone()
                .with_guests(["BOB@example.com", "cy@example.com"]);
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(booking.guests, ["bob@example.com", "cy@example.com"]);
    world
        .change(&made.id, Origin::Admin, |state| {
            *state = state.clone().with_guests(["cy@example.com"]);
        })
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    assert_eq!(count(&world, Operation::AddGuests), 1);
}

/// Nobody had asked for it before: what was not known is a wish once it is.
#[tokio::test]
async fn the_first_guest_and_the_first_location_are_sent() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            *state = state.clone().with_guests(["bob@example.com"]);
            located("Nebenstr. 2")(state);
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(booking.guests, ["bob@example.com"]);
    assert_eq!(booking.location.as_deref(), Some("Nebenstr. 2"));
}

#[tokio::test]
async fn a_location_that_cal_com_changes_comes_to_the_host() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let url = format!(
        "http://{}/webhooks/calcom/{}",
        world.address(),
        world.tenant
    );
    world
        .fake
        .subscribe(url, SECRET, [Trigger::BookingLocationUpdated]);
    let state = world.state(at(0)).with_location("Hauptstr. 1, Berlin");
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    world
        .fake
        .update_location(&uid, "Nebenstr. 2")
        .await
        .unwrap();
    world.drain().await;
    let told = world.fake.deliveries();
    assert!(
        told.iter()
            .any(|d| d.trigger == Trigger::BookingLocationUpdated)
    );
    let appointment = world.appointment(&made.id).await;
    assert_eq!(appointment.state.location.unwrap().as_str(), "Nebenstr. 2");
    assert_eq!(appointment.origin, Origin::Calcom);
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
}

/// Each field has its winner: the host keeps its time, and Cal.com its location.
#[tokio::test]
async fn a_conflict_is_decided_field_by_field() {
    let policy = SyncPolicy::default()
        .with_conflicts_of(Field::Start, ConflictPolicy::LocalWins)
        .with_conflicts_of(Field::Location, ConflictPolicy::RemoteWins);
    let world = World::on(hosted(), |t| t.with_policy(policy.clone())).await;
    let state = world.state(at(0)).with_location("Hauptstr. 1, Berlin");
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    let moved = world.fake.move_booking(&uid, at(4)).await.unwrap();
    world
        .fake
        .update_location(&moved.uid, "Nebenstr. 2")
        .await
        .unwrap();
    world
        .change(&made.id, Origin::Admin, |state| {
            located("Seitenstr. 3")(state);
            move_to(at(2))(state);
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(
        (booking.start, booking.location.as_deref()),
        (at(2), Some("Nebenstr. 2"))
    );
    let state = world.appointment(&made.id).await.state;
    assert_eq!(
        (state.start, state.location.unwrap().as_str()),
        (at(2), "Nebenstr. 2")
    );
}

/// Cal.com decides who holds a new booking; that another was wished for is not forgotten.
#[tokio::test]
async fn a_new_booking_of_another_member_of_staff_is_not_left_at_that() {
    let world = World::new().await;
    let refused = refusal_to_reassign();
    world
        .fake
        .inject(Fault::new(Operation::Reassign, refused).always());
    let state = world.state(at(0)).with_host(UserId::new(987));
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    world.resolve(Resolution::AcceptDifference).await;
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(
        world.appointment(&made.id).await.state.host,
        Some(UserId::new(987))
    );
}

fn refusal_to_reassign() -> Then {
    let message = "User with id=987 is not a valid Round Robin host";
    let error = serde_json::json!({"code": "BadRequestException", "message": message});
    let refusal = serde_json::json!({"status": "error", "error": error});
    Then::answer(400, Vec::new(), refusal.to_string())
}

/// Who holds the booking of a personal event type is not the API's to change.
#[tokio::test]
async fn another_member_of_staff_is_asked_for_and_refused() {
    let world = World::new().await;
    let state = world.state(at(0)).with_host(world.fake.host_id());
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    world.assert_in_step().await;
    world
        .fake
        .inject(Fault::new(Operation::Reassign, refusal_to_reassign()).always());
    world
        .change(&made.id, Origin::Admin, |state| {
            state.host = Some(UserId::new(987));
        })
        .await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    world.resolve(Resolution::TakeRemote).await;
    world.drain().await;
    assert_eq!(
        world.appointment(&made.id).await.state.host,
        Some(world.fake.host_id())
    );
    assert_eq!(world.review_reasons().await, []);
}

/// The host changes an appointment and says why.
async fn change_because(
    world: &World,
    id: &AppointmentId,
    reason: &str,
    edit: impl FnOnce(&mut AppointmentState),
) {
    let found = world.appointment(id).await;
    let mut state = found.state.clone();
    edit(&mut state);
    let write = AppointmentWrite::new(state, Origin::Admin, world.clock.now());
    let write = write.with_reason(Reason::new(reason));
    let written = world.store.update(&world.tenant, id, found.revision, write);
    written.await.unwrap();
}

#[tokio::test]
async fn the_hosts_reason_reaches_the_attendee() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    change_because(&world, &made.id, "Hanna is ill", move_to(at(2))).await;
    world.drain().await;
    let moved = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(moved.rescheduling_reason.as_deref(), Some("Hanna is ill"));
    // The next change gives none: the old one is not given again.
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.drain().await;
    let moved = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(
        moved.rescheduling_reason.as_deref(),
        Some("Rescheduled by the host")
    );
    world.assert_in_step().await;
}

/// It is by its reason that a cancellation whose answer was lost is known to be ours.
#[tokio::test]
async fn a_cancellation_with_a_reason_is_recognized_when_its_answer_is_lost() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let first = world.booking_of(&made.id).await;
    world
        .fake
        .inject(Fault::new(Operation::Cancel, Then::ApplyThenDrop));
    change_because(&world, &made.id, "Closed for good", cancel).await;
    world.drain().await;
    // The host revives it before that is known: it is booked anew, and nobody is asked.
    world
        .change(&made.id, Origin::Admin, |state| {
            state.status = AppointmentStatus::Confirmed;
        })
        .await;
    world.settle().await;
    world.assert_in_step().await;
    let ended = world.fake.booking(&first).unwrap();
    assert_eq!(
        ended.cancellation_reason.as_deref(),
        Some("Closed for good")
    );
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn cal_coms_reason_reaches_the_host() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    world.fake.cancel_booking(&uid, "Ann is ill").await.unwrap();
    world.settle().await;
    let ended = world.appointment(&made.id).await;
    assert_eq!(ended.state.status, AppointmentStatus::Cancelled);
    assert_eq!(ended.reason, Some(Reason::new("Ann is ill")));
    assert!(!format!("{ended:?}").contains("ill"));
}

/// Cal.com holds another length, which a person has accepted: a move changes nothing about that.
#[tokio::test]
async fn an_accepted_length_survives_a_move() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.end = state.start + chrono::TimeDelta::minutes(45);
        })
        .await;
    world.drain().await;
    world.resolve(Resolution::AcceptDifference).await;
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.start = at(3);
            state.end = at(3) + chrono::TimeDelta::minutes(45);
        })
        .await;
    world.drain().await;
    world.settle().await;
    world.assert_in_step().await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!((state.end - state.start).num_minutes(), 45);
    assert_eq!(world.review_reasons().await, []);
}

/// A host that could not be written has not heard of a change that no webhook tells; the next turn reads it again.
#[tokio::test]
async fn a_change_that_no_webhook_tells_survives_a_host_that_fails() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let state = world.state(at(0)).with_guests(["cem@example.com"]);
    let made = world.make_as("a", state, Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&made.id).await;
    world
        .fake
        .add_guests(&uid, &["bob@example.com"])
        .await
        .unwrap();
    let lost = Fault::new(Operation::Reschedule, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    let faults = StoreFaults::new();
    let trouble = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    faults.inject(StoreFault::new(StoreOperation::Update, trouble));
    let engine = engine_over(&world, &faults);
    for _ in 0..5 {
        world.drain_with(&engine).await;
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(
        faults.calls(StoreOperation::Update),
        2,
        "the host has failed"
    );
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.guests.unwrap().iter().count(), 2);
    assert_eq!(state.start, at(3));
}

/// Somebody at Cal.com has invited a guest, of which no webhook tells, when the host invites another one.
#[tokio::test]
async fn guests_that_both_sides_invited_are_kept_on_both() {
    let world = World::on(hosted(), |tenant| {
        let policy = SyncPolicy::new(ConflictPolicy::LocalWins);
        tenant.with_policy(policy)
    })
    .await;
    let state = world.state(at(0)).with_guests(["bob@example.com"]);
    let made = world.make_as("a", state, Origin::Admin);
    world.settle().await;
    let uid = world.booking_of(&made.id).await;
    world
        .fake
        .add_guests(&uid, &["eve@example.com"])
        .await
        .unwrap();
    world
        .change(&made.id, Origin::Admin, |state| {
            state.guests = Some(["bob@example.com", "cem@example.com"].into_iter().collect());
        })
        .await;
    world.settle().await;
    let mut there = world.fake.booking(&uid).unwrap().guests;
    there.sort();
    let all = ["bob@example.com", "cem@example.com", "eve@example.com"];
    assert_eq!(there, all);
    let here = world.appointment(&made.id).await.state.guests.unwrap();
    let mut here: Vec<_> = here.iter().collect();
    here.sort_unstable();
    assert_eq!(here, all);
}

/// The booking was moved at Cal.com before the host's guest arrived, and the server added it to the one that had ended: the guest
/// is not lost.
#[tokio::test]
async fn a_guest_who_reached_only_a_booking_that_had_ended_is_a_conflict() {
    let world = World::on(hosted(), |tenant| tenant).await;
    let state = world.state(at(0)).with_guests(["bob@example.com"]);
    let made = world.make_as("a", state, Origin::Admin);
    world.settle().await;
    let uid = world.booking_of(&made.id).await;
    let hold = Fault::new(Trigger::BookingRescheduled, Then::HoldWebhooks);
    world.fake.inject(hold);
    let moved = world.fake.move_booking(&uid, at(3)).await.unwrap();
    world
        .change(&made.id, Origin::Admin, |state| {
            state.guests = Some(["bob@example.com", "cem@example.com"].into_iter().collect());
        })
        .await;
    world.drain().await;
    let count = world.fake.deliveries().len();
    world.fake.release(&(0..count).collect::<Vec<_>>()).await;
    world.settle().await;
    assert_eq!(world.fake.booking(&moved.uid).unwrap().guests.len(), 1);
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
}

/// Both sides changed the location, the host last, and it moved the appointment, too. The move is never answered; it makes the
/// booking newer than the host's change, which wins all the same.
#[tokio::test]
async fn the_rest_of_a_wish_wins_although_its_first_part_came_later() {
    let world = World::on(hosted(), |tenant| {
        tenant.with_policy(SyncPolicy::new(ConflictPolicy::NewestWins))
    })
    .await;
    let state = world.state(at(0)).with_location("Hauptstr. 1, Berlin");
    let made = world.make_as("a", state, Origin::Admin);
    world.settle().await;
    let uid = world.booking_of(&made.id).await;
    let lost = Fault::new(Trigger::BookingLocationUpdated, Then::LoseWebhook);
    world.fake.inject(lost);
    let there = "Seitenstr. 3, Berlin";
    world.fake.update_location(&uid, there).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    world
        .change(&made.id, Origin::Admin, |state| {
            located("Nebenstr. 2, Berlin")(state);
            move_to(at(3))(state);
        })
        .await;
    // Read first: the conflict is known, and decided, when the move is sent.
    let tenant = world.tenant.clone();
    let marked = world
        .engine
        .resync_all(&tenant, std::slice::from_ref(&made.id))
        .await;
    assert!(marked.iter().all(Result::is_ok));
    world.clock.advance(Duration::from_secs(60));
    let drop = Fault::new(Operation::Reschedule, Then::ApplyThenDrop);
    world.fake.inject(drop);
    world.settle().await;
    let moved = world.booking_of(&made.id).await;
    let booking = world.fake.booking(&moved).unwrap();
    assert_eq!(
        (booking.start, booking.location.as_deref()),
        (at(3), Some("Nebenstr. 2, Berlin"))
    );
    assert_eq!(world.review_reasons().await, []);
}

/// A round-robin booking is given to another of its hosts: in place, once, and the appointment says so.
#[tokio::test]
async fn a_booking_is_given_to_another_member_of_staff() {
    let world = World::new().await;
    let hanna = world.fake.host_id();
    let ben = world.fake.add_user("ben").id;
    let anybody = FakeEventType::new("anybody", 30).with_round_robin([hanna, ben]);
    let anybody = world.fake.add_event_type(anybody);
    let engine = world.engine_with(|tenant| tenant.with_event_type(anybody).with_host(ben));
    let mut state = world.state(at(0));
    state.event_type = anybody;
    let made = world.make_as("a", state, Origin::Admin);
    world.drain_with(&engine).await;
    let uid = world.booking_of(&made.id).await;
    let holder = || world.fake.booking(&uid).unwrap().hosts[0].id.unwrap();
    let other = if holder() == hanna { ben } else { hanna };
    world
        .change(&made.id, Origin::Admin, |state| state.host = Some(other))
        .await;
    for _ in 0..3 {
        world.drain_with(&engine).await;
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(holder(), other);
    assert_eq!(count(&world, Operation::Reassign), 1);
    assert_eq!(world.booking_of(&made.id).await, uid, "in place");
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.host, Some(other));
    assert_eq!(world.review_reasons().await, []);
}
