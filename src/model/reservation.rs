//! Slot reservations, which hold a slot for a few minutes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::id::{EventTypeId, ReservationUid};
use super::time::Instant;

/// A reserved slot, which is not listed as available for a few minutes.
///
/// A reservation does not prevent others from booking the slot directly, as observed on a server of
/// August 2025.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reservation {
    /// The reservation's uid.
    #[serde(rename = "reservationUid")]
    pub uid: ReservationUid,
    /// The event type of the slot.
    pub event_type_id: EventTypeId,
    /// The start of the slot.
    #[serde_as(as = "Instant")]
    pub slot_start: DateTime<Utc>,
    /// The end of the slot.
    #[serde_as(as = "Instant")]
    pub slot_end: DateTime<Utc>,
    /// The slot's length in minutes.
    #[serde(default)]
    pub slot_duration: Option<u32>,
    /// The duration of the reservation in minutes; absent when a reservation is retrieved.
    #[serde(default)]
    pub reservation_duration: Option<u32>,
    /// When the reservation expires.
    #[serde_as(as = "Instant")]
    pub reservation_until: DateTime<Utc>,
}

/// Parameters for reserving a slot.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewReservation {
    /// The event type of the slot.
    pub event_type_id: EventTypeId,
    /// The start of the slot. Sent in UTC, with `Z`.
    #[serde_as(as = "Instant")]
    pub slot_start: DateTime<Utc>,
    /// The slot's length in minutes, for event types that offer several.
    pub slot_duration: Option<u32>,
    /// The duration of the reservation in minutes; five by default.
    ///
    /// The server accepts it only from authenticated callers.
    pub reservation_duration: Option<u32>,
}

impl NewReservation {
    /// Creates parameters for a reservation with the server's default duration, which is five
    /// minutes.
    pub fn new(event_type_id: EventTypeId, slot_start: DateTime<Utc>) -> Self {
        Self {
            event_type_id,
            slot_start,
            slot_duration: None,
            reservation_duration: None,
        }
    }

    /// Sets the slot's length in minutes, for event types that offer several.
    #[must_use]
    pub fn with_slot_duration(mut self, minutes: u32) -> Self {
        self.slot_duration = Some(minutes);
        self
    }

    /// Sets the duration of the reservation, in minutes.
    #[must_use]
    pub fn for_minutes(mut self, minutes: u32) -> Self {
        self.reservation_duration = Some(minutes);
        self
    }
}
