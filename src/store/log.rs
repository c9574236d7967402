//! The sync log: what the engine did, and why it did not.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, Origin};
use super::error::StoreError;
use super::link::LinkId;
use super::page::Page;
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
    /// A delivery claims what cannot be seen at Cal.com yet; it is looked for again.
    NotThereYet {
        /// The booking.
        booking: BookingUid,
        /// How often it was looked for.
        looks: u32,
        /// When it is looked for again.
        again_at: DateTime<Utc>,
    },
    /// What a delivery claimed was never seen at Cal.com.
    Contradicted {
        /// The booking.
        booking: BookingUid,
    },
    /// Cal.com cannot hold what the host changed, or a person said so: the difference is accepted.
    DifferenceAccepted,
    /// A booking that the engine had made, and that was not wanted any more when it landed, was cancelled.
    LateBookingCancelled {
        /// The booking.
        booking: BookingUid,
    },
    /// A delivery was about a booking of an event type that the tenant does not keep in sync.
    IgnoredNotSynced {
        /// The booking.
        booking: BookingUid,
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
    /// All work of the tenant waits, until Cal.com may be called again or the tenant can be read; it does not count as an
    /// attempt.
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
    /// What a person had decided was carried out, or could not be.
    InstructionEnded {
        /// What was decided.
        resolution: Resolution,
        /// How it ended, in one sentence.
        outcome: String,
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
#[non_exhaustive]
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

impl LogEntry {
    /// A line about a tenant as a whole.
    pub fn new(id: LogId, at: DateTime<Utc>, tenant: TenantId, event: LogEvent) -> Self {
        Self {
            id,
            at,
            tenant,
            link: None,
            appointment: None,
            event,
        }
    }

    /// A line about a link.
    #[must_use]
    pub fn about(mut self, link: Option<LinkId>, appointment: Option<AppointmentId>) -> Self {
        self.link = link;
        self.appointment = appointment;
        self
    }
}

/// The sync log. Lines are written by checkpoints, settlements and resolutions, in their transactions.
///
/// # Contract
///
/// Lines are read in the order of their ids, and a line's id is larger than those of all lines stored before.
#[async_trait]
pub trait SyncLog: fmt::Debug + Send + Sync + 'static {
    /// The tenant's lines, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, StoreError>;
}
