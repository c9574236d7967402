//! Services and event types in sync.

mod creating;
mod failing;
mod left_alone;
mod pairs;
mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::harness::{World, ann, at, client, config};
use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::client::Client;
use calcom::model::{
    EventType, EventTypeId, EventTypeSettings, EventTypeUpdate, NewAttendee, NewBooking,
};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    InMemoryStore, Opaque, Origin, Revision, Service, ServiceDetails, ServiceId, ServiceLinks,
    ServiceRepository, ServiceStatus, ServiceWrite, Store, StoreError, StoreErrorKind, TenantId,
    Window,
};
use calcom::sync::{
    CalendarError, CatalogEntry, Engine, EventTypeCatalog, LeftAlone, ServiceFinding, ServiceLine,
    ServiceSyncMode, ServiceSyncParams, ServiceSyncReport, ServiceSyncStop, ServiceWinner,
    StaticTenants, SyncEngine, Tenant, TenantServices, Worker, WorkerConfig,
};
use calcom::testing::{FakeAccount, FakeEventType, Fault, Operation, SeededEntropy, Then};
use http::Method;

const QUARTER: Duration = Duration::from_secs(15 * 60);

fn all() -> ServiceSyncParams {
    ServiceSyncParams::default()
        .with_import(true)
        .with_export(true)
}

fn import() -> ServiceSyncParams {
    ServiceSyncParams::default().with_import(true)
}

fn export() -> ServiceSyncParams {
    ServiceSyncParams::default().with_export(true)
}

/// A host with services, over the world's store and Cal.com.
struct Shop {
    world: World,
    client: Client,
    engine: Arc<Engine>,
}

impl Shop {
    async fn new() -> Self {
        Self::with(|services| services).await
    }

    async fn with(change: impl Fn(TenantServices) -> TenantServices) -> Self {
        let world = World::new().await;
        let client = client(&world.fake);
        let services = change(services(&world, Arc::new(world.store.clone())));
        let engine = engine(&world, &world.store, services);
        Self {
            world,
            client,
            engine,
        }
    }

    async fn sync(&self, params: ServiceSyncParams) -> ServiceSyncReport {
        let synced = self.engine.sync_services(&self.world.tenant, params);
        synced.await.unwrap()
    }

    /// Syncs once more, and asserts that nothing was left to do.
    async fn assert_quiet(&self) {
        let before = self.writes();
        let report = self.sync(all()).await;
        assert!(report.is_synced(), "{report:#?}");
        assert_eq!(self.writes(), before);
    }

    fn services(&self) -> Vec<Service> {
        self.world.store.services(&self.world.tenant)
    }

    fn make(&self, id: &str, details: ServiceDetails) -> Service {
        self.make_with(id, |at| ServiceWrite::new(details, at))
    }

    fn make_with(
        &self,
        id: &str,
        write: impl FnOnce(chrono::DateTime<chrono::Utc>) -> ServiceWrite,
    ) -> Service {
        let write = write(self.world.clock.now());
        let (store, tenant) = (&self.world.store, &self.world.tenant);
        store.create_service(tenant, &id.into(), write).unwrap()
    }

    async fn change(&self, id: &ServiceId, edit: impl FnOnce(&mut ServiceDetails)) {
        let tenant = &self.world.tenant;
        let known = self.world.store.service(tenant, id).await.unwrap().unwrap();
        let mut write = ServiceWrite::of(&known, self.world.clock.now());
        edit(&mut write.details);
        let updated = self
            .world
            .store
            .update_service(tenant, id, known.revision, write);
        updated.await.unwrap();
    }

    async fn service(&self, id: &str) -> Service {
        let id = id.into();
        let found = self.world.store.service(&self.world.tenant, &id);
        found.await.unwrap().unwrap()
    }

    async fn event_type(&self, id: EventTypeId) -> EventType {
        self.client.event_types().get(id).await.unwrap()
    }

    /// How many requests have asked Cal.com for something else than reading.
    fn writes(&self) -> usize {
        let requests = self.world.fake.requests();
        requests
            .iter()
            .filter(|request| request.method != Method::GET)
            .count()
    }

    fn creates(&self) -> usize {
        let requests = self.world.fake.requests();
        let is_create = |operation| operation == Operation::CreateEventType;
        requests
            .iter()
            .filter(|request| is_create(request.operation))
            .count()
    }

    fn fail(&self, operation: Operation, then: Then) {
        self.world.fake.inject(Fault::new(operation, then));
    }
}

/// The host renames a service.
fn rename(name: &'static str) -> impl FnOnce(&mut ServiceDetails) {
    move |details| name.clone_into(&mut details.name)
}

fn services(world: &World, repository: Arc<dyn ServiceRepository>) -> TenantServices {
    TenantServices::new(repository, Arc::new(client(&world.fake)))
}

/// An engine whose tenant names the world's event types, over books of its own.
fn engine(world: &World, books: &InMemoryStore, services: TenantServices) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_event_type(world.fake.event_type_id())
        .with_event_type(world.types.confirm)
        .with_event_type(world.types.weekly)
        .with_event_type(world.types.lengths)
        .with_host(world.fake.host_id())
        .with_services(services);
    let books: Arc<dyn Store> = Arc::new(books.clone());
    let engine = Engine::builder(
        books,
        Arc::new(world.store.clone()),
        Arc::new(StaticTenants::new([tenant])),
    )
    .config(config())
    .clock(Arc::new(world.clock.clone()))
    .entropy(Arc::new(SeededEntropy::new(1)))
    .build();
    Arc::new(engine)
}

fn line<'a>(report: &'a ServiceSyncReport, service: &str) -> &'a ServiceLine {
    let mut lines = report.lines.iter();
    let found = lines.find(|line| line.service == Some(service.into()));
    found.unwrap_or_else(|| panic!("no line about {service}: {report:#?}"))
}

/// A repository whose next writes fail.
#[derive(Debug)]
struct Failing {
    store: InMemoryStore,
    failures: AtomicU32,
    /// Whose writes panic.
    panics_on: Option<ServiceId>,
}

impl Failing {
    fn fails(&self) -> Result<(), StoreError> {
        let left = self.failures.load(Ordering::SeqCst);
        if left == 0 {
            return Ok(());
        }
        self.failures.store(left - 1, Ordering::SeqCst);
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "the table is locked",
        ))
    }
}

#[async_trait]
impl ServiceRepository for Failing {
    async fn services_page(
        &self,
        tenant: &TenantId,
        after: Option<&ServiceId>,
        limit: u32,
    ) -> Result<Vec<Service>, StoreError> {
        self.store.services_page(tenant, after, limit).await
    }

    async fn service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
    ) -> Result<Option<Service>, StoreError> {
        self.store.service(tenant, id).await
    }

    async fn create_for_event_type(
        &self,
        tenant: &TenantId,
        event_type: EventTypeId,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        self.fails()?;
        self.store
            .create_for_event_type(tenant, event_type, write)
            .await
    }

    async fn update_service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
        expected: Revision,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        self.fails()?;
        assert_ne!(self.panics_on.as_ref(), Some(id), "the table panics");
        self.store.update_service(tenant, id, expected, write).await
    }
}

/// The titles of all event types of the account.
async fn titles(shop: &Shop) -> Vec<String> {
    let me = shop.client.me().get().await.unwrap();
    let query = calcom::model::EventTypeQuery::of_user(me.username.unwrap());
    let listed = shop.client.event_types().list(&query).await.unwrap();
    listed
        .into_iter()
        .map(|event_type| event_type.title)
        .collect()
}
