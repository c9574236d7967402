//! The monitor: looks, takes turns among the tenants, and remembers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::gauges;
use super::observed::{BooksObserved, Observed, TenantObserved};
use super::thresholds::HealthThresholds;
use super::verdict::{Health, HealthStatus};
use crate::ambient::{Clock, SystemClock};
use crate::store::TenantId;
use crate::sync::error::Error;
use crate::sync::operate::Operations;
use crate::sync::review::with_causes;

/// After how many intervals without a look nothing is known any more.
const OUTDATED_AFTER: u32 = 3;

/// The span of success rates.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A monitor's settings: plain data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MonitorConfig {
    /// How often to look, and how long a look may take. Default: 5 s.
    pub interval: Duration,
    /// How many tenants to look at each time, in turn; a store is read four times at most for each.
    /// With 1,000 tenants and the defaults, each is looked at every 4 min. Default: 20.
    pub tenants_per_look: u32,
    /// The span that counts as recent: over it is seen how long webhooks wait until they are applied,
    /// and whether none comes although sweeps find changes. At least one sweep must fall into it.
    /// Rates are those of a day. Default: 1 h.
    pub recent_span: Duration,
    /// From when on something is not healthy.
    pub thresholds: HealthThresholds,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            tenants_per_look: 20,
            recent_span: Duration::from_secs(60 * 60),
            thresholds: HealthThresholds::default(),
        }
    }
}

/// Looks at the engine's surroundings on a schedule, and knows how they are.
///
/// ```
/// # async fn run(engine: std::sync::Arc<calcom::sync::Engine>) {
/// use std::sync::Arc;
///
/// use calcom::sync::Monitor;
///
/// let monitor = Arc::new(Monitor::new(engine));
/// let looking = Arc::clone(&monitor);
/// tokio::spawn(async move { looking.run_until(std::future::pending()).await });
/// println!("{}", monitor.health().status); // from what is known, without asking anybody
/// # }
/// ```
pub struct Monitor {
    engine: Arc<dyn Operations>,
    config: MonitorConfig,
    clock: Arc<dyn Clock>,
    /// One look at a time.
    looking: tokio::sync::Mutex<Round>,
    known: Mutex<Known>,
}

/// Where the next look goes on, and what the earlier ones saw.
#[derive(Debug, Default)]
struct Round {
    tenants: BTreeMap<TenantId, TenantObserved>,
    /// The tenant that was looked at last; `None` at the beginning of the directory.
    last: Option<TenantId>,
    directory_answers: bool,
}

/// What is told to whoever asks.
#[derive(Debug, Default)]
struct Known {
    health: Option<Arc<Health>>,
    looked_at: Option<(Instant, DateTime<Utc>)>,
    is_ready: bool,
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Monitor {
    /// A monitor with default settings.
    pub fn new(engine: Arc<dyn Operations>) -> Self {
        Self {
            engine,
            config: MonitorConfig::default(),
            clock: Arc::new(SystemClock),
            looking: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// Changes the settings.
    #[must_use]
    pub fn with_config(mut self, config: MonitorConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the clock that timestamps are from.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks every [interval](MonitorConfig::interval) until `stop` completes.
    pub async fn run_until(&self, stop: impl Future<Output = ()> + Send) {
        let looking = async {
            let mut ticks = tokio::time::interval(self.config.interval.max(SHORTEST_INTERVAL));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.refresh().await;
            }
        };
        tokio::select! {
            () = stop => {}
            () = looking => {}
        }
    }

    /// Looks once: at the store, at the directory, and at the tenants whose turn it is. Takes no
    /// longer than two intervals; the tenants that are not reached come first next time.
    pub async fn refresh(&self) {
        let mut round = self.looking.lock().await;
        let limit = self.config.interval.max(SHORTEST_INTERVAL);
        let probed = tokio::time::timeout(limit, self.engine.probe_storage()).await;
        let storage = match probed {
            Ok(Ok(took)) => Some(took),
            Ok(Err(error)) => {
                tracing::debug!(error = %with_causes(&error), "the storage does not answer");
                None
            }
            Err(_) => None,
        };
        let look = self.look_at_tenants(&mut round, storage.is_some());
        if tokio::time::timeout(limit, look).await.is_err() {
            tracing::debug!("not all tenants whose turn it was could be looked at in time");
        }
        let seen = Observed {
            at: self.clock.now(),
            storage,
            directory_answers: round.directory_answers,
            tenants: round.tenants.values().cloned().collect(),
        };
        let health = Arc::new(Health::of(&seen, &self.config.thresholds));
        gauges::set(&seen, &health);
        let mut known = self.known();
        let before = known.health.replace(Arc::clone(&health));
        known.looked_at = Some((Instant::now(), seen.at));
        known.is_ready = storage.is_some() && round.directory_answers;
        drop(known);
        report_changes(before.as_deref(), &health);
    }

    /// The health as it is known, without asking anybody. Unhealthy if nobody has looked for three
    /// intervals.
    pub fn health(&self) -> Health {
        let known = self.known();
        let (Some(health), Some((looked_at, at))) = (&known.health, known.looked_at) else {
            let nothing = Observed {
                at: self.clock.now(),
                ..Observed::default()
            };
            let health = Health::of(&nothing, &self.config.thresholds);
            return health.outdated("The monitor has not looked yet.");
        };
        let health = Health::clone(health);
        if self.is_outdated(looked_at) {
            let since = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            return health.outdated(&format!("The monitor has not looked since {since}."));
        }
        health
    }

    /// Whether the store answered and the tenants could be listed when the monitor last looked, not
    /// more than three intervals ago.
    pub fn is_ready(&self) -> bool {
        let known = self.known();
        let looked = known.looked_at;
        known.is_ready && looked.is_some_and(|(looked_at, _)| !self.is_outdated(looked_at))
    }

    fn is_outdated(&self, looked_at: Instant) -> bool {
        looked_at.elapsed() > self.config.interval.max(SHORTEST_INTERVAL) * OUTDATED_AFTER
    }

    /// Looks at the next few tenants. May be dropped at any point.
    async fn look_at_tenants(&self, round: &mut Round, storage_answers: bool) {
        let limit = self.config.tenants_per_look.max(1);
        let mut page = match self.page(round, limit).await {
            Some(page) => page,
            None => return,
        };
        if page.is_empty() && round.last.is_some() {
            round.forget_after_last();
            page = match self.page(round, limit).await {
                Some(page) => page,
                None => return,
            };
        }
        let is_last = page.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        for id in page {
            let before = round.tenants.get(&id);
            let before = before.and_then(|tenant| tenant.books.clone());
            let seen = self.look_at(&id, before.as_ref(), storage_answers).await;
            round.put(id, seen);
        }
        if is_last {
            round.forget_after_last();
        }
    }

    async fn page(&self, round: &mut Round, limit: u32) -> Option<Vec<TenantId>> {
        // Unless an answer says otherwise.
        round.directory_answers = false;
        match self.engine.tenants(round.last.as_ref(), limit).await {
            Ok(page) => {
                round.directory_answers = true;
                Some(page)
            }
            Err(error) => {
                tracing::debug!(error = %with_causes(&error), "the tenants cannot be listed");
                None
            }
        }
    }

    async fn look_at(
        &self,
        id: &TenantId,
        before: Option<&BooksObserved>,
        storage_answers: bool,
    ) -> TenantObserved {
        let setup = self.engine.setup(id).await;
        let connection = self.engine.connection(id).await;
        let books = match storage_answers {
            true => self.books(id, before).await.map_err(|error| {
                let error = with_causes(&error);
                tracing::debug!(tenant = %id, error, "the books cannot be read");
            }),
            // What was seen of them is kept: how things are is not known.
            false => before.cloned().ok_or(()),
        };
        TenantObserved {
            setup: setup.ok().flatten(),
            connection: connection.ok().flatten(),
            books: books.ok(),
        }
    }

    async fn books(
        &self,
        id: &TenantId,
        before: Option<&BooksObserved>,
    ) -> Result<BooksObserved, Error> {
        let day = self.engine.overview(id, DAY).await?;
        // Most tenants are at rest most of the time.
        let lately = match day.webhooks.received + day.webhooks.found_by_sweep {
            0 => None,
            _ => Some(self.engine.overview(id, self.config.recent_span).await?),
        };
        Ok(BooksObserved::of(&day, lately.as_ref(), before))
    }
}

/// A monitor that looks without a pause would keep the store busy.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

impl Round {
    /// Notes what was seen of the tenant that follows the last one; those in between are gone.
    fn put(&mut self, id: TenantId, seen: TenantObserved) {
        let last = self.last.replace(id.clone());
        self.tenants
            .retain(|known, _| *known >= id || last.as_ref().is_some_and(|last| known <= last));
        self.tenants.insert(id, seen);
    }

    /// Begins anew; what is known of tenants behind the last one is of tenants that are gone.
    fn forget_after_last(&mut self) {
        let last = self.last.take();
        self.tenants
            .retain(|known, _| last.as_ref().is_some_and(|last| known <= last));
    }
}

/// Logs what has changed for the better or worse.
fn report_changes(before: Option<&Health>, now: &Health) {
    for (name, check) in &now.checks {
        let before = before.and_then(|health| health.checks.get(name));
        let was = before.map_or(HealthStatus::Healthy, |check| check.status);
        if check.status > was {
            let message = &check.message;
            let action = check.action.as_deref().unwrap_or_default();
            tracing::warn!(check = name, status = %check.status, was = %was, message, action, "health got worse");
        } else if check.status < was {
            tracing::info!(check = name, status = %check.status, was = %was, "health got better");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(known: &[&str], last: Option<&str>) -> Round {
        let tenants = known.iter();
        Round {
            tenants: tenants
                .map(|id| (TenantId::new(*id), TenantObserved::default()))
                .collect(),
            last: last.map(TenantId::new),
            directory_answers: true,
        }
    }

    fn known(round: &Round) -> Vec<&str> {
        round.tenants.keys().map(TenantId::as_str).collect()
    }

    #[test]
    fn tenants_that_are_gone_are_forgotten() {
        let mut round = round(&["a", "b", "c", "d", "e"], Some("a"));
        round.put("c".into(), TenantObserved::default());
        assert_eq!(known(&round), ["a", "c", "d", "e"]);
        round.put("f".into(), TenantObserved::default());
        assert_eq!(known(&round), ["a", "c", "f"]);
        round.last = Some("c".into());
        round.forget_after_last();
        assert_eq!((known(&round), round.last.clone()), (vec!["a", "c"], None));
        // The first one of the next pass.
        round.put("b".into(), TenantObserved::default());
        assert_eq!(known(&round), ["b", "c"]);
        round.last = None;
        round.forget_after_last();
        assert_eq!(known(&round), Vec::<&str>::new());
    }
}
