//! What [`Reviews`](crate::store::Reviews) and settlements promise of opening review items, and of
//! those that close themselves.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Claim, LogEvent, NewReview, Page, Resolution, ReviewEnd, ReviewItem, ReviewReason, Settlement,
};

/// Claims the link of an appointment for which a new revision is recorded.
async fn turn(bench: &Bench, name: &str, revision: u64) -> Claim {
    bench.record(name, revision).await;
    let claim = bench.claim().await;
    assert_eq!(claim.link.appointment, Some(appointment(name)));
    claim
}

/// A turn of the appointment's link that finds all well.
async fn settled(bench: &Bench, name: &str, revision: u64) {
    let claim = turn(bench, name, revision).await;
    let mut settlement = all_settled(&claim);
    settlement.settled = true;
    bench.settle(&claim, settlement).await;
}

/// The item has closed itself.
async fn assert_closed(bench: &Bench, item: &ReviewItem) {
    let closed = bench.item(item).await;
    let how = closed.resolved.expect("the item is closed");
    assert_eq!(how.resolution, Resolution::Settled);
    assert!(how.at >= item.opened_at);
    let open = bench.open_items().await;
    assert!(open.iter().all(|open| open.id != item.id));
}

async fn assert_open(bench: &Bench, item: &ReviewItem) {
    assert_eq!(bench.item(item).await.resolved, None);
    let open = bench.open_items().await;
    assert!(open.iter().any(|open| open.id == item.id));
}

/// A settlement opens an item for its link, with all its evidence, and says so.
pub async fn a_settlement_opens_an_item(bench: &Bench) {
    let claim = turn(bench, "a", 1).await;
    let new = of_link(ReviewReason::Conflict);
    let settled = bench.settle_with(&claim, vec![new]).await;
    let open = bench.open_items().await;
    assert_eq!(open.len(), 1);
    let item = &open[0];
    assert_eq!(settled.opened, [item.id]);
    assert_eq!(item.tenant, tenant());
    assert_eq!(item.link, Some(claim.link.id));
    assert_eq!(item.appointment, Some(appointment("a")));
    assert_eq!(item.cause, "conflict");
    assert_eq!(item.reason, ReviewReason::Conflict);
    assert_eq!(item.ends, ReviewEnd::WithLinks);
    assert_eq!(item.evidence, evidence("decide"));
    assert_eq!((item.links, item.count), (1, 1));
    assert!(item.opened_at >= claim.now);
    assert_eq!(item.updated_at, item.opened_at);
    assert_eq!(item.resolved, None);
    assert_eq!(bench.item(item).await, *item);
}

/// A cause of a link has one open item: coming up again it brings the evidence up to date and is
/// counted, and nothing is opened.
pub async fn a_links_cause_has_one_open_item(bench: &Bench) {
    let first = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.pass(SPAN).await;
    let claim = turn(bench, "a", 2).await;
    let again = NewReview::of_link(ReviewReason::Conflict, evidence("decide again"));
    let settled = bench.settle_with(&claim, vec![again]).await;
    assert_eq!(settled.opened, []);
    let open = bench.open_items().await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, first.id);
    assert_eq!(open[0].evidence, evidence("decide again"));
    assert_eq!((open[0].links, open[0].count), (1, 2));
    assert_eq!(open[0].opened_at, first.opened_at);
    assert!(open[0].updated_at > first.updated_at);
}

/// Another cause, another link, and the tenant's own have items of their own; a settlement may open
/// several, and names those that are new.
pub async fn another_cause_or_link_has_its_own_item(bench: &Bench) {
    bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.review("b", 1, of_link(ReviewReason::Conflict)).await;
    let claim = turn(bench, "a", 2).await;
    let mut same_words = of_tenant("conflict");
    same_words.reason = ReviewReason::Conflict;
    let reviews = vec![
        of_link(ReviewReason::Conflict),
        of_link(ReviewReason::SlotTaken),
        same_words,
    ];
    let settled = bench.settle_with(&claim, reviews).await;
    let open = bench.open_items().await;
    assert_eq!(open.len(), 4);
    assert_eq!(settled.opened, [open[2].id, open[3].id]);
    assert_eq!((open[0].count, open[1].count), (2, 1));
}

/// A cause of the tenant has one open item, in which every link that meets it has a part, and which
/// names no link.
pub async fn a_tenants_cause_has_one_open_item(bench: &Bench) {
    let first = bench.review("a", 1, of_tenant("moved")).await;
    assert_eq!((first.link, first.links), (None, 1));
    assert_eq!(first.appointment, Some(appointment("a")));
    for (name, revision, links, count) in [("b", 1, 2, 2), ("a", 2, 2, 3), ("c", 1, 3, 4)] {
        let claim = turn(bench, name, revision).await;
        let settled = bench.settle_with(&claim, vec![of_tenant("moved")]).await;
        assert_eq!(settled.opened, []);
        let item = bench.item(&first).await;
        assert_eq!((item.links, item.count), (links, count), "{name}");
    }
    bench.review("a", 3, of_tenant("another")).await;
    let open = bench.open_items().await;
    assert_eq!(open.len(), 2);
    assert_eq!(open[0].appointment, Some(appointment("a")));
}

/// The same cause in another tenant is another item.
pub async fn a_cause_is_the_tenants_own(bench: &Bench) {
    let ours = bench.review("a", 1, of_tenant("moved")).await;
    bench.record_for(&other_tenant(), "a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.reviews = vec![of_tenant("moved").ending(ReviewEnd::WithCause)];
    bench.settle(&claim, settlement).await;
    assert_eq!(bench.item(&ours).await, ours);
    // Nor does it close with the other one's.
    bench.record_for(&other_tenant(), "a", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.settled = true;
    settlement.gone = vec!["moved".to_owned()];
    bench.settle(&claim, settlement).await;
    assert_eq!(bench.open_items().await, [ours]);
    let page = Page::first(ALL);
    let theirs = bench.store.open_reviews(&other_tenant(), page).await;
    assert_eq!(theirs.expect("reviews are read"), []);
}

/// A cause that comes up again after its item was closed opens a new one.
pub async fn a_closed_item_is_not_opened_again(bench: &Bench) {
    let both = || vec![of_link(ReviewReason::Conflict), of_tenant("moved")];
    let claim = turn(bench, "a", 1).await;
    let first = bench.settle_with(&claim, both()).await;
    for item in bench.open_items().await {
        bench.resolve(&item, Resolution::Dismiss).await;
    }
    let claim = turn(bench, "a", 2).await;
    let second = bench.settle_with(&claim, both()).await;
    let open = bench.open_items().await;
    let ids: Vec<_> = open.iter().map(|item| item.id).collect();
    assert_eq!(second.opened, ids);
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|id| !first.opened.contains(id)));
    assert!(open.iter().all(|item| (item.links, item.count) == (1, 1)));
}

/// Open items come oldest first, page by page, and without the closed ones.
pub async fn open_items_come_oldest_first_and_in_pages(bench: &Bench) {
    let mut ids = Vec::new();
    for name in ["b", "d", "c", "a"] {
        let item = bench.review(name, 1, of_link(ReviewReason::Rejected)).await;
        ids.push(item.id);
        if name == "d" {
            bench.resolve(&item, Resolution::Dismiss).await;
            ids.pop();
        }
    }
    let first = bench.store.open_reviews(&tenant(), Page::first(2)).await;
    let mut read = first.expect("reviews are read");
    assert_eq!(read.len(), 2);
    let page = Page::after(read[1].id, 2);
    let second = bench.store.open_reviews(&tenant(), page).await;
    read.extend(second.expect("reviews are read"));
    let read: Vec<_> = read.iter().map(|item| item.id).collect();
    assert_eq!(read, ids);
}

/// A settlement that says that the link is settled closes the link's items, except those that it
/// opens or brings up to date, and the log says so.
pub async fn a_settled_links_items_close_themselves(bench: &Bench) {
    let gone = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    let kept = bench.review("a", 2, of_link(ReviewReason::SlotTaken)).await;
    let others = bench.review("b", 1, of_link(ReviewReason::Conflict)).await;
    let claim = turn(bench, "a", 3).await;
    let mut settlement = all_settled(&claim);
    settlement.reviews = vec![of_link(ReviewReason::SlotTaken)];
    settlement.settled = true;
    bench.settle(&claim, settlement).await;
    assert_closed(bench, &gone).await;
    assert_open(bench, &kept).await;
    assert_open(bench, &others).await;
    let log = bench.log().await;
    let mut lines = log.iter().filter_map(|line| match &line.event {
        LogEvent::ReviewResolved {
            reason, resolution, ..
        } => Some((line.link, *reason == ReviewReason::Conflict, resolution)),
        _ => None,
    });
    let expected = (Some(claim.link.id), true, &Resolution::Settled);
    assert_eq!(lines.next(), Some(expected));
    assert_eq!(lines.next(), None);
    settled(bench, "a", 4).await;
    assert_closed(bench, &kept).await;
}

/// A settlement that does not say so closes nothing.
pub async fn an_unsettled_link_keeps_its_items(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    let claim = turn(bench, "a", 2).await;
    bench.settle_all(&claim).await;
    assert_open(bench, &item).await;
}

/// An item of the tenant closes itself when the last link's part in it is over, and counts the
/// parts until then.
pub async fn a_tenants_item_closes_with_its_last_link(bench: &Bench) {
    for name in ["a", "b", "c"] {
        bench.review(name, 1, of_tenant("moved")).await;
    }
    let item = bench.open_items().await.remove(0);
    assert_eq!(item.links, 3);
    for (name, left) in [("b", 2), ("a", 1)] {
        settled(bench, name, 2).await;
        assert_open(bench, &item).await;
        assert_eq!(bench.item(&item).await.links, left);
    }
    // A link without a part in it ends nobody's.
    settled(bench, "d", 1).await;
    settled(bench, "a", 3).await;
    assert_open(bench, &item).await;
    settled(bench, "c", 2).await;
    assert_closed(bench, &item).await;
}

/// An item that ends with its cause closes when a settlement of any link says that the cause is
/// gone, and not with its links.
pub async fn an_item_closes_with_its_cause(bench: &Bench) {
    let outage = of_tenant("outage").ending(ReviewEnd::WithCause);
    let item = bench.review("a", 1, outage).await;
    assert_eq!(item.ends, ReviewEnd::WithCause);
    let with_links = bench.review("a", 2, of_tenant("moved")).await;
    let claim = turn(bench, "b", 1).await;
    let mut settlement = all_settled(&claim);
    settlement.gone = vec!["another".to_owned(), "moved".to_owned()];
    bench.settle(&claim, settlement).await;
    assert_open(bench, &with_links).await;
    settled(bench, "a", 3).await;
    assert_open(bench, &item).await;
    assert_closed(bench, &with_links).await;
    let claim = turn(bench, "b", 2).await;
    let mut settlement = Settlement::new(claim.link.clone());
    settlement.changes = all_settled(&claim).changes;
    settlement.gone = vec!["outage".to_owned()];
    bench.settle(&claim, settlement).await;
    assert_closed(bench, &item).await;
}

/// An item that only a person closes stays open, whatever is settled or gone.
pub async fn an_item_for_a_person_stays_open(bench: &Bench) {
    let foreign = of_tenant("foreign").ending(ReviewEnd::ByPerson);
    let own = of_link(ReviewReason::ForeignBooking).ending(ReviewEnd::ByPerson);
    let items = [
        bench.review("a", 1, foreign).await,
        bench.review("a", 2, own).await,
    ];
    let claim = turn(bench, "a", 3).await;
    let mut settlement = all_settled(&claim);
    settlement.settled = true;
    settlement.gone = vec!["foreign".to_owned(), "foreign_booking".to_owned()];
    bench.settle(&claim, settlement).await;
    for item in &items {
        assert_open(bench, item).await;
        bench.resolve(item, Resolution::Dismiss).await;
    }
    assert_eq!(bench.open_items().await, []);
}

/// The items of an absorbed link, open or not, become the absorbing link's, by whichever way it is
/// absorbed.
pub async fn items_move_with_an_absorbed_link(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    for (number, by_settlement) in [(1, false), (2, true)] {
        let booking = format!("stray-{number}");
        bench.accept(delivery(&booking, number)).await;
        let bare = bench.claim().await;
        let new = NewReview::of_tenant(&*booking, ReviewReason::Rejected, evidence("decide"));
        let own = NewReview {
            cause: booking.clone(),
            ..of_link(ReviewReason::Rejected)
        };
        bench.settle_with(&bare, vec![own, new]).await;
        absorb(bench, &booking, number, by_settlement).await;
        let open = bench.open_items().await;
        assert_eq!(open.len(), 2);
        assert_eq!((open[0].link, open[0].links), (Some(known.id), 1));
        assert_eq!((open[1].link, open[1].links), (None, 1));
        // Its parts end with the absorbing link's.
        settled(bench, "a", 100 + u64::from(number)).await;
        for item in &open {
            assert_closed(bench, item).await;
        }
    }
}

/// When both links have an item open for one cause, one is left; a part that both have in an item
/// of the tenant is one part.
pub async fn twins_become_one_with_an_absorbed_link(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    for (number, by_settlement) in [(1, false), (2, true)] {
        let new = || vec![of_link(ReviewReason::UnknownStatus), of_tenant("moved")];
        let claim = turn(bench, "a", 10 + u64::from(number)).await;
        bench.settle_with(&claim, new()).await;
        let booking = format!("stray-{number}");
        bench.accept(delivery(&booking, number)).await;
        let bare = bench.claim().await;
        bench.settle_with(&bare, new()).await;
        assert_eq!(bench.open_items().await.len(), 3);
        absorb(bench, &booking, number, by_settlement).await;
        let open = bench.open_items().await;
        assert_eq!(open.len(), 2, "{open:?}");
        for item in &open {
            assert!(item.link.is_none_or(|link| link == known.id));
            assert_eq!(item.links, 1);
        }
        settled(bench, "a", 100 + u64::from(number)).await;
        assert_eq!(bench.open_items().await, []);
    }
}

/// Absorbs the bare link of a booking into that of the appointment `a`. Nothing of either is due
/// then.
async fn absorb(bench: &Bench, booking: &str, number: u32, by_settlement: bool) {
    let into = bench.find_known(&by_appointment("a")).await;
    if by_settlement {
        let claim = turn(bench, "a", 50 + u64::from(number)).await;
        let mut settlement = all_settled(&claim);
        settlement.chain_uids = vec![uid(booking)];
        bench.settle(&claim, settlement).await;
    } else {
        bench.accept(delivery(booking, 100 + number)).await;
        let bare = bench.claim().await;
        let absorbed = bench.store.absorb(&bare.lease, into.id).await;
        absorbed.expect("a bare link can be absorbed");
        let claim = bench.claim().await;
        assert_eq!(claim.link.id, into.id);
        bench.settle_all(&claim).await;
    }
    let found = bench.find_known(&by_booking(booking)).await;
    assert_eq!(found.id, into.id);
}
