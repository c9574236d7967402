//! Making, changing and deleting event types, and their own webhooks.

use calcom::model::{BookingUid, EventTypeId, NewBooking};
use calcom::testing::FakeEventType;
use serde_json::{Value, json};

use super::{Played, played};
use crate::support::{Receiver, SECRET, ann, at, eventually};

async fn begin() -> Played {
    played("event-types", "2026-11-21T13:13:00Z").await
}

fn plain(slug: &str) -> Value {
    json!({"title": "Rec", "slug": slug, "lengthInMinutes": 30, "minimumBookingNotice": 0})
}

#[tokio::test]
async fn event_types_are_made_as_recorded() {
    let played = begin().await;
    // The recording's first event type has the slug of the one that is there already.
    played
        .well("PATCH", "event-types/2", json!({"slug": "first"}))
        .await;
    for name in [
        "001", "004", "005", "007", "008", "509", "515", "529", "530", "535", "539", "542", "545",
        "580",
    ] {
        played.same(name, &[]).await;
    }
}

#[tokio::test]
async fn what_is_no_event_type_is_refused() {
    let played = begin().await;
    for name in [
        "505", "517", "518", "520", "524", "526", "527", "532", "533", "538", "541", "544", "548",
        "550", "956",
    ] {
        played.same(name, &[]).await;
    }
    let list = played
        .well("GET", "event-types?username=hanna", Value::Null)
        .await;
    assert_eq!(list.as_array().unwrap().len(), 1, "nothing was made");
}

#[tokio::test]
async fn every_setting_is_kept_and_can_be_taken_back() {
    let played = begin().await;
    // The schedule of the recording has the number 8.
    for _ in 3..=8 {
        let schedule = json!({"name": "S", "timeZone": "UTC", "isDefault": false});
        played.well("POST", "schedules", schedule).await;
    }
    played.same("547", &[]).await;
    let made = played.same("569", &[]).await;
    let path = format!("event-types/{}", made["data"]["id"]);
    let mut read = played.well("GET", &path, Value::Null).await;
    read["calVideoSettings"] = made["data"]["calVideoSettings"].clone();
    assert_eq!(
        read, made["data"],
        "a read lacks only what is told of video calls"
    );
    for name in ["574", "575", "577", "578"] {
        played.same(name, &[("event-types/26", &path)]).await;
    }
}

#[tokio::test]
async fn renamed_and_deleted() {
    let played = begin().await;
    let body = json!({"title": "Temp", "slug": "temp-20", "lengthInMinutes": 20});
    let made = played.well("POST", "event-types", body).await;
    played.same("020", &[]).await;
    let path = format!("event-types/{}", made["id"]);
    for name in ["019", "022", "023"] {
        played.same(name, &[("event-types/11", &path)]).await;
    }
    let taken = plain("taken");
    let made = played.well("POST", "event-types", taken).await;
    let (status, _) = played
        .ask(
            Some("host"),
            Some("2024-06-14"),
            "PATCH",
            "/v2/event-types/2",
            &json!({"slug": "taken"}),
        )
        .await;
    assert_eq!(status, 400, "a slug that is in use");
    // Keeping its own is fine.
    let path = format!("event-types/{}", made["id"]);
    played.well("PATCH", &path, json!({"slug": "taken"})).await;
}

#[tokio::test]
async fn another_users_cannot_be_touched() {
    let played = begin().await;
    let theirs = FakeEventType::new("theirs", 30).with_owner(played.omar.id);
    let id = played.fake.add_event_type(theirs);
    let path = format!("event-types/{id}");
    for name in ["025", "026"] {
        played.same(name, &[("event-types/10", &path)]).await;
    }
    let path = format!("/v2/{path}");
    let version = Some("2024-06-14");
    let nothing = Value::Null;
    let (status, answer) = played
        .ask(Some("host"), version, "DELETE", &path, &nothing)
        .await;
    assert_eq!(status, 403);
    let message = format!("User with ID=1 does not own event type with ID={id}");
    assert_eq!(answer["error"]["message"], message);
    let (status, _) = played
        .ask(Some("other"), version, "DELETE", &path, &nothing)
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_made_event_type_does_what_its_settings_say() {
    let played = begin().await;
    let mut body = plain("made");
    body["slotInterval"] = json!(15);
    body["bookingLimitsCount"] = json!({"day": 1});
    body["lengthInMinutesOptions"] = json!([30, 60]);
    body["locations"] = json!([{"type": "link", "link": "https://x.example.com", "public": true}]);
    let id = played.well("POST", "event-types", body).await["id"]
        .as_i64()
        .unwrap();
    let slots = played.slots(id, "2026-12-07", "2026-12-07").await;
    assert_eq!(
        slots[..2],
        ["2026-12-07T08:00:00.000Z", "2026-12-07T08:15:00.000Z"]
    );
    let id = EventTypeId::new(id);
    let mut wanted = NewBooking::new(id, at("2026-12-07T10:00:00Z"), ann());
    wanted.length_in_minutes = Some(60);
    let booking = played.fake.book(wanted).await.unwrap();
    assert_eq!(booking.duration, Some(60));
    assert_eq!(booking.location.as_deref(), Some("https://x.example.com"));
    let full = played.slots(id.get(), "2026-12-07", "2026-12-07").await;
    assert_eq!(full, [""; 0], "one a day");

    let policy = json!({
        "type": "time",
        "noticeThreshold": {"unit": "hours", "count": 48},
        "blockUnconfirmedBookingsInBooker": false,
    });
    let path = format!("event-types/{id}");
    let change = json!({"confirmationPolicy": policy, "minimumBookingNotice": 60});
    let changed = played.well("PATCH", &path, change).await;
    assert_eq!(changed["confirmationPolicy"], policy);
    let book = |start: &str| NewBooking::new(id, at(start), ann());
    let soon = played
        .fake
        .book(book("2026-11-23T09:00:00Z"))
        .await
        .unwrap();
    assert_eq!(soon.status.as_str(), "pending", "at short notice it waits");
    let late = played
        .fake
        .book(book("2026-11-24T09:00:00Z"))
        .await
        .unwrap();
    assert_eq!(late.status.as_str(), "accepted");
    // Any other update forgets the threshold, and the lengths to choose from.
    let renamed = played.well("PATCH", &path, json!({"title": "R"})).await;
    assert_eq!(renamed["confirmationPolicy"]["type"], "always");
    assert_eq!(renamed["lengthInMinutesOptions"], Value::Null);
}

#[tokio::test]
async fn buffers_windows_and_limits_act() {
    let played = begin().await;
    let mut body = plain("strict");
    body["afterEventBuffer"] = json!(30);
    body["bookingLimitsDuration"] = json!({"day": 60});
    // The clock says Saturday, so these are Monday and Tuesday.
    body["bookingWindow"] = json!({"type": "businessDays", "value": 2});
    let made = played.well("POST", "event-types", body).await;
    let window = json!({"type": "businessDays", "value": 2, "rolling": false});
    assert_eq!(made["bookingWindow"], window);
    let id = made["id"].as_i64().unwrap();
    let book = async |start: &str| {
        let booking = NewBooking::new(EventTypeId::new(id), at(start), ann());
        played
            .fake
            .book(booking)
            .await
            .map_err(|refused| refused.status)
    };
    book("2026-11-23T09:00:00Z").await.unwrap();
    let plain = |start: &str| NewBooking::new(EventTypeId::new(2), at(start), ann());
    let before = plain("2026-11-23T08:30:00Z");
    played.fake.book(before).await.unwrap();
    let after = plain("2026-11-23T09:45:00Z");
    assert!(
        played.fake.book(after).await.is_err(),
        "the buffer is after"
    );
    assert_eq!(
        book("2026-11-23T09:30:00Z").await.unwrap_err(),
        400,
        "the buffer"
    );
    book("2026-11-23T10:00:00Z").await.unwrap();
    assert_eq!(
        book("2026-11-23T12:00:00Z").await.unwrap_err(),
        401,
        "an hour a day"
    );
    assert_eq!(played.slots(id, "2026-11-23", "2026-11-23").await, [""; 0]);
    book("2026-11-24T09:00:00Z").await.unwrap();
    assert_eq!(
        book("2026-11-25T09:00:00Z").await.unwrap_err(),
        400,
        "the window"
    );
    let range = json!({"bookingWindow": {"type": "range", "value": ["2026-11-25", "2026-11-26"]}});
    played
        .well("PATCH", &format!("event-types/{id}"), range)
        .await;
    book("2026-11-26T09:00:00Z").await.unwrap();
    assert_eq!(book("2026-11-27T09:00:00Z").await.unwrap_err(), 400);
}

#[tokio::test]
async fn bookings_outlive_their_event_type() {
    let played = begin().await;
    let receiver = Receiver::default();
    let hook = receiver.start().await;
    played
        .fake
        .subscribe(&hook, SECRET, calcom::model::NewWebhook::booking_triggers());
    let made = played.well("POST", "event-types", plain("rec-gone")).await;
    let path = format!("event-types/{}", made["id"]);
    played
        .well("PATCH", &path, json!({"title": "Rec gone"}))
        .await;
    // The booking of the recordings is of an event type with another name than the one whose end was recorded.
    let other = json!({"title": "Rec gone2", "slug": "rec-gone2", "lengthInMinutes": 30, "minimumBookingNotice": 0});
    let other = played.well("POST", "event-types", other).await;
    let book = json!({
        "eventTypeId": other["id"],
        "start": "2027-04-23T08:00:00Z",
        "attendee": {"name": "Ann Attendee", "email": "ann@example.com", "timeZone": "Europe/Berlin"},
    });
    let booked = played.well("POST", "bookings", book.clone()).await;
    played.same("962", &[("event-types/46", &path)]).await;
    let path = format!("event-types/{}", other["id"]);
    played.well("DELETE", &path, Value::Null).await;
    let uid = booked["uid"].as_str().unwrap();
    for name in ["964", "965", "974"] {
        played.same(name, &[("1bmGvyAV167daficvnaK8M", uid)]).await;
    }
    let (status, _) = played
        .ask(
            Some("host"),
            Some("2024-08-13"),
            "POST",
            "/v2/bookings",
            &book,
        )
        .await;
    assert_eq!(status, 404, "no more can be made");
    assert!(played.fake.booking(&BookingUid::from(uid)).is_some());
    eventually(|| receiver.triggers() == ["BOOKING_CREATED", "BOOKING_CANCELLED"]).await;
    let told = &receiver.bodies()[1]["payload"];
    assert_eq!(told["uid"], uid);
    for gone in ["eventTypeId", "eventTitle", "length", "price", "currency"] {
        assert_eq!(told.get(gone), Some(&Value::Null), "{gone}");
    }
    assert_eq!(told.get("type"), None);
    let recorded = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/webhooks/0242-BOOKING_CANCELLED.body"
    ));
    let recorded: Value = serde_json::from_slice(&recorded.unwrap()).unwrap();
    let keys =
        |payload: &Value| -> Vec<String> { payload.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(told), keys(&recorded["payload"]));
    assert_eq!(told["responses"], recorded["payload"]["responses"]);
}

#[tokio::test]
async fn webhooks_of_one_event_type_hear_of_it_alone() {
    let played = begin().await;
    let three = played
        .fake
        .add_event_type(FakeEventType::new("three", 30).with_id(3));
    let made = played.same("260", &[]).await;
    let id = made["data"]["id"].as_str().unwrap();
    let list = played
        .well("GET", "event-types/3/webhooks", Value::Null)
        .await;
    assert_eq!(list, json!([made["data"]]));
    assert_eq!(played.well("GET", "webhooks", Value::Null).await, json!([]));
    played
        .same("263", &[("a3159712-6183-448e-b518-1bc42200023c", id)])
        .await;

    let receiver = Receiver::default();
    let hook = json!({"active": true, "subscriberUrl": receiver.start().await, "triggers": ["BOOKING_CREATED"]});
    played
        .well("POST", "event-types/3/webhooks", hook.clone())
        .await;
    let (status, _) = played
        .ask(
            Some("host"),
            None,
            "POST",
            "/v2/event-types/3/webhooks",
            &hook,
        )
        .await;
    assert_eq!(status, 409, "the same address again");
    let start = |hour: u32| at(&format!("2026-12-07T{hour:02}:00:00Z"));
    let two = EventTypeId::new(2);
    played
        .fake
        .book(NewBooking::new(two, start(9), ann()))
        .await
        .unwrap();
    played
        .fake
        .book(NewBooking::new(three, start(10), ann()))
        .await
        .unwrap();
    eventually(|| receiver.triggers().len() == 1).await;
    assert_eq!(receiver.bodies()[0]["payload"]["eventTypeId"], 3);

    let (status, _) = played
        .ask(
            Some("other"),
            None,
            "GET",
            "/v2/event-types/3/webhooks",
            &Value::Null,
        )
        .await;
    assert_eq!(status, 403);
    let deleted = played
        .well("DELETE", "event-types/3/webhooks", Value::Null)
        .await;
    assert_eq!(deleted, "1 webhooks deleted");
}

#[tokio::test]
async fn the_oldest_version_names_the_length_otherwise() {
    let played = begin().await;
    let path = "/v2/event-types";
    let (status, answer) = played
        .ask(Some("host"), None, "POST", path, &plain("old"))
        .await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(
        answer["error"]["details"]["errors"][0]["property"],
        "length"
    );
    let body = json!({"title": "Old", "slug": "old", "length": 25});
    let (status, answer) = played.ask(Some("host"), None, "POST", path, &body).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["data"]["length"], 25);
    let path = format!("event-types/{}", answer["data"]["id"]);
    let read = played.well("GET", &path, Value::Null).await;
    assert_eq!(read["lengthInMinutes"], 25);
}
