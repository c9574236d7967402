//! Bookings at Cal.com, for a host without appointments of its own.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{Bookable, Books, Earlier, Entry, Order, Trouble, Wanted, Written};
use crate::client::{Client, Error, ErrorKind, IdempotencyKey};
use crate::model::{
    Booking, BookingQuery, BookingUid, CancelParams, NewAttendee, NewBooking, PhoneNumber,
    RescheduleParams, SlotQuery, SortOrder,
};
use crate::store::{AppointmentState, AppointmentStatus, Origin, RequestKey, Window};
use crate::sync::{EventTypeCatalog, Tenant};

/// How many coming bookings are looked through for those of a caller: Cal.com has no filter for phone
/// numbers.
const LOOKED_THROUGH: u32 = 1_000;
const PAGE: u32 = 100;
/// How often a booking may have been moved before it is no longer followed.
const LONGEST_CHAIN: usize = 50;
/// What the attendee reads where nobody has said why.
const REASON: &str = "At the customer's request.";

/// Cal.com, through a client.
#[derive(Clone, Debug)]
pub(in crate::agents) struct ClientBooks {
    pub(in crate::agents) client: Client,
}

fn status_of(booking: &Booking) -> AppointmentStatus {
    use crate::model::BookingStatus;
    match &booking.status {
        BookingStatus::Accepted => AppointmentStatus::Confirmed,
        BookingStatus::Pending => AppointmentStatus::Pending,
        BookingStatus::Rejected => AppointmentStatus::Declined,
        _ => AppointmentStatus::Cancelled,
    }
}

fn entry_of(booking: &Booking) -> Option<Entry> {
    Some(Entry {
        id: booking.uid.as_str().to_owned(),
        status: status_of(booking),
        start: booking.start,
        end: booking.end,
        event_type: booking.event_type_id()?,
        host: booking.hosts.first().and_then(|host| host.id),
        name: booking
            .attendees
            .first()
            .map(|attendee| attendee.name.clone())
            .unwrap_or_default(),
        is_overtaken: false,
    })
}

/// Whether a booking is this customer's alone. One with several attendees, or with seats, is nobody's to move or
/// cancel.
fn is_of(booking: &Booking, number: &PhoneNumber) -> bool {
    match booking.attendees.as_slice() {
        [only] => only.seat_uid.is_none() && only.phone_number.as_deref() == Some(number.as_str()),
        _ => false,
    }
}

/// Whether a booking is the tenant's. One that names neither event types nor hosts has the whole account.
fn is_tenants(tenant: &Tenant, booking: &Booking) -> bool {
    let setup = tenant.setup();
    (setup.event_types == 0 && setup.hosts == 0) || tenant.owns(booking)
}

/// Says how something ended for which nobody waits any longer.
fn told<T>(ended: Result<T, Error>, what: &'static str) -> Result<T, Error> {
    if let Err(error) = &ended {
        tracing::warn!(%error, what, "a write at Cal.com has failed");
    }
    ended
}

/// What a refused write means to whoever asked for it.
fn refused(error: Error) -> Result<Written, Trouble> {
    match error.kind() {
        ErrorKind::SlotUnavailable | ErrorKind::Conflict | ErrorKind::BookingLimitReached => {
            Ok(Written::SlotTaken)
        }
        ErrorKind::Invalid => Ok(Written::Rejected),
        _ => Err(error.into()),
    }
}

impl ClientBooks {
    async fn read(&self, uid: &BookingUid) -> Result<Option<Booking>, Error> {
        match self.client.bookings().get(uid).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Books for ClientBooks {
    async fn services(&self, tenant: &Tenant) -> Result<Vec<Bookable>, Trouble> {
        let own: Vec<_> = tenant.event_types().collect();
        let listed = self.client.list_event_types().await?;
        let offered = listed.into_iter().filter(|entry| match own.is_empty() {
            true => !entry.is_hidden,
            false => own.contains(&entry.id),
        });
        let bookable = offered.map(|entry| Bookable {
            id: entry.slug,
            name: entry.details.name,
            minutes: entry.details.length_in_minutes,
            description: entry.details.description,
            event_type: entry.id,
        });
        Ok(bookable.collect())
    }

    async fn free(
        &self,
        _tenant: &Tenant,
        wanted: Wanted,
        window: Window,
        moving: Option<&Entry>,
        _now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, Trouble> {
        let mut query = SlotQuery::new(wanted.event_type, window.from, window.until);
        if let Some(moving) = moving {
            query = query.with_booking_to_reschedule(BookingUid::new(&moving.id));
        }
        let days = self.client.slots().list(&query).await?;
        let slots = days.into_values().flatten().map(|slot| slot.start);
        let mut slots: Vec<DateTime<Utc>> = slots
            .filter(|slot| *slot >= window.from && *slot < window.until)
            .collect();
        slots.sort_unstable();
        Ok(slots)
    }

    async fn requested(
        &self,
        _tenant: &Tenant,
        _key: &RequestKey,
    ) -> Result<Option<Entry>, Trouble> {
        // The client looks for itself before it creates anything.
        Ok(None)
    }

    async fn take(
        &self,
        tenant: &Tenant,
        key: &RequestKey,
        order: Order,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let end = order.start + order.wanted.length;
        let event_type = order.wanted.event_type;
        let status = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(status, order.start, end, event_type, order.person);
        let state = tenant.as_booked(state);
        let attendee = NewAttendee::from(&state.attendee);
        let mut booking = NewBooking::new(event_type, order.start, attendee);
        if let Some(notes) = order.notes {
            booking = booking.with_booking_field("notes", notes);
        }
        let (client, key) = (self.client.clone(), IdempotencyKey::new(key.as_str()));
        // It goes on after the caller has been answered.
        let creating = tokio::spawn(async move {
            let created = client.bookings().create_once(&key, &booking).await;
            told(created, "create")
        });
        let accepted = Entry {
            id: String::new(),
            status,
            start: order.start,
            end,
            event_type,
            host: order.wanted.host,
            name: state.attendee.name.clone(),
            is_overtaken: false,
        };
        match tokio::time::timeout_at(until, creating).await {
            Err(_) => Ok(Written::Accepted(accepted)),
            Ok(Err(_)) => Err(Trouble::Stopped),
            Ok(Ok(Ok(created))) => {
                let entry = entry_of(&created).unwrap_or(accepted);
                Ok(match entry.status.is_live() {
                    true => Written::Done(entry),
                    false => Written::Ended,
                })
            }
            Ok(Ok(Err(error))) => refused(error),
        }
    }

    async fn settled(
        &self,
        _tenant: &Tenant,
        entry: Entry,
        _earlier: Earlier<'_>,
        _until: Instant,
    ) -> Result<Written, Trouble> {
        Ok(Written::Done(entry))
    }

    fn refuses_what_is_taken(&self) -> bool {
        true
    }

    async fn is_blocked(
        &self,
        _tenant: &Tenant,
        _wanted: Wanted,
        _slot: DateTime<Utc>,
        _moving: &Entry,
        _now: DateTime<Utc>,
    ) -> Result<bool, Trouble> {
        Ok(false)
    }

    async fn of_number(
        &self,
        tenant: &Tenant,
        number: &PhoneNumber,
        after: DateTime<Utc>,
    ) -> Result<Vec<Entry>, Trouble> {
        let mut found = Vec::new();
        let mut skip = 0;
        while skip < LOOKED_THROUGH {
            // A booking that has begun and is not over counts, too.
            let mut query = BookingQuery::default()
                .with_after_start(after - chrono::TimeDelta::days(1))
                .with_sort_start(SortOrder::Ascending)
                .with_take(PAGE);
            query.skip = Some(skip);
            query.event_type_ids = tenant.event_types().collect();
            let page = tenant.calendar().bookings_page(&query).await?;
            let of_caller = page
                .bookings
                .iter()
                .filter(|booking| is_of(booking, number) && is_tenants(tenant, booking));
            let live = of_caller.filter_map(entry_of);
            found.extend(live.filter(|entry| entry.status.is_live() && entry.end > after));
            if !page.more {
                break;
            }
            skip += PAGE;
        }
        found.sort_by_key(|entry| entry.start);
        Ok(found)
    }

    async fn of_id(
        &self,
        tenant: &Tenant,
        id: &str,
        number: Option<&PhoneNumber>,
    ) -> Result<Option<Entry>, Trouble> {
        let mut found = self.read(&BookingUid::new(id)).await?;
        // A booking that was moved is known by its old name, too.
        for _ in 0..LONGEST_CHAIN {
            let next = found
                .as_ref()
                .and_then(|old| old.rescheduled_to_uid.clone());
            let Some(next) = next else { break };
            found = self.read(&next).await?;
        }
        let is_theirs = |found: &Booking| {
            is_tenants(tenant, found) && number.is_none_or(|number| is_of(found, number))
        };
        Ok(found.filter(is_theirs).as_ref().and_then(entry_of))
    }

    async fn move_to(
        &self,
        _tenant: &Tenant,
        entry: &Entry,
        start: DateTime<Utc>,
        _by: &Origin,
        _now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let (client, uid) = (self.client.clone(), BookingUid::new(&entry.id));
        let moving = tokio::spawn(async move {
            let params = RescheduleParams::default().with_reason(REASON);
            let moved = client.bookings().reschedule(&uid, start, &params).await;
            told(moved, "reschedule")
        });
        match tokio::time::timeout_at(until, moving).await {
            Err(_) => {
                let end = start + (entry.end - entry.start);
                let moved = Entry {
                    start,
                    end,
                    ..entry.clone()
                };
                Ok(Written::Accepted(moved))
            }
            Ok(Err(_)) => Err(Trouble::Stopped),
            Ok(Ok(Ok(moved))) => entry_of(&moved).map(Written::Done).ok_or(Trouble::Stopped),
            Ok(Ok(Err(error))) => {
                // It may have been moved by a request whose answer was lost.
                let current = self.read(&BookingUid::new(&entry.id)).await?;
                let successor = current
                    .as_ref()
                    .and_then(|old| old.rescheduled_to_uid.clone());
                if let Some(uid) = successor
                    && let Some(moved) = self.read(&uid).await?
                    && moved.start == start
                    && let Some(moved) = entry_of(&moved)
                {
                    return Ok(Written::Done(moved));
                }
                refused(error)
            }
        }
    }

    async fn cancel(
        &self,
        _tenant: &Tenant,
        entry: &Entry,
        reason: Option<&str>,
        _by: &Origin,
        _now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let (client, uid) = (self.client.clone(), BookingUid::new(&entry.id));
        let reason = reason.unwrap_or(REASON).to_owned();
        let cancelling = tokio::spawn(async move {
            let params = CancelParams::reason(reason);
            told(client.bookings().cancel(&uid, &params).await, "cancel")
        });
        match tokio::time::timeout_at(until, cancelling).await {
            // Whether it is cancelled is not known.
            Err(_) | Ok(Err(_)) => Err(Trouble::Stopped),
            Ok(Ok(Ok(_))) => Ok(Written::Done(entry.clone())),
            Ok(Ok(Err(error))) => {
                let current = self.read(&BookingUid::new(&entry.id)).await?;
                match current.as_ref().map(status_of) {
                    Some(status) if status.is_live() => refused(error),
                    _ => Ok(Written::Done(entry.clone())),
                }
            }
        }
    }
}
