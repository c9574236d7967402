//! Unanswered writes: kept until their outcome is known or they can no longer take effect ("land"),
//! and recognized when they do.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Turn;
use crate::model::{Booking, BookingUid};
use crate::store::{
    AppointmentState, AppointmentStatus, Differences, Field, Guests, LogEvent, Reason,
};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::decide::ANSWERED;
use crate::sync::seats::may_bear;
use crate::sync::standing::{Base, PendingWrite, SentWrite};
use crate::sync::state::project;

/// When, after sending, to look unprompted for a write of unknown outcome, besides at the end.
/// Usually its webhook comes first.
const LOOKS: [TimeDelta; 3] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(30),
    TimeDelta::seconds(120),
];

/// The late result of a write of unknown outcome.
#[derive(Clone, Debug)]
pub(super) struct Landing {
    /// The booking that proves it.
    pub(super) booking: BookingUid,
    /// The write.
    pub(super) pending: PendingWrite,
    /// The booking as the response would have shown it.
    pub(super) answered: AppointmentState,
}

impl Landing {
    /// In how many fields the booking differs from what was sent: first in those that Cal.com takes
    /// as they are sent, then in all of them.
    fn distance(&self) -> (usize, usize) {
        let apart = self.answered.differences(&self.pending.state);
        let as_sent = apart.intersection(self.pending.write.carries());
        // Where a new booking takes place, its event type may say.
        let as_sent = as_sent.without(ANSWERED.with(Field::Location));
        (as_sent.count(), apart.count())
    }
}

impl Turn<'_> {
    /// Records a write before it is sent.
    pub(super) fn begin(&mut self, write: SentWrite, state: &AppointmentState) {
        let (now, wish) = (self.claim.now, self.wish);
        match self.pending(&write, state) {
            Some(known) => {
                known.sends = known.sends.saturating_add(1);
                known.sent_at = now;
                known.is_known = false;
            }
            None => self.standing.pending.push(PendingWrite {
                write,
                state: state.clone(),
                wish,
                sent_at: now,
                sends: 1,
                is_known: false,
            }),
        }
    }

    fn pending(
        &mut self,
        write: &SentWrite,
        state: &AppointmentState,
    ) -> Option<&mut PendingWrite> {
        let mut pending = self.standing.pending.iter_mut();
        pending.find(|known| known.write == *write && known.state == *state)
    }

    /// Notes that one attempt of a write was carried out.
    pub(super) fn landed(&mut self, write: &SentWrite, state: &AppointmentState) {
        if let Some(known) = self.pending(write, state) {
            known.sends = known.sends.saturating_sub(1);
            known.is_known = true;
        }
        self.forget_answered();
    }

    /// Notes that one attempt of a write was certainly not carried out.
    pub(super) fn refused(&mut self, write: &SentWrite, state: &AppointmentState) {
        if let Some(known) = self.pending(write, state) {
            known.sends = known.sends.saturating_sub(1);
        }
        self.forget_answered();
    }

    fn forget_answered(&mut self) {
        self.standing.pending.retain(|known| known.sends > 0);
    }

    fn age(&self, pending: &PendingWrite) -> TimeDelta {
        self.claim.now - pending.sent_at
    }

    fn horizon(&self) -> TimeDelta {
        TimeDelta::from_std(self.engine.config.late_landing).unwrap_or(TimeDelta::MAX)
    }

    /// Whether a write may have landed (again) and its last look is due.
    pub(super) fn may_have_landed(&self) -> bool {
        let mut pending = self.standing.pending.iter();
        pending.any(|known| self.age(known) >= self.horizon())
    }

    /// Forgets writes that can no longer land, once they have been looked for after that time.
    pub(super) fn forget_what_cannot_land(&mut self) {
        if !self.fresh {
            return;
        }
        let (now, horizon) = (self.claim.now, self.horizon());
        let pending = &mut self.standing.pending;
        pending.retain(|known| now - known.sent_at < horizon);
    }

    /// When to look next for writes of unknown outcome.
    pub(super) fn next_look_for_landings(&self) -> Option<Duration> {
        let waits = self.standing.pending.iter().map(|known| {
            let age = self.age(known);
            let looks = LOOKS.iter().filter(|_| !known.is_known).copied();
            let next = looks.filter(|look| *look > age).min();
            let next = next.map_or(self.horizon(), |look| look.min(self.horizon()));
            (next - age).to_std().unwrap_or_default()
        });
        waits.min()
    }

    /// Recognizes the results of unanswered writes among the bookings just read. They are late
    /// responses to our own writes, not changes made at Cal.com.
    pub(super) fn recognize_landings(&mut self) -> Vec<Landing> {
        let mut landings: Vec<Landing> = Vec::new();
        let mut unanswered = self.standing.pending.clone();
        unanswered.retain(|pending| !pending.is_known);
        // One booking answers one write: of several that could have made it, the one whose state it
        // is closest to.
        loop {
            let found = unanswered.iter().filter_map(|pending| {
                let booking = self.landing_of(pending, &landings)?;
                Some(Landing {
                    answered: as_answered(&booking, pending)?,
                    booking: booking.uid,
                    pending: pending.clone(),
                })
            });
            let Some(closest) = found.min_by_key(Landing::distance) else {
                break;
            };
            unanswered.retain(|pending| *pending != closest.pending);
            landings.push(closest);
        }
        // In the order in which they were sent: the last one is what was wanted last.
        let order = |landing: &Landing| {
            let mut pending = self.standing.pending.iter();
            pending.position(|known| *known == landing.pending)
        };
        landings.sort_by_key(order);
        for landing in &landings {
            self.log.push(LogEvent::BookingAdopted {
                booking: landing.booking.clone(),
            });
            if let SentWrite::Create { sync_key, .. } = &landing.pending.write
                && self.is_current(sync_key)
            {
                self.standing.generation += 1;
            }
            self.landed(&landing.pending.write, &landing.pending.state);
        }
        self.landed = !landings.is_empty();
        if self.landed {
            // What follows is another piece of work.
            self.standing.attempts = 0;
        }
        landings
    }

    /// Whether the link's own booking came from another attempt of the same write, so that a
    /// landing duplicates it.
    pub(super) fn is_double(&self, landing: &Landing, own: &BookingUid) -> bool {
        let own = self.visited.get(own).and_then(Option::as_ref);
        match (&landing.pending.write, own) {
            (SentWrite::Create { sync_key, .. }, Some(own)) => {
                own.metadata_str(SYNC_KEY_METADATA) == Some(sync_key.as_str())
            }
            (SentWrite::Reschedule { booking, .. }, Some(own)) => {
                own.rescheduled_from_uid.as_ref() == Some(booking)
            }
            _ => false,
        }
    }

    /// Whether a key belongs to the current generation, which ends once its booking is known.
    fn is_current(&self, key: &crate::store::SyncKey) -> bool {
        let keys = &self.engine.sync_keys;
        self.link.appointment.as_ref().is_some_and(|appointment| {
            keys.derive(&self.link.tenant, appointment, self.standing.generation) == *key
        })
    }

    /// Makes Cal.com's response to a write, timely or late, the base's remote half, and what was
    /// sent its local half. A part of the wish that the write did not carry is left looking changed
    /// by the host, and is pushed next.
    pub(super) fn take_answer(
        &mut self,
        write: &SentWrite,
        wish: Differences,
        sent: &AppointmentState,
        answered: AppointmentState,
    ) {
        let carried = write.carries();
        let shared = shared_guests(sent, &answered).filter(|_| carried.contains(Field::Guests));
        let is_creation = matches!(write, SentWrite::Create { .. });
        // A new booking is to be all that the appointment is.
        let wish = if is_creation { Differences::ALL } else { wish };
        let before = self.standing.base.take().filter(|_| !is_creation);
        let before = before.unwrap_or_else(|| Base::new(sent.clone(), answered.clone()));
        // What Cal.com held before is no news, unless the appointment has yet to hear of it; and the
        // rest of a wish is sent next.
        let news = answered.differences(&before.remote).union(carried);
        let news = news.union(self.standing.owed).intersection(ANSWERED);
        let apart = sent.differences(&answered);
        self.standing.owed = apart.intersection(news).without(wish.without(carried));
        let mut base = base_after(&before, sent, answered, carried, wish);
        if shared.is_some() {
            base.local.guests.clone_from(&shared);
            base.remote.guests = shared;
        }
        self.standing.base = Some(base);
        self.pushed = true;
    }

    /// The booking produced by a write, if it is among those read and no other write produced it.
    fn landing_of(&self, pending: &PendingWrite, others: &[Landing]) -> Option<Booking> {
        let is_free = |booking: &&Booking| {
            others.iter().all(|o| o.booking != booking.uid)
                && !self.has_been_answered(booking, pending)
        };
        let mut read = self.visited.values().flatten().filter(is_free);
        let found = match &pending.write {
            SentWrite::Create { sync_key, .. } => {
                let carries = |booking: &&Booking| {
                    booking.metadata_str(SYNC_KEY_METADATA) == Some(sync_key.as_str())
                };
                // The attempt that made a booking is told by the booking's own start; one that was
                // moved since by its key alone.
                let exact = read.clone().filter(carries).find(|booking| {
                    booking.rescheduled_from_uid.is_none()
                        && is_same_instant(booking.start, pending.state.start)
                });
                exact.or_else(|| {
                    let roots = read.clone().filter(carries);
                    let mut roots = roots.filter(|b| b.rescheduled_from_uid.is_none());
                    let has_root = roots.next().is_some();
                    let mut others = read.filter(carries);
                    let is_last = self.is_last_create(pending);
                    others.next().filter(|_| !has_root && is_last)
                })?
            }
            SentWrite::Reschedule { booking, start } => read.find(|next| {
                next.rescheduled_from_uid.as_ref() == Some(booking)
                    && is_same_instant(next.start, *start)
            })?,
            SentWrite::Cancel { booking, reason } => read.find(|ended| {
                // Somebody else may have cancelled it meanwhile, and would give another reason or
                // none.
                let given = reason.as_ref().map(Reason::as_str);
                let given = given.unwrap_or(&self.engine.config.cancellation_reason);
                let ours = may_bear(ended, given);
                ended.uid == *booking
                    && !ended.is_live()
                    && ended.rescheduled_to_uid.is_none()
                    && ours
            })?,
            SentWrite::Amend { booking, fields } => read.find(|amended| {
                let state = project(amended, Some(&pending.state)).ok();
                let is_done =
                    state.is_some_and(|state| is_amended(*fields, &state, &pending.state));
                amended.uid == *booking && is_done
            })?,
        };
        Some(found.clone())
    }

    /// Whether a booking is the already known answer to another attempt of the same write.
    fn has_been_answered(&self, booking: &Booking, pending: &PendingWrite) -> bool {
        let Some(own) = &self.link.booking else {
            return false;
        };
        let was_answered = match &pending.write {
            SentWrite::Create { sync_key, .. } => !self.is_current(sync_key),
            SentWrite::Reschedule { booking: from, .. } => from != own,
            SentWrite::Cancel { .. } | SentWrite::Amend { .. } => false,
        };
        was_answered && self.head_of(&booking.uid) == self.head_of(own)
    }

    fn is_last_create(&self, pending: &PendingWrite) -> bool {
        let mut creates = self.standing.pending.iter().rev();
        let last = creates.find(|known| matches!(known.write, SentWrite::Create { .. }));
        last == Some(pending)
    }

    /// Whether a live booking was produced by one of our writes, so that nobody at Cal.com asked
    /// for it.
    pub(super) fn is_made_by_us(&self, booking: &Booking) -> bool {
        if self.standing.late.contains(&booking.uid) {
            return true;
        }
        match &booking.rescheduled_from_uid {
            // Metadata travels along the chain whoever makes the change; only the first booking of
            // a chain is told by it.
            None => booking
                .metadata_str(SYNC_KEY_METADATA)
                .is_some_and(|key| self.is_own_key(key)),
            Some(from) => self.standing.pending.iter().any(|known| {
                matches!(&known.write, SentWrite::Reschedule { booking: moved, start }
                    if moved == from && is_same_instant(*start, booking.start))
            }),
        }
    }
}

/// A booking as the response to the write would have shown it, whatever has happened to it since.
fn as_answered(booking: &Booking, pending: &PendingWrite) -> Option<AppointmentState> {
    let mut state = project(booking, Some(&pending.state)).ok()?;
    state.status = match pending.write {
        SentWrite::Cancel { .. } => AppointmentStatus::Cancelled,
        SentWrite::Amend { .. } => state.status,
        _ if booking.is_live() => state.status,
        _ => pending.state.status,
    };
    Some(state)
}

/// Whether a booking shows what was to be changed in place. A guest list that was added to may be
/// longer still.
fn is_amended(fields: Differences, booking: &AppointmentState, sent: &AppointmentState) -> bool {
    if fields.status && !sent.status.is_live() {
        return !booking.status.is_live();
    }
    // One that has ended meanwhile differs in nothing else, and tells nothing.
    if !booking.status.is_live() {
        return false;
    }
    let guests = sent.guests.as_ref().zip(booking.guests.as_ref());
    let lacks = guests.is_some_and(|(sent, there)| sent.missing_from(there).next().is_some());
    let mut left = booking.differences(sent).intersection(fields);
    left.guests &= lacks;
    left.is_empty()
}

/// The base after a write was answered.
///
/// Its local half is what was sent, in the fields that the write carried; in those that were wished
/// for as well, what Cal.com holds, so that the host's wish still differs from it; in all others what
/// it was, so that an accepted difference stays accepted. Its remote half is the answer, except for
/// fields that nobody had asked to change and that no answer changes: a change of theirs still has to
/// come to the appointment.
fn base_after(
    before: &Base,
    sent: &AppointmentState,
    answered: AppointmentState,
    carried: Differences,
    wish: Differences,
) -> Base {
    let lives = |state: &AppointmentState| state.status.is_live();
    if !(lives(sent) && lives(&answered) && lives(&before.local) && lives(&before.remote)) {
        // Of what has ended, or begins anew, nothing is left over.
        return Base::new(sent.clone(), answered);
    }
    let local = before.local.taking(carried, sent);
    let local = local.taking(wish.without(carried), &answered);
    let unasked = Differences::ALL.without(ANSWERED.union(carried).union(wish));
    let remote = answered.taking(unasked, &before.remote);
    Base::new(local, remote)
}

/// The guests that both sides have after a write that carries them, if they are not the same: a seat
/// is booked without guests, and somebody at Cal.com may have invited one meanwhile. Then those of the
/// host are its change, and those of Cal.com are Cal.com's.
fn shared_guests(sent: &AppointmentState, answered: &AppointmentState) -> Option<Guests> {
    let is_apart = sent.differences(answered).contains(Field::Guests);
    let there = answered.guests.as_ref()?;
    let is_there = |guest: &&str| there.iter().any(|known| known.eq_ignore_ascii_case(guest));
    let shared = sent.guests.iter().flat_map(Guests::iter).filter(is_there);
    is_apart.then(|| shared.collect())
}

fn is_same_instant(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    one.timestamp_millis() == other.timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventTypeId;
    use crate::store::Person;

    #[test]
    fn a_booking_that_has_ended_shows_no_change_in_place() {
        let start = DateTime::UNIX_EPOCH;
        let sent = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(30),
            EventTypeId::new(1),
            Person::new("Ann", "ann@example.com", "UTC"),
        );
        let sent = sent.with_host(2.into());
        let mut booking = sent.clone();
        let host = Differences::NONE.with(Field::Host);
        assert!(is_amended(host, &booking, &sent));
        booking.host = Some(3.into());
        assert!(!is_amended(host, &booking, &sent));
        booking.status = AppointmentStatus::Cancelled;
        assert!(!is_amended(host, &booking, &sent));
    }
}
