//! Event types for services, and services for event types: each once, whatever fails on the way.

use super::*;

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
    let before = titles(&shop).await.len();
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
    assert_eq!(titles.len(), before + 1, "{titles:?}");
    assert!(titles.contains(&"Haircut".to_owned()), "{titles:?}");
    shop.assert_quiet().await;
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
        panics_on: None,
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
