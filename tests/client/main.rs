//! The contract of the client: what it sends, how it reads every answer, and what it never does twice.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod addresses;
mod any_request;
mod api_keys;
mod apps;
mod availability;
mod booking_actions;
mod bookings;
mod calendars;
mod condition;
mod errors;
mod event_types;
mod limits;
mod oauth;
mod oauth_client;
mod pages;
mod policies;
mod refused;
mod reservations;
mod resources;
mod retries;
mod routing_forms;
mod schedules;
mod secrets;
mod support;
mod teams;
mod transport;
mod unreadable;
mod verified_resources;
mod versions;
