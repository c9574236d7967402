//! Seats: each is an appointment of its own.

use std::time::Duration;

use calcom::ambient::Clock;
use calcom::model::{Booking, NewAttendee, NewBooking, SeatUid, Trigger};
use calcom::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, Field, Origin, Person,
    ReviewReason,
};
use calcom::sync::{ConflictPolicy, Inexpressible, SyncEngine, SyncPolicy};
use calcom::testing::{Fault, Operation, Then};
use chrono::{DateTime, TimeDelta, Utc};

use crate::harness::{World, at, cancel, client};

fn person(name: &str) -> Person {
    let email = format!("{}@example.com", name.to_lowercase());
    Person::new(name, email, "Europe/London")
}

fn seat_at(world: &World, name: &str, start: DateTime<Utc>) -> AppointmentState {
    AppointmentState::new(
        AppointmentStatus::Confirmed,
        start,
        start + TimeDelta::minutes(60),
        world.types.course,
        person(name),
    )
}

/// Somebody takes a seat on Cal.com's page.
async fn take_seat(world: &World, name: &str, start: DateTime<Utc>) -> Booking {
    let attendee = NewAttendee::from(&person(name));
    let booking = NewBooking::new(world.types.course, start, attendee);
    world.fake.book(booking).await.unwrap()
}

fn seat_in(booking: &Booking, name: &str) -> SeatUid {
    let email = person(name).email.unwrap();
    let mut held = booking.attendees.iter();
    let held = held.find(|attendee| attendee.email == email);
    held.expect("a seat").seat_uid.clone().unwrap()
}

fn move_to(start: DateTime<Utc>) -> impl FnOnce(&mut AppointmentState) {
    move |state| {
        state.start = start;
        state.end = start + TimeDelta::minutes(60);
    }
}

/// The names of those who have a live appointment at a time, and of those who have a seat then.
async fn assert_both_sides(world: &World, start: DateTime<Utc>, names: &[&str]) {
    let appointments = world.store.appointments(&world.tenant).into_iter();
    let live = appointments.filter(|a| a.state.status.is_live() && a.state.start == start);
    let mut here: Vec<String> = live.map(|a| a.state.attendee.name).collect();
    here.sort();
    assert_eq!(here, names, "at the host");
    let bookings = world.fake.live_bookings().into_iter();
    let seats = bookings
        .filter(|b| b.start == start)
        .flat_map(|b| b.attendees);
    let mut there: Vec<String> = seats.map(|attendee| attendee.name).collect();
    there.sort();
    assert_eq!(there, names, "at Cal.com");
}

async fn appointment_of(world: &World, name: &str) -> Appointment {
    let appointments = world.store.appointments(&world.tenant).into_iter();
    let mut theirs = appointments.filter(|a| a.state.attendee.name == name);
    let found = theirs.next().expect("an appointment");
    assert!(theirs.next().is_none(), "{name} has two appointments");
    found
}

async fn quiet(world: &World) {
    world.settle().await;
    let writes = world.writes();
    world.clock.advance(Duration::from_secs(700));
    world.settle().await;
    assert_eq!(world.writes(), writes);
    let open = world.reviews().await;
    let open: Vec<&str> = open
        .iter()
        .map(|item| item.evidence.message.as_str())
        .collect();
    assert_eq!(open, [""; 0]);
}

fn three(world: &World) -> Vec<AppointmentId> {
    let made = ["Sam", "Tess", "Uma"].map(|name| {
        let state = seat_at(world, name, at(0));
        world.make_as(name, state, Origin::Admin).id
    });
    made.to_vec()
}

#[tokio::test]
async fn three_appointments_take_the_three_seats_of_one_booking() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Tess", "Uma"]).await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    let booking = world.fake.live_bookings().remove(0);
    for (id, name) in ids.iter().zip(["Sam", "Tess", "Uma"]) {
        let seat = world.booking_of(id).await;
        assert_eq!(seat, booking.uid.with_seat(&seat_in(&booking, name)));
    }
}

#[tokio::test]
async fn each_seat_that_is_taken_at_cal_com_is_an_appointment() {
    let world = World::new().await;
    for name in ["Sam", "Tess"] {
        take_seat(&world, name, at(0)).await;
    }
    world.drain().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Tess"]).await;
    take_seat(&world, "Uma", at(0)).await;
    world.drain().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Tess", "Uma"]).await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 3);
}

/// A host's key cannot cancel a single seat: it is given up as its attendee would.
#[tokio::test]
async fn the_host_gives_up_one_seat_and_the_others_stay() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    world.change(&ids[1], Origin::Admin, cancel).await;
    world.drain().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Uma"]).await;
    let state = world.appointment(&ids[1]).await.state;
    assert_eq!(state.status, AppointmentStatus::Cancelled);
}

/// What Cal.com tells of it names no seat, and comes before the seat is given up.
#[tokio::test]
async fn a_seat_that_is_given_up_at_cal_com_ends_one_appointment() {
    let world = World::new().await;
    for name in ["Sam", "Tess", "Uma"] {
        take_seat(&world, name, at(0)).await;
    }
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    let seat = seat_in(&booking, "Tess");
    let calendar = client(&world.fake);
    calendar
        .bookings()
        .give_up_seat(&booking.uid, &seat)
        .await
        .unwrap();
    world.drain().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Uma"]).await;
    let state = appointment_of(&world, "Tess").await.state;
    assert_eq!(state.status, AppointmentStatus::Cancelled);
}

#[tokio::test]
async fn the_host_moves_one_seat() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    let before = world.booking_of(&ids[0]).await;
    world.change(&ids[0], Origin::Admin, move_to(at(3))).await;
    world.drain().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Tess", "Uma"]).await;
    assert_both_sides(&world, at(3), &["Sam"]).await;
    assert_ne!(world.booking_of(&ids[0]).await, before);
}

/// The whole course moves: each seat by itself, because the API moves no seated booking.
#[tokio::test]
async fn the_host_moves_the_course() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    for id in &ids {
        world.change(id, Origin::Admin, move_to(at(3))).await;
    }
    world.settle().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &[]).await;
    assert_both_sides(&world, at(3), &["Sam", "Tess", "Uma"]).await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

/// Moved and never answered: the seat is known again by whose it is.
#[tokio::test]
async fn a_move_of_a_seat_that_was_never_answered_is_recognized() {
    for (fault, webhooks) in [
        (Then::ApplyThenDrop, true),
        (Then::ApplyThenDrop, false),
        (Then::DropBeforeApplying, true),
    ] {
        let world = World::new().await;
        let ids = three(&world);
        world.settle().await;
        world.fake.inject(Fault::new(Operation::Reschedule, fault));
        if !webhooks {
            let lost = Fault::new(Operation::Reschedule, Then::LoseWebhook);
            world.fake.inject(lost);
        }
        world.change(&ids[0], Origin::Admin, move_to(at(3))).await;
        world.drain().await;
        quiet(&world).await;
        assert_both_sides(&world, at(0), &["Tess", "Uma"]).await;
        assert_both_sides(&world, at(3), &["Sam"]).await;
        appointment_of(&world, "Sam").await;
    }
}

#[tokio::test]
async fn a_seat_whose_creation_was_never_answered_is_found_again() {
    for fault in [Then::ApplyThenDrop, Then::DropBeforeApplying] {
        let world = World::new().await;
        take_seat(&world, "Tess", at(0)).await;
        world.drain().await;
        world
            .fake
            .inject(Fault::new(Operation::CreateBooking, fault));
        let state = seat_at(&world, "Sam", at(0));
        world.make_as("Sam", state, Origin::Phone);
        world.drain().await;
        quiet(&world).await;
        assert_both_sides(&world, at(0), &["Sam", "Tess"]).await;
    }
}

/// The attendee moves a seat that the host had taken for them: the same appointment moves.
#[tokio::test]
async fn an_attendee_moves_a_seat_that_the_host_had_taken() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    let seat = seat_in(&booking, "Sam");
    let calendar = client(&world.fake);
    let params = calcom::model::RescheduleParams::default().with_seat(seat);
    calendar
        .bookings()
        .reschedule(&booking.uid, at(3), &params)
        .await
        .unwrap();
    world.drain().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Tess", "Uma"]).await;
    assert_both_sides(&world, at(3), &["Sam"]).await;
    assert_eq!(appointment_of(&world, "Sam").await.id, ids[0]);
}

/// The whole booking is cancelled by its host, which is told once and names no seat.
#[tokio::test]
async fn a_course_that_is_cancelled_at_cal_com_ends_all_its_appointments() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    world
        .fake
        .cancel_booking(&booking.uid, "teacher ill")
        .await
        .unwrap();
    world.drain().await;
    quiet(&world).await;
    for id in &ids {
        let state = world.appointment(id).await.state;
        assert_eq!(state.status, AppointmentStatus::Cancelled);
    }
    assert_eq!(world.fake.live_bookings().len(), 0);
}

/// No seat is left: the appointment is reviewed, and the others are left alone.
#[tokio::test]
async fn a_full_course_is_a_case_of_one_appointment() {
    let world = World::new().await;
    three(&world);
    world.settle().await;
    let vic = seat_at(&world, "Vic", at(0));
    world.make_as("Vic", vic, Origin::Phone);
    world.settle().await;
    let reasons = world.review_reasons().await;
    assert_eq!(reasons, [ReviewReason::SlotTaken]);
    let booking = world.fake.live_bookings().remove(0);
    assert_eq!(booking.attendees.len(), 3);
}

/// Webhooks that are lost for good are found by a sweep, seat by seat.
#[tokio::test]
async fn a_sweep_finds_what_no_webhook_told_of_seats() {
    let world = World::new().await;
    three(&world);
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    world
        .fake
        .inject(Fault::new(calcom::testing::When::AnyWrite, Then::LoseWebhook).always());
    let calendar = client(&world.fake);
    let seat = seat_in(&booking, "Uma");
    calendar
        .bookings()
        .give_up_seat(&booking.uid, &seat)
        .await
        .unwrap();
    take_seat(&world, "Vic", at(0)).await;
    world.fake.clear_faults();
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    let swept = world.engine.sweep(&world.tenant, Duration::ZERO).await;
    assert!(swept.unwrap().unwrap().notices_given > 0);
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Tess", "Vic"]).await;
}

/// No webhook ever told of the course, and its only seat is given up: all that a sweep meets is a booking of nobody.
#[tokio::test]
async fn a_sweep_finds_that_the_only_seat_was_given_up() {
    let world = World::new().await;
    let lost = Fault::new(calcom::testing::When::AnyWrite, Then::LoseWebhook);
    world.fake.inject(lost.always());
    let made = world.make_as("Sam", seat_at(&world, "Sam", at(0)), Origin::Admin);
    world.drain().await;
    let booking = world.fake.live_bookings().remove(0);
    let seat = seat_in(&booking, "Sam");
    let given_up = world.fake.give_up_seat(&booking.uid, &seat).await;
    given_up.unwrap();
    world.clock.advance(Duration::from_secs(600));
    let swept = world.engine.sweep(&world.tenant, Duration::ZERO).await;
    assert_eq!(swept.unwrap().unwrap().notices_given, 1);
    quiet(&world).await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.status, AppointmentStatus::Cancelled);
}

/// It is announced before the seat is given up, and names no seat: the booking is read until nobody holds it.
#[tokio::test]
async fn a_seat_that_is_not_given_up_yet_is_looked_for_again() {
    let world = World::new().await;
    for name in ["Sam", "Tess"] {
        take_seat(&world, name, at(0)).await;
    }
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    let seat = seat_in(&booking, "Tess");
    let announced = world.fake.announce_seat_given_up(&booking.uid, &seat).await;
    // The slowest subscriber takes its time.
    for _ in 0..10 {
        world.drain().await;
        world.clock.advance(Duration::from_secs(1));
    }
    announced.unwrap().carry_out().unwrap();
    world.settle().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam"]).await;
}

/// The course is cancelled before anybody has looked at the whole of it; then nobody holds a seat any more.
#[tokio::test]
async fn a_course_that_ended_before_it_was_seen_ends_its_appointments() {
    let world = World::new().await;
    let hold = Fault::new(Trigger::BookingCreated, Then::HoldWebhooks);
    world.fake.inject(hold.always());
    three(&world);
    let seats = || {
        let bookings = world.fake.live_bookings().into_iter();
        bookings
            .map(|booking| booking.attendees.len())
            .sum::<usize>()
    };
    while seats() < 3 {
        assert!(world.engine.step().await.unwrap().is_some());
    }
    let booking = world.fake.live_bookings().remove(0);
    let cancelled = world.fake.cancel_booking(&booking.uid, "teacher ill").await;
    cancelled.unwrap();
    world.settle().await;
    quiet(&world).await;
    assert_both_sides(&world, at(0), &[]).await;
    assert_eq!(world.review_reasons().await, []);
}

/// The delivery of the move cannot be looked at and goes to review. The booking that the seat has left is looked at all the same.
#[tokio::test]
async fn a_move_whose_delivery_goes_to_review_ends_the_seat_that_was_left() {
    let world = World::new().await;
    for name in ["Sam", "Tess"] {
        take_seat(&world, name, at(0)).await;
    }
    world.settle().await;
    let booking = world.fake.live_bookings().remove(0);
    let seat = seat_in(&booking, "Tess");
    let moved = world.fake.move_seat(&booking.uid, &seat, at(3)).await;
    moved.unwrap();
    world.webhooks_arrive().await;
    let denied = Fault::new(Operation::GetBooking, Then::status(401));
    world.fake.inject(denied);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    assert_both_sides(&world, at(0), &["Sam"]).await;
}

/// Several seats share a booking, and its notices say nothing about any one of them.
#[tokio::test]
async fn a_notice_about_the_whole_booking_is_not_about_its_first_seat() {
    let world = World::new().await;
    let hold = Fault::new(calcom::testing::When::AnyWrite, Then::LoseWebhook);
    world.fake.inject(hold.always());
    world.make_as("Sam", seat_at(&world, "Sam", at(0)), Origin::Phone);
    world.settle().await;
    let seat = world.booking_of(&AppointmentId::new("Sam")).await;
    take_seat(&world, "Tess", at(0)).await;
    world.clock.advance(Duration::from_secs(600));
    for _ in 0..2 {
        let swept = world.engine.sweep(&world.tenant, Duration::ZERO).await;
        swept.unwrap();
        world.settle().await;
    }
    quiet(&world).await;
    assert_both_sides(&world, at(0), &["Sam", "Tess"]).await;
    assert_eq!(world.booking_of(&AppointmentId::new("Sam")).await, seat);
}

/// Cal.com books a seat without guests, and adds none to one: a person is asked, whenever they are invited.
#[tokio::test]
async fn guests_of_a_seat_are_reviewed() {
    let world = World::new().await;
    let with_guest = seat_at(&world, "Sam", at(0)).with_guests(["bob@example.com"]);
    world.make_as("Sam", with_guest, Origin::Phone);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    assert_eq!(world.fake.live_bookings().len(), 1);
    let tess = world.make_as("Tess", seat_at(&world, "Tess", at(0)), Origin::Phone);
    world.settle().await;
    world
        .change(&tess.id, Origin::Admin, |state| {
            state.guests = Some(["eve@example.com"].into_iter().collect());
        })
        .await;
    world.settle().await;
    let reasons = world.review_reasons().await;
    assert_eq!(reasons, [const { ReviewReason::NotExpressible }; 2]);
}

/// A seat is given up without a reason, by which an unanswered cancellation is otherwise known for the engine's own.
#[tokio::test]
async fn a_seat_that_made_room_unanswered_is_booked_anew() {
    let world = World::with(|tenant| {
        let policy = SyncPolicy::new(ConflictPolicy::Review);
        tenant.with_policy(policy.with_inexpressible(Field::Email, Inexpressible::Rebook))
    })
    .await;
    let ids = three(&world);
    world.settle().await;
    let lost = Fault::new(Operation::Cancel, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world
        .change(&ids[0], Origin::Admin, |state| {
            state.attendee = person("Vic");
        })
        .await;
    world.settle().await;
    quiet(&world).await;
    assert_eq!(world.review_reasons().await, []);
    assert_both_sides(&world, at(0), &["Tess", "Uma", "Vic"]).await;
}

/// Only what says that the seat is gone is worth another look.
#[tokio::test]
async fn a_seat_that_cannot_be_moved_is_reviewed_at_once() {
    let world = World::new().await;
    let ids = three(&world);
    world.settle().await;
    let writes = world.writes();
    let past = world.clock.now() - TimeDelta::days(1);
    world.change(&ids[0], Origin::Admin, move_to(past)).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    assert_eq!(world.writes(), writes + 1);
}
