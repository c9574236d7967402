//! Plays random, hostile histories against the sync engine, and checks after each what it promises.
//!
//! ```sh
//! cargo run --release --example simulate -- --seeds 10000
//! cargo run --release --example simulate -- --seeds 1 --first 4711   # one of them again
//! ```
//!
//! Options: `--seeds N` how many (100), `--first N` the first one (0), `--jobs N` threads (2),
//! `--workers N` how many processes the host has in each (3), `--over
//! memory|table|sqlite|postgres|network` what all of them run over; by default most run over a store
//! in memory, every third over a table apart from the bookkeeping, and a few over a SQLite file.
//! `--help` says the same. With 10,000 seeds or more, everything has to be taken at least 100 times.
//!
//! Over PostgreSQL each history has a schema of its own in the database that `CALCOM_TEST_POSTGRES`
//! or `--postgres ADDRESS` names, and every worker connections of its own:
//!
//! ```sh
//! scripts/with-postgres cargo run --release --all-features --example simulate -- --over postgres --workers 3 --seeds 500
//! ```
//!
//! Exits with 1 if a promise was broken or something was taken too rarely, with 2 if it cannot be
//! run as asked.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use calcom::SecretString;
use calcom::testing::simulation::{Coverage, Simulation, Trace};
use tokio::time::Instant;

/// From so many seeds on, every row has to be taken [`LEAST`] times.
const ENOUGH_SEEDS: u64 = 10_000;
const LEAST: u64 = 100;
/// How many failures are told in full.
const TOLD: usize = 3;

const HELP: &str = "\
Plays random, hostile histories against the sync engine, and checks after each what it promises.

  --seeds N           how many histories (100)
  --first N           the first seed (0)
  --jobs N            threads, each of which plays a history at a time (2)
  --workers N         processes of the host, over one store (3)
  --over WHAT         memory, table, sqlite, postgres or network; by default some of the first three
  --postgres ADDRESS  the database for postgres, postgres://user:password@host:5432/database, where
                      the role may make schemas; CALCOM_TEST_POSTGRES says the same
                      (scripts/with-postgres starts a server and sets it)
  --help              this text

Exits with 1 if a promise was broken or something was taken too rarely, with 2 if it cannot be run as asked.";

struct Options {
    seeds: u64,
    first: u64,
    jobs: u64,
    workers: usize,
    over: Option<String>,
    postgres: Option<SecretString>,
}

impl Options {
    /// `None` if only the help is asked for.
    fn from_arguments() -> Result<Option<Self>, String> {
        let mut options = Self {
            seeds: 100,
            first: 0,
            jobs: 2,
            workers: 3,
            over: None,
            postgres: std::env::var("CALCOM_TEST_POSTGRES").ok().map(Into::into),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            if name == "--help" {
                return Ok(None);
            }
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            let number = || value.parse().map_err(|_| format!("{value} is no number"));
            match name.as_str() {
                "--seeds" => options.seeds = number()?,
                "--first" => options.first = number()?,
                "--jobs" => options.jobs = number()?.max(1),
                "--workers" => {
                    options.workers = value
                        .parse()
                        .ok()
                        .filter(|workers| (1..=20).contains(workers))
                        .ok_or("there can be 1 to 20 workers")?;
                }
                "--over" => options.over = Some(value),
                "--postgres" => options.postgres = Some(value.into()),
                _ => return Err(format!("unknown option {name}: see --help")),
            }
        }
        Ok(Some(options))
    }
}

/// What a seed runs over.
struct Worlds {
    over: Option<String>,
    memory: Simulation,
    table: Simulation,
    sqlite: Simulation,
    /// `None` where no database is named.
    postgres: Option<Simulation>,
    network: Simulation,
}

impl Worlds {
    fn new(options: &Options, folder: &std::path::Path) -> Self {
        let workers = options.workers;
        let postgres = options.postgres.clone().map(Simulation::postgres);
        Self {
            over: options.over.clone(),
            memory: Simulation::in_memory().workers(workers),
            table: Simulation::own_table().workers(workers),
            sqlite: Simulation::sqlite(folder).workers(workers),
            postgres: postgres.map(|simulation| simulation.workers(workers)),
            network: Simulation::in_memory().over_network().workers(workers),
        }
    }

    fn name_of(&self, seed: u64) -> &str {
        match &self.over {
            Some(over) => over,
            None if seed % 100 == 99 => "sqlite",
            None if seed % 3 == 2 => "table",
            None => "memory",
        }
    }

    fn run(&self, seed: u64) -> Result<Trace, String> {
        let simulation = match self.name_of(seed) {
            "memory" => &self.memory,
            "table" => &self.table,
            "sqlite" => &self.sqlite,
            "postgres" => self.postgres.as_ref().ok_or(
                "neither CALCOM_TEST_POSTGRES nor --postgres names a database: see --help",
            )?,
            "network" => &self.network,
            other => return Err(format!("there is nothing called {other}")),
        };
        Ok(simulation.run(seed))
    }
}

/// What all threads have found.
#[derive(Default)]
struct Sum {
    coverage: Coverage,
    broken: Vec<Trace>,
    found_by_sweep: usize,
}

fn main() -> ExitCode {
    match simulate() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn simulate() -> Result<bool, String> {
    let Some(options) = Options::from_arguments()? else {
        println!("{HELP}");
        return Ok(true);
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let worlds = Worlds::new(&options, folder.path());
    worlds.run(options.first)?;
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    let sum = Mutex::new(Sum::default());
    let locked = || sum.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.seeds {
                return;
            }
            let Ok(trace) = worlds.run(options.first + number) else {
                return;
            };
            let mut sum = locked();
            sum.coverage.merge(&trace.coverage);
            sum.found_by_sweep += trace.found_by_sweep;
            if !trace.is_kept() {
                let over = worlds.name_of(trace.seed);
                println!(
                    "seed {} broke a promise: cargo run --release --example simulate -- --seeds 1 --first {} --over {over} --workers {}",
                    trace.seed, trace.seed, options.workers
                );
                sum.broken.push(trace);
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        let mut told = begun;
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= Duration::from_secs(10) {
                told = Instant::now();
                let done = next.load(Ordering::Relaxed).min(options.seeds);
                println!("{done} of {} seeds, {:?}", options.seeds, begun.elapsed());
            }
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    for trace in sum.broken.iter().take(TOLD) {
        println!("{trace}");
    }
    println!("{}", sum.coverage);
    let rare = sum.coverage.below(LEAST);
    let is_enough = options.seeds >= ENOUGH_SEEDS;
    for (kind, name, count) in rare.iter().filter(|_| is_enough) {
        println!("too rare: {kind:?} {name}: {count}");
    }
    println!(
        "{} seeds in {:.1} s; {} broke a promise; {} pairs were found by a sweep",
        options.seeds,
        begun.elapsed().as_secs_f64(),
        sum.broken.len(),
        sum.found_by_sweep
    );
    Ok(sum.broken.is_empty() && (rare.is_empty() || !is_enough))
}
