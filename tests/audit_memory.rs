//! An audit holds a page of each side, however many rows there are.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that panics has failed"
)]

mod generated;

use generated::{Generated, status_kib};

const ROWS: u64 = 20_000;
/// Half of what the rows of one side alone would take up.
const MAX_GROWTH_KIB: u64 = 6 * 1024;

// The peak is the process's, so nothing else may run in this binary.
#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc/self/status")]
async fn twenty_thousand_pairs_take_up_no_more_than_a_few_pages() {
    // What is there with any number of rows.
    Generated::new(1000).audit().await;
    let before = status_kib("VmRSS:").expect("Linux tells it");
    let report = Generated::new(ROWS).audit().await;
    let after = status_kib("VmHWM:").expect("Linux tells it");
    assert_eq!(report.counts.drift(), 3 * ROWS / generated::DRIFT_EVERY);
    let growth = after.saturating_sub(before);
    assert!(growth < MAX_GROWTH_KIB, "{before} KiB, then {after} KiB");
}
