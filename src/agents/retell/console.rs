//! Tenants' agents at Retell: what operators chose, what is at Retell, and a test of the endpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::client::RetellClient;
use super::endpoint::RetellEndpoint;
use super::error::{RetellError, RetellErrorKind};
use super::functions::{FunctionChange, diff};
use super::parts::{RetellAgent, RetellAgentId};
use super::webhook::{WebhookSettings, diff_webhook};
use crate::agents::console::{
    AgentConsole, AgentFunctionLine, AgentPanel, ConsoleError, ConsoleErrorKind, PushPlan,
};
use crate::agents::dialect::retell::{FunctionSettings, RetellEndpoints, RetellFunction};
use crate::agents::settings::{AgentSettings, AgentSettingsStore, AgentVersion, Pushed};
use crate::agents::tool::Tool;
use crate::agents::trial::{Trial, TrialParams, play};
use crate::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::client::{HttpService, transport};
use crate::model::PhoneNumber;
use crate::store::{DocumentVersion, Documents, Page, TenantId};

/// The call events of Retell's documentation
/// (<https://docs.retellai.com/features/webhook-overview>).
pub const RETELL_CALL_EVENTS: &[&str] = &[
    "call_started",
    "call_ended",
    "call_analyzed",
    "transcript_updated",
    "transfer_started",
    "transfer_bridged",
    "transfer_cancelled",
    "transfer_ended",
];

/// How one tenant's agent at Retell is reached. `Debug` does not show the key.
#[derive(Clone)]
pub struct RetellAccount {
    client: RetellClient,
    key: SecretString,
    agent_id: Option<RetellAgentId>,
    endpoints: Option<RetellEndpoints>,
    called: Option<PhoneNumber>,
}

impl fmt::Debug for RetellAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetellAccount")
            .field("client", &self.client)
            .field("agent_id", &self.agent_id)
            .finish_non_exhaustive()
    }
}

impl RetellAccount {
    /// An account: a client for Retell's API, and the key with which Retell signs what it sends.
    pub fn new(client: RetellClient, key: impl Into<SecretString>) -> Self {
        Self {
            client,
            key: key.into(),
            agent_id: None,
            endpoints: None,
            called: None,
        }
    }

    /// Sets the agent, unless operators choose another.
    #[must_use]
    pub fn with_agent(mut self, id: impl Into<Option<RetellAgentId>>) -> Self {
        self.agent_id = id.into();
        self
    }

    /// Sets the URLs under which Retell reaches this program.
    #[must_use]
    pub fn with_endpoints(mut self, endpoints: impl Into<Option<RetellEndpoints>>) -> Self {
        self.endpoints = endpoints.into();
        self
    }

    /// Sets the number that a test calls, which tells the branch.
    #[must_use]
    pub fn with_called(mut self, number: impl Into<Option<PhoneNumber>>) -> Self {
        self.called = number.into();
        self
    }

    fn endpoints(&self) -> Result<&RetellEndpoints, ConsoleError> {
        self.endpoints.as_ref().ok_or_else(|| {
            ConsoleError::not_set_up(
                "it is not known under which address Retell reaches this program: set the public address",
            )
        })
    }

    fn agent_of(&self, settings: &AgentSettings) -> Option<RetellAgentId> {
        let chosen = settings.agent_id.as_ref().map(RetellAgentId::new);
        chosen.or_else(|| self.agent_id.clone())
    }

    /// What the agent should be.
    fn wanted(&self, settings: &AgentSettings) -> Result<Wanted, ConsoleError> {
        let endpoints = self.endpoints()?;
        let agent_id = self.agent_of(settings).ok_or_else(|| {
            ConsoleError::not_set_up("no agent is named: set its id, as Retell shows it")
        })?;
        let mut functions = FunctionSettings::new(endpoints.functions.clone());
        functions.switched_off = Tool::ALL.into_iter().collect();
        for tool in settings.tools_on() {
            functions.switched_off.remove(&tool);
        }
        let mut webhook = WebhookSettings::default().with_url(endpoints.events.as_str());
        webhook.events = settings.events.clone();
        Ok(Wanted {
            agent_id,
            functions,
            webhook,
        })
    }
}

/// What an agent should be.
struct Wanted {
    agent_id: RetellAgentId,
    functions: FunctionSettings,
    webhook: WebhookSettings,
}

impl Wanted {
    fn pushed(&self) -> Pushed {
        let definitions = self.functions.definitions();
        let definitions = definitions.iter().map(json).collect();
        Pushed::new(self.agent_id.as_str(), definitions)
            .with_events(self.webhook.url.clone(), self.webhook.events.clone())
    }

    /// Whether this is what was sent.
    fn is(&self, pushed: &Pushed) -> bool {
        let mut sent = pushed.clone();
        sent.changes.clear();
        self.pushed() == sent
    }
}

fn json(function: &RetellFunction) -> serde_json::Value {
    serde_json::to_value(function).unwrap_or_default()
}

/// Sets up tenants' agents at Retell, and tests them.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use calcom::agents::AgentConsole;
/// use calcom::agents::dialect::retell::RetellEndpoints;
/// use calcom::agents::retell::{RetellAccount, RetellClient, RetellConsole};
/// use calcom::store::{InMemoryStore, TenantId};
///
/// # async fn run(key: calcom::SecretString) -> Result<(), Box<dyn std::error::Error>> {
/// let tenant = TenantId::new("salon");
/// let endpoints = RetellEndpoints::new(&"https://example.org".parse()?, &tenant);
/// let account = RetellAccount::new(RetellClient::new(key.clone())?, key)
///     .with_agent(Some("agent_1".into()))
///     .with_endpoints(endpoints);
/// let store = Arc::new(InMemoryStore::new());
/// let console = RetellConsole::new(store, [(tenant.clone(), account)])?;
/// let plan = console.plan(&tenant).await?;
/// for change in &plan.changes {
///     println!("{change}");
/// }
/// console.push(&tenant, "eve", Some(&plan.fingerprint())).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RetellConsole {
    store: AgentSettingsStore,
    accounts: BTreeMap<TenantId, RetellAccount>,
    http: Arc<dyn HttpService>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl RetellConsole {
    /// Agents of tenants, whose settings are documents of a store. Tests go through a transport of its
    /// own.
    ///
    /// # Errors
    ///
    /// [`Invalid`](RetellErrorKind::Invalid) if the transport cannot be set up.
    pub fn new(
        documents: Arc<dyn Documents>,
        accounts: impl IntoIterator<Item = (TenantId, RetellAccount)>,
    ) -> Result<Self, RetellError> {
        let http = transport("agents.test", RetellEndpoint::TIMEOUT).map_err(|cause| {
            let message = "the transport cannot be set up";
            RetellError::new(RetellErrorKind::Invalid, message).because(cause)
        })?;
        Ok(Self::over(http, documents, accounts))
    }

    /// The same, with tests over a given HTTP service.
    pub fn over(
        http: Arc<dyn HttpService>,
        documents: Arc<dyn Documents>,
        accounts: impl IntoIterator<Item = (TenantId, RetellAccount)>,
    ) -> Self {
        Self {
            store: AgentSettingsStore::new(documents),
            accounts: accounts.into_iter().collect(),
            http,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Sets the clock, by which tests are signed.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the names of test calls come from.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// The settings.
    pub fn settings(&self) -> &AgentSettingsStore {
        &self.store
    }

    fn account(&self, tenant: &TenantId) -> Result<&RetellAccount, ConsoleError> {
        self.accounts.get(tenant).ok_or_else(|| {
            ConsoleError::not_set_up(
                "no account at Retell is set up for this tenant: set its API key",
            )
        })
    }

    /// What the agent is and what it should be.
    async fn compared(
        account: &RetellAccount,
        wanted: &Wanted,
    ) -> Result<(RetellAgent, PushPlan), ConsoleError> {
        let agent = account.client.agent(&wanted.agent_id, None).await?;
        let engine = account.client.engine(&agent).await?;
        let mut plan = PushPlan::new(wanted.agent_id.as_str());
        plan.agent_name = agent.name.clone();
        plan.is_published = agent.is_published || engine.is_published;
        for change in diff(&engine.functions, &wanted.functions) {
            let text = change.to_string();
            match change {
                FunctionChange::NameTaken { .. } => plan.obstacles.push(text),
                _ => plan.changes.push(text),
            }
        }
        let webhook = diff_webhook(&agent, &wanted.webhook);
        plan.changes.extend(webhook.iter().map(ToString::to_string));
        Ok((agent, plan))
    }
}

#[async_trait]
impl AgentConsole for RetellConsole {
    fn has_agent(&self, tenant: &TenantId) -> bool {
        self.accounts.contains_key(tenant)
    }

    async fn panel(&self, tenant: &TenantId) -> Result<AgentPanel, ConsoleError> {
        let account = self.account(tenant)?;
        let settings = self.store.settings(tenant).await?;
        let last_pushed = self.store.last_pushed(tenant).await?;
        let endpoints = account.endpoints.as_ref();
        let functions = Tool::ALL.into_iter().map(|tool| {
            // Where no address is known, there is no URL to show either.
            let url = endpoints.map(|endpoints| endpoints.functions.clone());
            let definition = url.and_then(|url| {
                let definitions = FunctionSettings::new(url).definitions();
                let mut definitions = definitions.iter();
                definitions
                    .find(|known| known.name == tool.as_str())
                    .map(json)
            });
            let definition = definition.unwrap_or_else(
                || serde_json::json!({"name": tool.as_str(), "parameters": tool.parameters()}),
            );
            AgentFunctionLine::new(tool, settings.is_on(tool), definition)
        });
        let pushed = last_pushed.as_ref().and_then(|known| known.pushed.as_ref());
        let is_pushed = match (account.wanted(&settings), pushed) {
            (Ok(wanted), Some(pushed)) => wanted.is(pushed),
            _ => false,
        };
        let url = |of: fn(&RetellEndpoints) -> &url::Url| endpoints.map(|all| of(all).to_string());
        Ok(AgentPanel {
            provider: "Retell",
            agent_id: account.agent_of(&settings).map(|id| id.to_string()),
            functions_url: url(|all| &all.functions),
            inbound_url: url(|all| &all.inbound),
            events_url: url(|all| &all.events),
            functions: functions.collect(),
            known_events: RETELL_CALL_EVENTS,
            events: settings.events.clone(),
            is_pushed,
            last_pushed,
            last_trial: self.store.last_trial(tenant).await?,
        })
    }

    async fn versions(
        &self,
        tenant: &TenantId,
        page: Page<DocumentVersion>,
    ) -> Result<Vec<AgentVersion>, ConsoleError> {
        Ok(self.store.versions(tenant, page).await?)
    }

    async fn switch(
        &self,
        tenant: &TenantId,
        by: &str,
        tool: Tool,
        on: bool,
    ) -> Result<AgentVersion, ConsoleError> {
        self.account(tenant)?;
        let what = format!("Switched {tool} {}.", if on { "on" } else { "off" });
        let switch = |settings: &mut AgentSettings| settings.switch(tool, on);
        Ok(self.store.change(tenant, by, &what, switch).await?)
    }

    async fn select_events(
        &self,
        tenant: &TenantId,
        by: &str,
        events: Option<BTreeSet<String>>,
    ) -> Result<AgentVersion, ConsoleError> {
        self.account(tenant)?;
        let what = match &events {
            None => "Left the call events to Retell.".to_owned(),
            Some(events) if events.is_empty() => "Selected no call events.".to_owned(),
            Some(events) => {
                let names: Vec<&str> = events.iter().map(String::as_str).collect();
                format!("Selected the call events {}.", names.join(", "))
            }
        };
        let select = |settings: &mut AgentSettings| settings.events.clone_from(&events);
        Ok(self.store.change(tenant, by, &what, select).await?)
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        by: &str,
        version: DocumentVersion,
    ) -> Result<AgentVersion, ConsoleError> {
        self.account(tenant)?;
        Ok(self.store.restore(tenant, version, by).await?)
    }

    async fn plan(&self, tenant: &TenantId) -> Result<PushPlan, ConsoleError> {
        let account = self.account(tenant)?;
        let settings = self.store.settings(tenant).await?;
        let wanted = account.wanted(&settings)?;
        let (_, plan) = Self::compared(account, &wanted).await?;
        Ok(plan)
    }

    async fn push(
        &self,
        tenant: &TenantId,
        by: &str,
        planned: Option<&str>,
    ) -> Result<PushPlan, ConsoleError> {
        let account = self.account(tenant)?;
        let settings = self.store.settings(tenant).await?;
        let wanted = account.wanted(&settings)?;
        let (agent, plan) = Self::compared(account, &wanted).await?;
        if planned.is_some_and(|planned| planned != plan.fingerprint()) {
            let message = "the agent or its settings have changed since the differences were shown";
            return Err(ConsoleError::new(ConsoleErrorKind::Stale, message));
        }
        if let Some(obstacle) = plan.obstacles.first() {
            let message = format!("{obstacle}; rename or remove it at Retell");
            return Err(ConsoleError::new(ConsoleErrorKind::Refused, message));
        }
        let functions = account.client.push_functions(&agent, &wanted.functions);
        let functions = functions.await?;
        let webhook = account.client.push_webhook(&agent, &wanted.webhook).await;
        let mut changes: Vec<String> = functions.iter().map(ToString::to_string).collect();
        let mut pushed = wanted.pushed();
        let what = match &webhook {
            Ok(webhook) => {
                changes.extend(webhook.iter().map(ToString::to_string));
                "Pushed to Retell."
            }
            Err(_) => {
                pushed = pushed.with_events(None, None);
                "Pushed the functions to Retell; the call events could not be set."
            }
        };
        let last = self.store.last_pushed(tenant).await?;
        let last = last.and_then(|known| known.pushed);
        let is_known = last.is_some_and(|last| wanted.is(&last)) && webhook.is_ok();
        if !changes.is_empty() || !is_known {
            let pushed = pushed.with_changes(changes);
            self.store.keep_pushed(tenant, by, what, &pushed).await?;
        }
        webhook?;
        Ok(plan)
    }

    async fn test(
        &self,
        tenant: &TenantId,
        by: &str,
        params: TrialParams,
    ) -> Result<Trial, ConsoleError> {
        let account = self.account(tenant)?;
        let settings = self.store.settings(tenant).await?;
        let endpoint = RetellEndpoint::new(
            Arc::clone(&self.http),
            Arc::clone(&self.clock),
            account.endpoints()?.functions.clone(),
            account.key.clone(),
            format!("test_{:016x}", self.entropy.next_u64()),
        );
        let endpoint = endpoint
            .with_agent(account.agent_of(&settings))
            .with_called(account.called.clone());
        let steps = play(&endpoint, &settings, params).await;
        Ok(self.store.keep_trial(tenant, by, &steps).await?)
    }
}

impl From<RetellError> for ConsoleError {
    fn from(error: RetellError) -> Self {
        let kind = match error.kind() {
            RetellErrorKind::Unauthorized => ConsoleErrorKind::Unauthorized,
            RetellErrorKind::NotFound => ConsoleErrorKind::NotFound,
            RetellErrorKind::Refused | RetellErrorKind::Unsupported => ConsoleErrorKind::Refused,
            RetellErrorKind::Unavailable | RetellErrorKind::Unreadable => {
                ConsoleErrorKind::Unavailable
            }
            RetellErrorKind::Invalid => ConsoleErrorKind::NotSetUp,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}
