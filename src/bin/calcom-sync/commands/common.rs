//! What several commands share.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use calcom::store::{
    AppointmentId, AppointmentState, LogEvent, OperatorAction, ReviewId, ReviewItem, TenantId,
};
use calcom::sync::{AuditStop, CalendarErrorKind, Operations, SyncEngine, SyncState};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::Operator;
use crate::context::Context;
use crate::failure::{Failure, FailureKind, with_causes};
use crate::output::{Output, plain, quoted};

/// How long notifications may take.
const TELL_WITHIN: Duration = Duration::from_secs(10);

impl Operator {
    /// Who acts: as the flag says, or else the user who runs this.
    pub(crate) fn name(&self) -> String {
        let of_environment = || {
            let names = ["USER", "LOGNAME", "USERNAME"].into_iter();
            let mut names = names.filter_map(|name| std::env::var(name).ok());
            names.find(|name| !name.trim().is_empty())
        };
        let name = self.by.clone().filter(|name| !name.trim().is_empty());
        let name = name.or_else(of_environment).or_else(user_of_process);
        let name = plain(&name.unwrap_or_else(|| "somebody".to_owned()));
        // It goes into the log of every action.
        name.trim().chars().take(100).collect()
    }
}

/// The user who runs this, where the environment does not say, as in a container.
fn user_of_process() -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let user = std::fs::metadata("/proc/self").ok()?.uid();
        name_of(&std::fs::read_to_string("/etc/passwd").ok()?, user)
    }
    #[cfg(not(unix))]
    None
}

/// The name of a user in the text of `/etc/passwd`.
#[cfg(unix)]
fn name_of(users: &str, user: u32) -> Option<String> {
    let mut users = users.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| {
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(user)).then(|| name.to_owned())
    })
}

/// Writes down what an operator did. The action itself is done; that it could not be written down
/// is only told.
pub(super) async fn note(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    appointment: Option<&AppointmentId>,
    action: OperatorAction,
    by: &str,
    outcome: &str,
) {
    let event = LogEvent::operated(action, by, outcome);
    if let Err(error) = context.engine.note(tenant, appointment, event).await {
        output.note(format!(
            "calcom-sync: it was done, but could not be written to the log: {}",
            plain(&with_causes(&error))
        ));
    }
}

/// A review item by its number, among the tenants that are meant.
pub(super) async fn find_review(
    context: &Context,
    id: ReviewId,
) -> Result<(TenantId, ReviewItem), Failure> {
    let tenants = context.selected()?;
    for tenant in &tenants {
        if let Some(item) = context.engine.review(tenant, id).await? {
            return Ok(((*tenant).clone(), item));
        }
    }
    Err(Failure::not_found(
        format!("there is no review item {id}{}", of_tenants(&tenants)),
        "`calcom-sync reviews list` shows the open ones, and with --resolved the others",
    ))
}

/// The tenant of an appointment, among the tenants that are meant.
pub(super) async fn find_appointment(
    context: &Context,
    id: &AppointmentId,
) -> Result<TenantId, Failure> {
    let tenants = context.selected()?;
    let mut found = Vec::new();
    for tenant in &tenants {
        let is_there = context.appointments.get(tenant, id).await?.is_some();
        let is_known =
            is_there || context.engine.status(tenant, id).await?.state != SyncState::Unknown;
        if is_known {
            found.push((*tenant).clone());
        }
    }
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::not_found(
            format!("there is no appointment {id}{}", of_tenants(&tenants)),
            "`calcom-sync status --search TEXT` finds appointments by id, booking or customer",
        )),
        several => Err(Failure::settings(
            format!("{} tenants have an appointment {id}", several.len()),
            "say with --tenant whose is meant",
        )),
    }
}

fn of_tenants(tenants: &[&TenantId]) -> String {
    match tenants {
        [only] => format!(" of tenant {only}"),
        several => format!(" of any of the {} tenants", several.len()),
    }
}

/// Asks on a terminal whether to go on. Elsewhere nobody can be asked.
pub(super) async fn confirm(question: String, wanted: &'static str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::settings(
            "this needs a confirmation, and nobody can be asked here",
            "add --yes if you are sure",
        ));
    }
    let asked = tokio::task::spawn_blocking(move || {
        let mut stderr = std::io::stderr().lock();
        write!(stderr, "{question} ")?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    });
    let answer = asked.await.map_err(std::io::Error::other)??;
    if answer.trim().eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Unfinished,
        "nothing was done",
        format!("answer {wanted} to go on"),
    ))
}

/// What a command line needs to say about the settings and the tenant.
pub(super) fn tenant_flag(context: &Context, output: &Output, tenant: &TenantId) -> String {
    let common = output.common_flags();
    if context.tenants.len() > 1 {
        format!(" --tenant {}{common}", quoted(tenant.as_str()))
    } else {
        common.to_owned()
    }
}

/// Delivers what this process has to tell other people: its own worker, if one runs, is elsewhere.
pub(super) async fn tell(context: &Context, output: &Output) {
    let told = async {
        let told = context.engine.deliver_notifications().await;
        // What is collected for an e-mail is in the memory of this process, too.
        context.notifiers.flush().await;
        told
    };
    match tokio::time::timeout(TELL_WITHIN, told).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => output.note(format!(
            "calcom-sync: a notification could not be delivered: {}",
            plain(&with_causes(&error))
        )),
        Err(_) => output.note("calcom-sync: a notification took too long to be delivered"),
    }
}

/// Where a person sees a booking; `None` if the address of the web application is not known.
pub(super) fn booking_url(context: &Context, tenant: &TenantId, booking: &str) -> Option<String> {
    let settings = context.settings_of(tenant).ok()?;
    let mut url = settings.app_url()?;
    let mut path = url.path_segments_mut().ok()?;
    path.pop_if_empty().extend(["booking", booking]);
    drop(path);
    Some(url.into())
}

/// Why a walk over both sides stopped early, as a failure.
pub(super) fn stopped(stop: &AuditStop, go_on: &str) -> Failure {
    let (kind, message, advice) = match stop {
        AuditStop::UnknownTenant => (
            FailureKind::Usage,
            "the tenant is not configured".to_owned(),
            "check --tenant".to_owned(),
        ),
        AuditStop::Host(kind) => (
            FailureKind::Storage,
            format!("the appointments could not be read ({kind:?})"),
            format!("check the database, then go on with `{go_on}`"),
        ),
        AuditStop::Calendar {
            kind, retry_after, ..
        } => calendar_stop(*kind, *retry_after, go_on),
        _ => (
            FailureKind::Found,
            "it stopped early".to_owned(),
            format!("go on with `{go_on}`"),
        ),
    };
    Failure::new(kind, message, advice)
}

fn calendar_stop(
    kind: CalendarErrorKind,
    retry_after: Option<Duration>,
    go_on: &str,
) -> (FailureKind, String, String) {
    match kind {
        CalendarErrorKind::Denied => (
            FailureKind::Refused,
            "Cal.com refuses the API key".to_owned(),
            "create a key in Cal.com's settings, under Developer, API keys, and put it into the settings".to_owned(),
        ),
        CalendarErrorKind::Throttled => (
            FailureKind::Unreachable,
            "Cal.com allows no more requests for now".to_owned(),
            format!(
                "wait {} and go on with `{go_on}`",
                crate::when::span(retry_after.unwrap_or(Duration::from_secs(60)))
            ),
        ),
        CalendarErrorKind::Rejected => (
            FailureKind::Found,
            "Cal.com says no".to_owned(),
            "run `calcom-sync check`".to_owned(),
        ),
        _ => (
            FailureKind::Unreachable,
            "Cal.com cannot be reached, or does not answer properly".to_owned(),
            format!("check base_url and the network, then go on with `{go_on}`"),
        ),
    }
}

/// Why a call to Cal.com stopped something, as a failure.
pub(super) fn stopped_by_calendar(kind: CalendarErrorKind, again: &str) -> Failure {
    let (kind, message, advice) = calendar_stop(kind, None, again);
    Failure::new(kind, message, advice)
}

/// The worse of two ends of a command: that of the first tenant that has one.
pub(super) fn worse(one: Option<FailureKind>, other: Option<FailureKind>) -> Option<FailureKind> {
    one.or(other)
}

/// Ends a command that has printed what it found.
pub(super) fn ended(found: Option<FailureKind>) -> Result<(), Failure> {
    match found {
        None => Ok(()),
        Some(kind) => Err(Failure::Printed(kind)),
    }
}

/// A failure within JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FailureView {
    kind: &'static str,
    message: String,
    next: Option<String>,
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind().as_str(),
            message: failure.told(),
            next: failure.advice().map(str::to_owned),
        }
    }
}

/// The state of an appointment or a booking. Personal data.
#[derive(Debug, Serialize)]
pub(super) struct StateView {
    status: &'static str,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    event_type: i64,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    host: Option<i64>,
    location: Option<String>,
    guests: Option<Vec<String>>,
    notes: Option<String>,
    absent: Option<bool>,
    responses: Option<serde_json::Value>,
    metadata: Option<serde_json::Value>,
}

impl From<&AppointmentState> for StateView {
    fn from(state: &AppointmentState) -> Self {
        let guests = state.guests.as_ref();
        Self {
            status: state.status.as_str(),
            start: state.start,
            end: state.end,
            event_type: state.event_type.get(),
            name: state.attendee.name.clone(),
            email: state.attendee.email.clone(),
            phone: state.attendee.phone_number.clone(),
            host: state.host.map(calcom::model::UserId::get),
            location: state.location.as_ref().map(|at| at.as_str().to_owned()),
            guests: guests.map(|guests| guests.iter().map(str::to_owned).collect()),
            notes: state.notes.as_ref().map(|notes| notes.as_str().to_owned()),
            absent: state.absent,
            responses: state
                .responses
                .as_ref()
                .and_then(|answers| serde_json::to_value(answers).ok()),
            metadata: state
                .metadata
                .as_ref()
                .and_then(|texts| serde_json::to_value(texts).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:100::/home/ann:/bin/sh\n";
        assert_eq!(name_of(users, 1000).as_deref(), Some("ann"));
        assert_eq!(name_of(users, 1), None);
    }

    #[test]
    fn a_name_carries_no_control_characters_and_is_bounded() {
        let by = |name: &str| Operator {
            by: Some(name.to_owned()),
        };
        assert_eq!(by(" Ann\n").name(), "Ann");
        assert_eq!(by(&"x".repeat(500)).name().len(), 100);
    }
}
