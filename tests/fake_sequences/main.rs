//! The fake against sequences of requests that a real server answered, replayed in order.
//!
//! `CALCOM_SEQUENCES=<dir> cargo test --all-features --test fake_sequences` replays the sequences of another directory instead,
//! and prints how they differ. It judges nothing then: what is elsewhere has no list of known differences.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod compare;
mod differences;
mod mapping;
mod receiver;
mod recorded;
mod replay;
mod report;
mod server;

use std::io::Write;
use std::path::Path;

use differences::Listed;
use report::Report;

/// How many requests and calls of the fixtures the fake answers like the real server, of 304.
const FLOOR: usize = 303;

async fn replay_all(directory: &Path) -> Report {
    let mut report = Report::default();
    for sequence in recorded::sequences(directory) {
        if sequence.exchanges.is_empty() {
            print(&format!(
                "{}: has no requests and is not replayed\n",
                sequence.name
            ));
        } else {
            report.add(&sequence.name, replay::replay(&sequence).await);
        }
    }
    report
}

/// Prints, even where the output of tests that pass is not shown.
fn print(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn the_fake_answers_like_the_real_server() {
    if let Some(elsewhere) = std::env::var_os("CALCOM_SEQUENCES") {
        let report = replay_all(Path::new(&elsewhere)).await;
        print(&format!("\n{report}"));
        assert!(report.total() > 0, "no sequences in {elsewhere:?}");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let report = replay_all(&root.join("sequences")).await;
    println!("{report}");
    let listed = Listed::read(&root.join("differences.json"));
    listed.check(&report);
    let guide = std::fs::read_to_string(root.join("../docs/fake.md"));
    listed.check_guide(&guide.unwrap());
    assert!(report.alike() >= FLOOR, "{} alike", report.alike());
}
