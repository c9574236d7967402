//! Making and changing event types, their webhooks and private links: what each method sends, and what it makes of an answer.

use calcom::client::ErrorKind;
use calcom::model::{
    ActiveBookingsLimit, BookerLayout, BookerLayouts, BookingField, BookingFieldKind,
    BookingLimits, BookingWindow, CalVideoSettings, ConfirmationPolicy, DestinationCalendar,
    DisableCancelling, DisableRescheduling, EventTypeColor, EventTypeId, EventTypeQuery,
    EventTypeSettings, EventTypeUpdate, Frequency, Location, NewEventType, NewWebhook,
    NoticeThreshold, NoticeUnit, PrivateLinkParams, Recurrence, Seats, Setting, SortOrder, Trigger,
    WebhookQuery, WebhookUpdate,
};
use serde_json::{Value, json};

use crate::support::{Sent, answering, client, fixture, recorded, sent, success};

const VERSION: Option<&str> = Some("2024-06-14");
const WEBHOOK: &str = "a3159712-6183-448e-b518-1bc42200023c";

#[tokio::test]
async fn create_sends_what_was_recorded_and_reads_the_event_type() {
    let name = "008-event-types-create-attendeelocs";
    let server = answering(recorded(name)).await;
    let places = vec![
        Location::address("Hauptstr. 1, Berlin"),
        Location::AttendeePhone,
        Location::AttendeeDefined,
    ];
    let settings = EventTypeSettings::default().with_locations(places.clone());
    let wanted = NewEventType::new("Choose place", "choose-place", 30).with_settings(settings);
    let made = client(&server).event_types().create(&wanted).await.unwrap();
    let body = fixture(name)["request"]["body"].clone();
    let expected = Sent::new("POST", "/v2/event-types", VERSION).body(body);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(made.locations, places);
    assert_eq!(made.booking_window, Some(Setting::Off));
    assert_eq!(made.confirmation_policy, Some(Setting::Off));
}

#[tokio::test]
async fn a_slug_that_is_taken_is_invalid() {
    let server = answering(recorded("020-event-types-create-duplicate-slug")).await;
    let wanted = NewEventType::new("Temp", "temp-20", 20);
    let made = client(&server).event_types().create(&wanted).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::Invalid);
}

fn every_setting() -> EventTypeSettings {
    let notice = NoticeThreshold::new(2, NoticeUnit::Hours);
    let limits = |day, week| BookingLimits::default().with_day(day).with_week(week);
    EventTypeSettings::default()
        .with_length_in_minutes_options(vec![30, 60])
        .with_description("Short".to_owned())
        .with_locations(vec![Location::integration("cal-video")])
        .with_booking_fields([BookingField::new(BookingFieldKind::Text, "size", "Size")])
        .with_schedule_id(4.into())
        .with_minimum_booking_notice(60)
        .with_before_event_buffer(5)
        .with_after_event_buffer(10)
        .with_slot_interval(15)
        .with_offset_start(5)
        .with_only_show_first_available_slot(true)
        .with_show_optimized_slots(true)
        .with_booking_window(Setting::On(
            BookingWindow::calendar_days(30).with_rolling(true),
        ))
        .with_confirmation_policy(Setting::On(ConfirmationPolicy::under(notice, false)))
        .with_recurrence(Setting::On(Recurrence::every(2, Frequency::Weekly, 4)))
        .with_seats(Setting::On(Seats::per_slot(3)))
        .with_booking_limits_count(Setting::On(limits(1, 2)))
        .with_booking_limits_duration(Setting::On(limits(60, 120)))
        .with_booker_active_bookings_limit(Setting::On(
            ActiveBookingsLimit::default()
                .with_maximum_active_bookings(3)
                .with_offer_reschedule(true),
        ))
        .with_disable_guests(true)
        .with_disable_cancelling(DisableCancelling::default().with_disabled(true))
        .with_disable_rescheduling(
            DisableRescheduling::default()
                .with_disabled(false)
                .with_minutes_before(60),
        )
        .with_allow_rescheduling_past_bookings(true)
        .with_allow_rescheduling_cancelled_bookings(false)
        .with_booking_requires_authentication(true)
        .with_requires_booker_email_verification(true)
        .with_hidden(true)
        .with_custom_name("{Organiser}".to_owned())
        .with_booker_layouts(BookerLayouts::new(
            BookerLayout::Week,
            [BookerLayout::Week, BookerLayout::Month],
        ))
        .with_color(EventTypeColor::new("#292929", "#fafafa"))
        .with_interface_language("de".to_owned())
        .with_lock_time_zone_toggle_on_booking_page(true)
        .with_success_redirect_url("https://example.org/thanks".to_owned())
        .with_hide_organizer_email(true)
        .with_hide_calendar_notes(true)
        .with_hide_calendar_event_details(true)
        .with_destination_calendar(DestinationCalendar::new(
            "google_calendar",
            "hanna@example.com",
        ))
        .with_use_destination_calendar_email(true)
        .with_cal_video_settings(
            CalVideoSettings::default().with_disable_recording_for_guests(true),
        )
}

fn every_setting_in_the_apis_form() -> Value {
    json!({
        "lengthInMinutesOptions": [30, 60],
        "description": "Short",
        "locations": [{"type": "integration", "integration": "cal-video"}],
        "bookingFields": [{"type": "text", "slug": "size", "label": "Size", "placeholder": "", "required": false}],
        "scheduleId": 4,
        "minimumBookingNotice": 60,
        "beforeEventBuffer": 5,
        "afterEventBuffer": 10,
        "slotInterval": 15,
        "offsetStart": 5,
        "onlyShowFirstAvailableSlot": true,
        "showOptimizedSlots": true,
        "bookingWindow": {"type": "calendarDays", "value": 30, "rolling": true},
        "confirmationPolicy": {
            "type": "time",
            "noticeThreshold": {"unit": "hours", "count": 2},
            "blockUnconfirmedBookingsInBooker": false,
        },
        "recurrence": {"interval": 2, "occurrences": 4, "frequency": "weekly"},
        "seats": {"seatsPerTimeSlot": 3, "showAttendeeInfo": false, "showAvailabilityCount": true},
        "bookingLimitsCount": {"day": 1, "week": 2},
        "bookingLimitsDuration": {"day": 60, "week": 120},
        "bookerActiveBookingsLimit": {"maximumActiveBookings": 3, "offerReschedule": true},
        "disableGuests": true,
        "disableCancelling": {"disabled": true},
        "disableRescheduling": {"disabled": false, "minutesBefore": 60},
        "allowReschedulingPastBookings": true,
        "allowReschedulingCancelledBookings": false,
        "bookingRequiresAuthentication": true,
        "requiresBookerEmailVerification": true,
        "hidden": true,
        "customName": "{Organiser}",
        "bookerLayouts": {"defaultLayout": "week", "enabledLayouts": ["week", "month"]},
        "color": {"lightThemeHex": "#292929", "darkThemeHex": "#fafafa"},
        "interfaceLanguage": "de",
        "lockTimeZoneToggleOnBookingPage": true,
        "successRedirectUrl": "https://example.org/thanks",
        "hideOrganizerEmail": true,
        "hideCalendarNotes": true,
        "hideCalendarEventDetails": true,
        "destinationCalendar": {"integration": "google_calendar", "externalId": "hanna@example.com"},
        "useDestinationCalendarEmail": true,
        "calVideoSettings": {"disableRecordingForGuests": true},
    })
}

#[tokio::test]
async fn create_sends_every_setting_in_the_apis_form() {
    let server = answering(recorded("017-event-types-get")).await;
    let wanted = NewEventType::new("Intro", "intro-30", 30).with_settings(every_setting());
    client(&server).event_types().create(&wanted).await.unwrap();
    let mut body = every_setting_in_the_apis_form();
    body["title"] = json!("Intro");
    body["slug"] = json!("intro-30");
    body["lengthInMinutes"] = json!(30);
    let expected = Sent::new("POST", "/v2/event-types", VERSION).body(body);
    assert_eq!(sent(&server).await, [expected]);
    assert!(!format!("{wanted:?}").contains("hanna"));
}

#[tokio::test]
async fn update_sends_only_what_changes() {
    let name = "019-event-types-update";
    let server = answering(recorded(name)).await;
    let mut update = EventTypeUpdate::default()
        .with_title("Temp renamed".to_owned())
        .with_length_in_minutes(25);
    update.settings.minimum_booking_notice = Some(0);
    let client = client(&server);
    let id = EventTypeId::new(11);
    let changed = client.event_types().update(id, &update).await.unwrap();
    let off = EventTypeUpdate::default().with_settings(
        EventTypeSettings::default()
            .with_seats(Setting::Off)
            .with_booking_window(Setting::Off),
    );
    client.event_types().update(id, &off).await.unwrap();
    let call = || Sent::new("PATCH", "/v2/event-types/11", VERSION);
    let expected = [
        call().body(fixture(name)["request"]["body"].clone()),
        call().body(json!({"seats": {"disabled": true}, "bookingWindow": {"disabled": true}})),
    ];
    assert_eq!(sent(&server).await, expected);
    assert_eq!((changed.id, changed.length_in_minutes), (id, 25));
}

#[tokio::test]
async fn delete_names_the_event_type() {
    let server = answering(recorded("022-event-types-delete")).await;
    let id = EventTypeId::new(11);
    client(&server).event_types().delete(id).await.unwrap();
    let expected = Sent::new("DELETE", "/v2/event-types/11", VERSION);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn list_sends_every_filter() {
    let server = answering(recorded("013-event-types-list")).await;
    let query = EventTypeQuery::of_users(["hanna", "mia"])
        .with_org_slug("acme".to_owned())
        .with_org_id(9)
        .with_sort_created_at(SortOrder::Descending);
    client(&server).event_types().list(&query).await.unwrap();
    let expected = Sent::new("GET", "/v2/event-types", VERSION).query(&[
        ("usernames", "hanna,mia"),
        ("orgSlug", "acme"),
        ("orgId", "9"),
        ("sortCreatedAt", "desc"),
    ]);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn windows_and_policies_are_typed_or_kept() {
    let window = json!({"type": "range", "value": ["2030-09-05", "2030-09-09"]});
    let cases = [
        (window.clone(), true),
        (json!({"type": "businessDays", "value": 5}), true),
        // As the published document has it.
        (json!([window]), false),
        (json!({"type": "moonPhases", "value": 5}), false),
    ];
    for (window, known) in cases {
        let mut told = crate::support::body("017-event-types-get")["data"].clone();
        told["bookingWindow"] = window.clone();
        told["confirmationPolicy"] =
            json!({"type": "always", "blockUnconfirmedBookingsInBooker": true});
        let server = answering(success(&told)).await;
        let read = client(&server).event_types().get(EventTypeId::new(2)).await;
        let read = read.unwrap();
        let setting = read.booking_window.clone().unwrap();
        assert_eq!(setting.on().is_some(), known, "{window}");
        assert_eq!(serde_json::to_value(&setting).unwrap(), window);
        assert!(read.requires_confirmation());
    }
}

#[tokio::test]
async fn webhooks_of_an_event_type_are_made_listed_read_changed_and_ended() {
    let created = "260-event-type-webhooks-create";
    let server = answering(recorded(created)).await;
    let client = client(&server);
    let webhooks = client.event_types().webhooks(EventTypeId::new(3));
    let mut wanted = NewWebhook::new(
        "http://127.0.0.1:4600/eventtype",
        [Trigger::BookingCreated, Trigger::BookingCancelled],
        "whsec_tests",
    );
    wanted.secret = None;
    let made = webhooks.create(&wanted).await.unwrap();
    assert_eq!(made.event_type_id, Some(EventTypeId::new(3)));
    let id = made.id;
    assert_eq!(id.as_str(), WEBHOOK);
    webhooks.get(&id).await.unwrap();
    let update = WebhookUpdate::default()
        .with_active(false)
        .with_secret("whsec_new")
        .with_triggers(vec![Trigger::BookingCreated]);
    assert!(!format!("{update:?}").contains("whsec_new"));
    webhooks.update(&id, &update).await.unwrap();
    webhooks.delete(&id).await.unwrap();
    let path = format!("/v2/event-types/3/webhooks/{WEBHOOK}");
    let expected = [
        Sent::new("POST", "/v2/event-types/3/webhooks", None)
            .body(fixture(created)["request"]["body"].clone()),
        Sent::new("GET", &path, None),
        Sent::new("PATCH", &path, None).body(json!({
            "active": false,
            "secret": "whsec_new",
            "triggers": ["BOOKING_CREATED"],
        })),
        Sent::new("DELETE", &path, None),
    ];
    assert_eq!(sent(&server).await, expected);

    let server = answering(success(&json!([
        fixture(created)["response"]["body"]["data"]
    ])))
    .await;
    let client = crate::support::client(&server);
    let webhooks = client.event_types().webhooks(EventTypeId::new(3));
    assert_eq!(
        webhooks
            .list(&WebhookQuery::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    let expected = Sent::new("GET", "/v2/event-types/3/webhooks", None);
    assert_eq!(sent(&server).await, [expected]);

    let server = answering(success(&json!("2 webhooks were deleted"))).await;
    let client = crate::support::client(&server);
    let id = EventTypeId::new(3);
    client.event_types().delete_webhooks(id).await.unwrap();
    let expected = Sent::new("DELETE", "/v2/event-types/3/webhooks", None);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn webhooks_of_the_user_are_read_and_changed() {
    let server = answering(recorded("248-webhooks-get")).await;
    let client = client(&server);
    let id = "f874acb4-e298-4888-a2e2-51224e3e579c".into();
    let read = client.webhooks().get(&id).await.unwrap();
    let update =
        WebhookUpdate::default().with_subscriber_url("https://example.org/calcom".to_owned());
    client.webhooks().update(&id, &update).await.unwrap();
    let path = format!("/v2/webhooks/{id}");
    let expected = [
        Sent::new("GET", &path, None),
        Sent::new("PATCH", &path, None)
            .body(json!({"subscriberUrl": "https://example.org/calcom"})),
    ];
    assert_eq!(sent(&server).await, expected);
    assert_eq!(read.id, id);

    let server = answering(recorded("254-webhooks-get-other-user")).await;
    let read = crate::support::client(&server).webhooks().get(&id).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Forbidden);
}

/// As the published document has it; none was recorded.
fn private_link() -> Value {
    json!({
        "linkId": "abc123def456", "eventTypeId": 3, "isExpired": false,
        "bookingUrl": "https://cal.com/d/abc123def456/30min",
        "maxUsageCount": 10, "usageCount": 3,
    })
}

#[tokio::test]
async fn private_links_are_made_changed_and_ended() {
    let server = answering(success(&private_link())).await;
    let client = client(&server);
    let links = client.event_types().private_links(EventTypeId::new(3));
    let made = links.create(&PrivateLinkParams::uses(10)).await.unwrap();
    assert_eq!(
        (made.max_usage_count, made.usage_count),
        (Some(10), Some(3))
    );
    assert!(!format!("{made:?}").contains("abc123"));
    links.create(&PrivateLinkParams::default()).await.unwrap();
    let until = PrivateLinkParams::until("2030-12-31T23:59:59Z".parse().unwrap());
    links.update(&made.link_id, &until).await.unwrap();
    links.delete(&made.link_id).await.unwrap();
    let path = "/v2/event-types/3/private-links/abc123def456";
    let call = || Sent::new("POST", "/v2/event-types/3/private-links", None);
    let expected = [
        call().body(json!({"maxUsageCount": 10})),
        call().body(json!({})),
        Sent::new("PATCH", path, None).body(json!({"expiresAt": "2030-12-31T23:59:59Z"})),
        Sent::new("DELETE", path, None),
    ];
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn private_links_of_both_sorts_are_listed() {
    let mut dated = private_link();
    dated["expiresAt"] = json!("2030-12-31T23:59:59.000Z");
    dated.as_object_mut().unwrap().remove("maxUsageCount");
    let server = answering(success(&json!([private_link(), dated]))).await;
    let client = client(&server);
    let links = client.event_types().private_links(EventTypeId::new(3));
    let listed = links.list().await.unwrap();
    let expected = Sent::new("GET", "/v2/event-types/3/private-links", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(listed[0].expires_at, None);
    assert_eq!(listed[1].max_usage_count, None);
    assert!(listed[1].expires_at.is_some());
}
