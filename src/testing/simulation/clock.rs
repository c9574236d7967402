//! The time of a history.

use std::time::Duration;

use crate::ambient::Clock;
use crate::testing::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};

/// Tells the history's time. Where the runtime's clock stands still unless everybody sleeps, both
/// are one: whoever waits for an answer for longer than a lease has lost the lease.
#[derive(Clone, Debug)]
pub(super) struct SimClock {
    shown: ManualClock,
    /// Since when the runtime's time counts too.
    since: Option<tokio::time::Instant>,
    skew: TimeDelta,
}

impl SimClock {
    pub(super) fn new(start: DateTime<Utc>, is_the_runtimes: bool) -> Self {
        Self {
            shown: ManualClock::at(start),
            since: is_the_runtimes.then(tokio::time::Instant::now),
            skew: TimeDelta::zero(),
        }
    }

    /// The clock of a machine that goes wrong by so much.
    pub(super) fn wrong_by(&self, skew: TimeDelta) -> Self {
        Self {
            skew,
            ..self.clone()
        }
    }

    pub(super) async fn advance(&self, by: Duration) {
        if self.since.is_some() {
            tokio::time::sleep(by).await;
        } else {
            self.shown.advance(by);
        }
    }

    pub(super) fn shared(&self) -> std::sync::Arc<dyn Clock> {
        std::sync::Arc::new(self.clone())
    }
}

impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        let passed = self.since.map(|since| since.elapsed()).unwrap_or_default();
        self.shown.now() + TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX) + self.skew
    }
}
