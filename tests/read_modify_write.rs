//! Reading a resource, changing one field and writing it back loses nothing.
//!
//! Cal.com's update of an event type drops what it does not repeat (observed: the booker layouts, the length options, the
//! threshold of a confirmation policy), and `FakeCalcom` does the same.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;

use calcom::client::{Client, Error, ErrorKind};
use calcom::model::{
    BookerLayout, BookerLayouts, BookingField, BookingFieldKind, BookingLimits, BookingWindow,
    ConfirmationPolicy, EventType, EventTypeColor, EventTypeSettings, EventTypeUpdate, Frequency,
    Location, NewEventType, NewSchedule, NoticeThreshold, NoticeUnit, Recurrence,
    ScheduleAvailability, ScheduleOverride, ScheduleUpdate, Seats, Setting, User, UserUpdate,
    Weekday,
};
use calcom::testing::FakeCalcom;
use chrono::NaiveTime;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::Value;

/// A setting to create an event type with or to change, and the keys of the answer that it changes.
type Change = (
    &'static [&'static str],
    fn(EventTypeSettings) -> EventTypeSettings,
);

fn fields() -> Vec<BookingField> {
    vec![
        BookingField::new(BookingFieldKind::Select, "size", "Size")
            .with_options(["S".to_owned(), "M".to_owned()])
            .with_required(true),
        BookingField::new(BookingFieldKind::Url, "site", "Site").with_placeholder("https://"),
        BookingField::standard("title")
            .with_label("What")
            .with_required(true),
        BookingField::standard("notes").with_hidden(true),
        BookingField::standard("name")
            .with_label("Full name")
            .with_placeholder("Ann"),
    ]
}

#[rustfmt::skip]
const CHANGES: &[Change] = &[
    (&["description"], |s| s.with_description("Short")),
    (&["lengthInMinutesOptions", "metadata"], |s| s.with_length_in_minutes_options([15, 30, 60])),
    (&["locations"], |s| s.with_locations([Location::address("Hauptstr. 1"), Location::AttendeePhone])),
    (&["locations"], |s| s.with_locations([Location::integration("cal-video")])),
    (&["bookingFields", "disableGuests"], |s| s.with_booking_fields(fields())),
    (&["minimumBookingNotice"], |s| s.with_minimum_booking_notice(240)),
    (&["beforeEventBuffer"], |s| s.with_before_event_buffer(10)),
    (&["afterEventBuffer"], |s| s.with_after_event_buffer(15)),
    (&["slotInterval"], |s| s.with_slot_interval(20)),
    (&["offsetStart"], |s| s.with_offset_start(5)),
    (&["onlyShowFirstAvailableSlot"], |s| s.with_only_show_first_available_slot(true)),
    (&["bookingWindow"], |s| s.with_booking_window(BookingWindow::calendar_days(30).with_rolling(true))),
    (&["bookingWindow"], |s| s.with_booking_window(Setting::Off)),
    (&["confirmationPolicy"], |s| s.with_confirmation_policy(ConfirmationPolicy::always(true))),
    (&["confirmationPolicy"], |s| s.with_confirmation_policy(ConfirmationPolicy::under(NoticeThreshold::new(2, NoticeUnit::Hours), false))),
    (&["recurrence"], |s| s.with_recurrence(Recurrence::every(2, Frequency::Weekly, 4))),
    (&["seats"], |s| s.with_seats(Seats::per_slot(3))),
    (&["bookingLimitsCount"], |s| s.with_booking_limits_count(BookingLimits::default().with_day(2).with_week(5))),
    (&["bookingLimitsDuration"], |s| s.with_booking_limits_duration(BookingLimits::default().with_day(120))),
    (&["disableGuests", "bookingFields"], |s| s.with_disable_guests(true)),
    (&["bookingRequiresAuthentication"], |s| s.with_booking_requires_authentication(true)),
    (&["requiresBookerEmailVerification"], |s| s.with_requires_booker_email_verification(true)),
    (&["hidden"], |s| s.with_hidden(true)),
    (&["customName"], |s| s.with_custom_name("{Organiser}")),
    (&["bookerLayouts"], |s| s.with_booker_layouts(BookerLayouts::new(BookerLayout::Week, [BookerLayout::Week, BookerLayout::Month]))),
    (&["color"], |s| s.with_color(EventTypeColor::new("#292929", "#fafafa"))),
    (&["lockTimeZoneToggleOnBookingPage"], |s| s.with_lock_time_zone_toggle_on_booking_page(true)),
    (&["successRedirectUrl"], |s| s.with_success_redirect_url("https://example.org/thanks")),
    (&["hideOrganizerEmail"], |s| s.with_hide_organizer_email(true)),
    (&["hideCalendarNotes"], |s| s.with_hide_calendar_notes(true)),
    (&["hideCalendarEventDetails"], |s| s.with_hide_calendar_event_details(true)),
];

fn client(fake: &FakeCalcom) -> Client {
    let builder = Client::builder(fake.api_key()).base_url(fake.base_url().as_str());
    builder.rate(None).build().unwrap()
}

/// The event type before and after one change was written back; `None` if the two do not go together.
async fn change_one(
    with: &[Change],
    change: Change,
) -> Result<Option<(EventType, EventType)>, Error> {
    let fake = FakeCalcom::start().await.unwrap();
    let client = client(&fake);
    let settings = with
        .iter()
        .fold(EventTypeSettings::default(), |s, (_, apply)| apply(s));
    let wanted = NewEventType::new("Haircut", "haircut", 30).with_settings(settings);
    let refused = |error: &Error| error.kind() == ErrorKind::Invalid;
    let id = match client.event_types().create(&wanted).await {
        Ok(created) => created.id,
        Err(error) if refused(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let before = client.event_types().get(id).await?;
    let mut update = EventTypeUpdate::from(&before);
    update.settings = (change.1)(update.settings);
    let after = match client.event_types().update(id, &update).await {
        Ok(_) => client.event_types().get(id).await?,
        Err(error) if refused(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    fake.shutdown().await;
    Ok(Some((before, after)))
}

/// Everything but these keys.
fn without(event_type: &EventType, keys: &[&str]) -> Value {
    let mut json = serde_json::to_value(event_type).unwrap();
    json.as_object_mut()
        .unwrap()
        .retain(|key, _| !keys.contains(&key.as_str()));
    json
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_event_type_loses_nothing(
        with in subsequence(CHANGES, 0..12),
        change in 0..CHANGES.len(),
    ) {
        let change = CHANGES[change];
        let (before, after) = match block_on(change_one(&with, change)) {
            Ok(Some(both)) => both,
            Ok(None) => return Err(TestCaseError::reject("they exclude each other")),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert_eq!(without(&before, change.0), without(&after, change.0));
    }
}

#[tokio::test]
async fn every_setting_is_read_as_it_was_written() {
    let untouched = without(&change_one(&[], CHANGES[0]).await.unwrap().unwrap().0, &[]);
    let mut kept = BTreeSet::new();
    for change in CHANGES {
        let (_, after) = change_one(&[], *change).await.unwrap().unwrap();
        let after = without(&after, &[]);
        for key in change.0 {
            if after[key] != untouched[key] {
                kept.insert(*key);
            }
        }
    }
    let all: BTreeSet<&str> = CHANGES
        .iter()
        .flat_map(|change| change.0)
        .copied()
        .collect();
    assert_eq!(kept, all);
}

#[tokio::test]
async fn a_user_loses_nothing() {
    let fake = FakeCalcom::start().await.unwrap();
    let client = client(&fake);
    let full = UserUpdate::default()
        .with_name("Hanna")
        .with_time_format(12)
        .with_week_start(Weekday::Sunday)
        .with_time_zone("Europe/Berlin");
    client.me().update(&full).await.unwrap();
    let before = client.me().get().await.unwrap();
    let update = UserUpdate::from(&before).with_time_format(24);
    client.me().update(&update).await.unwrap();
    let after = client.me().get().await.unwrap();
    let same = |user: &User| {
        let mut user = user.clone();
        user.time_format = None;
        user
    };
    assert!(same(&before) == same(&after));
    assert_eq!(
        (before.time_format, after.time_format),
        (Some(12), Some(24))
    );
    fake.shutdown().await;
}

#[tokio::test]
async fn a_schedule_loses_nothing() {
    let fake = FakeCalcom::start().await.unwrap();
    let client = client(&fake);
    let time = |hour| NaiveTime::from_hms_opt(hour, 30, 0).unwrap();
    let evenings = ScheduleAvailability::new([Weekday::Monday], time(17), time(20));
    let christmas = ScheduleOverride::new("2026-12-24".parse().unwrap(), time(10), time(12));
    let wanted = NewSchedule::new("Evenings", "Europe/Berlin".into())
        .with_availability(evenings)
        .with_override(christmas);
    let before = client.schedules().create(&wanted).await.unwrap();
    let update = ScheduleUpdate::from(&before).with_name("Late");
    client.schedules().update(before.id, &update).await.unwrap();
    let mut after = client.schedules().get(before.id).await.unwrap();
    assert_eq!(after.name, "Late");
    after.name.clone_from(&before.name);
    assert_eq!(before, after);
    fake.shutdown().await;
}
