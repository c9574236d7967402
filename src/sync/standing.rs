//! What the engine remembers about a link: opaque to the store.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::serde_as;

use crate::model::{BookingUid, InstantFormat};
use crate::store::{AppointmentState, DeliveryId, Link, Opaque, ReviewId, SyncKey};

/// The format of what this version writes. A version that writes what this one cannot read raises it; its links are then left to
/// its own workers.
pub(super) const FORMAT: u16 = 1;

/// How each side looked when the two were last found, or accepted, to be in agreement. A pair, because they can agree without
/// being equal: each side is compared with its own past.
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
    /// A booking is made.
    Create {
        /// The name under which it can be found.
        sync_key: SyncKey,
    },
    /// A booking is moved.
    Reschedule {
        /// The booking.
        booking: BookingUid,
        /// Where to.
        #[serde_as(as = "InstantFormat")]
        start: DateTime<Utc>,
    },
    /// A booking is cancelled.
    Cancel {
        /// The booking.
        booking: BookingUid,
    },
}

/// A write that was begun and may still land: its answer never came, or an earlier attempt's did not. It is stored before the
/// call, so that after a crash it is known that the call may have happened.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingWrite {
    /// What was sent.
    pub write: SentWrite,
    /// The appointment as it was sent.
    pub state: AppointmentState,
    /// When it was last sent, by the store's clock.
    #[serde_as(as = "InstantFormat")]
    pub sent_at: DateTime<Utc>,
    /// How many attempts may still land.
    pub sends: u32,
    /// Whether one attempt is known to have landed, and only others of the same write can still do so.
    pub is_known: bool,
}

/// A delivery that claims what Cal.com did not show yet.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Doubt {
    /// The delivery.
    pub delivery: DeliveryId,
    /// How often it was looked for.
    pub looks: u32,
    /// When it is looked for again.
    #[serde_as(as = "InstantFormat")]
    pub again_at: DateTime<Utc>,
}

/// What the engine remembers about a link. `Debug` shows nothing that identifies a person.
#[serde_as]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Standing {
    /// How both sides looked when they last agreed.
    pub base: Option<Base>,
    /// How many chains of bookings were created for the appointment.
    pub generation: u32,
    /// Writes that may still land, oldest first.
    pub pending: Vec<PendingWrite>,
    /// Whether an appointment was about to be created for the booking.
    pub creating_appointment: bool,
    /// Further live bookings that were found for the same appointment. They are read whenever the link's own is, until they
    /// have ended.
    pub rivals: Vec<BookingUid>,
    /// Bookings that writes of ours have left and that the appointment does not stand on: nobody at Cal.com wants them.
    pub late: Vec<BookingUid>,
    /// Deliveries whose claims Cal.com did not bear out yet.
    pub doubts: Vec<Doubt>,
    /// How many attempts of the work at hand have failed.
    pub attempts: u32,
    /// Whether the booking has to be read next time, even if only the host moved.
    pub verify: bool,
    /// Whether Cal.com's answer to our own write differs from what was sent, and the appointment was not brought to it yet.
    pub follow: bool,
    /// Whether a person has been asked to decide, so that nothing but something new may lead to another write.
    pub in_review: bool,
    /// The review item whose decision has begun to be carried out: what of it must happen once has happened.
    pub obeyed: Option<ReviewId>,
    /// When the booking is to be read once more, although nothing has come in for it.
    #[serde_as(as = "Option<InstantFormat>")]
    pub look_at: Option<DateTime<Utc>>,
}

/// What was stored about a link cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("what was stored about the link cannot be read back (format {format})")]
pub struct Undecodable {
    format: u16,
}

impl Standing {
    /// Reads what the engine remembers about a link.
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

    /// The link with this as its state.
    pub(super) fn put_into(&self, link: &mut Link) {
        let bytes = serde_json::to_vec(self).expect("plain data with texts as keys is always JSON");
        link.state = Some(Opaque::new(FORMAT, bytes));
        link.bare = self.base.is_none()
            && self.pending.is_empty()
            && !self.creating_appointment
            && (link.appointment.is_none() || link.booking.is_none());
    }

    /// Whether a write may have been carried out, and it is not known whether it was.
    pub fn awaits_outcome(&self) -> bool {
        self.pending.iter().any(|write| !write.is_known)
    }
}
