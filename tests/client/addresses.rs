//! Where requests go: base URLs, identifiers in paths, redirects.

use calcom::client::{Client, ErrorKind, Retryability};
use calcom::model::{BookingUid, CancelParams, RescheduleParams};
use wiremock::ResponseTemplate;

use crate::support::{KEY, answering, builder, cancel, client, count, recorded};

#[tokio::test]
async fn the_base_url_may_have_a_prefix_and_may_end_in_a_slash() {
    for (base, path) in [
        ("/v2", "/v2/me"),
        ("/v2/", "/v2/me"),
        ("/api/v2", "/api/v2/me"),
        ("/api/v2/", "/api/v2/me"),
        ("", "/me"),
        ("/", "/me"),
    ] {
        let server = answering(recorded("011-me")).await;
        let base = format!("{}{base}", server.uri());
        let client = builder(&base).build().unwrap();
        client.me().get().await.unwrap();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests[0].url.path(), path, "{base}");
    }
}

#[test]
fn a_base_url_that_cannot_be_one_is_refused_by_name() {
    let wrong = [
        "",
        "api.cal.com/v2",
        "localhost:3000/v2",
        "/v2",
        "ftp://api.cal.com/v2",
        "mailto:ann@example.com",
        "https://",
        "https://user:hunter2@api.cal.com/v2",
        "https://token@api.cal.com/v2",
        "https://api.cal.com/v2?key=hunter2",
        "https://api.cal.com/v2#there",
    ];
    for base in wrong {
        let builder = builder(base);
        assert!(!format!("{builder:?}").contains("hunter2"), "{base}");
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{base}");
        assert_eq!(error.retryability(), Retryability::Never);
        assert_eq!(error.fields()[0].field(), "base_url", "{base}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn a_key_that_no_header_can_hold_is_refused_without_being_shown() {
    for key in [
        "cal_live_secret\nX-Other: 1",
        "cal_live_secret\r\n2",
        "cal_live_secret\0",
    ] {
        let error = Client::new(key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.fields()[0].field(), "api_key");
        assert!(!format!("{error} {error:?}").contains("cal_live_secret"));
    }
}

#[tokio::test]
async fn space_around_a_key_is_not_sent() {
    let server = answering(recorded("011-me")).await;
    let client = Client::builder(format!(" {KEY}\n"))
        .base_url(&server.uri())
        .build()
        .unwrap();
    client.me().get().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        requests[0].headers["authorization"],
        format!("Bearer {KEY}")
    );
}

#[tokio::test]
async fn an_identifier_that_would_address_something_else_is_not_sent() {
    let server = answering(recorded("011-me")).await;
    let client = client(&server);
    let start = "2026-12-08T09:00:00Z".parse().unwrap();
    // Tabs and line breaks vanish from addresses, so that a dotted one may come out.
    for stray in [
        "", ".", "..", "\t", ".\t.", ".\n", "\r..", "a\tb", "a\nb", "a\0b",
    ] {
        let uid = BookingUid::new(stray);
        let bookings = client.bookings();
        let params = RescheduleParams::default();
        let errors = [
            bookings.get(&uid).await.unwrap_err(),
            bookings.reschedule(&uid, start, &params).await.unwrap_err(),
            bookings
                .cancel(&uid, &CancelParams::default())
                .await
                .unwrap_err(),
            bookings
                .cancel_series(&stray.into(), &CancelParams::default())
                .await
                .unwrap_err(),
            client.webhooks().delete(&stray.into()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{stray:?}");
            assert_eq!(error.retryability(), Retryability::Never, "{stray:?}");
            assert!(!error.fields().is_empty());
        }
    }
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn an_identifier_stays_within_its_segment_of_the_path() {
    for (uid, segment) in [
        ("a/b", "a%2Fb"),
        ("../me", "..%2Fme"),
        ("a\\b", "a%5Cb"),
        ("a?b=c", "a%3Fb=c"),
        ("a#b", "a%23b"),
        ("%2e%2e", "%252e%252e"),
        ("a b", "a%20b"),
        ("...", "..."),
        ("ü", "%C3%BC"),
    ] {
        let server = answering(recorded("205-booking-get-team")).await;
        client(&server).bookings().get(&uid.into()).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let path = requests[0].url.path();
        assert_eq!(path, format!("/v2/bookings/{segment}"), "{uid:?}");
        assert_eq!(requests[0].url.query(), None);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_that_the_key_goes_nowhere_else() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = answering(recorded("011-me")).await;
        let there = format!("{}/v2/me", elsewhere.uri());
        let moved = ResponseTemplate::new(status).insert_header("location", there.as_str());
        let server = answering(moved).await;
        let client = client(&server);
        let read = client.me().get().await.unwrap_err();
        let written = cancel(&client);
        for error in [read, written.await.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::UnknownEndpoint, "{status}");
            assert_eq!(error.api().unwrap().status().as_u16(), status);
        }
        assert_eq!(count(&server).await, 2, "{status}");
        assert_eq!(count(&elsewhere).await, 0, "{status}");
    }
}
