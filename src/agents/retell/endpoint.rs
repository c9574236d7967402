//! Asks our own endpoint as Retell does, for tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, Request, Uri};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::parts::RetellAgentId;
use crate::agents::tool::Tool;
use crate::agents::trial::{Endpoint, EndpointAnswer};
use crate::ambient::Clock;
use crate::client::HttpService;
use crate::model::PhoneNumber;
use crate::webhook::{RETELL_SIGNATURE_HEADER, sign};

/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;
/// Who calls in a test: a number that the German regulator keeps free for films.
const CALLER: &str = "+493023125001";

/// One test call. `Debug` does not show the key.
pub(super) struct RetellEndpoint {
    http: Arc<dyn HttpService>,
    clock: Arc<dyn Clock>,
    url: Url,
    key: SecretString,
    call_id: String,
    agent: Option<RetellAgentId>,
    called: Option<PhoneNumber>,
}

impl RetellEndpoint {
    /// How long an answer is waited for.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

    pub(super) fn new(
        http: Arc<dyn HttpService>,
        clock: Arc<dyn Clock>,
        url: Url,
        key: SecretString,
        call_id: String,
    ) -> Self {
        Self {
            http,
            clock,
            url,
            key,
            call_id,
            agent: None,
            called: None,
        }
    }

    #[must_use]
    pub(super) fn with_agent(mut self, agent: Option<RetellAgentId>) -> Self {
        self.agent = agent;
        self
    }

    #[must_use]
    pub(super) fn with_called(mut self, number: Option<PhoneNumber>) -> Self {
        self.called = number;
        self
    }

    fn body(&self, function: Tool, arguments: &Value) -> String {
        let mut call = json!({
            "call_id": self.call_id,
            "call_type": "phone_call",
            "call_status": "ongoing",
            "direction": "inbound",
            "from_number": CALLER,
            "transcript": "",
        });
        if let Some(agent) = &self.agent {
            call["agent_id"] = json!(agent.as_str());
        }
        if let Some(called) = &self.called {
            call["to_number"] = json!(called.as_str());
        }
        json!({"name": function.as_str(), "args": arguments, "call": call}).to_string()
    }
}

impl fmt::Debug for RetellEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetellEndpoint")
            .field("url", &self.url.as_str())
            .field("call_id", &self.call_id)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Endpoint for RetellEndpoint {
    async fn call(&self, function: Tool, arguments: &Value) -> Result<EndpointAnswer, String> {
        let body = self.body(function, arguments);
        let millis = self.clock.now().timestamp_millis().to_string();
        let signed = [body.as_bytes(), millis.as_bytes()].concat();
        let digest = sign(self.key.expose_secret(), &signed);
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        let uri: Result<Uri, _> = self.url.as_str().parse();
        *request.uri_mut() = uri.map_err(|_| "the address is no URL".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signature = HeaderValue::try_from(format!("v={millis},d={digest}"));
        let signature = signature.map_err(|_| "the signature is no header".to_owned())?;
        headers.insert(HeaderName::from_static(RETELL_SIGNATURE_HEADER), signature);
        let began = Instant::now();
        let sent = tokio::time::timeout(Self::TIMEOUT, self.http.send(request, MAX_ANSWER)).await;
        let took = began.elapsed();
        let response = sent
            .map_err(|_| "no answer in time".to_owned())?
            .map_err(|_| "nothing answers at the address".to_owned())?;
        let status = response.status().as_u16();
        Ok(EndpointAnswer::new(status, response.into_body(), took))
    }
}
