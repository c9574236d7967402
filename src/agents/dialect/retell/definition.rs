//! How functions are described to Retell.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::agents::tool::Tool;
use crate::store::TenantId;

/// Retell's bounds for how long it waits for a function.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

/// The URLs of one tenant that are configured at Retell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetellEndpoints {
    /// For custom functions.
    pub functions: Url,
    /// For a number's inbound webhook.
    pub inbound: Url,
    /// For an agent's call events.
    pub events: Url,
}

impl RetellEndpoints {
    /// The URLs of a tenant below the URL under which the router is reached from outside.
    pub fn new(base: &Url, tenant: &TenantId) -> Self {
        let below = |last| {
            let mut url = base.clone();
            url.set_query(None);
            url.set_fragment(None);
            if let Ok(mut path) = url.path_segments_mut() {
                let segments = ["agents", "retell", tenant.as_str(), last];
                path.pop_if_empty().extend(segments);
            }
            url
        };
        Self {
            functions: below("functions"),
            inbound: below("inbound"),
            events: below("events"),
        }
    }
}

/// What the functions' definitions say besides the tools' own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionSettings {
    /// Where functions are asked: [`RetellEndpoints::functions`].
    pub url: Url,
    /// Whether the arguments are sent alone. Then nothing is known of the caller, and each function has a
    /// path of its own. Default: no.
    pub arguments_only: bool,
    /// Whether the agent says something while it waits. Default: yes.
    pub speak_during_execution: bool,
    /// Whether the agent speaks once it has the answer. Default: yes.
    pub speak_after_execution: bool,
    /// How long Retell waits for an answer before it asks again; more than the
    /// [tools take](crate::agents::ToolsConfig::answer_within). Default: 15 s.
    pub timeout: Duration,
    /// Tools that the agent is not given. Default: none.
    pub switched_off: BTreeSet<Tool>,
}

impl FunctionSettings {
    /// The default settings for functions at a URL.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            arguments_only: false,
            speak_during_execution: true,
            speak_after_execution: true,
            timeout: Duration::from_secs(15),
            switched_off: BTreeSet::new(),
        }
    }

    /// Has the arguments sent alone.
    #[must_use]
    pub fn with_arguments_only(mut self, arguments_only: bool) -> Self {
        self.arguments_only = arguments_only;
        self
    }

    /// Sets how long Retell waits for an answer, from 1 s to 10 min.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Switches a tool off.
    #[must_use]
    pub fn without(mut self, tool: Tool) -> Self {
        self.switched_off.insert(tool);
        self
    }

    /// The definitions of all functions that are not switched off.
    pub fn definitions(&self) -> Vec<RetellFunction> {
        let tools = Tool::ALL.into_iter();
        let tools = tools.filter(|tool| !self.switched_off.contains(tool));
        tools.map(|tool| self.definition(tool)).collect()
    }

    fn definition(&self, tool: Tool) -> RetellFunction {
        let mut url = self.url.clone();
        if self.arguments_only
            && let Ok(mut path) = url.path_segments_mut()
        {
            path.pop_if_empty().push(tool.as_str());
        }
        let timeout = self.timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
        RetellFunction {
            kind: "custom",
            name: tool.as_str(),
            description: tool.description(),
            url: url.into(),
            speak_during_execution: self.speak_during_execution,
            speak_after_execution: self.speak_after_execution,
            parameters: tool.parameters(),
            timeout_ms: timeout.as_millis().try_into().unwrap_or(u32::MAX),
            args_at_root: self.arguments_only.then_some(true),
        }
    }
}

/// The definition of one function, as JSON for pasting or [pushing](crate::agents::retell).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RetellFunction {
    /// Always `custom`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The function's name, which is the tool's.
    pub name: &'static str,
    /// What it does and when to call it, for the model.
    pub description: &'static str,
    /// Where it is asked.
    pub url: String,
    /// Whether the agent says something while it waits.
    pub speak_during_execution: bool,
    /// Whether the agent speaks once it has the answer.
    pub speak_after_execution: bool,
    /// The JSON Schema of its arguments. Its top level is an object.
    pub parameters: Value,
    /// How long Retell waits for an answer, in milliseconds.
    pub timeout_ms: u32,
    /// Whether the arguments are sent alone; left out if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args_at_root: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_endpoints_lie_below_any_base() {
        let endpoints = |base: &str, tenant: &str| {
            let endpoints = RetellEndpoints::new(&base.parse().unwrap(), &tenant.into());
            endpoints.functions.to_string()
        };
        let expected = "https://example.org/agents/retell/salon/functions";
        assert_eq!(endpoints("https://example.org", "salon"), expected);
        let below = "https://example.org/hooks/agents/retell/a%2Fb/functions";
        assert_eq!(endpoints("https://example.org/hooks/?x=1", "a/b"), below);
    }

    #[test]
    fn a_definition_has_what_retell_wants() {
        let url = "https://example.org/agents/retell/salon/functions";
        let settings = FunctionSettings::new(url.parse().unwrap()).without(Tool::CancelAppointment);
        let functions = settings.definitions();
        assert_eq!(functions.len(), Tool::ALL.len() - 1);
        let function = serde_json::to_value(&functions[0]).unwrap();
        let expected = json!({
            "type": "custom",
            "name": "list_services",
            "description": Tool::ListServices.description(),
            "url": url,
            "speak_during_execution": true,
            "speak_after_execution": true,
            "parameters": Tool::ListServices.parameters(),
            "timeout_ms": 15_000,
        });
        assert_eq!(function, expected);
        let alone = settings
            .with_arguments_only(true)
            .with_timeout(Duration::ZERO);
        let alone = &alone.definitions()[0];
        assert_eq!(alone.url, format!("{url}/list_services"));
        assert_eq!((alone.args_at_root, alone.timeout_ms), (Some(true), 1000));
    }
}
