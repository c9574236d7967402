//! The `/bookings/{uid}/…` endpoints that act on a booking, other than rescheduling and cancelling.

use serde::Serialize;

use super::api_error::ApiError;
use super::bookings::Bookings;
use super::error::{Error, ErrorKind};
use crate::model::{
    Booking, BookingLocation, BookingOrSeries, BookingUid, MarkAbsentParams, NewBooking, NewGuest,
    Reassignment, RecurringBookingUid, SeatUid, UserId,
};

#[derive(Serialize)]
struct InstantBody<'a> {
    #[serde(flatten)]
    booking: &'a NewBooking,
    instant: bool,
}

#[derive(Serialize)]
struct Reason<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct LocationBody<'a> {
    location: &'a BookingLocation,
}

#[derive(Serialize)]
struct Guests<'a> {
    guests: &'a [NewGuest],
}

/// Maps a rejected confirm or decline to [`ErrorKind::Conflict`].
///
/// For a booking that is already confirmed, declined or cancelled, the server responds with one and
/// the same message, which names no field.
fn refused_by_state(error: Error) -> Error {
    let code = error.api().and_then(ApiError::code);
    if error.kind() == ErrorKind::Invalid && error.fields().is_empty() && code == Some("TRPCError")
    {
        return error.with_kind(ErrorKind::Conflict);
    }
    error
}

/// Confirming and declining, attendance, reassignment, location and guests of a booking.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{BookingLocation, BookingUid, MarkAbsentParams};
///
/// let uid = BookingUid::new("htjZDM9z5KzZHj1nssqEmX");
/// client.bookings().confirm(&uid).await?;
/// let there = BookingLocation::link("https://meet.example.com/hanna");
/// client.bookings().update_location(&uid, &there).await?;
/// // After the booking has started:
/// let absent = MarkAbsentParams::attendee("ann@example.com");
/// client.bookings().mark_absent(&uid, &absent).await?;
/// # Ok(())
/// # }
/// ```
impl Bookings<'_> {
    /// Creates an instant booking: a meeting that a team's hosts are asked to join right away.
    ///
    /// Available only for team event types. The booking has the status
    /// [`AwaitingHost`](crate::model::BookingStatus::AwaitingHost) until a host joins.
    ///
    /// # Errors
    ///
    /// Same as [`create`](Self::create).
    pub async fn create_instant(&self, booking: &NewBooking) -> Result<Booking, Error> {
        let operation = "bookings.create_instant";
        self.client().check(operation, || booking.check())?;
        let request = self.client().post(operation, &["bookings"]);
        let instant = true;
        let body = InstantBody { booking, instant };
        self.client()
            .data(self.versioned(request).json(&body)?)
            .await
    }

    /// Retrieves every booking of a recurring series.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn get_series(&self, uid: &RecurringBookingUid) -> Result<Vec<Booking>, Error> {
        let path = ["bookings", uid.as_str()];
        let request = self.client().get("bookings.get_series", &path);
        let series: BookingOrSeries = self.client().data(self.versioned(request)).await?;
        Ok(series.into_vec())
    }

    /// Retrieves the booking that a seat belongs to.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn get_by_seat(&self, seat: &SeatUid) -> Result<Booking, Error> {
        let path = ["bookings", "by-seat", seat.as_str()];
        let request = self.client().get("bookings.get_by_seat", &path);
        self.client().data(self.versioned(request)).await
    }

    /// Confirms a pending booking.
    ///
    /// Subscribers receive `BOOKING_CREATED`.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if the booking is not pending, whether it never was
    /// or is no longer (the server does not distinguish the two),
    /// [`Unauthorized`](super::ErrorKind::Unauthorized) if it belongs to another user.
    pub async fn confirm(&self, uid: &BookingUid) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "confirm"];
        let request = self.client().post("bookings.confirm", &path);
        let nothing = Reason { reason: None };
        self.client()
            .data(self.versioned(request).json(&nothing)?)
            .await
            .map_err(refused_by_state)
    }

    /// Declines a pending booking.
    ///
    /// Repeating the call succeeds and notifies subscribers again.
    ///
    /// # Errors
    ///
    /// Same as [`confirm`](Self::confirm).
    pub async fn decline(&self, uid: &BookingUid, reason: Option<&str>) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "decline"];
        let request = self.client().post("bookings.decline", &path);
        let body = Reason { reason };
        self.client()
            .data(self.versioned(request).json(&body)?)
            .await
            .map_err(refused_by_state)
    }

    /// Marks attendees, or the host, as absent.
    ///
    /// Possible only after the booking has started.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) before the start,
    /// [`Invalid`](super::ErrorKind::Invalid) if nobody is named,
    /// [`Server`](super::ErrorKind::Server) (not `NotFound`) if there is no such attendee.
    pub async fn mark_absent(
        &self,
        uid: &BookingUid,
        params: &MarkAbsentParams,
    ) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "mark-absent"];
        let request = self.client().post("bookings.mark_absent", &path);
        self.client()
            .data(self.versioned(request).json(params)?)
            .await
    }

    /// Reassigns a round-robin booking to another host, chosen by the server.
    ///
    /// A server of August 2025 allowed any user's key to do this, so success does not prove who the
    /// booking belongs to.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if no other host is available.
    pub async fn reassign(&self, uid: &BookingUid) -> Result<Reassignment, Error> {
        let path = ["bookings", uid.as_str(), "reassign"];
        let request = self.client().post("bookings.reassign", &path);
        self.client().data(self.versioned(request)).await
    }

    /// Reassigns a booking to a specific host of its event type.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the user is not one of the event type's hosts.
    pub async fn reassign_to(
        &self,
        uid: &BookingUid,
        user: UserId,
        reason: Option<&str>,
    ) -> Result<Reassignment, Error> {
        let path = ["bookings", uid.as_str(), "reassign", &user.to_string()];
        let request = self.client().post("bookings.reassign_to", &path);
        let body = Reason { reason };
        self.client()
            .data(self.versioned(request).json(&body)?)
            .await
    }

    /// Updates the location of a booking, which keeps its uid.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`](super::ErrorKind::UnknownEndpoint) on servers of 2025, which lack this
    /// endpoint, [`Invalid`](super::ErrorKind::Invalid) if the event type does not offer this kind
    /// of location.
    pub async fn update_location(
        &self,
        uid: &BookingUid,
        location: &BookingLocation,
    ) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "location"];
        let request = self.client().patch("bookings.update_location", &path);
        let body = LocationBody { location };
        self.client()
            .data(self.versioned_detail(request).json(&body)?)
            .await
    }

    /// Adds guests to a booking, at most ten per request.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`](super::ErrorKind::UnknownEndpoint) on servers of 2025, which lack this
    /// endpoint, [`Invalid`](super::ErrorKind::Invalid) if there are too many guests or one of them
    /// is already on the booking.
    pub async fn add_guests(
        &self,
        uid: &BookingUid,
        guests: &[NewGuest],
    ) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "guests"];
        let request = self.client().post("bookings.add_guests", &path);
        let body = Guests { guests };
        self.client()
            .data(self.versioned_detail(request).json(&body)?)
            .await
    }
}
