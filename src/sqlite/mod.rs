//! The bookkeeping, and a ready appointments table, in one SQLite file.
//!
//! [`SqliteStore`] implements every port of [`store`](crate::store). It may share the file with the
//! host: its tables are named `calcom_…`, and so is the table that says which of its migrations
//! ran. A host with an appointments table of its own in the same file records its changes with
//! [`SqliteStore::record_change_in`], in its own transaction.
//!
//! Several processes may use one file. SQLite lets one of them write at a time: every write takes
//! that lock from its first statement on, and so it waits for other writers instead of failing
//! half-way. Therefore one promise of the ports is weaker here than over a database server: while a
//! transaction of the host's that has written stays open, every other write waits for it, a webhook
//! that is to be accepted too, and gives up as
//! [`Unavailable`](crate::store::StoreErrorKind::Unavailable) after some seconds. Keep such
//! transactions short. Reads wait for nobody.
//!
//! Time is the process's, so the processes that share a file are to run on one machine, as SQLite's
//! locks want it anyway.

mod absorb;
mod appointments;
mod desk;
mod documents;
mod erasure;
mod error;
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
mod routing;
mod rows;
mod sender_events;
mod service_links;
mod services;
mod settle;
#[cfg(all(test, feature = "testing"))]
mod side_by_side;
mod sweeps;
mod tenants;
mod upkeep;

#[cfg(feature = "client")]
pub use oauth_tokens::SqliteTokens;
pub use pool::SqliteStore;

/// Declares a file's SQL statements; the list lets a test look at the plan of each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: &str = $sql;)+
        #[cfg(test)]
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
use statements;
