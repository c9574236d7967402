//! Two sides and their books, generated row by row as they are asked for: however many there are, they
//! take up no memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId};
use calcom::store::{
    Accepted, ActivitySlice, Appointment, AppointmentId, AppointmentRepository, AppointmentState,
    AppointmentStatus, AppointmentWrite, ChainKey, Change, ChangeFate, ChangeId, Checkpoint, Claim,
    ClaimRequest, Delivery, DeliveryFate, DeliveryId, Document, DocumentVersion, Documents, Erased,
    Erasure, EventAccepted, EventClaim, EventClaimRequest, EventLease, HistoryEntry,
    HistoryPosition, InMemoryStore, Inbox, Lease, Link, LinkId, LinkKey, LinkStatus, Links,
    LogEntry, LogEvent, LogId, LogScope, MarkSource, NewDelivery, NewReview, NewSenderEvent,
    Opaque, Origin, Outbox, Page, Person, Pruned, RecordedChange, Reports, Resolution, Retention,
    ReviewCount, ReviewEvidence, ReviewFilter, ReviewId, ReviewItem, Reviews, Revision,
    SenderEventFate, SenderEventId, SenderEventRecord, SenderEvents, ServiceLink, ServiceLinkId,
    ServiceLinks, ServiceSyncLease, Settled, Settlement, StoreError, StoredBody, StoredEventBody,
    SweepLease, Sweeps, SyncLog, TenantId, Tenants, Upkeep, WebhookHealth, Window, WorkCounts,
};
use calcom::sync::{
    AuditParams, AuditReport, Base, BookingPage, Calendar, CalendarError, CalendarErrorKind,
    Engine, EventTypeFacts, Standing, StaticTenants, SyncEngine, Tenant, Write,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// How many start at the same time.
const AT_ONCE: u64 = 4;
/// One row in so many is of each kind of drift.
pub(crate) const DRIFT_EVERY: u64 = 1000;

const EVENT_TYPE: i64 = 7;

fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn start_of(row: u64) -> DateTime<Utc> {
    let quarters = i64::try_from(row / AT_ONCE).unwrap();
    beginning() + TimeDelta::minutes(15 * quarters)
}

/// The first row that starts then or later.
fn row_at(start: DateTime<Utc>) -> u64 {
    let seconds = u64::try_from((start - beginning()).num_milliseconds().max(0)).unwrap();
    seconds.div_ceil(15 * 60 * 1000) * AT_ONCE
}

fn has_booking(row: u64) -> bool {
    row % DRIFT_EVERY != 1
}

fn has_appointment(row: u64) -> bool {
    row % DRIFT_EVERY != 2
}

fn has_other_host(row: u64) -> bool {
    row % DRIFT_EVERY == 3
}

fn uid_of(row: u64) -> BookingUid {
    format!("b-{row:09}").into()
}

fn id_of(row: u64) -> AppointmentId {
    format!("a-{row:09}").into()
}

fn row_of(name: &str) -> Option<u64> {
    name.get(2..)?.parse().ok()
}

fn state_of(row: u64) -> AppointmentState {
    let start = start_of(row);
    let ann = Person::new("Ann", "ann@example.com", "Europe/London");
    let (end, status) = (start + TimeDelta::minutes(15), AppointmentStatus::Confirmed);
    AppointmentState::new(status, start, end, EventTypeId::new(EVENT_TYPE), ann)
        .with_host(1.into())
        .with_guests([] as [&str; 0])
}

fn appointment_of(row: u64) -> Appointment {
    let written_at = beginning();
    let state = state_of(row);
    Appointment::new(
        id_of(row),
        Revision::FIRST,
        Origin::Phone,
        state,
        written_at,
    )
}

/// So many bookings and appointments.
#[derive(Debug)]
pub(crate) struct Generated {
    rows: u64,
    template: Booking,
    empty: InMemoryStore,
}

impl Generated {
    pub(crate) fn new(rows: u64) -> Self {
        let template = json!({
            "id": 1, "uid": "b-0", "status": "accepted", "eventTypeId": EVENT_TYPE,
            "start": beginning(), "end": beginning(), "hosts": [{"id": 1}],
            "icsUid": "", "updatedAt": beginning(), "title": "A quarter of an hour with Ann",
            "attendees": [{"name": "Ann", "email": "ann@example.com", "timeZone": "Europe/London"}],
        });
        Self {
            rows,
            template: serde_json::from_value(template).unwrap(),
            empty: InMemoryStore::new(),
        }
    }

    fn booking_of(&self, row: u64) -> Booking {
        let mut booking = self.template.clone();
        booking.uid = uid_of(row);
        booking.ics_uid = Some(format!("ics-{row:09}"));
        booking.start = start_of(row);
        booking.end = booking.start + TimeDelta::minutes(15);
        if has_other_host(row) {
            booking.hosts[0].id = Some(2.into());
        }
        booking
    }

    fn link_of(&self, row: u64) -> Option<Link> {
        if row >= self.rows {
            return None;
        }
        let id = LinkId::new(i64::try_from(row).unwrap());
        let mut link = Link::new(tenant(), id);
        link.appointment = Some(id_of(row));
        link.booking = Some(uid_of(row));
        link.bare = false;
        let mut standing = Standing::default();
        standing.base = Some(Base::new(state_of(row), state_of(row)));
        link.state = Some(Opaque::new(1, serde_json::to_vec(&standing).unwrap()));
        Some(link)
    }

    /// Checks all of it.
    pub(crate) async fn audit(self) -> AuditReport {
        let rows = self.rows;
        let window = Window::new(beginning(), start_of(rows + AT_ONCE));
        let generated = Arc::new(self);
        let tenant = Tenant::new(tenant(), generated.clone()).with_event_type(EVENT_TYPE.into());
        let tenants = Arc::new(StaticTenants::new([tenant]));
        let engine = Engine::builder(generated.clone(), generated, tenants)
            .clock(Arc::new(calcom::testing::ManualClock::at(
                beginning() + TimeDelta::days(1),
            )))
            .build();
        let params = AuditParams::check(window);
        let report = engine.audit(&self::tenant(), params).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
        // The last rows that start at one time may be fewer than the others.
        let drift = |kind: fn(u64) -> bool| (0..rows).filter(|row| kind(*row)).count() as u64;
        let counts = &report.counts;
        assert_eq!(counts.bookings_read, drift(has_booking));
        assert_eq!(counts.appointments_read, drift(has_appointment));
        assert_eq!(counts.missing_there, rows - drift(has_booking));
        assert_eq!(counts.missing_here, rows - drift(has_appointment));
        assert_eq!(counts.differing, drift(has_other_host));
        assert_eq!(counts.in_step, rows - counts.drift());
        report
    }
}

fn tenant() -> TenantId {
    TenantId::new("salon")
}

fn not_asked_for<T>() -> Result<T, CalendarError> {
    let kind = CalendarErrorKind::Rejected;
    Err(CalendarError::new(kind, "an audit does not ask for this"))
}

#[async_trait]
impl Calendar for Generated {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        let row = row_of(uid.as_str()).filter(|row| *row < self.rows && has_booking(*row));
        Ok(row.map(|row| self.booking_of(row)))
    }

    async fn bookings(&self, _: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        not_asked_for()
    }

    async fn bookings_page(&self, query: &BookingQuery) -> Result<BookingPage, CalendarError> {
        let first = row_at(query.after_start.unwrap());
        let skip = usize::try_from(query.skip.unwrap_or(0)).unwrap();
        let take = usize::try_from(query.take.unwrap()).unwrap();
        let mut rows = (first..self.rows)
            .filter(|row| has_booking(*row))
            .skip(skip);
        let page = rows.by_ref().take(take);
        let page = BookingPage::new(page.map(|row| self.booking_of(row)).collect());
        Ok(page.with_more(rows.next().is_some()))
    }

    async fn write(&self, _: &Write) -> Result<Booking, CalendarError> {
        not_asked_for()
    }

    async fn free_slots(
        &self,
        _: EventTypeId,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        not_asked_for()
    }

    async fn event_type(&self, _: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        not_asked_for()
    }

    async fn account(&self) -> Result<(), CalendarError> {
        Ok(())
    }
}

#[async_trait]
impl AppointmentRepository for Generated {
    async fn get(
        &self,
        _: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        let row = row_of(id.as_str()).filter(|row| *row < self.rows && has_appointment(*row));
        Ok(row.map(appointment_of))
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.empty.create_for_booking(tenant, chain, write).await
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.empty.update(tenant, id, expected, write).await
    }

    async fn scan(
        &self,
        _: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let after = after.and_then(|(_, id)| row_of(id.as_str()));
        let first = after.map_or_else(|| row_at(window.from), |row| row + 1);
        let rows = (first..self.rows).filter(|row| has_appointment(*row));
        let rows = rows.take_while(|row| start_of(*row) < window.until);
        let limit = usize::try_from(limit).unwrap();
        Ok(rows.take(limit).map(appointment_of).collect())
    }
}

#[async_trait]
impl Links for Generated {
    async fn find(&self, _: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        let row = match key {
            LinkKey::Appointment(id) => row_of(id.as_str()),
            LinkKey::Booking(uid) => row_of(uid.as_str()),
            _ => None,
        };
        Ok(row.and_then(|row| self.link_of(row)))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError> {
        self.empty.claim(request).await
    }

    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.empty.checkpoint(lease, checkpoint).await
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        self.empty.settle(lease, settlement).await
    }

    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError> {
        self.empty.absorb(lease, into).await
    }

    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError> {
        self.empty.next_due(format).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        key: &LinkKey,
        source: MarkSource,
    ) -> Result<bool, StoreError> {
        self.empty.mark(tenant, key, source).await
    }
}

/// Implements ports by handing every call on to an empty store.
macro_rules! hand_on {
    ($($port:ident {
        $($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+
    })+) => {
        $(
            #[async_trait]
            impl $port for Generated {
                $(
                    async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                        self.empty.$name($($argument),*).await
                    }
                )+
            }
        )+
    };
}

hand_on! {
    Outbox {
        record(change: &Change) -> ();
        changes(tenant: &TenantId, appointment: &AppointmentId, page: Page<ChangeId>)
            -> Vec<(RecordedChange, Option<ChangeFate>)>;
    }
    Inbox {
        accept(delivery: NewDelivery) -> Accepted;
        deliveries(tenant: &TenantId, page: Page<DeliveryId>)
            -> Vec<(Delivery, Option<DeliveryFate>)>;
        webhook_health(tenant: &TenantId, within: Duration) -> WebhookHealth;
    }
    SenderEvents {
        accept_event(event: NewSenderEvent) -> EventAccepted;
        claim_event(request: &EventClaimRequest) -> Option<EventClaim>;
        end_event(lease: &EventLease, fate: &SenderEventFate, outcome: Option<&str>) -> ();
        retry_event(lease: &EventLease, wait: Duration) -> ();
        hand_back_event(lease: &EventLease) -> ();
        park_event(lease: &EventLease, review: &NewReview, outcome: Option<&str>) -> ReviewId;
        sender_events(tenant: &TenantId, page: Page<SenderEventId>) -> Vec<SenderEventRecord>;
        event_bodies(tenant: &TenantId, page: Page<SenderEventId>) -> Vec<StoredEventBody>;
        empty_event_bodies(tenant: &TenantId, events: &[SenderEventId]) -> ();
    }
    Documents {
        document(tenant: &TenantId, name: &str) -> Option<Document>;
        document_versions(tenant: &TenantId, name: &str, page: Page<DocumentVersion>)
            -> Vec<Document>;
        save_document(
            tenant: &TenantId,
            name: &str,
            expected: Option<DocumentVersion>,
            body: &str,
            by: &str
        ) -> Document;
    }
    Reviews {
        open_reviews(tenant: &TenantId, page: Page<ReviewId>) -> Vec<ReviewItem>;
        reviews(tenant: &TenantId, filter: &ReviewFilter, page: Page<ReviewId>)
            -> Vec<ReviewItem>;
        count_reviews(tenant: &TenantId, filter: &ReviewFilter) -> Vec<ReviewCount>;
        review(tenant: &TenantId, id: ReviewId) -> Option<ReviewItem>;
        resolve(tenant: &TenantId, id: ReviewId, resolution: &Resolution, by: &str)
            -> ReviewItem;
    }
    Sweeps {
        begin_sweep(tenant: &TenantId, every: Duration, lease: Duration)
            -> Option<SweepLease>;
        advance_sweep(lease: &SweepLease, cursor: &Opaque, prolong: Duration) -> ();
        end_sweep(lease: &SweepLease, cursor: &Opaque, rest: Duration) -> ();
    }
    SyncLog {
        log(tenant: &TenantId, page: Page<LogId>) -> Vec<LogEntry>;
        latest(tenant: &TenantId, scope: LogScope, page: Page<LogId>) -> Vec<LogEntry>;
        append(tenant: &TenantId, appointment: Option<&AppointmentId>, event: &LogEvent) -> ();
    }
    Tenants {
        is_paused(tenant: &TenantId) -> bool;
        resume(tenant: &TenantId) -> ();
        pause(tenant: &TenantId, review: &NewReview) -> Option<ReviewId>;
    }
    Upkeep {
        prune(retention: &Retention, limit: u32) -> Pruned;
    }
    ServiceLinks {
        begin_service_sync(tenant: &TenantId, every: Duration, lease: Duration)
            -> Option<ServiceSyncLease>;
        service_links(tenant: &TenantId, after: Option<ServiceLinkId>, limit: u32)
            -> Vec<ServiceLink>;
        store_service_link(
            lease: &ServiceSyncLease,
            link: &ServiceLink,
            retry_in: Option<Duration>,
            prolong: Duration
        ) -> ServiceLinkId;
        end_service_sync(
            lease: &ServiceSyncLease,
            retry_in: Option<Duration>,
            rest: Duration
        ) -> ();
    }
    Reports {
        history(
            tenant: &TenantId,
            appointment: &AppointmentId,
            page: Page<HistoryPosition>
        ) -> Vec<HistoryEntry>;
        link_status(tenant: &TenantId, appointment: &AppointmentId) -> LinkStatus;
        work_counts(tenant: &TenantId, within: Duration) -> WorkCounts;
        activity(tenant: &TenantId, within: Duration, slice: Duration) -> Vec<ActivitySlice>;
        waiting_changes(tenant: &TenantId, limit: u32) -> Vec<HistoryEntry>;
    }
    Erasure {
        erase_tenant(tenant: &TenantId, limit: u32) -> Erased;
        links(tenant: &TenantId, page: Page<LinkId>) -> Vec<Link>;
        replace_state(read: &Link, state: Opaque) -> ();
        bodies(tenant: &TenantId, page: Page<DeliveryId>) -> Vec<StoredBody>;
        empty_bodies(tenant: &TenantId, deliveries: &[DeliveryId]) -> ();
        replace_evidence(
            tenant: &TenantId,
            review: ReviewId,
            evidence: ReviewEvidence
        ) -> ();
    }
}

/// What a process takes or took up, from `/proc/self/status`, in KiB; `None` where there is no such file.
pub(crate) fn status_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
