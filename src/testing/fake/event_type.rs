//! Event types of a fake: their settings, and their JSON.

use std::ops::Range;

use chrono::{DateTime, Datelike, Months, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::state::minutes;
use crate::model::Frequency;

/// An event type to be added to a [`FakeCalcom`](super::FakeCalcom).
///
/// Defaults: open during its owner's default schedule, no minimum notice, no seats, not recurring,
/// no confirmation, at an address in Berlin.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeEventType {
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) minutes: u32,
    pub(super) options: Vec<u32>,
    pub(super) requires_confirmation: bool,
    pub(super) requests_block: bool,
    pub(super) daily_limit: Option<u32>,
    pub(super) seats: Option<u32>,
    pub(super) recurrence: Option<(Frequency, u32, u32)>,
    pub(super) notice: u32,
    pub(super) hours: Option<Range<u32>>,
    pub(super) schedule: Option<i64>,
    pub(super) days_off: Vec<Weekday>,
    pub(super) slot_interval: Option<u32>,
    pub(super) locations: Vec<Value>,
    pub(super) daily_minutes: Option<u32>,
    pub(super) buffers: (u32, u32),
    pub(super) window: Option<Window>,
    pub(super) phone_only: bool,
    pub(super) owner: Option<i64>,
    /// Bookings made on shorter notice than this, in minutes, need confirmation; if absent, all do.
    pub(super) confirmation_notice: Option<u32>,
    /// Settings that are returned as sent.
    pub(super) stored: Map<String, Value>,
    /// The users of a round robin.
    pub(super) hosts: Vec<i64>,
    pub(super) id: Option<i64>,
}

/// The days on which an event type can be booked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Window {
    Range(Range<DateTime<Utc>>),
    /// This many days from now.
    Rolling(u32),
    /// This many days from now, not counting Saturdays and Sundays.
    BusinessDays(u32),
}

impl FakeEventType {
    /// An event type of this length in minutes, clamped to 1 to 1440.
    pub fn new(slug: impl Into<String>, minutes: u32) -> Self {
        let slug = slug.into();
        Self {
            title: slug.clone(),
            slug,
            minutes: minutes.clamp(1, 1440),
            options: Vec::new(),
            requires_confirmation: false,
            requests_block: false,
            daily_limit: None,
            seats: None,
            recurrence: None,
            notice: 0,
            hours: None,
            schedule: None,
            days_off: Vec::new(),
            slot_interval: None,
            locations: vec![
                json!({"type": "address", "address": "Hauptstr. 1, Berlin", "public": true}),
            ],
            daily_minutes: None,
            buffers: (0, 0),
            window: None,
            phone_only: false,
            owner: None,
            confirmation_notice: None,
            stored: Map::new(),
            hosts: Vec::new(),
            id: None,
        }
    }

    /// Sets the title. Default: the slug.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the owner. Default: the first user.
    #[must_use]
    pub fn with_owner(mut self, owner: crate::model::UserId) -> Self {
        self.owner = Some(owner.get());
        self
    }

    /// Offers several lengths in minutes.
    #[must_use]
    pub fn with_lengths(mut self, minutes: impl Into<Vec<u32>>) -> Self {
        self.options = minutes.into();
        self.options.retain(|minutes| (1..=1440).contains(minutes));
        self
    }

    /// Requires confirmation by the host. Until the host decides, others can request the same time.
    ///
    /// If the same attendee requests the same start again, the pending request is returned, with
    /// its original metadata.
    #[must_use]
    pub fn with_confirmation(mut self) -> Self {
        self.requires_confirmation = true;
        self
    }

    /// Requires confirmation, and blocks the requested time for everybody else on this event type
    /// meanwhile.
    #[must_use]
    pub fn with_blocking_requests(mut self) -> Self {
        self.requests_block = true;
        self.with_confirmation()
    }

    /// Sets the maximum number of bookings per UTC day. Bookings that await confirmation do not
    /// count. Once the day is full, creating a booking on it, or moving one to it, is answered with
    /// 401 `booking_limit_reached`, and the day has no slots.
    #[must_use]
    pub fn with_daily_limit(mut self, bookings: u32) -> Self {
        self.daily_limit = Some(bookings);
        self
    }

    /// Sets the maximum number of booked minutes per UTC day, counted like
    /// [`with_daily_limit`](Self::with_daily_limit) counts bookings. Once they are used up, 401
    /// `duration_limit_reached` is answered.
    #[must_use]
    pub fn with_daily_minutes(mut self, minutes: u32) -> Self {
        self.daily_minutes = Some(minutes);
        self
    }

    /// Keeps this many minutes free before and after each booking of this event type, among all
    /// bookings of its host.
    #[must_use]
    pub fn with_buffers(mut self, before: u32, after: u32) -> Self {
        self.buffers = (before.min(1440), after.min(1440));
        self
    }

    /// Accepts bookings only on the UTC days from that of `start` to that of `end`, inclusive.
    #[must_use]
    pub fn with_booking_window(mut self, window: Range<DateTime<Utc>>) -> Self {
        self.window = Some(Window::Range(window));
        self
    }

    /// Accepts bookings only within this many days from now.
    #[must_use]
    pub fn with_rolling_window(mut self, days: u32) -> Self {
        self.window = Some(Window::Rolling(days.min(36_500)));
        self
    }

    /// Accepts attendees with a phone number and no e-mail address; they get an address at
    /// `sms.cal.com`. The real server does so only for teams of organizations.
    #[must_use]
    pub fn with_phone_only(mut self) -> Self {
        self.phone_only = true;
        self
    }

    /// Assigns each booking to the free user with the fewest bookings of this event type; the first
    /// one on a tie.
    #[must_use]
    pub fn with_round_robin(
        mut self,
        users: impl IntoIterator<Item = crate::model::UserId>,
    ) -> Self {
        self.hosts = users.into_iter().map(crate::model::UserId::get).collect();
        self
    }

    /// Sets the number of seats per slot.
    #[must_use]
    pub fn with_seats(mut self, seats: u32) -> Self {
        self.seats = Some(seats);
        self
    }

    /// Makes every booking a series of this many occurrences.
    #[must_use]
    pub fn with_recurrence(
        mut self,
        frequency: Frequency,
        interval: u32,
        occurrences: u32,
    ) -> Self {
        self.recurrence = Some((
            frequency,
            interval.clamp(1, 1000),
            occurrences.clamp(1, 100),
        ));
        self
    }

    /// Sets the minimum notice, in minutes.
    #[must_use]
    pub fn with_minimum_notice(mut self, minutes: u32) -> Self {
        self.notice = minutes;
        self
    }

    /// Sets the id, instead of the next free one; an event type with that id is replaced.
    #[must_use]
    pub fn with_id(mut self, id: i64) -> Self {
        self.id = Some(id.clamp(1, 1_000_000_000));
        self
    }

    /// Sets daily opening hours in UTC, such as `9..17`, regardless of its owner's schedules.
    #[must_use]
    pub fn with_hours(mut self, hours: Range<u32>) -> Self {
        self.hours = Some(hours.start.min(24)..hours.end.min(24));
        self
    }

    /// Closes it on these weekdays, in the time zone of its hours.
    #[must_use]
    pub fn with_days_off(mut self, days: impl Into<Vec<Weekday>>) -> Self {
        self.days_off = days.into();
        self
    }

    /// Sets the interval between slot starts, in minutes. Default: the length.
    #[must_use]
    pub fn with_slot_interval(mut self, minutes: u32) -> Self {
        self.slot_interval = Some(minutes.clamp(1, 1440));
        self
    }

    /// Sets the locations, in the API's own form, such as `{"type": "attendeePhone"}`; the first
    /// one is the default.
    #[must_use]
    pub fn with_locations(mut self, locations: impl Into<Vec<Value>>) -> Self {
        self.locations = locations.into();
        self
    }

    /// Whether a booking made now for this start needs confirmation.
    pub(super) fn waits_for_host(&self, now: DateTime<Utc>, start: DateTime<Utc>) -> bool {
        self.requires_confirmation
            && self
                .confirmation_notice
                .is_none_or(|notice| start < now + minutes(notice))
    }

    pub(super) fn description(&self) -> &str {
        let given = self.stored.get("description");
        given.and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the window allows a booking that starts then.
    pub(super) fn is_in_window(&self, now: DateTime<Utc>, start: DateTime<Utc>) -> bool {
        let day = start.date_naive();
        match &self.window {
            None => true,
            Some(Window::Range(range)) => {
                range.start.date_naive() <= day && day <= range.end.date_naive()
            }
            Some(Window::Rolling(days)) => {
                day <= (now + TimeDelta::days((*days).into())).date_naive()
            }
            Some(Window::BusinessDays(days)) => {
                let is_business =
                    |day: &chrono::NaiveDate| day.weekday().num_days_from_monday() < 5;
                let ahead = now.date_naive().iter_days().skip(1).filter(is_business);
                let last = ahead.take(*days as usize).last();
                day <= last.unwrap_or(now.date_naive())
            }
        }
    }

    pub(super) fn has_length(&self, minutes: u32) -> bool {
        minutes == self.minutes || self.options.contains(&minutes)
    }

    /// The frequency as webhooks number it, and the interval.
    pub(super) fn recurring_event(&self) -> Option<(u8, u32)> {
        let (frequency, interval, _) = self.recurrence.as_ref()?;
        let number = match frequency {
            Frequency::Yearly => 0,
            Frequency::Monthly => 1,
            Frequency::Daily => 3,
            _ => 2,
        };
        Some((number, *interval))
    }

    /// The start of an occurrence, at the same time of day in the attendee's time zone; `None` on
    /// overflow.
    pub(super) fn occurrence(
        &self,
        start: DateTime<Utc>,
        zone: Tz,
        index: u32,
    ) -> Option<DateTime<Utc>> {
        let Some((frequency, interval, _)) = &self.recurrence else {
            return Some(start);
        };
        let steps = index.checked_mul(*interval)?;
        let local = start.with_timezone(&zone).naive_local();
        let moved = match frequency {
            Frequency::Yearly => local.checked_add_months(Months::new(steps.checked_mul(12)?)),
            Frequency::Monthly => local.checked_add_months(Months::new(steps)),
            Frequency::Daily => local.checked_add_signed(TimeDelta::days(steps.into())),
            _ => local.checked_add_signed(TimeDelta::weeks(steps.into())),
        }?;
        // A time that the clocks skip is taken an hour later, one that comes twice the first time.
        let moved = zone.from_local_datetime(&moved).earliest().or_else(|| {
            zone.from_local_datetime(&(moved + TimeDelta::hours(1)))
                .earliest()
        })?;
        Some(moved.with_timezone(&Utc))
    }

    /// The location of a booking that names none.
    pub(super) fn default_location(&self) -> String {
        self.locations
            .first()
            .and_then(|location| {
                ["address", "link", "integration", "phone", "location"]
                    .iter()
                    .find_map(|key| location.get(key).and_then(Value::as_str))
            })
            .map_or("integrations:daily", database_place)
            .to_owned()
    }
}

/// A location as the database names it, which differs for Cal.com's own video calls.
pub(super) fn database_place(place: &str) -> &str {
    match place {
        "cal-video" => "integrations:daily",
        other => other,
    }
}
