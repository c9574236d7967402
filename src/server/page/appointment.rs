//! One appointment: how it stands, both sides, and its whole history.

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::{Icon, icon};
use super::layout::View;
use super::parts::{booking, hidden, notice, outside, state};
use super::problem::Problem;
use super::sides::{self, Side};
use super::timeline;
use super::times;
use super::words::{self, Tone, count};
use crate::model::clean_line;
use crate::store::{
    Appointment, AppointmentId, AppointmentState, Differences, HistoryPosition, Page, ReviewItem,
};
use crate::sync::{PendingWork, SyncState, SyncStatus, WriteKind};

/// How many lines of the history a page shows.
const LINES: u32 = 100;

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let (engine, tenant) = (visit.engine(), &visit.tenant);
    let id = AppointmentId::new(&visit.id);
    let status = engine.status(tenant, &id).await?;
    let found = engine.appointment(tenant, &id).await;
    let is_there = found.as_ref().map_or(true, Option::is_some);
    if status.state == SyncState::Unknown && !is_there {
        return Err(Problem::NotFound);
    }
    let after = visit.query.get("after");
    let after = after.and_then(|text| text.parse::<HistoryPosition>().ok());
    let page = after.map_or_else(|| Page::first(LINES), |after| Page::after(after, LINES));
    let history = engine.history(tenant, &id, page).await?;
    let item = match status.reviews.last() {
        Some((review, _)) => engine.review(tenant, *review).await?,
        None => None,
    };
    let local = found.as_ref().ok().and_then(Option::as_ref);
    let is_silent = found.is_err();
    let full = history.len() >= LINES as usize;
    let next = history.last().filter(|_| full);
    let next = next.map(|last| last.position.to_string());
    let title = match local.map(|local| clean_line(&local.state.attendee.name)) {
        Some(name) if !name.is_empty() => name.into_owned(),
        _ => format!("Appointment {}", clean_line(id.as_str())),
    };
    Ok(View::new(title)
        .live("status", standing(visit, &status, local, is_silent))
        .still(buttons(visit, &id))
        .live("sides", both(visit, &status, local, item.as_ref()))
        .live("history", timeline::shown(visit, &history, next)))
}

fn standing(
    visit: &Visit,
    status: &SyncStatus,
    local: Option<&Appointment>,
    is_silent: bool,
) -> Markup {
    let time = |at| html! { @match at { Some(at) => (times::at(visit, at)), None => "–" } };
    html! {
        div.standing {
            (state(status.state))
            @for (id, reason) in &status.reviews {
                a href=(visit.review_link(*id)) { "Review: " (words::reason(reason)) }
            }
        }
        @if is_silent { (notice(Tone::Warn, "The host application does not answer; this is what the books say.")) }
        @if !is_silent && local.is_none() { (notice(Tone::Warn, "The host application has no such appointment any more.")) }
        @if status.is_undecodable { (notice(Tone::Bad, "The engine's memory of this appointment cannot be read.")) }
        @if status.is_paused { (notice(Tone::Warn, "All of the tenant's work is paused.")) }
        dl.facts {
            div { dt { "Appointment" } dd { (outside(status.appointment.as_str())) } }
            div { dt { "Booking" } dd { @match &status.booking { Some(uid) => (booking(visit, uid)), None => "None yet" } } }
            div { dt { "Latest change by" } dd { @match &status.origin { Some(origin) => (words::origin(origin)), None => "–" } @if let Some(revision) = status.revision { span.sub { "Revision " (revision) } } } }
            div { dt { "Last worked on" } dd { (time(status.last.attempted_at)) } }
            div { dt { "Last success" } dd { (time(status.last.succeeded_at)) } }
            @if let Some(failed) = status.last.failed_at {
                div { dt { "Last failure" } dd { (times::at(visit, failed)) @if let Some(error) = &status.last.error { span.sub { (outside(error)) } } } }
            }
            @if status.attempts > 0 { div { dt { "Failed attempts" } dd { (status.attempts) } } }
            @if let Some(next) = status.next_attempt_at { div { dt { "Next attempt" } dd { (times::at(visit, next)) } } }
            @if let Some(until) = status.held_until { div { dt { "Held until" } dd { (times::at(visit, until)) } } }
            @if status.waiting_changes + status.waiting_deliveries > 0 {
                div { dt { "Waiting" } dd { (count(status.waiting_changes, "change", "changes")) ", " (count(status.waiting_deliveries, "webhook", "webhooks")) } }
            }
            @if status.doubts > 0 { div { dt { "Doubts" } dd { (count(status.doubts as u64, "webhook claims", "webhooks claim")) " what Cal.com does not show yet" } } }
            @for pending in &status.pending { div { dt { "Write under way" } dd { (under_way(visit, pending)) } } }
        }
    }
}

fn under_way(visit: &Visit, pending: &PendingWork) -> Markup {
    let word = match pending.kind {
        WriteKind::Create => "Creating a booking",
        WriteKind::Reschedule => "Moving a booking",
        WriteKind::Cancel => "Cancelling a booking",
        WriteKind::Amend => "Changing a booking",
    };
    let outcome = if pending.is_known {
        "known to have succeeded once"
    } else {
        "outcome not known yet"
    };
    html! { (word) ", sent " (times::at(visit, pending.sent_at)) ", " (outcome) }
}

fn buttons(visit: &Visit, id: &AppointmentId) -> Markup {
    html! {
        @if visit.operator.may_write() && !visit.is_live {
            form.buttons method="post" action=(visit.link("/appointments")) data-confirm {
                (hidden("id", id.as_str()))
                button type="submit" name="action" value="resync" { (icon(Icon::Retry)) "Resync" }
                button.danger type="submit" name="action" value="cancel" { (icon(Icon::Cross)) "Cancel" }
            }
        }
    }
}

/// Both sides as they are known now: Cal.com's is that of an open review item, or the appointment's own
/// if the two agree.
fn both(
    visit: &Visit,
    status: &SyncStatus,
    local: Option<&Appointment>,
    item: Option<&ReviewItem>,
) -> Markup {
    let here = local.map(|local| &local.state);
    let evidence = item.and_then(|item| item.evidence.remote.as_ref());
    let agrees = status.state == SyncState::InSync;
    let there: Option<&AppointmentState> = evidence.or(here.filter(|_| agrees));
    if here.is_none() && there.is_none() {
        return html! {};
    }
    let marked = match (here, there) {
        (Some(here), Some(there)) => here.differences(there),
        _ => Differences::NONE,
    };
    let sides = [
        Side {
            heading: "Host application",
            state: here,
            marked,
        },
        Side {
            heading: "Cal.com",
            state: there,
            marked,
        },
    ];
    let hint = match (evidence.is_some(), agrees) {
        (true, _) => "Cal.com's side as it was read for the open review item.",
        (false, true) => "Both sides agreed when they were last looked at.",
        (false, false) => "Cal.com's side is not known here: look at the booking, or resync.",
    };
    html! {
        section.card aria-labelledby="both" {
            h2 #both { "Both sides" }
            p.hint { (hint) }
            (sides::table(visit, "Both sides, field by field", &sides))
        }
    }
}
