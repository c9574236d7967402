//! What the [`Outbox`](crate::store::Outbox) promises.

use std::sync::Arc;

use super::fixtures::*;
use crate::store::{AppointmentId, ChangeFate, Settlement, Store};

/// Recording a change makes a link for its appointment, due at the time of the change.
pub async fn recording_makes_a_link_that_is_due(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claim = claim(store, 0).await;
    assert_eq!(claim.link.appointment, Some(AppointmentId::new("a")));
    assert_eq!(claim.link.booking, None);
    assert_eq!(claim.changes.len(), 1);
    assert_eq!(claim.changes[0].change, change("a", 1, 0));
}

/// Recording a change marks the link that the appointment has.
pub async fn recording_marks_the_link_of_the_appointment(store: &dyn Store) {
    let link = pair(store, "a", "booking-a", 0).await;
    assert_nothing_due(store, 1).await;
    record(store, "a", 2, 1).await;
    let claim = claim(store, 1).await;
    assert_eq!(claim.link, link);
    assert_eq!(claim.changes.len(), 1, "the settled change came back");
}

/// Recording the same revision again changes nothing, also after it was settled.
pub async fn recording_a_revision_twice_changes_nothing(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    record(store, "a", 1, 0).await;
    let claim = claim(store, 0).await;
    assert_eq!(claim.changes.len(), 1);
    record(store, "a", 1, 1).await;
    settle(store, &claim, all_settled(&claim, 1)).await;
    record(store, "a", 1, 2).await;
    assert_nothing_due(store, 3).await;
    let changes = store.changes(&tenant(), &AppointmentId::new("a")).await;
    let changes = changes.expect("changes are read");
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].1, Some(ChangeFate::Pushed));
}

/// A change waits until a settlement names it.
pub async fn a_change_is_settled_only_by_its_name(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    record(store, "a", 2, 0).await;
    let first = claim(store, 0).await;
    let mut settlement = Settlement::new(first.link.clone(), at(0));
    settlement.next_due = Some(at(1));
    settlement.changes = vec![(first.changes[0].id, ChangeFate::Superseded)];
    settle(store, &first, settlement).await;
    let second = claim(store, 1).await;
    assert_eq!(second.changes, first.changes[1..]);
}

/// Changes are claimed and listed oldest first, each with how it ended.
pub async fn changes_come_oldest_first(store: &dyn Store) {
    for revision in [1, 2, 3] {
        record(store, "a", revision, 0).await;
    }
    record(store, "b", 1, 5).await;
    let claim = claim(store, 0).await;
    let claimed: Vec<u64> = claim
        .changes
        .iter()
        .map(|row| row.change.revision.get())
        .collect();
    assert_eq!(claimed, [1, 2, 3]);

    let mut settlement = Settlement::new(claim.link.clone(), at(0));
    settlement.changes = vec![
        (claim.changes[0].id, ChangeFate::Superseded),
        (claim.changes[1].id, ChangeFate::Pushed),
    ];
    settle(store, &claim, settlement).await;
    let changes = store.changes(&tenant(), &AppointmentId::new("a")).await;
    let (rows, fates): (Vec<_>, Vec<_>) = changes.expect("changes are read").into_iter().unzip();
    assert_eq!(rows, claim.changes);
    assert_eq!(
        fates,
        [Some(ChangeFate::Superseded), Some(ChangeFate::Pushed), None]
    );
}

/// Of tasks that record one revision at once, one stores it.
pub async fn one_revision_recorded_at_once_is_stored_once(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { record(&*store, "a", 1, 0).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task records");
    }
    let claim = claim(&*store, 0).await;
    assert_eq!(claim.changes.len(), 1);
    assert_nothing_due(&*store, 0).await;
}

/// Tasks that record revisions of one appointment at once make one link, and every revision waits for it.
pub async fn revisions_recorded_at_once_make_one_link(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (1..=8)
        .map(|revision| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { record(&*store, "a", revision, 0).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task records");
    }
    let claim = claim(&*store, 0).await;
    assert_eq!(claim.changes.len(), 8);
    assert_nothing_due(&*store, 0).await;
}
