//! What is understood and what is said, in both languages.

mod english_reading;
mod german_reading;
mod outcomes;
mod properties;
mod sentences;

use chrono::{NaiveDateTime, NaiveTime};

use super::Language;
use crate::agents::when::{When, WhenTime};

/// A Sunday.
const NOW: &str = "2026-11-29T10:00:00";

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

/// What was understood, in one line: `2026-12-03..2026-12-05 or 2026-12-10 at 09:00|21:00`.
fn shown(when: &When) -> String {
    let clock = |time: &NaiveTime| time.format("%H:%M").to_string();
    let mut words: Vec<String> = Vec::new();
    if let Some(instant) = when.instant {
        words.push(instant.to_rfc3339());
    }
    if let Some((first, last)) = when.days {
        words.push(if first == last {
            first.to_string()
        } else {
            format!("{first}..{last}")
        });
    }
    words.extend(when.other_days.iter().map(|day| format!("or {day}")));
    match &when.time {
        Some(WhenTime::At(time)) => words.push(format!("at {}", clock(time))),
        Some(WhenTime::OneOf(times)) => {
            let times: Vec<String> = times.iter().map(clock).collect();
            words.push(format!("at {}", times.join("|")));
        }
        Some(WhenTime::Between(from, to)) => {
            words.push(format!("at {}-{}", clock(from), clock(to)));
        }
        None => {}
    }
    words.join(" ")
}

/// Checks what is understood, and reports all that is wrong at once.
fn check(language: &dyn Language, now: &str, time_alone: bool, table: &[(&str, &str)]) {
    let now = local(now);
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(said, expected)| {
            let when = if time_alone {
                language.read_time(said, now)
            } else {
                language.read_when(said, now)
            };
            let read = shown(&when);
            (read != *expected).then(|| format!("{said:?}: {read:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
