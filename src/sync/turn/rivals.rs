//! Which booking stands for the appointment, and what becomes of further live ones: those that the
//! engine left are cancelled, others go to a person.

use std::collections::BTreeSet;

use super::landing::Landing;
use super::{Case, Stop, Turn};
use crate::model::{Booking, BookingUid};
use crate::store::ReviewReason;
use crate::sync::standing::PendingWrite;

impl Turn<'_> {
    /// The booking that stands for the appointment: the live one, or else the newest of those that
    /// ended.
    pub(super) async fn choose(
        &mut self,
        heads: &[Booking],
        own: Option<&BookingUid>,
        landings: Vec<Landing>,
    ) -> Result<Option<Booking>, Stop> {
        let own_head = own.and_then(|own| self.head_of(own));
        let live: Vec<&Booking> = heads.iter().filter(|head| head.is_live()).collect();
        let replacement = self.replacement(&live, &landings);
        let kept = replacement.or_else(|| self.kept_of(&live, own, own_head.as_ref(), &landings));
        let kept = kept.cloned();

        let left: BTreeSet<BookingUid> = landings.iter().map(|l| l.booking.clone()).collect();
        // The one that is being replaced is cancelled by a step of its own.
        let retiring = self.standing.retiring.as_ref();
        let retiring = retiring.map(|retiring| &retiring.booking);
        let others = live.iter().filter(|booking| {
            kept.as_ref().is_none_or(|kept| kept.uid != booking.uid)
                && retiring != Some(&booking.uid)
        });
        let (late, rivals): (Vec<&Booking>, Vec<&Booking>) =
            others.partition(|head| left.contains(&head.uid) || self.is_made_by_us(head));
        let uids = |bookings: &[&Booking]| -> Vec<BookingUid> {
            bookings.iter().map(|booking| booking.uid.clone()).collect()
        };
        let (late, rivals) = (uids(&late), uids(&rivals));

        // What Cal.com answered late is the base's half only where the appointment stands on it.
        let stands_on = kept
            .as_ref()
            .or_else(|| heads.iter().find(|h| Some(&h.uid) == own_head.as_ref()));
        let stands_on = stands_on.map(|booking| booking.uid.clone());
        for landing in landings {
            if self.head_of(&landing.booking) == stands_on {
                let PendingWrite {
                    write, state, wish, ..
                } = &landing.pending;
                self.take_answer(write, *wish, state, landing.answered.clone());
            }
        }
        // Until they have ended they are read with the link's own, and the link's own is stored
        // with them: a crash, or a failed call, must forget neither.
        if let Some(kept) = &kept {
            self.link.booking = Some(kept.uid.clone());
        }
        self.standing.rivals = late.iter().chain(&rivals).cloned().collect();
        self.standing.late.clone_from(&late);
        self.cancel_late_landings(late).await?;
        if rivals.is_empty() {
            return Ok(kept.or_else(|| self.ended(heads, own, own_head.as_ref())));
        }
        if let Some(kept) = &kept {
            // Best effort: the person who decides sees Cal.com's state where it can be told.
            let _ = self.take_remote(kept);
        }
        let case = Case::of(ReviewReason::TwoLiveBookings);
        Err(case.about(rivals).into())
    }

    /// Where the chain of a booking that was read ends.
    pub(super) fn head_of(&self, uid: &BookingUid) -> Option<BookingUid> {
        let mut head = self.visited.get(uid)?.as_ref()?;
        // No longer than what was read, should chains ever be circles.
        for _ in 0..self.visited.len() {
            let next = head.rescheduled_to_uid.as_ref();
            let next = next.and_then(|next| self.visited.get(next)?.as_ref());
            match next {
                Some(next) if !head.is_live() => head = next,
                _ => break,
            }
        }
        Some(head.uid.clone())
    }

    /// Which of the live bookings stays. The link's own; else one that Cal.com itself made, for it
    /// is somebody's wish; else what a write of ours has left late, unless it doubles one that had
    /// been answered: whoever ended that one has ended the appointment.
    fn kept_of<'b>(
        &self,
        live: &[&'b Booking],
        own: Option<&BookingUid>,
        own_head: Option<&BookingUid>,
        landings: &[Landing],
    ) -> Option<&'b Booking> {
        let is_own = |booking: &&Booking| Some(&booking.uid) == own_head;
        let has_landed = |booking: &&Booking| {
            landings.iter().any(|landing| {
                let is_double = own.is_some_and(|own| self.is_double(landing, own));
                !is_double && self.head_of(&landing.booking).as_ref() == Some(&booking.uid)
            })
        };
        let is_wanted = |booking: &&Booking| {
            let wanted = self.local.as_ref().map(|local| &local.state);
            wanted.is_some_and(|wanted| {
                wanted.start.timestamp_millis() == booking.start.timestamp_millis()
                    && Some(wanted.event_type) == booking.event_type_id()
            })
        };
        let all = || live.iter().copied();
        let candidates = || all().filter(|booking| own.is_none() || has_landed(booking));
        all()
            .find(is_own)
            .or_else(|| all().find(|b| !self.is_made_by_us(b) && !has_landed(b)))
            .or_else(|| candidates().find(is_wanted))
            .or_else(|| candidates().next_back())
    }

    /// The ended booking that stands for the appointment. That the link's own cannot be found
    /// proves nothing, and an older one that has ended says nothing of it.
    fn ended(
        &self,
        heads: &[Booking],
        own: Option<&BookingUid>,
        own_head: Option<&BookingUid>,
    ) -> Option<Booking> {
        let of_own = heads.iter().find(|head| Some(&head.uid) == own_head);
        if own.is_some() {
            return of_own.cloned();
        }
        heads.iter().max_by_key(|head| head.updated_at).cloned()
    }
}
