//! `/bookings/{uid}/…`: what is done to a booking besides moving and cancelling it.

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

/// The server refuses to confirm or decline what is already confirmed, declined or cancelled with
/// one message, which names no field.
fn refused_by_state(error: Error) -> Error {
    let code = error.api().and_then(ApiError::code);
    if error.kind() == ErrorKind::Invalid && error.fields().is_empty() && code == Some("TRPCError")
    {
        return error.with_kind(ErrorKind::Conflict);
    }
    error
}

/// What to do with a booking that waits for confirmation, who was there, who holds it and where.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{BookingLocation, BookingUid, MarkAbsentParams};
///
/// let uid = BookingUid::new("htjZDM9z5KzZHj1nssqEmX");
/// client.bookings().confirm(&uid).await?;
/// let link = Some("https://meet.example.com/hanna".to_owned());
/// let there = BookingLocation::Link { link };
/// client.bookings().update_location(&uid, &there).await?;
/// // After the start:
/// let absent = MarkAbsentParams::attendee("ann@example.com");
/// client.bookings().mark_absent(&uid, &absent).await?;
/// # Ok(())
/// # }
/// ```
impl Bookings<'_> {
    /// Makes an instant booking: a call that a team's hosts are asked to join right now. Only for a team's event types.
    ///
    /// It waits as [`AwaitingHost`](crate::model::BookingStatus::AwaitingHost) until one of them does.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
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

    /// Reads every booking of a recurring series.
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

    /// Reads the booking that a seat belongs to.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn get_by_seat(&self, seat: &SeatUid) -> Result<Booking, Error> {
        let path = ["bookings", "by-seat", seat.as_str()];
        let request = self.client().get("bookings.get_by_seat", &path);
        self.client().data(self.versioned(request)).await
    }

    /// Accepts a booking that waits for confirmation. Sends subscribers `BOOKING_CREATED`.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if it does not wait for confirmation, or no longer; the
    /// server does not say which.
    /// [`Unauthorized`](super::ErrorKind::Unauthorized) if it is another user's.
    pub async fn confirm(&self, uid: &BookingUid) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "confirm"];
        let request = self.client().post("bookings.confirm", &path);
        let nothing = Reason { reason: None };
        self.client()
            .data(self.versioned(request).json(&nothing)?)
            .await
            .map_err(refused_by_state)
    }

    /// Rejects a pending booking. Repeating it succeeds and notifies subscribers again.
    ///
    /// # Errors
    ///
    /// As [`confirm`](Self::confirm).
    pub async fn decline(&self, uid: &BookingUid, reason: Option<&str>) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "decline"];
        let request = self.client().post("bookings.decline", &path);
        let body = Reason { reason };
        self.client()
            .data(self.versioned(request).json(&body)?)
            .await
            .map_err(refused_by_state)
    }

    /// Marks who did not come. Only once the booking has begun.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) before the start,
    /// [`Invalid`](super::ErrorKind::Invalid) if nobody is named;
    /// [`Server`](super::ErrorKind::Server), and not `NotFound`, if there is no such attendee.
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

    /// Gives a round-robin booking to another host, whom the server chooses.
    ///
    /// A server of August 2025 let any user's key do this: that it succeeds proves nothing about whose booking it is.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if nobody else is free.
    pub async fn reassign(&self, uid: &BookingUid) -> Result<Reassignment, Error> {
        let path = ["bookings", uid.as_str(), "reassign"];
        let request = self.client().post("bookings.reassign", &path);
        self.client().data(self.versioned(request)).await
    }

    /// Gives a booking to one of its event type's other hosts.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the user is not one of the hosts.
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

    /// Changes where a booking takes place; the booking keeps its uid.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`](super::ErrorKind::UnknownEndpoint) on servers of 2025, which do not have it yet;
    /// [`Invalid`](super::ErrorKind::Invalid) if the event type does not offer this kind of place.
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

    /// Adds guests to a booking, up to ten at a time.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`](super::ErrorKind::UnknownEndpoint) on servers of 2025, which do not have it yet;
    /// [`Invalid`](super::ErrorKind::Invalid) if there are too many, or one of them is there already.
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
