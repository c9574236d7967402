//! What was worked on lately, and what waits.

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::{Icon, icon};
use super::layout::View;
use super::parts::{appointment, booking, empty, option, outside, pager, state};
use super::problem::Problem;
use super::times;
use super::words::{self, STATES};
use crate::store::{LogId, Origin, Page};
use crate::sync::{Activity, ActivityFilter, ActivityPage};

/// How many appointments a page lists.
const ROWS: u32 = 40;

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let after = visit.query.get("after");
    let after = after.and_then(|text| text.parse::<LogId>().ok());
    let page = after.map_or_else(|| Page::first(ROWS), |after| Page::after(after, ROWS));
    let filter = filter_of(visit);
    let found = visit.engine().recent(&visit.tenant, &filter, page).await?;
    Ok(View::new("Activity")
        .still(filters(visit))
        .live("list", list(visit, &filter, &found)))
}

fn filter_of(visit: &Visit) -> ActivityFilter {
    let query = &visit.query;
    let mut filter = ActivityFilter::default();
    if let Some(state) = query.get("state").and_then(words::state_of_word) {
        filter = filter.with_state(state);
    }
    if let Some(origin) = query.get("origin") {
        filter = filter.with_origin(Origin::from(origin));
    }
    if let Some(text) = query.get("q") {
        filter = filter.with_text(text);
    }
    filter
}

fn filters(visit: &Visit) -> Markup {
    let query = &visit.query;
    let (chosen, of_origin) = (query.get("state"), query.get("origin"));
    html! {
        form.row.filters method="get" action=(visit.link("/activity")) role="search" aria-label="Appointments" {
            div.wide {
                label for="q" { "Search" }
                input #q type="search" name="q" value=[query.get("q")] placeholder="Name, e-mail, phone, id or booking";
            }
            div {
                label for="state" { "State" }
                select #state name="state" {
                    option value="" { "All" }
                    @for (_, word, words, ..) in STATES { (option(word, words, chosen)) }
                }
            }
            div {
                label for="origin" { "Origin" }
                select #origin name="origin" {
                    option value="" { "All" }
                    @for origin in Origin::KNOWN { (option(origin.as_str(), &words::origin(origin), of_origin)) }
                }
            }
            div.buttons {
                button type="submit" { "Filter" }
                @if query.is_set("q") || chosen.is_some() || of_origin.is_some() {
                    a.button.quiet href=(visit.link("/activity")) { "Clear" }
                }
            }
        }
    }
}

fn list(visit: &Visit, filter: &ActivityFilter, found: &ActivityPage) -> Markup {
    let next = found.next.map(|next| next.to_string());
    let may_write = visit.operator.may_write();
    html! {
        @if found.rows.is_empty() {
            @if next.is_some() {
                (empty("Nothing among these is what you look for.", "Go on with the next page: it looks further back."))
            } @else if *filter == ActivityFilter::default() {
                (empty("Nothing has been worked on yet.", "As soon as the host application records an appointment, or a webhook arrives, it is here."))
            } @else {
                (empty("Nothing was found.", "Only appointments that were worked on lately, or wait, are searched."))
            }
        } @else {
            @if may_write {
                form method="post" action=(visit.link("/appointments")) data-confirm {
                    (table(visit, found, may_write))
                    div.bulk {
                        p { "With the selected appointments:" }
                        button type="submit" name="action" value="resync" { (icon(Icon::Retry)) "Resync" }
                        button.danger type="submit" name="action" value="cancel" { (icon(Icon::Cross)) "Cancel" }
                    }
                }
            } @else {
                (table(visit, found, may_write))
            }
        }
        (pager(visit, "/activity", next))
    }
}

fn table(visit: &Visit, found: &ActivityPage, may_write: bool) -> Markup {
    html! {
        table.rows.stack {
            caption.hidden { "Appointments that were worked on lately or wait, newest first" }
            thead {
                tr {
                    @if may_write { th.pick scope="col" { span.hidden { "Select" } } }
                    th scope="col" { "When" }
                    th scope="col" { "Attendee" }
                    th scope="col" { "Start" }
                    th scope="col" { "State" }
                    th scope="col" { "Origin" }
                    th scope="col" { "Done last" }
                }
            }
            tbody { @for activity in &found.rows { (row(visit, activity, may_write)) } }
        }
    }
}

fn row(visit: &Visit, activity: &Activity, may_write: bool) -> Markup {
    let status = &activity.status;
    let id = &status.appointment;
    let of_host = activity.appointment.as_ref().map(|found| &found.state);
    let name = of_host.map(|state| state.attendee.name.as_str());
    let name = name.filter(|name| !name.is_empty());
    html! {
        tr {
            @if may_write {
                td.pick {
                    label { input type="checkbox" name="id" value=(id); span.hidden { "Select " (outside(name.unwrap_or(id.as_str()))) } }
                }
            }
            td.when data-label="When" { (times::ago(visit, activity.at)) }
            td.main data-label="Attendee" {
                a href=(visit.appointment_link(id)) { @match name { Some(name) => (outside(name)), None => "Unknown attendee" } }
                span.sub { (appointment(visit, id)) }
            }
            td data-label="Start" {
                @match of_host { Some(state) => (times::at_in(visit, state.start, &state.attendee.time_zone)), None => "–" }
            }
            td data-label="State" { (state(status.state)) }
            td.short data-label="Origin" { @match &status.origin { Some(origin) => (words::origin(origin)), None => "–" } }
            td.done data-label="Done last" {
                @match &activity.event {
                    Some(event) => (words::sentence(visit, event)),
                    None => "Waits for a worker.",
                }
                @if let Some(uid) = &status.booking { span.sub { (booking(visit, uid)) } }
            }
        }
    }
}
