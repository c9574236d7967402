//! Two calendars in step: the seven checks that decide about production.
//!
//! `cargo run --example quickstart` plays them against a `FakeCalcom` on loopback, with a SQLite file for the books. With
//! `CALCOM_BASE_URL`, `CALCOM_API_KEY` and `CALCOM_EVENT_TYPE_ID` set it plays them against that server instead, skips what
//! cannot be provoked there, and cleans up after itself. Further settings for a real server:
//!
//! - `CALCOM_WEBHOOK_URL`: the address under which the server reaches this process, if not its loopback address;
//! - `CALCOM_LISTEN`: where the receiver listens, such as `127.0.0.1:8080` behind a tunnel; a free loopback port by default.

mod checks;
mod host;
mod server;
mod timeline;
mod trouble;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use checks::Verdict;
use host::Host;
use server::Server;
use timeline::Timeline;

type Failure = Box<dyn Error + Send + Sync>;

/// The seven checks: what is asked, and how it ended.
struct Row {
    question: &'static str,
    verdict: Verdict,
    took: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("quickstart: {failure}");
            let mut cause = failure.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Failure> {
    let server = Server::from_environment().await?;
    let timeline = Timeline::start();
    timeline.title(&format!("Two calendars in step: {}", server.description()));
    let host = Host::start(&server, &timeline).await?;
    timeline.note(&format!("the books are in {}", host.database().display()));

    let mut rows = Vec::new();
    let interrupted = {
        let all = play(&server, &host, &timeline, &mut rows);
        tokio::select! {
            () = all => false,
            _ = tokio::signal::ctrl_c() => true,
        }
    };
    timeline.chapter("cleaning up");
    let bookings = host.stop().await?;
    server.clean_up(&bookings, &timeline).await;
    timeline.table(&rows);
    let failed = rows
        .iter()
        .any(|row| matches!(row.verdict, Verdict::Failed(_)));
    Ok(!interrupted && !failed && rows.len() == 7)
}

async fn play(server: &Server, host: &Host, timeline: &Timeline, rows: &mut Vec<Row>) {
    macro_rules! check {
        ($question:literal, $check:expr) => {
            timeline.chapter($question);
            let begun = timeline.elapsed();
            let verdict = $check.await.unwrap_or_else(Verdict::Failed);
            host.tell_news().await;
            let took = timeline.elapsed() - begun;
            let has_failed = matches!(verdict, Verdict::Failed(_));
            rows.push(Row {
                question: $question,
                verdict,
                took,
            });
            if has_failed && server.fake.is_none() {
                // What is wrong with a real server is wrong for the other checks too, and each would wait for a minute.
                return timeline.note("the other checks are left out");
            }
        };
    }
    check!(
        "a booking made in Cal.com arrives, and nothing goes back",
        checks::arrives(server, host, timeline)
    );
    check!(
        "a phone agent's appointment reaches Cal.com",
        checks::by_phone(server, host, timeline)
    );
    check!(
        "an admin's appointment reaches Cal.com",
        checks::by_admin(server, host, timeline)
    );
    check!(
        "a cancellation is carried, from either side",
        checks::cancelled(server, host, timeline)
    );
    check!(
        "a move is carried, and its new uid is followed",
        checks::rescheduled(server, host, timeline)
    );
    check!(
        "twenty at once are twenty bookings",
        checks::twenty(server, host, timeline)
    );
    check!(
        "an outage and a lost answer double nothing; the hopeless is reviewed",
        trouble::trouble(server, host, timeline)
    );
}
