//! The condition of a connection to Cal.com, as whoever makes the calls knows it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// What is known of a connection to Cal.com without asking: the circuit breaker, the rate budget, and
/// how the latest requests went. Contains no personal data.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::sync::{CalendarCondition, CircuitCondition, RateCondition};
///
/// let condition = CalendarCondition::default()
///     .with_circuit(CircuitCondition::open(Duration::from_secs(40)))
///     .with_rate(RateCondition::new(120, 97, Duration::from_secs(31)));
/// assert!(condition.circuit.is_open());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalendarCondition {
    /// The circuit breaker.
    pub circuit: CircuitCondition,
    /// The rate budget; `None` if there is none.
    pub rate: Option<RateCondition>,
    /// How the latest requests went.
    pub answers: AnswerCondition,
    /// The cache of slots and event types; `None` if nothing has been asked of it.
    pub cache: Option<CacheCondition>,
}

impl CalendarCondition {
    /// Sets the circuit breaker.
    #[must_use]
    pub fn with_circuit(mut self, circuit: CircuitCondition) -> Self {
        self.circuit = circuit;
        self
    }

    /// Sets the rate budget.
    #[must_use]
    pub fn with_rate(mut self, rate: RateCondition) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Sets how the latest requests went.
    #[must_use]
    pub fn with_answers(mut self, answers: AnswerCondition) -> Self {
        self.answers = answers;
        self
    }

    /// Sets the cache.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheCondition) -> Self {
        self.cache = Some(cache);
        self
    }
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum CircuitCondition {
    /// All calls are admitted, or there is no circuit breaker.
    #[default]
    Closed,
    /// A few calls are admitted as probes.
    HalfOpen,
    /// No calls are admitted.
    #[non_exhaustive]
    Open {
        /// How much longer; then a few are admitted as probes.
        #[serde(rename = "probes_in_seconds", serialize_with = "seconds")]
        probes_in: Duration,
    },
}

impl CircuitCondition {
    /// An open circuit that admits probes after this time.
    pub const fn open(probes_in: Duration) -> Self {
        Self::Open { probes_in }
    }

    /// Whether no calls are admitted.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// What is left of a rate budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RateCondition {
    /// How many requests a window allows, usually a minute.
    pub limit: u32,
    /// How many are left, as far as this process knows.
    pub remaining: u32,
    /// When the budget is whole again.
    #[serde(rename = "resets_in_seconds", serialize_with = "seconds")]
    pub resets_in: Duration,
}

impl RateCondition {
    /// A budget with this limit, remainder and time until it is whole again.
    pub const fn new(limit: u32, remaining: u32, resets_in: Duration) -> Self {
        Self {
            limit,
            remaining,
            resets_in,
        }
    }
}

/// How the latest requests went: the last 256 at most, of the last five minutes. Retries are requests
/// of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnswerCondition {
    /// How many were answered, whatever the answer.
    pub count: u32,
    /// How many failed: no usable answer, a failure of the server, refused credentials, or too many
    /// requests. A refusal of the request itself, such as a slot that is taken, is no failure.
    pub failed: u32,
    /// The median time until the answer; `None` if there was none.
    #[serde(rename = "p50_seconds", serialize_with = "optional_seconds")]
    pub p50: Option<Duration>,
    /// The 95th percentile of it.
    #[serde(rename = "p95_seconds", serialize_with = "optional_seconds")]
    pub p95: Option<Duration>,
    /// When a request last did not fail, however long ago.
    pub last_success_at: Option<DateTime<Utc>>,
    /// The last failure, however long ago.
    pub last_failure: Option<CalendarFailure>,
}

impl AnswerCondition {
    /// This many answers, and this many failures.
    pub fn new(count: u32, failed: u32) -> Self {
        Self {
            count,
            failed,
            ..Self::default()
        }
    }

    /// Sets the median and the 95th percentile of the time until the answer.
    #[must_use]
    pub fn with_percentiles(mut self, p50: Duration, p95: Duration) -> Self {
        self.p50 = Some(p50);
        self.p95 = Some(p95);
        self
    }

    /// Sets when a request last did not fail.
    #[must_use]
    pub fn with_last_success(mut self, at: DateTime<Utc>) -> Self {
        self.last_success_at = Some(at);
        self
    }

    /// Sets the last failure.
    #[must_use]
    pub fn with_last_failure(mut self, failure: CalendarFailure) -> Self {
        self.last_failure = Some(failure);
        self
    }

    /// Whether the credentials were refused, and no request has succeeded since.
    pub fn credentials_are_refused(&self) -> bool {
        let failure = self.last_failure.as_ref();
        failure.is_some_and(|failure| {
            let is_over = self.last_success_at.is_some_and(|at| at > failure.at);
            failure.kind == CalendarFailure::UNAUTHORIZED && !is_over
        })
    }
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CalendarFailure {
    /// When.
    pub at: DateTime<Utc>,
    /// A word for how, such as `server`, `transport` or `unauthorized`.
    pub kind: String,
}

impl CalendarFailure {
    /// The kind of a failure by which credentials are refused.
    pub const UNAUTHORIZED: &str = "unauthorized";

    /// A failure of this kind; the word must contain no personal data.
    pub fn new(at: DateTime<Utc>, kind: impl Into<String>) -> Self {
        Self {
            at,
            kind: kind.into(),
        }
    }
}

/// How often a cache had the answer, since the connection was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheCondition {
    /// How often it had.
    pub hits: u64,
    /// How often Cal.com had to be asked.
    pub misses: u64,
}

impl CacheCondition {
    /// A cache with this many hits and misses.
    pub const fn new(hits: u64, misses: u64) -> Self {
        Self { hits, misses }
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn optional_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|it| it.as_secs_f64()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_in_json() {
        let at = "2026-12-01T08:00:00Z".parse().unwrap();
        let answers = AnswerCondition::new(3, 1)
            .with_percentiles(Duration::from_millis(40), Duration::from_millis(250))
            .with_last_failure(CalendarFailure::new(at, "server"));
        let condition = CalendarCondition::default()
            .with_circuit(CircuitCondition::open(Duration::from_secs(30)))
            .with_rate(RateCondition::new(120, 7, Duration::from_millis(1500)))
            .with_answers(answers)
            .with_cache(CacheCondition::new(9, 1));
        let expected = serde_json::json!({
            "circuit": {"state": "open", "probes_in_seconds": 30.0},
            "rate": {"limit": 120, "remaining": 7, "resets_in_seconds": 1.5},
            "answers": {
                "count": 3, "failed": 1, "p50_seconds": 0.04, "p95_seconds": 0.25,
                "last_success_at": null,
                "last_failure": {"at": "2026-12-01T08:00:00Z", "kind": "server"},
            },
            "cache": {"hits": 9, "misses": 1},
        });
        assert_eq!(serde_json::to_value(condition).unwrap(), expected);
    }

    #[test]
    fn refused_credentials_count_until_a_success() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let refused = CalendarFailure::new(at("2026-12-01T08:00:00Z"), "unauthorized");
        let answers = AnswerCondition::new(1, 1).with_last_failure(refused);
        assert!(answers.credentials_are_refused());
        let earlier = answers
            .clone()
            .with_last_success(at("2026-12-01T07:00:00Z"));
        assert!(earlier.credentials_are_refused());
        let later = answers.with_last_success(at("2026-12-01T08:00:01Z"));
        assert!(!later.credentials_are_refused());
        let server = CalendarFailure::new(at("2026-12-01T08:00:00Z"), "server");
        let server = AnswerCondition::new(1, 1).with_last_failure(server);
        assert!(!server.credentials_are_refused());
    }
}
