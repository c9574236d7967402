//! Signing in: attempts are limited, and a program can give out links that sign in once.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::ambient::random_bytes;

/// How long a link can be used.
const LINK: Duration = Duration::from_secs(10 * 60);
/// How many links can be open at once; the oldest makes room.
const MOST_LINKS: usize = 64;
/// How many attempts of a source may fail within a minute.
const MOST_FAILURES: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// How many sources are remembered. They come from outside.
const MOST_SOURCES: u64 = 10_000;

/// Links that sign an operator in, each once and within ten minutes: for a program that prints one
/// to its terminal. Keep a clone, and give the other to
/// [`OperationsConfig::with_sign_in_links`](super::OperationsConfig::with_sign_in_links).
///
/// ```
/// use calcom::server::SignInLinks;
///
/// # fn main() -> std::io::Result<()> {
/// let links = SignInLinks::default();
/// let path = links.mint("hanna")?;
/// println!("http://127.0.0.1:8080{path}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct SignInLinks(Arc<Mutex<HashMap<[u8; 32], Link>>>);

struct Link {
    name: String,
    until: Instant,
}

impl std::fmt::Debug for SignInLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInLinks")
    }
}

impl SignInLinks {
    /// A link for the operator whose token has this name: a path, below the one at which the page is
    /// nested. Whoever has it is that operator: show it to nobody else, and do not log it.
    ///
    /// # Errors
    ///
    /// If the operating system provides no random bytes.
    pub fn mint(&self, name: impl Into<String>) -> io::Result<String> {
        let code = hex::encode(random_bytes::<12>()?);
        let now = Instant::now();
        let mut links = self.lock();
        links.retain(|_, link| now < link.until);
        if links.len() >= MOST_LINKS {
            let oldest = links.iter().min_by_key(|(_, link)| link.until);
            let oldest = oldest.map(|(code, _)| *code);
            oldest.map(|code| links.remove(&code));
        }
        let link = Link {
            name: name.into(),
            until: now + LINK,
        };
        links.insert(digest(&code), link);
        Ok(format!("/in/{code}"))
    }

    /// Whose link a code is, if it can still be used.
    pub(super) fn look(&self, code: &str) -> Option<String> {
        let links = self.lock();
        let link = links.get(&digest(code))?;
        (Instant::now() < link.until).then(|| link.name.clone())
    }

    /// The same, and uses it up.
    pub(super) fn redeem(&self, code: &str) -> Option<String> {
        let link = self.lock().remove(&digest(code))?;
        (Instant::now() < link.until).then_some(link.name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Codes are looked up by their digests, so that the time of a look-up tells nothing about them.
fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

/// Counts failed attempts by source, for a minute from the first.
pub(super) struct Failures(Cache<String, Arc<AtomicU32>>);

impl Failures {
    pub(super) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MOST_SOURCES)
            .time_to_live(MINUTE);
        Self(cache.build())
    }

    /// Whether a source may try again.
    pub(super) async fn admits(&self, source: &str) -> bool {
        let count = self.0.get(source).await;
        count.is_none_or(|count| count.load(Ordering::Relaxed) < MOST_FAILURES)
    }

    pub(super) async fn add(&self, source: String) {
        let first = async { Arc::default() };
        let count = self.0.get_with(source, first).await;
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_signs_in_once_and_within_ten_minutes() {
        let links = SignInLinks::default();
        let mint = || links.mint("hanna").unwrap()["/in/".len()..].to_owned();
        let code = mint();
        assert_eq!(links.look(&code).as_deref(), Some("hanna"));
        assert_eq!(links.redeem(&code).as_deref(), Some("hanna"));
        assert_eq!(links.redeem(&code), None);
        let late = mint();
        tokio::time::advance(LINK - Duration::from_secs(1)).await;
        assert!(links.look(&late).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((links.look(&late), links.redeem(&late)), (None, None));
    }

    #[tokio::test]
    async fn the_oldest_link_makes_room() {
        let links = SignInLinks::default();
        let first = links.mint("hanna").unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        for _ in 0..MOST_LINKS {
            links.mint("hanna").unwrap();
        }
        assert_eq!(links.lock().len(), MOST_LINKS);
        assert_eq!(links.look(&first["/in/".len()..]), None);
    }
}
