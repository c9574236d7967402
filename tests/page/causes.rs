//! What really goes wrong, so that a person is asked.

use calcom::model::Trigger;
use calcom::store::{AppointmentId, Origin, ReviewItem, ReviewReason};
use calcom::testing::{Fault, Operation, Then};
use chrono::{DateTime, Utc};

use crate::host::{Host, ada, at, ben, move_to};

impl Host {
    /// An appointment of Ada's that both sides agree about.
    pub(crate) async fn agreed(&self, id: &str, start: DateTime<Utc>) -> AppointmentId {
        let id = self.make(id, start, ada(), Origin::Phone).await;
        self.is_in_sync(&id).await;
        id
    }

    /// The webhook of the next move at Cal.com gets lost.
    pub(crate) fn lose_next_move(&self) {
        let lost = Fault::new(Trigger::BookingRescheduled, Then::LoseWebhook);
        self.fake.inject(lost);
    }

    /// Both sides move an appointment, to different times, before either hears of the other.
    pub(crate) async fn conflict(
        &self,
        id: &str,
        first: DateTime<Utc>,
        at_cal_com: DateTime<Utc>,
        at_host: DateTime<Utc>,
    ) -> (AppointmentId, ReviewItem) {
        let id = self.agreed(id, first).await;
        let uid = self.booking_of(&id).await;
        self.lose_next_move();
        self.fake.move_booking(&uid, at_cal_com).await.unwrap();
        self.change(&id, move_to(at_host)).await;
        let item = self.item_of(&id, ReviewReason::Conflict).await;
        (id, item)
    }

    /// The host takes an appointment at a time that Ben has booked at Cal.com.
    pub(crate) async fn taken_slot(
        &self,
        id: &str,
        start: DateTime<Utc>,
    ) -> (AppointmentId, ReviewItem) {
        self.book(start, &ben()).await;
        let id = self.make(id, start, ada(), Origin::Phone).await;
        let item = self.item_of(&id, ReviewReason::SlotTaken).await;
        (id, item)
    }

    /// The host gives an appointment to somebody with another address, which Cal.com cannot take.
    pub(crate) async fn not_expressible(
        &self,
        id: &str,
        start: DateTime<Utc>,
    ) -> (AppointmentId, ReviewItem) {
        let id = self.agreed(id, start).await;
        let edit = |state: &mut calcom::store::AppointmentState| {
            state.attendee.email = Some("ada@example.org".to_owned());
        };
        self.change(&id, edit).await;
        let item = self.item_of(&id, ReviewReason::NotExpressible).await;
        (id, item)
    }

    /// Cal.com refuses to book anything, with an error of its own, until the faults are cleared.
    pub(crate) async fn outage(
        &self,
        id: &str,
        start: DateTime<Utc>,
    ) -> (AppointmentId, ReviewItem) {
        let down = Fault::new(Operation::CreateBooking, Then::status(503));
        self.fake.inject(down.always());
        let id = self.make(id, start, ada(), Origin::Phone).await;
        let item = self.item(ReviewReason::RetriesExhausted).await;
        (id, item)
    }

    /// The open item of an appointment, of this reason.
    async fn item_of(&self, id: &AppointmentId, reason: ReviewReason) -> ReviewItem {
        let what = format!("an item of {id} because of {reason}");
        self.eventually(&what, async || {
            let mut items = self.open_items().await.into_iter();
            items.find(|item| item.reason == reason && item.appointment.as_ref() == Some(id))
        })
        .await
    }

    /// When nobody has an appointment.
    pub(crate) fn free(day: u64) -> DateTime<Utc> {
        at(day, 9, 0)
    }
}
