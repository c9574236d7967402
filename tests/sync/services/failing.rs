//! Failures, retries, and several workers.

use super::*;

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

/// Work that panics again and again becomes an error of its own item, and the others go on.
#[tokio::test]
async fn a_service_whose_work_panics_holds_up_no_other() {
    let shop = Shop::new().await;
    shop.sync(import()).await;
    shop.make("a", ServiceDetails::new("First", 45));
    shop.sync(export()).await;
    let failing = Arc::new(Failing {
        store: shop.world.store.clone(),
        failures: AtomicU32::new(0),
        panics_on: Some("a".into()),
    });
    let engine = engine(
        &shop.world,
        &shop.world.store,
        services(&shop.world, failing),
    );
    for service in shop.services() {
        let id = service.event_type.unwrap();
        let longer = EventTypeUpdate::default().with_length_in_minutes(55);
        shop.client.event_types().update(id, &longer).await.unwrap();
    }
    let mut rounds = 0;
    let report = loop {
        rounds += 1;
        assert!(rounds < 10, "the sync never comes to its end");
        // The panic leaves the lease behind.
        shop.world.clock.advance(QUARTER);
        let reports = engine.sync_services_due(QUARTER).await.unwrap();
        if let Some(report) = reports.into_iter().next() {
            break report;
        }
    };
    assert_eq!(rounds, 5);
    assert_eq!(
        line(&report, "a").status,
        ServiceStatus::Error,
        "{report:#?}"
    );
    assert_eq!(report.count(&ServiceStatus::Synced), 4);
    for service in shop.services() {
        let is_longer = service.details.length_in_minutes == 55;
        assert_eq!(is_longer, service.id != "a", "{service:?}");
    }
}
