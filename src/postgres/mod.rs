//! The bookkeeping, and ready tables of appointments and services, in a PostgreSQL database.
//!
//! [`PostgresStore`] implements every port of [`store`](crate::store). It keeps its tables in a
//! schema of its own, `calcom` unless [another one](PostgresBuilder::schema) is named, and so it may
//! share the database with the host. A host with an appointments table of its own in the same
//! database records its changes with [`PostgresStore::record_change_in`], in its own transaction.
//!
//! Any number of processes on any number of machines may use one schema. Time is the database's:
//! leases, due times and holds go by its clock, and the clocks of the machines do not matter.
//!
//! Needs PostgreSQL 13 or later: nothing newer is used. It is tested on 15, the version of Debian 12.
//! A connection pooler in front of it has to keep a session's settings and advisory locks, as
//! `PgBouncer` does in session mode.
//!
//! TLS comes with feature `rustls` or `native-tls`; `sslmode=verify-full` in the address insists on it
//! and on the server's name, while without a word a server that offers none is talked to in the clear.

// The order of locks, which every transaction here keeps: the tenant's, links by id, review items
// by id, their parts, then the rest. A lock is always a statement of its own, so that the statement
// after it sees what the lock's last holder committed.

mod absorb;
mod appointments;
mod desk;
mod documents;
mod erasure;
mod error;
mod host;
#[cfg(feature = "client")]
mod idempotency;
mod inbox;
mod keys;
mod links;
mod log;
mod marks;
mod migrations;
#[cfg(feature = "client")]
mod oauth_tokens;
mod outbox;
mod pool;
#[cfg(test)]
mod query_plans;
mod queue;
#[cfg(feature = "client")]
mod rate_budget;
mod report;
mod review_items;
mod reviews;
mod rows;
mod sender_events;
mod service_links;
mod services;
mod settle;
#[cfg(all(test, feature = "testing"))]
mod side_by_side;
mod sweeps;
mod tenants;
#[cfg(feature = "conformance")]
mod testing;
mod transaction;
mod upkeep;
mod wake;

pub use host::{HostTable, PostgresAppointments};
#[cfg(feature = "client")]
pub use oauth_tokens::PostgresTokens;
pub use pool::{PostgresBuilder, PostgresStore};
pub use wake::PostgresListening;

/// Declares a file's SQL statements; the list lets a test look at the plan of each. Tables are named
/// without their schema, which each connection's `search_path` names.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: &str = $sql;)+
        #[cfg(test)]
        #[allow(dead_code, reason = "not every file's statements are about the store's tables")]
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
use statements;
