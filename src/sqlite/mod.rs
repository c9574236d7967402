//! The bookkeeping, and a ready appointments table, in one SQLite file.
//!
//! [`SqliteStore`] implements every port of [`store`](crate::store). It may share the file with the host: its tables are
//! named `calcom_…`, and so is the table that says which of its migrations ran. A host with an appointments table of its own
//! in the same file records its changes with [`SqliteStore::record_change_in`], in its own transaction.
//!
//! Several processes may use one file. Every write takes SQLite's single write lock from its first statement on, and so it
//! waits for other writers instead of failing half-way.

mod absorb;
mod appointments;
mod error;
mod inbox;
mod links;
mod log;
mod migrations;
mod outbox;
mod pool;
#[cfg(test)]
mod query_plans;
mod reviews;
mod rows;
mod settle;
mod tenants;

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
