//! What a [`ServiceRepository`] promises.

use std::sync::Arc;

use super::fixtures::{assert_fails, at, other_tenant, tenant};
use crate::model::EventTypeId;
use crate::store::{
    Revision, Service, ServiceDetails, ServiceId, ServiceRepository, ServiceWrite, StoreErrorKind,
    TenantId,
};

const EVENT_TYPE: EventTypeId = EventTypeId::new(7);

fn write(name: &str, minute: i64) -> ServiceWrite {
    let details = ServiceDetails::new(name, 30).with_description("Wash and cut");
    ServiceWrite::new(details, at(minute)).with_event_type(EVENT_TYPE)
}

async fn create_in(
    repository: &dyn ServiceRepository,
    tenant: &TenantId,
    event_type: EventTypeId,
    write: ServiceWrite,
) -> Service {
    let created = repository.create_for_event_type(tenant, event_type, write);
    created.await.expect("a service is created")
}

async fn create(repository: &dyn ServiceRepository, name: &str) -> Service {
    create_in(repository, &tenant(), EVENT_TYPE, write(name, 0)).await
}

async fn get(repository: &dyn ServiceRepository, id: &ServiceId) -> Option<Service> {
    let read = repository.service(&tenant(), id).await;
    read.expect("a service is read")
}

async fn update(repository: &dyn ServiceRepository, known: &Service, to: ServiceWrite) -> Service {
    let tenant = tenant();
    let updated = repository.update_service(&tenant, &known.id, known.revision, to);
    let updated = updated.await;
    updated.expect("an update of the expected revision is written")
}

/// Whether what was read is what was written. A host may have no place for descriptions.
fn holds(service: &Service, written: &ServiceWrite) {
    let mut expected = written.details.clone();
    if service.details.description.is_none() {
        expected.description = None;
    }
    assert_eq!(service.details, expected);
    assert_eq!(service.is_active, written.is_active);
    assert_eq!(service.event_type, written.event_type);
    assert_eq!(service.updated_at, written.at);
}

/// A service that is not there is none, and no error.
pub async fn an_unknown_service_is_none(repository: &dyn ServiceRepository) {
    assert_eq!(get(repository, &ServiceId::new("unknown")).await, None);
}

/// A created service is read back as it was answered, paired with its event type whatever the write
/// says.
pub async fn a_created_service_is_read_back(repository: &dyn ServiceRepository) {
    let unpaired = write("Cut", 3).with_event_type(None).with_active(false);
    let created = create_in(repository, &tenant(), EVENT_TYPE, unpaired.clone()).await;
    holds(&created, &unpaired.with_event_type(EVENT_TYPE));
    assert_eq!(get(repository, &created.id).await, Some(created.clone()));
    let elsewhere = repository.service(&other_tenant(), &created.id).await;
    assert_eq!(elsewhere.expect("a service is read"), None);
}

/// Creating for an event type again returns the service that is paired with it as it stands now, and
/// writes nothing.
pub async fn creating_for_an_event_type_twice_writes_once(repository: &dyn ServiceRepository) {
    let created = create(repository, "Cut").await;
    let renamed = update(repository, &created, write("Haircut", 1)).await;
    assert_eq!(create(repository, "Other").await, renamed);
    let all = repository.services_page(&tenant(), None, WHOLE).await;
    assert_eq!(all.expect("services are listed"), [renamed]);
}

/// Tenants have services of their own, whatever their event types are called.
pub async fn one_event_type_in_two_tenants_is_two_services(repository: &dyn ServiceRepository) {
    let ours = create(repository, "Ours").await;
    let theirs = create_in(repository, &other_tenant(), EVENT_TYPE, write("Theirs", 0)).await;
    assert_eq!(theirs.details.name, "Theirs");
    assert_eq!(get(repository, &ours.id).await, Some(ours));
}

/// Every update is written as it was given, and raises the revision.
pub async fn an_update_of_a_service_raises_the_revision(repository: &dyn ServiceRepository) {
    let created = create(repository, "Cut").await;
    let mut other = write("Long cut", 1).with_active(false);
    other.details.length_in_minutes = 45;
    let updated = update(repository, &created, other.clone()).await;
    holds(&updated, &other);
    assert!(updated.revision > created.revision);
    assert_eq!(get(repository, &created.id).await, Some(updated.clone()));
    let again = update(repository, &updated, other).await;
    assert!(again.revision > updated.revision);
}

/// An update that expects another revision fails and writes nothing.
pub async fn an_update_of_a_service_expects_the_revision(repository: &dyn ServiceRepository) {
    let created = create(repository, "Cut").await;
    let updated = update(repository, &created, write("Haircut", 1)).await;
    for expected in [created.revision, updated.revision.next()] {
        let late = write("Late", 2);
        let ours = tenant();
        let late = repository.update_service(&ours, &created.id, expected, late);
        assert_fails(late.await, StoreErrorKind::Conflict);
    }
    assert_eq!(get(repository, &created.id).await, Some(updated));
}

/// An update of a service that is not there fails.
pub async fn an_update_of_an_unknown_service_is_not_found(repository: &dyn ServiceRepository) {
    let id = ServiceId::new("unknown");
    let ours = tenant();
    let updated = repository.update_service(&ours, &id, Revision::FIRST, write("Cut", 0));
    assert_fails(updated.await, StoreErrorKind::NotFound);
}

/// An update in the name of another tenant finds nothing and writes nothing.
pub async fn an_update_of_a_service_does_not_reach_across_tenants(
    repository: &dyn ServiceRepository,
) {
    let created = create(repository, "Cut").await;
    let theirs = other_tenant();
    let updated = repository.update_service(&theirs, &created.id, created.revision, write("X", 1));
    assert_fails(updated.await, StoreErrorKind::NotFound);
    assert_eq!(get(repository, &created.id).await, Some(created));
}

/// A service that was paired with another event type is no longer the first one's, and the two can
/// be told apart.
pub async fn a_service_is_paired_anew_and_the_event_type_is_free(
    repository: &dyn ServiceRepository,
) {
    let created = create(repository, "Cut").await;
    let other = EventTypeId::new(8);
    let moved = update(repository, &created, write("Cut", 1).with_event_type(other)).await;
    assert_eq!(moved.event_type, Some(other));
    let second = create(repository, "Another").await;
    assert_ne!(second.id, moved.id);
    assert_eq!(second.event_type, Some(EVENT_TYPE));
    let unpaired = update(repository, &moved, write("Cut", 2).with_event_type(None)).await;
    assert_eq!(unpaired.event_type, None);
}

const WHOLE: u32 = 100;

/// Pages come in the order of ids, inactive services included, miss none and repeat none.
pub async fn services_come_in_order_and_in_pages(repository: &dyn ServiceRepository) {
    for number in 1..=5 {
        let write = write("Cut", number).with_active(number % 2 == 0);
        create_in(repository, &tenant(), EventTypeId::new(number), write).await;
    }
    create_in(repository, &other_tenant(), EVENT_TYPE, write("Theirs", 0)).await;
    let whole = repository.services_page(&tenant(), None, WHOLE).await;
    let whole = whole.expect("services are listed");
    assert_eq!(whole.len(), 5);
    assert!(whole.is_sorted_by(|one, other| one.id < other.id));
    let mut paged: Vec<Service> = Vec::new();
    loop {
        let after = paged.last().map(|service| service.id.clone());
        let page = repository.services_page(&tenant(), after.as_ref(), 2).await;
        let page = page.expect("services are listed");
        assert!(page.len() <= 2, "a page is longer than asked for");
        assert!(paged.len() <= whole.len(), "the list does not end");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, whole);
}

/// Tasks that create for one event type at once make one service, and all get it.
pub async fn creating_for_an_event_type_at_once_writes_once(
    repository: Arc<dyn ServiceRepository>,
) {
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let repository = Arc::clone(&repository);
            tokio::spawn(async move { create(&*repository, &format!("Cut {number}")).await })
        })
        .collect();
    let mut created = Vec::new();
    for task in tasks {
        created.push(task.await.expect("the task creates"));
    }
    assert!(created.iter().all(|service| *service == created[0]));
    let all = repository.services_page(&tenant(), None, WHOLE).await;
    assert_eq!(all.expect("services are listed").len(), 1);
}

/// Of updates that expect one revision at once, one is written.
pub async fn of_updates_of_a_service_at_once_one_wins(repository: Arc<dyn ServiceRepository>) {
    let created = create(&*repository, "Cut").await;
    let tasks: Vec<_> = (1..=8)
        .map(|number| {
            let repository = Arc::clone(&repository);
            let (id, expected) = (created.id.clone(), created.revision);
            tokio::spawn(async move {
                let write = write(&format!("Cut {number}"), number);
                repository
                    .update_service(&tenant(), &id, expected, write)
                    .await
            })
        })
        .collect();
    let mut written = Vec::new();
    for task in tasks {
        match task.await.expect("the task updates") {
            Ok(service) => written.push(service),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(written.len(), 1);
    assert_eq!(get(&*repository, &created.id).await, written.pop());
}
