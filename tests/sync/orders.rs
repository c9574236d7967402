//! Reviews are instructions: stored with their data, handed to the turn, carried out, and recorded with how they ended.

use std::time::Duration;

use crate::harness::{World, at, cancel, move_to};
use calcom::store::{
    AppointmentStatus, ChangeFate, LogEvent, Origin, Resolution, ReviewReason, Reviews,
    StoreErrorKind,
};
use calcom::sync::{Error, SyncEngine};
use calcom::testing::{Fault, Operation, Then};
use chrono::TimeDelta;

/// The host moves an appointment to one time and somebody at Cal.com its booking to another.
async fn conflict() -> (World, calcom::store::AppointmentId) {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    world.fake.move_booking(&uid, at(2)).await.unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(4))).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    (world, made.id)
}

fn live_start(world: &World) -> chrono::DateTime<chrono::Utc> {
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 1);
    live[0].start
}

async fn outcome(world: &World, id: calcom::store::ReviewId) -> Option<String> {
    let item = world.store.review(&world.tenant, id).await.unwrap();
    item.unwrap().resolved.unwrap().outcome
}

#[tokio::test]
async fn take_remote_brings_cal_coms_state_to_the_host() {
    let (world, id) = conflict().await;
    let writes = world.writes();
    let item = world.resolve(Resolution::TakeRemote).await;
    world.settle().await;
    assert_eq!(world.appointment(&id).await.state.start, at(2));
    assert_eq!(live_start(&world), at(2));
    assert_eq!(world.writes(), writes);
    assert_eq!(outcome(&world, item.id).await.unwrap(), "carried out");
    world.assert_in_step().await;
}

#[tokio::test]
async fn force_local_brings_the_hosts_state_to_cal_com() {
    let (world, id) = conflict().await;
    world.resolve(Resolution::ForceLocal).await;
    world.settle().await;
    assert_eq!(world.appointment(&id).await.state.start, at(4));
    assert_eq!(live_start(&world), at(4));
    world.assert_in_step().await;
}

/// What was accepted never comes up again, and stands in the way of no later move of either side.
#[tokio::test]
async fn an_accepted_difference_stays_accepted() {
    let (world, id) = conflict().await;
    let writes = world.writes();
    world.resolve(Resolution::AcceptDifference).await;
    world.settle().await;
    assert_eq!(world.appointment(&id).await.state.start, at(4));
    assert_eq!(live_start(&world), at(2));
    assert_eq!(world.writes(), writes);
    assert_eq!(world.review_reasons().await, []);
    world.change(&id, Origin::Admin, move_to(at(6))).await;
    world.settle().await;
    assert_eq!(live_start(&world), at(6));
    let uid = world.booking_of(&id).await;
    world.fake.move_booking(&uid, at(8)).await.unwrap();
    world.settle().await;
    assert_eq!(world.appointment(&id).await.state.start, at(8));
    assert_eq!(world.review_reasons().await, []);
}

/// A name that the host corrected is a difference that Cal.com cannot take: it is accepted, and the booking's later move arrives.
#[tokio::test]
async fn a_corrected_name_never_stands_in_the_way_of_a_move() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let rename = |state: &mut calcom::store::AppointmentState| {
        state.attendee.name = "Ann Correctly".to_owned();
    };
    world.change(&made.id, Origin::Admin, rename).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    let fates = world.fates(&made.id).await;
    assert_eq!(fates[1], Some(ChangeFate::KeptAtHost));
    let uid = world.booking_of(&made.id).await;
    world.fake.move_booking(&uid, at(2)).await.unwrap();
    world.settle().await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.start, at(2));
    assert_eq!(state.attendee.name, "Ann Correctly");
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.writes(), 1);
}

#[tokio::test]
async fn a_taken_slot_is_rebooked_at_a_named_one() {
    let world = World::new().await;
    world.book(at(0)).await;
    world.drain().await;
    let late = world.make("late", at(0), Origin::Phone);
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    let start = world.reviews().await[0].evidence.alternatives[0];
    let item = world.resolve(Resolution::rebook(start)).await;
    world.settle().await;
    let state = world.appointment(&late.id).await.state;
    assert_eq!(state.start, start);
    assert_eq!(state.end - state.start, TimeDelta::minutes(30));
    let uid = world.booking_of(&late.id).await;
    assert_eq!(world.fake.booking(&uid).unwrap().start, start);
    assert_eq!(outcome(&world, item.id).await.unwrap(), "carried out");
    world.assert_in_step().await;
}

/// An instruction outlives an outage: it is carried out when Cal.com can be reached again.
#[tokio::test]
async fn an_instruction_waits_until_it_can_be_carried_out() {
    let (world, id) = conflict().await;
    let away = Fault::new(Operation::GetBooking, Then::status(503)).times(2);
    world.fake.inject(away);
    let item = world.resolve(Resolution::ForceLocal).await;
    world.drain().await;
    assert_eq!(outcome(&world, item.id).await, None);
    world.settle().await;
    assert_eq!(outcome(&world, item.id).await.unwrap(), "carried out");
    assert_eq!(world.appointment(&id).await.state.start, at(4));
    assert_eq!(live_start(&world), at(4));
}

/// An instruction that cannot be carried out says so, and a person is asked again.
#[tokio::test]
async fn an_instruction_that_cannot_be_carried_out_says_so() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let change = |state: &mut calcom::store::AppointmentState| {
        state.status = AppointmentStatus::Pending;
    };
    world.change(&made.id, Origin::Admin, change).await;
    world.drain().await;
    let item = world.resolve(Resolution::ForceLocal).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    let outcome = outcome(&world, item.id).await.unwrap();
    assert!(outcome.contains("decide again"), "{outcome}");
}

/// Dismissing leaves everything as it is and takes nothing for agreed: the next change brings the case up again.
#[tokio::test]
async fn what_was_dismissed_comes_up_with_the_next_change() {
    let (world, id) = conflict().await;
    let writes = world.writes();
    world.resolve(Resolution::Dismiss).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.writes(), writes);
    assert_eq!(world.appointment(&id).await.state.start, at(4));
    world.change(&id, Origin::Admin, move_to(at(6))).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    assert_eq!(world.writes(), writes);
}

/// The item says that the booking may be cancelled at Cal.com; having done so closes it.
#[tokio::test]
async fn doing_what_the_item_says_closes_it() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let id = world.store.appointments(&world.tenant).remove(0).id;
    world.store.remove_appointment(&world.tenant, &id);
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.drain().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::AppointmentMissing]
    );
    world.fake.cancel_booking(&moved.uid, "no").await.unwrap();
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
}

/// Forcing the side of a host that has no appointment any more cancels the booking.
#[tokio::test]
async fn a_booking_without_an_appointment_can_be_cancelled_by_order() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let id = world.store.appointments(&world.tenant).remove(0).id;
    world.store.remove_appointment(&world.tenant, &id);
    world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.drain().await;
    world.resolve(Resolution::ForceLocal).await;
    world.settle().await;
    assert_eq!(world.fake.live_bookings(), []);
    assert_eq!(world.review_reasons().await, []);
}

/// An appointment that could not be booked and was cancelled then is nobody's case any more.
#[tokio::test]
async fn a_case_without_a_subject_closes_itself() {
    let world = World::new().await;
    world.book(at(0)).await;
    world.drain().await;
    let made = world.make("late", at(0), Origin::Phone);
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    world.change(&made.id, Origin::Admin, cancel).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Cancelled);
}

/// An item about the tenant as a whole has no two sides to choose from.
#[tokio::test]
async fn what_makes_no_sense_for_an_item_is_refused() {
    let world = World::new().await;
    world.fake.go_offline().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::RetriesExhausted]
    );
    let item = world.reviews().await.remove(0);
    for resolution in [Resolution::TakeRemote, Resolution::Settled] {
        let resolved = world
            .engine
            .resolve(&world.tenant, item.id, resolution, "eve");
        let refused = resolved.await.unwrap_err();
        assert!(matches!(refused, Error::Store(e) if e.kind() == StoreErrorKind::Invalid));
    }
    assert_eq!(world.reviews().await.len(), 1);
}

#[tokio::test]
async fn an_item_says_what_can_be_done_with_all_its_causes() {
    let world = World::new().await;
    world.fake.go_offline().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let message = world.reviews().await.remove(0).evidence.message;
    assert!(message.contains("retry"), "{message}");
    // The innermost cause, not only "no complete response from Cal.com".
    assert!(message.to_lowercase().contains("refused"), "{message}");
    let resolved = |event: &LogEvent| matches!(event, LogEvent::InstructionEnded { .. });
    world.fake.come_back().await.unwrap();
    world.resolve(Resolution::Retry).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    assert!(world.events().await.iter().any(resolved));
    world.assert_in_step().await;
}

/// A pause comes between a decision and its turn; the retry that ends the pause does not displace what was ordered.
#[tokio::test]
async fn a_retry_displaces_no_order() {
    let (world, id) = conflict().await;
    let denied = Fault::new(calcom::testing::When::Any, Then::status(401));
    world.fake.inject(denied.always());
    let item = world.resolve(Resolution::ForceLocal).await;
    world.drain().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::CredentialsRefused]
    );
    world.fake.clear_faults();
    let retried = world.resolve(Resolution::Retry).await;
    world.settle().await;
    assert_eq!(live_start(&world), at(4));
    assert_eq!(world.appointment(&id).await.state.start, at(4));
    for item in [item.id, retried.id] {
        assert_eq!(outcome(&world, item).await.unwrap(), "carried out");
    }
    assert_eq!(world.review_reasons().await, []);
}

/// A slot is chosen, Cal.com is away, and the host moves the appointment once more: what it did last counts.
#[tokio::test]
async fn a_rebooking_that_is_tried_again_overrules_nothing_newer() {
    let world = World::new().await;
    world.book(at(0)).await;
    world.drain().await;
    let late = world.make("late", at(0), Origin::Phone);
    world.drain().await;
    let away = Fault::new(Operation::CreateBooking, Then::status(503));
    world.fake.inject(away);
    world.resolve(Resolution::rebook(at(2))).await;
    world.drain().await;
    assert_eq!(world.appointment(&late.id).await.state.start, at(2));
    world.change(&late.id, Origin::Admin, move_to(at(6))).await;
    world.settle().await;
    assert_eq!(world.appointment(&late.id).await.state.start, at(6));
    let uid = world.booking_of(&late.id).await;
    assert_eq!(world.fake.booking(&uid).unwrap().start, at(6));
    assert_eq!(world.fake.live_bookings().len(), 2);
    assert_eq!(world.review_reasons().await, []);
}
