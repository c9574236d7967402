//! Who hears of what a person should hear of: a webhook, a mailbox, or both.

use std::sync::Arc;

use calcom::sync::{Notifier, WebhookNotifier};
use secrecy::ExposeSecret;

use crate::failure::Failure;
use crate::settings::{NotifySettings, Settings};

/// The configured notifier; `None` where only the log is told.
pub(crate) fn of(settings: &Settings) -> Result<Option<Arc<dyn Notifier>>, Failure> {
    match &settings.notify {
        Some(notify) => Ok(Some(webhook(notify)?)),
        None => Ok(None),
    }
}

fn webhook(settings: &NotifySettings) -> Result<Arc<dyn Notifier>, Failure> {
    let wrong = || {
        Failure::settings(
            "notify.url is not an address that can be used",
            "correct that setting",
        )
    };
    let url = settings.url.expose_secret().parse().map_err(|_| wrong())?;
    let notifier = WebhookNotifier::new(url).map_err(|error| wrong().because(error))?;
    let notifier = match &settings.secret {
        Some(secret) => notifier.with_secret(secret.clone()),
        None => notifier,
    };
    Ok(Arc::new(notifier))
}
