//! More than one live booking of an appointment: those that the engine left are cancelled, others go to a person.

use super::{Case, Stop, Turn};
use crate::model::{Booking, BookingUid};
use crate::store::ReviewReason;

impl Turn<'_> {
    /// The booking that stands for the appointment: the live one, or else the newest of those that ended.
    pub(super) async fn choose(
        &mut self,
        heads: &[Booking],
        own: Option<&BookingUid>,
    ) -> Result<Option<Booking>, Stop> {
        let live: Vec<&Booking> = heads.iter().filter(|head| head.is_live()).collect();
        let Some(kept) = self.kept_of(&live, own).cloned() else {
            self.standing.rivals.clear();
            let newest_ended = heads.iter().max_by_key(|head| head.updated_at);
            return Ok(newest_ended.cloned());
        };
        let others = live.iter().filter(|booking| booking.uid != kept.uid);
        let (late, rivals): (Vec<&Booking>, Vec<&Booking>) =
            others.partition(|booking| self.is_made_by_us(booking));
        let uids = |bookings: &[&Booking]| -> Vec<BookingUid> {
            bookings.iter().map(|booking| booking.uid.clone()).collect()
        };
        let (late, rivals) = (uids(&late), uids(&rivals));
        // Until they have ended they are read with the link's own: a crash must not forget them.
        self.standing.rivals = late.iter().chain(&rivals).cloned().collect();
        self.cancel_late_landings(late).await?;
        if rivals.is_empty() {
            return Ok(Some(kept));
        }
        // Best effort: the person who decides sees Cal.com's state where it can be told.
        let _ = self.take_remote(&kept);
        let case = Case::of(ReviewReason::TwoLiveBookings);
        Err(case.about(rivals).into())
    }

    /// Which of the live bookings stays: the link's own; else one that Cal.com itself made, for it is somebody's wish; else the one
    /// where the host wants it.
    fn kept_of<'b>(&self, live: &[&'b Booking], own: Option<&BookingUid>) -> Option<&'b Booking> {
        let is_own = |booking: &&&Booking| Some(&booking.uid) == own;
        let is_wanted = |booking: &&&Booking| {
            let wanted = self.local.as_ref().map(|local| &local.state);
            wanted.is_some_and(|wanted| {
                wanted.start.timestamp_millis() == booking.start.timestamp_millis()
                    && Some(wanted.event_type) == booking.event_type_id()
            })
        };
        let mut candidates = live.iter();
        candidates
            .clone()
            .find(is_own)
            .or_else(|| candidates.clone().find(|b| !self.is_made_by_us(b)))
            .or_else(|| candidates.clone().find(is_wanted))
            .or_else(|| candidates.next())
            .copied()
    }
}
