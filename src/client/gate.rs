//! The gate that every attempt passes: concurrency limit, rate budget and circuit breaker.
//!
//! It is a thin layer around the pure policies.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::breaker::{Breaker, BreakerPolicy, CircuitState, Health, Permit};
use super::error::{Error, ErrorKind};
use super::rate::{CallNumber, Class, RateBudget, RatePolicy};
use super::retry::RetryBudget;

#[derive(Debug)]
pub(super) struct Gate {
    concurrency: Semaphore,
    breaker: Option<Mutex<Breaker>>,
    rate: Option<RateGate>,
    retries: Mutex<RetryBudget>,
}

#[derive(Debug)]
struct RateGate {
    policy: RatePolicy,
    budget: Mutex<RateBudget>,
}

/// Locks a policy's state, even after a panic: the state consists of plain numbers, which remain
/// usable.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that the rate budget counts as in flight.
struct CountedCall<'a> {
    budget: &'a Mutex<RateBudget>,
    call: CallNumber,
}

impl CountedCall<'_> {
    fn give_back(self) {
        lock(self.budget).give_back(self.call);
    }
}

impl Drop for CountedCall<'_> {
    fn drop(&mut self) {
        lock(self.budget).settle(self.call);
    }
}

/// Permission to make one attempt.
///
/// Dropping it frees its place and reports nothing to the circuit breaker.
pub(super) struct Passage<'a> {
    breaker: Option<(&'a Mutex<Breaker>, Permit)>,
    counted: Option<CountedCall<'a>>,
    _place: Option<SemaphorePermit<'a>>,
}

impl Passage<'_> {
    /// Updates the rate limits from the response to this attempt.
    pub(super) fn learn(&self, headers: &HeaderMap, utc: DateTime<Utc>) {
        if let Some(CountedCall { budget, call }) = &self.counted {
            lock(budget).learn(*call, headers, Instant::now(), utc);
        }
    }

    /// Reports the result of the attempt to the circuit breaker.
    pub(super) fn settle(mut self, error: Option<&Error>) {
        let health = match error.map(Error::kind) {
            // A rejection comes from a healthy server.
            None => Health::Well,
            Some(ErrorKind::Server | ErrorKind::Transport) => Health::Ill,
            Some(ErrorKind::Decode) => Health::Unknown,
            Some(_) => Health::Well,
        };
        self.tell(health);
    }

    fn tell(&mut self, health: Health) {
        if let Some((breaker, permit)) = self.breaker.take() {
            lock(breaker).settle(permit, health, Instant::now());
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.tell(Health::Unknown);
    }
}

/// Holds reads back while a write waits, until the write proceeds or is abandoned.
struct WaitingWrite<'a>(&'a Mutex<RateBudget>);

impl<'a> WaitingWrite<'a> {
    fn new(budget: &'a Mutex<RateBudget>) -> Self {
        lock(budget).write_waits();
        Self(budget)
    }
}

impl Drop for WaitingWrite<'_> {
    fn drop(&mut self) {
        lock(self.0).write_waits_no_longer();
    }
}

impl Gate {
    pub(super) fn new(
        breaker: Option<BreakerPolicy>,
        rate: Option<RatePolicy>,
        max_concurrent: usize,
    ) -> Self {
        Self {
            concurrency: Semaphore::new(max_concurrent.min(Semaphore::MAX_PERMITS)),
            breaker: breaker.map(|policy| Mutex::new(Breaker::new(policy))),
            rate: rate.map(|policy| RateGate {
                budget: Mutex::new(RateBudget::new(&policy, Instant::now())),
                policy,
            }),
            retries: Mutex::new(RetryBudget::new()),
        }
    }

    /// Waits for a free place and for the rate budget.
    ///
    /// # Errors
    ///
    /// [`RateLimited`](ErrorKind::RateLimited) if the wait would exceed the policy's maximum,
    /// [`CircuitOpen`](ErrorKind::CircuitOpen) if the circuit breaker is open.
    pub(super) async fn enter(
        &self,
        operation: &'static str,
        class: Class,
    ) -> Result<Passage<'_>, Error> {
        // The semaphore is never closed, so this always succeeds.
        let place = self.concurrency.acquire().await.ok();
        let counted = match &self.rate {
            None => None,
            Some(rate) => Some(rate.wait(operation, class).await?),
        };
        let breaker = match &self.breaker {
            None => None,
            Some(breaker) => {
                let admitted = lock(breaker).admit(Instant::now());
                match admitted {
                    Ok(permit) => Some((breaker, permit)),
                    Err(wait) => {
                        if let Some(counted) = counted {
                            counted.give_back();
                        }
                        return Err(Error::held_back(operation, ErrorKind::CircuitOpen, wait));
                    }
                }
            }
        };
        Ok(Passage {
            breaker,
            counted,
            _place: place,
        })
    }

    /// Stops all traffic for a while.
    pub(super) fn block(&self, wait: Duration) {
        if let Some(rate) = &self.rate {
            lock(&rate.budget).block(wait, Instant::now());
        }
    }

    /// Records that a call is made, which earns a fraction of a retry.
    pub(super) fn earn_retry(&self) {
        lock(&self.retries).earn();
    }

    /// Returns whether the budget allows a retry, and pays for it.
    pub(super) fn spend_retry(&self) -> bool {
        lock(&self.retries).spend()
    }

    /// Returns the state of the circuit breaker.
    pub(super) fn circuit(&self) -> CircuitState {
        match &self.breaker {
            None => CircuitState::Closed,
            Some(breaker) => lock(breaker).state(Instant::now()),
        }
    }
}

impl RateGate {
    async fn wait(&self, operation: &'static str, class: Class) -> Result<CountedCall<'_>, Error> {
        let latest = Instant::now() + self.policy.max_wait();
        let mut waiting = None;
        loop {
            let now = Instant::now();
            let admitted = lock(&self.budget).admit(class, now);
            let wait = match admitted {
                Ok(call) => {
                    let budget = &self.budget;
                    return Ok(CountedCall { budget, call });
                }
                Err(wait) => wait,
            };
            if now + wait > latest {
                return Err(Error::held_back(operation, ErrorKind::RateLimited, wait));
            }
            if class == Class::Write && waiting.is_none() {
                waiting = Some(WaitingWrite::new(&self.budget));
            }
            tokio::time::sleep(wait).await;
        }
    }
}
