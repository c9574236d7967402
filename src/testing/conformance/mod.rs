//! The promises of the ports, one function each, for any adapter to be held to.
//!
//! [`store_conformance!`](crate::store_conformance) and [`appointment_conformance!`](crate::appointment_conformance) turn
//! them into one test a promise. Every function expects a store of its own with nothing in it, and names its own tenants.
//!
//! # Panics
//!
//! Every function panics if the promise is broken, with what was broken. Promises about what may run at once take an `Arc`
//! and spawn tasks; they find more on a runtime of several threads, which is what the macros use.

pub mod absorption;
pub mod appointments;
pub mod inbox;
pub mod leases;
pub mod links;
pub mod log;
pub mod outbox;
pub mod reviews;
pub mod settlements;
pub mod tenants;

mod fixtures;
mod macros;
