//! The in-memory store: for tests, for trying things out, and as the simplest implementation of the
//! contracts.

mod appointments;
mod books;
mod documents;
mod erasure;
mod queue;
mod report;
mod reviews;
mod sender_events;
mod services;
mod settle;
mod sweeps;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::appointment::{Appointment, AppointmentId, Revision};
use super::inbox::{Delivery, DeliveryFate, DeliveryId};
use super::link::{Link, LinkId, LinkKey, SyncKey};
use super::log::{LogEntry, LogEvent, LogId};
use super::outbox::{ChangeFate, ChangeId, RecordedChange};
use super::queue::{Mark, MarkId};
use super::review::{ReviewId, ReviewItem};
use super::tenant::TenantId;
use crate::ambient::{Clock, SystemClock};
use crate::model::BookingUid;

/// All store ports, and an appointments table, in memory. Clones share their content, which is lost
/// when the last one is dropped.
///
/// Every call holds one lock throughout, so each is one transaction. `Debug` shows only counts.
#[derive(Clone)]
pub struct InMemoryStore {
    inner: Arc<Mutex<Inner>>,
    clock: Arc<dyn Clock>,
}

impl InMemoryStore {
    /// An empty store using the system clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store using a given clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let inner = Inner::new(clock.now());
        Self {
            inner: Arc::new(Mutex::new(inner)),
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held is a bug of this module; what it left behind is still the
        // best that is known.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

impl Default for InMemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for InMemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.lock();
        f.debug_struct("InMemoryStore")
            .field("links", &inner.links.len())
            .field("tenants_with_work", &inner.queues.len())
            .field("appointments", &inner.appointments.len())
            .finish_non_exhaustive()
    }
}

/// `instant + duration`, saturating.
fn after(instant: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).ok();
    wait.and_then(|wait| instant.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// `instant - duration`, saturating.
fn before(instant: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).ok();
    wait.and_then(|wait| instant.checked_sub_signed(wait))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

struct Inner {
    /// The last number given out, for rows of every kind: larger ones were taken in later.
    last_id: i64,
    books_since: DateTime<Utc>,
    links: BTreeMap<LinkId, LinkRow>,
    /// Who owns an appointment, a uid, a chain key or a sync key.
    keys: HashMap<(TenantId, LinkKey), LinkId>,
    /// The tenants that have something to do, now or later.
    queues: BTreeMap<TenantId, Queue>,
    changes: BTreeMap<ChangeId, ChangeRow>,
    recorded: HashSet<(TenantId, AppointmentId, Revision)>,
    changes_of: BTreeMap<(TenantId, AppointmentId), BTreeSet<ChangeId>>,
    deliveries: BTreeMap<DeliveryId, DeliveryRow>,
    fingerprints: HashSet<(TenantId, [u8; 32])>,
    /// The deliveries that wait, by the booking that they name.
    waiting_for: BTreeMap<(TenantId, BookingUid), BTreeSet<DeliveryId>>,
    marks: BTreeMap<MarkId, MarkRow>,
    reviews: BTreeMap<ReviewId, ReviewRow>,
    open_reviews: BTreeSet<ReviewId>,
    log: Vec<LogEntry>,
    tenants: BTreeMap<TenantId, TenantRow>,
    sweeps: BTreeMap<TenantId, sweeps::SweepRow>,
    appointments: BTreeMap<(TenantId, AppointmentId), Appointment>,
    services: services::ServiceBooks,
    events: sender_events::EventBooks,
    documents: documents::DocumentBooks,
}

/// What one tenant has to do.
#[derive(Default)]
struct Queue {
    /// What was taken in and has not been given to a link yet, in the order in which it came.
    unrouted: BTreeMap<i64, Notice>,
    due: BTreeSet<(DateTime<Utc>, LinkId)>,
}

#[derive(Clone, Copy)]
enum Notice {
    Change(ChangeId),
    Delivery(DeliveryId),
    Mark(MarkId),
}

struct LinkRow {
    link: Link,
    uids: BTreeSet<BookingUid>,
    waiting_marks: BTreeSet<MarkId>,
    /// When it can be claimed next; while it is leased, when the lease runs out.
    due_at: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
    is_leased: bool,
    fence: i64,
    marks: i64,
    begun: u32,
}

struct ChangeRow {
    recorded: RecordedChange,
    taken_at: DateTime<Utc>,
    fate: Option<(ChangeFate, DateTime<Utc>)>,
}

struct DeliveryRow {
    tenant: TenantId,
    delivery: Delivery,
    rescheduled_from: Option<BookingUid>,
    sync_key: Option<SyncKey>,
    fingerprint: [u8; 32],
    body: String,
    /// Whether it never waited. Its bytes are known for as long as it is kept.
    came_ignored: bool,
    fate: Option<(DeliveryFate, DateTime<Utc>)>,
}

struct MarkRow {
    link: LinkId,
    mark: Mark,
    taken_at: DateTime<Utc>,
}

struct ReviewRow {
    item: ReviewItem,
    parts: BTreeSet<LinkId>,
}

#[derive(Default)]
struct TenantRow {
    /// The cause of the item that came with the pause.
    paused_by: Option<String>,
    not_before: Option<DateTime<Utc>>,
}

impl Inner {
    fn new(books_since: DateTime<Utc>) -> Self {
        Self {
            last_id: 0,
            books_since,
            links: BTreeMap::new(),
            keys: HashMap::new(),
            queues: BTreeMap::new(),
            changes: BTreeMap::new(),
            recorded: HashSet::new(),
            changes_of: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            fingerprints: HashSet::new(),
            waiting_for: BTreeMap::new(),
            marks: BTreeMap::new(),
            reviews: BTreeMap::new(),
            open_reviews: BTreeSet::new(),
            log: Vec::new(),
            tenants: BTreeMap::new(),
            sweeps: BTreeMap::new(),
            appointments: BTreeMap::new(),
            services: services::ServiceBooks::default(),
            events: sender_events::EventBooks::default(),
            documents: documents::DocumentBooks::default(),
        }
    }

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    fn link_by(&self, tenant: &TenantId, key: &LinkKey) -> Option<LinkId> {
        match key {
            LinkKey::Id(id) => {
                let row = self.links.get(id)?;
                (row.link.tenant == *tenant).then_some(*id)
            }
            key => self.keys.get(&(tenant.clone(), key.clone())).copied(),
        }
    }

    fn own(&mut self, tenant: &TenantId, key: LinkKey, link: LinkId) {
        if let LinkKey::Booking(uid) = &key
            && let Some(row) = self.links.get_mut(&link)
        {
            row.uids.insert(uid.clone());
        }
        self.keys.insert((tenant.clone(), key), link);
    }

    fn new_link(&mut self, tenant: &TenantId) -> LinkId {
        let id = LinkId::new(self.next_id());
        self.links.insert(
            id,
            LinkRow {
                link: Link::new(tenant.clone(), id),
                uids: BTreeSet::new(),
                waiting_marks: BTreeSet::new(),
                due_at: None,
                not_before: None,
                is_leased: false,
                fence: 0,
                marks: 0,
                begun: 0,
            },
        );
        id
    }

    /// The tenant's queue, made if there is none.
    fn queue(&mut self, tenant: &TenantId) -> &mut Queue {
        self.queues.entry(tenant.clone()).or_default()
    }

    fn drop_empty_queue(&mut self, tenant: &TenantId) {
        let is_empty = |queue: &Queue| queue.unrouted.is_empty() && queue.due.is_empty();
        if self.queues.get(tenant).is_some_and(is_empty) {
            self.queues.remove(tenant);
        }
    }

    fn set_due(&mut self, id: LinkId, due_at: Option<DateTime<Utc>>) {
        let Some(row) = self.links.get_mut(&id) else {
            return;
        };
        let tenant = row.link.tenant.clone();
        let before = std::mem::replace(&mut row.due_at, due_at);
        if let Some(old) = before {
            self.queue(&tenant).due.remove(&(old, id));
        }
        if let Some(new) = due_at {
            self.queue(&tenant).due.insert((new, id));
        }
        self.drop_empty_queue(&tenant);
    }

    /// Inserts a mark; a claim gives it to its link.
    fn insert_mark(&mut self, tenant: &TenantId, link: LinkId, mark: Mark, now: DateTime<Utc>) {
        let id = mark.id;
        self.marks.insert(
            id,
            MarkRow {
                link,
                mark,
                taken_at: now,
            },
        );
        if let Some(row) = self.links.get_mut(&link) {
            row.waiting_marks.insert(id);
        }
        let queue = self.queue(tenant);
        queue.unrouted.insert(id.get(), Notice::Mark(id));
    }

    fn append_log(
        &mut self,
        tenant: &TenantId,
        link: Option<&Link>,
        event: LogEvent,
        at: DateTime<Utc>,
    ) {
        let id = LogId::new(self.next_id());
        let entry = LogEntry::new(id, at, tenant.clone(), event).about(
            link.map(|link| link.id),
            link.and_then(|link| link.appointment.clone()),
        );
        self.log.push(entry);
    }
}
