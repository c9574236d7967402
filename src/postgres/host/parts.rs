//! The parts of an appointment that a host's table can hold, each in a column of its own.

use super::table::{EventTypeOf, HostTable, TimeZoneOf};
use crate::model::UserId;
use crate::store::{AppointmentWrite, StoreError, StoreErrorKind};

/// A part of an appointment that the engine writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Origin,
    Status,
    Start,
    End,
    UpdatedAt,
    Name,
    EventType,
    Service,
    TimeZone,
    Email,
    Phone,
    Language,
    Host,
    Location,
    Guests,
    Notes,
    Absent,
    Reason,
}

/// What a column has to be able to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A text, an enum, or anything else that has a text of its own.
    Text,
    /// Whatever has a text, numbers among it.
    Anything,
    Integer,
    Time,
    Boolean,
    Texts,
}

/// A value, as it is bound to a statement.
#[derive(Debug)]
pub(super) enum Value {
    Text(Option<String>),
    /// Of times, microseconds since 1970.
    Integer(Option<i64>),
    Boolean(Option<bool>),
    Texts(Option<Vec<String>>),
}

impl Value {
    fn text(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl Part {
    /// The name under which a statement returns it.
    pub(super) fn alias(self) -> &'static str {
        match self {
            Self::Origin => "row_origin",
            Self::Status => "row_status",
            Self::Start => "row_start",
            Self::End => "row_end",
            Self::UpdatedAt => "row_updated_at",
            Self::Name => "row_name",
            Self::EventType => "row_event_type",
            Self::Service => "row_service",
            Self::TimeZone => "row_time_zone",
            Self::Email => "row_email",
            Self::Phone => "row_phone",
            Self::Language => "row_language",
            Self::Host => "row_host",
            Self::Location => "row_location",
            Self::Guests => "row_guests",
            Self::Notes => "row_notes",
            Self::Absent => "row_absent",
            Self::Reason => "row_reason",
        }
    }

    pub(super) fn holds(self) -> Holds {
        match self {
            Self::Start | Self::End | Self::UpdatedAt => Holds::Time,
            Self::EventType | Self::Host => Holds::Integer,
            Self::Absent => Holds::Boolean,
            Self::Guests => Holds::Texts,
            Self::Service => Holds::Anything,
            _ => Holds::Text,
        }
    }

    /// Whether an appointment can be without it, so that its column has to take NULL.
    pub(super) fn is_optional(self) -> bool {
        self.is_kept_if_unknown()
            || matches!(
                self,
                Self::Email | Self::Phone | Self::Language | Self::Reason
            )
    }

    /// Whether a row keeps it if the engine does not know it.
    pub(super) fn is_kept_if_unknown(self) -> bool {
        matches!(
            self,
            Self::Host | Self::Location | Self::Guests | Self::Notes | Self::Absent
        )
    }

    /// What is written into its column.
    pub(super) fn value(
        self,
        table: &HostTable,
        write: &AppointmentWrite,
    ) -> Result<Value, StoreError> {
        let (state, person) = (&write.state, &write.state.attendee);
        Ok(match self {
            Self::Origin => Value::text(table.word_of_origin(&write.origin)),
            Self::Status => Value::text(table.word_of(state.status)),
            Self::Start => Value::Integer(Some(state.start.timestamp_micros())),
            Self::End => Value::Integer(Some(state.end.timestamp_micros())),
            Self::UpdatedAt => Value::Integer(Some(write.at.timestamp_micros())),
            Self::Name => Value::text(&person.name),
            Self::EventType => Value::Integer(Some(state.event_type.get())),
            Self::Service => {
                let service = table.service_of(state.event_type).ok_or_else(|| {
                    let message = format!("no service has the event type {}", state.event_type);
                    StoreError::new(StoreErrorKind::Invalid, message)
                })?;
                Value::text(service)
            }
            Self::TimeZone => Value::text(&person.time_zone),
            Self::Email => Value::Text(person.email.clone()),
            Self::Phone => Value::Text(person.phone_number.clone()),
            Self::Language => Value::Text(person.language.clone()),
            Self::Host => Value::Integer(state.host.map(UserId::get)),
            Self::Location => Value::Text(state.location.as_ref().map(|p| p.as_str().to_owned())),
            Self::Guests => {
                let guests = state.guests.as_ref();
                Value::Texts(guests.map(|guests| guests.iter().map(str::to_owned).collect()))
            }
            Self::Notes => Value::Text(state.notes.as_ref().map(|n| n.as_str().to_owned())),
            Self::Absent => Value::Boolean(state.absent),
            Self::Reason => Value::Text(write.reason.as_ref().map(|r| r.as_str().to_owned())),
        })
    }
}

impl HostTable {
    /// The parts that the table holds, each with the name of its column.
    pub(super) fn parts(&self) -> Vec<(Part, &str)> {
        let event_type = match &self.event_type {
            EventTypeOf::Column(column) => (Part::EventType, Some(column)),
            EventTypeOf::Service(column, _) => (Part::Service, Some(column)),
        };
        let time_zone = match &self.time_zone {
            TimeZoneOf::Column(column) => Some(column),
            TimeZoneOf::Fixed(_) => None,
        };
        let columns = [
            (Part::Origin, Some(&self.origin)),
            (Part::Status, Some(&self.status)),
            (Part::Start, Some(&self.start)),
            (Part::End, Some(&self.end)),
            (Part::UpdatedAt, Some(&self.updated_at)),
            (Part::Name, Some(&self.name)),
            event_type,
            (Part::TimeZone, time_zone),
            (Part::Email, self.email.as_ref()),
            (Part::Phone, self.phone.as_ref()),
            (Part::Language, self.language.as_ref()),
            (Part::Host, self.host.as_ref()),
            (Part::Location, self.location.as_ref()),
            (Part::Guests, self.guests.as_ref()),
            (Part::Notes, self.notes.as_ref()),
            (Part::Absent, self.absent.as_ref()),
            (Part::Reason, self.reason.as_ref()),
        ];
        let named = columns.into_iter();
        let named = named.filter_map(|(part, column)| Some((part, column?.as_str())));
        named.collect()
    }
}
