//! Which functions an agent has and which it should have. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use url::Url;

use super::parts::AgentFunction;
use crate::agents::dialect::retell::{FunctionSettings, RetellFunction};

/// One difference between the functions that an agent has and those that it should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FunctionChange {
    /// The agent does not have it.
    #[non_exhaustive]
    Add {
        /// The function's name.
        name: String,
    },
    /// The agent has it with other settings.
    #[non_exhaustive]
    Change {
        /// The function's name.
        name: String,
        /// The settings that differ, as Retell names them.
        fields: Vec<String>,
    },
    /// The agent has it and should not: it asks our URL, and is switched off or unknown here.
    #[non_exhaustive]
    Remove {
        /// The function's name.
        name: String,
    },
    /// The agent has something else of this name that is no custom function. Retell wants names to be
    /// unique, so nothing can be pushed until somebody has renamed or removed it at Retell.
    #[non_exhaustive]
    NameTaken {
        /// The function's name.
        name: String,
        /// What it is instead.
        kind: String,
    },
}

impl FunctionChange {
    /// The name of the function.
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name }
            | Self::Change { name, .. }
            | Self::Remove { name }
            | Self::NameTaken { name, .. } => name,
        }
    }
}

impl fmt::Display for FunctionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { name } => write!(f, "add {name}"),
            Self::Change { name, fields } => write!(f, "change {name}: {}", fields.join(", ")),
            Self::Remove { name } => write!(f, "remove {name}"),
            Self::NameTaken { name, kind } => write!(f, "{name} is already the name of a {kind}"),
        }
    }
}

/// What would have to change, in the order of the agent's functions and then of ours.
///
/// A custom function is ours if it asks our URL or one below it, or has the name of one that is wanted. Of
/// ours, only the settings that are generated are compared.
pub fn diff(current: &[AgentFunction], wanted: &FunctionSettings) -> Vec<FunctionChange> {
    plan(current, wanted).0
}

/// The functions after that change, in the same order. Others stay as they are, byte for byte; of ours,
/// settings that are not generated are kept.
pub fn apply(current: &[AgentFunction], wanted: &FunctionSettings) -> Vec<AgentFunction> {
    plan(current, wanted).1
}

pub(super) fn plan(
    current: &[AgentFunction],
    wanted: &FunctionSettings,
) -> (Vec<FunctionChange>, Vec<AgentFunction>) {
    let definitions = wanted.definitions();
    let (mut changes, mut after) = (Vec::new(), Vec::new());
    let mut met = BTreeSet::new();
    for function in current {
        let name = function.name();
        let definition = definitions
            .iter()
            .find(|definition| definition.name == name);
        match definition {
            Some(definition) if !function.is_custom() => {
                met.insert(definition.name);
                changes.push(FunctionChange::NameTaken {
                    name: name.to_owned(),
                    kind: function.kind().to_owned(),
                });
                after.push(function.clone());
            }
            Some(definition) if met.insert(definition.name) => {
                let (fields, changed) = changed(function, definition);
                if !fields.is_empty() {
                    changes.push(FunctionChange::Change {
                        name: name.to_owned(),
                        fields,
                    });
                }
                after.push(changed);
            }
            // Switched off or renamed, or a second one of the same name.
            _ if function.url().is_some_and(|url| is_ours(url, &wanted.url)) => {
                changes.push(FunctionChange::Remove {
                    name: name.to_owned(),
                });
            }
            _ => after.push(function.clone()),
        }
    }
    for definition in &definitions {
        if !met.contains(definition.name) {
            changes.push(FunctionChange::Add {
                name: definition.name.to_owned(),
            });
            after.extend(function_of(definition));
        }
    }
    (changes, after)
}

/// Whether a URL is ours or lies below it.
fn is_ours(url: &str, ours: &Url) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let (path, ours_path) = (url.path(), ours.path().trim_end_matches('/'));
    let below = path.strip_prefix(ours_path);
    url.origin() == ours.origin()
        && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// The settings of a function that differ from its definition, and the function as it should be.
fn changed(function: &AgentFunction, definition: &RetellFunction) -> (Vec<String>, AgentFunction) {
    let mut settings: Map<String, Value> =
        serde_json::from_str(function.json()).unwrap_or_default();
    let mut generated = generated(definition);
    // What is left out of a definition is off.
    generated.entry("args_at_root").or_insert(false.into());
    let mut fields = Vec::new();
    for (field, value) in generated {
        let is_off = value == Value::Bool(false);
        let is_as_wanted = match settings.get(&field) {
            None | Some(Value::Null) => is_off,
            Some(current) => is_same(current, &value),
        };
        if !is_as_wanted {
            settings.insert(field.clone(), value);
            fields.push(field);
        }
    }
    let raw = (!fields.is_empty()).then(|| to_raw_value(&settings));
    let changed = raw.and_then(|raw| AgentFunction::new(raw.ok()?).ok());
    (fields, changed.unwrap_or_else(|| function.clone()))
}

fn generated(definition: &RetellFunction) -> Map<String, Value> {
    match serde_json::to_value(definition) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn function_of(definition: &RetellFunction) -> Option<AgentFunction> {
    let json: Box<RawValue> = to_raw_value(definition).ok()?;
    AgentFunction::new(json).ok()
}

/// Whether two values are the same, however their numbers are written.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| is_same(value, other))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::tool::Tool;
    use std::time::Duration;

    const URL: &str = "https://example.org/agents/retell/salon/functions";
    /// A number that does not survive being read, keys that are not sorted, and blanks.
    const OTHERS: [&str; 4] = [
        r#"{"type":"end_call",  "name":"end_call"}"#,
        r#"{"type":"custom","url":"https://other.example/x","name":"loyalty","z":1.10,"a":123456789012345678901234567890}"#,
        r#"{"type":"custom","name":"near","url":"https://example.org/agents/retell/salon/functions-of-others"}"#,
        r#"{"type":"transfer_call","name":"to_staff","number":"+4930123456","url":"https://example.org/agents/retell/salon/functions"}"#,
    ];

    fn settings() -> FunctionSettings {
        FunctionSettings::new(URL.parse().unwrap())
    }

    fn functions<'a>(json: impl IntoIterator<Item = &'a str>) -> Vec<AgentFunction> {
        let read = |json| serde_json::from_str(json).unwrap();
        json.into_iter().map(read).collect()
    }

    fn json(functions: &[AgentFunction]) -> Vec<&str> {
        functions.iter().map(AgentFunction::json).collect()
    }

    fn changed(name: &str, fields: &[&str]) -> FunctionChange {
        FunctionChange::Change {
            name: name.to_owned(),
            fields: fields.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn what_is_missing_is_added_behind_others_that_stay_byte_for_byte() {
        let current = functions(OTHERS);
        let changes = diff(&current, &settings());
        assert_eq!(changes.len(), Tool::ALL.len());
        assert!(
            changes
                .iter()
                .all(|change| matches!(change, FunctionChange::Add { .. }))
        );
        let after = apply(&current, &settings());
        assert_eq!(json(&after[..OTHERS.len()]), OTHERS);
        // Applied, there is nothing left to do, and nothing is touched.
        assert_eq!(diff(&after, &settings()), []);
        assert_eq!(apply(&after, &settings()), after);
    }

    #[test]
    fn of_ours_what_differs_is_changed_and_what_is_not_generated_is_kept() {
        let mut after = apply(&[], &settings());
        let edited = after[0].json().replace(
            r#""timeout_ms":15000"#,
            r#""timeout_ms":15000.0,"headers":{"x":"y"}"#,
        );
        after[0] = functions([edited.as_str()]).remove(0);
        // Only written differently.
        assert_eq!(diff(&after, &settings()), []);
        assert_eq!(apply(&after, &settings())[0].json(), edited);
        let slower = settings().with_timeout(Duration::from_secs(20));
        let changes = diff(&after, &slower);
        assert_eq!(changes[0], changed("list_services", &["timeout_ms"]));
        let first = &apply(&after, &slower)[0];
        let first: Value = serde_json::from_str(first.json()).unwrap();
        assert_eq!(
            (&first["timeout_ms"], &first["headers"]["x"]),
            (&20_000.into(), &"y".into())
        );
    }

    #[test]
    fn what_is_switched_off_is_removed_only_if_it_asks_our_url() {
        let all = apply(&[], &settings());
        let without = settings().without(Tool::CancelAppointment);
        let name = "cancel_appointment".to_owned();
        assert_eq!(diff(&all, &without), [FunctionChange::Remove { name }]);
        assert_eq!(apply(&all, &without), apply(&[], &without));
        let foreign =
            r#"{"type":"custom","name":"cancel_appointment","url":"https://other.example"}"#;
        let mut current = apply(&[], &without);
        current.extend(functions([foreign]));
        assert_eq!(diff(&current, &without), []);
    }

    #[test]
    fn a_custom_function_of_the_same_name_becomes_ours() {
        let old = r#"{"type":"custom","name":"list_services","url":"https://other.example","args_at_root":true}"#;
        let current = functions([old]);
        let change = &diff(&current, &settings())[0];
        let FunctionChange::Change { name, fields } = change else {
            panic!("{change}")
        };
        assert_eq!(name, "list_services");
        assert!(fields.contains(&"url".to_owned()) && fields.contains(&"args_at_root".to_owned()));
        // With the arguments alone, each has a path of its own, which is ours as well.
        let alone = settings().with_arguments_only(true);
        let after = apply(&apply(&current, &settings()), &alone);
        assert_eq!(diff(&after, &alone), []);
        assert_eq!(after.len(), Tool::ALL.len());
    }

    #[test]
    fn a_name_that_something_else_has_is_reported() {
        let taken = r#"{"type":"check_availability_cal","name":"check_availability","cal_api_key":"cal_secret"}"#;
        let current = functions([taken]);
        let changes = diff(&current, &settings());
        let expected = FunctionChange::NameTaken {
            name: "check_availability".to_owned(),
            kind: "check_availability_cal".to_owned(),
        };
        assert_eq!(changes[0], expected);
        assert_eq!(changes.len(), Tool::ALL.len());
        assert!(!format!("{current:?}").contains("cal_secret"));
    }

    #[test]
    fn a_second_one_of_the_same_name_is_removed() {
        let mut current = apply(&[], &settings());
        current.push(current[0].clone());
        let name = "list_services".to_owned();
        assert_eq!(
            diff(&current, &settings()),
            [FunctionChange::Remove { name }]
        );
    }
}
