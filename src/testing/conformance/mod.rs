//! The promises of the ports, one function each, for any adapter to be held to.
//!
//! [`store_conformance!`](crate::store_conformance),
//! [`appointment_conformance!`](crate::appointment_conformance),
//! [`desk_conformance!`](crate::desk_conformance) and
//! [`service_conformance!`](crate::service_conformance) turn them into one test a promise.
//! Every function expects a store of its own with nothing in it, and names its own tenants.
//!
//! With feature `client`, `idempotency_conformance!` and `token_conformance!` do so for what the
//! clients of several processes share.
//!
//! # Appointments
//!
//! The table of appointments is the host's, and may differ from what the bundled stores keep: it
//! has ids of its own making, event types and staff of its own, perhaps one tenant and no place for
//! guests. An [`AppointmentTable`] says so. [`check_appointments`] holds it to all promises in one
//! call, where a program is to do it rather than a test.
//!
//! # Time
//!
//! Time is the store's, so that a promise about it needs a store whose time can be moved. A
//! function is given a [`Bench`]: the store, and a [`PassTime`] that lets time pass for it. A store
//! that takes a [`Clock`](crate::ambient::Clock) is given one that stands still but for that. A
//! store that goes by its database's clock can add an offset to it that only tests raise, which is
//! fast; or it is waited for with [`RealTime`], which takes a minute or two. No promise lets more
//! than a few times two seconds pass, none expects an instant of its own choosing, and none minds
//! if a little more time passes than it asked for.
//!
//! # What is left open
//!
//! Where a contract allows more than one answer, so does the promise:
//! [`next_due`](crate::store::Links::next_due) may be too early by what was taken in since the last
//! claim and has not been given to a link yet, and the promises claim once in vain before they ask.
//! Rows that were taken in within one instant of the store's clock may be served in any order.
//!
//! # Panics
//!
//! Every function panics if the promise is broken, with what was broken. Promises about what may
//! run at once spawn tasks; they find more on a runtime of several threads, which is what the
//! macros use.

pub mod absorption;
pub mod appointments;
pub mod checkpoints;
pub mod claims;
pub mod desk;
pub mod details;
pub mod documents;
pub mod erasure;
pub mod formats;
pub mod host_writes;
#[cfg(feature = "client")]
pub mod idempotency;
pub mod inbox;
pub mod leases;
pub mod log;
#[cfg(feature = "client")]
pub mod oauth_tokens;
pub mod order;
pub mod outbox;
pub mod races;
pub mod reports;
pub mod resolutions;
pub mod review_lists;
pub mod reviews;
pub mod routing;
pub mod scans;
pub mod sender_events;
pub mod service_links;
pub mod services;
pub mod settlements;
pub mod sweeps;
pub mod tenants;
pub mod turns;
pub mod upkeep;

mod bench;
#[cfg(feature = "client")]
mod client_macros;
mod fixtures;
mod macros;
mod promises;
mod report;
mod steps;
mod table;

pub use bench::{Bench, PassTime, RealTime};
pub use desk::DeskTable;
pub use report::{TableReport, check_appointments};
pub use table::{AppointmentTable, Detail, HostWrites};
