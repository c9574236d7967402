//! Store errors, classified by what the caller can do.

use std::error::Error as StdError;

/// What to do about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The row has changed since it was read: read again, then decide again.
    Conflict,
    /// The lease has expired and another worker may hold the link or the event, or sweep the tenant:
    /// drop the work; it will be done again.
    LeaseLost,
    /// The row does not exist.
    NotFound,
    /// The store is unreachable or busy: retry later.
    Unavailable,
    /// The store cannot be written: give the process write permission to the file, its folder and
    /// its `-wal` neighbour.
    ReadOnly,
    /// The store was written by a newer version of this crate: update the crate, or restore an
    /// older copy.
    NewerSchema,
    /// A row cannot be decoded: needs manual repair.
    Corrupt,
    /// The call itself is wrong: fix it.
    Invalid,
}

/// A failure of a store. The cause is reached through [`source`](StdError::source).
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error without a cause. The message must contain no personal data.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The same failure for another call that met it, without the source.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn for_another(&self) -> Self {
        Self::new(self.kind, self.message.clone())
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Conflict, message)
    }

    pub(crate) fn lease_lost() -> Self {
        Self::new(
            StoreErrorKind::LeaseLost,
            "the lease on the link ran out or was taken over",
        )
    }

    pub(crate) fn sweep_lost() -> Self {
        Self::new(
            StoreErrorKind::LeaseLost,
            "the sweep has ended, or was taken over",
        )
    }

    pub(crate) fn event_lost() -> Self {
        Self::new(
            StoreErrorKind::LeaseLost,
            "the lease on the event ran out and was taken over, or was given up",
        )
    }

    pub(crate) fn service_sync_lost() -> Self {
        Self::new(
            StoreErrorKind::LeaseLost,
            "the sync of the services has ended, or was taken over",
        )
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::new(StoreErrorKind::NotFound, format!("there is no such {what}"))
    }
}
