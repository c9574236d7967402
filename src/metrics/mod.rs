//! Metrics, through the facade of the crate [`metrics`](https://docs.rs/metrics): install a recorder of your
//! choice, such as a Prometheus exporter, call [`describe`] once, and the crate records what is
//! [declared](METRICS) here.
//!
//! ```no_run
//! # fn install_a_recorder() {}
//! install_a_recorder(); // for example `metrics_exporter_prometheus::PrometheusBuilder`
//! calcom::metrics::describe();
//! ```
//!
//! | metric | kind | labels |
//! | --- | --- | --- |
//! | `calcom_webhooks_total` | counter | `outcome`: `stored`, `duplicate`, `ignored`, `unverified`, `unknown_tenant`, `too_large`, `unavailable`, `rate_limited`, `incomplete`, `too_slow` |
//! | `calcom_webhook_lag_seconds` | histogram | |
//! | `calcom_found_by_sweep_total` | counter | |
//! | `calcom_turns_total` | counter | `outcome`: `settled`, `waiting`, `in_review`, `absorbed`, `failed`, `lease_lost`, `handed_back`, `error` |
//! | `calcom_writes_total` | counter | `plan`: `create`, `reschedule`, `cancel`, `confirm`, `decline`, `reassign`, `update_location`, `add_guests`, `mark_absent` |
//! | `calcom_retries_total` | counter | `layer`: `client` for single requests, `engine` for the work on an appointment |
//! | `calcom_api_request_duration_seconds` | histogram | `operation`: the client's method, such as `bookings.create`; `outcome`: `ok`, or the word of a [`client::ErrorKind`](crate::client::ErrorKind) |
//! | `calcom_api_rate_limit_remaining` | gauge | |
//! | `calcom_circuit_open` | gauge | |
//! | `calcom_tenants_paused` | gauge | |
//! | `calcom_queue_depth` | gauge | `class`: `small`, `large` |
//! | `calcom_queue_age_seconds` | gauge | `class`: `small`, `large` |
//! | `calcom_reviews_open` | gauge | `reason`: the word of a [`ReviewReason`](crate::store::ReviewReason), or `other` |
//! | `calcom_health_status` | gauge | `check`: one of the seven of [`Health`](crate::sync::Health) |
//! | `calcom_monitor_looks_total` | counter | |
//!
//! No label has a value from outside: there are no tenants, ids or URLs in them, so that their number
//! is bounded.
//!
//! Counters and histograms are recorded where things happen. The gauges are set by a
//! [`Monitor`](crate::sync::Monitor) each time it has looked, and tell of all tenants; where several
//! processes have one, take the `max` and not the `sum`. A tenant is `large` if 1,000 changes and
//! webhooks of its own ended within the last day, else `small`: the age of the small ones shows
//! whether a large one keeps them waiting.
//!
//! Histograms are in seconds; give them [`BUCKETS`] if your recorder has none of its own.
//! `examples/grafana` has a dashboard and alerts that use exactly these names.

#[cfg(feature = "metrics")]
mod declared;
#[cfg(feature = "metrics")]
mod record;
#[cfg(not(feature = "metrics"))]
#[path = "nothing.rs"]
mod record;

use std::time::Duration;

#[cfg(feature = "metrics")]
pub use declared::{BUCKETS, METRICS, Metric, MetricKind, describe};

use record::{add, observe, set};

/// Whether anything is recorded.
pub(crate) const ENABLED: bool = cfg!(feature = "metrics");

const WEBHOOKS: &str = "calcom_webhooks_total";
const WEBHOOK_LAG: &str = "calcom_webhook_lag_seconds";
const FOUND_BY_SWEEP: &str = "calcom_found_by_sweep_total";
const TURNS: &str = "calcom_turns_total";
const WRITES: &str = "calcom_writes_total";
const RETRIES: &str = "calcom_retries_total";
#[cfg(any(feature = "client", feature = "metrics"))]
const API_REQUEST_DURATION: &str = "calcom_api_request_duration_seconds";
const RATE_LIMIT_REMAINING: &str = "calcom_api_rate_limit_remaining";
const CIRCUIT_OPEN: &str = "calcom_circuit_open";
const TENANTS_PAUSED: &str = "calcom_tenants_paused";
const QUEUE_DEPTH: &str = "calcom_queue_depth";
const QUEUE_AGE: &str = "calcom_queue_age_seconds";
const REVIEWS_OPEN: &str = "calcom_reviews_open";
const HEALTH_STATUS: &str = "calcom_health_status";
const MONITOR_LOOKS: &str = "calcom_monitor_looks_total";

/// A request at the door for webhooks.
pub(crate) fn webhook(outcome: &'static str) {
    add(WEBHOOKS, &[("outcome", outcome)]);
}

/// A webhook was applied this long after it was received.
pub(crate) fn webhook_applied(lag: Duration) {
    observe(WEBHOOK_LAG, &[], lag);
}

/// A change was applied that no webhook told of.
pub(crate) fn found_by_sweep() {
    add(FOUND_BY_SWEEP, &[]);
}

/// A turn has ended.
pub(crate) fn turn(outcome: &'static str) {
    add(TURNS, &[("outcome", outcome)]);
}

/// A write is sent to Cal.com by the engine.
pub(crate) fn write(plan: &'static str) {
    add(WRITES, &[("plan", plan)]);
}

/// A request is sent again by the client.
#[cfg(feature = "client")]
pub(crate) fn request_repeated() {
    add(RETRIES, &[("layer", "client")]);
}

/// The work on an appointment failed and will be repeated.
pub(crate) fn work_repeated() {
    add(RETRIES, &[("layer", "engine")]);
}

/// A request to Cal.com has ended.
#[cfg(feature = "client")]
pub(crate) fn api_request(operation: &'static str, outcome: &'static str, took: Duration) {
    let labels = [("operation", operation), ("outcome", outcome)];
    observe(API_REQUEST_DURATION, &labels, took);
}

/// How much is left of the rate limit of the connection that has least.
pub(crate) fn rate_limit_remaining(requests: u32) {
    set(RATE_LIMIT_REMAINING, &[], f64::from(requests));
}

/// How many circuit breakers are open.
pub(crate) fn circuits_open(count: usize) {
    set(CIRCUIT_OPEN, &[], count as f64);
}

/// How many tenants are paused.
pub(crate) fn tenants_paused(count: usize) {
    set(TENANTS_PAUSED, &[], count as f64);
}

/// The queue of the tenants of one class.
pub(crate) fn queue(class: &'static str, depth: u64, age: Duration) {
    set(QUEUE_DEPTH, &[("class", class)], depth as f64);
    set(QUEUE_AGE, &[("class", class)], age.as_secs_f64());
}

/// How many review items are open for a reason.
pub(crate) fn reviews_open(reason: &'static str, count: u64) {
    set(REVIEWS_OPEN, &[("reason", reason)], count as f64);
}

/// What a check found: 0 is healthy, 1 degraded, 2 unhealthy.
pub(crate) fn health_status(check: &'static str, severity: u8) {
    set(HEALTH_STATUS, &[("check", check)], f64::from(severity));
}

/// The monitor has looked.
pub(crate) fn monitor_looked() {
    add(MONITOR_LOOKS, &[]);
}
