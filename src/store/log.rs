//! The sync log: what the engine did, or did not do, and why.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, Origin};
use super::error::StoreError;
use super::link::LinkId;
use super::page::Page;
use super::review::{Resolution, ReviewReason};
use super::state::Field;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, clean_text, open_enum};

number_id! {
    /// The position of an entry in the sync log; later entries have larger ones.
    LogId
}

/// An event in the sync log. Contains no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogEvent {
    /// A booking was created at Cal.com.
    #[non_exhaustive]
    BookingCreated {
        /// The new booking.
        booking: BookingUid,
        /// The origin of the change.
        origin: Origin,
    },
    /// An unanswered write was found to have succeeded, and was adopted.
    #[non_exhaustive]
    BookingAdopted {
        /// The booking that proves it.
        booking: BookingUid,
    },
    /// A booking was moved at Cal.com.
    #[non_exhaustive]
    BookingRescheduled {
        /// The booking that was replaced.
        from: BookingUid,
        /// The booking that replaced it.
        to: BookingUid,
        /// The origin of the change.
        origin: Origin,
    },
    /// A booking was made to replace another one, which is cancelled next or was cancelled to make
    /// room.
    #[non_exhaustive]
    BookingReplaced {
        /// The booking that is replaced.
        from: BookingUid,
        /// The booking that replaces it.
        to: BookingUid,
        /// The origin of the change.
        origin: Origin,
    },
    /// A booking that was cancelled to make room for its replacement was booked again, because the
    /// replacement could not be booked.
    #[non_exhaustive]
    RebookingUndone {
        /// The booking that was cancelled.
        from: BookingUid,
        /// The booking that was made in its place.
        to: BookingUid,
    },
    /// A booking was cancelled at Cal.com.
    #[non_exhaustive]
    BookingCancelled {
        /// The booking.
        booking: BookingUid,
        /// The origin of the change.
        origin: Origin,
    },
    /// A booking was changed in place at Cal.com: confirmed or declined, or given another host,
    /// another location or more guests.
    #[non_exhaustive]
    BookingAmended {
        /// The booking.
        booking: BookingUid,
        /// What was changed.
        field: Field,
        /// The origin of the change.
        origin: Origin,
    },
    /// An appointment was created for a booking.
    #[non_exhaustive]
    AppointmentCreated {
        /// The booking.
        booking: BookingUid,
    },
    /// An appointment was updated to Cal.com's state.
    #[non_exhaustive]
    AppointmentUpdated {
        /// The newest booking of the chain.
        booking: Option<BookingUid>,
    },
    /// A change was not pushed because it came from Cal.com.
    SkippedOriginCalcom,
    /// A change was not pushed because the appointment had ended before it was ever booked.
    SkippedNeverBooked,
    /// There was something to look at, but both sides already agreed.
    #[non_exhaustive]
    NothingToDo {
        /// The number of changes.
        changes: usize,
        /// The number of deliveries.
        deliveries: usize,
    },
    /// Both sides had made the same change; the base was moved.
    BaseMoved,
    /// Both sides had changed, differently, and the tenant's policy chose one.
    #[non_exhaustive]
    ConflictDecided {
        /// The side whose change prevails.
        winner: Winner,
    },
    /// A delivery claims something that Cal.com does not show yet; the booking will be read again.
    #[non_exhaustive]
    NotThereYet {
        /// The booking.
        booking: BookingUid,
        /// How many times it has been read.
        looks: u32,
        /// When it will be read again.
        again_at: DateTime<Utc>,
    },
    /// A delivery's claim was never confirmed at Cal.com.
    #[non_exhaustive]
    Contradicted {
        /// The booking.
        booking: BookingUid,
    },
    /// What was applied had been found by a sweep: no webhook told of it.
    #[non_exhaustive]
    FoundBySweep {
        /// The booking.
        booking: BookingUid,
    },
    /// The difference was accepted: Cal.com cannot represent the host's change, or a reviewer
    /// accepted it.
    DifferenceAccepted,
    /// A booking created by the engine that landed too late to be wanted was cancelled.
    #[non_exhaustive]
    LateBookingCancelled {
        /// The booking.
        booking: BookingUid,
    },
    /// A delivery concerned a booking whose event type is not synced for this tenant.
    #[non_exhaustive]
    IgnoredNotSynced {
        /// The booking.
        booking: BookingUid,
    },
    /// A delivery concerned a booking that had ended before the host knew of it.
    #[non_exhaustive]
    IgnoredEnded {
        /// The booking.
        booking: BookingUid,
    },
    /// An attempt failed and will be retried.
    #[non_exhaustive]
    RetryScheduled {
        /// When.
        at: DateTime<Utc>,
        /// The number of failed attempts.
        attempts: u32,
        /// The error.
        error: String,
    },
    /// All of the tenant's work is held until Cal.com may be called again or the tenant can be
    /// read. Does not count as an attempt.
    #[non_exhaustive]
    Postponed {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// Sent to manual review.
    #[non_exhaustive]
    SentToReview {
        /// The reason.
        reason: ReviewReason,
    },
    /// A review item was resolved, or closed by itself.
    #[non_exhaustive]
    ReviewResolved {
        /// The item's reason.
        reason: ReviewReason,
        /// The decision.
        resolution: Resolution,
        /// Who decided.
        by: String,
    },
    /// A decision was carried out, or could not be.
    #[non_exhaustive]
    InstructionEnded {
        /// The decision.
        resolution: Resolution,
        /// How it ended, in one sentence.
        outcome: String,
    },
    /// The tenant's work was paused.
    TenantPaused,
    /// An operator did something.
    #[non_exhaustive]
    Operated {
        /// What.
        action: OperatorAction,
        /// Who, in the host's own terms.
        by: String,
        /// How it ended, in one sentence.
        outcome: String,
    },
}

open_enum! {
    /// What an operator did, other than resolving a review item.
    OperatorAction {
        /// Paused a tenant.
        Pause = "pause",
        /// Resumed a tenant.
        Resume = "resume",
        /// Had an appointment compared anew.
        Resync = "resync",
        /// Took an appointment.
        Book = "book",
        /// Moved an appointment.
        Move = "move",
        /// Cancelled an appointment.
        Cancel = "cancel",
        /// Looked for drift.
        CheckDrift = "check_drift",
        /// Repaired drift.
        RepairDrift = "repair_drift",
        /// Brought services and event types into agreement.
        SyncServices = "sync_services",
        /// Repaired the webhook subscription.
        RepairSubscription = "repair_subscription",
        /// Sent a test to the webhook's address.
        TestWebhook = "test_webhook",
        /// Had the books rebuilt.
        Rebuild = "rebuild",
        /// Erased what is kept of a person.
        ErasePerson = "erase_person",
        /// Deleted finished rows that were older than they are to be kept.
        Prune = "prune",
        /// Changed the settings of a voice agent.
        SetUpAgent = "set_up_agent",
        /// Pushed the settings of a voice agent to its provider.
        PushAgent = "push_agent",
        /// Played a test call against the endpoint of a voice agent.
        TestAgent = "test_agent",
    }
}

impl LogEvent {
    /// An action of an operator's; its outcome is cleaned with [`clean_text`].
    pub fn operated(
        action: OperatorAction,
        by: impl Into<String>,
        outcome: impl AsRef<str>,
    ) -> Self {
        Self::Operated {
            action,
            by: by.into(),
            outcome: clean_text(outcome.as_ref()).into_owned(),
        }
    }

    /// The person who did it; `None` for what the engine did by itself.
    pub fn actor(&self) -> Option<&str> {
        match self {
            Self::Operated { by, .. } => Some(by),
            Self::ReviewResolved { resolution, by, .. } if *resolution != Resolution::Settled => {
                Some(by)
            }
            _ => None,
        }
    }
}

/// Which entries of the sync log to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogScope {
    /// All of them.
    #[default]
    All,
    /// What persons did: those with an [actor](LogEvent::actor).
    ByPersons,
}

/// The side that wins a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The host.
    Local,
    /// Cal.com.
    Remote,
}

/// One entry of the sync log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its position.
    pub id: LogId,
    /// When.
    pub at: DateTime<Utc>,
    /// The tenant.
    pub tenant: TenantId,
    /// The link, unless the entry is about the whole tenant.
    pub link: Option<LinkId>,
    /// The appointment concerned.
    pub appointment: Option<AppointmentId>,
    /// What happened.
    pub event: LogEvent,
}

impl LogEntry {
    /// An entry about a whole tenant.
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

    /// An entry about a link.
    #[must_use]
    pub fn about(mut self, link: Option<LinkId>, appointment: Option<AppointmentId>) -> Self {
        self.link = link;
        self.appointment = appointment;
        self
    }
}

/// The sync log. Entries are written by checkpoints, settlements and resolutions, in their
/// transactions, and by [`append`](Self::append).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{InMemoryStore, Page, SyncLog, TenantId};
///
/// let store = InMemoryStore::new();
/// let mut page = Page::first(100);
/// loop {
///     let entries = store.log(&TenantId::new("salon"), page).await?;
///     let Some(last) = entries.last() else {
///         break;
///     };
///     page = Page::after(last.id, 100);
///     for entry in entries {
///         println!("{} {:?}", entry.at, entry.event);
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Entries are read in id order, and an entry's id is larger than those of all entries stored
///   before it. Pages neither overlap nor leave anything out.
/// - [`ByPersons`](LogScope::ByPersons) lists exactly the entries whose event has an
///   [actor](LogEvent::actor), whoever wrote them.
/// - An [appended](Self::append) entry names no link. With an appointment it is part of the
///   appointment's [history](super::Reports::history), whether or not there is such an appointment.
///   It is pruned and erased like any other.
/// - The cost of a page depends on its length alone.
#[async_trait]
pub trait SyncLog: fmt::Debug + Send + Sync + 'static {
    /// The tenant's entries, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, StoreError>;

    /// The tenant's entries within a scope, newest first: the page after a row holds entries that are
    /// older than the row.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn latest(
        &self,
        tenant: &TenantId,
        scope: LogScope,
        page: Page<LogId>,
    ) -> Result<Vec<LogEntry>, StoreError>;

    /// Adds an entry about an appointment, or about the whole tenant.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn append(
        &self,
        tenant: &TenantId,
        appointment: Option<&AppointmentId>,
        event: &LogEvent,
    ) -> Result<(), StoreError>;
}
