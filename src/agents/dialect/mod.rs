//! Dialects: how voice providers and language models call the tools and read their answers.
//!
//! All of it is pure: bytes come in and values go out, whatever the bytes are. Who sent them is for the
//! transport to verify first.

pub mod openai;
pub mod retell;

use std::fmt;

use serde_json::Value;

use super::caller::Caller;
use super::tool::Tool;

/// The longest language tag and the longest name of a conversation that are read.
const LONGEST_NAME: usize = 200;

/// A call of a tool, as a provider sent it. `Debug` does not show the arguments.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The tool, or why there is none.
    pub tool: Result<Tool, NoTool>,
    /// The arguments as the model made them: not necessarily an object.
    pub arguments: Value,
    /// Who calls.
    pub caller: Caller,
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("tool", &self.tool)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// Why a request calls no tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NoTool {
    /// The body is not JSON.
    #[error("the body is not JSON")]
    Unreadable,
    /// Neither the body nor the URL names a tool.
    #[error("no tool is named")]
    Unnamed,
    /// There is no tool of the name.
    #[error("there is no tool of this name")]
    Unknown,
}

impl NoTool {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Unnamed => "unnamed",
            Self::Unknown => "unknown",
        }
    }
}

/// The tool of the first name that one has.
fn tool_of<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Result<Tool, NoTool> {
    let mut none = NoTool::Unnamed;
    for name in names.into_iter().flatten() {
        match name.trim().parse() {
            Ok(tool) => return Ok(tool),
            Err(_) => none = NoTool::Unknown,
        }
    }
    Err(none)
}

/// A text that can name something: neither empty, nor longer than a name, nor with control characters.
fn name_of(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let is_name =
        !text.is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control);
    is_name.then(|| text.to_owned())
}

/// A language tag, such as `de` or `de-AT`.
fn language_of(value: Option<&Value>) -> Option<String> {
    let tag = name_of(value)?;
    let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    tag.chars().all(is_tag).then_some(tag)
}
