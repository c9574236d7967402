//! Finding the appointment of a booking whose link was lost.

use chrono::TimeDelta;

use super::look_up::LOST_GENERATIONS;
use super::{Case, Stop, Turn};
use crate::model::Booking;
use crate::store::{AppointmentId, LinkKey, ReviewReason, SyncKey, Window};
use crate::sync::SYNC_KEY_METADATA;

/// How far around the booking the appointment is looked for, in days: first where it was if nobody
/// has moved it since, then everywhere that matters.
const AROUND: [i64; 2] = [2, 400];

/// How many appointments are read at a time, and at most.
const PAGE: u32 = 100;
const MAX_PAGES: u32 = 200;

/// By how much Cal.com's clock and the store's may differ.
const CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

impl Turn<'_> {
    /// Looks for the appointment for which the booking was made, if books that were lost have known
    /// it: the booking is older than the books, and carries a sync key that they do not know.
    /// Creating an appointment for it would make it the second one. Returns whether there is one.
    pub(super) async fn found_lost_appointment(&mut self) -> Result<bool, Stop> {
        let Some((booking, key)) = self.booking_of_lost_books() else {
            return Ok(false);
        };
        for days in AROUND {
            let around = TimeDelta::days(days);
            let window = Window::new(booking.start - around, booking.start + around);
            let Some((id, generation)) = self.scan_for(&key, window).await? else {
                continue;
            };
            // If it is linked already, this booking is that link's matter.
            self.absorb_if_other(&LinkKey::Appointment(id.clone()))
                .await?;
            self.link.appointment = Some(id);
            self.link.sync_key = Some(key);
            self.standing.generation = generation + 1;
            self.load_local().await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a booking was made for the link's appointment by an engine whose books were lost: it
    /// stands for the appointment like one that is known, and is no late landing.
    pub(super) fn is_of_lost_books(&self, booking: &Booking) -> bool {
        self.generation_of_lost(booking).is_some()
    }

    /// Notes that a booking of lost books stands for the appointment, so that no later one gets its
    /// key.
    pub(super) fn note_lost_generation(&mut self, kept: &Booking) {
        if let Some(generation) = self.generation_of_lost(kept) {
            self.standing.generation = self.standing.generation.max(generation + 1);
        }
    }

    fn generation_of_lost(&self, booking: &Booking) -> Option<u32> {
        let made_at = booking.created_at?;
        let key = booking.metadata_str(SYNC_KEY_METADATA)?;
        let is_known = self.link.sync_key.as_ref().map(SyncKey::as_str) == Some(key);
        let appointment = self.link.appointment.as_ref()?;
        if is_known || made_at >= self.claim.books_since {
            return None;
        }
        let keys = &self.engine.sync_keys;
        (0..LOST_GENERATIONS).find(|generation| {
            let own = keys.derive(&self.link.tenant, appointment, *generation);
            own.as_str() == key
        })
    }

    fn booking_of_lost_books(&self) -> Option<(Booking, SyncKey)> {
        if self.link.appointment.is_some() {
            return None;
        }
        let booking = self.visited.get(self.link.booking.as_ref()?)?.as_ref()?;
        let key = SyncKey::new(booking.metadata_str(SYNC_KEY_METADATA)?);
        let is_older = booking
            .created_at
            .is_none_or(|made_at| made_at < self.claim.books_since + CLOCK_SKEW);
        is_older.then(|| (booking.clone(), key))
    }

    /// The appointment within a window from which a sync key was derived, and its generation.
    async fn scan_for(
        &self,
        key: &SyncKey,
        window: Window,
    ) -> Result<Option<(AppointmentId, u32)>, Stop> {
        let (engine, tenant) = (self.engine, &self.link.tenant);
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let page = engine
                .appointments
                .scan(tenant, window, after.clone(), PAGE);
            let page = engine.host_call(page).await.map_err(Stop::Host)?;
            for met in &page {
                let mut generations = 0..LOST_GENERATIONS;
                let found = generations.find(|generation| {
                    engine.sync_keys.derive(tenant, &met.id, *generation) == *key
                });
                if let Some(generation) = found {
                    return Ok(Some((met.id.clone(), generation)));
                }
            }
            let last = page.into_iter().map(|met| (met.state.start, met.id)).max();
            // A repository that does not go on is not asked for ever.
            if last.is_none() || last <= after {
                return Ok(None);
            }
            after = last;
        }
        let message = "The booking was made for an appointment that the bookkeeping no longer knows, and there are too many appointments to look through. Rebuild the links, then retry.";
        Err(Case::new(ReviewReason::LinkLost, message).into())
    }
}
