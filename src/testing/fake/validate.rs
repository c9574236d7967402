//! Validation of bodies and queries, with errors in the form of the server's validator.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use crate::testing::zone::time_zone;

pub(super) const BAD_ZONE: (&str, &str) = ("isTimeZone", "timeZone must be a valid IANA time-zone");

/// Whether a property can be left out or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// Collects what is wrong with the properties of an object. The errors come in the order of the
/// checks.
pub(super) struct Checks<'a> {
    target: &'a Map<String, Value>,
    errors: Vec<Value>,
}

impl<'a> Checks<'a> {
    pub(super) fn of(target: &'a Map<String, Value>) -> Self {
        Self {
            target,
            errors: Vec::new(),
        }
    }

    /// A property that is neither absent nor null.
    pub(super) fn given(&self, name: &str) -> Option<&'a Value> {
        self.target.get(name).filter(|value| !value.is_null())
    }

    /// Records which rules a property breaks.
    pub(super) fn fail(&mut self, name: &str, rules: &[(&str, &str)]) {
        let constraints: BTreeMap<&str, &str> = rules.iter().copied().collect();
        let mut error = json!({
            "target": self.target,
            "property": name,
            "children": [],
            "constraints": constraints,
        });
        self.add_value(&mut error, name);
        self.errors.push(error);
    }

    /// Records what is wrong inside a property; nothing if there is nothing.
    pub(super) fn fail_inside(&mut self, name: &str, children: &[Value]) {
        if children.is_empty() {
            return;
        }
        let mut error = json!({"target": self.target, "property": name, "children": children});
        self.add_value(&mut error, name);
        self.errors.push(error);
    }

    /// An absent property has no value in its error, while null is one.
    fn add_value(&self, error: &mut Value, name: &str) {
        if let Some(value) = self.target.get(name) {
            error["value"] = value.clone();
        }
    }

    /// Reads a property, and records `rules` if `read` refuses it or it is missing although it is
    /// required.
    fn read<T>(
        &mut self,
        name: &str,
        need: Need,
        read: impl FnOnce(&'a Value) -> Option<T>,
        rules: &[(&str, &str)],
    ) -> Option<T> {
        let given = self.given(name);
        let value = given.and_then(read);
        if value.is_none() && (given.is_some() || need == Need::Required) {
            self.fail(name, rules);
        }
        value
    }

    pub(super) fn string(&mut self, name: &str, need: Need) -> Option<&'a str> {
        let message = format!("{name} must be a string");
        self.read(name, need, Value::as_str, &[("isString", &message)])
    }

    pub(super) fn boolean(&mut self, name: &str, need: Need) -> Option<bool> {
        let message = format!("{name} must be a boolean value");
        self.read(name, need, Value::as_bool, &[("isBoolean", &message)])
    }

    pub(super) fn array(&mut self, name: &str, need: Need) -> Option<&'a Vec<Value>> {
        let message = format!("{name} must be an array");
        self.read(name, need, Value::as_array, &[("isArray", &message)])
    }

    pub(super) fn number(&mut self, name: &str, need: Need) -> Option<f64> {
        let message = format!("{name} must be a number conforming to the specified constraints");
        self.read(name, need, Value::as_f64, &[("isNumber", &message)])
    }

    /// A whole number of at least `least` and at most `most`, where there are such limits.
    pub(super) fn integer(
        &mut self,
        name: &str,
        need: Need,
        least: Option<i64>,
        most: Option<i64>,
    ) -> Option<i64> {
        let given = self.given(name);
        if given.is_none() && need == Need::Optional {
            return None;
        }
        let size = given.and_then(Value::as_f64);
        let whole = given.and_then(integer);
        let mut broken = Vec::new();
        #[expect(clippy::cast_precision_loss, reason = "limits are small whole numbers")]
        {
            if let Some(most) = most.filter(|most| size.is_none_or(|size| size > *most as f64)) {
                broken.push(("max", format!("{name} must not be greater than {most}")));
            }
            if let Some(least) = least.filter(|least| size.is_none_or(|size| size < *least as f64))
            {
                broken.push(("min", format!("{name} must not be less than {least}")));
            }
        }
        if whole.is_none() {
            broken.push(("isInt", format!("{name} must be an integer number")));
        }
        if broken.is_empty() {
            return whole;
        }
        let rules: Vec<(&str, &str)> = broken.iter().map(|(k, v)| (*k, v.as_str())).collect();
        self.fail(name, &rules);
        None
    }

    pub(super) fn one_of(
        &mut self,
        name: &str,
        need: Need,
        rule: &str,
        words: &[&str],
    ) -> Option<&'a str> {
        let message = format!(
            "{name} must be one of the following values: {}",
            words.join(", ")
        );
        let known = |value: &'a Value| value.as_str().filter(|word| words.contains(word));
        self.read(name, need, known, &[(rule, &message)])
    }

    pub(super) fn time_zone(&mut self, need: Need) -> Option<Tz> {
        self.read("timeZone", need, zone, &[BAD_ZONE])
    }

    /// What is wrong, as children of another error.
    pub(super) fn into_errors(self) -> Vec<Value> {
        self.errors
    }

    pub(super) fn finish(self) -> Result<(), Refusal> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(self.errors))
        }
    }
}

/// Checks the objects of an array, and gives the errors of those that have any.
pub(super) fn check_each(items: &[Value], mut check: impl FnMut(&mut Checks<'_>)) -> Vec<Value> {
    let mut wrong = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let errors = match item {
            Value::Object(item) => {
                let mut checks = Checks::of(item);
                check(&mut checks);
                checks.into_errors()
            }
            _ => Vec::new(),
        };
        let property = index.to_string();
        if !item.is_object() {
            wrong.push(json!({
                "target": items,
                "value": item,
                "property": property,
                "children": [],
                "constraints": {"nestedValidation": "each value in nested property must be either object or array"},
            }));
        } else if !errors.is_empty() {
            wrong.push(
                json!({"target": items, "value": item, "property": property, "children": errors}),
            );
        }
    }
    wrong
}

/// A whole number, also where it is written as `30.0`.
pub(super) fn integer(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the number is whole and within the limits of JavaScript"
    )]
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}

/// A time zone by its IANA name, in any case.
pub(super) fn zone(value: &Value) -> Option<Tz> {
    value.as_str().and_then(time_zone)
}

/// Whether it is an address on the web with a host in a domain.
pub(super) fn is_url(value: &Value) -> bool {
    let Some(url) = value
        .as_str()
        .and_then(|text| text.parse::<url::Url>().ok())
    else {
        return false;
    };
    matches!(url.scheme(), "http" | "https" | "ftp")
        && url.host_str().is_some_and(|host| host.contains('.'))
}
