//! Settings: from a file, the environment and flags; the last one wins.

mod database;
mod environment;
mod file;
mod mcp;
mod places;
mod retell;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calcom::model::{EventTypeId, PhoneNumber, Region, UserId};
use calcom::store::{Retention, TenantId};
use calcom::sync::{ConflictPolicy, Places};
use http::HeaderName;
use secrecy::SecretString;
use url::Url;

pub(crate) use self::database::DatabaseUrl;
use crate::cli::Global;
use crate::demo;
use crate::failure::Failure;

/// Where settings are looked for if no file is named.
pub(crate) const DEFAULT_FILE: &str = "calcom-sync.toml";
const DEFAULT_DATABASE: &str = "calcom-sync.sqlite";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4680);

/// All settings. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Whether they are those of a running demo.
    pub(crate) is_demo: bool,
    pub(crate) database: DatabaseUrl,
    /// Whether somebody chose the database, or it is the default one.
    pub(crate) is_database_named: bool,
    pub(crate) listen: SocketAddr,
    /// Under which Cal.com reaches the webhooks.
    pub(crate) public_url: Option<Url>,
    pub(crate) sync_key_secret: Option<SecretString>,
    pub(crate) log: LogSettings,
    pub(crate) webhooks: WebhookSettings,
    /// How long finished records are kept.
    pub(crate) keep: Retention,
    pub(crate) tenants: Vec<TenantSettings>,
    /// Who may see or use the operations page.
    pub(crate) tokens: Vec<TokenSettings>,
    pub(crate) notify: Option<NotifySettings>,
    pub(crate) mail: Option<MailSettings>,
    /// The tenant of `--tenant`.
    pub(crate) selected: Option<TenantId>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct LogSettings {
    /// The folder of the log files.
    pub(crate) dir: Option<PathBuf>,
    /// Which lines: `info`, or a filter such as `info,sqlx=warn`.
    pub(crate) level: Option<String>,
    /// One JSON object a line.
    pub(crate) json: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct WebhookSettings {
    /// How many requests a minute a source may send for a tenant; `None` for any number.
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    /// The header in which a proxy says whom a request comes from.
    pub(crate) source_header: Option<HeaderName>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            requests_per_minute: NonZeroU32::new(60),
            source_header: None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct TenantSettings {
    pub(crate) id: TenantId,
    pub(crate) api_key: SecretString,
    /// The client's default if absent.
    pub(crate) base_url: Option<String>,
    /// Cal.com's web application, which people see bookings in.
    pub(crate) app_url: Option<Url>,
    /// The version of the bookings' API; the client's default if absent.
    pub(crate) api_version: Option<String>,
    pub(crate) webhook_secrets: Vec<SecretString>,
    pub(crate) event_types: BTreeSet<EventTypeId>,
    pub(crate) hosts: BTreeSet<UserId>,
    pub(crate) phone_only_domain: Option<String>,
    /// Who wins where both sides have changed the same; a person decides by default.
    pub(crate) conflicts: ConflictPolicy,
    /// The tenant's voice agent at Retell.
    pub(crate) retell: Option<RetellSettings>,
    /// Who may call its tools over HTTP; nobody if absent.
    pub(crate) mcp: Option<McpSettings>,
    /// The country of phone numbers that are written without one.
    pub(crate) default_region: Option<Region>,
    /// Its branches and staff, whose event types and users are also among the tenant's.
    pub(crate) places: Places,
}

#[derive(Clone, Debug)]
pub(crate) struct RetellSettings {
    /// With which Retell's API is called, and Retell signs what it sends.
    pub(crate) api_key: SecretString,
    /// The agent, unless operators choose another.
    pub(crate) agent_id: Option<String>,
    /// Retell's own API if absent.
    pub(crate) base_url: Option<Url>,
    /// The number that a test calls.
    pub(crate) called_number: Option<PhoneNumber>,
}

#[derive(Clone, Debug)]
pub(crate) struct McpSettings {
    pub(crate) token: SecretString,
}

#[derive(Clone, Debug)]
pub(crate) struct TokenSettings {
    pub(crate) name: String,
    pub(crate) token: SecretString,
    pub(crate) role: Role,
    /// All tenants if empty.
    pub(crate) tenants: BTreeSet<TenantId>,
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Looking.
    Viewer,
    /// Deciding, too.
    Operator,
}

#[derive(Clone, Debug)]
pub(crate) struct NotifySettings {
    /// A secret, too: it may let others post.
    pub(crate) url: SecretString,
    pub(crate) secret: Option<SecretString>,
}

#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "mail"),
    allow(dead_code, reason = "read with the feature `mail` only")
)]
pub(crate) struct MailSettings {
    /// `smtps://user:password@host`, or `smtp://host:25` without encryption.
    pub(crate) smtp: SecretString,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// At most one mail in this time.
    pub(crate) every: Duration,
}

impl TenantSettings {
    /// Where Cal.com's web application is; `None` for a server of one's own whose address nobody has
    /// told.
    pub(crate) fn app_url(&self) -> Option<Url> {
        let is_hosted =
            |base: &String| Url::parse(base).is_ok_and(|url| url.host_str() == Some("api.cal.com"));
        match &self.app_url {
            Some(url) => Some(url.clone()),
            None if self.base_url.as_ref().is_none_or(is_hosted) => {
                Url::parse("https://app.cal.com").ok()
            }
            None => None,
        }
    }
}

impl Settings {
    /// Reads the settings file and the environment, and applies the flags.
    pub(crate) fn load(flags: &Global) -> Result<Self, Failure> {
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if flags.demo {
            // Only what the demo does not say itself, such as the log.
            let own = Self::from_sources(
                &Global {
                    database: None,
                    ..flags.clone()
                },
                &|name| environment(name).filter(|_| name.starts_with("CALCOM_SYNC_LOG")),
            )?;
            return demo::settings_of_running(&own);
        }
        Self::from_sources(flags, &environment)
    }

    fn from_sources(
        flags: &Global,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let file = match &flags.config {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.is_file()),
        };
        let mut read = match &file {
            Some(path) => file::read(path)?,
            None => file::SettingsFile::default(),
        };
        environment::apply(&mut read, environment)?;
        if let Some(database) = &flags.database {
            read.database = Some(database.clone().into());
        }
        let mut settings = read.check(file.as_deref().unwrap_or(Path::new("the environment")))?;
        settings.file = file;
        let selected = flags.tenant.clone().map(TenantId::new);
        settings.selected = selected;
        Ok(settings)
    }

    /// Whether anybody's Cal.com can be reached.
    pub(crate) fn has_key(&self) -> bool {
        !self.tenants.is_empty()
    }

    /// The URL that a tenant's webhooks are to be sent to, if it is known.
    pub(crate) fn webhook_url(&self, tenant: &TenantId) -> Option<String> {
        let base = self.public_url.as_ref()?.as_str().trim_end_matches('/');
        Some(format!("{base}{}", webhook_path(tenant)))
    }
}

/// The path at which a tenant's webhooks are received.
pub(crate) fn webhook_path(tenant: &TenantId) -> String {
    format!("/webhooks/calcom/{tenant}")
}

#[cfg(test)]
mod tests;
