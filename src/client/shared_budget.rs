//! A rate budget that several processes share, as a port and as a pure state machine.
//!
//! A credential's limit holds for all processes together. So each reserves a portion of it, a
//! twelfth, and spends that without asking again. What is reserved counts as spent, whether or not it
//! is.
//!
//! The server's windows begin with the first request after the last one ended, which nobody but the
//! server sees. A **round** of the shared budget therefore lasts until every window of the server's
//! that one of its calls can have begun is over: while no response has told of the window, until a
//! whole window after the last possible arrival; afterwards, until the window's end. So no window of
//! the server's belongs to two rounds, and a round never spends more than the limit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::idempotency::StoreFailure;
use crate::ambient::{Clock, SystemClock};

/// The reciprocal of the share of a limit that is reserved at once.
const PORTION: u32 = 12;

/// The reciprocal of the share of a limit that is reserved for writes.
const RESERVED_FOR_WRITES: u32 = 10;

/// How long a portion may be spent while no response has told of the server's window.
const UNTOLD: Duration = Duration::from_secs(5);

/// How long a request may be on its way: the default timeout of an attempt.
const ON_THE_WAY: Duration = Duration::from_secs(15);

/// How long before the end of the server's window the last request is sent. It covers the whole
/// seconds of the headers and an ordinary time on the way.
const GUARD: Duration = Duration::from_secs(3);

/// How long after the end of the server's window the next round begins.
const ROUNDING: Duration = Duration::from_secs(2);

/// What a credential's budget is known by: a SHA-256 of the credential and the server's address,
/// from which neither can be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialId([u8; 32]);

impl CredentialId {
    /// The id with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as a store keeps them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the credential in these headers; `None` if there is none, because limits then hold
    /// for an address and not for an account.
    pub(super) fn of(base_url: &Url, headers: &HeaderMap) -> Option<Self> {
        let credential = headers
            .get("x-cal-client-id")
            .or_else(|| headers.get(AUTHORIZATION))?;
        let mut hash = Sha256::new();
        hash.update(b"calcom rate budget\0");
        hash.update(base_url.as_str());
        hash.update(b"\0");
        hash.update(credential.as_bytes());
        Some(Self(hash.finalize().into()))
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({}…)", hex::encode(&self.0[..4]))
    }
}

/// What a process asks of a shared budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetRequest {
    /// The limit, as far as the process knows it.
    pub limit: u32,
    /// How long a window of the server's lasts.
    pub window: Duration,
    /// Whether a write is waiting. The last tenth of the limit is kept for writes.
    pub is_write: bool,
    /// The latest that the server has told the process.
    pub heard: Option<Heard>,
}

impl BudgetRequest {
    /// A request for a portion of this limit.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit,
            window,
            is_write: false,
            heard: None,
        }
    }

    /// Marks the request as one for a write.
    #[must_use]
    pub fn for_write(mut self) -> Self {
        self.is_write = true;
        self
    }

    /// Sets what the server has told.
    #[must_use]
    pub fn with_heard(mut self, heard: Heard) -> Self {
        self.heard = Some(heard);
        self
    }
}

/// What the response to a call told of the server's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// The round that the call was made in.
    pub round: u64,
    /// How many calls the server has counted.
    pub used: u32,
    /// How long the server's window lasts at least; `None` if the server tells nothing of it.
    pub resets_after: Option<Duration>,
    /// How long it lasts at most.
    pub resets_within: Duration,
}

impl Heard {
    /// What a response told in a round.
    pub fn new(
        round: u64,
        used: u32,
        resets_after: Option<Duration>,
        resets_within: Duration,
    ) -> Self {
        Self {
            round,
            used,
            resets_after,
            resets_within,
        }
    }
}

/// The answer to a [`BudgetRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// How many calls may be made; zero if there are none left.
    pub calls: u32,
    /// How long they may be made. What is not made by then lapses.
    pub lasts: Duration,
    /// How long until the next round, or until a block ends.
    pub renews_in: Duration,
    /// The number of the round.
    pub round: u64,
}

/// The rate budget of a credential, shared by processes.
///
/// Set with [`ClientBuilder::shared_budget`](super::ClientBuilder::shared_budget). The logic is that
/// of [`BudgetState`]; a store keeps one per credential and gives it the time.
///
/// # Contract
///
/// - Both calls are atomic: they change the state of a credential one after another.
/// - Time is the store's, and the same for all processes.
/// - The state of a credential that was not used for a day may be discarded.
/// - A call that was dropped may have been carried out. The portion then lapses.
#[async_trait]
pub trait SharedBudget: fmt::Debug + Send + Sync + 'static {
    /// Reserves a portion of a credential's limit.
    async fn reserve(
        &self,
        credential: &CredentialId,
        request: &BudgetRequest,
    ) -> Result<Grant, StoreFailure>;

    /// Gives nobody a portion for a while, because the server responded with 429.
    async fn block(&self, credential: &CredentialId, wait: Duration) -> Result<(), StoreFailure>;
}

/// The shared budget of one credential: a pure state machine that a [`SharedBudget`] stores.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::client::{BudgetRequest, BudgetState};
///
/// let now = "2026-12-01T08:00:00Z".parse()?;
/// let mut state = BudgetState::default();
/// let request = BudgetRequest::new(120, Duration::from_secs(60));
/// assert_eq!(state.reserve(&request, now).calls, 10);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    round: u64,
    spent: u32,
    /// When the round's first portion was reserved.
    began_at: DateTime<Utc>,
    /// When the next round begins.
    renews_at: DateTime<Utc>,
    /// Until when portions may be spent, once a response has told of the server's window.
    told_until: Option<DateTime<Utc>>,
    blocked_until: Option<DateTime<Utc>>,
}

impl BudgetState {
    /// Reserves a portion, if there is one.
    pub fn reserve(&mut self, request: &BudgetRequest, now: DateTime<Utc>) -> Grant {
        if let Some(until) = self.blocked_until
            && now < until
        {
            return self.none(until, now);
        }
        self.blocked_until = None;
        // Later than this only if the clock was set back.
        let latest = after(now, request.window + UNTOLD + ON_THE_WAY);
        self.renews_at = self.renews_at.min(latest);
        if self.renews_at <= now {
            self.round += 1;
            self.spent = 0;
            self.began_at = now;
            self.told_until = None;
        }
        let limit = request.limit.max(1);
        if let Some(heard) = &request.heard
            && heard.round == self.round
        {
            self.spent = self.spent.max(heard.used.min(limit));
            self.hear(heard, request.window, now);
        }
        let left = limit.saturating_sub(self.spent);
        let kept = limit / RESERVED_FOR_WRITES;
        let calls = match left.checked_sub(kept) {
            Some(free) if free > 0 => free.min((limit / PORTION).max(1)),
            // One at a time, so that nobody keeps what somebody else's write waits for.
            _ if request.is_write => left.min(1),
            _ => 0,
        };
        let lasts = match self.told_until {
            Some(until) => (until - now).to_std().unwrap_or_default(),
            None => UNTOLD,
        };
        if calls == 0 || lasts.is_zero() {
            return self.none(self.renews_at, now);
        }
        self.spent += calls;
        if self.told_until.is_none() {
            self.renews_at = latest;
        }
        Grant {
            calls,
            lasts,
            renews_in: (self.renews_at - now).to_std().unwrap_or_default(),
            round: self.round,
        }
    }

    /// Gives out nothing for a while.
    pub fn block(&mut self, wait: Duration, now: DateTime<Utc>) {
        self.blocked_until = self.blocked_until.max(Some(after(now, wait)));
    }

    fn hear(&mut self, heard: &Heard, window: Duration, now: DateTime<Utc>) {
        let ends = after(now, heard.resets_within + ROUNDING);
        if self.told_until.is_some() {
            // Of a further window, if it ends later.
            self.renews_at = self.renews_at.max(ends);
            return;
        }
        // A server that tells nothing has begun its window in this round.
        let over = match heard.resets_after {
            Some(resets_after) => after(now, resets_after),
            None => after(self.began_at, window),
        };
        // Whatever was reserved arrives before the window is over. Otherwise it may begin the next
        // one, and the round goes on as if nothing was known.
        if over >= after(now, UNTOLD + ON_THE_WAY) {
            self.told_until = Some(over - GUARD);
            self.renews_at = self.renews_at.min(ends);
        }
    }

    fn none(&self, until: DateTime<Utc>, now: DateTime<Utc>) -> Grant {
        Grant {
            calls: 0,
            lasts: Duration::ZERO,
            renews_in: (until - now).to_std().unwrap_or_default(),
            round: self.round,
        }
    }
}

fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
    now.checked_add_signed(wait)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A budget that the clients of one process share, for several clients with one credential. Clones
/// share it.
#[derive(Clone, Debug)]
pub struct InMemorySharedBudget {
    states: Arc<Mutex<HashMap<CredentialId, BudgetState>>>,
    clock: Arc<dyn Clock>,
}

impl Default for InMemorySharedBudget {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }
}

impl InMemorySharedBudget {
    /// A budget that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            states: Arc::default(),
            clock,
        }
    }

    fn change<T>(
        &self,
        credential: &CredentialId,
        change: impl FnOnce(&mut BudgetState, DateTime<Utc>) -> T,
    ) -> T {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        change(states.entry(*credential).or_default(), self.clock.now())
    }
}

#[async_trait]
impl SharedBudget for InMemorySharedBudget {
    async fn reserve(
        &self,
        credential: &CredentialId,
        request: &BudgetRequest,
    ) -> Result<Grant, StoreFailure> {
        Ok(self.change(credential, |state, now| state.reserve(request, now)))
    }

    async fn block(&self, credential: &CredentialId, wait: Duration) -> Result<(), StoreFailure> {
        self.change(credential, |state, now| state.block(wait, now));
        Ok(())
    }
}
