//! A fake Cal.com server, for programs in any language: prints how to reach it, and runs until it is interrupted.
//!
//! ```text
//! fake_calcom [--port PORT] [--seed FILE] [--webhook URL [--secret SECRET]] [--rate-limit N] [--hosted]
//! ```
//!
//! It listens on loopback, on a free port unless told otherwise. `--seed` sets up users, event types and bookings (see
//! `seed.example.json` beside this file). `--webhook` subscribes a URL to the first user's bookings. `--rate-limit` is the number
//! of requests per minute and key; the hosted service allows 120. `--hosted` delivers webhooks as the hosted service does, late and
//! out of order, instead of as a self-hosted server does.
//!
//! The lines that begin with `export` can be put into the environment of the program under test. Everything else that a test needs
//! is under `/_fake`: see `FakeCalcomBuilder::control_api`.

mod options;
mod seed;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use calcom::testing::{FakeCalcom, ServerKind};
use secrecy::ExposeSecret;

use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = FakeCalcom::builder()
        .address((Ipv4Addr::LOCALHOST, options.port).into())
        .control_api();
    if let Some(limit) = options.rate_limit {
        builder = builder.rate_limit(limit);
    }
    if options.hosted {
        builder = builder.server(ServerKind::hosted(
            Duration::from_millis(500),
            Duration::from_secs(45),
        ));
    }
    let seed = options.seed.as_deref().map(seed::read).transpose()?;
    let fake = match seed {
        Some(seed) => seed.start(builder).await?,
        None => builder.start().await?,
    };
    if let Some(url) = &options.webhook {
        fake.subscribe(
            url,
            &options.secret,
            calcom::model::NewWebhook::booking_triggers(),
        );
    }
    greet(&fake, options);
    tokio::signal::ctrl_c().await?;
    fake.shutdown().await;
    Ok(())
}

fn greet(fake: &FakeCalcom, options: &Options) {
    println!("# A fake Cal.com is listening. Put these into the environment of your program:");
    println!("export CALCOM_BASE_URL={}", fake.base_url());
    println!("export CALCOM_API_KEY={}", fake.api_key().expose_secret());
    println!("export CALCOM_EVENT_TYPE_ID={}", fake.event_type_id());
    println!("#");
    println!("# Users, event types and everything that you can make happen:");
    println!("#   curl http://{}/_fake", fake.address());
    println!("# For example, an attendee books:");
    println!(
        "#   curl http://{}/_fake/bookings -H 'content-type: application/json' -d '{{\"eventTypeId\": {}, \"start\": \"2099-12-07T09:00:00Z\", \"attendee\": {{\"name\": \"Ann\", \"email\": \"ann@example.com\", \"timeZone\": \"Europe/London\"}}}}'",
        fake.address(),
        fake.event_type_id()
    );
    match &options.webhook {
        Some(url) if options.secret.is_empty() => println!("# Unsigned webhooks go to {url}"),
        Some(url) => println!("# Signed webhooks go to {url}"),
        None => println!("# No webhooks are sent; start with --webhook URL, or POST /v2/webhooks."),
    }
    println!("# Press Ctrl-C to stop.");
}
