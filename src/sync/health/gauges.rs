//! What was seen, as gauges.

use std::time::Duration;

use super::observed::Observed;
use super::verdict::{Health, HealthStatus};
use crate::metrics;
use crate::store::ReviewReason;

/// From how many changes and deliveries a day on a tenant is large.
const LARGE: u64 = 1_000;

/// The reasons that this version does not know, as a label.
const OTHER: &str = "other";

/// Sets the gauges to what was seen.
pub(super) fn set(seen: &Observed, health: &Health) {
    if !metrics::ENABLED {
        return;
    }
    metrics::monitor_looked();
    let books = || seen.tenants.iter().filter_map(|it| it.books.as_ref());
    let paused = books().filter(|books| books.is_paused).count();
    metrics::tenants_paused(paused);
    for (class, is_large) in [("small", false), ("large", true)] {
        // The work of a tenant that is paused is due, and left alone.
        let of_class = || books().filter(|it| it.is_active() && (it.ended >= LARGE) == is_large);
        let depth = of_class().map(|books| books.waiting).sum();
        let age = of_class().filter_map(|books| books.oldest_due).max();
        metrics::queue(class, depth, age.unwrap_or(Duration::ZERO));
    }
    // Those that are open no longer are set to zero.
    for reason in ReviewReason::KNOWN {
        let of_reason = |it: &ReviewReason| it == reason;
        metrics::reviews_open(reason.as_str(), reviews(seen, of_reason));
    }
    let is_other = |it: &ReviewReason| matches!(it, ReviewReason::Other(_));
    metrics::reviews_open(OTHER, reviews(seen, is_other));
    let connections = || seen.tenants.iter().filter_map(|it| it.connection.as_ref());
    let open = connections().filter(|it| it.circuit.is_open()).count();
    metrics::circuits_open(open);
    let rates = connections().filter_map(|it| it.rate);
    if let Some(least) = rates.map(|rate| rate.remaining).min() {
        metrics::rate_limit_remaining(least);
    }
    for (name, check) in &health.checks {
        let severity = match check.status {
            HealthStatus::Healthy => 0,
            HealthStatus::Degraded => 1,
            HealthStatus::Unhealthy => 2,
        };
        metrics::health_status(name, severity);
    }
}

fn reviews(seen: &Observed, is_meant: impl Fn(&ReviewReason) -> bool) -> u64 {
    let books = seen.tenants.iter().filter_map(|it| it.books.as_ref());
    let counts = books.flat_map(|books| &books.reviews);
    let meant = counts.filter(|count| is_meant(&count.reason));
    meant.map(|count| count.count).sum()
}
