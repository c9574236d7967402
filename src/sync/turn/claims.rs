//! Whether the booking has to be read for what is waiting, and whether the read confirms what
//! deliveries claim.

use super::{Case, Stop, Turn};
use crate::model::{Booking, BookingStatus};
use crate::store::{
    AppointmentStatus, Delivery, DeliveryClaim, LogEvent, MarkSource, ReviewReason,
};
use crate::sync::seats::holds_one_of;
use crate::sync::standing::{Doubt, Standing};

impl Turn<'_> {
    /// Whether the base cannot be used as Cal.com's state, so that the booking must be read.
    pub(super) fn needs_reading(&mut self) -> bool {
        self.forget_settled_doubts();
        let now = self.claim.now;
        let never_read = self.standing.base.is_none() && self.link.booking.is_some();
        let mut deliveries = self.claim.deliveries.iter();
        deliveries.any(|delivery| !self.is_echo(delivery) && !self.is_put_off(delivery))
            || !self.claim.marks.is_empty()
            || self.standing.look_at.is_some_and(|at| at <= now)
            || self.standing.awaits_outcome()
            || self.may_have_landed()
            || self.standing.verify
            || self.standing.retiring.is_some()
            || !self.standing.rivals.is_empty()
            || never_read
            || self.claims_calcom()
    }

    /// Whether a delivery claims nothing beyond the base's remote half: nearly always an echo of
    /// our own write.
    pub(super) fn is_echo(&self, delivery: &Delivery) -> bool {
        let named = delivery.booking.as_ref();
        let has_ended = delivery
            .claim
            .status
            .is_some_and(|status| !status.is_live());
        if has_ended && named.is_some_and(|uid| self.standing.retired.contains(uid)) {
            return true;
        }
        let (Some(base), Some(status)) = (&self.standing.base, delivery.claim.status) else {
            return false;
        };
        if delivery.booking != self.link.booking {
            return false;
        }
        let known = &base.remote;
        if !status.is_live() {
            return !known.status.is_live();
        }
        let millis = |instant: chrono::DateTime<chrono::Utc>| instant.timestamp_millis();
        known.status == status
            && delivery.claim.start.map(millis) == Some(millis(known.start))
            && delivery.claim.end.map(millis) == Some(millis(known.end))
    }

    fn doubt(&self, delivery: &Delivery) -> Option<&Doubt> {
        let mut doubts = self.standing.doubts.iter();
        doubts.find(|doubt| doubt.delivery == delivery.id)
    }

    /// Whether it is too early to look again for what a delivery claims.
    fn is_put_off(&self, delivery: &Delivery) -> bool {
        self.doubt(delivery)
            .is_some_and(|doubt| doubt.again_at > self.claim.now)
    }

    /// Whether a delivery's claim will be looked for again.
    pub(super) fn is_in_doubt(&self, delivery: &Delivery) -> bool {
        self.doubt(delivery).is_some()
    }

    /// Drops doubts about claims that have become true or no longer wait.
    fn forget_settled_doubts(&mut self) {
        let doubted = self.claim.deliveries.iter();
        let kept: Vec<_> = doubted
            .filter(|delivery| !self.is_echo(delivery))
            .map(|delivery| delivery.id)
            .collect();
        let doubts = &mut self.standing.doubts;
        doubts.retain(|doubt| kept.contains(&doubt.delivery));
    }

    /// Compares deliveries' claims with what was just read. An unconfirmed claim is looked for
    /// again after growing pauses, while other work continues.
    ///
    /// # Errors
    ///
    /// [`Stop::NotYet`] if there is nothing but such a claim to go by; a review case if a booking
    /// was never found.
    pub(super) fn judge_claims(&mut self) -> Result<(), Stop> {
        let now = self.claim.now;
        let mut doubts = Vec::new();
        let mut missing = None;
        for delivery in &self.claim.deliveries {
            let Some(uid) = &delivery.booking else {
                continue;
            };
            let Some(read) = self.visited.get(uid) else {
                doubts.extend(self.doubt(delivery).cloned());
                continue;
            };
            if self.strays.contains_key(uid) || is_borne_out(&delivery.claim, read.as_ref()) {
                continue;
            }
            let known = self.doubt(delivery).cloned();
            if let Some(known) = known.clone().filter(|known| known.again_at > now) {
                doubts.push(known);
                continue;
            }
            let looks = known.map_or(0, |doubt| doubt.looks).saturating_add(1);
            let index = usize::try_from(looks).unwrap_or(usize::MAX) - 1;
            let booking = uid.clone();
            match self.engine.config.claim_delays.get(index) {
                Some(delay) => {
                    let again_at = now + *delay;
                    doubts.push(Doubt {
                        delivery: delivery.id,
                        looks,
                        again_at,
                    });
                    self.log.push(LogEvent::NotThereYet {
                        booking,
                        looks,
                        again_at,
                    });
                }
                None if self.contradicted.contains(&delivery.id) => {}
                None => {
                    self.contradicted.push(delivery.id);
                    if read.is_none() && self.link.booking.as_ref() != Some(uid) {
                        missing = Some(booking.clone());
                    }
                    self.log.push(LogEvent::Contradicted { booking });
                }
            }
        }
        self.standing.doubts = doubts;
        if let Some(missing) = missing {
            let case = Case::of(ReviewReason::BookingMissing);
            return Err(case.about([missing]).into());
        }
        if self.remote.is_some() || self.link.booking.is_none() {
            return Ok(());
        }
        if !self.standing.doubts.is_empty() {
            return Err(Stop::NotYet);
        }
        let is_stray = self
            .link
            .booking
            .as_ref()
            .is_some_and(|uid| self.strays.contains_key(uid));
        if self.link.appointment.is_none() && !is_stray {
            return Err(Case::of(ReviewReason::BookingMissing).into());
        }
        Ok(())
    }

    /// Whether other bookings of the series may have ended: cancelling a series sends only one
    /// delivery.
    pub(super) fn series_may_have_ended(&self) -> bool {
        let Some(remote) = &self.remote else {
            return false;
        };
        let before = Standing::of(&self.claim.link).ok().and_then(|s| s.base);
        let was_live = before.is_some_and(|base| base.remote.status.is_live());
        let mut known = self.claim.deliveries.iter();
        let is_told = known.any(|delivery| claims_an_end(delivery) && !self.is_in_doubt(delivery));
        // One that was looked at because another one had ended has siblings that were marked with
        // it.
        let is_seen = self.fresh && was_live && !self.pushed && !self.is_marked_by_sibling();
        // The one that the delivery names may have been moved meanwhile, and live on; the others
        // have ended all the same.
        self.link.series.is_some() && (is_told || is_seen && !remote.state.status.is_live())
    }

    /// Whether a delivery that was not compared with a read says that a booking of the series has ended.
    pub(super) fn leaves_an_end_unread(&self) -> bool {
        let is_of_series = self.link.series.is_some();
        is_of_series && !self.fresh && self.claim.deliveries.iter().any(claims_an_end)
    }

    /// Whether the link is in review and nothing has arrived since that could lead to another
    /// write.
    pub(super) fn is_only_looked_at(&self) -> bool {
        let claim = &self.claim;
        let is_quiet =
            claim.changes.is_empty() && claim.deliveries.is_empty() && claim.marks.is_empty();
        self.standing.in_review && is_quiet && !self.landed
    }

    /// Whether another booking of the series has ended.
    pub(super) fn is_marked_by_sibling(&self) -> bool {
        let mut marks = self.claim.marks.iter();
        marks.any(|mark| mark.source == MarkSource::Sibling)
    }
}

fn claims_an_end(delivery: &Delivery) -> bool {
    let status = delivery.claim.status;
    status.is_some_and(|status| !status.is_live())
}

/// Whether a booking has reached, or gone beyond, what a delivery claims.
fn is_borne_out(claim: &DeliveryClaim, read: Option<&Booking>) -> bool {
    let Some(booking) = read else {
        return false;
    };
    match claim.status {
        None | Some(AppointmentStatus::Pending) => true,
        Some(AppointmentStatus::Confirmed) => booking.status != BookingStatus::Pending,
        Some(AppointmentStatus::Cancelled | AppointmentStatus::Declined) => {
            let is_of_seats = !claim.seats.is_empty() && booking.is_seated();
            !booking.is_live() || is_of_seats && !holds_one_of(booking, &claim.seats)
        }
    }
}
