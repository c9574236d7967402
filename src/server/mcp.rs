//! The door for MCP clients over HTTP.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderName, HeaderValue, StatusCode, header};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tracing::{Instrument, field};

use super::agents::{ProgramAccess, respond};
use super::answer::Outcome;
use super::correlation::CorrelationId;
use super::intake::Intake;
use super::webhooks::WebhookConfig;
use crate::agents::Tools;
use crate::agents::mcp::McpServer;
use crate::ambient::SystemEntropy;
use crate::store::TenantId;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// Under which names this computer is reached from itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Settings of the door for MCP clients.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct McpConfig {
    /// How many requests come, how large and how slow they may be. Default: 600 requests a minute of each
    /// source for a tenant, and bodies of at most 256 KiB; otherwise that of [`WebhookConfig`].
    pub requests: WebhookConfig,
    /// Who may call the tools. A program's token opens everything that
    /// [staff](crate::agents::Standing::Staff) may do.
    pub access: ProgramAccess,
    /// The names under which this server is reached, as in a request's `Host`: `sync.example.com`, or with a
    /// port, which then counts. A request for another name is refused with 403: a web page may have made up
    /// the name to reach a server that is not its own (DNS rebinding). Default: those of loopback.
    pub hosts: BTreeSet<String>,
    /// The web pages whose scripts may ask, as in a request's `Origin`: `https://app.example.com:443`. Requests
    /// of other pages are refused with 403; those of programs have no `Origin`. Default: none.
    pub origins: BTreeSet<String>,
}

impl McpConfig {
    /// The default settings, with who may call the tools.
    pub fn new(access: ProgramAccess) -> Self {
        let requests = WebhookConfig {
            max_body_bytes: 256 * 1024,
            requests_per_minute: NonZeroU32::new(600),
            ..WebhookConfig::default()
        };
        Self {
            requests,
            access,
            hosts: LOOPBACK.map(str::to_owned).into(),
            origins: BTreeSet::new(),
        }
    }

    /// Adds a name under which this server is reached.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.insert(host.into());
        self
    }

    /// Adds a web page whose scripts may ask.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.insert(origin.into());
        self
    }
}

/// [`mcp_with`] the default settings.
pub fn mcp(tools: Tools, access: ProgramAccess) -> Router {
    mcp_with(tools, McpConfig::new(access))
}

/// A router that serves each tenant's tools to MCP clients at `/mcp/{tenant}`, by streamable HTTP; what they
/// are given is described in [`agents::mcp`](crate::agents::mcp).
///
/// A client gives the tenant's token as `Authorization: Bearer …`. A tenant that does not exist and a token
/// that is not the tenant's are answered alike, with 401 and after the same time. What is not let in is
/// answered as [webhooks](super::webhooks_with) are: 400, 401, 408, 413, 429 or 503 with `status`, `code`,
/// `message` and `correlation_id`.
///
/// There are no sessions: each request stands for itself, and nothing of one tenant or client is kept for
/// another. A request that names a session, which must be another server's, is answered with 404, so that the
/// client begins anew. `GET` and `DELETE` are answered with 405: the server sends nothing by itself.
///
/// A call that was let in is finished also if its client goes away.
pub fn mcp_with(tools: Tools, config: McpConfig) -> Router {
    let hosts = if config.hosts.is_empty() {
        // The SDK takes an empty list for any name.
        LOOPBACK.map(str::to_owned).into()
    } else {
        config.hosts
    };
    let transport = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(hosts)
        .with_allowed_origins(config.origins)
        .enforce_origin_validation()
        .with_max_request_body_bytes(config.requests.max_body_bytes);
    let limit = DefaultBodyLimit::max(config.requests.max_body_bytes);
    let door = Door {
        tools,
        intake: Intake::new(config.requests),
        access: config.access,
        transport,
    };
    Router::new()
        .route("/mcp/{tenant}", any(ask))
        .layer(limit)
        .with_state(Arc::new(door))
}

struct Door {
    tools: Tools,
    intake: Intake,
    access: ProgramAccess,
    transport: StreamableHttpServerConfig,
}

async fn ask(
    State(door): State<Arc<Door>>,
    tenant: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let correlation_id = CorrelationId::of(request.headers(), &SystemEntropy);
    let span = tracing::debug_span!(
        "calcom.mcp",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.response.status_code = field::Empty,
        %correlation_id,
    );
    let answered = door.answer(tenant, request).instrument(span.clone()).await;
    let mut response = respond(answered, correlation_id, &span);
    if response.status() == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, bearer);
    }
    response
}

impl Door {
    async fn answer(
        &self,
        tenant: Result<Path<String>, PathRejection>,
        request: Request,
    ) -> Result<Response, Outcome> {
        let tenant = match tenant {
            Ok(Path(tenant)) => TenantId::new(tenant),
            Err(rejection) if rejection.status().is_server_error() => {
                return Err(Outcome::Unavailable);
            }
            // What is no text is nobody's name.
            Err(_) => return Err(Outcome::Unverified),
        };
        let source = self.intake.source(&request);
        self.intake.count(tenant.as_str(), &source).await?;
        if !self
            .access
            .opens(&tenant, request.headers(), request.extensions())
        {
            tracing::warn!("an MCP client was not let in");
            return Err(Outcome::Unverified);
        }
        if request.headers().contains_key(SESSION_ID) {
            return Ok(no_session());
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (mut headers, body) = self.intake.read(request).await?;
        // It has done its work, and goes no further.
        headers.remove(header::AUTHORIZATION);
        let mut request = Request::new(Body::from(body));
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        *request.headers_mut() = headers;
        let server = McpServer::new(self.tools.clone(), tenant);
        let service = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::new(NeverSessionManager::default()),
            self.transport.clone(),
        );
        Ok(service.handle(request).await.map(Body::new))
    }
}

/// As the protocol has it for a session that has ended, in the form of its errors.
fn no_session() -> Response {
    let error = json!({"code": -32001, "message": "Session not found"});
    let body = json!({"jsonrpc": "2.0", "id": null, "error": error});
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
