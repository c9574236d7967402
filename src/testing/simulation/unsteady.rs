//! The host's own table: slow now and then, and now and then not there; read through a replica that
//! lags; with rows that nobody can read.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::coverage::{Mishap, Tally};
use crate::ambient::Clock;
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentWrite,
    ChainKey, Change, Origin, Revision, Store, StoreError, StoreErrorKind, TenantId, Window,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::chance::Chance;
use super::clock::SimClock;
use super::lock;

/// What the panic over a poisoned appointment says.
const PLANTED: &str = "planted: a row that the host's mapping does not expect";
type Key = (TenantId, AppointmentId);

/// Why nobody can work on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poison {
    /// Reading it panics.
    Panics,
    /// Reading it fails, always.
    Fails,
}

/// What the table has gone through, shared by all processes of a host.
#[derive(Clone, Default)]
pub(super) struct Past(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Every state that somebody other than Cal.com has given an appointment.
    wishes: BTreeMap<Key, Vec<AppointmentState>>,
    newest: BTreeMap<Key, Revision>,
    /// What the replica shows, and until when.
    replica: Option<(DateTime<Utc>, BTreeMap<Key, Appointment>)>,
    wrongs: Vec<String>,
    poisoned: BTreeMap<Key, Poison>,
    /// The revisions that the host wrote and died before recording.
    unrecorded: BTreeMap<Key, Revision>,
}

impl Past {
    /// From now on nobody can work on an appointment.
    pub(super) fn plant(&self, tenant: &TenantId, id: &AppointmentId, poison: Poison) {
        let key = (tenant.clone(), id.clone());
        lock(&self.0).poisoned.insert(key, poison);
    }

    /// Why nobody can work on an appointment, if so.
    pub(super) fn poison_of(&self, tenant: &TenantId, id: &AppointmentId) -> Option<Poison> {
        let key = (tenant.clone(), id.clone());
        lock(&self.0).poisoned.get(&key).copied()
    }

    /// The host died before it recorded this write.
    pub(super) fn never_recorded(&self, tenant: &TenantId, appointment: &Appointment) {
        let key = (tenant.clone(), appointment.id.clone());
        lock(&self.0).unrecorded.insert(key, appointment.revision);
    }

    /// Whether the newest write of the host's was never recorded.
    pub(super) fn is_unrecorded(&self, tenant: &TenantId, appointment: &Appointment) -> bool {
        let key = (tenant.clone(), appointment.id.clone());
        lock(&self.0).unrecorded.contains_key(&key)
    }

    /// A write of the host's was recorded, and with it all before it.
    pub(super) fn recorded(&self, tenant: &TenantId, id: &AppointmentId) {
        let key = (tenant.clone(), id.clone());
        lock(&self.0).unrecorded.remove(&key);
    }

    /// A sweep has looked at every row.
    pub(super) fn was_swept(&self) {
        lock(&self.0).unrecorded.clear();
    }

    /// An appointment was written.
    pub(super) fn written(&self, tenant: &TenantId, appointment: &Appointment) {
        let mut inner = lock(&self.0);
        let key = (tenant.clone(), appointment.id.clone());
        let revision = appointment.revision;
        if inner
            .newest
            .get(&key)
            .is_some_and(|known| *known >= revision)
        {
            let wrong = format!("{} was overwritten: {revision} again", appointment.id);
            inner.wrongs.push(wrong);
        }
        inner.newest.insert(key.clone(), revision);
        if appointment.origin != Origin::Calcom {
            let wishes = inner.wishes.entry(key).or_default();
            wishes.push(appointment.state.clone());
        }
    }

    /// The newest revision that was written and is known.
    fn newest(&self, tenant: &TenantId, id: &AppointmentId) -> Option<Revision> {
        let key = (tenant.clone(), id.clone());
        lock(&self.0).newest.get(&key).copied()
    }

    fn wrong(&self, what: String) {
        lock(&self.0).wrongs.push(what);
    }

    /// Whether anybody but Cal.com ever wanted this of an appointment.
    pub(super) fn wanted(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        is_it: impl Fn(&AppointmentState) -> bool,
    ) -> bool {
        let inner = lock(&self.0);
        let wishes = inner.wishes.get(&(tenant.clone(), id.clone()));
        wishes.into_iter().flatten().any(is_it)
    }

    /// The replica stands still until then.
    pub(super) fn lag(&self, until: DateTime<Utc>, table: BTreeMap<Key, Appointment>) {
        lock(&self.0).replica = Some((until, table));
    }

    pub(super) fn catch_up(&self) {
        lock(&self.0).replica = None;
    }

    pub(super) fn wrongs(&self) -> Vec<String> {
        lock(&self.0).wrongs.clone()
    }

    /// What the replica shows, if it lags.
    fn shown(&self, now: DateTime<Utc>, key: &Key) -> Option<Option<Appointment>> {
        let inner = lock(&self.0);
        let (until, table) = inner.replica.as_ref()?;
        (now < *until).then(|| table.get(key).cloned())
    }
}

/// Fails so many times in a hundred: before the call is carried out, or after.
pub(super) struct UnsteadyHost {
    pub(super) inner: Arc<dyn AppointmentRepository>,
    pub(super) chance: Chance,
    pub(super) clock: SimClock,
    pub(super) failing: Arc<AtomicU32>,
    pub(super) past: Past,
    pub(super) tally: Tally,
    /// Where the host records its changes, if writing them does not.
    pub(super) outbox: Option<Arc<dyn Store>>,
    /// Whether people at the host write at the worst of moments.
    pub(super) meddles: bool,
}

impl fmt::Debug for UnsteadyHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsteadyHost")
    }
}

/// What the host records of an appointment as it was written.
pub(super) fn change_of(tenant: &TenantId, written: &Appointment) -> Change {
    Change::new(
        tenant.clone(),
        written.id.clone(),
        written.revision,
        written.origin.clone(),
        written.updated_at,
    )
}

fn away() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the host's database is away")
}

impl UnsteadyHost {
    async fn stumble(&self) -> Result<(), StoreError> {
        self.chance.dawdle().await;
        if self.chance.percent(self.failing.load(Ordering::SeqCst)) {
            self.tally.fault(Mishap::HostUnavailable);
            return Err(away());
        }
        Ok(())
    }
}

impl UnsteadyHost {
    /// Somebody at the host writes the very appointment that the engine is about to write.
    async fn meddle(&self, tenant: &TenantId, id: &AppointmentId) -> Result<(), StoreError> {
        let Some(found) = self.inner.get(tenant, id).await? else {
            return Ok(());
        };
        let mut state = found.state.clone();
        state.attendee.name += " Meddled";
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        let updated = self.inner.update(tenant, id, found.revision, write).await?;
        self.past.written(tenant, &updated);
        self.tally.fault(Mishap::HostMeddles);
        if let Some(outbox) = &self.outbox {
            outbox.record(&change_of(tenant, &updated)).await?;
            self.past.recorded(tenant, id);
        }
        Ok(())
    }
}

#[async_trait]
impl AppointmentRepository for UnsteadyHost {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        self.stumble().await?;
        match self.past.poison_of(tenant, id) {
            Some(Poison::Panics) => {
                self.tally.fault(Mishap::RowPanics);
                // A panic that is part of the history, and is not printed.
                resume_unwind(Box::new(PLANTED));
            }
            Some(Poison::Fails) => {
                self.tally.fault(Mishap::RowUnreadable);
                return Err(away());
            }
            None => {}
        }
        let key = (tenant.clone(), id.clone());
        match self.past.shown(self.clock.now(), &key) {
            Some(shown) => Ok(shown),
            None => self.inner.get(tenant, id).await,
        }
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.stumble().await?;
        let created = self.inner.create_for_booking(tenant, chain, write).await?;
        self.stumble().await?;
        Ok(created)
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.stumble().await?;
        if self.meddles && self.chance.percent(6) {
            self.meddle(tenant, id).await?;
        }
        let newest = self.past.newest(tenant, id);
        let updated = self.inner.update(tenant, id, expected, write).await?;
        self.past.written(tenant, &updated);
        if newest.is_some_and(|newest| newest > expected) {
            let past = format!("{id} was overwritten although it had left {expected} behind");
            self.past.wrong(past);
        }
        self.stumble().await?;
        Ok(updated)
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        self.stumble().await?;
        self.inner.scan(tenant, window, after, limit).await
    }
}
