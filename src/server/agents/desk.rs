//! What the doors for agents share: who is let in, and how they are answered.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::Request;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::SecretString;

use super::config::AgentsConfig;
use crate::agents::{Answer, Caller, Outcome as ToolOutcome, Scene, Tool, Tools};
use crate::server::answer::Outcome;
use crate::server::correlation::{CORRELATION_ID, CorrelationId};
use crate::server::intake::Intake;
use crate::store::TenantId;
use crate::sync::{SyncEngine, Tenant};
use crate::webhook::{RetellVerifier, Sender, Verifier, VerifyError};

/// The parameters of a route's path.
pub(super) type Params = Result<Path<HashMap<String, String>>, PathRejection>;

/// The state of the router.
pub(super) struct Desk {
    pub(super) engine: Arc<dyn SyncEngine>,
    pub(super) tools: Tools,
    pub(super) intake: Intake,
    pub(super) config: AgentsConfig,
    pub(super) retell: Sender,
    /// For requests in the name of tenants that do not exist.
    nobodys: RetellVerifier,
}

/// A request that Retell has signed.
pub(super) struct Signed {
    pub(super) tenant: Arc<Tenant>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Desk {
    pub(super) fn new(engine: Arc<dyn SyncEngine>, tools: Tools, config: AgentsConfig) -> Self {
        Self {
            engine,
            tools,
            intake: Intake::new(config.requests.clone()),
            config,
            retell: Sender::new("retell"),
            nobodys: RetellVerifier::new([SecretString::from("nobody's")]),
        }
    }

    /// Lets a request in that was signed by Retell for the tenant.
    pub(super) async fn admit(&self, tenant: &str, request: Request) -> Result<Signed, Outcome> {
        let source = self.intake.source(&request);
        self.intake.count(tenant, &source).await?;
        let (headers, body) = self.intake.read(request).await?;
        let id = TenantId::new(tenant);
        let found = self.tools.directory().tenant(&id);
        let found = match tokio::time::timeout(self.tools.config().answer_within, found).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a tenant could not be read");
                return Err(Outcome::Unavailable);
            }
            Err(_) => return Err(Outcome::Unavailable),
        };
        let known = found.as_ref();
        let verifier = known.and_then(|tenant| tenant.sender(&self.retell));
        // It takes as long for a tenant that does not exist, or time would tell which ones do.
        let is_known = verifier.is_some();
        let verifier = verifier.map_or(&self.nobodys as &dyn Verifier, AsRef::as_ref);
        let now = self.tools.clock().now();
        let verified = std::hint::black_box(verifier.verify(&headers, &body, now));
        let refused = match verified {
            // Functions and inbound webhooks are signed, and no events.
            Ok(_) | Err(VerifyError::NoEvent) if is_known => None,
            Ok(_) => Some(VerifyError::Mismatch),
            Err(refused) => Some(refused),
        };
        match (refused, found) {
            (None, Some(tenant)) => Ok(Signed {
                tenant,
                headers,
                body,
            }),
            (refused, _) => {
                // The tenant's name comes from outside and is not repeated.
                let cause = refused.filter(|_| is_known).map(|error| error.to_string());
                tracing::warn!(cause, "a request in Retell's name was not verified");
                Err(Outcome::Unverified)
            }
        }
    }

    /// That something cannot be done, and that nothing was changed.
    pub(super) fn unavailable(&self, tenant: &Tenant, caller: &Caller) -> Answer {
        let called = caller.called.as_ref();
        let branch = called.and_then(|number| tenant.branch_of_number(number));
        let now = self.now_at(tenant, branch).naive_local();
        let language = self
            .tools
            .language(caller.language.as_deref(), Some(tenant));
        let outcome = ToolOutcome::Unavailable;
        let say = language.say(&outcome, &Scene::new(Tool::ListServices, now));
        Answer::new(outcome, say)
    }
}

/// The tenant that a path names. What is no text is nobody's name.
pub(super) fn tenant_of(params: &Params) -> Result<&str, Outcome> {
    match params {
        Ok(Path(params)) => params
            .get("tenant")
            .map(String::as_str)
            .ok_or(Outcome::Unavailable),
        Err(rejection) if rejection.status().is_server_error() => Err(Outcome::Unavailable),
        Err(_) => Err(Outcome::Unverified),
    }
}

/// A response with a body of JSON.
pub(super) fn json(body: String) -> Response {
    let mut response = Response::new(body.into());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Answers a request with what became of it.
pub(in crate::server) fn respond(
    answered: Result<Response, Outcome>,
    correlation_id: CorrelationId,
    span: &tracing::Span,
) -> Response {
    match answered {
        Ok(mut response) => {
            let status = response.status().as_u16();
            span.record("http.response.status_code", status);
            let id = correlation_id.into_header();
            response.headers_mut().insert(CORRELATION_ID, id);
            response
        }
        Err(outcome) => {
            outcome.record(StatusCode::OK, span);
            outcome.answer(StatusCode::OK, None, correlation_id)
        }
    }
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
