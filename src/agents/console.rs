//! What people see and do about a tenant's agent at its provider: the operations page and commands stand
//! on it.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::settings::AgentVersion;
use super::tool::Tool;
use super::trial::{Trial, TrialParams};
use crate::store::{DocumentVersion, Page, StoreError, StoreErrorKind, TenantId};

/// How a tenant's agent is set up here. Nothing of it is read from the provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentPanel {
    /// The provider's name.
    pub provider: &'static str,
    /// The agent, by the provider's id; `None` if none is set up.
    pub agent_id: Option<String>,
    /// Where functions are asked; `None` if it is not known under which address this program is reached.
    pub functions_url: Option<String>,
    /// Where the provider asks about a call that is about to be taken.
    pub inbound_url: Option<String>,
    /// Where call events are sent.
    pub events_url: Option<String>,
    /// All functions.
    pub functions: Vec<AgentFunctionLine>,
    /// The call events that the provider knows.
    pub known_events: &'static [&'static str],
    /// The call events that are selected; `None` to leave them as they are.
    pub events: Option<BTreeSet<String>>,
    /// Whether something was chosen here that was not pushed yet. What was changed at the provider since,
    /// only a [plan](AgentConsole::plan) tells.
    pub is_pushed: bool,
    /// The version that was pushed last.
    pub last_pushed: Option<AgentVersion>,
    /// How the last test ended.
    pub last_trial: Option<Trial>,
}

/// A function, as a panel shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AgentFunctionLine {
    /// The tool.
    pub tool: Tool,
    /// Whether the agent is given it.
    pub is_on: bool,
    /// Its definition, as the provider is given it.
    pub definition: Value,
}

impl AgentFunctionLine {
    /// A function with its definition.
    pub fn new(tool: Tool, is_on: bool, definition: Value) -> Self {
        Self {
            tool,
            is_on,
            definition,
        }
    }
}

/// What a push changes at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PushPlan {
    /// The agent, by the provider's id.
    pub agent_id: String,
    /// The agent's name at the provider.
    pub agent_name: Option<String>,
    /// Whether calls are taken with the version that would be changed: it may be refused.
    pub is_published: bool,
    /// What is changed, a sentence each; empty if the agent is as it should be.
    pub changes: Vec<String>,
    /// What has to be changed at the provider first; nothing is pushed before.
    pub obstacles: Vec<String>,
}

impl PushPlan {
    /// A plan that changes nothing.
    pub fn new(agent_id: impl Into<String>) -> Self {
        Self {
            agent_id: agent_id.into(),
            agent_name: None,
            is_published: false,
            changes: Vec::new(),
            obstacles: Vec::new(),
        }
    }

    /// Recognizes the same plan again: what was shown to a person is what is pushed.
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};

        let mut hash = Sha256::new();
        let texts = std::iter::once(&self.agent_id).chain(&self.changes);
        for text in texts.chain(&self.obstacles) {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hex::encode(&hash.finalize()[..8])
    }
}

/// What to do about a [`ConsoleError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsoleErrorKind {
    /// Something has to be set up first: the message says what.
    NotSetUp,
    /// The provider refuses the key: set another.
    Unauthorized,
    /// There is no such agent, or no such version: check which one is meant.
    NotFound,
    /// The provider refuses the change, or the agent cannot be changed in this way: change it there.
    Refused,
    /// The provider does not answer properly: try again later.
    Unavailable,
    /// Something has changed since the plan was made: look at a new one.
    Stale,
    /// The store failed.
    Store(StoreErrorKind),
}

/// Why something could not be done about an agent.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConsoleError {
    kind: ConsoleErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ConsoleError {
    /// An error with what happened, without personal data.
    pub fn new(kind: ConsoleErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> ConsoleErrorKind {
        self.kind
    }

    #[cfg(feature = "client")]
    pub(crate) fn not_set_up(message: impl Into<String>) -> Self {
        Self::new(ConsoleErrorKind::NotSetUp, message)
    }
}

impl From<StoreError> for ConsoleError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::NotFound => ConsoleErrorKind::NotFound,
            kind => ConsoleErrorKind::Store(kind),
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

/// Sets up tenants' agents at their provider, and tests them.
///
/// Whatever is changed is a [version](AgentVersion) with who changed it. Choosing something changes
/// nothing at the provider until it is [pushed](Self::push).
#[async_trait]
pub trait AgentConsole: fmt::Debug + Send + Sync + 'static {
    /// Whether the tenant has an agent that can be set up.
    fn has_agent(&self, tenant: &TenantId) -> bool;

    /// How a tenant's agent is set up here.
    ///
    /// # Errors
    ///
    /// [`NotSetUp`](ConsoleErrorKind::NotSetUp) or [`Store`](ConsoleErrorKind::Store).
    async fn panel(&self, tenant: &TenantId) -> Result<AgentPanel, ConsoleError>;

    /// The versions that are kept, newest first.
    ///
    /// # Errors
    ///
    /// [`Store`](ConsoleErrorKind::Store).
    async fn versions(
        &self,
        tenant: &TenantId,
        page: Page<DocumentVersion>,
    ) -> Result<Vec<AgentVersion>, ConsoleError>;

    /// Gives the agent a function, or takes it away.
    ///
    /// # Errors
    ///
    /// [`NotSetUp`](ConsoleErrorKind::NotSetUp) or [`Store`](ConsoleErrorKind::Store).
    async fn switch(
        &self,
        tenant: &TenantId,
        by: &str,
        tool: Tool,
        on: bool,
    ) -> Result<AgentVersion, ConsoleError>;

    /// Selects the call events that are sent; `None` to leave them as they are at the provider.
    ///
    /// # Errors
    ///
    /// [`NotSetUp`](ConsoleErrorKind::NotSetUp) or [`Store`](ConsoleErrorKind::Store).
    async fn select_events(
        &self,
        tenant: &TenantId,
        by: &str,
        events: Option<BTreeSet<String>>,
    ) -> Result<AgentVersion, ConsoleError>;

    /// Makes the settings what they were in an earlier version.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ConsoleErrorKind::NotFound) if it is not kept, and as for [`switch`](Self::switch).
    async fn restore(
        &self,
        tenant: &TenantId,
        by: &str,
        version: DocumentVersion,
    ) -> Result<AgentVersion, ConsoleError>;

    /// Reads the agent, and says what a push would change. Changes nothing.
    ///
    /// # Errors
    ///
    /// Any kind but [`Stale`](ConsoleErrorKind::Stale).
    async fn plan(&self, tenant: &TenantId) -> Result<PushPlan, ConsoleError>;

    /// Makes the agent what it should be, and keeps what was sent. With the
    /// [fingerprint](PushPlan::fingerprint) of a plan, only if the plan is still the same.
    ///
    /// # Errors
    ///
    /// Any kind. [`Refused`](ConsoleErrorKind::Refused) if the plan has obstacles; then nothing was
    /// changed. If a later step failed, what was changed before it is kept as a version all the same.
    async fn push(
        &self,
        tenant: &TenantId,
        by: &str,
        planned: Option<&str>,
    ) -> Result<PushPlan, ConsoleError>;

    /// Plays a call against the endpoint, and keeps how it went.
    ///
    /// # Errors
    ///
    /// [`NotSetUp`](ConsoleErrorKind::NotSetUp) or [`Store`](ConsoleErrorKind::Store). That the endpoint
    /// does not answer is no error, but a step that is not good.
    async fn test(
        &self,
        tenant: &TenantId,
        by: &str,
        params: TrialParams,
    ) -> Result<Trial, ConsoleError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_recognized_by_everything_that_it_changes() {
        let plan = |agent: &str, changes: &[&str], obstacles: &[&str]| {
            let mut plan = PushPlan::new(agent);
            plan.changes = changes.iter().map(ToString::to_string).collect();
            plan.obstacles = obstacles.iter().map(ToString::to_string).collect();
            plan.fingerprint()
        };
        let plans = [
            plan("a", &[], &[]),
            plan("b", &[], &[]),
            plan("a", &["x"], &[]),
            plan("a", &["x", "y"], &[]),
            plan("a", &["xy"], &[]),
            plan("a", &["x y"], &[]),
        ];
        let unique: BTreeSet<_> = plans.iter().collect();
        assert_eq!(unique.len(), plans.len());
        assert_eq!(plan("a", &["x"], &[]), plans[2]);
    }
}
