//! A store on trial, and the time that passes for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::fixtures::at;
use crate::store::Store;
use crate::testing::ManualClock;

/// Lets time pass for a store.
///
/// A store that takes a [`Clock`](crate::ambient::Clock) is driven by a [`ManualClock`]. A store
/// that goes by a clock of its own, such as a database's, either adds an offset to it in tests,
/// which is raised here, or is waited for: [`RealTime`].
#[async_trait]
pub trait PassTime: std::fmt::Debug + Send + Sync + 'static {
    /// Returns once the store's clock shows at least that much more than it did.
    async fn pass(&self, by: Duration);
}

#[async_trait]
impl PassTime for ManualClock {
    async fn pass(&self, by: Duration) {
        self.advance(by);
    }
}

/// Lets time pass by waiting for it, for a store whose clock nobody can move.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealTime;

#[async_trait]
impl PassTime for RealTime {
    async fn pass(&self, by: Duration) {
        // A little more, for clocks that do not run quite alike.
        tokio::time::sleep(by + Duration::from_millis(100)).await;
    }
}

/// An empty store on trial, with the time that passes for it. Clones are the same store and the
/// same time.
#[derive(Clone, Debug)]
pub struct Bench {
    pub(super) store: Arc<dyn Store>,
    time: Arc<dyn PassTime>,
}

impl Bench {
    /// A store with nothing in it, and how time passes for it.
    pub fn new(store: Arc<dyn Store>, time: impl PassTime) -> Self {
        Self {
            store,
            time: Arc::new(time),
        }
    }

    /// A clock for a store that takes one. It stands still until a promise lets time pass.
    pub fn clock() -> ManualClock {
        ManualClock::at(at(0))
    }

    pub(super) async fn pass(&self, by: Duration) {
        self.time.pass(by).await;
    }
}
