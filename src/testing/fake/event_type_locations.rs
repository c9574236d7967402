//! The locations of an event type that is made or changed.

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::validate::is_url;

const INTEGRATIONS: [&str; 4] = ["cal-video", "google-meet", "office365-video", "zoom"];

/// Refuses locations that the server would not take, each kind with the words recorded or read from
/// its rules.
pub(super) fn check_locations(locations: &Value) -> Result<(), Refusal> {
    let Value::Array(locations) = locations else {
        return Err(Refusal::bad_request("'locations' must be an array."));
    };
    if locations.is_empty() {
        return Err(Refusal::bad_request(
            "'locations' must contain at least 1 location.",
        ));
    }
    for location in locations {
        let kind = location.get("type").and_then(Value::as_str);
        let (Some(kind), Value::Object(location)) = (kind, location) else {
            return Err(Refusal::bad_request(
                "Each object in 'locations' must have a 'type' property.",
            ));
        };
        let wrong = wrong_in(kind, location).ok_or_else(|| {
            Refusal::bad_request(format!(
                "Unsupported location type '{kind}'. Valid types are address, link, integration, and phone."
            ))
        })?;
        if !wrong.is_empty() {
            return Err(Refusal::bad_request(format!(
                "Validation failed for {kind} location: {}",
                wrong.join(", ")
            )));
        }
    }
    Ok(())
}

/// What is wrong with a location; `None` if there is no such kind.
fn wrong_in(kind: &str, location: &Map<String, Value>) -> Option<Vec<String>> {
    let given = |name: &str| location.get(name).unwrap_or(&Value::Null);
    let mut wrong = Vec::new();
    let is_public = match kind {
        "address" => {
            if !given("address").is_string() {
                wrong.push("address must be a string".into());
            }
            true
        }
        "link" => {
            if !is_url(given("link")) {
                wrong.push("link must be a URL address".into());
            }
            true
        }
        "phone" => {
            if !given("phone").as_str().is_some_and(is_phone) {
                wrong.push("phone must be a valid phone number".into());
            }
            true
        }
        "integration" => {
            let known = given("integration").as_str();
            if !known.is_some_and(|word| INTEGRATIONS.contains(&word)) {
                wrong.push(format!(
                    "integration must be one of the following values: {}",
                    INTEGRATIONS.join(", ")
                ));
            }
            false
        }
        "attendeeAddress" | "attendeePhone" | "attendeeDefined" => false,
        _ => return None,
    };
    if is_public && !given("public").is_boolean() {
        wrong.push("public must be a boolean value".into());
    }
    Some(wrong)
}

/// Whether it has the form of an international number; which numbers exist, the fake does not know.
fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
