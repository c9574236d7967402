//! Appointments at the host, which the engine brings to Cal.com.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::ending::End;
use super::overlap::without;
use super::{Bookable, Books, Earlier, Entry, Order, Trouble, Wanted, Written};
use crate::model::{EventTypeId, PhoneNumber};
use crate::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentState, AppointmentStatus,
    AppointmentWrite, Notes, Origin, Reason, RequestKey, ServiceId, StoreErrorKind, Window,
};
use crate::sync::{Operations, SyncEngine, Tenant};

/// How many rows are read at once.
pub(super) const PAGE: u32 = 200;
/// How many services are read of a tenant.
const SERVICES: usize = 1_000;
/// How many appointments of one caller are looked at.
const OF_CALLER: u32 = 20;
/// How often a write that somebody else overtook is tried again.
const ATTEMPTS: usize = 4;
/// Why an appointment is declined that could not be booked at Cal.com.
const OVERTAKEN: &str = "The time was taken before the appointment could be confirmed.";

/// The host's appointments, and the engine.
#[derive(Clone, Debug)]
pub(in crate::agents) struct EngineBooks {
    pub(in crate::agents) engine: Arc<dyn SyncEngine>,
    pub(in crate::agents) operations: Arc<dyn Operations>,
    pub(in crate::agents) desk: Arc<dyn AppointmentDesk>,
}

impl EngineBooks {
    /// Writes an appointment anew until nobody overtakes. `change` says what it becomes; `None` if there
    /// is nothing to change.
    async fn revise(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
        change: impl Fn(&Appointment) -> Option<AppointmentWrite>,
    ) -> Result<Option<Appointment>, Trouble> {
        for attempt in 1.. {
            let Some(current) = self.desk.get(tenant.id(), id).await? else {
                return Ok(None);
            };
            let Some(write) = change(&current) else {
                return Ok(Some(current));
            };
            let revised = self
                .desk
                .revise(tenant.id(), id, current.revision, write)
                .await;
            match revised {
                Ok(written) => {
                    self.engine.nudge();
                    return Ok(Some(written));
                }
                Err(error) if error.kind() == StoreErrorKind::NotFound => return Ok(None),
                Err(error) if error.kind() == StoreErrorKind::Conflict && attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Gives up an appointment that has lost its slot: the caller chooses another time.
    async fn give_up(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
        by: &Origin,
        now: DateTime<Utc>,
    ) -> Result<(), Trouble> {
        let given_up = self.revise(tenant, id, |current| {
            current.state.status.is_live().then(|| {
                let mut state = current.state.clone();
                // Cancelled is what the customer does.
                state.status = AppointmentStatus::Declined;
                let write = AppointmentWrite::new(state, by.clone(), now);
                write.with_reason(Reason::new(OVERTAKEN))
            })
        });
        given_up.await.map(drop)
    }
}

pub(super) fn entry_of(appointment: &Appointment) -> Entry {
    let state = &appointment.state;
    Entry {
        id: appointment.id.as_str().to_owned(),
        status: state.status,
        start: state.start,
        end: state.end,
        event_type: state.event_type,
        host: state.host,
        name: state.attendee.name.clone(),
        is_overtaken: state.status == AppointmentStatus::Declined,
    }
}

#[async_trait]
impl Books for EngineBooks {
    async fn services(&self, tenant: &Tenant) -> Result<Vec<Bookable>, Trouble> {
        let Some(services) = tenant.services() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        let mut after: Option<ServiceId> = None;
        while all.len() < SERVICES {
            let page = services
                .repository
                .services_page(tenant.id(), after.as_ref(), PAGE);
            let page = page.await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.id.clone());
            for service in page {
                let own = |id: &EventTypeId| tenant.event_types().any(|own| own == *id);
                let Some(event_type) = service.event_type.filter(own) else {
                    continue;
                };
                if service.is_active {
                    all.push(Bookable {
                        id: service.id.as_str().to_owned(),
                        name: service.details.name,
                        minutes: service.details.length_in_minutes,
                        description: service.details.description,
                        event_type,
                    });
                }
            }
        }
        Ok(all)
    }

    async fn free(
        &self,
        tenant: &Tenant,
        wanted: Wanted,
        window: Window,
        moving: Option<&Entry>,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, Trouble> {
        let slots = self
            .operations
            .free_slots(tenant.id(), wanted.event_type, window);
        let mut slots = slots.await?;
        slots.retain(|slot| *slot >= window.from && *slot < window.until);
        slots.sort_unstable();
        if slots.is_empty() {
            return Ok(slots);
        }
        let taken = self
            .unknown_to_calcom(tenant, wanted, (window, &slots), moving, now)
            .await?;
        Ok(without(slots, wanted.length, &taken))
    }

    async fn requested(&self, tenant: &Tenant, key: &RequestKey) -> Result<Option<Entry>, Trouble> {
        let found = self.desk.requested(tenant.id(), key).await?;
        Ok(found.as_ref().map(entry_of))
    }

    async fn take(
        &self,
        tenant: &Tenant,
        key: &RequestKey,
        order: Order,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let end = order.start + order.wanted.length;
        let status = AppointmentStatus::Confirmed;
        let event_type = order.wanted.event_type;
        let mut state = AppointmentState::new(status, order.start, end, event_type, order.person);
        state.host = order.wanted.host;
        state.notes = order.notes.map(Notes::new);
        let write = AppointmentWrite::new(state, order.origin.clone(), order.now);
        let taken = match self.desk.take(tenant.id(), key, write).await {
            // The host's own table keeps two appointments from one time.
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                return Ok(Written::SlotTaken);
            }
            taken => taken?,
        };
        self.engine.nudge();
        let entry = entry_of(&taken.appointment);
        if entry.is_overtaken {
            return Ok(Written::SlotTaken);
        }
        if !entry.status.is_live() {
            return Ok(Written::Ended);
        }
        let earlier = Earlier::Booking(&order.origin, order.now);
        self.settled(tenant, entry, earlier, until).await
    }

    async fn settled(
        &self,
        tenant: &Tenant,
        entry: Entry,
        earlier: Earlier<'_>,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let (end, entry) = self.ended(tenant, entry, &BTreeSet::new(), until).await;
        match (&end, earlier) {
            (End::SlotTaken, Earlier::Booking(by, now)) => {
                let id = AppointmentId::new(&entry.id);
                self.give_up(tenant, &id, by, now).await?;
            }
            // Where it was before is not known here; a person is asked already.
            (End::SlotTaken, Earlier::Move) => return Ok(Written::Rejected),
            _ => {}
        }
        Ok(end.written(entry))
    }

    fn refuses_what_is_taken(&self) -> bool {
        false
    }

    async fn is_blocked(
        &self,
        tenant: &Tenant,
        wanted: Wanted,
        slot: DateTime<Utc>,
        moving: &Entry,
        now: DateTime<Utc>,
    ) -> Result<bool, Trouble> {
        let window = Window::new(slot, slot + wanted.length);
        let slots = [slot];
        let taken = self.unknown_to_calcom(tenant, wanted, (window, &slots), Some(moving), now);
        Ok(!taken.await?.is_empty())
    }

    async fn of_number(
        &self,
        tenant: &Tenant,
        number: &PhoneNumber,
        after: DateTime<Utc>,
    ) -> Result<Vec<Entry>, Trouble> {
        let found = self.desk.by_phone(tenant.id(), number, after, OF_CALLER);
        Ok(found.await?.iter().map(entry_of).collect())
    }

    async fn of_id(
        &self,
        tenant: &Tenant,
        id: &str,
        number: Option<&PhoneNumber>,
    ) -> Result<Option<Entry>, Trouble> {
        let found = self.desk.get(tenant.id(), &AppointmentId::new(id)).await?;
        let is_theirs = |found: &Appointment| {
            let own = found.state.attendee.phone_number.as_deref();
            number.is_none_or(|number| own == Some(number.as_str()))
        };
        Ok(found.filter(is_theirs).as_ref().map(entry_of))
    }

    async fn move_to(
        &self,
        tenant: &Tenant,
        entry: &Entry,
        start: DateTime<Utc>,
        by: &Origin,
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let id = AppointmentId::new(&entry.id);
        let before = self.reviews(tenant, &id).await?;
        let moved = self.revise(tenant, &id, |current| {
            let is_open = current.state.status.is_live() && current.state.start != start;
            is_open.then(|| {
                let mut state = current.state.clone();
                state.end = start + (state.end - state.start);
                state.start = start;
                AppointmentWrite::new(state, by.clone(), now)
            })
        });
        let Some(moved) = moved.await? else {
            return Ok(Written::Ended);
        };
        if !moved.state.status.is_live() {
            return Ok(Written::Ended);
        }
        let (end, after) = self.ended(tenant, entry_of(&moved), &before, until).await;
        if matches!(end, End::SlotTaken) && entry.start != start {
            // It stays where it was, unless somebody has moved it elsewhere meanwhile.
            self.revise(tenant, &id, |current| {
                let is_ours = current.state.status.is_live() && current.state.start == start;
                is_ours.then(|| {
                    let mut state = current.state.clone();
                    (state.start, state.end) = (entry.start, entry.end);
                    AppointmentWrite::new(state, by.clone(), now)
                })
            })
            .await?;
        }
        Ok(end.written(after))
    }

    async fn cancel(
        &self,
        tenant: &Tenant,
        entry: &Entry,
        reason: Option<&str>,
        by: &Origin,
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let id = AppointmentId::new(&entry.id);
        let before = self.reviews(tenant, &id).await?;
        let cancelled = self.revise(tenant, &id, |current| {
            current.state.status.is_live().then(|| {
                let mut state = current.state.clone();
                state.status = AppointmentStatus::Cancelled;
                AppointmentWrite::new(state, by.clone(), now).with_reason(reason.map(Reason::new))
            })
        });
        let Some(cancelled) = cancelled.await? else {
            return Ok(Written::Ended);
        };
        let cancelled = entry_of(&cancelled);
        let (end, entry) = self.ended(tenant, cancelled, &before, until).await;
        Ok(end.written(entry))
    }
}
