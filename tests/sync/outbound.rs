//! The host's door: what the host does reaches Cal.com, once.

use crate::harness::{World, at};
use calcom::store::{AppointmentStatus, ChangeFate, LogEvent, Origin, ReviewReason, Revision};
use calcom::testing::Operation;

#[tokio::test]
async fn an_appointment_is_booked_and_its_echo_is_recognized() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
    assert_eq!(world.fates(&made.id).await, [Some(ChangeFate::Pushed)]);
    assert_eq!(world.appointment(&made.id).await.revision, Revision::FIRST);
}

#[tokio::test]
async fn a_move_is_followed_to_its_new_uid() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let first = world.booking_of(&made.id).await;
    for hours in [1, 2, 3] {
        world
            .change(&made.id, Origin::Admin, |state| {
                state.start = at(hours);
                state.end = at(hours) + chrono::TimeDelta::minutes(30);
            })
            .await;
        world.drain().await;
    }
    assert_ne!(world.booking_of(&made.id).await, first);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 4);
}

#[tokio::test]
async fn a_cancellation_is_carried() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.status = AppointmentStatus::Cancelled;
        })
        .await;
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings(), []);
    assert_eq!(world.writes(), 2);
}

#[tokio::test]
async fn several_changes_collapse_into_the_newest() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    for hours in [1, 2, 3] {
        world
            .change(&made.id, Origin::Admin, |state| state.start = at(hours))
            .await;
    }
    world.drain().await;
    assert_eq!(world.writes(), 1);
    assert_eq!(world.fake.live_bookings()[0].start, at(3));
    let superseded = Some(ChangeFate::Superseded);
    let fates = world.fates(&made.id).await;
    assert_eq!(
        fates[..3],
        [superseded.clone(), superseded.clone(), superseded]
    );
    assert_eq!(fates[3], Some(ChangeFate::Pushed));
}

#[tokio::test]
async fn an_appointment_that_ended_unheard_is_not_booked() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world
        .change(&made.id, Origin::Phone, |state| {
            state.status = AppointmentStatus::Cancelled;
        })
        .await;
    world.drain().await;
    assert_eq!(world.writes(), 0);
    assert!(world.events().await.contains(&LogEvent::SkippedNeverBooked));
}

#[tokio::test]
async fn a_revived_appointment_gets_a_booking_of_its_own() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    let first = world.booking_of(&made.id).await;
    for status in [AppointmentStatus::Cancelled, AppointmentStatus::Confirmed] {
        world
            .change(&made.id, Origin::Admin, |state| state.status = status)
            .await;
        world.drain().await;
    }
    assert_ne!(world.booking_of(&made.id).await, first);
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn a_length_of_the_hosts_own_gives_way_to_the_event_types() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world
        .change(&made.id, Origin::Admin, |state| {
            state.end = state.start + chrono::TimeDelta::minutes(90);
        })
        .await;
    world.drain().await;
    world.assert_in_step().await;
    let state = world.appointment(&made.id).await.state;
    assert_eq!(state.end - state.start, chrono::TimeDelta::minutes(30));
    assert_eq!(world.writes(), 1);
}

#[tokio::test]
async fn a_booking_that_awaits_confirmation_makes_the_appointment_pending() {
    let world = World::new().await;
    let event_type = world.types.confirm;
    let made = world.make("a", at(0), Origin::Phone);
    world
        .change(&made.id, Origin::Phone, |state| {
            state.event_type = event_type;
        })
        .await;
    world.drain().await;
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Pending);
    let uid = world.booking_of(&made.id).await;
    world.fake.confirm(&uid).await.unwrap();
    world.drain().await;
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Confirmed);
    world.assert_in_step().await;
    let pushes = world.fake.writes();
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].operation, Operation::CreateBooking);
}

#[tokio::test]
async fn what_the_api_cannot_express_is_reviewed() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Admin, |state| {
            state.attendee.email = Some("bob@example.com".to_owned());
        })
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    assert_eq!(world.writes(), 1);
    // Taken back by the host, the case settles itself.
    world
        .change(&made.id, Origin::Admin, |state| {
            state.attendee.email = Some("ann@example.com".to_owned());
        })
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

#[tokio::test]
async fn twenty_at_once_are_twenty_bookings() {
    let world = World::new().await;
    for n in 0..20 {
        world.make(&format!("a{n}"), at(n), Origin::Phone);
    }
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 20);
    assert_eq!(world.writes(), 20);
}

#[tokio::test]
async fn a_host_that_claims_to_be_cal_com_is_not_believed() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Admin);
    world.drain().await;
    world
        .change(&made.id, Origin::Calcom, |state| state.start = at(5))
        .await;
    world.drain().await;
    // Neither pushed nor overwritten: somebody has to look.
    assert_eq!(world.writes(), 1);
    assert_eq!(world.appointment(&made.id).await.state.start, at(5));
    let reasons = world.review_reasons().await;
    assert_eq!(reasons, [ReviewReason::OriginContradicted]);
    let fates = world.fates(&made.id).await;
    assert_eq!(fates[1], Some(ChangeFate::SkippedOriginCalcom));
}

/// An appointment that says Cal.com made it, and of which Cal.com knows nothing, is not booked: it may be an echo that came first.
#[tokio::test]
async fn a_new_appointment_that_says_it_is_cal_coms_is_not_booked() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Calcom);
    world.settle().await;
    assert_eq!(world.writes(), 0);
    let skipped = Some(ChangeFate::SkippedOriginCalcom);
    assert_eq!(world.fates(&made.id).await, [skipped]);
}
