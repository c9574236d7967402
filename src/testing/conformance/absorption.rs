//! What [`Links`](crate::store::Links) promises of links that take over others.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Checkpoint, Link, LinkId, LinkKey, MarkSource, Resolution, ReviewReason, Settlement,
    StoreErrorKind,
};

async fn is_gone(bench: &Bench, link: LinkId) -> bool {
    bench.find(&LinkKey::Id(link)).await.is_none()
}

/// Claims a bare link of a booking, and gives it up to another link.
async fn give_up(bench: &Bench, booking: &str, number: u32, into: LinkId) -> Link {
    bench.accept(delivery(booking, number)).await;
    let bare = bench.claim().await;
    let absorbed = bench.store.absorb(&bare.lease, into).await;
    absorbed.expect("a bare link can be absorbed");
    bare.link
}

/// A settlement that gives the link an appointment absorbs the bare link that changes of it made;
/// the changes wait for it.
pub async fn a_settlement_absorbs_the_bare_link_of_an_appointment(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    let first = bench.claim().await;
    bench.record("a", 1).await;
    let bare = bench.claim().await;
    assert_ne!(bare.link.id, first.link.id);
    let mut settlement = all_settled(&first);
    settlement.link.appointment = Some(appointment("a"));
    settlement.link.bare = false;
    bench.settle(&first, settlement).await;
    assert!(is_gone(bench, bare.link.id).await);
    let found = bench.find_known(&by_appointment("a")).await;
    assert_eq!(found.id, first.link.id);
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!(second.changes, bare.changes);
    bench.settle_all(&second).await;
    bench.assert_nothing_due().await;
}

/// A settlement that names bookings absorbs the bare links that deliveries about them made; the
/// deliveries wait for it.
pub async fn a_settlement_absorbs_the_bare_links_of_bookings(bench: &Bench) {
    bench.accept(delivery("newest", 1)).await;
    bench.accept(delivery("older", 2)).await;
    let bare = [bench.claim().await.link.id, bench.claim().await.link.id];
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.link.booking = Some(uid("newest"));
    settlement.link.bare = false;
    settlement.chain_uids = vec![uid("older"), uid("newest")];
    bench.settle(&first, settlement).await;
    for bare in bare {
        assert!(is_gone(bench, bare).await);
    }
    for booking in ["newest", "older"] {
        let found = bench.find_known(&by_booking(booking)).await;
        assert_eq!(found.id, first.link.id);
    }
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!(second.deliveries.len(), 2);
    bench.settle_all(&second).await;
    bench.assert_nothing_due().await;
}

/// A bare link for which nothing waits is absorbed without leaving work, and all its uids move
/// over.
pub async fn an_idle_link_is_absorbed_without_work(bench: &Bench) {
    bench.accept(delivery("stray", 1)).await;
    let bare = bench.claim().await;
    let mut settlement = all_settled(&bare);
    settlement.chain_uids = vec![uid("stray's other")];
    bench.settle(&bare, settlement).await;
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.booking = Some(uid("stray"));
    settlement.link.bare = false;
    bench.settle(&claim, settlement).await;
    assert!(is_gone(bench, bare.link.id).await);
    let found = bench.find_known(&by_booking("stray's other")).await;
    assert_eq!(found.id, claim.link.id);
    bench.assert_nothing_due().await;
    bench.accept(delivery("stray's other", 2)).await;
    assert_eq!(bench.claim().await.link.id, claim.link.id);
}

/// A link that has no appointment gets that of the bare link that a settlement absorbs, with what
/// waits for it.
pub async fn an_absorbed_link_brings_its_appointment(bench: &Bench) {
    bench.record("a", 1).await;
    let bare = bench.claim().await;
    let mut settlement = Settlement::new(bare.link.clone());
    settlement.chain_uids = vec![uid("booking-a")];
    settlement.not_before = Some(LEASE);
    bench.settle(&bare, settlement).await;
    bench.accept(delivery("booking-1", 1)).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.chain_uids = vec![uid("booking-a")];
    settlement.link.bare = false;
    bench.settle(&claim, settlement).await;
    assert!(is_gone(bench, bare.link.id).await);
    let next = bench.claim().await;
    assert_eq!(next.link.id, claim.link.id);
    assert_eq!(next.link.appointment, Some(appointment("a")));
    assert_eq!(next.changes, bare.changes);
    let found = bench.find_known(&by_appointment("a")).await;
    assert_eq!(found, next.link);
}

/// Marks that wait for a bare link wait for the one that a settlement makes absorb it.
pub async fn marks_move_with_an_absorbed_link(bench: &Bench) {
    bench.record("a", 1).await;
    let bare = bench.claim().await;
    bench
        .settle_with(&bare, vec![of_link(ReviewReason::Conflict)])
        .await;
    let item = bench.open_items().await.remove(0);
    bench.resolve(&item, Resolution::TakeRemote).await;
    bench.accept(delivery("booking-1", 1)).await;
    // The mark is older; which of the two is claimed first does not matter here.
    let (one, other) = (bench.claim().await, bench.claim().await);
    let (bare, claim) = if one.marks.is_empty() {
        (other, one)
    } else {
        (one, other)
    };
    let mut settlement = all_settled(&claim);
    settlement.link.appointment = Some(appointment("a"));
    settlement.link.bare = false;
    bench.settle(&claim, settlement).await;
    let next = bench.claim().await;
    assert_eq!(next.link.id, claim.link.id);
    assert_eq!(next.marks, bare.marks);
    assert_eq!(next.marks.len(), 1);
    bench.settle_all(&next).await;
    bench.assert_nothing_due().await;
}

/// A link that is more than a name for one side is not absorbed, and a bare one is not if both have
/// an appointment.
pub async fn what_cannot_be_absorbed_is_a_conflict(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.record("bare", 1).await;
    let bare = bench.claim().await;
    let mut settlement = all_settled(&bare);
    settlement.chain_uids = vec![uid("booking-bare")];
    bench.settle(&bare, settlement).await;
    bench.record("b", 1).await;
    let claim = bench.claim().await;
    let of = |change: fn(&mut Settlement)| {
        let mut settlement = all_settled(&claim);
        change(&mut settlement);
        settlement
    };
    let attempts = [
        of(|settlement| settlement.link.booking = Some(uid("booking-a"))),
        of(|settlement| settlement.chain_uids = vec![uid("booking-a")]),
        of(|settlement| settlement.chain_uids = vec![uid("booking-bare")]),
    ];
    for attempt in attempts {
        let settled = bench.store.settle(&claim.lease, attempt).await;
        assert_fails(settled, StoreErrorKind::Conflict);
    }
    let found = bench.find_known(&by_booking("booking-a")).await;
    assert_eq!(found, known);
    let found = bench.find_known(&by_booking("booking-bare")).await;
    assert_eq!(found, bare.link);
    bench.settle_all(&claim).await;
}

/// A link that is not bare is not absorbed either by one that has no appointment.
pub async fn a_link_that_is_not_bare_is_not_absorbed(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.accept(delivery("booking-1", 1)).await;
    let claim = bench.claim().await;
    let mut with_its_booking = all_settled(&claim);
    with_its_booking.chain_uids = vec![uid("booking-a")];
    let mut with_its_appointment = all_settled(&claim);
    with_its_appointment.link.appointment = Some(appointment("a"));
    for attempt in [with_its_booking, with_its_appointment] {
        let settled = bench.store.settle(&claim.lease, attempt).await;
        assert_fails(settled, StoreErrorKind::Conflict);
    }
    let found = bench.find_known(&by_booking("booking-a")).await;
    assert_eq!(found, known);
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
}

/// A bare link that is given up leaves its uids and all that waits to the other one, which is
/// marked as having absorbed it.
pub async fn giving_up_a_bare_link_moves_all_it_holds(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.accept(delivery("stray", 1)).await;
    let bare = bench.claim().await;
    // It comes while the bare link is being worked on.
    bench.accept(delivery("stray", 2)).await;
    let absorbed = bench.store.absorb(&bare.lease, known.id).await;
    absorbed.expect("a bare link can be absorbed");
    bench.accept(delivery("stray", 3)).await;

    assert!(is_gone(bench, bare.link.id).await);
    let found = bench.find_known(&by_booking("stray")).await;
    assert_eq!(found, known);
    let claim = bench.claim().await;
    assert_eq!(claim.link, known);
    assert_eq!(claim.deliveries.len(), 3);
    let sources: Vec<_> = claim.marks.iter().map(|mark| &mark.source).collect();
    assert_eq!(sources, [&MarkSource::Absorbed]);
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
}

/// A bare link that is given up while it has marks leaves them to the other one.
pub async fn giving_up_a_bare_link_moves_its_marks(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.accept(delivery("stray", 1)).await;
    let bare = bench.claim().await;
    bench
        .settle_with(&bare, vec![of_link(ReviewReason::Conflict)])
        .await;
    let item = bench.open_items().await.remove(0);
    bench.resolve(&item, Resolution::TakeRemote).await;
    let bare = bench.claim().await;
    assert_eq!(bare.marks.len(), 1);
    let absorbed = bench.store.absorb(&bare.lease, known.id).await;
    absorbed.expect("a bare link can be absorbed");
    let claim = bench.claim().await;
    assert_eq!(claim.marks.len(), 2);
    assert_eq!(claim.marks[0], bare.marks[0]);
    assert_eq!(claim.marks[1].source, MarkSource::Absorbed);
}

/// A bare link that is given up brings its appointment where the other link has none, with the
/// changes that wait.
pub async fn giving_up_a_bare_link_brings_its_appointment(bench: &Bench) {
    let into = bench.bare("booking-1", 1).await;
    bench.record("a", 1).await;
    let bare = bench.claim().await;
    let absorbed = bench.store.absorb(&bare.lease, into.id).await;
    absorbed.expect("a bare link can be absorbed");
    let claim = bench.claim().await;
    assert_eq!(claim.link.id, into.id);
    assert_eq!(claim.link.appointment, Some(appointment("a")));
    assert_eq!(claim.changes, bare.changes);
    let found = bench.find_known(&by_appointment("a")).await;
    assert_eq!(found, claim.link);
}

/// A link that is more than a name for one side, or has an appointment as the other one does,
/// cannot be given up.
pub async fn a_link_that_is_not_bare_cannot_be_given_up(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.pair("b", "booking-b").await;
    let bare = bench.bare("booking-1", 1).await;
    bench.record("b", 2).await;
    bench.record("c", 1).await;
    for (name, into) in [("b", [known.id, bare.id]), ("c", [known.id, known.id])] {
        let claim = bench.claim().await;
        for into in into {
            let absorbed = bench.store.absorb(&claim.lease, into).await;
            assert_fails(absorbed, StoreErrorKind::Conflict);
        }
        let found = bench.find_known(&by_appointment(name)).await;
        assert_eq!(found, claim.link);
        bench.settle_all(&claim).await;
    }
    bench.assert_nothing_due().await;
}

/// A link cannot be given up to one that is not there, or is another tenant's.
pub async fn a_link_cannot_be_given_up_to_one_that_is_gone(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    let gone = give_up(bench, "stray", 1, known.id).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    let mut theirs = delivery("booking-1", 1);
    theirs.tenant = other_tenant();
    bench.accept(theirs).await;
    let theirs = bench.claim().await.link;
    bench.accept(delivery("booking-1", 2)).await;
    let bare = bench.claim().await;
    for into in [LinkId::new(i64::MAX), gone.id, theirs.id] {
        let absorbed = bench.store.absorb(&bare.lease, into).await;
        assert_fails(absorbed, StoreErrorKind::NotFound);
    }
    let found = bench.find_known(&by_booking("booking-1")).await;
    assert_eq!(found, bare.link);
    bench.settle_all(&bare).await;
}

/// A link can be given up to one that another worker has. What it brings is not lost, whatever that
/// worker stores, who knows nothing of it: the appointment stays the link's, and the changes come
/// with the next claim.
pub async fn what_is_absorbed_during_a_lease_is_not_lost(bench: &Bench) {
    for (number, with_checkpoint) in [(1, false), (2, true)] {
        let name = format!("a{number}");
        let booking = format!("booking-{number}");
        bench.accept(delivery(&booking, number)).await;
        let leased = bench.claim().await;
        bench.record(&name, 1).await;
        let bare = bench.claim().await;
        let absorbed = bench.store.absorb(&bare.lease, leased.link.id).await;
        absorbed.expect("a bare link can be absorbed");
        if with_checkpoint {
            let checkpoint = Checkpoint::new(leased.link.clone(), LEASE);
            let stored = bench.store.checkpoint(&leased.lease, checkpoint).await;
            stored.expect("a checkpoint under a valid lease is stored");
        }
        bench.settle_all(&leased).await;
        let next = bench.claim().await;
        assert_eq!(next.link.id, leased.link.id);
        assert_eq!(next.link.appointment, Some(appointment(&name)));
        assert_eq!(next.changes, bare.changes);
        assert_eq!(next.marks.len(), 1);
        bench.settle_all(&next).await;
        bench.assert_nothing_due().await;
    }
}

/// If that worker has found another appointment for the link meanwhile, the two cannot be one: its
/// settlement is a conflict, and the changes of the first one are not lost.
pub async fn a_second_appointment_during_a_lease_is_a_conflict(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    let leased = bench.claim_shortly().await;
    bench.record("a", 1).await;
    let bare = bench.claim().await;
    let absorbed = bench.store.absorb(&bare.lease, leased.link.id).await;
    absorbed.expect("a bare link can be absorbed");
    let mut link = leased.link.clone();
    link.appointment = Some(appointment("made for the booking"));
    let checkpoint = Checkpoint::new(link.clone(), SPAN);
    let stored = bench.store.checkpoint(&leased.lease, checkpoint).await;
    assert_fails(stored, StoreErrorKind::Conflict);
    let mut settlement = all_settled(&leased);
    settlement.link = link;
    let settled = bench.store.settle(&leased.lease, settlement).await;
    assert_fails(settled, StoreErrorKind::Conflict);
    bench.pass(2 * SPAN).await;
    let next = bench.claim().await;
    assert_eq!(next.link.appointment, Some(appointment("a")));
    assert_eq!(next.changes, bare.changes);
    assert_eq!(next.deliveries, leased.deliveries);
}

/// Two workers that give up two links to one another at once leave one of them.
pub async fn two_links_given_up_to_each_other_leave_one(bench: &Bench) {
    for number in 0..10_u32 {
        let bookings = [format!("one-{number}"), format!("two-{number}")];
        for (offset, booking) in (0..).zip(&bookings) {
            bench.accept(delivery(booking, 2 * number + offset)).await;
        }
        let claims = [bench.claim().await, bench.claim().await];
        let ids = [claims[1].link.id, claims[0].link.id];
        let tasks = claims.into_iter().zip(ids).map(|(claim, into)| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.absorb(&claim.lease, into).await })
        });
        let mut done = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.expect("the task gives up its link") {
                Ok(()) => done += 1,
                Err(error) => assert_ne!(error.kind(), StoreErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(done, 1);
        let [one, two] = bookings.map(|booking| by_booking(&booking));
        assert_eq!(bench.find_known(&one).await, bench.find_known(&two).await);
    }
}
