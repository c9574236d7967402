//! The fake against recordings of a real server: the same status, the same headers, the same keys, whatever the values.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use calcom::model::{BookingUid, Frequency, NewAttendee, NewBooking};
use calcom::testing::{FakeCalcom, FakeEventType, ManualClock, WebhookBody};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::Value;

fn fixture(folder: &str, name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder)
        .join(name);
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// All paths of keys, with `[]` for any element of an array. What only stands under these is the caller's, not the server's.
fn keys(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    if [
        "metadata",
        "responses",
        "bookingFieldsResponses",
        "target",
        "locations",
        "bookingFields",
    ]
    .iter()
    .any(|free| path.ends_with(&format!(".{free}")))
    {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                // Slots are keyed by day.
                let name = if name.starts_with("20") {
                    "<day>"
                } else {
                    name
                };
                let path = format!("{path}.{name}");
                into.insert(path.clone());
                keys(value, &path, into);
            }
        }
        Value::Array(items) => {
            for item in items {
                keys(item, &format!("{path}[]"), into);
            }
        }
        _ => {}
    }
}

fn all_keys(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    keys(value, "", &mut found);
    found
}

/// Asks the fake what the recording asked, and compares. `{uid}` in the path is replaced, the event type too.
async fn compare(fake: &FakeCalcom, name: &str, path: &str, event_type: Option<i64>) -> Value {
    let recorded = fixture("exchanges", &format!("{name}.json"));
    let (asked, told) = (&recorded["request"], &recorded["response"]);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in asked["query"].as_object().unwrap() {
        let text = match (key.as_str(), value) {
            ("eventTypeId", _) => event_type.unwrap().to_string(),
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        };
        query.append_pair(key, &text);
    }
    let query = query.finish();
    let target = if query.is_empty() {
        path.into()
    } else {
        format!("{path}?{query}")
    };
    let mut request = http::Request::builder()
        .method(asked["method"].as_str().unwrap())
        .uri(target);
    for (key, value) in asked["headers"].as_object().unwrap() {
        let value = match (key.as_str(), name) {
            ("authorization", "112-me-bad-key") => "Bearer cal_nobody".to_owned(),
            ("authorization", _) => format!("Bearer {}", fake.api_key().expose_secret()),
            _ => value.as_str().unwrap().to_owned(),
        };
        request = request.header(key, value);
    }
    let mut body = asked["body"].clone();
    if let (Some(event_type), Some(_)) = (event_type, body.get("eventTypeId")) {
        body["eventTypeId"] = event_type.into();
    }
    let body = match (name, body) {
        ("314-booking-create-body-too-large", _) => Bytes::from(vec![b'x'; 120_000]),
        (_, Value::Null) => Bytes::new(),
        (_, Value::String(text)) => text.into(),
        (_, body) => body.to_string().into(),
    };
    let response = fake.exchange(request.body(body).unwrap()).await.unwrap();
    assert_eq!(
        u64::from(response.status().as_u16()),
        told["status"].as_u64().unwrap(),
        "{name}: {:?}",
        String::from_utf8_lossy(response.body())
    );
    let headers: BTreeSet<&str> = response
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    let expected: BTreeSet<&str> = told["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(headers, expected, "{name}");
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(all_keys(&answer), all_keys(&told["body"]), "{name}");
    let message = |body: &Value| {
        body.pointer("/error/message")
            .or(body.get("message"))
            .cloned()
    };
    // Those that repeat a uid, or the query in another order, cannot be the same.
    if !name.contains("052")
        && !name.contains("reschedule")
        && !name.contains("cancel")
        && !name.contains("delete")
    {
        assert_eq!(message(&answer), message(&told["body"]), "{name}");
    }
    answer
}

async fn fake() -> FakeCalcom {
    let clock = ManualClock::at(at("2026-11-20T23:44:00Z"));
    FakeCalcom::builder()
        .clock(clock.shared())
        .start()
        .await
        .unwrap()
}

fn uid(answer: &Value) -> String {
    answer["data"]["uid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn accounts_and_routes() {
    let fake = fake().await;
    compare(&fake, "011-me", "/v2/me", None).await;
    compare(&fake, "011-me", "/api/v2/me", None).await;
    compare(&fake, "112-me-bad-key", "/v2/me", None).await;
    compare(&fake, "113-me-no-key", "/v2/me", None).await;
    compare(&fake, "119-unknown-route", "/v2/nope", None).await;
}

#[tokio::test]
async fn a_booking_from_its_beginning_to_its_end() {
    let fake = fake().await;
    let id = Some(fake.event_type_id().get());
    let made = uid(&compare(&fake, "066-booking-create", "/v2/bookings", id).await);
    let path = format!("/v2/bookings/{made}");
    compare(&fake, "070-booking-get-no-version-header", &path, None).await;
    compare(
        &fake,
        "083-booking-create-double-booking",
        "/v2/bookings",
        id,
    )
    .await;
    let path = format!("/v2/bookings/{made}/reschedule");
    let moved = uid(&compare(&fake, "146-booking-reschedule", &path, None).await);
    compare(&fake, "149-booking-reschedule-old-again", &path, None).await;
    fake.cancel_booking(&BookingUid::new(moved.clone()), "why not")
        .await
        .unwrap();
    let path = format!("/v2/bookings/{moved}/cancel");
    compare(&fake, "154-booking-cancel-twice", &path, None).await;
    compare(&fake, "127-bookings-list-status-past", "/v2/bookings", None).await;
    compare(
        &fake,
        "137-bookings-list-take-too-large",
        "/v2/bookings",
        None,
    )
    .await;
    compare(&fake, "145-bookings-list-noauth", "/v2/bookings", None).await;
}

#[tokio::test]
async fn bookings_that_are_refused() {
    let fake = fake().await;
    let id = Some(fake.event_type_id().get());
    for name in [
        "094-booking-create-missing-attendee",
        "107-booking-create-no-version-header",
        "109-booking-create-empty-body",
        "280-booking-create-metadata-number-bool",
        "314-booking-create-body-too-large",
    ] {
        compare(&fake, name, "/v2/bookings", id).await;
    }
    let full = fake.add_event_type(FakeEventType::new("full", 30).with_daily_limit(0));
    let name = "950-booking-create-over-day-count-limit";
    compare(&fake, name, "/v2/bookings", Some(full.get())).await;
}

#[tokio::test]
async fn confirmation() {
    let fake = fake().await;
    let id = fake.add_event_type(FakeEventType::new("confirm-30", 30).with_confirmation());
    let name = "176-booking-create-requires-confirmation";
    let made = uid(&compare(&fake, name, "/v2/bookings", Some(id.get())).await);
    fake.confirm(&BookingUid::new(made.clone())).await.unwrap();
    let path = format!("/v2/bookings/{made}/confirm");
    compare(&fake, "182-booking-confirm-twice", &path, None).await;
    let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    let made = fake
        .book(NewBooking::new(id, at("2026-12-16T09:00:00Z"), ann))
        .await
        .unwrap();
    fake.decline(&made.uid, "no").await.unwrap();
    let path = format!("/v2/bookings/{}/cancel", made.uid);
    compare(&fake, "188-booking-cancel-rejected", &path, None).await;
}

#[tokio::test]
async fn series_and_seats() {
    let fake = fake().await;
    let weekly = fake.add_event_type(FakeEventType::new("weekly-30", 30).with_recurrence(
        Frequency::Weekly,
        1,
        4,
    ));
    let made = compare(
        &fake,
        "213-booking-create-recurring",
        "/v2/bookings",
        Some(weekly.get()),
    )
    .await;
    assert_eq!(made["data"].as_array().unwrap().len(), 4);
    let seated = fake.add_event_type(FakeEventType::new("workshop-60", 60).with_seats(3));
    let sam = NewAttendee::new("Sam", "sam@example.com", "Europe/London".into());
    let first = fake
        .book(NewBooking::new(seated, at("2027-01-14T09:00:00Z"), sam))
        .await
        .unwrap();
    let name = "223-booking-create-seated-2-same-slot";
    let second = compare(&fake, name, "/v2/bookings", Some(seated.get())).await;
    assert_eq!(uid(&second), first.uid.as_str());
    compare(&fake, "043-slots-seated", "/v2/slots", Some(seated.get())).await;
}

#[tokio::test]
async fn slots_event_types_and_webhooks() {
    let fake = fake().await;
    let id = fake.event_type_id().get();
    compare(&fake, "037-slots-range", "/v2/slots", Some(id)).await;
    // Its path is that of event type 2.
    let name = "052-slots-no-version-header";
    let second = fake.add_event_type(FakeEventType::new("second", 30));
    assert_eq!(second.get(), 2);
    compare(&fake, name, "/v2/slots", Some(2)).await;
    compare(
        &fake,
        "017-event-types-get",
        &format!("/v2/event-types/{id}"),
        None,
    )
    .await;
    let hook = fake.subscribe("http://127.0.0.1:4600/tmp", "", []);
    compare(
        &fake,
        "248-webhooks-get",
        &format!("/v2/webhooks/{hook}"),
        None,
    )
    .await;
    compare(
        &fake,
        "250-webhooks-create-duplicate-url",
        "/v2/webhooks",
        None,
    )
    .await;
    let gone = "/v2/webhooks/f874acb4-e298-4888-a2e2-51224e3e579c";
    compare(&fake, "257-webhooks-delete-again", gone, None).await;
}

#[test]
fn webhook_bodies_have_the_recorded_keys_and_spellings() {
    let (uid, start) = ("new", at("2026-12-08T09:00:00Z"));
    let bodies = [
        ("0001-BOOKING_CREATED", WebhookBody::created(uid, start)),
        ("0029-BOOKING_REQUESTED", WebhookBody::requested(uid, start)),
        ("0028-BOOKING_CREATED", WebhookBody::confirmed(uid, start)),
        (
            "0016-BOOKING_RESCHEDULED",
            WebhookBody::rescheduled(uid, start, "old", start),
        ),
        (
            "0023-BOOKING_CANCELLED",
            WebhookBody::cancelled(uid, start).with_reason("x"),
        ),
        (
            "0031-BOOKING_REJECTED",
            WebhookBody::rejected(uid, start).with_reason("x"),
        ),
        (
            "0050-BOOKING_CREATED",
            WebhookBody::created(uid, start).with_seat("seat"),
        ),
        (
            "0055-BOOKING_NO_SHOW_UPDATED",
            WebhookBody::no_show(uid, true),
        ),
    ];
    for (name, body) in bodies {
        let recorded = fixture("webhooks", &format!("{name}.body"));
        let body = body.to_json();
        assert_eq!(all_keys(&body), all_keys(&recorded), "{name}");
        for place in [
            "/triggerEvent",
            "/payload/status",
            "/payload/oneTimePassword",
        ] {
            let kind = |body: &Value| body.pointer(place).map(Value::is_string);
            assert_eq!(kind(&body), kind(&recorded), "{name} {place}");
        }
        let spelling = |body: &Value| {
            body.pointer("/payload/startTime").map(|text| {
                let text = text.as_str().unwrap();
                text[19..].to_owned()
            })
        };
        assert_eq!(spelling(&body), spelling(&recorded), "{name}");
    }
}
