//! Services and event types.

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::Icon;
use super::layout::View;
use super::parts::{chip, empty, figure, notice, outside, unless_noted};
use super::places;
use super::problem::Problem;
use super::words::{Tone, count};
use crate::model::EventTypeId;
use crate::store::{OperatorAction, ServiceId, ServiceStatus};
use crate::sync::{
    LeftAlone, ServiceAction, ServiceField, ServiceFinding, ServiceLine, ServiceSyncMode,
    ServiceSyncParams, ServiceSyncReport, ServiceSyncStop, SyncEngine,
};

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let check = ServiceSyncParams::default()
        .with_mode(ServiceSyncMode::CheckOnly)
        .with_import(true)
        .with_export(true);
    let report = SyncEngine::sync_services(visit.engine(), &visit.tenant, check).await?;
    let is_set_up = report.stopped != Some(ServiceSyncStop::NotConfigured);
    Ok(View::new("Services")
        .still(html! { p.lead { "How the host application's services and Cal.com's event types stand to each other, as read just now. Nothing is ever deleted." } })
        .still(shown(visit, &report, true))
        .still(html! { @if is_set_up { (form(visit)) } }))
}

fn form(visit: &Visit) -> Markup {
    html! {
        @if visit.operator.may_write() {
            section.card aria-labelledby="sync" {
                h2 #sync { "Bring them into agreement" }
                form method="post" action=(visit.link("/services")) {
                    fieldset.checks {
                        legend.hidden { "What is to be created" }
                        label { input type="checkbox" name="import" value="1"; span { "Create a service for each event type that has none" } }
                        label { input type="checkbox" name="export" value="1"; span { "Create an event type for each service that has none" } }
                        label { input type="checkbox" name="forced" value="1"; span { "Try again at once what has failed before" } }
                    }
                    p.hint { "Pairs that differ are brought into agreement where one side has changed. Conflicts are only reported." }
                    button.primary type="submit" { "Sync services" }
                }
            }
        }
    }
}

pub(super) async fn act(visit: &Visit) -> Result<View, Problem> {
    let form = &visit.form;
    let mode = if form.is_set("forced") {
        ServiceSyncMode::Forced
    } else {
        ServiceSyncMode::Due
    };
    let params = ServiceSyncParams::default()
        .with_mode(mode)
        .with_import(form.is_set("import"))
        .with_export(form.is_set("export"));
    let report = SyncEngine::sync_services(visit.engine(), &visit.tenant, params).await?;
    let done = report.lines.iter().filter(|line| line.is_done).count();
    let outcome = match &report.stopped {
        Some(stop) => format!("{} done. {}", done, stop_sentence(stop)),
        None => format!(
            "{} done; {} of {} in sync.",
            done,
            report.count(&ServiceStatus::Synced),
            report.lines.len()
        ),
    };
    let noted = visit
        .note(None, OperatorAction::SyncServices, &outcome)
        .await;
    Ok(View::new("Services were synced")
        .still(html! { (unless_noted(noted)) div role="status" { (notice(if report.stopped.is_none() { Tone::Good } else { Tone::Bad }, &outcome)) } })
        .still(shown(visit, &report, false))
        .still(html! { p { a.button href=(visit.link("/services")) { "Back to the services" } } }))
}

fn shown(visit: &Visit, report: &ServiceSyncReport, is_check: bool) -> Markup {
    let coverage = &report.coverage;
    if let Some(stop) = &report.stopped {
        let tone = match stop {
            ServiceSyncStop::NotConfigured => Tone::Calm,
            _ => Tone::Bad,
        };
        return html! { @if is_check { (notice(tone, stop_sentence(stop))) } };
    }
    html! {
        dl.figures {
            (figure("In sync", &report.count(&ServiceStatus::Synced).to_string(), &format!("of {}", report.lines.len())))
            (figure("Services that can be booked", &coverage.active_with_event_type.to_string(), &format!("of {} offered", coverage.active)))
            (figure("Event types with a service", &coverage.event_types_with_service.to_string(), &format!("of {}", coverage.event_types)))
            (figure("Left alone", &report.left_alone.to_string(), "event types"))
        }
        @if report.lines.is_empty() {
            (empty("There are no services and no event types.", ""))
        } @else {
            table.rows.stack {
                caption.hidden { "Services and event types" }
                thead { tr { th scope="col" { "Service" } th scope="col" { "Event type" } th scope="col" { "State" } th scope="col" { "Finding" } th scope="col" { "What is to be done" } } }
                tbody { @for line in &report.lines { (row(visit, line, is_check)) } }
            }
        }
    }
}

fn row(visit: &Visit, line: &ServiceLine, is_check: bool) -> Markup {
    let service = |id: &ServiceId| outside(id.as_str());
    html! {
        tr {
            td.main data-label="Service" { @match &line.service { Some(id) => (service(id)), None => "–" } }
            td data-label="Event type" { @match line.event_type { Some(id) => (places::event_type(visit, id)), None => "–" } }
            td data-label="State" { (status(&line.status)) @if line.attempts > 0 { span.sub { (count(u64::from(line.attempts), "failed attempt", "failed attempts")) } } }
            td.done data-label="Finding" { (finding(&line.finding)) @if let Some(error) = &line.error { span.sub { (outside(error)) } } }
            td data-label="What is to be done" {
                @match &line.action {
                    None => "Nothing",
                    Some(action) => {
                        (action_words(action))
                        @if line.is_done { ": done" } @else if !is_check { ": not done" }
                    }
                }
            }
        }
    }
}

fn status(status: &ServiceStatus) -> Markup {
    match status {
        ServiceStatus::Synced => chip(Tone::Good, Icon::Check, "In sync"),
        ServiceStatus::Pending => chip(Tone::Busy, Icon::Clock, "To do"),
        ServiceStatus::Error => chip(Tone::Bad, Icon::Alert, "Error"),
        ServiceStatus::Orphan => chip(Tone::Warn, Icon::Dash, "Alone"),
        other => chip(Tone::Calm, Icon::Dash, other.as_str()),
    }
}

fn finding(finding: &ServiceFinding) -> String {
    let names = |fields: &[ServiceField]| {
        let names: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
        names.join(", ")
    };
    let ids = |ids: &[EventTypeId]| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.join(", ")
    };
    match finding {
        ServiceFinding::Synced => "Both agree.".to_owned(),
        ServiceFinding::Different { to_calcom, to_host } => {
            match (to_calcom.is_empty(), to_host.is_empty()) {
                (false, true) => format!("The service has changed: {}.", names(to_calcom)),
                (true, false) => format!("The event type has changed: {}.", names(to_host)),
                _ => format!(
                    "The service has changed: {}; the event type: {}.",
                    names(to_calcom),
                    names(to_host)
                ),
            }
        }
        ServiceFinding::Conflict { fields } => format!("Both have changed: {}.", names(fields)),
        ServiceFinding::NoEventType => "The service has no event type.".to_owned(),
        ServiceFinding::NotPaired => {
            "An event type was created for the service, which does not name it yet.".to_owned()
        }
        ServiceFinding::NoService => "The event type has no service.".to_owned(),
        ServiceFinding::EventTypeGone => {
            "The service names an event type that cannot be seen.".to_owned()
        }
        ServiceFinding::ServiceGone => "The event type's service is gone.".to_owned(),
        ServiceFinding::Duplicate {
            services,
            event_types,
        } => format!(
            "{} and {} belong together (event types {}).",
            count(services.len() as u64, "service", "services"),
            count(event_types.len() as u64, "event type", "event types"),
            ids(event_types)
        ),
        ServiceFinding::LeftAlone { because } => match because {
            LeftAlone::OtherTenant => "The event type is another tenant's.".to_owned(),
            LeftAlone::NotNamed => "The event type is none of the tenant's.".to_owned(),
            LeftAlone::Hidden => "The event type is hidden, and is left alone.".to_owned(),
            LeftAlone::Managed => "The event type is a team's, and is left alone.".to_owned(),
        },
    }
}

fn action_words(action: &ServiceAction) -> &'static str {
    match action {
        ServiceAction::CreateEventType => "Create the event type",
        ServiceAction::CreateService => "Create the service",
        ServiceAction::Pair => "Pair the two",
        ServiceAction::Update {
            event_type: Some(_),
            service: None,
        } => "Change the event type",
        ServiceAction::Update {
            event_type: None,
            service: Some(_),
        } => "Change the service",
        ServiceAction::Update { .. } => "Change both",
        ServiceAction::Deactivate => "Mark the service as no longer offered",
    }
}

fn stop_sentence(stop: &ServiceSyncStop) -> &'static str {
    match stop {
        ServiceSyncStop::UnknownTenant => "There is no such tenant.",
        ServiceSyncStop::NotConfigured => {
            "No services are kept in sync for this tenant. Set them up where the tenant is set up."
        }
        ServiceSyncStop::Paused => "The tenant's work is paused: resume it first.",
        ServiceSyncStop::Busy => {
            "Another sync is under way, or Cal.com has asked for a pause. Try again in a minute."
        }
        ServiceSyncStop::Host(_) => "The host application's services cannot be reached.",
        ServiceSyncStop::Calendar(_) => "Cal.com failed, or refused the credentials.",
        ServiceSyncStop::NewerVersion => {
            "A newer version of this program has written the books: it syncs them."
        }
        ServiceSyncStop::Overtaken => "Another process has taken over.",
    }
}
