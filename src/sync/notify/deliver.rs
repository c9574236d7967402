//! Posting what happens, and delivering it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use super::mailbox::Mailbox;
use super::silence::SilenceWatch;
use super::{Notification, NotificationEvent, Notifier, NotifyConfig};
use crate::store::{ReviewId, ReviewItem, StoreError, TenantId};
use crate::sync::engine::Engine;
use crate::sync::review::with_causes;

/// How many tenants are listed at a time.
const TENANTS: u32 = 100;

/// What waits to be told, and who tells it.
#[derive(Debug)]
pub(in crate::sync) struct Notifications {
    notifier: Arc<dyn Notifier>,
    config: NotifyConfig,
    mailbox: Mutex<Mailbox>,
    silence: Mutex<SilenceWatch>,
    /// Held by whoever delivers: one at a time.
    delivering: tokio::sync::Mutex<()>,
}

impl Notifications {
    pub(in crate::sync) fn new(notifier: Arc<dyn Notifier>, config: NotifyConfig) -> Self {
        Self {
            notifier,
            mailbox: Mutex::new(Mailbox::new(&config)),
            silence: Mutex::default(),
            delivering: tokio::sync::Mutex::default(),
            config,
        }
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silence(&self) -> MutexGuard<'_, SilenceWatch> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was delivered.
    async fn deliver(&self, notification: &Notification) -> bool {
        let telling = AssertUnwindSafe(self.notifier.notify(notification)).catch_unwind();
        let why = match tokio::time::timeout(self.config.timeout, telling).await {
            Ok(Ok(Ok(()))) => return true,
            Ok(Ok(Err(error))) => with_causes(&error),
            Ok(Err(_)) => "it panicked".to_owned(),
            Err(_) => format!("it took longer than {:?}", self.config.timeout),
        };
        let tenant = &notification.tenant;
        tracing::warn!(%tenant, error = %why, "a notification was not delivered");
        false
    }
}

impl Engine {
    fn tell(&self, tenant: &TenantId, event: NotificationEvent) {
        let now = self.clock.now();
        let notification = Notification::new(tenant.clone(), now, event);
        self.notifications.mailbox().post(notification);
    }

    /// Posts that a review item was opened.
    pub(in crate::sync) fn tell_opened(&self, item: &ReviewItem) {
        let event = NotificationEvent::ReviewOpened {
            review: item.id,
            reason: item.reason.clone(),
            appointment: item.appointment.clone(),
        };
        self.tell(&item.tenant, event);
    }

    /// Posts that a tenant was paused, together with this review item.
    pub(in crate::sync) fn tell_paused(&self, tenant: &TenantId, review: Option<ReviewId>) {
        self.tell(tenant, NotificationEvent::TenantPaused { review });
    }

    /// Posts that a tenant's work goes on.
    pub(in crate::sync) fn tell_resumed(&self, tenant: &TenantId) {
        self.tell(tenant, NotificationEvent::TenantResumed);
    }

    /// Delivers what waits, until nothing does or a delivery fails: what failed is told with the next
    /// digest, and what waits behind it next time.
    pub(in crate::sync) async fn deliver_waiting(&self) -> u64 {
        let notifications = &self.notifications;
        let Ok(_delivering) = notifications.delivering.try_lock() else {
            return 0;
        };
        let mut delivered = 0;
        loop {
            let next = notifications.mailbox().take(self.clock.now());
            let Some(next) = next else {
                return delivered;
            };
            if !notifications.deliver(&next).await {
                let now = self.clock.now();
                notifications.mailbox().give_back(&next, now);
                return delivered;
            }
            delivered += 1;
        }
    }

    /// Looks, now and then, whether webhooks have fallen silent.
    pub(in crate::sync) async fn watch_webhooks(&self) -> Result<(), StoreError> {
        let Some(silent_after) = self.notifications.config.silent_after else {
            return Ok(());
        };
        let now = self.clock.now();
        if !self.notifications.silence().is_due(now, silent_after) {
            return Ok(());
        }
        let mut after: Option<TenantId> = None;
        loop {
            let page = self.tenants.tenants(after.as_ref(), TENANTS);
            let page = self.host_call(page).await?;
            // A directory that does not go on is not asked for ever.
            let last = page.iter().max().cloned();
            let Some(last) = last.filter(|last| Some(last) > after.as_ref()) else {
                return Ok(());
            };
            for tenant in &page {
                let health = self.store.webhook_health(tenant, silent_after);
                let health = self.store_call(health).await?;
                let mut silence = self.notifications.silence();
                let event = silence.judge(tenant, &health, silent_after);
                drop(silence);
                if let Some(event) = event {
                    self.tell(tenant, event);
                }
            }
            after = Some(last);
        }
    }
}
