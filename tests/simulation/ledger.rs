//! What the engine writes to Cal.com, held to what it may write, at the moment when it is about to be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::model::{BookingUid, EventTypeId};
use calcom::store::{
    AppointmentId, AppointmentState, AppointmentStatus, Field, Guests, LinkId, LinkKey, Store,
    SyncKey, TenantId,
};
use calcom::sync::{SYNC_KEY_METADATA, SentWrite, Standing, Write};
use calcom::testing::FakeCalcom;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::host::Past;

/// After this the engine gives a call up, and may rightly send another one.
const GIVEN_UP: Duration = Duration::from_secs(45);

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// What is being written at the moment, by its sync key or uid.
    under_way: BTreeMap<String, Vec<(u64, Instant)>>,
    next: u64,
    wrongs: Vec<String>,
    /// Whose writes there were, in their order.
    writers: Vec<LinkId>,
    /// What was read, and when the answer came.
    reads: Vec<(TenantId, BookingUid, DateTime<Utc>)>,
    /// The appointments whose state an operator has forced upon Cal.com.
    forced: BTreeSet<(TenantId, AppointmentId)>,
    /// The links without an appointment for which an operator has done so: nothing is to be at Cal.com.
    emptied: BTreeSet<LinkId>,
    /// The bookings that people at Cal.com have made by moving another one.
    people_moved: BTreeSet<BookingUid>,
    /// The bookings that people at Cal.com have ended.
    people_ended: BTreeSet<BookingUid>,
}

/// A write that is under way until this is dropped.
pub(crate) struct UnderWay {
    ledger: Ledger,
    what: String,
    number: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut inner = self.ledger.0.lock().unwrap();
        if let Some(known) = inner.under_way.get_mut(&self.what) {
            known.retain(|(number, _)| *number != self.number);
        }
    }
}

/// Whose write it is, and what it may concern.
pub(crate) struct Writer<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) event_types: &'a [EventTypeId],
    pub(crate) store: &'a dyn Store,
    pub(crate) past: &'a Past,
    pub(crate) fake: &'a FakeCalcom,
}

impl Ledger {
    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.0.lock().unwrap().wrongs.clone()
    }

    /// The links for which something was written.
    pub(crate) fn writers(&self) -> Vec<LinkId> {
        self.0.lock().unwrap().writers.clone()
    }

    fn wrong(&self, what: String) {
        self.0.lock().unwrap().wrongs.push(what);
    }

    pub(crate) fn read(&self, tenant: &TenantId, uid: &BookingUid, at: DateTime<Utc>) {
        let read = (tenant.clone(), uid.clone(), at);
        self.0.lock().unwrap().reads.push(read);
    }

    /// Whether a tenant has read a booking after this.
    pub(crate) fn was_read_after(
        &self,
        tenant: &TenantId,
        uid: &BookingUid,
        at: DateTime<Utc>,
    ) -> bool {
        let inner = self.0.lock().unwrap();
        let mut reads = inner.reads.iter();
        reads.any(|(who, read, when)| who == tenant && read == uid && *when > at)
    }

    pub(crate) fn force(&self, tenant: &TenantId, id: &AppointmentId) {
        let key = (tenant.clone(), id.clone());
        self.0.lock().unwrap().forced.insert(key);
    }

    pub(crate) fn force_nothing(&self, link: LinkId) {
        self.0.lock().unwrap().emptied.insert(link);
    }

    pub(crate) fn people_moved_to(&self, uid: &BookingUid) {
        self.0.lock().unwrap().people_moved.insert(uid.clone());
    }

    pub(crate) fn people_ended(&self, uid: &BookingUid) {
        self.0.lock().unwrap().people_ended.insert(uid.clone());
    }

    pub(crate) fn was_moved_by_people(&self, uid: &BookingUid) -> bool {
        self.0.lock().unwrap().people_moved.contains(uid)
    }

    pub(crate) fn was_ended_by_people(&self, uid: &BookingUid) -> bool {
        self.0.lock().unwrap().people_ended.contains(uid)
    }

    /// A write begins to be under way.
    pub(crate) fn begin(&self, what: &str) -> UnderWay {
        let mut inner = self.0.lock().unwrap();
        let (number, now) = (inner.next, Instant::now());
        inner.next += 1;
        let known = inner.under_way.entry(what.to_owned()).or_default();
        known.retain(|(_, since)| now - *since < GIVEN_UP);
        let is_alone = known.is_empty();
        known.push((number, now));
        if !is_alone {
            inner
                .wrongs
                .push(format!("{what} is written twice at once"));
        }
        drop(inner);
        UnderWay {
            ledger: self.clone(),
            what: what.to_owned(),
            number,
        }
    }

    /// What is being written, by sync key or uid: the write of a process that has slept, or been cut off, meanwhile.
    pub(crate) fn under_way(&self) -> Vec<String> {
        let inner = self.0.lock().unwrap();
        let known = inner.under_way.iter();
        let known = known.filter(|(_, writes)| !writes.is_empty());
        known.map(|(what, _)| what.clone()).collect()
    }

    /// Holds a write that is about to be sent to the rules.
    pub(crate) async fn check(&self, write: &Write, writer: &Writer<'_>) {
        let (key, sent, event_type) = match write {
            Write::Create(booking) => {
                let body = serde_json::to_value(booking).unwrap();
                let sync_key = SyncKey::new(body["metadata"][SYNC_KEY_METADATA].as_str().unwrap());
                let key = LinkKey::SyncKey(sync_key.clone());
                let event_type = body["eventTypeId"].as_i64().map(EventTypeId::new);
                (key, SentWrite::create(sync_key), event_type)
            }
            Write::Reschedule { booking, start, .. } => {
                let (booking, start) = (booking.clone(), *start);
                let of = writer
                    .fake
                    .booking(&booking)
                    .and_then(|b| b.event_type_id());
                let key = LinkKey::Booking(booking.clone());
                (key, SentWrite::reschedule(booking, start), of)
            }
            Write::Cancel { booking, .. } => {
                let booking = booking.clone();
                let of = writer
                    .fake
                    .booking(&booking)
                    .and_then(|b| b.event_type_id());
                let key = LinkKey::Booking(booking.clone());
                (key, SentWrite::cancel(booking), of)
            }
            Write::Confirm { booking, .. }
            | Write::Decline { booking, .. }
            | Write::UpdateLocation { booking, .. }
            | Write::AddGuests { booking, .. } => {
                let booking = booking.clone();
                let of = writer
                    .fake
                    .booking(&booking)
                    .and_then(|b| b.event_type_id());
                let key = LinkKey::Booking(booking.clone());
                let field = match write {
                    Write::UpdateLocation { .. } => Field::Location,
                    Write::AddGuests { .. } => Field::Guests,
                    _ => Field::Status,
                };
                let fields = [field].into_iter().collect();
                (key, SentWrite::amend(booking, fields), of)
            }
            other => panic!("the simulation knows no {other:?}"),
        };
        if event_type.is_none_or(|id| !writer.event_types.contains(&id)) {
            self.wrong(format!(
                "{sent:?} is about an event type of somebody else's"
            ));
        }
        let link = writer.store.find(writer.tenant, &key).await.unwrap();
        let Some(link) = link else {
            self.wrong(format!("{sent:?} is of no link"));
            return;
        };
        self.0.lock().unwrap().writers.push(link.id);
        let standing = Standing::of(&link).unwrap();
        // A booking that a write of the engine's own has left late is on record as that, and its cancellation needs no wish.
        if let SentWrite::Cancel { booking, .. } = &sent
            && standing.late.contains(booking)
        {
            return;
        }
        let is_sent = |known: &SentWrite| match (known, &sent) {
            // Whatever the reason.
            (
                SentWrite::Cancel { booking, .. },
                SentWrite::Cancel {
                    booking: cancelled, ..
                },
            ) => booking == cancelled,
            _ => *known == sent,
        };
        let is_on_record = standing.pending.iter().any(|p| is_sent(&p.write));
        if !is_on_record {
            self.wrong(format!("{sent:?} is not on record: {standing:?}"));
        }
        let Some(id) = &link.appointment else {
            let is_cancellation = matches!(sent, SentWrite::Cancel { .. });
            if is_cancellation && self.0.lock().unwrap().emptied.contains(&link.id) {
                return;
            }
            self.wrong(format!("{sent:?} is of no appointment"));
            return;
        };
        let forced = (writer.tenant.clone(), id.clone());
        if self.0.lock().unwrap().forced.contains(&forced) {
            return;
        }
        let is_wanted = match write {
            Write::Create(booking) => writer.past.wanted(writer.tenant, id, |wish| {
                wish.status.is_live()
                    && is_same(wish.start, booking.start)
                    && Some(wish.event_type) == event_type
            }),
            Write::Reschedule { start, .. } => {
                let wanted = |wish: &AppointmentState| is_same(wish.start, *start);
                writer.past.wanted(writer.tenant, id, wanted)
            }
            Write::Confirm { .. } => {
                let confirmed =
                    |wish: &AppointmentState| wish.status == AppointmentStatus::Confirmed;
                writer.past.wanted(writer.tenant, id, confirmed)
            }
            Write::UpdateLocation { location, .. } => {
                let text = serde_json::to_value(location).unwrap();
                let there = |wish: &AppointmentState| {
                    let place = wish.location.as_ref();
                    place.is_some_and(|place| text["address"] == *place.as_str())
                };
                writer.past.wanted(writer.tenant, id, there)
            }
            Write::AddGuests { guests, .. } => {
                let invited = |wish: &AppointmentState| {
                    let known = wish.guests.iter().flat_map(Guests::iter);
                    let known: Vec<&str> = known.collect();
                    guests.iter().all(|guest| known.contains(&guest.as_str()))
                };
                writer.past.wanted(writer.tenant, id, invited)
            }
            _ => writer
                .past
                .wanted(writer.tenant, id, |wish| !wish.status.is_live()),
        };
        if !is_wanted {
            self.wrong(format!("nobody at the host wanted {sent:?} of {id}"));
        }
    }
}

fn is_same(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() < TimeDelta::milliseconds(1)
}
