//! `calcom-sync mcp` over standard input and output, and `calcom-sync serve` over HTTP.

use std::process::Stdio;
use std::time::Duration;

use calcom::agents::Tool;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::client::{book_ten_times, call, outcome, over_http};
use crate::program::{Running, World};

const TOKEN: &str = "a token of the test for MCP";
const NAME: &str = "Annemarie Tester";
const EMAIL: &str = "annemarie@example.com";

/// A world whose services are set up, and settings with a token for MCP.
async fn world() -> World {
    let world = World::in_order().await;
    let mut import = world.with(with_token);
    import.args(["services", "import"]);
    let ran = world.run(import).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    world
}

fn with_token(mut settings: String) -> String {
    settings.push_str(&format!("[tenants.mcp]\ntoken = {TOKEN:?}\n"));
    settings
}

/// A conversation with the program, line by line.
struct Talk {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Where standard error goes: a pipe that nobody empties would stop the program.
    log: tempfile::NamedTempFile,
}

impl Talk {
    async fn begin(command: std::process::Command) -> Self {
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let log = tempfile::NamedTempFile::new().unwrap();
        command.stderr(log.reopen().unwrap()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let requests = child.stdin.take().unwrap();
        let mut talk = Self {
            child,
            requests,
            answers,
            log,
        };
        let client = json!({"name": "test", "version": "1"});
        let begin =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        talk.send(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": begin}))
            .await;
        assert_eq!(talk.next().await["id"], 0);
        talk.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        talk
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.requests.write_all(line.as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, id: u32, tool: Tool, arguments: &Value) {
        let params = json!({"name": tool.as_str(), "arguments": arguments});
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
            .await;
    }

    /// The next line, which is a message of the protocol.
    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(60), self.answers.next_line());
        let line = line.await.expect("it answers").unwrap().expect("a line");
        let message: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// Closes the conversation, and returns the exit code and what went to standard error.
    async fn end(self) -> (Option<i32>, String) {
        let Self {
            mut child,
            requests,
            mut answers,
            log,
        } = self;
        drop(requests);
        assert_eq!(answers.next_line().await.unwrap(), None);
        let ended = tokio::time::timeout(Duration::from_secs(60), child.wait());
        let code = ended.await.expect("it ends").unwrap().code();
        (code, std::fs::read_to_string(log.path()).unwrap())
    }
}

fn result(message: &Value) -> &Value {
    &message["result"]["structuredContent"]["result"]
}

/// The program's worker brings it to Cal.com, and `serve` over the same database takes it for the same booking.
#[tokio::test]
async fn ten_bookings_at_once_book_once_over_both_transports() {
    let world = world().await;
    let mut command = world.with(with_token);
    command
        .args(["--json", "mcp"])
        .env("CALCOM_SYNC_LOG", "debug");
    let mut talk = Talk::begin(command).await;
    talk.ask(1, Tool::ListServices, &json!({})).await;
    let listed = talk.next().await;
    let service = result(&listed)["services"][0]["name"].clone();
    talk.ask(2, Tool::FindNextSlot, &json!({"service": service}))
        .await;
    let found = talk.next().await;
    let start = result(&found)["slots"][0]["start"].clone();
    let booking = json!({"service": service, "when": start, "name": NAME, "email": EMAIL});
    for id in 10..20 {
        talk.ask(id, Tool::BookAppointment, &booking).await;
    }
    let mut booked = Vec::new();
    for _ in 10..20 {
        let answer = talk.next().await;
        assert_eq!(result(&answer)["outcome"], "booked", "{answer}");
        booked.push(result(&answer)["appointment"]["id"].clone());
    }
    assert!(booked.iter().all(|id| *id == booked[0]), "{booked:?}");
    assert_eq!(world.fake.live_bookings().len(), 1);
    let (code, log) = talk.end().await;
    assert_eq!(code, Some(0), "{log}");
    for private in [NAME, EMAIL, TOKEN] {
        assert!(!log.contains(private), "{private} is in the log: {log}");
    }

    let serving = Running::start(world.with(with_token)).await;
    let address = format!("http://{}/mcp/salon", serving.address());
    let url = &serving.greeting["mcp"][0];
    assert_eq!(url["tenant"], "salon", "{url}");
    let client = over_http(&address, TOKEN).await.unwrap();
    let id = book_ten_times(&client, &booking).await;
    assert_eq!(json!(id), booked[0]);
    assert_eq!(world.fake.live_bookings().len(), 1);
    let cancelled = json!({"appointment": id});
    let cancelled = call(&client, Tool::CancelAppointment, cancelled).await;
    // Whoever has the token may name any appointment by its id.
    assert_eq!(outcome(&cancelled), "cancelled");
    assert!(
        over_http(&address, "a token of somebody else")
            .await
            .is_none()
    );
    drop(client);
    assert!(serving.stop().await.success());
}

#[tokio::test]
async fn without_a_token_nothing_is_served_over_http_and_failures_go_to_standard_error() {
    let world = World::in_order().await;
    let serving = Running::start(world.with(|settings| settings)).await;
    let address = format!("http://{}/mcp/salon", serving.address());
    assert_eq!(serving.greeting["mcp"], json!([]));
    assert!(over_http(&address, "").await.is_none());
    assert!(serving.stop().await.success());
    let mut unknown = world.with(|settings| settings);
    unknown.args(["--json", "--tenant", "nobody", "mcp"]);
    let ran = world.run(unknown).await;
    assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{ran:?}");
    assert!(
        ran.err.contains("tenant nobody is not configured"),
        "{ran:?}"
    );
    let mut short = world.with(|settings| settings + "[tenants.mcp]\ntoken = \"short\"\n");
    short.arg("mcp");
    let ran = world.run(short).await;
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    assert!(ran.err.contains("tenants.mcp.token"), "{ran:?}");
}
