//! A delivery claims what Cal.com does not show yet: a self-hosted server announces a cancellation before it carries it out.

use std::time::Duration;

use crate::harness::{World, at, cancel, move_to};
use calcom::store::{AppointmentStatus, DeliveryFate, LogEvent, Origin};
use calcom::testing::{Fault, Operation, Then, WebhookBody};

fn looks(events: &[LogEvent]) -> usize {
    let is_look = |event: &&LogEvent| matches!(event, LogEvent::NotThereYet { .. });
    events.iter().filter(is_look).count()
}

/// The real order of events: announced, read as alive, carried out so much later. Returns how often it was looked for in vain.
async fn announced_and_carried_out_after(lag: Duration) -> usize {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let (uid, writes) = (world.booking_of(&made.id).await, world.writes());
    let announced = world.fake.announce_cancellation(&uid, "ill").await.unwrap();
    world.drain().await;
    let status = async || world.appointment(&made.id).await.state.status;
    assert_eq!(status().await, AppointmentStatus::Confirmed);
    let step = Duration::from_millis(20);
    let mut passed = Duration::ZERO;
    while passed < lag {
        world.clock.advance(step);
        passed += step;
        world.drain().await;
        assert_eq!(status().await, AppointmentStatus::Confirmed);
    }
    announced.carry_out().unwrap();
    world.settle().await;
    assert_eq!(status().await, AppointmentStatus::Cancelled);
    world.assert_in_step().await;
    assert_eq!(world.writes(), writes, "nothing is written to Cal.com");
    // The two writes of the host's table: its own, and one cancellation.
    assert_eq!(world.appointment(&made.id).await.revision.get(), 2);
    let fates = world.delivery_fates().await;
    assert_eq!(fates.last(), Some(&Some(DeliveryFate::Applied)));
    looks(&world.events().await)
}

#[tokio::test]
async fn a_cancellation_that_is_carried_out_80_ms_after_its_announcement_arrives() {
    let looks = announced_and_carried_out_after(Duration::from_millis(80)).await;
    assert_eq!(looks, 1);
}

#[tokio::test]
async fn a_cancellation_that_is_carried_out_4_s_after_its_announcement_arrives() {
    let looks = announced_and_carried_out_after(Duration::from_secs(4)).await;
    assert_eq!(looks, 3, "after 250 ms and after 1 s more it was not there");
}

/// A worker that runs all the time meets the announcement while the server is still waiting for its subscribers.
#[tokio::test]
async fn a_cancellation_arrives_although_a_worker_reads_at_once() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let uid = booking.uid.clone();
    let fake = world.fake.clone();
    let cancelled = tokio::spawn(async move { fake.cancel_booking(&uid, "ill").await });
    while !cancelled.is_finished() {
        world.drain().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cancelled.await.unwrap().unwrap();
    world.settle().await;
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.status, AppointmentStatus::Cancelled);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn other_work_goes_on_while_a_claim_waits() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    world.receive(&WebhookBody::cancelled(uid, at(0))).await;
    world.drain().await;
    assert_eq!(looks(&world.events().await), 1);
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.drain().await;
    assert_eq!(world.fake.live_bookings()[0].start, at(2));
    world.settle().await;
    // The booking that the delivery speaks of has ended meanwhile: it was moved.
    let fates = world.delivery_fates().await;
    assert!(fates.iter().all(Option::is_some), "{fates:?}");
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_claim_that_is_never_borne_out_ends_as_contradicted_after_growing_pauses() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let before = world.requests();
    let body = WebhookBody::cancelled(booking.uid.clone(), at(0)).with_reason("never");
    world.receive(&body).await;
    for pause in [250, 1_000, 5_000, 30_000, 120_000_u64] {
        world.drain().await;
        // Not a millisecond earlier.
        world.clock.advance(Duration::from_millis(pause - 1));
        assert_eq!(world.drain().await, []);
        world.clock.advance(Duration::from_millis(1));
    }
    world.drain().await;
    assert_eq!(world.requests() - before, 6);
    let fates = world.delivery_fates().await;
    assert_eq!(fates.last(), Some(&Some(DeliveryFate::Contradicted)));
    let is_told = |event: &LogEvent| matches!(event, LogEvent::Contradicted { booking: named, .. } if *named == booking.uid);
    assert!(world.events().await.iter().any(is_told));
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
}

/// The same bytes are dropped while the first ones wait, and are one more reason to look after they were settled.
#[tokio::test]
async fn the_same_bytes_after_their_settlement_still_say_look_here() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let body = WebhookBody::no_show(booking.uid.clone(), true);
    for _ in 0..2 {
        world.receive(&body).await;
    }
    world.drain().await;
    assert_eq!(world.delivery_fates().await.len(), 2);
    // Nothing told of this change but the very same bytes.
    let lost = Fault::new(
        calcom::model::Trigger::BookingRescheduled,
        Then::LoseWebhook,
    );
    world.fake.inject(lost);
    world.fake.move_booking(&booking.uid, at(5)).await.unwrap();
    world.receive(&body).await;
    world.drain().await;
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.start, at(5));
    world.assert_in_step().await;
}

/// A booking that a delivery tells of can become visible a moment later.
#[tokio::test]
async fn a_booking_that_becomes_visible_later_is_not_missed() {
    let world = World::new().await;
    let unseen = Fault::new(Operation::GetBooking, Then::status(404)).times(3);
    world.fake.inject(unseen);
    world.book(at(0)).await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    assert_eq!(world.review_reasons().await, []);
}

/// The host cancels what is being cancelled at Cal.com: both want the same.
#[tokio::test]
async fn both_sides_may_cancel_at_once() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    let announced = world.fake.announce_cancellation(&uid, "ill").await.unwrap();
    world.change(&made.id, Origin::Admin, cancel).await;
    world.drain().await;
    // On the real server two concurrent cancellations both succeed.
    let _ = announced.carry_out();
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings(), []);
}
