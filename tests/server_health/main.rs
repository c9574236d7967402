//! Health: seven checks over a whole engine, and what asking for it costs.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod asking;
mod judging;
mod seven;
mod world;
