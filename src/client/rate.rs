//! The rate budget of one credential: a pure state machine. The time comes in as a value.
//!
//! It starts from what Cal.com allows an API key by default, and learns from every answer's `X-RateLimit-Limit-<Name>`,
//! `-Remaining-<Name>` and `-Reset-<Name>`. There can be several names; a call is blocked only when all of them are used up.
//! Whoever goes on after that is blocked for a while, and repeated excess can lock the account, so nothing is sent then.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use tokio::time::Instant;

/// The window of a limit that the server never reported.
const WINDOW: Duration = Duration::from_secs(60);

/// Two resets that are closer than this are those of one window; the header is in whole seconds.
const SAME_WINDOW: Duration = Duration::from_secs(2);

/// A reset above this many seconds is an instant of the epoch, not a span.
const RESET_IS_EPOCH_ABOVE: u64 = 1_000_000_000;

/// The fraction of a limit reserved for writes: one in this many.
const RESERVED_FOR_WRITES: u32 = 10;

/// Settings of the rate budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatePolicy {
    requests_per_minute: u32,
    max_wait: Duration,
}

impl Default for RatePolicy {
    /// 120 a minute, as Cal.com allows an API key, until the server says otherwise; a call waits for up to 10 s.
    fn default() -> Self {
        Self {
            requests_per_minute: 120,
            max_wait: Duration::from_secs(10),
        }
    }
}

impl RatePolicy {
    /// The limit assumed until the server reports its own. Zero counts as one.
    #[must_use]
    pub fn with_requests_per_minute(mut self, requests: u32) -> Self {
        self.requests_per_minute = requests.max(1);
        self
    }

    /// How long a call may wait for its turn before it fails with [`RateLimited`](super::ErrorKind::RateLimited), which says when
    /// to come back.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait
    }
}

/// What a call does; writes go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Write,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    limit: u32,
    remaining: u32,
    resets_at: Instant,
}

impl Limit {
    fn renew(&mut self, now: Instant) {
        if self.resets_at <= now {
            self.remaining = self.limit;
            self.resets_at = now + WINDOW;
        }
    }
}

#[derive(Debug)]
pub(crate) struct RateBudget {
    /// The limits by name; until the server has reported one, an assumed, unnamed one.
    limits: BTreeMap<String, Limit>,
    told: bool,
    blocked_until: Option<Instant>,
    waiting_writes: u32,
}

impl RateBudget {
    pub(crate) fn new(policy: &RatePolicy, now: Instant) -> Self {
        let assumed = Limit {
            limit: policy.requests_per_minute,
            remaining: policy.requests_per_minute,
            resets_at: now + WINDOW,
        };
        Self {
            limits: BTreeMap::from([(String::new(), assumed)]),
            told: false,
            blocked_until: None,
            waiting_writes: 0,
        }
    }

    /// Takes one call out of the budget, or says how long to wait.
    pub(crate) fn admit(&mut self, class: Class, now: Instant) -> Result<(), Duration> {
        if let Some(until) = self.blocked_until {
            if now < until {
                return Err(until - now);
            }
            self.blocked_until = None;
        }
        let mut admitted = false;
        let mut wait = WINDOW;
        for limit in self.limits.values_mut() {
            limit.renew(now);
            let kept = match class {
                Class::Write => 0,
                Class::Read => self.waiting_writes.max(limit.limit / RESERVED_FOR_WRITES),
            };
            admitted |= limit.remaining > kept;
            wait = wait.min(limit.resets_at.saturating_duration_since(now));
        }
        if !admitted {
            return Err(wait);
        }
        for limit in self.limits.values_mut() {
            limit.remaining = limit.remaining.saturating_sub(1);
        }
        Ok(())
    }

    /// A write waits for its turn: reads stand back.
    pub(crate) fn write_waits(&mut self) {
        self.waiting_writes += 1;
    }

    /// A write waits no longer.
    pub(crate) fn write_waits_no_longer(&mut self) {
        self.waiting_writes = self.waiting_writes.saturating_sub(1);
    }

    /// Stops all traffic for a while: the server has answered 429.
    pub(crate) fn block(&mut self, wait: Duration, now: Instant) {
        let until = now + wait;
        self.blocked_until = self.blocked_until.max(Some(until));
    }

    /// Learns from the headers of an answer. `utc` is `now` by the calendar, for resets given as instants.
    pub(crate) fn learn(&mut self, headers: &HeaderMap, now: Instant, utc: DateTime<Utc>) {
        for (header, value) in headers {
            let Some(name) = header.as_str().strip_prefix("x-ratelimit-limit-") else {
                continue;
            };
            let number = |text: &http::HeaderValue| -> Option<u64> {
                text.to_str().ok()?.trim().parse().ok()
            };
            let other = |what: &str| {
                headers
                    .get(format!("x-ratelimit-{what}-{name}"))
                    .and_then(number)
            };
            let (Some(limit), Some(remaining), Some(reset)) =
                (number(value), other("remaining"), other("reset"))
            else {
                continue;
            };
            let told = Limit {
                limit: u32::try_from(limit).unwrap_or(u32::MAX).max(1),
                remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
                resets_at: now + seconds_until(reset, utc),
            };
            if !self.told {
                self.told = true;
                self.limits.clear();
            }
            self.limits
                .entry(name.to_owned())
                .and_modify(|known| *known = merge(*known, told))
                .or_insert(told);
        }
    }
}

/// Answers overtake each other: within one window the smaller remainder is the newer one.
fn merge(known: Limit, told: Limit) -> Limit {
    let apart = if known.resets_at > told.resets_at {
        known.resets_at - told.resets_at
    } else {
        told.resets_at - known.resets_at
    };
    if apart <= SAME_WINDOW {
        Limit {
            remaining: known.remaining.min(told.remaining),
            ..told
        }
    } else {
        told
    }
}

/// How long a reset is away. No limit is a day long; a larger value is a mistake and must not stop the client for good.
pub(crate) fn seconds_until(reset: u64, utc: DateTime<Utc>) -> Duration {
    const LONGEST: u64 = 24 * 60 * 60;
    let now = u64::try_from(utc.timestamp()).unwrap_or_default();
    let seconds = if reset > RESET_IS_EPOCH_ABOVE {
        reset.saturating_sub(now)
    } else {
        reset
    };
    Duration::from_secs(seconds.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(limits: &[(&str, u32, u32, u64)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, limit, remaining, reset) in limits {
            let mut put = |what: &str, value: u64| {
                let header = format!("x-ratelimit-{what}-{name}");
                let header = http::HeaderName::try_from(header).unwrap();
                headers.insert(header, HeaderValue::from(value));
            };
            put("limit", u64::from(*limit));
            put("remaining", u64::from(*remaining));
            put("reset", *reset);
        }
        headers
    }

    fn budget(per_minute: u32, now: Instant) -> RateBudget {
        let policy = RatePolicy::default().with_requests_per_minute(per_minute);
        RateBudget::new(&policy, now)
    }

    const EPOCH: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[tokio::test(start_paused = true)]
    async fn what_is_allowed_a_minute_is_allowed_a_minute() {
        let now = Instant::now();
        let mut budget = budget(5, now);
        for _ in 0..5 {
            assert_eq!(budget.admit(Class::Write, now), Ok(()));
        }
        assert_eq!(budget.admit(Class::Write, now), Err(WINDOW));
        assert_eq!(budget.admit(Class::Write, now + WINDOW), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn some_of_it_is_kept_for_writes() {
        let now = Instant::now();
        let mut budget = budget(20, now);
        let reads = (0..20).filter(|_| budget.admit(Class::Read, now).is_ok());
        assert_eq!(reads.count(), 18);
        assert_eq!(budget.admit(Class::Write, now), Ok(()));
        budget.write_waits();
        assert!(budget.admit(Class::Read, now).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_word_counts() {
        let now = Instant::now();
        let mut budget = budget(120, now);
        budget.learn(&headers(&[("short", 5, 0, 10)]), now, EPOCH);
        let ten = Duration::from_secs(10);
        assert_eq!(budget.admit(Class::Write, now), Err(ten));
        assert_eq!(budget.admit(Class::Write, now + ten), Ok(()));
        // Blocked only when all are used up.
        budget.learn(
            &headers(&[("short", 5, 0, 10), ("long", 500, 3, 50)]),
            now,
            EPOCH,
        );
        assert_eq!(budget.admit(Class::Write, now), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_answer_does_not_refill_the_budget() {
        let now = Instant::now();
        let mut budget = budget(120, now);
        budget.learn(&headers(&[("default", 120, 1, 30)]), now, EPOCH);
        budget.learn(&headers(&[("default", 120, 100, 30)]), now, EPOCH);
        assert_eq!(budget.admit(Class::Write, now), Ok(()));
        assert!(budget.admit(Class::Write, now).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_stops_everything_until_it_ends() {
        let now = Instant::now();
        let mut budget = budget(120, now);
        budget.block(WINDOW, now);
        budget.block(Duration::from_secs(1), now);
        assert_eq!(budget.admit(Class::Write, now), Err(WINDOW));
        assert_eq!(budget.admit(Class::Read, now + WINDOW), Ok(()));
    }

    #[test]
    fn a_reset_may_be_an_instant() {
        let utc = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(seconds_until(1_790_000_030, utc), Duration::from_secs(30));
        assert_eq!(seconds_until(1_700_000_000, utc), Duration::ZERO);
        assert_eq!(seconds_until(42, utc), Duration::from_secs(42));
        assert_eq!(seconds_until(u64::MAX, utc), Duration::from_secs(86_400));
    }

    proptest! {
        /// Within any one window no more calls pass than the limit allows, whatever the headers claim to be left.
        #[test]
        fn the_limit_is_never_exceeded(
            limit in 1..50_u32,
            steps in prop::collection::vec((any::<bool>(), 0..60_u32), 1..300),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let now = Instant::now();
                let mut budget = budget(limit, now);
                let mut passed = 0;
                for (write, remaining) in steps {
                    let class = if write { Class::Write } else { Class::Read };
                    if budget.admit(class, now).is_ok() {
                        passed += 1;
                    }
                    // An honest server, whose answers come in any order.
                    let honest = limit.saturating_sub(passed).max(remaining.min(limit));
                    if passed > 0 {
                        budget.learn(&headers(&[("default", limit, honest, 60)]), now, EPOCH);
                    }
                }
                prop_assert!(passed <= limit + 1, "{passed} of {limit}");
                Ok(())
            })?;
        }

        #[test]
        fn no_header_panics(name: Vec<u8>, value: Vec<u8>) {
            let mut headers = HeaderMap::new();
            for what in ["limit", "remaining", "reset"] {
                let name = [b"x-ratelimit-", what.as_bytes(), b"-", &name].concat();
                if let (Ok(name), Ok(value)) =
                    (http::HeaderName::from_bytes(&name), HeaderValue::from_bytes(&value))
                {
                    headers.insert(name, value);
                }
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let now = Instant::now();
                budget(1, now).learn(&headers, now, EPOCH);
            });
        }
    }
}
