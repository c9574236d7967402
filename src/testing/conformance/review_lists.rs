//! What [`Reviews`](crate::store::Reviews) promises of its filtered lists.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Page, Resolution, ReviewCount, ReviewFilter, ReviewId, ReviewItem, ReviewReason,
};

async fn list(bench: &Bench, filter: &ReviewFilter) -> Vec<ReviewId> {
    let read = bench
        .store
        .reviews(&tenant(), filter, Page::first(ALL))
        .await;
    let read = read.expect("reviews are read");
    let mut paged: Vec<ReviewItem> = Vec::new();
    loop {
        let page = match paged.last() {
            None => Page::first(1),
            Some(last) => Page::after(last.id, 1),
        };
        let next = bench.store.reviews(&tenant(), filter, page).await;
        let next = next.expect("reviews are read");
        if next.is_empty() {
            break;
        }
        paged.extend(next);
    }
    assert_eq!(paged, read, "pages of one");
    let counts = count(bench, filter).await;
    let counted: u64 = counts.iter().map(|count| count.count).sum();
    assert_eq!(counted, read.len() as u64, "{counts:?}");
    read.iter().map(|item| item.id).collect()
}

async fn count(bench: &Bench, filter: &ReviewFilter) -> Vec<ReviewCount> {
    let counts = bench.store.count_reviews(&tenant(), filter).await;
    counts.expect("reviews are counted")
}

/// A filter lets through what is open or resolved, has the reason, involves the appointment, and was
/// opened when it says; in id order, in pages, and counted alike.
pub async fn a_filter_lets_through_what_it_says(bench: &Bench) {
    let old = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.resolve(&old, Resolution::Dismiss).await;
    let kept = bench.review("b", 1, of_link(ReviewReason::Rejected)).await;
    bench.pass(2 * SPAN).await;
    let new = bench.review("a", 2, of_link(ReviewReason::Conflict)).await;
    let shared = bench.review("a", 3, of_tenant("moved")).await;
    bench.review("b", 2, of_tenant("moved")).await;

    let any = ReviewFilter::default();
    let all = [old.id, kept.id, new.id, shared.id];
    assert_eq!(list(bench, &any).await, all);
    assert_eq!(list(bench, &ReviewFilter::open()).await, all[1..]);
    assert_eq!(list(bench, &ReviewFilter::resolved()).await, all[..1]);
    let conflicts = any.clone().with_reason(ReviewReason::Conflict);
    assert_eq!(list(bench, &conflicts).await, [old.id, new.id]);
    let open = ReviewFilter::open().with_reason(ReviewReason::Conflict);
    assert_eq!(list(bench, &open).await, [new.id]);
    // An item about the tenant involves both.
    let of_a = any.clone().with_appointment(appointment("a"));
    assert_eq!(list(bench, &of_a).await, [old.id, new.id, shared.id]);
    let of_b = ReviewFilter::open().with_appointment(appointment("b"));
    assert_eq!(list(bench, &of_b).await, [kept.id, shared.id]);
    let both = of_b.with_reason(ReviewReason::Rejected);
    assert_eq!(list(bench, &both).await, [kept.id]);
    assert_eq!(list(bench, &any.clone().older_than(SPAN)).await, all[..2]);
    assert_eq!(list(bench, &any.clone().within(SPAN)).await, all[2..]);
    let nobody = any.with_appointment(appointment("nobody"));
    assert_eq!(list(bench, &nobody).await, []);
}

/// Items are counted by reason, in the order of the words, with the age of the oldest; one tenant's
/// lists and counts show nothing of another's.
pub async fn items_are_counted_by_reason(bench: &Bench) {
    bench.review("b", 1, of_link(ReviewReason::Rejected)).await;
    bench.pass(SPAN).await;
    bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.review("c", 1, of_link(ReviewReason::Rejected)).await;
    let counts = count(bench, &ReviewFilter::open()).await;
    let told: Vec<_> = counts.iter().map(|c| (&c.reason, c.count)).collect();
    assert_eq!(
        told,
        [(&ReviewReason::Conflict, 1), (&ReviewReason::Rejected, 2)]
    );
    assert!(counts[0].oldest < SPAN && counts[1].oldest >= SPAN);
    assert!(counts[1].oldest < Duration::from_secs(60 * 60));
    let any = ReviewFilter::default();
    let theirs = bench.store.count_reviews(&other_tenant(), &any).await;
    assert_eq!(theirs.expect("reviews are counted"), []);
    let theirs = bench
        .store
        .reviews(&other_tenant(), &any, Page::first(ALL))
        .await;
    assert_eq!(theirs.expect("reviews are read"), []);
}
