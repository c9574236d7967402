//! The bookkeeping in memory: for tests, for trying things out, and as the plainest reading of the contracts.

mod appointments;
mod books;
mod links;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::appointment::{Appointment, AppointmentId};
use super::inbox::{Delivery, DeliveryFate, DeliveryId};
use super::link::{Link, LinkId, LinkKey};
use super::log::{LogEntry, LogEvent, LogId};
use super::outbox::{Change, ChangeFate, ChangeId, RecordedChange};
use super::review::{ReviewId, ReviewItem};
use super::tenant::TenantId;

/// All bookkeeping, and a ready appointments table, in memory. Clones share their content; it is gone with the last of them.
///
/// Every call takes one lock for its whole length, and so each is one transaction. `Debug` shows counts only.
#[derive(Clone, Default)]
pub struct InMemoryStore {
    inner: Arc<Mutex<Inner>>,
}

impl InMemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held is a bug of this module; what it left behind is still the best that is known.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for InMemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.lock();
        f.debug_struct("InMemoryStore")
            .field("links", &inner.links.len())
            .field("due", &inner.due.len())
            .field("appointments", &inner.appointments.len())
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inner {
    /// The last number given out, for rows of every kind.
    last_id: i64,
    links: BTreeMap<LinkId, LinkRow>,
    /// Who owns an appointment, a uid, a chain key or a sync key.
    keys: HashMap<(TenantId, LinkKey), LinkId>,
    due: BTreeSet<(DateTime<Utc>, LinkId)>,
    changes: BTreeMap<ChangeId, ChangeRow>,
    deliveries: BTreeMap<DeliveryId, DeliveryRow>,
    fingerprints: HashSet<(TenantId, [u8; 32])>,
    reviews: BTreeMap<ReviewId, ReviewItem>,
    log: Vec<LogEntry>,
    paused: BTreeSet<TenantId>,
    appointments: BTreeMap<(TenantId, AppointmentId), Appointment>,
}

struct LinkRow {
    link: Link,
    due_at: Option<DateTime<Utc>>,
    lease_until: Option<DateTime<Utc>>,
    fence: i64,
    marks: i64,
    /// Whether a read was asked for since the last claim.
    read_asked: bool,
    /// Whether a fresh start was asked for since the last claim.
    retry_asked: bool,
}

struct ChangeRow {
    recorded: RecordedChange,
    link: LinkId,
    fate: Option<ChangeFate>,
}

struct DeliveryRow {
    tenant: TenantId,
    delivery: Delivery,
    link: Option<LinkId>,
    fate: Option<DeliveryFate>,
}

impl Inner {
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
        self.keys.insert((tenant.clone(), key), link);
    }

    fn new_link(&mut self, tenant: &TenantId) -> LinkId {
        let id = LinkId::new(self.next_id());
        let link = Link {
            tenant: tenant.clone(),
            id,
            appointment: None,
            booking: None,
            chain: None,
            series: None,
            base: None,
            sync_key: None,
            pending: None,
            rivals: Vec::new(),
            attempts: 0,
            verify: false,
        };
        self.links.insert(
            id,
            LinkRow {
                link,
                due_at: None,
                lease_until: None,
                fence: 0,
                marks: 0,
                read_asked: false,
                retry_asked: false,
            },
        );
        id
    }

    fn set_due(&mut self, id: LinkId, due_at: Option<DateTime<Utc>>) {
        let Some(row) = self.links.get_mut(&id) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut row.due_at, due_at) {
            self.due.remove(&(old, id));
        }
        if let Some(new) = due_at {
            self.due.insert((new, id));
        }
    }

    /// Marks a link as due now, or leaves it due at an earlier time.
    fn mark(&mut self, id: LinkId, now: DateTime<Utc>) {
        let Some(row) = self.links.get_mut(&id) else {
            return;
        };
        row.marks += 1;
        let due_at = row.due_at.map_or(now, |due_at| due_at.min(now));
        self.set_due(id, Some(due_at));
    }

    /// Stores a change and marks its link; the host's write happens under the same lock.
    fn record(&mut self, change: &Change) {
        let known = self.changes.values().any(|row| {
            let other = &row.recorded.change;
            other.tenant == change.tenant
                && other.appointment == change.appointment
                && other.revision == change.revision
        });
        if known {
            return;
        }
        let key = LinkKey::Appointment(change.appointment.clone());
        let link = self.link_by(&change.tenant, &key).unwrap_or_else(|| {
            let id = self.new_link(&change.tenant);
            if let Some(row) = self.links.get_mut(&id) {
                row.link.appointment = Some(change.appointment.clone());
            }
            self.own(&change.tenant, key, id);
            id
        });
        let id = ChangeId::new(self.next_id());
        let recorded = RecordedChange {
            id,
            change: change.clone(),
        };
        self.changes.insert(
            id,
            ChangeRow {
                recorded,
                link,
                fate: None,
            },
        );
        self.mark(link, change.at);
    }

    fn append_log(
        &mut self,
        tenant: &TenantId,
        link: Option<&Link>,
        event: LogEvent,
        at: DateTime<Utc>,
    ) {
        let id = LogId::new(self.next_id());
        self.log.push(LogEntry {
            id,
            at,
            tenant: tenant.clone(),
            link: link.map(|link| link.id),
            appointment: link.and_then(|link| link.appointment.clone()),
            event,
        });
    }
}
