//! `check`: whether everything is set up as it has to be. One line each, in plain words, with what to
//! do about it.

mod account;
mod clock;
mod database;
mod line;
mod reach;
mod round_trip;

use calcom::client::{Client, RetryPolicy};
use std::time::Duration;

use self::line::{Line, Lines};
use crate::cli::{CheckArgs, Global};
use crate::context::{self, Context};
use crate::failure::{Failure, FailureKind};
use crate::logs;
use crate::notifiers::Notifiers;
use crate::output::Output;
use crate::settings::{Settings, TenantSettings};
use crate::signals::Stop;

/// How long one answer of Cal.com may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    flags: &Global,
    output: &Output,
    arguments: CheckArgs,
) -> Result<(), Failure> {
    let mut lines = Lines::new(output);
    let settings = match Settings::load(flags) {
        Ok(settings) => settings,
        Err(failure) => {
            lines.push(Line::failed("settings", &failure));
            return lines.ended();
        }
    };
    let _logs = logs::start(&settings.log, "off")?;
    let mut stop = Stop::listen();
    let checked = tokio::select! {
        checked = check(&settings, &mut lines) => checked,
        () = stop.told() => return Err(Failure::interrupted()),
    };
    if arguments.sync {
        if let Some(context) = checked {
            round_trip::run(&context, &arguments, &mut stop, &mut lines).await;
        } else {
            lines.push(Line::skipped(
                "sync",
                "not tried, because of what is said above",
            ));
        }
    }
    lines.ended()
}

/// Checks everything; gives what a round trip needs if nothing stands in its way.
async fn check(settings: &Settings, lines: &mut Lines<'_>) -> Option<Context> {
    lines.push(of_settings(settings));
    if settings.has_key() && settings.sync_key_secret.is_none() {
        lines.push(Line::remark(
            "sync key",
            "there is none, so that bookings are not recognized after the database was lost",
            "set sync_key_secret to a long random text",
        ));
    }
    if let Err(failure) = Notifiers::of(settings) {
        lines.push(Line::failed("notifications", &failure));
    }
    let database = database::check(settings, lines).await;
    if !settings.has_key() {
        return None;
    }
    let all = settings.tenants.iter();
    let tenants: Vec<&TenantSettings> = all
        .filter(|tenant| settings.selected.as_ref().is_none_or(|id| *id == tenant.id))
        .collect();
    if let (true, Some(id)) = (tenants.is_empty(), &settings.selected) {
        let what = format!("tenant {id} is not configured");
        let failure = Failure::not_found(what, "correct --tenant");
        lines.push(Line::failed("tenant", &failure));
        return None;
    }
    let several = settings.tenants.len() > 1;
    let mut may_book = true;
    for tenant in tenants {
        lines.about = several.then(|| tenant.id.clone());
        let client = match probing_client(tenant) {
            Ok(client) => client,
            Err(failure) => {
                lines.push(Line::failed("key", &failure));
                may_book = false;
                continue;
            }
        };
        may_book &= account::check(settings, tenant, &client, lines).await;
        if let Some(database) = &database
            && database
                .store()
                .is_paused(&tenant.id)
                .await
                .unwrap_or(false)
        {
            lines.push(Line::wrong(
                "work",
                "nothing is synced, because the tenant is paused",
                "correct what is said above, then run `calcom-sync resume`",
            ));
        }
        reach::check(settings, tenant, lines).await;
    }
    lines.about = None;
    let database = database.filter(|_| may_book)?;
    Context::over(settings.clone(), database).ok()
}

fn of_settings(settings: &Settings) -> Line {
    if !settings.has_key() {
        let failure = Failure::settings(
            "no Cal.com API key is configured",
            "set CALCOM_API_KEY, or write calcom-sync.toml; `calcom-sync serve` without a key shows a demo",
        );
        return Line::failed("settings", &failure);
    }
    let source = match &settings.file {
        Some(file) => format!("read from {}", file.display()),
        None if settings.is_demo => "those of the demo that is running".to_owned(),
        None => "read from the environment".to_owned(),
    };
    if let Some(file) = &settings.file
        && is_open_to_others(file)
    {
        return Line::remark(
            "settings",
            format!("{source}, which other users of this computer can read"),
            format!("chmod 600 {}", file.display()),
        );
    }
    Line::fine("settings", source)
}

/// Whether users other than its owner can read a file.
fn is_open_to_others(file: &std::path::Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(file).is_ok_and(|known| known.permissions().mode() & 0o044 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// A client that tells at once what is wrong.
fn probing_client(tenant: &TenantSettings) -> Result<Client, Failure> {
    let builder = context::client_builder(tenant)?
        .retry(RetryPolicy::default().with_max_attempts(1))
        .breaker(None)
        .attempt_timeout(PATIENCE)
        .total_timeout(PATIENCE);
    context::built(builder, tenant)
}

/// What an exit code goes by, the worst first.
const SEVERITY: [FailureKind; 7] = [
    FailureKind::Usage,
    FailureKind::Storage,
    FailureKind::Unreachable,
    FailureKind::Refused,
    FailureKind::NotFound,
    FailureKind::Unfinished,
    FailureKind::Found,
];
