//! The retry policy, as pure functions that receive randomness as a parameter.

use std::time::Duration;

use super::error::{Error, ErrorKind, Retryability};

/// How often, and after which delay, the client retries a failed call by itself.
///
/// Retries cover only calls that certainly were not carried out, or that are idempotent. When the
/// response to creating, rescheduling or cancelling a booking is lost, the caller has to decide,
/// after checking whether it happened.
///
/// ```no_run
/// use std::time::Duration;
///
/// use calcom::client::{Client, RetryPolicy};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = RetryPolicy::default()
///     .with_max_attempts(5)
///     .with_delays(Duration::from_millis(100), Duration::from_secs(2));
/// let client = Client::builder(std::env::var("CALCOM_API_KEY")?).retry(policy).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    base_delay: Duration,
    max_delay: Duration,
    max_rate_limit_wait: Duration,
}

impl Default for RetryPolicy {
    /// Three attempts, with delays of up to 0.25 s and 0.5 s, and waits of up to 5 s for a rate
    /// limit.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(5),
            max_rate_limit_wait: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Never retries.
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    /// Sets the total number of attempts. Zero counts as one.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the maximum delay before the second attempt.
    ///
    /// It doubles before each further attempt, up to `max`.
    #[must_use]
    pub fn with_delays(mut self, base: Duration, max: Duration) -> Self {
        self.base_delay = base;
        self.max_delay = max;
        self
    }

    /// Sets the maximum wait for a rate limit to reset.
    ///
    /// A call that would have to wait longer fails immediately with
    /// [`RateLimited`](ErrorKind::RateLimited), and the error contains the time to wait.
    #[must_use]
    pub fn with_max_rate_limit_wait(mut self, wait: Duration) -> Self {
        self.max_rate_limit_wait = wait;
        self
    }

    /// Returns the delay before the next attempt, or `None` to give up.
    ///
    /// `attempt` is the number of the attempt that failed, starting at 1. `chance` is the random
    /// number for the jitter.
    pub fn next_delay(
        &self,
        error: &Error,
        idempotent: bool,
        attempt: u32,
        chance: u64,
    ) -> Option<Duration> {
        let allowed = match error.retryability() {
            Retryability::Never => false,
            Retryability::Always => true,
            Retryability::IfIdempotent => idempotent,
        };
        if !allowed || attempt >= self.max_attempts {
            return None;
        }
        if matches!(
            error.kind(),
            ErrorKind::RateLimited | ErrorKind::CircuitOpen
        ) {
            return error
                .retry_after()
                .filter(|wait| *wait <= self.max_rate_limit_wait);
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let ceiling = self.base_delay.saturating_mul(doubled).min(self.max_delay);
        Some(full_jitter(ceiling, chance))
    }
}

/// The retry budget: one retry per ten calls, so that an outage does not multiply the traffic.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    balance: u32,
}

impl RetryBudget {
    /// What a call earns and what a retry costs: one retry per ten calls.
    const EARNED: u32 = 1;
    const COST: u32 = 10;
    /// Up to ten retries can accumulate.
    const MOST: u32 = 100;

    pub(crate) fn new() -> Self {
        Self {
            balance: Self::MOST,
        }
    }

    /// Records that a call is made.
    pub(crate) fn earn(&mut self) {
        self.balance = (self.balance + Self::EARNED).min(Self::MOST);
    }

    /// Pays for a retry, if the balance suffices.
    pub(crate) fn spend(&mut self) -> bool {
        let paid = self.balance.checked_sub(Self::COST);
        self.balance = paid.unwrap_or(self.balance);
        paid.is_some()
    }
}

/// Returns a random delay between zero and the ceiling, so that callers that failed together do not
/// retry together.
fn full_jitter(ceiling: Duration, chance: u64) -> Duration {
    let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(chance % (nanos + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::api_error::ApiError;
    use http::{HeaderMap, StatusCode};

    fn answered(status: u16, retry_after: Option<Duration>) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let api = ApiError::parse(status, &HeaderMap::new(), b"{}");
        Error::api_answer("test", api.kind(), api, retry_after)
    }

    #[test]
    fn what_may_have_happened_is_not_done_twice() {
        let policy = RetryPolicy::default();
        let failed = answered(502, None);
        assert_eq!(policy.next_delay(&failed, false, 1, 0), None);
        assert!(policy.next_delay(&failed, true, 1, 0).is_some());
        assert_eq!(policy.next_delay(&failed, true, 3, 0), None);
        assert_eq!(policy.next_delay(&answered(400, None), true, 1, 0), None);
    }

    #[test]
    fn a_limit_is_waited_for_only_if_it_is_near() {
        let policy = RetryPolicy::default();
        let near = Duration::from_secs(3);
        assert_eq!(
            policy.next_delay(&answered(429, Some(near)), false, 1, 7),
            Some(near)
        );
        let far = Duration::from_secs(60);
        assert_eq!(
            policy.next_delay(&answered(429, Some(far)), false, 1, 7),
            None
        );
    }

    #[test]
    fn second_attempts_are_budgeted() {
        let mut budget = RetryBudget::new();
        let allowed = (0..1000)
            .filter(|_| {
                budget.earn();
                budget.spend()
            })
            .count();
        assert!((100..=110).contains(&allowed), "{allowed}");
    }

    proptest::proptest! {
        #[test]
        fn waits_stay_under_their_ceiling(attempt in 1_u32..60, chance: u64) {
            let policy = RetryPolicy::default().with_max_attempts(100);
            let wait = policy.next_delay(&answered(500, None), true, attempt, chance).unwrap();
            proptest::prop_assert!(wait <= Duration::from_secs(5));
        }
    }
}
