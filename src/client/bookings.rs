//! `/bookings`.

use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use serde::Serialize;

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use super::response::{Pagination, RawPage};
use crate::model::{
    Booking, BookingOrSeries, BookingQuery, BookingUid, CancelParams, InstantFormat, NewBooking,
    RecurringBookingUid, RescheduleParams,
};

/// The largest page that the server gives out.
const MAX_PAGE: u32 = 250;

/// The bookings; get one from [`Client::bookings`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{CancelParams, EventTypeId, NewAttendee, NewBooking};
///
/// let attendee = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin");
/// let start = "2026-12-08T09:00:00Z".parse()?;
/// let wanted = NewBooking::new(EventTypeId::new(2), start, attendee);
/// for booking in client.bookings().create(&wanted).await?.into_vec() {
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

/// One page of bookings.
#[derive(Clone, Debug)]
pub struct BookingPage {
    /// The bookings, in the order asked for.
    pub bookings: Vec<Booking>,
    /// Where in the list the page stands; `None` if the answer does not say.
    pub pagination: Option<Pagination>,
}

#[serde_with::serde_as]
#[derive(Serialize)]
struct RescheduleBody<'a> {
    #[serde_as(as = "InstantFormat")]
    start: DateTime<Utc>,
    #[serde(flatten)]
    params: &'a RescheduleParams,
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
        let request = self.client.post("bookings.create", &["bookings"]);
        let request = request.checked(booking.check())?;
        self.client
            .data(self.versioned(request).json(booking)?)
            .await
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

    /// Reads one page of the list.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if `take` is not 1 to 250; nothing is sent then.
    pub async fn list(&self, query: &BookingQuery) -> Result<BookingPage, Error> {
        let request = self.client.get("bookings.list", &["bookings"]);
        let versions = &self.client.versions;
        let version = versions.bookings_list.as_ref();
        let request = request
            .checked(query.check())?
            .version(version.unwrap_or(&versions.bookings))
            .query(query.to_pairs());
        let page: RawPage<Booking> = self.client.body(request).await?;
        Ok(BookingPage {
            bookings: page.data,
            pagination: page.pagination,
        })
    }

    /// Walks the whole list, page by page; `query.skip` is where it begins and `query.take` the size of a page, 250 if absent.
    ///
    /// Bookings that change while the list is walked move within it: one may come twice or not at all. Sort by something that
    /// does not change, or walk again with an overlap.
    pub fn list_all(
        &self,
        query: BookingQuery,
    ) -> impl Stream<Item = Result<Booking, Error>> + use<'a> {
        let handle = *self;
        let take = query.take.unwrap_or(MAX_PAGE);
        let first = BookingQuery {
            take: Some(take),
            ..query
        };
        let pages = stream::try_unfold(Some(first), move |query| async move {
            let Some(query) = query else {
                return Ok(None);
            };
            let page = handle.list(&query).await?;
            let received = u32::try_from(page.bookings.len()).unwrap_or(u32::MAX);
            // A short page without a word about pages is the last one.
            let more = match &page.pagination {
                Some(pagination) => pagination.has_next_page,
                None => received == take,
            };
            // By the shape of the page, not by the version asked for: servers fall back without a word.
            let cursor = page
                .pagination
                .and_then(|pagination| pagination.next_cursor);
            let stuck = cursor.is_some() && cursor == query.cursor;
            let next = (more && received > 0 && !stuck).then(|| match cursor {
                Some(cursor) => BookingQuery {
                    cursor: Some(cursor),
                    skip: None,
                    ..query
                },
                None => BookingQuery {
                    skip: Some(query.skip.unwrap_or(0).saturating_add(received)),
                    ..query
                },
            });
            let bookings = stream::iter(page.bookings.into_iter().map(Ok));
            Ok::<_, Error>(Some((bookings, next)))
        });
        futures_util::TryStreamExt::try_flatten(pages)
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
        let path = ["bookings", uid.as_str(), "reschedule"];
        let request = self.client.post("bookings.reschedule", &path);
        let request = request.checked(params.check())?;
        let body = RescheduleBody { start, params };
        self.client.data(self.versioned(request).json(&body)?).await
    }

    /// Cancels a booking, or one seat of it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if it is cancelled already, [`Invalid`](super::ErrorKind::Invalid) if the
    /// caller is the host and gives no reason, or if a reason is given for a single seat; in that case nothing is sent.
    pub async fn cancel(&self, uid: &BookingUid, params: &CancelParams) -> Result<Booking, Error> {
        let path = ["bookings", uid.as_str(), "cancel"];
        let request = self.client.post("bookings.cancel", &path);
        let request = request.checked(params.check())?;
        self.client
            .data(self.versioned(request).json(params)?)
            .await
    }

    /// Cancels every booking of a recurring series, and returns them. Cal.com sends one webhook for all of them.
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
        let request = request.checked(params.check())?;
        let cancelled: BookingOrSeries = self
            .client
            .data(self.versioned(request).json(params)?)
            .await?;
        Ok(cancelled.into_vec())
    }
}
