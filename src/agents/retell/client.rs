//! The calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{RetellError, RetellErrorKind};
use super::functions::{FunctionChange, plan};
use super::parts::{RetellAgent, RetellAgentId, RetellEngine, RetellLlmId};
use super::webhook::{WebhookChange, WebhookSettings, diff_webhook};
use crate::agents::dialect::retell::FunctionSettings;
use crate::client::{HttpService, transport};

/// Retell's own API.
pub const RETELL_BASE_URL: &str = "https://api.retellai.com/";
/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest response that is read: an agent's prompts and functions are in it.
const MAX_RESPONSE: usize = 8 * 1024 * 1024;

/// Reads and writes an agent's functions and webhook settings. `Debug` does not show the key.
///
/// No call is repeated by itself; every one may be.
#[derive(Clone)]
pub struct RetellClient {
    http: Arc<dyn HttpService>,
    base_url: Url,
    key: SecretString,
}

impl fmt::Debug for RetellClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetellClient")
            .field("base_url", &self.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl RetellClient {
    /// A client with an API key, over a transport of its own.
    ///
    /// # Errors
    ///
    /// [`Invalid`](RetellErrorKind::Invalid) if the transport cannot be set up.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, RetellError> {
        let http = transport("retell", TIMEOUT).map_err(|cause| {
            let message = "the transport cannot be set up";
            RetellError::new(RetellErrorKind::Invalid, message).because(cause)
        })?;
        Ok(Self::over(http, key))
    }

    /// A client with an API key, over the given HTTP service.
    ///
    /// # Panics
    ///
    /// Never: the base URL is a constant.
    pub fn over(http: Arc<dyn HttpService>, key: impl Into<SecretString>) -> Self {
        Self {
            http,
            base_url: Url::parse(RETELL_BASE_URL).expect("the constant is a URL"),
            key: key.into(),
        }
    }

    /// Sets the base URL. Default: [`RETELL_BASE_URL`].
    #[must_use]
    pub fn with_base_url(mut self, base_url: Url) -> Self {
        self.base_url = base_url;
        self
    }

    /// An agent, in a version or in the latest one.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RetellErrorKind::NotFound) and the kinds that any call may have.
    pub async fn agent(
        &self,
        id: &RetellAgentId,
        version: Option<u32>,
    ) -> Result<RetellAgent, RetellError> {
        self.read(&["get-agent", id.as_str()], version).await
    }

    /// All versions of an agent.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RetellErrorKind::NotFound) and the kinds that any call may have.
    pub async fn agent_versions(
        &self,
        id: &RetellAgentId,
    ) -> Result<Vec<RetellAgent>, RetellError> {
        self.read(&["get-agent-versions", id.as_str()], None).await
    }

    /// An agent's response engine with its functions, in the version that the agent uses.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](RetellErrorKind::Unsupported) if the engine is not of the kind `retell-llm`, and the
    /// kinds that any call may have.
    pub async fn engine(&self, agent: &RetellAgent) -> Result<RetellEngine, RetellError> {
        let (id, version) = engine_of(agent)?;
        self.read(&["get-retell-llm", id.as_str()], version).await
    }

    /// Makes an agent's functions what they should be, as [`diff`](super::diff) says, and tells what was
    /// changed. Nothing is sent if nothing differs.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](RetellErrorKind::Unsupported) if the engine is not of the kind `retell-llm` or a name
    /// [is taken](FunctionChange::NameTaken), [`Refused`](RetellErrorKind::Refused), and the kinds that any
    /// call may have.
    pub async fn push_functions(
        &self,
        agent: &RetellAgent,
        wanted: &FunctionSettings,
    ) -> Result<Vec<FunctionChange>, RetellError> {
        #[derive(Serialize)]
        struct Update<T> {
            general_tools: T,
        }
        let (id, version) = engine_of(agent)?;
        let current = self.engine(agent).await?;
        let (changes, general_tools) = plan(&current.functions, wanted);
        let mut taken = changes.iter();
        if let Some(taken) = taken.find(|change| matches!(change, FunctionChange::NameTaken { .. }))
        {
            let message = format!("{taken}; rename or remove it at Retell");
            return Err(RetellError::new(RetellErrorKind::Unsupported, message));
        }
        if !changes.is_empty() {
            let path = ["update-retell-llm", id.as_str()];
            let _: RetellEngine = self
                .write(&path, version, &Update { general_tools })
                .await?;
        }
        Ok(changes)
    }

    /// Makes an agent's webhook settings what they should be, as [`diff_webhook`] says, and tells what was
    /// changed. Nothing is sent if nothing differs.
    ///
    /// # Errors
    ///
    /// [`Refused`](RetellErrorKind::Refused) and the kinds that any call may have.
    pub async fn push_webhook(
        &self,
        agent: &RetellAgent,
        wanted: &WebhookSettings,
    ) -> Result<Vec<WebhookChange>, RetellError> {
        #[serde_with::skip_serializing_none]
        #[derive(Default, Serialize)]
        struct Update<'a> {
            webhook_url: Option<&'a str>,
            webhook_events: Option<Vec<&'a str>>,
        }
        let current = self.agent(&agent.id, agent.version).await?;
        let changes = diff_webhook(&current, wanted);
        if changes.is_empty() {
            return Ok(changes);
        }
        let mut update = Update::default();
        for change in &changes {
            match change {
                WebhookChange::Url { to, .. } => update.webhook_url = Some(to),
                WebhookChange::Events { to, .. } => {
                    update.webhook_events = Some(to.iter().map(String::as_str).collect());
                }
            }
        }
        let path = ["update-agent", agent.id.as_str()];
        let _: RetellAgent = self.write(&path, agent.version, &update).await?;
        Ok(changes)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        path: &[&str; 2],
        version: Option<u32>,
    ) -> Result<T, RetellError> {
        self.call(Method::GET, path, version, Bytes::new()).await
    }

    async fn write<T: DeserializeOwned>(
        &self,
        path: &[&str; 2],
        version: Option<u32>,
        body: &impl Serialize,
    ) -> Result<T, RetellError> {
        let body = serde_json::to_vec(body).map_err(|cause| {
            let message = "the call cannot be written as JSON";
            RetellError::new(RetellErrorKind::Invalid, message).because(cause)
        })?;
        self.call(Method::PATCH, path, version, body.into()).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str; 2],
        version: Option<u32>,
        body: Bytes,
    ) -> Result<T, RetellError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        let uri = self.url(path, version)?.as_str().parse();
        *request.uri_mut() = uri.map_err(|cause| {
            RetellError::new(RetellErrorKind::Invalid, "the URL is too long").because(cause)
        })?;
        let mut key = HeaderValue::try_from(format!("Bearer {}", self.key.expose_secret()))
            .map_err(|_| {
                let message = "the API key contains characters that are not valid in a header";
                RetellError::new(RetellErrorKind::Invalid, message)
            })?;
        key.set_sensitive(true);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, key);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sent = self.http.send(request, MAX_RESPONSE);
        let unavailable = |message| RetellError::new(RetellErrorKind::Unavailable, message);
        let response = tokio::time::timeout(TIMEOUT, sent)
            .await
            .map_err(|_| unavailable("Retell did not answer in time"))?
            .map_err(|cause| unavailable("Retell could not be reached").because(cause))?;
        if !response.status().is_success() {
            return Err(RetellError::answered(response.status(), response.body()));
        }
        serde_json::from_slice(response.body()).map_err(|cause| {
            let message = "Retell's answer was not understood";
            RetellError::new(RetellErrorKind::Unreadable, message).because(cause)
        })
    }

    fn url(&self, path: &[&str; 2], version: Option<u32>) -> Result<Url, RetellError> {
        let invalid = |message| RetellError::new(RetellErrorKind::Invalid, message);
        // `.` and `..` would be taken for steps through the path.
        let is_id = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        if path[1].is_empty() || !path[1].bytes().all(is_id) {
            return Err(invalid("an id consists of letters, digits, `_` and `-`"));
        }
        let mut url = self.base_url.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(invalid("the base URL cannot have a path")),
        };
        if let Some(version) = version {
            url.query_pairs_mut()
                .append_pair("version", &version.to_string());
        }
        Ok(url)
    }
}

fn engine_of(agent: &RetellAgent) -> Result<(&RetellLlmId, Option<u32>), RetellError> {
    let engine = agent.engine.as_ref().map(|(id, version)| (id, *version));
    engine.ok_or_else(|| {
        let kind: String = agent.engine_kind.chars().take(50).collect();
        let message =
            format!("functions of response engines of the kind {kind:?} are not supported");
        RetellError::new(RetellErrorKind::Unsupported, message)
    })
}
