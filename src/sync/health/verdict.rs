//! The answer: a status for each check, and for the whole.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// How well something is, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// As it should be.
    #[default]
    Healthy,
    /// It works, and somebody should look.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        })
    }
}

/// What one check found. Names no tenant and contains no personal data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HealthCheck {
    /// How well it is.
    pub status: HealthStatus,
    /// What was found, in sentences.
    pub message: String,
    /// What to do, in sentences, where it is not healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The figures behind it.
    #[serde(flatten)]
    pub figures: Map<String, Value>,
}

/// How many checks found what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthSummary {
    /// How many are healthy.
    pub healthy: usize,
    /// How many are degraded.
    pub degraded: usize,
    /// How many are unhealthy.
    pub unhealthy: usize,
}

/// The health of the whole: the worst of its checks.
///
/// ```
/// use calcom::sync::{Health, HealthStatus, HealthThresholds, Observed};
///
/// // Nothing answers.
/// let health = Health::of(&Observed::default(), &HealthThresholds::default());
/// assert_eq!(health.status, HealthStatus::Unhealthy);
/// assert_eq!(health.checks.len(), 7);
/// println!("{}", health.checks["storage"].message);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The worst status of a check.
    pub status: HealthStatus,
    /// When the last look ended, in RFC 3339.
    #[serde(serialize_with = "rfc_3339")]
    pub timestamp: DateTime<Utc>,
    /// `configuration`, `storage`, `workers`, `webhooks`, `api`, `rate_limit` and `sync`.
    pub checks: BTreeMap<&'static str, HealthCheck>,
    /// How many checks found what.
    pub summary: HealthSummary,
}

impl Health {
    pub(super) fn from_checks(
        timestamp: DateTime<Utc>,
        checks: impl IntoIterator<Item = (&'static str, HealthCheck)>,
    ) -> Self {
        let checks: BTreeMap<_, _> = checks.into_iter().collect();
        let mut summary = HealthSummary::default();
        for check in checks.values() {
            match check.status {
                HealthStatus::Healthy => summary.healthy += 1,
                HealthStatus::Degraded => summary.degraded += 1,
                HealthStatus::Unhealthy => summary.unhealthy += 1,
            }
        }
        let worst = checks.values().map(|check| check.status).max();
        Self {
            status: worst.unwrap_or_default(),
            timestamp,
            checks,
            summary,
        }
    }

    /// The same, seen too long ago to be relied on.
    pub(super) fn outdated(self, message: &str) -> Self {
        const ACTION: &str = "Run the monitor, and look whether its task has ended or hangs.";
        let outdated = |check: HealthCheck| HealthCheck {
            status: HealthStatus::Unhealthy,
            message: format!("{message} Before: {}", check.message),
            action: Some(ACTION.to_owned()),
            figures: check.figures,
        };
        let checks = self.checks.into_iter();
        Self::from_checks(
            self.timestamp,
            checks.map(|(name, check)| (name, outdated(check))),
        )
    }
}

fn rfc_3339<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// What a check has found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<(HealthStatus, String, &'static str)>,
    figures: Map<String, Value>,
}

impl Findings {
    pub(super) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Something that is not as it should be, and what to do about it.
    pub(super) fn found(
        &mut self,
        status: HealthStatus,
        message: impl Into<String>,
        action: &'static str,
    ) {
        self.found.push((status, message.into(), action));
    }

    /// What was found, worst first, or else what to say if all is well.
    pub(super) fn or_healthy(mut self, message: impl Into<String>) -> HealthCheck {
        self.found
            .sort_by_key(|(status, ..)| std::cmp::Reverse(*status));
        let Some((worst, ..)) = self.found.first() else {
            return HealthCheck {
                status: HealthStatus::Healthy,
                message: message.into(),
                action: None,
                figures: self.figures,
            };
        };
        let status = *worst;
        let messages: Vec<&str> = self
            .found
            .iter()
            .map(|(_, text, _)| text.as_str())
            .collect();
        let mut actions: Vec<&str> = Vec::new();
        for (_, _, action) in &self.found {
            if !actions.contains(action) {
                actions.push(action);
            }
        }
        HealthCheck {
            status,
            message: messages.join(" "),
            action: Some(actions.join(" ")),
            figures: self.figures,
        }
    }
}
