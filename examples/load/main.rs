//! Loads the webhook endpoint as an operator would, with valid deliveries among duplicates, forgeries, bodies that are too large, too
//! slow or cut off, and bytes that are not HTTP; then checks that every valid delivery is in the store exactly as often as it was
//! accepted and nothing else is, and compares the endpoint with a bare axum handler that stores nothing.
//!
//! ```text
//! cargo run --release --example load -- --seconds 60 --connections 50
//! scripts/with-postgres --durable cargo run --release --example load -- --over postgres --worker
//! ```
//!
//! `--help` names the options. The server is a process of its own, so that its memory and processor time are its own. The mix is sent
//! over that many kept-alive connections, by weighted round robin; what spoils a connection has one of its own. Slow senders drip bodies
//! all the time.
//!
//! Exits with 1 if something does not hold, with 2 if it cannot be run as asked.
//!
//! - `run.rs`, `report.rs`: the phases of a run, and what is printed.
//! - `kinds.rs`: what is sent, and how it has to be answered.
//! - `lane.rs`: the senders.
//! - `wire.rs`: HTTP by hand.
//! - `server.rs`: the process under load.
//! - `measure.rs`: latencies and memory.

#![allow(clippy::print_stdout)]

mod kinds;
mod lane;
mod measure;
mod report;
mod run;
mod server;
mod wire;

use std::error::Error;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::{Clock, SystemClock};
use chrono::{DurationRound, TimeDelta};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use kinds::Bodies;
use run::Run;
use server::{Orders, Over, POSTGRES, Ports};

type Failure = Box<dyn Error + Send + Sync>;

/// Tells a process what to serve, and that it is the server.
const ORDERS: &str = "CALCOM_LOAD_ORDERS";

/// How long the server may take to end.
const GRACE: Duration = Duration::from_secs(20);

const HELP: &str = "\
Loads the webhook endpoint, and checks what is stored and how everything is answered.

  --seconds N      how long the mix is sent (60); the comparison takes about as long again, at most 40 s
  --connections N  how many connections send it (50); a fifth as many more send slowly
  --over WHAT      memory, sqlite (default: a file in a temporary folder) or postgres, the database that
                   CALCOM_TEST_POSTGRES names (scripts/with-postgres starts a server and sets it)
  --worker         runs a worker beside it, over a calendar in memory
  --seed N         of the order of the requests (1)
  --help           this text

Exits with 1 if something does not hold, with 2 if it cannot be run as asked.";

struct Options {
    seconds: u64,
    connections: u64,
    over: String,
    worker: bool,
    seed: u64,
}

impl Options {
    /// `None` if only the help is asked for.
    fn from_arguments() -> Result<Option<Self>, String> {
        let mut options = Self {
            seconds: 60,
            connections: 50,
            over: "sqlite".to_owned(),
            worker: false,
            seed: 1,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--help" => return Ok(None),
                "--worker" => {
                    options.worker = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{value} is no number"))
            };
            match name.as_str() {
                "--seconds" => options.seconds = number()?.max(1),
                "--connections" => options.connections = number()?.clamp(1, 1_000),
                "--seed" => options.seed = number()?,
                "--over" => options.over = value,
                _ => return Err(format!("unknown option {name}: see --help")),
            }
        }
        Ok(Some(options))
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    if let Ok(orders) = std::env::var(ORDERS) {
        server::serve(serde_json::from_str(&orders)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = match Options::from_arguments() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        Err(problem) => {
            eprintln!("load: {problem}");
            return Ok(ExitCode::from(2));
        }
    };
    let folder = tempfile::tempdir()?;
    let over = match (options.over.as_str(), std::env::var(POSTGRES)) {
        ("memory", _) => Over::Memory,
        ("sqlite", _) => Over::Sqlite(folder.path().join("books.db")),
        ("postgres", Ok(_)) => Over::Postgres,
        ("postgres", Err(_)) => {
            eprintln!("load: {POSTGRES} is not set; scripts/with-postgres sets it");
            return Ok(ExitCode::from(2));
        }
        (other, _) => {
            eprintln!("load: there is no store {other}: see --help");
            return Ok(ExitCode::from(2));
        }
    };
    let start = (SystemClock.now() + TimeDelta::days(7)).duration_trunc(TimeDelta::days(1))?;
    let bodies = Arc::new(Bodies::new(start));
    let mut server = Server::start(&Orders {
        over,
        worker: options.worker,
        start,
    })
    .await?;
    let mut run = Run::new(&options, server.ports, &bodies);
    println!(
        "{} s of the mix over {}, from {} connections and {} slow ones",
        options.seconds, options.over, options.connections, run.slow
    );
    let mix = run.mix(&options, &server).await?;
    let limit = run.limit().await?;
    let comparison = run.compare(&options).await?;
    let stored = run.verify(&mut server, options.worker).await?;
    server.stop().await?;

    let mut wrong = run.report(&options, &mix);
    println!("{limit}");
    println!("{comparison}");
    println!("{stored}");
    wrong.merge(limit.wrong);
    wrong.merge(stored.wrong);
    println!("{wrong}");
    Ok(match wrong.count {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The process under load, as seen from here.
struct Server {
    process: Child,
    id: u32,
    ports: Ports,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    async fn start(orders: &Orders) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(ORDERS, serde_json::to_string(orders)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().ok_or("the server has no input")?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut output = BufReader::new(output).lines();
        let ports = output
            .next_line()
            .await?
            .ok_or("the server did not start")?;
        Ok(Self {
            id: process.id().ok_or("the server has ended")?,
            ports: serde_json::from_str(&ports)?,
            process,
            input,
            output,
        })
    }

    /// It ends by itself once nobody can ask it anything.
    async fn stop(mut self) -> Result<(), Failure> {
        drop(self.input);
        match tokio::time::timeout(GRACE, self.process.wait()).await {
            Ok(status) => match status?.success() {
                true => Ok(()),
                false => Err("the server failed".into()),
            },
            Err(_) => {
                self.process.kill().await?;
                Err("the server did not end".into())
            }
        }
    }
}
