//! The checks of what is sent to make or change a booking, with the messages that were recorded.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::iso::Iso;
use crate::testing::payload::Person;
use crate::testing::zone::time_zone;

pub(super) const BAD_START: &str =
    "start property is wrong,start must be a valid ISO 8601 date string ";

/// The languages that the server knows.
pub(super) const LANGUAGES: &str = "ar, ca, de, es, eu, he, id, ja, lv, pl, ro, sr, th, vi, az, cs, el, es-419, fi, hr, it, km, nl, pt, ru, sv, tr, zh-CN, bg, da, en, et, fr, hu, iw, ko, no, pt-BR, sk, ta, uk, zh-TW, bn";

/// A booking that is asked for, its form checked.
pub(super) struct Wanted {
    /// `None` for a day or time that does not exist.
    start: Option<DateTime<Utc>>,
    pub(super) target: Target,
    /// As it was sent, of whatever kind.
    email: Value,
    pub(super) attendee: Person,
    pub(super) guests: Vec<String>,
    pub(super) length: Option<u32>,
    pub(super) recurrence_count: Option<u32>,
    pub(super) location: Option<Value>,
    pub(super) metadata: Map<String, Value>,
    pub(super) responses: Map<String, Value>,
    pub(super) instant: bool,
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
    let start = Iso::read(body.get("start")?.as_str()?).instant()?;
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
        let begins = match body.get("start") {
            Some(Value::String(text)) => Iso::read(text),
            _ => Iso::No,
        };
        if begins == Iso::No {
            errors.push(BAD_START.into());
        }
        errors.extend(wrong_length(body));
        errors.extend(wrong_attendees(body.get("attendee")));
        errors.extend(wrong_kinds(body));
        if body.get("recurrenceCount").and_then(Value::as_u64) == Some(0) {
            errors.push(
                "recurrenceCount property is wrong,recurrenceCount must not be less than 1 ".into(),
            );
        }
        let target = target(body);
        let has_id = body.get("eventTypeId").is_some_and(|id| !id.is_null());
        if target.is_none() && !has_id {
            errors.push("eventTypeId or eventTypeSlug + username property is wrong,Either eventTypeId or eventTypeSlug + username or eventTypeSlug + teamSlug must be provided ".into());
        }
        refuse(&errors)?;
        let (Some(target), Some(Value::Object(attendee))) = (target, body.get("attendee")) else {
            return Err(Refusal::bad_request(BAD_START));
        };
        let number = |name: &str| {
            body.get(name)
                .and_then(Value::as_u64)
                .and_then(|number| u32::try_from(number).ok())
        };
        let guests = body.get("guests").and_then(Value::as_array);
        Ok(Self {
            start: begins.instant().map(|start| start.trunc_subsecs(3)),
            target,
            email: attendee.get("email").cloned().unwrap_or_default(),
            attendee: Person {
                name: text(attendee, "name").unwrap_or_default(),
                email: text(attendee, "email").unwrap_or_default(),
                time_zone: text(attendee, "timeZone").unwrap_or_default(),
                language: text(attendee, "language").unwrap_or_else(|| "en".into()),
                phone: text(attendee, "phoneNumber"),
                absent: false,
            },
            guests: guests
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect(),
            length: number("lengthInMinutes"),
            recurrence_count: number("recurrenceCount"),
            location: ["location", "meetingUrl"]
                .iter()
                .filter_map(|name| body.get(*name))
                .find(|place| !place.is_null())
                .cloned(),
            metadata: object(body, "metadata"),
            responses: object(body, "bookingFieldsResponses"),
            instant: body.get("instant") == Some(&Value::Bool(true)),
        })
    }

    /// What the booking form refuses, after the event type was found. Attendees without an e-mail
    /// address get one where the event type takes them.
    pub(super) fn check(&mut self, phone_only: bool) -> Result<DateTime<Utc>, Refusal> {
        if phone_only && self.attendee.email.is_empty() {
            let digits = |phone: &String| phone.chars().filter(char::is_ascii_digit).collect();
            let digits: String = self.attendee.phone.as_ref().map(digits).unwrap_or_default();
            self.attendee.email = format!("{digits}@sms.cal.com");
        }
        let Some(start) = self.start else {
            return Err(Refusal::zod(
                "start - Expected string, received null, end - Expected string, received null, ",
            ));
        };
        let email = &self.attendee.email;
        let message = match &self.email {
            Value::Number(_) => "responses.email - Expected string, received number, ",
            _ if self.attendee.name.is_empty() => "responses - {name}error_required_field, ",
            _ if email.is_empty() => "responses - {email}error_required_field, ",
            _ if !is_address(email) => "responses - {email}email_validation_error, ",
            _ if !self.guests.iter().all(|guest| is_address(guest)) => {
                "responses - {guests}email_validation_error, "
            }
            _ => return only_strings(&self.metadata).map(|()| start),
        };
        Err(Refusal::zod(message))
    }
}

/// Whether a text is an e-mail address, as far as the booking form looks.
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && c != '@';
    !name.is_empty()
        && name.chars().all(plain)
        && host.chars().all(plain)
        && host
            .rsplit_once('.')
            .is_some_and(|(host, last)| !host.is_empty() && !last.is_empty())
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

fn wrong_length(body: &Map<String, Value>) -> Option<String> {
    let length = body
        .get("lengthInMinutes")
        .filter(|length| !length.is_null())?;
    let mut words = Vec::new();
    if !length.as_f64().is_some_and(|minutes| minutes >= 1.0) {
        words.push("lengthInMinutes must not be less than 1");
    }
    if !length
        .as_f64()
        .is_some_and(|minutes| minutes.fract() == 0.0)
    {
        words.push("lengthInMinutes must be an integer number");
    }
    (!words.is_empty()).then(|| format!("lengthInMinutes property is wrong,{} ", words.join(", ")))
}

/// Properties that are of another kind than they must be.
fn wrong_kinds(body: &Map<String, Value>) -> Vec<String> {
    let given = |name: &str| body.get(name).filter(|value| !value.is_null());
    let mut errors = Vec::new();
    if given("bookingFieldsResponses").is_some_and(|value| !value.is_object()) {
        errors.push(
            "bookingFieldsResponses property is wrong,bookingFieldsResponses must be an object "
                .into(),
        );
    }
    if given("eventTypeId").is_some_and(|id| !id.is_i64() && !id.is_u64()) {
        errors.push("eventTypeId property is wrong,eventTypeId must be an integer number ".into());
    }
    if given("guests").is_some_and(|guests| !guests.is_array()) {
        errors.push("guests property is wrong,guests must be an array ".into());
    }
    if let Some(metadata) = given("metadata").filter(|metadata| !metadata_fits(metadata)) {
        let kind = if metadata.is_object() {
            ""
        } else {
            ", metadata must be an object"
        };
        errors.push(format!("metadata property is wrong,Metadata must have at most 50 keys, each key up to 40 characters, and string values up to 500 characters.{kind} "));
    }
    errors
}

fn wrong_attendees(attendee: Option<&Value>) -> Option<String> {
    let nested = "nested property attendee must be either object or array";
    let words = match attendee {
        None => "attendee should not be null or undefined".to_owned(),
        Some(Value::Null) => format!("attendee should not be null or undefined, {nested}"),
        Some(Value::Object(attendee)) => {
            let errors = wrong_attendee(attendee);
            return (!errors.is_empty())
                .then(|| format!("attendee property is wrong, {}", errors.join(", ")));
        }
        Some(_) => nested.to_owned(),
    };
    Some(format!("attendee property is wrong,{words} "))
}

fn wrong_attendee(attendee: &Map<String, Value>) -> Vec<String> {
    let mut errors: Vec<String> = unknown(
        attendee,
        &["name", "email", "timeZone", "phoneNumber", "language"],
    );
    if !attendee.get("name").is_some_and(Value::is_string) {
        errors.push("name property is wrong,name must be a string ".into());
    }
    if text(attendee, "timeZone").is_none_or(|zone| time_zone(&zone).is_none()) {
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
    let given = |name: &str| {
        attendee
            .get(name)
            .is_some_and(|value| !value.is_null() && value != "")
    };
    if !given("email") && !given("phoneNumber") {
        errors.push("attendee email or phone property is wrong,Attendee must have at least one contact method (email or phone number) ".into());
    }
    errors
}

/// The limits of the metadata. Numbers and booleans pass here and are refused later, in another
/// shape.
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
