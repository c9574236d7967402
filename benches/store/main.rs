//! What the bookkeeping costs: at its doors, against bare inserts into the same database; at a claim, with a million rows beside it,
//! against the same without them; and with a tenant that is paused or held, against the same without it.
//!
//! `cargo bench --bench store` measures SQLite; `scripts/with-postgres --durable cargo bench --bench store` PostgreSQL, too. A name
//! as the argument (`doors`, `backlog`, `held`) measures that part only. The samples of the two sides of a ratio alternate, so that
//! whatever else the machine does hits both alike, and are split into blocks, whose spread says how far a ratio can be trusted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a program that measures, by the machine's clock"
)]

use std::time::Duration;

use criterion::Criterion;

mod backlog;
mod doors;
mod held;
#[path = "../ratio/mod.rs"]
mod ratio;

fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// The server of `scripts/with-postgres`.
fn postgres() -> Option<String> {
    let url = std::env::var("CALCOM_TEST_POSTGRES").ok();
    if url.is_none() {
        println!("PostgreSQL is not measured: that needs scripts/with-postgres --durable");
    }
    url
}

fn main() {
    let parts: Vec<String> = std::env::args().collect();
    let parts: Vec<&str> = ["doors", "backlog", "held"]
        .into_iter()
        .filter(|part| parts.iter().any(|argument| argument == part))
        .collect();
    let measures = |part| parts.is_empty() || parts.contains(&part);
    if measures("doors") {
        doors::measure();
    }
    if measures("backlog") {
        backlog::measure();
    }
    if measures("held") {
        let mut criterion = Criterion::default()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2))
            .without_plots();
        held::measure(&mut criterion);
        criterion.final_summary();
    }
}
