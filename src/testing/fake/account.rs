//! Users, as a test sets them up.

use std::ops::Range;

use chrono_tz::Tz;

use super::schedule::{ALL_DAYS, Availability, Span};
use crate::testing::zone::time_zone;

/// A user to be added to a [`FakeCalcom`](super::FakeCalcom).
///
/// Defaults: named after the user name, an address at `example.com`, Europe/Berlin, weeks starting
/// on Monday, and round-the-clock working hours, so that only the hours of an event type count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeAccount {
    pub(super) username: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) time_zone: String,
    pub(super) week_start: String,
    hours: Range<u32>,
}

impl FakeAccount {
    /// A user with this user name.
    pub fn new(username: impl Into<String>) -> Self {
        let username = username.into();
        let mut name = username.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            name: format!("{name} Host"),
            email: format!("{username}@example.com"),
            username,
            time_zone: "Europe/Berlin".into(),
            week_start: "Monday".into(),
            hours: 0..24,
        }
    }

    /// Sets the full name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = email.into();
        self
    }

    /// Sets the IANA time zone; an unknown name counts as UTC.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.time_zone = time_zone.into();
        self
    }

    /// Sets the first day of the week, such as `Sunday`. Default: Monday.
    #[must_use]
    pub fn with_week_start(mut self, day: impl Into<String>) -> Self {
        self.week_start = day.into();
        self
    }

    /// Sets the daily hours of the default schedule, in the user's time zone, such as `9..17`. They
    /// apply to each of the user's event types without [hours of its
    /// own](super::FakeEventType::with_hours) or another schedule.
    #[must_use]
    pub fn with_hours(mut self, hours: Range<u32>) -> Self {
        self.hours = hours.start.min(24)..hours.end.min(24);
        self
    }

    pub(super) fn zone(&self) -> Tz {
        time_zone(&self.time_zone).unwrap_or(Tz::UTC)
    }

    /// The hours of the default schedule.
    pub(super) fn availability(&self) -> Vec<Availability> {
        if self.hours.is_empty() {
            return Vec::new();
        }
        vec![Availability {
            days: ALL_DAYS.to_vec(),
            span: Span::of_hours(&self.hours),
        }]
    }
}

impl From<&str> for FakeAccount {
    fn from(username: &str) -> Self {
        Self::new(username)
    }
}
