//! What Retell sends, signed, for tests that need no call.

use std::fmt;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::sign::{json_headers, sign_retell};
use crate::webhook::RETELL_SIGNATURE_HEADER;

/// What a body asks or tells.
#[derive(Clone, PartialEq)]
enum Kind {
    /// An event of a call, by its name.
    Event(String),
    /// A custom function, with its arguments; whether they are all that is sent.
    Function {
        name: String,
        args: Value,
        alone: bool,
    },
    /// A call that is about to be taken.
    Inbound,
}

/// Builds what Retell sends: events of a call, custom functions and inbound webhooks. The fields are
/// those that its documentation names; the call is an inbound one from `+4915112345678` to
/// `+49301234567`. `Debug` shows neither numbers nor arguments.
///
/// ```
/// use calcom::testing::RetellBody;
/// use calcom::webhook::{RetellVerifier, Verifier};
///
/// let now = "2026-12-01T08:00:00Z".parse()?;
/// let (headers, body) = RetellBody::call_ended("call_1").signed("key_test", now);
/// let verified = RetellVerifier::new(["key_test".into()]).verify(&headers, &body, now)?;
/// assert_eq!(verified.event_id, "call_ended:call_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct RetellBody {
    kind: Kind,
    call_id: String,
    agent: String,
    from: String,
    to: String,
    started_at: DateTime<Utc>,
    transcript: String,
    more: Map<String, Value>,
}

impl RetellBody {
    /// `call_started`: a call has begun.
    pub fn call_started(call_id: impl Into<String>) -> Self {
        Self::event("call_started", call_id)
    }

    /// `call_ended`: a call is over.
    pub fn call_ended(call_id: impl Into<String>) -> Self {
        Self::event("call_ended", call_id)
    }

    /// `call_analyzed`: the analysis of a call is complete.
    pub fn call_analyzed(call_id: impl Into<String>) -> Self {
        Self::event("call_analyzed", call_id)
    }

    /// Another event of a call, such as `transcript_updated`.
    pub fn event(name: impl Into<String>, call_id: impl Into<String>) -> Self {
        Self::of(Kind::Event(name.into()), call_id.into())
    }

    /// A custom function that the agent calls during a call, with the call beside the arguments.
    pub fn function(name: impl Into<String>, args: Value, call_id: impl Into<String>) -> Self {
        let kind = Kind::Function {
            name: name.into(),
            args,
            alone: false,
        };
        Self::of(kind, call_id.into())
    }

    /// `call_inbound`: a call is about to be taken.
    pub fn call_inbound() -> Self {
        Self::of(Kind::Inbound, String::new())
    }

    fn of(kind: Kind, call_id: String) -> Self {
        Self {
            kind,
            call_id,
            agent: "agent_1".into(),
            from: "+4915112345678".into(),
            to: "+49301234567".into(),
            // 2026-12-01T08:00:00Z.
            started_at: DateTime::from_timestamp(1_796_112_000, 0).unwrap_or_default(),
            transcript: "Agent: Hello, how can I help?\nUser: I need an appointment.\n".into(),
            more: Map::new(),
        }
    }

    /// Sends a function's arguments alone, as an agent can be set to: neither the function's name nor
    /// the call is told. Changes nothing of other bodies.
    #[must_use]
    pub fn with_args_only(mut self) -> Self {
        if let Kind::Function { alone, .. } = &mut self.kind {
            *alone = true;
        }
        self
    }

    /// Sets the agent.
    #[must_use]
    pub fn with_agent(mut self, id: impl Into<String>) -> Self {
        self.agent = id.into();
        self
    }

    /// Sets who calls and who is called, in E.164.
    #[must_use]
    pub fn with_numbers(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.from = from.into();
        self.to = to.into();
        self
    }

    /// Sets when the call began; it takes two minutes.
    #[must_use]
    pub fn with_started_at(mut self, at: DateTime<Utc>) -> Self {
        self.started_at = at;
        self
    }

    /// Sets what was said so far.
    #[must_use]
    pub fn with_transcript(mut self, text: impl Into<String>) -> Self {
        self.transcript = text.into();
        self
    }

    /// Sets a field of the call, or of `call_inbound`, such as `metadata`.
    #[must_use]
    pub fn with_field(mut self, key: impl Into<String>, value: Value) -> Self {
        self.more.insert(key.into(), value);
        self
    }

    /// The body as JSON, for further changes.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Event(event) => json!({"event": event, "call": self.call(event)}),
            Kind::Function { args, alone, .. } if *alone => args.clone(),
            Kind::Function { name, args, .. } => {
                json!({"name": name, "args": args, "call": self.call("call_started")})
            }
            Kind::Inbound => {
                let mut inbound = self.parties();
                inbound.extend(self.more.clone());
                json!({"event": "call_inbound", "call_inbound": inbound})
            }
        }
    }

    fn parties(&self) -> Map<String, Value> {
        Map::from_iter([
            ("agent_id".to_owned(), json!(self.agent)),
            ("from_number".to_owned(), json!(self.from)),
            ("to_number".to_owned(), json!(self.to)),
        ])
    }

    /// The call, as it is known when an event is told.
    fn call(&self, event: &str) -> Map<String, Value> {
        let is_over = matches!(event, "call_ended" | "call_analyzed");
        let began = self.started_at.timestamp_millis();
        let mut call = self.parties();
        let mut put = |key: &str, value: Value| call.insert(key.to_owned(), value);
        put("call_type", json!("phone_call"));
        put("call_id", json!(self.call_id));
        put("direction", json!("inbound"));
        put(
            "call_status",
            json!(if is_over { "ended" } else { "ongoing" }),
        );
        put("start_timestamp", json!(began));
        put("metadata", json!({}));
        put("retell_llm_dynamic_variables", json!({}));
        if event != "call_started" || matches!(self.kind, Kind::Function { .. }) {
            put("transcript", json!(self.transcript));
        }
        if is_over {
            put("end_timestamp", json!(began + 120_000));
            put("duration_ms", json!(120_000));
            put("disconnection_reason", json!("user_hangup"));
        }
        if event == "call_analyzed" {
            put(
                "call_analysis",
                json!({
                    "call_summary": "The caller asked for an appointment.",
                    "in_voicemail": false,
                    "user_sentiment": "Neutral",
                    "call_successful": true,
                    "custom_analysis_data": {},
                }),
            );
        }
        call.extend(self.more.clone());
        call
    }

    /// The body's bytes as sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// The headers and the bytes of a delivery, signed with an API key at `at`.
    pub fn signed(&self, key: &str, at: DateTime<Utc>) -> (HeaderMap, Vec<u8>) {
        let body = self.to_bytes();
        let signature = sign_retell(key, &body, at);
        let headers = json_headers([(RETELL_SIGNATURE_HEADER, signature)]);
        (headers, body)
    }
}

impl fmt::Debug for RetellBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.kind {
            Kind::Event(event) => event,
            Kind::Function { name, .. } => name,
            Kind::Inbound => "call_inbound",
        };
        f.debug_struct("RetellBody")
            .field("what", &what)
            .field("call_id", &self.call_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_sent_in_two_forms() {
        let args = json!({"day": "Thursday"});
        let whole = RetellBody::function("find_slot", args.clone(), "c");
        let json = whole.to_json();
        assert_eq!(json["name"], "find_slot");
        assert_eq!(json["args"], args);
        assert_eq!(json["call"]["call_id"], "c");
        assert!(json["call"]["transcript"].is_string());
        assert_eq!(whole.with_args_only().to_json(), args);
    }

    #[test]
    fn a_call_is_told_as_far_as_it_is_known() {
        let call = |body: RetellBody| body.to_json()["call"].clone();
        let started = call(RetellBody::call_started("c"));
        assert_eq!(started["call_status"], "ongoing");
        assert!(started.get("transcript").is_none() && started.get("end_timestamp").is_none());
        let ended = call(RetellBody::call_ended("c").with_field("opt_out", json!(true)));
        assert_eq!(ended["call_status"], "ended");
        assert_eq!(ended["end_timestamp"], 1_796_112_120_000_i64);
        assert!(ended.get("call_analysis").is_none());
        assert_eq!(ended["opt_out"], true);
        assert!(call(RetellBody::call_analyzed("c"))["call_analysis"].is_object());
        let inbound = RetellBody::call_inbound()
            .with_numbers("+1", "+2")
            .to_json();
        let parties = json!({"agent_id": "agent_1", "from_number": "+1", "to_number": "+2"});
        assert_eq!(inbound["call_inbound"], parties);
    }

    #[test]
    fn debug_shows_nothing_private() {
        let body = RetellBody::function("find", json!({"name": "Ann"}), "c");
        let shown = format!("{body:?}");
        assert!(!shown.contains("Ann") && !shown.contains("+49") && !shown.contains("appointment"));
    }
}
