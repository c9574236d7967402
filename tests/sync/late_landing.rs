//! Writes whose answer surprises, and writes that land after they were given up: recognized as ours, never taken for a wish of
//! Cal.com's, and undone without asking anybody where the host has moved on.

use std::time::Duration;

use crate::harness::{World, at, cancel, move_to};
use calcom::model::{NewAttendee, NewBooking, Trigger};
use calcom::store::{AppointmentStatus, ChangeFate, LogEvent, Origin, Person, ReviewReason};
use calcom::sync::{ConflictPolicy, SyncEngine};
use calcom::testing::{Fault, Operation, Then};
use chrono::{DateTime, TimeDelta, Utc};

/// Longer than the client waits (700 ms): the request is given up and carried out later.
const GIVEN_UP: Duration = Duration::from_millis(1000);

/// Until what was given up has landed, by the runtime's clock.
async fn until_it_has_landed() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

fn starts(world: &World) -> Vec<DateTime<Utc>> {
    let live = world.fake.live_bookings();
    live.iter().map(|booking| booking.start).collect()
}

fn revive(state: &mut calcom::store::AppointmentState) {
    state.status = AppointmentStatus::Confirmed;
}

/// Cal.com answers our create with `pending`; the host writes before that is absorbed.
#[tokio::test]
async fn an_answer_that_differs_is_no_conflict_with_ourselves() {
    for policy in [ConflictPolicy::Review, ConflictPolicy::RemoteWins] {
        let world = World::with(|tenant| tenant.with_conflict_policy(policy)).await;
        let mut state = world.state(at(0));
        state.event_type = world.types.confirm;
        let made = world.make_as("a", state, Origin::Phone);
        world.change_during_create(&made.id, move_to(at(2))).await;
        world.settle().await;
        assert_eq!(world.review_reasons().await, [], "{policy:?}");
        assert_eq!(starts(&world), [at(2)]);
        assert_eq!(world.appointment(&made.id).await.state.start, at(2));
        world.assert_in_step().await;
        let fates = world.fates(&made.id).await;
        assert!(!fates.contains(&Some(ChangeFate::Overruled)), "{fates:?}");
    }
}

/// A length that Cal.com does not take is no conflict either: the appointment follows, or moves on.
#[tokio::test]
async fn a_length_that_cal_com_answers_is_no_conflict_with_ourselves() {
    let world = World::with(|t| t.with_conflict_policy(ConflictPolicy::RemoteWins)).await;
    let mut state = world.state(at(0));
    state.end = state.start + TimeDelta::minutes(50);
    let made = world.make_as("a", state, Origin::Phone);
    let later = |state: &mut calcom::store::AppointmentState| {
        state.start = at(3);
        state.end = at(3) + TimeDelta::minutes(50);
    };
    world.change_during_create(&made.id, later).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(starts(&world), [at(3)]);
    assert_eq!(world.appointment(&made.id).await.state.start, at(3));
}

/// A create is given up, the host moves the appointment on the same day, the create lands: the booking is matched with the attempt
/// that made it, and the host's wish is pushed again.
#[tokio::test]
async fn a_create_that_lands_late_does_not_revert_the_hosts_move() {
    for tells in [true, false] {
        let world = World::new().await;
        if !tells {
            let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
            world.fake.inject(lost.always());
        }
        let late = Fault::new(Operation::CreateBooking, Then::DelayBefore(GIVEN_UP));
        world.fake.inject(late);
        let made = world.make("a", at(0), Origin::Phone);
        world.engine.step().await.unwrap().unwrap();
        world.change(&made.id, Origin::Admin, move_to(at(3))).await;
        until_it_has_landed().await;
        world.settle().await;
        assert_eq!(world.review_reasons().await, [], "told: {tells}");
        assert_eq!(world.appointment(&made.id).await.state.start, at(3));
        assert_eq!(starts(&world), [at(3)]);
        world.assert_in_step().await;
    }
}

/// Neither of two attempts at the same start was answered, and the second one was carried out. That it takes place elsewhere than
/// was asked for says nothing; a guest whom only the second one names does, and is nobody's change at Cal.com.
#[tokio::test]
async fn of_two_attempts_at_one_start_the_one_that_was_carried_out_is_recognized() {
    let world = World::new().await;
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let never = Fault::new(Operation::CreateBooking, Then::DropBeforeApplying);
    world.fake.inject(never);
    let state = world.state(at(0)).with_guests(["bob@example.com"]);
    let made = world.make_as("a", state, Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    let edit = |state: &mut calcom::store::AppointmentState| {
        *state = state
            .clone()
            .with_location("Room 1")
            .with_guests(["bob@example.com", "cy@example.com"]);
    };
    world.change(&made.id, Origin::Admin, edit).await;
    world.clock.advance(Duration::from_secs(2));
    let unanswered = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(unanswered);
    world.engine.step().await.unwrap().unwrap();
    assert_eq!(world.standing_of(&made.id).await.pending.len(), 2);
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.settle().await;
    // The first one stays on record for as long as it could still be carried out.
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(starts(&world), [at(3)]);
    world.assert_in_step().await;
}

/// The second create succeeds, and the first one lands after it: the double is ours, and undone without asking anybody.
#[tokio::test]
async fn a_create_that_lands_after_its_successor_is_undone() {
    for tells in [true, false] {
        let world = World::new().await;
        if !tells {
            let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
            world.fake.inject(lost.always());
        }
        let late = Then::DelayBefore(GIVEN_UP);
        world
            .fake
            .inject(Fault::new(Operation::CreateBooking, late));
        let made = world.make("a", at(0), Origin::Phone);
        world.engine.step().await.unwrap().unwrap();
        world.change(&made.id, Origin::Admin, move_to(at(3))).await;
        world.clock.advance(Duration::from_secs(2));
        world.drain().await;
        assert_eq!(starts(&world), [at(3)], "the first one has not landed yet");
        until_it_has_landed().await;
        assert_eq!(starts(&world).len(), 2, "now it has");
        world.settle().await;
        // Where no webhook tells of it, the look at the end of the time does.
        world.clock.advance(Duration::from_secs(600));
        world.settle().await;
        assert_eq!(starts(&world), [at(3)], "told: {tells}");
        assert_eq!(world.review_reasons().await, []);
        assert_eq!(world.appointment(&made.id).await.state.start, at(3));
        world.assert_in_step().await;
        let undone = |event: &LogEvent| matches!(event, LogEvent::LateBookingCancelled { .. });
        assert!(world.events().await.iter().any(undone));
    }
}

/// The first create lands between the look-up of the second attempt and its request: the double does not outlive the turn that
/// made it.
#[tokio::test]
async fn a_double_is_undone_by_the_turn_that_made_it() {
    let world = World::new().await;
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let late = Fault::new(Operation::CreateBooking, Then::DelayBefore(GIVEN_UP));
    world.fake.inject(late);
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.clock.advance(Duration::from_secs(2));
    // The list is read before the first create lands, and arrives after it has.
    let slow = Then::DelayAfterApplying(Duration::from_millis(450));
    world.fake.inject(Fault::new(Operation::ListBookings, slow));
    world.engine.step().await.unwrap().unwrap();
    assert_eq!(starts(&world), [at(3)]);
    assert_eq!(world.fake.bookings().len(), 2, "the first one has landed");
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

/// The second attempt of a create is refused, which says nothing of the first: it stays on record, and what it leaves is undone.
#[tokio::test]
async fn a_refused_second_attempt_does_not_forget_the_first() {
    let world = World::new().await;
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let late = Fault::new(Operation::CreateBooking, Then::DelayBefore(GIVEN_UP));
    world.fake.inject(late);
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(2));
    let refused = Fault::new(Operation::CreateBooking, Then::status(400));
    world.fake.inject(refused);
    world.engine.step().await.unwrap().unwrap();
    world.fake.clear_faults();
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.drain().await;
    until_it_has_landed().await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    assert_eq!(starts(&world), [at(3)]);
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

/// The host changes its mind while a move is unanswered; when it lands it is ours, and the host's latest wish is pushed again.
#[tokio::test]
async fn a_move_that_lands_late_does_not_overwrite_the_hosts_latest_wish() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let late = Then::DelayBefore(GIVEN_UP);
    world.fake.inject(Fault::new(Operation::Reschedule, late));
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.engine.step().await.unwrap().unwrap();
    // Back to where Cal.com still has it: nothing to push, as far as anybody can see.
    world.change(&made.id, Origin::Admin, move_to(at(0))).await;
    world.clock.advance(Duration::from_secs(2));
    world.drain().await;
    assert!(world.standing_of(&made.id).await.awaits_outcome());
    until_it_has_landed().await;
    assert_eq!(starts(&world), [at(2)]);
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.appointment(&made.id).await.state.start, at(0));
    assert_eq!(starts(&world), [at(0)]);
    world.assert_in_step().await;
}

/// Two unanswered moves in a row, and the first one lands: every target is kept.
#[tokio::test]
async fn of_two_unanswered_moves_the_first_may_land() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let late = Then::DelayBefore(GIVEN_UP);
    world.fake.inject(Fault::new(Operation::Reschedule, late));
    let never = Fault::new(Operation::Reschedule, Then::DropBeforeApplying);
    world.fake.inject(never);
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(4))).await;
    world.clock.advance(Duration::from_secs(2));
    world.engine.step().await.unwrap().unwrap();
    assert_eq!(world.standing_of(&made.id).await.pending.len(), 2);
    until_it_has_landed().await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(starts(&world), [at(4)]);
    assert_eq!(world.appointment(&made.id).await.state.start, at(4));
    // The second one is remembered for as long as it could land.
    world.clock.advance(Duration::from_secs(600));
    world.drain().await;
    world.assert_in_step().await;
}

/// The host revives an appointment while its cancellation is unanswered; when that lands it leaves no live appointment without a
/// booking.
#[tokio::test]
async fn a_cancellation_that_lands_late_is_made_good() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let late = Then::DelayBefore(GIVEN_UP);
    world.fake.inject(Fault::new(Operation::Cancel, late));
    world.change(&made.id, Origin::Admin, cancel).await;
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, revive).await;
    world.clock.advance(Duration::from_secs(2));
    world.drain().await;
    until_it_has_landed().await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Confirmed);
    assert_eq!(starts(&world), [at(0)]);
    world.assert_in_step().await;
}

/// On a type that needs confirmation Cal.com answers a create with somebody's existing booking: it is not this appointment's.
#[tokio::test]
async fn a_booking_that_carries_another_key_is_not_ours() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.confirm;
    let first = world.make_as("first", state.clone(), Origin::Phone);
    world.settle().await;
    let second = world.make_as("second", state, Origin::Phone);
    world.settle().await;
    assert_eq!(world.fake.bookings().len(), 1);
    let uid = world.booking_of(&first.id).await;
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::AnotherBooking);
    assert_eq!(item.appointment, Some(second.id.clone()));
    assert_eq!(item.evidence.bookings, [uid]);
    assert_eq!(world.link_of(&second.id).await.booking, None);
    // The first one's state was not written onto the second: it is as its host made it.
    let status = world.appointment(&second.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Confirmed);

    // Moved by the host, it gets a booking of its own, and the case closes itself.
    world
        .change(&second.id, Origin::Admin, move_to(at(2)))
        .await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.bookings().len(), 2);
}

/// A booking that a stranger made without any key is not taken for ours either.
#[tokio::test]
async fn a_booking_without_a_key_is_not_ours() {
    let world = World::new().await;
    let ann = Person::new("Ann Attendee", "ann@example.com", "Europe/London");
    let theirs = NewBooking::new(world.types.confirm, at(0), NewAttendee::from(&ann));
    world.fake.book(theirs).await.unwrap();
    world.settle().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.confirm;
    world.make_as("a", state, Origin::Phone);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::AnotherBooking]);
    assert_eq!(world.fake.bookings().len(), 1);
}

/// The second attempt of a create is answered and its booking moved away; then the first one lands in the free slot. It is found at
/// the end of the time in which it can.
#[tokio::test]
async fn a_first_attempt_that_lands_once_its_slot_is_free_is_undone() {
    let world = World::new().await;
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let late = Then::DelayBefore(Duration::from_millis(1500));
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, late));
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(2));
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.drain().await;
    assert_eq!(starts(&world), [at(3)], "the first one has not landed yet");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(starts(&world).len(), 2, "now it has");
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    assert_eq!(starts(&world), [at(3)]);
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

/// The second attempt is answered, with another name than the first one had: its booking is not what the first one left, and what
/// Cal.com answered is still owed to the appointment.
#[tokio::test]
async fn the_answered_booking_is_no_landing_of_an_earlier_attempt() {
    let world = World::new().await;
    let unknown = Fault::new(Operation::CreateBooking, Then::status(503));
    world.fake.inject(unknown.times(1));
    let mut state = world.state(at(0));
    state.event_type = world.types.confirm;
    let made = world.make_as("a", state, Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    let rename = |state: &mut calcom::store::AppointmentState| {
        state.attendee.name = "Ann Correctly".to_owned();
    };
    world.change(&made.id, Origin::Admin, rename).await;
    world.settle().await;
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Pending);
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    world.assert_in_step().await;
    let log = world.events().await;
    let is_adopted = |event: &LogEvent| matches!(event, LogEvent::BookingAdopted { .. });
    assert!(!log.iter().any(is_adopted), "{log:?}");
}

/// A write of unknown outcome is looked for once more when it can no longer land, and then forgotten.
#[tokio::test]
async fn what_can_no_longer_land_is_forgotten_after_a_last_look() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let never = Fault::new(Operation::Reschedule, Then::DropBeforeApplying);
    world.fake.inject(never);
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(0))).await;
    world.settle().await;
    assert!(world.standing_of(&made.id).await.awaits_outcome());
    world.clock.advance(Duration::from_secs(600));
    let before = world.requests();
    world.drain().await;
    assert_eq!(world.requests() - before, 1);
    assert!(!world.standing_of(&made.id).await.awaits_outcome());
    world.clock.advance(Duration::from_secs(6000));
    assert_eq!(world.drain().await, []);
    world.assert_in_step().await;
}

/// A first attempt is given up, a second one is answered; what happens to that one before the first lands.
async fn answered_by_the_second_attempt(world: &World) -> calcom::store::AppointmentId {
    let late = Then::DelayBefore(GIVEN_UP);
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, late));
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.clock.advance(Duration::from_secs(2));
    world.drain().await;
    assert_eq!(starts(world), [at(3)], "the first one has not landed yet");
    made.id
}

/// Whoever ended the booking has ended the appointment: what lands after that is undone, and revives nothing.
#[tokio::test]
async fn a_double_that_lands_after_the_end_revives_nothing() {
    for by_host in [true, false] {
        let world = World::new().await;
        let id = answered_by_the_second_attempt(&world).await;
        if by_host {
            world.change(&id, Origin::Admin, cancel).await;
        } else {
            let uid = world.booking_of(&id).await;
            world.fake.cancel_booking(&uid, "ill").await.unwrap();
        }
        world.drain().await;
        until_it_has_landed().await;
        world.clock.advance(Duration::from_secs(600));
        world.settle().await;
        assert_eq!(world.fake.live_bookings(), [], "by the host: {by_host}");
        let status = world.appointment(&id).await.state.status;
        assert_eq!(status, AppointmentStatus::Cancelled);
        assert_eq!(world.review_reasons().await, []);
    }
}

/// The base stays that of the booking that is kept, so that a change of either side in the same turn is no conflict.
#[tokio::test]
async fn a_double_moves_no_base() {
    for by_host in [true, false] {
        let world = World::with(|t| t.with_conflict_policy(ConflictPolicy::RemoteWins)).await;
        let id = answered_by_the_second_attempt(&world).await;
        until_it_has_landed().await;
        assert_eq!(starts(&world).len(), 2);
        if by_host {
            world.change(&id, Origin::Admin, move_to(at(5))).await;
        } else {
            let uid = world.booking_of(&id).await;
            world.fake.move_booking(&uid, at(5)).await.unwrap();
        }
        world.settle().await;
        assert_eq!(starts(&world), [at(5)], "by the host: {by_host}");
        assert_eq!(world.appointment(&id).await.state.start, at(5));
        assert_eq!(world.review_reasons().await, []);
        let decided = |event: &LogEvent| matches!(event, LogEvent::ConflictDecided { .. });
        assert!(!world.events().await.iter().any(decided));
    }
}

/// Two attempts have landed, and the double cannot be cancelled at once: the booking that is kept is on record all the same.
#[tokio::test]
async fn the_kept_booking_is_stored_before_a_double_is_cancelled() {
    let world = World::new().await;
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let late = Then::DelayBefore(GIVEN_UP);
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, late));
    let unanswered = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(unanswered);
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(3))).await;
    world.clock.advance(Duration::from_secs(2));
    world.engine.step().await.unwrap().unwrap();
    until_it_has_landed().await;
    assert_eq!(starts(&world).len(), 2);
    let away = Fault::new(Operation::Cancel, Then::status(503)).times(2);
    world.fake.inject(away);
    world.settle().await;
    assert_eq!(starts(&world), [at(3)]);
    assert_eq!(world.appointment(&made.id).await.state.start, at(3));
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

/// A case of the same appointment is open: what lands late is looked for and undone all the same, and nothing else is written.
#[tokio::test]
async fn a_case_does_not_stop_the_looks_for_late_landings() {
    let world = World::new().await;
    let lost = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let id = answered_by_the_second_attempt(&world).await;
    let other = |state: &mut calcom::store::AppointmentState| {
        state.attendee.email = Some("bob@example.com".to_owned());
    };
    world.change(&id, Origin::Admin, other).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    until_it_has_landed().await;
    assert_eq!(starts(&world).len(), 2);
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    assert_eq!(starts(&world), [at(3)]);
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    let writes = world.writes();
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(3600));
        assert_eq!(world.drain().await, []);
    }
    assert_eq!(world.writes(), writes);
}

/// One booking answers one attempt: the one that it agrees with, so that the host's later length is not taken for sent.
#[tokio::test]
async fn one_booking_answers_one_attempt() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    let unseen = Fault::new(Operation::ListBookings, Then::status(503)).times(1);
    world.fake.inject(unseen);
    let hold = Fault::new(Trigger::BookingCreated, Then::LoseWebhook);
    world.fake.inject(hold.always());
    let mut state = world.state(at(0));
    state.event_type = world.types.lengths;
    let made = world.make_as("a", state, Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    let rename = |state: &mut calcom::store::AppointmentState| {
        state.attendee.name = "Ann Correctly".to_owned();
    };
    world.change(&made.id, Origin::Admin, rename).await;
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.review_reasons().await, []);
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.attendee.name, "Ann Correctly");
    assert_eq!(world.writes(), 1);
}

/// The link's own booking cannot be read for a moment, and a late webhook of an earlier one comes: nothing is cancelled for it.
#[tokio::test]
async fn an_older_booking_that_ended_says_nothing_of_one_that_cannot_be_read() {
    let world = World::new().await;
    let hold = Fault::new(Trigger::BookingCancelled, Then::HoldWebhooks);
    world.fake.inject(hold.always());
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    world.change(&made.id, Origin::Admin, cancel).await;
    world.drain().await;
    world.change(&made.id, Origin::Admin, revive).await;
    world.drain().await;
    assert_eq!(starts(&world), [at(0)]);
    let unseen = Fault::new(Operation::GetBooking, Then::status(404));
    world.fake.inject(unseen);
    let count = world.fake.deliveries().len();
    world.fake.release(&(0..count).collect::<Vec<_>>()).await;
    world.drain().await;
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Confirmed);
    assert_eq!(starts(&world), [at(0)]);
}

/// What Cal.com had answered is owed to the appointment, also when the host has corrected a name meanwhile.
#[tokio::test]
async fn a_corrected_name_does_not_hide_what_cal_com_answered() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.confirm;
    let made = world.make_as("a", state, Origin::Phone);
    let rename = |state: &mut calcom::store::AppointmentState| {
        state.attendee.name = "Ann Correctly".to_owned();
    };
    world.change_during_create(&made.id, rename).await;
    world.settle().await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.status, AppointmentStatus::Pending);
    assert_eq!(state.attendee.name, "Ann Correctly");
    world.assert_in_step().await;
}

/// Two creations are unanswered, and the second one took effect with a length of Cal.com's own: it is the first that stays on record.
#[tokio::test]
async fn a_booking_of_another_length_is_matched_with_the_attempt_at_its_start() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.end = state.start + TimeDelta::minutes(50);
    for then in [Then::DropBeforeApplying, Then::ApplyThenDrop] {
        world
            .fake
            .inject(Fault::new(Operation::CreateBooking, then));
    }
    let made = world.make_as("a", state, Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    let later = |state: &mut calcom::store::AppointmentState| {
        state.start = at(3);
        state.end = at(3) + TimeDelta::minutes(50);
    };
    world.change(&made.id, Origin::Admin, later).await;
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(2));
        world.drain().await;
    }
    assert_eq!(starts(&world), [at(3)]);
    let pending = world.standing_of(&made.id).await.pending;
    let sent: Vec<_> = pending.iter().map(|known| known.state.start).collect();
    assert_eq!(sent, [at(0)]);
}
