//! What is made again, and what never is.

use std::time::Duration;

use calcom::client::{Client, Error, ErrorKind, RetryPolicy, Retryability};
use calcom::model::{CancelParams, EventTypeId, NewAttendee, NewBooking, RescheduleParams};
use calcom::testing::ManualClock;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;
use wiremock::ResponseTemplate;

use crate::support::{
    RawServer, Reply, answering, body, builder, cancel, client, count, cut_answer, first_answering,
    quick, raw_answer, raw_reply, recorded,
};

fn start() -> DateTime<Utc> {
    "2026-12-08T09:00:00Z".parse().unwrap()
}

/// The three writes that must not happen twice.
async fn writes(client: &Client) -> [Result<(), Error>; 3] {
    let attendee = NewAttendee::new("Ann Attendee", "ann@example.com", "Europe/London".into());
    let wanted = NewBooking::new(EventTypeId::new(2), start(), attendee);
    let bookings = client.bookings();
    let uid = "u".into();
    [
        bookings.create(&wanted).await.map(drop),
        bookings
            .reschedule(&uid, start(), &RescheduleParams::default())
            .await
            .map(drop),
        bookings
            .cancel(&uid, &CancelParams::reason("x"))
            .await
            .map(drop),
    ]
}

#[tokio::test]
async fn a_read_is_made_again_after_a_failure_of_the_server() {
    for status in [500, 502, 503, 504, 524, 408] {
        let server = first_answering(2, ResponseTemplate::new(status)).await;
        client(&server).me().get().await.unwrap();
        assert_eq!(count(&server).await, 3, "{status}");
    }
}

#[tokio::test]
async fn a_read_is_made_as_often_as_allowed_and_no_more() {
    let server = answering(ResponseTemplate::new(500)).await;
    let error = client(&server).me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(count(&server).await, 3);

    let server = answering(ResponseTemplate::new(500)).await;
    let base = format!("{}/v2", server.uri());
    let once = builder(&base).retry(RetryPolicy::none()).build().unwrap();
    once.me().get().await.unwrap_err();
    assert_eq!(count(&server).await, 1);
    let five = builder(&base).retry(quick().with_max_attempts(5));
    five.build().unwrap().me().get().await.unwrap_err();
    assert_eq!(count(&server).await, 6);
}

#[tokio::test]
async fn a_read_is_made_again_after_a_cut_connection() {
    let whole = Reply::Close(raw_answer(&body("011-me")));
    for cut in [cut_answer(), String::new(), "HTTP/1.1 200 O".to_owned()] {
        let replies = vec![Reply::Close(cut.clone()), whole.clone()];
        let server = RawServer::start(replies).await;
        let client = builder(&server.base_url).build().unwrap();
        client.me().get().await.unwrap();
        assert_eq!(server.requests(), ["GET /v2/me", "GET /v2/me"], "{cut:?}");
    }
}

#[tokio::test]
async fn an_end_of_a_subscription_is_made_again() {
    let server = first_answering(1, ResponseTemplate::new(502)).await;
    client(&server)
        .webhooks()
        .delete(&"w".into())
        .await
        .unwrap();
    assert_eq!(count(&server).await, 2);
}

/// The first attempt ended the subscription, and its answer was lost.
#[tokio::test]
async fn a_deletion_that_an_earlier_attempt_carried_out_has_succeeded() {
    let gone = raw_reply(404, &body("257-webhooks-delete-again"));
    for lost in [cut_answer(), raw_reply(502, &json!({}))] {
        let replies = vec![Reply::Close(lost), Reply::Close(gone.clone())];
        let server = RawServer::start(replies).await;
        let client = builder(&server.base_url).build().unwrap();
        client.webhooks().delete(&"w".into()).await.unwrap();
        assert_eq!(server.requests().len(), 2);
    }
    // At the first attempt, and after one that was certainly not carried out, it is an error.
    let server = answering(recorded("257-webhooks-delete-again")).await;
    let error = client(&server).webhooks().delete(&"w".into()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    let limited = raw_reply(
        429,
        &json!({"message": "ThrottlerException: Too Many Requests"}),
    )
    .replacen("\r\n", "\r\nX-RateLimit-Reset-Default: 0\r\n", 1);
    let replies = vec![Reply::Close(limited), Reply::Close(gone)];
    let server = RawServer::start(replies).await;
    let client = builder(&server.base_url).build().unwrap();
    let error = client.webhooks().delete(&"w".into()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn what_was_refused_is_not_made_again() {
    for status in [302, 400, 401, 403, 404, 409, 413, 422] {
        let server = answering(ResponseTemplate::new(status)).await;
        client(&server).me().get().await.unwrap_err();
        assert_eq!(count(&server).await, 1, "{status}");
    }
}

#[tokio::test]
async fn a_write_is_never_sent_twice_after_a_failure_of_the_server() {
    for status in [500, 502, 503, 504, 524, 408] {
        let server = answering(ResponseTemplate::new(status)).await;
        for result in writes(&client(&server)).await {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Server);
            assert_eq!(error.retryability(), Retryability::IfIdempotent);
        }
        assert_eq!(count(&server).await, 3, "{status}");
    }
}

#[tokio::test]
async fn a_write_is_never_sent_twice_after_a_timeout() {
    let late = ResponseTemplate::new(201).set_delay(Duration::from_secs(30));
    let server = answering(late).await;
    let client = builder(&format!("{}/v2", server.uri()))
        .attempt_timeout(Duration::from_millis(80))
        .build()
        .unwrap();
    for result in writes(&client).await {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.is_timeout());
        assert_eq!(error.retryability(), Retryability::IfIdempotent);
    }
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn a_write_is_never_sent_twice_after_a_cut_answer() {
    for cut in [cut_answer(), String::new(), "HTTP/1.1 201 Cre".to_owned()] {
        let server = RawServer::start(vec![Reply::Close(cut)]).await;
        let client = builder(&server.base_url).build().unwrap();
        for result in writes(&client).await {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport);
            assert_eq!(error.retryability(), Retryability::IfIdempotent);
        }
        let once_each = [
            "POST /v2/bookings",
            "POST /v2/bookings/u/reschedule",
            "POST /v2/bookings/u/cancel",
        ];
        assert_eq!(server.requests(), once_each);
    }
}

#[tokio::test]
async fn a_write_is_never_sent_twice_after_an_answer_that_is_cut_but_whole_in_length() {
    let cut = r#"{"status":"success","data":{"id":1,"uid":"#;
    let server = answering(ResponseTemplate::new(201).set_body_string(cut)).await;
    for result in writes(&client(&server)).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Decode);
    }
    assert_eq!(count(&server).await, 3);
}

// An HTTP library may send again by itself what it wrote on a kept connection that then turned out to be closed.
#[tokio::test]
async fn a_write_on_a_kept_connection_that_is_closed_is_never_sent_twice() {
    let kept = Reply::KeepOpen(raw_answer(&body("011-me")));
    let server = RawServer::start(vec![kept, Reply::Close(String::new())]).await;
    let client = builder(&server.base_url).build().unwrap();
    client.me().get().await.unwrap();
    let cancelled = cancel(&client);
    let error = cancelled.await.unwrap_err();
    assert_eq!(error.retryability(), Retryability::IfIdempotent);
    assert_eq!(
        server.requests(),
        ["GET /v2/me", "POST /v2/bookings/u/cancel"]
    );
}

#[tokio::test]
async fn a_write_is_made_again_after_a_limit_that_is_reset_soon() {
    let limited = ResponseTemplate::new(429).insert_header("X-RateLimit-Reset-Default", "1");
    let server = answering(limited).await;
    let two = quick().with_max_attempts(2);
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).retry(two).build().unwrap();
    let began = Instant::now();
    let cancelled = cancel(&client);
    let error = cancelled.await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(count(&server).await, 2);
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "the reset is waited for"
    );
}

#[tokio::test]
async fn a_limit_that_is_reset_late_is_told_and_not_waited_for() {
    let limited = ResponseTemplate::new(429)
        .insert_header("X-RateLimit-Reset-Short", "3")
        .insert_header("X-RateLimit-Reset-Default", "37");
    let server = answering(limited).await;
    let base = format!("{}/v2", server.uri());
    // What a rate budget does after the first of them is another test's.
    let client = builder(&base).rate(None).build().unwrap();
    let mut errors = vec![client.me().get().await.unwrap_err()];
    errors.extend(writes(&client).await.map(Result::unwrap_err));
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(37)));
        assert_eq!(error.retryability(), Retryability::Always);
    }
    assert_eq!(count(&server).await, 4);
}

#[tokio::test]
async fn a_reset_told_as_an_instant_is_read_by_the_clock_that_was_injected() {
    let limited =
        ResponseTemplate::new(429).insert_header("X-RateLimit-Reset-Default", "1790000040");
    let server = answering(limited).await;
    let clock = ManualClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).clock(clock.shared()).build().unwrap();
    let error = client.me().get().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
}

#[tokio::test]
async fn a_limit_without_a_word_about_its_reset_is_taken_for_the_usual_block() {
    let server = answering(ResponseTemplate::new(429)).await;
    let error = client(&server).me().get().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(count(&server).await, 1);
}

/// An address at which nobody listens.
async fn closed_port() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn a_refused_connection_is_told_as_not_carried_out() {
    let base = format!("http://{}/v2", closed_port().await);
    let client = builder(&base).breaker(None).build().unwrap();
    for result in writes(&client).await {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(error.retryability(), Retryability::Always);
        assert!(!error.is_timeout());
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn a_write_is_made_again_after_a_refused_connection() {
    let address = closed_port().await;
    let patient = quick()
        .with_max_attempts(200)
        .with_delays(Duration::from_millis(100), Duration::from_millis(100));
    let client = builder(&format!("http://{address}/v2"))
        .retry(patient)
        .breaker(None)
        .build()
        .unwrap();
    let listening = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let cancelled = body("188-booking-cancel-rejected");
        RawServer::on(listener, vec![Reply::Close(raw_answer(&cancelled))])
    };
    let (uid, params) = ("u".into(), CancelParams::reason("x"));
    let bookings = client.bookings();
    let (server, cancelled) = tokio::join!(listening, bookings.cancel(&uid, &params));
    cancelled.unwrap();
    assert_eq!(server.requests(), ["POST /v2/bookings/u/cancel"]);
}

#[tokio::test]
async fn all_attempts_of_a_call_carry_one_correlation_id() {
    let server = answering(ResponseTemplate::new(502)).await;
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).breaker(None).build().unwrap();
    for _ in 0..2 {
        client.me().get().await.unwrap_err();
    }
    let requests = server.received_requests().await.unwrap();
    let ids: Vec<_> = requests
        .iter()
        .map(|request| request.headers["x-correlation-id"].clone())
        .collect();
    assert_eq!(ids.len(), 6);
    assert!(ids[..3].iter().all(|id| *id == ids[0]));
    assert!(ids[3..].iter().all(|id| *id == ids[3]));
    assert_ne!(ids[0], ids[3]);
}
