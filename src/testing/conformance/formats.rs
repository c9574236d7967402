//! What [`Links`](crate::store::Links) promises of what the engine remembers: bytes that only the
//! engine reads.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{ClaimRequest, Opaque};

fn worker_of(format: u16) -> ClaimRequest {
    ClaimRequest::new(LEASE, format)
}

/// A link with bytes of this format, with nothing to do. Nothing else may be due.
async fn link_of_format(bench: &Bench, name: &str, format: u16, bytes: &[u8]) {
    bench.record(name, 1).await;
    let claim = bench.try_claim(&worker_of(u16::MAX)).await;
    let claim = claim.expect("a link has work, and was not claimed");
    let mut settlement = all_settled(&claim);
    settlement.link.state = Some(Opaque::new(format, bytes.to_vec()));
    bench.settle(&claim, settlement).await;
}

async fn next_due(bench: &Bench, format: u16) -> Option<Duration> {
    let due = bench.store.next_due(format).await;
    due.expect("a time is read")
}

/// A link whose bytes are of a newer format than the worker reads is left to a newer worker, and
/// hides no other link from the older one.
pub async fn a_newer_format_is_left_to_a_newer_worker(bench: &Bench) {
    link_of_format(bench, "newer", FORMAT + 1, b"new").await;
    link_of_format(bench, "same", FORMAT, b"same").await;
    link_of_format(bench, "older", FORMAT - 1, b"old").await;
    for name in ["newer", "same", "older", "unwritten"] {
        bench.record(name, 2).await;
        bench.pass(Duration::from_millis(5)).await;
    }
    for name in ["same", "older", "unwritten"] {
        let claim = bench.claim().await;
        assert_eq!(claim.link.appointment, Some(appointment(name)));
    }
    bench.assert_nothing_due().await;
    let claim = bench.try_claim(&worker_of(FORMAT + 1)).await;
    let claim = claim.expect("the newer worker reads it");
    assert_eq!(claim.link.appointment, Some(appointment("newer")));
    assert_eq!(claim.changes.len(), 1);
}

/// What an older worker cannot read is not due for it, neither now nor when it wakes; it is for a
/// newer one.
pub async fn next_due_counts_what_the_worker_reads(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.state = Some(Opaque::new(FORMAT + 1, Vec::new()));
    settlement.wake = Some(SPAN);
    bench.settle(&claim, settlement).await;
    assert_eq!(next_due(bench, FORMAT).await, None);
    assert_due_in(next_due(bench, FORMAT + 1).await, SPAN);
    bench.record("a", 2).await;
    // The claim finds out that the change is for a link that this worker does not read.
    bench.assert_nothing_due().await;
    assert_eq!(next_due(bench, FORMAT).await, None);
    assert_eq!(next_due(bench, FORMAT + 1).await, Some(Duration::ZERO));
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    assert_eq!(next_due(bench, FORMAT).await, None);
}

/// The bytes and their format come back as they were stored, by a claim and by a look, whatever the
/// bytes are.
pub async fn bytes_come_back_as_they_were_stored(bench: &Bench) {
    let every_byte: Vec<u8> = (0..=u8::MAX).rev().collect();
    let stored = [
        ("empty", 0, Vec::new()),
        ("every", 1, every_byte.clone()),
        ("quoted", u16::MAX, b"'; \\ \" \0 {}".to_vec()),
        ("long", 2, every_byte.repeat(64)),
    ];
    for (name, format, bytes) in stored {
        link_of_format(bench, name, format, &bytes).await;
        let expected = Some(Opaque::new(format, bytes));
        let found = bench.find_known(&by_appointment(name)).await;
        assert_eq!(found.state, expected, "{name}");
        bench.record(name, 2).await;
        let claim = bench.try_claim(&worker_of(format)).await;
        let claim = claim.expect("a worker of this format reads it");
        assert_eq!(claim.link.state, expected, "{name}");
        bench.settle_all(&claim).await;
    }
}
