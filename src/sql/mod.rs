//! What the SQL stores share: reading rows into the values of the ports. Statements and transactions are
//! each store's own, because the databases lock, number and tell the time differently.

pub(crate) mod decode;
mod row;

pub(crate) use row::{Row, StoredRow, json, revision_number};
