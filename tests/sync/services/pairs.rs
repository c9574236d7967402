//! Pairs follow the side that has changed.

use super::*;

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
