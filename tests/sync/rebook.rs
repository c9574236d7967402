//! Bookings that are replaced, because Cal.com cannot change them in place.

use std::time::Duration;

use calcom::model::{BookingUid, EventTypeId};
use calcom::store::{
    Appointment, AppointmentState, AppointmentStatus, ChangeFate, LogEvent, Origin, Resolution,
    ReviewReason,
};
use calcom::testing::{FakeAccount, FakeEventType, Fault, Operation, Then};
use chrono::TimeDelta;

use crate::harness::{World, at, cancel, move_to};

/// An hour, where the event type offers 30, 60 and 90 minutes.
fn an_hour(state: &mut AppointmentState) {
    state.end = state.start + TimeDelta::minutes(60);
}

fn on(event_type: EventTypeId) -> impl Fn(&mut AppointmentState) {
    move |state| state.event_type = event_type
}

fn count(world: &World, operation: Operation) -> usize {
    let writes = world.fake.writes();
    writes.iter().filter(|w| w.operation == operation).count()
}

/// An appointment of half an hour on the event type with several lengths, booked.
async fn booked(world: &World) -> (Appointment, BookingUid) {
    let mut state = world.state(at(0));
    state.event_type = world.types.lengths;
    let made = world.make_as("a", state, Origin::Admin);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    (made, uid)
}

/// One live booking, of this length, in place of the old one.
async fn assert_replaced(world: &World, made: &Appointment, old: &BookingUid, minutes: i64) {
    world.settle().await;
    // Until then an attempt that was not answered may still be carried out.
    world.clock.advance(Duration::from_secs(700));
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
    let new = world.booking_of(&made.id).await;
    assert_ne!(new, *old);
    assert!(!world.fake.booking(old).unwrap().is_live());
    let booking = world.fake.booking(&new).unwrap();
    assert_eq!((booking.end - booking.start).num_minutes(), minutes);
    assert_eq!(world.fake.live_bookings().len(), 1);
    let standing = world.standing_of(&made.id).await;
    assert_eq!(standing.retiring, None);
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.status, AppointmentStatus::Confirmed);
}

/// What Cal.com answers where the host is busy.
fn taken() -> Then {
    let message = "User either already has booking at this time or is not available";
    let error = serde_json::json!({"code": "BadRequestException", "message": message});
    let body = serde_json::json!({"status": "error", "error": error});
    Then::answer(400, Vec::new(), body.to_string())
}

/// The old booking takes the time of the new one, so that it is cancelled first.
#[tokio::test]
async fn a_new_length_at_the_same_time_replaces_the_booking() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    world.change(&made.id, Origin::Admin, an_hour).await;
    world.drain().await;
    assert_replaced(&world, &made, &old, 60).await;
    assert_eq!(
        world.fates(&made.id).await.last(),
        Some(&Some(ChangeFate::Pushed))
    );
    assert_eq!(count(&world, Operation::Cancel), 1);
    let replaced = |event: &LogEvent| matches!(event, LogEvent::BookingReplaced { .. });
    assert_eq!(
        world.events().await.iter().filter(|e| replaced(e)).count(),
        1
    );
}

/// Nothing is in the way: the customer is never without a booking.
#[tokio::test]
async fn a_new_length_elsewhere_is_booked_before_the_old_one_is_cancelled() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    let before = world.writes();
    world
        .change(&made.id, Origin::Admin, |state| {
            move_to(at(3))(state);
            an_hour(state);
        })
        .await;
    world.drain().await;
    assert_replaced(&world, &made, &old, 60).await;
    let writes = world.fake.writes();
    let sent: Vec<_> = writes[before..].iter().map(|w| w.operation).collect();
    assert_eq!(sent, [Operation::CreateBooking, Operation::Cancel]);
}

#[tokio::test]
async fn another_event_type_is_another_booking() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let old = world.booking_of(&made.id).await;
    let lengths = world.types.lengths;
    world.change(&made.id, Origin::Admin, on(lengths)).await;
    world.drain().await;
    assert_replaced(&world, &made, &old, 30).await;
    let new = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(new.event_type_id(), Some(lengths));
}

/// An appointment that came from Cal.com and was lengthened by the host.
#[tokio::test]
async fn a_booking_of_cal_coms_is_replaced_too() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let link = world.link_of_booking(&booking.uid).await;
    let id = link.appointment.unwrap();
    let made = world.appointment(&id).await;
    let lengths = world.types.lengths;
    world
        .change(&id, Origin::Phone, |state| {
            on(lengths)(state);
            an_hour(state);
        })
        .await;
    world.drain().await;
    assert_replaced(&world, &made, &booking.uid, 60).await;
}

/// Somebody else has the new time: nothing is cancelled, and a person decides.
#[tokio::test]
async fn what_cannot_be_replaced_stays() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    let other = world.book(at(0) + TimeDelta::minutes(30)).await;
    world.drain().await;
    let cancels = count(&world, Operation::Cancel);
    world.change(&made.id, Origin::Admin, an_hour).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    assert_eq!(count(&world, Operation::Cancel), cancels);
    assert!(world.fake.booking(&old).unwrap().is_live());
    assert!(world.fake.booking(&other.uid).unwrap().is_live());
    let item = world.reviews().await.remove(0);
    assert!(!item.evidence.alternatives.is_empty());
    assert!(
        !item.evidence.message.contains("make room"),
        "{}",
        item.evidence.message
    );
}

/// Every call of the plan may be carried out and never answered, in a process that then dies.
#[tokio::test]
async fn a_replacement_is_finished_whatever_was_not_answered() {
    for elsewhere in [false, true] {
        for (operation, fault) in [
            (Operation::CreateBooking, Then::ApplyThenDrop),
            (Operation::CreateBooking, Then::DropBeforeApplying),
            (Operation::Cancel, Then::ApplyThenDrop),
            (Operation::Cancel, Then::DropBeforeApplying),
        ] {
            for webhooks in [false, true] {
                let world = World::new().await;
                let (made, old) = booked(&world).await;
                world.fake.inject(Fault::new(operation, fault.clone()));
                if !webhooks {
                    world.fake.inject(Fault::new(operation, Then::LoseWebhook));
                }
                world
                    .change(&made.id, Origin::Admin, |state| {
                        if elsewhere {
                            move_to(at(3))(state);
                        }
                        an_hour(state);
                    })
                    .await;
                let restarted = world.restarted();
                world.drain_with(&restarted).await;
                assert_replaced(&world, &made, &old, 60).await;
            }
        }
    }
}

/// Booked late, after the host had taken its change back: the old booking stays, the late one goes.
#[tokio::test]
async fn a_replacement_that_lands_after_the_host_has_changed_its_mind_is_undone() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    let late = Fault::new(
        Operation::CreateBooking,
        Then::DelayBefore(Duration::from_millis(900)),
    );
    world.fake.inject(late);
    world
        .change(&made.id, Origin::Admin, |state| {
            move_to(at(3))(state);
            an_hour(state);
        })
        .await;
    world.drain().await;
    world.change(&made.id, Origin::Admin, move_to(at(0))).await;
    world.drain().await;
    tokio::time::sleep(Duration::from_millis(1000)).await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(700));
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.booking_of(&made.id).await, old);
    assert_eq!(world.fake.live_bookings().len(), 1);
}

/// The host cancels while the old booking is still to be cancelled: both go.
#[tokio::test]
async fn an_appointment_that_is_cancelled_in_the_middle_leaves_nothing_behind() {
    for elsewhere in [false, true] {
        let world = World::new().await;
        let (made, _) = booked(&world).await;
        world
            .fake
            .inject(Fault::new(Operation::Cancel, Then::status(503)));
        world
            .change(&made.id, Origin::Admin, |state| {
                if elsewhere {
                    move_to(at(3))(state);
                }
                an_hour(state);
            })
            .await;
        world.drain().await;
        world.change(&made.id, Origin::Admin, cancel).await;
        world.settle().await;
        world.clock.advance(Duration::from_secs(700));
        world.settle().await;
        world.assert_in_step().await;
        assert_eq!(world.review_reasons().await, []);
        assert_eq!(world.fake.live_bookings().len(), 0);
    }
}

/// The old booking made room, and then the new one is refused: the old one is booked again.
#[tokio::test]
async fn what_made_room_in_vain_is_booked_again() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    // The first attempt finds the old booking in the way; the second is refused by itself.
    let answer = taken();
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, answer.clone()).times(2));
    world.change(&made.id, Origin::Admin, an_hour).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    let again = world.booking_of(&made.id).await;
    assert_ne!(again, old);
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 1);
    assert_eq!((live[0].end - live[0].start).num_minutes(), 30);
    let undone = |event: &LogEvent| matches!(event, LogEvent::RebookingUndone { .. });
    assert!(world.events().await.iter().any(undone));
    // It is not tried over and over: each time the attendee would hear of a cancellation.
    let cancels = count(&world, Operation::Cancel);
    world.settle().await;
    assert_eq!(count(&world, Operation::Cancel), cancels);
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    // The host's wish stands; once there is room, it is fulfilled.
    world.resolve(Resolution::Retry).await;
    world.drain().await;
    assert_replaced(&world, &made, &again, 60).await;
}

/// Neither can be booked: the item says that the appointment has no booking.
#[tokio::test]
async fn a_person_is_told_when_nothing_stands() {
    let world = World::new().await;
    let (made, _) = booked(&world).await;
    let answer = taken();
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, answer).always());
    world.change(&made.id, Origin::Admin, an_hour).await;
    world.settle().await;
    world.fake.clear_faults();
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::SlotTaken);
    let message = &item.evidence.message;
    assert!(message.contains("has no booking now"), "{message}");
    assert_eq!(world.fake.live_bookings().len(), 0);
    // The appointment itself was not cancelled by what the engine did.
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.status, AppointmentStatus::Confirmed);
    world.resolve(Resolution::rebook(at(5))).await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings()[0].start, at(5));
}

/// The second half is refused: the item names both, and closes when the old one has ended.
#[tokio::test]
async fn a_replaced_booking_that_cannot_be_cancelled_is_named() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    let refused = serde_json::json!({"statusCode": 422, "message": "no"});
    let answer = Then::answer(422, Vec::new(), refused.to_string());
    world
        .fake
        .inject(Fault::new(Operation::Cancel, answer).always());
    world
        .change(&made.id, Origin::Admin, |state| {
            move_to(at(3))(state);
            an_hour(state);
        })
        .await;
    world.settle().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::TwoLiveBookings]
    );
    let item = world.reviews().await.remove(0);
    assert!(item.evidence.bookings.contains(&old));
    assert!(item.evidence.message.contains("is not cancelled yet"));
    world.fake.clear_faults();
    world.resolve(Resolution::Retry).await;
    world.drain().await;
    assert_replaced(&world, &made, &old, 60).await;
}

/// The attendee cancels the old booking while it is replaced: perhaps they want none at all.
#[tokio::test]
async fn an_attendee_who_cancels_in_the_middle_is_not_overheard() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    world
        .fake
        .inject(Fault::new(Operation::Cancel, Then::status(503)));
    world
        .change(&made.id, Origin::Admin, |state| {
            move_to(at(3))(state);
            an_hour(state);
        })
        .await;
    world.drain().await;
    world.fake.cancel_booking(&old, "ill").await.unwrap();
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::RemoteEnded]);
    let item = world.reviews().await.remove(0);
    assert!(item.evidence.bookings.contains(&old));
    world.settle().await;
    assert_eq!(world.reviews().await.len(), 1, "only a person closes it");
    world.resolve(Resolution::Dismiss).await;
    world.settle().await;
    world.assert_in_step().await;
}

/// Another address is another person: reviewed, and rebooked if somebody says so.
#[tokio::test]
async fn another_person_is_rebooked_on_order() {
    let world = World::new().await;
    let (made, old) = booked(&world).await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.attendee.email = Some("ben@example.com".to_owned());
        })
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    world.resolve(Resolution::ForceLocal).await;
    world.drain().await;
    assert_replaced(&world, &made, &old, 30).await;
    let new = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(new.attendees[0].email, "ben@example.com");
}

/// A length that the event type does not offer would come back as it was.
#[tokio::test]
async fn a_length_that_is_not_offered_is_reviewed() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let before = world.writes();
    world.change(&made.id, Origin::Admin, an_hour).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    assert_eq!(world.writes(), before);
}

/// A service that two members of staff offer, each with an event type of their own.
#[tokio::test]
async fn another_member_of_staff_is_another_event_type() {
    let world = World::new().await;
    let ben = world.fake.add_user(FakeAccount::new("ben"));
    let cut = FakeEventType::new("cut-with-ben", 30).with_owner(ben.id);
    let cut = world.fake.add_event_type(cut);
    let hanna = (world.fake.host_id(), world.fake.event_type_id());
    let engine = world.engine_with(|tenant| tenant.with_staff([hanna, (ben.id, cut)]));
    let made = world.make("a", at(0), Origin::Admin);
    world.drain_with(&engine).await;
    let old = world.booking_of(&made.id).await;
    world
        .change(&made.id, Origin::Admin, |state| state.host = Some(ben.id))
        .await;
    world.drain_with(&engine).await;
    let new = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    assert_eq!(new.event_type_id(), Some(cut));
    assert_eq!(new.hosts[0].id, Some(ben.id));
    assert!(!world.fake.booking(&old).unwrap().is_live());
    assert_eq!(world.review_reasons().await, []);
    // And it stays there: the host application may go on naming Hanna's event type.
    let writes = world.writes();
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.drain_with(&engine).await;
    assert_eq!(world.writes(), writes + 1);
    assert_eq!(world.review_reasons().await, []);
}
