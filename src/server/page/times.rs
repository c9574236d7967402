//! Times, ages and spans, in words.

use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use super::desk::Visit;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A point in time, in the time zone of the page.
pub(super) fn at(visit: &Visit, at: DateTime<Utc>) -> Markup {
    let zone = visit.desk.zone;
    element(at, &short(at, visit.now, zone), &long(at, zone))
}

/// How long ago something was, with its time as a title.
pub(super) fn ago(visit: &Visit, at: DateTime<Utc>) -> Markup {
    let age = (visit.now - at).to_std().unwrap_or_default();
    element(at, &age_of(age), &long(at, visit.desk.zone))
}

/// A point in time in somebody's own time zone, which is named; in that of the page if it is unknown.
pub(super) fn at_in(visit: &Visit, at: DateTime<Utc>, zone: &str) -> Markup {
    let zone: Tz = zone.parse().unwrap_or(visit.desk.zone);
    let shown = local(at, zone);
    let day = if shown.year() == local(visit.now, zone).year() {
        shown.format("%a %-d %b, %H:%M")
    } else {
        shown.format("%a %-d %b %Y, %H:%M")
    };
    let text = format!("{day} {}", abbreviation(at, zone));
    element(at, &text, &long(at, zone))
}

fn element(at: DateTime<Utc>, text: &str, title: &str) -> Markup {
    let machine = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    html! { time datetime=(machine) title=(title) { (text) } }
}

fn local(at: DateTime<Utc>, zone: Tz) -> DateTime<Tz> {
    zone.from_utc_datetime(&at.naive_utc())
}

fn short(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (at, now) = (local(at, zone), local(now, zone));
    let format = if at.date_naive() == now.date_naive() {
        "%H:%M:%S"
    } else if at.year() == now.year() {
        "%-d %b, %H:%M"
    } else {
        "%-d %b %Y, %H:%M"
    };
    at.format(format).to_string()
}

fn long(at: DateTime<Utc>, zone: Tz) -> String {
    let day = local(at, zone).format("%A %-d %B %Y, %H:%M:%S").to_string();
    format!("{day} {}", abbreviation(at, zone))
}

/// The short name of a time zone's offset; many have only a number.
fn abbreviation(at: DateTime<Utc>, zone: Tz) -> String {
    let name = local(at, zone).format("%Z").to_string();
    if name.starts_with(['+', '-']) {
        format!("UTC{name}")
    } else {
        name
    }
}

/// The day of a time, in the time zone of the page.
pub(super) fn day(visit: &Visit, at: DateTime<Utc>) -> String {
    let at = local(at, visit.desk.zone);
    at.format("%A %-d %B").to_string()
}

/// The time of a day, in the time zone of the page.
pub(super) fn clock(visit: &Visit, at: DateTime<Utc>) -> String {
    local(at, visit.desk.zone).format("%H:%M").to_string()
}

/// The time of a day in a sentence, with the day and the time zone.
pub(super) fn sentence(visit: &Visit, at: DateTime<Utc>) -> String {
    let zone = visit.desk.zone;
    let text = local(at, zone).format("%a %-d %b %Y, %H:%M").to_string();
    format!("{text} {}", abbreviation(at, zone))
}

/// The age of something. Coarse, so that it does not change all the time.
pub(super) fn age_of(age: Duration) -> String {
    match age.as_secs() {
        0..MINUTE => "just now".to_owned(),
        seconds => format!("{} ago", coarse(seconds)),
    }
}

/// A span of time, to the larger unit.
pub(super) fn span(span: Duration) -> String {
    match span.as_millis() {
        0 => "0 s".to_owned(),
        millis @ 1..1_000 => format!("{millis} ms"),
        millis @ 1_000..10_000 => {
            let tenths = millis / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => coarse(span.as_secs()),
    }
}

fn coarse(seconds: u64) -> String {
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ => format!("{} d", seconds / DAY),
    }
}

/// A day of a form's field, as the beginning of the day in the time zone of the page.
pub(super) fn of_field(visit: &Visit, field: &str) -> Option<DateTime<Utc>> {
    let day: chrono::NaiveDate = field.parse().ok()?;
    let midnight = day.and_hms_opt(0, 0, 0)?;
    let local = visit.desk.zone.from_local_datetime(&midnight);
    // Where clocks go forward at midnight, the day begins an hour later.
    let begins = local.earliest().or_else(|| {
        let later = midnight.checked_add_signed(chrono::TimeDelta::hours(1))?;
        visit.desk.zone.from_local_datetime(&later).earliest()
    })?;
    Some(begins.to_utc())
}

/// A day as the value of a form's field.
pub(super) fn field(visit: &Visit, at: DateTime<Utc>) -> String {
    local(at, visit.desk.zone).format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_to_the_larger_unit() {
        for (millis, words) in [
            (0, "0 s"),
            (12, "12 ms"),
            (1_250, "1.2 s"),
            (9_900, "9.9 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_600_000, "1 h"),
            (172_800_000, "2 d"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), words);
        }
        assert_eq!(age_of(Duration::from_secs(59)), "just now");
        assert_eq!(age_of(Duration::from_secs(61)), "1 min ago");
    }

    #[test]
    fn a_time_is_shown_in_its_zone() {
        let at: DateTime<Utc> = "2026-12-08T09:00:00Z".parse().unwrap();
        let shown = |zone: Tz| long(at, zone);
        assert_eq!(
            shown(Tz::Europe__Berlin),
            "Tuesday 8 December 2026, 10:00:00 CET"
        );
        assert_eq!(
            shown(Tz::America__Sao_Paulo),
            "Tuesday 8 December 2026, 06:00:00 UTC-03"
        );
        assert_eq!(short(at, at, Tz::UTC), "09:00:00");
    }
}
