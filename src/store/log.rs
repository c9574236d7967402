//! The sync log: what the engine did, and why it did not.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, Origin};
use super::error::StoreError;
use super::link::LinkId;
use super::review::{Resolution, ReviewReason};
use super::tenant::TenantId;
use crate::model::BookingUid;
use crate::model::id::number_id;

number_id! {
    /// The position of an entry in the sync log; later entries have larger ones.
    LogId
}

/// What a line of the sync log says. Names no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogEvent {
    /// A booking was created at Cal.com.
    BookingCreated {
        /// The new booking.
        booking: BookingUid,
        /// Who asked for it.
        origin: Origin,
    },
    /// A write that had never been answered was found to have been carried out, and is taken as ours.
    BookingAdopted {
        /// The booking that shows it.
        booking: BookingUid,
    },
    /// A booking was moved at Cal.com.
    BookingRescheduled {
        /// The booking that was replaced.
        from: BookingUid,
        /// The booking that replaced it.
        to: BookingUid,
        /// Who asked for it.
        origin: Origin,
    },
    /// A booking was cancelled at Cal.com.
    BookingCancelled {
        /// The booking.
        booking: BookingUid,
        /// Who asked for it.
        origin: Origin,
    },
    /// An appointment was created for a booking.
    AppointmentCreated {
        /// The booking.
        booking: BookingUid,
    },
    /// An appointment was brought to what Cal.com says.
    AppointmentUpdated {
        /// The newest booking of the chain.
        booking: Option<BookingUid>,
    },
    /// A change was not pushed because it came from Cal.com.
    SkippedOriginCalcom,
    /// A change was not pushed because the appointment had ended before Cal.com heard of it.
    SkippedNeverBooked,
    /// Something said *look here*, and both sides agreed already.
    NothingToDo {
        /// How many changes said so.
        changes: usize,
        /// How many deliveries said so.
        deliveries: usize,
    },
    /// Both sides had made the same change; the base was moved.
    BaseMoved,
    /// Both sides had changed, differently, and the tenant's policy chose one.
    ConflictDecided {
        /// Whose change holds.
        winner: Winner,
    },
    /// A delivery was about a booking that had ended before the host knew of it.
    IgnoredEnded {
        /// The booking.
        booking: BookingUid,
    },
    /// An attempt failed and is made again.
    RetryScheduled {
        /// When.
        at: DateTime<Utc>,
        /// How many attempts have failed.
        attempts: u32,
        /// What failed.
        error: String,
    },
    /// The work waits until Cal.com may be called again; it does not count as an attempt.
    Postponed {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// A person has to decide.
    SentToReview {
        /// Why.
        reason: ReviewReason,
    },
    /// A person, or the course of things, decided.
    ReviewResolved {
        /// Why it was in review.
        reason: ReviewReason,
        /// What was decided.
        resolution: Resolution,
        /// By whom.
        by: String,
    },
    /// The tenant's work was paused.
    TenantPaused,
}

/// Whose change holds after a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The host's.
    Local,
    /// Cal.com's.
    Remote,
}

/// One line of the sync log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its position.
    pub id: LogId,
    /// When.
    pub at: DateTime<Utc>,
    /// Whose.
    pub tenant: TenantId,
    /// The link, unless the line is about the tenant as a whole.
    pub link: Option<LinkId>,
    /// The appointment concerned.
    pub appointment: Option<AppointmentId>,
    /// What happened.
    pub event: LogEvent,
}

/// The sync log. Lines are written by settlements and resolutions, in their transactions.
///
/// # Contract
///
/// Lines are read in the order of their ids, and a line's id is larger than those of all lines stored before.
#[async_trait]
pub trait SyncLog: fmt::Debug + Send + Sync + 'static {
    /// The tenant's lines after a position, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn log(
        &self,
        tenant: &TenantId,
        after: Option<LogId>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError>;
}
