//! The storage ports of the sync engine, and their contracts.
//!
//! A host implements one of them, [`AppointmentRepository`], for its own table. The others hold the
//! engine's bookkeeping and come ready to use: [`InMemoryStore`] here, and a SQLite file with the
//! feature `sqlite`. The conformance suite in `testing` holds your own adapters to the same
//! promises.
//!
//! Every call names a tenant or acts under a tenant's lease; every row belongs to a tenant. The
//! store's clock is the only one that counts: no port takes an instant to compute with.

mod appointment;
mod desk;
mod details;
mod documents;
mod erasure;
mod error;
mod history;
mod inbox;
mod link;
mod log;
mod memory;
mod notice;
mod outbox;
mod page;
mod queue;
mod report;
mod review;
mod review_filter;
mod sender_event;
mod sender_events;
mod service;
mod service_link;
#[cfg(all(
    test,
    feature = "testing",
    any(feature = "sqlite", feature = "postgres")
))]
pub(crate) mod side_by_side;
mod state;
mod sweep;
mod tenant;
mod upkeep;

pub use appointment::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentStatus, AppointmentWrite,
    ChainKey, Origin, Person, Revision, Window,
};
pub use desk::{AppointmentDesk, RequestKey, Taken};
pub use details::{Guests, HostMetadata, Notes, Place, Reason, Responses};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use documents::NewVersion;
pub use documents::{
    Document, DocumentVersion, Documents, KEPT_VERSIONS, MAX_DOCUMENT_BODY, MAX_DOCUMENT_NAME,
};
pub use erasure::{Erased, Erasure, StoredBody};
pub use error::{StoreError, StoreErrorKind};
pub use history::{HistoryEntry, HistoryEvent, HistoryKind, HistoryPosition, NoHistoryPosition};
pub use inbox::{
    Accepted, Delivery, DeliveryClaim, DeliveryFate, DeliveryId, Inbox, NewDelivery, WebhookHealth,
};
pub use link::{Link, LinkId, LinkKey, Opaque, SyncKey};
pub use log::{LogEntry, LogEvent, LogId, LogScope, OperatorAction, SyncLog, Winner};
pub use memory::InMemoryStore;
pub use notice::NoticeSource;
pub use outbox::{Change, ChangeFate, ChangeId, Outbox, RecordedChange};
pub use page::Page;
pub use queue::{
    Checkpoint, Claim, ClaimRequest, Hold, Lease, Links, Mark, MarkId, MarkSource, Settled,
    Settlement,
};
pub use report::{
    ActivitySlice, ChangeCount, DeliveryCount, LinkStatus, Reports, Waits, WorkCounts,
};
pub use review::{
    Instruction, NewReview, Resolution, Resolved, ReviewEnd, ReviewEvidence, ReviewId, ReviewItem,
    ReviewReason, ReviewScope, Reviews,
};
pub use review_filter::{ReviewCount, ReviewFilter};
pub use sender_event::{
    NewSenderEvent, SenderEvent, SenderEventFate, SenderEventId, SenderEventRecord, StoredEventBody,
};
pub use sender_events::{EventAccepted, EventClaim, EventClaimRequest, EventLease, SenderEvents};
pub use service::{Service, ServiceDetails, ServiceId, ServiceRepository, ServiceWrite};
pub use service_link::{ServiceLink, ServiceLinkId, ServiceLinks, ServiceStatus, ServiceSyncLease};
pub use state::{AppointmentState, Differences, Field};
pub use sweep::{SweepLease, Sweeps};
pub use tenant::{TenantId, Tenants};
pub use upkeep::{Pruned, Retention, Upkeep};

/// All of the engine's bookkeeping ports as one trait.
///
/// ```
/// use std::sync::Arc;
///
/// use calcom::store::{InMemoryStore, Store};
///
/// let store: Arc<dyn Store> = Arc::new(InMemoryStore::new());
/// # let _ = store;
/// ```
pub trait Store:
    Links
    + Outbox
    + Inbox
    + Reviews
    + ServiceLinks
    + Sweeps
    + SyncLog
    + Tenants
    + Upkeep
    + Reports
    + Erasure
    + SenderEvents
    + Documents
{
}

impl<T> Store for T where
    T: Links
        + Outbox
        + Inbox
        + Reviews
        + ServiceLinks
        + Sweeps
        + SyncLog
        + Tenants
        + Upkeep
        + Reports
        + Erasure
        + SenderEvents
        + Documents
{
}
