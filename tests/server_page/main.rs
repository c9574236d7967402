//! The operations page over an engine and a Cal.com on loopback: what each page shows, what each form does, and for whom.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod acts;
mod agents;
mod live;
mod logs;
mod markup;
mod pages;
mod retell;
mod reviews;
mod sessions;
mod tenants;
mod world;
