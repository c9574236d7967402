//! The rows, one by one: the other side of each is found through the books.

use super::compare::{PairSays, changes, compare_pair, is_told_at_booking, would_cancel};
use super::group::Group;
use super::merge::Audit;
use super::repair::{Remedy, drift_at};
use super::report::{DriftKind, Failure};
use super::rows::as_booked;
use crate::model::{Booking, BookingQuery, BookingUid};
use crate::store::{Appointment, Differences, Link};
use crate::sync::notices::whole_of;
use crate::sync::ownership::Ownership;
use crate::sync::seats::{same_seat, seat_of};
use crate::sync::standing::Standing;
use crate::sync::state::project;

/// How many reschedules of one chain are followed.
const MAX_CHAIN: usize = 64;

/// Whether a write is under way, or one booking is being replaced by another.
fn is_in_flight(standing: &Standing) -> bool {
    standing.awaits_outcome() || standing.retiring.is_some()
}

impl Audit<'_> {
    /// A booking of the list. One that has ended is reported with its appointment.
    pub(super) async fn compare_booking(
        &mut self,
        booking: &Booking,
        group: &mut Group,
    ) -> Result<(), Failure> {
        if !booking.is_live() {
            return Ok(());
        }
        let known = self.engine.link_of_booking(&self.tenant.id, booking).await;
        let Some((link, _)) = known.map_err(Failure::Store)? else {
            return self.no_appointment(booking, None).await;
        };
        let Some(id) = &link.appointment else {
            return self.no_appointment(booking, Some(&link)).await;
        };
        let appointment = match group.appointment(id) {
            Some(appointment) => Some(appointment.clone()),
            None => {
                let found = self.engine.appointments.get(&self.tenant.id, id);
                let found = self.engine.host_call(found).await.map_err(Failure::Host)?;
                found.map(|found| as_booked(self.tenant, found))
            }
        };
        let Some(appointment) = appointment else {
            return self.no_appointment(booking, Some(&link)).await;
        };
        if let Some(own) = link.booking.as_ref().filter(|own| **own != booking.uid) {
            let head = self.head_of(own, group).await?;
            let rival = head.filter(|head| head.is_live() && head.uid != booking.uid);
            if let Some(rival) = rival {
                return self.doubled(booking, rival.uid, &appointment, &link).await;
            }
        }
        group.note_compared(&appointment.id);
        let window = self.cursor.window();
        let is_told_here = is_told_at_booking(booking.start, &appointment.state, window);
        if is_told_here || link.booking.is_none() {
            self.compare_pair(&appointment, booking, &link).await?;
        }
        Ok(())
    }

    /// An appointment of the host's that was not compared with a booking at the same start.
    pub(super) async fn compare_appointment(
        &mut self,
        appointment: &Appointment,
        group: &Group,
    ) -> Result<(), Failure> {
        let is_live = appointment.state.status.is_live();
        let link = self
            .engine
            .link_of_appointment(&self.tenant.id, appointment);
        let Some(link) = link.await.map_err(Failure::Store)? else {
            if is_live {
                self.no_booking(appointment, None).await?;
            }
            return Ok(());
        };
        let Ok(standing) = Standing::of(&link) else {
            self.count(|counts| &mut counts.not_comparable);
            return Ok(());
        };
        let was_live = |standing: &Standing| {
            let base = standing.base.as_ref();
            base.is_none_or(|base| base.remote.status.is_live())
        };
        if !is_live && !was_live(&standing) {
            return Ok(());
        }
        let head = match &link.booking {
            Some(uid) => self.head_of(uid, group).await?,
            None => None,
        };
        let Some(head) = head else {
            if is_live {
                self.no_booking(appointment, Some((&link, &standing)))
                    .await?;
            }
            return Ok(());
        };
        if !is_live && !head.is_live() {
            return Ok(());
        }
        let window = self.cursor.window();
        if head.is_live()
            && is_told_at_booking(head.start, &appointment.state, window)
            && (group.booking(&head.uid).is_some() || self.is_listed(&head).await?)
        {
            return Ok(());
        }
        self.compare_pair(appointment, &head, &link).await
    }

    /// Whether Cal.com's list has a booking at all. What other users host may be in no list of this
    /// account's.
    async fn is_listed(&self, booking: &Booking) -> Result<bool, Failure> {
        let query = BookingQuery::default()
            .with_booking_uid(whole_of(&booking.uid))
            .with_after_start(booking.start)
            .with_take(1);
        let page = self.tenant.calendar.bookings_page(&query);
        let page = self.engine.calendar_call(page).await;
        let page = page.map_err(Failure::Calendar)?;
        // A list that ignores the filter is not asked in vain: its walk meets all that there is.
        Ok(!page.bookings.is_empty())
    }

    /// The newest booking of a chain; `None` if it cannot be found.
    async fn head_of(&self, uid: &BookingUid, group: &Group) -> Result<Option<Booking>, Failure> {
        let mut uid = uid.clone();
        for _ in 0..MAX_CHAIN {
            let found = match group.booking(&uid) {
                Some(booking) => Some(booking.clone()),
                None => self.read(&uid).await?,
            };
            let Some(booking) = found else {
                return Ok(None);
            };
            match booking.rescheduled_to_uid.clone() {
                Some(next) if !booking.is_live() => uid = next,
                _ => return Ok(Some(booking)),
            }
        }
        Ok(None)
    }

    /// Reads a booking, or one seat of one.
    async fn read(&self, uid: &BookingUid) -> Result<Option<Booking>, Failure> {
        let Some((whole, seat)) = uid.seat() else {
            return self.read_whole(uid).await;
        };
        let Some(whole) = self.read_whole(&whole).await? else {
            return Ok(None);
        };
        let mut one = seat_of(&whole, &seat);
        if let Some(next) = whole
            .rescheduled_to_uid
            .as_ref()
            .filter(|_| !whole.is_live())
        {
            // Moved together with all other seats.
            let next = self.read_whole(next).await?;
            one.rescheduled_to_uid = next.and_then(|next| {
                let seat = same_seat(&whole, &seat, &next)?;
                Some(next.uid.with_seat(&seat))
            });
        }
        Ok(Some(one))
    }

    async fn read_whole(&self, uid: &BookingUid) -> Result<Option<Booking>, Failure> {
        let found = self.tenant.calendar.booking(uid);
        let found = self.engine.calendar_call(found).await;
        found.map_err(Failure::Calendar)
    }

    /// Compares the two sides of a pair.
    async fn compare_pair(
        &mut self,
        appointment: &Appointment,
        booking: &Booking,
        link: &Link,
    ) -> Result<(), Failure> {
        let own = link.booking.as_ref() == Some(&booking.uid);
        let plain = project(booking, None).ok();
        if own && plain.is_some_and(|remote| appointment.state.agrees_with(&remote)) {
            self.count(|counts| &mut counts.in_step);
            return Ok(());
        }
        if self.is_recent(Some(appointment.updated_at)) || self.is_recent(booking.updated_at) {
            self.count(|counts| &mut counts.too_recent);
            return Ok(());
        }
        let Ok(standing) = Standing::of(link) else {
            self.count(|counts| &mut counts.not_comparable);
            return Ok(());
        };
        if is_in_flight(&standing) {
            self.count(|counts| &mut counts.in_flight);
            return Ok(());
        }
        let base = standing.base.as_ref();
        let known = base.map_or(&appointment.state, |base| &base.remote);
        let Ok(remote) = project(booking, Some(known)) else {
            self.count(|counts| &mut counts.not_comparable);
            return Ok(());
        };
        let local = &appointment.state;
        let fields = match compare_pair(local, &remote, base, standing.owed) {
            PairSays::InStep => {
                self.count(|counts| &mut counts.in_step);
                return Ok(());
            }
            PairSays::Accepted => {
                self.count(|counts| &mut counts.accepted);
                return Ok(());
            }
            PairSays::Differs(fields) => fields,
        };
        let mut drift = drift_at(DriftKind::Differs, booking.start);
        drift.appointment = Some(appointment.id.clone());
        drift.booking = Some(booking.uid.clone());
        drift.fields = fields;
        drift.in_review = standing.in_review;
        let has_changed_here = base.is_some_and(|base| !changes(&base.local, local).is_empty());
        let remedy = Remedy {
            look_at: Some(booking),
            record: has_changed_here.then_some(appointment),
            cancels: would_cancel(local, &remote),
            ..Remedy::default()
        };
        self.found(drift, remedy).await
    }

    /// A live booking without an appointment.
    async fn no_appointment(
        &mut self,
        booking: &Booking,
        link: Option<&Link>,
    ) -> Result<(), Failure> {
        if self.is_recent(booking.updated_at) {
            self.count(|counts| &mut counts.too_recent);
            return Ok(());
        }
        let standing = link.and_then(|link| Standing::of(link).ok());
        let base = standing
            .as_ref()
            .and_then(|standing| standing.base.as_ref());
        let is_own = link.is_some_and(|link| link.booking.as_ref() == Some(&booking.uid));
        let is_known = is_own && base.is_some();
        let owner = self.engine.ownership(self.tenant, booking, is_known);
        if owner.await.map_err(Failure::Host)? != Ownership::Ours {
            self.count(|counts| &mut counts.foreign);
            return Ok(());
        }
        let Ok(remote) = project(booking, base.map(|base| &base.remote)) else {
            self.count(|counts| &mut counts.not_comparable);
            return Ok(());
        };
        let is_accepted = |base: &crate::sync::standing::Base| {
            !base.local.status.is_live() && remote.agrees_with(&base.remote)
        };
        if base.is_some_and(is_accepted) {
            self.count(|counts| &mut counts.accepted);
            return Ok(());
        }
        let mut drift = drift_at(DriftKind::MissingHere, booking.start);
        drift.appointment = link.and_then(|link| link.appointment.clone());
        drift.booking = Some(booking.uid.clone());
        drift.in_review = standing.is_some_and(|standing| standing.in_review);
        let remedy = Remedy {
            look_at: Some(booking),
            ..Remedy::default()
        };
        self.found(drift, remedy).await
    }

    /// A live appointment whose booking is unknown, or cannot be found by its uid.
    async fn no_booking(
        &mut self,
        appointment: &Appointment,
        known: Option<(&Link, &Standing)>,
    ) -> Result<(), Failure> {
        if self.is_recent(Some(appointment.updated_at)) {
            self.count(|counts| &mut counts.too_recent);
            return Ok(());
        }
        let standing = known.map(|(_, standing)| standing);
        if standing.is_some_and(is_in_flight) {
            self.count(|counts| &mut counts.in_flight);
            return Ok(());
        }
        let is_accepted = standing.and_then(|standing| standing.base.as_ref());
        let is_accepted = is_accepted.is_some_and(|base| {
            !base.remote.status.is_live() && appointment.state.agrees_with(&base.local)
        });
        if is_accepted {
            self.count(|counts| &mut counts.accepted);
            return Ok(());
        }
        let missing = known.and_then(|(link, _)| link.booking.clone());
        let mut drift = drift_at(DriftKind::MissingThere, appointment.state.start);
        drift.appointment = Some(appointment.id.clone());
        drift.booking.clone_from(&missing);
        drift.in_review = standing.is_some_and(|standing| standing.in_review);
        let remedy = Remedy {
            look_for: missing,
            record: Some(appointment),
            ..Remedy::default()
        };
        self.found(drift, remedy).await
    }

    /// A live booking of an appointment that has another one.
    async fn doubled(
        &mut self,
        booking: &Booking,
        rival: BookingUid,
        appointment: &Appointment,
        link: &Link,
    ) -> Result<(), Failure> {
        if self.is_recent(booking.updated_at) {
            self.count(|counts| &mut counts.too_recent);
            return Ok(());
        }
        let standing = Standing::of(link).unwrap_or_default();
        if is_in_flight(&standing) {
            self.count(|counts| &mut counts.in_flight);
            return Ok(());
        }
        let mut drift = drift_at(DriftKind::Doubled, booking.start);
        drift.appointment = Some(appointment.id.clone());
        drift.booking = Some(booking.uid.clone());
        drift.rival = Some(rival);
        drift.fields = Differences::NONE;
        drift.in_review = standing.in_review;
        let remedy = Remedy {
            look_at: Some(booking),
            ..Remedy::default()
        };
        self.found(drift, remedy).await
    }
}
