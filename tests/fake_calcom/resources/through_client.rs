//! The crate's own client against these routes: what it writes, it reads.

use calcom::client::{Client, ErrorKind};
use calcom::model::{
    ConfirmationPolicy, EventTypeQuery, EventTypeSettings, EventTypeUpdate, Location, NewBooking,
    NewEventType, NewReservation, NewSchedule, NewWebhook, ScheduleAvailability, ScheduleOverride,
    ScheduleUpdate, Setting, TimeZone, UserUpdate, WebhookQuery, WebhookUpdate, Weekday,
};

use chrono::NaiveTime;

use super::{Played, played};
use crate::support::{ann, at};

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

async fn begin() -> (Played, Client) {
    let played = played("me", "2026-11-21T13:18:37Z").await;
    let client = Client::builder(played.fake.api_key())
        .base_url(played.fake.base_url().as_str())
        .build()
        .unwrap();
    (played, client)
}

#[tokio::test]
async fn me() {
    let (_played, client) = begin().await;
    let update = UserUpdate::default()
        .with_time_format(12)
        .with_week_start(Weekday::Sunday)
        .with_time_zone("America/New_York");
    let changed = client.me().update(&update).await.unwrap();
    assert_eq!(
        changed.time_zone.as_ref().map(TimeZone::as_str),
        Some("America/New_York")
    );
    assert_eq!(client.me().get().await.unwrap(), changed);
    let wrong = UserUpdate::default().with_time_zone("Mars/X");
    let error = client.me().update(&wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn schedules() {
    let (_played, client) = begin().await;
    let schedules = client.schedules();
    let christmas =
        ScheduleOverride::new("2026-12-24".parse().unwrap(), time("10:00"), time("12:00"));
    let wanted = NewSchedule::new("Evenings", "Europe/Berlin".into())
        .with_availability(ScheduleAvailability::new(
            [Weekday::Friday],
            time("18:00"),
            time("20:00"),
        ))
        .with_override(christmas.clone());
    let made = schedules.create(&wanted).await.unwrap();
    assert_eq!(made.overrides, [christmas]);
    let update = ScheduleUpdate::default()
        .with_is_default(true)
        .with_overrides(Vec::new());
    let changed = schedules.update(made.id, &update).await.unwrap();
    assert!(changed.is_default && changed.overrides.is_empty());
    assert_eq!(schedules.get(made.id).await.unwrap(), changed);
    assert_eq!(schedules.default().await.unwrap(), Some(changed));
    assert_eq!(schedules.list().await.unwrap().len(), 2);
    schedules.delete(made.id).await.unwrap();
    let error = schedules.get(made.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(schedules.default().await.unwrap(), None);
}

#[tokio::test]
async fn event_types() {
    let (played, client) = begin().await;
    let event_types = client.event_types();
    let settings = EventTypeSettings::default()
        .with_locations(vec![Location::address("Hauptstr. 1, Berlin")])
        .with_confirmation_policy(Setting::On(ConfirmationPolicy::always(true)))
        .with_minimum_booking_notice(0);
    let wanted = NewEventType::new("Talk", "talk", 45).with_settings(settings);
    let made = event_types.create(&wanted).await.unwrap();
    assert!(made.requires_confirmation());
    assert_eq!(event_types.get(made.id).await.unwrap(), made);
    let start = at("2026-12-07T09:00:00Z");
    let booking = client
        .bookings()
        .create(&NewBooking::new(made.id, start, ann()))
        .await
        .unwrap();
    assert_eq!(played.fake.bookings().len(), 1, "{booking:?}");
    let error = event_types.create(&wanted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);

    let settings = EventTypeSettings::default().with_confirmation_policy(Setting::Off);
    let update = EventTypeUpdate::default()
        .with_title("Long talk")
        .with_length_in_minutes(90)
        .with_settings(settings);
    let changed = event_types.update(made.id, &update).await.unwrap();
    assert_eq!(
        (changed.title.as_str(), changed.length_in_minutes),
        ("Long talk", 90)
    );
    assert!(!changed.requires_confirmation());
    let list = event_types
        .list(&EventTypeQuery::of_user("hanna"))
        .await
        .unwrap();
    assert_eq!(list.len(), 2);

    let hooks = event_types.webhooks(made.id);
    let wanted = NewWebhook::new(
        "http://127.0.0.1:9/hook",
        NewWebhook::booking_triggers(),
        "whsec",
    );
    let hook = hooks.create(&wanted).await.unwrap();
    let off = WebhookUpdate::default().with_active(false);
    assert!(!hooks.update(&hook.id, &off).await.unwrap().active);
    assert_eq!(
        hooks
            .list(&WebhookQuery::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    hooks.delete(&hook.id).await.unwrap();
    event_types.delete_webhooks(made.id).await.unwrap();
    event_types.delete(made.id).await.unwrap();
    let error = event_types.get(made.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn reservations() {
    let (played, client) = begin().await;
    let reservations = client.reservations();
    let wanted = |start: &str| NewReservation::new(played.fake.event_type_id(), at(start));
    let nine = wanted("2026-12-07T09:00:00Z").for_minutes(10);
    let made = reservations.create(&nine).await.unwrap();
    let read = reservations.get(&made.uid).await.unwrap().unwrap();
    assert_eq!(read.reservation_until, made.reservation_until);
    let error = reservations.create(&nine).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SlotUnavailable);
    let ten = wanted("2026-12-07T10:00:00Z");
    let moved = reservations.update(&made.uid, &ten).await.unwrap();
    assert_eq!(
        (moved.uid, moved.slot_start),
        (made.uid.clone(), ten.slot_start)
    );
    reservations.delete(&made.uid).await.unwrap();
    assert_eq!(reservations.get(&made.uid).await.unwrap(), None);
}

#[tokio::test]
async fn booking_details() {
    let (played, client) = begin().await;
    let start = at("2026-12-07T09:00:00Z");
    let booking = NewBooking::new(played.fake.event_type_id(), start, ann());
    let uid = played.fake.book(booking).await.unwrap().uid;
    let links = client.bookings().calendar_links(&uid).await.unwrap();
    let labels: Vec<&str> = links.iter().map(|link| link.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "Google Calendar",
            "Microsoft Office",
            "Microsoft Outlook",
            "ICS"
        ]
    );
    played.fake.add_reference(&uid, "daily_video", "room", None);
    let references = client.bookings().references(&uid, None).await.unwrap();
    assert_eq!(references[0].event_uid, "room");
    let error = client.bookings().attendees(&uid).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownEndpoint, "a server of 2025");
}
