//! Who hears of what a person should hear of: the log always, and a webhook, a mailbox, or both.

#[cfg(feature = "mail")]
mod digest;
#[cfg(feature = "mail")]
mod letter;
#[cfg(feature = "mail")]
mod mail;

use std::sync::Arc;

use async_trait::async_trait;
use calcom::sync::{Notification, Notifier, NotifyError, TracingNotifier, WebhookNotifier};
use secrecy::ExposeSecret;

use crate::failure::Failure;
use crate::settings::{NotifySettings, Settings};

/// The notifiers that are configured.
#[derive(Clone, Debug)]
pub(crate) struct Notifiers {
    all: Vec<Arc<dyn Notifier>>,
    #[cfg(feature = "mail")]
    mail: Option<Arc<mail::MailNotifier>>,
}

impl Notifiers {
    /// Sets up what is configured. Sends nothing.
    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        let mut all: Vec<Arc<dyn Notifier>> = vec![Arc::new(TracingNotifier)];
        if let Some(notify) = &settings.notify {
            all.push(webhook(notify)?);
        }
        #[cfg(feature = "mail")]
        {
            let mail = settings.mail.as_ref();
            let mail = mail.map(|mail| mail::MailNotifier::new(mail, settings.public_url.as_ref()));
            let mail = mail.transpose()?.map(Arc::new);
            if let Some(mail) = &mail {
                all.push(mail.clone());
            }
            Ok(Self { all, mail })
        }
        #[cfg(not(feature = "mail"))]
        {
            if settings.mail.is_some() {
                return Err(Failure::settings(
                    "[mail] is set, and this program was built without mail",
                    "install it with `cargo install calcom --features mail`, or remove [mail]",
                ));
            }
            Ok(Self { all })
        }
    }

    /// Sends what is still collected.
    #[allow(clippy::unused_async, reason = "without mail, nothing is collected")]
    pub(crate) async fn flush(&self) {
        #[cfg(feature = "mail")]
        if let Some(mail) = &self.mail {
            mail.flush().await;
        }
    }
}

/// Tells all of them. One that fails keeps no other from being told.
#[async_trait]
impl Notifier for Notifiers {
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        let mut failed = Ok(());
        for notifier in &self.all {
            if let Err(error) = notifier.notify(notification).await {
                failed = Err(error);
            }
        }
        failed
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Remembers what it was told, and fails if it is to.
    #[derive(Debug, Default)]
    struct Listener {
        fails: bool,
        heard: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Notifier for Listener {
        async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
            self.heard.lock().unwrap().push(notification.to_string());
            match self.fails {
                true => Err(NotifyError::new("nobody is there")),
                false => Ok(()),
            }
        }
    }

    #[tokio::test]
    async fn one_that_fails_keeps_no_other_from_being_told() {
        let deaf = Arc::new(Listener {
            fails: true,
            ..Listener::default()
        });
        let well = Arc::new(Listener::default());
        let all = Notifiers {
            all: vec![deaf.clone(), well.clone()],
            #[cfg(feature = "mail")]
            mail: None,
        };
        let event = serde_json::json!({"tenant": "salon", "at": "2026-12-01T09:00:00Z", "event": "webhook_heard"});
        let event: Notification = serde_json::from_value(event).unwrap();
        assert!(all.notify(&event).await.is_err());
        assert_eq!(well.heard.lock().unwrap().len(), 1);
        assert_eq!(deaf.heard.lock().unwrap().len(), 1);
    }
}
