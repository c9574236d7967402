//! When an event type is open.

use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use super::event_type::FakeEventType;
use super::state::State;

/// The same hours of every day of a time zone, except for some days.
pub(super) struct Hours {
    pub(super) zone: Tz,
    hours: Range<u32>,
    days_off: Vec<Weekday>,
}

impl Hours {
    /// From when to when it is open on a day of its time zone.
    pub(super) fn on(&self, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if self.days_off.contains(&day.weekday()) || self.hours.is_empty() {
            return None;
        }
        let at = |hour: u32| {
            let (day, hour) = if hour < 24 {
                (day, hour)
            } else {
                (day.succ_opt()?, 0)
            };
            // An hour that the clocks skip on that day does not exist.
            let local = self.zone.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?);
            Some(local.earliest()?.with_timezone(&Utc))
        };
        Some((at(self.hours.start)?, at(self.hours.end)?))
    }

    /// The day of its time zone on which an instant lies.
    pub(super) fn day(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    /// Whether it is open all the time from start to end, over midnight too.
    pub(super) fn cover(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        let mut at = start;
        while at < end {
            match self.on(self.day(at)) {
                Some((from, to)) if from <= at && at < to => at = to,
                _ => return false,
            }
        }
        true
    }
}

impl State {
    /// The hours of an event type: its own, else its owner's, else all of every day.
    pub(super) fn hours(&self, event_type: &FakeEventType) -> Hours {
        let owner = self.owner(event_type);
        let (zone, hours) = match (&event_type.hours, &owner.hours) {
            (None, Some(hours)) => (owner.time_zone.parse().unwrap_or(Tz::UTC), hours.clone()),
            (hours, _) => (Tz::UTC, hours.clone().unwrap_or(0..24)),
        };
        Hours {
            zone,
            hours,
            days_off: event_type.days_off.clone(),
        }
    }
}
