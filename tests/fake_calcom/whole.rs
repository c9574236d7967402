//! What a caller, a subscriber and a script of faults can rely on.

use std::time::Duration;

use calcom::model::{BookingUid, NewAttendee, NewBooking, NewWebhook, Trigger};
use calcom::testing::{
    DeliveryOutcome, FakeCalcom, FakeEventType, Fault, ManualClock, Operation, RequestOutcome,
    Then, When, sign,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Api, SECRET, ann, at, booking_body, eventually, hour, with_receiver};

#[tokio::test]
async fn webhooks_are_signed_and_arrive_before_the_answer() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let api = Api::new(&fake);
    let (status, made) = api.book(hour(9)).await;
    assert_eq!(status, 201);
    let (headers, body) = receiver.got.lock().unwrap()[0].clone();
    assert_eq!(headers["x-cal-signature-256"], sign(SECRET, &body));
    calcom::webhook::verify(&[SECRET.into()], &headers, &body).unwrap();
    assert_eq!(headers.get("x-cal-webhook-version"), None);
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["payload"]["uid"], made["data"]["uid"]);
    assert_eq!(fake.deliveries()[0].outcome, DeliveryOutcome::Answered(200));
}

#[tokio::test]
async fn what_people_do_is_told_as_the_api_tells_it() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let asking = fake.add_event_type(FakeEventType::new("asking", 30).with_confirmation());
    let new = |hours| NewBooking::new(asking, hour(hours), ann()).with_metadata("ref", "1");
    let first = fake.book(new(9)).await.unwrap();
    fake.confirm(&first.uid).await.unwrap();
    let moved = fake.move_booking(&first.uid, hour(10)).await.unwrap();
    assert_eq!(moved.rescheduled_from_uid, Some(first.uid.clone()));
    assert_eq!(moved.ics_uid, first.ics_uid);
    assert_eq!(moved.metadata_str("ref"), Some("1"));
    fake.cancel_booking(&moved.uid, "ill").await.unwrap();
    let second = fake.book(new(12)).await.unwrap();
    fake.decline(&second.uid, "no").await.unwrap();
    assert_eq!(
        receiver.triggers(),
        [
            "BOOKING_REQUESTED",
            "BOOKING_CREATED",
            "BOOKING_RESCHEDULED",
            "BOOKING_CANCELLED",
            "BOOKING_REQUESTED",
            "BOOKING_REJECTED"
        ]
    );
    let bodies = receiver.bodies();
    let with_metadata: Vec<bool> = bodies
        .iter()
        .map(|body| body["payload"].get("metadata").is_some())
        .collect();
    assert_eq!(with_metadata, [true, false, true, false, true, false]);
    assert_eq!(bodies[2]["payload"]["rescheduleUid"], first.uid.as_str());
    assert!(fake.live_bookings().is_empty());
    assert!(fake.requests().is_empty(), "people make no requests");
    let refused = fake.cancel_booking(&moved.uid, "again").await.unwrap_err();
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn identical_bookings_at_once_are_made_once() {
    let fake = FakeCalcom::builder()
        .processing_time(Duration::from_millis(100))
        .start()
        .await
        .unwrap();
    let api = Api::new(&fake);
    let all = futures_util::future::join_all((0..5).map(|_| api.book(hour(9)))).await;
    let mut statuses: Vec<u16> = all.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409]);
    assert_eq!(
        all.iter().find(|(status, _)| *status == 409).unwrap().1,
        json!({"statusCode": 409, "message": "booking_conflict_error"})
    );
    assert_eq!(
        api.book(hour(9)).await.0,
        400,
        "and afterwards the time is taken"
    );
}

#[tokio::test]
async fn reschedules_at_once_leave_two_successors() {
    let fake = FakeCalcom::builder()
        .processing_time(Duration::from_millis(100))
        .start()
        .await
        .unwrap();
    let api = Api::new(&fake);
    let made = fake
        .book(NewBooking::new(fake.event_type_id(), hour(9), ann()))
        .await
        .unwrap();
    let path = format!("bookings/{}/reschedule", made.uid);
    let (one, two) = (json!({"start": hour(10)}), json!({"start": hour(11)}));
    let (one, two) = tokio::join!(api.post(&path, &one), api.post(&path, &two));
    assert_eq!((one.0, two.0), (201, 201));
    assert_eq!(fake.live_bookings().len(), 2);
    let third = fake
        .force_second_successor(&made.uid, hour(12))
        .await
        .unwrap();
    assert_eq!(
        fake.booking(&made.uid).unwrap().rescheduled_to_uid,
        Some(third.uid)
    );
    assert_eq!(fake.live_bookings().len(), 3);
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_answers() {
    async fn run(seed: u64) -> (Vec<Value>, Vec<Vec<u8>>) {
        let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
        let builder = FakeCalcom::builder().seed(seed).clock(clock.shared());
        let fake = builder.start().await.unwrap();
        fake.subscribe(
            "http://127.0.0.1:9/",
            SECRET,
            NewWebhook::booking_triggers(),
        );
        fake.inject(Fault::new(When::Any, Then::LoseWebhook).always());
        let api = Api::new(&fake);
        let mut answers = vec![api.book(hour(9)).await.1, api.get("bookings").await.1];
        let uid = answers[0]["data"]["uid"].as_str().unwrap().to_owned();
        let path = format!("bookings/{uid}/reschedule");
        answers.push(api.post(&path, &json!({"start": hour(11)})).await.1);
        (
            answers,
            fake.deliveries().iter().map(|d| d.body.to_vec()).collect(),
        )
    }
    let (one, two, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(one.0, two.0);
    // The bodies name the fake's own port, so only their number can be the same.
    assert_eq!(one.1.len(), two.1.len());
    assert_ne!(one.0, other.0);
}

#[tokio::test]
async fn faults_of_requests() {
    let fake = FakeCalcom::start().await.unwrap();
    let api = Api::new(&fake);
    let book = |hours| {
        let body = booking_body(&fake, hour(hours));
        let api = &api;
        async move { api.send("POST", "bookings", Some(&body)).await }
    };
    let inject = |then| fake.inject(Fault::new(Operation::CreateBooking, then));

    inject(Then::DropBeforeApplying);
    assert!(book(1).await.is_err());
    assert!(fake.bookings().is_empty());

    inject(Then::ApplyThenDrop);
    assert!(book(1).await.is_err());
    assert_eq!(fake.bookings().len(), 1);

    inject(Then::TruncateBody);
    assert!(book(2).await.is_err());
    assert_eq!(fake.bookings().len(), 2);

    inject(Then::status(503));
    assert_eq!(book(3).await.unwrap().0, 503);
    inject(Then::html_page(502));
    assert!(
        book(3)
            .await
            .unwrap()
            .1
            .as_str()
            .unwrap()
            .contains("<html>")
    );
    inject(Then::too_many_requests(7));
    assert_eq!(
        book(3).await.unwrap().1["error"]["code"],
        "ThrottlerException"
    );
    assert_eq!(
        fake.bookings().len(),
        2,
        "an answer by script applies nothing"
    );

    for then in [
        Then::DelayBefore(Duration::from_millis(80)),
        Then::DelayAfterApplying(Duration::from_millis(80)),
    ] {
        fake.inject(Fault::new(When::AnyWrite, then));
        let begin = Instant::now();
        assert_eq!(book(fake.bookings().len() as i64 + 1).await.unwrap().0, 201);
        assert!(begin.elapsed() >= Duration::from_millis(80));
    }

    let writes = fake.writes();
    let outcomes: Vec<_> = writes.iter().map(|w| (w.outcome, w.applied)).collect();
    assert_eq!(
        outcomes,
        [
            (RequestOutcome::Dropped, false),
            (RequestOutcome::Dropped, true),
            (RequestOutcome::Answered(201), true),
            (RequestOutcome::Answered(503), false),
            (RequestOutcome::Answered(502), false),
            (RequestOutcome::Answered(429), false),
            (RequestOutcome::Answered(201), true),
            (RequestOutcome::Answered(201), true),
        ]
    );
    assert_eq!(writes[0].header("authorization"), Some("[redacted]"));
    assert!(!format!("{fake:?} {writes:?}").contains("ann@example.com"));
}

#[tokio::test]
async fn a_request_goes_on_when_its_client_has_gone() {
    let fake = FakeCalcom::start().await.unwrap();
    let api = Api::new(&fake);
    let slow = Then::DelayBefore(Duration::from_millis(100));
    fake.inject(Fault::new(Operation::CreateBooking, slow));
    let call = api.book(hour(9));
    assert!(
        tokio::time::timeout(Duration::from_millis(30), call)
            .await
            .is_err()
    );
    eventually(|| fake.bookings().len() == 1).await;
}

#[tokio::test]
async fn faults_of_webhooks() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let book = async |hours| {
        fake.book(NewBooking::new(fake.event_type_id(), hour(hours), ann()))
            .await
            .unwrap()
    };
    fake.inject(Fault::new(Operation::CreateBooking, Then::LoseWebhook));
    fake.inject(Fault::new(Trigger::BookingCreated, Then::DoubleWebhook));
    book(1).await;
    book(2).await;
    let got: Vec<Vec<u8>> = receiver
        .got
        .lock()
        .unwrap()
        .iter()
        .map(|(_, b)| b.clone())
        .collect();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0], got[1]);

    fake.inject(Fault::new(When::Any, Then::HoldWebhooks).times(2));
    let (third, fourth) = (book(3).await, book(4).await);
    assert_eq!(receiver.bodies().len(), 2);
    let held = |uid: &BookingUid| {
        let all = fake.deliveries();
        all.iter().find(|d| d.booking_uid == *uid).unwrap().id
    };
    fake.release(&[held(&fourth.uid), held(&third.uid)]).await;
    let uids: Vec<Value> = receiver
        .bodies()
        .iter()
        .skip(2)
        .map(|b| b["payload"]["uid"].clone())
        .collect();
    assert_eq!(uids, [fourth.uid.as_str(), third.uid.as_str()]);

    fake.inject(Fault::new(
        When::Any,
        Then::DelayWebhook(Duration::from_millis(50)),
    ));
    book(5).await;
    assert_eq!(receiver.bodies().len(), 4, "nobody waited");
    eventually(|| receiver.bodies().len() == 5).await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let fake = FakeCalcom::builder()
        .clock(clock.shared())
        .start()
        .await
        .unwrap();
    let api = Api::new(&fake);
    let mut made = Vec::new();
    for hours in [3, 1, 2] {
        clock.advance(Duration::from_secs(60));
        let new = NewBooking::new(fake.event_type_id(), hour(hours), ann());
        made.push(fake.book(new).await.unwrap().uid);
    }
    clock.advance(Duration::from_secs(60));
    fake.cancel_booking(&made[0], "x").await.unwrap();
    let list = async |query: &str| {
        let (status, body) = api.get(&format!("bookings?{query}")).await;
        assert_eq!(status, 200, "{body}");
        let uids: Vec<usize> = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| {
                made.iter()
                    .position(|uid| b["uid"] == uid.as_str())
                    .unwrap()
            })
            .collect();
        (uids, body["pagination"].clone())
    };
    assert_eq!(list("").await.0, [1, 2, 0]);
    assert_eq!(list("sortStart=desc").await.0, [0, 2, 1]);
    assert_eq!(list("sortUpdatedAt=desc").await.0, [0, 2, 1]);
    assert_eq!(list("status=upcoming").await.0, [1, 2]);
    assert_eq!(list("status=upcoming,cancelled").await.0, [1, 2, 0]);
    assert_eq!(list("status=cancelled").await.0, [0]);
    assert_eq!(list("attendeeEmail=Ann@example.com").await.0, [0; 0]);
    assert_eq!(
        list("attendeeEmail=ann@example.com&foo=bar").await.0,
        [1, 2, 0]
    );
    assert_eq!(list("afterStart=2099-12-07T02:00:00Z").await.0, [2, 0]);
    assert_eq!(list("beforeEnd=2099-12-07T02:30:00Z").await.0, [1, 2]);
    assert_eq!(list("afterUpdatedAt=2026-12-01T08:03:00Z").await.0, [2, 0]);
    assert_eq!(list(&format!("bookingUid={}", made[2])).await.0, [2]);
    assert_eq!(list("eventTypeIds=7,8").await.0, [0; 0]);
    let (page, pagination) = list("take=2&skip=1").await;
    assert_eq!(page, [2, 0]);
    assert_eq!(
        pagination,
        json!({
            "returnedItems": 2, "totalItems": 3, "itemsPerPage": 2, "remainingItems": 0, "currentPage": 1,
            "totalPages": 2, "hasNextPage": false, "hasPreviousPage": true,
        })
    );
    assert_eq!(api.get("bookings?take=0").await.0, 400);
    fake.set_status(&made[1], "awaiting_host");
    assert_eq!(
        fake.booking(&made[1]).unwrap().status.as_str(),
        "awaiting_host"
    );
    fake.forget(&made[1]);
    assert_eq!(api.get(&format!("bookings/{}", made[1])).await.0, 404);
    assert_eq!(list("").await.0, [2, 0]);
}

#[tokio::test]
async fn slots_follow_hours_bookings_and_time_zones() {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let fake = FakeCalcom::builder()
        .clock(clock.shared())
        .start()
        .await
        .unwrap();
    let id = fake.add_event_type(FakeEventType::new("desk", 60).with_hours(9..12));
    let api = Api::new(&fake);
    let slots = async |query: &str| {
        let (status, body) = api.get(&format!("slots?eventTypeId={id}&{query}")).await;
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    };
    let new = NewBooking::new(id, at("2026-12-07T10:00:00Z"), ann());
    fake.book(new.clone()).await.unwrap();
    assert_eq!(
        slots("start=2026-12-07&end=2026-12-07").await,
        json!({"2026-12-07": [{"start": "2026-12-07T09:00:00.000Z"}, {"start": "2026-12-07T11:00:00.000Z"}]})
    );
    assert_eq!(
        slots("start=2026-12-07&end=2026-12-07&timeZone=Pacific/Auckland&format=range").await["2026-12-08"]
            [0],
        json!({"start": "2026-12-08T00:00:00.000+13:00", "end": "2026-12-08T01:00:00.000+13:00"})
    );
    assert_eq!(
        slots("start=2026-11-07&end=2026-11-08").await,
        json!({}),
        "the past"
    );
    let bad =
        format!("slots?eventTypeId={id}&start=2026-12-07&end=2026-12-07&timeZone=Mars/Olympus");
    assert_eq!(api.get(&bad).await.0, 400);
    let mut early = new;
    early.start = at("2026-12-07T08:30:00Z");
    assert_eq!(
        fake.book(early).await.unwrap_err().status,
        400,
        "outside the hours"
    );
}

#[tokio::test]
async fn other_peoples_things() {
    let fake = FakeCalcom::start().await.unwrap();
    let oskar = fake.add_user("oskar");
    let his = fake.add_event_type(FakeEventType::new("his", 30).with_owner(oskar.id));
    let api = Api::new(&fake);
    assert_eq!(api.get(&format!("event-types/{his}")).await.0, 404);
    assert_eq!(
        api.get("event-types?username=oskar").await.1["data"][0]["slug"],
        "his"
    );
    let made = fake
        .book(NewBooking::new(his, hour(1), ann()))
        .await
        .unwrap();
    assert_eq!(made.hosts[0].id, Some(oskar.id));
    assert_eq!(
        api.get(&format!("bookings/{}", made.uid)).await.0,
        200,
        "whoever knows the uid"
    );
    assert_eq!(api.get("bookings").await.1["data"], json!([]));
    assert_eq!(
        api.post("bookings/nobody/reschedule", &json!({"start": hour(2)}))
            .await
            .0,
        500
    );
}

#[tokio::test]
async fn a_seat_is_given_up_and_moved() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let id = fake.add_event_type(FakeEventType::new("class", 60).with_seats(2));
    let new = |name: &str| {
        let somebody =
            NewAttendee::new(name, format!("{name}@example.com"), "Europe/Berlin".into());
        NewBooking::new(id, hour(9), somebody)
    };
    let first = fake.book(new("sam")).await.unwrap();
    let second = fake.book(new("tess")).await.unwrap();
    assert_eq!(first.uid, second.uid);
    assert_eq!(
        fake.book(new("tess")).await.unwrap_err().message,
        "already_signed_up_for_this_booking_error"
    );
    assert_eq!(fake.book(new("uma")).await.unwrap_err().status, 409);
    let api = Api::new(&fake);
    let path = format!("bookings/{}", first.uid);
    let move_to = json!({"start": hour(11), "seatUid": second.seat_uid.unwrap()});
    let (status, moved) = api.post(&format!("{path}/reschedule"), &move_to).await;
    assert_eq!(
        (status, moved["data"]["attendees"][0]["name"].as_str()),
        (201, Some("tess"))
    );
    // A host's key can do neither.
    let seat = first.seat_uid.unwrap();
    let body = json!({"seatUid": seat, "cancellationReason": "x"});
    assert_eq!(api.post(&format!("{path}/cancel"), &body).await.0, 400);
    let body = json!({"seatUid": seat});
    assert_eq!(api.post(&format!("{path}/cancel"), &body).await.0, 400);
    let told = receiver.bodies();
    assert!(
        told.iter()
            .all(|body| body["payload"]["attendees"].as_array().unwrap().len() == 1)
    );
}

#[tokio::test]
async fn a_series_ends_with_one_webhook() {
    let fake = FakeCalcom::start().await.unwrap();
    let receiver = with_receiver(&fake).await;
    let weekly = FakeEventType::new("weekly", 30).with_recurrence("weekly".into(), 1, 4);
    let id = fake.add_event_type(weekly);
    let mut new = NewBooking::new(id, hour(9), ann());
    new.recurrence_count = Some(3);
    let first = fake.book(new).await.unwrap();
    assert_eq!(fake.bookings().len(), 3);
    let api = Api::new(&fake);
    let path = format!("bookings/{}", first.recurring_booking_uid.unwrap());
    let (_, series) = api.get(&path).await;
    assert_eq!(series["data"].as_array().unwrap().len(), 3);
    let path = format!("{path}/cancel");
    let (status, ended) = api.post(&path, &json!({"cancellationReason": "all"})).await;
    assert_eq!((status, ended["data"].as_array().unwrap().len()), (200, 3));
    assert_eq!(
        receiver
            .triggers()
            .iter()
            .filter(|t| *t == "BOOKING_CANCELLED")
            .count(),
        1
    );
}

#[tokio::test]
async fn too_many_requests_are_refused_until_the_reset() {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let builder = FakeCalcom::builder().clock(clock.shared()).rate_limit(2);
    let fake = builder.start().await.unwrap();
    let api = Api::new(&fake);
    assert_eq!(api.get("me").await.0, 200);
    assert_eq!(api.get("me").await.0, 200);
    let (status, body) = api.get("me").await;
    assert_eq!(
        (status, &body["error"]["details"]),
        (429, &body["error"]["message"])
    );
    clock.advance(Duration::from_secs(60));
    assert_eq!(api.get("me").await.0, 200);
}

#[tokio::test]
async fn offline_and_back() {
    let fake = FakeCalcom::start().await.unwrap();
    let api = Api::new(&fake);
    assert_eq!(api.get("me").await.0, 200);
    fake.go_offline().await;
    let error = api.send("GET", "me", None).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    fake.book(NewBooking::new(fake.event_type_id(), hour(1), ann()))
        .await
        .unwrap();
    fake.come_back().await.unwrap();
    assert_eq!(api.get("bookings").await.1["pagination"]["totalItems"], 1);
}

#[tokio::test]
async fn it_stops_when_told_and_when_the_last_handle_goes() {
    let fake = FakeCalcom::start().await.unwrap();
    let slow = Then::DelayBefore(Duration::from_secs(3600));
    fake.inject(Fault::new(When::Any, slow));
    let api = Api::new(&fake);
    let call = tokio::spawn(async move { api.send("GET", "me", None).await });
    eventually(|| fake.requests().len() == 1).await;
    tokio::time::timeout(Duration::from_secs(2), fake.shutdown())
        .await
        .unwrap();
    assert!(call.await.unwrap().is_err());

    let fake = FakeCalcom::start().await.unwrap();
    let address = fake.address();
    let other = fake.clone();
    drop(fake);
    assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    drop(other);
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it still listens");
}

#[tokio::test]
async fn no_request_breaks_it() {
    let fake = FakeCalcom::start().await.unwrap();
    let id = fake.event_type_id();
    let made = fake
        .book(NewBooking::new(id, hour(1), ann()))
        .await
        .unwrap()
        .uid;
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{\"start\":1}",
        "\u{0}",
        "{\"start\":\"+262142-12-31T23:59:59Z\",\"eventTypeId\":1,\"attendee\":{\"name\":\"a\",\"email\":\"a@b.c\",\"timeZone\":\"UTC\"}}",
        "{\"start\":\"9999-12-31T23:59:59Z\",\"eventTypeId\":1,\"attendee\":{\"name\":\"a\",\"email\":\"a@b.c\",\"timeZone\":\"UTC\"},\"lengthInMinutes\":4294967295}",
        "{\"start\":\"9999-12-31T23:59:59Z\",\"eventTypeId\":1,\"attendee\":{\"name\":\"a\",\"email\":\"a@b.c\",\"timeZone\":\"UTC\"}}",
        "{\"metadata\":[],\"guests\":{},\"attendee\":[],\"recurrenceCount\":-1}",
        "{\"attendees\":[{}],\"host\":3,\"triggers\":{},\"active\":1,\"seatUid\":{}}",
    ];
    let paths = [
        "/",
        "/v2",
        "/v2/",
        "//",
        "/v2//bookings",
        "/api/v2/bookings",
        "/v2/bookings",
        "/v2/bookings/%00",
        "/v2/bookings/{uid}",
        "/v2/bookings/{uid}/cancel",
        "/v2/bookings/{uid}/reschedule",
        "/v2/bookings/{uid}/confirm",
        "/v2/bookings/{uid}/decline",
        "/v2/bookings/{uid}/mark-absent",
        "/v2/webhooks",
        "/v2/webhooks/x",
        "/v2/event-types/x",
        "/v2/bookings?take=-1&skip=x",
        "/v2/bookings?skip=18446744073709551615&take=250",
        "/v2/bookings?afterStart=%ff",
        "/v2/slots?eventTypeId=1&start=0000-01-01&end=9999-12-31",
        "/v2/slots?eventTypeId=1&start=9999-12-31&end=9999-12-31",
        "/v2/slots?eventTypeId=1&start=2099-12-07&end=1999-12-31",
        "/v2/slots?duration=0&eventTypeId=1&start=2099-12-07&end=2099-12-07",
    ];
    for path in paths {
        for body in bodies {
            for (method, version) in [
                ("GET", "2024-08-13"),
                ("POST", "2024-08-13"),
                ("GET", "2024-09-04"),
                ("PATCH", "x"),
            ] {
                let request = http::Request::builder()
                    .method(method)
                    .uri(path.replace("{uid}", made.as_str()).replace('\u{0}', ""))
                    .header("cal-api-version", version)
                    .header("content-type", "application/json")
                    .header(
                        "authorization",
                        format!("Bearer {}", fake.api_key().expose_secret()),
                    )
                    .body(bytes::Bytes::from(body))
                    .unwrap();
                let answer = fake.exchange(request).await;
                assert!(answer.is_some(), "{method} {path} {body}");
            }
        }
    }
    // What was made on the way can be told, and nothing was poisoned.
    assert!(!fake.bookings().is_empty());
    assert_eq!(Api::new(&fake).get("me").await.0, 200);
}
