//! Notifications by e-mail, collected.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use calcom::ambient::{Entropy, SystemEntropy};
use calcom::sync::{Notification, Notifier, NotifyError};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

use super::digest::{Batch, Digest};
use super::letter;
use crate::failure::{Failure, with_causes};
use crate::settings::MailSettings;

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the last mail may take when the program stops.
const LAST: Duration = Duration::from_secs(10);

/// Collects notifications and mails them, at most one mail in a time. `Debug` shows neither the
/// server nor the recipients.
pub(super) struct MailNotifier {
    office: Arc<Office>,
    sender: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

struct Office {
    digest: Mutex<Digest>,
    news: Notify,
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    page: Option<Url>,
}

impl fmt::Debug for MailNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailNotifier").finish_non_exhaustive()
    }
}

impl MailNotifier {
    pub(super) fn new(settings: &MailSettings, page: Option<&Url>) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::settings(
                format!("{what} cannot be used"),
                "correct that setting; docs/program.md shows an example",
            )
        };
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.smtp.expose_secret());
        // Its error may repeat the address, which holds the password.
        let server = server.map_err(|_| wrong("mail.smtp"))?;
        let address = |text: &String, what: &str| -> Result<Mailbox, Failure> {
            text.parse().map_err(|_| wrong(what))
        };
        let to = settings.to.iter();
        let to: Result<Vec<_>, _> = to.map(|text| address(text, "mail.to")).collect();
        let office = Office {
            digest: Mutex::new(Digest::new(settings.every)),
            news: Notify::new(),
            server: server.timeout(Some(PATIENCE)).build(),
            from: address(&settings.from, "mail.from")?,
            to: to?,
            page: page.cloned(),
        };
        Ok(Self {
            office: Arc::new(office),
            sender: Mutex::default(),
        })
    }

    /// Sends what is collected, whenever the last mail was.
    pub(super) async fn flush(&self) {
        let sender = self
            .sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(sender) = sender {
            // A mail that is being sent may come twice, and is not lost.
            sender.abort();
        }
        if tokio::time::timeout(LAST, self.office.send())
            .await
            .is_err()
        {
            tracing::warn!("the last mail was not sent in time");
        }
    }
}

#[async_trait]
impl Notifier for MailNotifier {
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        self.office
            .digest()
            .add(notification.clone(), Instant::now());
        self.office.news.notify_one();
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let is_gone = sender
            .as_ref()
            .is_none_or(tokio::task::JoinHandle::is_finished);
        if is_gone {
            let office = Arc::clone(&self.office);
            *sender = Some(tokio::spawn(async move { office.work().await }));
        }
        Ok(())
    }
}

impl Drop for MailNotifier {
    fn drop(&mut self) {
        let sender = self
            .sender
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.take() {
            sender.abort();
        }
    }
}

impl Office {
    fn digest(&self) -> MutexGuard<'_, Digest> {
        self.digest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is due, for ever.
    async fn work(&self) {
        loop {
            let due = self.digest().due_at();
            match due {
                None => self.news.notified().await,
                Some(at) => {
                    tokio::time::sleep_until(at).await;
                    self.send().await;
                }
            }
        }
    }

    /// Sends what is collected. What cannot be sent is kept for the next mail.
    async fn send(&self) {
        let Some(batch) = self.digest().take(Instant::now()) else {
            return;
        };
        let mut parcel = Parcel {
            office: self,
            batch: Some(batch),
        };
        let Some(batch) = &parcel.batch else { return };
        let sent = match self.letter(batch) {
            Ok(letter) => self
                .server
                .send(letter)
                .await
                .map(drop)
                .map_err(|error| with_causes(&error)),
            Err(error) => Err(with_causes(&error)),
        };
        match sent {
            Ok(()) => parcel.batch = None,
            Err(error) => {
                tracing::warn!(error, "a mail was not sent; it is tried again");
            }
        }
    }

    fn letter(&self, batch: &Batch) -> Result<Message, lettre::error::Error> {
        let domain = self.from.email.domain();
        let id = format!("<{:016x}.calcom-sync@{domain}>", SystemEntropy.next_u64());
        let mut builder: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .message_id(Some(id))
            .subject(letter::subject(batch))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(letter::body(batch, self.page.as_ref()))
    }
}

/// What is being sent: given back if it is not, also if the sending is cut off.
struct Parcel<'a> {
    office: &'a Office,
    batch: Option<Batch>,
}

impl Drop for Parcel<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.office.digest().give_back(batch, Instant::now());
        }
    }
}

/// Keeps other programs from answering: RFC 3834, section 5.
#[derive(Clone, Copy, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests;
