//! `/bookings/{uid}/…`: what each method sends, and what it makes of an answer.

use calcom::client::{ApiVersion, ApiVersions, ErrorKind};
use calcom::model::{
    AttendeeId, BookingLocation, BookingStatus, BookingUid, CancelParams, EventTypeId,
    MarkAbsentParams, NewAttendee, NewBooking, NewGuest, RecurringBookingUid, UserId,
};
use serde_json::{Value, json};

use crate::support::{Sent, answering, body, builder, client, fixture, recorded, sent, success};

const VERSION: Option<&str> = Some("2024-08-13");

/// A call as it was recorded.
fn as_recorded(name: &str) -> Sent {
    let request = &fixture(name)["request"];
    let text = |key: &str| request[key].as_str().unwrap().to_owned();
    let sent = Sent::new(&text("method"), &text("path"), VERSION);
    match &request["body"] {
        Value::Null => sent,
        body => sent.body(body.clone()),
    }
}

/// The uid in the path of a recorded call.
fn uid_of(name: &str) -> BookingUid {
    let path = fixture(name)["request"]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    path.split('/').nth(3).unwrap().into()
}

#[tokio::test]
async fn confirm_sends_an_empty_object_and_reads_the_booking() {
    let name = "181-booking-confirm";
    let server = answering(recorded(name)).await;
    let uid = uid_of(name);
    let booking = client(&server).bookings().confirm(&uid).await.unwrap();
    assert_eq!(sent(&server).await, [as_recorded(name)]);
    assert_eq!(
        (booking.uid, booking.status),
        (uid, BookingStatus::Accepted)
    );
}

#[tokio::test]
async fn decline_sends_the_reason_if_there_is_one() {
    let name = "185-booking-decline";
    let server = answering(recorded(name)).await;
    let (client, uid) = (client(&server), uid_of(name));
    let bookings = client.bookings();
    let reason = Some("Not available after all");
    let booking = bookings.decline(&uid, reason).await.unwrap();
    bookings.decline(&uid, None).await.unwrap();
    let expected = [as_recorded(name), as_recorded(name).body(json!({}))];
    assert_eq!(sent(&server).await, expected);
    assert_eq!(booking.status, BookingStatus::Rejected);
}

#[tokio::test]
async fn mark_absent_sends_who_and_reads_who_was() {
    let name = "235-booking-mark-absent-attendee";
    let server = answering(recorded(name)).await;
    let (client, uid) = (client(&server), uid_of(name));
    let absent = MarkAbsentParams::attendee("ann@example.com");
    let booking = client.bookings().mark_absent(&uid, &absent).await.unwrap();
    assert!(booking.attendees[0].absent);
    assert!(!format!("{absent:?}").contains("ann"));
    let host = MarkAbsentParams::host();
    client.bookings().mark_absent(&uid, &host).await.unwrap();
    let mut undo = MarkAbsentParams::default().with_attendee("ann@example.com", false);
    undo.host = Some(false);
    client.bookings().mark_absent(&uid, &undo).await.unwrap();
    let expected = [
        as_recorded(name),
        as_recorded(name).body(json!({"host": true})),
        as_recorded("239-booking-mark-absent-undo"),
    ];
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn an_absence_before_the_start_is_refused() {
    let name = "197-booking-mark-absent-future-attendee";
    let server = answering(recorded(name)).await;
    let absent = MarkAbsentParams::attendee("ann@example.com");
    let client = client(&server);
    let marked = client.bookings().mark_absent(&uid_of(name), &absent).await;
    assert_eq!(sent(&server).await, [as_recorded(name)]);
    assert_eq!(marked.unwrap_err().kind(), ErrorKind::Conflict);
}

/// The server says the same of a booking that is confirmed, declined or cancelled already.
#[tokio::test]
async fn what_does_not_wait_is_neither_confirmed_nor_declined() {
    let server = answering(recorded("182-booking-confirm-twice")).await;
    let client = client(&server);
    let uid = BookingUid::new("u");
    let confirmed = client.bookings().confirm(&uid).await;
    assert_eq!(confirmed.unwrap_err().kind(), ErrorKind::Conflict);
    let declined = client.bookings().decline(&uid, Some("full")).await;
    assert_eq!(declined.unwrap_err().kind(), ErrorKind::Conflict);
    // Of another call it says nothing about the booking's state.
    let cancelled = client
        .bookings()
        .cancel(&uid, &CancelParams::reason("x"))
        .await;
    assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn an_absence_of_the_host_stays_when_it_is_taken_back() {
    let server = answering(recorded("239-booking-mark-absent-undo")).await;
    let undo = MarkAbsentParams::default().with_attendee("ann@example.com", false);
    let client = client(&server);
    let booking = client.bookings().mark_absent(&"u".into(), &undo).await;
    let booking = booking.unwrap();
    assert!(booking.absent_host && !booking.attendees[0].absent);
}

#[tokio::test]
async fn reassign_sends_no_body_and_reads_the_new_host() {
    let name = "206-booking-reassign-auto";
    let server = answering(recorded(name)).await;
    let uid = uid_of(name);
    let given = client(&server).bookings().reassign(&uid).await.unwrap();
    assert_eq!(sent(&server).await, [as_recorded(name)]);
    assert_eq!(given.booking_uid, uid);
    assert_eq!(given.reassigned_to.id, UserId::new(3));
    assert_eq!(given.reassigned_to.email, "mia@example.com");
    assert!(!format!("{given:?}").contains("mia"));
}

#[tokio::test]
async fn reassign_to_sends_the_user_and_the_reason() {
    let name = "208-booking-reassign-to-user";
    let server = answering(recorded(name)).await;
    let (client, uid) = (client(&server), uid_of(name));
    let bookings = client.bookings();
    let user = UserId::new(1);
    let given = bookings.reassign_to(&uid, user, Some("Holiday")).await;
    assert_eq!(given.unwrap().reassigned_to.id, user);
    bookings.reassign_to(&uid, user, None).await.unwrap();
    let expected = [as_recorded(name), as_recorded(name).body(json!({}))];
    assert_eq!(sent(&server).await, expected);

    let server = answering(recorded("209-booking-reassign-to-nonmember")).await;
    let client = crate::support::client(&server);
    let given = client.bookings().reassign_to(&uid, user, None).await;
    assert_eq!(given.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn update_location_sends_the_place_and_an_old_server_does_not_know_it() {
    let name = "212-booking-update-location";
    let server = answering(recorded(name)).await;
    let (client, uid) = (client(&server), uid_of(name));
    let there = BookingLocation::address("Neue Str. 5");
    let moved = client.bookings().update_location(&uid, &there).await;
    assert_eq!(sent(&server).await, [as_recorded(name)]);
    assert_eq!(moved.unwrap_err().kind(), ErrorKind::UnknownEndpoint);

    let server = answering(recorded("205-booking-get-team")).await;
    let client = crate::support::client(&server);
    let moved = client.bookings().update_location(&uid, &there).await;
    assert!(moved.unwrap().location.is_some());
}

#[tokio::test]
async fn every_place_is_sent_in_the_apis_form() {
    let server = answering(recorded("205-booking-get-team")).await;
    let client = client(&server);
    let places = [
        json!({"type": "link", "link": "https://meet.example.com/hanna"}),
        json!({"type": "phone", "phone": "+4930123456"}),
        json!({"type": "attendeeAddress", "address": "Nebenstr. 2"}),
        json!({"type": "attendeePhone", "phone": "+4930123456"}),
        json!({"type": "attendeeDefined", "location": "at the lake"}),
    ];
    for place in &places {
        let location: BookingLocation = serde_json::from_value(place.clone()).unwrap();
        assert!(!matches!(location, BookingLocation::Other(_)), "{place}");
        let bookings = client.bookings();
        let moved = bookings.update_location(&"u".into(), &location).await;
        moved.unwrap();
    }
    let bodies: Vec<Value> = sent(&server)
        .await
        .into_iter()
        .filter_map(|s| s.body)
        .collect();
    assert_eq!(bodies, places.map(|place| json!({"location": place})));
}

#[tokio::test]
async fn add_guests_sends_what_is_known_of_them() {
    let server = answering(recorded("205-booking-get-team")).await;
    let mut known = NewGuest::new("gil@example.com");
    known.name = Some("Gil Guest".to_owned());
    known.time_zone = Some("Europe/Rome".into());
    known.phone_number = Some("+39061234567".to_owned());
    known.language = Some("it".to_owned());
    assert!(!format!("{known:?}").contains("Gil"));
    let guests = [NewGuest::new("guest@example.com"), known];
    let client = client(&server);
    let booking = client.bookings().add_guests(&"u".into(), &guests).await;
    booking.unwrap();
    let expected = Sent::new("POST", "/v2/bookings/u/guests", VERSION).body(json!({"guests": [
        {"email": "guest@example.com"},
        {
            "email": "gil@example.com",
            "name": "Gil Guest",
            "timeZone": "Europe/Rome",
            "phoneNumber": "+39061234567",
            "language": "it",
        },
    ]}));
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn create_instant_sends_the_flag_and_reads_a_booking_that_waits() {
    let mut waiting = body("205-booking-get-team")["data"].clone();
    waiting["status"] = json!("awaiting_host");
    let server = answering(success(&waiting)).await;
    let attendee = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    let start = "2026-12-08T09:00:00Z".parse().unwrap();
    let wanted = NewBooking::new(EventTypeId::new(2), start, attendee);
    let client = client(&server);
    let booking = client.bookings().create_instant(&wanted).await.unwrap();
    assert_eq!(booking.status, BookingStatus::AwaitingHost);
    let expected = Sent::new("POST", "/v2/bookings", VERSION).body(json!({
        "start": "2026-12-08T09:00:00Z",
        "eventTypeId": 2,
        "attendee": {"name": "Ann", "email": "ann@example.com", "timeZone": "Europe/London"},
        "instant": true,
    }));
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn get_series_reads_every_booking_of_it() {
    let server = answering(recorded("213-booking-create-recurring")).await;
    let uid = RecurringBookingUid::new("32874e6a-d0d4-456a-8f59-5ec412810211");
    let series = client(&server).bookings().get_series(&uid).await.unwrap();
    let path = format!("/v2/bookings/{uid}");
    assert_eq!(sent(&server).await, [Sent::new("GET", &path, VERSION)]);
    assert!(series.len() > 1);
    let same = |uid: &Option<RecurringBookingUid>| uid == &series[0].recurring_booking_uid;
    assert!(series.iter().all(|b| same(&b.recurring_booking_uid)));
}

#[tokio::test]
async fn get_by_seat_reads_the_booking_of_the_seat() {
    let server = answering(recorded("223-booking-create-seated-2-same-slot")).await;
    let client = client(&server);
    let booking = client.bookings().get_by_seat(&"s-1".into()).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/by-seat/s-1", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert!(booking.is_seated());
}

/// As the published document has it; no server that was recorded knows the endpoint.
fn attendee() -> Value {
    json!({
        "name": "Ann Attendee", "email": "ann@example.com", "displayEmail": "ann@example.com",
        "timeZone": "Europe/London", "language": "en", "absent": false,
        "phoneNumber": "+441234567890", "id": 251,
    })
}

#[tokio::test]
async fn attendees_are_listed_and_read_by_number() {
    let server = answering(success(&json!([attendee()]))).await;
    let client = client(&server);
    let listed = client.bookings().attendees(&"u".into()).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/u/attendees", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(listed[0].id, AttendeeId::new(251));
    assert_eq!(listed[0].attendee.email, "ann@example.com");
    assert!(!format!("{listed:?}").to_lowercase().contains("ann"));

    let server = answering(success(&attendee())).await;
    let client = crate::support::client(&server);
    let id = AttendeeId::new(251);
    let read = client.bookings().attendee(&"u".into(), id).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/u/attendees/251", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(read, listed[0]);
}

#[tokio::test]
async fn add_attendee_sends_the_person_and_reads_the_number() {
    let mut added = attendee();
    added["bookingId"] = json!(313);
    let server = answering(success(&added)).await;
    let mut person = NewAttendee::new("Ann Attendee", "ann@example.com", "Europe/London".into());
    person.phone_number = Some("+441234567890".to_owned());
    let client = client(&server);
    let added = client.bookings().add_attendee(&"u".into(), &person).await;
    let added = added.unwrap();
    assert_eq!(
        added.booking_id.map(calcom::model::BookingId::get),
        Some(313)
    );
    let expected = Sent::new("POST", "/v2/bookings/u/attendees", VERSION).body(json!({
        "name": "Ann Attendee",
        "email": "ann@example.com",
        "timeZone": "Europe/London",
        "phoneNumber": "+441234567890",
    }));
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn calendar_links_are_read_and_not_shown() {
    let name = "233-booking-calendar-links";
    let server = answering(recorded(name)).await;
    let client = client(&server);
    let links = client
        .bookings()
        .calendar_links(&uid_of(name))
        .await
        .unwrap();
    assert_eq!(sent(&server).await, [as_recorded(name)]);
    assert_eq!(links[0].label, "Google Calendar");
    assert_eq!(links[0].id.as_deref(), Some("googleCalendar"));
    assert!(links.last().unwrap().link.starts_with("data:text/calendar"));
    assert!(!format!("{links:?}").contains("Hanna"));
}

#[tokio::test]
async fn references_are_filtered_by_sort() {
    let reference = json!({
        "type": "google_calendar", "eventUid": "abc123", "id": 7,
        "destinationCalendarId": "hanna@example.com",
    });
    let bare =
        json!({"type": "daily_video", "eventUid": "room", "destinationCalendarId": null, "id": 8});
    let server = answering(success(&json!([reference, bare]))).await;
    let client = client(&server);
    let bookings = client.bookings();
    let kind = Some("google_calendar");
    let listed = bookings.references(&"u".into(), kind).await.unwrap();
    bookings.references(&"u".into(), None).await.unwrap();
    let call = || Sent::new("GET", "/v2/bookings/u/references", VERSION);
    let filtered = call().query(&[("type", "google_calendar")]);
    assert_eq!(sent(&server).await, [filtered, call()]);
    assert_eq!(listed[0].event_uid, "abc123");
    assert_eq!(listed[1].destination_calendar_id, None);
    assert!(!format!("{listed:?}").contains("hanna"));
}

#[tokio::test]
async fn recordings_transcripts_and_sessions_are_read() {
    let recording = json!({
        "id": "r1", "roomName": "daily-video-room-123", "startTs": 1_678_901_234,
        "status": "finished", "maxParticipants": 10, "duration": 3600,
        "shareToken": "share-token-123", "downloadLink": "https://example.org/signed", "error": null,
    });
    let server = answering(success(&json!([recording]))).await;
    let client = client(&server);
    let read = client.bookings().recordings(&"u".into()).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/u/recordings", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(
        read[0].download_link.as_deref(),
        Some("https://example.org/signed")
    );
    let shown = format!("{read:?}");
    assert!(!shown.contains("signed") && !shown.contains("share-token"));

    let server = answering(success(&json!(["https://example.org/transcript"]))).await;
    let client = crate::support::client(&server);
    let read = client.bookings().transcripts(&"u".into()).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/u/transcripts", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(read, ["https://example.org/transcript"]);

    let session = json!({
        "id": "s1", "room": "daily-video-room-123", "startTime": 1_678_901_234, "duration": 3600,
        "ongoing": false, "maxParticipants": 10,
        "participants": [{"userId": null, "userName": "Ann", "joinTime": 1_678_901_234, "duration": 60}],
    });
    let server = answering(success(&json!([session]))).await;
    let client = crate::support::client(&server);
    let uid = "u".into();
    let read = client.bookings().conferencing_sessions(&uid).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/u/conferencing-sessions", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(read[0].participants[0].user_name.as_deref(), Some("Ann"));
    assert!(!format!("{read:?}").contains("Ann"));
}

#[tokio::test]
async fn attendees_guests_and_place_do_not_follow_the_version_of_the_bookings() {
    let server = answering(success(&attendee())).await;
    let versions = ApiVersions::default().with_bookings(ApiVersion::BOOKINGS_2026);
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).versions(versions).build().unwrap();
    let (bookings, uid) = (client.bookings(), "u".into());
    let person = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    let there = BookingLocation::address("Neue Str. 5");
    // That some of the answers are not what was asked for does not matter here.
    let _ = bookings.attendees(&uid).await;
    let _ = bookings.attendee(&uid, AttendeeId::new(251)).await;
    let _ = bookings.add_attendee(&uid, &person).await;
    let _ = bookings
        .add_guests(&uid, &[NewGuest::new("g@example.com")])
        .await;
    let _ = bookings.update_location(&uid, &there).await;
    let _ = bookings.confirm(&uid).await;
    let sent = sent(&server).await;
    let versions: Vec<_> = sent.iter().map(|s| s.version.as_deref()).collect();
    assert_eq!(versions[..5], [VERSION; 5]);
    assert_eq!(versions[5], Some("2026-02-25"));
}
