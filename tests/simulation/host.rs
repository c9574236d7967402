//! The host's own table: slow now and then, and now and then not there; read through a replica that lags; with rows that nobody
//! can read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentWrite,
    ChainKey, Origin, Revision, StoreError, StoreErrorKind, TenantId, Window,
};
use chrono::{DateTime, Utc};

use crate::chance::Chance;
use crate::clock::SimClock;

/// What the panic over a poisoned appointment says.
pub(crate) const PLANTED: &str = "planted: a row that the host's mapping does not expect";
/// Reading it panics.
pub(crate) const PANICS: &str = "panics";
/// Reading it fails, always.
pub(crate) const FAILS: &str = "fails";

type Key = (TenantId, AppointmentId);

/// What the table has gone through, shared by all processes of a host.
#[derive(Clone, Default)]
pub(crate) struct Past(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Every state that somebody other than Cal.com has given an appointment.
    wishes: BTreeMap<Key, Vec<AppointmentState>>,
    newest: BTreeMap<Key, Revision>,
    /// What the replica shows, and until when.
    replica: Option<(DateTime<Utc>, BTreeMap<Key, Appointment>)>,
    wrongs: Vec<String>,
}

impl Past {
    /// An appointment was written.
    pub(crate) fn written(&self, tenant: &TenantId, appointment: &Appointment) {
        let mut inner = self.0.lock().unwrap();
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

    /// Whether anybody but Cal.com ever wanted this of an appointment.
    pub(crate) fn wanted(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        is_it: impl Fn(&AppointmentState) -> bool,
    ) -> bool {
        let inner = self.0.lock().unwrap();
        let wishes = inner.wishes.get(&(tenant.clone(), id.clone()));
        wishes.into_iter().flatten().any(is_it)
    }

    /// The replica stands still until then.
    pub(crate) fn lag(&self, until: DateTime<Utc>, table: BTreeMap<Key, Appointment>) {
        self.0.lock().unwrap().replica = Some((until, table));
    }

    pub(crate) fn catch_up(&self) {
        self.0.lock().unwrap().replica = None;
    }

    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.0.lock().unwrap().wrongs.clone()
    }

    /// What the replica shows, if it lags.
    fn shown(&self, now: DateTime<Utc>, key: &Key) -> Option<Option<Appointment>> {
        let inner = self.0.lock().unwrap();
        let (until, table) = inner.replica.as_ref()?;
        (now < *until).then(|| table.get(key).cloned())
    }
}

/// Fails so many times in a hundred: before the call is carried out, or after.
pub(crate) struct UnsteadyHost {
    pub(crate) inner: Arc<dyn AppointmentRepository>,
    pub(crate) chance: Chance,
    pub(crate) clock: SimClock,
    pub(crate) failing: Arc<AtomicU32>,
    pub(crate) past: Past,
    /// Whether people at the host write at the worst of moments.
    pub(crate) meddles: bool,
}

impl fmt::Debug for UnsteadyHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsteadyHost")
    }
}

fn away() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the host's database is away")
}

impl UnsteadyHost {
    async fn stumble(&self) -> Result<(), StoreError> {
        self.chance.dawdle().await;
        if self.chance.percent(self.failing.load(Ordering::SeqCst)) {
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
        let update = self.inner.update(tenant, id, found.revision, write);
        self.past.written(tenant, &update.await?);
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
        match id.as_str() {
            PANICS => panic!("{PLANTED}"),
            FAILS => return Err(away()),
            _ => {}
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
        let updated = self.inner.update(tenant, id, expected, write).await?;
        self.past.written(tenant, &updated);
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
        self.inner.scan(tenant, window, after, limit).await
    }
}
