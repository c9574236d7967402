//! A process that keeps a salon's appointments and Cal.com in sync is killed with SIGKILL, again and again, at any moment. In the
//! end both sides agree, and nothing is doubled.
//!
//! ```text
//! cargo test --all-features --test killed                        200 kills over SQLite, with a seed of its own
//! CALCOM_KILLED_SEED=17 cargo test --all-features --test killed  with this seed
//! CALCOM_KILLED_TIMES=20 …                                       fewer kills, or more
//! scripts/with-postgres cargo test --all-features --test killed -- --ignored
//!                                                                the same over PostgreSQL
//! ```
//!
//! The test is the parent of that process, and has no harness: it runs itself again as the child. Who does what, and when the
//! process is killed, follows from the seed; what a kill hits does not quite, as the machine's pace has a part in it.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod books;
mod cal_com;
mod chance;
mod child;
mod doorman;
mod kills;
mod salon;
mod verdict;

use std::process::ExitCode;

use books::Premises;

const OVER_SQLITE: &str = "killed_at_any_moment_both_sides_agree_in_the_end";
const OVER_POSTGRES: &str = "killed_over_postgres_both_sides_agree_in_the_end";
const WHY_IGNORED: &str = "needs a PostgreSQL server: scripts/with-postgres cargo test --test killed -- --include-ignored";

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
    for name in [OVER_SQLITE, OVER_POSTGRES] {
        match asked_for(name, name == OVER_POSTGRES) {
            Asked::ToRun => runtime.block_on(run(name)),
            Asked::ToList => println!("{name}: test"),
            Asked::ToIgnore => println!("test {name} ... ignored, {WHY_IGNORED}"),
            Asked::Nothing => {}
        }
    }
    ExitCode::SUCCESS
}

async fn run(name: &str) {
    let number = |name: &str| {
        let value = std::env::var(name).ok();
        value.map(|value| value.parse::<u64>().expect(name))
    };
    let seed = number("CALCOM_KILLED_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let times = number("CALCOM_KILLED_TIMES").map_or(TIMES, |times| u32::try_from(times).unwrap());
    println!("test {name}: {times} kills with CALCOM_KILLED_SEED={seed}");
    let premises = match name {
        OVER_POSTGRES => Premises::schema().await,
        _ => Premises::folder(),
    };
    let history = kills::run(premises, seed, times).await;
    println!("{history}");
    println!("test {name} ... ok");
}

/// What the arguments of a test program ask for.
enum Asked {
    ToRun,
    ToList,
    ToIgnore,
    Nothing,
}

/// The arguments are a list of names, one of which the test's has to contain, and flags.
fn asked_for(test: &str, is_ignored: bool) -> Asked {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mut names = arguments
        .iter()
        .filter(|name| !name.starts_with('-'))
        .peekable();
    let is_chosen = names.peek().is_none() || names.any(|name| test.contains(name.as_str()));
    if !is_chosen || (has("--ignored") && !is_ignored) {
        Asked::Nothing
    } else if has("--list") {
        Asked::ToList
    } else if is_ignored && !has("--ignored") && !has("--include-ignored") {
        Asked::ToIgnore
    } else {
        Asked::ToRun
    }
}
