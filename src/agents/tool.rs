//! The tools, and how they are described to a model.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use super::input;
use super::outcome::{Answer, Item};

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tool {
    /// Whether a time is free, or which times of a day are.
    CheckAvailability,
    /// The earliest free slot, or the one nearest to a wish.
    FindNextSlot,
    /// Free slots near a time that is not free.
    FindAlternatives,
    /// How long several services take, one after the other.
    CalculateDuration,
    /// What can be booked.
    ListServices,
    /// Checks what was understood so far.
    CollectAppointmentData,
    /// Takes an appointment.
    BookAppointment,
    /// The caller's coming appointments.
    FindAppointments,
    /// Moves an appointment of the caller's.
    MoveAppointment,
    /// Cancels an appointment of the caller's.
    CancelAppointment,
}

/// How a tool behaves, in MCP's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolHints {
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether it changes or removes what is there.
    pub destructive: bool,
    /// Whether repeating a call with the same arguments changes nothing more.
    pub idempotent: bool,
}

/// How a tool is described to a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ToolDefinition {
    /// The tool.
    #[serde(rename = "name")]
    pub tool: Tool,
    /// A title for people.
    pub title: &'static str,
    /// What it does and when to call it, for the model.
    pub description: &'static str,
    /// The JSON Schema of its arguments. Its top level is an object.
    pub parameters: serde_json::Value,
}

impl Tool {
    /// All tools.
    pub const ALL: [Self; 10] = [
        Self::ListServices,
        Self::CheckAvailability,
        Self::FindNextSlot,
        Self::FindAlternatives,
        Self::CalculateDuration,
        Self::CollectAppointmentData,
        Self::BookAppointment,
        Self::FindAppointments,
        Self::MoveAppointment,
        Self::CancelAppointment,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CheckAvailability => "check_availability",
            Self::FindNextSlot => "find_next_slot",
            Self::FindAlternatives => "find_alternatives",
            Self::CalculateDuration => "calculate_duration",
            Self::ListServices => "list_services",
            Self::CollectAppointmentData => "collect_appointment_data",
            Self::BookAppointment => "book_appointment",
            Self::FindAppointments => "find_appointments",
            Self::MoveAppointment => "move_appointment",
            Self::CancelAppointment => "cancel_appointment",
        }
    }

    /// How it behaves. All tools are idempotent.
    pub fn hints(self) -> ToolHints {
        let destructive = matches!(self, Self::MoveAppointment | Self::CancelAppointment);
        ToolHints {
            read_only: !destructive && self != Self::BookAppointment,
            destructive,
            idempotent: true,
        }
    }

    /// A title for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::CheckAvailability => "Check availability",
            Self::FindNextSlot => "Find the next slot",
            Self::FindAlternatives => "Find alternatives",
            Self::CalculateDuration => "Calculate a duration",
            Self::ListServices => "List services",
            Self::CollectAppointmentData => "Collect appointment data",
            Self::BookAppointment => "Book an appointment",
            Self::FindAppointments => "Find appointments",
            Self::MoveAppointment => "Move an appointment",
            Self::CancelAppointment => "Cancel an appointment",
        }
    }

    /// What it does and when to call it, for a model.
    pub fn description(self) -> &'static str {
        match self {
            Self::CheckAvailability => {
                "Says whether a time is free, or which times of a day are free. Call it before you promise a time."
            }
            Self::FindNextSlot => {
                "Finds the earliest free slot, or the free slot nearest to what the caller would like, such as \
                 \"Thursday afternoon\"."
            }
            Self::FindAlternatives => {
                "Finds up to five free slots within seven days around a time that is not free, the nearest first."
            }
            Self::CalculateDuration => "Says how long several services take, one after the other.",
            Self::ListServices => "Lists what can be booked, with the length of each service.",
            Self::CollectAppointmentData => {
                "Checks what you have understood so far and says what is missing or ambiguous. Books nothing. Call it \
                 whenever the caller has told you something, with everything that you know."
            }
            Self::BookAppointment => {
                "Books an appointment. Call it only after the caller has agreed to service, day and time. If the time \
                 is taken, it answers with alternatives and books nothing."
            }
            Self::FindAppointments => "Lists the caller's coming appointments.",
            Self::MoveAppointment => {
                "Moves one of the caller's appointments to another time. Call it only after the caller has agreed to \
                 the new time."
            }
            Self::CancelAppointment => {
                "Cancels one of the caller's appointments. Call it only after the caller has said clearly that they \
                 want it cancelled."
            }
        }
    }

    /// The JSON Schema of its arguments. Its top level is an object.
    pub fn parameters(self) -> serde_json::Value {
        match self {
            Self::CheckAvailability => schema::<input::CheckAvailability>(),
            Self::FindNextSlot => schema::<input::FindNextSlot>(),
            Self::FindAlternatives => schema::<input::FindAlternatives>(),
            Self::CalculateDuration => schema::<input::CalculateDuration>(),
            Self::ListServices => schema::<input::ListServices>(),
            Self::CollectAppointmentData => schema::<input::CollectAppointmentData>(),
            Self::BookAppointment => schema::<input::BookAppointment>(),
            Self::FindAppointments => schema::<input::FindAppointments>(),
            Self::MoveAppointment => schema::<input::MoveAppointment>(),
            Self::CancelAppointment => schema::<input::CancelAppointment>(),
        }
    }

    /// The JSON Schema of every answer. Its top level is an object.
    pub fn answer_schema() -> serde_json::Value {
        // What may be left out of an answer is not required there.
        inlined::<Answer>(SchemaSettings::draft2020_12().for_serialize())
    }

    /// How it is described to a model.
    pub fn definition(self) -> ToolDefinition {
        ToolDefinition {
            tool: self,
            title: self.title(),
            description: self.description(),
            parameters: self.parameters(),
        }
    }

    /// What it cannot do without.
    pub(super) fn needs(self) -> &'static [Item] {
        match self {
            Self::CheckAvailability | Self::FindAlternatives => &[Item::Service, Item::Date],
            Self::FindNextSlot => &[Item::Service],
            Self::CalculateDuration => &[Item::Services],
            Self::BookAppointment => &[Item::Service, Item::Date, Item::Time, Item::Name],
            Self::MoveAppointment => &[Item::Date, Item::Time],
            Self::CancelAppointment => &[Item::Appointment],
            Self::ListServices | Self::CollectAppointmentData | Self::FindAppointments => &[],
        }
    }
}

/// A schema without references, as voice providers want it.
fn schema<T: JsonSchema>() -> serde_json::Value {
    inlined::<T>(SchemaSettings::draft2020_12())
}

fn inlined<T: JsonSchema>(mut settings: SchemaSettings) -> serde_json::Value {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.remove("description");
    schema.to_value()
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no tool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no tool of this name")]
#[non_exhaustive]
pub struct UnknownTool;

impl FromStr for Tool {
    type Err = UnknownTool;

    fn from_str(name: &str) -> Result<Self, UnknownTool> {
        let mut all = Self::ALL.into_iter();
        all.find(|tool| tool.as_str() == name).ok_or(UnknownTool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_an_object_without_references() {
        for tool in Tool::ALL {
            let schema = tool.parameters();
            assert_eq!(schema["type"], "object", "{tool}");
            assert!(!schema.to_string().contains("$ref"), "{tool}");
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{tool}: {name}");
                assert!(property.get("default").is_none(), "{tool}: {name}");
            }
            for required in schema["required"].as_array().unwrap() {
                assert!(
                    schema["properties"]
                        .get(required.as_str().unwrap())
                        .is_some(),
                    "{tool}"
                );
            }
            assert_eq!(tool.as_str().parse(), Ok(tool));
        }
        assert_eq!(Tool::answer_schema()["type"], "object");
        // Without any reading, a doubt has no list of them.
        let answers = Tool::answer_schema().to_string();
        assert!(answers.contains("\"readings\"") && !answers.contains("\"readings\"]"));
    }
}
