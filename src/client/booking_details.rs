//! The `/bookings/{uid}/…` endpoints for sub-resources of a booking.

use super::bookings::Bookings;
use super::error::Error;
use super::request::ApiRequest;
use crate::model::{
    AttendeeId, BookingAttendee, BookingReference, BookingUid, CalendarLink, NewAttendee,
    Recording, VideoSession,
};

/// Attendees, calendar links, references and video call data of a booking.
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

    /// Lists a booking's attendees, including their ids.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`](super::ErrorKind::UnknownEndpoint) on servers of 2025, which lack this
    /// endpoint, [`NotFound`](super::ErrorKind::NotFound) if there is no such booking.
    pub async fn attendees(&self, uid: &BookingUid) -> Result<Vec<BookingAttendee>, Error> {
        let path = ["bookings", uid.as_str(), "attendees"];
        let request = self.client().get("bookings.attendees", &path);
        self.client().data(self.versioned_detail(request)).await
    }

    /// Retrieves one attendee of a booking.
    ///
    /// # Errors
    ///
    /// Same as [`attendees`](Self::attendees).
    pub async fn attendee(
        &self,
        uid: &BookingUid,
        id: AttendeeId,
    ) -> Result<BookingAttendee, Error> {
        let path = ["bookings", uid.as_str(), "attendees", &id.to_string()];
        let request = self.client().get("bookings.attendee", &path);
        self.client().data(self.versioned_detail(request)).await
    }

    /// Adds an attendee to a booking.
    ///
    /// The server requires an e-mail address.
    ///
    /// # Errors
    ///
    /// Same as [`attendees`](Self::attendees), and [`Invalid`](super::ErrorKind::Invalid) if the
    /// attendee is already on the booking.
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

    /// Lists links that add a booking to a calendar.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn calendar_links(&self, uid: &BookingUid) -> Result<Vec<CalendarLink>, Error> {
        let request = self.detail("bookings.calendar_links", uid, "calendar-links");
        self.client().data(request).await
    }

    /// Lists the references of a booking in other systems, such as calendars.
    ///
    /// `kind` restricts the list to one type, such as `google_calendar`.
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

    /// Lists the recordings of a booking's Cal Video calls.
    ///
    /// The links expire after a while.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn recordings(&self, uid: &BookingUid) -> Result<Vec<Recording>, Error> {
        let request = self.detail("bookings.recordings", uid, "recordings");
        self.client().data(request).await
    }

    /// Lists the transcript URLs of a booking's Cal Video calls.
    ///
    /// The URLs expire after a while. Until then, they work for anyone who has them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub async fn transcripts(&self, uid: &BookingUid) -> Result<Vec<String>, Error> {
        let request = self.detail("bookings.transcripts", uid, "transcripts");
        self.client().data(request).await
    }

    /// Lists the Cal Video sessions of a booking and their participants.
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
