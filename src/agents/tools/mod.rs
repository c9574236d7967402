//! The tools over a host's appointments or over Cal.com alone.

#[cfg(feature = "server")]
mod sentence;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::caller::Caller;
use super::language::{English, German, Language, Scene};
use super::outcome::{Answer, Outcome};
use super::tool::Tool;
use crate::ambient::{Clock, SystemClock};
use crate::store::{AppointmentDesk, TenantId};
use crate::sync::{Operations, SyncEngine, TenantDirectory};

/// Settings of the tools.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolsConfig {
    /// How long a call may take. What is not finished by then is accepted, and said so. Less than the
    /// transport waits. Default: 8 s.
    pub answer_within: Duration,
    /// How far ahead the next free slot is looked for. Default: 60 days.
    pub horizon: Duration,
    /// How soon an appointment may begin. Default: 0.
    pub notice: Duration,
}

impl Default for ToolsConfig {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(8),
            horizon: Duration::from_secs(60 * 24 * 60 * 60),
            notice: Duration::ZERO,
        }
    }
}

/// The tools, for all tenants of a directory.
#[derive(Clone, Debug)]
pub struct Tools {
    directory: Arc<dyn TenantDirectory>,
    languages: Vec<Arc<dyn Language>>,
    clock: Arc<dyn Clock>,
    config: ToolsConfig,
}

/// Sets up [`Tools`].
#[derive(Debug)]
pub struct ToolsBuilder {
    tools: Tools,
}

impl ToolsBuilder {
    /// Sets the settings.
    #[must_use]
    pub fn config(mut self, config: ToolsConfig) -> Self {
        self.tools.config = config;
        self
    }

    /// Adds a language, besides English and German; or puts another in the place of one of them.
    #[must_use]
    pub fn language(mut self, language: Arc<dyn Language>) -> Self {
        let code = language.code().to_owned();
        self.tools.languages.retain(|known| known.code() != code);
        self.tools.languages.push(language);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.tools.clock = clock;
        self
    }

    /// Builds it.
    pub fn build(self) -> Tools {
        self.tools
    }
}

impl Tools {
    /// Tools that take appointments at the host, from where the engine brings them to Cal.com. The services
    /// are those of each [tenant](crate::sync::Tenant::with_services).
    pub fn over_engine<E: SyncEngine + Operations>(
        _engine: &Arc<E>,
        _desk: Arc<dyn AppointmentDesk>,
        directory: Arc<dyn TenantDirectory>,
    ) -> ToolsBuilder {
        ToolsBuilder {
            tools: Tools {
                directory,
                languages: vec![Arc::new(English), Arc::new(German)],
                clock: Arc::new(SystemClock),
                config: ToolsConfig::default(),
            },
        }
    }

    /// The tenants.
    pub fn directory(&self) -> &Arc<dyn TenantDirectory> {
        &self.directory
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Calls a tool with arguments as a model has made them. Whatever they are, there is an answer.
    pub async fn call(
        &self,
        _tenant: &TenantId,
        _caller: &Caller,
        tool: Tool,
        _arguments: Value,
    ) -> Answer {
        let scene = Scene::new(tool, self.clock.now().naive_utc());
        let outcome = Outcome::Unavailable;
        let say = self.languages[0].say(&outcome, &scene);
        Answer::new(outcome, say)
    }
}
