//! The rate budget of one credential, as a pure state machine that receives the time as a
//! parameter.
//!
//! It starts from the limit that Cal.com applies to an API key by default, and updates it from the
//! `X-RateLimit-Limit-<Name>`, `-Remaining-<Name>` and `-Reset-<Name>` headers of every response.
//! There can be several names; a request is blocked only when all of them are exhausted. Cal.com
//! blocks clients that exceed the limits for a while, and repeated excess can lock the account, so
//! nothing is sent once the limits are exhausted.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use tokio::time::Instant;

/// The window of a limit that the server has not reported.
const WINDOW: Duration = Duration::from_secs(60);

/// The tolerance for reset times, which the headers give in whole seconds.
const ROUNDING: Duration = Duration::from_secs(2);

/// A reset value above this is a Unix timestamp, not a number of seconds from now.
const RESET_IS_EPOCH_ABOVE: u64 = 1_000_000_000;

/// The reciprocal of the share of a limit that is reserved for writes: one tenth.
const RESERVED_FOR_WRITES: u32 = 10;

/// Configuration of the rate budget.
///
/// ```no_run
/// use std::time::Duration;
///
/// use calcom::client::{Client, RatePolicy};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = RatePolicy::default()
///     .with_requests_per_minute(60)
///     .with_max_wait(Duration::from_secs(2));
/// let client = Client::builder(std::env::var("CALCOM_API_KEY")?).rate(policy).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatePolicy {
    requests_per_minute: u32,
    max_wait: Duration,
}

impl Default for RatePolicy {
    /// 120 requests per minute, as Cal.com allows an API key, until the server reports its own
    /// limit.
    ///
    /// A call waits for up to 10 s.
    fn default() -> Self {
        Self {
            requests_per_minute: 120,
            max_wait: Duration::from_secs(10),
        }
    }
}

impl RatePolicy {
    /// Sets the limit assumed until the server reports its own. Zero counts as one.
    #[must_use]
    pub fn with_requests_per_minute(mut self, requests: u32) -> Self {
        self.requests_per_minute = requests.max(1);
        self
    }

    /// Sets how long a call may wait for its turn.
    ///
    /// A call that would have to wait longer fails with
    /// [`RateLimited`](super::ErrorKind::RateLimited), and the error contains the time to wait. For a
    /// client that only a sync engine uses, zero is best: the engine puts the work off instead, and
    /// serves other tenants meanwhile.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait
    }
}

/// Whether a call reads or writes. Writes take precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Write,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    limit: u32,
    remaining: u32,
    /// The latest instant at which the window can end. The budget is renewed then.
    resets_at: Instant,
    /// The earliest instant at which the window can end.
    ///
    /// A response states the seconds left when the server writes it, which is after the request was
    /// sent and before the response arrived.
    resets_after: Instant,
}

impl Limit {
    /// Starts a new window once the old one has ended.
    ///
    /// Requests in flight at that point may be counted in the new window.
    fn renew(&mut self, in_flight: u32, now: Instant) {
        if self.resets_at <= now {
            self.remaining = self.limit.saturating_sub(in_flight);
            self.resets_after = now;
            self.resets_at = now + WINDOW;
        }
    }

    fn less(self, calls: u32) -> Self {
        let remaining = self.remaining.saturating_sub(calls);
        Self { remaining, ..self }
    }

    /// Whether this limit describes an earlier window than the other.
    fn is_older_than(&self, other: &Self) -> bool {
        self.resets_at + ROUNDING < other.resets_after
    }

    /// Combines what is known of a window, from which every call that was sent is deducted already,
    /// with what a response says. Responses overtake each other, so the smaller remainder is right.
    fn merge(self, told: Self) -> Self {
        let resets_after = self.resets_after.max(told.resets_after);
        Self {
            limit: told.limit,
            remaining: self.remaining.min(told.remaining),
            resets_at: self.resets_at.min(told.resets_at).max(resets_after),
            resets_after,
        }
    }
}

/// What is known, or was told, of the widest limit. A call is blocked only once all limits are
/// exhausted, so the widest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) limit: u32,
    pub(crate) used: u32,
    /// How long a window lasts.
    pub(crate) window: Duration,
    /// The earliest instant at which the current window can end, if the server has told of it.
    pub(crate) resets_after: Option<Instant>,
    /// The latest instant.
    pub(crate) resets_within: Instant,
}

/// What is left of a budget: of its roomiest limit, which is the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLeft {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) resets_in: Duration,
}

/// The number of an admitted call. Later calls have higher numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallNumber(u64);

#[derive(Debug)]
pub(crate) struct RateBudget {
    /// The limits by name. Until the server has reported one, an assumed limit without a name.
    limits: BTreeMap<String, Limit>,
    assumed: bool,
    /// The widest limit of the latest response, if it had one.
    told: Option<Limit>,
    blocked_until: Option<Instant>,
    waiting_writes: u32,
    next_call: u64,
    /// Calls without a response so far, with the time at which they were sent.
    in_flight: BTreeMap<CallNumber, Instant>,
}

impl RateBudget {
    pub(crate) fn new(policy: &RatePolicy, now: Instant) -> Self {
        let assumed = Limit {
            limit: policy.requests_per_minute,
            remaining: policy.requests_per_minute,
            resets_at: now + WINDOW,
            resets_after: now,
        };
        Self {
            limits: BTreeMap::from([(String::new(), assumed)]),
            assumed: true,
            told: None,
            blocked_until: None,
            waiting_writes: 0,
            next_call: 0,
            in_flight: BTreeMap::new(),
        }
    }

    /// Takes one call out of the budget, or returns how long to wait.
    pub(crate) fn admit(&mut self, class: Class, now: Instant) -> Result<CallNumber, Duration> {
        if let Some(until) = self.blocked_until {
            if now < until {
                return Err(until - now);
            }
            self.blocked_until = None;
        }
        let mut admitted = false;
        let mut wait = WINDOW;
        let in_flight = count(self.in_flight.len());
        for limit in self.limits.values_mut() {
            limit.renew(in_flight, now);
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
        let call = CallNumber(self.next_call);
        self.next_call += 1;
        self.in_flight.insert(call, now);
        Ok(call)
    }

    /// Records that a call received a response or was abandoned.
    ///
    /// Either way, the server may have counted it.
    pub(crate) fn settle(&mut self, call: CallNumber) {
        self.in_flight.remove(&call);
    }

    /// Records that a call was not sent after all.
    pub(crate) fn give_back(&mut self, call: CallNumber) {
        if self.in_flight.remove(&call).is_some() {
            for limit in self.limits.values_mut() {
                limit.remaining = (limit.remaining + 1).min(limit.limit);
            }
        }
    }

    /// The widest limit, as the latest response told it.
    pub(crate) fn terms(&self, now: Instant) -> Terms {
        match self.told {
            Some(told) => Terms {
                limit: told.limit,
                used: told.limit.saturating_sub(told.remaining),
                window: told.resets_at.saturating_duration_since(now).max(WINDOW),
                resets_after: Some(told.resets_after),
                resets_within: told.resets_at,
            },
            None => Terms {
                limit: self
                    .limits
                    .values()
                    .map(|known| known.limit)
                    .max()
                    .unwrap_or(1),
                used: 0,
                window: WINDOW,
                resets_after: None,
                resets_within: now + WINDOW,
            },
        }
    }

    /// What is left.
    pub(crate) fn left(&self, now: Instant) -> RateLeft {
        let in_flight = count(self.in_flight.len());
        let limits = self.limits.values().map(|limit| {
            let mut limit = *limit;
            limit.renew(in_flight, now);
            limit
        });
        let roomiest = limits.max_by_key(|limit| limit.remaining);
        let left = roomiest.map_or((1, 0, WINDOW), |limit| {
            let resets_in = limit.resets_at.saturating_duration_since(now);
            (limit.limit, limit.remaining, resets_in)
        });
        let (limit, remaining, resets_in) = match (left, self.blocked_until) {
            ((limit, ..), Some(until)) if now < until => (limit, 0, until - now),
            (left, _) => left,
        };
        RateLeft {
            limit,
            remaining,
            resets_in,
        }
    }

    /// How many writes are waiting.
    pub(crate) fn waiting_writes(&self) -> u32 {
        self.waiting_writes
    }

    /// Records that a write is waiting for its turn, so reads have to wait.
    pub(crate) fn write_waits(&mut self) {
        self.waiting_writes += 1;
    }

    /// Records that a write is no longer waiting.
    pub(crate) fn write_waits_no_longer(&mut self) {
        self.waiting_writes = self.waiting_writes.saturating_sub(1);
    }

    /// Stops all traffic for a while, after the server responded with 429.
    pub(crate) fn block(&mut self, wait: Duration, now: Instant) {
        let until = now + wait;
        self.blocked_until = self.blocked_until.max(Some(until));
    }

    /// Updates the limits from the headers of the response to a call that has not been settled yet.
    ///
    /// `utc` is the wall-clock time of `now`, for resets given as timestamps.
    pub(crate) fn learn(
        &mut self,
        call: CallNumber,
        headers: &HeaderMap,
        now: Instant,
        utc: DateTime<Utc>,
    ) {
        let sent_at = self.in_flight.get(&call).copied().unwrap_or(now);
        let in_flight = self.in_flight.len();
        let others = count(in_flight - usize::from(self.in_flight.contains_key(&call)));
        let mut spent = None;
        self.told = None;
        for (header, value) in headers {
            let Some(name) = header.as_str().strip_prefix("x-ratelimit-limit-") else {
                continue;
            };
            let number = |text: &http::HeaderValue| -> Option<u64> {
                text.to_str().ok()?.trim().parse().ok()
            };
            // Searched for rather than looked up: there are few headers, and a name would have to
            // be put together for every response.
            let other = |prefix: &str| {
                let found = headers
                    .iter()
                    .find(|(header, _)| header.as_str().strip_prefix(prefix) == Some(name));
                found.and_then(|(_, value)| number(value))
            };
            let remaining = other("x-ratelimit-remaining-");
            let reset = other("x-ratelimit-reset-");
            let (Some(limit), Some(remaining), Some(reset)) = (number(value), remaining, reset)
            else {
                continue;
            };
            let limit = u32::try_from(limit).unwrap_or(u32::MAX).max(1);
            let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
            let reset = seconds_until(reset, utc);
            let told = Limit {
                limit,
                remaining,
                resets_at: now + reset,
                resets_after: sent_at + reset,
            };
            if self.told.is_none_or(|widest| widest.limit < told.limit) {
                self.told = Some(told);
            }
            if self.assumed {
                self.assumed = false;
                let assumed = std::mem::take(&mut self.limits).into_values().next();
                spent = assumed.map(|assumed| assumed.limit - assumed.remaining);
            }
            let heard = match self.limits.get(name) {
                Some(known) if told.is_older_than(known) => *known,
                Some(known) if !known.is_older_than(&told) => known.merge(told),
                // What was sent before is deducted below.
                None if spent.is_some() => told,
                // What is in flight may not have been counted yet.
                _ => told.less(others),
            };
            let spendable = limit.saturating_sub(spent.unwrap_or(0));
            let remaining = heard.remaining.min(spendable);
            let learned = Limit { remaining, ..heard };
            match self.limits.get_mut(name) {
                Some(known) => *known = learned,
                None => {
                    self.limits.insert(name.to_owned(), learned);
                }
            }
        }
    }
}

fn count(calls: usize) -> u32 {
    u32::try_from(calls).unwrap_or(u32::MAX)
}

/// Returns how far away a reset is.
///
/// No limit lasts a day, so a larger value is a mistake and must not block the client indefinitely.
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

    /// Records the response to a call that is sent at this instant.
    fn hear(budget: &mut RateBudget, headers: &HeaderMap, now: Instant, utc: DateTime<Utc>) {
        budget.learn(CallNumber(u64::MAX), headers, now, utc);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_that_of_the_roomiest_limit() {
        let start = Instant::now();
        let mut budget = budget(120, start);
        let left = |limit, remaining, seconds| RateLeft {
            limit,
            remaining,
            resets_in: Duration::from_secs(seconds),
        };
        assert_eq!(budget.left(start), left(120, 120, 60));
        let call = budget.admit(Class::Write, start).unwrap();
        assert_eq!(budget.left(start), left(120, 119, 60));
        let told = headers(&[("default", 10, 3, 30), ("long", 500, 2, 40)]);
        budget.learn(call, &told, start, EPOCH);
        budget.settle(call);
        assert_eq!(budget.left(start), left(10, 3, 30));
        let later = start + Duration::from_secs(35);
        assert_eq!(budget.left(later), left(10, 10, 60));
        budget.block(Duration::from_secs(20), later);
        assert_eq!(budget.left(later), left(10, 0, 20));
        assert_eq!(budget.left(later + Duration::from_secs(20)).remaining, 500);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_allowed_a_minute_is_allowed_a_minute() {
        let now = Instant::now();
        let mut budget = budget(5, now);
        for _ in 0..5 {
            let call = budget.admit(Class::Write, now).unwrap();
            budget.settle(call);
        }
        assert_eq!(budget.admit(Class::Write, now), Err(WINDOW));
        assert!(budget.admit(Class::Write, now + WINDOW).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn some_of_it_is_kept_for_writes() {
        let now = Instant::now();
        let mut budget = budget(20, now);
        let reads = (0..20).filter(|_| budget.admit(Class::Read, now).is_ok());
        assert_eq!(reads.count(), 18);
        assert!(budget.admit(Class::Write, now).is_ok());
        budget.write_waits();
        assert!(budget.admit(Class::Read, now).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_word_counts() {
        let now = Instant::now();
        let mut budget = budget(120, now);
        hear(&mut budget, &headers(&[("short", 5, 0, 10)]), now, EPOCH);
        let ten = Duration::from_secs(10);
        assert_eq!(budget.admit(Class::Write, now), Err(ten));
        assert!(budget.admit(Class::Write, now + ten).is_ok());
        // Blocked only when all limits are exhausted.
        hear(
            &mut budget,
            &headers(&[("short", 5, 0, 10), ("long", 500, 3, 50)]),
            now,
            EPOCH,
        );
        assert!(budget.admit(Class::Write, now).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_answer_does_not_refill_the_budget() {
        let now = Instant::now();
        let mut budget = budget(120, now);
        hear(
            &mut budget,
            &headers(&[("default", 120, 1, 30)]),
            now,
            EPOCH,
        );
        hear(
            &mut budget,
            &headers(&[("default", 120, 100, 30)]),
            now,
            EPOCH,
        );
        assert!(budget.admit(Class::Write, now).is_ok());
        assert!(budget.admit(Class::Write, now).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_stops_everything_until_it_ends() {
        let now = Instant::now();
        let mut budget = budget(120, now);
        budget.block(WINDOW, now);
        budget.block(Duration::from_secs(1), now);
        assert_eq!(budget.admit(Class::Write, now), Err(WINDOW));
        assert!(budget.admit(Class::Read, now + WINDOW).is_ok());
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
        /// A server that counts requests as they arrive, in any order, and whose responses arrive
        /// late and in any order, never receives more than it allows within one of its windows.
        #[test]
        fn the_limit_is_never_exceeded(
            limit in 1..50_u32,
            steps in prop::collection::vec((0..4_u8, any::<prop::sample::Index>(), 0..8_u64), 1..400),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let mut now = Instant::now();
                let mut budget = budget(120, now);
                let mut window: Option<(Instant, u32)> = None;
                let (mut sent, mut answered, mut heard) = (Vec::new(), Vec::new(), false);
                for (step, which, seconds) in steps {
                    match step {
                        // Before the first response, the budget cannot know better.
                        0 | 1 if heard || sent.len() + answered.len() < limit as usize => {
                            let class = if step == 0 { Class::Write } else { Class::Read };
                            sent.extend(budget.admit(class, now).ok());
                        }
                        2 if !sent.is_empty() => {
                            let call = sent.swap_remove(which.index(sent.len()));
                            let (began, count) = match window {
                                Some((began, count)) if now < began + WINDOW => (began, count + 1),
                                _ => (now, 1),
                            };
                            window = Some((began, count));
                            prop_assert!(count <= limit, "{count} of {limit}");
                            let reset = (began + WINDOW - now).as_secs();
                            answered.push((call, headers(&[("default", limit, limit - count, reset)])));
                        }
                        3 if !answered.is_empty() => {
                            now += Duration::from_secs(seconds);
                            heard = true;
                            // Attempts time out.
                            let overdue = |call: &CallNumber| {
                                let sent_at = budget.in_flight.get(call);
                                sent_at.is_none_or(|at| now - *at > Duration::from_secs(15))
                            };
                            sent.retain(|call| !overdue(call));
                            answered.retain(|(call, _): &(CallNumber, HeaderMap)| !overdue(call));
                            budget.in_flight.retain(|_, at| now - *at <= Duration::from_secs(15));
                            if answered.is_empty() {
                                continue;
                            }
                            let (call, headers) = answered.swap_remove(which.index(answered.len()));
                            budget.learn(call, &headers, now, EPOCH);
                            budget.settle(call);
                        }
                        _ => {}
                    }
                }
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
                hear(&mut budget(1, now), &headers, now, EPOCH);
            });
        }
    }
}
