//! A server that answers as recorded, and what it was sent.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calcom::client::{Client, ClientBuilder, Error, RetryPolicy};
use calcom::model::{Booking, CancelParams};
use calcom::testing::SeededEntropy;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) const KEY: &str = "cal_live_0123456789abcdef";
pub(crate) const REQUEST_ID: &str = "5c2f3f1e-request";

/// A builder for the API at this address, without waits worth noticing.
pub(crate) fn builder(base_url: &str) -> ClientBuilder {
    Client::builder(KEY)
        .base_url(base_url)
        .entropy(Arc::new(SeededEntropy::new(7)))
        .retry(quick())
}

/// Three attempts without waits worth noticing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy::default().with_delays(Duration::from_millis(2), Duration::from_millis(10))
}

pub(crate) fn client(server: &MockServer) -> Client {
    builder(&format!("{}/v2", server.uri())).build().unwrap()
}

/// One write, where it does not matter which.
pub(crate) async fn cancel(client: &Client) -> Result<Booking, Error> {
    let nothing = CancelParams::default();
    client.bookings().cancel(&"u".into(), &nothing).await
}

/// A server that gives everybody this answer.
pub(crate) async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A server that gives this answer some times, and the recorded user ever after.
pub(crate) async fn first_answering(times: u64, answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let failing = Mock::given(any()).respond_with(answer);
    failing.up_to_n_times(times).mount(&server).await;
    let well = Mock::given(any()).respond_with(recorded("011-me"));
    well.mount(&server).await;
    server
}

/// A success with this data.
pub(crate) fn success(data: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
}

/// The body of a recorded answer.
pub(crate) fn body(name: &str) -> Value {
    fixture(name)["response"]["body"].clone()
}

/// The answer of a recorded exchange, its request id replaced.
pub(crate) fn recorded(name: &str) -> ResponseTemplate {
    let told = &fixture(name)["response"];
    let status = u16::try_from(told["status"].as_u64().unwrap()).unwrap();
    let mut answer = ResponseTemplate::new(status).set_body_json(&told["body"]);
    let names: Vec<&str> = match &told["headers"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::Object(headers) => headers.keys().map(String::as_str).collect(),
        other => panic!("{name}: headers {other}"),
    };
    for header in names {
        let value = told["headers"].get(header).and_then(Value::as_str);
        answer = match (header, value) {
            ("content-type", _) => answer,
            ("x-request-id", _) => answer.insert_header(header, REQUEST_ID),
            (_, Some(value)) => answer.insert_header(header, value),
            (_, None) => answer.insert_header(header, "60"),
        };
    }
    answer
}

pub(crate) fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/exchanges")
        .join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

/// One request as it arrived: everything that the contract speaks of.
#[derive(Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) version: Option<String>,
    pub(crate) body: Option<Value>,
}

impl Sent {
    pub(crate) fn new(method: &str, path: &str, version: Option<&str>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            version: version.map(str::to_owned),
            body: None,
        }
    }

    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.query = pairs.iter().map(owned).collect();
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// Everything that a server was sent, in order. Whatever a request is, it carries the key, and says that it is JSON exactly if
/// it has a body.
pub(crate) async fn sent(server: &MockServer) -> Vec<Sent> {
    sent_with(server, Some(format!("Bearer {KEY}"))).await
}

/// The same of requests that carry no credential.
pub(crate) async fn sent_anonymously(server: &MockServer) -> Vec<Sent> {
    sent_with(server, None).await
}

async fn sent_with(server: &MockServer, authorization: Option<String>) -> Vec<Sent> {
    let requests = server.received_requests().await.unwrap();
    let read = |request: &wiremock::Request| {
        let header = |name: &str| {
            let mut values = request.headers.get_all(name).iter();
            let value = values.next().map(|v| v.to_str().unwrap().to_owned());
            assert_eq!(values.next(), None, "{name} is sent once");
            value
        };
        assert_eq!(header("authorization"), authorization);
        assert_eq!(header("accept").as_deref(), Some("application/json"));
        let has_body = !request.body.is_empty();
        let json = has_body.then(|| "application/json".to_owned());
        assert_eq!(header("content-type"), json);
        Sent {
            method: request.method.to_string(),
            path: request.url.path().to_owned(),
            query: request.url.query_pairs().into_owned().collect(),
            version: header("cal-api-version"),
            body: has_body.then(|| serde_json::from_slice(&request.body).unwrap()),
        }
    };
    requests.iter().map(read).collect()
}

pub(crate) async fn count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// A server on bare TCP: the n-th request gets the n-th of these bytes, then the connection is closed. The last reply is
/// repeated.
#[derive(Debug)]
pub(crate) struct RawServer {
    pub(crate) base_url: String,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

/// What a [`RawServer`] does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Writes these bytes and closes the connection.
    Close(String),
    /// Writes these bytes and waits for the next request on the same connection.
    KeepOpen(String),
}

impl RawServer {
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, replies)
    }

    pub(crate) fn on(listener: TcpListener, replies: Vec<Reply>) -> Self {
        let base_url = format!("http://{}/v2", listener.local_addr().unwrap());
        let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                while let Some(request) = read_request(&mut stream).await {
                    let turn = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request);
                        seen.len() - 1
                    };
                    let reply = replies.get(turn).or(replies.last()).unwrap();
                    let (Reply::Close(bytes) | Reply::KeepOpen(bytes)) = reply;
                    stream.write_all(bytes.as_bytes()).await.unwrap();
                    if matches!(reply, Reply::Close(_)) {
                        break;
                    }
                }
            }
        });
        Self {
            base_url,
            requests,
            task,
        }
    }

    /// The first line of each request, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request with its body; its first line, or `None` if the connection ended.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.parse().unwrap());
            if body.len() >= length {
                let line = head.lines().next()?;
                return Some(line.trim_end_matches(" HTTP/1.1").to_owned());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

/// A whole answer, as it stands on the wire.
pub(crate) fn raw_answer(body: &Value) -> String {
    raw_reply(200, body)
}

/// An answer with this status, as bytes.
pub(crate) fn raw_reply(status: u16, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// An answer that is cut in the middle of its body.
pub(crate) fn cut_answer() -> String {
    let whole = raw_answer(&json!({"status": "success", "data": {"id": 1}}));
    whole[..whole.len() - 10].to_owned()
}
