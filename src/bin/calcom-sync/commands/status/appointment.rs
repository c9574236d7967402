//! `status APPOINTMENT` and `status --search`: how appointments stand.

use calcom::store::{AppointmentId, LogId, Page, TenantId};
use calcom::sync::{Activity, ActivityFilter, Operations, SyncState, SyncStatus};
use serde_json::{Value, json};

use crate::commands::common::{booking_url, ended, find_appointment, tenant_flag};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, counted, plain, quoted};
use crate::sentences;

/// How many appointments a search finds.
const FOUND: usize = 20;
/// How many pages of the log it looks through.
const PAGES: usize = 20;

pub(super) async fn of_appointment(
    context: &Context,
    output: &Output,
    id: &AppointmentId,
) -> Result<(), Failure> {
    let tenant = find_appointment(context, id).await?;
    let status = context.engine.status(&tenant, id).await?;
    let url = status.booking.as_ref();
    let url = url.and_then(|uid| booking_url(context, &tenant, uid.as_str()));
    output.json(&status_view(&tenant, &status, url.as_deref()));
    if !output.is_json() {
        print_status(context, output, &tenant, &status, url);
    }
    let is_wrong = matches!(status.state, SyncState::InReview | SyncState::Paused);
    ended(is_wrong.then_some(FailureKind::Found))
}

fn status_view(tenant: &TenantId, status: &SyncStatus, url: Option<&str>) -> Value {
    let reviews = status.reviews.iter();
    let reviews = reviews.map(|(id, reason)| json!({"id": id, "reason": reason}));
    let pending = status.pending.iter().map(|write| {
        json!({
            "kind": write.kind,
            "booking": write.booking,
            "sent_at": write.sent_at,
            "sends": write.sends,
            "is_known": write.is_known,
        })
    });
    json!({
        "tenant": tenant,
        "appointment": status.appointment,
        "state": sentences::state_word(status.state),
        "origin": status.origin,
        "revision": status.revision,
        "recorded_revision": status.recorded_revision,
        "last_fate": status.last_fate,
        "booking": status.booking,
        "booking_url": url,
        "last_attempt_at": status.last.attempted_at,
        "last_success_at": status.last.succeeded_at,
        "last_failure_at": status.last.failed_at,
        "last_error": status.last.error,
        "attempts": status.attempts,
        "next_attempt_at": status.next_attempt_at,
        "held_until": status.held_until,
        "is_paused": status.is_paused,
        "reviews": reviews.collect::<Vec<_>>(),
        "waiting_changes": status.waiting_changes,
        "waiting_webhooks": status.waiting_deliveries,
        "pending_writes": pending.collect::<Vec<_>>(),
        "unconfirmed_webhooks": status.doubts,
        "is_undecodable": status.is_undecodable,
    })
}

fn print_status(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    status: &SyncStatus,
    url: Option<String>,
) {
    let tone = match status.state {
        SyncState::InSync => Tone::Good,
        SyncState::InReview | SyncState::Paused => Tone::Bad,
        SyncState::Retrying | SyncState::Dismissed => Tone::Warning,
        _ => Tone::Strong,
    };
    let id = &status.appointment;
    let heading = format!(
        "Appointment {} of tenant {tenant}: {}.",
        quoted(id.as_str()),
        sentences::of_state(status.state)
    );
    output.line(output.paint(tone, &plain(&heading)));
    let line = |label: &str, text: String| output.line(format!("  {label:<16}{}", plain(&text)));
    if let Some(booking) = &status.booking {
        let url = url.map(|url| format!("  {url}")).unwrap_or_default();
        line("Booking", format!("{booking}{url}"));
    }
    if let Some(revision) = status.revision {
        let by = match &status.origin {
            Some(origin) => format!(", written by {}", origin.as_str()),
            None => String::new(),
        };
        line("Revision", format!("{revision}{by}"));
    }
    let last = [
        ("Last attempt", status.last.attempted_at),
        ("Last success", status.last.succeeded_at),
        ("Last failure", status.last.failed_at),
        ("Next attempt", status.next_attempt_at),
        ("Held until", status.held_until),
    ];
    for (label, at) in last {
        if let Some(at) = at {
            line(label, output.time(at));
        }
    }
    if let Some(error) = &status.last.error {
        line("Last error", error.clone());
    }
    let waiting = [
        (status.waiting_changes, "change"),
        (status.waiting_deliveries, "webhook"),
    ];
    for (number, what) in waiting {
        if number > 0 {
            line("Waiting", counted(number, what));
        }
    }
    for write in &status.pending {
        let what = sentences::of_write(write.kind);
        let sent = output.time(write.sent_at);
        line(
            "Under way",
            format!("{what}, sent at {sent}, may still take effect"),
        );
    }
    let flag = tenant_flag(context, output, tenant);
    for (review, reason) in &status.reviews {
        let reason = sentences::of_reason(reason);
        line(
            "To be decided",
            format!("{reason}: calcom-sync reviews show {review}{flag}"),
        );
    }
    let id = quoted(id.as_str());
    output.line(plain(&format!(
        "The whole story: calcom-sync history {id}{flag}"
    )));
}

pub(super) async fn search(context: &Context, output: &Output, text: &str) -> Result<(), Failure> {
    let filter = ActivityFilter::default().with_text(text);
    let mut found: Vec<(TenantId, Activity)> = Vec::new();
    for tenant in context.selected()? {
        let mut after: Option<LogId> = None;
        for _ in 0..PAGES {
            let mut page = Page::first(100);
            page.after = after;
            let read = context.engine.recent(tenant, &filter, page).await?;
            for row in read.rows {
                let id = &row.status.appointment;
                let is_known = |(of, known): &(TenantId, Activity)| {
                    of == tenant && known.status.appointment == *id
                };
                if !found.iter().any(is_known) {
                    found.push((tenant.clone(), row));
                }
            }
            after = read.next;
            if after.is_none() || found.len() >= FOUND {
                break;
            }
        }
    }
    found.truncate(FOUND);
    if found.is_empty() {
        return Err(Failure::not_found(
            "no appointment that was worked on lately matches",
            "search for a part of the id, the booking, the name, the e-mail address or the phone number",
        ));
    }
    let views = found.iter().map(|(tenant, activity)| {
        let of_host = activity.appointment.as_ref();
        json!({
            "tenant": tenant,
            "appointment": activity.status.appointment,
            "state": sentences::state_word(activity.status.state),
            "booking": activity.status.booking,
            "name": of_host.map(|one| &one.state.attendee.name),
            "start": of_host.map(|one| one.state.start),
            "at": activity.at,
        })
    });
    output.json(&json!({"appointments": views.collect::<Vec<_>>()}));
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(tenant, activity)| {
            let of_host = activity.appointment.as_ref();
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            vec![
                quoted(activity.status.appointment.as_str()),
                or_none(of_host.map(|one| one.state.attendee.name.clone())),
                or_none(of_host.map(|one| output.time(one.state.start))),
                sentences::of_state(activity.status.state).to_owned(),
                tenant.to_string(),
            ]
        })
        .collect();
    output.table(&["appointment", "customer", "start", "", "tenant"], &rows);
    Ok(())
}
