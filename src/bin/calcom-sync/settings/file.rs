//! The settings file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calcom::model::{EventTypeId, Region, UserId};
use calcom::store::{Retention, TenantId};
use calcom::sync::ConflictPolicy;
use http::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::mcp::McpFile;
use super::places::{self, BranchFile, StaffFile};
use super::retell::RetellFile;
use super::{
    DEFAULT_DATABASE, DEFAULT_LISTEN, DatabaseUrl, LogSettings, MailSettings, NotifySettings, Role,
    Settings, TenantSettings, TokenSettings, WebhookSettings,
};
use crate::failure::Failure;
use crate::parse;

/// The file as it is written. An unknown key is an error, because it is usually a misspelled one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SettingsFile {
    pub(super) database: Option<SecretString>,
    pub(super) schema: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) sync_key_secret: Option<SecretString>,
    pub(super) log: LogFile,
    pub(super) webhooks: WebhooksFile,
    pub(super) keep: KeepFile,
    pub(super) tenants: Vec<TenantFile>,
    pub(super) tokens: Vec<TokenFile>,
    pub(super) notify: Option<NotifyFile>,
    pub(super) mail: Option<MailFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LogFile {
    pub(super) dir: Option<PathBuf>,
    pub(super) level: Option<String>,
    pub(super) json: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebhooksFile {
    /// Zero for any number.
    requests_per_minute: Option<u32>,
    source_header: Option<String>,
}

/// Spans such as `90d`, or `forever`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct KeepFile {
    bodies: Option<String>,
    deliveries: Option<String>,
    changes: Option<String>,
    reviews: Option<String>,
    log: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TenantFile {
    pub(super) id: String,
    pub(super) api_key: Option<SecretString>,
    pub(super) base_url: Option<String>,
    pub(super) app_url: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) webhook_secrets: Vec<SecretString>,
    pub(super) event_types: BTreeSet<i64>,
    pub(super) hosts: BTreeSet<i64>,
    pub(super) phone_only_domain: Option<String>,
    pub(super) conflicts: ConflictPolicy,
    pub(super) retell: Option<RetellFile>,
    pub(super) mcp: Option<McpFile>,
    pub(super) default_region: Option<String>,
    pub(super) branches: Vec<BranchFile>,
    pub(super) staff: Vec<StaffFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFile {
    name: String,
    token: SecretString,
    role: Role,
    #[serde(default)]
    tenants: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyFile {
    pub(super) url: SecretString,
    pub(super) secret: Option<SecretString>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailFile {
    smtp: SecretString,
    from: String,
    to: Vec<String>,
    every: Option<String>,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<SettingsFile, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::settings(
            format!("the settings file {} cannot be read", path.display()),
            "name an existing file with --config, or leave the flag out",
        )
        .because(error)
    })?;
    parse(&text, path)
}

pub(super) fn parse(text: &str, path: &Path) -> Result<SettingsFile, Failure> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let problem = without_values(error.message());
        Failure::settings(
            format!("{}, line {line}: {problem}", path.display()),
            "correct that line; docs/program.md lists all settings",
        )
    })
}

/// The parser's message without the value that it may repeat, which may be a secret.
fn without_values(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let of_value = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ];
    if !of_value.iter().any(|kind| message.starts_with(kind)) {
        return message.to_owned();
    }
    match message.rsplit_once("expected ") {
        Some((_, wanted)) => format!("the value is of the wrong kind: this has to be {wanted}"),
        None => "the value is of the wrong kind".to_owned(),
    }
}

impl SettingsFile {
    /// Checks every value.
    pub(super) fn check(self, source: &Path) -> Result<Settings, Failure> {
        let wrong = |what: &str, problem: &str| {
            Failure::settings(
                format!("{}: `{what}` {problem}", source.display()),
                "correct that setting",
            )
        };
        let is_database_named = self.database.is_some();
        let database = match &self.database {
            Some(database) => database.expose_secret(),
            None => DEFAULT_DATABASE,
        };
        let database = DatabaseUrl::parse(database, self.schema)
            .map_err(|problem| wrong("database", problem))?;
        let listen: SocketAddr = match self.listen {
            Some(text) => text.parse().map_err(|_| {
                wrong(
                    "listen",
                    "is not an address and a port, such as 127.0.0.1:4680",
                )
            })?,
            None => DEFAULT_LISTEN,
        };
        let public_url = match self.public_url {
            Some(text) => Some(web_url(&text).ok_or_else(|| {
                wrong(
                    "public_url",
                    "is not an address such as https://sync.example.com",
                )
            })?),
            None => None,
        };
        let webhooks = WebhookSettings {
            requests_per_minute: match self.webhooks.requests_per_minute {
                Some(number) => NonZeroU32::new(number),
                None => WebhookSettings::default().requests_per_minute,
            },
            source_header: match self.webhooks.source_header {
                Some(name) => {
                    let name: Result<HeaderName, _> = name.parse();
                    Some(name.map_err(|_| {
                        wrong("webhooks.source_header", "is not the name of a header")
                    })?)
                }
                None => None,
            },
        };
        let keep = self.keep.check(&wrong)?;
        let mut tenants = Vec::new();
        for tenant in self.tenants {
            let tenant = tenant.check(&wrong)?;
            if tenants
                .iter()
                .any(|known: &TenantSettings| known.id == tenant.id)
            {
                return Err(wrong("tenants", &format!("has {} twice", tenant.id)));
            }
            tenants.push(tenant);
        }
        let mut taken: BTreeSet<EventTypeId> = BTreeSet::new();
        for id in tenants.iter().flat_map(|tenant| &tenant.event_types) {
            if !taken.insert(*id) {
                let problem = format!("gives event type {id} to two tenants");
                return Err(wrong("tenants", &problem));
            }
        }
        let mut opened: BTreeSet<&str> = BTreeSet::new();
        for mcp in tenants.iter().filter_map(|tenant| tenant.mcp.as_ref()) {
            if !opened.insert(mcp.token.expose_secret()) {
                let problem = "is the same for two tenants: each needs its own";
                return Err(wrong("tenants.mcp.token", problem));
            }
        }
        let mut tokens = Vec::new();
        for token in self.tokens {
            if token.token.expose_secret().len() < 16 {
                let problem = format!(
                    "has a token for {:?} that is too short: use 16 letters and digits or more",
                    token.name
                );
                return Err(wrong("tokens", &problem));
            }
            let of_token: BTreeSet<TenantId> = token.tenants.iter().map(TenantId::new).collect();
            let mut unknown = of_token
                .iter()
                .filter(|id| !tenants.iter().any(|tenant| tenant.id == **id));
            if let Some(id) = unknown.next() {
                let problem = format!("names a tenant {id} that is not configured");
                return Err(wrong("tokens", &problem));
            }
            tokens.push(TokenSettings {
                name: token.name,
                token: token.token,
                role: token.role,
                tenants: of_token,
            });
        }
        let notify = match self.notify {
            Some(notify) => {
                if web_url(notify.url.expose_secret()).is_none() {
                    return Err(wrong("notify.url", "is not an http or https address"));
                }
                Some(NotifySettings {
                    url: notify.url,
                    secret: notify.secret,
                })
            }
            None => None,
        };
        let mail = match self.mail {
            Some(mail) => Some(mail.check(&wrong)?),
            None => None,
        };
        Ok(Settings {
            file: None,
            is_demo: false,
            database,
            is_database_named,
            listen,
            public_url,
            sync_key_secret: self.sync_key_secret,
            log: LogSettings {
                dir: self.log.dir,
                level: self.log.level,
                json: self.log.json,
            },
            webhooks,
            keep,
            tenants,
            tokens,
            notify,
            mail,
            selected: None,
        })
    }
}

impl KeepFile {
    fn check(self, wrong: &impl Fn(&str, &str) -> Failure) -> Result<Retention, Failure> {
        let mut keep = Retention::default();
        for (name, text, span) in [
            ("keep.bodies", self.bodies, &mut keep.bodies),
            ("keep.deliveries", self.deliveries, &mut keep.deliveries),
            ("keep.changes", self.changes, &mut keep.changes),
            ("keep.reviews", self.reviews, &mut keep.reviews),
            ("keep.log", self.log, &mut keep.log),
        ] {
            match text.as_deref() {
                None => {}
                Some("forever") => *span = None,
                Some(text) => {
                    let read = parse::duration(text);
                    *span = Some(
                        read.map_err(|_| wrong(name, "is not a span such as 90d, or `forever`"))?,
                    );
                }
            }
        }
        Ok(keep)
    }
}

impl TenantFile {
    fn check(self, wrong: &impl Fn(&str, &str) -> Failure) -> Result<TenantSettings, Failure> {
        let id = self.id;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || !id.chars().all(is_plain) {
            return Err(wrong(
                "tenants.id",
                "has to be there, of letters, digits, `-`, `_` and `.`: it is part of the webhook's address",
            ));
        }
        let Some(api_key) = self.api_key.filter(|key| !key.expose_secret().is_empty()) else {
            return Err(wrong("tenants.api_key", &format!("is missing for {id}")));
        };
        if let Some(url) = &self.base_url
            && web_url(url).is_none()
        {
            return Err(wrong(
                "tenants.base_url",
                "is not an address such as https://api.cal.com/v2",
            ));
        }
        let app_url = match self.app_url {
            Some(text) => Some(web_url(&text).ok_or_else(|| {
                wrong(
                    "tenants.app_url",
                    "is not an address such as https://app.cal.com",
                )
            })?),
            None => None,
        };
        let retell = match self.retell {
            Some(retell) => Some(retell.check(&id, wrong)?),
            None => None,
        };
        let mcp = match self.mcp {
            Some(mcp) => Some(mcp.check(&id, wrong)?),
            None => None,
        };
        let region = match self.default_region {
            Some(text) => Some(text.parse::<Region>().map_err(|_| {
                wrong(
                    "tenants.default_region",
                    "is no country: write its two letters, such as DE",
                )
            })?),
            None => None,
        };
        let places = places::check(self.branches, self.staff, region, wrong)?;
        let (branches, staff) = (&places.branches, &places.staff);
        let of_branches = branches.iter().flat_map(|branch| &branch.event_types);
        let of_staff = staff.iter().flat_map(|member| &member.event_types);
        let mut event_types: BTreeSet<EventTypeId> =
            self.event_types.into_iter().map(EventTypeId::new).collect();
        event_types.extend(of_branches.chain(of_staff));
        let mut hosts: BTreeSet<UserId> = self.hosts.into_iter().map(UserId::new).collect();
        hosts.extend(staff.iter().filter_map(|member| member.user));
        Ok(TenantSettings {
            id: TenantId::new(id),
            api_key,
            base_url: self.base_url,
            app_url,
            api_version: self.api_version,
            webhook_secrets: self.webhook_secrets,
            event_types,
            hosts,
            phone_only_domain: self.phone_only_domain,
            conflicts: self.conflicts,
            retell,
            mcp,
            default_region: region,
            places,
        })
    }
}

impl MailFile {
    fn check(self, wrong: &impl Fn(&str, &str) -> Failure) -> Result<MailSettings, Failure> {
        let smtp = Url::parse(self.smtp.expose_secret()).ok();
        if !smtp
            .as_ref()
            .is_some_and(|url| matches!(url.scheme(), "smtp" | "smtps"))
        {
            return Err(wrong(
                "mail.smtp",
                "is not an address such as smtps://user:password@mail.example.com",
            ));
        }
        let is_clear = |url: &Url| {
            let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            url.scheme() == "smtp" && url.query() != Some("tls=required") && !is_local
        };
        if smtp.is_some_and(|url| is_clear(&url) && url.password().is_some()) {
            return Err(wrong(
                "mail.smtp",
                "would send its password unencrypted: use smtps://, or smtp:// with ?tls=required",
            ));
        }
        if self.to.is_empty() {
            return Err(wrong("mail.to", "names nobody"));
        }
        let every = match &self.every {
            Some(text) => parse::duration(text).map_err(|how| wrong("mail.every", &how))?,
            None => Duration::from_secs(15 * 60),
        };
        Ok(MailSettings {
            smtp: self.smtp,
            from: self.from,
            to: self.to,
            every,
        })
    }
}

/// An `http` or `https` address.
pub(super) fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}
