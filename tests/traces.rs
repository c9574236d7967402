//! Following a webhook through the traces: from the request to the turn that works on it, and to the calls of that turn.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the harness is shared with tests/sync"
)]

#[path = "sync/harness.rs"]
mod harness;

use std::io::Write;
use std::sync::{Arc, Mutex};

use calcom::store::{Inbox, Page};
use calcom::testing::{Fault, Operation, Then, WebhookBody};
use harness::{SECRET, World, at};
use sha2::{Digest, Sha256};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Where the log is written to.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines that contain all of these.
    fn lines(&self, parts: &[&str]) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines();
        let meant = lines.filter(|line| parts.iter().all(|part| line.contains(part)));
        meant.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_webhook_can_be_followed_to_the_turn_and_its_calls() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The only test of its binary: what one thread subscribes to, another one can switch off.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(calcom::testing::When::Any, Then::LoseWebhook));
    let booked = world.book(at(0)).await;
    let body = WebhookBody::created(booked.uid.as_str(), booked.start);
    let url = format!(
        "http://{}/webhooks/calcom/{}",
        world.address(),
        world.tenant
    );
    let sent = reqwest::Client::new()
        .post(&url)
        .header(calcom::webhook::SIGNATURE_HEADER, body.signed_with(SECRET))
        .header("x-correlation-id", "from-the-proxy-1")
        .body(body.to_bytes());
    assert_eq!(sent.send().await.unwrap().status(), 200);
    world
        .fake
        .inject(Fault::new(Operation::GetBooking, Then::status(503)));
    while calcom::sync::SyncEngine::step(&*world.engine)
        .await
        .unwrap()
        .is_some()
    {}

    // The request, with the delivery that it brought.
    let fingerprint = hex::encode(Sha256::digest(body.to_bytes()));
    let taken_in = log.lines(&[
        "calcom.webhook{",
        "otel.kind=\"server\"",
        "correlation_id=from-the-proxy-1",
        "a webhook was taken in",
        &format!("fingerprint={fingerprint}"),
    ]);
    assert_eq!(taken_in.len(), 1, "{taken_in:?}");
    let closed = ["calcom.webhook{", "http.response.status_code=200", "close"];
    let closed = log.lines(&closed);
    assert!(!closed[0].contains("otel.status_code"), "{closed:?}");

    // The turn, with the row that the delivery is in, and its calls.
    let rows = world.store.deliveries(&world.tenant, Page::first(10));
    let (row, _) = rows.await.unwrap().remove(0);
    let turn = format!("delivery_ids={} ", row.id);
    let turn = ["calcom.sync.turn{", &turn, "otel.kind=\"consumer\""];
    assert!(!log.lines(&turn).is_empty());
    let call = [
        "calcom.call{",
        "otel.kind=\"client\"",
        "operation=\"bookings.get\"",
        "http.response.status_code=503",
        "calcom.error=\"server\"",
        "otel.status_code=\"ERROR\"",
    ];
    let calls = log.lines(&[&turn[..], &call[..]].concat());
    assert!(!calls.is_empty());
    assert_eq!(log.lines(&["otel.status_code=\"ERROR\"", "close"]).len(), 1);

    // Nobody's name on the way, and no uid, by which anybody could cancel the booking.
    for secret in ["Ann", "example.com", SECRET, booked.uid.as_str()] {
        let told = log.lines(&[secret]);
        assert!(told.is_empty(), "{secret}: {told:?}");
    }
}
