//! The engine's settings: plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The engine's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncConfig {
    /// How long to wait after each failed attempt; after the last one, a person decides. 1 s, 5 s, 30 s.
    pub retry_delays: Vec<Duration>,
    /// How much of a wait chance may add, in percent of it. 20.
    pub jitter_percent: u32,
    /// How long to wait when the host's own repository cannot be reached; it does not count as an attempt. 5 s.
    pub host_retry_delay: Duration,
    /// How long a worker may work on a link without a sign of life. It must be longer than the longest call to Cal.com, because
    /// a second worker would otherwise look for the outcome of a call that is still under way. 2 min.
    pub lease: Duration,
    /// How long one call to Cal.com may take before its outcome counts as unknown. 45 s; more than half the lease counts as half of it.
    pub call_timeout: Duration,
    /// How large a webhook's body may be, in bytes. 1 MiB.
    pub max_webhook_bytes: usize,
    /// Why the host cancels, as the attendee reads it; Cal.com demands a reason from hosts.
    pub cancellation_reason: String,
    /// How far around a taken slot free ones are looked for. 3 days.
    pub alternatives_within: Duration,
    /// How many free slots a review item offers. 5.
    pub max_alternatives: usize,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            retry_delays: [1, 5, 30].map(Duration::from_secs).to_vec(),
            jitter_percent: 20,
            host_retry_delay: Duration::from_secs(5),
            lease: Duration::from_secs(120),
            call_timeout: Duration::from_secs(45),
            max_webhook_bytes: 1024 * 1024,
            cancellation_reason: "Cancelled by the host".to_owned(),
            alternatives_within: Duration::from_secs(3 * 24 * 60 * 60),
            max_alternatives: 5,
        }
    }
}
