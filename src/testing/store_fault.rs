//! Scripted faults of a store: where they strike, and what goes wrong.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient::Entropy;
use crate::store::{StoreError, StoreErrorKind};
use crate::testing::SeededEntropy;

/// A call of a store or of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StoreOperation {
    /// [`Links::claim`](crate::store::Links::claim)
    Claim,
    /// [`Links::checkpoint`](crate::store::Links::checkpoint)
    Checkpoint,
    /// [`Links::settle`](crate::store::Links::settle)
    Settle,
    /// [`Links::absorb`](crate::store::Links::absorb)
    Absorb,
    /// [`Links::find`](crate::store::Links::find)
    Find,
    /// [`Links::mark`](crate::store::Links::mark)
    Mark,
    /// [`Links::next_due`](crate::store::Links::next_due)
    NextDue,
    /// [`Outbox::record`](crate::store::Outbox::record)
    Record,
    /// [`Outbox::changes`](crate::store::Outbox::changes)
    Changes,
    /// [`Inbox::accept`](crate::store::Inbox::accept)
    Accept,
    /// [`Inbox::deliveries`](crate::store::Inbox::deliveries)
    Deliveries,
    /// [`Inbox::webhook_health`](crate::store::Inbox::webhook_health)
    WebhookHealth,
    /// [`Reviews::open_reviews`](crate::store::Reviews::open_reviews)
    OpenReviews,
    /// [`Reviews::reviews`](crate::store::Reviews::reviews)
    FilterReviews,
    /// [`Reviews::count_reviews`](crate::store::Reviews::count_reviews)
    CountReviews,
    /// [`Reviews::review`](crate::store::Reviews::review)
    Review,
    /// [`Reviews::resolve`](crate::store::Reviews::resolve)
    Resolve,
    /// [`Sweeps::begin_sweep`](crate::store::Sweeps::begin_sweep)
    BeginSweep,
    /// [`Sweeps::advance_sweep`](crate::store::Sweeps::advance_sweep)
    AdvanceSweep,
    /// [`Sweeps::end_sweep`](crate::store::Sweeps::end_sweep)
    EndSweep,
    /// [`SyncLog::log`](crate::store::SyncLog::log)
    Log,
    /// [`SyncLog::latest`](crate::store::SyncLog::latest)
    LatestLog,
    /// [`SyncLog::append`](crate::store::SyncLog::append)
    AppendLog,
    /// [`Tenants::is_paused`](crate::store::Tenants::is_paused)
    IsPaused,
    /// [`Tenants::resume`](crate::store::Tenants::resume)
    Resume,
    /// [`Tenants::pause`](crate::store::Tenants::pause)
    Pause,
    /// [`Upkeep::prune`](crate::store::Upkeep::prune)
    Prune,
    /// [`ServiceLinks::begin_service_sync`](crate::store::ServiceLinks::begin_service_sync)
    BeginServiceSync,
    /// [`ServiceLinks::service_links`](crate::store::ServiceLinks::service_links)
    ServiceLinks,
    /// [`ServiceLinks::store_service_link`](crate::store::ServiceLinks::store_service_link)
    StoreServiceLink,
    /// [`ServiceLinks::end_service_sync`](crate::store::ServiceLinks::end_service_sync)
    EndServiceSync,
    /// [`Reports::history`](crate::store::Reports::history)
    History,
    /// [`Reports::link_status`](crate::store::Reports::link_status)
    LinkStatus,
    /// [`Reports::work_counts`](crate::store::Reports::work_counts)
    WorkCounts,
    /// [`Reports::activity`](crate::store::Reports::activity)
    Activity,
    /// [`Reports::waiting_changes`](crate::store::Reports::waiting_changes)
    WaitingChanges,
    /// [`Erasure::erase_tenant`](crate::store::Erasure::erase_tenant)
    EraseTenant,
    /// [`Erasure::links`](crate::store::Erasure::links)
    Links,
    /// [`Erasure::replace_state`](crate::store::Erasure::replace_state)
    ReplaceState,
    /// [`Erasure::bodies`](crate::store::Erasure::bodies)
    Bodies,
    /// [`Erasure::empty_bodies`](crate::store::Erasure::empty_bodies)
    EmptyBodies,
    /// [`Erasure::replace_evidence`](crate::store::Erasure::replace_evidence)
    ReplaceEvidence,
    /// [`SenderEvents::accept_event`](crate::store::SenderEvents::accept_event)
    AcceptEvent,
    /// [`SenderEvents::claim_event`](crate::store::SenderEvents::claim_event)
    ClaimEvent,
    /// [`SenderEvents::end_event`](crate::store::SenderEvents::end_event)
    EndEvent,
    /// [`SenderEvents::retry_event`](crate::store::SenderEvents::retry_event)
    RetryEvent,
    /// [`SenderEvents::hand_back_event`](crate::store::SenderEvents::hand_back_event)
    HandBackEvent,
    /// [`SenderEvents::park_event`](crate::store::SenderEvents::park_event)
    ParkEvent,
    /// [`SenderEvents::sender_events`](crate::store::SenderEvents::sender_events)
    SenderEvents,
    /// [`SenderEvents::event_bodies`](crate::store::SenderEvents::event_bodies)
    EventBodies,
    /// [`SenderEvents::empty_event_bodies`](crate::store::SenderEvents::empty_event_bodies)
    EmptyEventBodies,
    /// [`Documents::document`](crate::store::Documents::document)
    Document,
    /// [`Documents::document_versions`](crate::store::Documents::document_versions)
    DocumentVersions,
    /// [`Documents::save_document`](crate::store::Documents::save_document)
    SaveDocument,
    /// [`AppointmentRepository::get`](crate::store::AppointmentRepository::get)
    Get,
    /// [`AppointmentRepository::create_for_booking`](crate::store::AppointmentRepository::create_for_booking)
    CreateForBooking,
    /// [`AppointmentRepository::update`](crate::store::AppointmentRepository::update)
    Update,
    /// [`AppointmentRepository::scan`](crate::store::AppointmentRepository::scan)
    Scan,
    /// [`AppointmentDesk::take`](crate::store::AppointmentDesk::take)
    Take,
    /// [`AppointmentDesk::requested`](crate::store::AppointmentDesk::requested)
    Requested,
    /// [`AppointmentDesk::revise`](crate::store::AppointmentDesk::revise)
    Revise,
    /// [`AppointmentDesk::by_phone`](crate::store::AppointmentDesk::by_phone)
    ByPhone,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreTrouble {
    /// Nothing is carried out, and the call fails with this.
    Fails(StoreErrorKind),
    /// The call is carried out, and then fails with this: a connection that was lost before the
    /// answer.
    CarriedOutThenFails(StoreErrorKind),
    /// The call is carried out after this long.
    SlowBefore(Duration),
    /// The call is carried out, and answered after this long.
    SlowAfter(Duration),
    /// Nothing is carried out, and the call never returns.
    Hangs,
    /// The call is carried out, and never returns.
    CarriedOutThenHangs,
    /// Nothing is carried out, and the call panics.
    Panics,
}

/// One scripted fault of a store. It strikes once by default.
///
/// ```
/// use calcom::store::StoreErrorKind;
/// use calcom::testing::{StoreFault, StoreOperation, StoreTrouble};
///
/// // The second and third settlement are stored, but never answered.
/// let lost = StoreTrouble::CarriedOutThenFails(StoreErrorKind::Unavailable);
/// let fault = StoreFault::new(StoreOperation::Settle, lost).skip_first(1).times(2);
/// # let _ = fault;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFault {
    /// `None` strikes everywhere.
    operation: Option<StoreOperation>,
    trouble: StoreTrouble,
    skip: u32,
    times: Option<u32>,
}

impl StoreFault {
    /// A fault that strikes once, at the first call of this kind.
    pub fn new(operation: StoreOperation, trouble: StoreTrouble) -> Self {
        Self {
            operation: Some(operation),
            trouble,
            skip: 0,
            times: Some(1),
        }
    }

    /// A fault that strikes once, at the first call of any kind.
    pub fn anywhere(trouble: StoreTrouble) -> Self {
        Self {
            operation: None,
            ..Self::new(StoreOperation::Claim, trouble)
        }
    }

    /// Strikes this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes until [`StoreFaults::clear`].
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Skips the first opportunities.
    #[must_use]
    pub fn skip_first(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// Whether it strikes at this call; counts opportunities down.
    fn strikes(&mut self, operation: StoreOperation) -> bool {
        if self.operation.is_some_and(|wanted| wanted != operation) || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(times) = &mut self.times {
            *times -= 1;
        }
        true
    }
}

/// The faults of a store, scripted or by chance, and a count of the calls. Clones are the same
/// faults: a store and a repository that share them follow one script.
///
/// The earliest scripted fault that applies strikes; only where none does, chance decides.
#[derive(Clone, Debug, Default)]
pub struct StoreFaults(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    faults: Vec<StoreFault>,
    chance: Option<Chance>,
    calls: BTreeMap<StoreOperation, u64>,
    struck: BTreeMap<StoreOperation, u64>,
}

#[derive(Debug)]
struct Chance {
    entropy: SeededEntropy,
    percent: u64,
    /// The longest wait of a call that is slow.
    longest: Duration,
}

impl Chance {
    fn trouble(&self) -> Option<StoreTrouble> {
        let unavailable = StoreErrorKind::Unavailable;
        if self.entropy.next_u64() % 100 >= self.percent {
            return None;
        }
        let longest = u64::try_from(self.longest.as_micros()).unwrap_or(u64::MAX);
        let wait = || Duration::from_micros(self.entropy.next_u64() % longest.max(1));
        Some(match self.entropy.next_u64() % 4 {
            0 => StoreTrouble::Fails(unavailable),
            1 => StoreTrouble::CarriedOutThenFails(unavailable),
            2 => StoreTrouble::SlowBefore(wait()),
            _ => StoreTrouble::SlowAfter(wait()),
        })
    }
}

impl StoreFaults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Faults by chance, decided by a seed: `percent` of all calls are unavailable, before or after
    /// they were carried out, or slow by up to 5 ms.
    pub fn seeded(seed: u64, percent: u32) -> Self {
        let faults = Self::new();
        faults.script().chance = Some(Chance {
            entropy: SeededEntropy::new(seed),
            percent: percent.into(),
            longest: Duration::from_millis(5),
        });
        faults
    }

    /// Adds a fault to the script.
    pub fn inject(&self, fault: StoreFault) {
        self.script().faults.push(fault);
    }

    /// Removes all faults, those by chance too. The counts stay.
    pub fn clear(&self) {
        let mut script = self.script();
        script.faults.clear();
        script.chance = None;
    }

    /// How many calls of this kind were made, struck or not.
    pub fn calls(&self, operation: StoreOperation) -> u64 {
        let script = self.script();
        script.calls.get(&operation).copied().unwrap_or_default()
    }

    /// How many calls of this kind were struck by a fault.
    pub fn struck(&self, operation: StoreOperation) -> u64 {
        let script = self.script();
        script.struck.get(&operation).copied().unwrap_or_default()
    }

    /// All calls and those that were struck, by kind.
    pub fn counts(&self) -> BTreeMap<StoreOperation, (u64, u64)> {
        let script = self.script();
        let calls = script.calls.iter();
        calls
            .map(|(operation, calls)| {
                let struck = script.struck.get(operation).copied().unwrap_or_default();
                (*operation, (*calls, struck))
            })
            .collect()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, operation: StoreOperation) -> Option<StoreTrouble> {
        let mut script = self.script();
        *script.calls.entry(operation).or_default() += 1;
        let struck = script
            .faults
            .iter_mut()
            .find_map(|fault| fault.strikes(operation).then_some(fault.trouble));
        let by_chance = || script.chance.as_ref().and_then(Chance::trouble);
        let trouble = struck.or_else(by_chance)?;
        *script.struck.entry(operation).or_default() += 1;
        Some(trouble)
    }

    /// Makes a call, with what goes wrong.
    pub(super) async fn call<T>(
        &self,
        operation: StoreOperation,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let Some(trouble) = self.next(operation) else {
            return call.await;
        };
        let error = |kind| StoreError::new(kind, format!("a fault was injected at {operation:?}"));
        match trouble {
            StoreTrouble::Fails(kind) => Err(error(kind)),
            StoreTrouble::CarriedOutThenFails(kind) => {
                call.await?;
                Err(error(kind))
            }
            StoreTrouble::SlowBefore(wait) => {
                tokio::time::sleep(wait).await;
                call.await
            }
            StoreTrouble::SlowAfter(wait) => {
                let answer = call.await;
                tokio::time::sleep(wait).await;
                answer
            }
            StoreTrouble::Hangs => std::future::pending().await,
            StoreTrouble::CarriedOutThenHangs => {
                call.await?;
                std::future::pending().await
            }
            StoreTrouble::Panics => panic!("a panic was injected at {operation:?}"),
        }
    }
}
