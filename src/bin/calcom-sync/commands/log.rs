//! `log`: what operators did.

use calcom::store::{AppointmentId, LogEntry, LogEvent, LogId, Page};
use calcom::sync::Operations;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use crate::cli::LogArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::{sentences, when};

/// How many entries are read at once, and for one call at most.
const PAGE: u32 = 200;
const MOST_PAGES: u32 = 500;

/// An action as JSON.
#[derive(Debug, Serialize)]
struct ActionView<'a> {
    at: DateTime<Utc>,
    tenant: &'a str,
    by: &'a str,
    action: &'a str,
    appointment: Option<&'a str>,
    outcome: Option<&'a str>,
    sentence: String,
}

impl<'a> ActionView<'a> {
    fn of(entry: &'a LogEntry) -> Option<Self> {
        let by = entry.event.actor()?;
        let (action, outcome) = match &entry.event {
            LogEvent::Operated {
                action, outcome, ..
            } => (action.as_str(), Some(outcome.as_str())),
            _ => ("resolve", None),
        };
        Some(Self {
            at: entry.at,
            tenant: entry.tenant.as_str(),
            by,
            action,
            appointment: entry.appointment.as_ref().map(AppointmentId::as_str),
            outcome: outcome.filter(|outcome| !outcome.is_empty()),
            sentence: sentences::of_log(&entry.event, &when::typed),
        })
    }
}

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: LogArgs,
) -> Result<(), Failure> {
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let not_before = arguments.within.map(|within| when::now() - within);
    let mut entries: Vec<LogEntry> = Vec::new();
    for tenant in context.selected()? {
        let mut of_tenant = 0;
        let mut after: Option<LogId> = None;
        'pages: for _ in 0..MOST_PAGES {
            let mut page = Page::first(PAGE);
            page.after = after;
            let read = context.engine.actions(tenant, page).await?;
            after = read.last().map(|entry| entry.id);
            let is_last = read.len() < PAGE as usize;
            for entry in read {
                if not_before.is_some_and(|not_before| entry.at < not_before) {
                    break 'pages;
                }
                let is_wanted = |by: &String| entry.event.actor() == Some(by.as_str());
                if arguments.by.as_ref().is_none_or(is_wanted) {
                    entries.push(entry);
                    of_tenant += 1;
                }
                if of_tenant > limit {
                    break 'pages;
                }
            }
            if is_last {
                break;
            }
        }
    }
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    if output.is_json() {
        let views: Vec<ActionView<'_>> = entries.iter().filter_map(ActionView::of).collect();
        output.json(&json!({"actions": views, "has_more": has_more}));
        return Ok(());
    }
    if entries.is_empty() {
        output.line("Nobody did anything.");
        return Ok(());
    }
    let several = context.selected()?.len() > 1;
    let mut headings = vec!["when", "appointment", "what"];
    if several {
        headings.insert(1, "tenant");
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let about = entry.appointment.as_ref();
            let mut row = vec![
                output.time(entry.at),
                about.map_or_else(|| "-".to_owned(), ToString::to_string),
                sentences::of_log(&entry.event, &|at| output.time(at)),
            ];
            if several {
                row.insert(1, entry.tenant.to_string());
            }
            row
        })
        .collect();
    output.table(&headings, &rows);
    if has_more {
        output.line("There are more; see --limit.");
    }
    Ok(())
}
