//! A server over one connection.

use rmcp::ServiceExt;
use rmcp::service::{QuitReason, ServerInitializeError};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::io::stdio;
use tokio::io::{AsyncRead, AsyncWrite};

use super::server::McpServer;
use crate::agents::Tools;
use crate::store::TenantId;

/// The longest line that is read, in bytes. A longer one is dropped.
const LONGEST_LINE: usize = 256 * 1024;

/// What to do about an [`McpError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum McpErrorKind {
    /// The client did not begin as the protocol says: look for a newer client, or another program that writes
    /// to the connection.
    Protocol,
    /// The connection could not be read or written: connect again.
    Connection,
    /// The server ended by a defect: report it.
    Defect,
}

/// Why a server ended otherwise than by its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct McpError {
    kind: McpErrorKind,
    message: &'static str,
}

impl McpError {
    /// What to do about it.
    pub fn kind(&self) -> McpErrorKind {
        self.kind
    }

    // The SDK's errors repeat what the client sent, and are no cause that could be shown.
    fn of(error: &ServerInitializeError) -> Self {
        let (kind, message) = match error {
            ServerInitializeError::TransportError { .. } => (
                McpErrorKind::Connection,
                "the connection to the MCP client failed",
            ),
            _ => (
                McpErrorKind::Protocol,
                "the MCP client did not begin as the protocol says",
            ),
        };
        Self { kind, message }
    }
}

/// Serves a tenant's tools to the MCP client that has started this process, over standard input and output,
/// until the client closes them. Nothing else may be written to standard output.
///
/// # Errors
///
/// See [`McpErrorKind`]. That the client is gone is none.
pub async fn serve_stdio(tools: Tools, tenant: impl Into<TenantId>) -> Result<(), McpError> {
    let (read, write) = stdio();
    serve(tools, tenant, read, write).await
}

/// Serves a tenant's tools to one MCP client, until it closes the connection: one JSON-RPC message a line, as
/// over standard input and output. What was begun is answered before it returns.
///
/// The connection gives access to everything that [staff](crate::agents::Standing::Staff) may do: let nobody
/// reach it who is not meant to.
///
/// # Errors
///
/// As for [`serve_stdio`].
pub async fn serve<R, W>(
    tools: Tools,
    tenant: impl Into<TenantId>,
    read: R,
    write: W,
) -> Result<(), McpError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let server = McpServer::new(tools, tenant.into());
    let transport = AsyncRwTransport::new_server(read, write).with_max_line_length(LONGEST_LINE);
    let running = match server.serve(transport).await {
        Ok(running) => running,
        // It asked for nothing.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(McpError::of(&error)),
    };
    match running.waiting().await {
        Ok(QuitReason::Closed | QuitReason::Cancelled) => Ok(()),
        Ok(_) | Err(_) => Err(McpError {
            kind: McpErrorKind::Defect,
            message: "the MCP server ended by a defect",
        }),
    }
}
