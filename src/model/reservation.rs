//! Slot reservations: a slot kept from others for a few minutes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::id::{EventTypeId, ReservationUid};
use super::time::Instant;

/// A slot that is left out of the list of free slots for a few minutes.
///
/// It does not keep anybody from booking the slot outright, observed on a server of August 2025.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reservation {
    /// The reservation.
    #[serde(rename = "reservationUid")]
    pub uid: ReservationUid,
    /// What is reserved.
    pub event_type_id: EventTypeId,
    /// When the slot begins.
    #[serde_as(as = "Instant")]
    pub slot_start: DateTime<Utc>,
    /// When the slot ends.
    #[serde_as(as = "Instant")]
    pub slot_end: DateTime<Utc>,
    /// The slot's length in minutes.
    #[serde(default)]
    pub slot_duration: Option<u32>,
    /// For how many minutes it was reserved; absent when a reservation is read.
    #[serde(default)]
    pub reservation_duration: Option<u32>,
    /// Until when it is reserved.
    #[serde_as(as = "Instant")]
    pub reservation_until: DateTime<Utc>,
}

/// A slot to be reserved.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewReservation {
    /// What is reserved.
    pub event_type_id: EventTypeId,
    /// When the slot begins. Sent as UTC with `Z`.
    #[serde_as(as = "Instant")]
    pub slot_start: DateTime<Utc>,
    /// The slot's length in minutes, on event types that offer several.
    pub slot_duration: Option<u32>,
    /// For how many minutes; five if absent. The server takes it from authenticated callers only.
    pub reservation_duration: Option<u32>,
}

impl NewReservation {
    /// Reserves a slot for as long as the server likes, which is five minutes.
    pub fn new(event_type_id: EventTypeId, slot_start: DateTime<Utc>) -> Self {
        Self {
            event_type_id,
            slot_start,
            slot_duration: None,
            reservation_duration: None,
        }
    }

    /// Asks for one of the event type's several lengths, in minutes.
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
