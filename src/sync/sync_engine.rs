//! The engine as a host sees it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;

use super::audit::{AuditParams, AuditReport};
use super::error::Error;
use super::rebuild::{RebuildParams, RebuildReport};
use super::receive::{Receipt, ReceiveError};
use super::senders::{EventReport, SenderReceipt};
use super::services::{ServiceAdoption, ServiceSyncParams, ServiceSyncReport};
use super::subscription::{SubscriptionError, SubscriptionReport};
use super::sweep::SweepReport;
use super::turn::TurnOutcome;
use crate::store::{
    AppointmentId, Change, LinkId, LogEntry, LogId, Page, Pruned, Resolution, Retention, ReviewId,
    ReviewItem, TenantId, WebhookHealth, Window,
};
use crate::webhook::Sender;

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
/// [`Engine`](super::Engine) is the implementation; the trait lets a host hold it as `Arc<dyn SyncEngine>` and put
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

    /// Verifies and stores an event of another sender, which the tenant [names](super::Tenant::with_sender).
    /// An event whose id the same sender has used before is a duplicate, as long as the earlier one is
    /// kept. Never waits for a handler.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]; respond with its [`status`](ReceiveError::status).
    async fn receive_from(
        &self,
        tenant: &TenantId,
        sender: &Sender,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<SenderReceipt, ReceiveError>;

    /// Processes one due link of the next tenant in turn; `None` if nothing is due. Any number of
    /// callers may do so concurrently. A turn that fails, panics or hangs is contained to its link,
    /// and a tenant that cannot be read to the tenant.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; the work is done again once its lease has run out.
    async fn step(&self) -> Result<Option<StepReport>, Error>;

    /// Has the [handler](super::EventHandler) take one due event of the next tenant in turn; `None` if
    /// none is due. Any number of callers may do so concurrently. A handler that fails, panics or hangs
    /// is contained to its event: it is called again on the usual
    /// [schedule](super::SyncConfig::retry_delays), and then a review item is opened. An event of a
    /// sender without a handler is ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; the event is handled again once its lease has run out.
    async fn step_events(&self) -> Result<Option<EventReport>, Error>;

    /// Has the [steps](Self::step) in progress, those with events too, end early: each hands its link back, for any worker to
    /// go on with at once, or after [`call_timeout`](super::SyncConfig::call_timeout) if Cal.com or
    /// the host may be carrying out a write of it. Steps that begin later are not affected.
    ///
    /// A [`Worker`](super::Worker) calls it when it stops and its work takes too long.
    fn hand_back(&self);

    /// Returns when work may be due: after [`nudge`](Self::nudge), when the next link becomes due,
    /// or after `at_most`.
    async fn wait_for_work(&self, at_most: Duration);

    /// Returns when an event may be due: after [`nudge`](Self::nudge), when one was received here, or
    /// after `at_most`.
    async fn wait_for_events(&self, at_most: Duration);

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
    /// [`Error::Store`] with [`NotFound`](crate::store::StoreErrorKind::NotFound), with
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) if it was resolved already, or with
    /// [`Invalid`](crate::store::StoreErrorKind::Invalid) if the item cannot be resolved in this way.
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
    /// Use the [sync key secret](super::EngineBuilder::sync_key_secret) under which the bookings were made.
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

    /// Deletes settled changes and deliveries, ended events of other senders, resolved review items and log entries that are older
    /// than they are to be kept, at most `limit` of each. They contain personal data: call it as
    /// often as your retention rules require, until nothing is left.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, Error>;
}
