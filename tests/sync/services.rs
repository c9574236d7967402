//! Services and event types in sync: import, export, updates from either side, and what is left
//! alone.

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

/// Every event type of the tenant gets a service; once they are paired, nothing is left to do.
#[tokio::test]
async fn import_makes_a_service_for_every_event_type() {
    let shop = Shop::new().await;
    let report = shop.sync(import()).await;
    assert_eq!(report.stopped, None);
    let services = shop.services();
    assert_eq!(services.len(), 4);
    assert_eq!(report.count(&ServiceStatus::Synced), 4, "{report:#?}");
    assert_eq!(report.coverage.event_types_with_service, 4);
    assert_eq!(shop.writes(), 0);
    for service in &services {
        let event_type = shop.event_type(service.event_type.unwrap()).await;
        assert_eq!(service.details.name, event_type.title);
        assert_eq!(
            service.details.length_in_minutes,
            event_type.length_in_minutes
        );
        assert!(service.is_active);
    }
    shop.assert_quiet().await;
    assert_eq!(shop.services(), services);
}

/// An active service without an event type gets one; an inactive one does not.
#[tokio::test]
async fn export_makes_an_event_type_for_every_active_service() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let details = ServiceDetails::new("Cut & dry", 45).with_description("With a coffee");
    shop.make("cut", details);
    let idle = ServiceDetails::new("Perm", 90);
    shop.make_with("perm", |at| ServiceWrite::new(idle, at).with_active(false));
    // Nothing is created unless that is asked for.
    let report = shop.sync(import()).await;
    assert_eq!(line(&report, "cut").finding, ServiceFinding::NoEventType);
    assert_eq!(line(&report, "cut").status, ServiceStatus::Orphan);
    assert_eq!(shop.creates(), 0);

    let report = shop.sync(export()).await;
    assert!(line(&report, "cut").is_done, "{report:#?}");
    assert_eq!(line(&report, "cut").status, ServiceStatus::Synced);
    let id = shop.service("cut").await.event_type.unwrap();
    let made = shop.event_type(id).await;
    assert_eq!(
        (made.title.as_str(), made.length_in_minutes),
        ("Cut & dry", 45)
    );
    assert_eq!(made.description.as_deref(), Some("With a coffee"));
    assert!(made.slug.starts_with("cut-dry-"), "{}", made.slug);
    assert_eq!(shop.service("perm").await.event_type, None);
    assert_eq!(shop.creates(), 1);
    assert_eq!(report.coverage.active, 5);
    assert_eq!(report.coverage.active_with_event_type, 5);
    shop.assert_quiet().await;
}

/// A create that was carried out and never answered is found again by its slug, also after a new
/// name, and by a process whose books are lost.
#[tokio::test]
async fn a_create_without_an_answer_is_not_repeated() {
    for books_are_lost in [false, true] {
        let shop = Shop::new().await;
        shop.sync(import()).await;
        shop.make("cut", ServiceDetails::new("Cut", 45));
        shop.fail(Operation::CreateEventType, Then::ApplyThenDrop);
        let report = shop.sync(export()).await;
        let waiting = line(&report, "cut");
        assert_eq!(waiting.status, ServiceStatus::Pending, "{report:#?}");
        assert_eq!(waiting.attempts, 1);
        let wait = waiting.next_attempt.unwrap() - shop.world.clock.now();
        assert_eq!(wait.num_seconds(), 60);
        assert_eq!(shop.service("cut").await.event_type, None);

        shop.change(&"cut".into(), rename("Haircut")).await;
        shop.world.clock.advance(Duration::from_secs(60));
        let books = if books_are_lost {
            InMemoryStore::with_clock(shop.world.clock.shared())
        } else {
            shop.world.store.clone()
        };
        let repository = Arc::new(shop.world.store.clone());
        let engine = engine(&shop.world, &books, services(&shop.world, repository));
        for _ in 0..2 {
            let synced = engine.sync_services(&shop.world.tenant, export()).await;
            assert_eq!(synced.unwrap().stopped, None);
        }
        assert_eq!(shop.creates(), 1, "books lost: {books_are_lost}");
        let id = shop.service("cut").await.event_type.expect("a pair");
        assert_eq!(shop.event_type(id).await.title, "Haircut");
    }
}

/// A create that lands after the next attempt has read the list is adopted when Cal.com refuses the
/// slug a second time.
#[tokio::test]
async fn a_create_that_lands_late_is_adopted() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    // The client gives up after 700 ms, and the request is carried out later than that.
    let late = Duration::from_millis(1_000);
    shop.fail(Operation::CreateEventType, Then::DelayBefore(late));
    let report = shop.sync(export()).await;
    assert_eq!(line(&report, "cut").attempts, 1, "{report:#?}");
    // The list of the next attempt is read before, and its create comes after. The name is another
    // one by then, and the slug is not.
    shop.change(&"cut".into(), rename("Haircut")).await;
    let slow = Then::DelayBefore(Duration::from_millis(500));
    shop.fail(Operation::CreateEventType, slow);
    let forced = export().with_mode(ServiceSyncMode::Forced);
    let report = shop.sync(forced).await;
    assert!(line(&report, "cut").is_done, "{report:#?}");
    assert_eq!(shop.creates(), 2);
    shop.sync(export()).await;
    let titles = titles(&shop).await;
    assert_eq!(titles.len(), 5, "{titles:?}");
    assert!(titles.contains(&"Haircut".to_owned()), "{titles:?}");
    shop.assert_quiet().await;
}

async fn titles(shop: &Shop) -> Vec<String> {
    let me = shop.client.me().get().await.unwrap();
    let query = calcom::model::EventTypeQuery::of_user(me.username.unwrap());
    let listed = shop.client.event_types().list(&query).await.unwrap();
    listed
        .into_iter()
        .map(|event_type| event_type.title)
        .collect()
}

/// A repository whose next writes fail.
#[derive(Debug)]
struct Failing {
    store: InMemoryStore,
    failures: AtomicU32,
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
        self.store.update_service(tenant, id, expected, write).await
    }
}

/// What was begun is brought to its end by the schedule, which creates nothing else.
#[tokio::test]
async fn the_schedule_finishes_a_create_that_was_begun() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    shop.fail(Operation::CreateEventType, Then::DropBeforeApplying);
    let report = shop.sync(export()).await;
    assert_eq!(line(&report, "cut").attempts, 1, "{report:#?}");
    shop.make("dry", ServiceDetails::new("Dry", 15));
    shop.world.clock.advance(Duration::from_secs(60));
    let day = Duration::from_secs(24 * 60 * 60);
    let reports = shop.engine.sync_services_due(day).await.unwrap();
    assert_eq!(
        line(&reports[0], "cut").status,
        ServiceStatus::Synced,
        "{reports:#?}"
    );
    assert_eq!(line(&reports[0], "dry").status, ServiceStatus::Orphan);
    assert_eq!(shop.service("dry").await.event_type, None);
}

/// Books and services in SQLite do as well.
#[tokio::test]
async fn services_are_synced_over_sqlite() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let store = SqliteStore::open_with_clock(path, world.clock.shared())
        .await
        .unwrap();
    let store = Arc::new(store);
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_host(world.fake.host_id())
        .with_services(services(&world, store.clone()));
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(store.clone(), store.clone(), tenants)
        .config(config())
        .build();
    let write = ServiceWrite::new(ServiceDetails::new("Cut", 45), world.clock.now());
    store
        .create_service(&world.tenant, &"cut".into(), write)
        .await
        .unwrap();
    let report = engine.sync_services(&world.tenant, all()).await.unwrap();
    assert!(report.is_synced(), "{report:#?}");
    assert_eq!(report.lines.len(), 5);
    let cut = store
        .service(&world.tenant, &"cut".into())
        .await
        .unwrap()
        .unwrap();
    let renamed = EventTypeUpdate::default().with_title("Haircut");
    let client = client(&world.fake);
    client
        .event_types()
        .update(cut.event_type.unwrap(), &renamed)
        .await
        .unwrap();
    let report = engine.sync_services(&world.tenant, all()).await.unwrap();
    assert!(report.is_synced(), "{report:#?}");
    let cut = store
        .service(&world.tenant, &"cut".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (cut.details.name.as_str(), cut.details.length_in_minutes),
        ("Haircut", 45)
    );
    let page = store.services_page(&world.tenant, None, 100).await.unwrap();
    assert_eq!(page.len(), 5);
}

/// Books of a newer version are left to it.
#[tokio::test]
async fn books_of_a_newer_version_are_left_alone() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let (store, tenant) = (&shop.world.store, &shop.world.tenant);
    let lease = store
        .begin_service_sync(tenant, Duration::ZERO, QUARTER)
        .await
        .unwrap()
        .unwrap();
    let mut link = store
        .service_links(tenant, None, 1)
        .await
        .unwrap()
        .remove(0);
    link.state = Some(Opaque::new(2, b"newer".to_vec()));
    store
        .store_service_link(&lease, &link, None, QUARTER)
        .await
        .unwrap();
    store
        .end_service_sync(&lease, None, Duration::ZERO)
        .await
        .unwrap();
    let before = store.service_links(tenant, None, 100).await.unwrap();
    let id = shop.services().remove(0).id;
    shop.change(&id, |details| details.length_in_minutes = 99)
        .await;
    let report = shop.sync(all().with_winner(ServiceWinner::Host)).await;
    assert_eq!(report.stopped, Some(ServiceSyncStop::NewerVersion));
    assert_eq!(shop.writes(), 0);
    assert_eq!(
        store.service_links(tenant, None, 100).await.unwrap(),
        before
    );
}

/// Between the creation of an event type and its pairing, anything may fail: the next attempt pairs
/// the two, and creates nothing.
#[tokio::test]
async fn a_create_that_the_host_did_not_note_is_paired_later() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    let failing = Arc::new(Failing {
        store: shop.world.store.clone(),
        failures: AtomicU32::new(1),
    });
    let engine = engine(
        &shop.world,
        &shop.world.store,
        services(&shop.world, failing),
    );
    let synced = engine
        .sync_services(&shop.world.tenant, export())
        .await
        .unwrap();
    assert_eq!(
        line(&synced, "cut").status,
        ServiceStatus::Pending,
        "{synced:#?}"
    );
    assert_eq!(
        line(&synced, "cut").error.as_deref(),
        Some("the table is locked")
    );
    assert_eq!(shop.service("cut").await.event_type, None);
    let synced = engine
        .sync_services(&shop.world.tenant, export())
        .await
        .unwrap();
    assert_eq!(
        line(&synced, "cut").status,
        ServiceStatus::Synced,
        "{synced:#?}"
    );
    assert_eq!(shop.creates(), 1);
    shop.assert_quiet().await;
}

/// Whoever changed a field wins; two changes of different fields are both kept.
#[tokio::test]
async fn the_side_that_changed_wins() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let service = shop.services().remove(0);
    let id = service.event_type.unwrap();
    shop.change(&service.id, rename("Haircut")).await;
    let longer = EventTypeUpdate::default().with_length_in_minutes(50);
    shop.client.event_types().update(id, &longer).await.unwrap();

    let report = shop.sync(ServiceSyncParams::default()).await;
    assert!(report.is_synced(), "{report:#?}");
    let event_type = shop.event_type(id).await;
    assert_eq!(
        (event_type.title.as_str(), event_type.length_in_minutes),
        ("Haircut", 50)
    );
    let service = shop.service(service.id.as_str()).await;
    assert_eq!(service.details.name, "Haircut");
    assert_eq!(service.details.length_in_minutes, 50);
    shop.assert_quiet().await;
}

/// A catalog in which somebody renames an event type just after it was listed.
#[derive(Debug)]
struct Meddling {
    client: Client,
    renames: std::sync::Mutex<Option<EventTypeId>>,
}

#[async_trait]
impl EventTypeCatalog for Meddling {
    async fn list_event_types(&self) -> Result<Vec<CatalogEntry>, CalendarError> {
        let listed = self.client.list_event_types().await?;
        let renamed = self.renames.lock().unwrap().take();
        if let Some(id) = renamed {
            let rename = EventTypeUpdate::default().with_title("Coupe");
            self.client.event_types().update(id, &rename).await?;
        }
        Ok(listed)
    }

    async fn read_event_type(
        &self,
        id: EventTypeId,
    ) -> Result<Option<CatalogEntry>, CalendarError> {
        self.client.read_event_type(id).await
    }

    async fn create_event_type(
        &self,
        slug: &str,
        details: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError> {
        self.client.create_event_type(slug, details).await
    }

    async fn update_event_type(
        &self,
        id: EventTypeId,
        expected: &ServiceDetails,
        details: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError> {
        self.client.update_event_type(id, expected, details).await
    }
}

/// What somebody changes at Cal.com between the comparison and the update is not overwritten.
#[tokio::test]
async fn an_update_that_was_overtaken_is_compared_anew() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let service = shop.services().remove(0);
    let id = service.event_type.unwrap();
    shop.change(&service.id, |details| details.length_in_minutes = 55)
        .await;
    let meddling = Meddling {
        client: client(&shop.world.fake),
        renames: std::sync::Mutex::new(Some(id)),
    };
    let repository = Arc::new(shop.world.store.clone());
    let of_tenant = TenantServices::new(repository, Arc::new(meddling));
    let engine = engine(&shop.world, &shop.world.store, of_tenant);
    let report = engine
        .sync_services(&shop.world.tenant, all())
        .await
        .unwrap();
    let overtaken = line(&report, service.id.as_str());
    assert_eq!(overtaken.status, ServiceStatus::Pending, "{report:#?}");
    assert_eq!((overtaken.is_done, overtaken.attempts), (false, 0));
    assert_eq!(shop.event_type(id).await.title, "Coupe");
    let forced = all().with_mode(ServiceSyncMode::Forced);
    let report = engine
        .sync_services(&shop.world.tenant, forced)
        .await
        .unwrap();
    assert!(report.is_synced(), "{report:#?}");
    let both = shop.event_type(id).await;
    assert_eq!((both.title.as_str(), both.length_in_minutes), ("Coupe", 55));
    assert_eq!(
        shop.service(service.id.as_str()).await.details.name,
        "Coupe"
    );
}

/// Two changes of one field are reported, and written only once somebody has said who wins.
#[tokio::test]
async fn two_changes_of_one_field_are_for_the_policy() {
    for winner in [ServiceWinner::Host, ServiceWinner::Calcom] {
        let shop = Shop::new().await;
        shop.sync(import()).await;
        let service = shop.services().remove(0);
        let id = service.event_type.unwrap();
        shop.change(&service.id, rename("Haircut")).await;
        let renamed = EventTypeUpdate::default().with_title("Coupe");
        shop.client
            .event_types()
            .update(id, &renamed)
            .await
            .unwrap();
        let before = shop.writes();

        let report = shop.sync(all()).await;
        let conflict = line(&report, service.id.as_str());
        assert!(matches!(conflict.finding, ServiceFinding::Conflict { .. }));
        assert_eq!(conflict.status, ServiceStatus::Error);
        assert!(conflict.error.as_ref().unwrap().contains("name"));
        assert_eq!(shop.writes(), before);

        shop.sync(all().with_winner(winner)).await;
        let name = match winner {
            ServiceWinner::Host => "Haircut",
            _ => "Coupe",
        };
        assert_eq!(shop.event_type(id).await.title, name);
        assert_eq!(shop.service(service.id.as_str()).await.details.name, name);
        shop.assert_quiet().await;
    }
}

/// An update changes what is compared and nothing else: Cal.com drops some settings with every
/// update that does not repeat them.
#[tokio::test]
async fn an_update_keeps_the_other_settings() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let id = shop.world.types.lengths;
    let settings = EventTypeSettings::default()
        .with_minimum_booking_notice(240)
        .with_length_in_minutes_options([30, 60, 90]);
    let update = EventTypeUpdate::default().with_settings(settings);
    shop.client.event_types().update(id, &update).await.unwrap();
    let before = shop.event_type(id).await;
    let services = shop.services();
    let service = services
        .iter()
        .find(|service| service.event_type == Some(id))
        .unwrap();
    shop.change(&service.id, |details| {
        "Long cut".clone_into(&mut details.name);
        details.length_in_minutes = 75;
    })
    .await;
    let report = shop.sync(all()).await;
    assert!(report.is_synced(), "{report:#?}");
    let mut expected = before;
    "Long cut".clone_into(&mut expected.title);
    expected.length_in_minutes = 75;
    expected.length_in_minutes_options = vec![30, 60, 75, 90];
    let mut after = shop.event_type(id).await;
    // The server repeats the lengths there.
    (expected.metadata, after.metadata) = (None, None);
    assert_eq!(after, expected);
    let confirm = shop.event_type(shop.world.types.confirm).await;
    let of_confirm = shop.services();
    let of_confirm = of_confirm
        .iter()
        .find(|s| s.event_type == Some(confirm.id))
        .unwrap();
    shop.change(&of_confirm.id, rename("Ask")).await;
    shop.sync(all()).await;
    let after = shop.event_type(confirm.id).await;
    assert!(after.requires_confirmation());
    assert_eq!(after.title, "Ask");
}

/// A failed attempt is repeated after 60, 300 and 900 s, by the schedule's own doing, and then no
/// more; a new edit begins anew, and so does force.
#[tokio::test]
async fn failed_attempts_are_repeated_and_then_an_error() {
    let shop = Shop::with(|services| services.with_scheduled(export())).await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    let broken = Fault::new(Operation::CreateEventType, Then::status(500)).always();
    shop.world.fake.inject(broken);
    let day = Duration::from_secs(24 * 60 * 60);
    let due = async || {
        let reports = shop.engine.sync_services_due(day).await.unwrap();
        reports.into_iter().next()
    };
    shop.sync(export()).await;
    for (attempts, wait) in [(2, 60), (3, 300), (4, 900)] {
        shop.world.clock.advance(Duration::from_secs(wait - 1));
        assert_eq!(due().await, None, "{wait}");
        shop.world.clock.advance(Duration::from_secs(1));
        let report = due().await.expect("an attempt is due");
        assert_eq!(line(&report, "cut").attempts, attempts, "{report:#?}");
    }
    let report = shop.sync(export()).await;
    let failed = line(&report, "cut");
    assert_eq!(failed.status, ServiceStatus::Error);
    assert_eq!((failed.attempts, failed.next_attempt), (4, None));
    assert!(failed.error.is_some());
    assert_eq!(shop.creates(), 4);

    let check = export().with_mode(ServiceSyncMode::CheckOnly);
    let report = shop.sync(check).await;
    assert_eq!(line(&report, "cut").status, ServiceStatus::Error);
    shop.change(&"cut".into(), |details| details.length_in_minutes = 50)
        .await;
    let report = shop.sync(export()).await;
    assert_eq!(line(&report, "cut").attempts, 1);
    assert_eq!(shop.creates(), 5);
    shop.world.fake.clear_faults();
    let report = shop.sync(export()).await;
    assert!(!line(&report, "cut").is_done, "its time has not come");
    let report = shop.sync(export().with_mode(ServiceSyncMode::Forced)).await;
    assert_eq!(line(&report, "cut").status, ServiceStatus::Synced);
    assert_eq!(shop.creates(), 6);
}

/// What can never succeed is an error at once.
#[tokio::test]
async fn a_refused_create_is_not_repeated() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("nothing", ServiceDetails::new("Nothing", 0));
    let report = shop.sync(export()).await;
    let refused = line(&report, "nothing");
    assert_eq!(refused.status, ServiceStatus::Error, "{report:#?}");
    assert_eq!(refused.attempts, 1);
    let before = shop.writes();
    shop.world.clock.advance(QUARTER);
    shop.sync(export()).await;
    assert_eq!(shop.writes(), before);
}

/// While Cal.com throttles, nothing counts as an attempt, and nothing is asked before it may be.
#[tokio::test]
async fn throttling_postpones_the_next_sync() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    let headers = vec![("X-RateLimit-Reset-Default".to_owned(), "90".to_owned())];
    let throttle = Then::answer(429, headers, "{}");
    shop.fail(Operation::CreateEventType, throttle);
    let report = shop.sync(export()).await;
    let stopped = matches!(report.stopped, Some(ServiceSyncStop::Calendar(_)));
    assert!(stopped, "{report:#?}");
    shop.world.clock.advance(Duration::from_secs(89));
    let report = shop.sync(export()).await;
    assert_eq!(report.stopped, Some(ServiceSyncStop::Busy));
    shop.world.clock.advance(Duration::from_secs(1));
    let report = shop.sync(export()).await;
    assert_eq!(
        line(&report, "cut").status,
        ServiceStatus::Synced,
        "{report:#?}"
    );
    assert_eq!(line(&report, "cut").attempts, 0);
}

/// Two services that name one event type are reported, and neither side is written.
#[tokio::test]
async fn two_services_of_one_event_type_are_an_error() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let first = shop.services().remove(0);
    let id = first.event_type;
    let details = ServiceDetails::new("Second", 99);
    shop.make_with("second", |at| {
        ServiceWrite::new(details, at).with_event_type(id)
    });
    let before = (shop.writes(), shop.services());
    let report = shop.sync(all().with_winner(ServiceWinner::Host)).await;
    for service in [first.id.as_str(), "second"] {
        let double = line(&report, service);
        assert_eq!(double.status, ServiceStatus::Error, "{report:#?}");
        assert!(matches!(double.finding, ServiceFinding::Duplicate { .. }));
    }
    assert_eq!((shop.writes(), shop.services()), before);
    assert_eq!(report.coverage.event_types_with_service, 3);
}

/// A second event type that was made for a service is reported, and not imported.
#[tokio::test]
async fn two_event_types_of_one_service_are_an_error() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    shop.sync(export()).await;
    let made = shop
        .event_type(shop.service("cut").await.event_type.unwrap())
        .await;
    let mark = made.slug.rsplit_once('-').unwrap().1;
    let twin = calcom::model::NewEventType::new("Cut", format!("twin-{mark}"), 45);
    let twin = shop.client.event_types().create(&twin).await.unwrap();
    let count = shop.services().len();
    let report = shop.sync(all()).await;
    let double = report
        .lines
        .iter()
        .find(|line| line.event_type == Some(twin.id));
    let double = double.expect("a line about the twin");
    assert_eq!(double.status, ServiceStatus::Error, "{report:#?}");
    assert_eq!(line(&report, "cut").status, ServiceStatus::Synced);
    assert_eq!(shop.services().len(), count);
}

/// A service whose event type was deleted is an orphan: it is deactivated only on instruction, and
/// nothing is created in its place.
#[tokio::test]
async fn a_service_whose_event_type_is_gone_is_an_orphan() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let service = shop.services().remove(0);
    let id = service.event_type.unwrap();
    shop.client.event_types().delete(id).await.unwrap();
    let before = (shop.writes(), shop.services());
    let report = shop.sync(all().with_mode(ServiceSyncMode::Forced)).await;
    let orphan = line(&report, service.id.as_str());
    assert_eq!(orphan.finding, ServiceFinding::EventTypeGone);
    assert_eq!(orphan.status, ServiceStatus::Orphan);
    assert_eq!((shop.writes(), shop.services()), before);
    assert_eq!(report.coverage.active_with_event_type, 3);

    let report = shop.sync(all().with_deactivate_orphans(true)).await;
    assert!(line(&report, service.id.as_str()).is_done);
    let after = shop.service(service.id.as_str()).await;
    assert!(!after.is_active);
    assert_eq!(after.event_type, Some(id));
    assert_eq!(after.details, service.details);
    // A service whose event type was never seen may be paired with a team's.
    let details = ServiceDetails::new("Course", 60);
    shop.make_with("course", |at| {
        ServiceWrite::new(details, at).with_event_type(EventTypeId::new(424_242))
    });
    let report = shop.sync(all().with_deactivate_orphans(true)).await;
    assert_eq!(line(&report, "course").status, ServiceStatus::Orphan);
    assert!(shop.service("course").await.is_active);
    assert_eq!(shop.services().len(), 5);
}

/// An event type whose service the host has removed is an orphan, and is not imported again.
#[tokio::test]
async fn an_event_type_whose_service_is_gone_is_an_orphan() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    shop.sync(export()).await;
    let made = shop.service("cut").await.event_type;
    let imported = shop
        .services()
        .into_iter()
        .find(|service| service.id != "cut")
        .unwrap();
    for id in ["cut", imported.id.as_str()] {
        assert!(
            shop.world
                .store
                .remove_service(&shop.world.tenant, &id.into())
        );
    }
    let before = (shop.writes(), shop.services());
    for _ in 0..2 {
        let report = shop.sync(all()).await;
        for event_type in [made, imported.event_type] {
            let orphan = report
                .lines
                .iter()
                .find(|line| line.event_type == event_type)
                .unwrap();
            assert_eq!(orphan.finding, ServiceFinding::ServiceGone);
            assert_eq!(orphan.status, ServiceStatus::Orphan);
        }
    }
    assert_eq!((shop.writes(), shop.services()), before);
}

/// Event types that no tenant names, hidden ones, and another tenant's are left alone, also where a
/// service names them.
#[tokio::test]
async fn what_is_not_the_tenants_is_left_alone() {
    let shop = Shop::new().await;
    let fake = &shop.world.fake;
    let unnamed = fake.add_event_type(FakeEventType::new("private", 20));
    let hidden = EventTypeSettings::default().with_hidden(true);
    let hidden = EventTypeUpdate::default().with_settings(hidden);
    let confirm = shop.world.types.confirm;
    shop.client
        .event_types()
        .update(confirm, &hidden)
        .await
        .unwrap();
    let stranger = fake.add_user(FakeAccount::new("mo"));
    let theirs = FakeEventType::new("theirs", 30).with_owner(stranger.id);
    let theirs = fake.add_event_type(theirs);
    for (id, event_type) in [("a", unnamed), ("b", theirs), ("c", confirm)] {
        let details = ServiceDetails::new("Mine now", 99);
        shop.make_with(id, |at| {
            ServiceWrite::new(details, at).with_event_type(event_type)
        });
    }
    let before = shop.writes();
    let params = all()
        .with_winner(ServiceWinner::Host)
        .with_mode(ServiceSyncMode::Forced);
    let report = shop.sync(params).await;
    assert_eq!(shop.writes(), before);
    let because = LeftAlone::NotNamed;
    let finding = &line(&report, "a").finding;
    assert!(matches!(finding, ServiceFinding::LeftAlone { because: b, .. } if *b == because));
    assert_eq!(line(&report, "a").status, ServiceStatus::Error);
    assert_eq!(line(&report, "b").finding, ServiceFinding::EventTypeGone);
    let finding = &line(&report, "c").finding;
    let because = LeftAlone::Hidden;
    assert!(matches!(finding, ServiceFinding::LeftAlone { because: b, .. } if *b == because));
    let imported = shop
        .services()
        .into_iter()
        .filter(|service| service.details.name != "Mine now");
    assert_eq!(imported.count(), 3);
    assert_eq!(report.left_alone, 0);
}

/// An event type of the same account that another tenant names is left alone.
#[tokio::test]
async fn another_tenants_event_type_is_left_alone() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let shared = world.fake.add_event_type(FakeEventType::new("shared", 20));
    let calendar = Arc::new(client(&world.fake));
    let store = Arc::new(world.store.clone());
    let ours = Tenant::new(world.tenant.clone(), calendar.clone())
        .with_host(world.fake.host_id())
        .with_services(services(world, store.clone()));
    let other = Tenant::new("other".into(), calendar).with_event_type(shared);
    let tenants = Arc::new(StaticTenants::new([ours, other]));
    let engine = Engine::builder(store.clone(), store, tenants)
        .config(config())
        .build();
    let details = ServiceDetails::new("Mine now", 99);
    shop.make_with("a", |at| {
        ServiceWrite::new(details, at).with_event_type(shared)
    });
    let params = all().with_winner(ServiceWinner::Host);
    let report = engine.sync_services(&world.tenant, params).await.unwrap();
    let because = LeftAlone::OtherTenant;
    let finding = &line(&report, "a").finding;
    assert!(matches!(finding, ServiceFinding::LeftAlone { because: b, .. } if *b == because));
    assert_eq!(shop.writes(), 0);
    assert_eq!(shop.services().len(), 5, "{report:#?}");
}

/// A check reports what a sync would do, and writes nothing anywhere.
#[tokio::test]
async fn a_check_writes_nothing() {
    let shop = Shop::new().await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    let check = all().with_mode(ServiceSyncMode::CheckOnly);
    let before = shop.services();
    let report = shop.sync(check).await;
    assert_eq!(report.lines.len(), 5);
    assert_eq!(report.count(&ServiceStatus::Pending), 5, "{report:#?}");
    assert!(
        report
            .lines
            .iter()
            .all(|line| line.action.is_some() && !line.is_done)
    );
    assert_eq!((shop.writes(), shop.services()), (0, before));
    let links = shop
        .world
        .store
        .service_links(&shop.world.tenant, None, 100)
        .await;
    assert_eq!(links.unwrap(), []);
    let report = shop.sync(all()).await;
    assert!(report.is_synced(), "{report:#?}");
}

/// Of several engines that sync a tenant at once, one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_sync_of_a_tenant_at_a_time() {
    let shop = Shop::new().await;
    for number in 0..5 {
        shop.make(&format!("s{number}"), ServiceDetails::new("Cut", 45));
    }
    let repository = Arc::new(shop.world.store.clone());
    let engines: Vec<_> = (0..6)
        .map(|_| services(&shop.world, repository.clone()))
        .map(|services| engine(&shop.world, &shop.world.store, services))
        .collect();
    // Begun only now: building a client takes longer than a sync.
    let tasks: Vec<_> = engines
        .into_iter()
        .map(|engine| {
            let tenant = shop.world.tenant.clone();
            tokio::spawn(async move { engine.sync_services(&tenant, all()).await.unwrap() })
        })
        .collect();
    let mut complete = 0;
    for task in tasks {
        let report = task.await.unwrap();
        match report.stopped {
            None => complete += 1,
            Some(stop) => assert_eq!(stop, ServiceSyncStop::Busy),
        }
    }
    assert!(complete >= 1);
    assert_eq!(shop.creates(), 5);
    assert_eq!(shop.services().len(), 9);
    shop.assert_quiet().await;
}

/// A worker syncs on its schedule the tenants that have services.
#[tokio::test]
async fn a_worker_syncs_services_on_its_schedule() {
    let shop = Shop::with(|services| services.with_scheduled(all())).await;
    let mut config = WorkerConfig::default();
    config.sweep_every = None;
    config.services_every = Some(Duration::from_secs(1));
    let worker = Worker::new(shop.engine.clone()).with_config(config);
    let imported = async {
        for _ in 0..400 {
            if shop.services().len() == 4 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    worker.run_until(imported).await;
    assert_eq!(shop.services().len(), 4);
    let off = Shop::with(|services| services.with_scheduled(None)).await;
    let reports = off.engine.sync_services_due(Duration::ZERO).await.unwrap();
    assert_eq!(reports, []);
    assert_eq!(off.services().len(), 0);
}

/// A tenant that is unknown, or has no services, is told so.
#[tokio::test]
async fn a_tenant_without_services_is_not_synced() {
    let world = World::new().await;
    let params = ServiceSyncParams::default();
    let report = world
        .engine
        .sync_services(&world.tenant, params)
        .await
        .unwrap();
    assert_eq!(report.stopped, Some(ServiceSyncStop::NotConfigured));
    let report = world
        .engine
        .sync_services(&"nobody".into(), params)
        .await
        .unwrap();
    assert_eq!(report.stopped, Some(ServiceSyncStop::UnknownTenant));
    assert_eq!(world.requests(), 0);
}

/// Adoption counts live appointments by the service of their event type, within a span.
#[tokio::test]
async fn adoption_counts_the_services_that_are_booked() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    let world = &shop.world;
    world.make("a", at(0), Origin::Phone);
    world.make("b", at(2), Origin::Phone);
    world.make("late", at(24 * 30), Origin::Phone);
    let cancelled = world.make("c", at(4), Origin::Phone);
    world
        .change(&cancelled.id, Origin::Admin, crate::harness::cancel)
        .await;
    let window = Window::new(at(-1), at(24));
    let adoption = shop.engine.service_adoption(&world.tenant, window).await;
    let adoption = adoption.unwrap().expect("the tenant has services");
    assert_eq!((adoption.bookable, adoption.booked), (4, 1));
    assert_eq!(
        adoption.appointments.values().copied().collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(adoption.without_service, 0);
    let nobody = shop.engine.service_adoption(&"nobody".into(), window).await;
    assert_eq!(nobody.unwrap(), None);
}

/// An event type that was created for a service can be booked at once, and its booking belongs to
/// the service.
#[tokio::test]
async fn an_exported_service_can_be_booked() {
    let shop = Shop::new().await;
    shop.make("cut", ServiceDetails::new("Cut", 45));
    shop.sync(export()).await;
    let id = shop.service("cut").await.event_type.unwrap();
    let booking = NewBooking::new(id, at(0), NewAttendee::from(&ann()));
    let booked = shop.client.bookings().create(&booking).await.unwrap();
    assert_eq!(booked.into_vec()[0].event_type_id(), Some(id));
}
