//! What the SQL stores share: reading rows into the values of the ports, and group commit. Statements and transactions are
//! each store's own, because the databases lock, number and tell the time differently.

pub(crate) mod decode;
mod group;
mod row;

pub(crate) use group::Group;
pub(crate) use row::{Row, StoredRow, json, revision_number};
