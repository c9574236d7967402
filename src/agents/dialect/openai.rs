//! Tool calls as OpenAI's APIs and the many that imitate them write them.
//!
//! Both forms are understood: items of type `function_call` of the Responses API, and `tool_calls` of a
//! chat message. A call is answered in the form in which it came, by its own id.

use serde_json::{Value, json};

use super::{NoTool, ToolCall, language_of, name_of, tool_of};
use crate::agents::caller::Caller;
use crate::agents::outcome::Answer;
use crate::agents::tool::Tool;

/// How many calls of one request are read.
pub const MOST_CALLS: usize = 16;

/// One of the calls of a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OpenAiCall {
    /// The call's id, by which it is answered.
    pub id: String,
    /// What is called.
    pub call: ToolCall,
    is_chat: bool,
}

/// The definitions of tools, for the `tools` of a request to the Responses API.
pub fn definitions(tools: impl IntoIterator<Item = Tool>) -> Vec<Value> {
    let define = |tool: Tool| {
        json!({
            "type": "function",
            "name": tool.as_str(),
            "description": tool.description(),
            "parameters": tool.parameters(),
            // The strict mode wants every parameter to be required.
            "strict": false,
        })
    };
    tools.into_iter().map(define).collect()
}

/// The calls of a request: a call, a list of them, a chat message with `tool_calls`, or a response with
/// an `output`. What is no call is left out, and so is everything after [`MOST_CALLS`] calls.
///
/// Beside `tool_calls` or `output`, `conversation` may name the conversation and `language` the caller's
/// language. Whoever calls is a [program](Caller::program) of the tenant's.
pub fn read_calls(body: &Value) -> Vec<OpenAiCall> {
    let caller = Caller::program()
        .with_conversation(name_of(body.get("conversation")))
        .with_language(language_of(body.get("language")));
    let lists = ["tool_calls", "output"].into_iter();
    let mut lists = lists.filter_map(|list| body.get(list)?.as_array());
    let calls = lists.next().or_else(|| body.as_array());
    let calls = calls.map_or(std::slice::from_ref(body), Vec::as_slice);
    let calls = calls.iter().filter_map(|call| read_call(call, &caller));
    calls.take(MOST_CALLS).collect()
}

fn read_call(call: &Value, caller: &Caller) -> Option<OpenAiCall> {
    let (id, function, is_chat) = match call.get("type")?.as_str()? {
        "function_call" => (call.get("call_id"), call, false),
        "function" => (call.get("id"), call.get("function")?, true),
        _ => return None,
    };
    let arguments = match function.get("arguments") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    let tool = tool_of([function.get("name").and_then(Value::as_str)]);
    Some(OpenAiCall {
        id: name_of(id)?,
        call: ToolCall {
            tool,
            arguments,
            caller: caller.clone(),
        },
        is_chat,
    })
}

impl OpenAiCall {
    /// The message that answers the call: an item of type `function_call_output`, or a chat message of
    /// the role `tool`.
    pub fn result(&self, answer: &Answer) -> Value {
        self.message(&serde_json::to_string(answer).unwrap_or_else(|_| answer.say.clone()))
    }

    /// The message that says that there is no such tool.
    pub fn no_tool(&self, why: NoTool) -> Value {
        self.message(&json!({"error": why.as_str(), "message": why.to_string()}).to_string())
    }

    fn message(&self, content: &str) -> Value {
        if self.is_chat {
            json!({"role": "tool", "tool_call_id": self.id, "content": content})
        } else {
            json!({"type": "function_call_output", "call_id": self.id, "output": content})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::outcome::Outcome;

    #[test]
    fn a_call_is_answered_in_the_form_in_which_it_came() {
        let responses = json!({"conversation": "conv_7", "language": "de", "output": [
            {"type": "message", "content": []},
            {"type": "function_call", "call_id": "c1", "name": "list_services", "arguments": "{\"branch\":\"Mitte\"}"},
        ]});
        let chat = json!({"role": "assistant", "tool_calls": [
            {"id": "c2", "type": "function", "function": {"name": "list_services", "arguments": "{\"branch\":\"Mitte\"}"}},
        ]});
        let answer = Answer::new(Outcome::Unavailable, "Sorry.");
        let content = r#"{"say":"Sorry.","result":{"outcome":"unavailable"}}"#;
        let message = json!({"type": "function_call_output", "call_id": "c1", "output": content});
        let tool_message = json!({"role": "tool", "tool_call_id": "c2", "content": content});
        for (body, expected) in [(&responses, &message), (&chat, &tool_message)] {
            let [call] = &read_calls(body)[..] else {
                panic!("not one call")
            };
            assert_eq!(call.call.tool, Ok(Tool::ListServices));
            assert_eq!(call.call.arguments, json!({"branch": "Mitte"}));
            assert_eq!(call.result(&answer), *expected);
        }
        let caller = &read_calls(&responses)[0].call.caller;
        assert_eq!(caller.conversation.as_deref(), Some("conv_7"));
        assert_eq!(caller.language.as_deref(), Some("de"));
        assert_eq!(read_calls(&chat)[0].call.caller, Caller::program());
    }

    #[test]
    fn single_calls_and_lists_are_read_and_the_rest_is_not() {
        let call = json!({"type": "function_call", "call_id": "c", "name": "x", "arguments": "{"});
        let read = read_calls(&call);
        assert_eq!(read[0].call.tool, Err(NoTool::Unknown));
        assert_eq!(read[0].call.arguments, Value::Null);
        assert_eq!(
            read_calls(&json!([call, 7, null, {"type": "function"}])),
            read
        );
        let many = Value::Array(vec![call; 100]);
        assert_eq!(read_calls(&many).len(), MOST_CALLS);
        for nothing in [json!(null), json!("x"), json!({}), json!([[]])] {
            assert!(read_calls(&nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn every_tool_is_defined() {
        let definitions = definitions(Tool::ALL);
        assert_eq!(definitions.len(), Tool::ALL.len());
        for definition in &definitions {
            assert_eq!(definition["type"], "function");
            assert_eq!(definition["parameters"]["type"], "object");
        }
    }
}
