//! Both sides of a tenant and the books between them, and how they differ.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{
    Booking, BookingStatus, BookingUid, EventTypeId, SeatUid, clean_line, clean_text,
};
use crate::store::{
    Appointment, AppointmentRepository, AppointmentState, AppointmentStatus, ChainKey, Differences,
    Field, LinkKey, LogEntry, LogId, Page, Person, Store, StoreError, TenantId, Window,
};
use crate::sync::seats::seats_of;
use crate::sync::{SYNC_KEY_METADATA, Standing};
use crate::testing::FakeCalcom;

/// How many rows are read at a time.
const PAGE: u32 = 500;

/// How far around the epoch's turn of the millennium appointments are looked for, in days: from 1900
/// to 2100.
const AROUND: i64 = 36_500;

/// Both sides of one tenant, and the engine's bookkeeping between them: what
/// [`assert_in_sync`](super::assert_in_sync) and its like look at.
///
/// They read the fake and not its API, so that they count as no request and no fault strikes them.
#[derive(Clone)]
pub struct Sides {
    tenant: TenantId,
    appointments: Arc<dyn AppointmentRepository>,
    store: Arc<dyn Store>,
    fake: FakeCalcom,
    event_types: Option<Vec<EventTypeId>>,
    window: Window,
}

impl fmt::Debug for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sides")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl Sides {
    /// The sides of a tenant that owns all bookings of the fake.
    pub fn new(
        tenant: TenantId,
        appointments: Arc<dyn AppointmentRepository>,
        store: Arc<dyn Store>,
        fake: FakeCalcom,
    ) -> Self {
        let middle = DateTime::from_timestamp(946_684_800, 0).unwrap_or_default();
        let around = TimeDelta::days(AROUND);
        Self {
            tenant,
            appointments,
            store,
            fake,
            event_types: None,
            window: Window::new(middle - around, middle + around),
        }
    }

    /// The tenant owns the bookings of these event types only.
    #[must_use]
    pub fn with_event_types(mut self, ids: impl IntoIterator<Item = EventTypeId>) -> Self {
        self.event_types = Some(ids.into_iter().collect());
        self
    }

    /// Looks only at what begins in this window. Default: everything between 1900 and 2100.
    #[must_use]
    pub fn within(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The host's repository.
    pub fn appointments(&self) -> &Arc<dyn AppointmentRepository> {
        &self.appointments
    }

    /// The engine's bookkeeping.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Cal.com.
    pub fn fake(&self) -> &FakeCalcom {
        &self.fake
    }

    /// All appointments of the tenant in the window.
    pub(super) async fn all_appointments(&self) -> Result<Vec<Appointment>, StoreError> {
        let mut all: Vec<Appointment> = Vec::new();
        loop {
            let last = all.last().map(|last| (last.state.start, last.id.clone()));
            let page = self
                .appointments
                .scan(&self.tenant, self.window, last, PAGE);
            let page = page.await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// All bookings of the tenant in the window that are alive.
    pub(super) fn live_bookings(&self) -> Vec<Booking> {
        let is_ours = |booking: &Booking| {
            let is_in = (self.window.from..self.window.until).contains(&booking.start);
            let id = booking.event_type_id();
            let types = self.event_types.as_ref();
            is_in && types.is_none_or(|types| id.is_none_or(|id| types.contains(&id)))
        };
        let mut live = self.fake.live_bookings();
        live.retain(is_ours);
        live
    }

    /// How both sides differ, one text a difference; nothing if they are in sync. Contains ids,
    /// times, states and the names of fields, and no personal data.
    ///
    /// They are in sync if every live appointment has a live booking that agrees with it, but for
    /// differences that were accepted; if no other booking is alive; and if nothing waits, is
    /// unanswered or in review.
    ///
    /// # Errors
    ///
    /// If the store or the repository fails.
    pub async fn differences(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let mut live: BTreeMap<String, Booking> = self
            .live_bookings()
            .into_iter()
            .map(|booking| (booking.uid.to_string(), booking))
            .collect();
        for appointment in self.all_appointments().await? {
            let key = LinkKey::Appointment(appointment.id.clone());
            let link = self.store.find(&self.tenant, &key).await?;
            let standing = link.as_ref().and_then(|link| Standing::of(link).ok());
            let uid = link.and_then(|link| link.booking);
            // A seat is named together with its booking.
            let seat = uid.as_ref().and_then(BookingUid::seat);
            let uid = match &seat {
                Some((booking, _)) => Some(booking.clone()),
                None => uid,
            };
            let seat = seat.map(|(_, seat)| seat);
            let booking = uid.as_ref().and_then(|uid| self.fake.booking(uid));
            if let Some(uid) = &uid {
                live.remove(uid.as_str());
            }
            if standing.as_ref().is_some_and(Standing::awaits_outcome) {
                found.push(format!(
                    "{}: a write to Cal.com has not been answered yet",
                    local(&appointment)
                ));
            }
            let fields = differing(
                &appointment,
                booking.as_ref(),
                seat.as_ref(),
                standing.as_ref(),
            );
            if !fields.is_empty() {
                let remote = booking.as_ref().map_or("no booking".to_owned(), remote);
                found.push(format!(
                    "{} | {remote}: they differ in {fields}",
                    local(&appointment)
                ));
            }
            let changes = self
                .store
                .changes(&self.tenant, &appointment.id, Page::first(PAGE));
            for (recorded, _) in changes.await?.iter().filter(|(_, fate)| fate.is_none()) {
                found.push(format!(
                    "{}: the change to revision {} waits",
                    local(&appointment),
                    recorded.change.revision
                ));
            }
        }
        for booking in live.values() {
            found.push(format!("no appointment | {}", remote(booking)));
        }
        let deliveries = self.store.deliveries(&self.tenant, Page::first(10_000));
        for (delivery, _) in deliveries.await?.iter().filter(|(_, fate)| fate.is_none()) {
            let booking = delivery.booking.as_ref();
            let about = booking.map_or("no booking", |uid| uid.as_str());
            found.push(format!(
                "the webhook {} about {about} waits",
                delivery.trigger
            ));
        }
        let open = self.store.open_reviews(&self.tenant, Page::first(PAGE));
        for item in open.await? {
            let about = item.appointment.as_ref();
            let about = about.map_or("the tenant".to_owned(), |id| format!("appointment {id}"));
            found.push(format!(
                "{about} is in review ({}): {}",
                item.reason, item.evidence.message
            ));
        }
        Ok(found)
    }

    /// What exists twice, one text each; nothing if all is well. Contains no personal data.
    ///
    /// An appointment has at most one live booking, and a chain of bookings at most one appointment.
    ///
    /// # Errors
    ///
    /// If the store or the repository fails.
    pub async fn doubles(&self) -> Result<Vec<String>, StoreError> {
        let mut by_owner: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut by_key: BTreeMap<(String, DateTime<Utc>), Vec<String>> = BTreeMap::new();
        // The seats of a booking are several appointments.
        for booking in self.live_bookings().into_iter().flat_map(seats_of) {
            let key = LinkKey::Booking(booking.uid.clone());
            let link = self.store.find(&self.tenant, &key).await?;
            if let Some(link) = link {
                let id = link.appointment.as_ref();
                let owner = id.map_or(format!("link {}", link.id), |id| {
                    format!("appointment {id}")
                });
                by_owner.entry(owner).or_default().push(remote(&booking));
            }
            if let Some(key) = booking.metadata_str(SYNC_KEY_METADATA) {
                // All occurrences of a series carry one key.
                let series = booking.recurring_booking_uid.is_some();
                let start = if series {
                    booking.start
                } else {
                    DateTime::UNIX_EPOCH
                };
                let by_key = by_key.entry((key.to_owned(), start)).or_default();
                by_key.push(remote(&booking));
            }
        }
        let mut found = Vec::new();
        for (owner, bookings) in by_owner.iter().filter(|(_, all)| all.len() > 1) {
            found.push(format!("{owner} has {}", bookings.join(" and ")));
        }
        for bookings in by_key.values().filter(|all| all.len() > 1) {
            let one = format!("one creation has {}", bookings.join(" and "));
            if !found
                .iter()
                .any(|told| told.ends_with(&bookings.join(" and ")))
            {
                found.push(one);
            }
        }
        let mut by_chain: BTreeMap<ChainKey, Vec<String>> = BTreeMap::new();
        for appointment in self.all_appointments().await? {
            if let Some(chain) = &appointment.chain {
                let of_chain = by_chain.entry(chain.clone()).or_default();
                of_chain.push(local(&appointment));
            }
        }
        for (chain, all) in by_chain.iter().filter(|(_, all)| all.len() > 1) {
            found.push(format!("chain {chain} has {}", all.join(" and ")));
        }
        Ok(found)
    }

    /// The last lines of the sync log, oldest first.
    pub(super) async fn last_of_log(&self, lines: usize) -> Result<Vec<LogEntry>, StoreError> {
        let mut last: Vec<LogEntry> = Vec::new();
        loop {
            let page = match last.last() {
                Some(entry) => Page::after(LogId::new(entry.id.get()), PAGE),
                None => Page::first(PAGE),
            };
            let page = self.store.log(&self.tenant, page).await?;
            if page.is_empty() {
                return Ok(last);
            }
            last.extend(page);
            last.drain(..last.len().saturating_sub(lines));
        }
    }
}

/// The fields in which an appointment and its booking differ, as text, but for those that were
/// accepted.
fn differing(
    appointment: &Appointment,
    booking: Option<&Booking>,
    seat: Option<&SeatUid>,
    standing: Option<&Standing>,
) -> String {
    let ours = &appointment.state;
    let Some(booking) = booking else {
        let is_missing = ours.status.is_live();
        return if is_missing { "Status" } else { "" }.to_owned();
    };
    let theirs = seen(booking, seat, ours);
    let base = standing.and_then(|standing| standing.base.as_ref());
    let accepted = base.map(|base| base.local.differences(&base.remote));
    let differences = ours
        .differences(&theirs)
        .without(accepted.unwrap_or(Differences::NONE));
    let fields = Field::ALL.iter();
    let fields = fields.filter(|field| differences.contains(**field));
    let names: Vec<_> = fields.map(|field| format!("{field:?}")).collect();
    names.join(", ")
}

/// A booking, or one of its seats, in the host's terms, seen without the engine's eyes. What it does
/// not say is unknown.
fn seen(booking: &Booking, seat: Option<&SeatUid>, ours: &AppointmentState) -> AppointmentState {
    let mut attendees = booking.attendees.iter();
    let attendee = match seat {
        Some(_) => attendees.find(|attendee| attendee.seat_uid.as_ref() == seat),
        None => attendees.next(),
    };
    let status = match &booking.status {
        // A seat that was given up is not there any more.
        _ if seat.is_some() && attendee.is_none() => AppointmentStatus::Cancelled,
        BookingStatus::Accepted => AppointmentStatus::Confirmed,
        BookingStatus::Rejected => AppointmentStatus::Declined,
        _ if booking.is_live() => AppointmentStatus::Pending,
        _ => AppointmentStatus::Cancelled,
    };
    let attendee = attendee.map(Person::from);
    let mut attendee = attendee.unwrap_or_else(|| ours.attendee.clone());
    // Cal.com has an address for everybody; one that stands for a phone number is nobody's.
    attendee.email.take_if(|_| ours.attendee.email.is_none());
    let event_type = booking.event_type_id().unwrap_or(ours.event_type);
    let mut theirs =
        AppointmentState::new(status, booking.start, booking.end, event_type, attendee);
    theirs.host = booking.hosts.first().and_then(|host| host.id);
    let place = booking.location.as_deref().map(clean_line);
    theirs.location = place
        .filter(|place| !place.is_empty())
        .map(|place| place.into_owned().into());
    theirs.guests = Some(booking.guests.iter().collect());
    let notes = booking.booking_fields_responses.as_ref();
    let notes = notes.and_then(|fields| fields.get_str("notes"));
    theirs.notes = notes.map(|notes| clean_text(notes).into_owned().into());
    theirs
}

fn local(appointment: &Appointment) -> String {
    let state = &appointment.state;
    format!(
        "appointment {} (revision {}, origin {}): {} {} to {}",
        appointment.id,
        appointment.revision,
        appointment.origin.as_str(),
        state.status.as_str(),
        instant(state.start),
        instant(state.end)
    )
}

fn remote(booking: &Booking) -> String {
    format!(
        "booking {}: {} {} to {}",
        booking.uid,
        booking.status.as_str(),
        instant(booking.start),
        instant(booking.end)
    )
}

fn instant(instant: DateTime<Utc>) -> String {
    crate::model::format_instant(instant)
}
