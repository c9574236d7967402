//! Finding bookings by their sync key.

use chrono::TimeDelta;

use super::{Stop, Turn};
use crate::model::{Booking, BookingQuery, BookingUid};
use crate::store::{AppointmentState, SyncKey};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::seats::seats_of;
use crate::sync::standing::SentWrite;

/// The search window around the start, in hours. The filters are inclusive; the end depends on the
/// event type and is unknown here.
const LOOKUP_HOURS: i64 = 24;

/// How many generations of bookings to search when the store may have been lost.
const LOST_GENERATIONS: u32 = 8;

impl Turn<'_> {
    /// Bookings produced by creations of unknown outcome.
    pub(super) async fn look_up_pending(&self) -> Result<Vec<Booking>, Stop> {
        let mut found: Vec<Booking> = Vec::new();
        for pending in &self.standing.pending {
            let SentWrite::Create { sync_key, .. } = &pending.write else {
                continue;
            };
            let query = query_for(&pending.state, Some(TimeDelta::hours(LOOKUP_HOURS)));
            let keys = [sync_key.clone()];
            for booking in self.look_up(&query, &keys).await? {
                if found.iter().all(|known| known.uid != booking.uid) {
                    found.push(booking);
                }
            }
        }
        Ok(found)
    }

    /// Looks for the seats whose moves were never answered. Nothing points from the booking that a
    /// seat has left to the one where it is now; its attendee tells them.
    pub(super) async fn look_up_moved_seats(&mut self) -> Result<Vec<BookingUid>, Stop> {
        let mut found = Vec::new();
        for pending in self.standing.pending.clone() {
            let SentWrite::Reschedule { booking, start } = &pending.write else {
                continue;
            };
            if booking.seat().is_none() || self.seats_moved.contains_key(booking) {
                continue;
            }
            let mut query = query_for(&pending.state, Some(TimeDelta::hours(LOOKUP_HOURS)));
            query.after_start = Some(*start - TimeDelta::hours(LOOKUP_HOURS));
            let there = self.call(self.tenant.calendar.bookings(&query)).await?;
            let email = pending.state.attendee.email.as_deref().unwrap_or_default();
            let is_it = |seat: &Booking| {
                let mut held = seat.attendees.iter();
                seat.uid != *booking
                    && seat.uid.seat().is_some()
                    && seat.start.timestamp_millis() == start.timestamp_millis()
                    && seat.event_type_id() == Some(pending.state.event_type)
                    && held.any(|attendee| attendee.email.eq_ignore_ascii_case(email))
            };
            if let Some(seat) = there.into_iter().flat_map(seats_of).find(is_it) {
                self.seats_moved.insert(booking.clone(), seat.uid.clone());
                found.push(seat.uid);
            }
        }
        Ok(found)
    }

    /// The tenant's bookings that carry one of these keys. The filters narrow the search and are
    /// not trusted.
    async fn look_up(&self, query: &BookingQuery, keys: &[SyncKey]) -> Result<Vec<Booking>, Stop> {
        let mut ours = Vec::new();
        let there = self.call(self.tenant.calendar.bookings(query)).await?;
        for booking in there.into_iter().flat_map(seats_of) {
            let key = booking.metadata_str(SYNC_KEY_METADATA);
            let has_key = keys.iter().any(|known| key == Some(known.as_str()));
            if has_key && self.is_ours(&booking).await? {
                ours.push(booking);
            }
        }
        Ok(ours)
    }

    /// Whether the appointment has no history and may have been booked before the store was
    /// created.
    fn may_have_been_booked(&self) -> bool {
        let standing = &self.standing;
        let has_history = standing.base.is_some()
            || standing.generation > 0
            || !standing.pending.is_empty()
            || self.link.booking.is_some();
        let is_older = self.local.as_ref().is_some_and(|local| {
            let first = self.claim.first_revision;
            local.updated_at < self.claim.books_since
                || first.is_some_and(|first| first > crate::store::Revision::FIRST)
        });
        !has_history && is_older
    }

    /// Searches for the booking of a live appointment without history.
    pub(super) async fn found_lost_booking(&mut self) -> Result<bool, Stop> {
        let state = self.local.as_ref().map(|local| local.state.clone());
        match state.filter(|state| state.status.is_live()) {
            Some(state) => self.find_lost_booking(&state).await,
            None => Ok(false),
        }
    }

    /// Looks for a booking made before the store was lost; returns whether there is one.
    pub(super) async fn find_lost_booking(
        &mut self,
        state: &AppointmentState,
    ) -> Result<bool, Stop> {
        let Some(appointment) = self.link.appointment.clone() else {
            return Ok(false);
        };
        if self.looked_for_lost || !self.may_have_been_booked() {
            return Ok(false);
        }
        self.looked_for_lost = true;
        let keys = &self.engine.sync_keys;
        let keys: Vec<SyncKey> = (0..LOST_GENERATIONS)
            .map(|generation| keys.derive(&self.link.tenant, &appointment, generation))
            .collect();
        // The host may have moved it since: it is looked for at any time.
        let mut found = self.look_up(&query_for(state, None), &keys).await?;
        let generation_of = |booking: &Booking| {
            let key = booking.metadata_str(SYNC_KEY_METADATA);
            keys.iter().position(|known| key == Some(known.as_str()))
        };
        found.sort_by_key(|booking| (booking.is_live(), generation_of(booking)));
        let Some(newest) = found.last() else {
            return Ok(false);
        };
        let last = found.iter().filter_map(generation_of).max().unwrap_or(0);
        self.standing.generation = u32::try_from(last).unwrap_or(0) + 1;
        self.link.sync_key = keys.get(last).cloned();
        self.link.booking = Some(newest.uid.clone());
        self.standing.rivals = found.iter().map(|booking| booking.uid.clone()).collect();
        self.read_remote().await?;
        Ok(true)
    }

    /// Whether a key belongs to a booking created for this appointment.
    pub(super) fn is_own_key(&self, key: &str) -> bool {
        let Some(appointment) = &self.link.appointment else {
            return false;
        };
        let keys = &self.engine.sync_keys;
        (0..=self.standing.generation).any(|generation| {
            let own = keys.derive(&self.link.tenant, appointment, generation);
            own.as_str() == key
        })
    }
}

/// The query that finds a booking of this state, within a window around its start or at any time.
fn query_for(state: &AppointmentState, within: Option<TimeDelta>) -> BookingQuery {
    BookingQuery {
        attendee_email: state.attendee.email.clone(),
        event_type_ids: vec![state.event_type],
        after_start: within.map(|within| state.start - within),
        before_end: within.map(|within| state.end.max(state.start) + within),
        ..BookingQuery::default()
    }
}
