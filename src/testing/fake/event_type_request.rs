//! What a body makes of an event type, once it was checked.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::booking_fields::booking_fields;
use super::event_type::{FakeEventType, Window};
use super::event_type_checks::is_off;
use super::iso::Iso;
use super::validate::integer;
use crate::model::Frequency;

/// Settings that the fake stores and returns without acting on them, in the API's own format.
const KEPT: [&str; 17] = [
    "description",
    "disableGuests",
    "onlyShowFirstAvailableSlot",
    "offsetStart",
    "bookerLayouts",
    "requiresBookerEmailVerification",
    "hideCalendarNotes",
    "lockTimeZoneToggleOnBookingPage",
    "color",
    "customName",
    "useDestinationCalendarEmail",
    "hideCalendarEventDetails",
    "successRedirectUrl",
    "hideOrganizerEmail",
    "destinationCalendar",
    "hidden",
    "bookingRequiresAuthentication",
];

/// Settings that an update takes back unless it names them (observed).
const LOST: [&str; 2] = ["bookerLayouts", "metadata"];

impl FakeEventType {
    /// An event type as the API makes it before the body says more: two hours of notice, and no
    /// location (observed).
    pub(super) fn made_by_api(owner: i64) -> Self {
        let mut event_type = Self::new("", 1);
        event_type.owner = Some(owner);
        event_type.notice = 120;
        event_type.locations = Vec::new();
        event_type
    }

    /// Takes over what a body says that was checked.
    ///
    /// # Errors
    ///
    /// If the settings do not go together.
    pub(super) fn apply(&mut self, body: &Map<String, Value>) -> Result<(), Refusal> {
        let given = |name: &str| body.get(name).filter(|value| !value.is_null());
        let text = |name: &str| given(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let number = |name: &str| given(name).and_then(whole);
        for name in LOST {
            self.stored.remove(name);
        }
        self.options.clear();
        self.slug = text("slug").unwrap_or(std::mem::take(&mut self.slug));
        self.title = text("title").unwrap_or(std::mem::take(&mut self.title));
        // Longer than a day has no place in the fake's slots.
        self.minutes = number("lengthInMinutes").map_or(self.minutes, |length| length.min(1440));
        self.notice = number("minimumBookingNotice").unwrap_or(self.notice);
        let (before, after) = (number("beforeEventBuffer"), number("afterEventBuffer"));
        let day = |minutes: u32| minutes.min(1440);
        self.buffers.0 = before.map_or(self.buffers.0, day);
        self.buffers.1 = after.map_or(self.buffers.1, day);
        self.slot_interval = number("slotInterval")
            .filter(|minutes| *minutes > 0)
            .or(self.slot_interval);
        self.schedule = given("scheduleId")
            .and_then(Value::as_i64)
            .or(self.schedule);
        if let Some(Value::Array(lengths)) = given("lengthInMinutesOptions") {
            self.options = lengths.iter().filter_map(whole).collect();
            self.stored
                .insert("metadata".into(), json!({"multipleDuration": self.options}));
        }
        if let Some(Value::Array(locations)) = given("locations") {
            self.locations.clone_from(locations);
        }
        if let Some(policy) = given("confirmationPolicy") {
            self.set_confirmation(policy)?;
        } else if self.confirmation_notice.take().is_some() {
            // The server forgets the threshold with every other update, so that all bookings wait
            // from then on.
            self.stored.remove("confirmationPolicy");
        }
        self.set_window(given("bookingWindow"));
        self.set_recurrence(given("recurrence"));
        self.set_seats(given("seats"));
        self.set_limits(body);
        for name in KEPT {
            if let Some(value) = given(name) {
                self.stored.insert(name.into(), value.clone());
            }
        }
        if let Some(Value::Array(fields)) = given("bookingFields") {
            self.stored
                .insert("bookingFields".into(), booking_fields(fields)?);
            let guests_hidden = fields
                .iter()
                .any(|field| field["slug"] == json!("guests") && field["hidden"] == json!(true));
            if guests_hidden {
                self.stored.insert("disableGuests".into(), json!(true));
            }
        }
        self.check_together()
    }

    fn set_confirmation(&mut self, policy: &Value) -> Result<(), Refusal> {
        self.stored.remove("confirmationPolicy");
        self.confirmation_notice = None;
        self.requires_confirmation = !is_off(policy);
        self.requests_block =
            policy.get("blockUnconfirmedBookingsInBooker") == Some(&Value::Bool(true));
        if !self.requires_confirmation || policy["type"] != json!("time") {
            return Ok(());
        }
        let threshold = &policy["noticeThreshold"];
        let minutes = match threshold["unit"].as_str().unwrap_or_default() {
            "minutes" => 1,
            "hours" => 60,
            other => {
                return Err(Refusal::zod(format!(
                    "requiresConfirmationThreshold.unit - Invalid enum value. Expected 'hours' | 'minutes', received '{other}', "
                )));
            }
        };
        let count = whole(&threshold["count"]).unwrap_or(0);
        self.confirmation_notice = Some(count.saturating_mul(minutes));
        let told = json!({
            "type": "time",
            "noticeThreshold": threshold,
            "blockUnconfirmedBookingsInBooker": self.requests_block,
        });
        self.stored.insert("confirmationPolicy".into(), told);
        Ok(())
    }

    fn set_window(&mut self, window: Option<&Value>) {
        let Some(window) = window else {
            return;
        };
        let days = window.get("value").and_then(whole).map(|n| n.min(36_500));
        let (acts, told) = match window.get("type").and_then(Value::as_str) {
            _ if is_off(window) => (None, json!({"disabled": true})),
            Some("range") => (
                range(&window["value"]).map(Window::Range),
                json!({"type": "range", "value": window["value"]}),
            ),
            kind => {
                let rolling = window.get("rolling") == Some(&Value::Bool(true));
                let acts = match kind {
                    Some("businessDays") => days.map(Window::BusinessDays),
                    _ => days.map(Window::Rolling),
                };
                let told = json!({"type": kind, "value": window["value"], "rolling": rolling});
                (acts, told)
            }
        };
        self.window = acts;
        self.stored.insert("bookingWindow".into(), told);
    }

    fn set_recurrence(&mut self, recurrence: Option<&Value>) {
        let Some(recurrence) = recurrence else {
            return;
        };
        let number = |name: &str| recurrence.get(name).and_then(whole);
        self.recurrence = match (number("interval"), number("occurrences")) {
            (Some(interval), Some(occurrences)) => Some((
                Frequency::from(recurrence["frequency"].as_str().unwrap_or_default()),
                interval.clamp(1, 1000),
                occurrences.clamp(1, 100),
            )),
            _ => None,
        };
    }

    fn set_seats(&mut self, seats: Option<&Value>) {
        let Some(seats) = seats else {
            return;
        };
        self.seats = seats.get("seatsPerTimeSlot").and_then(whole);
        if self.seats.is_some() {
            self.stored.insert("seats".into(), seats.clone());
        } else {
            self.stored.remove("seats");
        }
    }

    /// Only the limits of a day are enforced.
    fn set_limits(&mut self, body: &Map<String, Value>) {
        for name in ["bookingLimitsCount", "bookingLimitsDuration"] {
            if let Some(limits) = body.get(name).filter(|value| !value.is_null()) {
                let told = if is_off(limits) {
                    json!({})
                } else {
                    limits.clone()
                };
                let day = told.get("day").and_then(whole);
                match name {
                    "bookingLimitsCount" => self.daily_limit = day,
                    _ => self.daily_minutes = day,
                }
                self.stored.insert(name.into(), told);
            }
        }
    }

    fn check_together(&self) -> Result<(), Refusal> {
        if self.seats.is_some() && self.locations.len() > 1 {
            return Err(Refusal::bad_request(
                "Seats Validation failed: Seats are enabled but more than one location provided.",
            ));
        }
        if self.seats.is_some() && self.requires_confirmation {
            return Err(Refusal::bad_request(
                "Seats Validation failed: Seats are enabled but requiresConfirmation is true.",
            ));
        }
        Ok(())
    }
}

fn whole(value: &Value) -> Option<u32> {
    integer(value).and_then(|number| u32::try_from(number).ok())
}

/// The first and the last day of a window.
fn range(dates: &Value) -> Option<Range<DateTime<Utc>>> {
    let day = |index: usize| {
        let text = dates.get(index)?.as_str()?;
        let date = text.parse::<NaiveDate>().ok();
        date.map(|date| date.and_time(NaiveTime::MIN).and_utc())
            .or_else(|| Iso::read(text).instant())
    };
    Some(day(0)?..day(1)?)
}
