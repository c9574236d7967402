//! What the engine costs: a rate budget of 120 requests a minute is spent on changes, not on echoes.

use crate::harness::{World, at, cancel, move_to};
use calcom::store::{DeliveryFate, LogEvent, Origin};

/// The event type is read once in ten minutes; beyond that a create, a move and a cancellation cost one request each, webhooks
/// included.
#[tokio::test]
async fn create_move_and_cancel_are_one_request_each() {
    let world = World::new().await;
    world.make("first", at(9), Origin::Phone);
    world.drain().await;

    let before = world.requests();
    let made = world.make("a", at(0), Origin::Phone);
    world.settle().await;
    assert_eq!(world.requests() - before, 1, "a create");
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.settle().await;
    assert_eq!(world.requests() - before, 2, "a move");
    world.change(&made.id, Origin::Admin, cancel).await;
    world.settle().await;
    assert_eq!(world.requests() - before, 3, "a cancellation");
    world.assert_in_step().await;
    let fates = world.delivery_fates().await;
    assert_eq!(fates, vec![Some(DeliveryFate::Agreed); 4]);
}

/// A change at Cal.com costs one read, and none for the echo that the host records of it.
#[tokio::test]
async fn a_change_at_cal_com_is_one_request() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.settle().await;
    assert_eq!(world.requests(), 1);
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.settle().await;
    // The new booking, and the old one that points to it.
    assert!(world.requests() <= 3, "{}", world.requests());
    world.fake.cancel_booking(&moved.uid, "ill").await.unwrap();
    let before = world.requests();
    world.settle().await;
    assert_eq!(world.requests() - before, 1);
    assert_eq!(world.writes(), 0);
    let events = world.events().await;
    assert!(events.contains(&LogEvent::SkippedOriginCalcom));
}
