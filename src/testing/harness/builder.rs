//! How a harness is set up.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;

use super::receiver::Receiver;
use super::{Harness, Sides, engine_over};
use crate::client::{Client, RetryPolicy};
use crate::model::NewWebhook;
use crate::store::{AppointmentRepository, InMemoryStore, Store, TenantId};
use crate::sync::{SyncConfig, Tenant};
use crate::testing::{FakeCalcom, FakeCalcomBuilder, FakeEventType, ManualClock, ServerKind};

/// What signs the webhooks of a harness.
const SECRET: &str = "whsec_of_the_harness";

/// 1 December 2026, 08:00 UTC: a Tuesday.
const MORNING: i64 = 1_796_112_000;

type Adjust = Box<dyn FnOnce(Tenant) -> Tenant + Send>;

/// Configures a [`Harness`]; get one from [`Harness::builder`].
#[must_use]
pub struct HarnessBuilder {
    appointments: Arc<dyn AppointmentRepository>,
    store: Option<Arc<dyn Store>>,
    tenant: TenantId,
    clock: ManualClock,
    fake: FakeCalcomBuilder,
    event_types: Vec<FakeEventType>,
    config: SyncConfig,
    adjust: Option<Adjust>,
}

impl fmt::Debug for HarnessBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarnessBuilder")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl HarnessBuilder {
    pub(super) fn new(appointments: Arc<dyn AppointmentRepository>) -> Self {
        let morning = DateTime::from_timestamp(MORNING, 0).unwrap_or_default();
        let config = SyncConfig {
            jitter_percent: 0,
            ..SyncConfig::default()
        };
        Self {
            appointments,
            store: None,
            tenant: TenantId::new("salon"),
            clock: ManualClock::at(morning),
            fake: FakeCalcom::builder().seed(1),
            event_types: Vec::new(),
            config,
            adjust: None,
        }
    }

    /// The engine's bookkeeping, empty, and going by the harness's [clock](Self::clock). Default: in
    /// memory.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The tenant's id, as the repository knows it. Default: `salon`.
    pub fn tenant(mut self, tenant: impl Into<TenantId>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// The clock, to be shared with the repository or the store. Default: one that stands at 08:00
    /// UTC on 1 December 2026.
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = clock;
        self
    }

    /// An event type of the tenant's; call it once for each. The first one replaces the default of
    /// 30 minutes. [`FakeEventType::with_id`] gives it the id that the repository knows.
    pub fn event_type(mut self, event_type: FakeEventType) -> Self {
        self.event_types.push(event_type);
        self
    }

    /// Which kind of server the fake is. Default: self-hosted.
    pub fn server(mut self, kind: ServerKind) -> Self {
        self.fake = self.fake.server(kind);
        self
    }

    /// The engine's settings. Default: those of production, without jitter.
    pub fn config(mut self, config: SyncConfig) -> Self {
        self.config = config;
        self
    }

    /// Adjusts the tenant: its policies, for example.
    pub fn with_tenant(mut self, adjust: impl FnOnce(Tenant) -> Tenant + Send + 'static) -> Self {
        self.adjust = Some(Box::new(adjust));
        self
    }

    /// Starts the fake and a receiver of its webhooks, both on free ports of loopback. They stop
    /// when the harness is dropped.
    ///
    /// # Errors
    ///
    /// If no port can be listened on.
    pub async fn start(self) -> io::Result<Harness> {
        let mut event_types = self.event_types.into_iter();
        let mut fake = self.fake.clock(self.clock.shared());
        if let Some(first) = event_types.next() {
            fake = fake.event_type(first);
        }
        let fake = fake.start().await?;
        let mut ids = vec![fake.event_type_id()];
        ids.extend(event_types.map(|event_type| fake.add_event_type(event_type)));
        let client = client_of(&fake)?;
        let mut salon = Tenant::new(self.tenant.clone(), Arc::new(client))
            .with_webhook_secret(SECRET)
            .with_host(fake.host_id());
        for id in &ids {
            salon = salon.with_event_type(*id);
        }
        if let Some(adjust) = self.adjust {
            salon = adjust(salon);
        }
        let store = self
            .store
            .unwrap_or_else(|| Arc::new(InMemoryStore::with_clock(self.clock.shared())));
        let sides = Sides::new(self.tenant.clone(), self.appointments, store, fake.clone())
            .with_event_types(ids.clone());
        let engine = engine_over(&sides, &salon, &self.config, &self.clock);
        let engine = Arc::new(Mutex::new(engine));
        let receiver = Receiver::start(Arc::clone(&engine), self.tenant).await?;
        fake.subscribe(receiver.url(), SECRET, NewWebhook::booking_triggers());
        Ok(Harness {
            fake,
            sides,
            clock: self.clock,
            config: self.config,
            salon,
            event_types: ids,
            engine,
            _receiver: receiver,
        })
    }
}

fn client_of(fake: &FakeCalcom) -> io::Result<Client> {
    let client = Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        // The engine's own schedule is what is tested.
        .retry(RetryPolicy::none())
        // They go by real time, and the test drives its own.
        .breaker(None)
        .rate(None)
        .attempt_timeout(Duration::from_secs(5));
    client.build().map_err(io::Error::other)
}
