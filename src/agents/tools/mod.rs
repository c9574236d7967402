//! The tools over a host's appointments or over Cal.com alone.

mod book;
mod collect;
mod kept;
mod key;
mod moment;
mod names;
mod phone;
mod services;
mod session;
mod slots;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use moka::future::Cache;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use self::session::{Session, Stop};
#[cfg(feature = "client")]
use super::books::ClientBooks;
use super::books::{Books, EngineBooks, Entry};
use super::caller::Caller;
use super::language::{English, German, Language, Scene};
use super::outcome::{Answer, Outcome};
use super::spoken::Spoken;
use super::tool::Tool;
use crate::ambient::{Clock, SystemClock};
#[cfg(feature = "client")]
use crate::client::Client;
use crate::store::{AppointmentDesk, RequestKey, TenantId};
#[cfg(feature = "client")]
use crate::sync::StaticTenants;
use crate::sync::{Operations, SyncEngine, Tenant, TenantDirectory};

/// How much longer than its limit a call may take to put what has happened into words.
const GRACE: Duration = Duration::from_millis(500);
/// How long a cancellation is remembered, so that the same request again is answered alike: longer than any
/// transport repeats one. How many are.
const REMEMBERED_FOR: Duration = Duration::from_secs(15 * 60);
const REMEMBERED: u64 = 10_000;

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
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use calcom::agents::{Caller, Tool, Tools};
/// use calcom::store::InMemoryStore;
/// use calcom::sync::{Engine, StaticTenants};
///
/// let store = Arc::new(InMemoryStore::new()); // your appointments
/// let tenants = Arc::new(StaticTenants::default()); // yours
/// let engine = Arc::new(Engine::builder(store.clone(), store.clone(), tenants.clone()).build());
/// let tools = Tools::over_engine(&engine, store, tenants).build();
///
/// // Somebody calls from +49 30 123456, and the model calls a tool:
/// let caller = Caller::on_the_phone("call-7", "+4930123456".parse().ok());
/// let arguments = serde_json::json!({"service": "Haircut", "when": "tomorrow at three"});
/// let answer = tools.call(&"salon".into(), &caller, Tool::CheckAvailability, arguments).await;
/// println!("{}", answer.say);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tools {
    directory: Arc<dyn TenantDirectory>,
    books: Arc<dyn Books>,
    languages: Vec<Arc<dyn Language>>,
    clock: Arc<dyn Clock>,
    config: ToolsConfig,
    /// What was cancelled a short while ago, for requests that come again.
    recent: Cache<RequestKey, Entry>,
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
        engine: &Arc<E>,
        desk: Arc<dyn AppointmentDesk>,
        directory: Arc<dyn TenantDirectory>,
    ) -> ToolsBuilder {
        let books = EngineBooks {
            engine: engine.clone(),
            operations: engine.clone(),
            desk,
        };
        Self::over(Arc::new(books), directory)
    }

    /// Tools for one tenant without appointments of its own: they book at Cal.com, each request
    /// [once](crate::client::Bookings::create_once). The services are the account's event types, or those of
    /// them that the tenant names.
    ///
    /// Cal.com cannot look bookings up by phone number, so that a caller's are found among the next 1000.
    #[cfg(feature = "client")]
    pub fn over_client(client: Client, tenant: Tenant) -> ToolsBuilder {
        let directory = Arc::new(StaticTenants::new([tenant]));
        Self::over(Arc::new(ClientBooks { client }), directory)
    }

    fn over(books: Arc<dyn Books>, directory: Arc<dyn TenantDirectory>) -> ToolsBuilder {
        let recent = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(REMEMBERED_FOR);
        ToolsBuilder {
            tools: Tools {
                directory,
                books,
                languages: vec![Arc::new(English), Arc::new(German)],
                clock: Arc::new(SystemClock),
                config: ToolsConfig::default(),
                recent: recent.build(),
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

    /// The settings.
    pub fn config(&self) -> &ToolsConfig {
        &self.config
    }

    /// The language of this code, or of the tenant, or English.
    pub fn language(&self, code: Option<&str>, tenant: Option<&Tenant>) -> Arc<dyn Language> {
        let of_tenant = tenant.map(|tenant| tenant.locale().language.as_str());
        let mut wanted = [code, of_tenant].into_iter().flatten();
        let known = wanted.find_map(|code| {
            let mut languages = self.languages.iter();
            languages.find(|language| speaks(code, language.code()))
        });
        known.cloned().unwrap_or_else(|| Arc::new(English))
    }

    /// Calls a tool with arguments as a model has made them: an object, or its JSON as a text. Whatever they
    /// are, there is an answer within [`answer_within`](ToolsConfig::answer_within).
    ///
    /// What the call writes is finished also if its future is dropped. The same call again, whose answer was
    /// lost, answers what became of the first one. The answer is in the language that the arguments name, or
    /// that of the caller, or of the tenant.
    pub async fn call(
        &self,
        tenant: &TenantId,
        caller: &Caller,
        tool: Tool,
        arguments: Value,
    ) -> Answer {
        let until = Instant::now() + self.config.answer_within;
        let has_begun = Arc::new(AtomicBool::new(false));
        let call = self.clone().run(
            tenant.clone(),
            caller.clone(),
            (tool, arguments),
            until,
            Arc::clone(&has_begun),
        );
        let mut call = tokio::spawn(call.in_current_span());
        // What writes keeps to the limit by itself, and then has something to tell.
        match tokio::time::timeout_at(until + GRACE, &mut call).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(_)) => tracing::error!(%tool, "a tool panicked"),
            Err(_) => tracing::warn!(%tool, "a tool did not answer in time"),
        }
        if has_begun.load(Ordering::Acquire) {
            return self.without_tenant(caller, tool, Outcome::Unknown);
        }
        // Nothing is written of which nobody hears.
        call.abort();
        self.without_tenant(caller, tool, Outcome::Unavailable)
    }

    async fn run(
        self,
        tenant: TenantId,
        caller: Caller,
        (tool, arguments): (Tool, Value),
        until: Instant,
        has_begun: Arc<AtomicBool>,
    ) -> Answer {
        let found = match tokio::time::timeout_at(until, self.directory.tenant(&tenant)).await {
            Ok(Ok(Some(found))) => found,
            _ => return self.without_tenant(&caller, tool, Outcome::Unavailable),
        };
        let arguments = match arguments {
            Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
            other => other,
        };
        let said = arguments.get("language").and_then(Value::as_str);
        let said = said.map(str::to_owned);
        let codes = [said, caller.language.clone()].into_iter().flatten();
        let code = codes.into_iter().find(|code| self.speaks(code));
        let language = self.language(code.as_deref(), Some(&found));
        let session = Session {
            books: Arc::clone(&self.books),
            tenant: found,
            caller,
            language,
            now: self.clock.now(),
            notice: bounded(self.config.notice),
            horizon: bounded(self.config.horizon),
            until,
            has_begun,
            recent: self.recent.clone(),
        };
        let outcome = match session.answer(tool, arguments).await {
            Ok(outcome) => outcome,
            Err(Stop::With(outcome)) => *outcome,
            Err(Stop::Trouble(trouble)) => {
                let cause = std::error::Error::source(&trouble).map(ToString::to_string);
                tracing::warn!(%tenant, %tool, error = %trouble, cause, "a tool could not do its work");
                match session.has_begun.load(Ordering::Acquire) {
                    true => Outcome::Unknown,
                    false => Outcome::Unavailable,
                }
            }
        };
        tracing::debug!(%tenant, %tool, outcome = outcome.as_str(), "a tool answered");
        let branch = session.branch(&Spoken::default()).ok().flatten();
        let now = session.local_now(session.zone(branch));
        let say = session.language.say(&outcome, &Scene::new(tool, now));
        Answer::new(outcome, say)
    }

    /// An answer where nothing is known of the tenant.
    fn without_tenant(&self, caller: &Caller, tool: Tool, outcome: Outcome) -> Answer {
        let language = self.language(caller.language.as_deref(), None);
        let scene = Scene::new(tool, self.clock.now().naive_utc());
        let say = language.say(&outcome, &scene);
        Answer::new(outcome, say)
    }

    /// Whether there is a language of this code.
    fn speaks(&self, code: &str) -> bool {
        let mut languages = self.languages.iter();
        languages.any(|language| speaks(code, language.code()))
    }
}

impl Session {
    async fn answer(&self, tool: Tool, arguments: Value) -> Result<Outcome, Stop> {
        match tool {
            Tool::CheckAvailability => self.check_availability(read(tool, arguments)?).await,
            Tool::FindNextSlot => self.find_next_slot(read(tool, arguments)?).await,
            Tool::FindAlternatives => self.find_alternatives(read(tool, arguments)?).await,
            Tool::CalculateDuration => self.calculate_duration(read(tool, arguments)?).await,
            Tool::ListServices => self.list_services(read(tool, arguments)?).await,
            Tool::CollectAppointmentData => self.collect(read(tool, arguments)?).await,
            Tool::BookAppointment => self.book(read(tool, arguments)?).await,
            Tool::FindAppointments => self.find(read(tool, arguments)?).await,
            Tool::MoveAppointment => self.move_appointment(read(tool, arguments)?).await,
            Tool::CancelAppointment => self.cancel_appointment(read(tool, arguments)?).await,
        }
    }
}

/// Reads arguments. None at all are those of a tool that needs none.
fn read<T: DeserializeOwned + Default>(tool: Tool, arguments: Value) -> Result<T, Stop> {
    if arguments.is_null() {
        return Ok(T::default());
    }
    serde_json::from_value(arguments).map_err(|_| Outcome::unreadable(tool).into())
}

/// Whether a language code such as `de-AT` names a language such as `de`.
fn speaks(code: &str, language: &str) -> bool {
    let of = |code: &str| {
        code.split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    !code.is_empty() && of(code) == of(language)
}

fn bounded(span: Duration) -> TimeDelta {
    let longest = TimeDelta::days(3 * 366);
    TimeDelta::from_std(span).map_or(longest, |span| span.min(longest))
}
