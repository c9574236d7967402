//! From a seed a random history, and after it the promises: nothing is lost, nothing doubled, no loops, both sides agree,
//! tenants stay apart, nothing comes back to life, nothing secret is told.
//!
//! `CALCOM_SIM_SEEDS=5000` runs more histories, `CALCOM_SIM_SEED=17` one of them again; the test that failed says which.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod chance;
mod clock;
mod doubles;
mod history;
mod host;
mod ledger;
mod people;
mod plan;
mod post;
mod processes;
mod promises;
mod quiet;
mod rest;
mod tenants;
mod wire;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use history::{Chronicle, History};
use world::Setting;

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number")),
    )
}

/// One history from its seed to its end; returns what can be seen of it from outside.
async fn run(setting: Setting, seed: u64, chronicle: Chronicle) -> String {
    let mut history = History::new(setting, seed, chronicle).await;
    history.live().await;
    history.come_to_rest().await;
    let gaps = history.keeps_its_promises().await;
    LOST_FOR_GOOD.fetch_add(gaps, Ordering::Relaxed);
    if history.world.plan.lost > 0 {
        // Had nothing been lost, both sides would agree.
        history.world.post.lose_no_more();
        history.world.post.find_lost();
        history.come_to_rest().await;
        let gaps = history.keeps_its_promises().await;
        assert_eq!(gaps, 0, "nothing is lost any more");
    }
    history.stays_at_rest().await;
    history.keeps_tenants_apart().await;
    let writes = history.world.fake.writes();
    let mut trace = format!("{writes:?}");
    for customer in &history.world.customers {
        let appointments = history.world.appointments(customer).await;
        trace += &format!("{appointments:?}");
    }
    trace + &format!("{:?}", history.world.fake.bookings())
}

/// The known gap "a webhook was lost for good": the pairs that disagreed because of it. Nothing but webhooks tells of what
/// people do at Cal.com, until something walks its bookings.
static LOST_FOR_GOOD: AtomicUsize = AtomicUsize::new(0);

/// Keeps panics that are part of a history out of the output.
fn hush() {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let text = panic.payload().downcast_ref::<String>();
            if text.is_none_or(|text| text != host::PLANTED) {
                usual(panic);
            }
        }));
    });
}

/// Runs one seed in a world of its own; a failure tells the history that led to it.
fn simulate(setting: Setting, seed: u64) -> (String, Vec<String>) {
    hush();
    let chronicle = Chronicle::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(setting == Setting::Memory)
        .build()
        .unwrap();
    let life = || runtime.block_on(Box::pin(run(setting, seed, chronicle.clone())));
    match catch_unwind(AssertUnwindSafe(life)) {
        Ok(trace) => (trace, chronicle.lines()),
        Err(_) => {
            let lines = chronicle.lines().join("\n  ");
            panic!(
                "the history of seed {seed}:\n  {lines}\nSeed {seed} ({setting:?}) failed; run it again with CALCOM_SIM_SEED={seed}"
            );
        }
    }
}

/// The seeds of a test whose share of the default number is `default`.
fn seeds(default: u64) -> Box<dyn Iterator<Item = u64>> {
    if let Some(seed) = from_environment("CALCOM_SIM_SEED") {
        return Box::new(std::iter::once(seed));
    }
    let many = from_environment("CALCOM_SIM_SEEDS").unwrap_or(DEFAULT_SEEDS);
    Box::new(0..(many * default).div_ceil(DEFAULT_SEEDS))
}

const DEFAULT_SEEDS: u64 = 150;

#[test]
fn histories_keep_the_promises() {
    for seed in seeds(DEFAULT_SEEDS) {
        simulate(Setting::Memory, seed);
    }
    let gaps = LOST_FOR_GOOD.load(Ordering::Relaxed);
    println!("known gap, a webhook lost for good: {gaps} pairs disagreed until it was told");
}

#[test]
fn histories_over_a_file_keep_the_promises() {
    for seed in seeds(10) {
        simulate(Setting::Sqlite, seed);
    }
}

#[test]
fn histories_over_the_network_keep_the_promises() {
    for seed in seeds(10) {
        simulate(Setting::Http, seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in seeds(10) {
        let (first, second) = (
            simulate(Setting::Memory, seed),
            simulate(Setting::Memory, seed),
        );
        assert_eq!(first, second, "seed {seed}");
    }
}
