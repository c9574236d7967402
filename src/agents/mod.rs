//! Tools with which an agent, by voice or by MCP, finds, takes, moves and cancels appointments.
//!
//! The [`Tools`] know nothing of a transport. Each [`Tool`] has a typed input with a JSON Schema and
//! answers with an [`Answer`]: an [`Outcome`] for a program, and a sentence that can be said aloud in the
//! caller's [`Language`].
//!
//! - A call that is repeated does nothing twice: a booking has a key that is derived from the conversation
//!   and the arguments, and what is moved or cancelled already stays so.
//! - A slot that is offered is free on both sides.
//! - Nothing is ever an error to the agent: what is missing, taken, unclear or not available is an
//!   outcome with a sentence of its own.
//! - A customer sees, moves and cancels what was taken under the number that they call from, and nothing
//!   else; whoever works for the tenant may name any number.
//! - An answer is there [in time](ToolsConfig::answer_within): what takes longer is accepted, and said so.
//!
//! How voice providers and language models ask is in [`dialect`]; the tools as an MCP server are in `mcp`
//! (feature `mcp`).

mod books;
mod caller;
mod console;
pub mod dialect;
mod input;
mod language;
#[cfg(feature = "mcp")]
pub mod mcp;
mod outcome;
#[cfg(feature = "client")]
pub mod retell;
mod settings;
mod spoken;
mod tool;
mod tools;
mod trial;
mod when;

pub use caller::{Caller, Standing};
pub use console::{
    AgentConsole, AgentFunctionLine, AgentPanel, ConsoleError, ConsoleErrorKind, PushPlan,
};
pub use input::{
    BookAppointment, CalculateDuration, CancelAppointment, CheckAvailability,
    CollectAppointmentData, FindAlternatives, FindAppointments, FindNextSlot, ListServices,
    MoveAppointment,
};
pub use language::{English, German, Language, Scene};
pub use outcome::{
    Answer, Collected, Doubt, Item, Kept, Offer, Outcome, Problem, Progress, Reading, Refusal,
    ServiceLine,
};
pub use settings::{AgentSettings, AgentSettingsStore, AgentVersion, BranchAgent, Pushed};
pub use spoken::Spoken;
pub use tool::{Tool, ToolDefinition, ToolHints};
pub use tools::{Tools, ToolsBuilder, ToolsConfig};
pub use trial::{Endpoint, EndpointAnswer, Trial, TrialParams, TrialStep, TrialSteps, play};
pub use when::{When, WhenTime};
