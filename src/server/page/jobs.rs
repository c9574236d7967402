//! Drift checks and repairs that run in the background, one for each tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::task::AbortHandle;

use super::desk::Visit;
use super::problem::{Problem, sentence};
use super::words::count;
use crate::store::{OperatorAction, TenantId, Window};
use crate::sync::{
    AuditCounts, AuditMode, AuditObserver, AuditParams, AuditProgress, AuditReport, AuditStop,
    Drift, SyncEngine,
};

/// The latest job of each tenant.
#[derive(Default)]
pub(super) struct Jobs(Mutex<HashMap<TenantId, Arc<Job>>>);

/// A check or a repair.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) mode: AuditMode,
    pub(super) window: Window,
    pub(super) brake_percent: Option<u32>,
    pub(super) by: String,
    pub(super) began: DateTime<Utc>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    progress: Progress,
    ended: Option<(Ended, DateTime<Utc>)>,
    running: Option<AbortHandle>,
}

/// How far a job has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// In percent.
    pub(super) percent: u32,
    pub(super) is_repairing: bool,
    pub(super) counts: AuditCounts,
}

/// How a job has ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    Reported(Arc<AuditReport>),
    Failed(&'static str),
    Stopped,
}

impl Jobs {
    pub(super) fn of(&self, tenant: &TenantId) -> Option<Arc<Job>> {
        self.lock().get(tenant).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a job, unless one is under way.
    pub(super) fn begin(&self, visit: &Visit, params: AuditParams) -> Result<(), Problem> {
        let job = Arc::new(Job {
            mode: params.mode,
            window: params.window,
            brake_percent: params.brake_percent,
            by: visit.operator.name.clone(),
            began: visit.now,
            state: Mutex::default(),
        });
        let mut jobs = self.lock();
        if jobs.get(&visit.tenant).is_some_and(|job| job.is_running()) {
            let why = "A check or a repair is under way. Wait for it, or stop it.";
            return Err(Problem::Conflict(why.to_owned()));
        }
        jobs.insert(visit.tenant.clone(), Arc::clone(&job));
        let params = params.with_observer(Arc::clone(&job) as Arc<dyn AuditObserver>);
        let run = run(visit.clone(), Arc::clone(&job), params);
        let running = tokio::spawn(run).abort_handle();
        job.lock().running = Some(running);
        Ok(())
    }
}

impl Job {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_running(&self) -> bool {
        self.lock().ended.is_none()
    }

    pub(super) fn progress(&self) -> Progress {
        self.lock().progress.clone()
    }

    pub(super) fn ended(&self) -> Option<(Ended, DateTime<Utc>)> {
        self.lock().ended.clone()
    }

    /// Stops it where it stands. What a repair has handed over by then is worked on.
    pub(super) fn stop(&self, now: DateTime<Utc>) -> bool {
        let mut state = self.lock();
        let is_running = state.ended.is_none();
        if is_running {
            state.ended = Some((Ended::Stopped, now));
            if let Some(running) = state.running.take() {
                running.abort();
            }
        }
        is_running
    }

    fn end(&self, ended: Ended, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.running = None;
        state.ended.get_or_insert((ended, now));
    }

    pub(super) fn action(&self) -> OperatorAction {
        match self.mode {
            AuditMode::CheckOnly => OperatorAction::CheckDrift,
            AuditMode::Repair => OperatorAction::RepairDrift,
        }
    }
}

#[async_trait]
impl AuditObserver for Job {
    async fn drift(&self, _: &Drift) {}

    async fn progress(&self, progress: &AuditProgress) {
        let whole = (self.window.until - self.window.from).num_seconds().max(1);
        let done = (progress.reached - self.window.from).num_seconds();
        let percent = u32::try_from((100 * done.clamp(0, whole)) / whole).unwrap_or(0);
        let mut state = self.lock();
        state.progress = Progress {
            // A repair goes through the window twice.
            percent: match (self.mode, progress.repairing) {
                (AuditMode::CheckOnly, _) => percent,
                (AuditMode::Repair, false) => percent / 2,
                (AuditMode::Repair, true) => 50 + percent / 2,
            },
            is_repairing: progress.repairing,
            counts: progress.counts.clone(),
        };
    }
}

/// Ends the job also if it panics.
struct Ends(Arc<Job>, Visit);

impl Drop for Ends {
    fn drop(&mut self) {
        let why = "It ended unexpectedly. What happened is in the log of the program.";
        self.0.end(Ended::Failed(why), self.1.desk.now());
    }
}

async fn run(visit: Visit, job: Arc<Job>, params: AuditParams) {
    let _ends = Ends(Arc::clone(&job), visit.clone());
    let report = SyncEngine::audit(visit.engine(), &visit.tenant, params).await;
    let now = visit.desk.now();
    let outcome = match report {
        Ok(report) => {
            let outcome = outcome(&report, job.mode);
            job.end(Ended::Reported(Arc::new(report)), now);
            outcome
        }
        Err(error) => {
            tracing::warn!(tenant = %visit.tenant, error = %error, "a drift check has failed");
            let why = sentence(&error);
            job.end(Ended::Failed(why), now);
            why.to_owned()
        }
    };
    visit.note(None, job.action(), &outcome).await;
}

fn outcome(report: &AuditReport, mode: AuditMode) -> String {
    let drift = count(report.counts.drift(), "difference", "differences");
    match (&report.stopped, mode) {
        (Some(AuditStop::Brake), _) => {
            format!("Found {drift}; the brake stopped the repair before it did anything.")
        }
        (Some(_), _) => format!("Found {drift}, and did not come to the end."),
        (None, AuditMode::CheckOnly) => format!("Found {drift}."),
        (None, AuditMode::Repair) => {
            let handed = report.notices_given + report.changes_recorded;
            format!("Found {drift}; handed {handed} over to be looked at.")
        }
    }
}
