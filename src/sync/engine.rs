//! The engine: two doors, one queue, one loop.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use tokio::sync::Notify;
use tracing::Instrument;

use super::config::SyncConfig;
use super::receive::{Receipt, ReceiveError};
use super::tenant::TenantDirectory;
use super::turn::{Turn, TurnOutcome};
use crate::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::store::{
    AppointmentId, AppointmentRepository, Change, Claim, LinkId, LogEntry, LogId, Resolution,
    Resolved, ReviewId, ReviewItem, Settlement, Store, StoreError, StoreErrorKind, SyncKey,
    TenantId,
};

/// How long a link whose tenant is not in the directory waits before it is looked at again.
const UNKNOWN_TENANT_DELAY: Duration = Duration::from_secs(60);

/// What to do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bookkeeping failed; nothing was lost: try again later.
    Store(StoreErrorKind),
}

/// A failure of the engine itself. Failures of Cal.com or of the host's repository are not errors of the engine: they are
/// retried or reviewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bookkeeping failed.
    #[error("the sync engine's bookkeeping failed")]
    Store(#[from] StoreError),
}

impl Error {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => ErrorKind::Store(error.kind()),
        }
    }
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepReport {
    /// Whose link was worked on.
    pub tenant: TenantId,
    /// The link.
    pub link: LinkId,
    /// Its appointment, as it was claimed.
    pub appointment: Option<AppointmentId>,
    /// How it ended.
    pub outcome: TurnOutcome,
}

/// Keeps a host's appointments and Cal.com's bookings in agreement.
///
/// [`Engine`] is the implementation; the trait lets a host hold it as `Arc<dyn SyncEngine>` and put another in its place in
/// tests.
#[async_trait]
pub trait SyncEngine: fmt::Debug + Send + Sync + 'static {
    /// The host's door: records that an appointment was written. A host whose appointments live in the same database as the
    /// bookkeeping uses the store's own call instead, within its transaction, and then [`nudge`](Self::nudge).
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; then nothing was recorded, and the host has to call again.
    async fn record(&self, change: &Change) -> Result<(), Error>;

    /// Cal.com's door: verifies and stores a webhook. It waits for no worker, no lease and no call to Cal.com, which may itself
    /// be waiting for the answer.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], whose [`status`](ReceiveError::status) is what to answer.
    async fn receive(
        &self,
        tenant: &TenantId,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Receipt, ReceiveError>;

    /// Works on the link that has been due for longest; `None` if none is due. Any number of callers may do so at once.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; the work is done again once its lease has run out.
    async fn step(&self) -> Result<Option<StepReport>, Error>;

    /// Returns when work may be due: after [`nudge`](Self::nudge), when the next link becomes due, or after `at_most`.
    async fn wait_for_work(&self, at_most: Duration);

    /// Says that work may be due.
    fn nudge(&self);

    /// The tenant's open review items, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn open_reviews(&self, tenant: &TenantId) -> Result<Vec<ReviewItem>, Error>;

    /// Resolves a review item. `by` is who decided, in the host's own terms.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] with [`NotFound`](StoreErrorKind::NotFound), or [`Conflict`](StoreErrorKind::Conflict) if it was
    /// resolved already.
    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: Resolution,
        by: &str,
    ) -> Result<ReviewItem, Error>;

    /// The tenant's sync log after a position, oldest first, at most `limit` lines.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn log(
        &self,
        tenant: &TenantId,
        after: Option<LogId>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, Error>;
}

/// The sync engine. Cheap to share: put it into an `Arc`.
#[derive(Debug)]
pub struct Engine {
    pub(super) store: Arc<dyn Store>,
    pub(super) appointments: Arc<dyn AppointmentRepository>,
    pub(super) tenants: Arc<dyn TenantDirectory>,
    pub(super) config: SyncConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    work: Notify,
}

/// Builds an [`Engine`]; get one from [`Engine::builder`].
#[derive(Debug)]
#[must_use]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    appointments: Arc<dyn AppointmentRepository>,
    tenants: Arc<dyn TenantDirectory>,
    config: SyncConfig,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl EngineBuilder {
    /// The settings.
    pub fn config(mut self, config: SyncConfig) -> Self {
        self.config = config;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where chance comes from.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Builds the engine. Nothing starts by itself: run a [`Worker`](super::Worker).
    pub fn build(mut self) -> Engine {
        // A call that outlasts its lease would be looked for by somebody else while it is still under way.
        self.config.call_timeout = self.config.call_timeout.min(self.config.lease / 2);
        Engine {
            store: self.store,
            appointments: self.appointments,
            tenants: self.tenants,
            config: self.config,
            clock: self.clock,
            entropy: self.entropy,
            work: Notify::new(),
        }
    }
}

impl Engine {
    /// Configures an engine over its bookkeeping, the host's appointments, and the tenants.
    pub fn builder(
        store: Arc<dyn Store>,
        appointments: Arc<dyn AppointmentRepository>,
        tenants: Arc<dyn TenantDirectory>,
    ) -> EngineBuilder {
        EngineBuilder {
            store,
            appointments,
            tenants,
            config: SyncConfig::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    pub(super) fn new_sync_key(&self) -> SyncKey {
        let (high, low) = (self.entropy.next_u64(), self.entropy.next_u64());
        SyncKey::new(format!("{high:016x}{low:016x}"))
    }

    async fn work_on(&self, claim: Claim) -> Result<TurnOutcome, StoreError> {
        let Some(tenant) = self.tenants.tenant(&claim.link.tenant).await? else {
            tracing::warn!(tenant = %claim.link.tenant, "a link is due whose tenant is not in the directory");
            let now = self.clock.now();
            let mut settlement = Settlement::new(claim.link.clone(), now);
            settlement.next_due = Some(now + UNKNOWN_TENANT_DELAY);
            self.store.settle(&claim.lease, settlement).await?;
            return Ok(TurnOutcome::Waiting);
        };
        Turn::new(self, tenant, claim).run().await
    }
}

#[async_trait]
impl SyncEngine for Engine {
    async fn record(&self, change: &Change) -> Result<(), Error> {
        self.store.record(change).await?;
        self.nudge();
        Ok(())
    }

    async fn receive(
        &self,
        tenant: &TenantId,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Receipt, ReceiveError> {
        self.receive_delivery(tenant, headers, body).await
    }

    async fn step(&self) -> Result<Option<StepReport>, Error> {
        let claimed = self
            .store
            .claim(self.clock.now(), self.config.lease)
            .await?;
        let Some(claim) = claimed else {
            return Ok(None);
        };
        let (tenant, link) = (claim.link.tenant.clone(), claim.link.id);
        let appointment = claim.link.appointment.clone();
        let span = tracing::debug_span!(
            "calcom.sync.turn",
            %tenant,
            %link,
            changes = claim.changes.len(),
            deliveries = claim.deliveries.len(),
        );
        // Boxed: a turn is a large future, and workers hold many.
        let outcome = Box::pin(self.work_on(claim)).instrument(span).await?;
        tracing::debug!(%tenant, %link, ?outcome, "turn ended");
        Ok(Some(StepReport {
            tenant,
            link,
            appointment,
            outcome,
        }))
    }

    async fn wait_for_work(&self, at_most: Duration) {
        let nudged = self.work.notified();
        // If the store cannot say, a poll will find out.
        let until_due = match self.store.next_due().await {
            Ok(Some(due)) => (due - self.clock.now()).to_std().unwrap_or_default(),
            Ok(None) | Err(_) => at_most,
        };
        let _ = tokio::time::timeout(until_due.min(at_most), nudged).await;
    }

    fn nudge(&self) {
        self.work.notify_one();
    }

    async fn open_reviews(&self, tenant: &TenantId) -> Result<Vec<ReviewItem>, Error> {
        Ok(self.store.open_reviews(tenant).await?)
    }

    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: Resolution,
        by: &str,
    ) -> Result<ReviewItem, Error> {
        let resolved = Resolved {
            resolution,
            by: by.to_owned(),
            at: self.clock.now(),
        };
        let item = self.store.resolve(tenant, id, &resolved).await?;
        self.nudge();
        Ok(item)
    }

    async fn log(
        &self,
        tenant: &TenantId,
        after: Option<LogId>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, Error> {
        Ok(self.store.log(tenant, after, limit).await?)
    }
}
