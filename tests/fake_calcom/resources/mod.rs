//! The routes beside bookings and slots, against recordings: what the fake answers is the same but for numbers, uids and times.

mod booking_details;
mod calendars;
mod event_types;
mod me;
mod opening;
mod reservations;
mod schedules;
mod through_client;

use std::path::Path;

use bytes::Bytes;
use calcom::testing::{FakeAccount, FakeCalcom, FakeEventType, FakeUser, ManualClock};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::at;

/// A fake with Hanna and Omar, and the recordings about one resource.
pub(crate) struct Played {
    pub(crate) fake: FakeCalcom,
    pub(crate) clock: ManualClock,
    pub(crate) omar: FakeUser,
    recordings: Vec<Value>,
}

/// Hanna works from nine to five, and has one event type of half an hour with the number 2.
pub(crate) async fn played(resource: &str, now: &str) -> Played {
    let clock = ManualClock::at(at(now));
    let intro = FakeEventType::new("intro-30", 30).with_id(2);
    let fake = FakeCalcom::builder()
        .clock(clock.shared())
        .host(FakeAccount::new("hanna").with_hours(9..17))
        .event_type(intro.with_title("Intro 30"))
        .start()
        .await
        .unwrap();
    let omar = fake.add_user("omar");
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/routes/{resource}.json"));
    let recordings = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Played {
        fake,
        clock,
        omar,
        recordings,
    }
}

impl Played {
    /// Asks what a recording asked, with some words replaced in question and answer, and compares. Gives the fake's answer.
    pub(crate) async fn same(&self, name: &str, replaced: &[(&str, &str)]) -> Value {
        let named = |recording: &&Value| recording["name"].as_str().unwrap().starts_with(name);
        let recording = self.recordings.iter().find(named);
        let recording = recording.unwrap_or_else(|| panic!("no recording {name}"));
        let mut text = recording.to_string();
        for (recorded, actual) in replaced {
            assert!(text.contains(recorded), "{name}: {recorded}");
            text = text.replace(recorded, actual);
        }
        let recording: Value = serde_json::from_str(&text).unwrap();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in recording["query"].as_object().unwrap() {
            let value = value.as_str().map_or(value.to_string(), ToOwned::to_owned);
            query.append_pair(key, &value);
        }
        let word = |key: &str| recording[key].as_str();
        let (status, answer) = self
            .ask(
                word("as"),
                word("version"),
                word("method").unwrap(),
                &format!("{}?{}", word("path").unwrap(), query.finish()),
                &recording["body"],
            )
            .await;
        assert_eq!(json!(status), recording["status"], "{name}: {answer}");
        assert_eq!(
            normal("", &answer),
            normal("", &recording["answer"]),
            "{name}"
        );
        answer
    }

    pub(crate) async fn ask(
        &self,
        caller: Option<&str>,
        version: Option<&str>,
        method: &str,
        target: &str,
        body: &Value,
    ) -> (u16, Value) {
        let mut request = http::Request::builder()
            .method(method)
            .uri(target.trim_end_matches('?'));
        if let Some(caller) = caller {
            let key = match caller {
                "other" => self.omar.api_key.clone(),
                _ => self.fake.api_key(),
            };
            request = request.header("authorization", format!("Bearer {}", key.expose_secret()));
        }
        if let Some(version) = version {
            request = request.header("cal-api-version", version);
        }
        let bytes = if body.is_null() {
            Bytes::new()
        } else {
            request = request.header("content-type", "application/json");
            Bytes::from(body.to_string())
        };
        let response = self
            .fake
            .exchange(request.body(bytes).unwrap())
            .await
            .unwrap();
        let answer = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), answer)
    }

    /// As Hanna, in the version of the resource; fails unless it went well.
    pub(crate) async fn well(&self, method: &str, path: &str, body: Value) -> Value {
        let version = match path.split(['/', '?']).next() {
            Some("event-types") => "2024-06-14",
            Some("schedules") => "2024-06-11",
            Some("slots") => "2024-09-04",
            _ => "2024-08-13",
        };
        let path = format!("/v2/{path}");
        let (status, answer) = self
            .ask(Some("host"), Some(version), method, &path, &body)
            .await;
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer["data"].clone()
    }

    /// The starts of the free slots of a window. Time passes before, as a server may repeat its answer for a moment.
    pub(crate) async fn slots(&self, event_type: i64, start: &str, end: &str) -> Vec<String> {
        self.clock.advance(std::time::Duration::from_secs(5));
        let path = format!("slots?eventTypeId={event_type}&start={start}&end={end}");
        let days = self.well("GET", &path, Value::Null).await;
        let days = days.as_object().unwrap().values();
        days.flat_map(|day| day.as_array().unwrap())
            .map(|slot| slot["start"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// An answer without what differs from run to run.
fn normal(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), normal(key, value)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| normal(key, item)).collect(),
        Value::Number(_) if key.ends_with("Id") || key == "id" => json!("<number>"),
        Value::String(text) => match key {
            "timestamp" | "path" | "createdAt" | "updatedAt" | "reservationUntil"
            | "reservationUid" => json!("<text>"),
            "id" if text.len() == 36 => json!("<uuid>"),
            "message" => {
                let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
                let mut message: String = text.chars().map(digits).collect();
                while message.contains("00") {
                    message = message.replace("00", "0");
                }
                json!(message)
            }
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}
