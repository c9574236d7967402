//! Whatever a language model makes of what it heard, there is an answer.

use std::collections::BTreeMap;

use calcom::agents::{Caller, Outcome, Tool};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::salon::{ANN, Salon, calling, shown};

/// What callers say, and what speech recognition makes of it.
const HEARD: &[&str] = &[
    "heute",
    "morgen",
    "übermorgen",
    "Donnerstag",
    "nächsten Dienstag",
    "am 5. Dezember",
    "um halb drei",
    "viertel vor acht",
    "nachmittags",
    "nach 17 Uhr",
    "egal",
    "tomorrow",
    "Thursday",
    "next week",
    "at noon",
    "half past two",
    "between two and four",
    "the 31st of February",
    "in fourteen days",
    "2026-12-03",
    "2026-12-03T14:30:00+01:00",
    "14:30",
    "25:61",
    "null eins fünf eins",
    "plus neunundvierzig",
    "double four",
    "zero one five one",
    "0151 23456789",
    "+49 (0)30 123456",
    "anna punkt schmidt at beispiel punkt de",
    "anna dot schmidt at example dot com",
    "a@b",
    "Haarschnitt",
    "haircut",
    "färben",
    "Massage",
    "äh",
    "hm",
    "ja",
    "no",
    "Anna",
    "Müller-Lüdenscheidt",
    "O'Neill",
    "李",
    "🙂",
    "\u{202e}",
    "\u{0}",
    "null",
    "undefined",
    "{",
    "}",
    "\"",
    "';--",
    "<b>",
    "\\",
    "\n",
    "0",
    "-1",
    "1e309",
    "٣",
    "ﬀ",
    "…",
];

const FIELDS: &[&str] = &[
    "name",
    "phone",
    "email",
    "service",
    "date",
    "time",
    "branch",
    "staff",
    "notes",
    "language",
    "unheard_of",
];

fn utterance(rng: &mut Rng) -> String {
    let words = 0..rng.usize(0..8);
    let mut text = String::new();
    for _ in words {
        match rng.u8(0..12) {
            0 => text.extend((0..rng.usize(0..6)).map(|_| rng.char(..))),
            1 => text.push_str(&rng.u64(..).to_string()),
            2 => text.push_str(&"x".repeat(rng.usize(0..900))),
            _ => text.push_str(HEARD[rng.usize(0..HEARD.len())]),
        }
        text.push_str([" ", ", ", "", " - "][rng.usize(0..4)]);
    }
    text
}

fn value(rng: &mut Rng) -> Value {
    match rng.u8(0..16) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 => json!(rng.f64()),
        4 => json!([utterance(rng), 7]),
        5 => json!({"value": utterance(rng)}),
        _ => json!(utterance(rng)),
    }
}

fn arguments(rng: &mut Rng) -> Value {
    if rng.u8(0..50) == 0 {
        return value(rng);
    }
    let mut arguments = Map::new();
    for field in FIELDS {
        if rng.bool() {
            arguments.insert((*field).to_owned(), value(rng));
        }
    }
    Value::Object(arguments)
}

#[tokio::test]
async fn ten_thousand_utterances_end_in_a_typed_answer() {
    let salon = Salon::open().await;
    let mut rng = Rng::with_seed(20_261_129);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..10_000 {
        let arguments = arguments(&mut rng);
        let language = ["de", "en-GB", "fr", ""][rng.usize(0..4)].to_owned();
        let caller = match rng.u8(0..3) {
            0 => Caller::program(),
            1 => Caller::on_the_phone("call", None),
            _ => calling("call", ANN),
        };
        let caller = caller.with_language(language);
        let tool = Tool::CollectAppointmentData;
        let answer = salon.call(&caller, tool, arguments.clone()).await;
        let told = || format!("round {round}: {arguments} {}", shown(&answer));
        let is_object = arguments.is_object() || arguments.is_null();
        match &answer.result {
            Outcome::Collected { data, open, .. } => {
                *seen
                    .entry(if open.is_empty() { "complete" } else { "open" })
                    .or_default() += 1;
                let is_e164 = |number: &str| number.parse::<calcom::model::PhoneNumber>().is_ok();
                assert!(data.phone.as_deref().is_none_or(is_e164), "{}", told());
                assert!(
                    data.email
                        .as_deref()
                        .is_none_or(|email| email.contains('@')),
                    "{}",
                    told()
                );
                let coming = salon.harness.clock();
                let now = calcom::ambient::Clock::now(coming);
                assert!(
                    data.start.is_none_or(|start| start.to_utc() > now),
                    "{}",
                    told()
                );
            }
            Outcome::Unclear { .. } if !is_object => *seen.entry("unreadable").or_default() += 1,
            _ => panic!("{}", told()),
        }
        assert!(
            !answer.say.is_empty() && answer.say.chars().count() <= 300,
            "{}",
            told()
        );
    }
    assert!(salon.appointments().is_empty());
    assert!(salon.harness.fake().live_bookings().is_empty());
    assert!(
        seen.values().sum::<usize>() == 10_000 && seen["open"] > 1_000,
        "{seen:?}"
    );
}
