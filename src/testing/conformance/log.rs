//! What the [`SyncLog`](crate::store::SyncLog) promises.

use super::fixtures::*;
use crate::model::BookingUid;
use crate::store::{
    AppointmentId, LogEntry, LogEvent, Origin, Resolution, ReviewReason, Store, TenantId,
};

async fn lines(store: &dyn Store, tenant: &TenantId) -> Vec<LogEntry> {
    let log = store.log(tenant, None, 100).await;
    log.expect("the log is read")
}

async fn settle_with_log(store: &dyn Store, appointment: &str, minute: i64, log: Vec<LogEvent>) {
    record(store, appointment, 1, minute).await;
    let claim = claim(store, minute).await;
    let mut settlement = all_settled(&claim, minute);
    settlement.log = log;
    settle(store, &claim, settlement).await;
}

/// Lines come in the order in which they were stored, under growing ids, and can be read page by page.
pub async fn lines_come_in_order_and_in_pages(store: &dyn Store) {
    let created = LogEvent::BookingCreated {
        booking: BookingUid::new("booking-1"),
        origin: Origin::Phone,
    };
    let retried = LogEvent::RetryScheduled {
        at: at(9),
        attempts: 1,
        error: "timeout".to_owned(),
    };
    settle_with_log(store, "b", 0, vec![retried.clone(), created.clone()]).await;
    settle_with_log(store, "a", 1, vec![LogEvent::BaseMoved]).await;
    let all = lines(store, &tenant()).await;
    let events: Vec<_> = all.iter().map(|line| line.event.clone()).collect();
    assert_eq!(events, [retried, created, LogEvent::BaseMoved]);
    assert!(all.is_sorted_by(|a, b| a.id < b.id), "ids do not grow");

    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|line: &LogEntry| line.id);
        let page = store.log(&tenant(), after, 2).await;
        let page = page.expect("the log is read");
        assert!(page.len() <= 2, "a page is longer than asked for");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert!(lines(store, &other_tenant()).await.is_empty());
}

/// A line says when, whose, and which link and appointment.
pub async fn lines_name_the_link_and_the_appointment(store: &dyn Store) {
    settle_with_log(store, "a", 3, vec![LogEvent::BaseMoved]).await;
    let link = find_known(store, &by_appointment("a")).await;
    let line = lines(store, &tenant()).await.remove(0);
    assert_eq!((line.at, line.tenant), (at(3), tenant()));
    assert_eq!(line.link, Some(link.id));
    assert_eq!(line.appointment, Some(AppointmentId::new("a")));
}

/// The line that says that a tenant was paused is about no link.
pub async fn a_line_about_the_tenant_names_no_link(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claim = claim(store, 0).await;
    let mut settlement = all_settled(&claim, 0);
    settlement.log = vec![LogEvent::TenantPaused];
    settlement.review = Some(review(ReviewReason::CredentialsRefused, "look at the key"));
    settlement.pause_tenant = true;
    settle(store, &claim, settlement).await;
    let line = lines(store, &tenant()).await.remove(0);
    assert_eq!((line.link, line.appointment), (None, None));
}

/// What a person decided is logged, with why it was in review and who decided.
pub async fn a_resolution_is_logged(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::SlotTaken, 0).await;
    let link = find_known(store, &by_appointment("a")).await;
    let open = store
        .open_reviews(&tenant())
        .await
        .expect("reviews are read");
    let decided = store
        .resolve(&tenant(), open[0].id, &resolved(Resolution::Dismiss, 4))
        .await;
    decided.expect("an open item can be resolved");
    let log = lines(store, &tenant()).await;
    let line = log.last().expect("the resolution is logged");
    assert_eq!(
        line.event,
        LogEvent::ReviewResolved {
            reason: ReviewReason::SlotTaken,
            resolution: Resolution::Dismiss,
            by: "desk".to_owned(),
        }
    );
    assert_eq!((line.at, line.link), (at(4), Some(link.id)));
    assert_eq!(line.appointment, Some(AppointmentId::new("a")));
}
