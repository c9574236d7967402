//! What the engine writes to Cal.com, held to what it may write, at the moment when it is about to
//! be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use crate::model::{Booking, BookingUid, EventTypeId, RecurringBookingUid};
use crate::store::{
    AppointmentId, AppointmentState, AppointmentStatus, Field, Guests, LinkId, LinkKey, Store,
    SyncKey, TenantId,
};
use crate::sync::seats::seat_of;
use crate::sync::{SYNC_KEY_METADATA, SentWrite, Standing, Write};
use crate::testing::FakeCalcom;
use chrono::{DateTime, TimeDelta, Utc};

use super::unsteady::Past;
use super::wire::named;
use super::{STORE, lock};

/// After this the engine gives a call up, and may rightly send another one.
const GIVEN_UP: TimeDelta = TimeDelta::seconds(45);

#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// What is being written at the moment, by its sync key or uid.
    under_way: BTreeMap<String, Vec<(u64, DateTime<Utc>)>>,
    next: u64,
    wrongs: Vec<String>,
    /// Whose writes there were, in their order.
    writers: Vec<LinkId>,
    /// What was read, and when the answer came.
    reads: Vec<(TenantId, BookingUid, DateTime<Utc>)>,
    /// The appointments whose state an operator has forced upon Cal.com.
    forced: BTreeSet<(TenantId, AppointmentId)>,
    /// The links without an appointment for which an operator has done so: nothing is to be at
    /// Cal.com.
    emptied: BTreeSet<LinkId>,
    /// The bookings that people at Cal.com have made by moving another one.
    people_moved: BTreeSet<BookingUid>,
    /// The bookings that people at Cal.com have ended.
    people_ended: BTreeSet<BookingUid>,
    /// The series that people at Cal.com have ended.
    series_ended: BTreeSet<RecurringBookingUid>,
    /// The links whose work was dropped with an item about several of them.
    dismissed: BTreeSet<LinkId>,
    /// The bookings that people at Cal.com have changed in a way of which no webhook tells.
    changed_untold: Vec<(BookingUid, DateTime<Utc>)>,
}

/// A write that is under way until this is dropped.
pub(super) struct UnderWay {
    ledger: Ledger,
    what: String,
    number: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut inner = lock(&self.ledger.0);
        if let Some(known) = inner.under_way.get_mut(&self.what) {
            known.retain(|(number, _)| *number != self.number);
        }
    }
}

/// Whose write it is, and what it may concern.
pub(super) struct Writer<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) event_types: &'a [EventTypeId],
    pub(super) store: &'a dyn Store,
    pub(super) past: &'a Past,
    pub(super) fake: &'a FakeCalcom,
}

impl Ledger {
    pub(super) fn wrongs(&self) -> Vec<String> {
        lock(&self.0).wrongs.clone()
    }

    /// The links for which something was written.
    pub(super) fn writers(&self) -> Vec<LinkId> {
        lock(&self.0).writers.clone()
    }

    fn wrong(&self, what: String) {
        lock(&self.0).wrongs.push(what);
    }

    pub(super) fn read(&self, tenant: &TenantId, uid: &BookingUid, at: DateTime<Utc>) {
        let read = (tenant.clone(), uid.clone(), at);
        lock(&self.0).reads.push(read);
    }

    /// Whether a tenant has read a booking after this.
    pub(super) fn was_read_after(
        &self,
        tenant: &TenantId,
        uid: &BookingUid,
        at: DateTime<Utc>,
    ) -> bool {
        let inner = lock(&self.0);
        let mut reads = inner.reads.iter();
        reads.any(|(who, read, when)| who == tenant && read == uid && *when > at)
    }

    pub(super) fn force(&self, tenant: &TenantId, id: &AppointmentId) {
        let key = (tenant.clone(), id.clone());
        lock(&self.0).forced.insert(key);
    }

    pub(super) fn force_nothing(&self, link: LinkId) {
        lock(&self.0).emptied.insert(link);
    }

    pub(super) fn people_moved_to(&self, uid: &BookingUid) {
        lock(&self.0).people_moved.insert(uid.clone());
    }

    pub(super) fn people_ended(&self, uid: &BookingUid) {
        lock(&self.0).people_ended.insert(uid.clone());
    }

    pub(super) fn series_ended(&self, series: &RecurringBookingUid) {
        lock(&self.0).series_ended.insert(series.clone());
    }

    pub(super) fn has_series_ended(&self, series: &RecurringBookingUid) -> bool {
        lock(&self.0).series_ended.contains(series)
    }

    pub(super) fn dismiss(&self, links: impl IntoIterator<Item = LinkId>) {
        lock(&self.0).dismissed.extend(links);
    }

    pub(super) fn was_dismissed(&self, link: LinkId) -> bool {
        lock(&self.0).dismissed.contains(&link)
    }

    pub(super) fn changed_untold(&self, uid: &BookingUid, at: DateTime<Utc>) {
        lock(&self.0).changed_untold.push((uid.clone(), at));
    }

    /// The bookings that were changed in a way of which no webhook tells, and when.
    pub(super) fn all_changed_untold(&self) -> Vec<(BookingUid, DateTime<Utc>)> {
        lock(&self.0).changed_untold.clone()
    }

    pub(super) fn was_moved_by_people(&self, uid: &BookingUid) -> bool {
        lock(&self.0).people_moved.contains(uid)
    }

    pub(super) fn was_ended_by_people(&self, uid: &BookingUid) -> bool {
        lock(&self.0).people_ended.contains(uid)
    }

    /// A write begins to be under way, by the clock of the history: whoever takes over a lease that
    /// has run out by it meets what a sleeper has sent, however little time that took.
    pub(super) fn begin(&self, what: &str, now: DateTime<Utc>) -> UnderWay {
        let mut inner = lock(&self.0);
        let number = inner.next;
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

    /// What is being written, by sync key or uid: the write of a process that has slept, or been
    /// cut off, meanwhile.
    pub(super) fn under_way(&self) -> Vec<String> {
        let inner = lock(&self.0);
        let known = inner.under_way.iter();
        let known = known.filter(|(_, writes)| !writes.is_empty());
        known.map(|(what, _)| what.clone()).collect()
    }

    /// Holds a write that is about to be sent to the rules.
    pub(super) async fn check(&self, write: &Write, writer: &Writer<'_>) {
        let (key, sent, event_type) = match write {
            Write::Create(booking) => {
                let body = serde_json::to_value(booking).unwrap_or_default();
                let sync_key = body["metadata"][SYNC_KEY_METADATA].as_str();
                let sync_key = SyncKey::new(sync_key.unwrap_or_default());
                let key = LinkKey::SyncKey(sync_key.clone());
                let event_type = body["eventTypeId"].as_i64().map(EventTypeId::new);
                (key, SentWrite::create(sync_key), event_type)
            }
            Write::Reschedule { booking, start, .. } => {
                let (booking, start) = (named(writer.fake, booking, write), *start);
                let of = known(writer.fake, &booking).and_then(|b| b.event_type_id());
                let key = LinkKey::Booking(booking.clone());
                (key, SentWrite::reschedule(booking, start), of)
            }
            Write::Cancel { booking, .. } => {
                let booking = named(writer.fake, booking, write);
                let of = known(writer.fake, &booking).and_then(|b| b.event_type_id());
                let key = LinkKey::Booking(booking.clone());
                (key, SentWrite::cancel(booking), of)
            }
            Write::Confirm { booking, .. }
            | Write::Decline { booking, .. }
            | Write::Reassign { booking, .. }
            | Write::MarkAbsent { booking, .. }
            | Write::UpdateLocation { booking, .. }
            | Write::AddGuests { booking, .. } => {
                let booking = named(writer.fake, booking, write);
                let of = known(writer.fake, &booking).and_then(|b| b.event_type_id());
                let key = LinkKey::Booking(booking.clone());
                let field = match write {
                    Write::Reassign { .. } => Field::Host,
                    Write::MarkAbsent { .. } => Field::Absent,
                    Write::UpdateLocation { .. } => Field::Location,
                    Write::AddGuests { .. } => Field::Guests,
                    _ => Field::Status,
                };
                let fields = [field].into_iter().collect();
                (key, SentWrite::amend(booking, fields), of)
            }
        };
        if event_type.is_none_or(|id| !writer.event_types.contains(&id)) {
            self.wrong(format!(
                "{sent:?} is about an event type of somebody else's"
            ));
        }
        // The seat was given up meanwhile, or is one of several of the same person: which one is
        // meant cannot be told.
        let is_of_nobody = |uid: &BookingUid| {
            matches!(write, Write::MarkAbsent { .. })
                && known(writer.fake, uid).is_some_and(|b| b.is_seated() || b.attendees.is_empty())
        };
        if matches!(&key, LinkKey::Booking(uid) if uid.seat().is_none() && is_of_nobody(uid)) {
            return;
        }
        let link = writer.store.find(writer.tenant, &key).await.expect(STORE);
        let Some(link) = link else {
            self.wrong(format!("{sent:?} is of no link"));
            return;
        };
        lock(&self.0).writers.push(link.id);
        let Ok(standing) = Standing::of(&link) else {
            self.wrong(format!("the state of {link:?} is undecodable"));
            return;
        };
        // A booking that a write of the engine's own has left late is on record as that, and its
        // cancellation needs no wish.
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
            // Whatever it replaces.
            (
                SentWrite::Create { sync_key, .. },
                SentWrite::Create {
                    sync_key: created, ..
                },
            ) => sync_key == created,
            _ => *known == sent,
        };
        let is_on_record = standing.pending.iter().any(|p| is_sent(&p.write));
        if !is_on_record {
            self.wrong(format!("{sent:?} is not on record: {standing:?}"));
        }
        let Some(id) = &link.appointment else {
            let is_cancellation = matches!(sent, SentWrite::Cancel { .. });
            if is_cancellation && lock(&self.0).emptied.contains(&link.id) {
                return;
            }
            self.wrong(format!("{sent:?} is of no appointment"));
            return;
        };
        let forced = (writer.tenant.clone(), id.clone());
        if lock(&self.0).forced.contains(&forced) {
            return;
        }
        let is_wanted = match write {
            Write::Create(booking) => {
                // One that is replaced, or booked again, may have been moved at Cal.com.
                let replaced =
                    replaced_by(&standing, &sent).and_then(|old| known(writer.fake, old));
                let replaced = replaced.as_ref();
                let may_start = |wish: &AppointmentState| {
                    is_same(wish.start, booking.start)
                        || replaced.is_some_and(|old| is_same(old.start, booking.start))
                };
                let is_booked_again = replaced.is_some_and(|old| {
                    is_same(old.start, booking.start) && old.event_type_id() == event_type
                });
                let wanted = writer.past.wanted(writer.tenant, id, |wish| {
                    wish.status.is_live() && may_start(wish) && Some(wish.event_type) == event_type
                });
                wanted || is_booked_again
            }
            Write::Reschedule { start, .. } => {
                let wanted = |wish: &AppointmentState| is_same(wish.start, *start);
                writer.past.wanted(writer.tenant, id, wanted)
            }
            Write::Confirm { .. } => {
                let confirmed =
                    |wish: &AppointmentState| wish.status == AppointmentStatus::Confirmed;
                writer.past.wanted(writer.tenant, id, confirmed)
            }
            Write::MarkAbsent { absent, .. } => {
                let noted = |wish: &AppointmentState| wish.absent == Some(*absent);
                writer.past.wanted(writer.tenant, id, noted)
            }
            Write::Reassign { to, .. } => {
                let given = |wish: &AppointmentState| wish.host == Some(*to);
                writer.past.wanted(writer.tenant, id, given)
            }
            Write::UpdateLocation { location, .. } => {
                let text = serde_json::to_value(location).unwrap_or_default();
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
            Write::Cancel { booking, .. } => {
                // An end, or what only another booking can bring.
                let booking = known(writer.fake, &named(writer.fake, booking, write));
                let wanted = |wish: &AppointmentState| {
                    !wish.status.is_live() || booking.as_ref().is_some_and(|b| is_other(b, wish))
                };
                writer.past.wanted(writer.tenant, id, wanted)
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

/// A booking, or one seat of one as a booking of its own.
pub(super) fn known(fake: &FakeCalcom, uid: &BookingUid) -> Option<Booking> {
    match uid.seat() {
        Some((whole, seat)) => Some(seat_of(&fake.booking(&whole)?, &seat)),
        None => fake.booking(uid),
    }
}

/// The booking in whose place a creation makes another one.
fn replaced_by<'a>(standing: &'a Standing, sent: &SentWrite) -> Option<&'a BookingUid> {
    let SentWrite::Create { sync_key, .. } = sent else {
        return None;
    };
    let mut pending = standing.pending.iter();
    let on_record = pending.find_map(|pending| match &pending.write {
        SentWrite::Create {
            sync_key: known,
            replaces,
        } if known == sync_key => replaces.as_ref(),
        _ => None,
    });
    on_record.or(standing.retiring.as_ref().map(|retiring| &retiring.booking))
}

/// Whether a wish takes another booking than this one: of another event type or length, or for
/// somebody else.
fn is_other(booking: &Booking, wish: &AppointmentState) -> bool {
    let mut attendees = booking.attendees.iter();
    let email = wish.attendee.email.as_deref();
    booking.event_type_id() != Some(wish.event_type)
        || !is_same(booking.end, booking.start + (wish.end - wish.start))
        || attendees.next().map(|attendee| attendee.email.as_str()) != email
}

fn is_same(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() < TimeDelta::milliseconds(1)
}
