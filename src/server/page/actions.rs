//! What operators did.

use maud::{Markup, html};

use super::desk::Visit;
use super::layout::View;
use super::parts::{appointment, empty, outside, pager};
use super::problem::Problem;
use super::times;
use super::words;
use crate::store::{LogEntry, LogEvent, LogId, Page, Resolution};

/// How many actions a page lists.
const ROWS: u32 = 100;

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let after = visit.query.get("after");
    let after = after.and_then(|text| text.parse::<LogId>().ok());
    let page = after.map_or_else(|| Page::first(ROWS), |after| Page::after(after, ROWS));
    let entries = visit.engine().actions(&visit.tenant, page).await?;
    let next = entries.last().filter(|_| entries.len() >= ROWS as usize);
    let next = next.map(|last| last.id.to_string());
    Ok(View::new("Actions").still(html! {
        p.lead { "Who did what, and how it ended, newest first." }
        @if entries.is_empty() {
            (empty("Nobody has done anything here yet.", "Whatever an operator does on these pages is written down."))
        } @else {
            table.rows.stack {
                caption.hidden { "Actions of operators, newest first" }
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Action" } th scope="col" { "Appointment" } th scope="col" { "Outcome" } } }
                tbody { @for entry in &entries { (row(visit, entry)) } }
            }
        }
        (pager(visit, "/actions", next))
    }))
}

fn row(visit: &Visit, entry: &LogEntry) -> Markup {
    let (action, outcome) = match &entry.event {
        LogEvent::Operated {
            action, outcome, ..
        } => (words::action(action), outcome.clone()),
        LogEvent::ReviewResolved {
            reason, resolution, ..
        } => {
            let slot = match resolution {
                Resolution::Rebook { start } => format!(", {}", times::sentence(visit, *start)),
                _ => String::new(),
            };
            let about = format!(
                "Review item: {}.",
                words::lower_first(&words::reason(reason))
            );
            (format!("{}{slot}", words::resolution(resolution)), about)
        }
        other => (words::sentence(visit, other), String::new()),
    };
    html! {
        tr {
            td.when data-label="When" { (times::at(visit, entry.at)) }
            td data-label="Who" { (outside(entry.event.actor().unwrap_or_default())) }
            td.main data-label="Action" { (action) }
            td data-label="Appointment" { @match &entry.appointment { Some(id) => (appointment(visit, id)), None => "–" } }
            td.done data-label="Outcome" { bdi { (outcome) } }
        }
    }
}
