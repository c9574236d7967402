//! The sync engine: keeps a host's appointments and Cal.com's bookings in sync, in both directions.
//!
//! Events get lost, duplicated, delayed and reordered; states do not. So the engine forwards no
//! events. A local change and a webhook both only say *look here*; the engine compares three states
//! (base, local and remote) and [`decide`]s with a pure function.
//!
//! - Changes from the host: [`SyncEngine::record`], or the store's own call within the host's
//!   transaction.
//! - Webhooks from Cal.com: [`SyncEngine::receive`].
//! - The loop: [`SyncEngine::step`], usually by a [`Worker`].
//! - What nobody told: [`SyncEngine::sweep`] compares both sides with the books, and says *look
//!   here* where they differ. A [`Worker`] does it on a schedule.
//! - Manual review: [`SyncEngine::open_reviews`] and [`SyncEngine::resolve`].

mod calendar;
#[cfg(feature = "client")]
mod client_calendar;
mod config;
mod contain;
mod decide;
mod defaults;
mod engine;
mod event_types;
mod facts;
mod failure;
mod location;
mod new_booking;
mod observer;
mod ownership;
mod policy;
mod receive;
mod review;
mod seats;
mod standing;
mod state;
mod sweep;
mod sync_key;
mod tenant;
mod turn;
mod unsupported;
mod worker;

pub use calendar::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, Write,
};
pub use config::SyncConfig;
pub use decide::{Decision, Verdict, decide};
pub use defaults::BookingDefaults;
pub use engine::{Engine, EngineBuilder, Error, ErrorKind, StepReport, SyncEngine};
pub use facts::{Facts, Local, Order, Remote};
pub use observer::Observer;
pub use policy::{ConflictPolicy, Inexpressible, SyncPolicy};
pub use receive::{Receipt, ReceiveError};
pub use standing::{Base, Doubt, PendingWrite, Retiring, SentWrite, Standing, Undecodable};
pub use sweep::{SweepReport, SweepStop};
pub use tenant::{StaticTenants, Tenant, TenantDirectory};
pub use turn::TurnOutcome;
pub use worker::{Worker, WorkerConfig};

/// The metadata key under which a booking carries its sync key. It is copied along the chain
/// whoever makes a change, so it identifies the chain, never who made a change.
pub const SYNC_KEY_METADATA: &str = "calcomSyncKey";
