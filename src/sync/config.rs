//! The engine's settings: plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::notify::NotifyConfig;

/// The engine's settings.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::sync::SyncConfig;
///
/// let mut config = SyncConfig::default();
/// config.retry_delays = vec![Duration::from_secs(2), Duration::from_secs(60)];
/// config.cancellation_reason = "The salon cancelled the appointment.".to_owned();
/// # let _ = config;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SyncConfig {
    /// The wait after each failed attempt; after the last one, the case goes to review. Default: 1
    /// s, 5 s, 30 s.
    pub retry_delays: Vec<Duration>,
    /// Maximum jitter, in percent of the wait. Default: 20.
    pub jitter_percent: u32,
    /// The waits between reads while Cal.com does not yet show what a delivery claims; after the
    /// last one the delivery is settled as contradicted. A self-hosted server carries out a
    /// cancellation only after its slowest subscriber has answered the announcement. Default: 250
    /// ms, 1 s, 5 s, 30 s, 2 min.
    pub claim_delays: Vec<Duration>,
    /// How long after it was sent an unanswered write can still take effect. Until then the engine
    /// remembers it, recognizes its result, and looks for it a last time at the end. Default: 10
    /// min.
    pub late_landing: Duration,
    /// How long to hold a tenant that cannot be read from the directory. Default: 30 s.
    pub tenant_retry_delay: Duration,
    /// The lease on a link, and on an event of another sender. It must be longer than the longest call to Cal.com, or a second worker
    /// would look for the outcome of a call still in flight. Default: 2 min.
    pub lease: Duration,
    /// Time limit of one call to Cal.com, after which its outcome counts as unknown; capped at half
    /// the lease. Default: 45 s.
    pub call_timeout: Duration,
    /// Time limit of one call to the host's repository or the tenant directory. Default: 10 s.
    pub host_timeout: Duration,
    /// Time limit of one call of an [`EventHandler`](super::EventHandler); capped at half the lease.
    /// Default: 30 s.
    pub event_timeout: Duration,
    /// Time limit of one call to the store. Default: 10 s.
    pub store_timeout: Duration,
    /// How many times work on a link may start without finishing before it goes to review. Default:
    /// 5.
    pub max_begun: u32,
    /// How long an event type is cached. Default: 10 min.
    pub event_type_ttl: Duration,
    /// Maximum size of a webhook body, in bytes. Default: 1 MiB.
    pub max_webhook_bytes: usize,
    /// How far behind the newest update that was seen a sweep begins to read again, for updates at
    /// Cal.com that became visible late. Default: 10 min.
    pub sweep_overlap: Duration,
    /// How young an update is still left to its webhook, which a sweep does not overtake. Default:
    /// 2 min.
    pub webhook_lag: Duration,
    /// How far back a sweep looks through the host's appointments, by their start, and how old an
    /// update at Cal.com the first sweep of a tenant still finds. Default: 7 days.
    pub sweep_window_past: Duration,
    /// How far ahead a sweep looks through the host's appointments. Default: 90 days.
    pub sweep_window_ahead: Duration,
    /// The wait after each failed attempt to sync a service with its event type; after the last
    /// one, it is an error. Default: 60 s, 300 s, 900 s.
    pub service_retry_delays: Vec<Duration>,
    /// The reason sent with a reschedule, shown to the attendee.
    pub rescheduling_reason: String,
    /// The reason sent with a cancellation, shown to the attendee; Cal.com requires one from hosts.
    pub cancellation_reason: String,
    /// The reason sent with the cancellation of a booking that was replaced by another one, shown to
    /// the attendee.
    pub rebooking_reason: String,
    /// The reason given for a declined booking, shown to the attendee.
    pub declining_reason: String,
    /// How far around a taken slot to look for free ones. Default: 7 days.
    pub alternatives_within: Duration,
    /// How many free slots a review item offers. Default: 5.
    pub max_alternatives: usize,
    /// When to notify, and how often.
    pub notify: NotifyConfig,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            retry_delays: [1, 5, 30].map(Duration::from_secs).to_vec(),
            jitter_percent: 20,
            claim_delays: [250, 1_000, 5_000, 30_000, 120_000]
                .map(Duration::from_millis)
                .to_vec(),
            late_landing: Duration::from_secs(10 * 60),
            tenant_retry_delay: Duration::from_secs(30),
            lease: Duration::from_secs(120),
            call_timeout: Duration::from_secs(45),
            host_timeout: Duration::from_secs(10),
            event_timeout: Duration::from_secs(30),
            store_timeout: Duration::from_secs(10),
            max_begun: 5,
            event_type_ttl: Duration::from_secs(10 * 60),
            max_webhook_bytes: 1024 * 1024,
            sweep_overlap: Duration::from_secs(10 * 60),
            webhook_lag: Duration::from_secs(2 * 60),
            sweep_window_past: Duration::from_secs(7 * 24 * 60 * 60),
            sweep_window_ahead: Duration::from_secs(90 * 24 * 60 * 60),
            service_retry_delays: [60, 300, 900].map(Duration::from_secs).to_vec(),
            rescheduling_reason: "Rescheduled by the host".to_owned(),
            cancellation_reason: "Cancelled by the host".to_owned(),
            rebooking_reason: "Replaced by another booking".to_owned(),
            declining_reason: "Declined by the host".to_owned(),
            alternatives_within: Duration::from_secs(7 * 24 * 60 * 60),
            max_alternatives: 5,
            notify: NotifyConfig::default(),
        }
    }
}
