//! What is reported and left alone: duplicates, orphans, and what is not the tenant's.

use super::*;

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
    // The tenant names four of the account, and a service names one more.
    let unseen = titles(&shop).await.len() - 5;
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
    assert_eq!(report.left_alone, u64::try_from(unseen).unwrap());
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
    // All others of the account, and the one that names the other tenant's.
    let imported = titles(&shop).await.len() - 1;
    assert_eq!(shop.services().len(), imported + 1, "{report:#?}");
}
