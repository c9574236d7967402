use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use proptest::prelude::*;

use super::outcomes::{all, kept, offer, service, time};
use super::{NOW, local};
use crate::agents::language::english::phrases as english;
use crate::agents::language::german::phrases as german;
use crate::agents::language::{English, German, Language, Scene};
use crate::agents::outcome::{Doubt, Item, Kept, Offer, Outcome, Problem, Progress, Reading};
use crate::agents::tool::Tool;
use crate::agents::when::{When, WhenTime};

const WORDS: &[&str] = &[
    "heute",
    "morgen",
    "übermorgen",
    "Donnerstag",
    "am",
    "um",
    "drei",
    "halb",
    "viertel",
    "nach",
    "vor",
    "Uhr",
    "in",
    "einer",
    "Woche",
    "nächste",
    "nächsten",
    "Ende",
    "der",
    "5.",
    "12.",
    "31.",
    "Februar",
    "Dezember",
    "zwischen",
    "und",
    "oder",
    "bis",
    "ab",
    "nicht",
    "früh",
    "abends",
    "am fünften",
    "zwölften",
    "14:30",
    "2026-12-10",
    "T14:30:00+01:00",
    "tomorrow",
    "today",
    "next",
    "this",
    "Thursday",
    "week",
    "half",
    "past",
    "to",
    "quarter",
    "pm",
    "a.m.",
    "noon",
    "12/5",
    "the",
    "5th",
    "of",
    "December",
    "between",
    "and",
    "two",
    "four",
    "not",
    "before",
    "after",
    "from",
    "a",
    "fortnight",
    "99",
    "4294967295",
    "Monats",
    "Wochenende",
    "weekend",
    "month",
    "-",
    ",",
    ".",
    ":",
    "/",
    "+",
    "dreißigsten",
    "29.2.",
    "999",
    "Tagen",
    "days",
    "Stunden",
    "hours",
    "egal",
    "tonight",
    "morning",
    "1430",
    "0",
    "24",
    "am",
    "so",
    "Do",
    "plus",
    "doppel",
    "double",
    "at",
    "punkt",
    "dot",
    "@",
    "anna",
    "beispiel",
    "de",
];

fn moment() -> impl Strategy<Value = NaiveDateTime> {
    let usual = 0_i64..4_102_444_800;
    let any = usual.prop_map(|seconds| {
        chrono::DateTime::from_timestamp(seconds, 0)
            .unwrap()
            .naive_utc()
    });
    prop_oneof![8 => any, 1 => Just(NaiveDateTime::MAX), 1 => Just(NaiveDateTime::MIN)]
}

/// What always holds.
fn is_sound(when: &When) {
    if let Some(instant) = when.instant {
        assert_eq!(*when, When::exactly(instant));
    }
    if let Some((first, last)) = when.days {
        assert!(first <= last);
        assert!(!when.other_days.contains(&first));
    } else {
        assert!(when.other_days.is_empty());
    }
    match &when.time {
        Some(WhenTime::OneOf(times)) => assert!(times.len() > 1),
        Some(WhenTime::Between(start, end)) => {
            assert!(end > start || *end == NaiveTime::default());
        }
        _ => {}
    }
}

fn read_everything(text: &str, now: NaiveDateTime) {
    for language in [&German as &dyn Language, &English] {
        is_sound(&language.read_when(text, now));
        let time = language.read_time(text, now);
        is_sound(&time);
        assert_eq!(time.days, None);
        language.read_digits(text);
        language.read_email(text);
        language.is_yes(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_words_are_read(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40), now in moment()) {
        read_everything(&words.join(" "), now);
    }

    #[test]
    fn any_text_is_read(text in any::<String>(), now in moment()) {
        read_everything(&text, now);
    }

    #[test]
    fn any_figures_are_read(text in "[0-9 .:/+TZ-]{0,40}", now in moment()) {
        read_everything(&text, now);
    }

    #[test]
    fn case_and_spaces_do_not_matter(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..12)) {
        let (plain, other) = (words.join(" "), words.join("  ").to_uppercase());
        let now = local(NOW);
        prop_assert_eq!(German.read_when(&plain, now), German.read_when(&other, now));
        prop_assert_eq!(English.read_when(&plain, now), English.read_when(&other, now));
    }

    /// What is said is understood as what it was. In German the part of the day is said with hours that
    /// have two readings; without it, the right one is the likeliest.
    #[test]
    fn what_is_said_is_understood(days in -400_i64..800, minute in 0_u32..24 * 60, ahead in 0_i64..3_000) {
        let now = local(NOW) + TimeDelta::days(ahead);
        let day = now.date() + TimeDelta::days(days);
        let clock = NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap();
        let at = NaiveDateTime::new(day, clock);
        let expected = When::nothing().with_days(day, day).with_time(WhenTime::At(clock));

        let said = english::at(at, now.date());
        prop_assert_eq!(English.read_when(&said, now), expected.clone(), "{}", said);
        let said = english::to(at, now.date());
        prop_assert_eq!(English.read_when(&said, now), expected.clone(), "{}", said);
        let said = english::on_day(day, now.date());
        prop_assert_eq!(English.read_when(&said, now), When::nothing().with_days(day, day), "{}", said);
        let said = english::clock(clock);
        let time = When::nothing().with_time(WhenTime::At(clock));
        prop_assert_eq!(English.read_time(&said, now), time.clone(), "{}", said);

        let said = german::on_day(day, now.date());
        prop_assert_eq!(German.read_when(&said, now), When::nothing().with_days(day, day), "{}", said);
        for said in [german::at(at, now.date()), german::to(at, now.date())] {
            let read = German.read_when(&said, now);
            if !(7..12).contains(&clock.hour()) {
                prop_assert_eq!(read, expected.clone(), "{}", said);
                continue;
            }
            let likeliest = match &read.time {
                Some(WhenTime::OneOf(times)) => times.first().copied(),
                _ => None,
            };
            prop_assert_eq!(likeliest, Some(clock), "{}", said);
            let said = format!("{said} vormittags");
            prop_assert_eq!(German.read_when(&said, now), expected.clone(), "{}", said);
        }
    }

    #[test]
    fn iso_is_understood(seconds in 0_i64..4_102_444_800, offset in -12_i32..=14) {
        let instant = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let there = instant.with_timezone(&chrono::FixedOffset::east_opt(offset * 3600).unwrap());
        let now = local(NOW);
        for language in [&German as &dyn Language, &English] {
            prop_assert_eq!(language.read_when(&there.to_rfc3339(), now), When::exactly(instant));
            let naive = there.naive_local();
            let (day, clock) = (naive.date(), naive.time().with_second(0).unwrap());
            let expected = When::nothing().with_days(day, day).with_time(WhenTime::At(clock));
            let said = naive.format("%Y-%m-%dT%H:%M").to_string();
            prop_assert_eq!(language.read_when(&said, now), expected);
            let said = clock.format("%H:%M").to_string();
            prop_assert_eq!(language.read_time(&said, now), When::nothing().with_time(WhenTime::At(clock)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Names come from hosts, and are said whatever they are.
    #[test]
    fn any_names_can_be_said(name in any::<String>(), other in "[A-Za-z_ ?#*]{0,90}", count in 1_usize..6) {
        for outcome in with_names(&name, &other, count) {
            can_be_said(Tool::FindAppointments, &outcome);
        }
    }
}

#[test]
fn long_texts_are_read() {
    for text in [
        "null ",
        "at ",
        "@ ",
        "a@b.c ",
        "zwei und ",
        "heute ",
        "1",
        "5.",
        "-",
        "\u{308}",
        "double four ",
    ] {
        let text = text.repeat(20_000 / text.len());
        read_everything(&text, local(NOW));
    }
}

fn with_names(name: &str, other: &str, count: usize) -> Vec<Outcome> {
    let appointment = |start: &str| Kept {
        staff: Some(other.to_owned()),
        branch: Some(name.to_owned()),
        ..kept(start, Some(name))
    };
    let slot = |start: &str| Offer {
        staff: Some(name.to_owned()),
        branch: Some(other.to_owned()),
        ..offer(start)
    };
    let reading = Reading::new(name, other);
    let starts = [
        "2026-12-10T14:30",
        "2027-12-11T09:15",
        "2028-12-12T17:45",
        "2026-11-29T12:00",
        "2026-12-10T08:00",
    ];
    let starts = starts.iter().take(count);
    let mut outcomes = vec![
        Outcome::Services {
            services: vec![service(name, 150), service(other, 0)],
        },
        Outcome::Services {
            services: vec![service(other, 151)],
        },
        Outcome::Duration {
            services: vec![service(name, 150); count],
            minutes: 150 * 3,
            end: Some(time("2027-12-10T14:30")),
        },
        Outcome::Free {
            slot: slot("2027-12-10T14:30"),
        },
        Outcome::Slots {
            slots: starts.clone().map(|start| slot(start)).collect(),
            as_wished: false,
        },
        Outcome::Taken {
            wanted: time("2027-12-10T14:30"),
            alternatives: starts.clone().map(|start| slot(start)).collect(),
        },
        Outcome::Appointments {
            appointments: starts.map(|start| appointment(start)).collect(),
        },
        Outcome::Cancelled {
            appointment: appointment("2027-12-10T14:30"),
        },
    ];
    for progress in [
        Progress::Confirmed,
        Progress::Accepted,
        Progress::AwaitsConfirmation,
    ] {
        let appointment = appointment("2027-12-10T14:30");
        outcomes.push(Outcome::Booked {
            appointment: appointment.clone(),
            progress,
        });
        outcomes.push(Outcome::Moved {
            appointment,
            progress,
        });
    }
    for item in [
        Item::Service,
        Item::Staff,
        Item::Branch,
        Item::Appointment,
        Item::Date,
        Item::Time,
    ] {
        for problem in [Problem::NotKnown, Problem::Ambiguous] {
            let doubt = Doubt::new(item, problem).with_readings(vec![reading.clone(); count]);
            outcomes.push(Outcome::Unclear {
                doubts: vec![doubt],
            });
        }
    }
    outcomes
}

fn can_be_said(tool: Tool, outcome: &Outcome) {
    let scene = Scene::new(tool, local(NOW));
    for language in [&German as &dyn Language, &English] {
        let said = language.say(outcome, &scene);
        assert!(!said.is_empty());
        assert!(said.matches('?').count() <= 1, "{said}");
        assert!(
            said.chars().count() <= 300,
            "{} {said}",
            said.chars().count()
        );
        assert!(said.ends_with(['.', '?']), "{said}");
        assert!(
            !said.contains(['_', '*', '#', '<', '>', '\n', '@', '{', '[']),
            "{said}"
        );
        assert!(
            !said.contains("  ") && !said.contains(" ,") && !said.contains(" ."),
            "{said}"
        );
        assert!(!said.contains("48151623"), "{said}");
        let id = said
            .split(|c: char| !c.is_ascii_digit())
            .any(|run| run.len() > 4);
        assert!(!id || outcome_has_figures(outcome), "{said}");
    }
}

/// Whether a name of the host's has many figures itself.
fn outcome_has_figures(outcome: &Outcome) -> bool {
    let text = serde_json::to_string(outcome).unwrap();
    text.split(|c: char| !c.is_ascii_digit())
        .any(|run| run.len() > 4)
}

#[test]
fn every_sentence_can_be_said() {
    for (tool, outcome) in all() {
        can_be_said(tool, &outcome);
    }
}

#[test]
fn nothing_private_is_said() {
    for (tool, outcome) in all() {
        let scene = Scene::new(tool, local(NOW));
        for language in [&German as &dyn Language, &English] {
            let said = language.say(&outcome, &scene);
            for private in ["Erika", "Mustermann", "4930", "id_", "srv", "apt"] {
                assert!(!said.contains(private), "{said}");
            }
        }
    }
}

#[test]
fn the_ends_of_the_calendar_are_said() {
    for now in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
        for (tool, outcome) in all() {
            let scene = Scene::new(tool, now);
            assert!(!German.say(&outcome, &scene).is_empty());
            assert!(!English.say(&outcome, &scene).is_empty());
        }
    }
    assert!(!german::on_day(NaiveDate::MIN, NaiveDate::MAX).is_empty());
}
