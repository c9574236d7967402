//! Operating the engine from code: what an operations page, a health endpoint or a command line
//! tool stands on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::activity::{ActivityFilter, ActivityPage};
use super::bulk::{Cancellation, Cancelled, Resynced};
use super::condition::CalendarCondition;
use super::engine::Engine;
use super::error::Error;
use super::overview::Overview;
use super::persons::{PersonQuery, PersonReport};
use super::places::Places;
use super::review;
use super::standing::FORMAT;
use super::status::SyncStatus;
use super::subscription::SubscriptionError;
use super::sync_engine::SyncEngine;
use super::tenant::{Tenant, TenantSetup};
use super::webhook_test::WebhookTest;
use crate::model::EventTypeId;
use crate::store::{
    ActivitySlice, Appointment, AppointmentId, Change, Erased, HistoryEntry, HistoryPosition,
    LogEntry, LogEvent, LogId, LogScope, Page, Resolution, ReviewCount, ReviewFilter, ReviewId,
    ReviewItem, StoreError, TenantId, Window,
};

/// Reports, bulk operations, and erasure. A separate trait, because most hosts record, receive and
/// work, and few places operate.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use calcom::store::{InMemoryStore, Page, ReviewFilter, TenantId};
/// use calcom::sync::{Engine, Operations, StaticTenants};
///
/// let store = Arc::new(InMemoryStore::new());
/// let tenants = Arc::new(StaticTenants::default()); // yours
/// let engine = Engine::builder(store.clone(), store.clone(), tenants).build();
/// let tenant = TenantId::new("salon");
/// let day = Duration::from_secs(24 * 60 * 60);
/// let overview = engine.overview(&tenant, day).await?;
/// println!("{} open items, oldest work {:?}", overview.open_reviews(), overview.counts.oldest_due);
/// for entry in engine.history(&tenant, &"a-1".into(), Page::first(100)).await? {
///     println!("{} {:?}", entry.at, entry.event);
/// }
/// let overdue = ReviewFilter::open().older_than(day);
/// for item in engine.reviews(&tenant, &overdue, Page::first(50)).await? {
///     println!("{}: {}", item.id, item.reason);
/// }
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Operations: std::fmt::Debug + Send + Sync + 'static {
    /// Everything that is kept about one appointment, oldest first: changes, deliveries, what turns
    /// did, and review items.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn history(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>,
    ) -> Result<Vec<HistoryEntry>, Error>;

    /// The sync status of one appointment. Its revision and origin are the host's own words where the
    /// host answers, and those of the change that was recorded last where it does not.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<SyncStatus, Error>;

    /// Counts and ages of a tenant's work by state and origin, its queue, its open review items by
    /// reason, its webhooks, and how much of what ended within the last `within` ended well.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn overview(&self, tenant: &TenantId, within: Duration) -> Result<Overview, Error>;

    /// The tenant's review items that a filter lets through, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, Error>;

    /// Counts the tenant's review items that a filter lets through, by reason.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
    ) -> Result<Vec<ReviewCount>, Error>;

    /// [Resolves](SyncEngine::resolve) several review items in the same way. One result for each, in
    /// the order of `ids`; a failure of one stops no other.
    async fn resolve_all(
        &self,
        tenant: &TenantId,
        ids: &[ReviewId],
        resolution: &Resolution,
        by: &str,
    ) -> Vec<Result<ReviewItem, Error>>;

    /// [Records](SyncEngine::record) several changes. One result for each, in the order of
    /// `changes`; a failure of one stops no other.
    async fn record_all(&self, changes: &[Change]) -> Vec<Result<(), Error>>;

    /// Has both sides of several appointments read and compared, whatever the books say. One result
    /// for each, in the order of `appointments`; a failure of one stops no other. An appointment that
    /// the books do not know is recorded as it stands.
    ///
    /// An appointment in review stays there unless both sides are found to agree.
    async fn resync_all(
        &self,
        tenant: &TenantId,
        appointments: &[AppointmentId],
    ) -> Vec<Result<Resynced, Error>>;

    /// Cancels several appointments: each is cancelled in the host's repository, by compare-and-swap
    /// on its revision, and recorded, so that its booking is cancelled as usual. One result for each,
    /// in the order of `appointments`; a failure of one stops no other.
    ///
    /// If an appointment was cancelled and recording it failed, the result is that failure. Calling
    /// again records it, and the next [sweep](SyncEngine::sweep) finds it.
    async fn cancel_all(
        &self,
        tenant: &TenantId,
        appointments: &[AppointmentId],
        cancellation: &Cancellation,
    ) -> Vec<Result<Cancelled, Error>>;

    /// Resumes a paused or held tenant at once, and closes the review item of the pause.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn resume(&self, tenant: &TenantId) -> Result<(), Error>;

    /// Pauses a tenant's work until it is [resumed](Self::resume), with a review item that says who
    /// did so and why. What comes in meanwhile is stored and waits. False if it is paused already.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn pause(&self, tenant: &TenantId, by: &str, why: &str) -> Result<bool, Error>;

    /// The appointments that were worked on lately or wait, newest first, with how they stand. Looks
    /// at a bounded part of the log for each page, and reads the status and the host's appointment of
    /// each that it looks at. A host that does not answer is asked once a page.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn recent(
        &self,
        tenant: &TenantId,
        filter: &ActivityFilter,
        page: Page<LogId>,
    ) -> Result<ActivityPage, Error>;

    /// What ended within the last `within`, in slices of this length, oldest first; slices in which
    /// nothing ended are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn activity(
        &self,
        tenant: &TenantId,
        within: Duration,
        slice: Duration,
    ) -> Result<Vec<ActivitySlice>, Error>;

    /// The host's appointment; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Host`].
    async fn appointment(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<Option<Appointment>, Error>;

    /// One review item, open or not.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn review(&self, tenant: &TenantId, id: ReviewId) -> Result<Option<ReviewItem>, Error>;

    /// The starts of the free slots of an event type within a window, as Cal.com has them. Asks
    /// Cal.com.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] if there is no such tenant, or [`Error::Calendar`].
    async fn free_slots(
        &self,
        tenant: &TenantId,
        event_type: EventTypeId,
        window: Window,
    ) -> Result<Vec<DateTime<Utc>>, Error>;

    /// Sends a signed `PING` to the URL of the tenant's webhook subscription, as Cal.com would, and
    /// says what answered. Nothing is changed at Cal.com.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError`].
    async fn test_webhook(&self, tenant: &TenantId) -> Result<WebhookTest, SubscriptionError>;

    /// Writes down what an operator did, for [`actions`](Self::actions); with an appointment, also
    /// for its history. Resolutions of review items are written down by themselves.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn note(
        &self,
        tenant: &TenantId,
        appointment: Option<&AppointmentId>,
        event: LogEvent,
    ) -> Result<(), Error>;

    /// What operators did, newest first: the lines of the log that have an
    /// [actor](LogEvent::actor).
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn actions(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, Error>;

    /// Erases everything that the store holds of a tenant, in batches, and reports the number of
    /// rows. A worker in the middle of a turn for the tenant loses its lease and stores nothing more;
    /// a write to Cal.com that it has sent is not taken back.
    ///
    /// Take the tenant out of the [directory](super::TenantDirectory) first: what comes in during or
    /// after the erasure is taken in as of a new tenant. After an error, call again to go on.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn erase_tenant(&self, tenant: &TenantId) -> Result<Erased, Error>;

    /// Finds one person's data in the books of a tenant: in bodies of webhooks, in the evidence of
    /// review items, and in what the engine remembers of pairs. The stores keep no index of persons,
    /// so this reads everything that is kept of the tenant, page by page.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn find_person(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
    ) -> Result<PersonReport, Error>;

    /// Erases what [`find_person`](Self::find_person) finds. What keeps bookings from being lost or
    /// doubled stays: ids, uids, sync keys, times and states. The report says what was erased, and
    /// what could not be yet and why: call again later for that.
    ///
    /// Erase or anonymize the person in your own appointments and at Cal.com first: the next read of
    /// either side brings back what is still there.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; what was erased before stays erased.
    async fn erase_person(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
    ) -> Result<PersonReport, Error>;

    /// One page of the tenants, in the order of their ids and strictly after `after`; an empty one at
    /// the end.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`].
    async fn tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<TenantId>, Error>;

    /// What is set up for a tenant, in numbers; `None` if there is no such tenant.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`].
    async fn setup(&self, tenant: &TenantId) -> Result<Option<TenantSetup>, Error>;

    /// A tenant's branches and staff; `None` if there is no such tenant.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`].
    async fn places(&self, tenant: &TenantId) -> Result<Option<Places>, Error>;

    /// The condition of a tenant's connection to Cal.com, without asking Cal.com; `None` if there is
    /// no such tenant, or if its [`Calendar`](super::Calendar) keeps nothing.
    ///
    /// Each process knows its own connection. A directory that makes a new client at every lookup
    /// makes it know nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`].
    async fn connection(&self, tenant: &TenantId) -> Result<Option<CalendarCondition>, Error>;

    /// Has the store answer a small read, and returns how long that took.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    async fn probe_storage(&self) -> Result<Duration, Error>;
}

#[async_trait]
impl Operations for Engine {
    async fn history(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>,
    ) -> Result<Vec<HistoryEntry>, Error> {
        let history = self.store.history(tenant, appointment, page);
        Ok(self.store_call(history).await?)
    }

    async fn status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<SyncStatus, Error> {
        let status = self.store.link_status(tenant, appointment);
        let status = self.store_call(status).await?;
        let mut status = SyncStatus::of(appointment.clone(), status);
        // A host that does not answer keeps nobody from seeing what the books say.
        let local = self.host_call(self.appointments.get(tenant, appointment));
        if let Ok(Some(local)) = local.await {
            status.is_of(&local);
        }
        Ok(status)
    }

    async fn overview(&self, tenant: &TenantId, within: Duration) -> Result<Overview, Error> {
        let counts = self.store.work_counts(tenant, within);
        let counts = self.store_call(counts).await?;
        let webhooks = self.webhook_health(tenant, within).await?;
        Ok(Overview::new(tenant.clone(), within, counts, webhooks))
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, Error> {
        let reviews = self.store.reviews(tenant, filter, page);
        Ok(self.store_call(reviews).await?)
    }

    async fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
    ) -> Result<Vec<ReviewCount>, Error> {
        let counts = self.store.count_reviews(tenant, filter);
        Ok(self.store_call(counts).await?)
    }

    async fn resolve_all(
        &self,
        tenant: &TenantId,
        ids: &[ReviewId],
        resolution: &Resolution,
        by: &str,
    ) -> Vec<Result<ReviewItem, Error>> {
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            results.push(self.resolve(tenant, *id, resolution.clone(), by).await);
        }
        results
    }

    async fn record_all(&self, changes: &[Change]) -> Vec<Result<(), Error>> {
        let mut results = Vec::with_capacity(changes.len());
        for change in changes {
            results.push(self.record(change).await);
        }
        results
    }

    async fn resync_all(
        &self,
        tenant: &TenantId,
        appointments: &[AppointmentId],
    ) -> Vec<Result<Resynced, Error>> {
        self.resync_each(tenant, appointments).await
    }

    async fn cancel_all(
        &self,
        tenant: &TenantId,
        appointments: &[AppointmentId],
        cancellation: &Cancellation,
    ) -> Vec<Result<Cancelled, Error>> {
        self.cancel_each(tenant, appointments, cancellation).await
    }

    async fn resume(&self, tenant: &TenantId) -> Result<(), Error> {
        let was_paused = self.store_call(self.store.is_paused(tenant)).await?;
        self.store_call(self.store.resume(tenant)).await?;
        if was_paused {
            self.tell_resumed(tenant);
        }
        self.nudge();
        Ok(())
    }

    async fn pause(&self, tenant: &TenantId, by: &str, why: &str) -> Result<bool, Error> {
        let new = review::of_pause(by, why);
        let paused = self.store_call(self.store.pause(tenant, &new)).await?;
        if paused.is_some() {
            self.tell_paused(tenant, paused);
        }
        Ok(paused.is_some())
    }

    async fn recent(
        &self,
        tenant: &TenantId,
        filter: &ActivityFilter,
        page: Page<LogId>,
    ) -> Result<ActivityPage, Error> {
        self.recent_activity(tenant, filter, page).await
    }

    async fn activity(
        &self,
        tenant: &TenantId,
        within: Duration,
        slice: Duration,
    ) -> Result<Vec<ActivitySlice>, Error> {
        let slices = self.store.activity(tenant, within, slice);
        Ok(self.store_call(slices).await?)
    }

    async fn appointment(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<Option<Appointment>, Error> {
        let found = self.host_call(self.appointments.get(tenant, appointment));
        found.await.map_err(Error::Host)
    }

    async fn review(&self, tenant: &TenantId, id: ReviewId) -> Result<Option<ReviewItem>, Error> {
        Ok(self.store_call(self.store.review(tenant, id)).await?)
    }

    async fn free_slots(
        &self,
        tenant: &TenantId,
        event_type: EventTypeId,
        window: Window,
    ) -> Result<Vec<DateTime<Utc>>, Error> {
        let found = self.host_call(self.tenants.tenant(tenant)).await;
        let found = found.map_err(Error::Directory)?;
        let found = found.ok_or_else(|| Error::Directory(StoreError::not_found("tenant")))?;
        let slots = found
            .calendar
            .free_slots(event_type, window.from, window.until);
        self.calendar_call(slots).await.map_err(Error::Calendar)
    }

    async fn test_webhook(&self, tenant: &TenantId) -> Result<WebhookTest, SubscriptionError> {
        self.test_webhook_of(tenant).await
    }

    async fn note(
        &self,
        tenant: &TenantId,
        appointment: Option<&AppointmentId>,
        event: LogEvent,
    ) -> Result<(), Error> {
        let noted = self.store.append(tenant, appointment, &event);
        Ok(self.store_call(noted).await?)
    }

    async fn actions(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, Error> {
        let latest = self.store.latest(tenant, LogScope::ByPersons, page);
        Ok(self.store_call(latest).await?)
    }

    async fn erase_tenant(&self, tenant: &TenantId) -> Result<Erased, Error> {
        Ok(self.erase_whole(tenant).await?)
    }

    async fn find_person(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
    ) -> Result<PersonReport, Error> {
        Ok(self.search_person(tenant, person, false).await?)
    }

    async fn erase_person(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
    ) -> Result<PersonReport, Error> {
        Ok(self.search_person(tenant, person, true).await?)
    }
    async fn tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<TenantId>, Error> {
        let tenants = self.host_call(self.tenants.tenants(after, limit)).await;
        tenants.map_err(Error::Directory)
    }

    async fn setup(&self, tenant: &TenantId) -> Result<Option<TenantSetup>, Error> {
        let found = self.tenant_of_directory(tenant).await?;
        Ok(found.map(|tenant| tenant.setup()))
    }

    async fn places(&self, tenant: &TenantId) -> Result<Option<Places>, Error> {
        let found = self.tenant_of_directory(tenant).await?;
        Ok(found.map(|tenant| tenant.places()))
    }

    async fn connection(&self, tenant: &TenantId) -> Result<Option<CalendarCondition>, Error> {
        let found = self.tenant_of_directory(tenant).await?;
        Ok(found.and_then(|tenant| tenant.calendar.condition()))
    }

    async fn probe_storage(&self) -> Result<Duration, Error> {
        let began = Instant::now();
        self.store_call(self.store.next_due(FORMAT)).await?;
        Ok(began.elapsed())
    }
}

impl Engine {
    async fn tenant_of_directory(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, Error> {
        let found = self.host_call(self.tenants.tenant(id)).await;
        found.map_err(Error::Directory)
    }
}
