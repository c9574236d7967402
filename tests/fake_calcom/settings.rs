//! Users and event types as a test sets them up.

use calcom::model::{EventTypeId, NewBooking};
use calcom::testing::{FakeAccount, FakeCalcom, FakeEventType, ManualClock, Refused};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{Api, ann, at, hour, with_receiver};

async fn started() -> FakeCalcom {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let builder = FakeCalcom::builder().clock(clock.shared());
    builder
        .host(FakeAccount::new("hanna").with_time_zone("Europe/Berlin"))
        .start()
        .await
        .unwrap()
}

async fn book(fake: &FakeCalcom, id: EventTypeId, start: &str) -> Result<(), Refused> {
    let new = NewBooking::new(id, at(start), ann());
    fake.book(new).await.map(|_| ())
}

async fn slots(fake: &FakeCalcom, id: EventTypeId, day: &str) -> Vec<String> {
    let path = format!("slots?eventTypeId={id}&start={day}&end={day}");
    let (_, answer) = Api::new(fake).get(&path).await;
    let slots = answer["data"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|day| day.as_array().unwrap());
    slots
        .map(|slot| slot["start"].as_str().unwrap()[11..16].to_owned())
        .collect()
}

#[tokio::test]
async fn users_work_at_hours_of_their_own_time_zone() {
    let fake = started().await;
    let account = FakeAccount::new("olga")
        .with_name("Olga Other")
        .with_email("olga@example.org")
        .with_time_zone("America/New_York")
        .with_week_start("Sunday")
        .with_hours(9..11);
    let olga = fake.add_user(account);
    assert_ne!(olga.api_key.expose_secret(), fake.api_key().expose_secret());
    let id = fake.add_event_type(
        FakeEventType::new("olgas", 60)
            .with_owner(olga.id)
            .with_id(77),
    );
    assert_eq!(id.get(), 77);
    // Summer and winter.
    assert_eq!(slots(&fake, id, "2027-07-05").await, ["13:00", "14:00"]);
    assert_eq!(slots(&fake, id, "2027-12-06").await, ["14:00", "15:00"]);
    assert!(book(&fake, id, "2027-12-06T13:00:00Z").await.is_err());
    book(&fake, id, "2027-12-06T14:00:00Z").await.unwrap();
    let host = &fake.bookings()[0].hosts[0];
    assert_eq!(host.name.as_str(), "Olga Other");
    // Hours of the event type win, and are of UTC.
    let own = FakeEventType::new("own", 60)
        .with_owner(olga.id)
        .with_hours(3..4);
    let own = fake.add_event_type(own);
    assert_eq!(own.get(), 78);
    assert_eq!(slots(&fake, own, "2027-07-05").await, ["03:00"]);
}

#[tokio::test]
async fn buffers_keep_their_distance() {
    let fake = started().await;
    let buffered = FakeEventType::new("buffered", 30)
        .with_buffers(15, 30)
        .with_hours(9..12);
    let id = fake.add_event_type(buffered);
    book(&fake, id, "2099-12-07T10:00:00Z").await.unwrap();
    let refused = book(&fake, id, "2099-12-07T10:30:00Z").await.unwrap_err();
    assert_eq!(
        refused.message,
        "User either already has booking at this time or is not available"
    );
    // Those of both count: 15 before one, and 30 after the other.
    assert!(book(&fake, id, "2099-12-07T11:14:00Z").await.is_err());
    book(&fake, id, "2099-12-07T11:15:00Z").await.unwrap();
    // Other event types are kept away by the buffers of the booking.
    let plain = fake.event_type_id();
    assert!(book(&fake, plain, "2099-12-07T09:31:00Z").await.is_err());
    book(&fake, plain, "2099-12-07T09:15:00Z").await.unwrap();
}

#[tokio::test]
async fn windows_end_somewhere() {
    let fake = started().await;
    let range = at("2027-03-22T00:00:00Z")..at("2027-03-23T00:00:00Z");
    let fixed = FakeEventType::new("fixed", 30)
        .with_booking_window(range)
        .with_hours(9..10);
    let fixed = fake.add_event_type(fixed);
    let refused = book(&fake, fixed, "2027-03-24T09:00:00Z")
        .await
        .unwrap_err();
    assert!(refused.message.contains("scheduling window"), "{refused}");
    assert!(slots(&fake, fixed, "2027-03-24").await.is_empty());
    assert_eq!(slots(&fake, fixed, "2027-03-23").await, ["09:00", "09:30"]);
    book(&fake, fixed, "2027-03-23T09:00:00Z").await.unwrap();
    let rolling = fake.add_event_type(FakeEventType::new("rolling", 30).with_rolling_window(2));
    book(&fake, rolling, "2026-12-03T09:00:00Z").await.unwrap();
    assert!(book(&fake, rolling, "2026-12-04T09:00:00Z").await.is_err());
    let (_, told) = Api::new(&fake).get(&format!("event-types/{fixed}")).await;
    let window = json!({"type": "range", "value": ["2027-03-22", "2027-03-23"]});
    assert_eq!(told["data"]["bookingWindow"], window);
}

#[tokio::test]
async fn a_day_has_only_so_many_minutes() {
    let fake = started().await;
    let id = fake.add_event_type(FakeEventType::new("short", 30).with_daily_minutes(60));
    book(&fake, id, "2099-12-07T09:00:00Z").await.unwrap();
    book(&fake, id, "2099-12-07T10:00:00Z").await.unwrap();
    let refused = book(&fake, id, "2099-12-07T11:00:00Z").await.unwrap_err();
    assert_eq!(
        (refused.status, refused.message.as_str()),
        (401, "duration_limit_reached")
    );
    assert!(slots(&fake, id, "2099-12-07").await.is_empty());
    book(&fake, id, "2099-12-08T11:00:00Z").await.unwrap();
}

#[tokio::test]
async fn attendees_without_an_address_get_one_where_they_are_taken() {
    let fake = started().await;
    let receiver = with_receiver(&fake).await;
    let phoned = fake.add_event_type(FakeEventType::new("phoned", 30).with_phone_only());
    let api = Api::new(&fake);
    let ask = async |id: EventTypeId| {
        let attendee =
            json!({"name": "Phil", "phoneNumber": "+4915112345678", "timeZone": "Europe/Berlin"});
        let body = json!({"eventTypeId": id, "start": hour(9), "attendee": attendee});
        api.post("bookings", &body).await
    };
    let (status, answer) = ask(fake.event_type_id()).await;
    assert_eq!(status, 400);
    assert_eq!(
        answer["error"]["message"],
        "responses - {email}error_required_field, "
    );
    let (status, answer) = ask(phoned).await;
    assert_eq!(status, 201);
    let attendee = &answer["data"]["attendees"][0];
    assert_eq!(attendee["email"], "4915112345678@sms.cal.com");
    assert_eq!(attendee["phoneNumber"], "+4915112345678");
    let told = &receiver.bodies()[0]["payload"];
    assert_eq!(
        told["responses"]["attendeePhoneNumber"]["value"],
        "+4915112345678"
    );
    assert_eq!(told["attendees"][0]["phoneNumber"], "+4915112345678");
}

#[tokio::test]
async fn a_round_robin_takes_turns() {
    let fake = started().await;
    let receiver = with_receiver(&fake).await;
    let olga = fake.add_user("olga");
    let turns = FakeEventType::new("turns", 30).with_round_robin([fake.host_id(), olga.id]);
    let id = fake.add_event_type(turns.with_hours(9..10));
    for start in ["09:00", "09:30", "09:30"] {
        book(&fake, id, &format!("2099-12-07T{start}:00Z"))
            .await
            .unwrap();
    }
    let hosts: Vec<Value> = fake
        .bookings()
        .iter()
        .map(|b| json!(b.hosts[0].id))
        .collect();
    assert_eq!(
        hosts,
        [json!(fake.host_id()), json!(olga.id), json!(fake.host_id())]
    );
    assert_eq!(
        slots(&fake, id, "2099-12-07").await,
        ["09:00"],
        "olga is left"
    );
    assert!(book(&fake, id, "2099-12-07T09:30:00Z").await.is_err());
    assert!(
        receiver.bodies().is_empty(),
        "a team's event is not told to a user's subscribers"
    );
}
