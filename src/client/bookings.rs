//! The `/bookings` endpoints.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use super::request::ApiRequest;
use crate::model::{
    Booking, BookingOrSeries, BookingQuery, BookingUid, CancelParams, InstantFormat, NewBooking,
    RecurringBookingUid, RescheduleParams, SeatUid,
};

/// The bookings API.
///
/// Obtained from [`Client::bookings`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{CancelParams, EventTypeId, NewAttendee, NewBooking};
///
/// let attendee = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
/// let start = "2026-12-08T09:00:00Z".parse()?;
/// let wanted = NewBooking::new(EventTypeId::new(2), start, attendee);
/// for booking in client.bookings().create(&wanted).await? {
///     let reason = CancelParams::reason("ill");
///     client.bookings().cancel(&booking.uid, &reason).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bookings<'a> {
    client: &'a Client,
}

#[serde_with::serde_as]
#[derive(Serialize)]
struct RescheduleBody<'a> {
    #[serde_as(as = "InstantFormat")]
    start: DateTime<Utc>,
    #[serde(flatten)]
    params: &'a RescheduleParams,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CancelWithSubsequent<'a> {
    #[serde(flatten)]
    params: &'a CancelParams,
    cancel_subsequent_bookings: bool,
}

impl<'a> Bookings<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    pub(super) fn client(&self) -> &'a Client {
        self.client
    }

    pub(super) fn versioned(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.bookings)
    }

    /// Sets the API version of the sub-resources, which is independent of the version of the
    /// bookings.
    pub(super) fn versioned_detail(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.booking_details)
    }

    /// Creates a booking, or every booking of the series for a recurring event type.
    ///
    /// A request that may have been carried out is never sent again: Cal.com does not replay
    /// responses and accepts no idempotency key. After an error that is
    /// [`IfIdempotent`](super::Retryability::IfIdempotent), check whether the booking exists, or
    /// use [`create_once`](Self::create_once).
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if the host is not free,
    /// [`BookingLimitReached`](super::ErrorKind::BookingLimitReached) if the event type accepts no
    /// more bookings for that period, [`Conflict`](super::ErrorKind::Conflict) if the same slot is
    /// being booked concurrently, [`Invalid`](super::ErrorKind::Invalid) with the rejected fields,
    /// either from [`NewBooking::check`] before anything is sent or from the server.
    pub async fn create(&self, booking: &NewBooking) -> Result<BookingOrSeries, Error> {
        let operation = "bookings.create";
        self.client.check(operation, || booking.check())?;
        let request = self.client.post(operation, &["bookings"]);
        self.client
            .data(self.versioned(request).json(booking)?)
            .await
    }

    /// Lists bookings, one page at a time.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if `take` is not between 1 and 250; nothing is sent
    /// in that case.
    pub async fn list(&self, query: &BookingQuery) -> Result<Page<Booking>, Error> {
        let operation = "bookings.list";
        self.client.check(operation, || query.check())?;
        let versions = &self.client.versions;
        let version = versions.bookings_list.as_ref();
        let request = self
            .client
            .get(operation, &["bookings"])
            .version(version.unwrap_or(&versions.bookings))
            .query(query.to_pairs());
        self.client.page(request).await
    }

    /// Streams all matching bookings, starting at `query.skip`, in pages of `query.take` bookings
    /// (250 by default).
    ///
    /// Bookings that change during iteration move within the list, so one may be returned twice or
    /// not at all. Sort by a field that does not change, or list again with an overlap.
    ///
    /// ```no_run
    /// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
    /// use calcom::model::{BookingFilter, BookingQuery};
    ///
    /// let upcoming = BookingQuery::default().with_status(BookingFilter::Upcoming);
    /// let mut bookings = client.bookings().list_all(upcoming);
    /// while let Some(booking) = bookings.next().await {
    ///     println!("{}", booking?.start);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_all(&self, query: BookingQuery) -> ItemStream<Booking> {
        let client = self.client.clone();
        walk("bookings.list", query, move |query| {
            let client = client.clone();
            async move { client.bookings().list(&query).await }
        })
    }

    /// Retrieves a booking by uid.
    ///
    /// Cal.com returns the booking to anyone who knows its uid, so a successful response does not
    /// prove who the booking belongs to.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn get(&self, uid: &BookingUid) -> Result<Booking, Error> {
        let request = self.client.get("bookings.get", &["bookings", uid.as_str()]);
        self.client.data(self.versioned(request)).await
    }

    /// Reschedules a booking by replacing it with a new one at another time.
    ///
    /// Returns the new booking, which has a new uid. The old booking becomes cancelled and refers
    /// to the new one.
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if the host is not free at that time,
    /// [`BookingLimitReached`](super::ErrorKind::BookingLimitReached) if the event type accepts no
    /// more bookings for that period, [`Conflict`](super::ErrorKind::Conflict) if the booking has
    /// already been cancelled or rescheduled, [`Server`](super::ErrorKind::Server) (not `NotFound`)
    /// if there is no such booking, [`Invalid`](super::ErrorKind::Invalid), without sending
    /// anything, if a reason is given for a single seat.
    pub async fn reschedule(
        &self,
        uid: &BookingUid,
        start: DateTime<Utc>,
        params: &RescheduleParams,
    ) -> Result<Booking, Error> {
        let operation = "bookings.reschedule";
        self.client.check(operation, || params.check())?;
        let path = ["bookings", uid.as_str(), "reschedule"];
        let request = self.client.post(operation, &path);
        let body = RescheduleBody { start, params };
        self.client.data(self.versioned(request).json(&body)?).await
    }

    /// Cancels a booking, or one seat of it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if the booking is already cancelled,
    /// [`Invalid`](super::ErrorKind::Invalid) if the caller is the host and gives no reason, or
    /// gives a reason for a single seat and the server accepts none.
    pub async fn cancel(&self, uid: &BookingUid, params: &CancelParams) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "cancel"];
        let request = self.client.post("bookings.cancel", &path);
        self.client
            .data(self.versioned(request).json(params)?)
            .await
    }

    /// Gives up one seat of a booking, as its attendee would: without authentication, because a host's
    /// key cannot cancel a single seat. A server of August 2025 refused both a reason and its absence
    /// from hosts.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if nobody holds the seat.
    pub async fn give_up_seat(&self, uid: &BookingUid, seat: &SeatUid) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "cancel"];
        let request = self.client.post("bookings.give_up_seat", &path);
        let params = CancelParams::default().with_seat(seat.clone());
        let request = self.versioned(request).json(&params)?.without_credentials();
        self.client.data(request).await
    }

    /// Cancels a booking of a recurring series and all later ones, and returns them.
    ///
    /// Cal.com sends a single webhook for all of them.
    ///
    /// # Errors
    ///
    /// Same as [`cancel`](Self::cancel).
    pub async fn cancel_with_subsequent(
        &self,
        uid: &BookingUid,
        params: &CancelParams,
    ) -> Result<Vec<Booking>, Error> {
        let path = ["bookings", uid.as_str(), "cancel"];
        let request = self.client.post("bookings.cancel_with_subsequent", &path);
        let body = CancelWithSubsequent {
            params,
            cancel_subsequent_bookings: true,
        };
        let request = self.versioned(request).json(&body)?;
        let cancelled: BookingOrSeries = self.client.data(request).await?;
        Ok(cancelled.into_vec())
    }

    /// Cancels every booking of a recurring series, and returns them.
    ///
    /// Cal.com sends a single webhook for all of them.
    ///
    /// # Errors
    ///
    /// Same as [`cancel`](Self::cancel).
    pub async fn cancel_series(
        &self,
        uid: &RecurringBookingUid,
        params: &CancelParams,
    ) -> Result<Vec<Booking>, Error> {
        let path = ["bookings", uid.as_str(), "cancel"];
        let request = self.client.post("bookings.cancel_series", &path);
        let cancelled: BookingOrSeries = self
            .client
            .data(self.versioned(request).json(params)?)
            .await?;
        Ok(cancelled.into_vec())
    }
}
