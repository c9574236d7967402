//! `/bookings`.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use super::request::ApiRequest;
use crate::model::{
    Booking, BookingOrSeries, BookingQuery, BookingUid, CancelParams, InstantFormat, NewBooking,
    RecurringBookingUid, RescheduleParams,
};

/// The bookings; get one from [`Client::bookings`].
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

    /// For what does not follow the version of the bookings.
    pub(super) fn versioned_detail(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.booking_details)
    }

    /// Makes a booking: one, or all of a recurring event type's series.
    ///
    /// It is never sent twice if it may have been carried out: Cal.com replays no answers and takes no idempotency key. After
    /// an error that is [`IfIdempotent`](super::Retryability::IfIdempotent), look whether the booking is there.
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if the host is not free,
    /// [`BookingLimitReached`](super::ErrorKind::BookingLimitReached) if the event type takes no more bookings then,
    /// [`Conflict`](super::ErrorKind::Conflict) if the same slot is being booked at this very moment,
    /// [`Invalid`](super::ErrorKind::Invalid) with the fields that were refused, by [`NewBooking::check`] before anything is sent
    /// or by the server.
    pub async fn create(&self, booking: &NewBooking) -> Result<BookingOrSeries, Error> {
        let operation = "bookings.create";
        self.client.check(operation, || booking.check())?;
        let request = self.client.post(operation, &["bookings"]);
        self.client
            .data(self.versioned(request).json(booking)?)
            .await
    }

    /// Reads one page of the list.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if `take` is not 1 to 250; nothing is sent then.
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

    /// Streams the whole list, from `query.skip` on, in pages of `query.take` bookings (250 by default).
    ///
    /// Bookings that change while the list is read move within it: one may come twice or not at all.
    /// Sort by something that does not change, or read again with an overlap.
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

    /// Reads one booking.
    ///
    /// Cal.com answers this to anybody who knows the uid: that it answers proves nothing about whose booking it is.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn get(&self, uid: &BookingUid) -> Result<Booking, Error> {
        let request = self.client.get("bookings.get", &["bookings", uid.as_str()]);
        self.client.data(self.versioned(request)).await
    }

    /// Replaces a booking by one at another time. The answer is the new booking, with a new uid; the old one turns cancelled
    /// and points to it.
    ///
    /// # Errors
    ///
    /// [`SlotUnavailable`](super::ErrorKind::SlotUnavailable) if the host is not free then,
    /// [`BookingLimitReached`](super::ErrorKind::BookingLimitReached) if the event type takes no more bookings then,
    /// [`Conflict`](super::ErrorKind::Conflict) if the booking was cancelled or moved already,
    /// [`Server`](super::ErrorKind::Server), and not `NotFound`, if there is no such booking,
    /// [`Invalid`](super::ErrorKind::Invalid), and nothing is sent, if a reason is given for a single seat.
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
    /// [`Conflict`](super::ErrorKind::Conflict) if it is cancelled already, [`Invalid`](super::ErrorKind::Invalid) if the
    /// caller is the host and gives no reason, or gives one for a single seat and the server takes none.
    pub async fn cancel(&self, uid: &BookingUid, params: &CancelParams) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "cancel"];
        let request = self.client.post("bookings.cancel", &path);
        self.client
            .data(self.versioned(request).json(params)?)
            .await
    }

    /// Cancels a booking of a recurring series and all later ones, and returns them. Cal.com sends one
    /// webhook for all of them.
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
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

    /// Cancels every booking of a recurring series, and returns them. Cal.com sends one webhook for
    /// all of them.
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
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
