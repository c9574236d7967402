//! Calls that are about to be taken, and calls that something has happened to.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::agents::dialect::name_of;
use crate::model::PhoneNumber;

/// A call that is about to be taken. It has no id yet. `Debug` shows no number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundCall {
    /// The agent that takes it unless the answer says otherwise; `None` if the number has none.
    pub agent_id: Option<String>,
    /// Who calls; `None` if the number is withheld.
    pub from: Option<PhoneNumber>,
    /// The number that is called.
    pub to: Option<PhoneNumber>,
}

impl InboundCall {
    /// Reads the body of an inbound webhook. Whatever it is, there is a call of which that much is known.
    pub fn read(body: &[u8]) -> Self {
        let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let call = body.get("call_inbound").unwrap_or(&Value::Null);
        let number = |key| -> Option<PhoneNumber> { call.get(key)?.as_str()?.trim().parse().ok() };
        Self {
            agent_id: name_of(call.get("agent_id")),
            from: number("from_number"),
            to: number("to_number"),
        }
    }
}

/// How a call is taken. `Debug` shows the names of the variables only.
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InboundAnswer {
    /// The agent that takes the call; `None` for the number's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_agent_id: Option<String>,
    /// What the agent's prompt can use as `{{name}}`. All are texts, as Retell requires.
    pub dynamic_variables: BTreeMap<String, String>,
    /// What is kept with the call and comes with its events.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl InboundAnswer {
    /// The body of the response.
    pub fn body(&self) -> Value {
        serde_json::json!({"call_inbound": self})
    }
}

impl fmt::Debug for InboundAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundAnswer")
            .field("override_agent_id", &self.override_agent_id)
            .field("dynamic_variables", &self.dynamic_variables.keys())
            .finish_non_exhaustive()
    }
}

/// The name of a call event, such as `call_ended`; `None` if the body names none.
pub fn read_event(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    name_of(body.get("event"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_read_whatever_the_body_is() {
        let body = json!({"event": "call_inbound", "call_inbound": {
            "agent_id": "agent_1", "from_number": "+4930123456", "to_number": "+4930654321"}});
        let expected = InboundCall {
            agent_id: Some("agent_1".to_owned()),
            from: "+4930123456".parse().ok(),
            to: "+4930654321".parse().ok(),
        };
        assert_eq!(InboundCall::read(body.to_string().as_bytes()), expected);
        for body in [
            "",
            "[]",
            r#"{"call_inbound": 7}"#,
            r#"{"call_inbound": {"from_number": "anonymous"}}"#,
        ] {
            assert_eq!(InboundCall::read(body.as_bytes()), InboundCall::default());
        }
    }

    #[test]
    fn an_answer_names_only_what_it_sets() {
        let mut answer = InboundAnswer::default();
        assert_eq!(
            answer.body(),
            json!({"call_inbound": {"dynamic_variables": {}}})
        );
        answer.override_agent_id = Some("agent_2".to_owned());
        answer
            .dynamic_variables
            .insert("branch".to_owned(), "Mitte".to_owned());
        answer.metadata.insert("branch".to_owned(), json!("b-1"));
        let body = json!({"call_inbound": {
            "override_agent_id": "agent_2",
            "dynamic_variables": {"branch": "Mitte"},
            "metadata": {"branch": "b-1"},
        }});
        assert_eq!(answer.body(), body);
        assert!(!format!("{answer:?}").contains("Mitte"));
    }
}
