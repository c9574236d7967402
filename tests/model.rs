//! The model under whatever a server may say: fields come and go, words are new, bytes are anything.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::Path;

use bytes::Bytes;
use calcom::client::decode;
use calcom::model::{
    Booking, BookingOrSeries, BookingStatus, EventType, Frequency, Schedule, Slot, SlotsByDay,
    Trigger, User, WebhookSubscription, Weekday, format_instant, parse_instant,
};
use calcom::webhook::WebhookEvent;
use chrono::{DateTime, Utc};
use http::Response;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        // Nothing is written next to the sources: a failing case prints its input.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The data of a recorded answer.
fn data(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/exchanges")
        .join(format!("{name}.json"));
    let exchange: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    exchange["response"]["body"]["data"].clone()
}

/// An object within a template, and which of its fields have to be there. All others may be null or missing.
type Place = (&'static str, &'static [&'static str]);

/// Any JSON, no deeper than anybody would send. Numbers are such as survive being printed.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 4.0)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// What is done to one object of a template.
#[derive(Clone, Debug)]
enum Change {
    Remove(Index),
    Nullify(Index),
    Add(String, Value),
}

fn changes() -> impl Strategy<Value = Vec<(Index, Change)>> {
    let change = prop_oneof![
        any::<Index>().prop_map(Change::Remove),
        any::<Index>().prop_map(Change::Nullify),
        ("x_[a-zA-Z]{0,8}", any_json()).prop_map(|(name, value)| Change::Add(name, value)),
    ];
    vec((any::<Index>(), change), 0..30)
}

/// The template with these changes, wherever the object that they are for is still there.
fn changed(mut template: Value, places: &[Place], changes: Vec<(Index, Change)>) -> Value {
    for (place, change) in changes {
        let (pointer, required) = places[place.index(places.len())];
        let Some(Value::Object(object)) = template.pointer_mut(pointer) else {
            continue;
        };
        let optional = |object: &Map<String, Value>| -> Vec<String> {
            let free = |name: &&String| !required.contains(&name.as_str());
            object.keys().filter(free).cloned().collect()
        };
        match change {
            Change::Add(name, value) => {
                object.insert(name, value);
            }
            Change::Remove(which) | Change::Nullify(which) if optional(object).is_empty() => {
                let _ = which;
            }
            Change::Remove(which) => {
                let names = optional(object);
                object.remove(&names[which.index(names.len())]);
            }
            Change::Nullify(which) => {
                let names = optional(object);
                object[&names[which.index(names.len())]] = Value::Null;
            }
        }
    }
    template
}

/// Reads, writes, reads: the same value, and what was written stays as it is from then on.
fn survives<T: DeserializeOwned + Serialize>(json: &Value) -> Result<T, TestCaseError> {
    let read: T = serde_json::from_value(json.clone())
        .map_err(|error| TestCaseError::fail(format!("{error}: {json}")))?;
    let text = serde_json::to_string(&read).unwrap();
    let again: T = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(&serde_json::to_string(&again).unwrap(), &text);
    Ok(again)
}

/// As [`survives`], compared as values too.
fn survives_equal<T>(json: &Value) -> Result<T, TestCaseError>
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let again: T = survives(json)?;
    let read: T = serde_json::from_value(json.clone()).unwrap();
    prop_assert_eq!(&read, &again);
    Ok(again)
}

const BOOKING: &[Place] = &[
    ("", &["id", "uid", "status", "start", "end"]),
    ("/eventType", &["id"]),
    ("/hosts/0", &[]),
    ("/attendees/0", &[]),
    ("/metadata", &[]),
    ("/bookingFieldsResponses", &[]),
];

fn booking() -> Value {
    let mut booking = data("066-booking-create");
    for (name, value) in [
        ("rescheduledFromUid", json!("u0")),
        ("rescheduledToUid", json!("u2")),
        ("reschedulingReason", json!("ill")),
        ("cancellationReason", json!("")),
        ("cancelledByEmail", json!("ann@example.com")),
        ("recurringBookingUid", json!("r1")),
        ("seatUid", json!("s1")),
        ("rating", json!(4.5)),
    ] {
        booking[name] = value;
    }
    let attendee = &mut booking["attendees"][0];
    attendee["phoneNumber"] = json!("+4930123456");
    attendee["seatUid"] = json!("s1");
    attendee["metadata"] = json!({"ref": "s1"});
    attendee["bookingFieldsResponses"] = json!({"name": "Ann"});
    booking
}

const EVENT_TYPE: &[Place] = &[
    ("", &["id", "slug", "lengthInMinutes"]),
    ("/users/0", &["id"]),
    ("/recurrence", &[]),
    ("/seats", &[]),
    ("/confirmationPolicy", &[]),
];

fn event_type() -> Value {
    let mut event_type = data("017-event-types-get");
    event_type["users"] = json!([{"id": 1, "name": "Hanna Host", "username": "hanna"}]);
    event_type["recurrence"] = json!({"interval": 1, "occurrences": 4, "frequency": "weekly"});
    event_type["seats"] =
        json!({"seatsPerTimeSlot": 3, "showAttendeeInfo": true, "showAvailabilityCount": true});
    event_type["confirmationPolicy"] =
        json!({"type": "always", "blockUnconfirmedBookingsInBooker": false});
    event_type["lengthInMinutesOptions"] = json!([30, 60]);
    event_type["price"] = json!(12.5);
    event_type["teamId"] = json!(7);
    event_type
}

const SCHEDULE: &[Place] = &[
    ("", &["id", "name", "timeZone"]),
    ("/availability/0", &["days", "startTime", "endTime"]),
    ("/overrides/0", &["date", "startTime", "endTime"]),
];

fn schedule() -> Value {
    let mut schedule = data("027-schedules-list")[0].clone();
    schedule["overrides"] =
        json!([{"date": "2026-12-24", "startTime": "09:00", "endTime": "12:00"}]);
    schedule
}

fn slot() -> Value {
    data("043-slots-seated")["2026-12-07"][0].clone()
}

fn webhook() -> Value {
    let mut webhook = data("248-webhooks-get");
    webhook["secret"] = json!("whsec_tests");
    webhook["eventTypeId"] = json!(2);
    webhook
}

/// A word that no version of the crate knows.
fn new_word() -> impl Strategy<Value = String> {
    "[a-zA-Z_-]{0,12}\\PC?".prop_map(|word| format!("{word}_new"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bookings_survive_fields_that_come_and_go(changes in changes()) {
        let json = changed(booking(), BOOKING, changes);
        let booking: Booking = survives_equal(&json)?;
        prop_assert_eq!(booking.uid.as_str(), json["uid"].as_str().unwrap());
        let series: BookingOrSeries = survives_equal(&json!([json.clone(), json]))?;
        prop_assert_eq!(series.into_vec().len(), 2);
    }

    #[test]
    fn event_types_survive_fields_that_come_and_go(changes in changes()) {
        survives_equal::<EventType>(&changed(event_type(), EVENT_TYPE, changes))?;
    }

    #[test]
    fn schedules_survive_fields_that_come_and_go(changes in changes()) {
        survives_equal::<Schedule>(&changed(schedule(), SCHEDULE, changes))?;
    }

    #[test]
    fn slots_survive_fields_that_come_and_go(changes in changes()) {
        survives_equal::<Slot>(&changed(slot(), &[("", &["start"])], changes))?;
    }

    #[test]
    fn webhooks_survive_fields_that_come_and_go(changes in changes()) {
        let json = changed(webhook(), &[("", &["id", "subscriberUrl"])], changes);
        survives::<WebhookSubscription>(&json)?;
    }

    #[test]
    fn users_survive_fields_that_come_and_go(changes in changes()) {
        survives_equal::<User>(&changed(data("011-me"), &[("", &["id", "email"])], changes))?;
    }

    #[test]
    fn new_words_survive(word in new_word()) {
        let mut json = booking();
        json["status"] = json!(word);
        let booking: Booking = survives_equal(&json)?;
        prop_assert_eq!(&booking.status, &BookingStatus::Other(word.clone()));
        prop_assert!(booking.is_live(), "what nobody has seen is not forgotten");

        let mut json = event_type();
        json["recurrence"]["frequency"] = json!(word);
        let event_type: EventType = survives_equal(&json)?;
        let frequency = event_type.recurrence.unwrap().frequency;
        prop_assert_eq!(frequency, Some(Frequency::Other(word.clone())));

        let mut json = schedule();
        json["availability"][0]["days"][0] = json!(word);
        let schedule: Schedule = survives_equal(&json)?;
        prop_assert_eq!(&schedule.availability[0].days[0], &Weekday::Other(word.clone()));

        let mut json = webhook();
        json["triggers"] = json!(["BOOKING_CREATED", word]);
        let webhook: WebhookSubscription = survives(&json)?;
        prop_assert_eq!(webhook.triggers, [Trigger::BookingCreated, Trigger::Other(word)]);
    }

    #[test]
    fn no_answer_panics(status in 100_u16..1000, body in hostile()) {
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        let now: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
        fn read<T: DeserializeOwned>(answer: &Response<Bytes>, now: DateTime<Utc>) {
            if let Err(error) = decode::<T>("test", answer, now) {
                let _ = format!("{error} {error:?} {:?}", error.fields());
            }
        }
        read::<BookingOrSeries>(&answer, now);
        read::<Vec<EventType>>(&answer, now);
        read::<SlotsByDay>(&answer, now);
        read::<Value>(&answer, now);
    }

    #[test]
    fn no_delivery_panics(body in hostile()) {
        let event = WebhookEvent::parse(&body);
        let _ = format!("{event:?} {:?} {:?}", event.trigger(), event.booking_uid());
    }

    #[test]
    fn no_text_panics_as_an_instant(text in ".{0,40}") {
        let _ = parse_instant(&text);
    }

    #[test]
    fn an_instant_that_was_read_can_be_written_and_read_again(
        text in "[+-]?[0-9]{4,6}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})?",
    ) {
        if let Some(instant) = parse_instant(&text) {
            let written = format_instant(instant);
            prop_assert_eq!(parse_instant(&written), Some(instant), "{} as {}", text, written);
        }
    }

    #[test]
    fn an_instant_of_any_year_of_four_digits_is_read(seconds in -62_167_219_200_i64..253_402_300_800, nanos in 0_u32..1_000_000_000) {
        let instant = DateTime::from_timestamp(seconds, nanos).unwrap();
        prop_assert_eq!(parse_instant(&format_instant(instant)), Some(instant));
    }
}

/// Bytes, JSON, and recordings with a few bytes changed or the end cut off.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let recorded = prop_oneof![
        Just(json!({"status": "success", "data": booking()})),
        Just(json!({"status": "success", "data": [event_type()]})),
        Just(
            json!({"triggerEvent": "BOOKING_CREATED", "createdAt": "2026-11-20T23:43:30.467Z", "payload": {"uid": "u"}})
        ),
        Just(
            json!({"status": "error", "error": {"code": "BAD_REQUEST", "message": "metadata.b - Expected string, "}})
        ),
        Just(
            json!({"error": {"message": "a property is wrong, b property is wrong,c , d", "details": {"errors": [{"property": "p", "constraints": {"c": "m"}, "children": [{}]}]}}})
        ),
    ];
    let spoiled = (
        recorded,
        vec((any::<Index>(), any::<u8>()), 0..4),
        any::<Index>(),
    );
    let spoiled = spoiled.prop_map(|(json, changes, end)| {
        let mut bytes = json.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Half of them stay whole.
        let keep = end.index(2 * bytes.len());
        bytes.truncate(keep.max(1));
        bytes
    });
    let shaped = (
        "(data|error|message|details|errors|triggerEvent|payload)",
        any_json(),
    );
    let shaped = shaped.prop_map(|(name, value)| json!({name: value}).to_string().into_bytes());
    prop_oneof![vec(any::<u8>(), 0..200), shaped, spoiled]
}
