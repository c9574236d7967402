//! The rebuild: links are made anew after the bookkeeping was lost.
//!
//! What is left says which booking belongs to which appointment: the sync key in the metadata of the
//! bookings that the engine has made, the chain that the host keeps with the appointments that the
//! engine has made, and the chain key of every booking. A turn pairs by them, as it does anyway when
//! one side is met; the rebuild has both sides met, whole. Like a sweep it decides nothing.
//!
//! Bookings come first: an appointment whose chain is known when its change is looked at needs no
//! search at Cal.com.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::serde_as;

use super::SYNC_KEY_METADATA;
use super::audit::{Appointments, AuditStop, Bookings, Failure};
use super::engine::Engine;
use super::notices::{notice_of, whole_of};
use super::ownership::Ownership;
use super::review::with_causes;
use super::tenant::Tenant;
use crate::model::{Booking, InstantFormat};
use crate::store::{
    Appointment, AppointmentId, DeliveryClaim, LinkKey, StoreError, TenantId, Window,
};

/// Parameters of a rebuild.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RebuildParams {
    /// What starts within it at either side is met. What lies outside is paired once something
    /// refers to it.
    pub window: Window,
    /// Where to go on; the cursor's own window counts then.
    pub cursor: Option<RebuildCursor>,
}

impl RebuildParams {
    /// Rebuilds the links of what starts within a window.
    pub fn new(window: Window) -> Self {
        Self {
            window,
            cursor: None,
        }
    }

    /// Goes on where an earlier rebuild stopped.
    #[must_use]
    pub fn resuming(mut self, cursor: RebuildCursor) -> Self {
        self.cursor = Some(cursor);
        self
    }
}

/// What a rebuild has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RebuildCounts {
    /// The bookings that were read from the list.
    pub bookings_read: u64,
    /// The appointments that were read from the host.
    pub appointments_read: u64,
    /// The bookings and appointments that are in a pair already.
    pub known: u64,
    /// The bookings that do not belong to the tenant.
    pub foreign: u64,
    /// The notices that were put into the inbox.
    pub notices_given: u64,
    /// The changes that were put into the outbox.
    pub changes_recorded: u64,
}

/// Where an interrupted rebuild goes on: plain data to be stored anywhere.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RebuildCursor {
    #[serde_as(as = "InstantFormat")]
    from: DateTime<Utc>,
    #[serde_as(as = "InstantFormat")]
    until: DateTime<Utc>,
    /// Every booking that starts before this instant was met, unless the list came out of order.
    #[serde_as(as = "InstantFormat")]
    bookings: DateTime<Utc>,
    /// The appointment that was met last; `None` before all bookings were met.
    scanned: Option<(DateTime<Utc>, AppointmentId)>,
    counts: RebuildCounts,
}

/// The result of a rebuild.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildReport {
    /// The tenant.
    pub tenant: TenantId,
    /// What was counted since the rebuild began, also before it was resumed.
    pub counts: RebuildCounts,
    /// Whether Cal.com's list withheld rows.
    pub has_gaps: bool,
    /// Why it stopped early; `None` if it came to its end.
    pub stopped: Option<AuditStop>,
    /// Where to resume it; `None` if it came to its end.
    pub cursor: Option<RebuildCursor>,
}

impl RebuildReport {
    /// Whether both sides were met to their ends.
    pub fn is_complete(&self) -> bool {
        self.stopped.is_none() && !self.has_gaps
    }
}

impl Engine {
    /// Has the next turns pair what the books do not know.
    pub(super) async fn rebuild_tenant(
        &self,
        id: &TenantId,
        params: RebuildParams,
    ) -> Result<RebuildReport, StoreError> {
        let window = params.window;
        let cursor = params.cursor.unwrap_or(RebuildCursor {
            from: window.from,
            until: window.until,
            bookings: window.from,
            scanned: None,
            counts: RebuildCounts::default(),
        });
        let mut report = RebuildReport {
            tenant: id.clone(),
            counts: cursor.counts,
            has_gaps: false,
            stopped: None,
            cursor: None,
        };
        let tenant = match self.host_call(self.tenants.tenant(id)).await {
            Ok(Some(tenant)) => tenant,
            unreadable => {
                report.stopped = Some(match unreadable {
                    Err(error) => AuditStop::Host(error.kind()),
                    Ok(_) => AuditStop::UnknownTenant,
                });
                report.cursor = Some(cursor);
                return Ok(report);
            }
        };
        let mut rebuild = Rebuild {
            engine: self,
            tenant: &tenant,
            cursor,
            has_gaps: false,
        };
        let stop = match Box::pin(rebuild.run()).await {
            Ok(()) | Err(Failure::Brake) => None,
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Host(error)) => {
                tracing::warn!(tenant = %id, error = %with_causes(&error), "the host stopped a rebuild");
                Some(AuditStop::Host(error.kind()))
            }
            Err(Failure::Calendar(error)) => {
                tracing::warn!(tenant = %id, error = %with_causes(&error), "Cal.com stopped a rebuild");
                Some(AuditStop::Calendar {
                    kind: error.kind(),
                    retry_after: error.retry_after(),
                })
            }
        };
        report.counts = rebuild.cursor.counts;
        report.has_gaps = rebuild.has_gaps;
        report.cursor = stop.is_some().then_some(rebuild.cursor);
        report.stopped = stop;
        Ok(report)
    }
}

/// What to do about a booking that is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BookingIs {
    /// In a pair already.
    Known,
    /// Nothing that pairs.
    PassedOver,
    /// To be looked at by a turn.
    Unpaired,
}

struct Rebuild<'a> {
    engine: &'a Engine,
    tenant: &'a Tenant,
    cursor: RebuildCursor,
    has_gaps: bool,
}

impl Rebuild<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        if self.cursor.scanned.is_none() {
            self.meet_bookings().await?;
        }
        self.meet_appointments().await
    }

    async fn meet_bookings(&mut self) -> Result<(), Failure> {
        let from = self.cursor.bookings;
        let mut bookings = Bookings::new(Window::new(from, self.cursor.until));
        loop {
            bookings.fill(self.engine, self.tenant).await?;
            let Some(booking) = bookings.pop() else {
                self.has_gaps |= bookings.walk().has_gaps();
                return Ok(());
            };
            self.meet_booking(&booking).await?;
            self.cursor.bookings = if bookings.walk().is_sorted() {
                booking.start
            } else {
                from
            };
        }
    }

    async fn meet_booking(&mut self, booking: &Booking) -> Result<(), Failure> {
        self.cursor.counts.bookings_read += 1;
        match self.is(booking).await.map_err(Failure::Store)? {
            BookingIs::Known => self.cursor.counts.known += 1,
            BookingIs::PassedOver => {}
            BookingIs::Unpaired => {
                let owner = self.engine.ownership(self.tenant, booking, false);
                if owner.await.map_err(Failure::Host)? != Ownership::Ours {
                    self.cursor.counts.foreign += 1;
                    return Ok(());
                }
                let from = booking.rescheduled_from_uid.clone();
                let about = whole_of(&booking.uid);
                let claim = DeliveryClaim::default();
                let notice = notice_of(&self.tenant.id, booking, about, from, claim);
                let given = self.engine.give_notice(notice).await;
                self.cursor.counts.notices_given += u64::from(given.map_err(Failure::Store)?);
            }
        }
        Ok(())
    }

    async fn is(&self, booking: &Booking) -> Result<BookingIs, StoreError> {
        let is_live = booking.is_live();
        if !is_live && booking.rescheduled_to_uid.is_some() {
            // The one that replaced it stands for the chain.
            return Ok(BookingIs::PassedOver);
        }
        let key = LinkKey::Booking(booking.uid.clone());
        let link = self.engine.find_link(&self.tenant.id, key).await?;
        Ok(match link {
            Some(link) if link.appointment.is_some() => BookingIs::Known,
            // Its chain is known, which is all that there is to one that has ended.
            Some(_) if !is_live => BookingIs::PassedOver,
            // One that the engine has made is looked for when its appointment is met.
            None if !is_live && booking.metadata_str(SYNC_KEY_METADATA).is_some() => {
                BookingIs::PassedOver
            }
            _ => BookingIs::Unpaired,
        })
    }

    async fn meet_appointments(&mut self) -> Result<(), Failure> {
        let window = Window::new(self.cursor.from, self.cursor.until);
        let mut appointments = Appointments::new(window, self.cursor.scanned.clone());
        loop {
            appointments.fill(self.engine, self.tenant).await?;
            let Some(appointment) = appointments.pop() else {
                return Ok(());
            };
            self.cursor.counts.appointments_read += 1;
            let met = self.meet_appointment(&appointment).await;
            met.map_err(Failure::Store)?;
            self.cursor.scanned = Some((appointment.state.start, appointment.id));
        }
    }

    async fn meet_appointment(&mut self, appointment: &Appointment) -> Result<(), StoreError> {
        let (engine, tenant) = (self.engine, &self.tenant.id);
        let key = LinkKey::Appointment(appointment.id.clone());
        if engine.find_link(tenant, key).await?.is_some() {
            self.cursor.counts.known += 1;
            return Ok(());
        }
        // One that has ended and was never booked is nothing to pair.
        let has_a_booking = appointment.state.status.is_live() || appointment.chain.is_some();
        if has_a_booking && !engine.is_recorded(tenant, appointment).await? {
            engine.record_found(tenant, appointment).await?;
            self.cursor.counts.changes_recorded += 1;
        }
        Ok(())
    }
}
