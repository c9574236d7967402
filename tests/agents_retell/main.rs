//! The doors for agents and Retell's side of them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod api;
mod calls;
mod doors;
mod events;
mod programs;
mod world;
