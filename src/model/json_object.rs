//! Small JSON objects whose keys Cal.com does not fix.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use smol_str::SmolStr;

/// A JSON object whose keys are chosen by whoever wrote it, such as the metadata of a booking.
///
/// Reads like a map, ordered by key. It exists because a [`serde_json::Map`] is costly for the
/// handful of entries that such an object has: reading a page of bookings spent a quarter of its
/// time there. Converts from and into a `Map`.
///
/// `Debug` shows the number of entries, because they may contain personal data.
///
/// ```
/// use calcom::model::JsonObject;
///
/// let responses: JsonObject = serde_json::from_str(r#"{"notes": "ring twice", "floor": 3}"#)?;
/// assert_eq!(responses.get_str("notes"), Some("ring twice"));
/// assert_eq!(responses.get("floor").and_then(|floor| floor.as_i64()), Some(3));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct JsonObject {
    /// Ordered by key, each key once.
    entries: Vec<(SmolStr, Value)>,
}

impl JsonObject {
    /// Creates an empty object.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).ok().map(|place| &self.entries[place].1)
    }

    /// Returns the value of a key, if it is a string.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Returns whether the object has the key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// Sets the value of a key, and returns the value that it replaces.
    pub fn insert(&mut self, key: impl AsRef<str>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.as_ref(), value.into());
        match self.place(key) {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            Err(place) => {
                self.entries.insert(place, (key.into(), value));
                None
            }
        }
    }

    /// Removes a key, and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.place(key)
            .ok()
            .map(|place| self.entries.remove(place).1)
    }

    /// Iterates over the entries, ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Iterates over the keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(other, _)| other.as_str().cmp(key))
    }

    /// Of a key that occurs more than once, the last value counts, as with a `Map`.
    fn from_entries(mut entries: Vec<(SmolStr, Value)>) -> Self {
        // Stable, so that the last of several comes last; and not quadratic, however long a body
        // is.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(&mut later.1, &mut earlier.1);
            }
            same
        });
        Self { entries }
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonObject")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for JsonObject {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entry = |(key, value): (K, V)| (SmolStr::new(key), value.into());
        Self::from_entries(entries.into_iter().map(entry).collect())
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(map: Map<String, Value>) -> Self {
        map.into_iter().collect()
    }
}

impl From<JsonObject> for Map<String, Value> {
    fn from(object: JsonObject) -> Self {
        let entries = object.entries.into_iter();
        entries.map(|(key, value)| (key.into(), value)).collect()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = JsonObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(JsonObject::from_entries(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// A key, read without a `String` in between.
struct Key(SmolStr);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| Ok(Self(SmolStr::new(text)));
        deserializer.deserialize_str(super::word::Word(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The keys are few, so that some occur twice.
        #[test]
        fn an_object_reads_like_a_map(entries in proptest::collection::vec(("[a-d]{0,2}", any::<i32>()), 0..20)) {
            let fields: Vec<String> = entries.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
            let text = format!("{{{}}}", fields.join(","));
            let map: Map<String, Value> = serde_json::from_str(&text).unwrap();
            let object: JsonObject = serde_json::from_str(&text).unwrap();

            prop_assert_eq!(&Map::from(object.clone()), &map);
            prop_assert_eq!(&JsonObject::from(map.clone()), &object);
            prop_assert_eq!(&entries.iter().cloned().collect::<JsonObject>(), &object);
            prop_assert_eq!(serde_json::to_string(&object).unwrap(), serde_json::to_string(&map).unwrap());
            prop_assert_eq!(object.len(), map.len());
            for (key, value) in &map {
                prop_assert_eq!(object.get(key), Some(value));
            }
        }

        #[test]
        fn entries_are_set_and_removed_like_those_of_a_map(
            acts in proptest::collection::vec(("[a-d]{0,2}", proptest::option::of(any::<i32>())), 0..20),
        ) {
            let (mut map, mut object) = (Map::new(), JsonObject::new());
            for (key, value) in acts {
                match value {
                    Some(value) => prop_assert_eq!(object.insert(&key, value), map.insert(key, value.into())),
                    None => prop_assert_eq!(object.remove(&key), map.remove(&key)),
                }
            }
            prop_assert_eq!(Map::from(object), map);
        }
    }

    #[test]
    fn what_is_no_object_is_refused_and_nothing_of_it_is_shown() {
        let refused = serde_json::from_str::<JsonObject>(r#"["ring twice"]"#).unwrap_err();
        assert!(!refused.to_string().contains("ring"), "{refused}");
        let object: JsonObject = serde_json::from_str(r#"{"notes": "ring twice"}"#).unwrap();
        assert_eq!(format!("{object:?}"), "JsonObject { len: 1, .. }");
    }
}
