//! How to proceed after a failure: a pure function.

use std::time::Duration;

use super::calendar::{CalendarError, CalendarErrorKind};
use super::config::SyncConfig;

/// The wait after throttling if the server gives none.
const DEFAULT_THROTTLE: Duration = Duration::from_secs(60);

/// How to proceed after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Retry after this wait; counts as a failed attempt.
    Retry(Duration),
    /// Hold the tenant for this long; does not count as an attempt.
    Hold(Duration),
    /// All attempts have failed: manual review.
    Exhausted,
    /// It would fail again: manual review.
    Rejected,
    /// The slot is taken: manual review.
    SlotTaken,
    /// Find out whether the account itself is refused.
    AskForAccount,
}

/// How to proceed after a failed call to Cal.com when `failed_before` attempts have failed already.
/// `chance` draws the jitter.
pub(super) fn after(
    error: &CalendarError,
    failed_before: u32,
    config: &SyncConfig,
    chance: u64,
) -> Next {
    match error.kind() {
        CalendarErrorKind::Throttled => {
            let wait = error.retry_after().unwrap_or(DEFAULT_THROTTLE);
            // Never before the reset, and not all at once after it.
            Next::Hold(wait + jitter(Duration::from_secs(1), 100, chance))
        }
        CalendarErrorKind::Denied => Next::AskForAccount,
        CalendarErrorKind::Rejected | CalendarErrorKind::Unsupported => Next::Rejected,
        CalendarErrorKind::SlotTaken => Next::SlotTaken,
        // A contradiction that reading did not resolve is retried like an outage: the other side is
        // in motion.
        CalendarErrorKind::Unavailable | CalendarErrorKind::Contradicted => {
            attempt(failed_before, config, chance).map_or(Next::Exhausted, Next::Retry)
        }
    }
}

/// How long to wait before the next attempt; `None` if there is none.
pub(super) fn attempt(failed_before: u32, config: &SyncConfig, chance: u64) -> Option<Duration> {
    let index = usize::try_from(failed_before).unwrap_or(usize::MAX);
    let delay = config.retry_delays.get(index)?;
    Some(*delay + jitter(*delay, config.jitter_percent, chance))
}

/// Up to `percent` of a span.
fn jitter(span: Duration, percent: u32, chance: u64) -> Duration {
    let most = span.saturating_mul(percent) / 100;
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(chance % (nanos + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: CalendarErrorKind) -> CalendarError {
        CalendarError::new(kind, "test")
    }

    #[test]
    fn an_outage_is_retried_on_schedule_and_then_reviewed() {
        let config = SyncConfig {
            jitter_percent: 0,
            ..SyncConfig::default()
        };
        let outage = failed(CalendarErrorKind::Unavailable);
        let after = |failed_before| super::after(&outage, failed_before, &config, 0);
        assert_eq!(after(0), Next::Retry(Duration::from_secs(1)));
        assert_eq!(after(1), Next::Retry(Duration::from_secs(5)));
        assert_eq!(after(2), Next::Retry(Duration::from_secs(30)));
        assert_eq!(after(3), Next::Exhausted);
        assert_eq!(after(u32::MAX), Next::Exhausted);
    }

    #[test]
    fn what_cannot_succeed_is_not_retried() {
        let config = SyncConfig::default();
        let next = |kind| after(&failed(kind), 0, &config, 9);
        assert_eq!(next(CalendarErrorKind::Rejected), Next::Rejected);
        assert_eq!(next(CalendarErrorKind::SlotTaken), Next::SlotTaken);
        assert_eq!(next(CalendarErrorKind::Denied), Next::AskForAccount);
    }

    proptest::proptest! {
        #[test]
        fn a_throttled_call_never_comes_back_before_the_reset(seconds in 0..10_000_u64, chance: u64) {
            let reset = Duration::from_secs(seconds);
            let error = failed(CalendarErrorKind::Throttled).with_retry_after(reset);
            let next = after(&error, 0, &SyncConfig::default(), chance);
            proptest::prop_assert!(matches!(next, Next::Hold(wait) if wait >= reset));
        }

        #[test]
        fn jitter_only_adds(chance: u64, failed_before in 0..3_u32) {
            let config = SyncConfig::default();
            let error = failed(CalendarErrorKind::Unavailable);
            let delay = config.retry_delays[failed_before as usize];
            let next = after(&error, failed_before, &config, chance);
            proptest::prop_assert!(
                matches!(next, Next::Retry(wait) if wait >= delay && wait <= delay.mul_f64(1.21))
            );
        }
    }
}
