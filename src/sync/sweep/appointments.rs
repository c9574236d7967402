//! The host's side of a sweep: its appointments around today.

use chrono::{DateTime, Utc};

use super::compare::appointment_differs;
use super::report::Failure;
use super::{Sweep, back, count, span};
use crate::store::{Appointment, AppointmentId, LinkKey, Window};
use crate::sync::standing::Standing;

/// How many appointments are read at a time.
const APPOINTMENTS: u32 = 100;

/// Whether a page that ends with `last` is one after `after`.
fn goes_on(
    last: &(DateTime<Utc>, AppointmentId),
    after: Option<&(DateTime<Utc>, AppointmentId)>,
    page: &[Appointment],
) -> bool {
    after.is_none_or(|after| last.0 >= after.0 && page.iter().all(|met| met.id != after.1))
}

impl Sweep<'_> {
    /// Compares the appointments within the window, page by page.
    pub(super) async fn read_appointments(&mut self) -> Result<(), Failure> {
        let config = &self.engine.config;
        let now = self.lease.now;
        let ahead = now.checked_add_signed(span(config.sweep_window_ahead));
        let window = Window::new(
            back(now, config.sweep_window_past),
            ahead.unwrap_or(DateTime::<Utc>::MAX_UTC),
        );
        loop {
            let after = self.cursor.scanned.clone();
            let page = self.engine.appointments.scan(
                &self.lease.tenant,
                window,
                after.clone(),
                APPOINTMENTS,
            );
            let page = self.engine.host_call(page).await.map_err(Failure::Host)?;
            // Appointments that begin at once are in the host's own order, of numbers or of texts.
            let last = page.last().map(|met| (met.state.start, met.id.clone()));
            // A repository that does not go on is not asked for ever.
            let Some(last) = last.filter(|last| goes_on(last, after.as_ref(), &page)) else {
                self.cursor.scanned = None;
                return Ok(());
            };
            self.report.appointments_read += count(page.len());
            for appointment in &page {
                self.compare_appointment(appointment).await?;
            }
            self.cursor.scanned = Some(last);
            self.advance().await?;
        }
    }

    async fn compare_appointment(&mut self, appointment: &Appointment) -> Result<(), Failure> {
        let lag = self.engine.config.webhook_lag;
        let written_at = appointment.updated_at;
        // Whoever wrote it is about to record it. It is met again next time.
        if (back(self.lease.now, lag)..=self.lease.now).contains(&written_at) {
            return Ok(());
        }
        let link = self
            .find(LinkKey::Appointment(appointment.id.clone()))
            .await?;
        let standing = link.as_ref().and_then(|link| Standing::of(link).ok());
        let known = link.as_ref().map(|link| (link, standing.as_ref()));
        // The books hold it in the state in which it is booked.
        let mut booked = appointment.clone();
        booked.state = self.tenant.as_booked(booked.state);
        if !appointment_differs(&booked, known) || self.is_recorded(appointment).await? {
            return Ok(());
        }
        let tenant = &self.lease.tenant;
        let recorded = self.engine.record_found(tenant, appointment).await;
        recorded.map_err(Failure::Store)?;
        self.report.changes_recorded += 1;
        Ok(())
    }

    async fn is_recorded(&self, appointment: &Appointment) -> Result<bool, Failure> {
        let tenant = &self.lease.tenant;
        let recorded = self.engine.is_recorded(tenant, appointment).await;
        recorded.map_err(Failure::Store)
    }
}
