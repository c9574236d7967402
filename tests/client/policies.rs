//! The policies that stand between a call and the network: circuit breaker, rate budget, concurrency.

use std::time::Duration;

use calcom::client::{BreakerPolicy, CircuitState, Error, ErrorKind, RatePolicy, Retryability};
use tokio::time::Instant;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{answering, body, builder, cancel, count, quick};

fn me() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body("011-me"))
}

fn base(server: &MockServer) -> String {
    format!("{}/v2", server.uri())
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_left_alone_and_tried_again_later() {
    let server = MockServer::start().await;
    let ill = Mock::given(any()).respond_with(ResponseTemplate::new(503));
    ill.up_to_n_times(5).mount(&server).await;
    Mock::given(any()).respond_with(me()).mount(&server).await;
    let open_for = Duration::from_millis(300);
    let client = builder(&base(&server))
        .retry(quick().with_max_attempts(1))
        .breaker(BreakerPolicy::consecutive_failures(5, open_for))
        .build()
        .unwrap();
    for _ in 0..5 {
        let error = client.me().get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
    }
    assert_eq!(client.circuit(), CircuitState::Open);
    let error = client.me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CircuitOpen);
    assert_eq!(error.retryability(), Retryability::Always);
    assert!(error.retry_after().unwrap() <= open_for);
    assert_eq!(count(&server).await, 5, "nothing is sent while it is open");

    tokio::time::sleep(open_for).await;
    client.me().get().await.unwrap();
    assert_eq!(client.circuit(), CircuitState::HalfOpen);
    client.me().get().await.unwrap();
    assert_eq!(client.circuit(), CircuitState::Closed);
}

#[tokio::test]
async fn refusals_never_open_the_circuit() {
    for status in [400, 401, 403, 404, 409, 422] {
        let server = answering(ResponseTemplate::new(status)).await;
        let client = builder(&base(&server)).build().unwrap();
        for _ in 0..10 {
            client.me().get().await.unwrap_err();
        }
        assert_eq!(client.circuit(), CircuitState::Closed, "{status}");
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_frees_its_probe() {
    let server = MockServer::start().await;
    let ill = Mock::given(any()).respond_with(ResponseTemplate::new(500));
    ill.up_to_n_times(1).mount(&server).await;
    let slow = me().set_delay(Duration::from_millis(200));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let client = builder(&base(&server))
        .retry(quick().with_max_attempts(1))
        .breaker(BreakerPolicy::consecutive_failures(1, Duration::from_millis(1)).with_probes(1, 1))
        .build()
        .unwrap();
    client.me().get().await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(5)).await;
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_millis(20), client.me().get()).await;
        assert!(given_up.is_err(), "the probe was under way");
    }
    client.me().get().await.unwrap();
    assert_eq!(client.circuit(), CircuitState::Closed);
}

#[tokio::test]
async fn a_limit_stops_all_traffic_until_it_is_reset() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429).insert_header("X-RateLimit-Reset-Default", "37");
    Mock::given(any())
        .respond_with(limited)
        .mount(&server)
        .await;
    let client = builder(&base(&server)).build().unwrap();
    cancel(&client).await.unwrap_err();
    let error = client.me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(35) && wait <= Duration::from_secs(37));
    assert_eq!(
        count(&server).await,
        1,
        "repeated excess can lock an account"
    );
}

#[tokio::test]
async fn the_servers_limits_are_learned_before_they_are_exceeded() {
    let last_but_none = me()
        .insert_header("X-RateLimit-Limit-Default", "5")
        .insert_header("X-RateLimit-Remaining-Default", "0")
        .insert_header("X-RateLimit-Reset-Default", "30");
    let server = answering(last_but_none).await;
    let client = builder(&base(&server)).build().unwrap();
    client.me().get().await.unwrap();
    let error = client.me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.api().is_none(), "nothing was sent");
    assert_eq!(count(&server).await, 1);
}

/// Counts as Cal.com does, and blocks whoever goes on.
struct Counting(std::sync::atomic::AtomicU32);

impl wiremock::Respond for Counting {
    fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
        const LIMIT: u32 = 120;
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let left = LIMIT.saturating_sub(count).to_string();
        let answer = if count > LIMIT {
            ResponseTemplate::new(429)
        } else {
            me()
        };
        answer
            .set_delay(Duration::from_millis(u64::from(count * 37 % 60)))
            .insert_header("X-RateLimit-Limit-Default", "120")
            .insert_header("X-RateLimit-Remaining-Default", left.as_str())
            .insert_header("X-RateLimit-Reset-Default", "60")
    }
}

#[tokio::test]
async fn what_is_in_flight_counts_toward_the_limit() {
    let server = MockServer::start().await;
    let counting = Mock::given(any()).respond_with(Counting(0.into()));
    counting.mount(&server).await;
    let client = builder(&base(&server)).build().unwrap();
    let calls = (0..180).map(|_| async { cancel(&client).await.map(drop) });
    let results = futures_util::future::join_all(calls).await;
    let held_back = |result: &&Result<(), Error>| {
        let error = result.as_ref().err();
        error.is_some_and(|error| error.kind() == ErrorKind::RateLimited && error.api().is_none())
    };
    let sent = count(&server).await;
    assert_eq!(results.iter().filter(held_back).count(), 180 - sent);
    assert_eq!(sent, 120, "one more would be blocked");
}

#[tokio::test]
async fn a_turn_that_comes_soon_is_waited_for() {
    let told = |remaining: &str| {
        me().insert_header("X-RateLimit-Limit-Default", "5")
            .insert_header("X-RateLimit-Remaining-Default", remaining)
            .insert_header("X-RateLimit-Reset-Default", "1")
    };
    let server = MockServer::start().await;
    let first = Mock::given(any()).respond_with(told("0"));
    first.up_to_n_times(1).mount(&server).await;
    Mock::given(any())
        .respond_with(told("4"))
        .mount(&server)
        .await;
    let client = builder(&base(&server))
        .rate(RatePolicy::default().with_max_wait(Duration::from_secs(2)))
        .build()
        .unwrap();
    client.me().get().await.unwrap();
    let began = Instant::now();
    client.me().get().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_allowed() {
    let server = answering(me().set_delay(Duration::from_millis(50))).await;
    let client = builder(&base(&server)).max_concurrent(2).build().unwrap();
    let began = Instant::now();
    let calls = (0..6).map(|_| async { client.me().get().await.unwrap() });
    futures_util::future::join_all(calls).await;
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "three rounds of two"
    );
}
