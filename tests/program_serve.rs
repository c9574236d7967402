//! `calcom-sync serve`: the sync over a fake Cal.com, a booking there and back, and the demo.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod program;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use calcom::sqlite::SqliteStore;
use calcom::store::{Page, ReviewFilter, ReviewReason, Reviews, SyncLog, TenantId};
use calcom::testing::{Fault, Operation, Then};
use program::{Running, World, program, run};

fn unchanged(settings: String) -> String {
    settings
}

/// Runs `check --sync` for a server whose address is known only once it runs.
async fn there_and_back(world: &World, address: &str, wait: &str) -> program::Ran {
    let door = format!("http://{address}");
    world.subscribe(&door);
    let mut command = world.with(|settings| settings.replace(&world.door, &door));
    command.args(["check", "--sync", "--wait", wait]);
    world.run(command).await
}

#[tokio::test]
async fn a_booking_goes_there_and_back() {
    let world = World::in_order().await;
    let serving = Running::start(world.with(unchanged)).await;
    let address = serving.address().to_owned();
    let ran = there_and_back(&world, &address, "20s").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = ran
        .out
        .lines()
        .find(|line| line.starts_with("✔ sync"))
        .unwrap();
    for part in [
        "the webhook was here after",
        "the appointment after",
        "cancelled on both sides",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(world.fake.bookings().len(), 1);
    assert!(world.fake.live_bookings().is_empty());
    assert!(serving.stop().await.success());
}

#[tokio::test]
async fn a_test_booking_is_cancelled_when_no_webhook_comes() {
    let world = World::in_order().await;
    // Webhooks go to a server over another database.
    let mut command = world.with(unchanged);
    command.args(["check", "--sync", "--wait", "1s", "--json"]);
    let ran = world.run(command).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(
        ran.out
            .contains("the webhook of the booking did not arrive within 1 s"),
        "{ran:?}"
    );
    assert_eq!(world.fake.bookings().len(), 1);
    assert!(
        world.fake.live_bookings().is_empty(),
        "the booking is left behind"
    );
}

#[tokio::test]
async fn a_test_booking_whose_answer_got_lost_is_found_and_cancelled() {
    let world = World::in_order().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    let mut command = world.with(unchanged);
    command.args(["check", "--sync", "--wait", "1s"]);
    let ran = world.run(command).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(world.fake.bookings().len(), 1);
    assert!(
        world.fake.live_bookings().is_empty(),
        "the booking is left behind"
    );
}

/// The doors for a voice agent are served, and a test call books through them and cancels.
#[tokio::test]
async fn a_voice_agent_books_and_cancels_through_the_doors() {
    const KEY: &str = "key_of_the_test_0123456789";
    let world = World::in_order().await;
    let retell = |settings: String| {
        let more = format!(
            "phone_only_domain = \"phone.example.com\"\n[tenants.retell]\napi_key = {KEY:?}\n"
        );
        settings + &more
    };
    let mut import = world.with(retell);
    import.args(["services", "import"]);
    assert_eq!(world.run(import).await.code, 0);
    let serving = Running::start(world.with(retell)).await;
    let door = format!("http://{}", serving.address());
    let reached = |settings: String| retell(settings).replace(&world.door, &door);
    let mut test = world.with(reached);
    test.args(["agents", "retell", "test", "--book", "--json"]);
    let ran = world.run(test).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{ran:?}");
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let steps = told["test"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 6, "{ran:?}");
    assert_eq!(steps[4]["outcome"], "booked");
    assert_eq!(steps[5]["outcome"], "cancelled");
    // Signed with another key, nothing is answered.
    let forged = |settings: String| reached(settings).replace(KEY, "key_of_somebody_else_012345");
    let mut test = world.with(forged);
    test.args(["agents", "retell", "test"]);
    let ran = world.run(test).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("answered with 401"), "{ran:?}");
    assert!(serving.stop().await.success());
    assert!(world.fake.live_bookings().is_empty());
}

/// A signal between the greeting and the first look for one ended the process where it stood.
#[tokio::test]
async fn it_can_be_stopped_as_soon_as_it_says_that_it_runs() {
    let world = World::in_order().await;
    for _ in 0..8 {
        let serving = Running::start(world.with(unchanged)).await;
        let ended = serving.stop().await;
        assert!(ended.success(), "{ended}");
    }
}

#[tokio::test]
async fn a_new_database_is_for_its_owner_only() {
    let world = World::new().await;
    let serving = Running::start(world.with(unchanged)).await;
    let mode = std::fs::metadata(world.database())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(serving.stop().await.success());
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let world = World::in_order().await;
    let serving = Running::start(world.with(unchanged)).await;
    let mut command = world.with(unchanged);
    command.args(["serve", "--listen", serving.address()]);
    let ran = world.run(command).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("cannot be listened on") && ran.err.contains("--listen"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn the_log_goes_to_a_file_that_is_named_after_the_day() {
    let world = World::in_order().await;
    let mut command = world.with(unchanged);
    command.env("CALCOM_SYNC_LOG_DIR", world.folder.path().join("logs"));
    let serving = Running::start(command).await;
    // Refused, and so worth a line.
    let url = format!("http://{}/webhooks/calcom/salon", serving.address());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = http.post(url).body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(serving.stop().await.success());
    let files = std::fs::read_dir(world.folder.path().join("logs")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("calcom-sync.20") && name.ends_with(".log"),
        "{name}"
    );
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(text.contains("a webhook was not accepted"), "{text}");
}

#[tokio::test]
async fn without_a_key_a_demo_lives() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.env("RUST_BACKTRACE", "0");
    let demo = Running::start(command).await;
    let state = folder.path().join("calcom-sync-demo.json");
    let mode = std::fs::metadata(&state).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let database = demo.greeting["database"].as_str().unwrap().to_owned();
    let store = SqliteStore::open(&database).await.unwrap();
    let tenant = TenantId::new("demo");
    let open = store
        .reviews(&tenant, &ReviewFilter::open(), Page::first(50))
        .await
        .unwrap();
    for reason in [
        ReviewReason::Conflict,
        ReviewReason::SlotTaken,
        ReviewReason::Rejected,
        ReviewReason::ForeignEventType,
    ] {
        let mut open = open.iter();
        assert!(
            open.any(|item| item.reason == reason),
            "there is no {reason}"
        );
    }

    // Other commands reach it, and a second one does not start.
    let mut check = program(folder.path());
    check.args(["--demo", "check", "--sync"]);
    let checked = run(check).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    let mut second = program(folder.path());
    second.args(["serve", "--listen", "127.0.0.1:0"]);
    let second = run(second).await;
    assert_eq!(second.code, 2, "{second:?}");
    assert!(
        second.err.contains("a demo is running already"),
        "{second:?}"
    );

    // Something happens within seconds.
    let before = store.log(&tenant, Page::first(10_000)).await.unwrap().len();
    let mut grown = false;
    for _ in 0..150 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = store.log(&tenant, Page::first(10_000)).await.unwrap().len();
        grown = now > before + 2;
        if grown {
            break;
        }
    }
    assert!(grown, "nothing happens");
    store.pool().close().await;

    assert!(demo.stop().await.success());
    assert!(!state.exists(), "the state file is left behind");
    assert!(
        !std::path::Path::new(&database).exists(),
        "the database is left behind"
    );
    let mut after = program(folder.path());
    after.args(["--demo", "check"]);
    let after = run(after).await;
    assert_eq!(after.code, 6, "{after:?}");
    assert!(after.out.contains("no demo is running"), "{after:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres"]
async fn a_booking_goes_there_and_back_over_postgres() {
    let url = std::env::var("CALCOM_TEST_POSTGRES").expect("scripts/with-postgres sets it");
    let world = World::new().await;
    let of_postgres = |settings: String| {
        let file = format!("database = {:?}", world.database());
        let schema = format!("program_{}", std::process::id());
        let database = format!("database = {url:?}\nschema = {schema:?}");
        settings.replace(&file, &database)
    };
    let serving = Running::start(world.with(of_postgres)).await;
    let door = format!("http://{}", serving.address());
    world.subscribe(&door);
    let mut command = world.with(|settings| of_postgres(settings).replace(&world.door, &door));
    command.args(["check", "--sync", "--wait", "20s"]);
    let ran = world.run(command).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(world.fake.live_bookings().is_empty());
    assert!(serving.stop().await.success());

    // Whoever may only read is told so.
    let and = if url.contains('?') { '&' } else { '?' };
    let reading = format!("{url}{and}options=-c%20default_transaction_read_only%3Don");
    let mut command = world.with(|settings| {
        let settings = of_postgres(settings).replace(&world.door, &door);
        settings.replace(&format!("{url:?}"), &format!("{reading:?}"))
    });
    command.arg("check");
    let ran = world.run(command).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.out
            .contains("✘ database        the database cannot be written"),
        "{ran:?}"
    );
    assert!(
        !ran.out.contains(&url) && !ran.err.contains(&url),
        "{ran:?}"
    );
}
