//! The ports through which the engine keeps its books, and their contracts.
//!
//! A host implements one of them, [`AppointmentRepository`], for its own table. The others hold the engine's bookkeeping and
//! come ready: [`InMemoryStore`] here, and a SQLite file with the feature `sqlite`. An adapter of your own is held to the
//! same promises by the conformance suite in `testing`.
//!
//! Every call names a tenant or works within what a tenant's lease covers; no row is without one. No port reads a clock:
//! `now` comes in as a value.

mod appointment;
mod error;
mod inbox;
mod link;
mod log;
mod memory;
mod outbox;
mod review;
mod tenant;

pub use appointment::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Origin, Person, Revision, Window,
};
pub use error::{StoreError, StoreErrorKind};
pub use inbox::{Accepted, Delivery, DeliveryFate, DeliveryId, Inbox, NewDelivery};
pub use link::{Claim, Lease, Link, LinkId, LinkKey, Links, PendingWrite, Settlement, SyncKey};
pub use log::{LogEntry, LogEvent, LogId, SyncLog, Winner};
pub use memory::InMemoryStore;
pub use outbox::{Change, ChangeFate, ChangeId, Outbox, RecordedChange};
pub use review::{
    NewReview, Resolution, Resolved, ReviewEvidence, ReviewId, ReviewItem, ReviewReason, Reviews,
};
pub use tenant::{TenantId, Tenants};

/// All of the engine's bookkeeping in one place.
pub trait Store: Links + Outbox + Inbox + Reviews + SyncLog + Tenants {}

impl<T: Links + Outbox + Inbox + Reviews + SyncLog + Tenants> Store for T {}
