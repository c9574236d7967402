//! How long a call may take, and how large an answer may be.

use std::time::Duration;

use calcom::client::{ErrorKind, Retryability};
use tokio::time::Instant;
use wiremock::ResponseTemplate;

use crate::support::{answering, body, builder, cancel, count, quick, recorded};

#[tokio::test]
async fn an_attempt_ends_in_time_and_a_read_gets_another() {
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let server = answering(late).await;
    let client = builder(&format!("{}/v2", server.uri()))
        .attempt_timeout(Duration::from_millis(80))
        .retry(quick().with_max_attempts(2))
        .build()
        .unwrap();
    let error = client.me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_timeout());
    assert_eq!(error.retryability(), Retryability::IfIdempotent);
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn a_call_ends_in_time_whatever_its_attempts_do() {
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let server = answering(late).await;
    let client = builder(&format!("{}/v2", server.uri()))
        .total_timeout(Duration::from_millis(150))
        .build()
        .unwrap();
    let began = Instant::now();
    let error = client.me().get().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_timeout());
    assert_eq!(error.retryability(), Retryability::IfIdempotent);
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_call_ends_in_time_however_many_attempts_are_left() {
    let failing = ResponseTemplate::new(500).set_delay(Duration::from_millis(60));
    let server = answering(failing).await;
    let client = builder(&format!("{}/v2", server.uri()))
        .total_timeout(Duration::from_millis(300))
        .retry(quick().with_max_attempts(1000))
        .build()
        .unwrap();
    let began = Instant::now();
    client.me().get().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(count(&server).await < 10);
}

#[tokio::test]
async fn a_reset_beyond_the_end_of_the_call_is_not_waited_for() {
    let limited = ResponseTemplate::new(429).insert_header("X-RateLimit-Reset-Default", "4");
    let server = answering(limited).await;
    let client = builder(&format!("{}/v2", server.uri()))
        .total_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let began = Instant::now();
    let error = client.me().get().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(1500));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(4)));
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_the_limit_and_no_larger() {
    let length = body("011-me").to_string().len();
    let server = answering(recorded("011-me")).await;
    let base = format!("{}/v2", server.uri());
    let exact = builder(&base).max_response_bytes(length).build().unwrap();
    exact.me().get().await.unwrap();

    let less = builder(&base).max_response_bytes(length - 1);
    let error = less.build().unwrap().me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.retryability(), Retryability::Never);
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn an_error_answer_that_is_too_large_is_not_read_either() {
    let huge = ResponseTemplate::new(400).set_body_string("x".repeat(200_000));
    let server = answering(huge).await;
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).max_response_bytes(1000).build().unwrap();
    let cancelled = cancel(&client);
    let error = cancelled.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(count(&server).await, 1);
}
