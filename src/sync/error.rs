//! Failures of the engine itself.

use super::calendar::{CalendarError, CalendarErrorKind};
use crate::store::{StoreError, StoreErrorKind};

/// What to do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bookkeeping failed; nothing was lost: try again later.
    Store(StoreErrorKind),
    /// The tenants could not be listed: try again later.
    Directory(StoreErrorKind),
    /// The host's directory or repository failed or refused; only from calls that work on the host's
    /// side directly.
    Host(StoreErrorKind),
    /// A call to Cal.com failed; only from calls that ask it directly.
    Calendar(CalendarErrorKind),
}

/// A failure of the engine itself. Failures of Cal.com or of the host's repository during a turn are
/// not errors of the engine: they are retried or reviewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bookkeeping failed, or refused the call.
    #[error("the sync engine's bookkeeping failed")]
    Store(#[from] StoreError),
    /// The tenants could not be listed.
    #[error("the tenant directory failed")]
    Directory(#[source] StoreError),
    /// The host's repository failed, or refused the call.
    #[error("the host's repository failed")]
    Host(#[source] StoreError),
    /// A call to Cal.com failed.
    #[error("a call to Cal.com failed")]
    Calendar(#[source] CalendarError),
}

impl Error {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => ErrorKind::Store(error.kind()),
            Self::Directory(error) => ErrorKind::Directory(error.kind()),
            Self::Host(error) => ErrorKind::Host(error.kind()),
            Self::Calendar(error) => ErrorKind::Calendar(error.kind()),
        }
    }
}
