//! The worker: processes due links, and events of other senders, until none are left, or until it is
//! stopped. It also sweeps tenants and prunes on a schedule, and delivers notifications.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::error::Error;
use super::review::with_causes;
use super::sync_engine::{StepReport, SyncEngine};
use crate::store::Retention;

/// How long a worker waits after a store failure before it tries again.
const STORE_FAILURE_DELAY: Duration = Duration::from_secs(1);

/// How often a worker looks for tenants to be swept: this many times within the time between two
/// sweeps, but not less often, nor more often, than these.
const SWEEP_LOOKS: u32 = 10;
const LONGEST_SWEEP_PAUSE: Duration = Duration::from_secs(60);
const SHORTEST_SWEEP_PAUSE: Duration = Duration::from_millis(100);

/// How often a worker delivers notifications.
const NOTIFY_PAUSE: Duration = Duration::from_secs(1);

/// How often a worker prunes, and how many rows of each kind at once.
const PRUNE_PAUSE: Duration = Duration::from_secs(60 * 60);
const PRUNED_AT_ONCE: u32 = 500;

/// How long a lane for events that has found none pauses at least: a nudge may be about links.
const EVENTS_PAUSE: Duration = Duration::from_millis(50);

/// A worker's settings: plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerConfig {
    /// How many links are processed concurrently. Default: 4.
    pub concurrency: usize,
    /// How many events of other senders are handled concurrently; with 0, this worker handles none.
    /// Default: 4.
    pub event_concurrency: usize,
    /// Maximum sleep while nothing seems due; work recorded by other processes is found after this
    /// long. Default: 1 s.
    pub poll_interval: Duration,
    /// How long after one [sweep](SyncEngine::sweep) of a tenant the next one is due; `None` if this
    /// worker sweeps nothing. Default: 15 min.
    pub sweep_every: Option<Duration>,
    /// Whether this worker delivers [notifications](super::Notifier). Default: yes.
    pub notifies: bool,
    /// How long finished rows, of all tenants, are kept; this worker prunes every hour. Default: bodies
    /// of webhooks for 30 days, everything else for good.
    pub retention: Retention,
    /// How long after one [sync of a tenant's services](SyncEngine::sync_services) the next one is
    /// due; `None` if this worker syncs none. Default: 15 min.
    pub services_every: Option<Duration>,
    /// How long a stopped worker waits for the work in progress before it
    /// [hands it back](SyncEngine::hand_back). Keep it below the time after which your supervisor
    /// kills the process; what is killed waits until its [lease](super::SyncConfig::lease) has run
    /// out. Default: 20 s.
    pub shutdown_grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            concurrency: 4,
            event_concurrency: 4,
            poll_interval: Duration::from_secs(1),
            sweep_every: Some(Duration::from_secs(15 * 60)),
            notifies: true,
            retention: Retention::default(),
            services_every: Some(Duration::from_secs(15 * 60)),
            shutdown_grace: Duration::from_secs(20),
        }
    }
}

/// Processes due links. Any number of workers, in any number of processes, may share a store.
#[derive(Clone, Debug)]
pub struct Worker {
    engine: Arc<dyn SyncEngine>,
    config: WorkerConfig,
}

impl Worker {
    /// A worker with default settings.
    pub fn new(engine: Arc<dyn SyncEngine>) -> Self {
        Self {
            engine,
            config: WorkerConfig::default(),
        }
    }

    /// Changes the settings.
    #[must_use]
    pub fn with_config(mut self, config: WorkerConfig) -> Self {
        self.config = config;
        self
    }

    /// Works until nothing is due now, events of other senders included, and reports every step with a
    /// link. Does not wait for what is due later.
    ///
    /// # Errors
    ///
    /// The first store failure; work in progress is finished before it is returned.
    pub async fn drain(&self) -> Result<Vec<StepReport>, Error> {
        let mut lanes = JoinSet::new();
        for _ in 0..self.config.concurrency.max(1) {
            let engine = Arc::clone(&self.engine);
            lanes.spawn(async move {
                let mut reports = Vec::new();
                while let Some(report) = engine.step().await? {
                    reports.push(report);
                }
                Ok::<_, Error>(reports)
            });
        }
        for _ in 0..self.config.event_concurrency {
            let engine = Arc::clone(&self.engine);
            lanes.spawn(async move {
                while engine.step_events().await?.is_some() {}
                Ok(Vec::new())
            });
        }
        let mut reports = Vec::new();
        let mut failure = None;
        while let Some(lane) = lanes.join_next().await {
            match lane {
                Ok(Ok(done)) => reports.extend(done),
                Ok(Err(error)) => failure = failure.or(Some(error)),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(reports),
        }
    }

    /// Works until `stop` completes; nothing new is begun then. Work in progress is finished, or after
    /// the [grace](WorkerConfig::shutdown_grace) handed back, for other workers to go on with. A sweep in
    /// progress is left where it stands, and the next one goes on from there.
    pub async fn run_until(&self, stop: impl Future<Output = ()> + Send) {
        let (stopping, _) = tokio::sync::watch::channel(false);
        let mut lanes = JoinSet::new();
        for _ in 0..self.config.concurrency.max(1) {
            let lane = Self::lane(
                Arc::clone(&self.engine),
                self.config.poll_interval,
                stopping.subscribe(),
            );
            lanes.spawn(lane);
        }
        for _ in 0..self.config.event_concurrency {
            // In lanes of their own: a handler that hangs holds up no turn.
            let lane = Self::event_lane(
                Arc::clone(&self.engine),
                self.config.poll_interval,
                stopping.subscribe(),
            );
            lanes.spawn(lane);
        }
        if let Some(every) = self.config.sweep_every {
            let engine = Arc::clone(&self.engine);
            let sweep = move || {
                let engine = Arc::clone(&engine);
                async move { engine.sweep_due(every).await.map(drop) }
            };
            let pause = looks_within(every);
            lanes.spawn(repeat(
                sweep,
                pause,
                "a sweep of the tenants",
                stopping.subscribe(),
            ));
        }
        if self.config.notifies {
            let engine = Arc::clone(&self.engine);
            // In a lane of its own: a notifier that hangs holds up no turn.
            let deliver = move || {
                let engine = Arc::clone(&engine);
                async move { engine.deliver_notifications().await.map(drop) }
            };
            let what = "a delivery of notifications";
            lanes.spawn(repeat(deliver, NOTIFY_PAUSE, what, stopping.subscribe()));
        }
        // Also where all of this is kept for good: a store may hold rows of the client's, which expire.
        let (engine, retention) = (Arc::clone(&self.engine), self.config.retention);
        let prune = move || prune_all(Arc::clone(&engine), retention);
        let what = "the pruning of old rows";
        lanes.spawn(repeat(prune, PRUNE_PAUSE, what, stopping.subscribe()));
        if let Some(every) = self.config.services_every {
            let engine = Arc::clone(&self.engine);
            let sync = move || {
                let engine = Arc::clone(&engine);
                async move { engine.sync_services_due(every).await.map(drop) }
            };
            let pause = looks_within(every);
            lanes.spawn(repeat(
                sync,
                pause,
                "a sync of the services",
                stopping.subscribe(),
            ));
        }
        stop.await;
        // The lanes hold receivers, so that this cannot fail while there are any.
        let _ = stopping.send(true);
        let grace = tokio::time::timeout(self.config.shutdown_grace, join(&mut lanes)).await;
        if grace.is_err() {
            tracing::info!("work in progress is handed back, as the worker stops");
            self.engine.hand_back();
            join(&mut lanes).await;
        }
    }

    async fn lane(
        engine: Arc<dyn SyncEngine>,
        poll_interval: Duration,
        mut stopping: tokio::sync::watch::Receiver<bool>,
    ) {
        while !*stopping.borrow() {
            // Turns contain their own panics; one of the bookkeeping must not end the lane either.
            let pause = match AssertUnwindSafe(engine.step()).catch_unwind().await {
                Ok(Ok(Some(_))) => {
                    // Where there is one due link there may be more for the other lanes.
                    engine.nudge();
                    continue;
                }
                Ok(Ok(None)) => None,
                Ok(Err(error)) => {
                    let causes = with_causes(&error);
                    tracing::warn!(error = %causes, "a step of the sync engine failed");
                    Some(STORE_FAILURE_DELAY)
                }
                Err(_) => {
                    tracing::error!("a step of the sync engine panicked");
                    Some(STORE_FAILURE_DELAY)
                }
            };
            let idle = async {
                match pause {
                    // Work is due, and asking when would return at once.
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => engine.wait_for_work(poll_interval).await,
                }
            };
            tokio::select! {
                () = idle => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        }
    }

    async fn event_lane(
        engine: Arc<dyn SyncEngine>,
        poll_interval: Duration,
        mut stopping: tokio::sync::watch::Receiver<bool>,
    ) {
        while !*stopping.borrow() {
            // Handlers' panics are contained; one of the bookkeeping must not end the lane either.
            let pause = match AssertUnwindSafe(engine.step_events()).catch_unwind().await {
                Ok(Ok(Some(_))) => continue,
                Ok(Ok(None)) => EVENTS_PAUSE,
                Ok(Err(error)) => {
                    let causes = with_causes(&error);
                    tracing::warn!(error = %causes, "a step with events of other senders failed");
                    STORE_FAILURE_DELAY
                }
                Err(_) => {
                    tracing::error!("a step with events of other senders panicked");
                    STORE_FAILURE_DELAY
                }
            };
            let idle = async {
                tokio::time::sleep(pause).await;
                engine.wait_for_events(poll_interval).await;
            };
            tokio::select! {
                () = idle => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        }
    }
}

async fn join(lanes: &mut JoinSet<()>) {
    while let Some(lane) = lanes.join_next().await {
        if let Err(panic) = lane {
            std::panic::resume_unwind(panic.into_panic());
        }
    }
}

/// How often to look for tenants that are due for what is done `every` so long.
fn looks_within(every: Duration) -> Duration {
    (every / SWEEP_LOOKS).clamp(SHORTEST_SWEEP_PAUSE, LONGEST_SWEEP_PAUSE)
}

/// Does a piece of work over and over, with a pause after each, until it is stopped. A failure or a
/// panic is logged, and ends neither this nor the other lanes.
async fn repeat<W: Future<Output = Result<(), Error>>>(
    work: impl Fn() -> W,
    pause: Duration,
    what: &'static str,
    mut stopping: tokio::sync::watch::Receiver<bool>,
) {
    loop {
        let round = async {
            match AssertUnwindSafe(work()).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    let causes = with_causes(&error);
                    tracing::warn!(error = %causes, "{what} failed");
                }
                Err(_) => tracing::error!("{what} panicked"),
            }
            tokio::time::sleep(pause).await;
        };
        tokio::select! {
            () = round => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Prunes in small batches, and pauses for as long as each took, so that others get their turn.
async fn prune_all(engine: Arc<dyn SyncEngine>, retention: Retention) -> Result<(), Error> {
    loop {
        let begun = tokio::time::Instant::now();
        if engine.prune(&retention, PRUNED_AT_ONCE).await?.total() == 0 {
            return Ok(());
        }
        tokio::time::sleep(begun.elapsed()).await;
    }
}
