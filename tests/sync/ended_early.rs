//! Somebody at Cal.com ends or moves a booking before the engine knows that it has made it.

use calcom::store::{AppointmentStatus, Origin};
use calcom::testing::{Fault, Operation, Then};

use crate::harness::{World, at};

/// The appointment's booking is made, and nobody is told.
async fn booked_without_an_answer() -> World {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.drain().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    world
}

#[tokio::test]
async fn a_booking_that_is_cancelled_before_it_is_known_cancels_the_appointment() {
    let world = booked_without_an_answer().await;
    let uid = world.fake.live_bookings().remove(0).uid;
    world.fake.cancel_booking(&uid, "ill").await.unwrap();
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    let state = world.appointment(&"a".into()).await.state;
    assert_eq!(state.status, AppointmentStatus::Cancelled);
    assert_eq!(world.writes(), 1, "it is not booked again");
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_booking_that_is_moved_before_it_is_known_moves_the_appointment() {
    let world = booked_without_an_answer().await;
    let uid = world.fake.live_bookings().remove(0).uid;
    world.fake.move_booking(&uid, at(10)).await.unwrap();
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.appointment(&"a".into()).await.state.start, at(10));
    assert_eq!(world.writes(), 1, "it is not booked again");
    world.assert_in_step().await;
}
