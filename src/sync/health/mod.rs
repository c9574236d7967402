//! The health of the whole: what a [`Monitor`] has seen, judged by plain thresholds.
//!
//! A monitor looks at the store, at the directory and at a few tenants at a time, on a schedule of
//! its own. Whoever asks for the [`Health`] is answered from what is known, so that asking often costs
//! neither Cal.com nor the store anything.

mod checks;
mod gauges;
mod monitor;
mod observed;
mod thresholds;
mod verdict;

pub use monitor::{Monitor, MonitorConfig};
pub use observed::{BooksObserved, Observed, TenantObserved};
pub use thresholds::HealthThresholds;
pub use verdict::{Health, HealthCheck, HealthStatus, HealthSummary};
