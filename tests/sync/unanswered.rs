//! Writes whose answer never came: nothing is doubled, nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{World, at};
use calcom::store::{AppointmentState, AppointmentStatus, LogEvent, Origin, ReviewReason};
use calcom::sync::{SentWrite, SyncEngine};
use calcom::testing::{Fault, Operation, Then};

/// How the answer goes missing.
fn losses() -> [Then; 3] {
    [
        Then::ApplyThenDrop,
        Then::TruncateBody,
        Then::DelayAfterApplying(Duration::from_millis(1200)),
    ]
}

#[tokio::test]
async fn a_create_that_timed_out_after_it_was_applied_is_adopted() {
    for loss in losses() {
        for restart in [false, true] {
            let world = World::new().await;
            world
                .fake
                .inject(Fault::new(Operation::CreateBooking, loss.clone()));
            let made = world.make("a", at(0), Origin::Phone);
            let engine = world.engine.clone();
            engine.step().await.unwrap().unwrap();
            let pending = world.standing_of(&made.id).await.pending;
            assert!(matches!(pending[0].write, SentWrite::Create { .. }));
            let engine = if restart { world.restarted() } else { engine };
            world.clock.advance(Duration::from_secs(2));
            world.drain_with(&engine).await;
            world.assert_in_step().await;
            assert_eq!(world.fake.live_bookings().len(), 1, "{loss:?}");
            assert_eq!(world.writes(), 1, "the create is not sent twice");
            let adopted = |event: &LogEvent| matches!(event, LogEvent::BookingAdopted { .. });
            assert!(world.events().await.iter().any(adopted));
        }
    }
}

/// The same attendee has another booking on the same day: it is not taken for the one whose answer was lost.
#[tokio::test]
async fn another_booking_of_the_same_attendee_is_not_adopted() {
    for loss in [Then::DropBeforeApplying, Then::ApplyThenDrop] {
        let world = World::new().await;
        let other = world.make("other", at(0), Origin::Phone);
        world.drain().await;
        let others = world.booking_of(&other.id).await;
        world
            .fake
            .inject(Fault::new(Operation::CreateBooking, loss.clone()));
        let made = world.make("a", at(2), Origin::Phone);
        world.settle().await;
        assert_eq!(world.review_reasons().await, [], "{loss:?}");
        assert_ne!(world.booking_of(&made.id).await, others);
        assert_eq!(world.booking_of(&other.id).await, others);
        assert_eq!(world.fake.live_bookings().len(), 2);
        world.assert_in_step().await;
    }
}

/// A revived appointment is booked under a key of its own: its first booking, which has ended, is not taken for the second one
/// whose answer was lost.
#[tokio::test]
async fn the_ended_booking_of_a_revived_appointment_is_not_adopted() {
    for loss in [Then::DropBeforeApplying, Then::ApplyThenDrop] {
        let world = World::new().await;
        let made = world.make("a", at(0), Origin::Phone);
        world.drain().await;
        let cancel = |state: &mut AppointmentState| state.status = AppointmentStatus::Cancelled;
        world.change(&made.id, Origin::Admin, cancel).await;
        world.drain().await;
        world
            .fake
            .inject(Fault::new(Operation::CreateBooking, loss.clone()));
        let revive = |state: &mut AppointmentState| state.status = AppointmentStatus::Confirmed;
        world.change(&made.id, Origin::Admin, revive).await;
        world.settle().await;
        assert_eq!(world.review_reasons().await, [], "{loss:?}");
        assert_eq!(world.fake.live_bookings().len(), 1, "{loss:?}");
        assert!(world.appointment(&made.id).await.state.status.is_live());
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_create_that_never_arrived_is_sent_again() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, Then::DropBeforeApplying).times(2));
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn a_create_that_lands_after_it_was_given_up_is_still_one_booking() {
    let world = World::new().await;
    // The request lies about for longer than the client waits, and is carried out then.
    let delay = Then::DelayBefore(Duration::from_millis(900));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, delay));
    world.make("a", at(0), Origin::Phone);
    world.drain().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn a_reschedule_that_timed_out_after_it_was_applied_is_adopted() {
    for loss in losses() {
        for restart in [false, true] {
            let world = World::new().await;
            let made = world.make("a", at(0), Origin::Phone);
            world.drain().await;
            world
                .fake
                .inject(Fault::new(Operation::Reschedule, loss.clone()));
            world
                .change(&made.id, Origin::Admin, |state| {
                    state.start = at(2);
                    state.end = at(2) + chrono::TimeDelta::minutes(30);
                })
                .await;
            world.engine.step().await.unwrap().unwrap();
            let engine = if restart {
                world.restarted()
            } else {
                world.engine.clone()
            };
            world.clock.advance(Duration::from_secs(2));
            world.drain_with(&engine).await;
            world.assert_in_step().await;
            assert_eq!(world.fake.live_bookings().len(), 1);
            assert_eq!(world.fake.live_bookings()[0].start, at(2));
            assert_eq!(world.writes(), 2, "{loss:?}");
        }
    }
}

#[tokio::test]
async fn a_cancel_that_timed_out_after_it_was_applied_is_done() {
    for loss in losses() {
        for restart in [false, true] {
            let world = World::new().await;
            let made = world.make("a", at(0), Origin::Phone);
            world.drain().await;
            world
                .fake
                .inject(Fault::new(Operation::Cancel, loss.clone()));
            world
                .change(&made.id, Origin::Admin, |state| {
                    state.status = AppointmentStatus::Cancelled;
                })
                .await;
            world.engine.step().await.unwrap().unwrap();
            let engine = if restart {
                world.restarted()
            } else {
                world.engine.clone()
            };
            world.clock.advance(Duration::from_secs(2));
            world.drain_with(&engine).await;
            world.assert_in_step().await;
            assert_eq!(world.fake.live_bookings(), []);
            assert_eq!(world.writes(), 2, "{loss:?}");
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_in_the_middle_of_a_call_leaves_one_booking() {
    for operation in [
        Operation::CreateBooking,
        Operation::Reschedule,
        Operation::Cancel,
    ] {
        let world = World::new().await;
        let made = world.make("a", at(0), Origin::Phone);
        if operation != Operation::CreateBooking {
            world.drain().await;
            world
                .change(&made.id, Origin::Admin, |state| {
                    if operation == Operation::Cancel {
                        state.status = AppointmentStatus::Cancelled;
                    } else {
                        state.start = at(2);
                        state.end = at(2) + chrono::TimeDelta::minutes(30);
                    }
                })
                .await;
        }
        let slow = Then::DelayAfterApplying(Duration::from_millis(500));
        world.fake.inject(Fault::new(operation, slow));
        let engine = world.engine.clone();
        let step = tokio::spawn(async move { engine.step().await });
        let sent = world.fake.writes().len();
        for _ in 0..100 {
            if world
                .fake
                .writes()
                .iter()
                .filter(|write| write.applied)
                .count()
                > sent
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        step.abort();
        let _ = step.await;
        // Nobody may touch the link before its lease has run out.
        let engine = world.restarted();
        assert_eq!(world.drain_with(&engine).await, [], "{operation:?}");
        world.clock.advance(Duration::from_secs(121));
        world.drain_with(&engine).await;
        world.assert_in_step().await;
        assert!(world.fake.live_bookings().len() <= 1);
    }
}

#[tokio::test]
async fn the_webhook_of_our_own_create_comes_before_its_answer() {
    let world = World::new().await;
    let slow = Then::DelayAfterApplying(Duration::from_millis(300));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, slow));
    let made = world.make("a", at(0), Origin::Phone);
    let engine: Arc<_> = world.engine.clone();
    let step = tokio::spawn(async move { engine.step().await });
    // The delivery is acknowledged while the call is still under way.
    for _ in 0..100 {
        if !world.delivery_fates().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.delivery_fates().await, [None]);
    assert!(
        !step.is_finished(),
        "the create was answered too early for this test"
    );
    // Another worker finds nothing that it may do.
    assert_eq!(world.drain().await, []);
    step.await.unwrap().unwrap();
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    assert_eq!(world.fake.bookings().len(), 1);
    assert_eq!(world.writes(), 1);
    assert_eq!(world.appointment(&made.id).await.origin, Origin::Phone);
}

#[tokio::test]
async fn an_outage_is_waited_out_and_then_reviewed() {
    let world = World::new().await;
    world.fake.go_offline().await;
    let made = world.make("a", at(0), Origin::Phone);
    for wait in [1, 5, 30] {
        world.drain().await;
        assert_eq!(world.review_reasons().await, []);
        // Not a second earlier.
        world.clock.advance(Duration::from_millis(wait * 1000 - 1));
        assert_eq!(world.drain().await, []);
        world.clock.advance(Duration::from_millis(1));
    }
    world.drain().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::RetriesExhausted]
    );
    assert_eq!(world.drain().await, []);

    world.fake.come_back().await.unwrap();
    let item = world.reviews().await.remove(0);
    world
        .engine
        .resolve(
            &world.tenant,
            item.id,
            calcom::store::Resolution::Retry,
            "eve",
        )
        .await
        .unwrap();
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.standing_of(&made.id).await.attempts, 0);
}

#[tokio::test]
async fn a_rate_limit_postpones_and_does_not_count() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, Then::too_many_requests(60)).times(5));
    let made = world.make("a", at(0), Origin::Phone);
    for _ in 0..5 {
        world.drain().await;
        assert_eq!(world.standing_of(&made.id).await.attempts, 0);
        world.clock.advance(Duration::from_secs(59));
        assert_eq!(world.drain().await, [], "not before the reset");
        world.clock.advance(Duration::from_secs(3));
    }
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
}

#[tokio::test]
async fn html_and_half_pages_are_retried_not_believed() {
    for bad in [
        Then::html_page(200),
        Then::html_page(524),
        Then::status(500),
        Then::TruncateBody,
    ] {
        let world = World::new().await;
        let made = world.make("a", at(0), Origin::Phone);
        world.drain().await;
        let uid = world.booking_of(&made.id).await;
        world
            .fake
            .inject(Fault::new(Operation::GetBooking, bad).times(2));
        world.fake.move_booking(&uid, at(3)).await.unwrap();
        world.settle().await;
        world.assert_in_step().await;
        assert_eq!(world.appointment(&made.id).await.state.start, at(3));
    }
}
