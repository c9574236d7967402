//! The tools as a server of the [Model Context Protocol](https://modelcontextprotocol.io), for one tenant.
//!
//! [`serve_stdio`] is the server of a process that an MCP client has started, [`serve`] that of any other
//! connection; over HTTP, `server::mcp` serves several tenants (feature `server`).
//!
//! - Every [`Tool`](super::Tool) is listed with JSON Schemas of its arguments and answers, a title, and
//!   [whether](super::Tool::hints) it changes anything.
//! - A call is made for a [program](super::Caller::program) of the tenant's: it may name any customer's
//!   number. The arguments alone name a request, so that `book_appointment` repeated at will books once.
//! - The structured result is the [`Answer`](super::Answer). The texts are its sentence, and its result as
//!   JSON for clients that show texts only.
//! - A tool that does not exist is an error of the protocol. What is unclear, taken or refused is an ordinary
//!   answer that the model goes on with. Only [`Unavailable`](super::Outcome::Unavailable) is marked as an
//!   error: nothing was changed, and the same call may be made again later.
//! - Two resources, as JSON: `calcom://services`, and `calcom://opening-hours` with the branches.
//!
//! The SDK below logs whole messages, with customers' data, at the levels `debug` and `trace`, under the target
//! `rmcp`. Keep that target at `warn`.
//!
//! ```no_run
//! # async fn run(tools: calcom::agents::Tools) -> Result<(), calcom::agents::mcp::McpError> {
//! calcom::agents::mcp::serve_stdio(tools, "salon").await
//! # }
//! ```

mod answer;
mod connection;
mod listed;
mod resources;
mod server;

pub use connection::{McpError, McpErrorKind, serve, serve_stdio};
#[cfg(feature = "server")]
pub(crate) use server::McpServer;
