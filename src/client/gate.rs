//! The gate that every attempt passes: concurrency limit, rate budget and circuit breaker.
//!
//! It is a thin layer around the pure policies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::breaker::{Breaker, BreakerPolicy, CircuitState, Health, Permit};
use super::error::{Error, ErrorKind};
use super::portion::{Next, Portion};
use super::rate::{CallNumber, Class, RateBudget, RateLeft, RatePolicy};
use super::retry::RetryBudget;
use super::shared_budget::{CredentialId, SharedBudget};

/// How long the store of a shared budget may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

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
    shared: Option<Shared>,
}

/// The part of the budget that is shared with other processes.
#[derive(Debug)]
struct Shared {
    store: Arc<dyn SharedBudget>,
    portion: Mutex<Portion>,
    /// One call asks the store, and the others wait for its answer.
    asking: tokio::sync::Mutex<()>,
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
    /// Where it was taken from, and its round.
    portion: Option<(&'a Mutex<Portion>, Option<u64>)>,
}

impl CountedCall<'_> {
    fn give_back(self) {
        lock(self.budget).give_back(self.call);
        if let Some((portion, round)) = self.portion {
            lock(portion).give_back(round);
        }
    }

    fn learn(&self, headers: &HeaderMap, now: Instant, utc: DateTime<Utc>) {
        let mut budget = lock(self.budget);
        budget.learn(self.call, headers, now, utc);
        if let Some((portion, Some(round))) = self.portion {
            let terms = budget.terms(now);
            drop(budget);
            lock(portion).hear(round, terms);
        }
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
        if let Some(counted) = &self.counted {
            counted.learn(headers, Instant::now(), utc);
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
        shared: Option<Arc<dyn SharedBudget>>,
        max_concurrent: usize,
    ) -> Self {
        Self {
            concurrency: Semaphore::new(max_concurrent.min(Semaphore::MAX_PERMITS)),
            breaker: breaker.map(|policy| Mutex::new(Breaker::new(policy))),
            rate: rate.map(|policy| RateGate {
                budget: Mutex::new(RateBudget::new(&policy, Instant::now())),
                policy,
                shared: shared.map(|store| Shared {
                    store,
                    portion: Mutex::default(),
                    asking: tokio::sync::Mutex::default(),
                }),
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
        credential: impl Fn() -> Option<CredentialId>,
    ) -> Result<Passage<'_>, Error> {
        // The semaphore is never closed, so this always succeeds.
        let place = self.concurrency.acquire().await.ok();
        let counted = match &self.rate {
            None => None,
            Some(rate) => Some(rate.wait(operation, class, credential).await?),
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

    /// Stops all traffic for a while, and that of the processes that share the budget.
    pub(super) async fn block(
        &self,
        wait: Duration,
        credential: impl Fn() -> Option<CredentialId>,
    ) {
        let Some(rate) = &self.rate else { return };
        lock(&rate.budget).block(wait, Instant::now());
        if let Some(shared) = &rate.shared
            && let Some(credential) = credential()
        {
            shared.block(&credential, wait).await;
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

    /// For how much longer no call is admitted by the circuit breaker.
    pub(super) fn circuit_opens_in(&self) -> Option<Duration> {
        lock(self.breaker.as_ref()?).opens_in(Instant::now())
    }

    /// What is left of the rate budget.
    pub(super) fn rate_left(&self) -> Option<RateLeft> {
        let rate = self.rate.as_ref()?;
        Some(lock(&rate.budget).left(Instant::now()))
    }
}

impl RateGate {
    async fn wait(
        &self,
        operation: &'static str,
        class: Class,
        credential: impl Fn() -> Option<CredentialId>,
    ) -> Result<CountedCall<'_>, Error> {
        let latest = Instant::now() + self.policy.max_wait();
        let shared = self.shared.as_ref();
        let shared = shared.and_then(|shared| Some((shared, credential()?)));
        let mut waiting = None;
        loop {
            let now = Instant::now();
            let next = shared.as_ref().map(|(shared, credential)| {
                let writes = lock(&self.budget).waiting_writes();
                shared.next(credential, class, writes, now)
            });
            let wait = match next {
                Some(Next::Wait(wait)) => wait,
                Some(Next::Ask) => {
                    if let Some((shared, credential)) = &shared {
                        shared.ask(credential, class, &self.budget).await;
                    }
                    continue;
                }
                None | Some(Next::Go(_)) => {
                    let admitted = lock(&self.budget).admit(class, now);
                    match (admitted, &shared) {
                        (Err(wait), _) => wait,
                        (Ok(call), None) => {
                            return Ok(CountedCall {
                                budget: &self.budget,
                                call,
                                portion: None,
                            });
                        }
                        (Ok(call), Some((shared, credential))) => {
                            let writes = lock(&self.budget).waiting_writes();
                            if let Some(round) = shared.take(credential, class, writes, now) {
                                return Ok(CountedCall {
                                    budget: &self.budget,
                                    call,
                                    portion: Some((&shared.portion, round)),
                                });
                            }
                            // Somebody else was faster.
                            lock(&self.budget).give_back(call);
                            continue;
                        }
                    }
                }
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

impl Shared {
    fn next(&self, credential: &CredentialId, class: Class, writes: u32, now: Instant) -> Next {
        lock(&self.portion).next(credential, class, writes, now)
    }

    /// Takes a call, and returns its round.
    fn take(
        &self,
        credential: &CredentialId,
        class: Class,
        writes: u32,
        now: Instant,
    ) -> Option<Option<u64>> {
        let mut portion = lock(&self.portion);
        match portion.next(credential, class, writes, now) {
            Next::Go(round) => {
                portion.take(round);
                Some(round)
            }
            Next::Wait(_) | Next::Ask => None,
        }
    }

    /// Asks the store for a portion, unless somebody else has just done so.
    async fn ask(&self, credential: &CredentialId, class: Class, budget: &Mutex<RateBudget>) {
        let _turn = self.asking.lock().await;
        let now = Instant::now();
        let (terms, writes) = {
            let budget = lock(budget);
            (budget.terms(now), budget.waiting_writes())
        };
        if self.next(credential, class, writes, now) != Next::Ask {
            return;
        }
        let request = lock(&self.portion).request(class, &terms, now);
        let reserved = self.store.reserve(credential, &request);
        match tokio::time::timeout(STORE_TIMEOUT, reserved).await {
            Ok(Ok(grant)) => lock(&self.portion).granted(credential, class, &grant, now),
            Ok(Err(cause)) => {
                tracing::warn!(error = %cause, "the shared rate budget could not be asked");
                lock(&self.portion).failed(credential, &terms, Instant::now());
            }
            Err(_) => {
                tracing::warn!("the shared rate budget did not answer in time");
                lock(&self.portion).failed(credential, &terms, Instant::now());
            }
        }
    }

    async fn block(&self, credential: &CredentialId, wait: Duration) {
        let blocked = self.store.block(credential, wait);
        match tokio::time::timeout(STORE_TIMEOUT, blocked).await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => {
                tracing::warn!(error = %cause, "other processes could not be told of a rate limit");
            }
            Err(_) => tracing::warn!("other processes could not be told of a rate limit in time"),
        }
    }
}
