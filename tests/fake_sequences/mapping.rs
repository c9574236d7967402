//! What stands in the recording, and what stands for it in the replay: uids, numbers and times.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Texts shorter than this are not looked for inside others.
const TELLING: usize = 16;

#[derive(Default)]
pub(crate) struct Mapping {
    texts: BTreeMap<String, String>,
    /// Times are no identities: two of the recording may be one of the replay.
    times: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    /// Numbers are unique among things of one kind only.
    numbers: BTreeMap<(String, i64), i64>,
    numbers_taken: BTreeSet<(String, i64)>,
}

impl Mapping {
    /// Takes a number as the same in both.
    pub(crate) fn keep(&mut self, kind: &str, number: i64) {
        self.numbers.insert((kind.to_owned(), number), number);
        self.numbers_taken.insert((kind.to_owned(), number));
    }

    /// Learns from a recorded answer and that of the replay. `kind` is of what the request's path tells.
    pub(crate) fn learn(&mut self, recorded: &Value, actual: &Value, kind: &str) {
        match (recorded, actual) {
            (Value::Object(recorded), Value::Object(actual)) => {
                for (key, recorded) in recorded {
                    if let Some(actual) = actual.get(key) {
                        self.learn_property(key, recorded, actual, kind);
                    }
                }
            }
            (Value::Array(recorded), Value::Array(actual)) => {
                for (recorded, actual) in recorded.iter().zip(actual) {
                    self.learn(recorded, actual, kind);
                }
            }
            _ => {}
        }
    }

    fn learn_property(&mut self, key: &str, recorded: &Value, actual: &Value, kind: &str) {
        match (recorded, actual) {
            (Value::String(recorded), Value::String(actual)) if is_identity(key) => {
                let host = "@Cal.com";
                match (recorded.strip_suffix(host), actual.strip_suffix(host)) {
                    (Some(recorded), Some(actual)) => self.pair(recorded, actual),
                    _ => self.pair(recorded, actual),
                }
            }
            (Value::String(recorded), Value::String(actual)) if is_time(key) => {
                self.times.entry(recorded.clone()).or_insert(actual.clone());
            }
            (Value::Number(recorded), Value::Number(actual)) => {
                let kind = number_kind(key, kind);
                if let (Some(kind), Some(recorded), Some(actual)) =
                    (kind, recorded.as_i64(), actual.as_i64())
                {
                    let free = !self.numbers_taken.contains(&(kind.clone(), actual));
                    if free && !self.numbers.contains_key(&(kind.clone(), recorded)) {
                        self.numbers_taken.insert((kind.clone(), actual));
                        self.numbers.insert((kind, recorded), actual);
                    }
                }
            }
            // What `data` holds is what the path names.
            (Value::Object(_) | Value::Array(_), _) if key == "data" => {
                self.learn(recorded, actual, kind);
            }
            _ => self.learn(recorded, actual, &singular(key)),
        }
    }

    /// Takes a text of the replay for one of the recording, unless either is known already.
    pub(crate) fn pair(&mut self, recorded: &str, actual: &str) {
        if !self.texts.contains_key(recorded) && !self.taken.contains(actual) {
            self.taken.insert(actual.to_owned());
            self.texts.insert(recorded.to_owned(), actual.to_owned());
        }
    }

    /// What a number of this kind is in the replay; itself if nothing is known of it.
    pub(crate) fn number(&self, kind: &str, number: i64) -> i64 {
        let known = self.numbers.get(&(kind.to_owned(), number));
        known.copied().unwrap_or(number)
    }

    /// A text with all recorded identities replaced.
    pub(crate) fn text(&self, text: &str) -> String {
        if let Some(actual) = self.texts.get(text) {
            return actual.clone();
        }
        let mut text = text.to_owned();
        for (recorded, actual) in &self.texts {
            if recorded.len() >= TELLING && text.contains(recorded) {
                text = text.replace(recorded, actual);
            }
        }
        text
    }

    /// A path as it is to be asked for in the replay.
    pub(crate) fn path(&self, path: &str) -> String {
        let mut before = "";
        let mut mapped = Vec::new();
        for segment in path.split('/') {
            mapped.push(match segment.parse::<i64>() {
                Ok(number) => self.number(&singular(before), number).to_string(),
                Err(_) => self.text(segment),
            });
            before = segment;
        }
        mapped.join("/")
    }

    /// A query as it is to be sent in the replay, spelled otherwise as it was.
    pub(crate) fn query(&self, query: &str) -> String {
        let pairs = query.split('&').map(|pair| {
            let Some((key, value)) = pair.split_once('=') else {
                return pair.to_owned();
            };
            let kind = number_kind(key.trim_end_matches('s'), "");
            let decoded = url::form_urlencoded::parse(value.as_bytes())
                .next()
                .map(|(text, _)| text.into_owned())
                .unwrap_or_default();
            if let Some(time) = self.times.get(&decoded) {
                let time: String = url::form_urlencoded::byte_serialize(time.as_bytes()).collect();
                return format!("{key}={time}");
            }
            let values = value
                .split(',')
                .map(|one| match (&kind, one.parse::<i64>()) {
                    (Some(kind), Ok(number)) => self.number(kind, number).to_string(),
                    _ => self.text(one),
                });
            format!("{key}={}", values.collect::<Vec<_>>().join(","))
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// A body as it is to be sent in the replay.
    pub(crate) fn body(&self, body: &Value) -> Value {
        match body {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| {
                    let value = match (number_kind(key, ""), value.as_i64()) {
                        (Some(kind), Some(number)) => self.number(&kind, number).into(),
                        _ => self.body(value),
                    };
                    (key.clone(), value)
                })
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.body(item)).collect(),
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }
}

/// Whether a property names a thing.
pub(crate) fn is_identity(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("id") || key == "onetimepassword"
}

/// Whether a property says when the server did something.
pub(crate) fn is_time(key: &str) -> bool {
    ["createdAt", "updatedAt", "timestamp", "reservationUntil"].contains(&key)
}

/// Of what a number under a property is the number, `kind` being what the property belongs to.
pub(crate) fn number_kind(key: &str, kind: &str) -> Option<String> {
    if key == "id" {
        return Some(singular(kind));
    }
    key.strip_suffix("Id").map(singular)
}

/// The kind of thing of which a property or a part of a path tells.
pub(crate) fn singular(word: &str) -> String {
    let word = word.to_ascii_lowercase().replace('-', "");
    let kind = match word.trim_end_matches('s') {
        "booking" | "reschedule" => "booking",
        "eventtype" => "event type",
        "host" | "user" | "owner" | "organizer" | "me" => "user",
        "schedule" | "defaultschedule" => "schedule",
        other => other,
    };
    kind.to_owned()
}

/// The first instant that stands somewhere in an answer as the time at which the server did something.
pub(crate) fn time_of(answer: &Value) -> Option<DateTime<Utc>> {
    match answer {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            if is_time(key) && key != "reservationUntil" {
                value.as_str()?.parse().ok()
            } else {
                time_of(value)
            }
        }),
        Value::Array(items) => items.iter().find_map(time_of),
        _ => None,
    }
}
