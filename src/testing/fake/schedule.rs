//! A schedule: the hours in which a user works.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, json};

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// A span of a day in minutes since midnight; empty where it does not end after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Span {
    /// From one full hour to another, of which the last is 24.
    pub(super) fn of_hours(hours: &Range<u32>) -> Self {
        Self {
            from: hours.start * 60,
            to: (hours.end * 60).min(DAY - 1),
        }
    }

    /// Reads two times as `HH:MM`.
    pub(super) fn parse(from: &str, to: &str) -> Option<Self> {
        Some(Self {
            from: minutes(from)?,
            to: minutes(to)?,
        })
    }

    /// The end of the span. 23:59 is the latest that can be written, and stands for midnight.
    fn end(self) -> u32 {
        if self.to == DAY - 1 { DAY } else { self.to }
    }
}

/// Reads `HH:MM`.
pub(super) fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, limit: u32| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u32>().ok().filter(|_| is_number)?;
        (number < limit).then_some(number)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

fn spell(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// The hours of some days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Availability {
    pub(super) days: Vec<Weekday>,
    pub(super) span: Span,
}

/// One of a user's schedules.
#[derive(Clone)]
pub(super) struct Schedule {
    pub(super) id: i64,
    pub(super) owner: i64,
    pub(super) name: String,
    pub(super) zone: Tz,
    pub(super) availability: Vec<Availability>,
    /// Hours of dates, which replace those of their weekdays.
    pub(super) overrides: Vec<(NaiveDate, Span)>,
}

impl Schedule {
    /// The form of version 2024-06-11.
    pub(super) fn to_json(&self, default: i64) -> Value {
        let availability: Vec<Value> = self
            .availability
            .iter()
            .map(|hours| {
                let days: Vec<&str> = hours.days.iter().map(|day| name(*day)).collect();
                json!({
                    "days": days,
                    "startTime": spell(hours.span.from),
                    "endTime": spell(hours.span.to),
                })
            })
            .collect();
        let overrides: Vec<Value> = self
            .overrides
            .iter()
            .map(|(date, span)| {
                json!({
                    "date": date.to_string(),
                    "startTime": spell(span.from),
                    "endTime": spell(span.to),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "ownerId": self.owner,
            "name": self.name,
            "timeZone": self.zone.name(),
            "availability": availability,
            "isDefault": self.id == default,
            "overrides": overrides,
        })
    }

    /// From when to when somebody works on a day of the schedule's time zone, in order.
    pub(super) fn on(&self, day: NaiveDate) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let own: Vec<Span> = self
            .overrides
            .iter()
            .filter(|(date, _)| *date == day)
            .map(|(_, span)| *span)
            .collect();
        let spans = if own.is_empty() {
            self.availability
                .iter()
                .filter(|hours| hours.days.contains(&day.weekday()))
                .map(|hours| hours.span)
                .collect()
        } else {
            own
        };
        // Spans that meet are one; the map keeps the latest end of each start.
        let mut ends: BTreeMap<u32, u32> = BTreeMap::new();
        for span in spans.into_iter().filter(|span| span.from < span.end()) {
            let end = ends.entry(span.from).or_default();
            *end = span.end().max(*end);
        }
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (from, to) in ends {
            match merged.last_mut() {
                Some((_, last)) if from <= *last => *last = to.max(*last),
                _ => merged.push((from, to)),
            }
        }
        merged
            .into_iter()
            .filter_map(|(from, to)| Some((self.instant(day, from)?, self.instant(day, to)?)))
            .collect()
    }

    /// The instant of a time of day. A time that the clocks skip counts as the first one after it.
    fn instant(&self, day: NaiveDate, minutes: u32) -> Option<DateTime<Utc>> {
        let local = day
            .and_hms_opt(0, 0, 0)?
            .checked_add_signed(TimeDelta::minutes(minutes.into()))?;
        (0..=4)
            .filter_map(|half_hours| local.checked_add_signed(TimeDelta::minutes(30 * half_hours)))
            .find_map(|local| self.zone.from_local_datetime(&local).earliest())
            .map(|instant| instant.with_timezone(&Utc))
    }
}

const NAMES: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Mon),
    ("Tuesday", Weekday::Tue),
    ("Wednesday", Weekday::Wed),
    ("Thursday", Weekday::Thu),
    ("Friday", Weekday::Fri),
    ("Saturday", Weekday::Sat),
    ("Sunday", Weekday::Sun),
];

/// The days of the week in the order in which Cal.com numbers them.
pub(super) const ALL_DAYS: [Weekday; 7] = [
    Weekday::Sun,
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
];

fn name(day: Weekday) -> &'static str {
    NAMES[day.num_days_from_monday() as usize].0
}

/// A day by its full name.
pub(super) fn weekday(name: &str) -> Option<Weekday> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, day)| *day)
}
