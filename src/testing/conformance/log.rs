//! What the [`SyncLog`](crate::store::SyncLog) promises.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Checkpoint, LogEntry, LogEvent, Origin, Page, Resolution, ReviewReason, StoreErrorKind,
};

/// A turn of the appointment's link whose settlement writes these lines.
async fn write(bench: &Bench, name: &str, revision: u64, log: Vec<LogEvent>) {
    bench.record(name, revision).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = log;
    bench.settle(&claim, settlement).await;
}

/// Lines come in the order in which they were stored, under growing ids, and can be read page by
/// page.
pub async fn lines_come_in_order_and_in_pages(bench: &Bench) {
    let created = LogEvent::BookingCreated {
        booking: uid("booking-1"),
        origin: Origin::Phone,
    };
    let retried = LogEvent::RetryScheduled {
        at: at(9),
        attempts: 1,
        error: "timeout".to_owned(),
    };
    write(bench, "b", 1, vec![retried.clone(), created.clone()]).await;
    write(bench, "a", 1, vec![LogEvent::BaseMoved]).await;
    let all = bench.log().await;
    let events: Vec<_> = all.iter().map(|line| line.event.clone()).collect();
    assert_eq!(events, [retried, created, LogEvent::BaseMoved]);
    assert!(all.is_sorted_by(|a, b| a.id < b.id), "ids do not grow");

    let mut paged: Vec<LogEntry> = Vec::new();
    loop {
        let page = match paged.last() {
            Some(line) => Page::after(line.id, 2),
            None => Page::first(2),
        };
        let page = bench.store.log(&tenant(), page).await;
        let page = page.expect("the log is read");
        assert!(page.len() <= 2, "a page is longer than asked for");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let theirs = bench.store.log(&other_tenant(), Page::first(ALL)).await;
    assert_eq!(theirs.expect("the log is read"), []);
}

/// A line says when, by the store's clock, whose, and which link and appointment.
pub async fn lines_name_the_link_and_the_appointment(bench: &Bench) {
    write(bench, "a", 1, vec![LogEvent::BaseMoved]).await;
    bench.pass(SPAN).await;
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::DifferenceAccepted];
    bench.settle(&claim, settlement).await;
    let log = bench.log().await;
    assert!(log[0].at < claim.now && log[1].at >= claim.now);
    for line in &log {
        assert_eq!(line.tenant, tenant());
        assert_eq!(line.link, Some(claim.link.id));
        assert_eq!(line.appointment, Some(appointment("a")));
    }
}

/// Lines of a checkpoint are there before the settlement, whose lines come after them; lines of a
/// settlement that was refused are not.
pub async fn lines_of_a_checkpoint_come_first(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut checkpoint = Checkpoint::new(claim.link.clone(), LEASE);
    checkpoint.log = vec![LogEvent::BaseMoved];
    let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
    stored.expect("a checkpoint under a valid lease is stored");
    let events = |log: Vec<LogEntry>| log.into_iter().map(|line| line.event).collect::<Vec<_>>();
    assert_eq!(events(bench.log().await), [LogEvent::BaseMoved]);
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::SkippedNeverBooked];
    bench.settle(&claim, settlement.clone()).await;
    let again = bench.store.settle(&claim.lease, settlement).await;
    assert_fails(again, StoreErrorKind::LeaseLost);
    let expected = [LogEvent::BaseMoved, LogEvent::SkippedNeverBooked];
    assert_eq!(events(bench.log().await), expected);
}

/// The line that says that a tenant was paused is about no link; others of the same settlement are.
pub async fn a_line_about_the_tenant_names_no_link(bench: &Bench) {
    let log = vec![LogEvent::TenantPaused, LogEvent::BaseMoved];
    write(bench, "a", 1, log).await;
    let log = bench.log().await;
    assert_eq!((log[0].link, &log[0].appointment), (None, &None));
    assert!(log[1].link.is_some());
}

/// What a person decided is logged, with why it was in review and who decided: about the link, or
/// about the tenant.
pub async fn a_decision_is_logged(bench: &Bench) {
    let of_link = bench.review("a", 1, of_link(ReviewReason::SlotTaken)).await;
    let of_tenant = bench.review("a", 2, of_tenant("moved")).await;
    for (item, name) in [(of_link, Some("a")), (of_tenant, None)] {
        bench.resolve(&item, Resolution::TakeRemote).await;
        let log = bench.log().await;
        let line = log.last().expect("the decision is logged");
        let expected = LogEvent::ReviewResolved {
            reason: item.reason.clone(),
            resolution: Resolution::TakeRemote,
            by: "desk".to_owned(),
        };
        assert_eq!(line.event, expected);
        assert_eq!(line.link, item.link);
        if let Some(name) = name {
            assert_eq!(line.appointment, Some(appointment(name)));
        }
    }
}

/// Resuming a tenant closes the item of its pause, and the log says so.
pub async fn resuming_is_logged(bench: &Bench) {
    let item = super::resolutions::pause(bench, "a").await;
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
    let log = bench.log().await;
    let line = log.last().expect("the end of the pause is logged");
    assert_eq!(line.link, None);
    match &line.event {
        LogEvent::ReviewResolved { reason, .. } => assert_eq!(*reason, item.reason),
        other => panic!("expected the item to be closed, found {other:?}"),
    }
}
