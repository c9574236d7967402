//! Notifications: what a person should hear of without looking.
//!
//! The engine posts what happens into a [mailbox](mailbox) of bounded size, which never waits and
//! decides what is told at once and what is summed up in a digest. A [`Worker`](super::Worker)
//! delivers from there. A notifier that fails or hangs therefore holds nothing up.

mod deliver;
mod mailbox;
mod silence;
mod tell;
#[cfg(feature = "client")]
mod webhook;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) use self::deliver::Notifications;
pub use self::tell::TracingNotifier;
#[cfg(feature = "client")]
pub use self::webhook::WebhookNotifier;
use crate::model::InstantFormat;
use crate::store::{AppointmentId, ReviewId, ReviewReason, TenantId};

/// When the engine notifies, and how often: plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NotifyConfig {
    /// How many events of a tenant are told one by one within a [span](Self::span); further ones are
    /// summed up in a digest at its end. Default: 5.
    pub singles: u32,
    /// How long the span is. Default: 15 min.
    pub span: Duration,
    /// How many notifications wait to be delivered, of all tenants together. What does not fit is
    /// counted in the tenant's next digest. Default: 256.
    pub capacity: usize,
    /// Time limit of one delivery. Default: 60 s.
    pub timeout: Duration,
    /// For how long no webhook must have come, while sweeps found bookings that had changed, until
    /// the tenant's webhooks are reported silent; `None` if they are not watched. At least one sweep
    /// must fall into this time. Default: 1 h.
    pub silent_after: Option<Duration>,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self {
            singles: 5,
            span: Duration::from_secs(15 * 60),
            capacity: 256,
            timeout: Duration::from_secs(60),
            silent_after: Some(Duration::from_secs(60 * 60)),
        }
    }
}

/// Something a person should hear of. Contains ids and counts, no personal data.
#[serde_with::serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// The tenant.
    pub tenant: TenantId,
    /// When it happened, by the engine's clock.
    #[serde_as(as = "InstantFormat")]
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub event: NotificationEvent,
}

/// What happened.
#[serde_with::serde_as]
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotificationEvent {
    /// A review item was opened.
    #[non_exhaustive]
    ReviewOpened {
        /// The item.
        review: ReviewId,
        /// Its reason.
        reason: ReviewReason,
        /// The appointment concerned; for an item about the tenant, the first one affected.
        appointment: Option<AppointmentId>,
    },
    /// Cal.com refuses the tenant's credentials, and all of its work is paused.
    #[non_exhaustive]
    TenantPaused {
        /// The review item of the pause. Resolve it with `Retry` to resume.
        review: Option<ReviewId>,
    },
    /// The tenant's work goes on.
    TenantResumed,
    /// No webhook has come for a while, although bookings changed.
    #[non_exhaustive]
    WebhookSilent {
        /// For how many seconds at least.
        seconds: u64,
        /// How many changes sweeps found in that time.
        found_by_sweep: u64,
    },
    /// Webhooks come again.
    WebhookHeard,
    /// What was not told one by one.
    #[non_exhaustive]
    Digest {
        /// Since when.
        #[serde_as(as = "InstantFormat")]
        since: DateTime<Utc>,
        /// How often each event happened.
        counts: Vec<EventCount>,
    },
}

/// How often an event happened.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventCount {
    /// The event, by its word.
    pub event: String,
    /// The reason, for review items.
    pub reason: Option<ReviewReason>,
    /// How often.
    pub count: u64,
}

impl NotificationEvent {
    /// The word for the event.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ReviewOpened { .. } => "review_opened",
            Self::TenantPaused { .. } => "tenant_paused",
            Self::TenantResumed => "tenant_resumed",
            Self::WebhookSilent { .. } => "webhook_silent",
            Self::WebhookHeard => "webhook_heard",
            Self::Digest { .. } => "digest",
        }
    }

    /// The reason, for review items.
    pub fn reason(&self) -> Option<&ReviewReason> {
        match self {
            Self::ReviewOpened { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

impl Notification {
    pub(super) fn new(tenant: TenantId, at: DateTime<Utc>, event: NotificationEvent) -> Self {
        Self { tenant, at, event }
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.tenant)?;
        match &self.event {
            NotificationEvent::ReviewOpened {
                review,
                reason,
                appointment,
            } => {
                write!(f, "review item {review} was opened ({reason})")?;
                match appointment {
                    Some(appointment) => write!(f, " for appointment {appointment}"),
                    None => Ok(()),
                }
            }
            NotificationEvent::TenantPaused { .. } => {
                f.write_str("Cal.com refuses the credentials; all work is paused")
            }
            NotificationEvent::TenantResumed => f.write_str("work goes on"),
            NotificationEvent::WebhookSilent {
                seconds,
                found_by_sweep,
            } => write!(
                f,
                "no webhook came for {seconds} s, in which sweeps found {found_by_sweep} changes"
            ),
            NotificationEvent::WebhookHeard => f.write_str("webhooks come again"),
            NotificationEvent::Digest { since, counts } => {
                write!(f, "since {since}:")?;
                for (index, count) in counts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {} × {}", count.count, count.event)?;
                    if let Some(reason) = &count.reason {
                        write!(f, " ({reason})")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Why a notification was not delivered. The message must contain no secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotifyError(String);

impl NotifyError {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Tells a person: by mail, in a chat, on a dashboard.
///
/// ```
/// use async_trait::async_trait;
/// use calcom::sync::{Notification, Notifier, NotifyError};
///
/// /// Prints them.
/// #[derive(Debug)]
/// struct Printer;
///
/// #[async_trait]
/// impl Notifier for Printer {
///     async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
///         println!("{notification}");
///         Ok(())
///     }
/// }
/// # fn main() {}
/// ```
///
/// # Contract
///
/// - Called by a worker, one notification at a time, outside of any turn. It may take as long as
///   [`NotifyConfig::timeout`] says; the future is dropped then.
/// - What fails, panics or takes too long is counted in the tenant's next digest, and so on until a
///   digest is delivered. A notification whose delivery was cut off may therefore be told twice.
/// - What waits is kept in memory: after the end of the process, the review queue and the reports
///   tell it.
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync + 'static {
    /// Delivers one notification.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] if it was not delivered.
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError>;
}
