//! Where a tenant works and who works there.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::model::id::text_id;
use crate::model::{EventTypeId, PhoneNumber, TimeZone, UserId};

text_id! {
    /// The host's identifier for one branch of a tenant.
    BranchId
}
text_id! {
    /// The host's identifier for one member of a tenant's staff.
    StaffId
}

/// A span of a weekday in which a branch is open. It begins before it ends; midnight as its end is the
/// end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpeningTime {
    /// The day of the week.
    pub day: Weekday,
    /// The beginning, in the branch's time zone.
    pub from: NaiveTime,
    /// The end.
    pub until: NaiveTime,
}

impl OpeningTime {
    /// Open on a weekday from one time to another.
    pub fn new(day: Weekday, from: NaiveTime, until: NaiveTime) -> Self {
        Self { day, from, until }
    }
}

/// When a branch is open, week after week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpeningHours(Vec<OpeningTime>);

impl OpeningHours {
    /// The spans, as they were given.
    pub fn times(&self) -> &[OpeningTime] {
        &self.0
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the branch is open from one moment to another, both in its own time zone and on one day.
    pub fn cover(&self, from: NaiveDateTime, until: NaiveDateTime) -> bool {
        use chrono::Datelike;
        let midnight = NaiveTime::MIN;
        let ends_at_midnight =
            until.time() == midnight && from.date().succ_opt() == Some(until.date());
        if from.date() != until.date() && !ends_at_midnight {
            return false;
        }
        self.0.iter().any(|open| {
            let ends_in_time =
                open.until == midnight || (!ends_at_midnight && until.time() <= open.until);
            open.day == from.weekday() && open.from <= from.time() && ends_in_time
        })
    }
}

impl FromIterator<OpeningTime> for OpeningHours {
    fn from_iter<I: IntoIterator<Item = OpeningTime>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// One place of a tenant's, with its own hours, phone numbers and event types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Branch {
    /// The host's identifier.
    pub id: BranchId,
    /// The name, as it is said to customers.
    pub name: String,
    /// The time zone in which its times are said.
    pub time_zone: TimeZone,
    /// When it is open. Empty if that is not known; then Cal.com's schedules alone decide.
    #[serde(default)]
    pub opening_hours: OpeningHours,
    /// The numbers under which it is called.
    #[serde(default)]
    pub phone_numbers: BTreeSet<PhoneNumber>,
    /// The event types that are booked there; empty for all of the tenant's.
    #[serde(default)]
    pub event_types: BTreeSet<EventTypeId>,
    /// The address, as it is said to customers.
    #[serde(default)]
    pub address: Option<String>,
}

impl Branch {
    /// A branch of which nothing else is known.
    pub fn new(id: BranchId, name: impl Into<String>, time_zone: TimeZone) -> Self {
        Self {
            id,
            name: name.into(),
            time_zone,
            opening_hours: OpeningHours::default(),
            phone_numbers: BTreeSet::new(),
            event_types: BTreeSet::new(),
            address: None,
        }
    }

    /// Sets when it is open.
    #[must_use]
    pub fn with_opening_hours(mut self, hours: impl IntoIterator<Item = OpeningTime>) -> Self {
        self.opening_hours = hours.into_iter().collect();
        self
    }

    /// Adds a number under which it is called.
    #[must_use]
    pub fn with_phone_number(mut self, number: PhoneNumber) -> Self {
        self.phone_numbers.insert(number);
        self
    }

    /// Adds an event type that is booked there.
    #[must_use]
    pub fn with_event_type(mut self, id: EventTypeId) -> Self {
        self.event_types.insert(id);
        self
    }

    /// Sets the address.
    #[must_use]
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Whether an event type of the tenant's is booked there.
    pub fn offers(&self, id: EventTypeId) -> bool {
        self.event_types.is_empty() || self.event_types.contains(&id)
    }
}

/// A member of a tenant's staff: somebody with event types of their own, or one of the hosts of a
/// team's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StaffMember {
    /// The host's identifier.
    pub id: StaffId,
    /// The name, as it is said to customers.
    pub name: String,
    /// Their Cal.com user; `None` if they have none of their own.
    #[serde(default)]
    pub user: Option<UserId>,
    /// The event types that are theirs alone; empty if they only host a team's.
    #[serde(default)]
    pub event_types: BTreeSet<EventTypeId>,
    /// The branches where they work; empty for all.
    #[serde(default)]
    pub branches: BTreeSet<BranchId>,
}

impl StaffMember {
    /// A member of staff of whom nothing else is known.
    pub fn new(id: StaffId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            user: None,
            event_types: BTreeSet::new(),
            branches: BTreeSet::new(),
        }
    }

    /// Sets their Cal.com user.
    #[must_use]
    pub fn with_user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Adds an event type of theirs.
    #[must_use]
    pub fn with_event_type(mut self, id: EventTypeId) -> Self {
        self.event_types.insert(id);
        self
    }

    /// Adds a branch where they work.
    #[must_use]
    pub fn with_branch(mut self, id: BranchId) -> Self {
        self.branches.insert(id);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn clock(text: &str) -> NaiveTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_must_lie_within_one_opening_time() {
        let hours: OpeningHours = [
            OpeningTime::new(Weekday::Tue, clock("09:00:00"), clock("12:00:00")),
            OpeningTime::new(Weekday::Tue, clock("14:00:00"), clock("00:00:00")),
        ]
        .into_iter()
        .collect();
        for (from, until, is_open) in [
            ("2026-12-08T09:00:00", "2026-12-08T12:00:00", true),
            ("2026-12-08T11:30:00", "2026-12-08T12:01:00", false),
            ("2026-12-08T08:59:00", "2026-12-08T09:30:00", false),
            ("2026-12-08T11:00:00", "2026-12-08T15:00:00", false),
            ("2026-12-08T23:00:00", "2026-12-09T00:00:00", true),
            ("2026-12-08T23:00:00", "2026-12-09T00:01:00", false),
            ("2026-12-09T09:00:00", "2026-12-09T10:00:00", false),
        ] {
            assert_eq!(hours.cover(at(from), at(until)), is_open, "{from}");
        }
    }
}
