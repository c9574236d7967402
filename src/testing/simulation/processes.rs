//! The host's processes: they work, side by side too, they die, and they fall asleep in the middle
//! of their work.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::sync::{Engine, Error, StepReport, SweepReport, SyncEngine};
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

/// Polls a future up to this many times, over and over.
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

/// Polls a future whenever it is woken, which is when an answer has come that it waited for. Once it
/// waits again, `is_enough` may end that, given how often it was polled.
async fn poll_until<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
    is_enough: impl Fn(u32) -> bool,
) -> Option<T> {
    let mut polls = 0;
    poll_fn(|context| {
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if is_enough(polls) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn step(engine: Arc<Engine>) -> Step {
    engine.step().await
}

impl History {
    pub(super) async fn engine_steps(&self) {
        for _ in 0..self.chance.number(1..5) {
            for report in self.next_steps().await {
                self.note(format!("step: {report:?}"));
            }
        }
    }

    /// One step of a process, or one of each at once.
    pub(super) async fn next_steps(&self) -> Vec<Option<StepReport>> {
        let steps = join_all(self.world.next_engines().into_iter().map(step)).await;
        let reports = steps.into_iter().map(|report| report.expect(STORE));
        reports.collect()
    }

    pub(super) async fn several_workers(&self) {
        let most = u32::try_from(self.world.setting.workers).unwrap_or(u32::MAX - 1);
        let workers = 0..self.chance.number(2..most.max(2) + 1);
        let workers: Vec<_> = workers.map(|_| step(self.world.engine())).collect();
        self.world.tally.fault(Mishap::SideBySide);
        for report in join_all(workers).await {
            self.note(format!("one of several: {:?}", report.expect(STORE)));
        }
    }

    /// Up to which await a process may come before it ends.
    fn polls_to_the_end(&self) -> u32 {
        let setting = self.world.setting;
        self.chance.number(
            1..match (setting.is_simulated(), setting.real_io) {
                (true, _) => 40,
                (false, true) => 100,
                (false, false) => 400,
            },
        )
    }

    /// A process is stopped, and hands back at an await what it is about.
    pub(super) async fn stop_one(&self) {
        let polls = self.polls_to_the_end();
        let engine = self.world.engine();
        let mut turn = Box::pin(step(Arc::clone(&engine)));
        let mut ended = self.cut_off(turn.as_mut(), polls).await;
        if ended.is_none() {
            engine.hand_back();
            self.world.tally.fault(Mishap::HandedBack);
            ended = Some(turn.await);
        }
        let report = ended.map(|ended| ended.expect(STORE));
        self.note(format!("stopped after {polls} polls: {report:?}"));
    }

    /// Some processes die at an await.
    pub(super) async fn crash(&mut self) {
        let polls = self.polls_to_the_end();
        let workers = 0..self.chance.number(1..3);
        let workers: Vec<_> = workers.map(|_| step(self.world.engine())).collect();
        let ended = self.cut_off(pin!(join_all(workers)), polls).await;
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

    /// Works for so long at the most; each poll leads to the next await.
    async fn cut_off<T>(&self, work: Pin<&mut impl Future<Output = T>>, polls: u32) -> Option<T> {
        if self.world.setting.real_io {
            poll_until(work, |polled| polled >= polls).await
        } else {
            poll_some(work, polls).await
        }
    }

    /// One tenant after the other is swept, whenever the last time was.
    pub(super) async fn sweep_once(&self) -> String {
        self.broken_off.set(true);
        let (mut reports, mut is_complete) = (Vec::new(), true);
        for customer in &self.world.customers {
            let engine = self.world.engine();
            let swept = engine.sweep(&customer.id, Duration::ZERO).await;
            let swept = swept.expect(STORE);
            is_complete &= swept.as_ref().is_some_and(SweepReport::is_complete);
            reports.push(format!("{swept:?}"));
        }
        self.broken_off.set(!is_complete);
        reports.join("; ")
    }

    /// Both sides are swept from their beginning to their end. A sweep goes on where the last one broke
    /// off, and leaves to the next what was too young when it was passed.
    pub(super) async fn sweep_whole(&self) -> String {
        let rest = match self.broken_off.get() {
            true => format!("{}; and then ", self.sweep_once().await),
            false => String::new(),
        };
        rest + &self.sweep_once().await
    }

    /// A sweep that dies at an await; the next one goes on once its lease has run out.
    pub(super) async fn cut_off_a_sweep(&self) {
        let polls = self.chance.number(1..30);
        let mut sweep = Box::pin(self.sweep_once());
        let ended = self.cut_off(sweep.as_mut(), polls).await;
        self.note(format!("sweep cut off after {polls} polls: {ended:?}"));
    }

    /// A process falls asleep at an await; most often the lease runs out meanwhile, and others go
    /// on.
    pub(super) async fn put_aside(&mut self) {
        let polls = self.chance.number(1..40);
        let mut turn = Box::pin(step(self.world.engine()));
        let ended = if self.world.setting.real_io {
            // Elsewhere it may hold a lock of its database, and nobody could do anything.
            let (calls, known) = (&self.world.exchange.calls, self.sleepers.len());
            poll_until(turn.as_mut(), |polled| {
                polled >= polls && calls.count() > known
            })
            .await
        } else {
            poll_some(turn.as_mut(), polls).await
        };
        if let Some(report) = ended {
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
