//! The ports through which the engine keeps its books, and their contracts.
//!
//! A host implements one of them, [`AppointmentRepository`], for its own table. The others hold the engine's bookkeeping and
//! come ready: [`InMemoryStore`] here, and a SQLite file with the feature `sqlite`. An adapter of your own is held to the
//! same promises by the conformance suite in `testing`.
//!
//! Every call names a tenant or works within what a tenant's lease covers; no row is without one. Time is the store's: no port
//! takes an instant to compute with.

mod appointment;
mod error;
mod inbox;
mod link;
mod log;
mod memory;
mod outbox;
mod page;
mod queue;
mod review;
mod state;
mod tenant;
mod upkeep;

pub use appointment::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentStatus, AppointmentWrite,
    ChainKey, Origin, Person, Revision, Window,
};
pub use error::{StoreError, StoreErrorKind};
pub use inbox::{Accepted, Delivery, DeliveryClaim, DeliveryFate, DeliveryId, Inbox, NewDelivery};
pub use link::{Link, LinkId, LinkKey, Opaque, SyncKey};
pub use log::{LogEntry, LogEvent, LogId, SyncLog, Winner};
pub use memory::InMemoryStore;
pub use outbox::{Change, ChangeFate, ChangeId, Outbox, RecordedChange};
pub use page::Page;
pub use queue::{
    Checkpoint, Claim, ClaimRequest, Hold, Lease, Links, Mark, MarkId, MarkSource, Settled,
    Settlement,
};
pub use review::{
    Instruction, NewReview, Resolution, Resolved, ReviewEnd, ReviewEvidence, ReviewId, ReviewItem,
    ReviewReason, ReviewScope, Reviews,
};
pub use state::{AppointmentState, Differences};
pub use tenant::{TenantId, Tenants};
pub use upkeep::{Pruned, Upkeep};

/// All of the engine's bookkeeping in one place.
pub trait Store: Links + Outbox + Inbox + Reviews + SyncLog + Tenants + Upkeep {}

impl<T: Links + Outbox + Inbox + Reviews + SyncLog + Tenants + Upkeep> Store for T {}
