//! What [`Reports`](crate::store::Reports) promises.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    ActivitySlice, ChangeCount, ChangeFate, DeliveryFate, HistoryEntry, HistoryEvent, HistoryKind,
    Hold, LinkStatus, LogEvent, MarkSource, NoticeSource, Origin, Page, Resolution, ReviewReason,
    WorkCounts,
};

async fn history(bench: &Bench, name: &str, limit: u32) -> Vec<HistoryEntry> {
    let mut all: Vec<HistoryEntry> = Vec::new();
    loop {
        let page = match all.last() {
            None => Page::first(limit),
            Some(last) => Page::after(last.position, limit),
        };
        let read = bench
            .store
            .history(&tenant(), &appointment(name), page)
            .await;
        let read = read.expect("a history is read");
        assert!(read.len() <= limit as usize, "a page holds {}", read.len());
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}

fn kinds(history: &[HistoryEntry]) -> Vec<HistoryKind> {
    let kind = |entry: &HistoryEntry| match &entry.event {
        HistoryEvent::Change { .. } => HistoryKind::Change,
        HistoryEvent::Delivery { .. } => HistoryKind::Delivery,
        HistoryEvent::Log(_) => HistoryKind::Log,
        HistoryEvent::Review(_) => HistoryKind::Review,
    };
    history.iter().map(kind).collect()
}

async fn status(bench: &Bench, name: &str) -> LinkStatus {
    let status = bench.store.link_status(&tenant(), &appointment(name)).await;
    status.expect("a status is read")
}

async fn counts(bench: &Bench, within: Duration) -> WorkCounts {
    let counts = bench.store.work_counts(&tenant(), within).await;
    counts.expect("work is counted")
}

/// A history holds changes, deliveries, log entries and review items in the order of time, settled
/// or not, and is the same whatever the size of its pages.
pub async fn a_history_holds_all_in_order(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.pass(SPAN).await;
    bench.accept(delivery("booking-a", 1)).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::BaseMoved];
    settlement.reviews = vec![of_link(ReviewReason::Conflict)];
    bench.settle(&claim, settlement).await;
    bench.pass(SPAN).await;
    bench.record("a", 2).await;
    let all = history(bench, "a", ALL).await;
    assert_eq!(
        kinds(&all),
        [
            HistoryKind::Change,
            HistoryKind::Delivery,
            HistoryKind::Log,
            HistoryKind::Review,
            HistoryKind::Change,
        ]
    );
    assert!(all.is_sorted_by_key(|entry| entry.position));
    for entry in &all {
        match &entry.event {
            HistoryEvent::Change { recorded, ended } => {
                let fate = ended.as_ref().map(|(fate, _)| fate);
                let waits = recorded.change.revision.get() == 2;
                assert_eq!(fate, (!waits).then_some(&ChangeFate::Pushed));
            }
            HistoryEvent::Delivery { delivery, ended } => {
                assert_eq!(delivery.booking, Some(uid("booking-a")));
                let (fate, at) = ended.as_ref().expect("it is settled");
                assert_eq!(*fate, DeliveryFate::Applied);
                assert!(*at >= entry.at);
            }
            HistoryEvent::Log(line) => assert_eq!(line.event, LogEvent::BaseMoved),
            HistoryEvent::Review(item) => assert_eq!(item.reason, ReviewReason::Conflict),
        }
    }
    for limit in [1, 2, 3] {
        assert_eq!(history(bench, "a", limit).await, all, "pages of {limit}");
    }
}

/// A history holds what came for any booking of the chain, and what was logged before the link had
/// its appointment; nothing of other appointments or tenants.
pub async fn a_history_is_of_one_appointment(bench: &Bench) {
    bench.accept(delivery("booking-a", 1)).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::BaseMoved];
    bench.settle(&claim, settlement).await;
    bench.accept(delivery("booking-a", 2)).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.appointment = Some(appointment("a"));
    settlement.link.booking = Some(uid("booking-b"));
    settlement.log = vec![LogEvent::DifferenceAccepted];
    bench.settle(&claim, settlement).await;
    bench.accept(delivery("booking-b", 3)).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    let own = history(bench, "a", ALL).await;
    let deliveries = kinds(&own)
        .iter()
        .filter(|k| **k == HistoryKind::Delivery)
        .count();
    let lines = kinds(&own)
        .iter()
        .filter(|k| **k == HistoryKind::Log)
        .count();
    assert_eq!((deliveries, lines, own.len()), (3, 2, 5));

    bench.pair("other", "booking-other").await;
    bench.accept(delivery("booking-other", 4)).await;
    bench.record_for(&other_tenant(), "a", 1).await;
    assert_eq!(history(bench, "a", ALL).await, own);
    assert_eq!(history(bench, "nobody", ALL).await, []);
    let theirs = bench
        .store
        .history(&other_tenant(), &appointment("a"), Page::first(ALL))
        .await;
    assert_eq!(theirs.expect("a history is read").len(), 1);
}

/// A status tells what waits, when the link is due, whether it is leased, its open items, and
/// whether the tenant is paused.
pub async fn a_status_tells_what_waits(bench: &Bench) {
    let unknown = status(bench, "a").await;
    assert!(unknown.link.is_none() && unknown.last_change.is_none());
    bench.record("a", 1).await;
    let recorded = status(bench, "a").await;
    assert_eq!(recorded.waiting_changes, 1);
    let (last, fate) = recorded.last_change.expect("a change is kept");
    assert_eq!((last.change, fate), (change("a", 1), None));
    let claim = bench.claim().await;
    let leased = status(bench, "a").await;
    assert!(leased.is_leased && leased.begun == 1);
    assert_eq!(leased.link, Some(claim.link.clone()));
    let mut settlement = all_settled(&claim);
    settlement.link.booking = Some(uid("booking-a"));
    settlement.wake = Some(LEASE);
    settlement.reviews = vec![of_link(ReviewReason::Conflict), of_tenant("moved")];
    bench.settle(&claim, settlement).await;
    let settled = status(bench, "a").await;
    assert!(!settled.is_leased && settled.begun == 0);
    assert!(settled.due_at.is_some_and(|at| at > settled.now));
    assert_eq!(settled.open_reviews, bench.open_items().await);
    assert_eq!(settled.open_reviews.len(), 2);
    assert_eq!(settled.waiting_changes, 0);
    bench.accept(delivery("booking-a", 1)).await;
    let found = bench
        .store
        .mark(&tenant(), &by_appointment("a"), MarkSource::Request)
        .await;
    assert!(found.expect("a link is marked"));
    let waiting = status(bench, "a").await;
    assert_eq!((waiting.waiting_deliveries, waiting.waiting_marks), (1, 1));
    assert!(!waiting.is_paused);
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.hold = Some(Hold::Pause("moved".to_owned()));
    bench.settle(&claim, settlement).await;
    assert!(status(bench, "a").await.is_paused);
    let theirs = bench
        .store
        .link_status(&other_tenant(), &appointment("a"))
        .await;
    assert!(theirs.expect("a status is read").link.is_none());
}

fn count_of<'a>(
    counts: &'a WorkCounts,
    origin: &Origin,
    fate: Option<&ChangeFate>,
) -> Option<&'a ChangeCount> {
    let mut counts = counts.changes.iter();
    counts.find(|count| count.origin == *origin && count.fate.as_ref() == fate)
}

/// Changes are counted by origin and fate, with how long they waited, deliveries by source and fate:
/// those that wait, and those that were settled within the span.
pub async fn work_is_counted_by_state_and_origin(bench: &Bench) {
    bench.pair("old", "booking-old").await;
    bench.pass(4 * SPAN).await;
    bench.record("a", 1).await;
    let mut by_phone = change("b", 1);
    by_phone.origin = Origin::Phone;
    bench.record_change(&by_phone).await;
    bench.pass(SPAN).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    bench.accept(delivery("booking-old", 1)).await;
    let lately = counts(bench, 2 * SPAN).await;
    let pushed = count_of(&lately, &Origin::Admin, Some(&ChangeFate::Pushed));
    let pushed = pushed.expect("one was pushed").waits;
    assert_eq!(pushed.count, 1);
    assert!(pushed.longest >= SPAN && pushed.mean >= SPAN && pushed.mean <= pushed.longest);
    let waiting = count_of(&lately, &Origin::Phone, None).expect("one waits");
    assert_eq!(waiting.waits.count, 1);
    assert!(waiting.waits.longest >= SPAN);
    assert_eq!(lately.changes.len(), 2);
    let [delivery] = lately.deliveries.as_slice() else {
        panic!("one delivery waits, counted {:?}", lately.deliveries);
    };
    assert_eq!(
        (&delivery.source, &delivery.fate),
        (&NoticeSource::Webhook, &None)
    );
    let all = counts(bench, Duration::MAX).await;
    let pushed = count_of(&all, &Origin::Admin, Some(&ChangeFate::Pushed));
    assert_eq!(pushed.map(|count| count.waits.count), Some(2));
    let theirs = bench
        .store
        .work_counts(&other_tenant(), Duration::MAX)
        .await;
    assert_eq!(theirs.expect("work is counted"), WorkCounts::default());
}

/// The queue is counted by what is leased, due and due later, and the oldest work is told by its
/// age, whether a worker has looked at it or not.
pub async fn the_queue_is_counted(bench: &Bench) {
    assert_eq!(counts(bench, SPAN).await, WorkCounts::default());
    bench.record("later", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.wake = Some(LEASE);
    bench.settle(&claim, settlement).await;
    let idle = counts(bench, SPAN).await;
    assert_eq!((idle.leased, idle.due, idle.later), (0, 0, 1));
    assert_eq!(idle.oldest_due, None);
    bench.record("leased", 1).await;
    bench.claim().await;
    bench.record("due", 1).await;
    bench.pass(SPAN).await;
    let unrouted = counts(bench, SPAN).await;
    assert_eq!((unrouted.leased, unrouted.later), (1, 1));
    assert!(unrouted.oldest_due.is_some_and(|age| age >= SPAN));
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.wake = Some(Duration::ZERO);
    settlement.hold = Some(Hold::For(LEASE));
    settlement.reviews = vec![of_link(ReviewReason::Conflict)];
    bench.settle(&claim, settlement).await;
    let held = counts(bench, SPAN).await;
    assert_eq!((held.leased, held.due, held.later), (1, 1, 1));
    assert!(held.held_for.is_some_and(|left| left <= LEASE));
    assert!(!held.is_paused);
    let [conflicts] = held.reviews.as_slice() else {
        panic!("one item is open, counted {:?}", held.reviews);
    };
    assert_eq!(
        (&conflicts.reason, conflicts.count),
        (&ReviewReason::Conflict, 1)
    );
}

/// A mark makes its link due, comes with its source, and finds a link by any of its keys; without a
/// link there is none.
pub async fn a_link_can_be_marked(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.assert_nothing_due().await;
    for key in [by_appointment("a"), by_booking("booking-a")] {
        let marked = bench.store.mark(&tenant(), &key, MarkSource::Request).await;
        assert!(marked.expect("a link is marked"));
        let claim = bench.claim().await;
        let sources: Vec<_> = claim.marks.iter().map(|mark| &mark.source).collect();
        assert_eq!(sources, [&MarkSource::Request]);
        bench.settle_all(&claim).await;
        bench.assert_nothing_due().await;
    }
    let unknown = bench
        .store
        .mark(&tenant(), &by_appointment("b"), MarkSource::Request)
        .await;
    assert!(!unknown.expect("a mark is answered"));
    let theirs = bench
        .store
        .mark(&other_tenant(), &by_appointment("a"), MarkSource::Request)
        .await;
    assert!(!theirs.expect("a mark is answered"));
    bench.assert_nothing_due().await;
}

/// Pruning and dismissing show in the reports: nothing is remembered of what is gone.
pub async fn a_history_ends_with_what_is_kept(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.resolve(&item, Resolution::Dismiss).await;
    // In the order of time, which may have stood still.
    let mut before = kinds(&history(bench, "a", ALL).await);
    before.sort();
    assert_eq!(
        before,
        [HistoryKind::Change, HistoryKind::Log, HistoryKind::Review]
    );
    bench.pass(SPAN).await;
    let retention = crate::store::Retention::of(SPAN / 2);
    let pruned = bench.store.prune(&retention, ALL).await;
    pruned.expect("old rows can be removed");
    assert_eq!(history(bench, "a", ALL).await, []);
    let status = status(bench, "a").await;
    assert!(status.link.is_some() && status.last_change.is_none());
}

async fn slices(bench: &Bench, within: Duration, slice: Duration) -> Vec<ActivitySlice> {
    let slices = bench.store.activity(&tenant(), within, slice).await;
    slices.expect("what ended is counted")
}

/// What ended is counted in slices that begin at multiples of their length, oldest first and none of them
/// empty, each with what ended within it; they add up to what is counted over the whole span.
pub async fn what_ended_is_counted_in_slices(bench: &Bench) {
    assert_eq!(slices(bench, Duration::MAX, SPAN).await, []);
    bench.pair("a", "booking-a").await;
    bench.record("b", 1).await;
    bench.record("b", 2).await;
    bench.pass(SPAN).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.changes[0].1 = ChangeFate::Superseded;
    bench.settle(&claim, settlement).await;
    for (number, source) in [(1, NoticeSource::Webhook), (2, NoticeSource::Sweep)] {
        let mut delivery = delivery("booking-a", number);
        delivery.source = source;
        bench.accept(delivery).await;
    }
    let mut by_phone = change("a", 2);
    by_phone.origin = Origin::Phone;
    bench.record_change(&by_phone).await;
    bench.pass(SPAN).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    // These wait, or are another tenant's.
    bench.record("c", 1).await;
    bench.accept(delivery("booking-a", 3)).await;
    bench.record_for(&other_tenant(), "a", 1).await;

    let mut ended = Vec::new();
    for name in ["a", "b", "c"] {
        for entry in history(bench, name, ALL).await {
            match entry.event {
                HistoryEvent::Change { ended: end, .. } => ended.extend(end.map(|(_, at)| at)),
                HistoryEvent::Delivery { ended: end, .. } => ended.extend(end.map(|(_, at)| at)),
                _ => {}
            }
        }
    }
    assert_eq!(ended.len(), 6);
    let all = counts(bench, Duration::MAX).await;
    let lengths = [1, 2, 3, 7, 60, 86_400].map(Duration::from_secs);
    let odd = [Duration::ZERO, Duration::from_millis(2900), Duration::MAX];
    for slice in lengths.into_iter().chain(odd) {
        let slices = slices(bench, Duration::MAX, slice).await;
        let length = ActivitySlice::seconds(slice);
        assert!(slices.is_sorted_by(|a, b| a.from < b.from), "{slices:?}");
        for slice in &slices {
            assert_eq!(slice.from.timestamp() % length, 0, "{slice:?}");
            assert_eq!(slice.from.timestamp_subsec_nanos(), 0, "{slice:?}");
            let until = slice.from + Duration::from_secs(length.unsigned_abs());
            let within = ended.iter().filter(|at| (slice.from..until).contains(at));
            let changes = slice.changes.iter().map(|count| count.waits.count);
            let deliveries = slice.deliveries.iter().map(|count| count.waits.count);
            let counted: u64 = changes.chain(deliveries).sum();
            assert!(counted > 0, "an empty slice: {slice:?}");
            assert_eq!(counted, within.count() as u64, "slices of {length} s");
        }
        let changes = slices.iter().flat_map(|slice| &slice.changes);
        let changes: Vec<_> = changes.collect();
        for count in &all.changes {
            let same = changes
                .iter()
                .filter(|other| (&other.origin, &other.fate) == (&count.origin, &count.fate));
            let same: Vec<_> = same.map(|count| &count.waits).collect();
            let expected = count.fate.as_ref().map_or(0, |_| count.waits.count);
            assert_eq!(same.iter().map(|waits| waits.count).sum::<u64>(), expected);
            if expected > 0 {
                let longest = same.iter().map(|waits| waits.longest).max();
                assert_eq!(longest, Some(count.waits.longest));
            }
        }
        let deliveries = slices.iter().flat_map(|slice| &slice.deliveries);
        let deliveries: Vec<_> = deliveries.collect();
        for count in &all.deliveries {
            let same = deliveries
                .iter()
                .filter(|other| (&other.source, &other.fate) == (&count.source, &count.fate));
            let expected = count.fate.as_ref().map_or(0, |_| count.waits.count);
            assert_eq!(same.map(|count| count.waits.count).sum::<u64>(), expected);
        }
        assert!(changes.iter().all(|count| count.fate.is_some()));
        assert!(deliveries.iter().all(|count| count.fate.is_some()));
        if slice == Duration::MAX {
            let of_whole = |count: &&ChangeCount| count.fate.is_some();
            let whole: Vec<_> = all.changes.iter().filter(of_whole).collect();
            assert_eq!((slices.len(), &changes), (1, &whole), "in this order");
        }
    }
}

/// Slices hold what ended within the span, and nothing from before it; nothing of another tenant.
pub async fn slices_go_back_as_far_as_asked(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.pass(4 * SPAN).await;
    bench.pair("b", "booking-b").await;
    let day = Duration::from_secs(86_400);
    let count = |slices: Vec<ActivitySlice>| -> u64 {
        let changes = slices.iter().flat_map(|slice| &slice.changes);
        changes.map(|count| count.waits.count).sum()
    };
    assert_eq!(count(slices(bench, 2 * SPAN, day).await), 1);
    assert_eq!(count(slices(bench, LEASE, day).await), 2);
    assert_eq!(count(slices(bench, Duration::MAX, Duration::MAX).await), 2);
    bench.pass(SPAN).await;
    assert_eq!(slices(bench, Duration::ZERO, day).await, []);
    let theirs = bench
        .store
        .activity(&other_tenant(), Duration::MAX, day)
        .await;
    assert_eq!(theirs.expect("what ended is counted"), []);
}

/// The changes that wait come by their appointments and in the order of intake, whether or not a worker has
/// looked at them, no more than asked for; none that ended, or of another tenant.
pub async fn waiting_changes_come_in_order(bench: &Bench) {
    let waiting = async |limit: u32| -> Vec<HistoryEntry> {
        let waiting = bench.store.waiting_changes(&tenant(), limit).await;
        waiting.expect("waiting changes are read")
    };
    assert_eq!(waiting(ALL).await, []);
    bench.pair("ended", "booking-1").await;
    bench.record("leased", 1).await;
    bench.claim().await;
    for (name, revision) in [("b", 1), ("a", 2), ("a", 1), ("B", 1)] {
        bench.record(name, revision).await;
    }
    bench.record_for(&other_tenant(), "a", 1).await;
    let mut expected = Vec::new();
    for name in ["B", "a", "b", "leased"] {
        expected.extend(history(bench, name, ALL).await);
    }
    let revisions: Vec<_> = expected
        .iter()
        .map(|entry| match &entry.event {
            HistoryEvent::Change { recorded, ended } => {
                assert_eq!(*ended, None);
                recorded.change.revision.get()
            }
            other => panic!("expected a change, got {other:?}"),
        })
        .collect();
    assert_eq!(revisions, [1, 2, 1, 1, 1]);
    for limit in [0, 1, 3, 5, 6, u32::MAX] {
        let most = expected.len().min(limit as usize);
        assert_eq!(waiting(limit).await, expected[..most], "at most {limit}");
    }
}
