//! Reading Cal.com's side: the booking, its chain, and whether there is more than one.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Case, RemoteSide, Stop, Turn};
use crate::model::{Booking, BookingQuery, BookingUid};
use crate::store::{
    AppointmentState, AppointmentStatus, LinkKey, LogEvent, PendingWrite, ReviewReason, SyncKey,
};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::state::{chain_key, project};

/// How many reschedules of one chain are followed in one turn, from the newest booking that is known.
const MAX_CHAIN: usize = 64;

/// How far around the start a booking of unknown outcome is looked for, in hours. The filters are inclusive; the end is the
/// event type's, which is not known here.
const LOOKUP_HOURS: i64 = 24;

impl Turn<'_> {
    /// Reads the newest booking of the link's chain, and every other one that something says is the same appointment's.
    pub(super) async fn read_remote(&mut self) -> Result<(), Stop> {
        let mut starts: Vec<BookingUid> = self.link.booking.iter().cloned().collect();
        starts.extend(
            self.claim
                .deliveries
                .iter()
                .filter_map(|d| d.booking.clone()),
        );
        starts.extend(self.link.rivals.iter().cloned());
        let own = self.link.booking.clone();
        let mut adopted = None;
        if let Some((sync_key, attempts)) = self.unanswered_create() {
            let found = self.look_up(&sync_key, &attempts).await?;
            adopted = found.first().cloned();
            starts.extend(found.into_iter().map(|(uid, _)| uid));
        }

        let mut heads: Vec<Booking> = Vec::new();
        let mut visited = BTreeMap::new();
        for uid in starts {
            if visited.contains_key(&uid) {
                continue;
            }
            let followed = self.follow(uid.clone(), &mut visited).await;
            if let Err(Stop::Review(case)) = &followed
                && case.reason == ReviewReason::ForeignBooking
            {
                self.foreign = Some(uid.clone());
            }
            let Some(head) = followed? else {
                // That it cannot be found proves nothing, and a delivery says that there is one.
                let is_missing = visited.get(&uid).is_some_and(Option::is_none);
                let is_own = Some(&uid) == own.as_ref();
                if is_missing && !is_own && self.is_named_by_delivery(&uid) {
                    return Err(self.case_of(ReviewReason::BookingMissing).into());
                }
                continue;
            };
            if !heads.iter().any(|known| known.uid == head.uid) {
                heads.push(head);
            }
        }
        self.fresh = true;
        adopted = adopted.or_else(|| self.unanswered_write(&visited));
        self.chain_uids.extend(visited.into_keys());
        // Not before all is read: what stops the turn in between must leave the write unanswered.
        if let Some((booking, sent)) = adopted {
            self.log.push(LogEvent::BookingAdopted { booking });
            // What was sent is what both sides meant.
            self.link.base = Some(sent);
            self.link.pending = None;
            self.pushed = true;
        }
        let Some(newest) = self.choose(&heads, own.as_ref())? else {
            if self.link.appointment.is_none() {
                return Err(self.case_of(ReviewReason::BookingMissing).into());
            }
            self.remote = None;
            return Ok(());
        };
        self.take_remote(&newest)
    }

    /// The creation whose answer never came, if the link has one.
    /// What its attempts sent, the last one first.
    fn unanswered_create(&self) -> Option<(SyncKey, Vec<AppointmentState>)> {
        match &self.link.pending {
            Some(PendingWrite::CreateBooking {
                sync_key,
                state,
                earlier,
                ..
            }) => {
                let attempts = std::iter::once(state).chain(earlier).cloned();
                Some((sync_key.clone(), attempts.collect()))
            }
            _ => None,
        }
    }

    fn is_named_by_delivery(&self, uid: &BookingUid) -> bool {
        let mut deliveries = self.claim.deliveries.iter();
        deliveries.any(|delivery| delivery.booking.as_ref() == Some(uid))
    }

    /// The outcome of a write whose answer never came, if what was read shows that it was carried out: the booking that shows
    /// it, and what was sent. What has happened since, on either side, is judged from there.
    fn unanswered_write(
        &self,
        visited: &BTreeMap<BookingUid, Option<Booking>>,
    ) -> Option<(BookingUid, AppointmentState)> {
        let mut bookings = visited.values().flatten();
        match self.link.pending.as_ref()? {
            // An attempt before the last one can have sent another state, and so be missed by the look-up.
            PendingWrite::CreateBooking {
                sync_key, state, ..
            } => {
                let created = bookings.find(|first| {
                    first.rescheduled_from_uid.is_none()
                        && first.metadata_str(SYNC_KEY_METADATA) == Some(sync_key.as_str())
                })?;
                let sent = AppointmentState {
                    status: state.status,
                    ..project(created, Some(state)).ok()?
                };
                Some((created.uid.clone(), sent))
            }
            PendingWrite::Reschedule { booking, start } => {
                let moved = bookings.find(|next| {
                    next.rescheduled_from_uid.as_ref() == Some(booking) && next.start == *start
                })?;
                let sent = AppointmentState {
                    start: moved.start,
                    end: moved.end,
                    ..self.link.base.clone()?
                };
                Some((moved.uid.clone(), sent))
            }
            PendingWrite::Cancel { booking } => {
                let ended = bookings.find(|ended| {
                    ended.uid == *booking && !ended.is_live() && ended.rescheduled_to_uid.is_none()
                })?;
                let sent = AppointmentState {
                    status: AppointmentStatus::Cancelled,
                    ..self.link.base.clone()?
                };
                Some((ended.uid.clone(), sent))
            }
            PendingWrite::CreateAppointment { .. } => None,
        }
    }

    /// Finds the bookings that were created under a sync key, each with what was sent for it. The filters narrow the search and
    /// are not trusted.
    pub(super) async fn look_up(
        &self,
        sync_key: &SyncKey,
        attempts: &[AppointmentState],
    ) -> Result<Vec<(BookingUid, AppointmentState)>, Stop> {
        let hours = TimeDelta::hours(LOOKUP_HOURS);
        let mut ours: Vec<(BookingUid, AppointmentState)> = Vec::new();
        for sent in attempts {
            let query = BookingQuery {
                attendee_email: sent.attendee.email.clone(),
                event_type_ids: vec![sent.event_type],
                after_start: Some(sent.start - hours),
                before_end: Some(sent.end.max(sent.start) + hours),
                ..BookingQuery::default()
            };
            let found = self.call(self.tenant.calendar.bookings(&query)).await?;
            for booking in found {
                let is_new = ours.iter().all(|(uid, _)| *uid != booking.uid);
                let has_key = booking.metadata_str(SYNC_KEY_METADATA) == Some(sync_key.as_str());
                if is_new && has_key && self.tenant.owns(&booking) {
                    ours.push((booking.uid, sent.clone()));
                }
            }
        }
        Ok(ours)
    }

    /// Follows a chain from one of its bookings to the newest one; `None` if there is no such booking, or if the chain leads
    /// to one that was visited before.
    async fn follow(
        &self,
        start: BookingUid,
        visited: &mut BTreeMap<BookingUid, Option<Booking>>,
    ) -> Result<Option<Booking>, Stop> {
        let mut uid = start;
        let mut head = None;
        for _ in 0..MAX_CHAIN {
            if visited.contains_key(&uid) {
                return Ok(None);
            }
            let found = self.call(self.tenant.calendar.booking(&uid)).await?;
            visited.insert(uid.clone(), found.clone());
            let Some(booking) = found else {
                // A booking that points forward was not ended by it, even if its successor cannot be found.
                return match head {
                    Some(_) => Err(self.case_of(ReviewReason::BookingMissing).into()),
                    None => Ok(None),
                };
            };
            if !self.tenant.owns(&booking) {
                return Err(Case::new(
                    ReviewReason::ForeignBooking,
                    "A booking was named whose event type and hosts are not this tenant's. Nothing was read from it.",
                )
                .into());
            }
            self.join_link_of(&booking).await?;
            let next = booking.rescheduled_to_uid.clone();
            let ended = !booking.is_live();
            head = Some(booking);
            match next {
                Some(next) if ended => uid = next,
                _ => return Ok(head),
            }
        }
        // Where it ends is not known, and what is known of it has ended; that must not look like the end of the appointment.
        Err(Case::new(
            ReviewReason::BookingMissing,
            format!(
                "The booking was moved more than {MAX_CHAIN} times; the newest one was not reached."
            ),
        )
        .into())
    }

    /// A delivery can arrive before anything says to which link its booking belongs; the booking itself says it.
    async fn join_link_of(&self, booking: &Booking) -> Result<(), Stop> {
        if !self.claim.link.is_bare() || self.link.appointment.is_some() {
            return Ok(());
        }
        if let Some(key) = booking.metadata_str(SYNC_KEY_METADATA) {
            let key = LinkKey::SyncKey(SyncKey::new(key));
            self.absorb_if_other(&key).await?;
        }
        let uids = [&booking.rescheduled_from_uid, &booking.rescheduled_to_uid];
        for uid in uids.into_iter().flatten() {
            self.absorb_if_other(&LinkKey::Booking(uid.clone())).await?;
        }
        self.absorb_if_other(&LinkKey::Chain(chain_key(booking)))
            .await
    }

    /// The booking that stands for the appointment: the live one, or else the newest of those that ended.
    fn choose(
        &mut self,
        heads: &[Booking],
        own: Option<&BookingUid>,
    ) -> Result<Option<Booking>, Stop> {
        let live: Vec<&Booking> = heads.iter().filter(|head| head.is_live()).collect();
        if let [first, others @ ..] = live.as_slice()
            && !others.is_empty()
        {
            let kept = live.iter().find(|b| Some(&b.uid) == own).unwrap_or(first);
            let kept = (*kept).clone();
            self.link.rivals = live
                .iter()
                .map(|booking| booking.uid.clone())
                .filter(|uid| *uid != kept.uid)
                .collect();
            // Best effort: the person who decides sees Cal.com's state where it can be told.
            let _ = self.take_remote(&kept);
            return Err(Case::new(
                ReviewReason::TwoLiveBookings,
                "The appointment has more than one live booking. Cancel all but one at Cal.com, then retry.",
            )
            .into());
        }
        self.link.rivals.clear();
        let newest_ended = || heads.iter().max_by_key(|head| head.updated_at);
        Ok(live.first().copied().or_else(newest_ended).cloned())
    }

    /// Takes a booking as Cal.com's side of the link.
    pub(super) fn take_remote(&mut self, booking: &Booking) -> Result<(), Stop> {
        let known = self.link.base.as_ref();
        let known = known.or(self.local.as_ref().map(|local| &local.state));
        self.chain_uids.insert(booking.uid.clone());
        self.link.booking = Some(booking.uid.clone());
        self.link.series.clone_from(&booking.recurring_booking_uid);
        let state = project(booking, known).map_err(|reason| {
            let message = match reason {
                ReviewReason::UnknownStatus => format!(
                    "The booking has the status {:?}, which this version does not know.",
                    booking.status.as_str()
                ),
                _ => "The booking has seats, which are not kept in step yet.".to_owned(),
            };
            Case::new(reason, message)
        })?;
        self.link.chain = Some(chain_key(booking));
        self.remote = Some(RemoteSide {
            state,
            updated_at: booking.updated_at,
        });
        Ok(())
    }
}
