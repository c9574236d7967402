//! A slot that is held while someone is deciding.

use std::fmt;

use super::Client;
use super::availability::Availability;
use super::error::Error;
use crate::model::{NewReservation, Reservation, ReservationUid};

/// A held slot, which is not listed as available until this value is dropped or the reservation
/// expires.
///
/// Dropping it releases the reservation. If the process dies, the reservation expires by itself.
///
/// Holding a slot does not prevent others from booking it directly, as observed on a server of
/// August 2025: it only removes the slot from the available ones.
#[must_use = "dropping it releases the slot immediately"]
pub struct HeldSlot {
    client: Client,
    reservation: Reservation,
    held: bool,
}

impl HeldSlot {
    /// Returns the reservation, including its expiry.
    pub fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    /// Releases the slot and reports whether that succeeded.
    ///
    /// # Errors
    ///
    /// Same as for any call; the reservation then lasts until it expires.
    pub async fn release(mut self) -> Result<(), Error> {
        self.held = false;
        let uid = self.reservation.uid.clone();
        self.client.reservations().delete(&uid).await
    }

    /// Keeps the reservation until it expires, and returns its uid.
    pub fn keep(mut self) -> ReservationUid {
        self.held = false;
        self.reservation.uid.clone()
    }
}

impl Drop for HeldSlot {
    fn drop(&mut self) {
        if !self.held {
            return;
        }
        // Without a runtime, nothing can be sent; the reservation expires by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, uid) = (self.client.clone(), self.reservation.uid.clone());
        runtime.spawn(async move {
            if let Err(error) = client.reservations().delete(&uid).await {
                tracing::debug!(error = %error, "a held slot could not be released");
            }
        });
    }
}

impl fmt::Debug for HeldSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSlot")
            .field("reservation", &self.reservation)
            .finish_non_exhaustive()
    }
}

impl Availability<'_> {
    /// Holds a slot while someone is deciding.
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if someone else holds it.
    pub async fn hold(&self, slot: &NewReservation) -> Result<HeldSlot, Error> {
        let client = self.client().clone();
        let reservation = client.reservations().create(slot).await?;
        Ok(HeldSlot {
            client,
            reservation,
            held: true,
        })
    }
}
