//! The `/slots/reservations` endpoints.

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use crate::model::{NewReservation, Reservation, ReservationUid};

/// Slot reservations, which hold a slot for a few minutes.
///
/// Obtained from [`Client::reservations`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{EventTypeId, NewReservation};
///
/// let start = "2026-12-07T09:00:00Z".parse()?;
/// let wanted = NewReservation::new(EventTypeId::new(2), start).for_minutes(10);
/// let reserved = client.reservations().create(&wanted).await?;
/// // Someone fills in a form, then books or leaves.
/// client.reservations().delete(&reserved.uid).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reservations<'a> {
    client: &'a Client,
}

impl<'a> Reservations<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    fn versioned(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.slots)
    }

    /// Reserves a slot, so that it is no longer listed as available.
    ///
    /// A reserved slot can still be booked by callers that do not check the available slots first.
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if the slot is already reserved or
    /// booked, [`Unauthorized`](super::ErrorKind::Unauthorized) if a duration is requested without
    /// a key that the server accepts.
    pub async fn create(&self, reservation: &NewReservation) -> Result<Reservation, Error> {
        let path = ["slots", "reservations"];
        let request = self.client.post("reservations.create", &path);
        self.client
            .data(self.versioned(request).json(reservation)?)
            .await
    }

    /// Retrieves a reservation; `None` if it was deleted or has expired.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), on servers that report it.
    pub async fn get(&self, uid: &ReservationUid) -> Result<Option<Reservation>, Error> {
        let path = ["slots", "reservations", uid.as_str()];
        let request = self.client.get("reservations.get", &path);
        self.client.data(self.versioned(request)).await
    }

    /// Moves a reservation to another slot, or restarts its duration. It keeps its uid.
    ///
    /// # Errors
    ///
    /// Same as [`create`](Self::create).
    pub async fn update(
        &self,
        uid: &ReservationUid,
        reservation: &NewReservation,
    ) -> Result<Reservation, Error> {
        let path = ["slots", "reservations", uid.as_str()];
        let request = self.client.patch("reservations.update", &path);
        self.client
            .data(self.versioned(request).json(reservation)?)
            .await
    }

    /// Deletes a reservation.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), on servers that report it.
    pub async fn delete(&self, uid: &ReservationUid) -> Result<(), Error> {
        let path = ["slots", "reservations", uid.as_str()];
        let request = self.client.delete("reservations.delete", &path);
        self.client.acknowledged(self.versioned(request)).await
    }
}
