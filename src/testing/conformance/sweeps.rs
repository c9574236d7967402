//! What [`Sweeps`](crate::store::Sweeps) promises.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{Opaque, StoreErrorKind, SweepLease, TenantId};

/// How long the promises wait between two sweeps of a tenant.
const EVERY: Duration = SPAN;

fn cursor(place: &str) -> Opaque {
    Opaque::new(FORMAT, place.as_bytes().to_vec())
}

async fn begin_of(bench: &Bench, tenant: &TenantId, every: Duration) -> Option<SweepLease> {
    let begun = bench.store.begin_sweep(tenant, every, LEASE).await;
    begun.expect("a sweep can be asked for")
}

async fn begin(bench: &Bench) -> SweepLease {
    let begun = begin_of(bench, &tenant(), EVERY).await;
    begun.expect("the sweep is due, and was not begun")
}

/// Begins a sweep under a lease that a promise can wait for.
async fn begin_shortly(bench: &Bench) -> SweepLease {
    let begun = bench.store.begin_sweep(&tenant(), EVERY, SPAN).await;
    let begun = begun.expect("a sweep can be asked for");
    begun.expect("the sweep is due, and was not begun")
}

async fn advance(bench: &Bench, lease: &SweepLease, place: &str, prolong: Duration) {
    let place = cursor(place);
    let advanced = bench.store.advance_sweep(lease, &place, prolong).await;
    advanced.expect("a sweep under a valid lease advances");
}

async fn end(bench: &Bench, lease: &SweepLease, place: &str) {
    end_to_rest(bench, lease, place, Duration::ZERO).await;
}

async fn end_to_rest(bench: &Bench, lease: &SweepLease, place: &str, rest: Duration) {
    let place = cursor(place);
    let ended = bench.store.end_sweep(lease, &place, rest).await;
    ended.expect("a sweep under a valid lease is ended");
}

async fn assert_not_begun(bench: &Bench, every: Duration) {
    let begun = begin_of(bench, &tenant(), every).await;
    assert!(begun.is_none(), "expected no sweep, began {begun:?}");
}

/// A tenant that was never swept is due, and has no cursor.
pub async fn the_first_sweep_is_due_at_once(bench: &Bench) {
    let first = begin_of(bench, &tenant(), LEASE).await;
    let first = first.expect("the first sweep is due");
    assert_eq!(first.tenant, tenant());
    assert_eq!(first.cursor, None);
}

/// While a sweep is under way, nobody begins another of the tenant, however urgent.
pub async fn a_sweep_excludes_others(bench: &Bench) {
    let first = begin(bench).await;
    assert_not_begun(bench, EVERY).await;
    bench.pass(SPAN * 2).await;
    assert_not_begun(bench, Duration::ZERO).await;
    end(bench, &first, "done").await;
}

/// Of several that begin at once, one succeeds.
pub async fn sweeps_begun_at_once_are_one(bench: &Bench) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { begin_of(&bench, &tenant(), EVERY).await })
        })
        .collect();
    let mut begun = 0;
    for task in tasks {
        let lease = task.await.expect("the task asks for a sweep");
        begun += usize::from(lease.is_some());
    }
    assert_eq!(begun, 1);
}

/// The next sweep is not due until `every` has passed since the end of the last one, not since its
/// beginning.
pub async fn a_sweep_is_not_due_until_the_last_one_is_long_over(bench: &Bench) {
    let first = begin(bench).await;
    bench.pass(EVERY).await;
    end(bench, &first, "done").await;
    assert_not_begun(bench, LEASE).await;
    bench.pass(EVERY).await;
    assert_not_begun(bench, LEASE).await;
    begin(bench).await;
}

/// A sweep that is to come at once is due whenever the last one was ended.
pub async fn a_sweep_can_be_due_at_once(bench: &Bench) {
    let first = begin(bench).await;
    end(bench, &first, "done").await;
    let second = begin_of(bench, &tenant(), Duration::ZERO).await;
    assert!(second.is_some(), "the sweep was to begin at once");
}

/// A sweep that was ended with a rest is followed by none before that has passed.
pub async fn a_rest_postpones_the_next_sweep(bench: &Bench) {
    let first = begin(bench).await;
    end_to_rest(bench, &first, "tired", LEASE).await;
    bench.pass(EVERY).await;
    assert_not_begun(bench, Duration::ZERO).await;
    let other = other_tenant();
    let first = begin_of(bench, &other, EVERY).await;
    let first = first.expect("the first sweep is due");
    end_to_rest(bench, &first, "tired", SPAN).await;
    bench.pass(SPAN).await;
    let rested = begin_of(bench, &other, Duration::ZERO).await;
    assert!(rested.is_some(), "the rest is over");
}

/// What the end of a sweep stored is where the next one goes on, byte by byte.
pub async fn a_cursor_is_read_back_as_it_was_stored(bench: &Bench) {
    let bytes = vec![0, 255, 10, 13, 0];
    let place = Opaque::new(u16::MAX, bytes);
    let first = begin(bench).await;
    let ended = bench.store.end_sweep(&first, &place, Duration::ZERO);
    ended.await.expect("a sweep under a valid lease is ended");
    bench.pass(EVERY).await;
    assert_eq!(begin(bench).await.cursor, Some(place));
}

/// A sweep that was not ended is due again as soon as its lease has run out, whatever the schedule,
/// and goes on from where it stood.
pub async fn an_expired_sweep_goes_on_in_other_hands(bench: &Bench) {
    let first = begin_shortly(bench).await;
    advance(bench, &first, "page 2", SPAN).await;
    bench.pass(SPAN).await;
    let second = begin_of(bench, &tenant(), LEASE).await;
    let second = second.expect("the lease has run out");
    assert_eq!(second.cursor, Some(cursor("page 2")));
}

/// Whoever was overtaken stores nothing any more.
pub async fn an_overtaken_sweep_is_refused(bench: &Bench) {
    let first = begin_shortly(bench).await;
    bench.pass(SPAN).await;
    let second = begin(bench).await;
    let late = cursor("late");
    let advanced = bench.store.advance_sweep(&first, &late, LEASE).await;
    assert_fails(advanced, StoreErrorKind::LeaseLost);
    let ended = bench.store.end_sweep(&first, &late, Duration::ZERO).await;
    assert_fails(ended, StoreErrorKind::LeaseLost);
    end(bench, &second, "mine").await;
    bench.pass(EVERY).await;
    assert_eq!(begin(bench).await.cursor, Some(cursor("mine")));
}

/// A lease that has run out is good as long as nobody has taken over.
pub async fn a_sweep_that_nobody_overtook_stays_valid(bench: &Bench) {
    let first = begin_shortly(bench).await;
    bench.pass(SPAN * 2).await;
    advance(bench, &first, "slow", LEASE).await;
    assert_not_begun(bench, Duration::ZERO).await;
    end(bench, &first, "slow").await;
}

/// Advancing makes the lease last longer, and never shorter.
pub async fn advancing_prolongs_the_lease(bench: &Bench) {
    let first = begin_shortly(bench).await;
    advance(bench, &first, "1", LEASE).await;
    advance(bench, &first, "2", SPAN).await;
    bench.pass(SPAN * 2).await;
    assert_not_begun(bench, Duration::ZERO).await;
}

/// With an ended sweep nothing is stored.
pub async fn an_ended_sweep_is_over(bench: &Bench) {
    let first = begin(bench).await;
    end(bench, &first, "done").await;
    let late = cursor("late");
    let advanced = bench.store.advance_sweep(&first, &late, LEASE).await;
    assert_fails(advanced, StoreErrorKind::LeaseLost);
    let again = bench.store.end_sweep(&first, &late, LEASE).await;
    assert_fails(again, StoreErrorKind::LeaseLost);
    bench.pass(EVERY).await;
    assert_eq!(begin(bench).await.cursor, Some(cursor("done")));
}

/// The sweep of one tenant neither holds up another's nor moves its cursor, nor does its lease
/// reach there.
pub async fn sweeps_of_tenants_are_apart(bench: &Bench) {
    let one = begin(bench).await;
    let other = begin_of(bench, &other_tenant(), EVERY).await;
    let other = other.expect("the other tenant was never swept");
    let mut stolen = one.clone();
    stolen.tenant = TenantId::new("tenant-c");
    let place = cursor("x");
    let advanced = bench.store.advance_sweep(&stolen, &place, LEASE).await;
    assert_fails(advanced, StoreErrorKind::LeaseLost);
    end(bench, &one, "one").await;
    end(bench, &other, "other").await;
    bench.pass(EVERY).await;
    assert_eq!(begin(bench).await.cursor, Some(cursor("one")));
    let again = begin_of(bench, &other_tenant(), EVERY).await;
    let again = again.expect("the time has passed");
    assert_eq!(again.cursor, Some(cursor("other")));
}

/// A sweep tells the store's time.
pub async fn a_sweep_tells_the_stores_time(bench: &Bench) {
    bench.record("a", 1).await;
    let before = bench.claim().await.now;
    let swept = begin(bench).await;
    bench.record("b", 1).await;
    let after = bench.claim().await.now;
    assert!((before..=after).contains(&swept.now));
}
