//! What PostgreSQL's failures mean to the caller.

use std::error::Error as StdError;

use sqlx::error::DatabaseError;

use crate::store::{StoreError, StoreErrorKind};

/// The SQLSTATEs that mean something of their own
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
mod code {
    pub(super) const OUT_OF_RANGE: &str = "22003";
    pub(super) const TIME_OUT_OF_RANGE: &str = "22008";
    pub(super) const UNREPRESENTABLE: &str = "22021";
    pub(super) const FOREIGN_KEY: &str = "23503";
    pub(super) const UNIQUE: &str = "23505";
    pub(super) const CHECK: &str = "23514";
    pub(super) const READ_ONLY: &str = "25006";
    pub(super) const PASSWORD: &str = "28P01";
    pub(super) const AUTHORIZATION: &str = "28000";
    pub(super) const SERIALIZATION: &str = "40001";
    pub(super) const DEADLOCK: &str = "40P01";
    pub(super) const PRIVILEGE: &str = "42501";
    pub(super) const NO_TABLE: &str = "42P01";
    pub(super) const NO_DATABASE: &str = "3D000";
    pub(super) const TOO_LONG: &str = "54000";
    pub(super) const LOCK_NOT_GRANTED: &str = "55P03";
    pub(super) const CANCELED: &str = "57014";
    /// The store's own functions': a settlement names what does not wait for its link.
    pub(super) const NOT_WAITING: &str = "CA001";
}

/// What the server said, without what it says about the contents of rows: the detail of a violated
/// constraint repeats the whole row.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {code}: {message}")]
struct Reported {
    code: String,
    message: String,
}

impl Reported {
    fn of(reported: &(dyn DatabaseError + 'static)) -> Self {
        let code = reported.code().unwrap_or_default().into_owned();
        // Messages about data and constraints may repeat a value.
        let message = if code.starts_with("22") || code.starts_with("23") {
            let constraint = reported.constraint().unwrap_or("none");
            format!("a value was refused (constraint: {constraint})")
        } else {
            reported.message().to_owned()
        };
        Self { code, message }
    }
}

/// Tells a failure by what to do about it.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(reported) => {
            let reported = Reported::of(reported.as_ref());
            let (kind, message) = judge(&reported.code);
            StoreError::new(kind, message).with_source(reported)
        }
        sqlx::Error::Configuration(_) => StoreError::new(
            StoreErrorKind::Invalid,
            "the address of the database cannot be read: it looks like postgres://user:password@host:5432/database",
        ),
        sqlx::Error::PoolTimedOut => StoreError::new(
            StoreErrorKind::Unavailable,
            "every connection to the database is taken: try again",
        ),
        sqlx::Error::Encode(_) => StoreError::new(
            StoreErrorKind::Invalid,
            "a value cannot be stored in a PostgreSQL database",
        ),
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_) => StoreError::new(
            StoreErrorKind::Corrupt,
            "the database answered with something else than was asked for: restore a copy",
        ),
        _ => StoreError::new(
            StoreErrorKind::Unavailable,
            "the database cannot be reached: try again",
        )
        .with_source(error),
    }
}

fn judge(code: &str) -> (StoreErrorKind, &'static str) {
    match code {
        code::SERIALIZATION | code::DEADLOCK | code::FOREIGN_KEY => (
            StoreErrorKind::Unavailable,
            "another transaction came first: try again",
        ),
        code::LOCK_NOT_GRANTED => (
            StoreErrorKind::Unavailable,
            "another transaction holds what is needed for longer than lock_timeout: try again",
        ),
        code::CANCELED => (
            StoreErrorKind::Unavailable,
            "a statement took longer than statement_timeout: try again",
        ),
        code::READ_ONLY => (
            StoreErrorKind::ReadOnly,
            "the database can only be read: connect to the primary server",
        ),
        code::PRIVILEGE => (
            StoreErrorKind::ReadOnly,
            "the role may not do this: grant it the schema, its tables and its sequences",
        ),
        code::UNREPRESENTABLE => (
            StoreErrorKind::Invalid,
            "a text holds a character that PostgreSQL cannot store, such as the zero byte",
        ),
        code::OUT_OF_RANGE | code::TIME_OUT_OF_RANGE => (
            StoreErrorKind::Invalid,
            "a number or a time is outside of what PostgreSQL can store",
        ),
        code::CHECK => (
            StoreErrorKind::Invalid,
            "a row is not one that the store keeps, such as one of a tenant without a name",
        ),
        code::TOO_LONG => (
            StoreErrorKind::Invalid,
            "a key is too long for an index of PostgreSQL's",
        ),
        code::NOT_WAITING => (
            StoreErrorKind::Invalid,
            "the settlement names what does not wait for its link",
        ),
        code::UNIQUE => (
            StoreErrorKind::Conflict,
            "a key of the row belongs to another row: read again, then decide again",
        ),
        code::PASSWORD | code::AUTHORIZATION => (
            StoreErrorKind::Unavailable,
            "the database refused the credentials: check the user and the password of its address",
        ),
        code::NO_DATABASE => (
            StoreErrorKind::Unavailable,
            "the server has no such database: create it, or check its address",
        ),
        code::NO_TABLE => (
            StoreErrorKind::Corrupt,
            "a table of the store is missing: restore a copy, or run the migrations",
        ),
        _ => (
            StoreErrorKind::Unavailable,
            "the database refused a statement: see the cause, then try again",
        ),
    }
}

/// Whether the database answered, and refused.
pub(super) fn is_reported(error: &StoreError) -> bool {
    let source = error.source();
    source.is_some_and(<dyn StdError>::is::<Reported>)
}

/// Whether the transaction was rolled back for another one's sake, and may succeed when it is
/// repeated. What it refers to may have been absorbed since it was looked up.
pub(super) fn is_lost_race(error: &StoreError) -> bool {
    let reported = error
        .source()
        .and_then(|source| source.downcast_ref::<Reported>());
    reported.is_some_and(|reported| {
        matches!(
            reported.code.as_str(),
            code::SERIALIZATION | code::DEADLOCK | code::FOREIGN_KEY
        )
    })
}

/// Whether the connection was lost, so that another one may do better. What was sent last may have
/// been carried out.
pub(super) fn is_lost_connection(error: &StoreError) -> bool {
    let Some(source) = error.source() else {
        return false;
    };
    if let Some(reported) = source.downcast_ref::<Reported>() {
        // Connection exceptions, and the server's own end.
        return reported.code.starts_with("08") || reported.code.starts_with("57P");
    }
    let lost = source.downcast_ref::<sqlx::Error>();
    matches!(lost, Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)))
}
