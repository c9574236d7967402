//! Making and changing event types, their webhooks and private links: what each method sends, and what it makes of an answer.

use calcom::client::{ErrorKind, EventTypeQuery};
use calcom::model::{
    ActiveBookingsLimit, BookerLayout, BookerLayouts, BookingLimits, BookingWindow,
    CalVideoSettings, ConfirmationPolicy, DestinationCalendar, DisableCancelling,
    DisableRescheduling, EventTypeColor, EventTypeId, EventTypeSettings, EventTypeUpdate,
    Frequency, Location, NewEventType, NewWebhook, NoticeThreshold, NoticeUnit, PrivateLinkParams,
    Recurrence, Seats, Setting, SortOrder, Trigger, WebhookUpdate,
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
    let settings = EventTypeSettings {
        locations: Some(places.clone()),
        ..EventTypeSettings::default()
    };
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
    let notice = NoticeThreshold {
        unit: NoticeUnit::Hours,
        count: 2,
    };
    let limits = |day, week| BookingLimits {
        day: Some(day),
        week: Some(week),
        ..BookingLimits::default()
    };
    EventTypeSettings {
        length_in_minutes_options: Some(vec![30, 60]),
        description: Some("Short".to_owned()),
        locations: Some(vec![Location::integration("cal-video")]),
        booking_fields: Some(vec![json!({"type": "text", "slug": "size"})]),
        schedule_id: Some(4.into()),
        minimum_booking_notice: Some(60),
        before_event_buffer: Some(5),
        after_event_buffer: Some(10),
        slot_interval: Some(15),
        offset_start: Some(5),
        only_show_first_available_slot: Some(true),
        show_optimized_slots: Some(true),
        booking_window: Some(Setting::On(BookingWindow::CalendarDays {
            value: 30,
            rolling: Some(true),
        })),
        confirmation_policy: Some(Setting::On(ConfirmationPolicy::under(notice, false))),
        recurrence: Some(Setting::On(Recurrence::every(2, Frequency::Weekly, 4))),
        seats: Some(Setting::On(Seats::per_slot(3))),
        booking_limits_count: Some(Setting::On(limits(1, 2))),
        booking_limits_duration: Some(Setting::On(limits(60, 120))),
        booker_active_bookings_limit: Some(Setting::On(ActiveBookingsLimit {
            maximum_active_bookings: Some(3),
            offer_reschedule: Some(true),
        })),
        disable_guests: Some(true),
        disable_cancelling: Some(DisableCancelling {
            disabled: Some(true),
        }),
        disable_rescheduling: Some(DisableRescheduling {
            disabled: Some(false),
            minutes_before: Some(60),
        }),
        allow_rescheduling_past_bookings: Some(true),
        allow_rescheduling_cancelled_bookings: Some(false),
        booking_requires_authentication: Some(true),
        requires_booker_email_verification: Some(true),
        hidden: Some(true),
        custom_name: Some("{Organiser}".to_owned()),
        booker_layouts: Some(BookerLayouts {
            default_layout: BookerLayout::Week,
            enabled_layouts: vec![BookerLayout::Week, BookerLayout::Month],
        }),
        color: Some(EventTypeColor {
            light_theme_hex: "#292929".to_owned(),
            dark_theme_hex: "#fafafa".to_owned(),
        }),
        interface_language: Some("de".to_owned()),
        lock_time_zone_toggle_on_booking_page: Some(true),
        success_redirect_url: Some("https://example.org/thanks".to_owned()),
        hide_organizer_email: Some(true),
        hide_calendar_notes: Some(true),
        hide_calendar_event_details: Some(true),
        destination_calendar: Some(DestinationCalendar {
            integration: "google_calendar".to_owned(),
            external_id: "hanna@example.com".to_owned(),
        }),
        use_destination_calendar_email: Some(true),
        cal_video_settings: Some(CalVideoSettings {
            disable_recording_for_guests: Some(true),
            ..CalVideoSettings::default()
        }),
    }
}

fn every_setting_in_the_apis_form() -> Value {
    json!({
        "lengthInMinutesOptions": [30, 60],
        "description": "Short",
        "locations": [{"type": "integration", "integration": "cal-video"}],
        "bookingFields": [{"type": "text", "slug": "size"}],
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
    let mut update = EventTypeUpdate {
        title: Some("Temp renamed".to_owned()),
        length_in_minutes: Some(25),
        ..EventTypeUpdate::default()
    };
    update.settings.minimum_booking_notice = Some(0);
    let client = client(&server);
    let id = EventTypeId::new(11);
    let changed = client.event_types().update(id, &update).await.unwrap();
    let off = EventTypeUpdate {
        settings: EventTypeSettings {
            seats: Some(Setting::Off),
            booking_window: Some(Setting::Off),
            ..EventTypeSettings::default()
        },
        ..EventTypeUpdate::default()
    };
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
async fn delete_reads_what_it_was() {
    let server = answering(recorded("022-event-types-delete")).await;
    let id = EventTypeId::new(11);
    let gone = client(&server).event_types().delete(id).await.unwrap();
    let expected = Sent::new("DELETE", "/v2/event-types/11", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!((gone.id, gone.slug.as_deref()), (id, Some("temp-20")));
}

#[tokio::test]
async fn list_sends_every_filter() {
    let server = answering(recorded("013-event-types-list")).await;
    let query = EventTypeQuery {
        usernames: vec!["hanna".to_owned(), "mia".to_owned()],
        org_slug: Some("acme".to_owned()),
        org_id: Some(9),
        sort_created_at: Some(SortOrder::Descending),
        ..EventTypeQuery::default()
    };
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
        "whsec_tests".into(),
    );
    wanted.secret = None;
    let made = webhooks.create(&wanted).await.unwrap();
    assert_eq!(made.event_type_id, Some(EventTypeId::new(3)));
    let id = made.id;
    assert_eq!(id.as_str(), WEBHOOK);
    webhooks.get(&id).await.unwrap();
    let update = WebhookUpdate {
        active: Some(false),
        secret: Some("whsec_new".into()),
        triggers: Some(vec![Trigger::BookingCreated]),
        ..WebhookUpdate::default()
    };
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
    assert_eq!(webhooks.list().await.unwrap().len(), 1);
    let expected = Sent::new("GET", "/v2/event-types/3/webhooks", None);
    let expected = expected.query(&[("take", "250"), ("skip", "0")]);
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
    let update = WebhookUpdate {
        subscriber_url: Some("https://example.org/calcom".to_owned()),
        ..WebhookUpdate::default()
    };
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
