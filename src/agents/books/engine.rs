//! Appointments at the host, which the engine brings to Cal.com.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::overlap::{Span, overlaps, without};
use super::{Bookable, Books, Earlier, Entry, Order, Trouble, Wanted, Written};
use crate::model::{EventTypeId, PhoneNumber, UserId};
use crate::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentState, AppointmentStatus,
    AppointmentWrite, Notes, Origin, Reason, RequestKey, ReviewId, ReviewReason, ServiceId,
    StoreErrorKind, Window,
};
use crate::sync::{Operations, SyncEngine, SyncState, SyncStatus, Tenant};

/// How many rows are read at once.
const PAGE: u32 = 200;
/// How many services are read of a tenant.
const SERVICES: usize = 1_000;
/// The longest appointment that can reach into a window from before.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// How long Cal.com may repeat an answer about free slots that it gave before an appointment was booked.
const REPEATED_FOR: TimeDelta = TimeDelta::minutes(1);
/// How many appointments are looked up in the books for one question.
const STATUSES: usize = 200;
/// How many appointments of one caller are looked at.
const OF_CALLER: u32 = 20;
/// How often a write that somebody else overtook is tried again.
const ATTEMPTS: usize = 4;
/// The pauses between two looks at how far the engine is: they grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LAST_PAUSE: Duration = Duration::from_millis(400);
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
    /// What the host's appointments take of a window that Cal.com does not know yet, or has known for so
    /// short a time that its free slots need not show it.
    async fn unknown_to_calcom(
        &self,
        tenant: &Tenant,
        wanted: Wanted,
        (window, slots): (Window, &[DateTime<Utc>]),
        moving: Option<&Entry>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Span>, Trouble> {
        let reaching = Window::new(window.from - LONGEST, window.until);
        let mut after: Option<(DateTime<Utc>, AppointmentId)> = None;
        let mut hosts = HostsOf::new(tenant);
        let mut taken = Vec::new();
        let mut asked = 0;
        loop {
            let page = self.desk.scan(tenant.id(), reaching, after.take(), PAGE);
            let page = page.await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some((last.state.start, last.id.clone()));
            for appointment in page {
                let state = &appointment.state;
                let span = (state.start, state.end);
                let is_itself = moving.is_some_and(|moving| moving.id == appointment.id.as_str());
                let matters = state.status.is_live()
                    && !is_itself
                    && slots
                        .iter()
                        .any(|slot| overlaps(*slot, wanted.length, span));
                if !matters || are_others(wanted, state) {
                    continue;
                }
                // In doubt, a slot is not offered.
                asked += 1;
                let is_known = asked <= STATUSES
                    && self
                        .is_known_to_calcom(tenant, &appointment.id, now)
                        .await?;
                if !is_known && hosts.share_somebody(wanted, state).await {
                    taken.push(span);
                }
            }
        }
        Ok(taken)
    }

    async fn is_known_to_calcom(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
        now: DateTime<Utc>,
    ) -> Result<bool, Trouble> {
        let status = self.operations.status(tenant.id(), id).await?;
        let since = status.last.succeeded_at;
        let is_old = since.is_none_or(|since| now - since > REPEATED_FOR);
        Ok(status.state == SyncState::InSync && is_old)
    }

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

    /// The review items in which an appointment is involved already.
    async fn reviews(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
    ) -> Result<BTreeSet<ReviewId>, Trouble> {
        let status = self.operations.status(tenant.id(), id).await?;
        Ok(status.reviews.iter().map(|(id, _)| *id).collect())
    }

    /// Watches the engine until a write of an appointment has ended, or the time is over. Review items from
    /// before the write say nothing about it.
    async fn watch(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
        before: &BTreeSet<ReviewId>,
        until: Instant,
    ) -> Result<End, Trouble> {
        let mut pause = FIRST_PAUSE;
        loop {
            let status = self.operations.status(tenant.id(), id).await?;
            if let Some(end) = End::of(&status, before) {
                return Ok(end);
            }
            let next = Instant::now() + pause;
            if next >= until {
                return Ok(End::Open);
            }
            tokio::time::sleep_until(next).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The end of a write, with the appointment as it is now. The write itself is stored: where its end
    /// cannot be found out, it is open.
    async fn ended(
        &self,
        tenant: &Tenant,
        entry: Entry,
        before: &BTreeSet<ReviewId>,
        until: Instant,
    ) -> (End, Entry) {
        let id = AppointmentId::new(&entry.id);
        let looked = tokio::time::timeout_at(until + LAST_PAUSE, async {
            let end = self.watch(tenant, &id, before, until).await?;
            let current = self.desk.get(tenant.id(), &id).await?;
            Ok::<_, Trouble>((end, current))
        });
        match looked.await {
            Ok(Ok((end, current))) => {
                let entry = current.map_or(entry, |current| entry_of(&current));
                (end, entry)
            }
            Ok(Err(trouble)) => {
                tracing::warn!(error = %trouble, "how a write ended could not be found out");
                (End::Open, entry)
            }
            Err(_) => (End::Open, entry),
        }
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

/// Whether an appointment is certainly held by somebody else than the wanted one.
fn are_others(wanted: Wanted, state: &AppointmentState) -> bool {
    let hosts = wanted.host.zip(state.host);
    state.event_type != wanted.event_type && hosts.is_some_and(|(ours, theirs)| ours != theirs)
}

/// What has become of a write.
enum End {
    Done,
    SlotTaken,
    Rejected,
    Open,
}

impl End {
    fn of(status: &SyncStatus, before: &BTreeSet<ReviewId>) -> Option<Self> {
        if status.is_paused {
            return Some(Self::Open);
        }
        // No turn has looked at the write yet.
        if status.waiting_changes > 0 {
            return None;
        }
        let since = status.reviews.iter().filter(|(id, _)| !before.contains(id));
        let since: Vec<&ReviewReason> = since.map(|(_, reason)| reason).collect();
        match status.state {
            SyncState::InSync | SyncState::Skipped | SyncState::Dismissed => Some(Self::Done),
            SyncState::InReview if since.contains(&&ReviewReason::SlotTaken) => {
                Some(Self::SlotTaken)
            }
            // An outage goes by, and what it held up is done then. What was open before stays so.
            SyncState::InReview
                if since
                    .iter()
                    .all(|reason| **reason == ReviewReason::RetriesExhausted) =>
            {
                Some(Self::Open)
            }
            SyncState::InReview => Some(Self::Rejected),
            _ => None,
        }
    }

    fn written(self, entry: Entry) -> Written {
        match self {
            Self::Done => Written::Done(entry),
            Self::SlotTaken => Written::SlotTaken,
            Self::Rejected => Written::Rejected,
            Self::Open => Written::Accepted(entry),
        }
    }
}

/// Who can hold appointments of an event type, asked once for each.
struct HostsOf<'a> {
    tenant: &'a Tenant,
    known: BTreeMap<EventTypeId, Option<Vec<UserId>>>,
}

impl<'a> HostsOf<'a> {
    fn new(tenant: &'a Tenant) -> Self {
        Self {
            tenant,
            known: BTreeMap::new(),
        }
    }

    /// `None` if nothing can be found out about it.
    async fn of(&mut self, event_type: EventTypeId) -> Option<Vec<UserId>> {
        if let Some(known) = self.known.get(&event_type) {
            return known.clone();
        }
        let found = self.tenant.calendar().event_type(event_type).await;
        let hosts = found.ok().flatten().map(|facts| facts.hosts);
        let hosts = hosts.filter(|hosts| !hosts.is_empty());
        self.known.insert(event_type, hosts.clone());
        hosts
    }

    /// Whether an appointment can be held by somebody whom the wanted one needs. In doubt, it can.
    async fn share_somebody(&mut self, wanted: Wanted, state: &AppointmentState) -> bool {
        if state.event_type == wanted.event_type {
            return true;
        }
        let theirs = match state.host {
            Some(host) => Some(vec![host]),
            None => self.of(state.event_type).await,
        };
        let ours = match wanted.host {
            Some(host) => Some(vec![host]),
            None => self.of(wanted.event_type).await,
        };
        match (theirs, ours) {
            (Some(theirs), Some(ours)) => theirs.iter().any(|host| ours.contains(host)),
            _ => true,
        }
    }
}

fn entry_of(appointment: &Appointment) -> Entry {
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
