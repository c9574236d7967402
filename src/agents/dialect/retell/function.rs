//! Custom functions: what an agent asks during a call.

use serde_json::{Map, Value, json};

use crate::agents::caller::Caller;
use crate::agents::dialect::{NoTool, ToolCall, language_of, name_of, tool_of};
use crate::agents::outcome::{Answer, Outcome};
use crate::model::PhoneNumber;

/// The longest answer in bytes that carries the structured result; a longer one is the sentence alone.
/// Retell hands at most 15,000 characters to the model.
pub const LONGEST_ANSWER: usize = 14 * 1024;

/// Reads the request of a custom function, in either form: `{name, args, call}`, or the arguments alone.
///
/// `named` is the function named in the URL; it is used only if the body contains just the arguments. A body
/// with a `call` must name the function itself: the signature covers the body but not the URL, and every
/// request from the account is signed with the same key. Without a `call`, nothing is known of the caller: the tools then show, move and cancel
/// nothing.
pub fn read_function(body: &[u8], named: Option<&str>) -> ToolCall {
    let body = serde_json::from_slice::<Value>(body);
    let mut whole = match body {
        Ok(Value::Object(body)) if is_whole(&body) => body,
        Ok(arguments) => {
            return ToolCall {
                tool: match is_another_webhook(&arguments) {
                    true => Err(NoTool::Unnamed),
                    false => tool_of([named]),
                },
                arguments,
                caller: caller(&Value::Null),
            };
        }
        Err(_) => {
            return ToolCall {
                tool: Err(NoTool::Unreadable),
                arguments: Value::Null,
                caller: caller(&Value::Null),
            };
        }
    };
    let name = whole.get("name").and_then(Value::as_str);
    ToolCall {
        tool: match whole.contains_key("call") {
            true => tool_of([name]),
            false => tool_of([name, named]),
        },
        caller: caller(whole.get("call").unwrap_or(&Value::Null)),
        arguments: whole.remove("args").unwrap_or_default(),
    }
}

/// Whether a body is more than the arguments. No tool has a parameter `args` or `call`, while `name` is
/// one of `book_appointment`.
fn is_whole(body: &Map<String, Value>) -> bool {
    body.contains_key("args") || body.get("call").is_some_and(Value::is_object)
}

/// An answer whose services have only their names.
fn without_descriptions(mut answer: Answer) -> Answer {
    if let Outcome::Services { services } = &mut answer.result {
        for service in services {
            service.description = None;
        }
    }
    answer
}

/// Whether a body is a call event or an inbound webhook. No tool has parameters of these names.
fn is_another_webhook(body: &Value) -> bool {
    ["event", "call", "call_inbound"]
        .iter()
        .any(|key| body.get(key).is_some())
}

/// Who calls, as far as the call tells.
fn caller(call: &Value) -> Caller {
    let number = |key| -> Option<PhoneNumber> { call.get(key)?.as_str()?.trim().parse().ok() };
    let (from, to) = (number("from_number"), number("to_number"));
    // The customer is at the other end of a call that the agent has made.
    let is_outbound = call.get("direction").and_then(Value::as_str) == Some("outbound");
    let (customer, business) = if is_outbound { (to, from) } else { (from, to) };
    let variables = [
        "retell_llm_dynamic_variables",
        "collected_dynamic_variables",
    ]
    .into_iter();
    let mut variables = variables.filter_map(|variables| call.get(variables));
    let language = variables.find_map(|variables| language_of(variables.get("language")));
    Caller::on_the_phone(String::new(), customer)
        .with_conversation(name_of(call.get("call_id")))
        .with_called(business)
        .with_language(language)
}

/// The body of an answer: the sentence to say as `say`, and the structured `result`. One that is longer
/// than [`LONGEST_ANSWER`] is the sentence alone.
pub fn answer(answer: &Answer) -> String {
    let fits = |answer: &Answer| {
        let body = serde_json::to_string(answer).ok()?;
        (body.len() <= LONGEST_ANSWER).then_some(body)
    };
    let short = || fits(&without_descriptions(answer.clone()));
    fits(answer)
        .or_else(short)
        .unwrap_or_else(|| json!({"say": answer.say}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::outcome::ServiceLine;
    use crate::agents::tool::Tool;

    fn read(body: &Value, named: Option<&str>) -> ToolCall {
        read_function(body.to_string().as_bytes(), named)
    }

    #[test]
    fn the_whole_form_tells_function_arguments_and_caller() {
        let call = json!({
            "call_id": "call_7", "from_number": "+4930123456", "to_number": "+4930654321",
            "direction": "inbound", "transcript": "…",
            "retell_llm_dynamic_variables": {"language": "de"},
        });
        let body = json!({"name": "find_appointments", "args": {"phone": "x"}, "call": call});
        let read = read(&body, None);
        assert_eq!(read.tool, Ok(Tool::FindAppointments));
        assert_eq!(read.arguments, json!({"phone": "x"}));
        let expected = Caller::on_the_phone("call_7", "+4930123456".parse().ok())
            .with_called("+4930654321".parse().ok())
            .with_language("de".to_owned());
        assert_eq!(read.caller, expected);
        assert!(!format!("{read:?}").contains("4930"));
    }

    #[test]
    fn of_a_call_that_the_agent_made_the_customer_is_whom_it_called() {
        let call = json!({"call_id": "c", "from_number": "+4930654321", "to_number": "+4930123456",
            "direction": "outbound"});
        let caller = read(&json!({"name": "x", "args": {}, "call": call}), None).caller;
        assert_eq!(caller.number, "+4930123456".parse().ok());
        assert_eq!(caller.called, "+4930654321".parse().ok());
    }

    #[test]
    fn the_arguments_alone_need_the_url_and_tell_nothing_of_the_caller() {
        // A customer's name is no function's.
        let body = json!({"name": "list_services", "service": "Haircut"});
        let asked = read(&body, Some("book_appointment"));
        assert_eq!(asked.tool, Ok(Tool::BookAppointment));
        assert_eq!(asked.arguments, body);
        assert_eq!(
            (asked.caller.conversation, asked.caller.number),
            (None, None)
        );
        assert_eq!(read(&body, None).tool, Err(NoTool::Unnamed));
        assert_eq!(read(&body, Some("x")).tool, Err(NoTool::Unknown));
        for other in [json!([1]), json!("text"), json!(null)] {
            assert_eq!(read(&other, Some("list_services")).arguments, other);
        }
    }

    #[test]
    fn no_tool_has_a_parameter_that_would_be_taken_for_the_whole_form() {
        for tool in Tool::ALL {
            let parameters = tool.parameters();
            for key in ["args", "call", "event", "call_inbound"] {
                assert!(parameters["properties"].get(key).is_none(), "{tool}: {key}");
            }
        }
    }

    #[test]
    fn what_the_body_names_counts_before_the_url() {
        let body = |name| json!({"name": name, "args": {}});
        let tool = |name, named| read(&body(name), named).tool;
        assert_eq!(
            tool("list_services", Some("book_appointment")),
            Ok(Tool::ListServices)
        );
        // A function may have another name at Retell.
        assert_eq!(
            tool("termin_buchen", Some("book_appointment")),
            Ok(Tool::BookAppointment)
        );
        assert_eq!(tool("termin_buchen", None), Err(NoTool::Unknown));
        // With a caller, only what is signed counts.
        let call = json!({"call_id": "c", "from_number": "+4930123456"});
        for body in [
            json!({"name": "crm_lookup", "args": {}, "call": call}),
            json!({"event": "call_ended", "call": call}),
            json!({"event": "call_inbound", "call_inbound": {}}),
        ] {
            assert!(
                read(&body, Some("cancel_appointment")).tool.is_err(),
                "{body}"
            );
        }
        assert_eq!(read(&json!({"args": {}}), None).tool, Err(NoTool::Unnamed));
    }

    #[test]
    fn what_cannot_be_used_of_a_call_is_left_out() {
        let long = "x".repeat(201);
        for call_id in [json!(7), json!(""), json!(" "), json!("a\nb"), json!(long)] {
            let call = json!({"call_id": call_id, "from_number": "anonymous", "to_number": 5,
                "retell_llm_dynamic_variables": {"language": "d e"}});
            let caller = read(&json!({"name": "x", "args": {}, "call": call}), None).caller;
            assert_eq!(
                caller,
                Caller::on_the_phone("", None).with_conversation(None)
            );
        }
        assert_eq!(read_function(b"{", None).tool, Err(NoTool::Unreadable));
        let deep = "[".repeat(100_000);
        assert_eq!(
            read_function(deep.as_bytes(), None).tool,
            Err(NoTool::Unreadable)
        );
    }

    #[test]
    fn an_answer_that_is_too_long_is_the_sentence_alone() {
        let short = Answer::new(Outcome::Unavailable, "Sorry.");
        assert_eq!(
            answer(&short),
            r#"{"say":"Sorry.","result":{"outcome":"unavailable"}}"#
        );
        let line = ServiceLine {
            id: "1".to_owned(),
            name: "x".repeat(LONGEST_ANSWER),
            minutes: 30,
            description: None,
        };
        let long = Answer::new(
            Outcome::Services {
                services: vec![line],
            },
            "One service.",
        );
        assert_eq!(answer(&long), r#"{"say":"One service."}"#);
    }
}
