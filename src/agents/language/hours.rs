//! The times of day that can be meant by what was heard.

use chrono::NaiveTime;

use super::heard::Heard;
use super::said::{Clock, Half, Join, Part, Piece};
use crate::agents::when::WhenTime;

/// The hours of a part of the day. 0 as the end is midnight.
pub(super) fn window(part: Part, piece: Piece) -> (u32, u32) {
    match (part, piece) {
        (Part::Morning, Piece::Start) => (6, 9),
        (Part::Morning, Piece::End) => (9, 12),
        (Part::Morning, _) => (6, 12),
        (Part::Forenoon, Piece::Start) => (8, 10),
        (Part::Forenoon, Piece::End) => (10, 12),
        (Part::Forenoon, _) => (8, 12),
        (Part::Noon, _) => (11, 14),
        (Part::Afternoon, Piece::Start) => (12, 15),
        (Part::Afternoon, Piece::End) => (15, 18),
        (Part::Afternoon, _) => (12, 18),
        (Part::Evening, Piece::Start) => (17, 19),
        (Part::Evening, Piece::End) => (19, 22),
        (Part::Evening, _) => (17, 22),
        (Part::Night, _) => (20, 0),
    }
}

/// The hour, from 0 to 23.
fn hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour % 24, 0, 0).unwrap_or_default()
}

/// The times that a clock can mean, the likeliest first.
fn candidates(clock: Clock, part: Option<Part>) -> Vec<NaiveTime> {
    let am = clock.hour % 12;
    let pm = am + 12;
    let hours = match (clock.half, clock.hour, part) {
        (Some(Half::Exact), hour, _) | (_, hour @ (0 | 13..), _) => vec![hour],
        (Some(Half::Am), ..) => vec![am],
        (Some(Half::Pm), ..) => vec![pm],
        (None, 12, Some(Part::Evening | Part::Night)) => vec![0],
        (None, 12, _) => vec![12],
        (None, _, Some(Part::Morning | Part::Forenoon)) => vec![am],
        (None, 10 | 11, Some(Part::Noon)) => vec![am],
        (None, 1..=5, Some(Part::Night)) => vec![am],
        (None, _, Some(_)) | (None, 1..=6, None) => vec![pm],
        (None, _, None) => vec![am, pm],
    };
    let times = hours.into_iter().filter_map(|hour| clock.at_hour(hour));
    times.collect()
}

/// The times that were said.
pub(super) fn time(heard: &Heard) -> Option<WhenTime> {
    let part = heard.parts.last().map(|(part, _)| *part);
    let windows = heard
        .parts
        .iter()
        .map(|(part, piece)| window(*part, *piece));
    let whole = windows.reduce(|one, other| {
        let end = if one.1 == 0 || other.1 == 0 {
            0
        } else {
            one.1.max(other.1)
        };
        (one.0.min(other.0), end)
    });
    let bound = |start: bool| {
        let mut times = heard.times.iter().filter(|(join, _)| join.is_bound());
        let found = times.find(|(join, _)| matches!(join, Join::From | Join::After) == start);
        found.map(|(_, clock)| *clock)
    };
    let (mut from, until) = (bound(true), bound(false));
    // "Between nine and eleven pm."
    if let (Some(from), Some(until)) = (&mut from, until)
        && from.half.is_none()
        && from.hour < until.hour
    {
        from.half = until.half.filter(|half| *half != Half::Exact);
    }
    let from = from.map(|clock| candidates(clock, part));
    let until = until.map(|clock| candidates(clock, part));
    if from.is_some() || until.is_some() {
        let midnight = NaiveTime::default();
        let first = from.as_ref().and_then(|times| times.first().copied());
        let start = first
            .or_else(|| whole.map(|(start, _)| hour(start)))
            .unwrap_or(midnight);
        let end = match until {
            Some(times) => {
                let mut later = times.iter().filter(|time| **time > start);
                *later.next().or(times.first())?
            }
            None => whole.map_or(midnight, |(_, end)| hour(end)),
        };
        // A bound outside of the part of the day that was said counts alone.
        let end = if end != midnight && end <= start {
            midnight
        } else {
            end
        };
        return Some(WhenTime::Between(start, end));
    }
    let said = heard.times.iter().map(|(_, clock)| *clock);
    let mut times: Vec<NaiveTime> = Vec::new();
    for time in said.flat_map(|clock| candidates(clock, part)) {
        if !times.contains(&time) {
            times.push(time);
        }
    }
    match (times.as_slice(), whole) {
        ([], Some((start, end))) => Some(WhenTime::Between(hour(start), hour(end))),
        ([], None) => heard.any_time.then(|| WhenTime::Between(hour(0), hour(0))),
        ([time], _) => Some(WhenTime::At(*time)),
        _ => Some(WhenTime::OneOf(times)),
    }
}
