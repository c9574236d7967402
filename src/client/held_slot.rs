//! A slot that is kept from others for as long as somebody is deciding.

use std::fmt;

use super::Client;
use super::availability::Availability;
use super::error::Error;
use crate::model::{NewReservation, Reservation, ReservationUid};

/// A slot that is left out of the free ones while this is held. Dropped, it is given back; so is it by itself when its time is
/// over, should the process die.
///
/// It keeps nobody from booking the slot outright, observed on a server of August 2025: what is held is the offer, not the time.
#[must_use = "dropped, it is given back at once"]
pub struct HeldSlot {
    client: Client,
    reservation: Reservation,
    held: bool,
}

impl HeldSlot {
    /// What is reserved, and until when.
    pub fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    /// Gives the slot back, and says whether that worked.
    ///
    /// # Errors
    ///
    /// As for any call; the reservation then ends when its time is over.
    pub async fn release(mut self) -> Result<(), Error> {
        self.held = false;
        let uid = self.reservation.uid.clone();
        self.client.reservations().delete(&uid).await
    }

    /// Lets the reservation run until its time is over.
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
        // Without a runtime there is nobody to tell Cal.com; its own time limit has to do.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, uid) = (self.client.clone(), self.reservation.uid.clone());
        runtime.spawn(async move {
            if let Err(error) = client.reservations().delete(&uid).await {
                tracing::debug!(error = %error, "a held slot was not given back");
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
    /// Keeps a slot from others while somebody decides.
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if somebody else holds it.
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
