//! What operators choose for a tenant's agent, apart from how it is set up at the provider.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool::Tool;
use crate::sync::BranchId;

pub use store::{AgentSettingsStore, AgentVersion};

/// What operators choose for a tenant's agent.
///
/// Functions are kept by name, so that a version that does not know one keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AgentSettings {
    /// The agent, by the provider's id; `None` for the one that the host has set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The functions that the agent is not given.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub switched_off: BTreeSet<String>,
    /// The call events that are sent, by the provider's names; `None` to leave them as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<BTreeSet<String>>,
    /// What differs by branch, by its [id](BranchId).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<String, BranchAgent>,
}

/// How calls to one branch are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BranchAgent {
    /// The agent, by the provider's id; `None` for the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// What the agent says first; `None` for what its prompt says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
}

impl BranchAgent {
    /// Sets the agent.
    #[must_use]
    pub fn with_agent_id(mut self, id: impl Into<Option<String>>) -> Self {
        self.agent_id = id.into();
        self
    }

    /// Sets what the agent says first.
    #[must_use]
    pub fn with_greeting(mut self, greeting: impl Into<Option<String>>) -> Self {
        self.greeting = greeting.into();
        self
    }
}

impl AgentSettings {
    /// Whether the agent is given a function.
    pub fn is_on(&self, tool: Tool) -> bool {
        !self.switched_off.contains(tool.as_str())
    }

    /// Gives the agent a function, or does not.
    pub fn switch(&mut self, tool: Tool, on: bool) {
        if on {
            self.switched_off.remove(tool.as_str());
        } else {
            self.switched_off.insert(tool.as_str().to_owned());
        }
    }

    /// The functions that the agent is given.
    pub fn tools_on(&self) -> impl Iterator<Item = Tool> {
        Tool::ALL.into_iter().filter(|tool| self.is_on(*tool))
    }

    /// What differs for a branch.
    pub fn of_branch(&self, branch: &BranchId) -> Option<&BranchAgent> {
        self.branches.get(branch.as_str())
    }

    /// Sets what differs for a branch; nothing is kept of one for which nothing does.
    pub fn set_branch(&mut self, branch: &BranchId, agent: BranchAgent) {
        if agent == BranchAgent::default() {
            self.branches.remove(branch.as_str());
        } else {
            self.branches.insert(branch.as_str().to_owned(), agent);
        }
    }
}

/// What was sent to the provider at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Pushed {
    /// The agent, by the provider's id.
    pub agent_id: String,
    /// The functions' definitions, as the provider was given them.
    pub functions: Vec<Value>,
    /// Where call events are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_url: Option<String>,
    /// The call events that are sent; `None` where they were left as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<BTreeSet<String>>,
    /// What was changed by it, a sentence each.
    pub changes: Vec<String>,
}

impl Pushed {
    /// Functions that were sent to an agent.
    pub fn new(agent_id: impl Into<String>, functions: Vec<Value>) -> Self {
        Self {
            agent_id: agent_id.into(),
            functions,
            ..Self::default()
        }
    }

    /// Sets which events are sent, and where.
    #[must_use]
    pub fn with_events(
        mut self,
        url: impl Into<Option<String>>,
        events: Option<BTreeSet<String>>,
    ) -> Self {
        self.events_url = url.into();
        self.events = events;
        self
    }

    /// Sets what was changed by it.
    #[must_use]
    pub fn with_changes(mut self, changes: Vec<String>) -> Self {
        self.changes = changes;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_on_until_it_is_switched_off() {
        let mut settings = AgentSettings::default();
        assert_eq!(settings.tools_on().count(), Tool::ALL.len());
        settings.switch(Tool::BookAppointment, false);
        assert!(!settings.is_on(Tool::BookAppointment));
        assert!(settings.is_on(Tool::ListServices));
        assert_eq!(settings.tools_on().count(), Tool::ALL.len() - 1);
        settings.switch(Tool::BookAppointment, true);
        assert_eq!(settings, AgentSettings::default());
    }

    #[test]
    fn settings_are_read_by_neighbouring_versions() {
        let newer = r#"{"switched_off": ["sing_a_song"], "tempo": "fast"}"#;
        let mut settings: AgentSettings = serde_json::from_str(newer).unwrap();
        settings.switch(Tool::ListServices, false);
        let written = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            written,
            r#"{"switched_off":["list_services","sing_a_song"]}"#
        );
        assert_eq!(
            serde_json::from_str::<AgentSettings>("{}").unwrap(),
            AgentSettings::default()
        );
    }

    #[test]
    fn a_branch_for_which_nothing_differs_is_not_kept() {
        let mut settings = AgentSettings::default();
        let branch = BranchId::new("mitte");
        let agent = BranchAgent::default().with_greeting("Salon Mitte, hello!".to_owned());
        settings.set_branch(&branch, agent.clone());
        assert_eq!(settings.of_branch(&branch), Some(&agent));
        settings.set_branch(&branch, BranchAgent::default());
        assert_eq!(settings, AgentSettings::default());
    }
}
