//! Compares a recorded answer with one of the replay.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::mapping::{Mapping, is_identity, is_time, number_kind, singular};

/// Compares what was recorded with what came, and collects the differences.
pub(crate) struct Comparison<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) now: DateTime<Utc>,
    pub(crate) differences: Vec<String>,
}

impl Comparison<'_> {
    pub(crate) fn note(&mut self, path: &str, recorded: &str, actual: &str) {
        let short = |text: &str| -> String {
            let mut cut: String = text.chars().take(300).collect();
            if cut.len() < text.len() {
                cut.push('…');
            }
            cut
        };
        self.differences.push(format!(
            "{path}: real {}, fake {}",
            short(recorded),
            short(actual)
        ));
    }

    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        recorded: T,
        actual: T,
    ) {
        if recorded != actual {
            self.note(what, &format!("{recorded:?}"), &format!("{actual:?}"));
        }
    }

    /// `key` and `kind` are of what the value belongs to.
    pub(crate) fn compare(
        &mut self,
        path: &str,
        key: &str,
        kind: &str,
        recorded: &Value,
        actual: &Value,
    ) {
        match (recorded, actual) {
            (Value::Object(recorded), Value::Object(actual)) => {
                let kind = match key {
                    "data" | "" => kind.to_owned(),
                    key => singular(key),
                };
                for (name, value) in recorded {
                    let path = format!("{path}.{name}");
                    match actual.get(name) {
                        Some(actual) => self.compare(&path, name, &kind, value, actual),
                        None => self.note(&path, &value.to_string(), "nothing"),
                    }
                }
                for (name, value) in actual {
                    if !recorded.contains_key(name) {
                        self.note(&format!("{path}.{name}"), "nothing", &value.to_string());
                    }
                }
            }
            (Value::Array(recorded), Value::Array(actual)) => {
                if recorded.len() != actual.len() {
                    let count = |items: &[Value]| format!("{} elements", items.len());
                    self.note(path, &count(recorded), &count(actual));
                }
                for (index, (recorded, actual)) in recorded.iter().zip(actual).enumerate() {
                    self.compare(&format!("{path}[{index}]"), key, kind, recorded, actual);
                }
            }
            (Value::String(one), Value::String(other)) => {
                if !self.same_text(key, one, other) {
                    self.note(path, one, other);
                }
            }
            (Value::Number(one), Value::Number(other)) => {
                let expected = match (number_kind(key, kind), one.as_i64()) {
                    (Some(kind), Some(number)) => self.mapping.number(&kind, number).into(),
                    _ => recorded.clone(),
                };
                if expected != *actual {
                    self.note(path, &one.to_string(), &other.to_string());
                }
            }
            _ if recorded == actual => {}
            _ => self.note(path, &recorded.to_string(), &actual.to_string()),
        }
    }

    fn same_text(&self, key: &str, recorded: &str, actual: &str) -> bool {
        if is_time(key) {
            return spelling(recorded) == spelling(actual);
        }
        let expected = self.mapping.text(recorded);
        if expected == actual {
            return true;
        }
        // A text that names a thing is compared as such; any other may repeat the time of the request or the server's address.
        !is_identity(key) && self.timeless(&expected) == self.timeless(actual)
    }

    /// A text without the instants of the run and the server's address.
    fn timeless(&self, text: &str) -> String {
        let mut words = Vec::new();
        for word in text.split_inclusive([' ', ',']) {
            let bare = word.trim_end_matches([' ', ',']);
            let near = bare
                .parse::<DateTime<Utc>>()
                .is_ok_and(|instant| (instant - self.now).abs() < TimeDelta::days(1));
            words.push(if near {
                word.replace(bare, &spelling(bare))
            } else {
                without_port(word)
            });
        }
        words.concat()
    }
}

fn without_port(word: &str) -> String {
    for host in ["http://localhost:", "http://127.0.0.1:"] {
        if let Some((before, rest)) = word.split_once(host) {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{before}<server>{rest}");
        }
    }
    word.to_owned()
}

/// How an instant is spelled, whichever it is.
fn spelling(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect()
}
