//! Clock and randomness: the only place where the crate reads either from the environment.

use std::fmt;

use chrono::{DateTime, Utc};

/// A source of time. Injected wherever time matters, so that tests can control it.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> DateTime<Utc>;
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A source of randomness.
///
/// Injected wherever randomness matters, so that a run depends only on its seed.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Returns 64 unpredictable bits.
    fn next_u64(&self) -> u64;
}

/// Returns random bytes for a secret, or an error, because a secret must never be a constant.
#[cfg(any(feature = "client", feature = "server"))]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn random_bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the operating system provided no random bytes"))?;
    Ok(bytes)
}

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn next_u64(&self) -> u64 {
        // Systems without a random source do not get as far as opening a connection. A constant
        // would only cost the jitter and, for sync keys, is caught by their uniqueness in the
        // store.
        getrandom::u64().unwrap_or_default()
    }
}
