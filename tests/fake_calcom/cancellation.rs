//! A self-hosted server announces a cancellation, waits for all subscribers, and only then carries it out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::model::{BookingUid, NewAttendee, NewBooking, Trigger};
use calcom::testing::{FakeCalcom, FakeEventType, Fault, ManualClock, Operation, Then};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::support::{Api, SECRET, ann, at, eventually, hour, with_receiver};

/// A subscriber that answers only when it is let.
#[derive(Clone)]
struct Slow {
    told: Arc<Mutex<Vec<Value>>>,
    leave: Arc<Semaphore>,
}

impl Slow {
    async fn subscribed_to(fake: &FakeCalcom) -> Self {
        let this = Self {
            told: Arc::default(),
            leave: Arc::new(Semaphore::new(0)),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let Self { told, leave } = this.clone();
        let take = async move |body: axum::Json<Value>| {
            told.lock().unwrap().push(body.0);
            leave.acquire().await.unwrap().forget();
        };
        let router = axum::Router::new().route("/", axum::routing::post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake.subscribe(url, SECRET, [Trigger::BookingCancelled]);
        this
    }

    async fn was_told(&self, times: usize) {
        eventually(|| self.told.lock().unwrap().len() == times).await;
    }

    fn answer(&self) {
        self.leave.add_permits(1);
    }
}

async fn started() -> (FakeCalcom, ManualClock) {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let fake = FakeCalcom::builder().clock(clock.shared()).start().await;
    (fake.unwrap(), clock)
}

async fn booked(fake: &FakeCalcom, start: DateTime<Utc>) -> BookingUid {
    let new = NewBooking::new(fake.event_type_id(), start, ann());
    fake.book(new).await.unwrap().uid
}

#[tokio::test]
async fn while_subscribers_are_told_the_booking_is_alive_in_every_answer() {
    let (fake, clock) = started().await;
    let (slow, quick) = (Slow::subscribed_to(&fake).await, with_receiver(&fake).await);
    let uid = booked(&fake, hour(9)).await;
    let before = fake.booking(&uid).unwrap();
    clock.advance(Duration::from_secs(60));
    let (api, path) = (Api::new(&fake), format!("bookings/{uid}"));
    let cancel = tokio::spawn({
        let (api, path) = (Api::new(&fake), format!("{path}/cancel"));
        async move { api.post(&path, &json!({"cancellationReason": "ill"})).await }
    });
    slow.was_told(1).await;
    eventually(|| quick.triggers().contains(&"BOOKING_CANCELLED".to_owned())).await;
    assert_eq!(quick.bodies()[1]["payload"]["status"], "CANCELLED");

    let (_, read) = api.get(&path).await;
    assert_eq!(read["data"]["status"], "accepted");
    let updated: DateTime<Utc> = read["data"]["updatedAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(Some(updated), before.updated_at);
    assert_eq!(read["data"].get("cancellationReason"), None);
    let (_, list) = api.get("bookings?status=upcoming").await;
    assert_eq!(list["data"][0]["uid"], uid.as_str());
    let slots = format!(
        "slots?eventTypeId={}&start={}&end={}",
        fake.event_type_id(),
        "2099-12-07T09:00:00Z",
        "2099-12-07T09:30:00Z"
    );
    assert_eq!(api.get(&slots).await.1["data"], json!({}));
    assert!(!cancel.is_finished());

    clock.advance(Duration::from_secs(60));
    slow.answer();
    let (status, answer) = cancel.await.unwrap();
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &json!("cancelled"))
    );
    assert_eq!(answer["data"]["updatedAt"], "2026-12-01T08:02:00.000Z");
    assert_eq!(api.get(&path).await.1["data"], answer["data"]);
    assert_ne!(api.get(&slots).await.1["data"], json!({}));
}

#[tokio::test]
async fn somebody_at_cal_com_waits_just_as_long() {
    let (fake, _) = started().await;
    let slow = Slow::subscribed_to(&fake).await;
    let uid = booked(&fake, hour(9)).await;
    let cancel = tokio::spawn({
        let (fake, uid) = (fake.clone(), uid.clone());
        async move { fake.cancel_booking(&uid, "ill").await }
    });
    slow.was_told(1).await;
    assert!(fake.booking(&uid).unwrap().is_live());
    slow.answer();
    assert!(!cancel.await.unwrap().unwrap().is_live());
    assert!(!fake.booking(&uid).unwrap().is_live());
}

#[tokio::test]
async fn every_kind_of_cancellation_is_announced_first() {
    let (fake, _) = started().await;
    let slow = Slow::subscribed_to(&fake).await;
    let asking = fake.add_event_type(FakeEventType::new("asking", 30).with_confirmation());
    let class = fake.add_event_type(FakeEventType::new("class", 60).with_seats(3));
    let weekly = fake.add_event_type(FakeEventType::new("weekly", 30).with_recurrence(
        "weekly".into(),
        1,
        3,
    ));
    let api = Api::new(&fake);
    let mut told = 0;
    // Announces, looks at the statuses, and looks again when it is over.
    let mut cancelled = async |path: &str, body: Value, key: bool| {
        let call = tokio::spawn({
            let (api, path) = (Api::new(&fake), format!("bookings/{path}/cancel"));
            async move {
                let body = Some(&body);
                if key {
                    api.send("POST", &path, body).await.unwrap()
                } else {
                    api.send_without_key("POST", &path, body).await.unwrap()
                }
            }
        });
        told += 1;
        slow.was_told(told).await;
        let between = api.get("bookings").await.1["data"].clone();
        slow.answer();
        assert_eq!(call.await.unwrap().0, 200);
        (between, api.get("bookings").await.1["data"].clone())
    };
    let statuses = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|b| b["status"].as_str().unwrap().to_owned())
            .collect()
    };
    let clear = || {
        for booking in fake.bookings() {
            fake.forget(&booking.uid);
        }
    };

    let pending = fake
        .book(NewBooking::new(asking, hour(9), ann()))
        .await
        .unwrap();
    let reason = json!({"cancellationReason": "x"});
    let (between, after) = cancelled(pending.uid.as_str(), reason.clone(), true).await;
    assert_eq!(statuses(&between), ["pending"]);
    assert_eq!(statuses(&after), ["cancelled"]);
    clear();

    let guest =
        |name: &str| NewAttendee::new(name, format!("{name}@example.com"), "Europe/Berlin".into());
    let seat = fake
        .book(NewBooking::new(class, hour(9), guest("sam")))
        .await
        .unwrap();
    fake.book(NewBooking::new(class, hour(9), guest("tess")))
        .await
        .unwrap();
    let seats = |list: &Value| list[0]["attendees"].as_array().unwrap().len();
    let body = json!({"seatUid": seat.seat_uid.unwrap()});
    let (between, after) = cancelled(seat.uid.as_str(), body, false).await;
    assert_eq!((seats(&between), seats(&after)), (2, 1));
    assert_eq!(statuses(&after), ["accepted"]);
    let (between, after) = cancelled(seat.uid.as_str(), reason.clone(), true).await;
    assert_eq!((seats(&between), seats(&after)), (1, 0));
    assert_eq!(statuses(&between), ["accepted"]);
    assert_eq!(statuses(&after), ["cancelled"]);
    clear();

    let series = fake
        .book(NewBooking::new(weekly, hour(9), ann()))
        .await
        .unwrap();
    let all = series.recurring_booking_uid.unwrap();
    let second = fake.bookings()[1].uid.clone();
    let later = json!({"cancellationReason": "x", "cancelSubsequentBookings": true});
    let (between, after) = cancelled(second.as_str(), later, true).await;
    assert_eq!(statuses(&between), ["accepted"; 3]);
    assert_eq!(statuses(&after), ["accepted", "cancelled", "cancelled"]);
    let (between, after) = cancelled(all.as_str(), reason, true).await;
    assert_eq!(statuses(&between)[0], "accepted");
    assert_eq!(statuses(&after), ["cancelled"; 3]);
}

#[tokio::test]
async fn two_cancels_at_once_are_both_granted() {
    let (fake, _) = started().await;
    let slow = Slow::subscribed_to(&fake).await;
    let uid = booked(&fake, hour(9)).await;
    let call = || {
        let (api, path) = (Api::new(&fake), format!("bookings/{uid}/cancel"));
        tokio::spawn(async move { api.post(&path, &json!({"cancellationReason": "x"})).await.0 })
    };
    let first = call();
    slow.was_told(1).await;
    let second = call();
    slow.was_told(2).await;
    slow.answer();
    slow.answer();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (200, 200));
    assert_eq!(call().await.unwrap(), 400, "and the next one is too late");
}

#[tokio::test]
async fn a_cancellation_goes_on_when_its_caller_has_gone() {
    let (fake, _) = started().await;
    let slow = Slow::subscribed_to(&fake).await;
    let (over_the_wire, at_cal_com) = (booked(&fake, hour(9)).await, booked(&fake, hour(10)).await);
    let (api, path) = (Api::new(&fake), format!("bookings/{over_the_wire}/cancel"));
    let call =
        tokio::spawn(async move { api.post(&path, &json!({"cancellationReason": "x"})).await });
    slow.was_told(1).await;
    call.abort();
    let act = tokio::spawn({
        let (fake, uid) = (fake.clone(), at_cal_com.clone());
        async move { fake.cancel_booking(&uid, "ill").await }
    });
    slow.was_told(2).await;
    act.abort();
    assert_eq!(fake.live_bookings().len(), 2);
    slow.answer();
    slow.answer();
    eventually(|| fake.live_bookings().is_empty()).await;
}

#[tokio::test]
async fn webhooks_that_are_held_lost_or_late_delay_nothing() {
    let (fake, _) = started().await;
    let receiver = with_receiver(&fake).await;
    for then in [
        Then::HoldWebhooks,
        Then::LoseWebhook,
        Then::DelayWebhook(Duration::from_secs(3600)),
    ] {
        let uid = booked(&fake, hour(9)).await;
        fake.inject(Fault::new(Operation::Cancel, then));
        let begin = Instant::now();
        fake.cancel_booking(&uid, "ill").await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2));
        assert!(!fake.booking(&uid).unwrap().is_live());
    }
    assert!(receiver.triggers().iter().all(|t| t == "BOOKING_CREATED"));
}

#[tokio::test]
async fn a_test_decides_when_an_announced_cancellation_is_carried_out() {
    let (fake, clock) = started().await;
    let receiver = with_receiver(&fake).await;
    let uid = booked(&fake, hour(9)).await;
    let before = fake.booking(&uid).unwrap();
    let refused = fake.announce_cancellation(&uid, "").await.unwrap_err();
    assert_eq!(refused.status, 400, "the host has to say why");
    let announced = fake.announce_cancellation(&uid, "ill").await.unwrap();
    assert_eq!(announced.booking_uid(), &uid);
    assert_eq!(
        receiver.triggers(),
        ["BOOKING_CREATED", "BOOKING_CANCELLED"]
    );
    clock.advance(Duration::from_secs(3600));
    assert_eq!(fake.booking(&uid), Some(before));
    let ended = announced.carry_out().unwrap();
    assert!(!ended.is_live());
    assert_eq!(ended.cancellation_reason.as_deref(), Some("ill"));
    assert_eq!(ended.updated_at, Some(at("2026-12-01T09:00:00Z")));
    assert_eq!(fake.booking(&uid), Some(ended));
    assert!(fake.requests().is_empty(), "people make no requests");

    let lost = booked(&fake, hour(10)).await;
    drop(fake.announce_cancellation(&lost, "ill").await.unwrap());
    assert!(fake.booking(&lost).unwrap().is_live());
    let forgotten = fake.announce_cancellation(&lost, "ill").await.unwrap();
    fake.forget(&lost);
    assert_eq!(forgotten.carry_out().unwrap_err().status, 500);
}

#[tokio::test]
async fn the_lag_passes_after_the_last_subscriber_has_answered() {
    let lag = Duration::from_millis(80);
    let fake = FakeCalcom::builder().cancellation_lag(lag).start().await;
    let fake = fake.unwrap();
    let slow = Slow::subscribed_to(&fake).await;
    let uid = booked(&fake, hour(9)).await;
    let call = tokio::spawn({
        let (fake, uid) = (fake.clone(), uid.clone());
        async move { fake.cancel_booking(&uid, "ill").await }
    });
    slow.was_told(1).await;
    tokio::time::sleep(lag).await;
    assert!(fake.booking(&uid).unwrap().is_live());
    let begin = Instant::now();
    slow.answer();
    call.await.unwrap().unwrap();
    assert!(begin.elapsed() >= lag);
}
