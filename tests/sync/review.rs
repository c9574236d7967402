//! The review queue, and a tenant whose credentials are refused.

use std::time::Duration;

use crate::harness::{World, at, outcomes};
use calcom::model::Trigger;
use calcom::store::{
    AppointmentState, Field, LogEvent, Origin, Person, Resolution, ReviewReason, StoreErrorKind,
    Tenants,
};
use calcom::sync::{ConflictPolicy, Error, Inexpressible, SyncEngine, SyncPolicy, TurnOutcome};
use calcom::testing::{Fault, Operation, Then, When};
use chrono::TimeDelta;

#[tokio::test]
async fn a_taken_slot_is_reviewed_with_alternatives_near_it() {
    let world = World::new().await;
    world.book(at(0)).await;
    world.drain().await;
    world.make("late", at(0), Origin::Phone);
    world.drain().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::SlotTaken);
    let alternatives = &item.evidence.alternatives;
    assert_eq!(alternatives.len(), 5);
    assert!(!alternatives.contains(&at(0)));
    let distance = |slot: &chrono::DateTime<chrono::Utc>| (*slot - at(0)).abs();
    assert!(alternatives.is_sorted_by_key(distance));
    assert_eq!(world.writes(), 1);

    // The person moves the appointment instead: the case settles itself.
    let free = alternatives[0];
    world
        .change(&"late".into(), Origin::Admin, |state| {
            state.start = free;
            state.end = free + chrono::TimeDelta::minutes(30);
        })
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_dismissed_item_is_closed_once_with_a_name() {
    let world = World::new().await;
    world.book(at(0)).await;
    world.make("late", at(0), Origin::Phone);
    world.drain().await;
    let item = world.reviews().await.remove(0);
    let resolve = |resolution| {
        world
            .engine
            .resolve(&world.tenant, item.id, resolution, "eve")
    };
    let resolved = resolve(Resolution::Dismiss).await.unwrap();
    assert_eq!(resolved.resolved.unwrap().by, "eve");
    assert_eq!(world.reviews().await, []);
    assert_eq!(world.drain().await, []);
    let again = resolve(Resolution::Retry).await.unwrap_err();
    assert!(matches!(again, Error::Store(e) if e.kind() == StoreErrorKind::Conflict));
    let dismissed = |event: &LogEvent| matches!(event, LogEvent::ReviewResolved { resolution: Resolution::Dismiss, by, .. } if by == "eve");
    assert!(world.events().await.iter().any(dismissed));
}

#[tokio::test]
async fn an_item_of_another_tenant_cannot_be_resolved() {
    let world = World::new().await;
    world.book(at(0)).await;
    world.make("late", at(0), Origin::Phone);
    world.drain().await;
    let item = world.reviews().await.remove(0);
    let other = "other".into();
    let error = world
        .engine
        .resolve(&other, item.id, Resolution::Dismiss, "mallory")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Store(e) if e.kind() == StoreErrorKind::NotFound));
    assert_eq!(world.reviews().await.len(), 1);
}

#[tokio::test]
async fn refused_credentials_pause_the_tenant_with_one_item() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(When::Any, Then::status(401)).always());
    for n in 0..5 {
        world.make(&format!("a{n}"), at(n), Origin::Phone);
    }
    world.drain().await;
    assert!(world.store.is_paused(&world.tenant).await.unwrap());
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::CredentialsRefused]
    );
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.drain().await, [], "a paused tenant rests");

    world.fake.clear_faults();
    let item = world.reviews().await.remove(0);
    world
        .engine
        .resolve(&world.tenant, item.id, Resolution::Retry, "eve")
        .await
        .unwrap();
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 5);
}

#[tokio::test]
async fn a_hopeless_request_is_reviewed_at_once() {
    let world = World::new().await;
    world.make("a", at(-24 * 30), Origin::Phone);
    let reports = world.drain().await;
    assert_eq!(outcomes(&reports), [TurnOutcome::InReview]);
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::Rejected);
    assert!(
        item.evidence.message.contains("past"),
        "{}",
        item.evidence.message
    );
}

#[tokio::test]
async fn an_appointment_that_cannot_be_booked_is_reviewed_without_a_request() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    let unreachable = world
        .change(&made.id, Origin::Phone, |state| {
            state.attendee.email = None;
            state.attendee.phone_number = None;
        })
        .await;
    assert_eq!(unreachable.state.attendee.email, None);
    let reports = world.drain().await;
    assert!(outcomes(&reports).contains(&TurnOutcome::InReview));
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::Rejected);
    let message = &item.evidence.message;
    assert!(message.contains("attendee.email"), "{message}");
    assert!(!message.contains("Ann"), "{message}");
    assert_eq!(world.fake.writes(), [], "nothing was sent");

    // The person is asked for an address: the case settles itself.
    world
        .change(&made.id, Origin::Phone, |state| {
            state.attendee.email = Some("ann@example.com".to_owned());
        })
        .await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_deleted_appointment_cancels_nothing() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let uid = world.booking_of(&made.id).await;
    assert!(world.fake.forget(&uid));
    world
        .change(&made.id, Origin::Admin, |state| {
            state.start = at(1);
            state.end = at(1) + chrono::TimeDelta::minutes(30);
        })
        .await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::BookingMissing]);
    let created = world
        .fake
        .writes()
        .iter()
        .filter(|write| write.operation == Operation::CreateBooking)
        .count();
    assert_eq!(created, 1);
}

#[tokio::test]
async fn nothing_personal_or_secret_is_printed() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.book(at(0)).await;
    world.drain().await;
    let printed = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        world.engine,
        world.store,
        world.appointment(&made.id).await,
        world.reviews().await,
        world.events().await,
        world.link_of(&made.id).await,
    );
    for secret in [
        "ann@example.com",
        "Ann Attendee",
        crate::harness::SECRET,
        "cal_test",
    ] {
        assert!(!printed.contains(secret), "{secret} is printed");
    }
}

/// What the base says of Cal.com is no reason to ask a person: here the booking has ended, no webhook told of it, and there is
/// nothing left to decide.
#[tokio::test]
async fn nobody_is_asked_before_cal_com_was_read() {
    let world = World::with(|t| t.with_conflict_policy(ConflictPolicy::RemoteWins)).await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let lost = Fault::new(Trigger::BookingCancelled, Then::LoseWebhook);
    world.fake.inject(lost);
    let uid = world.booking_of(&made.id).await;
    world.fake.cancel_booking(&uid, "ill").await.unwrap();
    // The API cannot change a booking's length.
    let longer = |state: &mut AppointmentState| state.end += TimeDelta::minutes(15);
    world.change(&made.id, Origin::Admin, longer).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert!(!world.appointment(&made.id).await.state.status.is_live());
    world.assert_in_step().await;
}

/// The webhook of a move has yet to come when the host makes a change that Cal.com cannot take: what a person is shown was read.
#[tokio::test]
async fn a_person_is_asked_about_what_cal_com_holds_now() {
    let world = World::with(|tenant| {
        let policy = SyncPolicy::new(ConflictPolicy::Review);
        tenant.with_policy(policy.with_inexpressible(Field::Email, Inexpressible::Review))
    })
    .await;
    let made = world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&made.id).await;
    let hold = Fault::new(Trigger::BookingRescheduled, Then::HoldWebhooks);
    world.fake.inject(hold);
    world.fake.move_booking(&uid, at(3)).await.unwrap();
    world
        .change(&made.id, Origin::Admin, |state| {
            state.attendee = Person::new("Bob", "bob@example.com", "Europe/London");
        })
        .await;
    world.drain().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::Conflict);
    assert_eq!(item.evidence.remote.unwrap().start, at(3));
}
