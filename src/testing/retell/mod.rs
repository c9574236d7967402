//! A Retell of one's own: see [`FakeRetell`].

mod api;
mod book;
mod call;
mod server;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use self::book::Book;
pub use self::call::{FakeCall, FakeCallSettings, RetellAttempt, RetellExchange};
use self::server::Server;
use crate::agents::dialect::retell::RetellEndpoints;
use crate::agents::retell::{RetellAgentId, RetellClient};
use crate::ambient::{Clock, SystemClock};
use crate::client::{HttpService, transport};

/// How long any request of the fake may take, whatever it is set to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A fake Retell: it plays calls against our endpoints as the provider does, and serves the part of its API
/// that [`RetellClient`] uses, on a loopback port.
///
/// This is a handle; clones share one fake, which stops when the last one is dropped.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::agents::dialect::retell::RetellEndpoints;
/// use calcom::testing::{FakeCallSettings, FakeRetell};
///
/// let retell = FakeRetell::start("key_test").await?;
/// // The router listens there, and the tenant's `RetellVerifier` has the same key.
/// let endpoints = RetellEndpoints::new(&"http://127.0.0.1:8080".parse()?, &"salon".into());
/// let settings = FakeCallSettings::inbound("+4915112345678", "+49301234567").sending_twice();
/// let call = retell.call(endpoints, settings);
/// call.inbound().await;
/// let answer = call.function("list_services", serde_json::json!({})).await;
/// assert!(answer.said().is_some());
/// call.event("call_ended").await;
/// # Ok(())
/// # }
/// ```
///
/// # How it calls
///
/// Everything is signed over the raw body at the time when it is sent. A function that is not answered
/// with 2xx in time is sent again up to 2 times, an inbound webhook and an event up to 3 times, each signed
/// anew. [`drop_answers`](Self::drop_answers) loses answers on their way, and
/// [`sending_twice`](FakeCallSettings::sending_twice) sends everything twice.
///
/// # What is served
///
/// `GET /get-agent/{id}`, `GET /get-agent-versions/{id}`, `PATCH /update-agent/{id}`,
/// `GET /get-retell-llm/{id}` and `PATCH /update-retell-llm/{id}`, each in the `version` that the query
/// names or the latest. [`publish`](Self::publish) publishes the latest version and begins another one; a
/// published version cannot be changed. An agent and its engine are versioned together. It follows the
/// vendor's documentation and was compared with no real service.
#[derive(Clone, Debug)]
pub struct FakeRetell {
    shared: Arc<Shared>,
    _server: Arc<Server>,
}

pub(in crate::testing::retell) struct Shared {
    key: SecretString,
    address: SocketAddr,
    http: Arc<dyn HttpService>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeRetell")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    book: Book,
    requests: Vec<RetellRequest>,
    exchanges: Vec<RetellExchange>,
    answers_to_drop: usize,
    calls: u64,
}

/// A request of the API that the fake has served.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetellRequest {
    /// The method.
    pub method: Method,
    /// The path and the query.
    pub target: String,
    /// The body; empty for reads.
    pub body: Bytes,
    /// The status of the answer.
    pub status: StatusCode,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a request of the API.
    fn serve(
        &self,
        method: &Method,
        target: &str,
        authorization: Option<&str>,
        body: &Bytes,
    ) -> (StatusCode, String) {
        let expected = format!("Bearer {}", self.key.expose_secret());
        let mut state = self.state();
        let (status, answer) = if authorization == Some(expected.as_str()) {
            api::serve(&mut state.book, method, target, body)
        } else {
            api::refused(StatusCode::UNAUTHORIZED, "Invalid API key")
        };
        state.requests.push(RetellRequest {
            method: method.clone(),
            target: target.to_owned(),
            body: body.clone(),
            status,
        });
        (status, answer)
    }
}

impl FakeRetell {
    /// Starts a fake whose account has this API key.
    ///
    /// # Errors
    ///
    /// If no port can be listened on.
    pub async fn start(key: impl Into<SecretString>) -> io::Result<Self> {
        Self::start_with_clock(key, Arc::new(SystemClock)).await
    }

    /// Starts a fake that signs by this clock.
    ///
    /// # Errors
    ///
    /// If no port can be listened on.
    pub async fn start_with_clock(
        key: impl Into<SecretString>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared {
            key: key.into(),
            address: listener.local_addr()?,
            http: transport("fake_retell", LONGEST_WAIT).map_err(io::Error::other)?,
            clock,
            state: Mutex::default(),
        });
        let server = Arc::new(Server::start(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            _server: server,
        })
    }

    /// The account's API key.
    pub fn api_key(&self) -> SecretString {
        self.shared.key.clone()
    }

    /// The base URL of its API.
    ///
    /// # Panics
    ///
    /// Never: a socket address makes a URL.
    pub fn base_url(&self) -> Url {
        let url = format!("http://{}/", self.shared.address);
        url.parse().expect("a socket address makes a URL")
    }

    /// A client of its API.
    pub fn client(&self) -> RetellClient {
        RetellClient::over(Arc::clone(&self.shared.http), self.api_key())
            .with_base_url(self.base_url())
    }

    /// Adds an agent whose response engine has these functions, each as JSON that is kept byte for byte.
    ///
    /// # Panics
    ///
    /// If one is not JSON.
    pub fn add_agent<'a>(
        &self,
        name: &str,
        functions: impl IntoIterator<Item = &'a str>,
    ) -> RetellAgentId {
        let functions = functions.into_iter().map(|function| {
            let function: Box<_> = serde_json::from_str(function).expect("a function is JSON");
            function
        });
        self.shared
            .state()
            .book
            .add_agent(name, functions.collect())
    }

    /// Adds an agent whose response engine is of another kind, such as `conversation-flow`.
    pub fn add_agent_of_kind(&self, name: &str, kind: &str) -> RetellAgentId {
        self.shared.state().book.add_agent_of_kind(name, kind)
    }

    /// Publishes the latest version of an agent and its engine, and begins another one.
    pub fn publish(&self, agent: &RetellAgentId) {
        self.shared.state().book.publish(agent);
    }

    /// The latest version of an agent, as the API tells it; `null` if there is none.
    pub fn agent(&self, agent: &RetellAgentId) -> Value {
        let state = self.shared.state();
        let (_, agent) = state.book.agent(agent.as_str(), None).unwrap_or_default();
        serde_json::from_str(&agent).unwrap_or_default()
    }

    /// The functions of the latest version of an agent's engine, each byte for byte.
    pub fn functions(&self, agent: &RetellAgentId) -> Vec<String> {
        self.shared.state().book.functions(agent)
    }

    /// Loses the next answers on their way: our side has worked, and Retell has heard nothing.
    pub fn drop_answers(&self, answers: usize) {
        self.shared.state().answers_to_drop = answers;
    }

    /// Begins a call. Nothing is sent for it yet.
    pub fn call(&self, endpoints: RetellEndpoints, settings: FakeCallSettings) -> FakeCall {
        let mut state = self.shared.state();
        state.calls += 1;
        let id = format!("call_{:08}", state.calls);
        drop(state);
        FakeCall::new(Arc::clone(&self.shared), endpoints, settings, id)
    }

    /// All requests of the API, in order.
    pub fn requests(&self) -> Vec<RetellRequest> {
        self.shared.state().requests.clone()
    }

    /// All that was sent for calls, in the order in which it was answered.
    pub fn exchanges(&self) -> Vec<RetellExchange> {
        self.shared.state().exchanges.clone()
    }
}
