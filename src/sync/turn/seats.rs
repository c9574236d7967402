//! The turn of a whole booking with seats. It has no appointment of its own; it makes the engine look
//! at every seat.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Stop, Turn, TurnOutcome};
use crate::model::{Booking, BookingUid, format_instant};
use crate::store::{
    Delivery, DeliveryFate, LinkKey, NewDelivery, NoticeSource, Settlement, StoreError, SyncKey,
};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::calendar::CalendarError;
use crate::sync::seats::{group_of, same_seat, seat_of, seats_of};
use crate::sync::sync_engine::SyncEngine;

impl Turn<'_> {
    /// Reads a booking, or one seat of one.
    pub(super) async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        let calendar = &self.tenant.calendar;
        let Some((whole, seat)) = uid.seat() else {
            return self.call(calendar.booking(uid)).await;
        };
        let Some(whole) = self.call(calendar.booking(&whole)).await? else {
            return Ok(None);
        };
        let mut one = seat_of(&whole, &seat);
        if let Some(next) = self.seats_moved.get(uid).filter(|_| !one.is_live()) {
            one.rescheduled_to_uid = Some(next.clone());
        } else if let Some(next) = whole
            .rescheduled_to_uid
            .as_ref()
            .filter(|_| !whole.is_live())
        {
            // Moved together with all other seats.
            let next = self.call(calendar.booking(next)).await?;
            one.rescheduled_to_uid = next.and_then(|next| {
                let seat = same_seat(&whole, &seat, &next)?;
                Some(next.uid.with_seat(&seat))
            });
        }
        let mut moved = self.seats_moved.iter();
        let from = moved.find(|(_, to)| *to == uid);
        one.rescheduled_from_uid = from.map(|(from, _)| from.clone());
        Ok(Some(one))
    }

    /// The moves of this seat to another booking that deliveries report, by its former name.
    pub(super) fn reported_moves(&self) -> BTreeMap<BookingUid, BookingUid> {
        let own = self.link.booking.as_ref();
        let Some((own, (whole, _))) = own.and_then(|own| Some((own, own.seat()?))) else {
            return BTreeMap::new();
        };
        let left = |delivery: &&Delivery| delivery.claim.moved_from.as_ref() == Some(&whole);
        let moved = self.claim.deliveries.iter().filter(left);
        let moved = moved.filter_map(|delivery| delivery.booking.clone());
        moved
            .filter(|to| to != own)
            .map(|to| (own.clone(), to))
            .collect()
    }

    /// Whether the link is that of a whole booking with seats. One whose seats have all been given up
    /// is shown without attendees.
    pub(super) fn is_group(&self, booking: &Booking) -> bool {
        let nobody_is_left = booking.attendees.is_empty() && self.link.appointment.is_none();
        let is_whole = booking.uid.seat().is_none();
        booking.is_seated()
            || self.link.series == Some(group_of(&booking.uid))
            || is_whole && nobody_is_left
    }

    /// Makes sure that the booking which the seat belongs to has a link of its own, to which webhooks
    /// without a seat are routed.
    pub(super) async fn tell_whole_booking(&self) -> Result<(), StoreError> {
        let tenant = &self.link.tenant;
        if let Some((whole, _)) = self.link.booking.as_ref().and_then(BookingUid::seat) {
            let key = LinkKey::Booking(whole.clone());
            let known = self.engine.store.find(tenant, &key);
            if self.engine.store_call(known).await?.is_none() {
                self.tell(whole, None, "").await?;
            }
        }
        Ok(())
    }

    /// Makes sure that the booking which a seat has left is looked at. The deliveries that say so
    /// are settled with this turn, whatever becomes of it.
    pub(super) async fn tell_left_bookings(&self) -> Result<(), StoreError> {
        for delivery in &self.claim.deliveries {
            if let Some(left) = delivery.claim.moved_from.clone() {
                self.tell(left, None, &delivery.id.to_string()).await?;
            }
        }
        Ok(())
    }

    /// Puts a notice about a booking or a seat into the inbox.
    pub(super) async fn tell(
        &self,
        about: BookingUid,
        sync_key: Option<SyncKey>,
        occasion: &str,
    ) -> Result<(), StoreError> {
        let mut fingerprint = Sha256::new_with_prefix("calcom seats\n");
        fingerprint.update(about.as_str().as_bytes());
        fingerprint.update(b"\n");
        fingerprint.update(occasion.as_bytes());
        let tenant = self.link.tenant.clone();
        let mut notice = NewDelivery::new(tenant, fingerprint.finalize().into(), "");
        notice.source = NoticeSource::Seats;
        notice.booking = Some(about);
        notice.sync_key = sync_key;
        let accepted = self.engine.store.accept(notice);
        self.engine.store_call(accepted).await?;
        self.engine.nudge();
        Ok(())
    }

    /// Marks the links of the booking's seats, and gives notice of the seats that have none.
    pub(super) async fn pass_on(
        &mut self,
        whole: Booking,
    ) -> Result<(Settlement, TurnOutcome), StoreError> {
        self.fresh = true;
        // An unconfirmed claim is looked for again; nothing else can stop this turn.
        let is_early = matches!(self.judge_claims(), Err(Stop::NotYet));
        let occasion = whole.updated_at.map(format_instant).unwrap_or_default();
        let group = group_of(&whole.uid);
        self.link.booking = Some(whole.uid.clone());
        for seat in seats_of(whole)
            .into_iter()
            .filter(|seat| seat.uid.seat().is_some())
        {
            let key = LinkKey::Booking(seat.uid.clone());
            let known = self.engine.store.find(&self.link.tenant, &key);
            if self.engine.store_call(known).await?.is_none() {
                let sync_key = seat.metadata_str(SYNC_KEY_METADATA).map(SyncKey::new);
                self.tell(seat.uid, sync_key, &occasion).await?;
            }
        }
        self.link.series = Some(group);
        self.mark_siblings = true;
        self.standing.attempts = 0;
        self.standing.verify = false;
        self.standing.in_review = false;
        let mut settlement = self.settlement();
        settlement.settled = true;
        settlement.marks = self.heeded_marks(true);
        settlement.wake = self.next_doubt();
        self.settle_deliveries(&mut settlement, &DeliveryFate::Agreed);
        let outcome = if is_early {
            TurnOutcome::Waiting
        } else {
            TurnOutcome::Settled
        };
        Ok((settlement, outcome))
    }
}
