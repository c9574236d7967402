//! The agents' tools as an MCP server: over a connection, over HTTP, and as `calcom-sync` serves them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod client;
mod connection;
mod http;
mod tenants;

#[cfg(all(feature = "program", unix))]
mod by_program;
#[cfg(all(feature = "program", unix))]
#[path = "../program/mod.rs"]
mod program;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the tests of the tools use all of it"
)]
#[path = "../agents/salon.rs"]
mod salon;
