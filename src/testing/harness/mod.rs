//! A host's repository, an engine and a fake Cal.com, put together for a test that drives them by
//! hand.

mod builder;
mod receiver;
mod report;
mod sides;
mod waiting;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient::Clock;
use crate::model::{EventTypeId, UserId};
use crate::store::{
    AppointmentId, AppointmentRepository, Change, Origin, Page, Resolution, ReviewItem, Store,
    TenantId,
};
use crate::sync::{
    Engine, StaticTenants, StepReport, SweepReport, SyncConfig, SyncEngine, Tenant, Worker,
};
use crate::testing::{Delivery, DeliveryOutcome, FakeCalcom, ManualClock, SeededEntropy};

pub use builder::HarnessBuilder;
use receiver::Receiver;
pub use report::{assert_in_sync, assert_no_doubles};
pub use sides::Sides;
pub use waiting::wait_until_settled;

/// How long [`Harness::settle`] follows work that becomes due later: longer than every schedule of
/// the engine's own, and shorter than the time between two sweeps of a host's.
const FOLLOWED: Duration = Duration::from_secs(14 * 60);

/// How often work may become due before it is taken for work without end.
const ROUNDS: usize = 2_000;

/// A whole integration in one process: the host's own repository, an engine over a store, and a
/// [`FakeCalcom`] on loopback whose webhooks reach the engine. Time stands still until the test
/// moves it, and nothing works until the test says so.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use calcom::model::{NewAttendee, NewBooking};
/// use calcom::store::{AppointmentState, AppointmentStatus, AppointmentWrite};
/// use calcom::store::{InMemoryStore, Origin, Person};
/// use calcom::testing::Harness;
///
/// let table = InMemoryStore::new(); // your adapter
/// let harness = Harness::builder(Arc::new(table.clone())).start().await?;
///
/// // Your application writes an appointment, and records that it did:
/// let (start, end) = ("2026-12-08T09:00:00Z".parse()?, "2026-12-08T09:30:00Z".parse()?);
/// let ann = Person::new("Ann", "ann@example.com", "Europe/Berlin");
/// let status = AppointmentStatus::Confirmed;
/// let state = AppointmentState::new(status, start, end, harness.event_type(), ann.clone());
/// let write = AppointmentWrite::new(state, Origin::Admin, start);
/// table.create_appointment(harness.tenant(), &"a-1".into(), write)?;
/// harness.record(&"a-1".into()).await;
/// harness.settle().await;
/// harness.assert_in_sync().await;
///
/// // An attendee moves it on Cal.com's page:
/// let booking = harness.fake().live_bookings().remove(0);
/// harness.fake().move_booking(&booking.uid, "2026-12-08T14:00:00Z".parse()?).await?;
/// harness.settle().await;
/// harness.assert_in_sync().await;
/// assert_eq!(table.appointments(harness.tenant())[0].origin, Origin::Calcom);
/// # let _ = (NewAttendee::from(&ann), |booking: NewBooking| booking);
/// # Ok(())
/// # }
/// ```
///
/// # What can be made to go wrong
///
/// Cal.com, by [`FakeCalcom::inject`]; the store and the repository, by giving the
/// [builder](Self::builder) a [`FaultyStore`](super::FaultyStore) or
/// [`FaultyAppointments`](super::FaultyAppointments); the process, by
/// [`restart`](Self::restart).
pub struct Harness {
    fake: FakeCalcom,
    sides: Sides,
    clock: ManualClock,
    config: SyncConfig,
    salon: Tenant,
    event_types: Vec<EventTypeId>,
    engine: Arc<Mutex<Arc<Engine>>>,
    /// Receives webhooks for as long as it lives.
    _receiver: Receiver,
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("fake", &self.fake)
            .field("tenant", self.tenant())
            .finish_non_exhaustive()
    }
}

impl Harness {
    /// A harness over a host's own repository.
    pub fn builder(appointments: Arc<dyn AppointmentRepository>) -> HarnessBuilder {
        HarnessBuilder::new(appointments)
    }

    /// Cal.com: book, move and cancel as an attendee does, inject faults, look at requests.
    pub fn fake(&self) -> &FakeCalcom {
        &self.fake
    }

    /// The clock of the fake, the engine and the harness's own store.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        self.sides.tenant()
    }

    /// The tenant's first event type, of 30 minutes unless the builder was told otherwise.
    pub fn event_type(&self) -> EventTypeId {
        self.fake.event_type_id()
    }

    /// All event types of the tenant, in the order in which the builder was given them.
    pub fn event_types(&self) -> &[EventTypeId] {
        &self.event_types
    }

    /// The Cal.com user who hosts the bookings.
    pub fn host(&self) -> UserId {
        self.fake.host_id()
    }

    /// The engine's bookkeeping.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.sides.store()
    }

    /// Both sides and the books between them, for the assertions.
    pub fn sides(&self) -> &Sides {
        &self.sides
    }

    /// The engine, until the next [`restart`](Self::restart).
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.current())
    }

    fn current(&self) -> MutexGuard<'_, Arc<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the host wrote an appointment, as it stands now.
    ///
    /// A host with an outbox of its own lets that do it instead.
    ///
    /// # Panics
    ///
    /// If there is no such appointment, or it cannot be read or recorded.
    pub async fn record(&self, id: &AppointmentId) {
        let read = self.sides.appointments().get(self.tenant(), id).await;
        let found = read.unwrap_or_else(|error| panic!("appointment {id} cannot be read: {error}"));
        let found = found.unwrap_or_else(|| panic!("there is no appointment {id}"));
        let change = Change::new(
            self.tenant().clone(),
            found.id,
            found.revision,
            found.origin,
            found.updated_at,
        );
        if let Err(error) = self.engine().record(&change).await {
            panic!("a change of appointment {id} cannot be recorded: {error}");
        }
    }

    /// Records that the host no longer has an appointment whose row it has deleted.
    ///
    /// `revision` is one more than the last one that the row had.
    ///
    /// # Panics
    ///
    /// If it cannot be recorded.
    pub async fn record_deleted(&self, id: &AppointmentId, revision: crate::store::Revision) {
        let tenant = self.tenant().clone();
        let now = self.clock.now();
        let change = Change::new(tenant, id.clone(), revision, Origin::System, now);
        if let Err(error) = self.engine().record(&change).await {
            panic!("the end of appointment {id} cannot be recorded: {error}");
        }
    }

    /// Works until nothing is due now, as a worker does.
    ///
    /// # Panics
    ///
    /// If the store fails.
    pub async fn work(&self) -> Vec<StepReport> {
        let mut reports = Vec::new();
        for _ in 0..ROUNDS {
            self.webhooks_arrive().await;
            let done = Worker::new(self.engine()).drain().await;
            let done = done.unwrap_or_else(|error| panic!("a step failed: {error}"));
            if done.is_empty() {
                return reports;
            }
            reports.extend(done);
        }
        panic!("after {ROUNDS} rounds there is still something due: {reports:?}");
    }

    /// Works, and lets time pass, until nothing is due for a quarter of an hour: retries, webhooks
    /// that are not there yet, and answers that never came are over then.
    ///
    /// # Panics
    ///
    /// If the store fails.
    pub async fn settle(&self) -> Vec<StepReport> {
        let mut reports = Vec::new();
        for _ in 0..ROUNDS {
            reports.extend(self.work().await);
            let due = self.store().next_due(u16::MAX).await;
            let due = due.unwrap_or_else(|error| panic!("the store fails: {error}"));
            match due {
                Some(wait) if wait <= FOLLOWED => {
                    self.pass(wait.max(Duration::from_millis(1)));
                }
                _ => return reports,
            }
        }
        panic!("after {ROUNDS} rounds there is still something due: {reports:?}");
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Sweeps the tenant, and works on what was found. What happened within the last minutes is
    /// still left to its webhook, so some time passes first.
    ///
    /// # Panics
    ///
    /// If the store fails, or somebody else sweeps.
    pub async fn sweep(&self) -> SweepReport {
        self.pass(self.config.webhook_lag + Duration::from_secs(60));
        let swept = self.engine().sweep(self.tenant(), Duration::ZERO).await;
        let swept = swept.unwrap_or_else(|error| panic!("the store fails: {error}"));
        let report = swept.unwrap_or_else(|| panic!("somebody else sweeps, or nobody may"));
        self.settle().await;
        report
    }

    /// Starts a new engine over the same store and the same repository, as a new process would:
    /// nothing in memory survives.
    pub fn restart(&self) {
        let engine = self.new_engine();
        *self.current() = engine;
    }

    fn new_engine(&self) -> Arc<Engine> {
        engine_over(&self.sides, &self.salon, &self.config, &self.clock)
    }

    /// The open review items, oldest first.
    ///
    /// # Panics
    ///
    /// If the store fails.
    pub async fn reviews(&self) -> Vec<ReviewItem> {
        let page = Page::first(1_000);
        let open = self.engine().open_reviews(self.tenant(), page).await;
        open.unwrap_or_else(|error| panic!("the store fails: {error}"))
    }

    /// Resolves the oldest open review item, as a person would, and works on it.
    ///
    /// # Panics
    ///
    /// If there is none, or it cannot be resolved in this way.
    pub async fn resolve(&self, resolution: Resolution) -> ReviewItem {
        let open = self.reviews().await;
        let oldest = open
            .first()
            .unwrap_or_else(|| panic!("nothing is in review"));
        let engine = self.engine();
        let resolved = engine.resolve(self.tenant(), oldest.id, resolution, "harness");
        let resolved = resolved
            .await
            .unwrap_or_else(|error| panic!("the item cannot be resolved so: {error}"));
        self.settle().await;
        resolved
    }

    /// [`assert_in_sync`], for the harness's sides.
    ///
    /// # Panics
    ///
    /// If they are not.
    pub async fn assert_in_sync(&self) {
        assert_in_sync(&self.sides).await;
    }

    /// [`assert_no_doubles`], for the harness's sides.
    ///
    /// # Panics
    ///
    /// If there are any.
    pub async fn assert_no_doubles(&self) {
        assert_no_doubles(&self.sides).await;
    }

    /// Waits for the webhooks that are on their way.
    async fn webhooks_arrive(&self) {
        let is_open = |delivery: &Delivery| delivery.outcome == DeliveryOutcome::Open;
        for _ in 0..400 {
            if !self.fake.deliveries().iter().any(is_open) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn engine_over(
    sides: &Sides,
    salon: &Tenant,
    config: &SyncConfig,
    clock: &ManualClock,
) -> Arc<Engine> {
    let tenants = Arc::new(StaticTenants::new([salon.clone()]));
    let (books, host) = (sides.store().clone(), sides.appointments().clone());
    let engine = Engine::builder(books, host, tenants)
        .config(config.clone())
        .sync_key_secret("a secret of the harness")
        .clock(clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}
