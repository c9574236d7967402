//! What creating a booking makes of lengths, instants, series, requests that wait, and limits.

use std::time::Duration;

use calcom::client::ErrorKind;
use calcom::model::{Frequency, NewAttendee, NewBooking};
use calcom::testing::{FakeCalcom, FakeEventType, Fault, Operation, Then};
use serde_json::{Value, json};

use crate::support::{Api, ann, hour, with_receiver};

fn eve() -> NewAttendee {
    NewAttendee::new("Eve", "eve@example.com", "Europe/London".into())
}

fn body(id: calcom::model::EventTypeId, start: &str) -> Value {
    json!({"eventTypeId": id, "start": start, "attendee": ann()})
}

#[tokio::test]
async fn of_several_lengths_the_one_asked_for_is_taken() {
    let fake = FakeCalcom::start().await.unwrap();
    let flexible = FakeEventType::new("flexible", 30).with_lengths([15, 30, 60]);
    let id = fake.add_event_type(flexible);
    let api = Api::new(&fake);
    let book = async |start: &str, length: Value| {
        let mut body = body(id, start);
        if !length.is_null() {
            body["lengthInMinutes"] = length;
        }
        api.post("bookings", &body).await
    };
    let (_, made) = book("2099-12-07T09:00:00Z", json!(60)).await;
    assert_eq!(made["data"]["duration"], 60);
    assert_eq!(made["data"]["end"], "2099-12-07T10:00:00.000Z");
    let (_, made) = book("2099-12-07T10:00:00Z", Value::Null).await;
    assert_eq!(made["data"]["duration"], 30, "the default");
    let (status, refused) = book("2099-12-07T11:00:00Z", json!(45)).await;
    assert_eq!(status, 400);
    assert_eq!(
        refused["error"]["message"],
        "Provided 'lengthInMinutes' is not one of the possible lengths for the event type. The possible lengths are: 15, 30, 60"
    );
    let (_, moved) = {
        let made = book("2099-12-07T12:00:00Z", json!(15)).await.1;
        let path = format!(
            "bookings/{}/reschedule",
            made["data"]["uid"].as_str().unwrap()
        );
        api.post(&path, &json!({"start": "2099-12-07T13:00:00Z"}))
            .await
    };
    assert_eq!(moved["data"]["duration"], 15, "a move keeps the length");
}

#[tokio::test]
async fn instants_are_kept_to_the_millisecond() {
    let fake = FakeCalcom::start().await.unwrap();
    let api = Api::new(&fake);
    let body = body(fake.event_type_id(), "2099-12-07T09:00:00.123987Z");
    let (status, made) = api.post("bookings", &body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["data"]["start"], "2099-12-07T09:00:00.123Z");
    let kept = fake.bookings();
    assert_eq!(kept[0].start.timestamp_subsec_nanos(), 123_000_000);
    let path = format!("bookings/{}/reschedule", kept[0].uid);
    let (_, moved) = api
        .post(&path, &json!({"start": "2099-12-07T10:00:00.999999999Z"}))
        .await;
    assert_eq!(moved["data"]["start"], "2099-12-07T10:00:00.999Z");
    assert_eq!(moved["data"]["end"], "2099-12-07T10:30:00.999Z");
    let moved_end = fake.bookings()[1].end;
    // What came with finer digits ends in time for what begins at the millisecond.
    let next = NewBooking::new(fake.event_type_id(), moved_end, eve());
    fake.book(next).await.unwrap();
}

#[tokio::test]
async fn a_series_of_one_is_a_series() {
    let fake = FakeCalcom::start().await.unwrap();
    let weekly = FakeEventType::new("weekly", 30).with_recurrence(Frequency::Weekly, 1, 4);
    let id = fake.add_event_type(weekly);
    let api = Api::new(&fake);
    let mut one = body(id, "2099-12-07T09:00:00Z");
    one["recurrenceCount"] = json!(1);
    let (status, made) = api.post("bookings", &one).await;
    assert_eq!((status, made["data"].as_array().unwrap().len()), (201, 1));
    assert!(made["data"][0]["recurringBookingUid"].is_string());
    one["recurrenceCount"] = json!(0);
    let (status, refused) = api.post("bookings", &one).await;
    assert_eq!(status, 400);
    assert_eq!(
        refused["error"]["message"],
        "recurrenceCount property is wrong,recurrenceCount must not be less than 1 "
    );

    let mut single = body(fake.event_type_id(), "2099-12-08T09:00:00Z");
    single["recurrenceCount"] = json!(1);
    let (status, made) = api.post("bookings", &single).await;
    assert_eq!(status, 201);
    assert!(made["data"].is_object());
    assert_eq!(made["data"].get("recurringBookingUid"), None);
}

#[tokio::test]
async fn who_asks_again_for_the_same_start_gets_the_request_that_waits() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let id = fake.add_event_type(FakeEventType::new("asking", 30).with_confirmation());
    let api = Api::new(&fake);
    let ask = async |who: NewAttendee, reference: &str| {
        let new = NewBooking::new(id, hour(9), who).with_metadata("ref", reference);
        api.post("bookings", &serde_json::to_value(new).unwrap())
            .await
    };
    let (_, first) = ask(ann(), "1").await;
    let (status, again) = ask(ann(), "2").await;
    assert_eq!(status, 201);
    assert_eq!(again["data"]["uid"], first["data"]["uid"]);
    assert_eq!(again["data"]["metadata"], json!({"ref": "1"}));
    assert_eq!(receiver.triggers(), ["BOOKING_REQUESTED"]);

    let (status, other) = ask(eve(), "3").await;
    assert_eq!(status, 201);
    assert_ne!(other["data"]["uid"], first["data"]["uid"]);
    let uid = first["data"]["uid"].as_str().unwrap().into();
    fake.decline(&uid, "no").await.unwrap();
    let (_, third) = ask(ann(), "4").await;
    assert_ne!(
        third["data"]["uid"], first["data"]["uid"],
        "the old one is over"
    );
}

#[tokio::test]
async fn requests_that_block_keep_their_time_from_others() {
    let fake = FakeCalcom::builder()
        .slots_cache(Duration::ZERO)
        .start()
        .await
        .unwrap();
    let receiver = with_receiver(&fake).await;
    let blocking = FakeEventType::new("blocking", 30).with_blocking_requests();
    let id = fake.add_event_type(blocking.with_hours(9..11));
    let api = Api::new(&fake);
    let slots = async || {
        let path = format!("slots?eventTypeId={id}&start=2099-12-07&end=2099-12-07");
        let (_, answer) = api.get(&path).await;
        let day = answer["data"]["2099-12-07"].as_array().unwrap().clone();
        day.iter()
            .map(|slot| slot["start"].as_str().unwrap()[11..16].to_owned())
            .collect::<Vec<_>>()
    };
    let first = fake
        .book(NewBooking::new(id, hour(9), ann()))
        .await
        .unwrap();
    assert_eq!(first.status.as_str(), "pending");
    assert_eq!(slots().await, ["09:30", "10:00", "10:30"]);
    let refused = fake
        .book(NewBooking::new(id, hour(9), eve()))
        .await
        .unwrap_err();
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.message,
        "User either already has booking at this time or is not available"
    );
    let again = fake
        .book(NewBooking::new(id, hour(9), ann()))
        .await
        .unwrap();
    assert_eq!(again.uid, first.uid);
    assert_eq!(receiver.triggers(), ["BOOKING_REQUESTED"]);
    let other = fake.event_type_id();
    let elsewhere = fake
        .book(NewBooking::new(other, hour(9), eve()))
        .await
        .unwrap();
    fake.cancel_booking(&elsewhere.uid, "x").await.unwrap();
    let later = fake
        .book(NewBooking::new(id, hour(10), eve()))
        .await
        .unwrap();
    assert_eq!(
        fake.move_booking(&later.uid, hour(9))
            .await
            .unwrap_err()
            .status,
        400
    );
    fake.decline(&first.uid, "no").await.unwrap();
    assert_eq!(slots().await, ["09:00", "09:30", "10:30"]);
    fake.book(NewBooking::new(id, hour(9), eve()))
        .await
        .unwrap();
    let (_, told) = api.get(&format!("event-types/{id}")).await;
    assert_eq!(
        told["data"]["confirmationPolicy"]["blockUnconfirmedBookingsInBooker"],
        true
    );
}

#[tokio::test]
async fn a_day_takes_no_more_bookings_than_its_limit() {
    let fake = FakeCalcom::start().await.unwrap();
    let limited = FakeEventType::new("limited", 30).with_daily_limit(2);
    let id = fake.add_event_type(limited.with_hours(9..11));
    let api = Api::new(&fake);
    let book = async |hours: i64| {
        let new = NewBooking::new(id, hour(hours), ann());
        api.post("bookings", &serde_json::to_value(new).unwrap())
            .await
    };
    let full = json!({"statusCode": 401, "message": "booking_limit_reached"});
    let first: Value = book(9).await.1;
    let first = first["data"]["uid"].as_str().unwrap().into();
    assert_eq!(book(10).await.0, 201);
    assert_eq!(
        book(9).await,
        (401, full.clone()),
        "whether the time is taken or not"
    );
    let path = format!("slots?eventTypeId={id}&start=2099-12-07&end=2099-12-08");
    let days = api.get(&path).await.1["data"].clone();
    assert_eq!(
        days.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["2099-12-08"]
    );
    // Within the day a booking can be moved; another day has a limit of its own.
    let next = fake
        .move_booking(&first, hour(9) + chrono::TimeDelta::minutes(30))
        .await
        .unwrap();
    let tomorrow = fake
        .book(NewBooking::new(id, hour(24 + 9), ann()))
        .await
        .unwrap();
    let moved = api
        .post(
            &format!("bookings/{}/reschedule", tomorrow.uid),
            &json!({"start": hour(9)}),
        )
        .await;
    assert_eq!(moved, (401, full));
    fake.cancel_booking(&next.uid, "x").await.unwrap();
    assert_eq!(book(9).await.0, 201);
    let (_, told) = api.get(&format!("event-types/{id}")).await;
    assert_eq!(told["data"]["bookingLimitsCount"], json!({"day": 2}));
}

#[tokio::test]
async fn a_full_day_can_be_scripted() {
    let fake = FakeCalcom::start().await.unwrap();
    let full = Then::booking_limit_reached();
    fake.inject(Fault::new(Operation::CreateBooking, full));
    let client = calcom::client::Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .build()
        .unwrap();
    let new = NewBooking::new(fake.event_type_id(), hour(9), ann());
    let error = client.bookings().create(&new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BookingLimitReached);
    assert!(fake.bookings().is_empty());
    client.bookings().create(&new).await.unwrap();
}

#[tokio::test]
async fn slots_are_as_long_as_they_are_asked_for() {
    let fake = FakeCalcom::start().await.unwrap();
    let id = fake.add_event_type(FakeEventType::new("desk", 30).with_hours(9..11));
    let api = Api::new(&fake);
    let slots = async |duration: &str| {
        let path =
            format!("slots?eventTypeId={id}&start=2099-12-07&end=2099-12-07&duration={duration}");
        api.get(&path).await
    };
    let (_, answer) = slots("45").await;
    assert_eq!(
        answer["data"]["2099-12-07"],
        json!([{"start": "2099-12-07T09:00:00.000Z"}, {"start": "2099-12-07T09:45:00.000Z"}])
    );
    assert_eq!(slots("x").await.0, 400);
}
