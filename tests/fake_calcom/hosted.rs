//! The hosted service: webhooks come later, in any order, and tell the booking as it is then.

use std::ops::Range;
use std::time::Duration;

use calcom::model::{BookingUid, NewBooking, NewWebhook};
use calcom::testing::{
    DeliveryOutcome, FakeCalcom, FakeEventType, Fault, Operation, ServerKind, Then, When, sign,
};
use serde_json::{Value, json};

use crate::support::{Api, SECRET, ann, eventually, hour, with_receiver};

/// A hosted server whose webhooks take so many milliseconds.
async fn hosted(delay: Range<u64>) -> FakeCalcom {
    let kind = ServerKind::hosted(
        Duration::from_millis(delay.start),
        Duration::from_millis(delay.end),
    );
    FakeCalcom::builder().server(kind).start().await.unwrap()
}

async fn booked(fake: &FakeCalcom, hours: i64) -> BookingUid {
    let new = NewBooking::new(fake.event_type_id(), hour(hours), ann());
    fake.book(new).await.unwrap().uid
}

#[tokio::test]
async fn hosted_timing_tells_later_and_tries_three_times() {
    let fake = hosted(20..40).await;
    let receiver = with_receiver(&fake).await;
    *receiver.answers.lock().unwrap() = vec![503, 429, 200, 400, 410];
    let book = async |hours| {
        fake.book(NewBooking::new(fake.event_type_id(), hour(hours), ann()))
            .await
            .unwrap()
    };
    book(1).await;
    assert!(receiver.bodies().is_empty());
    eventually(|| fake.deliveries()[0].outcome == DeliveryOutcome::Answered(200)).await;
    let bodies = receiver.bodies();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    // Any other 4xx loses the event, and 410 ends the subscription.
    book(2).await;
    eventually(|| fake.deliveries()[1].outcome == DeliveryOutcome::Answered(400)).await;
    book(3).await;
    eventually(|| fake.deliveries()[2].outcome == DeliveryOutcome::Answered(410)).await;
    book(4).await;
    assert_eq!(fake.deliveries().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn hosted_delays_pass_at_once_in_paused_time() {
    let fake = hosted(500..45_000).await;
    fake.subscribe("no url at all", SECRET, NewWebhook::booking_triggers());
    fake.book(NewBooking::new(fake.event_type_id(), hour(1), ann()))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(fake.deliveries()[0].attempts, 3);
    assert_eq!(fake.deliveries()[0].outcome, DeliveryOutcome::Failed);
}

#[tokio::test]
async fn a_delivery_tells_the_booking_as_it_is_when_it_is_sent() {
    let fake = hosted(0..1).await;
    let receiver = with_receiver(&fake).await;
    fake.inject(Fault::new(When::Any, Then::HoldWebhooks).times(3));
    let old = booked(&fake, 9).await;
    let new = fake.move_booking(&old, hour(10)).await.unwrap().uid;
    fake.cancel_booking(&new, "ill").await.unwrap();
    let ids: Vec<usize> = fake.deliveries().iter().map(|d| d.id).collect();
    assert_eq!(ids, [0, 1, 2]);
    fake.release(&[2, 1, 0]).await;
    let told: Vec<[Value; 4]> = receiver
        .bodies()
        .iter()
        .map(|body| {
            let payload = &body["payload"];
            [
                body["triggerEvent"].clone(),
                payload["uid"].clone(),
                payload["status"].clone(),
                payload["startTime"].clone(),
            ]
        })
        .collect();
    let (old, new) = (json!(old), json!(new));
    let [nine, ten] = [json!("2099-12-07T09:00:00Z"), json!("2099-12-07T10:00:00Z")];
    let cancelled = json!("CANCELLED");
    assert_eq!(
        told,
        [
            [
                json!("BOOKING_CANCELLED"),
                new.clone(),
                cancelled.clone(),
                json!("2099-12-07T10:00:00+00:00")
            ],
            [json!("BOOKING_RESCHEDULED"), new, cancelled.clone(), ten],
            [json!("BOOKING_CREATED"), old, cancelled, nine],
        ]
    );
    // What was recorded is what was sent, and it is signed.
    let sent = receiver.got.lock().unwrap().clone();
    for ((headers, body), delivery) in sent.iter().zip(fake.deliveries().iter().rev()) {
        assert_eq!(*body, delivery.body);
        assert_eq!(headers["x-cal-signature-256"], sign(SECRET, body));
    }
}

#[tokio::test]
async fn a_request_that_was_confirmed_before_it_was_told_is_told_as_accepted() {
    let fake = hosted(0..1).await;
    let receiver = with_receiver(&fake).await;
    let id = fake.add_event_type(FakeEventType::new("asking", 30).with_confirmation());
    fake.inject(Fault::new(Operation::CreateBooking, Then::HoldWebhooks));
    let asked = fake
        .book(NewBooking::new(id, hour(9), ann()))
        .await
        .unwrap();
    fake.confirm(&asked.uid).await.unwrap();
    eventually(|| receiver.bodies().len() == 1).await;
    fake.release(&[0]).await;
    assert_eq!(
        receiver.triggers(),
        ["BOOKING_CREATED", "BOOKING_REQUESTED"]
    );
    assert_eq!(receiver.bodies()[1]["payload"]["status"], "ACCEPTED");
}

#[tokio::test]
async fn every_attempt_and_every_copy_has_the_bytes_of_the_first() {
    let fake = hosted(30..60).await;
    let receiver = with_receiver(&fake).await;
    *receiver.answers.lock().unwrap() = vec![503, 503, 200];
    fake.inject(Fault::new(When::Any, Then::DoubleWebhook));
    let uid = booked(&fake, 9).await;
    eventually(|| !receiver.bodies().is_empty()).await;
    fake.inject(Fault::new(When::Any, Then::LoseWebhook));
    fake.cancel_booking(&uid, "ill").await.unwrap();
    eventually(|| receiver.bodies().len() == 4).await;
    let bodies = receiver.bodies();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(bodies[0]["payload"]["status"], "ACCEPTED");
}

#[tokio::test]
async fn a_cancellation_is_carried_out_at_once() {
    let fake = hosted(3_600_000..3_600_000).await;
    let receiver = with_receiver(&fake).await;
    let (one, two) = (booked(&fake, 9).await, booked(&fake, 10).await);
    fake.cancel_booking(&one, "ill").await.unwrap();
    let api = Api::new(&fake);
    let reason = json!({"cancellationReason": "ill"});
    let (status, answer) = api.post(&format!("bookings/{two}/cancel"), &reason).await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &json!("cancelled"))
    );
    assert!(fake.live_bookings().is_empty());
    assert!(receiver.bodies().is_empty());
}

#[tokio::test]
async fn a_booking_that_is_gone_is_told_as_it_was() {
    let fake = hosted(0..1).await;
    let receiver = with_receiver(&fake).await;
    fake.inject(Fault::new(When::Any, Then::HoldWebhooks));
    let uid = booked(&fake, 9).await;
    fake.forget(&uid);
    fake.release(&[0]).await;
    assert_eq!(receiver.bodies()[0]["payload"]["uid"], uid.as_str());
    assert_eq!(receiver.bodies()[0]["payload"]["status"], "ACCEPTED");
}

#[tokio::test]
async fn six_statuses_and_silence_are_tried_again_and_nothing_else() {
    let fake = hosted(0..1).await;
    let receiver = with_receiver(&fake).await;
    for (number, (status, attempts)) in [
        (408, 2),
        (429, 2),
        (500, 2),
        (502, 2),
        (503, 2),
        (504, 2),
        (400, 1),
        (404, 1),
        (501, 1),
    ]
    .into_iter()
    .enumerate()
    {
        *receiver.answers.lock().unwrap() = vec![status, 200];
        booked(&fake, i64::try_from(number).unwrap() + 1).await;
        let expected = if attempts == 2 { 200 } else { status };
        eventually(|| fake.deliveries()[number].outcome == DeliveryOutcome::Answered(expected))
            .await;
        assert_eq!(fake.deliveries()[number].attempts, attempts, "{status}");
    }
}

#[tokio::test]
async fn order_inverts_and_bodies_say_more() {
    let fake = hosted(1..60).await;
    let receiver = with_receiver(&fake).await;
    for hours in 1..=12 {
        booked(&fake, hours).await;
    }
    eventually(|| receiver.bodies().len() == 12).await;
    let arrived: Vec<String> = receiver
        .bodies()
        .iter()
        .map(|body| body["payload"]["startTime"].as_str().unwrap().to_owned())
        .collect();
    assert!(!arrived.is_sorted(), "{arrived:?}");
    let (headers, _) = receiver.got.lock().unwrap()[0].clone();
    assert_eq!(headers["x-cal-webhook-version"], "2021-10-20");

    let uid = booked(&fake, 13).await;
    let moved = fake.move_booking(&uid, hour(14)).await.unwrap();
    assert!(moved.is_live());
    let is_move = |body: &Value| body["triggerEvent"] == "BOOKING_RESCHEDULED";
    eventually(|| receiver.bodies().iter().any(is_move)).await;
    let told = receiver.bodies().into_iter().find(is_move).unwrap();
    assert_eq!(told["payload"]["status"], "ACCEPTED");
    assert_eq!(told["payload"]["cancellationReason"], "");
}

#[tokio::test]
async fn a_cancelled_seat_is_named() {
    let fake = hosted(0..1).await;
    let receiver = with_receiver(&fake).await;
    let id = fake.add_event_type(FakeEventType::new("seats", 30).with_seats(3));
    let api = Api::new(&fake);
    let new = serde_json::to_value(NewBooking::new(id, hour(9), ann())).unwrap();
    let (_, made) = api.post("bookings", &new).await;
    let path = format!("bookings/{}/cancel", made["data"]["uid"].as_str().unwrap());
    let body = json!({"seatUid": made["data"]["seatUid"]});
    let answer = api.send_without_key("POST", &path, Some(&body)).await;
    assert_eq!(answer.unwrap().0, 200);
    let is_end = |body: &Value| body["triggerEvent"] == "BOOKING_CANCELLED";
    eventually(|| receiver.bodies().iter().any(is_end)).await;
    let told = receiver.bodies().into_iter().find(is_end).unwrap();
    assert_eq!(told["payload"]["attendeeSeatId"], made["data"]["seatUid"]);
}
