//! The fake by itself: webhooks, faults, races, the clock, and that it stops. Its answers are compared with recordings in
//! `fake_recordings.rs`.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod cancellation;
mod control;
mod create;
mod hosted;
mod lists;
mod oddities;
mod resources;
mod routes;
mod settings;
mod support;
mod whole;
