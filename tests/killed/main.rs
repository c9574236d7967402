//! A process that keeps a salon's appointments and Cal.com in sync is killed with SIGKILL, again and again, at any moment. In the
//! end both sides agree, and nothing is doubled.
//!
//! ```text
//! cargo test --all-features --test killed                        200 kills, with a seed of its own
//! CALCOM_KILLED_SEED=17 cargo test --all-features --test killed  with this seed
//! CALCOM_KILLED_TIMES=20 …                                       fewer kills, or more
//! ```
//!
//! The test is the parent of that process, and has no harness: it runs itself again as the child. Who does what, and when the
//! process is killed, follows from the seed; what a kill hits does not quite, as the machine's pace has a part in it.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod cal_com;
mod chance;
mod child;
mod doorman;
mod kills;
mod salon;
mod verdict;

use std::process::ExitCode;

const NAME: &str = "killed_at_any_moment_both_sides_agree_in_the_end";

/// The kills of a whole run.
const TIMES: u32 = 200;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    if let Some(orders) = child::Orders::from_environment() {
        runtime.block_on(child::live(orders));
        return ExitCode::SUCCESS;
    }
    if !is_asked_for() {
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| {
        let value = std::env::var(name).ok();
        value.map(|value| value.parse::<u64>().expect(name))
    };
    let seed = number("CALCOM_KILLED_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let times = number("CALCOM_KILLED_TIMES").map_or(TIMES, |times| u32::try_from(times).unwrap());
    println!("test {NAME}: {times} kills with CALCOM_KILLED_SEED={seed}");
    let history = runtime.block_on(kills::run(seed, times));
    println!("{history}");
    println!("test {NAME} ... ok");
    ExitCode::SUCCESS
}

/// Whether the arguments of a test program choose this test: a list of names to contain, and flags.
fn is_asked_for() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        println!("{NAME}: test");
        return false;
    }
    let mut names = arguments
        .iter()
        .filter(|name| !name.starts_with('-'))
        .peekable();
    names.peek().is_none() || names.any(|name| NAME.contains(name.as_str()))
}
