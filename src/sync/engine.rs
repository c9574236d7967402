//! The engine: two entry points, one queue, one loop.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use secrecy::SecretString;
use tokio::sync::Notify;
use tracing::Instrument;

use super::audit::{AuditParams, AuditReport};
use super::calendar::{CalendarError, CalendarErrorKind};
use super::config::SyncConfig;
use super::event_types::EventTypes;
use super::notify::{Notifications, Notifier, TracingNotifier};
use super::observer::Observer;
use super::rebuild::{RebuildParams, RebuildReport};
use super::receive::{Receipt, ReceiveError};
use super::services::{ServiceAdoption, ServiceSyncParams, ServiceSyncReport};
use super::standing::FORMAT;
use super::subscription::{RefusedTriggers, SubscriptionError, SubscriptionReport};
use super::sweep::SweepReport;
use super::sync_key::SyncKeys;
use super::tenant::TenantDirectory;
use super::turn::TurnOutcome;
use super::unsupported::Unsupported;
use crate::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::store::{
    AppointmentId, AppointmentRepository, Change, ClaimRequest, LinkId, LogEntry, LogId, Page,
    Pruned, Resolution, Retention, ReviewId, ReviewItem, Store, StoreError, StoreErrorKind,
    TenantId, WebhookHealth, Window,
};

/// The key for deriving sync keys when the host sets none.
const DEFAULT_SYNC_KEY_SECRET: &str = "calcom";

/// Minimum wait before looking again for work that could not be claimed.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);

/// What to do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bookkeeping failed; nothing was lost: try again later.
    Store(StoreErrorKind),
    /// The tenants could not be listed: try again later.
    Directory(StoreErrorKind),
    /// The host's directory or repository failed or refused; only from calls that work on the host's
    /// side directly.
    Host(StoreErrorKind),
}

/// A failure of the engine itself. Failures of Cal.com or of the host's repository during a turn are
/// not errors of the engine: they are retried or reviewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bookkeeping failed, or refused the call.
    #[error("the sync engine's bookkeeping failed")]
    Store(#[from] StoreError),
    /// The tenants could not be listed.
    #[error("the tenant directory failed")]
    Directory(#[source] StoreError),
    /// The host's repository failed, or refused the call.
    #[error("the host's repository failed")]
    Host(#[source] StoreError),
}

impl Error {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => ErrorKind::Store(error.kind()),
            Self::Directory(error) => ErrorKind::Directory(error.kind()),
            Self::Host(error) => ErrorKind::Host(error.kind()),
        }
    }
}

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepReport {
    /// The tenant.
    pub tenant: TenantId,
    /// The link.
    pub link: LinkId,
    /// Its appointment at the time of the claim.
    pub appointment: Option<AppointmentId>,
    /// How it ended.
    pub outcome: TurnOutcome,
}

/// Keeps a host's appointments and Cal.com's bookings in sync.
///
/// [`Engine`] is the implementation; the trait lets a host hold it as `Arc<dyn SyncEngine>` and put
/// another in its place in tests.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use calcom::store::{Change, InMemoryStore, Origin, Page, Revision, TenantId};
/// use calcom::sync::{Engine, StaticTenants, SyncEngine};
///
/// let store = Arc::new(InMemoryStore::new());
/// let tenants = Arc::new(StaticTenants::default()); // yours
/// let engine = Engine::builder(store.clone(), store.clone(), tenants).build();
/// // The application wrote an appointment:
/// let tenant = TenantId::new("salon");
/// let at = "2026-12-08T09:00:00Z".parse()?;
/// let change = Change::new(tenant.clone(), "a-1".into(), Revision::FIRST, Origin::Phone, at);
/// engine.record(&change).await?;
/// engine.step().await?;
/// for item in engine.open_reviews(&tenant, Page::first(50)).await? {
///     println!("{:?}", item.reason);
/// }
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait SyncEngine: fmt::Debug + Send + Sync + 'static {
    /// Records that the host wrote an appointment. A host whose appointments live in the same
    /// database as the bookkeeping uses the store's own call instead, within its transaction, and
    /// then [`nudge`](Self::nudge).
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; then nothing was recorded, and the host must call again.
    async fn record(&self, change: &Change) -> Result<(), Error>;

    /// Verifies and stores a webhook. Never waits for a worker, a lease or a call to Cal.com, which
    /// may itself be waiting for the answer.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]; respond with its [`status`](ReceiveError::status).
    async fn receive(
        &self,
        tenant: &TenantId,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Receipt, ReceiveError>;

    /// Processes one due link of the next tenant in turn; `None` if nothing is due. Any number of
    /// callers may do so concurrently. A turn that fails, panics or hangs is contained to its link,
    /// and a tenant that cannot be read to the tenant.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; the work is done again once its lease has run out.
    async fn step(&self) -> Result<Option<StepReport>, Error>;

    /// Returns when work may be due: after [`nudge`](Self::nudge), when the next link becomes due,
    /// or after `at_most`.
    async fn wait_for_work(&self, at_most: Duration);

    /// Signals that work may be due.
    fn nudge(&self);

    /// The tenant's open review items, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn open_reviews(
        &self,
        tenant: &TenantId,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, Error>;

    /// Resolves a review item: the decision is stored, and the next turn of each of its links
    /// carries it out. `by` is who decided, in the host's own terms.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] with [`NotFound`](StoreErrorKind::NotFound), with
    /// [`Conflict`](StoreErrorKind::Conflict) if it was resolved already, or with
    /// [`Invalid`](StoreErrorKind::Invalid) if the item cannot be resolved in this way.
    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: Resolution,
        by: &str,
    ) -> Result<ReviewItem, Error>;

    /// The tenant's sync log, oldest entry first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, Error>;

    /// Compares both sides of a tenant with the books, and puts what differs into the inbox and the
    /// outbox, for the next turns to look at: what a lost webhook would have told, and what a host
    /// wrote and never recorded. `None` if the last sweep of the tenant ended less than `every` ago,
    /// if another worker is at it, or if the tenant is paused. With [`Duration::ZERO`] it is swept
    /// at once, unless Cal.com has asked for a pause.
    ///
    /// May be dropped at any point: the next sweep goes on where this one stood, once its lease has
    /// run out.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; the sweep goes on once its lease has run out. What fails at Cal.com or at
    /// the host is in the [report](SweepReport::stopped).
    async fn sweep(&self, tenant: &TenantId, every: Duration)
    -> Result<Option<SweepReport>, Error>;

    /// Sweeps all tenants of the directory that are due, a few at once, and reports those that were
    /// swept. One that fails is left out of the reports, logged, and stops no other.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] if the tenants cannot be listed.
    async fn sweep_due(&self, every: Duration) -> Result<Vec<SweepReport>, Error>;

    /// Compares a tenant's services with its event types, and brings them into agreement as far as
    /// the parameters say. Nothing is deleted. A sync that is already under way is not joined.
    ///
    /// May be dropped at any point: the next one begins once the lease of this one has run out, and
    /// recognizes what it has created.
    ///
    /// ```
    /// # async fn run(engine: &dyn calcom::sync::SyncEngine) -> Result<(), calcom::sync::Error> {
    /// use calcom::sync::{ServiceSyncMode, ServiceSyncParams};
    ///
    /// let params = ServiceSyncParams::default().with_import(true).with_export(true);
    /// let check = params.with_mode(ServiceSyncMode::CheckOnly);
    /// for line in engine.sync_services(&"salon".into(), check).await?.lines {
    ///     println!("{:?} {:?}: {:?}", line.service, line.event_type, line.finding);
    /// }
    /// let report = engine.sync_services(&"salon".into(), params).await?;
    /// println!("{} of {} services can be booked", report.coverage.active_with_event_type,
    ///     report.coverage.active);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]. What fails at Cal.com or at the host is in the
    /// [report](ServiceSyncReport::stopped).
    async fn sync_services(
        &self,
        tenant: &TenantId,
        params: ServiceSyncParams,
    ) -> Result<ServiceSyncReport, Error>;

    /// Syncs the services of all tenants of the directory that have a
    /// [schedule](super::TenantServices::scheduled) and are due: the last sync ended `every` ago, or
    /// a failed attempt is to be repeated. One that fails is left out of the reports, logged, and
    /// stops no other.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] if the tenants cannot be listed.
    async fn sync_services_due(&self, every: Duration) -> Result<Vec<ServiceSyncReport>, Error>;

    /// How the tenant's services are booked, by the host's appointments that start within a window;
    /// `None` if it has no services that are kept in sync.
    ///
    /// # Errors
    ///
    /// [`Error::Host`].
    async fn service_adoption(
        &self,
        tenant: &TenantId,
        within: Window,
    ) -> Result<Option<ServiceAdoption>, Error>;

    /// Compares both sides of a tenant over a window of time, whole, and reports where they have
    /// drifted apart: check only, or with a repair, which has the next turns look at it. Nothing is
    /// cancelled because it is absent from a list. Holds a page of each side at a time, whatever
    /// the size of the window.
    ///
    /// May be dropped at any point, and resumed with the cursor of the last
    /// [progress](super::AuditObserver::progress).
    ///
    /// # Errors
    ///
    /// [`Error::Store`]. What fails at Cal.com or at the host is in the
    /// [report](AuditReport::stopped), with a cursor to go on from.
    async fn audit(&self, tenant: &TenantId, params: AuditParams) -> Result<AuditReport, Error>;

    /// Has the next turns pair bookings and appointments that the books do not know, after the
    /// bookkeeping was lost. Doing it twice, or where nothing was lost, does no harm: what is in a
    /// pair is passed over, so an interrupted one may simply be begun again.
    ///
    /// Use the [sync key secret](EngineBuilder::sync_key_secret) under which the bookings were made.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]. What fails at Cal.com or at the host is in the
    /// [report](RebuildReport::stopped), with a cursor to go on from.
    async fn rebuild(
        &self,
        tenant: &TenantId,
        params: RebuildParams,
    ) -> Result<RebuildReport, Error>;

    /// Checks the tenant's own webhook [subscription](super::Tenant::with_subscription): whether it
    /// is there, active, signed, and hears of everything that the engine needs.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError`].
    async fn check_subscription(
        &self,
        tenant: &TenantId,
    ) -> Result<SubscriptionReport, SubscriptionError>;

    /// Checks the tenant's own webhook subscription, and creates it or changes what is wrong with
    /// it. Subscriptions that go elsewhere are left alone, and none is deleted.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError`].
    async fn repair_subscription(
        &self,
        tenant: &TenantId,
    ) -> Result<SubscriptionReport, SubscriptionError>;

    /// What became of the webhooks that the tenant has received within the last `within`, and how
    /// many changes no webhook told of. [Pruning](Self::prune) removes what is counted here.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn webhook_health(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WebhookHealth, Error>;

    /// Delivers the notifications that wait, checks now and then whether webhooks have fallen silent,
    /// and returns the number of notifications that were delivered. A [`Worker`](super::Worker)
    /// calls it every second.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if webhooks could not be checked. A notifier that fails is not an error: what
    /// it did not deliver is told by the next digest.
    async fn deliver_notifications(&self) -> Result<u64, Error>;

    /// Deletes settled changes and deliveries, resolved review items and log entries that are older
    /// than they are to be kept, at most `limit` of each. They contain personal data: call it as
    /// often as your retention rules require, until nothing is left.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, Error>;
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
    pub(super) sync_keys: SyncKeys,
    pub(super) event_types: EventTypes,
    pub(super) unsupported: Unsupported,
    pub(super) notifications: Notifications,
    pub(super) refused_triggers: RefusedTriggers,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// The tenant that was served last.
    served: Mutex<Option<TenantId>>,
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
    observer: Option<Arc<dyn Observer>>,
    sync_key_secret: SecretString,
    notifier: Arc<dyn Notifier>,
}

impl EngineBuilder {
    /// The settings.
    pub fn config(mut self, config: SyncConfig) -> Self {
        self.config = config;
        self
    }

    /// The secret for deriving sync keys, which travel in the bookings' metadata and reveal nothing
    /// without it. Keep it as long as the bookings matter: with a different secret, bookings made
    /// before the engine's store was lost are not recognized. Without one, a well-known constant is
    /// used, and whoever knows the tenant and the appointment can compute a key.
    pub fn sync_key_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.sync_key_secret = secret.into();
        self
    }

    /// The clock for timestamps of writes to the host. Leases and due times use the store's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of randomness.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Who hears of new review items, paused tenants and silent webhooks. Default: the log. A
    /// [`Worker`](super::Worker) delivers.
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = notifier;
        self
    }

    /// Who is told what the engine decides. Default: nobody.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Builds the engine. Nothing starts by itself: run a [`Worker`](super::Worker).
    pub fn build(mut self) -> Engine {
        // A call that outlasts its lease would be looked for by somebody else while it is still
        // under way.
        self.config.call_timeout = self.config.call_timeout.min(self.config.lease / 2);
        Engine {
            store: self.store,
            appointments: self.appointments,
            tenants: self.tenants,
            clock: self.clock,
            entropy: self.entropy,
            sync_keys: SyncKeys::new(self.sync_key_secret),
            event_types: EventTypes::default(),
            unsupported: Unsupported::default(),
            notifications: Notifications::new(self.notifier, self.config.notify.clone()),
            config: self.config,
            refused_triggers: RefusedTriggers::default(),
            observer: self.observer,
            served: Mutex::new(None),
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
            observer: None,
            sync_key_secret: DEFAULT_SYNC_KEY_SECRET.into(),
            notifier: Arc::new(TracingNotifier),
        }
    }

    fn last_served(&self) -> MutexGuard<'_, Option<TenantId>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Limits how long a call to the store may take.
    pub(super) async fn store_call<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        within(self.config.store_timeout, "the bookkeeping", call).await
    }

    /// Limits how long a call to the host may take.
    pub(super) async fn host_call<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        within(self.config.host_timeout, "the host", call).await
    }

    /// Limits how long a call to Cal.com may take.
    pub(super) async fn calendar_call<T>(
        &self,
        call: impl Future<Output = Result<T, CalendarError>> + Send,
    ) -> Result<T, CalendarError> {
        let limit = self.config.call_timeout;
        tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            let message = format!("no answer came from Cal.com within {limit:?}");
            Err(CalendarError::new(CalendarErrorKind::Unavailable, message))
        })
    }
}

async fn within<T>(
    limit: Duration,
    who: &str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(limit, call).await;
    answer.unwrap_or_else(|_| {
        let message = format!("{who} did not answer within {limit:?}");
        Err(StoreError::new(StoreErrorKind::Unavailable, message))
    })
}

#[async_trait]
impl SyncEngine for Engine {
    async fn record(&self, change: &Change) -> Result<(), Error> {
        self.store_call(self.store.record(change)).await?;
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
        let served = self.last_served().clone();
        let request = ClaimRequest::new(self.config.lease, FORMAT).after(served);
        let Some(claim) = self.store_call(self.store.claim(&request)).await? else {
            return Ok(None);
        };
        let (tenant, link) = (claim.link.tenant.clone(), claim.link.id);
        *self.last_served() = Some(tenant.clone());
        let appointment = claim.link.appointment.clone();
        let span = tracing::debug_span!(
            "calcom.sync.turn",
            %tenant,
            %link,
            changes = claim.changes.len(),
            deliveries = claim.deliveries.len(),
        );
        let outcome = self.work_on(claim).instrument(span).await?;
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
        let until_due = match self.store_call(self.store.next_due(FORMAT)).await {
            Ok(Some(wait)) => wait,
            Ok(None) | Err(_) => at_most,
        };
        // What is due now may be in another worker's hands, or in those of a transaction that is
        // about to end.
        let wait = until_due.max(SHORTEST_WAIT).min(at_most);
        let _ = tokio::time::timeout(wait, nudged).await;
    }

    fn nudge(&self) {
        self.work.notify_one();
    }

    async fn open_reviews(
        &self,
        tenant: &TenantId,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, Error> {
        let open = self.store_call(self.store.open_reviews(tenant, page));
        Ok(open.await?)
    }

    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: Resolution,
        by: &str,
    ) -> Result<ReviewItem, Error> {
        let item = self.store_call(self.store.review(tenant, id)).await?;
        // Only an item about the tenant can be that of a pause.
        let may_resume = item.as_ref().is_some_and(|item| item.link.is_none());
        if let Some(item) = item {
            super::review::check(&item, &resolution)?;
        }
        let was_paused = may_resume && self.store_call(self.store.is_paused(tenant)).await?;
        let resolved = self.store.resolve(tenant, id, &resolution, by);
        let item = self.store_call(resolved).await?;
        // The decision is stored: a failure to look again is none of it.
        let paused = async || self.store_call(self.store.is_paused(tenant)).await;
        if was_paused && paused().await.is_ok_and(|paused| !paused) {
            self.tell_resumed(tenant);
        }
        self.nudge();
        Ok(item)
    }

    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, Error> {
        Ok(self.store_call(self.store.log(tenant, page)).await?)
    }

    async fn sweep(
        &self,
        tenant: &TenantId,
        every: Duration,
    ) -> Result<Option<SweepReport>, Error> {
        Ok(self.sweep_tenant(tenant, every).await?)
    }

    async fn sweep_due(&self, every: Duration) -> Result<Vec<SweepReport>, Error> {
        self.sweep_tenants(every).await
    }

    async fn sync_services(
        &self,
        tenant: &TenantId,
        params: ServiceSyncParams,
    ) -> Result<ServiceSyncReport, Error> {
        let synced = self.sync_services_of(tenant, params, Duration::ZERO);
        Ok(Box::pin(synced).await?)
    }

    async fn sync_services_due(&self, every: Duration) -> Result<Vec<ServiceSyncReport>, Error> {
        self.sync_due_services(every).await
    }

    async fn service_adoption(
        &self,
        tenant: &TenantId,
        within: Window,
    ) -> Result<Option<ServiceAdoption>, Error> {
        self.adoption_of(tenant, within).await.map_err(Error::Host)
    }

    async fn audit(&self, tenant: &TenantId, params: AuditParams) -> Result<AuditReport, Error> {
        Ok(self.audit_tenant(tenant, params).await?)
    }

    async fn rebuild(
        &self,
        tenant: &TenantId,
        params: RebuildParams,
    ) -> Result<RebuildReport, Error> {
        Ok(self.rebuild_tenant(tenant, params).await?)
    }

    async fn check_subscription(
        &self,
        tenant: &TenantId,
    ) -> Result<SubscriptionReport, SubscriptionError> {
        self.check_subscription_of(tenant).await
    }

    async fn repair_subscription(
        &self,
        tenant: &TenantId,
    ) -> Result<SubscriptionReport, SubscriptionError> {
        self.repair_subscription_of(tenant).await
    }

    async fn webhook_health(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WebhookHealth, Error> {
        let health = self.store.webhook_health(tenant, within);
        Ok(self.store_call(health).await?)
    }

    async fn deliver_notifications(&self) -> Result<u64, Error> {
        let watched = self.watch_webhooks().await;
        let delivered = self.deliver_waiting().await;
        watched?;
        Ok(delivered)
    }

    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, Error> {
        Ok(self.store_call(self.store.prune(retention, limit)).await?)
    }
}
