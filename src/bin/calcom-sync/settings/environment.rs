//! Settings from the environment: one tenant's, and the program's own.

use std::collections::BTreeSet;

use super::file::{NotifyFile, SettingsFile, TenantFile};
use super::mcp::McpFile;
use super::retell::RetellFile;
use crate::failure::Failure;

/// Variables of a tenant's.
const OF_TENANT: [&str; 11] = [
    "CALCOM_API_KEY",
    "CALCOM_BASE_URL",
    "CALCOM_APP_URL",
    "CALCOM_API_VERSION",
    "CALCOM_WEBHOOK_SECRET",
    "CALCOM_EVENT_TYPE_IDS",
    "CALCOM_HOST_IDS",
    "CALCOM_PHONE_ONLY_DOMAIN",
    "CALCOM_RETELL_API_KEY",
    "CALCOM_RETELL_AGENT_ID",
    "CALCOM_MCP_TOKEN",
];

/// The tenant that the environment sets up if it names none.
const DEFAULT_TENANT: &str = "default";

/// Puts what the environment says in the place of what the file says.
pub(super) fn apply(
    file: &mut SettingsFile,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let first = |names: &[&str]| names.iter().find_map(|name| environment(name));
    // `DATABASE_URL` is often meant for another program, so that it is weaker than the file.
    if let Some(database) = environment("CALCOM_SYNC_DATABASE") {
        file.database = Some(database.into());
    } else if file.database.is_none() {
        file.database = environment("DATABASE_URL").map(Into::into);
    }
    for (name, setting) in [
        ("CALCOM_SYNC_SCHEMA", &mut file.schema),
        ("CALCOM_SYNC_LISTEN", &mut file.listen),
        ("CALCOM_SYNC_PUBLIC_URL", &mut file.public_url),
        ("CALCOM_SYNC_LOG", &mut file.log.level),
    ] {
        if let Some(value) = environment(name) {
            *setting = Some(value);
        }
    }
    if let Some(secret) = first(&["CALCOM_SYNC_KEY_SECRET", "SYNC_KEY_SECRET"]) {
        file.sync_key_secret = Some(secret.into());
    }
    if let Some(dir) = environment("CALCOM_SYNC_LOG_DIR") {
        file.log.dir = Some(dir.into());
    }
    if let Some(url) = environment("CALCOM_SYNC_NOTIFY_URL") {
        let secret = environment("CALCOM_SYNC_NOTIFY_SECRET").map(Into::into);
        file.notify = Some(NotifyFile {
            url: url.into(),
            secret,
        });
    }
    tenant(file, environment)
}

fn tenant(
    file: &mut SettingsFile,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let named = environment("CALCOM_TENANT");
    let set = OF_TENANT.iter().find(|name| environment(name).is_some());
    let Some(set) = set else {
        return Ok(());
    };
    let tenant = match &named {
        Some(id) => file.tenants.iter().position(|tenant| tenant.id == *id),
        None if file.tenants.len() > 1 => {
            return Err(Failure::settings(
                format!("{set} is set, but several tenants are configured"),
                "say with CALCOM_TENANT whose it is, or unset it",
            ));
        }
        None => (!file.tenants.is_empty()).then_some(0),
    };
    let tenant = match tenant {
        Some(index) => &mut file.tenants[index],
        // An event type or a secret alone, in an environment that was made for something else,
        // is no tenant.
        None if environment("CALCOM_API_KEY").is_none() => return Ok(()),
        None => {
            let id = named.unwrap_or_else(|| DEFAULT_TENANT.to_owned());
            file.tenants.push(TenantFile {
                id,
                ..TenantFile::default()
            });
            let last = file.tenants.len() - 1;
            &mut file.tenants[last]
        }
    };
    if let Some(key) = environment("CALCOM_API_KEY") {
        tenant.api_key = Some(key.into());
    }
    for (name, setting) in [
        ("CALCOM_BASE_URL", &mut tenant.base_url),
        ("CALCOM_APP_URL", &mut tenant.app_url),
        ("CALCOM_API_VERSION", &mut tenant.api_version),
        ("CALCOM_PHONE_ONLY_DOMAIN", &mut tenant.phone_only_domain),
    ] {
        if let Some(value) = environment(name) {
            *setting = Some(value);
        }
    }
    if let Some(key) = environment("CALCOM_RETELL_API_KEY") {
        let retell = tenant.retell.get_or_insert_with(RetellFile::default);
        retell.api_key = Some(key.into());
    }
    if let Some(id) = environment("CALCOM_RETELL_AGENT_ID") {
        let retell = tenant.retell.get_or_insert_with(RetellFile::default);
        retell.agent_id = Some(id);
    }
    if let Some(token) = environment("CALCOM_MCP_TOKEN") {
        let mcp = tenant.mcp.get_or_insert_with(McpFile::default);
        mcp.token = Some(token.into());
    }
    if let Some(secrets) = environment("CALCOM_WEBHOOK_SECRET") {
        let secrets = secrets.split(',').map(str::trim);
        let secrets = secrets.filter(|secret| !secret.is_empty());
        tenant.webhook_secrets = secrets.map(Into::into).collect();
    }
    for (name, setting) in [
        ("CALCOM_EVENT_TYPE_IDS", &mut tenant.event_types),
        ("CALCOM_HOST_IDS", &mut tenant.hosts),
    ] {
        if let Some(value) = environment(name) {
            *setting = numbers(name, &value)?;
        }
    }
    Ok(())
}

fn numbers(name: &str, text: &str) -> Result<BTreeSet<i64>, Failure> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let numbers: Result<_, _> = words.map(str::parse).collect();
    numbers.map_err(|_| {
        Failure::settings(
            format!("{name} is not a list of numbers"),
            "write the numbers with commas between them, such as 42,43",
        )
    })
}
