//! Ended bookings, seats, series and slots where the real server surprises.

use calcom::model::{BookingUid, Frequency, NewAttendee, NewBooking};
use calcom::testing::{FakeCalcom, FakeEventType, ManualClock};
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Api, ann, at, hour, with_receiver};

fn person(name: &str) -> NewAttendee {
    NewAttendee::new(
        name,
        format!("{name}@example.com"),
        "America/New_York".into(),
    )
}

#[tokio::test]
async fn an_ended_booking_can_be_confirmed_and_declined() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let asking = fake.add_event_type(FakeEventType::new("asking", 30).with_confirmation());
    let api = Api::new(&fake);
    let book = async |hours| {
        let new = NewBooking::new(asking, hour(hours), ann());
        fake.book(new).await.unwrap().uid
    };
    let status = |uid: &BookingUid| fake.booking(uid).unwrap().status.as_str().to_owned();

    let declined = book(9).await;
    fake.decline(&declined, "busy").await.unwrap();
    let path = format!("bookings/{declined}/reschedule");
    let (code, answer) = api.post(&path, &json!({"start": hour(10)})).await;
    assert_eq!(
        (code, &answer["message"]),
        (404, &json!("Could not find original booking"))
    );
    fake.confirm(&declined).await.unwrap();
    assert_eq!(status(&declined), "accepted");
    assert!(
        fake.confirm(&declined).await.is_err(),
        "once accepted, it is settled"
    );
    assert!(fake.decline(&declined, "no").await.is_err());

    let cancelled = book(11).await;
    fake.cancel_booking(&cancelled, "ill").await.unwrap();
    fake.decline(&cancelled, "no").await.unwrap();
    assert_eq!(status(&cancelled), "rejected");
    fake.confirm(&cancelled).await.unwrap();
    assert!(fake.booking(&cancelled).unwrap().is_live());
    assert_eq!(
        receiver.triggers(),
        [
            "BOOKING_REQUESTED",
            "BOOKING_REJECTED",
            "BOOKING_CREATED",
            "BOOKING_REQUESTED",
            "BOOKING_CANCELLED",
            "BOOKING_REJECTED",
            "BOOKING_CREATED",
        ]
    );
    // What is accepted again takes its time again.
    let other = NewBooking::new(fake.event_type_id(), hour(11), ann());
    assert_eq!(fake.book(other).await.unwrap_err().status, 400);
}

#[tokio::test]
async fn seats_that_are_asked_for_at_once_collide() {
    let fake = FakeCalcom::start().await.unwrap();
    let seated = fake.add_event_type(FakeEventType::new("seats", 30).with_seats(3));
    let (api, start) = (Api::new(&fake), hour(10));
    let body = |name: &str, start| {
        serde_json::to_value(NewBooking::new(seated, start, person(name))).unwrap()
    };
    let bodies = ["a", "b", "c", "d", "e"].map(|name| body(name, start));
    let answers =
        futures_util::future::join_all(bodies.iter().map(|body| api.post("bookings", body)));
    let (made, refused): (Vec<_>, Vec<_>) = answers
        .await
        .into_iter()
        .partition(|(status, _)| *status == 201);
    assert_eq!((made.len(), refused.len()), (1, 4));
    for (status, answer) in refused {
        assert_eq!(
            (status, &answer["message"]),
            (409, &json!("booking_conflict_error"))
        );
    }
    // A time that overlaps one with seats left is free.
    let (status, next) = api
        .post("bookings", &body("f", at("2099-12-07T10:15:00Z")))
        .await;
    assert_eq!(status, 201, "{next}");

    let (uid, seat) = (&made[0].1["data"]["uid"], &made[0].1["data"]["seatUid"]);
    let cancel = async |uid: &Value, seat: &Value| {
        let path = format!("bookings/{}/cancel", uid.as_str().unwrap());
        let body = json!({"seatUid": seat});
        let answer = api.send_without_key("POST", &path, Some(&body));
        let (status, answer) = answer.await.unwrap();
        (
            status,
            answer["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let gone = "Invalid seatUid: this seat does not exist or has already been cancelled.";
    let other = "Invalid seatUid: this seat does not belong to this booking.";
    assert_eq!(cancel(uid, &json!("nope")).await, (400, gone.to_owned()));
    assert_eq!(
        cancel(&next["data"]["uid"], seat).await,
        (400, other.to_owned())
    );
    // The whole is the host's to cancel.
    let path = format!("bookings/{}/cancel", uid.as_str().unwrap());
    let body = json!({"cancellationReason": "x"});
    let answer = api.send_without_key("POST", &path, Some(&body)).await;
    let (status, answer) = answer.unwrap();
    assert_eq!(
        (status, &answer["message"]),
        (401, &json!("User not a host of this event"))
    );
    assert_eq!(cancel(uid, seat).await.0, 200);
    assert_eq!(cancel(uid, seat).await, (400, gone.to_owned()));
}

#[tokio::test]
async fn a_series_keeps_the_attendees_time_of_day_and_ends_whole() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let weekly = fake.add_event_type(FakeEventType::new("weekly", 30).with_recurrence(
        Frequency::Weekly,
        1,
        3,
    ));
    // The clocks of New York change on 8 March 2099.
    let new = NewBooking::new(weekly, at("2099-03-02T10:00:00Z"), person("Bob"));
    let first = fake.book(new).await.unwrap();
    let starts: Vec<String> = fake
        .bookings()
        .iter()
        .map(|b| b.start.to_rfc3339())
        .collect();
    assert_eq!(starts[1], "2099-03-09T09:00:00+00:00");
    let series = BookingUid::new(first.recurring_booking_uid.clone().unwrap().to_string());
    let path = format!("bookings/{series}/cancel");
    let api = Api::new(&fake);
    let body = json!({"cancellationReason": "x", "cancelSubsequentBookings": true});
    assert_eq!(api.post(&path, &body).await.0, 400);
    fake.cancel_booking(&series, "x").await.unwrap();
    assert!(fake.live_bookings().is_empty());
    let told = receiver.bodies().pop().unwrap();
    assert_eq!(
        told["payload"]["startTime"], "2099-03-16T09:00:00+00:00",
        "the last one"
    );
    assert_eq!(told["payload"]["recurringEvent"]["count"], 3);

    let (_, single) = api.book(hour(9)).await;
    let path = format!(
        "bookings/{}/cancel",
        single["data"]["uid"].as_str().unwrap()
    );
    assert_eq!(api.post(&path, &body).await.0, 400, "it has no later ones");
}

#[tokio::test]
async fn slots_are_repeated_for_two_seconds() {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let builder = FakeCalcom::builder().clock(clock.shared());
    let fake = builder.start().await.unwrap();
    let api = Api::new(&fake);
    let count = async |query: &str| {
        let path = format!("slots?eventTypeId=1&start=2099-12-07&end=2099-12-07{query}");
        let (_, answer) = api.get(&path).await;
        answer["data"]["2099-12-07"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 48);
    api.book(hour(9)).await;
    clock.advance(Duration::from_millis(1900));
    assert_eq!(count("").await, 48, "as it was");
    assert_eq!(count("&duration=30").await, 47, "another query");
    clock.advance(Duration::from_millis(200));
    assert_eq!(count("").await, 47);
}
