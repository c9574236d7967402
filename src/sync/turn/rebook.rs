//! Replacing a booking by another one, where Cal.com cannot change it in place.
//!
//! The new booking is made first, so that the attendee is never without one. The old booking is
//! cancelled first only if it occupies the new time itself; if the new one is then refused, the old
//! one is booked again. Every step is recorded before it is sent: a pending creation names the booking
//! that it [replaces](SentWrite::Create), a pending cancellation of a live appointment makes room, and
//! [`Standing::retiring`](crate::sync::Standing::retiring) holds the step that remains.

use chrono::TimeDelta;

use super::landing::Landing;
use super::push::{cancellation, is_collision, is_refused, whole_and_seat};
use super::{Case, Stop, Turn};
use crate::model::{Booking, BookingQuery, BookingUid};
use crate::store::{
    AppointmentState, AppointmentStatus, Differences, Field, LogEvent, NewReview, ReviewEnd,
    ReviewEvidence, ReviewReason,
};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::calendar::{CalendarError, CalendarErrorKind, EventTypeFacts, Write};
use crate::sync::review::with_causes;
use crate::sync::seats;
use crate::sync::standing::{Base, Retiring, SentWrite};
use crate::sync::state::project;

/// How far around a wanted time to look for bookings that reach into it, in hours.
const NEIGHBOURS_HOURS: i64 = 24;

impl Turn<'_> {
    /// Books the appointment anew, in place of its booking.
    pub(super) async fn rebook(&mut self) -> Result<(), Stop> {
        let (state, _) = self.wanted()?;
        let old = self.current_booking()?;
        let facts = self.own_event_type(state.event_type).await?;
        if let Some(remote) = &self.remote {
            let apart = self.wish.intersection(state.differences(&remote.state));
            let minutes = (state.end - state.start).num_minutes();
            let is_offered = facts
                .lengths
                .iter()
                .any(|offered| i64::from(*offered) == minutes);
            // The new booking would have the length that this one has.
            if apart == Differences::NONE.with(Field::Length) && !is_offered {
                let message = format!(
                    "The appointment now lasts {minutes} min, which its event type does not offer. Take Cal.com's state, accept the difference, or choose another event type."
                );
                return Err(Case::new(ReviewReason::NotExpressible, message).into());
            }
        }
        self.create(Some(old)).await
    }

    /// Cancels the booking of an appointment that was refused its new time, if nothing but this
    /// booking is in the way. The next round books the new time.
    pub(super) async fn make_room(
        &mut self,
        old: BookingUid,
        wanted: &AppointmentState,
        why: &CalendarError,
    ) -> Result<(), Stop> {
        let Some(remote) = self.remote.clone() else {
            return Err(self.slot_taken(wanted, why).await);
        };
        let was_in_vain = self.standing.no_room_for.as_ref() == Some(wanted);
        if was_in_vain && self.instruction().is_none() {
            return Err(self.slot_taken(wanted, why).await);
        }
        let overlaps = remote.state.start < wanted.end && wanted.start < remote.state.end;
        let facts = self.own_event_type(wanted.event_type).await?;
        if !overlaps || self.is_taken_by_others(&old, wanted, &facts).await? {
            return Err(self.slot_taken(wanted, why).await);
        }
        let reason = self.reason_or(&self.engine.config.rebooking_reason);
        let write = SentWrite::cancel(old.clone()).because(reason.clone());
        self.begin(write.clone(), wanted);
        self.checkpoint().await.map_err(Stop::Store)?;
        let sent = cancellation(&old, reason);
        match self.send(&sent).await {
            Ok(_) => {
                self.landed(&write, wanted);
                self.has_made_room(&old);
                Ok(())
            }
            Err(error) => self.after_failed_change(error, &write, wanted).await,
        }
    }

    /// Whether another booking takes the wanted time of whoever could hold it.
    async fn is_taken_by_others(
        &self,
        old: &BookingUid,
        wanted: &AppointmentState,
        facts: &EventTypeFacts,
    ) -> Result<bool, Stop> {
        let around = TimeDelta::hours(NEIGHBOURS_HOURS);
        let query = BookingQuery {
            after_start: Some(wanted.start - around),
            before_end: Some(wanted.end + around),
            ..BookingQuery::default()
        };
        let there = self.call(self.tenant.calendar.bookings(&query)).await?;
        let (whole, _) = whole_and_seat(old);
        Ok(there.iter().any(|booking| {
            let mut hosts = booking.hosts.iter().filter_map(|host| host.id);
            let is_of_host = hosts.any(|host| facts.hosts.contains(&host))
                || booking.event_type_id() == Some(wanted.event_type);
            let overlaps = booking.start < wanted.end && wanted.start < booking.end;
            booking.is_live() && booking.uid != whole && overlaps && is_of_host
        }))
    }

    /// Records that the link's booking was cancelled to make room for another one.
    fn has_made_room(&mut self, old: &BookingUid) {
        self.standing.retire(old.clone());
        self.standing.retiring = Some(Retiring {
            booking: old.clone(),
            base: self.standing.base.take(),
            is_gone: true,
        });
        self.link.booking = None;
        self.remote = None;
        self.standing.owed = Differences::NONE;
        self.pushed = true;
    }

    /// Records that the replacement of a booking exists, so that the old one is cancelled next.
    pub(super) fn has_been_replaced(&mut self, old: BookingUid, base: Option<Base>) {
        self.standing.retiring = Some(Retiring {
            booking: old,
            base,
            is_gone: false,
        });
    }

    /// The replaced booking that is still to be cancelled.
    pub(super) fn to_retire(&self) -> Option<&BookingUid> {
        let retiring = self.standing.retiring.as_ref()?;
        let is_replaced = self
            .link
            .booking
            .as_ref()
            .is_some_and(|own| *own != retiring.booking);
        (!retiring.is_gone && is_replaced).then_some(&retiring.booking)
    }

    /// Cancels the booking that was replaced, if there is one.
    pub(super) async fn retire_replaced(&mut self) -> Result<(), Stop> {
        let Some(old) = self.to_retire().cloned() else {
            return Ok(());
        };
        if let Some(Some(known)) = self.visited.get(&old)
            && !known.is_live()
        {
            self.has_ended_meanwhile(&old);
            return Ok(());
        }
        let (mut state, origin) = self.wanted()?;
        // What tells this cancellation from that of the appointment: it is sent for one that lives.
        state.status = AppointmentStatus::Confirmed;
        let reason = self.reason_or(&self.engine.config.rebooking_reason);
        let write = SentWrite::cancel(old.clone()).because(reason.clone());
        self.begin(write.clone(), &state);
        self.checkpoint().await.map_err(Stop::Store)?;
        let sent = cancellation(&old, reason);
        match self.send(&sent).await {
            Ok(_) => {
                self.landed(&write, &state);
                self.log.push(LogEvent::BookingCancelled {
                    booking: old.clone(),
                    origin,
                });
                self.has_retired(&old);
                Ok(())
            }
            Err(error) if is_collision(&error) => {
                let found = self.booking(&old).await?;
                let is_ours = found
                    .as_ref()
                    .is_none_or(|found| self.was_cancelled_by_us(found));
                self.refused(&write, &state);
                match found {
                    Some(booking) if booking.is_live() => return Err(not_retired(&old, &error)),
                    Some(booking) if booking.rescheduled_to_uid.is_some() => {
                        return self.read_remote().await;
                    }
                    _ if is_ours => self.has_retired(&old),
                    _ => self.has_ended_meanwhile(&old),
                }
                Ok(())
            }
            Err(error) if error.kind() == CalendarErrorKind::Rejected => {
                self.refused(&write, &state);
                Err(not_retired(&old, &error))
            }
            Err(error) => Err(self.after_refusal(error, &write, &state)),
        }
    }

    /// Whether an attempt of ours may have cancelled a booking, by the reason given.
    fn was_cancelled_by_us(&self, ended: &Booking) -> bool {
        self.standing.pending.iter().any(|known| {
            matches!(&known.write, SentWrite::Cancel { booking, reason: Some(reason) }
                if *booking == ended.uid && seats::may_bear(ended, reason.as_str()))
        })
    }

    fn has_retired(&mut self, old: &BookingUid) {
        self.standing.retire(old.clone());
        self.standing.retiring = None;
        self.pushed = true;
    }

    /// Reports that somebody at Cal.com cancelled the booking while the engine was replacing it: they
    /// may want no appointment at all.
    fn has_ended_meanwhile(&mut self, old: &BookingUid) {
        self.standing.retire(old.clone());
        self.standing.retiring = None;
        let message = format!(
            "The booking {old} was cancelled at Cal.com while the engine replaced it by another one, which stands. Cancel the appointment if that was meant, then dismiss the item."
        );
        let mut evidence = ReviewEvidence::new(message);
        evidence.local = self.local.as_ref().map(|local| local.state.clone());
        evidence.remote = self.remote.as_ref().map(|remote| remote.state.clone());
        evidence.bookings = self.link.booking.iter().cloned().collect();
        evidence.bookings.push(old.clone());
        let mut review = NewReview::of_link(ReviewReason::RemoteEnded, evidence);
        // Both sides agree; the item is about what somebody may have meant.
        review.cause = format!("{}/replaced", ReviewReason::RemoteEnded);
        self.log.push(LogEvent::SentToReview {
            reason: ReviewReason::RemoteEnded,
        });
        self.reports.push(review.ending(ReviewEnd::ByPerson));
    }

    /// Records that somebody at Cal.com moved the booking while it was being replaced. The moved one
    /// stays and the replacement is cancelled as a late landing; the next decision finds that both
    /// sides have changed.
    pub(super) fn note_moved(&mut self) {
        let Some(old) = self.to_retire().cloned() else {
            return;
        };
        let head = self.head_of(&old).filter(|head| *head != old);
        let head = head.and_then(|head| self.visited.get(&head)?.as_ref());
        if !head.is_some_and(Booking::is_live) {
            return;
        }
        let retiring = self.standing.retiring.take();
        self.standing.base = retiring.and_then(|retiring| retiring.base);
        self.standing.owed = Differences::NONE;
        let made = self.link.booking.replace(old);
        self.standing.late.extend(made.clone());
        self.standing.rivals.extend(made);
    }

    /// Records the cancellations of replaced bookings that were found to have succeeded.
    pub(super) fn note_retired(&mut self, landings: &[Landing]) {
        for landing in landings {
            let SentWrite::Cancel { booking, .. } = &landing.pending.write else {
                continue;
            };
            if !landing.pending.state.status.is_live() {
                continue;
            }
            let old = booking.clone();
            if self.link.booking.as_ref() == Some(&old) {
                self.has_made_room(&old);
            } else if self.to_retire() == Some(&old) {
                self.has_retired(&old);
            } else {
                self.standing.retire(old);
            }
        }
    }

    /// The booking that a creation has left in place of the link's own, if anybody still wants it:
    /// somebody at Cal.com, who has moved it, or else the host.
    pub(super) fn replacement<'b>(
        &mut self,
        live: &[&'b Booking],
        landings: &[Landing],
    ) -> Option<&'b Booking> {
        let own = self.link.booking.clone()?;
        // Somebody at Cal.com has moved the one that was to be replaced: theirs stays.
        let moved_to = self.head_of(&own).filter(|head| *head != own);
        if live.iter().any(|head| Some(&head.uid) == moved_to.as_ref()) {
            return None;
        }
        let wanted = self.local.as_ref().map(|local| local.state.clone())?;
        let replaces_own = |landing: &&Landing| {
            let replaces = match &landing.pending.write {
                SentWrite::Create { replaces, .. } => replaces.as_ref(),
                _ => None,
            };
            replaces.is_some_and(|old| self.head_of(old) == self.head_of(&own))
        };
        let made = landings.iter().filter(replaces_own).filter_map(|landing| {
            let head = self.head_of(&landing.booking)?;
            let stands = live.iter().find(|booking| booking.uid == head)?;
            Some((landing, *stands))
        });
        let made: Vec<(&Landing, &Booking)> = made.collect();
        let is_moved = |(landing, stands): &&(&Landing, &Booking)| stands.uid != landing.booking;
        let is_wanted =
            |(landing, _): &&(&Landing, &Booking)| landing.pending.state.agrees_with(&wanted);
        let moved = made.iter().find(is_moved);
        let (_, replacement) = *moved.or_else(|| made.iter().find(is_wanted))?;
        self.log.push(LogEvent::BookingReplaced {
            from: own.clone(),
            to: replacement.uid.clone(),
            origin: self.local.as_ref()?.origin.clone(),
        });
        let base = self.standing.base.clone();
        self.has_been_replaced(own, base);
        Some(replacement)
    }

    /// Books the old booking again if it was cancelled to make room for one that was refused.
    pub(super) async fn undo_rebooking(&mut self, stop: Stop) -> Stop {
        let Some(gone) = self.standing.retiring.clone().filter(|r| r.is_gone) else {
            return stop;
        };
        let (Some(base), Some(appointment)) = (gone.base, self.link.appointment.clone()) else {
            return stop;
        };
        self.standing.no_room_for = self.local.as_ref().map(|local| local.state.clone());
        let state = base.remote;
        let Ok(facts) = self.own_event_type(state.event_type).await else {
            return stop;
        };
        let keys = &self.engine.sync_keys;
        let sync_key = keys.derive(&self.link.tenant, &appointment, self.standing.generation);
        let write = SentWrite::create(sync_key.clone());
        self.begin(write.clone(), &state);
        if let Err(error) = self.checkpoint().await {
            return Stop::Store(error);
        }
        let booking = self.new_booking(&state, &facts, &sync_key);
        let sent = Write::Create(Box::new(booking));
        let again = self.send(&sent).await;
        match again.map(|again| seats::answered(again, None)) {
            Ok(again) if again.metadata_str(SYNC_KEY_METADATA) == Some(sync_key.as_str()) => {
                self.standing.generation += 1;
                self.landed(&write, &state);
                self.log.push(LogEvent::RebookingUndone {
                    from: gone.booking,
                    to: again.uid.clone(),
                });
                self.standing.retiring = None;
                let answered = project(&again, Some(&state)).unwrap_or(state);
                self.standing.base = Some(Base::new(base.local, answered));
                if let Err(untellable) = self.take_remote(&again) {
                    return untellable;
                }
            }
            Ok(_) => self.refused(&write, &state),
            Err(error) if is_refused(&error) || is_collision(&error) => {
                self.refused(&write, &state);
            }
            // Should it have been carried out, it is found by its key.
            Err(_) => {}
        }
        stop
    }

    /// The state of an incomplete replacement, for the reviewer.
    pub(super) fn what_stands(&self) -> Option<String> {
        let retiring = self.standing.retiring.as_ref()?;
        let old = &retiring.booking;
        match &self.link.booking {
            None => Some(format!(
                "The booking {old} was cancelled to make room for this change, and the appointment has no booking now."
            )),
            Some(new) if new != old => Some(format!(
                "The booking {new} was made in place of {old}, which is not cancelled yet."
            )),
            Some(_) => None,
        }
    }
}

fn not_retired(old: &BookingUid, error: &CalendarError) -> Stop {
    let message = format!(
        "The replaced booking {old} cannot be cancelled: {}. Cancel it at Cal.com, then retry.",
        with_causes(error)
    );
    let case = Case::new(ReviewReason::TwoLiveBookings, message);
    case.about([old.clone()]).into()
}
