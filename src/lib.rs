//! A typed client for [Cal.com](https://cal.com)'s API v2, and a sync engine that keeps an
//! application's appointments and Cal.com's bookings in sync, in both directions.
//!
//! # Quick start
//!
//! ```no_run
//! use calcom::client::Client;
//! use calcom::model::{EventTypeId, NewAttendee, NewBooking};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?; // reads CALCOM_API_KEY
//! let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
//! let start = "2026-12-08T09:00:00Z".parse()?;
//! let booking = NewBooking::new(EventTypeId::new(42), start, ann);
//! for booked in client.bookings().create(&booking).await? {
//!     println!("{} until {}", booked.start, booked.end);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Where to go from here:
//!
//! - book, list, reschedule and cancel: [`Bookings`](client::Bookings)
//! - free slots: [`Slots`](client::Slots); with a cache and ranked alternatives:
//!   [`Availability`](client::Availability)
//! - what to do about a failed call: [`ErrorKind`](client::ErrorKind)
//! - timeouts, retries, proxies, certificates: [`ClientBuilder`](client::ClientBuilder)
//! - sign users in with OAuth: [`OAuthClient`](client::OAuthClient)
//! - verify webhooks, also those of Retell, Stripe and others: [`webhook`]
//! - keep your own appointments in sync: [`sync`]
//! - watch and operate that: [`server::operations`] (feature `server`)
//! - write an adapter for your own storage: [`store`]
//! - test against a fake Cal.com: [`FakeCalcom`](testing::FakeCalcom)
//!
//! # Modules
//!
//! | module | what it is | feature |
//! | --- | --- | --- |
//! | [`model`] | Cal.com's resources as plain data | |
//! | [`client`] | the HTTP client | `client` (on by default) |
//! | [`webhook`] | signature verification and typed events | |
//! | [`store`] | the repository traits that a host implements, and an in-memory store | |
//! | [`sqlite`] | the store in a SQLite file | `sqlite` |
//! | [`postgres`] | the store in a PostgreSQL database | `postgres` |
//! | [`sync`] | the sync engine | |
//! | [`server`] | axum routers: the door for webhooks, health, and the operations page | `server` |
//! | [`agents`] | tools for voice agents and language models; as an MCP server with `mcp` | `agents` |
//! | [`metrics`] | what is counted and timed | `metrics` |
//! | [`testing`] | the conformance suite for stores, stores that fail, webhook bodies, clock and randomness | `conformance` |
//! | [`testing::FakeCalcom`] | a fake Cal.com, with fault scripts | `testing` |
//! | [`ambient`] | the clock and the source of randomness, injected | |
//!
//! # Guarantees
//!
//! - **Nothing is lost.** Every recorded change and every acknowledged webhook is applied, ignored
//!   for a named reason, or put into the review queue.
//! - **Nothing is booked twice.** The engine never leaves an appointment with two live bookings,
//!   whatever timed out, took effect late, crashed or was delivered twice.
//! - **No loops.** A change that came from Cal.com is never pushed back.
//! - **Tenants stay separate.** A tenant's webhook changes nothing of another tenant, and nothing
//!   is sent for an event type that does not belong to the tenant.
//! - **Nothing is resurrected.** A late webhook revives nothing.
//! - **Order.** Work for one appointment is serial; no appointment and no tenant blocks another.
//! - **Secrecy.** No key, secret or attendee appears in a log line, an error or `Debug` output.
//!
//! # Non-guarantees
//!
//! - A webhook that is lost for good is noticed by the next [sweep](sync::SyncEngine::sweep), which a
//!   worker makes every 15 minutes, and not at once.
//! - What Cal.com's API cannot change is rebooked, stays at the host, or goes to the review queue, as
//!   the tenant's [policy](sync::SyncPolicy) says for each field.
//! - A length that the event type does not offer is replaced by the length that Cal.com booked.
//! - Deliveries and review items contain personal data until they are
//!   [pruned](sync::SyncEngine::prune); a worker empties bodies of webhooks after 30 days.
//!
//! # What the crate is not
//!
//! It has no blocking API, it runs on tokio, and it does not support wasm. Organizations, managed
//! users and the administration of OAuth clients are not typed;
//! [`Client::request`](client::Client::request) reaches them.
//!
//! # Features
//!
//! `client` and `rustls` are on by default; `native-tls`, `http2`, `sqlite`, `postgres`, `server`,
//! `metrics`, `phone`, `standard-webhooks`, `agents`, `mcp`, `conformance` and `testing` (which includes
//! `client` and `conformance`) are not. `agents` is tools for voice agents and language models, and `mcp`
//! serves them over the Model Context Protocol.
//! `phone` reads, checks and shows phone numbers by the numbering plans of all countries. Without any
//! feature, and with `conformance` alone, the crate depends on no HTTP client, SQL, server or TLS.
//! `standard-webhooks` adds the verifier for senders that sign as Standard Webhooks does.
//! `program` builds the program `calcom-sync`, and `mail` lets it send e-mails; a library needs
//! neither.
//!
//! # Testing your own store
//!
//! [`store_conformance!`], [`appointment_conformance!`] and [`desk_conformance!`] turn every promise of
//! the traits into a test of yours. They need feature `conformance` and no client. [`idempotency_conformance!`] and
//! [`token_conformance!`] do so for the stores of a client. [`Harness`](testing::Harness) runs
//! your repository against a fake Cal.com. `docs/hosts.md` is the guide.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::print_stdout)]

#[cfg(feature = "agents")]
pub mod agents;
pub mod ambient;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
mod metrics;
pub mod model;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
pub mod sync;
#[cfg(feature = "conformance")]
pub mod testing;
pub mod webhook;

// What the public API exposes of other crates.
pub use async_trait::async_trait;
pub use bytes;
pub use chrono;
pub use http;
pub use secrecy::{ExposeSecret, SecretString};
pub use url;

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the guide for hosts, compiled.
#[cfg(all(doctest, feature = "postgres", feature = "sqlite", feature = "testing"))]
#[doc = include_str!("../docs/hosts.md")]
struct Hosts;
