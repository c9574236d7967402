//! How many requests a source may send for a tenant.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// How many pairs of a tenant and a source are remembered. Both come from outside.
const MOST_PAIRS: u64 = 10_000;

/// Limits requests per tenant and source: a whole minute's worth at once, then one for each that
/// time gives back.
pub(super) struct RateLimit {
    interval: Duration,
    /// When the next request of each pair would be on time, if it sent them evenly.
    next: Cache<[u8; 32], Arc<Mutex<Instant>>>,
}

impl RateLimit {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let next = Cache::builder()
            .max_capacity(MOST_PAIRS)
            // Who was silent for so long has a whole minute's worth again.
            .time_to_idle(2 * MINUTE);
        Self {
            interval: MINUTE / per_minute.get(),
            next: next.build(),
        }
    }

    /// Counts a request, or says how long to wait with it.
    pub(super) async fn admit(
        &self,
        tenant: &str,
        source: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut pair = Sha256::new_with_prefix(tenant);
        pair.update([0]);
        pair.update(source);
        let first = async { Arc::new(Mutex::new(now)) };
        let next = self.next.get_with(pair.finalize().into(), first).await;
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = admit(*next, now, self.interval)?;
        Ok(())
    }
}

/// When the request after this one would be on time; or how long to wait, if this one is ahead of its
/// time by a minute or more.
fn admit(next: Instant, now: Instant, interval: Duration) -> Result<Instant, Duration> {
    let after = next.max(now) + interval;
    match (after - now).checked_sub(MINUTE) {
        Some(excess) if !excess.is_zero() => Err(excess),
        _ => Ok(after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minutes_worth_comes_at_once_and_then_one_at_a_time() {
        let limit = RateLimit::new(NonZeroU32::new(60).unwrap());
        let admit = || limit.admit("salon", "10.0.0.1", Instant::now());
        for _ in 0..60 {
            assert_eq!(admit().await, Ok(()));
        }
        assert_eq!(admit().await, Err(Duration::from_secs(1)));
        // What is refused is not counted.
        assert_eq!(admit().await, Err(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(admit().await, Err(Duration::from_millis(600)));
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!(admit().await, Ok(()));
        assert_eq!(admit().await, Err(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(3600)).await;
        for _ in 0..60 {
            assert_eq!(admit().await, Ok(()));
        }
        assert_eq!(admit().await, Err(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn each_tenant_and_each_source_has_its_own() {
        let limit = RateLimit::new(NonZeroU32::MIN);
        let pairs = [("a", "1"), ("a", "2"), ("b", "1"), ("a1", "")];
        for (tenant, source) in pairs {
            assert_eq!(limit.admit(tenant, source, Instant::now()).await, Ok(()));
            let again = limit.admit(tenant, source, Instant::now()).await;
            assert_eq!(again, Err(MINUTE));
        }
    }
}
