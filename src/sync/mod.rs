//! The sync engine: keeps a host's appointments and Cal.com's bookings in agreement, in both directions.
//!
//! Events get lost, doubled, late and reordered; states do not. So the engine forwards no event. A local change and a webhook
//! both only say *look here*; the engine compares three states, the base, the local and the remote one, and [`decide`]s by a
//! pure function.
//!
//! - The host's door: [`SyncEngine::record`], or the store's own call within the host's transaction.
//! - Cal.com's door: [`SyncEngine::receive`].
//! - The loop: [`SyncEngine::step`], usually by a [`Worker`].
//! - What a person has to decide: [`SyncEngine::open_reviews`] and [`SyncEngine::resolve`].

mod calendar;
#[cfg(feature = "client")]
mod client_calendar;
mod config;
mod contain;
mod decide;
mod engine;
mod event_types;
mod failure;
mod receive;
mod review;
mod standing;
mod state;
mod sync_key;
mod tenant;
mod turn;
mod worker;

pub use calendar::{Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, Write};
pub use config::SyncConfig;
pub use decide::{ConflictPolicy, Decision, Facts, Local, Order, Remote, Verdict, decide};
pub use engine::{Engine, EngineBuilder, Error, ErrorKind, StepReport, SyncEngine};
pub use receive::{Receipt, ReceiveError};
pub use standing::{Base, Doubt, PendingWrite, SentWrite, Standing, Undecodable};
pub use tenant::{StaticTenants, Tenant, TenantDirectory};
pub use turn::TurnOutcome;
pub use worker::{Worker, WorkerConfig};

/// The metadata key under which a booking carries the sync key of its creation. It travels along the chain whoever makes a
/// change, and so it says which chain a booking is of, never who changed it.
pub const SYNC_KEY_METADATA: &str = "calcomSyncKey";
