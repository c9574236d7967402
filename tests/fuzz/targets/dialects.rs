//! What agents' providers send, once it is verified: functions, calls, events, tool calls, and the
//! functions that an agent has.

use calcom::agents::dialect::openai::{MOST_CALLS, definitions, read_calls};
use calcom::agents::dialect::retell::{
    FunctionSettings, InboundCall, RetellEndpoints, read_event, read_function,
};
use calcom::agents::dialect::{NoTool, ToolCall};
use calcom::agents::retell::{
    AgentFunction, FunctionChange, RetellAgent, RetellEngine, apply, diff,
};
use calcom::agents::{Caller, Tool};
use calcom::model::PhoneNumber;
use serde_json::{Value, json};

use super::{Input, Output};

/// The longest name of a conversation.
const LONGEST: usize = 200;

/// An input of the target: what the URL names, if anything, and the body.
pub fn input(named: &[u8], body: &[u8]) -> Vec<u8> {
    Output::default().short(named).rest(body)
}

pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let named = std::str::from_utf8(input.short()).ok();
    let body = input.rest();
    check(&read_function(body, named));
    let inbound = InboundCall::read(body);
    let numbers = [&inbound.from, &inbound.to];
    is_not_shown(&format!("{inbound:?}"), numbers.into_iter().flatten());
    if let Some(event) = read_event(body) {
        assert!(!event.is_empty() && event.len() <= LONGEST);
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        // What Retell sends is JSON, and nothing is guessed.
        assert_eq!(read_function(body, named).tool, Err(NoTool::Unreadable));
        return;
    };
    whole(&value);
    openai(&value);
    functions(body, &value);
}

/// Arguments arrive as they are, whatever they are.
fn whole(arguments: &Value) {
    let call = json!({"call_id": "c", "from_number": "+4915112345678"});
    let body = json!({"name": "book_appointment", "args": arguments, "call": call});
    let read = read_function(body.to_string().as_bytes(), Some("list_services"));
    if read.tool == Err(NoTool::Unreadable) {
        // Arguments that are as deep as JSON is read are too deep here.
        assert_eq!(read.arguments, Value::Null);
        return;
    }
    assert_eq!(read.tool, Ok(Tool::BookAppointment));
    assert_eq!(read.arguments, *arguments);
    let expected = Caller::on_the_phone("c", "+4915112345678".parse().ok());
    assert_eq!(read.caller, expected);
}

fn check(read: &ToolCall) {
    let caller = &read.caller;
    let numbers = [&caller.number, &caller.called];
    is_not_shown(&format!("{read:?}"), numbers.into_iter().flatten());
    if let Some(conversation) = &caller.conversation {
        assert!(!conversation.is_empty() && conversation.len() <= LONGEST);
        assert!(!conversation.chars().any(char::is_control));
    }
    if let Some(language) = &caller.language {
        assert!(
            language
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
        );
    }
}

fn is_not_shown<'a>(shown: &str, numbers: impl Iterator<Item = &'a PhoneNumber>) {
    for number in numbers {
        // A call's id may be anything, and is shown.
        assert_eq!(format!("{number:?}"), "[private]");
        assert!(shown.contains("[private]"));
    }
}

fn openai(body: &Value) {
    let calls = read_calls(body);
    assert!(calls.len() <= MOST_CALLS);
    for call in &calls {
        assert!(!call.id.is_empty() && call.id.len() <= LONGEST);
        check(&call.call);
        let message = call.no_tool(NoTool::Unknown);
        let id = message.get("call_id").or(message.get("tool_call_id"));
        assert_eq!(id.and_then(Value::as_str), Some(call.id.as_str()));
    }
    assert_eq!(definitions([]), Vec::<Value>::new());
}

/// Whatever an agent has, others' functions stay byte for byte, and what is pushed is what was wanted.
fn functions(body: &[u8], value: &Value) {
    let _ = serde_json::from_slice::<RetellAgent>(body);
    let engine = match serde_json::from_slice::<RetellEngine>(body) {
        Ok(engine) => engine,
        Err(_) => {
            let functions = match value {
                Value::Array(_) => value.clone(),
                _ => json!([value]),
            };
            let engine = json!({"llm_id": "llm_1", "general_tools": functions}).to_string();
            match serde_json::from_str(&engine) {
                Ok(engine) => engine,
                Err(_) => return,
            }
        }
    };
    let base = "https://example.org/".parse().expect("it is a URL");
    let wanted = FunctionSettings::new(RetellEndpoints::new(&base, &"salon".into()).functions)
        .without(Tool::CancelAppointment);
    let changes = diff(&engine.functions, &wanted);
    let after = apply(&engine.functions, &wanted);
    let is_touched = |function: &&AgentFunction| {
        changes
            .iter()
            .any(|change| change.name() == function.name())
    };
    let kept = engine
        .functions
        .iter()
        .filter(|function| !is_touched(function));
    for function in kept {
        assert!(after.contains(function), "{function:?}");
    }
    let is_taken = |change: &FunctionChange| matches!(change, FunctionChange::NameTaken { .. });
    assert!(diff(&after, &wanted).iter().all(is_taken), "{changes:?}");
}
