//! Decorators that make a store or a repository fail as told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::store_fault::{StoreFault, StoreFaults, StoreOperation};
use crate::model::PhoneNumber;
use crate::store::{
    Accepted, ActivitySlice, Appointment, AppointmentDesk, AppointmentId, AppointmentRepository,
    AppointmentWrite, ChainKey, Change, ChangeFate, ChangeId, Checkpoint, Claim, ClaimRequest,
    Delivery, DeliveryFate, DeliveryId, Document, DocumentVersion, Documents, Erased, Erasure,
    EventAccepted, EventClaim, EventClaimRequest, EventLease, HistoryEntry, HistoryPosition, Inbox,
    Lease, Link, LinkId, LinkKey, LinkStatus, Links, LogEntry, LogEvent, LogId, LogScope,
    MarkSource, NewDelivery, NewReview, NewSenderEvent, Opaque, Outbox, Page, Pruned,
    RecordedChange, Reports, RequestKey, Resolution, Retention, ReviewCount, ReviewEvidence,
    ReviewFilter, ReviewId, ReviewItem, Reviews, Revision, SenderEventFate, SenderEventId,
    SenderEventRecord, SenderEvents, ServiceLink, ServiceLinkId, ServiceLinks, ServiceSyncLease,
    Settled, Settlement, Store, StoreError, StoredBody, StoredEventBody, SweepLease, Sweeps,
    SyncLog, Taken, TenantId, Tenants, Upkeep, WebhookHealth, Window, WorkCounts,
};

/// A store whose calls fail, hang or are slow, as a script or a seed has it; else it is the store
/// that it was given.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::sync::Arc;
///
/// use calcom::store::{InMemoryStore, StoreErrorKind, TenantId, Tenants};
/// use calcom::testing::{FaultyStore, StoreFault, StoreOperation, StoreTrouble};
///
/// let store = FaultyStore::new(Arc::new(InMemoryStore::new()));
/// let unavailable = StoreTrouble::Fails(StoreErrorKind::Unavailable);
/// store.inject(StoreFault::new(StoreOperation::IsPaused, unavailable));
/// let tenant = TenantId::new("salon");
/// let error = store.is_paused(&tenant).await.unwrap_err();
/// assert_eq!(error.kind(), StoreErrorKind::Unavailable);
/// assert!(!store.is_paused(&tenant).await.unwrap());
/// assert_eq!(store.faults().calls(StoreOperation::IsPaused), 2);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: StoreFaults,
}

impl FaultyStore {
    /// A store without faults yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self::with_faults(inner, StoreFaults::new())
    }

    /// A store that follows these faults.
    pub fn with_faults(inner: Arc<dyn Store>, faults: StoreFaults) -> Self {
        Self { inner, faults }
    }

    /// Adds a fault to the script.
    pub fn inject(&self, fault: StoreFault) {
        self.faults.inject(fault);
    }

    /// Its faults and counts.
    pub fn faults(&self) -> &StoreFaults {
        &self.faults
    }
}

/// A host's repository whose calls fail, hang or are slow; see [`FaultyStore`].
#[derive(Clone, Debug)]
pub struct FaultyAppointments {
    inner: Arc<dyn AppointmentRepository>,
    faults: StoreFaults,
}

impl FaultyAppointments {
    /// A repository without faults yet.
    pub fn new(inner: Arc<dyn AppointmentRepository>) -> Self {
        Self::with_faults(inner, StoreFaults::new())
    }

    /// A repository that follows these faults.
    pub fn with_faults(inner: Arc<dyn AppointmentRepository>, faults: StoreFaults) -> Self {
        Self { inner, faults }
    }

    /// Adds a fault to the script.
    pub fn inject(&self, fault: StoreFault) {
        self.faults.inject(fault);
    }

    /// Its faults and counts.
    pub fn faults(&self) -> &StoreFaults {
        &self.faults
    }
}

/// A host's desk whose calls fail, hang or are slow; see [`FaultyStore`].
#[derive(Clone, Debug)]
pub struct FaultyDesk {
    inner: Arc<dyn AppointmentDesk>,
    faults: StoreFaults,
}

impl FaultyDesk {
    /// A desk without faults yet.
    pub fn new(inner: Arc<dyn AppointmentDesk>) -> Self {
        Self::with_faults(inner, StoreFaults::new())
    }

    /// A desk that follows these faults.
    pub fn with_faults(inner: Arc<dyn AppointmentDesk>, faults: StoreFaults) -> Self {
        Self { inner, faults }
    }

    /// Adds a fault to the script.
    pub fn inject(&self, fault: StoreFault) {
        self.faults.inject(fault);
    }

    /// Its faults and counts.
    pub fn faults(&self) -> &StoreFaults {
        &self.faults
    }
}

/// Implements a port by handing every call on, through the faults.
macro_rules! hand_on {
    ($decorator:ident as $port:ident {
        $($operation:ident: $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+
    }) => {
        #[async_trait]
        impl $port for $decorator {
            $(
                async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                    let call = self.inner.$name($($argument),*);
                    self.faults.call(StoreOperation::$operation, call).await
                }
            )+
        }
    };
}

hand_on!(FaultyStore as Links {
    Claim: claim(request: &ClaimRequest) -> Option<Claim>;
    Checkpoint: checkpoint(lease: &Lease, checkpoint: Checkpoint) -> ();
    Settle: settle(lease: &Lease, settlement: Settlement) -> Settled;
    Absorb: absorb(lease: &Lease, into: LinkId) -> ();
    Find: find(tenant: &TenantId, key: &LinkKey) -> Option<Link>;
    Mark: mark(tenant: &TenantId, key: &LinkKey, source: MarkSource) -> bool;
    NextDue: next_due(format: u16) -> Option<Duration>;
});

hand_on!(FaultyStore as Outbox {
    Record: record(change: &Change) -> ();
    Changes: changes(tenant: &TenantId, appointment: &AppointmentId, page: Page<ChangeId>)
        -> Vec<(RecordedChange, Option<ChangeFate>)>;
});

hand_on!(FaultyStore as Inbox {
    Accept: accept(delivery: NewDelivery) -> Accepted;
    Deliveries: deliveries(tenant: &TenantId, page: Page<DeliveryId>)
        -> Vec<(Delivery, Option<DeliveryFate>)>;
    WebhookHealth: webhook_health(tenant: &TenantId, within: Duration) -> WebhookHealth;
});

hand_on!(FaultyStore as Reviews {
    OpenReviews: open_reviews(tenant: &TenantId, page: Page<ReviewId>) -> Vec<ReviewItem>;
    FilterReviews: reviews(tenant: &TenantId, filter: &ReviewFilter, page: Page<ReviewId>)
        -> Vec<ReviewItem>;
    CountReviews: count_reviews(tenant: &TenantId, filter: &ReviewFilter) -> Vec<ReviewCount>;
    Review: review(tenant: &TenantId, id: ReviewId) -> Option<ReviewItem>;
    Resolve: resolve(tenant: &TenantId, id: ReviewId, resolution: &Resolution, by: &str)
        -> ReviewItem;
});

hand_on!(FaultyStore as Sweeps {
    BeginSweep: begin_sweep(tenant: &TenantId, every: Duration, lease: Duration)
        -> Option<SweepLease>;
    AdvanceSweep: advance_sweep(lease: &SweepLease, cursor: &Opaque, prolong: Duration) -> ();
    EndSweep: end_sweep(lease: &SweepLease, cursor: &Opaque, rest: Duration) -> ();
});

hand_on!(FaultyStore as Documents {
    Document: document(tenant: &TenantId, name: &str) -> Option<Document>;
    DocumentVersions: document_versions(
        tenant: &TenantId,
        name: &str,
        page: Page<DocumentVersion>
    ) -> Vec<Document>;
    SaveDocument: save_document(
        tenant: &TenantId,
        name: &str,
        expected: Option<DocumentVersion>,
        body: &str,
        by: &str
    ) -> Document;
});

hand_on!(FaultyStore as SyncLog {
    Log: log(tenant: &TenantId, page: Page<LogId>) -> Vec<LogEntry>;
    LatestLog: latest(tenant: &TenantId, scope: LogScope, page: Page<LogId>) -> Vec<LogEntry>;
    AppendLog: append(
        tenant: &TenantId,
        appointment: Option<&AppointmentId>,
        event: &LogEvent
    ) -> ();
});

hand_on!(FaultyStore as Tenants {
    IsPaused: is_paused(tenant: &TenantId) -> bool;
    Resume: resume(tenant: &TenantId) -> ();
    Pause: pause(tenant: &TenantId, review: &NewReview) -> Option<ReviewId>;
});

hand_on!(FaultyStore as Upkeep {
    Prune: prune(retention: &Retention, limit: u32) -> Pruned;
});

hand_on!(FaultyStore as ServiceLinks {
    BeginServiceSync: begin_service_sync(tenant: &TenantId, every: Duration, lease: Duration)
        -> Option<ServiceSyncLease>;
    ServiceLinks: service_links(tenant: &TenantId, after: Option<ServiceLinkId>, limit: u32)
        -> Vec<ServiceLink>;
    StoreServiceLink: store_service_link(
        lease: &ServiceSyncLease,
        link: &ServiceLink,
        retry_in: Option<Duration>,
        prolong: Duration
    ) -> ServiceLinkId;
    EndServiceSync: end_service_sync(
        lease: &ServiceSyncLease,
        retry_in: Option<Duration>,
        rest: Duration
    ) -> ();
});

hand_on!(FaultyStore as Reports {
    History: history(
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>
    ) -> Vec<HistoryEntry>;
    LinkStatus: link_status(tenant: &TenantId, appointment: &AppointmentId) -> LinkStatus;
    WorkCounts: work_counts(tenant: &TenantId, within: Duration) -> WorkCounts;
    Activity: activity(tenant: &TenantId, within: Duration, slice: Duration)
        -> Vec<ActivitySlice>;
    WaitingChanges: waiting_changes(tenant: &TenantId, limit: u32) -> Vec<HistoryEntry>;
});

hand_on!(FaultyStore as Erasure {
    EraseTenant: erase_tenant(tenant: &TenantId, limit: u32) -> Erased;
    Links: links(tenant: &TenantId, page: Page<LinkId>) -> Vec<Link>;
    ReplaceState: replace_state(read: &Link, state: Opaque) -> ();
    Bodies: bodies(tenant: &TenantId, page: Page<DeliveryId>) -> Vec<StoredBody>;
    EmptyBodies: empty_bodies(tenant: &TenantId, deliveries: &[DeliveryId]) -> ();
    ReplaceEvidence: replace_evidence(
        tenant: &TenantId,
        review: ReviewId,
        evidence: ReviewEvidence
    ) -> ();
});

hand_on!(FaultyStore as SenderEvents {
    AcceptEvent: accept_event(event: NewSenderEvent) -> EventAccepted;
    ClaimEvent: claim_event(request: &EventClaimRequest) -> Option<EventClaim>;
    EndEvent: end_event(lease: &EventLease, fate: &SenderEventFate, outcome: Option<&str>) -> ();
    RetryEvent: retry_event(lease: &EventLease, wait: Duration) -> ();
    HandBackEvent: hand_back_event(lease: &EventLease) -> ();
    ParkEvent: park_event(lease: &EventLease, review: &NewReview, outcome: Option<&str>)
        -> ReviewId;
    SenderEvents: sender_events(tenant: &TenantId, page: Page<SenderEventId>)
        -> Vec<SenderEventRecord>;
    EventBodies: event_bodies(tenant: &TenantId, page: Page<SenderEventId>)
        -> Vec<StoredEventBody>;
    EmptyEventBodies: empty_event_bodies(tenant: &TenantId, events: &[SenderEventId]) -> ();
});

hand_on!(FaultyAppointments as AppointmentRepository {
    Get: get(tenant: &TenantId, id: &AppointmentId) -> Option<Appointment>;
    CreateForBooking: create_for_booking(
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite
    ) -> Appointment;
    Update: update(
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite
    ) -> Appointment;
    Scan: scan(
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32
    ) -> Vec<Appointment>;
});

hand_on!(FaultyDesk as AppointmentRepository {
    Get: get(tenant: &TenantId, id: &AppointmentId) -> Option<Appointment>;
    CreateForBooking: create_for_booking(
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite
    ) -> Appointment;
    Update: update(
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite
    ) -> Appointment;
    Scan: scan(
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32
    ) -> Vec<Appointment>;
});

hand_on!(FaultyDesk as AppointmentDesk {
    Take: take(tenant: &TenantId, key: &RequestKey, write: AppointmentWrite) -> Taken;
    Requested: requested(tenant: &TenantId, key: &RequestKey) -> Option<Appointment>;
    Revise: revise(
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite
    ) -> Appointment;
    ByPhone: by_phone(
        tenant: &TenantId,
        number: &PhoneNumber,
        after: DateTime<Utc>,
        limit: u32
    ) -> Vec<Appointment>;
});
