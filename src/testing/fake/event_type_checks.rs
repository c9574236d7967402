//! What is refused of a body that makes or changes an event type, before anything is looked up.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::booking_fields::check_booking_fields;
use super::event_type_locations::check_locations;
use super::iso::Iso;
use super::validate::{Checks, Need, integer, is_url};

const FREQUENCIES: [&str; 4] = ["yearly", "monthly", "weekly", "daily"];
const LAYOUTS: [&str; 3] = ["month", "week", "column"];

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
    let whole = |least: i64| move |length: &Value| integer(length).is_some_and(|n| n >= least);
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

/// The limits of longer spans cannot be below those of shorter ones. Observed: nothing else is
/// checked of them.
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

pub(super) fn is_off(setting: &Value) -> bool {
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
    checks.fail_inside("bookerLayouts", &wrong);
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
    checks.fail_inside("recurrence", &wrong);
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
    checks.fail_inside("seats", &wrong);
}
