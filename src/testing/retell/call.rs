//! Calls, played against our endpoints.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;

use super::Shared;
use crate::agents::dialect::retell::RetellEndpoints;
use crate::testing::RetellBody;
use crate::testing::sign::{json_headers, sign_retell};
use crate::webhook::RETELL_SIGNATURE_HEADER;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;
/// How often a function, an inbound webhook and an event are sent again.
const FUNCTION_REPEATS: usize = 2;
const WEBHOOK_REPEATS: usize = 3;
/// How long Retell waits for an inbound webhook and for an event.
const WEBHOOK_WAIT: Duration = Duration::from_secs(10);

/// What a call is like.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeCallSettings {
    from: String,
    to: String,
    is_outbound: bool,
    variables: Map<String, Value>,
    arguments_only: bool,
    sends_twice: bool,
    wait: Duration,
}

impl FakeCallSettings {
    /// A customer calls the business. A number that is withheld is `anonymous`.
    pub fn inbound(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            is_outbound: false,
            variables: Map::new(),
            arguments_only: false,
            sends_twice: false,
            wait: Duration::from_secs(120),
        }
    }

    /// The agent calls a customer.
    pub fn outbound(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            is_outbound: true,
            ..Self::inbound(from, to)
        }
    }

    /// Sets a dynamic variable, such as `language`. What the answer to an [inbound](FakeCall::inbound)
    /// webhook says takes its place.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables
            .insert(name.into(), Value::String(value.into()));
        self
    }

    /// Sends the arguments of functions alone, each to a path of its own.
    #[must_use]
    pub fn with_arguments_only(mut self) -> Self {
        self.arguments_only = true;
        self
    }

    /// Sends everything twice: once it is answered, the same bytes come again, signed anew.
    #[must_use]
    pub fn sending_twice(mut self) -> Self {
        self.sends_twice = true;
        self
    }

    /// Sets how long a function is waited for; 2 minutes by default. The others are waited for 10 s at
    /// most.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }
}

/// One request of ours that Retell made, with its repetitions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetellExchange {
    /// The call's id.
    pub call_id: String,
    /// The function, the event, or `call_inbound`.
    pub what: String,
    /// What was sent, in order.
    pub attempts: Vec<RetellAttempt>,
}

/// One request, and what Retell heard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetellAttempt {
    /// The status; `None` if there was no answer in time.
    pub status: Option<StatusCode>,
    /// The answer's body.
    pub body: Bytes,
    /// Whether the answer was lost on its way: our side has given it.
    pub was_dropped: bool,
}

impl RetellAttempt {
    fn is_heard(&self) -> bool {
        !self.was_dropped && self.status.is_some_and(|status| status.is_success())
    }
}

impl RetellExchange {
    /// The last answer with 2xx that Retell has heard.
    pub fn heard(&self) -> Option<&Bytes> {
        let mut attempts = self.attempts.iter().rev();
        let heard = attempts.find(|attempt| attempt.is_heard());
        heard.map(|attempt| &attempt.body)
    }

    /// The same as JSON; `null` if there is none.
    pub fn json(&self) -> Value {
        let heard = self.heard().map(|body| serde_json::from_slice(body));
        heard.and_then(Result::ok).unwrap_or_default()
    }

    /// The sentence of a function's answer.
    pub fn said(&self) -> Option<String> {
        Some(self.json().get("say")?.as_str()?.to_owned())
    }

    /// The statuses in order; `None` for each answer that did not come.
    pub fn statuses(&self) -> Vec<Option<u16>> {
        let statuses = self.attempts.iter().map(|attempt| attempt.status);
        statuses
            .map(|status| status.map(|status| status.as_u16()))
            .collect()
    }
}

/// A call that is played.
#[derive(Clone, Debug)]
pub struct FakeCall {
    shared: Arc<Shared>,
    endpoints: RetellEndpoints,
    settings: FakeCallSettings,
    id: String,
}

impl FakeCall {
    pub(super) fn new(
        shared: Arc<Shared>,
        endpoints: RetellEndpoints,
        settings: FakeCallSettings,
        id: String,
    ) -> Self {
        Self {
            shared,
            endpoints,
            settings,
            id,
        }
    }

    /// The call's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks how the call is to be taken.
    pub async fn inbound(&self) -> RetellExchange {
        let body = RetellBody::call_inbound()
            .with_numbers(&self.settings.from, &self.settings.to)
            .to_json();
        let wait = self.settings.wait.min(WEBHOOK_WAIT);
        let url = &self.endpoints.inbound;
        self.send("call_inbound", url, &body, wait, WEBHOOK_REPEATS)
            .await
    }

    /// Has the agent take the call as the answer to [`inbound`](Self::inbound) says: its dynamic variables
    /// become the call's.
    #[must_use]
    pub fn taken_as(mut self, answer: &RetellExchange) -> Self {
        let answer = answer.json();
        let variables = answer["call_inbound"]["dynamic_variables"].as_object();
        self.settings
            .variables
            .extend(variables.cloned().unwrap_or_default());
        self
    }

    /// Has the agent call a function.
    pub async fn function(&self, name: &str, arguments: Value) -> RetellExchange {
        let mut url = self.endpoints.functions.clone();
        let mut body = self.with_call(RetellBody::function(name, arguments, &self.id));
        if self.settings.arguments_only {
            body = body.with_args_only();
            if let Ok(mut path) = url.path_segments_mut() {
                path.push(name);
            }
        }
        let (body, wait) = (body.to_json(), self.settings.wait);
        self.send(name, &url, &body, wait, FUNCTION_REPEATS).await
    }

    /// Tells an event of the call, such as `call_ended`.
    pub async fn event(&self, name: &str) -> RetellExchange {
        let body = self.with_call(RetellBody::event(name, &self.id)).to_json();
        let wait = self.settings.wait.min(WEBHOOK_WAIT);
        let url = &self.endpoints.events;
        self.send(name, url, &body, wait, WEBHOOK_REPEATS).await
    }

    fn with_call(&self, body: RetellBody) -> RetellBody {
        let direction = if self.settings.is_outbound {
            "outbound"
        } else {
            "inbound"
        };
        let variables = Value::Object(self.settings.variables.clone());
        body.with_numbers(&self.settings.from, &self.settings.to)
            .with_field("direction", json!(direction))
            .with_field("retell_llm_dynamic_variables", variables)
    }

    async fn send(
        &self,
        what: &str,
        url: &Url,
        body: &Value,
        wait: Duration,
        repeats: usize,
    ) -> RetellExchange {
        let body = Bytes::from(body.to_string());
        let mut attempts = Vec::new();
        let times = if self.settings.sends_twice { 2 } else { 1 };
        for _ in 0..times {
            for _ in 0..=repeats {
                let attempt = self.attempt(url, &body, wait).await;
                let is_heard = attempt.is_heard();
                attempts.push(attempt);
                if is_heard {
                    break;
                }
            }
        }
        let exchange = RetellExchange {
            call_id: self.id.clone(),
            what: what.to_owned(),
            attempts,
        };
        self.shared.state().exchanges.push(exchange.clone());
        exchange
    }

    async fn attempt(&self, url: &Url, body: &Bytes, wait: Duration) -> RetellAttempt {
        let nothing = RetellAttempt {
            status: None,
            body: Bytes::new(),
            was_dropped: false,
        };
        let Ok(uri) = url.as_str().parse() else {
            return nothing;
        };
        let now = self.shared.clock.now();
        let signature = sign_retell(self.shared.key.expose_secret(), body, now);
        let headers = json_headers([(RETELL_SIGNATURE_HEADER, signature)]);
        let mut request = Request::new(body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let sent = self.shared.http.send(request, MAX_ANSWER);
        let Ok(Ok(response)) = tokio::time::timeout(wait, sent).await else {
            return nothing;
        };
        let mut state = self.shared.state();
        let was_dropped = state.answers_to_drop > 0;
        state.answers_to_drop = state.answers_to_drop.saturating_sub(1);
        RetellAttempt {
            status: Some(response.status()),
            body: response.into_body(),
            was_dropped,
        }
    }
}
