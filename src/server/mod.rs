//! axum routers over the engine, to be put into the host's own: [`webhooks`], where Cal.com delivers,
//! [`sender_webhooks`], where others do, and [`operations`], the page for the people who run the sync.
//!
//! With feature `agents`, `agents` is where voice providers and programs call the tools; with feature `mcp`,
//! `mcp` is where MCP clients do.
//!
//! ```no_run
//! # async fn run(engine: std::sync::Arc<dyn calcom::sync::SyncEngine>) -> std::io::Result<()> {
//! use std::net::SocketAddr;
//!
//! let router = calcom::server::webhooks(engine);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! // With the peer's address, each source has a rate limit of its own.
//! let service = router.into_make_service_with_connect_info::<SocketAddr>();
//! axum::serve(listener, service).await
//! # }
//! ```

#[cfg(feature = "agents")]
mod agents;
mod answer;
mod correlation;
mod health;
mod intake;
#[cfg(feature = "mcp")]
mod mcp;
mod page;
mod rate_limit;
mod senders;
mod webhooks;

#[cfg(feature = "agents")]
pub use agents::{AgentsConfig, ProgramAccess, ProgramOf, agents, agents_with};
pub use health::{HealthConfig, health, health_with};
#[cfg(feature = "mcp")]
pub use mcp::{McpConfig, mcp, mcp_with};
pub use page::{
    Access, LiveStreams, OPERATIONS_ROUTES, Operated, OperationsConfig, OperationsRoute, Operator,
    Role, SignInLinks, Token, operations,
};
pub use senders::{sender_webhooks, sender_webhooks_with};
pub use webhooks::{WebhookConfig, webhooks, webhooks_with};
