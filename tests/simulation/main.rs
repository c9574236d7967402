//! From a seed a random history, and after it the promises; see `calcom::testing::simulation`.
//!
//! `CALCOM_SIM_SEEDS=5000` runs more histories, `CALCOM_SIM_SEED=17` one of them again; the test that failed says which. Those over
//! PostgreSQL need a server, which `CALCOM_TEST_POSTGRES` names; `scripts/with-postgres` starts one.

mod broken;

use std::thread;

use calcom::testing::simulation::{Simulation, Trace};
use sqlx::{Connection, PgConnection};

const DEFAULT_SEEDS: u64 = 300;

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number")),
    )
}

/// The seeds of a test whose share of the default number is `default`.
fn seeds(default: u64) -> Vec<u64> {
    if let Some(seed) = from_environment("CALCOM_SIM_SEED") {
        return vec![seed];
    }
    let many = from_environment("CALCOM_SIM_SEEDS").unwrap_or(DEFAULT_SEEDS);
    (0..(many * default).div_ceil(DEFAULT_SEEDS)).collect()
}

/// As the environment says which servers are played.
fn on_the_servers(simulation: Simulation) -> Simulation {
    match std::env::var("CALCOM_TEST_SERVER").as_deref() {
        Ok("hosted") => simulation.hosted(true),
        Ok("self-hosted") => simulation.hosted(false),
        Ok(other) => panic!("CALCOM_TEST_SERVER is {other:?}"),
        Err(_) => simulation,
    }
}

fn run(simulation: &Simulation, seed: u64) -> Trace {
    let trace = simulation.run(seed);
    assert!(
        trace.is_kept(),
        "{trace} ({simulation:?}); run it again with CALCOM_SIM_SEED={seed}"
    );
    trace
}

#[test]
fn histories_keep_the_promises() {
    let simulation = on_the_servers(Simulation::in_memory());
    let (seeds, mut found) = (seeds(DEFAULT_SEEDS / 2), 0);
    for seed in &seeds {
        found += run(&simulation, *seed).found_by_sweep;
    }
    // Where webhooks are lost for good, there is something to find.
    assert!(found > 0 || seeds.len() < 50, "no sweep found anything");
}

#[test]
fn histories_of_a_table_elsewhere_keep_the_promises() {
    let simulation = on_the_servers(Simulation::own_table());
    for seed in seeds(DEFAULT_SEEDS / 2) {
        run(&simulation, seed);
    }
}

#[test]
fn histories_over_a_file_keep_the_promises() {
    let folder = tempfile::tempdir().unwrap();
    let simulation = Simulation::sqlite(folder.path());
    for seed in seeds(10) {
        run(&simulation, seed);
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "files are left behind");
}

/// The schemas of histories that are there.
fn schemas(address: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut connection = PgConnection::connect(address).await.unwrap();
        let schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'simulation\\_%'";
        let schemas = sqlx::query_scalar(schemas).fetch_all(&mut connection).await;
        schemas.unwrap()
    })
}

/// Three workers at once, each with connections of its own.
#[test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test simulation postgres -- --include-ignored"]
fn histories_over_postgres_keep_the_promises() {
    let address = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    let before = schemas(&address);
    let simulation = Simulation::postgres(address.as_str());
    for seed in seeds(15) {
        run(&simulation, seed);
    }
    assert_eq!(schemas(&address), before, "schemas are left behind");
}

#[test]
fn histories_over_the_network_keep_the_promises() {
    let simulation = Simulation::in_memory().over_network();
    for seed in seeds(10) {
        run(&simulation, seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for simulation in [Simulation::in_memory(), Simulation::own_table()] {
        let simulation = on_the_servers(simulation);
        // On two threads, which share nothing but what they are given.
        for seed in seeds(10) {
            let again = simulation.clone();
            let again = thread::spawn(move || run(&again, seed));
            let first = run(&simulation, seed);
            assert_eq!(first, again.join().unwrap(), "seed {seed}");
        }
    }
}
