//! `/bookings`: what each method sends, and what it makes of a recorded answer.

use calcom::client::{ApiVersion, ApiVersions};
use calcom::model::{
    Booking, BookingLocation, BookingOrSeries, BookingQuery, BookingStatus, BookingUid,
    CancelParams, EventTypeId, EventTypeTarget, NewAttendee, NewBooking, RecurringBookingUid,
    RescheduleParams,
};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::support::{Sent, answering, builder, client, fixture, recorded, sent};

const VERSION: Option<&str> = Some("2024-08-13");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ann() -> NewAttendee {
    NewAttendee::new("Ann Attendee", "ann@example.com", "Europe/London".into())
}

fn single(booked: BookingOrSeries) -> Booking {
    match booked {
        BookingOrSeries::Booking(booking) => *booking,
        BookingOrSeries::Series(bookings) => panic!("a series of {}", bookings.len()),
    }
}

#[tokio::test]
async fn create_sends_what_was_recorded_and_reads_the_booking() {
    let server = answering(recorded("066-booking-create")).await;
    let mut attendee = ann();
    attendee.language = Some("en".to_owned());
    let mut wanted = NewBooking::new(EventTypeId::new(2), at("2026-12-08T09:00:00Z"), attendee)
        .with_metadata("orderId", "A-1001")
        .with_metadata("source", "shop")
        .with_guest("guest@example.com");
    wanted
        .booking_fields_responses
        .insert("notes", json!("bring docs"));

    let booked = client(&server).bookings().create(&wanted).await.unwrap();

    let body = fixture("066-booking-create")["request"]["body"].clone();
    let expected = Sent::new("POST", "/v2/bookings", VERSION).body(body);
    assert_eq!(sent(&server).await, [expected]);
    let booking = single(booked);
    assert_eq!(booking.uid.as_str(), "hRocbBzoTr66HPURF7JjjJ");
    assert_eq!(booking.status, BookingStatus::Accepted);
    assert_eq!(booking.start, at("2026-12-08T09:00:00Z"));
    assert_eq!(booking.end, at("2026-12-08T09:30:00Z"));
    assert_eq!(booking.event_type_id(), Some(EventTypeId::new(2)));
    assert_eq!(booking.metadata_str("orderId"), Some("A-1001"));
    assert_eq!(booking.attendees[0].email, "ann@example.com");
    assert_eq!(booking.hosts[0].email, "hanna@example.com");
    assert_eq!(booking.guests, ["guest@example.com"]);
}

#[tokio::test]
async fn create_sends_nothing_that_was_not_said() {
    let server = answering(recorded("066-booking-create")).await;
    let wanted = NewBooking::new(EventTypeId::new(2), at("2026-12-08T10:00:00+01:00"), ann());
    client(&server).bookings().create(&wanted).await.unwrap();
    let expected = Sent::new("POST", "/v2/bookings", VERSION).body(json!({
        "start": "2026-12-08T09:00:00Z",
        "eventTypeId": 2,
        "attendee": {"name": "Ann Attendee", "email": "ann@example.com", "timeZone": "Europe/London"},
    }));
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn create_sends_everything_that_was_said() {
    let server = answering(recorded("066-booking-create")).await;
    let target = EventTypeTarget::user("hanna", "intro-30").in_organization("acme");
    let mut attendee = ann();
    attendee.email = None;
    attendee.phone_number = Some("+4930123456".to_owned());
    let mut wanted = NewBooking::new(target, at("2026-12-08T09:00:00.250Z"), attendee);
    wanted = wanted.with_length(45);
    wanted.recurrence_count = Some(3);
    wanted.location = Some(BookingLocation::attendee_phone("+4930123456"));
    client(&server).bookings().create(&wanted).await.unwrap();
    let by_team = EventTypeTarget::team("sales", "round-robin");
    let team = NewBooking::new(by_team, at("2026-12-08T09:00:00Z"), ann());
    client(&server).bookings().create(&team).await.unwrap();

    let sent = sent(&server).await;
    let user = Sent::new("POST", "/v2/bookings", VERSION).body(json!({
        "start": "2026-12-08T09:00:00.250Z",
        "eventTypeSlug": "intro-30",
        "username": "hanna",
        "organizationSlug": "acme",
        "attendee": {"name": "Ann Attendee", "timeZone": "Europe/London", "phoneNumber": "+4930123456"},
        "lengthInMinutes": 45,
        "location": {"type": "attendeePhone", "phone": "+4930123456"},
        "recurrenceCount": 3,
    }));
    assert_eq!(sent[0], user);
    let team = sent[1].body.as_ref().unwrap();
    assert_eq!(
        (&team["eventTypeSlug"], &team["teamSlug"]),
        (&json!("round-robin"), &json!("sales"))
    );
    assert_eq!(team.get("username"), None);
}

#[tokio::test]
async fn create_reads_a_series_in_order() {
    let server = answering(recorded("213-booking-create-recurring")).await;
    let wanted = NewBooking::new(EventTypeId::new(5), at("2027-01-11T09:00:00Z"), ann());
    let booked = client(&server).bookings().create(&wanted).await.unwrap();
    let BookingOrSeries::Series(series) = booked else {
        panic!("not a series");
    };
    assert!(series.len() > 1);
    assert!(series.is_sorted_by_key(|booking| booking.start));
    assert!(series.iter().all(Booking::is_recurring));
}

#[tokio::test]
async fn create_reads_seats() {
    let server = answering(recorded("223-booking-create-seated-2-same-slot")).await;
    let wanted = NewBooking::new(EventTypeId::new(6), at("2027-01-14T09:00:00Z"), ann());
    let booking = single(client(&server).bookings().create(&wanted).await.unwrap());
    assert!(booking.is_seated());
    assert!(booking.seat_uid.is_some());
    assert_eq!(booking.attendees.len(), 2);
    assert_eq!(booking.description, None);
}

#[tokio::test]
async fn get_sends_the_uid_in_the_path_and_no_body() {
    let server = answering(recorded("205-booking-get-team")).await;
    let uid = BookingUid::new("hRocbBzoTr66HPURF7JjjJ");
    client(&server).bookings().get(&uid).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings/hRocbBzoTr66HPURF7JjjJ", VERSION);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn list_reads_a_page_and_where_it_stands() {
    let server = answering(recorded("136-bookings-list-take-skip")).await;
    let query = BookingQuery::default().with_take(2).with_skip(1);
    let page = client(&server).bookings().list(&query).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings", VERSION).query(&[("take", "2"), ("skip", "1")]);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(page.items[0].uid.as_str(), "hRocbBzoTr66HPURF7JjjJ");
    let pagination = page.pagination.unwrap();
    assert_eq!(
        (pagination.total_items, pagination.has_next_page),
        (14, true)
    );
}

#[tokio::test]
async fn list_reads_an_empty_page() {
    let server = answering(recorded("127-bookings-list-status-past")).await;
    let query = BookingQuery::default();
    let page = client(&server).bookings().list(&query).await.unwrap();
    assert_eq!(
        sent(&server).await,
        [Sent::new("GET", "/v2/bookings", VERSION)]
    );
    assert!(page.items.is_empty());
    assert!(!page.pagination.unwrap().has_next_page);
}

#[tokio::test]
async fn reschedule_sends_start_reason_and_author_and_reads_the_successor() {
    let server = answering(recorded("146-booking-reschedule")).await;
    let uid = BookingUid::new("hRocbBzoTr66HPURF7JjjJ");
    let params = RescheduleParams::default()
        .with_reason("conflict at my side")
        .with_rescheduled_by("hanna@example.com");
    let start = at("2026-12-11T09:00:00Z");
    let successor = client(&server)
        .bookings()
        .reschedule(&uid, start, &params)
        .await
        .unwrap();
    let body = fixture("146-booking-reschedule")["request"]["body"].clone();
    let path = "/v2/bookings/hRocbBzoTr66HPURF7JjjJ/reschedule";
    assert_eq!(
        sent(&server).await,
        [Sent::new("POST", path, VERSION).body(body)]
    );
    assert_ne!(successor.uid, uid);
    assert_eq!(successor.rescheduled_from_uid, Some(uid));
    assert_eq!(successor.start, start);
}

#[tokio::test]
async fn reschedule_of_one_seat_names_it_and_nothing_else() {
    let server = answering(recorded("146-booking-reschedule")).await;
    let params = RescheduleParams::default().with_seat("seat-1".into());
    let start = at("2026-12-11T09:00:00Z");
    let (client, uid) = (client(&server), "u".into());
    let bookings = client.bookings();
    bookings.reschedule(&uid, start, &params).await.unwrap();
    let body = json!({"start": "2026-12-11T09:00:00Z", "seatUid": "seat-1"});
    let expected = Sent::new("POST", "/v2/bookings/u/reschedule", VERSION).body(body);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn cancel_sends_the_reason_and_reads_the_cancelled_booking() {
    let server = answering(recorded("188-booking-cancel-rejected")).await;
    let uid = BookingUid::new("fijhrPKvntVgZhRCD5HUpa");
    let cancelled = client(&server)
        .bookings()
        .cancel(&uid, &CancelParams::reason("x"))
        .await
        .unwrap();
    let path = "/v2/bookings/fijhrPKvntVgZhRCD5HUpa/cancel";
    let body = json!({"cancellationReason": "x"});
    assert_eq!(
        sent(&server).await,
        [Sent::new("POST", path, VERSION).body(body)]
    );
    assert_eq!(
        (&cancelled.uid, &cancelled.status),
        (&uid, &BookingStatus::Cancelled)
    );
}

#[tokio::test]
async fn cancel_sends_what_was_said_and_no_more() {
    let server = answering(recorded("188-booking-cancel-rejected")).await;
    let client = client(&server);
    let nothing = CancelParams::default();
    client
        .bookings()
        .cancel(&"u".into(), &nothing)
        .await
        .unwrap();
    let rest = CancelParams::reason("ill");
    let bookings = client.bookings();
    let read = bookings.cancel_with_subsequent(&"u".into(), &rest).await;
    assert_eq!(read.unwrap().len(), 1);
    let seat = CancelParams::default().with_seat("seat-1".into());
    client.bookings().cancel(&"u".into(), &seat).await.unwrap();
    let rest = json!({"cancellationReason": "ill", "cancelSubsequentBookings": true});
    let expected = [json!({}), rest, json!({"seatUid": "seat-1"})]
        .map(|body| Sent::new("POST", "/v2/bookings/u/cancel", VERSION).body(body));
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn cancel_with_subsequent_reads_every_booking() {
    let server = answering(recorded("220-booking-cancel-recurring-uid-all")).await;
    let uid = BookingUid::new("9iuaniiCbKcbT7VbXz9tLk");
    let cancelled = client(&server)
        .bookings()
        .cancel_with_subsequent(&uid, &CancelParams::reason("all"))
        .await
        .unwrap();
    assert_eq!(cancelled.len(), 2);
    let ended = |booking: &Booking| booking.status == BookingStatus::Cancelled;
    assert!(cancelled.iter().all(ended));
}

#[tokio::test]
async fn cancel_series_takes_the_series_uid_and_reads_every_booking() {
    let server = answering(recorded("220-booking-cancel-recurring-uid-all")).await;
    let uid = RecurringBookingUid::new("32874e6a-d0d4-456a-8f59-5ec412810211");
    let cancelled = client(&server)
        .bookings()
        .cancel_series(&uid, &CancelParams::reason("all"))
        .await
        .unwrap();
    let path = "/v2/bookings/32874e6a-d0d4-456a-8f59-5ec412810211/cancel";
    let body = json!({"cancellationReason": "all"});
    assert_eq!(
        sent(&server).await,
        [Sent::new("POST", path, VERSION).body(body)]
    );
    assert_eq!(cancelled.len(), 2);
    for booking in cancelled {
        assert_eq!(booking.status, BookingStatus::Cancelled);
        assert_eq!(booking.recurring_booking_uid, Some(uid.clone()));
    }
}

#[tokio::test]
async fn another_version_is_asked_for_only_where_it_was_set() {
    let server = answering(recorded("205-booking-get-team")).await;
    let versions = ApiVersions::default().with_bookings(ApiVersion::new("2026-02-25").unwrap());
    let client = builder(&format!("{}/v2", server.uri()))
        .versions(versions)
        .build()
        .unwrap();
    client.bookings().get(&"u".into()).await.unwrap();
    // What the others say does not matter here: they are asked, not read.
    let _ = client.event_types().get(EventTypeId::new(2)).await;
    let _ = client.me().get().await;
    let versions: Vec<_> = sent(&server).await.into_iter().map(|s| s.version).collect();
    let expected = [Some("2026-02-25"), Some("2024-06-14"), None];
    assert_eq!(versions, expected.map(|v| v.map(str::to_owned)));
}
