//! The host's processes: they work, side by side too, they die, and they fall asleep in the middle
//! of their work.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::sync::{Engine, Error, StepReport, SyncEngine};
use futures_util::future::join_all;

use super::STORE;
use super::coverage::Mishap;
use super::history::History;

type Step = Result<Option<StepReport>, Error>;

/// A turn that was put aside: its process sleeps, and does not know it.
pub(super) struct Sleeper {
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
    pub(super) async fn engine_steps(&self) {
        for _ in 0..self.chance.number(1..5) {
            let report = self.world.engine().step().await.expect(STORE);
            self.note(format!("step: {report:?}"));
        }
    }

    pub(super) async fn several_workers(&self) {
        let workers = 0..self.chance.number(2..4);
        let workers: Vec<_> = workers.map(|_| step(self.world.engine())).collect();
        self.world.tally.fault(Mishap::SideBySide);
        for report in join_all(workers).await {
            self.note(format!("one of several: {:?}", report.expect(STORE)));
        }
    }

    /// Some processes die at an await.
    pub(super) async fn crash(&mut self) {
        let most = if self.world.setting.is_simulated() {
            40
        } else {
            400
        };
        let polls = self.chance.number(1..most);
        let workers = 0..self.chance.number(1..3);
        let workers: Vec<_> = workers.map(|_| step(self.world.engine())).collect();
        let ended = {
            let workers = pin!(join_all(workers));
            poll_some(workers, polls).await
        };
        self.world.tally.fault(Mishap::Crash);
        self.note(format!("crash after {polls} polls; ended: {ended:?}"));
        self.sleepers.clear();
        self.world.restart().await;
        if self.chance.percent(50) {
            self.world.advance(Duration::from_secs(121)).await;
            self.world.tally.fault(Mishap::LeaseRunsOut);
            self.note("the lease runs out");
        }
    }

    /// One tenant after the other is swept, whenever the last time was.
    pub(super) async fn sweep_once(&self) -> String {
        let mut reports = Vec::new();
        for customer in &self.world.customers {
            let engine = self.world.engine();
            let swept = engine.sweep(&customer.id, Duration::ZERO).await;
            reports.push(format!("{:?}", swept.expect(STORE)));
        }
        reports.join("; ")
    }

    /// A sweep that dies at an await; the next one goes on once its lease has run out.
    pub(super) async fn cut_off_a_sweep(&self) {
        let polls = self.chance.number(1..30);
        let sweep = Box::pin(self.sweep_once());
        let ended = poll_some(pin!(sweep), polls).await;
        self.note(format!("sweep cut off after {polls} polls: {ended:?}"));
    }

    /// A process falls asleep at an await; most often the lease runs out meanwhile, and others go
    /// on.
    pub(super) async fn put_aside(&mut self) {
        if self.world.setting.real_io {
            // It may hold a lock of its database, and nobody could do anything.
            return;
        }
        let polls = self.chance.number(1..40);
        let mut turn = Box::pin(step(self.world.engine()));
        if let Some(report) = poll_some(turn.as_mut(), polls).await {
            self.note(format!("step: {:?}", report.expect(STORE)));
            return;
        }
        let name = self.chance.number(100..1000);
        self.world.tally.fault(Mishap::Asleep);
        self.note(format!("sleeper {name} falls asleep after {polls} polls"));
        self.sleepers.push(Sleeper { name, turn });
        if self.chance.percent(60) {
            self.world.advance(Duration::from_secs(125)).await;
            self.world.tally.fault(Mishap::LeaseRunsOut);
            self.note("the sleeper's lease runs out");
            self.engine_steps().await;
        }
    }

    pub(super) async fn wake_one(&mut self) {
        if self.sleepers.is_empty() {
            return;
        }
        let sleeper = self.sleepers.remove(0);
        let report = sleeper.turn.await;
        self.note(format!("sleeper {} ends: {report:?}", sleeper.name));
    }

    pub(super) async fn wake_all(&mut self) {
        while !self.sleepers.is_empty() {
            self.wake_one().await;
        }
    }
}
