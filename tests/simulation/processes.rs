//! The host's processes: they work, side by side too, they die, and they fall asleep in the middle of their work.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use calcom::sync::{Engine, Error, StepReport, SyncEngine};
use futures_util::future::join_all;

use crate::history::History;
use crate::world::Setting;

type Step = Result<Option<StepReport>, Error>;

/// A turn that was put aside: its process sleeps, and does not know it.
pub(crate) struct Sleeper {
    name: u32,
    turn: Pin<Box<dyn Future<Output = Step>>>,
}

/// Polls a future so many times at the most.
async fn poll_some<T>(mut future: Pin<&mut impl Future<Output = T>>, polls: u32) -> Option<T> {
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
        tokio::task::yield_now().await;
    }
    None
}

async fn step(engine: Arc<Engine>) -> Step {
    engine.step().await
}

impl History {
    pub(crate) async fn engine_steps(&self) {
        for _ in 0..self.chance.number(1..5) {
            let report = self.world.engine().step().await.unwrap();
            self.note(format!("step: {report:?}"));
        }
    }

    pub(crate) async fn several_workers(&self) {
        let workers = 0..self.chance.number(2..4);
        let workers: Vec<_> = workers.map(|_| step(self.world.engine())).collect();
        for report in join_all(workers).await {
            self.note(format!("one of several: {:?}", report.unwrap()));
        }
    }

    /// Some processes die at an await.
    pub(crate) async fn crash(&mut self) {
        let polls = match self.world.setting {
            Setting::Memory => self.chance.number(1..40),
            _ => self.chance.number(1..400),
        };
        let workers = 0..self.chance.number(1..3);
        let workers: Vec<_> = workers.map(|_| step(self.world.engine())).collect();
        let ended = {
            let workers = pin!(join_all(workers));
            poll_some(workers, polls).await
        };
        self.note(format!("crash after {polls} polls; ended: {ended:?}"));
        self.sleepers.clear();
        self.world.restart().await;
        if self.chance.percent(50) {
            self.world.advance(Duration::from_secs(121)).await;
            self.note("the lease runs out");
        }
    }

    /// A process falls asleep at an await; most often the lease runs out meanwhile, and others go on.
    pub(crate) async fn put_aside(&mut self) {
        if self.world.setting == Setting::Sqlite {
            // It would hold the file's lock, and nobody could do anything.
            return;
        }
        let polls = self.chance.number(1..40);
        let mut turn = Box::pin(step(self.world.engine()));
        if let Some(report) = poll_some(turn.as_mut(), polls).await {
            self.note(format!("step: {:?}", report.unwrap()));
            return;
        }
        let name = self.chance.number(100..1000);
        self.note(format!("sleeper {name} falls asleep after {polls} polls"));
        self.sleepers.push(Sleeper { name, turn });
        if self.chance.percent(60) {
            self.world.advance(Duration::from_secs(125)).await;
            self.note("the sleeper's lease runs out");
            self.engine_steps().await;
        }
    }

    pub(crate) async fn wake_one(&mut self) {
        if self.sleepers.is_empty() {
            return;
        }
        let sleeper = self.sleepers.remove(0);
        let report = sleeper.turn.await;
        self.note(format!("sleeper {} ends: {report:?}", sleeper.name));
    }

    pub(crate) async fn wake_all(&mut self) {
        while !self.sleepers.is_empty() {
            self.wake_one().await;
        }
    }
}
