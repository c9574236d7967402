//! Where a booking takes place, and what its field responses say about it.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::event_type::{FakeEventType, database_place};
use super::event_types::old_location_kind;
use super::input::Wanted;

/// Where a booking takes place, and what its responses say about it.
pub(super) struct Place {
    pub(super) text: String,
    response: Option<Value>,
}

pub(super) fn location(
    event_type: &FakeEventType,
    id: i64,
    wanted: Option<&Value>,
) -> Result<Place, Refusal> {
    let wanted = match wanted {
        None => {
            return Ok(Place {
                text: event_type.default_location(),
                response: None,
            });
        }
        // The old way of naming a place, which no event type has to offer.
        Some(Value::String(text)) => {
            return Ok(Place {
                response: Some(json!({"value": "link", "optionValue": text})),
                text: text.clone(),
            });
        }
        Some(wanted) => wanted,
    };
    let kind = |location: &Value| {
        location
            .get("type")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let offered: Vec<String> = event_type.locations.iter().filter_map(kind).collect();
    let asked = kind(wanted).unwrap_or_default();
    if !offered.contains(&asked) {
        return Err(Refusal::bad_request(format!(
            "Booking location with type {asked} not valid for event type with id={id}. The event type has following location types: {}, and only these types are allowed for booking location.",
            offered.join(", ")
        )));
    }
    let word = |names: &[&str], from: &Value| {
        names
            .iter()
            .find_map(|name| from.get(name).and_then(Value::as_str))
            .map(ToOwned::to_owned)
    };
    if asked.starts_with("attendee") {
        // The attendee says where.
        let text = word(&["phone", "address", "location"], wanted)
            .ok_or_else(|| Refusal::zod("responses.location.optionValue - Required, "))?;
        return Ok(Place {
            response: Some(json!({"value": old_location_kind(&asked), "optionValue": text})),
            text,
        });
    }
    let names = ["address", "link", "integration", "phone"];
    let own = event_type
        .locations
        .iter()
        .find(|location| kind(location).as_deref() == Some(&asked))
        .and_then(|location| word(&names, location));
    let text = own.map_or_else(|| asked.clone(), |place| database_place(&place).to_owned());
    let value = if asked == "integration" {
        text.clone()
    } else {
        old_location_kind(&asked).to_owned()
    };
    Ok(Place {
        response: Some(json!({"value": value, "optionValue": ""})),
        text,
    })
}

pub(super) fn responses(wanted: &Wanted, place: &Place) -> Map<String, Value> {
    let mut responses = wanted.responses.clone();
    responses.insert("email".into(), json!(wanted.attendee.email));
    responses.insert("name".into(), json!(wanted.attendee.name));
    if let Some(phone) = &wanted.attendee.phone {
        responses.insert("attendeePhoneNumber".into(), json!(phone));
    }
    if !wanted.guests.is_empty() {
        responses.insert("guests".into(), json!(wanted.guests));
    }
    if let Some(response) = &place.response {
        responses.insert("location".into(), response.clone());
    }
    responses
}
