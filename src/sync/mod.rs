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
//! - Services and event types: [`SyncEngine::sync_services`], for a tenant [with
//!   services](Tenant::with_services). A [`Worker`] does it on a schedule.
//! - All of a window: [`SyncEngine::audit`] compares both sides whole, reports where they have
//!   drifted apart, and repairs it if asked to.
//! - After the bookkeeping was lost: [`SyncEngine::rebuild`] has both sides paired anew.
//! - Manual review: [`SyncEngine::open_reviews`] and [`SyncEngine::resolve`].
//! - Other senders: [`SyncEngine::receive_from`] stores their deliveries, and the [`EventHandler`]s of
//!   the host take them.
//! - [`Operations`]: history, status, overview, bulk calls, erasure.
//! - [`Notifier`]: what a person should hear of without looking.

mod activity;
mod audit;
mod branch;
mod bulk;
mod calendar;
#[cfg(feature = "client")]
mod client_calendar;
#[cfg(feature = "client")]
mod client_catalog;
#[cfg(feature = "client")]
mod client_subscriptions;
mod condition;
mod config;
mod contain;
mod decide;
mod defaults;
mod engine;
mod engine_builder;
mod erase;
mod error;
mod event_types;
mod facts;
mod failure;
mod health;
mod last_work;
mod locale;
mod location;
mod new_booking;
mod notices;
mod notify;
mod observer;
mod opening_text;
mod operate;
mod overview;
mod ownership;
mod persons;
mod places;
mod policy;
mod rebuild;
mod receive;
mod review;
pub(crate) mod seats;
mod senders;
mod services;
mod standing;
mod state;
mod status;
mod subscription;
mod sweep;
mod sync_engine;
mod sync_key;
mod tenant;
mod turn;
mod unsupported;
mod webhook_test;
mod worker;

pub use activity::{Activity, ActivityFilter, ActivityPage};
pub use audit::{
    AuditCounts, AuditCursor, AuditMode, AuditObserver, AuditParams, AuditProgress, AuditReport,
    AuditStop, Brake, Drift, DriftKind,
};
pub use branch::{Branch, BranchId, OpeningHours, OpeningTime, StaffId, StaffMember};
pub use bulk::{Cancellation, Cancelled, Resynced};
pub use calendar::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, Write,
};
#[cfg(feature = "testing")]
pub(crate) use client_calendar::failure_of;
pub use condition::{
    AnswerCondition, CacheCondition, CalendarCondition, CalendarFailure, CircuitCondition,
    RateCondition,
};
pub use config::SyncConfig;
pub use decide::{Decision, Verdict, decide};
pub use defaults::BookingDefaults;
pub use engine::Engine;
pub use engine_builder::EngineBuilder;
pub use error::{Error, ErrorKind};
pub use facts::{Facts, Local, Order, Remote};
pub use health::{
    BooksObserved, Health, HealthCheck, HealthStatus, HealthSummary, HealthThresholds, Monitor,
    MonitorConfig, Observed, TenantObserved,
};
pub use last_work::LastWork;
pub use locale::Locale;
#[cfg(feature = "client")]
pub use notify::WebhookNotifier;
pub use notify::{
    EventCount, Notification, NotificationEvent, Notifier, NotifyConfig, NotifyError,
    TracingNotifier,
};
pub use observer::Observer;
pub use opening_text::NotOpeningHours;
pub use operate::Operations;
pub use overview::Overview;
pub use persons::{PersonFinding, PersonOutcome, PersonPlace, PersonQuery, PersonReport};
pub use places::{PlaceFlaw, Places};
pub use policy::{ConflictPolicy, Inexpressible, SyncPolicy};
pub use rebuild::{RebuildCounts, RebuildCursor, RebuildParams, RebuildReport};
pub use receive::{Receipt, ReceiveError};
pub use review::{Choice, choices};
pub use senders::{
    EventHandler, EventOutcome, EventReport, HandlerError, HandlerErrorKind, SenderReceipt,
    TypedEventHandler, TypedHandler,
};
pub use services::{
    CatalogEntry, EventTypeCatalog, LeftAlone, ServiceAction, ServiceAdoption, ServiceCoverage,
    ServiceField, ServiceFinding, ServiceLine, ServiceSyncMode, ServiceSyncParams,
    ServiceSyncReport, ServiceSyncStop, ServiceWinner, TenantServices,
};
pub use standing::{
    Base, Doubt, OwnWrite, PendingWrite, Retiring, SentWrite, Standing, Undecodable,
};
pub use status::{PendingWork, SyncState, SyncStatus, WriteKind};
pub use subscription::{
    ExpectedSubscription, SubscriptionError, SubscriptionFinding, SubscriptionReport,
    Subscriptions, check_subscriptions,
};
pub use sweep::{SweepReport, SweepStop};
pub use sync_engine::{StepReport, SyncEngine};
pub use tenant::{StaticTenants, Tenant, TenantDirectory, TenantSetup};
pub use turn::TurnOutcome;
pub use webhook_test::WebhookTest;
pub use worker::{Worker, WorkerConfig};

/// The metadata key under which a booking carries its sync key. It is copied along the chain
/// whoever makes a change, so it identifies the chain, never who made a change.
pub const SYNC_KEY_METADATA: &str = "calcomSyncKey";
