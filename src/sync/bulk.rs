//! Many appointments in one call, with one result each.

use futures_util::{StreamExt, stream};

use super::engine::Engine;
use super::error::Error;
use super::sync_engine::SyncEngine;
use crate::store::{
    AppointmentId, AppointmentStatus, AppointmentWrite, Change, LinkKey, MarkSource, Origin,
    Reason, Revision, StoreError, StoreErrorKind, TenantId,
};

/// How many appointments are handled at once.
const AT_ONCE: usize = 8;
/// How many times a cancellation begins anew because the host wrote meanwhile.
const MAX_CONFLICTS: u32 = 3;

/// How an appointment was put up for another look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resynced {
    /// Its link is marked: both sides will be read and compared.
    Marked,
    /// The books did not know it; it is recorded at this revision.
    Recorded(Revision),
}

/// The outcome of cancelling one appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancelled {
    /// It was cancelled with this revision.
    Now(Revision),
    /// It had ended already, with this revision, which is recorded again in case it was not.
    Before(Revision),
}

/// Who cancels appointments, and why.
///
/// ```
/// use calcom::store::Origin;
/// use calcom::sync::Cancellation;
///
/// let illness = Cancellation::by(Origin::Admin).because("Hanna is ill today.");
/// # let _ = illness;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancellation {
    /// Who cancels; not [`Origin::Calcom`], whose changes are never pushed.
    pub origin: Origin,
    /// The reason, as the attendees read it.
    pub reason: Option<Reason>,
}

impl Cancellation {
    /// A cancellation without a reason.
    pub fn by(origin: Origin) -> Self {
        Self {
            origin,
            reason: None,
        }
    }

    /// Sets the reason, as the attendees read it.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Reason>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl Engine {
    pub(super) async fn resync_each(
        &self,
        tenant: &TenantId,
        appointments: &[AppointmentId],
    ) -> Vec<Result<Resynced, Error>> {
        let ids = appointments.iter().cloned();
        let each = ids.map(|id| async move { self.resync(tenant, &id).await });
        let results = stream::iter(each).buffered(AT_ONCE).collect().await;
        self.nudge();
        results
    }

    async fn resync(&self, tenant: &TenantId, id: &AppointmentId) -> Result<Resynced, Error> {
        let key = LinkKey::Appointment(id.clone());
        let marked = self.store.mark(tenant, &key, MarkSource::Request);
        if self.store_call(marked).await? {
            return Ok(Resynced::Marked);
        }
        let local = self.host_call(self.appointments.get(tenant, id)).await;
        let local = local
            .map_err(Error::Host)?
            .ok_or_else(|| Error::Host(StoreError::not_found("appointment")))?;
        let (revision, at) = (local.revision, local.updated_at);
        let change = Change::new(tenant.clone(), id.clone(), revision, local.origin, at);
        self.store_call(self.store.record(&change)).await?;
        Ok(Resynced::Recorded(revision))
    }

    pub(super) async fn cancel_each(
        &self,
        tenant: &TenantId,
        appointments: &[AppointmentId],
        cancellation: &Cancellation,
    ) -> Vec<Result<Cancelled, Error>> {
        let ids = appointments.iter().cloned();
        let each = ids.map(|id| async move { self.cancel(tenant, &id, cancellation).await });
        let results = stream::iter(each).buffered(AT_ONCE).collect().await;
        self.nudge();
        results
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        cancellation: &Cancellation,
    ) -> Result<Cancelled, Error> {
        if cancellation.origin == Origin::Calcom {
            let message = "a change that claims to come from Cal.com would not reach Cal.com";
            return Err(Error::Host(StoreError::new(
                StoreErrorKind::Invalid,
                message,
            )));
        }
        let mut conflicts = 0;
        loop {
            let local = self.host_call(self.appointments.get(tenant, id)).await;
            let local = local
                .map_err(Error::Host)?
                .ok_or_else(|| Error::Host(StoreError::not_found("appointment")))?;
            if !local.state.status.is_live() {
                let (revision, at) = (local.revision, local.updated_at);
                let change = Change::new(tenant.clone(), id.clone(), revision, local.origin, at);
                self.store_call(self.store.record(&change)).await?;
                return Ok(Cancelled::Before(revision));
            }
            let mut state = local.state;
            state.status = AppointmentStatus::Cancelled;
            let now = self.clock.now();
            let origin = cancellation.origin.clone();
            let write = AppointmentWrite::new(state, origin.clone(), now);
            let write = write.with_reason(cancellation.reason.clone());
            let update = self.appointments.update(tenant, id, local.revision, write);
            match self.host_call(update).await {
                Ok(written) => {
                    let revision = written.revision;
                    let change = Change::new(tenant.clone(), id.clone(), revision, origin, now);
                    self.store_call(self.store.record(&change)).await?;
                    return Ok(Cancelled::Now(revision));
                }
                // The host wrote meanwhile: what it wrote is cancelled.
                Err(error)
                    if error.kind() == StoreErrorKind::Conflict && conflicts < MAX_CONFLICTS =>
                {
                    conflicts += 1;
                }
                Err(error) => return Err(Error::Host(error)),
            }
        }
    }
}
