//! From when on something is not healthy any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// From when on something is degraded or unhealthy: plain data.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::sync::HealthThresholds;
///
/// let mut thresholds = HealthThresholds::default();
/// thresholds.work_degraded = Duration::from_secs(10 * 60);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HealthThresholds {
    /// The share of tenants from which on the trouble of single tenants is unhealthy, and not only
    /// degraded. Default: 0.5.
    pub affected_tenants: f64,
    /// How long a small read of the store may take. Default: 250 ms.
    pub storage_degraded: Duration,
    /// From when on a store so slow is unhealthy. Default: 2 s.
    pub storage_unhealthy: Duration,
    /// For how long work may be due and not taken in hand. Default: 1 min.
    pub work_degraded: Duration,
    /// From when on that is unhealthy, if nothing is worked on meanwhile. Default: 5 min.
    pub work_unhealthy: Duration,
    /// How long it may take, on average, to apply a webhook. Default: 5 s.
    pub lag_degraded: Duration,
    /// From when on that is unhealthy. Default: 1 min.
    pub lag_unhealthy: Duration,
    /// How long it may take to apply a single webhook. A self-hosted server announces cancellations
    /// that it then takes a while to carry out, or never does. Default: 5 min.
    pub longest_lag: Duration,
    /// The 95th percentile of the time until Cal.com answers. Default: 200 ms.
    pub answers_degraded: Duration,
    /// From when on that is unhealthy. Default: 2 s.
    pub answers_unhealthy: Duration,
    /// The share of the rate limit that is to be left. Reads stop at a tenth, which is kept for
    /// writes. Default: 0.2.
    pub rate_left: f64,
    /// The share of changes and webhooks that are to end well. Default: 0.95.
    pub success_degraded: f64,
    /// The share below which it is unhealthy. Default: 0.8.
    pub success_unhealthy: f64,
    /// How many must have ended for their share to be judged. Default: 20.
    pub success_sample: u64,
    /// How many review items may be open, of all tenants together. Default: 25.
    pub open_reviews: u64,
    /// How long a review item may be open. Default: 24 h.
    pub oldest_review: Duration,
    /// The share of questions that the cache is to answer, where one is used. Default: 0.7.
    pub cache_hits: f64,
    /// How often it must have been asked for that to be judged. Default: 100.
    pub cache_sample: u64,
}

impl Default for HealthThresholds {
    fn default() -> Self {
        Self {
            affected_tenants: 0.5,
            storage_degraded: Duration::from_millis(250),
            storage_unhealthy: Duration::from_secs(2),
            work_degraded: Duration::from_secs(60),
            work_unhealthy: Duration::from_secs(5 * 60),
            lag_degraded: Duration::from_secs(5),
            lag_unhealthy: Duration::from_secs(60),
            longest_lag: Duration::from_secs(5 * 60),
            answers_degraded: Duration::from_millis(200),
            answers_unhealthy: Duration::from_secs(2),
            rate_left: 0.2,
            success_degraded: 0.95,
            success_unhealthy: 0.8,
            success_sample: 20,
            open_reviews: 25,
            oldest_review: Duration::from_secs(24 * 60 * 60),
            cache_hits: 0.7,
            cache_sample: 100,
        }
    }
}
