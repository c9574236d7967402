//! `erase`: what is kept of a tenant or of a person.

use calcom::model::BookingUid;
use calcom::store::{AppointmentId, OperatorAction};
use calcom::sync::{
    Operations, PersonFinding, PersonOutcome, PersonPlace, PersonQuery, PersonReport,
};
use serde::Serialize;
use serde_json::json;

use super::common::{confirm, ended, note};
use crate::cli::{EraseCommand, ErasePersonArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, counted, plain};

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: EraseCommand,
) -> Result<(), Failure> {
    match command {
        EraseCommand::Tenant { yes } => tenant(context, output, yes).await,
        EraseCommand::Person(arguments) => person(context, output, arguments).await,
    }
}

async fn tenant(context: &Context, output: &Output, yes: bool) -> Result<(), Failure> {
    if context.settings.selected.is_none() {
        return Err(Failure::settings(
            "it is not said which tenant is to be erased",
            "name it with --tenant, even if there is only one",
        ));
    }
    let tenant = context.tenant()?;
    if !yes {
        let question = plain(&format!(
            "Everything that the database holds of tenant {tenant} will be erased for good: appointments, services, history, \
             open questions. Bookings at Cal.com stay. Stop `calcom-sync serve` first, or what comes in is taken in anew. \
             Go on? (yes/no)"
        ));
        confirm(question, "yes").await?;
    }
    let progress = output.progress(None, "Erasing");
    let erased = context.engine.erase_tenant(tenant).await?;
    drop(progress);
    output.json(&json!({
        "tenant": tenant,
        "appointments": erased.appointments,
        "services": erased.services,
        "documents": erased.documents,
        "pairs": erased.links,
        "changes": erased.changes,
        "webhooks": erased.deliveries,
        "events": erased.events,
        "reviews": erased.reviews,
        "log": erased.log,
        "total": erased.total(),
        "is_done": erased.is_done,
    }));
    output.line(plain(&format!(
        "Erased {} of tenant {tenant}.",
        counted(erased.total(), "record")
    )));
    let rows = [
        ("appointments", erased.appointments),
        ("services", erased.services),
        ("versions of settings", erased.documents),
        ("pairs", erased.links),
        ("webhooks", erased.deliveries),
        ("other events", erased.events),
        ("changes", erased.changes),
        ("review items", erased.reviews),
        ("log entries", erased.log),
    ];
    let rows = rows.map(|(what, number)| vec![format!("  {what}"), number.to_string()]);
    output.table(&["  records", "number"], &rows);
    output.line("Take the tenant out of the settings now, or it begins anew.");
    Ok(())
}

/// A place where a person's data was found, or erased.
#[derive(Debug, Serialize)]
struct FindingView<'a> {
    place: &'static str,
    id: i64,
    appointment: Option<&'a str>,
    booking: Option<&'a str>,
    outcome: &'static str,
}

impl<'a> From<&'a PersonFinding> for FindingView<'a> {
    fn from(finding: &'a PersonFinding) -> Self {
        let (place, id) = match finding.place {
            PersonPlace::Delivery(id) => ("webhook", id.get()),
            PersonPlace::Event(id) => ("event", id.get()),
            PersonPlace::Review(id) => ("review", id.get()),
            PersonPlace::Link(id) => ("pair", id.get()),
            _ => ("other", 0),
        };
        let outcome = match finding.outcome {
            PersonOutcome::Found => "found",
            PersonOutcome::Erased => "erased",
            PersonOutcome::KeptForPendingWrite => "kept_for_pending_write",
            PersonOutcome::KeptInUse => "kept_in_use",
            PersonOutcome::Undecodable => "undecodable",
            _ => "other",
        };
        Self {
            place,
            id,
            appointment: finding.appointment.as_ref().map(AppointmentId::as_str),
            booking: finding.booking.as_ref().map(BookingUid::as_str),
            outcome,
        }
    }
}

async fn person(
    context: &Context,
    output: &Output,
    arguments: ErasePersonArgs,
) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    let by = arguments.operator.name();
    let query = query(&arguments)?;
    let found = context.engine.find_person(tenant, &query).await?;
    if found.findings.is_empty() || arguments.check_only {
        print(output, tenant.as_str(), &found, false);
        return Ok(());
    }
    if !arguments.yes {
        print_found(output, &found);
        let question = format!("Erase {} places? (yes/no)", found.findings.len());
        confirm(question, "yes").await?;
    }
    let erased = context.engine.erase_person(tenant, &query).await?;
    print(output, tenant.as_str(), &erased, true);
    let done = erased.findings.iter();
    let done = done.filter(|finding| finding.outcome == PersonOutcome::Erased);
    // Whose data it was is just what must not be kept.
    let outcome = format!("{} of {} places", done.count(), erased.findings.len());
    let action = OperatorAction::ErasePerson;
    note(context, output, tenant, None, action, &by, &outcome).await;
    ended((!erased.is_clear()).then_some(FailureKind::Found))
}

fn query(arguments: &ErasePersonArgs) -> Result<PersonQuery, Failure> {
    let mut query = PersonQuery::default();
    if let Some(email) = &arguments.email {
        if !email.contains('@') {
            return Err(Failure::settings(
                "that is no e-mail address",
                "write it as in ann@example.com",
            ));
        }
        query = query.or_email(email);
    }
    if let Some(phone) = &arguments.phone {
        if phone.chars().filter(char::is_ascii_digit).count() < 6 {
            return Err(Failure::settings(
                "that phone number is too short to find one person by",
                "write the whole number, such as +4930123456",
            ));
        }
        query = query.or_phone(phone);
    }
    Ok(query)
}

fn print_found(output: &Output, report: &PersonReport) {
    let rows: Vec<Vec<String>> = report
        .findings
        .iter()
        .map(|finding| {
            let view = FindingView::from(finding);
            let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
            vec![
                format!("{} {}", view.place, view.id),
                or_none(view.appointment),
                or_none(view.booking),
                view.outcome.replace('_', " "),
            ]
        })
        .collect();
    output.table(&["where", "appointment", "booking", ""], &rows);
}

fn print(output: &Output, tenant: &str, report: &PersonReport, is_erased: bool) {
    let views: Vec<FindingView<'_>> = report.findings.iter().map(FindingView::from).collect();
    output.json(&json!({
        "tenant": tenant,
        "findings": views,
        "is_clear": report.is_clear(),
        "webhooks_searched": report.bodies_searched,
        "events_searched": report.events_searched,
        "reviews_searched": report.reviews_searched,
        "pairs_searched": report.links_searched,
    }));
    let searched = format!(
        "Searched {}, {} and {}",
        counted(report.bodies_searched, "webhook"),
        counted(report.reviews_searched, "review item"),
        counted(report.links_searched, "pair")
    );
    if report.findings.is_empty() {
        output.line(format!("{searched}; nothing of the person was found."));
    } else {
        print_found(output, report);
        output.line(format!("{searched}."));
    }
    if is_erased && !report.is_clear() {
        output.line(
            "Something could not be erased yet. Run the same again in ten minutes; what is in review has to be resolved first.",
        );
    }
    if !report.findings.is_empty() {
        output.line(
            "The appointments themselves, and the bookings at Cal.com, are not touched: erase the person there, too, and first, \
             or the next comparison brings the data back.",
        );
    }
}
