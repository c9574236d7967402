//! Settings that are either on, with values, or off.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// A setting of an event type that is either on, with values, or off.
///
/// The API represents off as `{"disabled": true}`. In an update, `Off` disables a setting; leaving
/// the setting out leaves it unchanged.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting<T> {
    /// On, with these values.
    On(T),
    /// Off.
    Off,
    /// A shape that this version of the crate does not know, kept as received.
    Other(Value),
}

impl<T> Setting<T> {
    /// Returns the values, if the setting is on and known.
    pub fn on(&self) -> Option<&T> {
        match self {
            Self::On(values) => Some(values),
            Self::Off | Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for Setting<T> {
    fn from(values: T) -> Self {
        Self::On(values)
    }
}

impl<T: Serialize> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On(values) => values.serialize(serializer),
            Self::Off => json!({"disabled": true}).serialize(serializer),
            Self::Other(shape) => shape.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = Value::deserialize(deserializer)?;
        if shape.get("disabled") == Some(&Value::Bool(true)) {
            let nothing_else = shape.as_object().is_some_and(|fields| fields.len() == 1);
            return Ok(if nothing_else {
                Self::Off
            } else {
                Self::Other(shape)
            });
        }
        // Serde would interpret a number as the index of a variant.
        let has_kind = shape.get("type").is_none_or(Value::is_string);
        let values = has_kind.then(|| T::deserialize(&shape).ok()).flatten();
        Ok(values.map_or(Self::Other(shape), Self::On))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_on_off_or_kept() {
        let read = |shape: Value| serde_json::from_value::<Setting<Vec<u8>>>(shape).unwrap();
        assert_eq!(read(json!([1, 2])), Setting::On(vec![1, 2]));
        assert_eq!(read(json!({"disabled": true})), Setting::Off);
        for shape in [json!({"disabled": true, "since": 7}), json!({}), json!(7)] {
            assert_eq!(read(shape.clone()), Setting::Other(shape.clone()));
            assert_eq!(serde_json::to_value(read(shape.clone())).unwrap(), shape);
        }
    }
}
