//! What `calcom-sync` tells of a PostgreSQL database that it cannot tell of a SQLite file, and its commands
//! over one. Needs a server: `scripts/with-postgres`.

#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::process::Stdio;
use std::time::Duration;

use calcom::ExposeSecret;
use calcom::testing::FakeCalcom;
use serde_json::Value;

const SCHEMA: &str = "calcom_of_program_commands";

async fn run(fake: &FakeCalcom, arguments: &[&str]) -> (i32, String, String) {
    let url = std::env::var("CALCOM_TEST_POSTGRES").unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command
        .args(arguments)
        .env_clear()
        .env("CALCOM_API_KEY", fake.api_key().expose_secret())
        .env("CALCOM_BASE_URL", fake.base_url().as_str())
        .env("CALCOM_EVENT_TYPE_IDS", fake.event_type_id().to_string())
        .env("SYNC_KEY_SECRET", "the key of the test")
        .env("CALCOM_SYNC_DATABASE", url)
        .env("CALCOM_SYNC_SCHEMA", SCHEMA)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let ran = tokio::time::timeout(Duration::from_secs(60), command.output()).await;
    let ran = ran.unwrap().unwrap();
    (
        ran.status.code().unwrap(),
        String::from_utf8(ran.stdout).unwrap(),
        String::from_utf8(ran.stderr).unwrap(),
    )
}

async fn json(fake: &FakeCalcom, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.push("--json");
    let (code, out, err) = run(fake, &all).await;
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres"]
async fn a_day_over_postgresql_and_what_its_statistics_say() {
    let fake = FakeCalcom::start().await.unwrap();
    let event_type = fake.event_type_id().to_string();
    let start = "2099-12-08T09:00:00Z";
    let book = [
        "book",
        &event_type,
        start,
        "--name",
        "Ann",
        "--email",
        "ann@example.com",
        "--wait",
        "40s",
    ];
    let booked = json(&fake, &book).await;
    assert_eq!(booked["state"], "in_sync");
    assert_eq!(fake.live_bookings().len(), 1);
    let status = json(&fake, &["status"]).await;
    assert_eq!(status["tenants"][0]["health"], "fine");

    let figures = [
        "performance",
        "--index-stats",
        "--slow-queries",
        "--over",
        "0ms",
    ];
    let figures = json(&fake, &figures).await;
    let indexes = figures["indexes"]["indexes"].as_array().unwrap();
    assert!(indexes.len() > 10, "{figures}");
    assert!(
        indexes
            .iter()
            .all(|index| index["bytes"].as_i64() > Some(0))
    );
    assert!(
        indexes
            .iter()
            .any(|index| index["scans"].as_i64().is_some())
    );
    let (code, out, _) = run(&fake, &["performance", "--index-stats"]).await;
    assert_eq!(code, 0);
    assert!(
        out.contains("Indexes that keep nothing unique and were not used since"),
        "{out}"
    );

    // The extension is not installed, and statements that run are shown.
    let slow = &figures["slow_queries"];
    assert_eq!(slow["recorded"], Value::Null);
    assert!(slow["running"].is_array(), "{figures}");
    assert_eq!(slow["reads"].as_array().unwrap().len(), 9);
    let (code, out, _) = run(&fake, &["performance", "--slow-queries", "--over", "1h"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("CREATE EXTENSION pg_stat_statements"), "{out}");
    assert!(
        out.contains("Statements that have been running for 1 h or longer just now: 0."),
        "{out}"
    );

    let erase = ["erase", "tenant", "--tenant", "default", "--yes"];
    let erased = json(&fake, &erase).await;
    assert_eq!(erased["is_done"], true);
}
