//! Checks, figures, and services over SQLite.

use super::*;

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
    let lines = report.lines.len();
    assert!(lines >= 5, "{report:#?}");
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
    assert_eq!(page.len(), lines);
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
