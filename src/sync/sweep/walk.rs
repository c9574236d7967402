//! The walk through Cal.com's list of updates: which page to ask for next, and which of its rows to
//! look at. No I/O.
//!
//! Rows move while one walks: an update takes a booking to the end of the list, and everything
//! behind its old place moves up by one. Counting rows, as `skip` does, would then pass over the
//! first row of the next page. So the walk goes by the rows' own time: the next page begins at the
//! time of the last row, inclusive, because others may have the same. In front of that time nothing
//! is left to move. Only rows of one and the same time are counted, with pages that overlap.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::model::{Booking, BookingQuery, BookingUid, SortOrder};
use crate::sync::calendar::BookingPage;

/// The largest page that every version of the list has.
const PAGE: u32 = 100;

/// How many rows are remembered, to look at none twice. More than that have no reason to be read in
/// one place of the list; forgetting costs a second look.
const MAX_SEEN: usize = 10_000;

/// A walk through the updates between two instants, both inclusive.
#[derive(Debug)]
pub(super) struct Walk {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    /// The next page holds what was updated then or later.
    after: DateTime<Utc>,
    skip: u32,
    cursor: Option<String>,
    /// Whether the list has kept to the filter and the order so far. Some servers fall back to a
    /// version that ignores both; then it is read to the end.
    is_sorted: bool,
    /// The rows that were looked at and may come again.
    seen: HashSet<(BookingUid, Option<DateTime<Utc>>)>,
    /// The rows of the previous page, if this one was counted on from it.
    previous: Vec<BookingUid>,
    newest: Option<DateTime<Utc>>,
    is_done: bool,
    has_gaps: bool,
}

impl Walk {
    pub(super) fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self {
            from,
            until,
            after: from,
            skip: 0,
            cursor: None,
            is_sorted: true,
            seen: HashSet::new(),
            previous: Vec::new(),
            newest: None,
            // Where there is nothing to see yet.
            is_done: from > until,
            has_gaps: false,
        }
    }

    /// What to ask for next; `None` at the end.
    pub(super) fn query(&self) -> Option<BookingQuery> {
        if self.is_done {
            return None;
        }
        let query = BookingQuery::default()
            .with_after_updated_at(self.after)
            .with_before_updated_at(self.until)
            .with_sort_updated_at(SortOrder::Ascending)
            .with_take(PAGE);
        Some(match &self.cursor {
            Some(cursor) => query.with_cursor(cursor.clone()),
            None if self.skip > 0 => query.with_skip(self.skip),
            None => query,
        })
    }

    /// Takes the page that was asked for, and returns the rows to look at: those updated within the
    /// walk's bounds that were not returned before, whatever the list was filtered by.
    pub(super) fn take(&mut self, page: BookingPage) -> Vec<Booking> {
        let rows = page.bookings;
        let uids: Vec<BookingUid> = rows.iter().map(|row| row.uid.clone()).collect();
        let times: Vec<_> = rows.iter().map(|row| row.updated_at).collect();
        let fresh: Vec<Booking> = rows.into_iter().filter(|row| self.is_fresh(row)).collect();
        let seen_now = times.iter().flatten().filter(|at| **at <= self.until);
        self.newest = self.newest.max(seen_now.max().copied());
        let is_first_after = times.first().is_none_or(|first| *first >= Some(self.after));
        self.is_sorted &= is_first_after && times.is_sorted() && times.iter().all(Option::is_some);
        let last = times.last().copied().flatten();
        match last {
            None if uids.is_empty() => self.is_done = true,
            Some(last) if self.is_sorted && last > self.until => self.is_done = true,
            _ if !page.more => self.is_done = true,
            Some(last) if self.is_sorted && last > self.after => self.go_on_from(last),
            // The page was not full, whatever the server says about more: it counts rows that the
            // filter leaves out.
            _ if self.is_sorted && fresh.is_empty() && uids.len() < PAGE as usize => {
                self.is_done = true;
            }
            _ if uids == self.previous => self.is_stuck(),
            _ => {
                self.count_on(uids.len(), page.next_cursor);
                self.previous = uids;
            }
        }
        fresh
    }

    fn is_fresh(&mut self, row: &Booking) -> bool {
        let is_within = row
            .updated_at
            .is_none_or(|at| (self.from..=self.until).contains(&at));
        if self.seen.len() > MAX_SEEN {
            self.seen.clear();
        }
        is_within && self.seen.insert((row.uid.clone(), row.updated_at))
    }

    fn go_on_from(&mut self, last: DateTime<Utc>) {
        self.after = last;
        self.skip = 0;
        self.cursor = None;
        self.previous.clear();
        self.seen.retain(|(_, at)| at.is_none_or(|at| at >= last));
    }

    /// The rows of this page have one time, or the list does not keep to its order.
    fn count_on(&mut self, rows: usize, cursor: Option<String>) {
        if cursor.is_some() {
            self.cursor = cursor;
            return;
        }
        // Pages overlap, for rows that move up meanwhile.
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.skip = self.skip.saturating_add((rows - rows / 4).max(1));
    }

    /// The same page again: the server knows no other.
    fn is_stuck(&mut self) {
        self.has_gaps = true;
        if self.is_sorted {
            // What lies behind it is worth more than another try.
            let later = self.after + chrono::TimeDelta::milliseconds(1);
            self.go_on_from(later);
        } else {
            self.is_done = true;
        }
    }

    /// The time up to which every update was seen; `None` as long as that is not known of any.
    pub(super) fn reached(&self) -> Option<DateTime<Utc>> {
        let is_whole = self.is_sorted || (self.is_done && !self.has_gaps);
        self.newest.filter(|_| is_whole)
    }

    /// Whether the server withheld rows.
    pub(super) fn has_gaps(&self) -> bool {
        self.has_gaps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn booking(uid: usize, updated_at: DateTime<Utc>) -> Booking {
        let json = json!({
            "id": uid, "uid": format!("u{uid}"), "status": "accepted", "start": at(0), "end": at(1800),
            "updatedAt": updated_at,
        });
        serde_json::from_value(json).unwrap()
    }

    /// A list of bookings, by the second of their last update, and how badly it keeps to what it is
    /// asked for.
    struct Server {
        updated: BTreeMap<usize, i64>,
        now: i64,
        filters: bool,
        sorts: bool,
        skips: bool,
        most: usize,
    }

    impl Server {
        fn new(updated: impl IntoIterator<Item = i64>) -> Self {
            Self {
                updated: updated.into_iter().enumerate().collect(),
                now: 1_000_000,
                filters: true,
                sorts: true,
                skips: true,
                most: PAGE as usize,
            }
        }

        fn page(&self, query: &BookingQuery) -> BookingPage {
            let mut rows: Vec<_> = self.updated.iter().map(|(uid, at)| (*at, *uid)).collect();
            if self.filters {
                rows.retain(|(second, _)| at(*second) >= query.after_updated_at.unwrap());
                rows.retain(|(second, _)| at(*second) <= query.before_updated_at.unwrap());
            }
            if self.sorts {
                rows.sort_unstable();
            }
            let take = self.most.min(query.take.unwrap() as usize);
            let skip = if self.skips {
                query.skip.unwrap_or(0)
            } else {
                0
            } as usize;
            let rest = rows.get(skip..).unwrap_or_default();
            let more = rest.len() > take;
            let rows = rest.iter().take(take);
            BookingPage::new(
                rows.map(|(second, uid)| booking(*uid, at(*second)))
                    .collect(),
            )
            .with_more(more)
        }

        /// Walks, and changes the list between the pages.
        fn walk(&mut self, walk: &mut Walk, mut meanwhile: impl FnMut(&mut Self)) -> Vec<usize> {
            let mut met = Vec::new();
            for _ in 0..10_000 {
                let Some(query) = walk.query() else {
                    return met;
                };
                let rows = walk.take(self.page(&query));
                met.extend(
                    rows.iter()
                        .map(|row| row.uid.as_str()[1..].parse::<usize>().unwrap()),
                );
                meanwhile(self);
            }
            panic!("the walk comes to no end");
        }
    }

    fn sorted(mut met: Vec<usize>) -> Vec<usize> {
        met.sort_unstable();
        met
    }

    #[test]
    fn all_is_met_once_and_in_order() {
        let mut server = Server::new((0..1000).map(|n| n / 7));
        let mut walk = Walk::new(at(10), at(100));
        let met = server.walk(&mut walk, |_| {});
        assert_eq!(met, (70..707).collect::<Vec<_>>());
        assert_eq!(walk.reached(), Some(at(100)));
        assert!(!walk.has_gaps());
    }

    #[test]
    fn a_thousand_updates_at_one_time_are_met() {
        let mut server = Server::new(std::iter::repeat_n(5, 1000).chain([6]));
        let mut walk = Walk::new(at(0), at(100));
        let met = server.walk(&mut walk, |_| {});
        assert_eq!(sorted(met), (0..1001).collect::<Vec<_>>());
    }

    #[test]
    fn a_list_that_ignores_filter_and_order_is_read_to_its_end() {
        let times: Vec<i64> = (0..1000).map(|n| (n * 37) % 500).collect();
        let mut server = Server::new(times.clone());
        (server.filters, server.sorts) = (false, false);
        let mut walk = Walk::new(at(490), at(495));
        let first = walk.query().unwrap();
        walk.take(server.page(&first));
        assert_eq!(
            walk.reached(),
            None,
            "the rest of the list may hold older ones"
        );
        let mut walk = Walk::new(at(490), at(495));
        let met = server.walk(&mut walk, |_| {});
        let wanted = times
            .iter()
            .enumerate()
            .filter(|(_, at)| (490..=495).contains(*at));
        assert_eq!(sorted(met), wanted.map(|(uid, _)| uid).collect::<Vec<_>>());
        assert_eq!(walk.reached(), Some(at(495)));
    }

    #[test]
    fn a_list_with_one_page_only_has_gaps_and_an_end() {
        for sorts in [true, false] {
            let mut server = Server::new((0..500).map(|n| if sorts { 5 } else { -n % 50 }));
            (server.skips, server.sorts) = (false, sorts);
            let mut walk = Walk::new(at(-100), at(100));
            let met = server.walk(&mut walk, |_| {});
            assert_eq!(met.len(), 100);
            assert!(walk.has_gaps());
            assert_eq!(walk.reached().is_some(), sorts);
        }
    }

    #[test]
    fn nothing_new_costs_two_pages_though_the_server_says_there_is_more() {
        let mut server = Server::new([5, 6]);
        let mut walk = Walk::new(at(0), at(100));
        let mut pages = 0;
        while let Some(query) = walk.query() {
            pages += 1;
            let page = server.page(&query).with_more(true);
            walk.take(page);
        }
        assert_eq!(pages, 2);
        server.updated.clear();
        let mut walk = Walk::new(at(0), at(100));
        assert_eq!(server.walk(&mut walk, |_| {}), [] as [usize; 0]);
        assert_eq!(walk.reached(), None);
        assert!(Walk::new(at(1), at(0)).query().is_none());
    }

    proptest::proptest! {
        /// Whatever moves while one walks, what stays where it was is met, and once.
        #[test]
        fn what_moves_takes_nothing_along(
            times in proptest::collection::vec(0..40_i64, 0..900),
            moves in proptest::collection::vec(0..900_usize, 0..60),
            // As many as the pages overlap by at least.
            per_page in 0..5_usize,
            most in 20..=100_usize,
        ) {
            let before: BTreeMap<usize, i64> = times.iter().copied().enumerate().collect();
            let mut server = Server::new(times);
            server.most = most;
            let mut left = moves.into_iter();
            let mut walk = Walk::new(at(5), at(35));
            let met = server.walk(&mut walk, |server| {
                for uid in left.by_ref().take(per_page) {
                    server.now += 1;
                    let now = server.now;
                    server.updated.entry(uid).and_modify(|at| *at = now);
                }
            });
            let met = sorted(met);
            for (uid, second) in before {
                if server.updated[&uid] == second {
                    let times = met.iter().filter(|met| **met == uid).count();
                    let wanted = usize::from((5..=35).contains(&second));
                    proptest::prop_assert_eq!(times, wanted, "row {} of second {}", uid, second);
                }
            }
        }
    }
}
