//! Booking exactly once, against a fake Cal.com that loses answers.

use std::sync::Arc;
use std::time::Duration;

use calcom::client::{
    Client, ErrorKind, IdempotencyKey, InMemoryIdempotencyStore, RetryPolicy, Retryability,
};
use calcom::model::{NewAttendee, NewBooking};
use calcom::testing::{FakeCalcom, FakeEventType, Fault, Operation, Then};

async fn fake() -> FakeCalcom {
    FakeCalcom::builder().seed(5).start().await.unwrap()
}

fn client(fake: &FakeCalcom, store: &InMemoryIdempotencyStore) -> Client {
    Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .retry(RetryPolicy::none())
        .attempt_timeout(Duration::from_millis(500))
        .idempotency_store(Arc::new(store.clone()))
        .build()
        .unwrap()
}

fn booking(fake: &FakeCalcom, hour: u32) -> NewBooking {
    let start = format!("2099-12-08T{hour:02}:00:00Z").parse().unwrap();
    let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    NewBooking::new(fake.event_type_id(), start, ann)
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("order-1001")
}

#[tokio::test]
async fn the_same_key_gives_back_the_same_booking() {
    let fake = fake().await;
    let client = client(&fake, &InMemoryIdempotencyStore::default());
    let wanted = booking(&fake, 9);
    let first = client
        .bookings()
        .create_once(&key(), &wanted)
        .await
        .unwrap();
    let again = client
        .bookings()
        .create_once(&key(), &wanted)
        .await
        .unwrap();
    assert_eq!(first.uid, again.uid);
    assert_eq!(fake.writes().len(), 1);
    assert_eq!(fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn many_who_ask_at_once_with_one_key_make_one_booking() {
    let fake = fake().await;
    let client = client(&fake, &InMemoryIdempotencyStore::default());
    let wanted = booking(&fake, 9);
    let (bookings, key) = (client.bookings(), key());
    let asked = (0..20).map(|_| bookings.create_once(&key, &wanted));
    let made = futures_util::future::join_all(asked).await;
    let uids: std::collections::BTreeSet<_> = made.into_iter().map(|b| b.unwrap().uid).collect();
    assert_eq!(uids.len(), 1);
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn a_booking_whose_answer_was_lost_is_found_and_not_made_again() {
    for loss in [
        Then::ApplyThenDrop,
        Then::TruncateBody,
        Then::DelayAfterApplying(Duration::from_secs(1)),
    ] {
        let fake = fake().await;
        let client = client(&fake, &InMemoryIdempotencyStore::default());
        fake.inject(Fault::new(Operation::CreateBooking, loss.clone()));
        let made = client
            .bookings()
            .create_once(&key(), &booking(&fake, 9))
            .await;
        assert_eq!(made.unwrap().uid, fake.live_bookings()[0].uid, "{loss:?}");
        assert_eq!(fake.writes().len(), 1);
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_by_the_next_call_of_another_process() {
    let fake = fake().await;
    let store = InMemoryIdempotencyStore::default();
    fake.inject(Fault::new(Operation::CreateBooking, Then::ApplyThenDrop));
    fake.inject(Fault::new(Operation::ListBookings, Then::status(500)).times(3));
    let wanted = booking(&fake, 9);
    let one = client(&fake, &store);
    let error = one
        .bookings()
        .create_once(&key(), &wanted)
        .await
        .unwrap_err();
    assert_eq!(error.retryability(), Retryability::IfIdempotent);
    let other = client(&fake, &store);
    let found = other.bookings().create_once(&key(), &wanted).await.unwrap();
    assert_eq!(found.uid, fake.live_bookings()[0].uid);
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_while_it_cannot_be_looked_up() {
    let fake = fake().await;
    let client = client(&fake, &InMemoryIdempotencyStore::default());
    fake.inject(Fault::new(Operation::CreateBooking, Then::ApplyThenDrop));
    fake.inject(Fault::new(Operation::ListBookings, Then::status(500)).times(4));
    let wanted = booking(&fake, 9);
    for _ in 0..2 {
        client
            .bookings()
            .create_once(&key(), &wanted)
            .await
            .unwrap_err();
        assert_eq!(fake.writes().len(), 1);
    }
}

#[tokio::test]
async fn a_key_without_a_store_in_common_still_finds_its_booking() {
    let fake = fake().await;
    let wanted = booking(&fake, 9);
    let one = client(&fake, &InMemoryIdempotencyStore::default());
    one.bookings().create_once(&key(), &wanted).await.unwrap();
    // The other process knows nothing of the key, but the booking in the way carries it.
    let other = client(&fake, &InMemoryIdempotencyStore::default());
    let bookings = other.bookings();
    let again = bookings.create_once(&key(), &wanted).await.unwrap();
    assert_eq!(Some(again.uid), fake.live_bookings().pop().map(|b| b.uid));
    assert_eq!(fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn a_refused_booking_leaves_its_key_free() {
    let fake = fake().await;
    let client = client(&fake, &InMemoryIdempotencyStore::default());
    fake.book(booking(&fake, 9)).await.unwrap();
    let taken = client
        .bookings()
        .create_once(&key(), &booking(&fake, 9))
        .await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::SlotUnavailable);
    client
        .bookings()
        .create_once(&key(), &booking(&fake, 10))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_is_good_for_one_request() {
    let fake = fake().await;
    let client = client(&fake, &InMemoryIdempotencyStore::default());
    client
        .bookings()
        .create_once(&key(), &booking(&fake, 9))
        .await
        .unwrap();
    let other = client
        .bookings()
        .create_once(&key(), &booking(&fake, 10))
        .await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Invalid);
    for bad in [String::new(), "k".repeat(501)] {
        let made = client
            .bookings()
            .create_once(&bad.into(), &booking(&fake, 11))
            .await;
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn a_booking_of_ours_that_filled_the_day_is_found() {
    let fake = fake().await;
    let limited = fake.add_event_type(FakeEventType::new("limited", 30).with_daily_limit(1));
    let mut wanted = booking(&fake, 9);
    wanted.event_type = limited.into();
    let mut uids = Vec::new();
    for _ in 0..2 {
        // Each with a store that knows nothing, as after a restart.
        let client = client(&fake, &InMemoryIdempotencyStore::default());
        let made = client
            .bookings()
            .create_once(&key(), &wanted)
            .await
            .unwrap();
        uids.push(made.uid);
    }
    assert_eq!(uids[0], uids[1]);
    assert_eq!(fake.bookings().len(), 1);
}

/// To an attendee who already holds the slot, Cal.com answers with the existing booking.
#[tokio::test]
async fn an_answer_about_a_booking_of_another_key_is_no_success() {
    let event_type = FakeEventType::new("confirm-30", 30).with_confirmation();
    let builder = FakeCalcom::builder().seed(5).event_type(event_type);
    let fake = builder.start().await.unwrap();
    let client = client(&fake, &InMemoryIdempotencyStore::default());
    let wanted = booking(&fake, 9);
    let first = client.bookings().create_once(&key(), &wanted).await;
    let first = first.unwrap();
    let other = IdempotencyKey::new("order-1002");
    for _ in 0..2 {
        let error = client.bookings().create_once(&other, &wanted).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(error.retryability(), Retryability::Never);
    }
    assert_eq!(fake.live_bookings().len(), 1);
    // The key is free for another slot.
    let later = booking(&fake, 11);
    let made = client.bookings().create_once(&other, &later).await;
    assert_ne!(made.unwrap().uid, first.uid);
}
