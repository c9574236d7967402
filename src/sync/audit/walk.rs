//! The walk through Cal.com's list of bookings in the order of their starts. No I/O.
//!
//! Like the walk through the updates, it goes by the rows' own time: the next page begins at the
//! start of the last row, inclusive, because others may have the same. What is booked or moved in
//! front of that time meanwhile shifts nothing. Only rows of one and the same start are counted,
//! with pages that overlap; and so are all rows of a list that ignores the filter.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::is_within;
use crate::model::{Booking, BookingQuery, BookingUid, SortOrder};
use crate::store::Window;
use crate::sync::calendar::BookingPage;

/// The largest page that every version of the list has.
const PAGE: u32 = 100;

/// How many rows are remembered, to return none twice.
const MAX_SEEN: usize = 10_000;

/// A walk through the bookings that start within a window.
#[derive(Debug)]
pub(in crate::sync) struct StartWalk {
    window: Window,
    /// The next page holds what starts then or later.
    after: DateTime<Utc>,
    skip: u32,
    cursor: Option<String>,
    /// Whether the list has kept to the filter so far. If not, its rows are counted.
    is_filtered: bool,
    /// Whether the list has kept to the order so far. If not, it is read to its end.
    is_sorted: bool,
    /// The rows that were returned and may come again.
    seen: HashSet<(BookingUid, DateTime<Utc>)>,
    /// The start of the last row.
    last: Option<DateTime<Utc>>,
    /// The rows of the previous page, if this one was counted on from it.
    previous: Vec<BookingUid>,
    is_done: bool,
    has_gaps: bool,
}

impl StartWalk {
    pub(in crate::sync) fn new(window: Window) -> Self {
        Self {
            window,
            after: window.from,
            skip: 0,
            cursor: None,
            is_filtered: true,
            is_sorted: true,
            seen: HashSet::new(),
            last: None,
            previous: Vec::new(),
            is_done: window.from >= window.until,
            has_gaps: false,
        }
    }

    /// What to ask for next; `None` at the end.
    pub(in crate::sync) fn query(&self) -> Option<BookingQuery> {
        if self.is_done {
            return None;
        }
        // No filter bounds the starts from above: the walk stops where the window ends.
        let query = BookingQuery::default()
            .with_after_start(self.after)
            .with_sort_start(SortOrder::Ascending)
            .with_take(PAGE);
        Some(match &self.cursor {
            Some(cursor) => query.with_cursor(cursor.clone()),
            None if self.skip > 0 => query.with_skip(self.skip),
            None => query,
        })
    }

    /// Takes the page that was asked for, and returns its rows that start within the window and
    /// were not returned before, whatever the list was filtered by.
    pub(in crate::sync) fn take(&mut self, page: BookingPage) -> Vec<Booking> {
        let rows = page.bookings;
        let uids: Vec<BookingUid> = rows.iter().map(|row| row.uid.clone()).collect();
        let starts: Vec<_> = rows.iter().map(|row| row.start).collect();
        self.judge(&starts);
        let fresh: Vec<Booking> = rows.into_iter().filter(|row| self.is_fresh(row)).collect();
        let keeps_to_it = self.is_filtered && self.is_sorted;
        match starts.last().copied() {
            None => self.is_done = true,
            Some(last) if self.is_sorted && last >= self.window.until => self.is_done = true,
            _ if !page.more => self.is_done = true,
            Some(last) if keeps_to_it && last > self.after => self.go_on_from(last),
            // The page was not full, whatever the server says about more.
            _ if keeps_to_it && fresh.is_empty() && uids.len() < PAGE as usize => {
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

    /// Whether the list keeps to the filter and the order.
    fn judge(&mut self, starts: &[DateTime<Utc>]) {
        self.is_filtered &= starts.iter().all(|start| *start >= self.after);
        self.is_sorted &= starts.is_sorted();
        // Pages that were counted overlap by rows that come again.
        let goes_on = match (self.last, starts.last()) {
            (Some(last), Some(newest)) => *newest >= last,
            _ => true,
        };
        self.is_sorted &= goes_on;
        self.last = self.last.max(starts.iter().max().copied());
    }

    fn is_fresh(&mut self, row: &Booking) -> bool {
        if self.seen.len() > MAX_SEEN {
            self.seen.clear();
        }
        is_within(self.window, row.start) && self.seen.insert((row.uid.clone(), row.start))
    }

    fn go_on_from(&mut self, last: DateTime<Utc>) {
        self.after = last;
        self.skip = 0;
        self.cursor = None;
        self.previous.clear();
        self.seen.retain(|(_, start)| *start >= last);
    }

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
        if self.is_filtered && self.is_sorted {
            self.go_on_from(self.after + TimeDelta::milliseconds(1));
        } else {
            self.is_done = true;
        }
    }

    /// Whether the server withheld rows.
    pub(in crate::sync) fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    /// Whether the rows come in the order of their starts.
    pub(in crate::sync) fn is_sorted(&self) -> bool {
        self.is_sorted
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap()
    }

    fn booking(uid: usize, start: DateTime<Utc>) -> Booking {
        let json = json!({
            "id": uid, "uid": format!("u{uid}"), "status": "accepted", "start": start,
            "end": start + TimeDelta::minutes(30),
        });
        serde_json::from_value(json).unwrap()
    }

    /// A list of bookings, by the minute of their start, and how well it keeps to what it is asked
    /// for.
    struct Server {
        starts: BTreeMap<usize, i64>,
        filters: bool,
        sorts: bool,
        skips: bool,
        pages: usize,
    }

    impl Server {
        fn new(starts: impl IntoIterator<Item = i64>) -> Self {
            Self {
                starts: starts.into_iter().enumerate().collect(),
                filters: true,
                sorts: true,
                skips: true,
                pages: 0,
            }
        }

        fn page(&mut self, query: &BookingQuery) -> BookingPage {
            self.pages += 1;
            let mut rows: Vec<_> = self.starts.iter().map(|(uid, at)| (*at, *uid)).collect();
            if self.filters {
                rows.retain(|(minute, _)| at(*minute) >= query.after_start.unwrap());
            }
            if self.sorts {
                rows.sort_unstable();
            }
            let take = query.take.unwrap() as usize;
            let skip = query.skip.filter(|_| self.skips).unwrap_or(0) as usize;
            let rest = rows.get(skip..).unwrap_or_default();
            let page = rest
                .iter()
                .take(take)
                .map(|(minute, uid)| booking(*uid, at(*minute)))
                .collect();
            BookingPage::new(page).with_more(rest.len() > take)
        }

        fn walk(&mut self, walk: &mut StartWalk, mut meanwhile: impl FnMut(&mut Self)) -> Vec<i64> {
            let mut met = Vec::new();
            for _ in 0..10_000 {
                let Some(query) = walk.query() else {
                    return met;
                };
                let page = self.page(&query);
                met.extend(walk.take(page).iter().map(|row| {
                    let uid: usize = row.uid.as_str()[1..].parse().unwrap();
                    i64::try_from(uid).unwrap()
                }));
                meanwhile(self);
            }
            panic!("the walk comes to no end");
        }
    }

    fn window(from: i64, until: i64) -> Window {
        Window::new(at(from), at(until))
    }

    fn sorted(mut met: Vec<i64>) -> Vec<i64> {
        met.sort_unstable();
        met
    }

    #[test]
    fn all_in_the_window_is_met_once_and_in_order_and_nothing_behind_it_is_asked_for() {
        let mut server = Server::new((0..100_000).map(|n| n / 7));
        let mut walk = StartWalk::new(window(10, 100));
        let met = server.walk(&mut walk, |_| {});
        assert_eq!(met, (70..700).collect::<Vec<_>>());
        assert!(walk.is_sorted() && !walk.has_gaps());
        assert!(server.pages < 10, "{} pages", server.pages);
        assert!(StartWalk::new(window(5, 5)).query().is_none());
    }

    #[test]
    fn a_thousand_bookings_at_one_time_are_met() {
        let mut server = Server::new(std::iter::repeat_n(5, 1000).chain([6]));
        let mut walk = StartWalk::new(window(0, 100));
        let met = server.walk(&mut walk, |_| {});
        assert_eq!(sorted(met), (0..1001).collect::<Vec<_>>());
        assert!(walk.is_sorted());
    }

    #[test]
    fn a_list_that_ignores_the_filter_is_read_from_its_beginning() {
        let mut server = Server::new(0..1000);
        server.filters = false;
        let mut walk = StartWalk::new(window(490, 500));
        let met = server.walk(&mut walk, |_| {});
        assert_eq!(met, (490..500).collect::<Vec<_>>());
        assert!(walk.is_sorted() && !walk.has_gaps());
        assert!(
            server.pages < 10,
            "it is in order: what lies behind is left"
        );
    }

    #[test]
    fn a_list_that_ignores_filter_and_order_is_read_to_its_end() {
        let starts: Vec<i64> = (0..1000).map(|n| (n * 37) % 500).collect();
        let mut server = Server::new(starts.clone());
        (server.filters, server.sorts) = (false, false);
        let mut walk = StartWalk::new(window(490, 496));
        let met = server.walk(&mut walk, |_| {});
        let wanted = (0..).zip(starts).filter(|(_, at)| (490..496).contains(at));
        assert_eq!(sorted(met), wanted.map(|(uid, _)| uid).collect::<Vec<_>>());
        assert!(!walk.is_sorted() && !walk.has_gaps());
    }

    #[test]
    fn a_list_with_one_page_only_has_gaps_and_an_end() {
        for sorts in [true, false] {
            let mut server = Server::new((0..500).map(|n| if sorts { 5 } else { -n % 50 }));
            (server.skips, server.sorts) = (false, sorts);
            let mut walk = StartWalk::new(window(-100, 100));
            let met = server.walk(&mut walk, |_| {});
            assert_eq!(met.len(), 100);
            assert!(walk.has_gaps());
        }
    }

    proptest::proptest! {
        /// Whatever is booked or removed while one walks, what stays is met, and once.
        #[test]
        fn what_moves_takes_nothing_along(
            starts in proptest::collection::vec(0..40_i64, 0..900),
            moves in proptest::collection::vec((0..900_usize, 0..40_i64), 0..60),
            per_page in 0..5_usize,
        ) {
            let before: BTreeMap<usize, i64> = starts.iter().copied().enumerate().collect();
            let mut server = Server::new(starts);
            let mut left = moves.into_iter();
            let mut walk = StartWalk::new(window(5, 35));
            let met = server.walk(&mut walk, |server| {
                for (uid, minute) in left.by_ref().take(per_page) {
                    server.starts.entry(uid).and_modify(|at| *at = minute);
                }
            });
            for (uid, minute) in before {
                if server.starts[&uid] == minute {
                    let uid = i64::try_from(uid).unwrap();
                    let times = met.iter().filter(|met| **met == uid).count();
                    let wanted = usize::from((5..35).contains(&minute));
                    proptest::prop_assert_eq!(times, wanted, "row {} of minute {}", uid, minute);
                }
            }
        }
    }
}
