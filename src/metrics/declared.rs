//! What is recorded, as a table.

use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

use super::{
    API_REQUEST_DURATION, CIRCUIT_OPEN, FOUND_BY_SWEEP, HEALTH_STATUS, MONITOR_LOOKS, QUEUE_AGE,
    QUEUE_DEPTH, RATE_LIMIT_REMAINING, RETRIES, REVIEWS_OPEN, TENANTS_PAUSED, TURNS, WEBHOOK_LAG,
    WEBHOOKS, WRITES,
};

/// Bounds for the histograms, in seconds: from a fast answer to a webhook that waited for minutes.
pub const BUCKETS: [f64; 13] = [
    0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricKind {
    /// Counts up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in seconds.
    Histogram,
}

/// A metric that the crate records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub description: &'static str,
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    description: &'static str,
) -> Metric {
    Metric {
        name,
        kind: MetricKind::Counter,
        labels,
        description,
    }
}

const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    description: &'static str,
) -> Metric {
    let kind = MetricKind::Gauge;
    Metric {
        kind,
        ..counter(name, labels, description)
    }
}

const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    description: &'static str,
) -> Metric {
    let kind = MetricKind::Histogram;
    Metric {
        kind,
        ..counter(name, labels, description)
    }
}

/// Every metric that the crate records.
pub const METRICS: &[Metric] = &[
    counter(
        WEBHOOKS,
        &["outcome"],
        "Requests at the door for webhooks, by what became of them.",
    ),
    histogram(
        WEBHOOK_LAG,
        &[],
        "Time from receiving a webhook until what it told was applied.",
    ),
    counter(
        FOUND_BY_SWEEP,
        &[],
        "Changes at Cal.com that a sweep found and no webhook told of.",
    ),
    counter(
        TURNS,
        &["outcome"],
        "Turns of work on single appointments, by how they ended.",
    ),
    counter(
        WRITES,
        &["plan"],
        "Writes sent to Cal.com by the engine, by what they do.",
    ),
    counter(
        RETRIES,
        &["layer"],
        "Further attempts: of single requests by the client, of the work on an appointment by the engine.",
    ),
    histogram(
        API_REQUEST_DURATION,
        &["operation", "outcome"],
        "Time from sending a request to Cal.com until its answer, or until it was given up.",
    ),
    gauge(
        RATE_LIMIT_REMAINING,
        &[],
        "Requests left of the rate limit, of the connection that has least.",
    ),
    gauge(
        CIRCUIT_OPEN,
        &[],
        "Tenants whose connection has an open circuit breaker.",
    ),
    gauge(
        TENANTS_PAUSED,
        &[],
        "Tenants whose work is paused until somebody resumes it.",
    ),
    gauge(
        QUEUE_DEPTH,
        &["class"],
        "Changes and webhooks that wait, those to be tried again included, by the size of the tenant.",
    ),
    gauge(
        QUEUE_AGE,
        &["class"],
        "For how long the oldest work that is in nobody's hands has been due, by the size of the tenant.",
    ),
    gauge(REVIEWS_OPEN, &["reason"], "Open review items, by reason."),
    gauge(
        HEALTH_STATUS,
        &["check"],
        "What the check found: 0 is healthy, 1 degraded, 2 unhealthy.",
    ),
    counter(
        MONITOR_LOOKS,
        &[],
        "Looks of the monitor; if they stop, the gauges are old.",
    ),
];

/// Describes all [metrics](METRICS) to the recorder that is installed.
pub fn describe() {
    for metric in METRICS {
        let unit = if metric.name.ends_with("_seconds") {
            Unit::Seconds
        } else {
            Unit::Count
        };
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, unit, metric.description),
            MetricKind::Gauge => describe_gauge!(metric.name, unit, metric.description),
            MetricKind::Histogram => describe_histogram!(metric.name, unit, metric.description),
        }
    }
}
