//! The doors for agents: voice providers and programs with a language model.

mod config;
mod desk;
mod inbound;
mod programs;
mod routes;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use config::AgentsConfig;
use desk::Desk;
#[cfg(feature = "mcp")]
pub(super) use desk::respond;
pub use programs::{ProgramAccess, ProgramOf};

use crate::agents::Tools;
use crate::sync::SyncEngine;

/// [`agents_with`] the default settings.
pub fn agents(engine: Arc<dyn SyncEngine>, tools: Tools) -> Router {
    agents_with(engine, tools, AgentsConfig::default())
}

/// A router through which agents call the tools.
///
/// | route | who is let in | answer |
/// | --- | --- | --- |
/// | `POST /agents/retell/{tenant}/functions` and `…/functions/{name}` | Retell | `{"say", "result"}` |
/// | `POST /agents/retell/{tenant}/inbound` | Retell | `{"call_inbound": {…}}` |
/// | `POST /agents/retell/{tenant}/events` | Retell | 204 |
/// | `POST /agents/openai/{tenant}/tools` | [programs](AgentsConfig::programs) | a list of messages |
/// | `GET /agents/openai/{tenant}/tools` | the same | a list of definitions |
///
/// Retell is let in if the tenant names it as a [sender](crate::sync::Tenant::with_sender), with a
/// [`RetellVerifier`](crate::webhook::RetellVerifier), and the raw body is signed for that. A tenant that
/// does not exist, one without Retell and a signature that is not valid are answered alike, with 401 and
/// after the same time.
///
/// What is not let in is answered as [webhooks](super::webhooks_with) are: 400, 401, 408, 413, 429 or 503
/// with `status`, `code`, `message` and `correlation_id`.
///
/// # Functions
///
/// Retell hands any 2xx answer to its model, so whatever is wrong inside is answered with 200 and a
/// sentence: a function that does not exist or is switched off, a body that is not JSON, arguments that are
/// no object. The tools [answer in time](crate::agents::ToolsConfig::answer_within); a function's
/// `timeout_ms` must be longer. Retell repeats a call that was not answered with 2xx up to twice, and a
/// repeated call does nothing twice.
///
/// The URL names the function, by its path or as `?function=`, where only the arguments are sent.
///
/// # Inbound calls
///
/// The answer names the [agent](AgentsConfig::with_agent) of the branch that was called and these dynamic
/// variables, all of them texts: `branch` and `branch_address`; `greeting`; `language`; `date`, `weekday`
/// (in English), `time` and `time_zone` of the branch, or of the tenant if the number belongs to no branch;
/// `next_appointment`, a sentence in that language or empty; and `known_caller`, which is `true` if there is
/// a next appointment and else `false`. The metadata have the id of the `branch`.
///
/// # Events
///
/// Events that are [selected](AgentsConfig::events) are stored for the
/// [handler](crate::sync::SyncEngine::receive_from) of the sender `retell`; the others are not. Either way the
/// answer is 204, also for one that came before. What becomes of an event later is never told to Retell,
/// which could not help. Only if it could not be stored, the answer is 503: Retell sends it up to three
/// times.
pub fn agents_with(engine: Arc<dyn SyncEngine>, tools: Tools, config: AgentsConfig) -> Router {
    let limit = DefaultBodyLimit::max(config.requests.max_body_bytes);
    let openai = get(routes::openai_tools).post(routes::openai_tools);
    Router::new()
        .route("/agents/retell/{tenant}/functions", post(routes::functions))
        .route(
            "/agents/retell/{tenant}/functions/{name}",
            post(routes::functions),
        )
        .route("/agents/retell/{tenant}/inbound", post(routes::inbound))
        .route("/agents/retell/{tenant}/events", post(routes::events))
        .route("/agents/openai/{tenant}/tools", openai)
        .layer(limit)
        .with_state(Arc::new(Desk::new(engine, tools, config)))
}
