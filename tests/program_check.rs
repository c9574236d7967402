//! `calcom-sync check`: each fault is one clear sentence and the right exit code.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod program;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use axum::extract::{Request, State};
use axum::response::Response;
use calcom::testing::FakeCalcom;
use chrono::{DateTime, TimeDelta};
use http::header::DATE;
use program::{Ran, World, program, run};
use serde_json::Value;
use tokio::net::TcpListener;

/// Exactly one line tells of a fault, and it says this.
fn one_fault(ran: &Ran, code: i32, says: &[&str]) {
    let faults = ran.lines('✘');
    assert_eq!(faults.len(), 1, "{ran:?}");
    for part in says {
        assert!(faults[0].contains(part), "{part}: {}", faults[0]);
    }
    assert!(
        faults[0].contains(" → "),
        "what to do is not said: {}",
        faults[0]
    );
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.out.ends_with("1 thing is wrong.\n"), "{ran:?}");
    assert_eq!(ran.err, "");
}

fn unchanged(settings: String) -> String {
    settings
}

#[tokio::test]
async fn everything_in_order_is_said_line_by_line() {
    let world = World::in_order().await;
    let ran = world.check(unchanged).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.lines('✘').is_empty(), "{ran:?}");
    for what in [
        "database",
        "key",
        "event types",
        "webhook",
        "clock",
        "public address",
    ] {
        let line = format!("✔ {what}");
        assert!(ran.out.contains(&line), "{line}: {}", ran.out);
    }
    assert!(ran.out.ends_with("Everything is in order.\n"), "{ran:?}");

    let mut command = world.with(unchanged);
    command.args(["check", "--json"]);
    let ran = world.run(command).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&json["ok"], &json["exit_code"]), (&true.into(), &0.into()));
    let checks = json["checks"].as_array().unwrap();
    let is_fine = |check: &Value| check["check"] == "webhook" && check["ok"] == true;
    assert!(checks.iter().any(is_fine), "{json}");
}

#[tokio::test]
async fn no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.arg("check");
    let ran = run(command).await;
    one_fault(
        &ran,
        2,
        &["no Cal.com API key is configured", "CALCOM_API_KEY", "demo"],
    );
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "a check leaves a file behind");
}

#[tokio::test]
async fn a_misspelled_setting() {
    let world = World::in_order().await;
    let ran = world
        .check(|settings| settings.replace("webhook_secrets", "webhook_secret"))
        .await;
    one_fault(&ran, 2, &["calcom-sync.toml, line 8", "`webhook_secret`"]);
}

#[tokio::test]
async fn notifications_that_cannot_be_sent() {
    let world = World::in_order().await;
    let mail = "[mail]\nsmtp = \"smtps://mail.example.com\"\nfrom = \"nobody\"\nto = [\"a@example.com\"]\n";
    let ran = world.check(|settings| format!("{settings}{mail}")).await;
    // The one with mail knows that this is no address, and the one without that it has no mail.
    one_fault(&ran, 2, &["notifications", "mail"]);
}

#[tokio::test]
async fn a_wrong_key() {
    let world = World::in_order().await;
    let ran = world
        .check(|settings| {
            let line = settings
                .lines()
                .find(|line| line.starts_with("api_key"))
                .unwrap();
            settings.replace(line, "api_key = \"cal_nobodys_key\"")
        })
        .await;
    one_fault(&ran, 3, &["Cal.com refuses the API key", "create a key"]);
    assert!(!ran.out.contains("cal_nobodys_key"), "{ran:?}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached() {
    let world = World::in_order().await;
    world.fake.shutdown().await;
    let ran = world.check(unchanged).await;
    one_fault(
        &ran,
        4,
        &[
            "Cal.com cannot be reached at http://127.0.0.1:",
            "check base_url",
        ],
    );
}

#[tokio::test]
async fn a_server_that_is_not_cal_com() {
    let world = World::in_order().await;
    let door = format!("base_url = {:?}", world.door);
    let ran = world
        .check(|settings| {
            let line = settings
                .lines()
                .find(|line| line.starts_with("base_url"))
                .unwrap();
            settings.replace(line, &door)
        })
        .await;
    one_fault(
        &ran,
        4,
        &["does not answer as Cal.com's API v2 does", "/api/v2"],
    );
}

#[tokio::test]
async fn a_wrong_event_type() {
    let world = World::in_order().await;
    let wrong = "event_types = [4711, ";
    let ran = world
        .check(|settings| settings.replace("event_types = [", wrong))
        .await;
    one_fault(
        &ran,
        6,
        &["4711 does not exist in this account", "event_types"],
    );
}

#[tokio::test]
async fn an_event_type_of_somebody_else() {
    let world = World::in_order().await;
    let other = world.fake.add_user("otto");
    let foreign = calcom::testing::FakeEventType::new("theirs", 30).with_owner(other.id);
    let foreign = world.fake.add_event_type(foreign);
    let wrong = format!("event_types = [{foreign}, ");
    let ran = world
        .check(|settings| settings.replace("event_types = [", &wrong))
        .await;
    one_fault(&ran, 6, &[&foreign.to_string(), "account"]);
}

#[tokio::test]
async fn a_webhook_that_points_elsewhere() {
    let world = World::new().await;
    drop(
        calcom::sqlite::SqliteStore::open(world.database())
            .await
            .unwrap(),
    );
    world.subscribe("https://old.example.com/somebodys-secret");
    let ran = world.check(unchanged).await;
    one_fault(
        &ran,
        1,
        &[
            "goes to https://old.example.com and not to",
            &world.door,
            "webhook repair",
        ],
    );
    assert!(!ran.out.contains("somebodys-secret"), "{ran:?}");
}

#[tokio::test]
async fn no_webhook_at_all() {
    let world = World::new().await;
    drop(
        calcom::sqlite::SqliteStore::open(world.database())
            .await
            .unwrap(),
    );
    let ran = world.check(unchanged).await;
    one_fault(&ran, 1, &["no webhook subscription", "webhook repair"]);
}

#[tokio::test]
async fn a_public_address_where_nobody_answers() {
    let world = World::in_order().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    world.subscribe(&address);
    let ran = world
        .check(|settings| settings.replace(&world.door, &address))
        .await;
    one_fault(&ran, 1, &["nothing answers at", "calcom-sync serve"]);
    // The API of Cal.com is somebody, but not us.
    let somebody = format!("http://{}", world.fake.address());
    world.subscribe(&somebody);
    let ran = world
        .check(|settings| settings.replace(&world.door, &somebody))
        .await;
    one_fault(
        &ran,
        1,
        &["something else than calcom-sync answers", "proxy"],
    );
}

/// Somebody who may write nothing. Root may write everything, and so becomes nobody.
const NOBODY: u32 = 65534;

#[tokio::test]
async fn a_read_only_database() {
    let world = World::in_order().await;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0);
    let mut command = world.with(unchanged);
    command.arg("check");
    if is_root {
        command.uid(NOBODY);
    }
    let folder = world.folder.path();
    for (path, mode) in [
        (world.database(), 0o444),
        (folder.join("calcom-sync.toml"), 0o444),
        (folder.to_path_buf(), 0o555),
    ] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let ran = world.run(command).await;
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    one_fault(
        &ran,
        5,
        &[
            "the database cannot be written",
            "books.sqlite",
            "permission",
        ],
    );
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let world = World::new().await;
    world.subscribe(&world.door);
    std::fs::write(world.database(), vec![b'x'; 4096]).unwrap();
    let ran = world.check(unchanged).await;
    one_fault(&ran, 5, &["books.sqlite"]);
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off() {
    let world = World::in_order().await;
    for (shift, says) in [
        (10, "10 min behind Cal.com's"),
        (-10, "10 min ahead of Cal.com's"),
    ] {
        let proxy = Proxy::start(&world.fake, TimeDelta::minutes(shift)).await;
        let base = world.fake.base_url().to_string();
        let ran = world
            .check(|settings| settings.replace(&base, &proxy.base))
            .await;
        one_fault(&ran, 1, &["this computer's clock is", says, "NTP"]);
    }
    let proxy = Proxy::start(&world.fake, TimeDelta::seconds(100)).await;
    let base = world.fake.base_url().to_string();
    let ran = world
        .check(|settings| settings.replace(&base, &proxy.base))
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn the_worst_fault_is_the_exit_code() {
    let world = World::new().await;
    std::fs::write(world.database(), vec![b'x'; 4096]).unwrap();
    let wrong = "event_types = [4711, ";
    let ran = world
        .check(|settings| settings.replace("event_types = [", wrong))
        .await;
    assert_eq!(ran.lines('✘').len(), 3, "{ran:?}");
    assert_eq!(ran.code, 5, "{ran:?}");
}

/// Passes everything on to a fake, and shifts the time of its answers.
struct Proxy {
    base: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Route {
    to: String,
    shift: TimeDelta,
    http: reqwest::Client,
}

impl Proxy {
    async fn start(fake: &FakeCalcom, shift: TimeDelta) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v2/", listener.local_addr().unwrap());
        let route = Route {
            to: format!("http://{}", fake.address()),
            shift,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        let router = axum::Router::new().fallback(pass_on).with_state(route);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, serving }
    }
}

async fn pass_on(State(route): State<Route>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let target = format!("{}{}", route.to, head.uri);
    let mut headers = head.headers;
    headers.remove("host");
    let answer = route
        .http
        .request(head.method, target)
        .headers(headers)
        .body(body)
        .send()
        .await
        .unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name == DATE {
            let date = DateTime::parse_from_rfc2822(value.to_str().unwrap()).unwrap() + route.shift;
            response = response.header(DATE, date.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        } else if name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    response.body(answer.bytes().await.unwrap().into()).unwrap()
}
