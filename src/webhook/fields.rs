//! Reading an object field by field, so that nothing in it is lost.
//!
//! A field is taken out of the object if its value has the expected type. Keys that no field names,
//! and values of another type, stay in `extra` under their own name: an odd value costs neither the
//! event nor itself. `null` is read as absent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::booking::EventStatus;
use crate::model::{
    AttendeeId, BookingId, BookingUid, EventTypeId, SeatUid, TeamId, Trigger, UserId, parse_instant,
};

/// A type that a field can have.
pub(super) trait Read: Sized {
    /// Reads a value; `None` if it is of another type.
    fn read(value: &Value) -> Option<Self>;
}

macro_rules! read_by_serde {
    ($($type:ty),+ $(,)?) => {
        $(impl Read for $type {
            fn read(value: &Value) -> Option<Self> {
                Self::deserialize(value).ok()
            }
        })+
    };
}

read_by_serde!(
    bool,
    i64,
    String,
    Value,
    AttendeeId,
    BookingId,
    BookingUid,
    EventTypeId,
    SeatUid,
    TeamId,
    UserId,
    EventStatus,
);

impl Read for DateTime<Utc> {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().and_then(parse_instant)
    }
}

impl Read for Map<String, Value> {
    fn read(value: &Value) -> Option<Self> {
        value.as_object().cloned()
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(value: &Value) -> Option<Self> {
        let entries = value.as_object()?.iter();
        entries
            .map(|(key, value)| Some((key.clone(), T::read(value)?)))
            .collect()
    }
}

/// Takes a field out of an object; a value of another type stays where it is.
pub(super) fn take<T: Read>(object: &mut Map<String, Value>, key: &str) -> Option<T> {
    let value = object.get(key)?;
    let read = if value.is_null() {
        None
    } else {
        Some(T::read(value)?)
    };
    object.remove(key);
    read
}

/// The top-level keys of a delivery.
pub(super) struct Envelope {
    pub(super) trigger: Trigger,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) root: Map<String, Value>,
}

/// Serializes an event in Cal.com's format: `triggerEvent`, `createdAt`, any other top-level keys,
/// `payload`.
pub(super) fn write_delivery<S: Serializer>(
    serializer: S,
    trigger: &Trigger,
    created_at: Option<&DateTime<Utc>>,
    root: &Map<String, Value>,
    payload: &impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("triggerEvent", trigger)?;
    if let Some(created_at) = created_at {
        map.serialize_entry("createdAt", created_at)?;
    }
    for (key, value) in root {
        map.serialize_entry(key, value)?;
    }
    map.serialize_entry("payload", payload)?;
    map.end()
}

/// Declares a part of a payload. Every field is optional; `shows` lists what `Debug` may show.
macro_rules! part {
    (
        $(#[$doc:meta])*
        $name:ident shows [$($shown:ident),*] {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)+
            /// Keys without a field of their own, and values that are not of their field's type,
            /// under their own names.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $crate::webhook::fields::Read for $name {
            fn read(value: &serde_json::Value) -> Option<Self> {
                let mut extra = value.as_object()?.clone();
                Some(Self {
                    $($field: $crate::webhook::fields::take(&mut extra, $key),)+
                    extra,
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field {
                    map.serialize_entry($key, value)?;
                })+
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($shown), &self.$shown))*
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Declares an event: the envelope, what it cannot do without, and the fields of its payload.
macro_rules! event {
    (
        $(#[$doc:meta])*
        $name:ident shows [$($shown:ident),*]
        $(requires ($(#[$required_doc:meta])* $required:ident: $required_type:ty = $required_key:literal))?
        {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            /// What happened.
            pub trigger: $crate::model::Trigger,
            /// When the delivery was built; for flat bodies, when the booking was made.
            pub created_at: Option<chrono::DateTime<chrono::Utc>>,
            $($(#[$required_doc])* pub $required: $required_type,)?
            $($(#[$field_doc])* pub $field: Option<$type>,)+
            /// Keys of the payload without a field of their own, and values that are not of their
            /// field's type, under their own names.
            pub extra: serde_json::Map<String, serde_json::Value>,
            /// What stands beside the payload, other than the trigger and the time.
            pub root: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            /// Reads a payload; gives the envelope back if it is no object, or lacks what is
            /// required.
            pub(super) fn read(
                envelope: $crate::webhook::fields::Envelope,
                payload: &serde_json::Value,
            ) -> Result<Self, $crate::webhook::fields::Envelope> {
                let Some(mut extra) = payload.as_object().cloned() else {
                    return Err(envelope);
                };
                $(let Some($required) = $crate::webhook::fields::take(&mut extra, $required_key) else {
                    return Err(envelope);
                };)?
                Ok(Self {
                    trigger: envelope.trigger,
                    created_at: envelope.created_at,
                    $($required,)?
                    $($field: $crate::webhook::fields::take(&mut extra, $key),)+
                    extra,
                    root: envelope.root,
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                struct Payload<'a>(&'a $name);

                impl serde::Serialize for Payload<'_> {
                    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                        use serde::ser::SerializeMap;
                        let mut map = serializer.serialize_map(None)?;
                        $(map.serialize_entry($required_key, &self.0.$required)?;)?
                        $(if let Some(value) = &self.0.$field {
                            map.serialize_entry($key, value)?;
                        })+
                        for (key, value) in &self.0.extra {
                            map.serialize_entry(key, value)?;
                        }
                        map.end()
                    }
                }

                $crate::webhook::fields::write_delivery(
                    serializer,
                    &self.trigger,
                    self.created_at.as_ref(),
                    &self.root,
                    &Payload(self),
                )
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("trigger", &self.trigger)
                    $(.field(stringify!($shown), &self.$shown))*
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use {event, part};
