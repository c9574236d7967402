//! A text that a language model has understood.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::model::clean_line;

/// A text that a language model has understood, cleaned and bounded as [`clean_line`] does it. `Debug` does
/// not show it.
///
/// Models are careless with types: a number, a truth value, `null`, the words `null` and `none`, and a
/// text of blanks are all read; lists and objects are read as nothing. What says nothing is
/// [empty](Self::is_empty).
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Spoken(String);

impl Spoken {
    /// A text, cleaned and bounded.
    pub fn new(text: impl AsRef<str>) -> Self {
        let line = clean_line(text.as_ref());
        let text = line.trim();
        let says_nothing = ["null", "none", "undefined", "n/a"];
        if says_nothing
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
        {
            return Self::default();
        }
        Self(text.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text; `None` if nothing was said.
    pub fn said(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "[nothing]"
        } else {
            "[private]"
        })
    }
}

impl<T: AsRef<str>> From<T> for Spoken {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl Serialize for Spoken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Spoken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyWords)
    }
}

struct AnyWords;

impl<'de> Visitor<'de> for AnyWords {
    type Value = Spoken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Spoken, E> {
        Ok(Spoken::new(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Spoken, E> {
        Ok(Spoken::new(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Spoken, E> {
        Ok(Spoken::new(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Spoken, E> {
        Ok(Spoken::new(number.to_string()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Spoken, E> {
        Ok(Spoken::new(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Spoken, E> {
        Ok(Spoken::default())
    }

    fn visit_none<E>(self) -> Result<Spoken, E> {
        Ok(Spoken::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Spoken, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Spoken, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Spoken::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Spoken, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Spoken::default())
    }
}

/// How many texts of a list are read.
const MOST: usize = 50;

/// Reads a list of texts, or one text for a list of one.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Spoken>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Many(Vec<Spoken>),
        One(Spoken),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Many(many) => many.into_iter().take(MOST).collect(),
        OneOrMany::One(one) => vec![one],
    })
}

impl JsonSchema for Spoken {
    fn schema_name() -> Cow<'static, str> {
        "Spoken".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LINE_LIMIT;

    fn read(json: &str) -> Spoken {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn whatever_a_model_sends_is_read() {
        assert_eq!(read(r#""  Ann\u0007  ""#).as_str(), "Ann");
        assert_eq!(read("4930123456").as_str(), "4930123456");
        assert_eq!(read("-1").as_str(), "-1");
        assert_eq!(read("1.5").as_str(), "1.5");
        assert_eq!(read("true").as_str(), "true");
        for nothing in [
            "null",
            r#""""#,
            r#"" ""#,
            r#""Null""#,
            r#""none""#,
            "[1, [2]]",
            r#"{"a": {}}"#,
        ] {
            assert!(read(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn it_is_bounded_and_private() {
        let long = Spoken::new("ä".repeat(10_000));
        assert_eq!(long.as_str().chars().count(), LINE_LIMIT);
        assert_eq!(format!("{long:?}"), "[private]");
    }
}
