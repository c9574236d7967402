//! When an event type is open.

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use super::event_type::FakeEventType;
use super::schedule::{ALL_DAYS, Availability, Schedule, Span};
use super::state::{State, User};

/// The hours of a schedule, except for some days.
pub(super) struct Hours {
    schedule: Option<Schedule>,
    days_off: Vec<Weekday>,
}

impl Hours {
    /// From when to when it is open on a day of its time zone, in order.
    pub(super) fn on(&self, day: NaiveDate) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        match &self.schedule {
            Some(schedule) if !self.days_off.contains(&day.weekday()) => schedule.on(day),
            _ => Vec::new(),
        }
    }

    /// The day of its time zone on which an instant lies.
    pub(super) fn day(&self, instant: DateTime<Utc>) -> NaiveDate {
        let zone = self.schedule.as_ref().map_or(Tz::UTC, |s| s.zone);
        instant.with_timezone(&zone).date_naive()
    }

    /// Whether it is open all the time from start to end, over midnight too.
    pub(super) fn cover(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        let mut at = start;
        while at < end {
            let open = self.on(self.day(at)).into_iter();
            match open.into_iter().find(|(from, to)| *from <= at && at < *to) {
                Some((_, to)) => at = to,
                None => return false,
            }
        }
        true
    }
}

impl State {
    /// The hours at which an event type can be booked with a user: its own, else those of its
    /// schedule, else those of the user's default schedule. Without any of these it is closed.
    pub(super) fn hours(&self, event_type: &FakeEventType, user: &User) -> Hours {
        let own = event_type.hours.as_ref().map(|hours| Schedule {
            id: 0,
            owner: user.id,
            name: String::new(),
            zone: Tz::UTC,
            availability: vec![Availability {
                days: ALL_DAYS.to_vec(),
                span: Span::of_hours(hours),
            }],
            overrides: Vec::new(),
        });
        let id = event_type.schedule.unwrap_or(user.profile.default_schedule);
        Hours {
            schedule: own.or_else(|| self.schedule(id).cloned()),
            days_off: event_type.days_off.clone(),
        }
    }
}
