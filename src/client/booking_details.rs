//! `/bookings/{uid}/…`: what hangs on a booking and is read by itself.

use super::bookings::Bookings;
use super::error::Error;
use super::request::ApiRequest;
use crate::model::{
    AttendeeId, BookingAttendee, BookingReference, BookingUid, CalendarLink, NewAttendee,
    Recording, VideoSession,
};

/// Attendees by number, links for calendars, what the booking is called elsewhere, and what is left of its video calls.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// let uid = "m17TcGAhvyqsSEnjriX3hF".into();
/// for link in client.bookings().calendar_links(&uid).await? {
///     println!("{}: {}", link.label, link.link);
/// }
/// # Ok(())
/// # }
/// ```
impl Bookings<'_> {
    fn detail(
        &self,
        operation: &'static str,
        uid: &BookingUid,
        detail: &'static str,
    ) -> ApiRequest {
        let path = ["bookings", uid.as_str(), detail];
        self.versioned(self.client().get(operation, &path))
    }

    /// Lists a booking's attendees, each with a number.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`](super::ErrorKind::UnknownEndpoint) on servers of 2025, which do not have it yet;
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn attendees(&self, uid: &BookingUid) -> Result<Vec<BookingAttendee>, Error> {
        let path = ["bookings", uid.as_str(), "attendees"];
        let request = self.client().get("bookings.attendees", &path);
        self.client().data(self.versioned_detail(request)).await
    }

    /// Reads one attendee of a booking.
    ///
    /// # Errors
    ///
    /// As [`attendees`](Self::attendees).
    pub async fn attendee(
        &self,
        uid: &BookingUid,
        id: AttendeeId,
    ) -> Result<BookingAttendee, Error> {
        let path = ["bookings", uid.as_str(), "attendees", &id.to_string()];
        let request = self.client().get("bookings.attendee", &path);
        self.client().data(self.versioned_detail(request)).await
    }

    /// Adds an attendee to a booking. The server wants an e-mail address.
    ///
    /// # Errors
    ///
    /// As [`attendees`](Self::attendees); [`Invalid`](super::ErrorKind::Invalid) if the attendee is there already.
    pub async fn add_attendee(
        &self,
        uid: &BookingUid,
        attendee: &NewAttendee,
    ) -> Result<BookingAttendee, Error> {
        let path = ["bookings", uid.as_str(), "attendees"];
        let request = self.client().post("bookings.add_attendee", &path);
        self.client()
            .data(self.versioned_detail(request).json(attendee)?)
            .await
    }

    /// Lists links that put a booking into a calendar.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn calendar_links(&self, uid: &BookingUid) -> Result<Vec<CalendarLink>, Error> {
        let request = self.detail("bookings.calendar_links", uid, "calendar-links");
        self.client().data(request).await
    }

    /// Lists what a booking is called elsewhere; of one sort, such as `google_calendar`, or of all.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden).
    pub async fn references(
        &self,
        uid: &BookingUid,
        kind: Option<&str>,
    ) -> Result<Vec<BookingReference>, Error> {
        let kind = kind.map(|kind| ("type", kind.to_owned()));
        let request = self
            .detail("bookings.references", uid, "references")
            .query(kind.into_iter().collect());
        self.client().data(request).await
    }

    /// Lists the recordings of a booking's Cal Video calls. Their links work for a while only.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn recordings(&self, uid: &BookingUid) -> Result<Vec<Recording>, Error> {
        let request = self.detail("bookings.recordings", uid, "recordings");
        self.client().data(request).await
    }

    /// Lists the addresses of the transcripts of a booking's Cal Video calls. They work for a while only, for whoever has them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn transcripts(&self, uid: &BookingUid) -> Result<Vec<String>, Error> {
        let request = self.detail("bookings.transcripts", uid, "transcripts");
        self.client().data(request).await
    }

    /// Lists the Cal Video calls of a booking, and who was in them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden).
    pub async fn conferencing_sessions(
        &self,
        uid: &BookingUid,
    ) -> Result<Vec<VideoSession>, Error> {
        let path = "conferencing-sessions";
        let request = self.detail("bookings.conferencing_sessions", uid, path);
        self.client().data(request).await
    }
}
