//! A typed client for Cal.com's API v2, and a sync engine that keeps an application's appointments and Cal.com's bookings one,
//! in both directions.
//!
//! # Quick start
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use calcom::client::Client;
//! use calcom::model::{EventTypeId, NewAttendee, NewBooking};
//!
//! let client = Client::new(std::env::var("CALCOM_API_KEY")?)?;
//! let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
//! let start = "2026-12-08T09:00:00Z".parse()?;
//! let booked = client
//!     .bookings()
//!     .create(&NewBooking::new(EventTypeId::new(42), start, ann))
//!     .await?;
//! # let _ = booked;
//! # Ok(())
//! # }
//! ```
//!
//! To keep two calendars in step, give an [`Engine`](sync::Engine) your tenants, a store for its books and a repository for your
//! appointments, hand it your changes and Cal.com's webhooks, and run a [`Worker`](sync::Worker).
//!
//! # Modules
//!
//! | module | what it is | feature |
//! | --- | --- | --- |
//! | [`model`] | Cal.com's resources as plain data | |
//! | `client` | the HTTP client | `client` (on by default) |
//! | [`webhook`] | signature verification and typed events | |
//! | [`store`] | the ports through which the engine keeps its books, and an in-memory store | |
//! | `sqlite` | the same over a SQLite file | `sqlite` |
//! | [`sync`] | the sync engine | |
//! | `server` | an axum router that receives webhooks | `server` |
//! | `testing` | the conformance suite for stores, webhook bodies, clock and chance | `conformance` |
//! | `testing::FakeCalcom` | a fake Cal.com, with fault scripts | `testing` |
//! | [`ambient`] | clock and chance, injected | |
//!
//! # Guarantees
//!
//! Every recorded change and every acknowledged webhook ends in agreement, ignored for a named reason, or in the review queue. An
//! appointment never has two live bookings because of the engine, whatever timed out, landed late, crashed or was delivered
//! twice. What came from Cal.com is never pushed back. A tenant's webhook changes nothing of another tenant, and nothing is sent
//! for an event type that is not the tenant's. A late webhook revives nothing. Work for one appointment is serial, and neither an
//! appointment nor a tenant holds up another. No key, secret or attendee appears in a log line, an error or a `Debug` print.
//!
//! # Non-guarantees
//!
//! A webhook that is lost for good is not noticed until something else touches the appointment. Only creating, moving and
//! cancelling are carried; other changes, and seated bookings, end in the review queue. A length that the event type does not offer
//! gives way to what Cal.com booked. Deliveries and review items hold personal data until they are
//! [pruned](sync::SyncEngine::prune).
//!
//! # Features
//!
//! `client` and `rustls` are on by default; `native-tls`, `http2`, `sqlite`, `server`, `conformance`
//! and `testing` (which includes `client` and `conformance`) are not. Without any, and with
//! `conformance` alone, the crate has no HTTP client, no SQL, no server and no TLS among its
//! dependencies.
//!
//! # Testing your own store
//!
//! `calcom::store_conformance!` and `calcom::appointment_conformance!` turn every promise of the ports into a test of yours.
//! They need feature `conformance` and no client.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::print_stdout)]

pub mod ambient;
#[cfg(feature = "client")]
pub mod client;
pub mod model;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
pub mod sync;
#[cfg(feature = "conformance")]
pub mod testing;
pub mod webhook;

// What the public API exposes of other crates.
pub use chrono;
pub use http;
pub use secrecy::{ExposeSecret, SecretString};
pub use url;

/// The README's example, compiled.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;
