//! Requests that the server would refuse are refused before anything is sent.

use std::error::Error as _;

use calcom::client::{Client, Error, ErrorKind, FieldError, Retryability};
use calcom::model::{
    BookingQuery, EventTypeId, NewAttendee, NewBooking, RescheduleParams, SeatUid, SlotQuery,
};
use chrono::{DateTime, TimeDelta, Utc};
use wiremock::ResponseTemplate;

use crate::support::{answering, builder, client, count};

fn start() -> DateTime<Utc> {
    "2026-12-08T09:00:00Z".parse().unwrap()
}

/// A call of each kind that breaks a rule, with the fields that have to be named.
async fn refused_calls(client: &Client) -> Vec<(Error, &'static [&'static str])> {
    let bookings = client.bookings();
    let uid = "u".into();
    let seat = || SeatUid::new("s");
    let attendee = NewAttendee::new("", "ann at example", "Mars/Olympus".into())
        .with_phone_number("030 123")
        .with_language("xx");
    let wrong = NewBooking::new(EventTypeId::new(2), start(), attendee)
        .with_guest("bob@example.com")
        .with_guest("bob at example")
        .with_length(0)
        .with_recurrence_count(0)
        .with_metadata("orderId", "v".repeat(501));
    let moved = RescheduleParams::default()
        .with_seat(seat())
        .with_reason("ill");
    let listed = BookingQuery::default().with_take(251);
    let slots = SlotQuery::new(EventTypeId::new(2), start(), start() - TimeDelta::hours(1));
    let slots = slots.with_duration(0);
    let once = bookings.create_once(&"order-1".into(), &wrong).await;
    let walked = bookings.list_all(listed.clone()).try_collect::<Vec<_>>();
    let all: &[&str] = &[
        "attendee.name",
        "attendee.timeZone",
        "attendee.email",
        "attendee.phoneNumber",
        "attendee.language",
        "guests[1]",
        "lengthInMinutes",
        "recurrenceCount",
        "metadata.orderId",
    ];
    vec![
        (bookings.create(&wrong).await.unwrap_err(), all),
        (once.unwrap_err(), all),
        (
            bookings
                .reschedule(&uid, start(), &moved)
                .await
                .unwrap_err(),
            &["reschedulingReason"],
        ),
        (bookings.list(&listed).await.unwrap_err(), &["take"]),
        (walked.await.unwrap_err(), &["take"]),
        (
            client.slots().list(&slots).await.unwrap_err(),
            &["end", "duration"],
        ),
        (
            client.availability().slots(&slots).await.unwrap_err(),
            &["end", "duration"],
        ),
    ]
}

#[tokio::test]
async fn nothing_is_sent_and_every_wrong_field_is_named() {
    let server = answering(ResponseTemplate::new(200)).await;
    for (error, fields) in refused_calls(&client(&server)).await {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert_eq!(error.retryability(), Retryability::Never, "{error}");
        let named: Vec<&str> = error.fields().iter().map(FieldError::field).collect();
        assert_eq!(named, fields, "{error}");
        assert!(error.api().is_none(), "no answer came");
        assert!(error.to_string().contains(fields[0]), "{error}");
        let shown = format!("{error} {error:?} {:?}", error.source());
        for value in ["at example", "Mars", "030", "ill", "vvv"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn checks_can_be_left_to_the_server() {
    let server = answering(ResponseTemplate::new(400)).await;
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).local_checks(false).build().unwrap();
    let calls = refused_calls(&client).await;
    for (error, _) in &calls {
        assert!(error.api().is_some(), "{error}");
    }
    assert_eq!(count(&server).await, calls.len());
}
