//! A Retell with one agent, and our own endpoint, in process: enough for the page.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::agents::retell::{RetellAccount, RetellClient, RetellConsole};
use calcom::ambient::Clock;
use calcom::client::{HttpError, HttpService};
use calcom::store::{Documents, TenantId};
use calcom::testing::{ManualClock, SeededEntropy};
use calcom::webhook::RetellVerifier;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

pub(crate) const AGENT: &str = "agent_1";
const KEY: &str = "key_of_the_test";

/// Clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Retell {
    state: Arc<Mutex<State>>,
    clock: ManualClock,
}

#[derive(Debug)]
struct State {
    requests: Vec<(Method, String)>,
    agent: Value,
    functions: Vec<Value>,
    refuses_key: bool,
    is_closed: bool,
    booked: u32,
    cancelled: u32,
}

impl Retell {
    pub(crate) fn new(clock: ManualClock) -> Self {
        let agent = json!({
            "agent_id": AGENT, "version": 0, "is_published": false, "agent_name": "Reception",
            "response_engine": {"type": "retell-llm", "llm_id": "llm_1", "version": 0},
        });
        let state = State {
            requests: Vec::new(),
            agent,
            functions: Vec::new(),
            refuses_key: false,
            is_closed: false,
            booked: 0,
            cancelled: 0,
        };
        let state = Arc::new(Mutex::new(state));
        Self { state, clock }
    }

    /// A console for one tenant, over this.
    pub(crate) fn console(&self, documents: Arc<dyn Documents>, tenant: TenantId) -> RetellConsole {
        let http: Arc<dyn HttpService> = Arc::new(self.clone());
        let base = "https://sync.example.com".parse().unwrap();
        let account = RetellAccount::new(RetellClient::over(http.clone(), KEY), KEY)
            .with_agent(Some(AGENT.into()))
            .with_endpoints(RetellEndpoints::new(&base, &tenant));
        RetellConsole::over(http, documents, [(tenant, account)])
            .with_clock(Arc::new(self.clock.clone()))
            .with_entropy(Arc::new(SeededEntropy::new(3)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<(Method, String)> {
        self.lock().requests.clone()
    }

    pub(crate) fn writes(&self) -> usize {
        let requests = self.requests().into_iter();
        requests
            .filter(|(method, _)| *method == Method::PATCH)
            .count()
    }

    pub(crate) fn agent(&self) -> Value {
        self.lock().agent.clone()
    }

    pub(crate) fn function_names(&self) -> Vec<String> {
        let state = self.lock();
        let names = state.functions.iter();
        names
            .map(|function| function["name"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn add_function(&self, json: &str) {
        self.lock()
            .functions
            .push(serde_json::from_str(json).unwrap());
    }

    pub(crate) fn refuse_key(&self) {
        self.lock().refuses_key = true;
    }

    pub(crate) fn close_endpoint(&self) {
        self.lock().is_closed = true;
    }

    /// How many test appointments were booked and cancelled.
    pub(crate) fn booked(&self) -> (u32, u32) {
        let state = self.lock();
        (state.booked, state.cancelled)
    }

    /// The plan that a page asks about.
    pub(crate) fn plan_of(page: &str) -> String {
        let (_, rest) = page.split_once("name=\"plan\" value=\"").expect("a plan");
        rest.split('"').next().unwrap().to_owned()
    }

    fn serve_api(&self, request: &Request<Bytes>) -> (StatusCode, Value) {
        let mut state = self.lock();
        let path = request.uri().path().to_owned();
        state
            .requests
            .push((request.method().clone(), path.clone()));
        if state.refuses_key {
            return (StatusCode::UNAUTHORIZED, json!({"message": "no such key"}));
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        match path.as_str() {
            "/update-agent/agent_1" => {
                for (name, value) in body.as_object().unwrap() {
                    state.agent[name] = value.clone();
                }
            }
            "/update-retell-llm/llm_1" => {
                state.functions = body["general_tools"].as_array().unwrap().clone();
            }
            "/get-agent/agent_1" | "/get-retell-llm/llm_1" => {}
            _ => return (StatusCode::NOT_FOUND, json!({"message": "no such thing"})),
        }
        let answer = if path.contains("llm") {
            json!({"llm_id": "llm_1", "version": 0, "general_tools": state.functions})
        } else {
            state.agent.clone()
        };
        (StatusCode::OK, answer)
    }

    /// Our own endpoint: what it hears is signed.
    fn serve_endpoint(&self, request: &Request<Bytes>) -> (StatusCode, Value) {
        let mut state = self.lock();
        if state.is_closed {
            return (StatusCode::BAD_GATEWAY, Value::Null);
        }
        let verifier = RetellVerifier::new([KEY.into()]);
        let verified =
            verifier.verify_signature(request.headers(), request.body(), self.clock.now());
        if verified.is_err() {
            return (StatusCode::UNAUTHORIZED, Value::Null);
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["call"]["call_id"].as_str().unwrap().len(), 21);
        let name = body["name"].as_str().unwrap();
        let result = match name {
            "list_services" => json!({"outcome": "services", "services": [{"id": "haircut"}]}),
            "find_next_slot" => {
                json!({"outcome": "slots", "slots": [{"start": "2026-12-08T09:00:00+01:00"}]})
            }
            "check_availability" => json!({"outcome": "nothing_free"}),
            "collect_appointment_data" => json!({"outcome": "collected"}),
            "book_appointment" => {
                state.booked += 1;
                json!({"outcome": "booked", "appointment": {"id": "a-1"}})
            }
            "cancel_appointment" => {
                state.cancelled += 1;
                json!({"outcome": "cancelled"})
            }
            other => panic!("{other} was called"),
        };
        let say = format!("Answer to <{name}>.");
        (StatusCode::OK, json!({"say": say, "result": result}))
    }
}

#[async_trait]
impl HttpService for Retell {
    async fn send(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, HttpError> {
        let (status, body) = match request.uri().host() {
            Some("api.retellai.com") => self.serve_api(&request),
            Some("sync.example.com") => self.serve_endpoint(&request),
            other => panic!("a request to {other:?}"),
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        Ok(response)
    }
}
