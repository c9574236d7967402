//! What nobody can know yet: the two sides may rightly differ until a sweep has looked.

use chrono::TimeDelta;
use serde_json::Value;

use super::stand::Stand;
use crate::model::{Booking, BookingUid, Trigger};
use crate::store::{Appointment, Link, Origin};
use crate::sync::SYNC_KEY_METADATA;
use crate::testing;

impl Stand<'_> {
    /// Whether people have changed this chain and the engine cannot know: the webhook was lost for good,
    /// or Cal.com sends none for such a change, and nobody has read the chain since.
    pub(super) fn is_untold(&self, booking: &Booking) -> bool {
        let whole = booking.uid.seat();
        let whole = whole.map_or(booking.uid.clone(), |(whole, _)| whole);
        // All seats of a booking are told of by its webhooks; who left it, or came to it, is told by
        // those of the other one.
        let is_kin = |other: &Booking| {
            other.uid == whole
                || other.ics_uid == booking.ics_uid && booking.ics_uid.is_some()
                || (other.recurring_booking_uid.is_some()
                    && other.recurring_booking_uid == booking.recurring_booking_uid)
        };
        let kin: Vec<&Booking> = self.all.iter().filter(|other| is_kin(other)).collect();
        let ledger = &self.world.exchange.ledger;
        let tenant = &self.customer.id;
        // Of two successors of one booking, it points to one; the other is found by its own webhook
        // only.
        let was_read = |known| {
            let mut chain = kin.iter().filter(|b| leads_to(&kin, b, booking));
            chain.any(|b| ledger.was_read_after(tenant, &b.uid, known))
        };
        // A series ended while one of its occurrences was being moved: what had told of it was
        // settled by the move, and an occurrence that nobody knew then is found by a sweep.
        let series = booking.recurring_booking_uid.as_ref();
        let has_ended = series.is_some_and(|series| ledger.has_series_ended(series));
        if has_ended && !self.world.is_swept && kin.iter().any(|b| b.rescheduled_to_uid.is_some()) {
            return true;
        }
        let mut changed = self.changed_untold.iter();
        let was_changed =
            changed.any(|(uid, at)| kin.iter().any(|b| b.uid == *uid) && !was_read(*at));
        was_changed
            || self.lost.iter().any(|(delivery, at)| {
                if !delivery.url.ends_with(self.customer.id.as_str()) {
                    return false;
                }
                let named = kin.iter().find(|b| b.uid == delivery.booking_uid);
                let left = left_by(delivery).filter(|_| booking.uid != whole);
                let left = kin.iter().find(|b| Some(&b.uid) == left.as_ref());
                let Some(about) = named.or(left) else {
                    return false;
                };
                let is_peoples = match delivery.trigger {
                    _ if booking.uid != whole => true,
                    Trigger::BookingCancelled => ledger.was_ended_by_people(&about.uid),
                    Trigger::BookingRescheduled => ledger.was_moved_by_people(&about.uid),
                    // The engine knows what it has made itself, even if nobody tells it.
                    Trigger::BookingCreated | Trigger::BookingRequested => {
                        about.metadata_str(SYNC_KEY_METADATA).is_none()
                            || about.rescheduled_from_uid.is_some()
                            || delivery.trigger == Trigger::BookingCreated
                                && about.event_type_id() == Some(self.customer.types.confirms)
                    }
                    _ => true,
                };
                // What is announced is carried out a moment later.
                let known = *at + TimeDelta::seconds(30);
                is_peoples && !was_read(known)
            })
    }

    /// Whether a person is asked about a later booking of the same chain, which could not be read: until
    /// it is, nobody knows that it is this pair's.
    pub(super) fn is_asked_about_chain(&self, link: &Link) -> bool {
        let Some(own) = link.booking.as_ref().and_then(|uid| self.booking(uid)) else {
            return false;
        };
        let kin = self.all.iter().filter(|other| {
            own.ics_uid.is_some() && other.ics_uid == own.ics_uid && other.uid != own.uid
        });
        let kin: Vec<&BookingUid> = kin.map(|other| &other.uid).collect();
        let mut items = self.open.iter();
        items.any(|item| item.evidence.bookings.iter().any(|uid| kin.contains(&uid)))
    }

    /// Whether the host died before it recorded its latest change, and nothing has looked since.
    pub(super) fn is_unrecorded(&self, appointment: &Appointment) -> bool {
        let past = &self.world.exchange.past;
        past.is_unrecorded(&self.customer.id, appointment)
    }

    /// Whether the appointment's latest change may come from a worker that fell asleep between its
    /// last look at the lease and the write: where the host does not record what the engine writes,
    /// only a sweep finds that.
    pub(super) fn may_be_a_late_write(&self, appointment: &Appointment) -> bool {
        let is_told = self.world.is_swept || self.world.host_records();
        !is_told && appointment.origin == Origin::Calcom
    }
}

/// The booking that a moved booking, or seat, has left, as the webhook names it.
fn left_by(delivery: &testing::Delivery) -> Option<BookingUid> {
    let body: Value = serde_json::from_slice(&delivery.body).ok()?;
    let left = body["payload"]["rescheduleUid"].as_str()?;
    Some(BookingUid::new(left))
}

/// Whether following a chain from one of its bookings leads to another.
fn leads_to(chain: &[&Booking], from: &Booking, to: &Booking) -> bool {
    let mut at = from;
    for _ in 0..chain.len() {
        if at.uid == to.uid {
            return true;
        }
        let next = at.rescheduled_to_uid.as_ref();
        match next.and_then(|next| chain.iter().find(|b| b.uid == *next)) {
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}
