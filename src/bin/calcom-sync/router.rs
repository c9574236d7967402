//! All routes of the program: the one place where routers are merged.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use calcom::server::{
    Access, AgentsConfig, LiveStreams, McpConfig, OperationsConfig, ProgramAccess, Role,
    SignInLinks, Token, WebhookConfig,
};
use calcom::sync::{BranchId, Monitor, SyncEngine};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::context::Context;
use crate::failure::Failure;
use crate::settings::{self, TenantSettings, TokenSettings};

/// What Prometheus expects, in its own text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Who signs in with the printed link where no token is configured.
const WHOEVER_STARTED_IT: &str = "operator";

/// What the routes are made over, besides what is configured.
pub(crate) struct Parts {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) links: SignInLinks,
    pub(crate) live: LiveStreams,
    pub(crate) agents: AgentsConfig,
}

/// The routes over what is configured.
pub(crate) fn router(context: &Context, parts: Parts) -> Router {
    let engine: Arc<dyn SyncEngine> = context.engine.clone();
    let settings = &context.settings.webhooks;
    let mut config =
        WebhookConfig::default().with_requests_per_minute(settings.requests_per_minute);
    config.source_header = settings.source_header.clone();
    let page = page(context, &parts);
    let agents = agents(context, parts.agents);
    let metrics = parts.metrics;
    let render = async move || ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render());
    Router::new()
        .merge(calcom::server::webhooks_with(engine, config))
        .merge(mcp(context))
        .merge(agents)
        .merge(calcom::server::health(parts.monitor))
        .route("/metrics", get(render))
        .merge(calcom::server::operations(context.engine.clone(), page))
}

/// The tools for MCP clients, of the tenants that have a token for them.
fn mcp(context: &Context) -> Router {
    let settings = &context.settings;
    let tenants = settings.tenants.iter();
    let tokens: Vec<_> = tenants
        .filter_map(|tenant| Some((tenant.id.clone(), tenant.mcp.as_ref()?.token.clone())))
        .collect();
    if tokens.is_empty() {
        return Router::new();
    }
    let mut config =
        McpConfig::new(ProgramAccess::tokens(tokens)).with_host(settings.listen.ip().to_string());
    if let Some(url) = &settings.public_url
        && let Some(host) = url.host_str()
    {
        config = config.with_host(host);
        if let Some(port) = url.port_or_known_default() {
            config = config.with_origin(format!("{}://{host}:{port}", url.scheme()));
        }
    }
    config.requests.source_header = settings.webhooks.source_header.clone();
    if settings.webhooks.requests_per_minute.is_none() {
        config.requests.requests_per_minute = None;
    }
    calcom::server::mcp_with(context.tools.clone(), config)
}

/// The doors for voice agents, if any tenant has one.
fn agents(context: &Context, config: AgentsConfig) -> Router {
    if context.console.is_none() {
        return Router::new();
    }
    calcom::server::agents_with(context.engine.clone(), context.tools.clone(), config)
}

/// Which agents take the calls of which branches, as operators have chosen.
pub(crate) async fn agents_config(context: &Context) -> Result<AgentsConfig, Failure> {
    // Nothing here reads call events: they are acknowledged, and no transcript is kept for nobody.
    let mut config = AgentsConfig::default().with_events(Some(BTreeSet::new()));
    config.requests.source_header = context.settings.webhooks.source_header.clone();
    if context.settings.webhooks.requests_per_minute.is_none() {
        config.requests.requests_per_minute = None;
    }
    let Some(console) = &context.console else {
        return Ok(config);
    };
    for tenant in &context.tenants {
        let settings = console.settings().settings(tenant).await?;
        for (branch, agent) in settings.branches {
            let branch = BranchId::new(branch);
            if let Some(id) = agent.agent_id {
                config = config.with_agent(tenant.clone(), Some(branch.clone()), id);
            }
            if let Some(text) = agent.greeting {
                config = config.with_branch_greeting(tenant.clone(), branch, text);
            }
        }
    }
    Ok(config)
}

/// Whose sign-in link is printed at the start: the first token that may decide, as far as any is
/// configured.
pub(crate) fn first_operator(context: &Context) -> &str {
    let tokens = &context.settings.tokens;
    let deciding = tokens
        .iter()
        .find(|token| token.role == settings::Role::Operator);
    let first = deciding.or(tokens.first());
    first.map_or(WHOEVER_STARTED_IT, |token| &token.name)
}

fn page(context: &Context, parts: &Parts) -> OperationsConfig {
    let settings = &context.settings;
    let mut tokens: Vec<Token> = settings.tokens.iter().map(token).collect();
    if tokens.is_empty() {
        // Nobody knows its secret: it is for the printed link alone.
        let secret = crate::demo::random_secret();
        tokens.push(Token::new(WHOEVER_STARTED_IT, secret, Role::Operator));
    }
    let mut config = OperationsConfig::new(Access::tokens(tokens))
        .with_sign_in_links(parts.links.clone())
        .with_live(parts.live.clone());
    if let Some(console) = &context.console {
        config = config.with_agents(console.clone());
    }
    let mut app_urls = settings.tenants.iter().filter_map(TenantSettings::app_url);
    if let Some(url) = app_urls.next() {
        let base = url.as_str().trim_end_matches('/');
        config = config.with_booking_url(format!("{base}/booking/{{uid}}"));
    }
    config.source_header = settings.webhooks.source_header.clone();
    config
}

fn token(settings: &TokenSettings) -> Token {
    let role = match settings.role {
        settings::Role::Viewer => Role::Viewer,
        settings::Role::Operator => Role::Operator,
    };
    let token = Token::new(&settings.name, settings.token.clone(), role);
    if settings.tenants.is_empty() {
        token
    } else {
        token.for_tenants(settings.tenants.iter().cloned())
    }
}
