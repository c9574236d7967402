//! The engine's memory of a link: opaque to the store.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::serde_as;

use super::last_work::LastWork;
use crate::model::{BookingUid, InstantFormat};
use crate::store::{
    AppointmentState, DeliveryId, Differences, Field, Link, Opaque, Reason, ReviewId, Revision,
    SyncKey,
};

/// The format of what this version writes. A version that writes what this one cannot read raises
/// it; its links are then left to its own workers.
pub(super) const FORMAT: u16 = 1;

/// How many replaced bookings are remembered. What is still heard of one is heard within minutes of
/// its end.
const MAX_RETIRED: usize = 16;

/// Both sides as they were when they last agreed, or their difference was last accepted. A pair,
/// because they can agree without being equal: each side is compared with its own past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Base {
    /// The host's side.
    pub local: AppointmentState,
    /// Cal.com's side.
    pub remote: AppointmentState,
}

impl Base {
    /// A base of two states.
    pub fn new(local: AppointmentState, remote: AppointmentState) -> Self {
        Self { local, remote }
    }
}

/// What was sent to Cal.com.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SentWrite {
    /// Creates a booking.
    #[non_exhaustive]
    Create {
        /// The sync key by which it can be found.
        sync_key: SyncKey,
        /// The booking that it replaces, which is cancelled once this one is known.
        #[serde(default)]
        replaces: Option<BookingUid>,
    },
    /// Moves a booking.
    #[non_exhaustive]
    Reschedule {
        /// The booking.
        booking: BookingUid,
        /// The new start.
        #[serde_as(as = "InstantFormat")]
        start: DateTime<Utc>,
    },
    /// Cancels a booking.
    #[non_exhaustive]
    Cancel {
        /// The booking.
        booking: BookingUid,
        /// The reason given, by which the cancellation is recognized.
        #[serde(default)]
        reason: Option<Reason>,
    },
    /// Changes a booking in place: confirms it, changes its host, its location or its guests, or says
    /// whether the attendee came.
    #[non_exhaustive]
    Amend {
        /// The booking.
        booking: BookingUid,
        /// The fields that are changed to the appointment's.
        fields: Differences,
    },
}

impl SentWrite {
    /// Creates a booking that carries this key.
    pub const fn create(sync_key: SyncKey) -> Self {
        Self::Create {
            sync_key,
            replaces: None,
        }
    }

    /// Moves a booking to this start.
    pub const fn reschedule(booking: BookingUid, start: DateTime<Utc>) -> Self {
        Self::Reschedule { booking, start }
    }

    /// Cancels a booking.
    pub const fn cancel(booking: BookingUid) -> Self {
        Self::Cancel {
            booking,
            reason: None,
        }
    }

    /// Sets the booking that a new one replaces.
    #[must_use]
    pub(super) fn replacing(mut self, old: Option<BookingUid>) -> Self {
        if let Self::Create { replaces, .. } = &mut self {
            *replaces = old;
        }
        self
    }

    /// Sets the reason of a cancellation.
    #[must_use]
    pub(super) fn because(mut self, given: String) -> Self {
        if let Self::Cancel { reason, .. } = &mut self {
            *reason = Some(Reason::new(given));
        }
        self
    }

    /// Changes these fields of a booking in place.
    pub const fn amend(booking: BookingUid, fields: Differences) -> Self {
        Self::Amend { booking, fields }
    }

    /// The fields that it brings to Cal.com.
    pub(super) fn carries(&self) -> Differences {
        match self {
            // Who holds the booking is Cal.com's to say when it is made, and nobody is absent yet.
            Self::Create { .. } => {
                let not_carried = Differences::NONE.with(Field::Host).with(Field::Absent);
                Differences::ALL.without(not_carried)
            }
            Self::Reschedule { .. } => Differences::NONE.with(Field::Start),
            Self::Cancel { .. } => Differences::NONE.with(Field::Status),
            Self::Amend { fields, .. } => *fields,
        }
    }
}

/// A write that may still take effect: it, or an earlier attempt, was never answered. Stored before
/// the call, so that after a crash it is known that the call may have happened.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingWrite {
    /// The write.
    pub write: SentWrite,
    /// The appointment's state as sent.
    pub state: AppointmentState,
    /// The fields in which Cal.com was to become like the host, of which the write carries a part.
    #[serde(default)]
    pub wish: Differences,
    /// When it was last sent, by the store's clock.
    #[serde_as(as = "InstantFormat")]
    pub sent_at: DateTime<Utc>,
    /// How many attempts may still take effect.
    pub sends: u32,
    /// Whether one attempt is known to have taken effect, so that only the others still may.
    pub is_known: bool,
}

/// A booking that is being replaced by another one. Two live bookings are no alarm while it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Retiring {
    /// The booking.
    pub booking: BookingUid,
    /// Both sides as they were when they last agreed on it.
    pub base: Option<Base>,
    /// Whether it was cancelled already, to make room for the booking that replaces it. Otherwise that
    /// one is booked, and this one is to be cancelled.
    pub is_gone: bool,
}

/// A delivery whose claim Cal.com does not show yet.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Doubt {
    /// The delivery.
    pub delivery: DeliveryId,
    /// How many times it has been looked for.
    pub looks: u32,
    /// When to look again.
    #[serde_as(as = "InstantFormat")]
    pub again_at: DateTime<Utc>,
}

/// A write of the appointment by the engine, which the host need not record.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OwnWrite {
    /// The revision that it made.
    pub revision: Revision,
    /// When, by the store's clock.
    #[serde_as(as = "InstantFormat")]
    pub at: DateTime<Utc>,
}

/// The engine's memory of a link. `Debug` shows nothing that identifies a person.
#[serde_as]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Standing {
    /// Both sides as they were when they last agreed.
    pub base: Option<Base>,
    /// The number of booking chains created for the appointment.
    pub generation: u32,
    /// Writes that may still take effect, oldest first.
    pub pending: Vec<PendingWrite>,
    /// Whether an appointment was about to be created for the booking.
    pub creating_appointment: bool,
    /// Other live bookings found for the same appointment. They are read along with the link's own
    /// until they have ended.
    pub rivals: Vec<BookingUid>,
    /// Bookings left behind by late writes of the engine, which nobody wants; they are to be
    /// cancelled.
    pub late: Vec<BookingUid>,
    /// The booking that is being replaced, until it is cancelled and its replacement is known.
    pub retiring: Option<Retiring>,
    /// Bookings that were replaced and cancelled, the latest last. That they have ended says nothing
    /// about the appointment.
    pub retired: Vec<BookingUid>,
    /// The state for which room was made in vain. It is not tried again until the host changes the
    /// appointment or a person says so: each attempt costs the attendee a cancellation.
    pub no_room_for: Option<AppointmentState>,
    /// Deliveries whose claims are not confirmed yet.
    pub doubts: Vec<Doubt>,
    /// The number of failed attempts at the current work.
    pub attempts: u32,
    /// Whether the booking must be read next time, even if only the host has changed.
    pub verify: bool,
    /// The fields in which Cal.com's answer to our own write differs from what was sent, and the
    /// appointment has not been updated yet.
    pub owed: Differences,
    /// Whether the link is in review, so that only something new may lead to another write.
    pub in_review: bool,
    /// The review item whose decision is being carried out: the part that must happen only once has
    /// happened.
    pub obeyed: Option<ReviewId>,
    /// When to read the booking again unprompted.
    #[serde_as(as = "Option<InstantFormat>")]
    pub look_at: Option<DateTime<Utc>>,
    /// The engine's latest write of the appointment, until it is seen: the host's repository may lag.
    pub own_write: Option<OwnWrite>,
    /// When the link was last worked on, and how that went.
    pub last: LastWork,
}

/// The stored state of a link cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[error("what was stored about the link cannot be read back (format {format})")]
pub struct Undecodable {
    format: u16,
}

impl Standing {
    /// Decodes the engine's memory of a link.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] if it is damaged.
    pub fn of(link: &Link) -> Result<Self, Undecodable> {
        match &link.state {
            None => Ok(Self::default()),
            Some(state) => serde_json::from_slice(state.bytes()).map_err(|_| Undecodable {
                format: state.format(),
            }),
        }
    }

    /// Stores this as the link's state.
    pub(super) fn put_into(&self, link: &mut Link) {
        link.state = Some(self.to_opaque());
        link.bare = self.base.is_none()
            && self.pending.is_empty()
            && !self.creating_appointment
            && self.retiring.is_none()
            && (link.appointment.is_none() || link.booking.is_none());
    }

    pub(super) fn to_opaque(&self) -> Opaque {
        let bytes = serde_json::to_vec(self).expect("plain data with texts as keys is always JSON");
        Opaque::new(FORMAT, bytes)
    }

    /// Notes that a booking was replaced and has been cancelled.
    pub(super) fn retire(&mut self, booking: BookingUid) {
        self.retired.retain(|known| *known != booking);
        let surplus = (self.retired.len() + 1).saturating_sub(MAX_RETIRED);
        self.retired.drain(..surplus);
        self.retired.push(booking);
    }

    /// Whether the outcome of a write is unknown.
    pub fn awaits_outcome(&self) -> bool {
        self.pending.iter().any(|write| !write.is_known)
    }
}
