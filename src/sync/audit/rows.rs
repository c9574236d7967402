//! Both sides as streams of rows in the order of their starts, a page at a time.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::is_within;
use super::report::Failure;
use super::walk::StartWalk;
use crate::model::Booking;
use crate::store::{Appointment, AppointmentId, Window};
use crate::sync::engine::Engine;
use crate::sync::seats::seats_of;
use crate::sync::tenant::Tenant;

/// How many appointments are read at a time.
const APPOINTMENTS: u32 = 100;

/// Cal.com's side.
pub(in crate::sync) struct Bookings {
    walk: StartWalk,
    rows: VecDeque<Booking>,
}

impl Bookings {
    pub(in crate::sync) fn new(window: Window) -> Self {
        Self {
            walk: StartWalk::new(window),
            rows: VecDeque::new(),
        }
    }

    pub(in crate::sync) fn walk(&self) -> &StartWalk {
        &self.walk
    }

    /// Reads the next page, if nothing of the last one is left.
    pub(in crate::sync) async fn fill(
        &mut self,
        engine: &Engine,
        tenant: &Tenant,
    ) -> Result<(), Failure> {
        while self.rows.is_empty() {
            let Some(query) = self.walk.query() else {
                return Ok(());
            };
            let page = tenant.calendar.bookings_page(&query);
            let page = engine.calendar_call(page).await;
            let page = self.walk.take(page.map_err(Failure::Calendar)?);
            // Each seat is a booking of its own.
            self.rows.extend(page.into_iter().flat_map(seats_of));
        }
        Ok(())
    }

    /// The start of the next row that was read.
    pub(super) fn next_start(&self) -> Option<i64> {
        self.rows.front().map(|row| row.start.timestamp_millis())
    }

    pub(in crate::sync) fn pop(&mut self) -> Option<Booking> {
        self.rows.pop_front()
    }
}

/// The host's side.
pub(in crate::sync) struct Appointments {
    window: Window,
    rows: VecDeque<Appointment>,
    after: Option<(DateTime<Utc>, AppointmentId)>,
    is_done: bool,
}

impl Appointments {
    pub(in crate::sync) fn new(
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
    ) -> Self {
        Self {
            window,
            rows: VecDeque::new(),
            after,
            is_done: window.from >= window.until,
        }
    }

    /// Reads the next page, if nothing of the last one is left.
    pub(in crate::sync) async fn fill(
        &mut self,
        engine: &Engine,
        tenant: &Tenant,
    ) -> Result<(), Failure> {
        while self.rows.is_empty() && !self.is_done {
            let after = self.after.clone();
            let page =
                engine
                    .appointments
                    .scan(&tenant.id, self.window, after.clone(), APPOINTMENTS);
            let mut page = engine.host_call(page).await.map_err(Failure::Host)?;
            let place = |met: &Appointment| (met.state.start, met.id.clone());
            page.sort_by_cached_key(place);
            // A repository that does not go on is not asked for ever.
            let last = page.last().map(place);
            match last.filter(|last| Some(last) > after.as_ref()) {
                Some(last) => self.after = Some(last),
                None => self.is_done = true,
            }
            let after = after.as_ref();
            page.retain(|met| is_within(self.window, met.state.start) && Some(&place(met)) > after);
            self.rows
                .extend(page.into_iter().map(|met| as_booked(tenant, met)));
        }
        Ok(())
    }

    /// The start of the next row that was read.
    pub(super) fn next_start(&self) -> Option<i64> {
        let next = self.rows.front();
        next.map(|row| row.state.start.timestamp_millis())
    }

    pub(in crate::sync) fn pop(&mut self) -> Option<Appointment> {
        self.rows.pop_front()
    }
}

/// An appointment in the state in which it is booked, as the books hold it.
pub(super) fn as_booked(tenant: &Tenant, mut appointment: Appointment) -> Appointment {
    appointment.state = tenant.as_booked(appointment.state);
    appointment
}
