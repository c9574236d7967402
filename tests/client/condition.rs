//! What a client knows of its connection without asking.

use std::time::Duration;

use calcom::client::{BreakerPolicy, Client, ClientBuilder, RetryPolicy};
use calcom::model::{EventTypeId, SlotQuery};
use calcom::sync::{Calendar, CalendarCondition, CircuitCondition, RateCondition};
use calcom::testing::ManualClock;
use chrono::{DateTime, Utc};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{answering, body, builder, first_answering, success};

const NOW: &str = "2026-12-01T08:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn once(server: &MockServer) -> ClientBuilder {
    builder(&format!("{}/v2", server.uri()))
        .retry(RetryPolicy::none())
        .clock(ManualClock::at(now()).shared())
}

fn condition(client: &Client) -> CalendarCondition {
    client.condition().unwrap()
}

#[tokio::test]
async fn a_new_client_knows_nothing_and_has_its_whole_budget() {
    let server = MockServer::start().await;
    let client = once(&server).build().unwrap();
    let known = condition(&client);
    assert_eq!(known.circuit, CircuitCondition::Closed);
    let rate = known.rate.unwrap();
    assert_eq!((rate.limit, rate.remaining), (120, 120));
    assert_eq!(known.answers, Default::default());
    assert_eq!(known.cache, None);
    let bare = once(&server).rate(None).breaker(None).build().unwrap();
    assert_eq!(condition(&bare), CalendarCondition::default());
}

#[tokio::test]
async fn answers_are_counted_and_timed() {
    let slow = ResponseTemplate::new(200)
        .set_body_json(body("011-me"))
        .set_delay(Duration::from_millis(60));
    let server = answering(slow).await;
    let client = once(&server).build().unwrap();
    client.me().get().await.unwrap();
    client.me().get().await.unwrap();
    let answers = condition(&client).answers;
    assert_eq!((answers.count, answers.failed), (2, 0));
    assert!(answers.p50.unwrap() >= Duration::from_millis(60));
    assert!(answers.p50 <= answers.p95 && answers.p95.unwrap() < Duration::from_secs(5));
    assert_eq!(answers.last_success_at, Some(now()));
    assert_eq!(answers.last_failure, None);
    assert_eq!(condition(&client).rate.unwrap().remaining, 118);
}

/// What an attempt waits for before it is sent is not the server's doing.
#[tokio::test]
async fn a_turn_that_is_waited_for_is_not_timed() {
    let slow = ResponseTemplate::new(200)
        .set_body_json(body("011-me"))
        .set_delay(Duration::from_millis(400));
    let busy = answering(slow).await;
    let client = once(&busy).max_concurrent(1).build().unwrap();
    let handle = client.me();
    let (first, second) = tokio::join!(handle.get(), handle.get());
    first.unwrap();
    second.unwrap();
    let answers = condition(&client).answers;
    assert_eq!(answers.count, 2);
    assert!(
        answers.p95.unwrap() < Duration::from_millis(700),
        "{answers:?}"
    );
}

#[tokio::test]
async fn failures_have_a_word_and_open_the_circuit() {
    let server = first_answering(2, ResponseTemplate::new(503)).await;
    let open_for = Duration::from_millis(300);
    let client = once(&server)
        .breaker(BreakerPolicy::consecutive_failures(2, open_for))
        .build()
        .unwrap();
    for _ in 0..2 {
        client.me().get().await.unwrap_err();
    }
    let known = condition(&client);
    assert_eq!((known.answers.count, known.answers.failed), (2, 2));
    let failure = known.answers.last_failure.unwrap();
    assert_eq!((failure.at, failure.kind.as_str()), (now(), "server"));
    let CircuitCondition::Open { probes_in, .. } = known.circuit else {
        panic!("the circuit is {:?}", known.circuit);
    };
    assert!(probes_in <= open_for && !probes_in.is_zero());
    // What is not sent is not counted.
    client.me().get().await.unwrap_err();
    assert_eq!(condition(&client).answers.count, 2);
    tokio::time::sleep(open_for).await;
    assert_eq!(condition(&client).circuit, CircuitCondition::HalfOpen);
    client.me().get().await.unwrap();
    assert_eq!(condition(&client).answers.last_success_at, Some(now()));
}

#[tokio::test]
async fn refused_credentials_are_known_and_a_refused_request_is_no_failure() {
    for (status, refused, failed) in [(401, true, 1), (404, false, 0), (409, false, 0)] {
        let server = answering(ResponseTemplate::new(status)).await;
        let client = once(&server).build().unwrap();
        client.me().get().await.unwrap_err();
        let answers = condition(&client).answers;
        assert_eq!((answers.count, answers.failed), (1, failed), "{status}");
        assert_eq!(answers.credentials_are_refused(), refused, "{status}");
    }
}

#[tokio::test]
async fn nobody_who_answers_is_a_failure_without_an_answer() {
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let server = answering(late).await;
    let client = once(&server)
        .attempt_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    client.me().get().await.unwrap_err();
    let answers = condition(&client).answers;
    assert_eq!((answers.count, answers.failed), (0, 1));
    assert_eq!((answers.p95, answers.last_success_at), (None, None));
    assert_eq!(answers.last_failure.unwrap().kind, "transport");
}

#[tokio::test]
async fn the_budget_is_what_the_server_says_and_nothing_after_a_429() {
    let server = MockServer::start().await;
    let told = success(&json!({}))
        .insert_header("X-RateLimit-Limit-Default", "60")
        .insert_header("X-RateLimit-Remaining-Default", "41")
        .insert_header("X-RateLimit-Reset-Default", "30");
    let first = Mock::given(any()).respond_with(told).up_to_n_times(1);
    first.mount(&server).await;
    let limited = ResponseTemplate::new(429).insert_header("Retry-After", "7");
    Mock::given(any())
        .respond_with(limited)
        .mount(&server)
        .await;
    let client = once(&server).build().unwrap();
    let me = ["me"];
    client
        .request(http::Method::GET, me)
        .send::<serde_json::Value>()
        .await
        .unwrap();
    let RateCondition {
        limit,
        remaining,
        resets_in,
        ..
    } = condition(&client).rate.unwrap();
    assert_eq!((limit, remaining), (60, 41));
    assert!(resets_in <= Duration::from_secs(30) && resets_in > Duration::from_secs(20));
    client.me().get().await.unwrap_err();
    let known = condition(&client);
    let rate = known.rate.unwrap();
    assert_eq!((rate.limit, rate.remaining), (60, 0));
    assert!(rate.resets_in <= Duration::from_secs(7));
    assert_eq!(known.answers.last_failure.unwrap().kind, "rate_limited");
}

#[tokio::test]
async fn hits_and_misses_of_the_cache_are_counted() {
    let server = answering(success(&json!({}))).await;
    let client = once(&server).build().unwrap();
    let (from, until) = (now(), now() + chrono::TimeDelta::days(1));
    let query = SlotQuery::new(EventTypeId::new(2), from, until);
    for _ in 0..4 {
        client.availability().slots(&query).await.unwrap();
    }
    let cache = condition(&client).cache.unwrap();
    assert_eq!((cache.hits, cache.misses), (3, 1));
}
