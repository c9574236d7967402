//! The checks of what is sent to make or change a booking, with the messages that were recorded.

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::state::instant;
use crate::testing::payload::Person;

pub(super) const BAD_START: &str =
    "start property is wrong,start must be a valid ISO 8601 date string ";

/// The languages that the server knows.
pub(super) const LANGUAGES: &str = "ar, ca, de, es, eu, he, id, ja, lv, pl, ro, sr, th, vi, az, cs, el, es-419, fi, hr, it, km, nl, pt, ru, sv, tr, zh-CN, bg, da, en, et, fr, hu, iw, ko, no, pt-BR, sk, ta, uk, zh-TW, bn";

/// A booking that is asked for, its form checked.
pub(super) struct Wanted {
    pub(super) start: DateTime<Utc>,
    pub(super) target: Target,
    pub(super) attendee: Person,
    pub(super) guests: Vec<String>,
    pub(super) length: Option<u32>,
    pub(super) recurrence_count: Option<u32>,
    pub(super) location: Option<Value>,
    pub(super) metadata: Map<String, Value>,
    pub(super) responses: Map<String, Value>,
}

/// What is to be booked.
pub(super) enum Target {
    Id(i64),
    Slug { slug: String, owner: String },
}

/// The words that the property errors of one body add up to.
fn refuse(errors: &[String]) -> Result<(), Refusal> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Refusal::bad_request(errors.join(", ")))
    }
}

/// Refuses properties that are not known.
pub(super) fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    refuse(&unknown(body, known))
}

fn unknown(body: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    body.keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| format!("{name} property is wrong,property {name} should not exist "))
        .collect()
}

/// A text of a body; `None` where it is absent, null or empty.
pub(super) fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
}

/// When a booking is to begin, as the database keeps it: to the millisecond.
pub(super) fn start(body: &Map<String, Value>) -> Option<DateTime<Utc>> {
    let start = body.get("start")?.as_str().and_then(instant)?;
    Some(start.trunc_subsecs(3))
}

impl Wanted {
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut errors = unknown(
            body,
            &[
                "start",
                "eventTypeId",
                "eventTypeSlug",
                "username",
                "teamSlug",
                "organizationSlug",
                "attendee",
                "guests",
                "meetingUrl",
                "location",
                "metadata",
                "bookingFieldsResponses",
                "lengthInMinutes",
                "recurrenceCount",
                "routing",
                "emailVerificationCode",
                "instant",
            ],
        );
        let begins = start(body);
        if begins.is_none() {
            errors.push(BAD_START.into());
        }
        let attendee = match body.get("attendee") {
            Some(Value::Object(attendee)) => {
                errors.extend(wrong_attendee(attendee));
                Some(attendee)
            }
            _ => {
                errors.push(
                    "attendee property is wrong,attendee should not be null or undefined ".into(),
                );
                None
            }
        };
        if !body.get("metadata").is_none_or(metadata_fits) {
            errors.push("metadata property is wrong,Metadata must have at most 50 keys, each key up to 40 characters, and string values up to 500 characters. ".into());
        }
        if body.get("recurrenceCount").and_then(Value::as_u64) == Some(0) {
            errors.push(
                "recurrenceCount property is wrong,recurrenceCount must not be less than 1 ".into(),
            );
        }
        let target = target(body);
        if target.is_none() {
            errors.push("eventTypeId or eventTypeSlug + username property is wrong,Either eventTypeId or eventTypeSlug + username or eventTypeSlug + teamSlug must be provided ".into());
        }
        refuse(&errors)?;
        let (Some(start), Some(target), Some(attendee)) = (begins, target, attendee) else {
            return Err(Refusal::bad_request(BAD_START));
        };
        let metadata = object(body, "metadata");
        only_strings(&metadata)?;
        let number = |name: &str| {
            body.get(name)
                .and_then(Value::as_u64)
                .and_then(|number| u32::try_from(number).ok())
        };
        Ok(Self {
            start,
            target,
            attendee: person(attendee)?,
            guests: body
                .get("guests")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect(),
            length: number("lengthInMinutes"),
            recurrence_count: number("recurrenceCount"),
            location: body
                .get("location")
                .filter(|place| !place.is_null())
                .cloned(),
            metadata,
            responses: object(body, "bookingFieldsResponses"),
        })
    }
}

fn object(body: &Map<String, Value>, name: &str) -> Map<String, Value> {
    match body.get(name) {
        Some(Value::Object(object)) => object.clone(),
        _ => Map::new(),
    }
}

fn target(body: &Map<String, Value>) -> Option<Target> {
    if let Some(id) = body.get("eventTypeId").and_then(Value::as_i64) {
        return Some(Target::Id(id));
    }
    Some(Target::Slug {
        slug: text(body, "eventTypeSlug")?,
        owner: text(body, "username").or_else(|| text(body, "teamSlug"))?,
    })
}

fn wrong_attendee(attendee: &Map<String, Value>) -> Vec<String> {
    let mut errors: Vec<String> = unknown(
        attendee,
        &["name", "email", "timeZone", "phoneNumber", "language"],
    );
    if text(attendee, "name").is_none() {
        errors.push("name property is wrong,name must be a string ".into());
    }
    let zone = text(attendee, "timeZone");
    if zone.is_none_or(|zone| zone.parse::<Tz>().is_err()) {
        errors.push("timeZone property is wrong,timeZone must be a valid IANA time-zone ".into());
    }
    let language = attendee.get("language").filter(|word| !word.is_null());
    if language.is_some_and(|word| {
        !word
            .as_str()
            .is_some_and(|word| LANGUAGES.split(", ").any(|known| known == word))
    }) {
        errors.push(format!(
            "language property is wrong,language must be one of the following values: {LANGUAGES} "
        ));
    }
    errors
        .into_iter()
        .map(|error| format!("attendee property is wrong, {error}"))
        .collect()
}

fn person(attendee: &Map<String, Value>) -> Result<Person, Refusal> {
    let Some(email) = text(attendee, "email") else {
        return Err(Refusal::zod("responses - {email}error_required_field, "));
    };
    let is_address = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !is_address {
        return Err(Refusal::zod("responses - {email}email_validation_error, "));
    }
    Ok(Person {
        name: text(attendee, "name").unwrap_or_default(),
        email,
        time_zone: text(attendee, "timeZone").unwrap_or_default(),
        language: text(attendee, "language").unwrap_or_else(|| "en".into()),
        phone: text(attendee, "phoneNumber"),
        absent: false,
    })
}

/// The limits of the metadata. Numbers and booleans pass here and are refused later, in another shape.
fn metadata_fits(metadata: &Value) -> bool {
    let Value::Object(metadata) = metadata else {
        return false;
    };
    metadata.len() <= 50
        && metadata.iter().all(|(key, value)| {
            key.chars().count() <= 40
                && match value {
                    Value::String(text) => text.chars().count() <= 500,
                    Value::Number(_) | Value::Bool(_) => true,
                    _ => false,
                }
        })
}

fn only_strings(metadata: &Map<String, Value>) -> Result<(), Refusal> {
    let message: String = metadata
        .iter()
        .filter_map(|(key, value)| {
            let kind = match value {
                Value::Number(_) => "number",
                Value::Bool(_) => "boolean",
                _ => return None,
            };
            Some(format!(
                "metadata.{key} - Expected string, received {kind}, "
            ))
        })
        .collect();
    if message.is_empty() {
        Ok(())
    } else {
        Err(Refusal::zod(message))
    }
}
