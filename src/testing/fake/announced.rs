//! A cancellation whose second half is left to the test.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::FakeCalcom;
use super::answer::Refused;
use super::cancel::Cancellation;
use super::person::first;
use super::request::Operation;
use super::shared::Shared;
use super::state::State;
use crate::model::{Booking, BookingUid, SeatUid};

/// A cancellation that has been announced to subscribers but not carried out yet.
///
/// Until [`carry_out`](Self::carry_out) is called, the booking reads as before. If this is dropped,
/// it stays that way, as when a server stops in between.
#[must_use = "a cancellation that is not carried out leaves the booking alive"]
pub struct AnnouncedCancellation {
    shared: Arc<Shared>,
    cancellation: Cancellation,
    uid: BookingUid,
}

impl fmt::Debug for AnnouncedCancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnnouncedCancellation")
            .field("uid", &self.uid)
            .finish_non_exhaustive()
    }
}

impl AnnouncedCancellation {
    /// The booking to be cancelled; for a series, the last remaining one.
    pub fn booking_uid(&self) -> &BookingUid {
        &self.uid
    }

    /// Carries out the cancellation now, by the fake's clock, whatever has happened to the booking
    /// meanwhile. For a series, returns the first booking.
    ///
    /// # Errors
    ///
    /// If the booking was [deleted](FakeCalcom::forget) meanwhile.
    pub fn carry_out(self) -> Result<Booking, Refused> {
        let reply = self.shared.carry_out_cancellation(&self.cancellation)?;
        Ok(first(reply))
    }
}

impl FakeCalcom {
    /// Announces the cancellation of a booking, or of a series by its own uid, and stops halfway:
    /// the webhooks are sent as by [`cancel_booking`](Self::cancel_booking), and the rest is left
    /// to the caller.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use calcom::model::{NewAttendee, NewBooking};
    /// # use calcom::testing::FakeCalcom;
    /// # let fake = FakeCalcom::start().await?;
    /// # let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    /// # let new = NewBooking::new(fake.event_type_id(), "2099-12-08T09:00:00Z".parse()?, ann);
    /// # let booking = fake.book(new).await?;
    /// let announced = fake.announce_cancellation(&booking.uid, "ill").await?;
    /// // Subscribers know, but the booking still reads as live.
    /// assert!(fake.booking(&booking.uid).is_some_and(|booking| booking.is_live()));
    /// announced.carry_out()?;
    /// assert!(fake.live_bookings().is_empty());
    /// # fake.shutdown().await; Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it; then nothing was sent.
    pub async fn announce_cancellation(
        &self,
        uid: &BookingUid,
        reason: &str,
    ) -> Result<AnnouncedCancellation, Refused> {
        let body = json!({"cancellationReason": reason});
        self.announce(uid, Some(self.host_of(uid)), &body).await
    }

    /// Announces that one seat of a booking is given up, as its attendee, and stops halfway, like
    /// [`announce_cancellation`](Self::announce_cancellation).
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it; then nothing was sent.
    pub async fn announce_seat_given_up(
        &self,
        uid: &BookingUid,
        seat: &SeatUid,
    ) -> Result<AnnouncedCancellation, Refused> {
        let body = json!({"seatUid": seat});
        self.announce(uid, None, &body).await
    }

    async fn announce(
        &self,
        uid: &BookingUid,
        user: Option<i64>,
        body: &Value,
    ) -> Result<AnnouncedCancellation, Refused> {
        let path = format!("/v2/bookings/{uid}/cancel");
        let request = self.request(user, &path, body);
        let run = |state: &mut State, arrival| {
            state.announce_cancellation(arrival, &request, uid.as_str())
        };
        let cancellation = self.shared.carry_out(Operation::Cancel, run).await?;
        Ok(AnnouncedCancellation {
            shared: Arc::clone(&self.shared),
            uid: BookingUid::new(cancellation.uid.clone()),
            cancellation,
        })
    }
}
