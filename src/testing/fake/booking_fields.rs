//! An event type's booking fields, as sent and as returned.

use serde_json::{Map, Value, json};

use super::answer::Refusal;

/// The kinds of fields that an event type can add, with what each needs.
const KINDS: [(&str, bool); 12] = [
    ("phone", false),
    ("address", false),
    ("text", false),
    ("number", false),
    ("textarea", false),
    ("select", true),
    ("multiselect", true),
    ("multiemail", false),
    ("checkbox", true),
    ("radio", true),
    ("boolean", false),
    ("url", false),
];

/// The fields that every event type has: slug, kind, whether it is required, and whether it is
/// hidden; `None` where that is not told.
const DEFAULTS: [(&str, &str, bool, Option<bool>); 7] = [
    ("name", "name", true, None),
    ("email", "email", true, Some(false)),
    ("location", "radioInput", false, Some(false)),
    ("title", "text", true, Some(true)),
    ("notes", "textarea", false, Some(false)),
    ("guests", "multiemail", false, Some(false)),
    ("rescheduleReason", "textarea", false, Some(false)),
];

/// How many of the default fields come before an event type's own.
const BEFORE: usize = 3;

/// The slug of the default field that is meant: some are named by their kind, some by their slug.
fn default_slug(field: &Value) -> Option<&str> {
    let slug = field.get("slug").and_then(Value::as_str);
    let kind = field.get("type").and_then(Value::as_str);
    match (kind, slug) {
        (Some("name"), _) => Some("name"),
        (Some("email"), _) => Some("email"),
        (None, Some(slug)) => DEFAULTS[2..]
            .iter()
            .any(|(known, ..)| *known == slug)
            .then_some(slug),
        _ => None,
    }
}

/// Refuses fields that the server would not take.
pub(super) fn check_booking_fields(fields: &Value) -> Result<(), Refusal> {
    let Value::Array(fields) = fields else {
        return Err(Refusal::bad_request("'bookingFields' must be an array."));
    };
    let mut slugs: Vec<&str> = Vec::new();
    for field in fields {
        if default_slug(field).is_some() {
            continue;
        }
        let kind = field
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some((_, has_options)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            return Err(Refusal::bad_request(format!(
                "Unsupported booking field type '{kind}'."
            )));
        };
        let slug = field.get("slug").and_then(Value::as_str);
        if let Some(slug) = slug {
            if slugs.contains(&slug) {
                return Err(Refusal::bad_request(format!(
                    "Duplicate bookingFields slug '{slug}' found. All bookingFields slugs must be unique."
                )));
            }
            slugs.push(slug);
        }
        let mut wrong = Vec::new();
        for name in ["slug", "label"] {
            if !field.get(name).is_some_and(Value::is_string) {
                wrong.push(format!("{name} must be a string"));
            }
        }
        if !field.get("required").is_some_and(Value::is_boolean) {
            wrong.push("required must be a boolean value".to_owned());
        }
        if *has_options && !field.get("options").is_some_and(Value::is_array) {
            wrong.push("options must be an array".to_owned());
        }
        if !wrong.is_empty() {
            return Err(Refusal::bad_request(format!(
                "Validation failed for {kind} booking field: {}",
                wrong.join(", ")
            )));
        }
    }
    Ok(())
}

/// The fields as returned, including those of every event type.
///
/// # Errors
///
/// If bookers could not give their address.
pub(super) fn booking_fields(own: &[Value]) -> Result<Value, Refusal> {
    let given = |slug: &str| own.iter().find(|field| default_slug(field) == Some(slug));
    if let Some(email) = given("email")
        && (email.get("required") == Some(&Value::Bool(false))
            || email.get("hidden") == Some(&Value::Bool(true)))
    {
        return Err(Refusal::bad_request(
            "checkIsEmailUserAccessible - Email booking field must be required and visible",
        ));
    }
    let default = |place: usize| {
        let (slug, ..) = DEFAULTS[place];
        default_field(place, given(slug))
    };
    let before = (0..BEFORE).map(default);
    let added = own
        .iter()
        .filter(|field| default_slug(field).is_none())
        .map(own_field);
    let after = (BEFORE..DEFAULTS.len()).map(default);
    Ok(before.chain(added).chain(after).collect())
}

/// The fields of an event type that says nothing of them.
pub(super) fn default_fields(guests_hidden: bool) -> Value {
    let mut fields: Vec<Value> = (0..DEFAULTS.len())
        .map(|place| default_field(place, None))
        .collect();
    if guests_hidden {
        for field in &mut fields {
            if field["slug"] == json!("guests") {
                field["hidden"] = json!(true);
            }
        }
    }
    json!(fields)
}

fn default_field(place: usize, given: Option<&Value>) -> Value {
    let (slug, kind, required, hidden) = DEFAULTS[place];
    let flag = |name: &str, default: bool| {
        given.map_or(default, |field| {
            field
                .get(name)
                .and_then(Value::as_bool)
                .unwrap_or(match slug {
                    // A booker always gives these two.
                    "name" | "email" => default,
                    _ => false,
                })
        })
    };
    let mut told = Map::new();
    told.insert("isDefault".into(), json!(true));
    told.insert("type".into(), json!(kind));
    told.insert("slug".into(), json!(slug));
    told.insert("required".into(), json!(flag("required", required)));
    for name in ["label", "placeholder"] {
        if let Some(text) = given.and_then(|field| field.get(name)) {
            told.insert(name.into(), text.clone());
        }
    }
    if slug != "location" {
        told.insert(
            "disableOnPrefill".into(),
            json!(flag("disableOnPrefill", false)),
        );
    }
    if let Some(hidden) = hidden {
        told.insert("hidden".into(), json!(flag("hidden", hidden)));
    }
    Value::Object(told)
}

fn own_field(field: &Value) -> Value {
    let mut told = json!({"isDefault": false, "disableOnPrefill": false, "hidden": false});
    for name in [
        "type",
        "slug",
        "label",
        "required",
        "placeholder",
        "options",
        "disableOnPrefill",
        "hidden",
    ] {
        if let Some(value) = field.get(name) {
            told[name] = value.clone();
        }
    }
    told
}
