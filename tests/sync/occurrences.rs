//! One appointment is one booking: on a recurring event type, with a length of its own, and when a whole series ends.

use crate::harness::{World, ann, at, cancel, client};
use calcom::model::{CancelParams, Frequency, NewAttendee, NewBooking, Trigger};
use calcom::store::{Origin, ReviewReason};
use calcom::testing::{FakeAccount, FakeEventType, Fault, Operation, Then};
use chrono::TimeDelta;

#[tokio::test]
async fn one_appointment_on_a_recurring_event_type_is_one_booking() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.weekly;
    world.make_as("a", state, Origin::Phone);
    world.settle().await;
    assert_eq!(world.fake.bookings().len(), 1);
    world.assert_in_step().await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    assert_eq!(world.review_reasons().await, []);
}

/// Whether a colleague's event type recurs cannot be read: no series is made of one appointment.
#[tokio::test]
async fn an_event_type_that_cannot_be_read_makes_no_series() {
    let world = World::new().await;
    let ben = world.fake.add_user(FakeAccount::new("ben"));
    let weekly = FakeEventType::new("weekly-with-ben", 30).with_owner(ben.id);
    let weekly = weekly.with_recurrence(Frequency::Weekly, 1, 4);
    let weekly = world.fake.add_event_type(weekly);
    let single = FakeEventType::new("cut-with-ben", 30).with_owner(ben.id);
    let single = world.fake.add_event_type(single);
    let engine = world.engine_with(|t| t.with_event_type(weekly).with_event_type(single));
    for (id, event_type, hours) in [("a", weekly, 0), ("b", single, 2)] {
        let mut state = world.state(at(hours));
        state.event_type = event_type;
        world.make_as(id, state, Origin::Phone);
    }
    world.drain_with(&engine).await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings().len(), 2);
}

#[tokio::test]
async fn a_length_that_the_event_type_offers_is_booked() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.lengths;
    state.end = state.start + TimeDelta::minutes(90);
    let made = world.make_as("a", state, Origin::Phone);
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    assert_eq!(booking.end - booking.start, TimeDelta::minutes(90));
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.end - state.start, TimeDelta::minutes(90));
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
}

/// Cal.com keeps milliseconds: a start with finer digits contradicts nobody, though the answer is lost.
#[tokio::test]
async fn a_start_with_microseconds_contradicts_nobody() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let lost = Fault::new(calcom::testing::Operation::Reschedule, Then::ApplyThenDrop);
    world.fake.inject(lost);
    let start = at(2) + TimeDelta::microseconds(123_456);
    world
        .change(&made.id, Origin::Admin, crate::harness::move_to(start))
        .await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.writes(), 2);
    world.assert_in_step().await;
}

/// The host cancels the first occurrence at the very time at which the attendee cancels the series: the one delivery that tells of
/// it names a booking that has ended already.
#[tokio::test]
async fn a_cancelled_series_is_seen_although_the_named_one_had_ended() {
    let world = World::new().await;
    let booking = NewBooking::new(world.types.weekly, at(0), NewAttendee::from(&ann()));
    let first = world.fake.book(booking).await.unwrap();
    world.drain().await;
    let all = world.store.appointments(&world.tenant);
    let own = all.iter().find(|a| a.state.start == at(0)).unwrap();
    let hold = Fault::new(Trigger::BookingCancelled, Then::HoldWebhooks);
    world.fake.inject(hold.always());
    world.change(&own.id, Origin::Admin, cancel).await;
    let series = first.recurring_booking_uid.clone().unwrap();
    let bookings = client(&world.fake);
    let bookings = bookings.bookings();
    let params = CancelParams::reason("holiday");
    bookings.cancel_series(&series, &params).await.unwrap();
    let count = world.fake.deliveries().len();
    world.fake.release(&(0..count).collect::<Vec<_>>()).await;
    world.settle().await;
    let appointments = world.store.appointments(&world.tenant);
    let live = appointments.iter().filter(|a| a.state.status.is_live());
    assert_eq!(live.count(), 0);
    assert_eq!(world.fake.live_bookings(), []);
    assert_eq!(world.review_reasons().await, []);
}

/// The occurrence that the one delivery names was moved at the same time and lives on; the others have ended.
#[tokio::test]
async fn a_cancelled_series_is_seen_although_the_named_one_lives_on() {
    let world = World::new().await;
    let booking = NewBooking::new(world.types.weekly, at(0), NewAttendee::from(&ann()));
    let first = world.fake.book(booking).await.unwrap();
    world.drain().await;
    let hold = Fault::new(Trigger::BookingCancelled, Then::HoldWebhooks);
    world.fake.inject(hold.always());
    let series = first.recurring_booking_uid.clone().unwrap();
    let bookings = client(&world.fake);
    let bookings = bookings.bookings();
    let params = CancelParams::reason("holiday");
    bookings.cancel_series(&series, &params).await.unwrap();
    let moved = world.fake.force_second_successor(&first.uid, at(5)).await;
    let moved = moved.unwrap();
    let count = world.fake.deliveries().len();
    world.fake.release(&(0..count).collect::<Vec<_>>()).await;
    world.settle().await;
    let appointments = world.store.appointments(&world.tenant);
    let live = appointments.iter().filter(|a| a.state.status.is_live());
    let starts: Vec<_> = live.map(|a| a.state.start).collect();
    assert_eq!(starts, [moved.start]);
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.review_reasons().await, []);
}

/// The only delivery about the series is about an occurrence that cannot be read: it goes to review, and the others are looked at.
#[tokio::test]
async fn a_cancelled_series_is_seen_although_the_named_one_cannot_be_read() {
    let world = World::new().await;
    let booking = NewBooking::new(world.types.weekly, at(0), NewAttendee::from(&ann()));
    let first = world.fake.book(booking).await.unwrap();
    world.settle().await;
    let denied = Fault::new(Operation::GetBooking, Then::status(401));
    world.fake.inject(denied);
    let series = first.recurring_booking_uid.clone().unwrap();
    let bookings = client(&world.fake);
    let params = CancelParams::reason("holiday");
    let cancelled = bookings.bookings().cancel_series(&series, &params).await;
    assert_eq!(cancelled.unwrap().len(), 4);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    let appointments = world.store.appointments(&world.tenant);
    let live = appointments.iter().filter(|a| a.state.status.is_live());
    assert_eq!(live.count(), 1, "only the one that is in review");
}
