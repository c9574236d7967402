//! Answers of the tools as results of calls.

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};

use crate::agents::{Answer, Outcome};

/// The result of a call.
pub(super) fn result(answer: &Answer) -> Result<CallToolResult, ErrorData> {
    let json = serde_json::to_string(&answer.result).map_err(unwritable)?;
    let content = vec![ContentBlock::text(&answer.say), ContentBlock::text(json)];
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(serde_json::to_value(answer).map_err(unwritable)?);
    result.is_error = Some(answer.result == Outcome::Unavailable);
    Ok(result)
}

/// The error itself may repeat what could not be written.
pub(super) fn unwritable(_: serde_json::Error) -> ErrorData {
    ErrorData::internal_error("the answer cannot be written", None)
}
