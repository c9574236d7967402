//! Somebody at Cal.com moves a booking while the engine replaces it, or the one that replaces it: theirs stays, the other one is
//! cancelled, and that both sides have changed is decided like any conflict.

use std::time::Duration;

use calcom::store::{AppointmentState, Origin, ReviewReason};
use calcom::testing::{Fault, Operation, Then};
use chrono::TimeDelta;

use crate::harness::{World, at, move_to};

/// Cal.com can only take it by another booking, which nothing is in the way of.
fn elsewhere_and_longer(state: &mut AppointmentState) {
    move_to(at(3))(state);
    state.end = state.start + TimeDelta::minutes(60);
}

/// One live booking, where somebody at Cal.com has moved it, and a person is asked who is right.
async fn assert_moved_and_asked(world: &World) {
    world.settle().await;
    world.clock.advance(Duration::from_secs(700));
    world.settle().await;
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(live[0].start, at(10));
    assert_eq!(world.booking_of(&"a".into()).await, live[0].uid);
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    let standing = world.standing_of(&"a".into()).await;
    assert!(standing.retiring.is_none() && standing.late.is_empty());
}

async fn booked() -> World {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.lengths;
    world.make_as("a", state, Origin::Admin);
    world.drain().await;
    world
}

#[tokio::test]
async fn a_booking_that_is_moved_while_it_is_replaced_stays() {
    let world = booked().await;
    let (id, old) = ("a".into(), world.booking_of(&"a".into()).await);
    world.change(&id, Origin::Admin, elsewhere_and_longer).await;
    let slow = Then::DelayAfterApplying(Duration::from_millis(300));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, slow));
    let before = world.fake.live_bookings().len();
    let engine = world.engine.clone();
    let turn = tokio::spawn(async move { calcom::sync::SyncEngine::step(&*engine).await });
    while world.fake.live_bookings().len() == before {
        assert!(!turn.is_finished(), "nothing was booked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.fake.move_booking(&old, at(10)).await.unwrap();
    turn.await.unwrap().unwrap();
    assert_moved_and_asked(&world).await;
}

#[tokio::test]
async fn a_booking_that_is_moved_before_its_replacement_is_known_stays() {
    let world = booked().await;
    let (id, old) = ("a".into(), world.booking_of(&"a".into()).await);
    world.change(&id, Origin::Admin, elsewhere_and_longer).await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.drain().await;
    assert_eq!(world.fake.live_bookings().len(), 2);
    world.fake.move_booking(&old, at(10)).await.unwrap();
    assert_moved_and_asked(&world).await;
}

/// The new one is known, and the call that cancels the old one finds it moved.
#[tokio::test]
async fn a_booking_that_is_moved_before_it_is_cancelled_stays() {
    let world = booked().await;
    let (id, old) = ("a".into(), world.booking_of(&"a".into()).await);
    world.change(&id, Origin::Admin, elsewhere_and_longer).await;
    let down = Fault::new(Operation::Cancel, Then::status(503)).times(1);
    world.fake.inject(down);
    world.drain().await;
    assert_eq!(world.fake.live_bookings().len(), 2);
    world.fake.move_booking(&old, at(10)).await.unwrap();
    assert_moved_and_asked(&world).await;
}

/// Somebody at Cal.com moves the new one, which nobody has heard of yet, and the host goes on to want something else: theirs takes
/// the place of the old one all the same.
#[tokio::test]
async fn a_replacement_that_is_moved_before_it_is_known_stays() {
    let world = booked().await;
    let (id, old) = ("a".into(), world.booking_of(&"a".into()).await);
    world.change(&id, Origin::Admin, elsewhere_and_longer).await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.drain().await;
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 2);
    let new = live.iter().find(|booking| booking.uid != old).unwrap();
    world.fake.move_booking(&new.uid, at(10)).await.unwrap();
    let later = |state: &mut AppointmentState| {
        state.start = at(5);
        state.end = at(6);
    };
    world.change(&id, Origin::Admin, later).await;
    assert_moved_and_asked(&world).await;
}
