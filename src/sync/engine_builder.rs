//! Building an engine.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::sync::{Notify, watch};

use super::config::SyncConfig;
use super::engine::Engine;
use super::event_types::EventTypes;
use super::notify::{Notifications, Notifier, TracingNotifier};
use super::observer::Observer;
use super::senders::{EventHandler, Handlers, Senders};
use super::subscription::RefusedTriggers;
use super::sync_key::SyncKeys;
use super::tenant::TenantDirectory;
use super::unsupported::Unsupported;
use crate::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::store::{AppointmentRepository, Store};
use crate::webhook::Sender;

/// The key for deriving sync keys when the host sets none.
const DEFAULT_SYNC_KEY_SECRET: &str = "calcom";

/// Builds an [`Engine`]; get one from [`Engine::builder`].
#[derive(Debug)]
#[must_use]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    appointments: Arc<dyn AppointmentRepository>,
    tenants: Arc<dyn TenantDirectory>,
    config: SyncConfig,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    observer: Option<Arc<dyn Observer>>,
    sync_key_secret: SecretString,
    notifier: Arc<dyn Notifier>,
    handlers: Handlers,
}

impl EngineBuilder {
    pub(super) fn new(
        store: Arc<dyn Store>,
        appointments: Arc<dyn AppointmentRepository>,
        tenants: Arc<dyn TenantDirectory>,
    ) -> Self {
        Self {
            store,
            appointments,
            tenants,
            config: SyncConfig::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            observer: None,
            sync_key_secret: DEFAULT_SYNC_KEY_SECRET.into(),
            notifier: Arc::new(TracingNotifier),
            handlers: Handlers::new(),
        }
    }

    /// The settings.
    pub fn config(mut self, config: SyncConfig) -> Self {
        self.config = config;
        self
    }

    /// The secret for deriving sync keys, which travel in the bookings' metadata and reveal nothing
    /// without it. Keep it as long as the bookings matter: with a different secret, bookings made
    /// before the engine's store was lost are not recognized. Without one, a well-known constant is
    /// used, and whoever knows the tenant and the appointment can compute a key.
    pub fn sync_key_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.sync_key_secret = secret.into();
        self
    }

    /// The clock for timestamps of writes to the host. Leases and due times use the store's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of randomness.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Who hears of new review items, paused tenants and silent webhooks. Default: the log. A
    /// [`Worker`](super::Worker) delivers.
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = notifier;
        self
    }

    /// Who is told what the engine decides. Default: nobody.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Subscribes a handler to the events of a sender, of all tenants that [name
    /// it](super::Tenant::with_sender). One for each sender: a later one takes the place of an earlier
    /// one.
    ///
    /// Events of a sender without one are stored, and wait for a process that subscribes to it: a
    /// [`Worker`](super::Worker) leaves them alone. They are kept, with their bodies, for as long as
    /// they wait, so let no tenant name a sender that none of your processes subscribes to.
    pub fn on(mut self, sender: Sender, handler: Arc<dyn EventHandler>) -> Self {
        self.handlers.insert(sender, handler);
        self
    }

    /// Builds the engine. Nothing starts by itself: run a [`Worker`](super::Worker).
    pub fn build(mut self) -> Engine {
        // A call that outlasts its lease would be looked for by somebody else while it is still
        // under way.
        self.config.call_timeout = self.config.call_timeout.min(self.config.lease / 2);
        self.config.event_timeout = self.config.event_timeout.min(self.config.lease / 2);
        Engine {
            store: self.store,
            appointments: self.appointments,
            tenants: self.tenants,
            clock: self.clock,
            entropy: self.entropy,
            sync_keys: SyncKeys::new(self.sync_key_secret),
            event_types: EventTypes::default(),
            unsupported: Unsupported::default(),
            notifications: Notifications::new(self.notifier, self.config.notify.clone()),
            config: self.config,
            refused_triggers: RefusedTriggers::default(),
            senders: Senders::new(self.handlers),
            observer: self.observer,
            served: Mutex::new(None),
            work: Notify::new(),
            hand_backs: watch::Sender::new(0),
        }
    }
}
