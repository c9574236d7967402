//! What an audit of many bookings and as many appointments costs, and what a decision does.
//!
//! `cargo bench --bench audit`. The rows are generated as they are asked for, so that only the audit holds
//! any.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a program that measures, by the machine's clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use calcom::model::EventTypeId;
use calcom::store::{AppointmentState, AppointmentStatus, Origin, Person};
use calcom::sync::{Base, Facts, Local, Remote, decide};
use chrono::{DateTime, TimeDelta};
use generated::{Generated, status_kib};
use tokio::runtime::Builder;

#[path = "../tests/generated/mod.rs"]
mod generated;

const FEW: u64 = 100_000;
const MANY: u64 = 1_000_000;
const MAX_GROWTH_KIB: u64 = 64 * 1024;
const MAX_RATIO: f64 = 12.0;
const MAX_DECISION: Duration = Duration::from_micros(1);

fn main() {
    // `cargo test --benches` only asks whether it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    decisions();
    audits();
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// Audits both sizes, and prints how they compare.
fn audits() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let audit = |rows: u64| {
        let begun = Instant::now();
        let report = runtime.block_on(Generated::new(rows).audit());
        let took = begun.elapsed();
        let drift = report.counts.drift();
        println!(
            "{rows:>9} pairs, {drift:>5} of them drifted: {:>8.2} s",
            took.as_secs_f64()
        );
        took
    };
    // What is there with any number of rows.
    runtime.block_on(Generated::new(1000).audit());
    let before = status_kib("VmRSS:");
    let few = (0..3).map(|_| audit(FEW)).min().unwrap();
    let many = audit(MANY);
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    let is_met = met(ratio <= MAX_RATIO);
    println!("ten times the size takes {ratio:.2} times the time   <= {MAX_RATIO} {is_met}");
    match (before, status_kib("VmHWM:")) {
        (Some(before), Some(peak)) => {
            let growth = peak.saturating_sub(before);
            let is_met = met(growth < MAX_GROWTH_KIB);
            println!("memory grew by {growth} KiB   < {MAX_GROWTH_KIB} KiB {is_met}");
        }
        _ => println!("the memory is not measured here"),
    }
}

/// Times decisions of every kind of input, in turn.
fn decisions() {
    let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let state = |minute: i64, status| {
        let ann = Person::new("Ann", "ann@example.com", "Europe/London");
        let start = start + TimeDelta::minutes(minute);
        let end = start + TimeDelta::minutes(30);
        AppointmentState::new(status, start, end, EventTypeId::new(7), ann)
            .with_host(1.into())
            .with_location("Main Street 1")
            .with_guests(["bob@example.com"])
    };
    let confirmed = AppointmentStatus::Confirmed;
    let plain = state(0, confirmed);
    let moved = state(30, confirmed);
    let ended = state(0, AppointmentStatus::Cancelled);
    let base = Base::new(plain.clone(), plain.clone());
    let local = |state| Some(Local::new(state, &Origin::Phone, start));
    let remote = |state| Some(Remote::new(state, Some(start)));
    let facts = |base, ours, theirs| {
        let facts = Facts::default().with_base(base);
        facts.with_local(ours).with_remote(theirs)
    };
    let cases = [
        (
            "nothing has changed",
            facts(Some(&base), local(&plain), remote(&plain)),
        ),
        (
            "the host has moved it",
            facts(Some(&base), local(&moved), remote(&plain)),
        ),
        (
            "Cal.com has moved it",
            facts(Some(&base), local(&plain), remote(&moved)),
        ),
        (
            "both have changed it",
            facts(Some(&base), local(&ended), remote(&moved)),
        ),
        ("a new appointment", facts(None, local(&plain), None)),
        ("a new booking", facts(None, None, remote(&plain))),
    ];
    const TIMES: u32 = 200_000;
    for (name, facts) in &cases {
        let mut blocks: Vec<Duration> = (0..7)
            .map(|_| {
                let begun = Instant::now();
                for _ in 0..TIMES {
                    black_box(decide(black_box(facts)));
                }
                begun.elapsed() / TIMES
            })
            .collect();
        blocks.sort_unstable();
        let median = blocks[blocks.len() / 2];
        let is_met = met(median < MAX_DECISION);
        println!(
            "decide, {name:<24} {:>6} ns   < 1000 ns {is_met}",
            median.as_nanos()
        );
    }
}
