//! What can be booked on a fake: how a test sets it up, and how the API tells it.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use serde_json::{Value, json};

use super::state::User;
use crate::model::Frequency;

/// An event type to be added to a [`FakeCalcom`](super::FakeCalcom).
///
/// What is not said: open in the working hours of its owner, or if it has none every day from 0 to 24 h UTC, no notice needed, no seats, not recurring, confirmed at once, at an
/// address in Berlin.
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
    pub(super) days_off: Vec<Weekday>,
    pub(super) slot_interval: Option<u32>,
    pub(super) locations: Vec<Value>,
    pub(super) owner: Option<i64>,
    pub(super) id: Option<i64>,
}

impl FakeEventType {
    /// An event type of this length in minutes, from 1 to 1440; what is less or more counts as that.
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
            days_off: Vec::new(),
            slot_interval: None,
            locations: vec![
                json!({"type": "address", "address": "Hauptstr. 1, Berlin", "public": true}),
            ],
            owner: None,
            id: None,
        }
    }

    /// Names it; the slug is its title otherwise.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives it to another user of the fake than "hanna".
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

    /// Makes bookings wait for the host. Until he has decided, others can ask for the same time.
    ///
    /// The same attendee who asks for the same start again gets the request that waits, with the metadata that it has.
    #[must_use]
    pub fn with_confirmation(mut self) -> Self {
        self.requires_confirmation = true;
        self
    }

    /// Makes bookings wait for the host, and keeps their time from everybody else who wants this event type meanwhile.
    #[must_use]
    pub fn with_blocking_requests(mut self) -> Self {
        self.requests_block = true;
        self.with_confirmation()
    }

    /// Sets the maximum number of bookings per UTC day. Bookings that await confirmation do not count. Once the day is full,
    /// creating a booking on it, or moving one to it, is answered with 401 `booking_limit_reached`, and the day has no slots.
    #[must_use]
    pub fn with_daily_limit(mut self, bookings: u32) -> Self {
        self.daily_limit = Some(bookings);
        self
    }

    /// Gives every slot so many seats.
    #[must_use]
    pub fn with_seats(mut self, seats: u32) -> Self {
        self.seats = Some(seats);
        self
    }

    /// Makes a booking a series of so many.
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

    /// Needs notice of so many minutes.
    #[must_use]
    pub fn with_minimum_notice(mut self, minutes: u32) -> Self {
        self.notice = minutes;
        self
    }

    /// Gives it this number instead of the next one; what had the number before is replaced.
    #[must_use]
    pub fn with_id(mut self, id: i64) -> Self {
        self.id = Some(id.clamp(1, 1_000_000_000));
        self
    }

    /// Opens it daily between two hours of UTC, such as `9..17`, whatever the working hours of its owner.
    #[must_use]
    pub fn with_hours(mut self, hours: Range<u32>) -> Self {
        self.hours = Some(hours.start.min(24)..hours.end.min(24));
        self
    }

    /// Closes it on these days of UTC.
    #[must_use]
    pub fn with_days_off(mut self, days: impl Into<Vec<Weekday>>) -> Self {
        self.days_off = days.into();
        self
    }

    /// Puts the starts of two slots so many minutes apart; the length otherwise.
    #[must_use]
    pub fn with_slot_interval(mut self, minutes: u32) -> Self {
        self.slot_interval = Some(minutes.clamp(1, 1440));
        self
    }

    /// Says where it can take place, in the API's own form, such as `{"type": "attendeePhone"}`; the first one is the default.
    #[must_use]
    pub fn with_locations(mut self, locations: impl Into<Vec<Value>>) -> Self {
        self.locations = locations.into();
        self
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

    /// The start of one of a series; `None` beyond the end of time.
    pub(super) fn occurrence(&self, start: DateTime<Utc>, index: u32) -> Option<DateTime<Utc>> {
        let Some((frequency, interval, _)) = &self.recurrence else {
            return Some(start);
        };
        let steps = index.checked_mul(*interval)?;
        match frequency {
            Frequency::Yearly => {
                start.checked_add_months(chrono::Months::new(steps.checked_mul(12)?))
            }
            Frequency::Monthly => start.checked_add_months(chrono::Months::new(steps)),
            Frequency::Daily => start.checked_add_signed(TimeDelta::days(steps.into())),
            _ => start.checked_add_signed(TimeDelta::weeks(steps.into())),
        }
    }

    /// Where a booking takes place that says nothing about it.
    pub(super) fn default_location(&self) -> String {
        self.locations
            .first()
            .and_then(|location| {
                ["address", "link", "integration", "phone", "location"]
                    .iter()
                    .find_map(|key| location.get(key).and_then(Value::as_str))
            })
            .unwrap_or("integrations:daily")
            .to_owned()
    }

    /// The form of version 2024-06-14.
    pub(super) fn to_json(&self, id: i64, owner: &User) -> Value {
        let field = |kind: &str, slug: &str, required: bool, hidden: bool| json!({"isDefault": true, "type": kind, "slug": slug, "required": required, "disableOnPrefill": false, "hidden": hidden});
        let recurrence = self.recurrence.as_ref().map(|(frequency, interval, occurrences)| {
            json!({"disabled": false, "interval": interval, "occurrences": occurrences, "frequency": frequency})
        });
        let mut json = json!({
            "id": id,
            "ownerId": owner.id,
            "lengthInMinutes": self.minutes,
            "title": self.title,
            "slug": self.slug,
            "description": "",
            "locations": self.locations,
            "bookingFields": [
                {"isDefault": true, "type": "name", "slug": "name", "required": true, "disableOnPrefill": false},
                field("email", "email", true, false),
                {"isDefault": true, "type": "radioInput", "slug": "location", "required": false, "hidden": false},
                field("text", "title", true, true),
                field("textarea", "notes", false, false),
                field("multiemail", "guests", false, false),
                field("textarea", "rescheduleReason", false, false),
            ],
            "recurrence": recurrence,
            "disableGuests": false,
            "slotInterval": self.slot_interval,
            "minimumBookingNotice": self.notice,
            "beforeEventBuffer": 0,
            "afterEventBuffer": 0,
            "metadata": {},
            "price": 0,
            "currency": "usd",
            "lockTimeZoneToggleOnBookingPage": false,
            "forwardParamsSuccessRedirect": true,
            "successRedirectUrl": null,
            "isInstantEvent": false,
            "users": [{
                "id": owner.id,
                "name": owner.name,
                "username": owner.username,
                "avatarUrl": null,
                "brandColor": null,
                "darkBrandColor": null,
                "weekStart": "Monday",
                "metadata": {},
            }],
            "scheduleId": null,
            "onlyShowFirstAvailableSlot": false,
            "offsetStart": 0,
            "bookingWindow": {"disabled": true},
            "confirmationPolicy": if self.requires_confirmation {
                json!({"disabled": false, "type": "always", "blockUnconfirmedBookingsInBooker": self.requests_block})
            } else {
                json!({"disabled": true})
            },
            "requiresBookerEmailVerification": false,
            "hideCalendarNotes": false,
            "seats": match self.seats {
                Some(seats) => json!({"disabled": false, "seatsPerTimeSlot": seats, "showAttendeeInfo": true, "showAvailabilityCount": true}),
                None => json!({"disabled": true}),
            },
            "useDestinationCalendarEmail": false,
            "hideCalendarEventDetails": false,
            "hideOrganizerEmail": false,
            "hidden": false,
            "bookingRequiresAuthentication": false,
        });
        if let Some(limit) = self.daily_limit {
            json["bookingLimitsCount"] = json!({"day": limit});
        }
        if !self.options.is_empty() {
            json["lengthInMinutesOptions"] = json!(self.options);
        }
        json
    }

    /// The form of version 2024-04-15, as far as it differs from the newer one in what a reader would look at.
    pub(super) fn to_old_json(&self, id: i64, owner: &User) -> Value {
        json!({
            "id": id,
            "teamId": null,
            "schedulingType": null,
            "userId": owner.id,
            "metadata": {},
            "description": "",
            "hidden": false,
            "slug": self.slug,
            "length": self.minutes,
            "title": self.title,
            "requiresConfirmation": self.requires_confirmation,
            "minimumBookingNotice": self.notice,
            "seatsPerTimeSlot": self.seats,
            "scheduleId": null,
            "price": 0,
            "currency": "usd",
            "slotInterval": self.slot_interval,
            "locations": self.locations,
            "bookingFields": null,
        })
    }
}
