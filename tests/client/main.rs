//! The contract of the client: what it sends, how it reads every answer, and what it never does twice.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod addresses;
mod availability;
mod bookings;
mod errors;
mod limits;
mod oauth;
mod pages;
mod policies;
mod refused;
mod resources;
mod retries;
mod secrets;
mod support;
mod unreadable;
mod versions;
