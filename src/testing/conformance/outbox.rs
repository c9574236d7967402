//! What the [`Outbox`](crate::store::Outbox) promises.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{ChangeFate, NoticeSource, Page, Settlement};

/// Recording a change makes no link: the next claim does.
pub async fn recording_makes_no_link(bench: &Bench) {
    bench.record("a", 1).await;
    assert_eq!(bench.find(&by_appointment("a")).await, None);
    let claim = bench.claim().await;
    assert_eq!(claim.link.appointment, Some(appointment("a")));
    assert_eq!(claim.link.booking, None);
    assert_eq!(claim.changes.len(), 1);
    assert_eq!(claim.changes[0].change, change("a", 1));
    assert_eq!(bench.find(&by_appointment("a")).await, Some(claim.link));
}

/// Recording the same revision again changes nothing: while it waits, while it is worked on, after
/// it was settled.
pub async fn recording_a_revision_twice_changes_nothing(bench: &Bench) {
    bench.record("a", 1).await;
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    assert_eq!(claim.changes.len(), 1);
    bench.record("a", 1).await;
    bench.settle_all(&claim).await;
    bench.record("a", 1).await;
    bench.assert_nothing_due().await;
    assert_eq!(bench.fates("a").await, [Some(ChangeFate::Pushed)]);
}

/// A change is recorded while a worker has the link, and comes with the next claim, not before the
/// settlement.
pub async fn recording_waits_for_no_lease(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    bench.record("a", 2).await;
    bench.assert_nothing_due().await;
    bench.settle_all(&first).await;
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!(second.changes.len(), 1);
    assert_eq!(second.changes[0].change, change("a", 2));
}

/// A change waits until a settlement names it.
pub async fn a_change_is_settled_only_by_its_name(bench: &Bench) {
    bench.record("a", 1).await;
    bench.record("a", 2).await;
    let first = bench.claim().await;
    let mut settlement = Settlement::new(first.link.clone());
    settlement.changes = vec![(first.changes[0].id, ChangeFate::Superseded)];
    bench.settle(&first, settlement).await;
    let second = bench.claim().await;
    assert_eq!(second.changes, first.changes[1..]);
}

/// Changes are claimed and listed in the order in which they were recorded, each with how it ended,
/// and page by page.
pub async fn changes_come_oldest_first_and_in_pages(bench: &Bench) {
    for revision in [3, 1, 2] {
        bench.record("a", revision).await;
    }
    bench.record("b", 1).await;
    let claim = bench.claim().await;
    let claimed = claim.changes.iter().map(|row| row.change.revision.get());
    assert_eq!(claimed.collect::<Vec<_>>(), [3, 1, 2]);

    let mut settlement = Settlement::new(claim.link.clone());
    settlement.changes = vec![
        (claim.changes[0].id, ChangeFate::Superseded),
        (
            claim.changes[1].id,
            ChangeFate::Other("of the host's own".to_owned()),
        ),
    ];
    bench.settle(&claim, settlement).await;
    let name = appointment("a");
    let first = bench.store.changes(&tenant(), &name, Page::first(2)).await;
    let mut rows = first.expect("changes are read");
    assert_eq!(rows.len(), 2);
    let page = Page::after(rows[1].0.id, 2);
    let second = bench.store.changes(&tenant(), &name, page).await;
    rows.extend(second.expect("changes are read"));
    let (rows, fates): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    assert_eq!(rows, claim.changes);
    let own = ChangeFate::Other("of the host's own".to_owned());
    assert_eq!(fates, [Some(ChangeFate::Superseded), Some(own), None]);
}

/// Of tasks that record one revision at once, one stores it, and none fails.
pub async fn one_revision_recorded_at_once_is_stored_once(bench: &Bench) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { bench.record("a", 1).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task records");
    }
    assert_eq!(bench.claim().await.changes.len(), 1);
    bench.assert_nothing_due().await;
}

/// A change comes with who told of it, and the first to tell counts.
pub async fn a_change_keeps_its_source(bench: &Bench) {
    bench.record("a", 1).await;
    let swept = change("a", 2).with_source(NoticeSource::Sweep);
    bench.record_change(&swept).await;
    let again = change("a", 1).with_source(NoticeSource::Sweep);
    bench.record_change(&again).await;
    let claim = bench.claim().await;
    let sources = |row: &crate::store::RecordedChange| row.change.source.clone();
    let claimed: Vec<_> = claim.changes.iter().map(sources).collect();
    assert_eq!(claimed, [NoticeSource::Host, NoticeSource::Sweep]);
    let page = Page::first(ALL);
    let (tenant, id) = (tenant(), appointment("a"));
    let listed = bench.store.changes(&tenant, &id, page).await;
    let listed = listed.expect("changes are read");
    let listed: Vec<_> = listed.iter().map(|(row, _)| sources(row)).collect();
    assert_eq!(listed, claimed);
}
