//! Settings of the doors for agents.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use super::programs::ProgramAccess;
use crate::agents::Tool;
use crate::server::WebhookConfig;
use crate::store::TenantId;
use crate::sync::BranchId;

/// Settings of the doors for agents.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentsConfig {
    /// How many requests come, how large and how slow they may be. Default: 600 requests a minute of each
    /// source for a tenant, as all calls come from the same few servers of the provider, and bodies of at
    /// most 2 MiB, as the transcript is in them; otherwise that of [`WebhookConfig`].
    pub requests: WebhookConfig,
    /// Tools that no agent may call, whatever it was configured to. Default: none.
    pub switched_off: BTreeSet<Tool>,
    /// The call events that are stored; others are acknowledged and forgotten. `None` for all. Default:
    /// `call_started`, `call_ended` and `call_analyzed`.
    pub events: Option<BTreeSet<String>>,
    /// Who may call the tools as a program. Default: nobody.
    pub programs: ProgramAccess,
    /// Retell's agents, by tenant and branch; `None` for all of a tenant's branches that have none.
    agents: BTreeMap<(TenantId, Option<BranchId>), String>,
    /// By language.
    greetings: BTreeMap<String, String>,
    /// By tenant and branch, whatever the language.
    branch_greetings: BTreeMap<(TenantId, BranchId), String>,
}

impl Default for AgentsConfig {
    fn default() -> Self {
        let requests = WebhookConfig {
            max_body_bytes: 2 * 1024 * 1024,
            requests_per_minute: NonZeroU32::new(600),
            ..WebhookConfig::default()
        };
        let events = ["call_started", "call_ended", "call_analyzed"];
        Self {
            requests,
            switched_off: BTreeSet::new(),
            events: Some(events.map(str::to_owned).into()),
            programs: ProgramAccess::nobody(),
            agents: BTreeMap::new(),
            greetings: BTreeMap::new(),
            branch_greetings: BTreeMap::new(),
        }
    }
}

impl AgentsConfig {
    /// Switches a tool off.
    #[must_use]
    pub fn without(mut self, tool: Tool) -> Self {
        self.switched_off.insert(tool);
        self
    }

    /// Sets which call events are stored; `None` for all.
    #[must_use]
    pub fn with_events(mut self, events: impl Into<Option<BTreeSet<String>>>) -> Self {
        self.events = events.into();
        self
    }

    /// Sets who may call the tools as a program.
    #[must_use]
    pub fn with_programs(mut self, programs: ProgramAccess) -> Self {
        self.programs = programs;
        self
    }

    /// Sets which of Retell's agents takes the calls of a branch; of all branches that have none, for
    /// `None`.
    #[must_use]
    pub fn with_agent(
        mut self,
        tenant: impl Into<TenantId>,
        branch: impl Into<Option<BranchId>>,
        agent_id: impl Into<String>,
    ) -> Self {
        let place = (tenant.into(), branch.into());
        self.agents.insert(place, agent_id.into());
        self
    }

    /// Sets the greeting in a language. `{branch}` stands for the branch's name, and is empty if the number
    /// that was called belongs to none. English and German have one of their own, with the time of day.
    #[must_use]
    pub fn with_greeting(mut self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.greetings.insert(language.into(), text.into());
        self
    }

    /// Sets the greeting of a branch, whatever the language. `{branch}` stands for the branch's name.
    #[must_use]
    pub fn with_branch_greeting(
        mut self,
        tenant: impl Into<TenantId>,
        branch: impl Into<BranchId>,
        text: impl Into<String>,
    ) -> Self {
        let place = (tenant.into(), branch.into());
        self.branch_greetings.insert(place, text.into());
        self
    }

    pub(super) fn allows(&self, tool: Tool) -> bool {
        !self.switched_off.contains(&tool)
    }

    pub(super) fn accepts(&self, event: &str) -> bool {
        let events = self.events.as_ref();
        events.is_none_or(|events| events.contains(event))
    }

    pub(super) fn agent_of(&self, tenant: &TenantId, branch: Option<&BranchId>) -> Option<&String> {
        let of = |branch: Option<&BranchId>| self.agents.get(&(tenant.clone(), branch.cloned()));
        branch
            .and_then(|branch| of(Some(branch)))
            .or_else(|| of(None))
    }

    pub(super) fn greeting_of(
        &self,
        tenant: &TenantId,
        branch: Option<&BranchId>,
        language: &str,
    ) -> Option<&String> {
        let of_branch = |branch: &BranchId| {
            let place = (tenant.clone(), branch.clone());
            self.branch_greetings.get(&place)
        };
        branch
            .and_then(of_branch)
            .or_else(|| self.greetings.get(language))
    }
}
