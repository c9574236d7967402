//! Attendees who did not come, who are known by phone only, and what they and the host say besides.

use std::time::Duration;

use calcom::model::{
    BookingField, BookingFieldKind, EventTypeSettings, JsonObject, MarkAbsentParams, NewAttendee,
    NewBooking, NewEventType,
};
use calcom::store::{AppointmentState, Origin, Person, ReviewReason};
use calcom::sync::BookingDefaults;
use calcom::testing::Operation;

use crate::harness::{World, ann, at, client, move_to};

fn count(world: &World, operation: Operation) -> usize {
    let writes = world.fake.writes();
    writes.iter().filter(|w| w.operation == operation).count()
}

fn answers(slug: &str, answer: &str) -> JsonObject {
    let mut answers = JsonObject::new();
    answers.insert(slug, answer);
    answers
}

#[tokio::test]
async fn who_did_not_come_is_marked_absent_and_can_be_unmarked() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    world.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    for (absent, marks) in [(true, 1), (false, 2)] {
        world
            .change(&made.id, Origin::Admin, |state| state.absent = Some(absent))
            .await;
        world.drain().await;
        world.settle().await;
        world.assert_in_step().await;
        let booking = world.fake.booking(&uid).unwrap();
        assert_eq!(booking.attendees[0].absent, absent);
        assert_eq!(count(&world, Operation::MarkAbsent), marks);
    }
    assert_eq!(world.review_reasons().await, []);
}

#[tokio::test]
async fn an_absence_that_is_noted_at_cal_com_comes_to_the_host() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let link = world.link_of_booking(&booking.uid).await;
    let id = link.appointment.unwrap();
    assert_eq!(world.appointment(&id).await.state.absent, Some(false));
    world.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    let absent = MarkAbsentParams::attendee("ann@example.com");
    let calendar = client(&world.fake);
    calendar
        .bookings()
        .mark_absent(&booking.uid, &absent)
        .await
        .unwrap();
    world.drain().await;
    assert_eq!(world.appointment(&id).await.state.absent, Some(true));
    let writes = world.writes();
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.writes(), writes);
}

/// Before the start Cal.com refuses: a person is told.
#[tokio::test]
async fn an_absence_before_the_start_is_reviewed() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| state.absent = Some(true))
        .await;
    world.settle().await;
    let reasons = world.review_reasons().await;
    assert_eq!(reasons, [ReviewReason::Rejected]);
}

#[tokio::test]
async fn answers_and_metadata_travel_with_a_new_booking() {
    let world = World::new().await;
    let event_type = world.fake.event_type_id();
    let defaults = BookingDefaults::default()
        .with_response("source", "phone")
        .with_metadata("salon", "north");
    let engine = world.engine_with(|t| t.with_booking_defaults(event_type, defaults.clone()));
    let state = world
        .state(at(0))
        .with_responses(answers("size", "L"))
        .with_metadata([("room", "2")]);
    let made = world.make_as("a", state, Origin::Phone);
    world.drain_with(&engine).await;
    let uid = world.booking_of(&made.id).await;
    let booking = world.fake.booking(&uid).unwrap();
    let responses = booking.booking_fields_responses.as_ref().unwrap();
    assert_eq!(responses.get_str("size"), Some("L"));
    assert_eq!(responses.get_str("source"), Some("phone"));
    assert_eq!(booking.metadata_str("room"), Some("2"));
    assert_eq!(booking.metadata_str("salon"), Some("north"));
    // What the tenant added is no change of Cal.com's, now or after a move.
    world.change(&made.id, Origin::Phone, move_to(at(2))).await;
    world.drain_with(&engine).await;
    world.settle().await;
    world.assert_in_step().await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.responses, Some(answers("size", "L").into()));
    assert_eq!(state.metadata.unwrap().get("salon"), None);
    assert_eq!(world.review_reasons().await, []);
}

#[tokio::test]
async fn answers_and_metadata_of_a_booking_come_to_its_appointment() {
    let world = World::new().await;
    let booking = NewBooking::new(world.fake.event_type_id(), at(0), NewAttendee::from(&ann()))
        .with_booking_field("size", "M")
        .with_metadata("campaign", "spring");
    let booking = world.fake.book(booking).await.unwrap();
    world.drain().await;
    let link = world.link_of_booking(&booking.uid).await;
    let state = world.appointment(&link.appointment.unwrap()).await.state;
    let responses = state.responses.unwrap();
    assert_eq!(responses.as_object().get_str("size"), Some("M"));
    assert!(!responses.as_object().contains_key("name"));
    assert_eq!(state.metadata.unwrap().get("campaign"), Some("spring"));
    world.assert_in_step().await;
}

/// A missing answer is named, and a default of the tenant's gives it.
#[tokio::test]
async fn a_required_answer_that_is_missing_is_named() {
    let world = World::new().await;
    let size = BookingField::new(BookingFieldKind::Text, "size", "Size").with_required(true);
    let calendar = client(&world.fake);
    let settings = EventTypeSettings::default().with_booking_fields([size]);
    let new = NewEventType::new("Fitting", "fitting", 30).with_settings(settings);
    let fitting = calendar.event_types().create(&new).await.unwrap().id;
    let engine = world.engine_with(|tenant| tenant.with_event_type(fitting));
    let mut state = world.state(at(0));
    state.event_type = fitting;
    let made = world.make_as("a", state, Origin::Admin);
    world.drain_with(&engine).await;
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::RequiredFieldMissing);
    assert!(item.evidence.message.contains("answer to: size."));
    assert_eq!(count(&world, Operation::CreateBooking), 0);
    let defaults = BookingDefaults::default().with_response("size", "M");
    let engine = world.engine_with(|tenant| {
        let tenant = tenant.with_event_type(fitting);
        tenant.with_booking_defaults(fitting, defaults.clone())
    });
    world.resolve(calcom::store::Resolution::Retry).await;
    world.drain_with(&engine).await;
    let booking = world
        .fake
        .booking(&world.booking_of(&made.id).await)
        .unwrap();
    let responses = booking.booking_fields_responses.unwrap();
    assert_eq!(responses.get_str("size"), Some("M"));
    assert_eq!(world.review_reasons().await, []);
}

/// Cal.com books nobody without an address; the host never sees the one that is made up.
#[tokio::test]
async fn a_phone_only_attendee_is_booked_under_an_address_of_the_tenants() {
    let world = World::with(|tenant| tenant.with_phone_only_domain("phone.salon.example")).await;
    let phil = Person::by_phone("Phil", "+4915112345678", "Europe/Berlin");
    let mut state = world.state(at(0));
    state.attendee = phil.clone();
    let made = world.make_as("a", state, Origin::Phone);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    let booking = world.fake.booking(&uid).unwrap();
    assert_eq!(
        booking.attendees[0].email,
        "4915112345678@phone.salon.example"
    );
    // Moved by the attendee: what comes back is still nobody's address.
    world.fake.move_booking(&uid, at(3)).await.unwrap();
    world.drain().await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!((state.start, state.attendee), (at(3), phil));
    world.change(&made.id, Origin::Phone, move_to(at(5))).await;
    world.settle().await;
    let writes = world.writes();
    world.settle().await;
    assert_eq!(world.writes(), writes);
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings()[0].start, at(5));
}

/// Without a domain, the server decides; on most event types it refuses, and a person is told.
#[tokio::test]
async fn without_a_domain_a_phone_only_attendee_is_the_servers_to_accept() {
    let world = World::new().await;
    let mut state: AppointmentState = world.state(at(0));
    state.attendee = Person::by_phone("Phil", "+4915112345678", "Europe/Berlin");
    world.make_as("a", state, Origin::Phone);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
}

/// A number that is like none of its country is refused before it is sent, and not tried again: a person
/// is told what is wrong with it. Corrected, it is booked.
#[tokio::test]
async fn a_phone_number_that_cannot_exist_is_in_review() {
    let world = World::with(|tenant| tenant.with_phone_only_domain("phone.salon.example")).await;
    let mut state: AppointmentState = world.state(at(0));
    state.attendee = Person::by_phone("Phil", "+11234567890", "Europe/Berlin");
    let made = world.make_as("a", state, Origin::Phone);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    let told = world.reviews().await.remove(0).evidence.message;
    assert!(
        told.contains("attendee.phoneNumber")
            && told.contains("not a possible number in its country"),
        "{told}"
    );
    assert!(!told.contains("1234567890"), "{told}");
    assert_eq!(world.writes(), 0);
    let corrected = |state: &mut AppointmentState| {
        state.attendee.phone_number = Some("+4915112345678".to_owned());
    };
    world.change(&made.id, Origin::Phone, corrected).await;
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}
