//! The default notifier: the log.

use async_trait::async_trait;

use super::{Notification, NotificationEvent, Notifier, NotifyError};

/// Writes notifications to the log, through [`tracing`]. The default.
///
/// A review item is written as `INFO`: the engine itself has warned of it when it opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingNotifier;

#[async_trait]
impl Notifier for TracingNotifier {
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        let tenant = &notification.tenant;
        match &notification.event {
            NotificationEvent::ReviewOpened { .. }
            | NotificationEvent::TenantResumed
            | NotificationEvent::WebhookHeard => {
                tracing::info!(%tenant, "{notification}");
            }
            NotificationEvent::TenantPaused { .. }
            | NotificationEvent::WebhookSilent { .. }
            | NotificationEvent::Digest { .. } => {
                tracing::warn!(%tenant, "{notification}");
            }
        }
        Ok(())
    }
}
