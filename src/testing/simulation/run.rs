//! Running histories.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

#[cfg(feature = "postgres")]
use secrecy::SecretString;

use super::coverage::Tally;
use super::history::{Chronicle, History};
use super::host::{Scene, SimulatedHost};
use super::lock;
use super::plan::Setting;
use super::ready_made::{OneStore, OwnTable};
use super::trace::{BrokenPromise, Findings, Promise, Trace};

type Starting = Pin<Box<dyn Future<Output = Box<dyn SimulatedHost>> + Send>>;

/// How many processes a host has unless it is said.
const WORKERS: usize = 3;

/// Starts a host with nothing in it.
pub(super) type StartHost = dyn Fn(Scene) -> Starting + Send + Sync;

/// Plays histories: each is a function of its seed and of the host under test.
#[derive(Clone)]
pub struct Simulation {
    start: Arc<StartHost>,
    setting: Setting,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

impl Simulation {
    /// Plays against the host that `start` makes: a new one with nothing in it, for every seed.
    ///
    /// Time stands still but for the history's own moves. Then a host must do nothing but compute:
    /// one that waits for a database, a file or another thread needs
    /// [`in_real_time`](Self::in_real_time).
    pub fn new<F, H, S>(start: F) -> Self
    where
        F: Fn(Scene) -> S + Send + Sync + 'static,
        S: Future<Output = H> + Send + 'static,
        H: SimulatedHost,
    {
        let boxed = move |scene| -> Starting {
            let starting = start(scene);
            Box::pin(async move { Box::new(starting.await) as Box<dyn SimulatedHost> })
        };
        Self {
            start: Arc::new(boxed),
            setting: Setting {
                network: false,
                real_io: false,
                hosted: None,
                workers: WORKERS,
                at_once: false,
            },
        }
    }

    /// The store in memory, which keeps the appointments and the bookkeeping.
    pub fn in_memory() -> Self {
        Self::new(|scene| async move { OneStore::new(&scene) })
    }

    /// Appointments in another store than the bookkeeping, both in memory: a change is recorded
    /// after it was written, and now and then never.
    pub fn own_table() -> Self {
        Self::new(|scene| async move { OwnTable::new(&scene) })
    }

    /// A SQLite file in this folder, which has to exist, for each seed; it is removed after its
    /// history. The file keeps the appointments and the bookkeeping, and is opened anew after each
    /// crash.
    ///
    /// # Panics
    ///
    /// A run panics, and reports it as a broken promise, if the file cannot be opened.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let start = move |scene: Scene| {
            let folder = folder.clone();
            async move {
                let file = super::ready_made_sqlite::OneFile::new(&scene, &folder).await;
                file.expect("the SQLite file is opened")
            }
        };
        Self::new(start).in_real_time()
    }

    /// A schema of its own in this PostgreSQL database for each seed; it is dropped after its
    /// history. The schema keeps the appointments and the bookkeeping, and its clock is the
    /// history's. Each worker has connections of its own, which are lost in a crash, and all of
    /// them work [at once](Self::at_once).
    ///
    /// The address looks like `postgres://user:password@host:5432/database`; the role has to be
    /// allowed to make schemas, and to end sessions of its own.
    ///
    /// # Panics
    ///
    /// A run panics, and reports it as a broken promise, if the schema cannot be made.
    #[cfg(feature = "postgres")]
    pub fn postgres(address: impl Into<SecretString>) -> Self {
        let address = address.into();
        let start = move |scene: Scene| {
            let address = address.clone();
            async move {
                let schema = super::ready_made_postgres::OneSchema::new(&scene, &address).await;
                schema.expect("the PostgreSQL schema is made")
            }
        };
        Self::new(start).in_real_time().at_once()
    }

    /// How many processes the host has, each with a clock of its own; at least one. Default: 3.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.setting.workers = workers.max(1);
        self
    }

    /// All workers take every step at once, instead of one of them most of the time.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.setting.at_once = true;
        self
    }

    /// For a host that waits for anything but the history: a database, a file, another thread. The
    /// scene's clock still moves only with the history, and the host [is
    /// told](SimulatedHost::clock_moved).
    #[must_use]
    pub fn in_real_time(mut self) -> Self {
        self.setting.real_io = true;
        self
    }

    /// Reaches Cal.com over loopback with the crate's own client. Such a history is not quite a
    /// function of its seed.
    #[must_use]
    pub fn over_network(mut self) -> Self {
        self.setting.network = true;
        self
    }

    /// Only servers like the hosted service, or only self-hosted ones; else some of either. Has no
    /// effect in real time, where all are self-hosted.
    #[must_use]
    pub fn hosted(mut self, hosted: bool) -> Self {
        self.setting.hosted = Some(hosted);
        self
    }

    /// Plays the history of a seed, on a runtime of its own.
    ///
    /// # Panics
    ///
    /// If it is called from within an asynchronous runtime, or if the runtime cannot be built.
    pub fn run(&self, seed: u64) -> Trace {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self.setting.is_simulated())
            .build()
            .expect("the runtime of a history is built");
        let chronicle = Chronicle::default();
        let shared = Shared::default();
        let life = self.live(seed, chronicle.clone(), &shared);
        let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(Box::pin(life))));
        let (findings, tally) = lock(&shared.0).clone();
        let mut broken = findings.list();
        let (outcome, found_by_sweep) = ended.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            broken.push(BrokenPromise {
                promise: Promise::NoPanic,
                found: text.unwrap_or_default(),
            });
            Default::default()
        });
        Trace {
            seed,
            broken,
            history: chronicle.lines(),
            outcome,
            coverage: tally.coverage(),
            found_by_sweep,
        }
    }

    /// One history from its seed to its end. Returns what can be seen of it from outside, and how
    /// many pairs disagreed until they were swept.
    async fn live(&self, seed: u64, chronicle: Chronicle, shared: &Shared) -> (String, usize) {
        let mut history = History::new(self.setting, seed, &*self.start, chronicle).await;
        *lock(&shared.0) = (history.world.findings.clone(), history.world.tally.clone());
        history.live().await;
        history.come_to_rest().await;
        let gaps = history.keeps_its_promises().await;
        history.sweeps_and_rests().await;
        history.keeps_its_promises().await;
        if history.world.plan.lost > 0 {
            // What was lost turns up after all, late.
            history.world.post.lose_no_more();
            history.world.post.find_lost();
            history.come_to_rest().await;
            history.keeps_its_promises().await;
        }
        history.stays_at_rest().await;
        history.keeps_tenants_apart().await;
        let outcome = history.outcome().await;
        // What is still open keeps file descriptors, of which thousands of histories need too many.
        history.world.fake.shutdown().await;
        history.world.post.close();
        (outcome, gaps)
    }
}

/// What outlives a history that panics.
#[derive(Default)]
struct Shared(Mutex<(Findings, Tally)>);
