//! Clock and chance: the only place where the crate looks at the world unasked.

use std::fmt;

use chrono::{DateTime, Utc};

/// Tells the time. Injected wherever time matters, so that a test can drive it.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A source of chance. Injected wherever chance matters, so that a run is a function of its seed.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// 64 bits that cannot be foretold.
    fn next_u64(&self) -> u64;
}

/// Random bytes for a secret, or an error: a secret must never be a constant.
#[cfg(feature = "client")]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn random_bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the operating system gave no random bytes"))?;
    Ok(bytes)
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn next_u64(&self) -> u64 {
        // Systems without a random source do not get as far as opening a connection; a constant would only cost the jitter
        // and, for sync keys, is caught by their uniqueness in the store.
        getrandom::u64().unwrap_or_default()
    }
}
