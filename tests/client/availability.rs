//! Free slots that are remembered: when, for how long, and when not.

use std::sync::Arc;
use std::time::Duration;

use calcom::client::{AlternativesParams, CachePolicy, Client, ErrorKind, Freshness, RetryPolicy};
use calcom::model::{EventTypeId, SlotQuery};
use calcom::testing::{ManualClock, WebhookBody};
use calcom::webhook::WebhookEvent;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{body, builder, cancel, count};

const EVENT_TYPE: EventTypeId = EventTypeId::new(2);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn slots(starts: &[&str]) -> ResponseTemplate {
    let slots: Vec<_> = starts.iter().map(|start| json!({"start": start})).collect();
    let data = json!({"2026-12-08": slots});
    ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
}

fn clock() -> ManualClock {
    ManualClock::at(at("2026-12-01T08:00:00Z"))
}

fn client(server: &MockServer, clock: &ManualClock) -> Client {
    let base = format!("{}/v2", server.uri());
    builder(&base)
        .clock(clock.shared())
        .retry(RetryPolicy::none())
        .breaker(None)
        .build()
        .unwrap()
}

fn query() -> SlotQuery {
    SlotQuery::new(
        EVENT_TYPE,
        at("2026-12-08T00:00:00Z"),
        at("2026-12-09T00:00:00Z"),
    )
}

async fn serve(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(path("/v2/slots"))
        .respond_with(answer)
        .mount(server)
        .await;
}

#[tokio::test]
async fn ten_thousand_who_ask_at_once_cause_one_request() {
    let server = MockServer::start().await;
    let answer = slots(&["2026-12-08T09:00:00Z"]).set_delay(Duration::from_millis(100));
    serve(&server, answer).await;
    let client = client(&server, &clock());
    let (availability, query) = (client.availability(), query());
    let asked = (0..10_000).map(|_| availability.slots(&query));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.unwrap().value.len(), 1);
    }
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_lifetime_and_says_how_old_it_is() {
    let server = MockServer::start().await;
    serve(&server, slots(&["2026-12-08T09:00:00Z"])).await;
    let clock = clock();
    let client = client(&server, &clock);
    let ask = async || {
        client
            .availability()
            .slots(&query())
            .await
            .unwrap()
            .freshness
    };
    assert_eq!(ask().await, Freshness::Fresh);
    let age = Duration::from_secs(299);
    clock.advance(age);
    assert!(matches!(ask().await, Freshness::Cached { age: told, .. } if told == age));
    assert_eq!(count(&server).await, 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask().await, Freshness::Fresh);
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn questions_that_differ_are_not_answered_alike() {
    let server = MockServer::start().await;
    serve(&server, slots(&[])).await;
    let client = client(&server, &clock());
    let availability = client.availability();
    availability.slots(&query()).await.unwrap();
    let elsewhere = query().with_time_zone("Europe/Berlin");
    availability.slots(&elsewhere).await.unwrap();
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn a_write_and_a_webhook_make_it_forget() {
    let server = MockServer::start().await;
    serve(&server, slots(&[])).await;
    let refused = ResponseTemplate::new(400);
    Mock::given(method("POST"))
        .respond_with(refused)
        .mount(&server)
        .await;
    let client = client(&server, &clock());
    let availability = client.availability();
    availability.slots(&query()).await.unwrap();
    cancel(&client).await.unwrap_err();
    let after_write = availability.slots(&query()).await.unwrap();
    assert_eq!(after_write.freshness, Freshness::Fresh);
    let told = WebhookBody::created("u", at("2026-12-08T09:00:00Z")).to_bytes();
    availability.observe(&WebhookEvent::parse(&told));
    let after_webhook = availability.slots(&query()).await.unwrap();
    assert_eq!(after_webhook.freshness, Freshness::Fresh);
}

#[tokio::test]
async fn a_write_during_a_load_is_never_followed_by_the_old_answer() {
    let server = MockServer::start().await;
    let old = slots(&["2026-12-08T09:00:00Z"]).set_delay(Duration::from_millis(150));
    let old = Mock::given(path("/v2/slots")).respond_with(old);
    old.up_to_n_times(1).mount(&server).await;
    serve(&server, slots(&[])).await;
    let written = ResponseTemplate::new(400);
    Mock::given(method("POST"))
        .respond_with(written)
        .mount(&server)
        .await;
    let client = client(&server, &clock());
    let (availability, query) = (client.availability(), query());
    let load = availability.slots(&query);
    let write = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel(&client).await.unwrap_err();
        availability.slots(&query).await.unwrap()
    };
    let (loaded, after_write) = tokio::join!(load, write);
    assert_eq!(loaded.unwrap().value.values().flatten().count(), 1);
    assert_eq!(after_write.value.values().flatten().count(), 0);
    // Nor does the old answer that came last overwrite the new one.
    let later = availability.slots(&query).await.unwrap();
    assert_eq!(later.value.values().flatten().count(), 0);
}

#[tokio::test]
async fn while_cal_com_is_down_the_last_answer_stands_in_and_says_so() {
    let server = MockServer::start().await;
    let well = Mock::given(path("/v2/slots")).respond_with(slots(&["2026-12-08T09:00:00Z"]));
    well.up_to_n_times(1).mount(&server).await;
    serve(&server, ResponseTemplate::new(503)).await;
    let clock = clock();
    let base = format!("{}/v2", server.uri());
    let policy = CachePolicy::default().with_stale_for(Duration::from_secs(1000));
    let client = builder(&base)
        .clock(clock.shared())
        .retry(RetryPolicy::none())
        .cache(policy)
        .build()
        .unwrap();
    let availability = client.availability();
    availability.slots(&query()).await.unwrap();
    let age = Duration::from_secs(999);
    clock.advance(age);
    let stale = availability.slots(&query()).await.unwrap();
    assert!(matches!(stale.freshness, Freshness::Stale { age: told, .. } if told == age));
    assert_eq!(stale.value.values().flatten().count(), 1);
    clock.advance(Duration::from_secs(1));
    let error = availability.slots(&query()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
}

#[tokio::test]
async fn a_refusal_is_told_and_not_glossed_over() {
    let server = MockServer::start().await;
    let well = Mock::given(path("/v2/slots")).respond_with(slots(&[]));
    well.up_to_n_times(1).mount(&server).await;
    serve(&server, ResponseTemplate::new(401)).await;
    let client = client(&server, &clock());
    let availability = client.availability();
    availability.slots(&query()).await.unwrap();
    availability.invalidate();
    let error = availability.slots(&query()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn one_slot_is_looked_up_in_its_day() {
    let server = MockServer::start().await;
    serve(
        &server,
        slots(&["2026-12-08T09:00:00Z", "2026-12-08T10:00:00Z"]),
    )
    .await;
    let client = client(&server, &clock());
    let availability = client.availability();
    let free = async |start: &str| {
        let answer = availability.is_free(EVENT_TYPE, at(start)).await;
        answer.unwrap().value
    };
    assert!(free("2026-12-08T09:00:00Z").await);
    assert!(free("2026-12-08T10:00:00Z").await);
    assert!(!free("2026-12-08T09:30:00Z").await);
    assert_eq!(count(&server).await, 1, "one day, one request");
}

#[tokio::test]
async fn alternatives_are_near_the_wanted_slot_and_ahead() {
    let server = MockServer::start().await;
    let starts = [
        "2026-12-01T07:00:00Z",
        "2026-12-01T10:00:00Z",
        "2026-12-02T09:00:00Z",
    ];
    serve(&server, slots(&starts)).await;
    let clock = clock();
    let client = client(&server, &clock);
    let wanted = clock_now(&clock) + TimeDelta::hours(1);
    let params = AlternativesParams::default();
    let availability = client.availability();
    let found = availability.alternatives(EVENT_TYPE, wanted, &params).await;
    let found: Vec<_> = found
        .unwrap()
        .value
        .into_iter()
        .map(|a| a.slot.start)
        .collect();
    assert_eq!(found, [at(starts[1]), at(starts[2])], "nothing in the past");
    clock.advance(Duration::from_secs(60));
    availability
        .alternatives(EVENT_TYPE, wanted, &params)
        .await
        .unwrap();
    assert_eq!(
        count(&server).await,
        1,
        "a minute later it is the same question"
    );
}

fn clock_now(clock: &ManualClock) -> DateTime<Utc> {
    let clock: Arc<dyn calcom::ambient::Clock> = clock.shared();
    clock.now()
}

#[tokio::test]
async fn warming_up_answers_ahead_of_the_questions() {
    let server = MockServer::start().await;
    serve(&server, slots(&[])).await;
    let client = client(&server, &clock());
    let availability = client.availability();
    assert_eq!(availability.warm_up(&[query()]).await, 0);
    let answer = availability.slots(&query()).await.unwrap();
    assert!(matches!(answer.freshness, Freshness::Cached { .. }));
}

async fn reservable() -> MockServer {
    let server = MockServer::start().await;
    let reservation = json!({"status": "success", "data": {
        "eventTypeId": 2,
        "slotStart": "2026-12-08T09:00:00.000Z",
        "slotEnd": "2026-12-08T09:30:00.000Z",
        "slotDuration": 30,
        "reservationUid": "r-1",
        "reservationDuration": 5,
        "reservationUntil": "2026-12-01T08:05:00.000Z",
    }});
    let made = ResponseTemplate::new(201).set_body_json(reservation);
    Mock::given(method("POST"))
        .respond_with(made)
        .mount(&server)
        .await;
    let gone = ResponseTemplate::new(200).set_body_json(json!({"status": "success"}));
    Mock::given(method("DELETE"))
        .and(path("/v2/slots/reservations/r-1"))
        .respond_with(gone)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_held_slot_is_given_back_when_it_is_dropped_and_only_then() {
    let server = reservable().await;
    let client = client(&server, &clock());
    let slot = calcom::model::NewReservation::new(EVENT_TYPE, at("2026-12-08T09:00:00Z"));
    let held = client.availability().hold(&slot).await.unwrap();
    assert_eq!(held.reservation().uid.as_str(), "r-1");
    assert_eq!(count(&server).await, 1);
    drop(held);
    for _ in 0..100 {
        if count(&server).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count(&server).await, 2, "given back");

    let held = client.availability().hold(&slot).await.unwrap();
    held.release().await.unwrap();
    let held = client.availability().hold(&slot).await.unwrap();
    assert_eq!(held.keep().as_str(), "r-1");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(count(&server).await, 5, "released once, and kept once");
}

#[tokio::test]
async fn an_event_type_is_remembered_through_bookings_but_not_through_its_own_change() {
    let server = MockServer::start().await;
    let known = ResponseTemplate::new(200).set_body_json(body("017-event-types-get"));
    Mock::given(path("/v2/event-types/2"))
        .respond_with(known)
        .mount(&server)
        .await;
    let refused = ResponseTemplate::new(400);
    Mock::given(method("POST"))
        .respond_with(refused)
        .mount(&server)
        .await;
    let client = client(&server, &clock());
    let availability = client.availability();
    let ask = async || availability.event_type(EVENT_TYPE).await.unwrap().freshness;
    assert_eq!(ask().await, Freshness::Fresh);
    cancel(&client).await.unwrap_err();
    assert!(matches!(ask().await, Freshness::Cached { .. }));
    client.event_types().delete(EVENT_TYPE).await.ok();
    assert_eq!(ask().await, Freshness::Fresh);
}
