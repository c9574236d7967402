//! Connected calendars, what they say of busy times, and the app for video calls.

use calcom::model::{EventTypeId, NewBooking};
use calcom::testing::{FakeCalendar, FakeEventType};
use serde_json::{Value, json};

use super::{Played, played};
use crate::support::{ann, at};

const FEED: &str = "http://127.0.0.1:4777/second.ics";

/// The feed has the credential's number 9, as it had on the recorded server.
async fn with_feed() -> Played {
    let played = played("calendars", "2026-11-21T13:10:00Z").await;
    for _ in 1..=8 {
        let theirs = FakeCalendar::new("google_calendar", "omar@example.com");
        played
            .fake
            .connect_calendar(theirs.with_owner(played.omar.id));
    }
    let hour = (at("2027-03-25T10:00:00Z"), at("2027-03-25T11:00:00Z"));
    let day = (at("2027-03-26T00:00:00Z"), at("2027-03-27T00:00:00Z"));
    let mut feed = FakeCalendar::new("ics-feed_calendar", FEED)
        .read_only()
        .not_selected()
        .with_busy(at("2027-04-01T00:00:00Z"), at("2027-04-02T00:00:00Z"));
    // The recorded feed was connected twice.
    for (start, end) in [hour, day, hour, day] {
        feed = feed.with_busy(start, end);
    }
    assert_eq!(played.fake.connect_calendar(feed), 9);
    played
}

#[tokio::test]
async fn nothing_is_connected_at_first() {
    let played = played("calendars", "2026-11-21T13:10:00Z").await;
    for name in ["400", "401", "463", "464", "469", "470", "472"] {
        played.same(name, &[]).await;
    }
}

#[tokio::test]
async fn busy_times_are_those_of_ones_own_calendars() {
    let played = with_feed().await;
    for name in ["412", "413", "415", "416", "418", "419", "421", "422"] {
        played.same(name, &[]).await;
    }
}

#[tokio::test]
async fn a_selected_calendar_takes_slots() {
    let played = with_feed().await;
    played
        .fake
        .add_event_type(FakeEventType::new("feed", 30).with_id(13));
    let days = ("2027-03-25", "2027-03-26");
    assert_eq!(
        played.slots(13, days.0, days.1).await.len(),
        32,
        "not selected yet"
    );
    for name in [
        "424", "425", "427", "428", "430", "431", "433", "439", "440",
    ] {
        played.same(name, &[]).await;
    }
    let path = format!(
        "selected-calendars?integration=ics-feed_calendar&externalId={FEED}&credentialId=9"
    );
    played.well("DELETE", &path, Value::Null).await;
    played.same("442", &[]).await;
    assert_eq!(played.slots(13, days.0, days.1).await.len(), 32);
}

#[tokio::test]
async fn bookings_are_written_to_one_calendar() {
    let played = with_feed().await;
    for name in ["434", "436", "437"] {
        played.same(name, &[]).await;
    }
    let none = played.well("GET", "calendars", Value::Null).await;
    assert_eq!(none["connectedCalendars"][0]["credentialId"], 9);
    assert_eq!(
        none["destinationCalendar"]["integration"], "",
        "the feed is read-only"
    );
    let work = FakeCalendar::new("google_calendar", "work@example.com").with_name("Work");
    let work = played.fake.connect_calendar(work);
    let home = FakeCalendar::new("office365_calendar", "home@example.com");
    played.fake.connect_calendar(home);
    let first = played.well("GET", "calendars", Value::Null).await;
    assert_eq!(
        first["destinationCalendar"]["externalId"],
        "work@example.com"
    );
    let chosen = json!({"integration": "office365_calendar", "externalId": "home@example.com"});
    played.well("PUT", "destination-calendars", chosen).await;
    let then = played.well("GET", "calendars", Value::Null).await;
    assert_eq!(
        then["destinationCalendar"]["externalId"],
        "home@example.com"
    );
    let unknown = json!({"integration": "google_calendar", "externalId": "x@example.com"});
    let path = "/v2/destination-calendars";
    let (status, _) = played.ask(Some("host"), None, "PUT", path, &unknown).await;
    assert_eq!(status, 404);

    // Bookings are busy times of the calendar that they are written to.
    let start = at("2026-12-07T09:00:00Z");
    let booking = NewBooking::new(EventTypeId::new(2), start, ann());
    played.fake.book(booking).await.unwrap();
    let busy = async |credential: i64, name: &str| {
        let path = format!(
            "calendars/busy-times?loggedInUsersTz=UTC&dateFrom=2026-12-07&dateTo=2026-12-07&calendarsToLoad[0][credentialId]={credential}&calendarsToLoad[0][externalId]={name}"
        );
        played.well("GET", &path, Value::Null).await
    };
    assert_eq!(busy(work, "work@example.com").await, json!([]));
    let expected = json!([{
        "start": "2026-12-07T09:00:00.000Z",
        "end": "2026-12-07T09:30:00.000Z",
        "source": "office365-calendar",
    }]);
    assert_eq!(busy(work + 1, "home@example.com").await, expected);
}
