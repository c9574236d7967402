//! What goes out to whoever watches the log: a warning when a person has to decide, and nobody's name in it.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the harness is shared with tests/sync; a helper of a test that fails is the test that fails"
)]

#[path = "sync/harness.rs"]
mod harness;

use std::io::Write;
use std::sync::{Arc, Mutex};

use calcom::store::Origin;
use harness::{SECRET, World, at};

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

#[tokio::test]
async fn an_item_that_opens_is_warned_of_once_with_its_cause_and_its_ids() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The only test of its binary: what one thread subscribes to, another one can switch off.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    world.fake.go_offline().await;
    world.make("a", at(0), Origin::Phone);
    world.make("b", at(1), Origin::Phone);
    // Turns run where the subscriber listens.
    for _ in 0..20 {
        while calcom::sync::SyncEngine::step(&*world.engine)
            .await
            .unwrap()
            .is_some()
        {}
        world.clock.advance(std::time::Duration::from_secs(31));
    }
    let item = world.reviews().await.remove(0);
    assert_eq!(item.links, 2);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let is_warning = |line: &&str| line.contains("WARN") && line.contains("a person has to decide");
    let warnings: Vec<&str> = text.lines().filter(is_warning).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let expected = [
        "tenant=salon",
        &format!("review={}", item.id),
        "retries_exhausted",
        "refused",
    ];
    for part in expected {
        assert!(
            warnings[0].to_lowercase().contains(part),
            "{part} is not in {}",
            warnings[0]
        );
    }
    for secret in ["ann@example.com", "Ann Attendee", SECRET, "cal_test"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
