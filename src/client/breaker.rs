//! The circuit breaker, as a pure state machine that receives the time and the results as
//! parameters.
//!
//! A [`TripPolicy`] decides *when* to trip and for how long; the built-in ones come from the crate
//! `failsafe`, which appears in no signature. The states are this crate's own, because that crate's
//! state machine cannot express a bounded number of probes, closing after several successes, or
//! results of an earlier period.

use std::fmt;
use std::time::Duration;

use failsafe::failure_policy::FailurePolicy;
use failsafe::{backoff, failure_policy};
use tokio::time::Instant;

/// How long a rejected call should wait while all probes are in flight.
const PROBING_DELAY: Duration = Duration::from_secs(1);

/// Decides when the circuit breaker opens, and for how long.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::client::{BreakerPolicy, TripPolicy};
///
/// /// Opens for ten seconds at the first failure.
/// #[derive(Debug)]
/// struct Cautious;
///
/// impl TripPolicy for Cautious {
///     fn succeeded(&mut self) {}
///     fn failed(&mut self) -> Option<Duration> {
///         Some(Duration::from_secs(10))
///     }
///     fn closed(&mut self) {}
/// }
///
/// let policy = BreakerPolicy::new(Cautious);
/// # let _ = policy;
/// ```
pub trait TripPolicy: fmt::Debug + Send + 'static {
    /// Called when a call succeeds while the circuit is closed.
    fn succeeded(&mut self);

    /// Called when a call fails.
    ///
    /// Returns how long the circuit opens for, or `None` to keep it closed.
    fn failed(&mut self) -> Option<Duration>;

    /// Called when the circuit closes again.
    fn closed(&mut self);
}

/// A policy from `failsafe`.
struct Failsafe<P>(P);

impl<P> fmt::Debug for Failsafe<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failsafe")
    }
}

impl<P: FailurePolicy + Send + 'static> TripPolicy for Failsafe<P> {
    fn succeeded(&mut self) {
        self.0.record_success();
    }

    fn failed(&mut self) -> Option<Duration> {
        self.0.mark_dead_on_failure()
    }

    fn closed(&mut self) {
        self.0.revived();
    }
}

/// Configuration of the circuit breaker.
///
/// By default, it opens after 5 consecutive failures, stays open for 60 s, then admits 3 probes,
/// and closes after 2 of them succeed.
#[derive(Debug)]
pub struct BreakerPolicy {
    policy: Box<dyn TripPolicy>,
    probes: u32,
    successes: u32,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self::consecutive_failures(5, Duration::from_secs(60))
    }
}

impl BreakerPolicy {
    /// Opens after `failures` consecutive failures and stays open for `open_for`.
    pub fn consecutive_failures(failures: u32, open_for: Duration) -> Self {
        let backoff = backoff::constant(open_for);
        Self::new(Failsafe(failure_policy::consecutive_failures(
            failures, backoff,
        )))
    }

    /// Opens for `open_for` when fewer than `required` (0.0 to 1.0) of the calls within `window`
    /// succeed and there were at least `min_calls`.
    pub fn success_rate(
        required: f64,
        min_calls: u32,
        window: Duration,
        open_for: Duration,
    ) -> Self {
        let backoff = backoff::constant(open_for);
        Self::new(Failsafe(failure_policy::success_rate_over_time_window(
            required, min_calls, window, backoff,
        )))
    }

    /// Opens according to a custom policy.
    pub fn new(policy: impl TripPolicy) -> Self {
        Self {
            policy: Box::new(policy),
            probes: 3,
            successes: 2,
        }
    }

    /// Sets how many probe calls are admitted once the open period is over, and how many of them
    /// have to succeed for the circuit to close.
    ///
    /// `successes` is capped at the number of probes.
    #[must_use]
    pub fn with_probes(mut self, probes: u32, successes: u32) -> Self {
        self.probes = probes.max(1);
        self.successes = successes.clamp(1, self.probes);
        self
    }
}

/// The state of the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// All calls are admitted.
    Closed,
    /// No calls are admitted.
    Open,
    /// A few calls are admitted as probes.
    HalfOpen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { in_flight: u32, succeeded: u32 },
}

/// Permission to make one call. Its result counts only within the period in which it was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permit {
    period: u64,
}

/// The result of a call, as far as the server's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// The server responded, possibly with a rejection.
    Well,
    /// The server failed or did not respond.
    Ill,
    /// The call was abandoned on this side, which says nothing about the server.
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    state: State,
    /// Incremented with every state change, so that late results can be told from current ones.
    period: u64,
}

impl Breaker {
    pub(crate) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            state: State::Closed,
            period: 0,
        }
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.period += 1;
    }

    pub(crate) fn state(&self, now: Instant) -> CircuitState {
        match self.state {
            State::Closed => CircuitState::Closed,
            State::Open { until } if now < until => CircuitState::Open,
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// For how much longer no call is admitted.
    pub(crate) fn opens_in(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Open { until } if now < until => Some(until - now),
            State::Open { .. } | State::HalfOpen { .. } | State::Closed => None,
        }
    }

    /// Admits a call, or returns how long to wait.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Permit, Duration> {
        if let State::Open { until } = self.state {
            if now < until {
                return Err(until - now);
            }
            self.change(State::HalfOpen {
                in_flight: 0,
                succeeded: 0,
            });
        }
        if let State::HalfOpen {
            in_flight,
            succeeded,
        } = &mut self.state
        {
            if *in_flight + *succeeded >= self.policy.probes {
                return Err(PROBING_DELAY);
            }
            *in_flight += 1;
        }
        Ok(Permit {
            period: self.period,
        })
    }

    /// Records the result of a call.
    pub(crate) fn settle(&mut self, permit: Permit, health: Health, now: Instant) {
        if permit.period != self.period {
            return;
        }
        match (&mut self.state, health) {
            (State::Closed, Health::Well) => self.policy.policy.succeeded(),
            (State::Closed, Health::Ill) => {
                if let Some(open_for) = self.policy.policy.failed() {
                    self.change(State::Open {
                        until: now + open_for,
                    });
                }
            }
            (
                State::HalfOpen {
                    in_flight,
                    succeeded,
                },
                health,
            ) => {
                *in_flight = in_flight.saturating_sub(1);
                match health {
                    Health::Unknown => {}
                    Health::Well => {
                        *succeeded += 1;
                        if *succeeded >= self.policy.successes {
                            self.policy.policy.closed();
                            self.change(State::Closed);
                        }
                    }
                    Health::Ill => {
                        // If the policy does not trip on one more failure, there is still no
                        // evidence of recovery.
                        let again = self.policy.policy.failed();
                        self.change(State::Open {
                            until: now + again.unwrap_or(PROBING_DELAY),
                        });
                    }
                }
            }
            (State::Closed, Health::Unknown) | (State::Open { .. }, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn fail(breaker: &mut Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            let permit = breaker.admit(now).unwrap();
            breaker.settle(permit, Health::Ill, now);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_probes_and_closes() {
        let mut breaker = Breaker::new(BreakerPolicy::default());
        let start = Instant::now();
        fail(&mut breaker, 4, start);
        assert_eq!(breaker.state(start), CircuitState::Closed);
        fail(&mut breaker, 1, start);
        assert_eq!(breaker.state(start), CircuitState::Open);
        assert_eq!(breaker.admit(start), Err(MINUTE));
        let almost = start + MINUTE - Duration::from_millis(1);
        assert_eq!(breaker.admit(almost), Err(Duration::from_millis(1)));
        assert_eq!(breaker.opens_in(almost), Some(Duration::from_millis(1)));
        assert_eq!(breaker.opens_in(start + MINUTE), None);

        let later = start + MINUTE;
        let probes: Vec<Permit> = (0..3).map(|_| breaker.admit(later).unwrap()).collect();
        assert_eq!(breaker.admit(later), Err(PROBING_DELAY));
        breaker.settle(probes[0], Health::Well, later);
        assert_eq!(breaker.state(later), CircuitState::HalfOpen);
        breaker.settle(probes[1], Health::Well, later);
        assert_eq!(breaker.state(later), CircuitState::Closed);
        // The third probe's failure comes from an earlier period.
        breaker.settle(probes[2], Health::Ill, later);
        fail(&mut breaker, 4, later);
        assert_eq!(breaker.state(later), CircuitState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_in_between_starts_the_count_again() {
        let mut breaker = Breaker::new(BreakerPolicy::default());
        let now = Instant::now();
        fail(&mut breaker, 4, now);
        let permit = breaker.admit(now).unwrap();
        breaker.settle(permit, Health::Well, now);
        fail(&mut breaker, 4, now);
        assert_eq!(breaker.state(now), CircuitState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_opens_it_again_and_one_that_is_given_up_is_free() {
        let mut breaker = Breaker::new(BreakerPolicy::default());
        let start = Instant::now();
        fail(&mut breaker, 5, start);
        let later = start + MINUTE;
        for _ in 0..10 {
            let permit = breaker.admit(later).unwrap();
            breaker.settle(permit, Health::Unknown, later);
        }
        let permit = breaker.admit(later).unwrap();
        breaker.settle(permit, Health::Ill, later);
        assert_eq!(breaker.admit(later), Err(MINUTE));
    }

    #[derive(Clone, Debug)]
    enum Event {
        Admit,
        Settle(prop::sample::Index, u8),
        Wait(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => Just(Event::Admit),
            4 => (any::<prop::sample::Index>(), 0..3_u8).prop_map(|(i, h)| Event::Settle(i, h)),
            1 => (0..90_u64).prop_map(Event::Wait),
        ]
    }

    proptest! {
        /// In any sequence of events, nothing passes while open, at most three probes are in
        /// flight, and the circuit can always close again.
        #[test]
        fn the_invariants_hold(events in prop::collection::vec(event(), 1..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let mut breaker = Breaker::new(BreakerPolicy::default());
                let mut now = Instant::now();
                let mut out: Vec<Permit> = Vec::new();
                for event in events {
                    match event {
                        Event::Wait(seconds) => now += Duration::from_secs(seconds),
                        Event::Admit => {
                            let before = breaker.state(now);
                            match breaker.admit(now) {
                                Ok(permit) => {
                                    prop_assert_ne!(before, CircuitState::Open);
                                    out.push(permit);
                                }
                                Err(wait) => {
                                    prop_assert_ne!(before, CircuitState::Closed);
                                    prop_assert!(wait <= MINUTE && !wait.is_zero());
                                }
                            }
                            let probing = breaker.state(now) == CircuitState::HalfOpen;
                            let present = out.iter().filter(|p| p.period == breaker.period).count();
                            prop_assert!(!probing || present <= 3);
                        }
                        Event::Settle(index, health) if !out.is_empty() => {
                            let permit = out.swap_remove(index.index(out.len()));
                            let health = [Health::Well, Health::Ill, Health::Unknown][usize::from(health)];
                            let before = (breaker.state, breaker.period);
                            breaker.settle(permit, health, now);
                            if permit.period != before.1 {
                                prop_assert_eq!((breaker.state, breaker.period), before);
                            }
                        }
                        Event::Settle(..) => {}
                    }
                }
                // All pending calls succeed, and time passes.
                for permit in out.drain(..) {
                    breaker.settle(permit, Health::Well, now);
                }
                now += MINUTE;
                for _ in 0..2 {
                    if let Ok(permit) = breaker.admit(now) {
                        breaker.settle(permit, Health::Well, now);
                    }
                }
                prop_assert_eq!(breaker.state(now), CircuitState::Closed);
                Ok(())
            })?;
        }
    }
}
