//! The rate limit: a number of requests per minute and credential, then a minute of refusals.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// How the limit stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) allowed: bool,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Seconds from now.
    pub(super) reset: i64,
}

struct Window {
    ends: DateTime<Utc>,
    used: u32,
    blocked: bool,
}

pub(super) struct Limiter {
    limit: u32,
    windows: HashMap<String, Window>,
}

impl Limiter {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            windows: HashMap::new(),
        }
    }

    /// Counts one request. Both the window and the refusal after it last a minute (observed:
    /// blocked for 60 s).
    pub(super) fn count(&mut self, credential: &str, now: DateTime<Utc>) -> Standing {
        let minute = TimeDelta::seconds(60);
        let window = self
            .windows
            .entry(credential.to_owned())
            .and_modify(|window| {
                if window.ends <= now {
                    *window = Window {
                        ends: now + minute,
                        used: 0,
                        blocked: false,
                    };
                }
            })
            .or_insert(Window {
                ends: now + minute,
                used: 0,
                blocked: false,
            });
        if !window.blocked {
            window.used = window.used.saturating_add(1);
            if window.used > self.limit {
                window.blocked = true;
                window.ends = now + minute;
            }
        }
        let left = window.ends - now;
        Standing {
            allowed: !window.blocked,
            limit: self.limit,
            remaining: self.limit.saturating_sub(window.used),
            reset: (left.num_milliseconds() + 999) / 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excess_is_refused_for_a_minute_from_then_on() {
        let start = DateTime::UNIX_EPOCH;
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let mut limiter = Limiter::new(2);
        assert_eq!(limiter.count("a", at(0)).remaining, 1);
        assert!(limiter.count("a", at(30)).allowed);
        let refused = limiter.count("a", at(50));
        assert_eq!((refused.allowed, refused.reset), (false, 60));
        assert!(!limiter.count("a", at(109)).allowed);
        assert!(
            limiter.count("b", at(109)).allowed,
            "each credential by itself"
        );
        assert!(limiter.count("a", at(110)).allowed);
    }
}
