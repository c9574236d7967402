//! The engine's settings: plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The engine's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SyncConfig {
    /// How long to wait after each failed attempt; after the last one, a person decides. 1 s, 5 s, 30 s.
    pub retry_delays: Vec<Duration>,
    /// How much of a wait chance may add, in percent of it. 20.
    pub jitter_percent: u32,
    /// How long to wait between looks for what a delivery claims and Cal.com does not show yet; after the last one the delivery
    /// is settled as contradicted. A self-hosted server announces a cancellation as long before it is carried out as its slowest
    /// subscriber takes. 250 ms, 1 s, 5 s, 30 s, 2 min.
    pub claim_delays: Vec<Duration>,
    /// How long after it was sent a write whose answer never came can still be carried out. Until then the engine remembers
    /// it, recognizes what it left, and looks for it once more at the end. 10 min.
    pub late_landing: Duration,
    /// How long the work of a tenant waits that cannot be read from the directory. 30 s.
    pub tenant_retry_delay: Duration,
    /// How long a worker may work on a link without a sign of life. It must be longer than the longest call to Cal.com, because
    /// a second worker would otherwise look for the outcome of a call that is still under way. 2 min.
    pub lease: Duration,
    /// How long one call to Cal.com may take before its outcome counts as unknown. 45 s; more than half the lease counts as half of it.
    pub call_timeout: Duration,
    /// How long one call to the host's repository or to the tenant directory may take. 10 s.
    pub host_timeout: Duration,
    /// How long one call to the bookkeeping may take. 10 s.
    pub store_timeout: Duration,
    /// How often the work on a link may be begun without an end before it is left to a person. 5.
    pub max_begun: u32,
    /// How long an event type is remembered. 10 min.
    pub event_type_ttl: Duration,
    /// How large a webhook's body may be, in bytes. 1 MiB.
    pub max_webhook_bytes: usize,
    /// Why the host moves a booking, as the attendee reads it.
    pub rescheduling_reason: String,
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
            claim_delays: [250, 1_000, 5_000, 30_000, 120_000]
                .map(Duration::from_millis)
                .to_vec(),
            late_landing: Duration::from_secs(10 * 60),
            tenant_retry_delay: Duration::from_secs(30),
            lease: Duration::from_secs(120),
            call_timeout: Duration::from_secs(45),
            host_timeout: Duration::from_secs(10),
            store_timeout: Duration::from_secs(10),
            max_begun: 5,
            event_type_ttl: Duration::from_secs(10 * 60),
            max_webhook_bytes: 1024 * 1024,
            rescheduling_reason: "Rescheduled by the host".to_owned(),
            cancellation_reason: "Cancelled by the host".to_owned(),
            alternatives_within: Duration::from_secs(3 * 24 * 60 * 60),
            max_alternatives: 5,
        }
    }
}
