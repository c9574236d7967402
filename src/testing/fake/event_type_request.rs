//! The bodies that make and change event types: what is refused, and what becomes of the rest.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::booking_fields::{booking_fields, check_booking_fields};
use super::event_type::{FakeEventType, Window};
use super::event_type_locations::check_locations;
use super::iso::Iso;
use super::validate::{Checks, Need, is_url};
use crate::model::Frequency;

const FREQUENCIES: [&str; 4] = ["yearly", "monthly", "weekly", "daily"];
const LAYOUTS: [&str; 3] = ["month", "week", "column"];

/// The settings that the fake keeps and tells, and does not act upon, in the form in which they are sent and told.
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

/// A body with what the server adds to it before it looks at it.
pub(super) fn with_defaults(mut body: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(seats)) = body.get_mut("seats")
        && seats.contains_key("seatsPerTimeSlot")
    {
        seats.entry("disabled").or_insert(json!(false));
    }
    body
}

/// Refuses a body that has no form of an event type.
pub(super) fn check(body: &Map<String, Value>, need: Need) -> Result<(), Refusal> {
    let mut checks = Checks::of(body);
    checks.integer("lengthInMinutes", need, Some(1), None);
    check_lengths(&mut checks);
    checks.string("title", need);
    checks.string("slug", need);
    checks.string("description", Need::Optional);
    if let Some(fields) = checks.given("bookingFields") {
        check_booking_fields(fields)?;
    }
    checks.boolean("disableGuests", Need::Optional);
    checks.integer("slotInterval", Need::Optional, None, None);
    checks.integer("minimumBookingNotice", Need::Optional, Some(0), None);
    checks.integer("beforeEventBuffer", Need::Optional, None, None);
    checks.integer("afterEventBuffer", Need::Optional, None, None);
    checks.integer("scheduleId", Need::Optional, None, None);
    check_limits(&mut checks);
    checks.boolean("onlyShowFirstAvailableSlot", Need::Optional);
    check_window(&mut checks);
    checks.integer("offsetStart", Need::Optional, Some(0), None);
    check_layouts(&mut checks);
    check_confirmation(&mut checks);
    check_recurrence(&mut checks);
    for name in [
        "requiresBookerEmailVerification",
        "hideCalendarNotes",
        "lockTimeZoneToggleOnBookingPage",
    ] {
        checks.boolean(name, Need::Optional);
    }
    check_seats(&mut checks);
    checks.string("customName", Need::Optional);
    checks.boolean("useDestinationCalendarEmail", Need::Optional);
    checks.boolean("hideCalendarEventDetails", Need::Optional);
    if checks
        .given("successRedirectUrl")
        .is_some_and(|url| !is_url(url))
    {
        let message = "successRedirectUrl must be a URL address";
        checks.fail("successRedirectUrl", &[("isUrl", message)]);
    }
    checks.boolean("hideOrganizerEmail", Need::Optional);
    checks.boolean("hidden", Need::Optional);
    checks.boolean("bookingRequiresAuthentication", Need::Optional);
    if let Some(locations) = checks.given("locations") {
        check_locations(locations)?;
    }
    checks.finish()
}

fn check_lengths(checks: &mut Checks<'_>) {
    let name = "lengthInMinutesOptions";
    let Some(lengths) = checks.array(name, Need::Optional) else {
        return;
    };
    let whole = |least: i64| {
        move |length: &Value| super::validate::integer(length).is_some_and(|n| n >= least)
    };
    let mut rules = Vec::new();
    if lengths.is_empty() {
        rules.push((
            "arrayNotEmpty",
            "lengthInMinutesOptions should not be empty",
        ));
    }
    if (1..lengths.len()).any(|index| lengths[..index].contains(&lengths[index])) {
        let message = "All lengthInMinutesOptions's elements must be unique";
        rules.push(("arrayUnique", message));
    }
    if !lengths.iter().all(whole(i64::MIN)) {
        let message = "each value in lengthInMinutesOptions must be an integer number";
        rules.push(("isInt", message));
    }
    if !lengths.iter().all(whole(1)) {
        let message = "each value in lengthInMinutesOptions must not be less than 1";
        rules.push(("min", message));
    }
    if !rules.is_empty() {
        checks.fail(name, &rules);
    }
}

/// The limits of longer spans cannot be below those of shorter ones. Observed: nothing else is checked of them.
fn check_limits(checks: &mut Checks<'_>) {
    let limits = [
        (
            "bookingLimitsCount",
            "ValidateBookingLimitsCount",
            "Invalid bookingLimitsCount: The number of bookings for {} cannot exceed the number of bookings for {}.",
        ),
        (
            "bookingLimitsDuration",
            "ValidateBookingLimistsDuration",
            "Invalid booking durations: The duration of bookings for {} cannot exceed the duration of bookings for {}.",
        ),
    ];
    for (name, rule, message) in limits {
        let Some(given) = checks.given(name) else {
            continue;
        };
        if given.get("disabled").is_some() {
            continue;
        }
        let spans = ["day", "week", "month", "year"];
        let limit = |span: &str| {
            given
                .get(span)
                .and_then(Value::as_f64)
                .filter(|n| *n != 0.0)
        };
        let pairs = spans.iter().enumerate().flat_map(|(index, shorter)| {
            spans[index + 1..]
                .iter()
                .map(move |longer| (*shorter, *longer))
        });
        let wrong = pairs
            .filter_map(|(shorter, longer)| {
                Some((shorter, limit(shorter)?, longer, limit(longer)?))
            })
            .find(|(_, less, _, more)| less > more);
        if let Some((shorter, _, longer, _)) = wrong {
            let message = message.replacen("{}", shorter, 1).replacen("{}", longer, 1);
            checks.fail(name, &[(rule, &message)]);
        } else if !given.is_object() {
            checks.fail(name, &[(rule, &format!("Invalid {name}"))]);
        }
    }
}

fn is_off(setting: &Value) -> bool {
    setting.get("disabled") == Some(&Value::Bool(true))
}

fn check_window(checks: &mut Checks<'_>) {
    let Some(window) = checks.given("bookingWindow") else {
        return;
    };
    let value = window.get("value");
    let is_fine = match window.get("type").and_then(Value::as_str) {
        _ if is_off(window) => true,
        Some("businessDays" | "calendarDays") => {
            value.is_some_and(Value::is_number)
                && window.get("rolling").is_none_or(Value::is_boolean)
        }
        Some("range") => value.and_then(Value::as_array).is_some_and(|dates| {
            dates.iter().all(|date| {
                let text = date.as_str().unwrap_or_default();
                text.parse::<NaiveDate>().is_ok() || Iso::read(text).instant().is_some()
            })
        }),
        _ => false,
    };
    if !is_fine {
        let message = "Invalid bookingWindow structure.";
        checks.fail("bookingWindow", &[("ValidateBookingWindow", message)]);
    }
}

fn check_layouts(checks: &mut Checks<'_>) {
    let Some(Value::Object(layouts)) = checks.given("bookerLayouts") else {
        return;
    };
    let mut inside = Checks::of(layouts);
    let default = inside.one_of("defaultLayout", Need::Required, "isEnum", &LAYOUTS);
    let enabled = inside.array("enabledLayouts", Need::Required);
    if let (Some(default), Some(enabled)) = (default, enabled)
        && !enabled
            .iter()
            .any(|layout| layout.as_str() == Some(default))
    {
        let message = "If you pass the optional 'bookerLayouts' property, you must provide both 'bookerLayouts.defaultLayout' and 'bookerLayouts.enabledLayouts' and 'bookerLayouts.enabledLayouts' must include 'bookerLayouts.defaultLayout'";
        let rule = "isDefaultLayoutWithinEnabledLayouts";
        inside.fail("defaultLayout", &[(rule, message)]);
    }
    let wrong = inside.into_errors();
    checks.fail_inside("bookerLayouts", wrong);
}

fn check_confirmation(checks: &mut Checks<'_>) {
    let Some(policy) = checks.given("confirmationPolicy") else {
        return;
    };
    let threshold = |name: &str| policy.get("noticeThreshold").and_then(|t| t.get(name));
    let is_fine = is_off(policy)
        || match policy.get("type").and_then(Value::as_str) {
            Some("always") => true,
            Some("time") => {
                threshold("count").is_some_and(Value::is_number)
                    && threshold("unit").is_some_and(Value::is_string)
            }
            _ => false,
        };
    if !is_fine {
        let message = "Invalid requiresConfirmation structure. Use \"type\": \"always\" or provide a valid time and unit in \"noticeThreshold\" for \"type\": \"time\".";
        let rule = "ValidateConfirmationPolicy";
        checks.fail("confirmationPolicy", &[(rule, message)]);
    }
}

fn check_recurrence(checks: &mut Checks<'_>) {
    let Some(Value::Object(recurrence)) = checks.given("recurrence") else {
        return;
    };
    if !recurrence.contains_key("interval") {
        return;
    }
    let mut inside = Checks::of(recurrence);
    inside.integer("interval", Need::Required, None, None);
    inside.integer("occurrences", Need::Required, None, None);
    inside.one_of("frequency", Need::Required, "isEnum", &FREQUENCIES);
    let wrong = inside.into_errors();
    checks.fail_inside("recurrence", wrong);
}

fn check_seats(checks: &mut Checks<'_>) {
    let Some(Value::Object(seats)) = checks.given("seats") else {
        return;
    };
    if !seats.contains_key("seatsPerTimeSlot") {
        return;
    }
    let mut inside = Checks::of(seats);
    inside.integer("seatsPerTimeSlot", Need::Required, Some(1), Some(1000));
    inside.boolean("showAttendeeInfo", Need::Required);
    inside.boolean("showAvailabilityCount", Need::Required);
    let wrong = inside.into_errors();
    checks.fail_inside("seats", wrong);
}

impl FakeEventType {
    /// An event type as the API makes it before the body says more: two hours of notice, and no location (observed).
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
            // The server forgets the threshold with every other update, so that all bookings wait from then on.
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
    super::validate::integer(value).and_then(|number| u32::try_from(number).ok())
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
