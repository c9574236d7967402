//! The engine: two entry points, one queue, one loop.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use tokio::sync::{Notify, watch};
use tracing::Instrument;

use super::audit::{AuditParams, AuditReport};
use super::calendar::{CalendarError, CalendarErrorKind};
use super::config::SyncConfig;
use super::engine_builder::EngineBuilder;
use super::error::Error;
use super::event_types::EventTypes;
use super::notify::Notifications;
use super::observer::Observer;
use super::rebuild::{RebuildParams, RebuildReport};
use super::receive::{Receipt, ReceiveError};
use super::senders::{EventReport, SenderReceipt, Senders};
use super::services::{ServiceAdoption, ServiceSyncParams, ServiceSyncReport};
use super::standing::FORMAT;
use super::subscription::{RefusedTriggers, SubscriptionError, SubscriptionReport};
use super::sweep::SweepReport;
use super::sync_engine::{StepReport, SyncEngine};
use super::sync_key::SyncKeys;
use super::tenant::TenantDirectory;
use super::unsupported::Unsupported;
use crate::ambient::{Clock, Entropy};
use crate::metrics;
use crate::store::{
    AppointmentRepository, Change, ClaimRequest, Delivery, LogEntry, LogId, Page, Pruned,
    Resolution, Retention, ReviewId, ReviewItem, Store, StoreError, StoreErrorKind, TenantId,
    WebhookHealth, Window,
};
use crate::webhook::Sender;

/// Minimum wait before looking again for work that could not be claimed.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);

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
    pub(super) senders: Senders,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// The tenant that was served last.
    pub(super) served: Mutex<Option<TenantId>>,
    pub(super) work: Notify,
    /// How many times turns in progress were to be handed back.
    pub(super) hand_backs: watch::Sender<u64>,
}

impl Engine {
    /// Configures an engine over its bookkeeping, the host's appointments, and the tenants.
    pub fn builder(
        store: Arc<dyn Store>,
        appointments: Arc<dyn AppointmentRepository>,
        tenants: Arc<dyn TenantDirectory>,
    ) -> EngineBuilder {
        EngineBuilder::new(store, appointments, tenants)
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

/// The ids of deliveries, separated by spaces.
struct DeliveryIds<'a>(&'a [Delivery]);

impl fmt::Display for DeliveryIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, delivery) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{}", delivery.id)?;
        }
        Ok(())
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

    async fn receive_from(
        &self,
        tenant: &TenantId,
        sender: &Sender,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<SenderReceipt, ReceiveError> {
        self.receive_event(tenant, sender, headers, body).await
    }

    async fn step(&self) -> Result<Option<StepReport>, Error> {
        let mut hand_backs = self.hand_backs.subscribe();
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
            delivery_ids = %DeliveryIds(&claim.deliveries),
            otel.kind = "consumer",
        );
        // The engine lives as long as this call, and so does the sender.
        let handed_back = async { hand_backs.changed().await.unwrap_or_default() };
        let outcome = self.work_on(claim, handed_back).instrument(span).await;
        metrics::turn(match &outcome {
            Ok(outcome) => outcome.as_str(),
            Err(_) => "error",
        });
        let outcome = outcome?;
        tracing::debug!(%tenant, %link, ?outcome, "turn ended");
        Ok(Some(StepReport {
            tenant,
            link,
            appointment,
            outcome,
        }))
    }

    async fn step_events(&self) -> Result<Option<EventReport>, Error> {
        Ok(self.step_event().await?)
    }

    fn hand_back(&self) {
        self.hand_backs.send_modify(|count| *count += 1);
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

    async fn wait_for_events(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.senders.nudged()).await;
    }

    fn nudge(&self) {
        self.work.notify_one();
        self.senders.nudge();
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
