//! A salon on a fake Cal.com, and the program run over it.

#![allow(dead_code, reason = "no test uses all of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use calcom::model::NewWebhook;
use calcom::store::InMemoryStore;
use calcom::sync::{Engine, StaticTenants, Tenant};
use calcom::testing::FakeCalcom;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpListener;

pub(crate) const TENANT: &str = "salon";
pub(crate) const SECRET: &str = "whsec_of_the_test";

/// The program, without anything of this process's environment.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command.env_clear().current_dir(folder);
    command.env("TMPDIR", folder).stdin(Stdio::null());
    command
}

/// What a run printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The lines that begin with a sign.
    pub(crate) fn lines(&self, sign: char) -> Vec<&str> {
        let lines = self.out.lines();
        lines.filter(|line| line.starts_with(sign)).collect()
    }
}

/// Runs it to its end, beside the fake that it talks to.
pub(crate) async fn run(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(Duration::from_secs(60), output).await;
    Ran::of(&output.expect("it ends").unwrap())
}

/// A folder with settings, a fake Cal.com with an event type, and a door for webhooks.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) fake: FakeCalcom,
    /// Where webhooks are received.
    pub(crate) door: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let fake = FakeCalcom::start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = format!("http://{}", listener.local_addr().unwrap());
        let client = calcom::client::Client::new("cal_test_0123456789").unwrap();
        let tenant = Tenant::new(TENANT.into(), Arc::new(client)).with_webhook_secret(SECRET);
        let store = Arc::new(InMemoryStore::new());
        let tenants = Arc::new(StaticTenants::new([tenant]));
        let engine = Engine::builder(store.clone(), store, tenants).build();
        let router = calcom::server::webhooks(Arc::new(engine));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            folder: tempfile::tempdir().unwrap(),
            fake,
            door,
            serving,
        }
    }

    /// One whose webhooks go where they should, and whose database is there.
    pub(crate) async fn in_order() -> Self {
        let world = Self::new().await;
        world.subscribe(&world.door);
        drop(
            calcom::sqlite::SqliteStore::open(world.database())
                .await
                .unwrap(),
        );
        world
    }

    pub(crate) fn subscribe(&self, base: &str) {
        let url = format!("{base}/webhooks/calcom/{TENANT}");
        let mut triggers = NewWebhook::booking_triggers();
        let expected = calcom::sync::ExpectedSubscription::new(&url, Vec::new());
        triggers.extend(expected.newer_triggers);
        self.fake.subscribe(url, SECRET, triggers);
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("books.sqlite")
    }

    /// The program with settings for this world, which may be changed.
    pub(crate) fn with(&self, change: impl FnOnce(String) -> String) -> Command {
        let settings = change(format!(
            "database = {:?}\n\
             public_url = {:?}\n\
             sync_key_secret = \"a key of the test\"\n\
             [[tenants]]\n\
             id = {TENANT:?}\n\
             api_key = {:?}\n\
             base_url = {:?}\n\
             webhook_secrets = [{SECRET:?}]\n\
             event_types = [{}]\n",
            self.database(),
            self.door,
            self.fake.api_key().expose_secret(),
            self.fake.base_url().as_str(),
            self.fake.event_type_id(),
        ));
        std::fs::write(self.folder.path().join("calcom-sync.toml"), settings).unwrap();
        program(self.folder.path())
    }

    /// Runs it, and makes sure that no secret was shown.
    pub(crate) async fn run(&self, command: Command) -> Ran {
        let ran = run(command).await;
        let key = self.fake.api_key();
        for secret in [key.expose_secret(), SECRET, "a key of the test"] {
            let is_shown = ran.out.contains(secret) || ran.err.contains(secret);
            assert!(!is_shown, "a secret is shown: {ran:?}");
        }
        ran
    }

    /// `check` as it stands.
    pub(crate) async fn check(&self, change: impl FnOnce(String) -> String) -> Ran {
        let mut command = self.with(change);
        command.arg("check");
        self.run(command).await
    }
}

/// A program that runs until it is stopped. Killed when it is dropped.
pub(crate) struct Running {
    child: std::process::Child,
    /// What it said at its start.
    pub(crate) greeting: Value,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where a test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts `serve`, and waits until it says that it runs.
    pub(crate) async fn start(mut command: Command) -> Self {
        use std::io::BufRead;

        command.args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let first = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            std::io::BufReader::new(out).read_line(&mut line).unwrap();
            line
        });
        let mut running = Self {
            child,
            greeting: Value::Null,
        };
        let first = tokio::time::timeout(Duration::from_secs(30), first).await;
        let first = first.expect("it starts").unwrap();
        running.greeting = serde_json::from_str(&first).unwrap();
        running
    }

    pub(crate) fn address(&self) -> &str {
        self.greeting["listening"].as_str().unwrap()
    }

    /// Asks it to stop, as a supervisor does, and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        for _ in 0..300 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not stop");
    }
}
