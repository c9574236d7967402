//! The fake against sequences of requests that a real server answered, replayed in order.
//!
//! `CALCOM_SEQUENCES=<dir> cargo test --all-features --test fake_sequences -- --nocapture` replays the sequences of another
//! directory and prints how they differ.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod compare;
mod differences;
mod mapping;
mod receiver;
mod recorded;
mod replay;
mod report;
mod server;

use std::path::{Path, PathBuf};

use differences::Listed;
use report::Report;

/// How many requests of the fixtures the fake answers like the real server.
const FLOOR: usize = 166;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sequences")
}

async fn replay_all(directory: &Path) -> Report {
    let mut report = Report::default();
    for sequence in recorded::sequences(directory) {
        if sequence.is_replayable() {
            report.add(&sequence.name, replay::replay(&sequence).await);
        } else {
            println!("{}: no requests in it, not replayed", sequence.name);
        }
    }
    report
}

#[tokio::test]
async fn the_fake_answers_like_the_real_server() {
    let report = replay_all(&fixtures()).await;
    println!("{report}");
    let listed =
        Listed::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/differences.json"));
    listed.check(&report);
    assert!(report.alike() >= FLOOR, "{} alike", report.alike());
}

/// Prints and judges nothing: what is elsewhere has no list of known differences.
#[tokio::test]
async fn sequences_from_elsewhere_are_replayed() {
    let Some(directory) = std::env::var_os("CALCOM_SEQUENCES") else {
        return;
    };
    let report = replay_all(Path::new(&directory)).await;
    println!("{report}");
    assert!(report.total() > 0, "no sequences in {directory:?}");
}
