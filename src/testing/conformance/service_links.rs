//! What [`ServiceLinks`](crate::store::ServiceLinks) promises.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::model::EventTypeId;
use crate::store::{
    Opaque, ServiceLink, ServiceLinkId, ServiceStatus, ServiceSyncLease, StoreErrorKind, TenantId,
};

/// How long the promises wait between two syncs.
const EVERY: Duration = SPAN;

async fn begin_of(bench: &Bench, tenant: &TenantId, every: Duration) -> Option<ServiceSyncLease> {
    let begun = bench.store.begin_service_sync(tenant, every, LEASE).await;
    begun.expect("a sync can be asked for")
}

async fn begin(bench: &Bench) -> ServiceSyncLease {
    let begun = begin_of(bench, &tenant(), Duration::ZERO).await;
    begun.expect("the sync is due, and was not begun")
}

/// Begins a sync under a lease that a promise can wait for.
async fn begin_shortly(bench: &Bench) -> ServiceSyncLease {
    let begun = bench.store.begin_service_sync(&tenant(), EVERY, SPAN).await;
    let begun = begun.expect("a sync can be asked for");
    begun.expect("the sync is due, and was not begun")
}

async fn end(bench: &Bench, lease: &ServiceSyncLease, retry: Option<Duration>, rest: Duration) {
    let ended = bench.store.end_service_sync(lease, retry, rest).await;
    ended.expect("a sync under a valid lease is ended");
}

async fn assert_not_begun(bench: &Bench, every: Duration) {
    let begun = begin_of(bench, &tenant(), every).await;
    assert!(begun.is_none(), "expected no sync, began {begun:?}");
}

fn link(service: &str) -> ServiceLink {
    ServiceLink::new(Some(service.into()), None)
}

async fn store(bench: &Bench, lease: &ServiceSyncLease, link: &ServiceLink) -> ServiceLinkId {
    let stored = bench.store.store_service_link(lease, link, None, LEASE);
    stored.await.expect("a row is stored under a valid lease")
}

async fn links(bench: &Bench, tenant: &TenantId) -> Vec<ServiceLink> {
    let read = bench.store.service_links(tenant, None, ALL).await;
    read.expect("rows are read")
}

/// Services that were never synced are due, and have no rows.
pub async fn the_first_service_sync_is_due_at_once(bench: &Bench) {
    let first = begin_of(bench, &tenant(), LEASE).await;
    let first = first.expect("the first sync is due");
    assert_eq!(first.tenant, tenant());
    assert_eq!(links(bench, &tenant()).await, []);
}

/// While a sync is under way, nobody begins another of the tenant, however urgent.
pub async fn a_service_sync_excludes_others(bench: &Bench) {
    let first = begin(bench).await;
    assert_not_begun(bench, EVERY).await;
    bench.pass(SPAN * 2).await;
    assert_not_begun(bench, Duration::ZERO).await;
    end(bench, &first, None, Duration::ZERO).await;
    begin(bench).await;
}

/// Of several that begin at once, one succeeds.
pub async fn service_syncs_begun_at_once_are_one(bench: &Bench) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { begin_of(&bench, &tenant(), EVERY).await })
        })
        .collect();
    let mut begun = 0;
    for task in tasks {
        let lease = task.await.expect("the task asks for a sync");
        begun += usize::from(lease.is_some());
    }
    assert_eq!(begun, 1);
}

/// The next sync is due when its schedule says, or earlier if an attempt is to be repeated.
pub async fn a_service_sync_is_due_by_schedule_or_for_a_retry(bench: &Bench) {
    let first = begin(bench).await;
    end(bench, &first, None, Duration::ZERO).await;
    assert_not_begun(bench, LEASE).await;
    bench.pass(EVERY).await;
    assert_not_begun(bench, LEASE).await;
    let by_schedule = begin_of(bench, &tenant(), EVERY).await;
    let by_schedule = by_schedule.expect("the time has passed");
    end(bench, &by_schedule, Some(SPAN), Duration::ZERO).await;
    assert_not_begun(bench, LEASE).await;
    bench.pass(SPAN).await;
    let retry = begin_of(bench, &tenant(), LEASE).await;
    let retry = retry.expect("an attempt is to be repeated");
    end(bench, &retry, None, Duration::ZERO).await;
    // The retry is over with the sync that it was for.
    assert_not_begun(bench, LEASE).await;
}

/// A sync that was ended with a rest is followed by none before that has passed.
pub async fn a_rest_postpones_the_next_service_sync(bench: &Bench) {
    let first = begin(bench).await;
    end(bench, &first, Some(Duration::ZERO), SPAN).await;
    assert_not_begun(bench, Duration::ZERO).await;
    bench.pass(SPAN).await;
    begin(bench).await;
}

/// A row comes back as it was stored, with the times that the store has set.
pub async fn a_service_link_is_read_back_as_it_was_stored(bench: &Bench) {
    let lease = begin(bench).await;
    let mut whole = ServiceLink::new(Some("cut".into()), Some(EventTypeId::new(42)));
    whole.status = ServiceStatus::Error;
    whole.attempts = 3;
    whole.last_error = Some("refused".to_owned());
    whole.state = Some(Opaque::new(u16::MAX, vec![0, 255, 10, 13, 0]));
    let stored = bench
        .store
        .store_service_link(&lease, &whole, Some(SPAN), LEASE);
    let id = stored.await.expect("a row is stored under a valid lease");
    let read = links(bench, &tenant()).await.remove(0);
    let next = read.next_attempt.expect("an attempt is to be repeated");
    assert!(next >= lease.now + SPAN, "{next}");
    assert!(read.updated_at.is_some_and(|at| at >= lease.now));
    whole.id = Some(id);
    (whole.next_attempt, whole.updated_at) = (read.next_attempt, read.updated_at);
    assert_eq!(read, whole);
    let bare = ServiceLink::new(None, Some(EventTypeId::new(43)));
    let id = store(bench, &lease, &bare).await;
    let read = links(bench, &tenant()).await.remove(1);
    assert_eq!((read.id, read.next_attempt), (Some(id), None));
    assert_eq!((read.service, read.state), (None, None));
}

/// A row with an id takes the place of the stored one; an id that the tenant does not have is
/// refused.
pub async fn a_service_link_is_replaced_by_its_id(bench: &Bench) {
    let lease = begin(bench).await;
    let mut row = link("cut");
    row.id = Some(store(bench, &lease, &row).await);
    row.event_type = Some(EventTypeId::new(42));
    row.status = ServiceStatus::Synced;
    assert_eq!(Some(store(bench, &lease, &row).await), row.id);
    let read = links(bench, &tenant()).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].event_type, row.event_type);
    assert_eq!(read[0].status, ServiceStatus::Synced);
    let other = begin_of(bench, &other_tenant(), Duration::ZERO).await;
    let other = other.expect("the first sync is due");
    let stolen = bench.store.store_service_link(&other, &row, None, LEASE);
    assert_fails(stolen.await, StoreErrorKind::NotFound);
    assert_eq!(links(bench, &other_tenant()).await, []);
}

/// Pages come in the order of ids, miss none and repeat none.
pub async fn service_links_come_in_order_and_in_pages(bench: &Bench) {
    let lease = begin(bench).await;
    for number in 0..5 {
        store(bench, &lease, &link(&format!("service {number}"))).await;
    }
    let whole = links(bench, &tenant()).await;
    assert_eq!(whole.len(), 5);
    assert!(whole.is_sorted_by(|one, other| one.id < other.id));
    let mut paged: Vec<ServiceLink> = Vec::new();
    loop {
        let after = paged.last().and_then(|link| link.id);
        let page = bench.store.service_links(&tenant(), after, 2).await;
        let page = page.expect("rows are read");
        assert!(page.len() <= 2, "a page is longer than asked for");
        assert!(paged.len() <= whole.len(), "the list does not end");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, whole);
}

/// A sync that was not ended is due again as soon as its lease has run out, and whoever was
/// overtaken stores nothing any more. One that nobody overtook stays valid.
pub async fn an_expired_service_sync_goes_on_in_other_hands(bench: &Bench) {
    let first = begin_shortly(bench).await;
    bench.pass(SPAN).await;
    let late = store_until(bench, &first, "late", SPAN).await;
    assert!(late.is_ok(), "nobody has taken over: {late:?}");
    bench.pass(SPAN).await;
    let second = begin_of(bench, &tenant(), LEASE).await;
    let second = second.expect("the lease has run out");
    assert_fails(
        store_until(bench, &first, "later", LEASE).await,
        StoreErrorKind::LeaseLost,
    );
    let ended = bench.store.end_service_sync(&first, None, Duration::ZERO);
    assert_fails(ended.await, StoreErrorKind::LeaseLost);
    assert_eq!(links(bench, &tenant()).await.len(), 1);
    end(bench, &second, None, Duration::ZERO).await;
}

async fn store_until(
    bench: &Bench,
    lease: &ServiceSyncLease,
    service: &str,
    prolong: Duration,
) -> Result<ServiceLinkId, crate::store::StoreError> {
    let row = link(service);
    let stored = bench.store.store_service_link(lease, &row, None, prolong);
    stored.await
}

/// Storing a row makes the lease last longer, and never shorter.
pub async fn storing_prolongs_the_service_sync(bench: &Bench) {
    let first = begin_shortly(bench).await;
    for prolong in [LEASE, SPAN] {
        let stored = store_until(bench, &first, "cut", prolong).await;
        stored.expect("a row is stored under a valid lease");
    }
    bench.pass(SPAN * 2).await;
    assert_not_begun(bench, Duration::ZERO).await;
}

/// With an ended sync nothing is stored.
pub async fn an_ended_service_sync_is_over(bench: &Bench) {
    let first = begin(bench).await;
    end(bench, &first, None, Duration::ZERO).await;
    assert_fails(
        store_until(bench, &first, "late", LEASE).await,
        StoreErrorKind::LeaseLost,
    );
    let again = bench.store.end_service_sync(&first, None, LEASE);
    assert_fails(again.await, StoreErrorKind::LeaseLost);
    assert_eq!(links(bench, &tenant()).await, []);
}

/// The services of one tenant neither hold up another's nor show among them, nor does a lease reach
/// there.
pub async fn services_of_tenants_are_apart(bench: &Bench) {
    let one = begin(bench).await;
    store(bench, &one, &link("cut")).await;
    let other = begin_of(bench, &other_tenant(), EVERY).await;
    let other = other.expect("the other tenant was never synced");
    assert_eq!(links(bench, &other_tenant()).await, []);
    let mut stolen = one.clone();
    stolen.tenant = TenantId::new("tenant-c");
    assert_fails(
        store_until(bench, &stolen, "cut", LEASE).await,
        StoreErrorKind::LeaseLost,
    );
    end(bench, &one, None, Duration::ZERO).await;
    store(bench, &other, &link("colour")).await;
    assert_eq!(links(bench, &tenant()).await.len(), 1);
}
