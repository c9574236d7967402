//! `services`: services and event types.

use calcom::store::{OperatorAction, ServiceStatus};
use calcom::sync::{
    LeftAlone, ServiceAction, ServiceField, ServiceFinding, ServiceLine, ServiceSyncMode,
    ServiceSyncParams, ServiceSyncReport, ServiceSyncStop, SyncEngine,
};
use serde_json::{Value, json};

use super::common::{FailureView, ended, note, stopped_by_calendar, tenant_flag, worse};
use crate::cli::ServicesCommand;
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, counted, plain};

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: ServicesCommand,
) -> Result<(), Failure> {
    let params = ServiceSyncParams::default().with_import(true);
    let (params, by, again) = match &command {
        ServicesCommand::Check => {
            let params = params.with_mode(ServiceSyncMode::CheckOnly);
            (params, None, "calcom-sync services check")
        }
        ServicesCommand::Import(arguments) => {
            let mode = if arguments.force {
                ServiceSyncMode::Forced
            } else {
                ServiceSyncMode::Due
            };
            let by = Some(arguments.operator.name());
            (params.with_mode(mode), by, "calcom-sync services import")
        }
    };
    let mut found = None;
    let mut views = Vec::new();
    for tenant in context.selected()? {
        let report = context.engine.sync_services(tenant, params).await?;
        let flag = tenant_flag(context, output, tenant);
        let failure = report.stopped.as_ref();
        let failure = failure.map(|stop| stopped(stop, &format!("{again}{flag}"), &flag));
        print(output, &report, by.is_none(), &flag);
        if let Some(failure) = &failure
            && !output.is_json()
        {
            output.failure(failure);
        }
        if let Some(by) = &by {
            let done = report.lines.iter().filter(|line| line.is_done);
            let done = u64::try_from(done.count()).unwrap_or(u64::MAX);
            let outcome = format!(
                "{} among {}",
                counted(done, "change"),
                counted(report.coverage.services, "service")
            );
            let action = OperatorAction::SyncServices;
            note(context, output, tenant, None, action, by, &outcome).await;
        }
        let kind = failure.as_ref().map(Failure::kind);
        let is_wrong = report
            .lines
            .iter()
            .any(|line| line.status != ServiceStatus::Synced);
        found = worse(found, kind.or(is_wrong.then_some(FailureKind::Found)));
        views.push(view_of(&report, failure.as_ref()));
    }
    output.json(&json!({"tenants": views}));
    ended(found)
}

/// Why it did not come to its end.
fn stopped(stop: &ServiceSyncStop, again: &str, flag: &str) -> Failure {
    let found = |message: &str, advice: String| Failure::new(FailureKind::Found, message, advice);
    match stop {
        ServiceSyncStop::UnknownTenant | ServiceSyncStop::NotConfigured => {
            Failure::settings("the tenant has no services", "check --tenant")
        }
        ServiceSyncStop::Paused => found(
            "the tenant's work is paused",
            format!("resume it with `calcom-sync resume{flag}`, then run `{again}`"),
        ),
        ServiceSyncStop::Busy => found(
            "another sync of these services is under way, or Cal.com has asked for a pause",
            format!("wait a minute and run `{again}`"),
        ),
        ServiceSyncStop::Overtaken => found(
            "another sync of these services took over",
            format!("run `{again}` to see the result"),
        ),
        ServiceSyncStop::Host(kind) => Failure::new(
            FailureKind::Storage,
            format!("the services could not be read or written ({kind:?})"),
            format!("check the database, then run `{again}`"),
        ),
        ServiceSyncStop::Calendar(kind) => stopped_by_calendar(*kind, again),
        ServiceSyncStop::NewerVersion => Failure::new(
            FailureKind::Storage,
            "the database was written by a newer version of this program",
            "update this program",
        ),
        _ => found("it stopped early", format!("run `{again}`")),
    }
}

fn fields(fields: &[ServiceField]) -> String {
    let words: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    words.join(", ")
}

/// What a comparison found: the word in JSON, and words for a person.
fn finding_of(finding: &ServiceFinding) -> (&'static str, String) {
    let plain = |word, text: &str| (word, text.to_owned());
    match finding {
        ServiceFinding::Synced => plain("synced", "agree"),
        ServiceFinding::Different {
            to_calcom, to_host, ..
        } => {
            let mut parts = Vec::new();
            if !to_calcom.is_empty() {
                parts.push(format!("the service changed: {}", fields(to_calcom)));
            }
            if !to_host.is_empty() {
                parts.push(format!("the event type changed: {}", fields(to_host)));
            }
            ("different", parts.join("; "))
        }
        ServiceFinding::Conflict { fields: of, .. } => {
            ("conflict", format!("both sides differ in {}", fields(of)))
        }
        ServiceFinding::NoEventType => plain("no_event_type", "the service has no event type"),
        ServiceFinding::NotPaired => {
            plain("not_paired", "its event type is there, and not paired yet")
        }
        ServiceFinding::NoService => plain("no_service", "the event type has no service"),
        ServiceFinding::EventTypeGone => plain("event_type_gone", "the event type is gone"),
        ServiceFinding::ServiceGone => plain("service_gone", "the service is gone"),
        ServiceFinding::Duplicate { .. } => plain("duplicate", "several belong together"),
        ServiceFinding::LeftAlone { because, .. } => match because {
            LeftAlone::OtherTenant => plain("left_alone", "the event type is another tenant's"),
            LeftAlone::NotNamed => plain("left_alone", "the event type is not among event_types"),
            LeftAlone::Hidden => plain("left_alone", "the event type is hidden"),
            _ => plain("left_alone", "the event type is a team's"),
        },
        _ => plain("other", "something that this version does not know"),
    }
}

fn action_of(action: &ServiceAction) -> (&'static str, &'static str) {
    match action {
        ServiceAction::CreateEventType => ("create_event_type", "create the event type"),
        ServiceAction::CreateService => ("create_service", "create the service"),
        ServiceAction::Pair => ("pair", "pair them"),
        ServiceAction::Update { .. } => ("update", "bring them into agreement"),
        ServiceAction::Deactivate => ("deactivate", "take the service off offer"),
        _ => ("other", "something"),
    }
}

fn print(output: &Output, report: &ServiceSyncReport, is_check: bool, flag: &str) {
    let rows: Vec<Vec<String>> = report
        .lines
        .iter()
        .map(|line| {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            vec![
                or_none(line.service.as_ref().map(ToString::to_string)),
                or_none(line.event_type.map(|id| id.to_string())),
                finding_of(&line.finding).1,
                happened(output, line, is_check),
            ]
        })
        .collect();
    output.line(plain(&format!("Tenant {}", report.tenant)));
    if !rows.is_empty() {
        output.table(&["service", "event type", "found", "done"], &rows);
    }
    let coverage = &report.coverage;
    output.line(format!(
        "Offered services with an event type: {} of {}. Event types with a service: {} of {}. Left alone: {}.",
        coverage.active_with_event_type,
        coverage.active,
        coverage.event_types_with_service,
        coverage.event_types,
        report.left_alone
    ));
    let failed = report.count(&ServiceStatus::Error);
    if failed > 0 {
        let text = format!(
            "Somebody has to change something about {failed} of them; then try again with:"
        );
        output.line(output.paint(Tone::Warning, &text));
        output.line(plain(&format!(
            "  calcom-sync services import --force{flag}"
        )));
    } else if is_check && !report.is_synced() && report.stopped.is_none() {
        output.line(plain(&format!(
            "Nothing was changed. Do it with: calcom-sync services import{flag}"
        )));
    }
}

fn happened(output: &Output, line: &ServiceLine, is_check: bool) -> String {
    let mut text = match (&line.action, line.is_done) {
        (Some(action), true) => format!("done: {}", action_of(action).1),
        (Some(action), false) if is_check => format!("would {}", action_of(action).1),
        (Some(action), false) => format!("not yet: {}", action_of(action).1),
        (None, _) => String::new(),
    };
    if let Some(error) = &line.error {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(error);
    }
    if let Some(at) = line.next_attempt.filter(|_| !line.is_done) {
        text.push_str(&format!(" (next attempt at {})", output.time(at)));
    }
    text
}

fn view_of(report: &ServiceSyncReport, failure: Option<&Failure>) -> Value {
    let lines = report.lines.iter().map(|line| {
        json!({
            "service": line.service,
            "event_type": line.event_type,
            "finding": finding_of(&line.finding).0,
            "action": line.action.as_ref().map(|action| action_of(action).0),
            "is_done": line.is_done,
            "status": line.status,
            "attempts": line.attempts,
            "next_attempt": line.next_attempt,
            "error": line.error,
        })
    });
    let coverage = &report.coverage;
    json!({
        "tenant": report.tenant,
        "is_synced": report.is_synced(),
        "lines": lines.collect::<Vec<_>>(),
        "left_alone": report.left_alone,
        "coverage": {
            "services": coverage.services,
            "active": coverage.active,
            "active_with_event_type": coverage.active_with_event_type,
            "event_types": coverage.event_types,
            "event_types_with_service": coverage.event_types_with_service,
        },
        "error": failure.map(FailureView::from),
    })
}
