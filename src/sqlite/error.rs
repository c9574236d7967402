//! What SQLite's failures mean to the caller.

use sqlx::error::{DatabaseError, ErrorKind};

use crate::store::{StoreError, StoreErrorKind};

/// SQLite's primary result codes, the low byte of what it reports
/// (<https://www.sqlite.org/rescode.html>).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

/// Tells a failure by what to do about it. SQLite's own texts name tables and columns, never what
/// is in them.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    let (kind, message) = match &error {
        sqlx::Error::Database(reported) => judge(reported.as_ref()),
        sqlx::Error::PoolTimedOut => (
            StoreErrorKind::Unavailable,
            "every connection to the database is taken: try again",
        ),
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_) => (
            StoreErrorKind::Corrupt,
            "the database answered with something else than was asked for: restore a copy",
        ),
        _ => (
            StoreErrorKind::Unavailable,
            "the database cannot be reached: try again",
        ),
    };
    StoreError::new(kind, message).with_source(error)
}

/// Whether another connection holds the lock that is needed.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let reported = error.as_database_error();
    matches!(
        reported.and_then(primary_code),
        Some(code::BUSY | code::LOCKED)
    )
}

fn primary_code(reported: &(dyn DatabaseError + 'static)) -> Option<i32> {
    let extended: i32 = reported.code()?.parse().ok()?;
    Some(extended & 0xff)
}

fn judge(reported: &(dyn DatabaseError + 'static)) -> (StoreErrorKind, &'static str) {
    if reported.kind() == ErrorKind::UniqueViolation {
        return (
            StoreErrorKind::Conflict,
            "a key of the row belongs to another row: read again, then decide again",
        );
    }
    match primary_code(reported) {
        Some(code::BUSY | code::LOCKED) => (
            StoreErrorKind::Unavailable,
            "another writer holds the database: try again",
        ),
        Some(code::READONLY) => (
            StoreErrorKind::ReadOnly,
            "the database cannot be written: give the process write permission to the file, its folder and its `-wal` \
             neighbour",
        ),
        Some(code::CANTOPEN) => (
            StoreErrorKind::Unavailable,
            "the database file cannot be opened: check that its folder exists and that the process may write there",
        ),
        Some(code::FULL) => (
            StoreErrorKind::Unavailable,
            "the disk is full: make room, then try again",
        ),
        Some(code::CORRUPT) => (
            StoreErrorKind::Corrupt,
            "the database file is damaged: restore a copy",
        ),
        Some(code::NOTADB) => (
            StoreErrorKind::Corrupt,
            "the file is not a SQLite database: check the path, or restore a copy",
        ),
        _ => (
            StoreErrorKind::Unavailable,
            "the database refused a statement: see the cause, then try again",
        ),
    }
}
