//! `history`: one appointment's whole story.

use std::collections::VecDeque;

use calcom::store::{HistoryEntry, HistoryEvent, HistoryPosition, Page};
use calcom::sync::Operations;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::common::{find_appointment, tenant_flag};
use crate::cli::HistoryArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, plain, quoted};
use crate::{sentences, when};

/// How many entries are read at once.
const PAGE: u32 = 500;

/// An entry as JSON.
#[derive(Debug, Serialize)]
struct EntryView {
    at: DateTime<Utc>,
    kind: &'static str,
    sentence: String,
    detail: Value,
}

impl From<&HistoryEntry> for EntryView {
    fn from(entry: &HistoryEntry) -> Self {
        let (kind, detail) = detail(&entry.event);
        Self {
            at: entry.at,
            kind,
            sentence: sentences::of_event(&entry.event, &when::typed),
            detail,
        }
    }
}

fn detail(event: &HistoryEvent) -> (&'static str, Value) {
    match event {
        HistoryEvent::Change {
            recorded, ended, ..
        } => {
            let change = &recorded.change;
            let detail = json!({
                "revision": change.revision,
                "origin": change.origin,
                "source": change.source,
                "fate": ended.as_ref().map(|(fate, _)| fate),
                "ended_at": ended.as_ref().map(|(_, at)| at),
            });
            ("change", detail)
        }
        HistoryEvent::Delivery {
            delivery, ended, ..
        } => {
            let detail = json!({
                "id": delivery.id,
                "trigger": delivery.trigger,
                "booking": delivery.booking,
                "source": delivery.source,
                "claimed_status": delivery.claim.status,
                "claimed_start": delivery.claim.start,
                "fate": ended.as_ref().map(|(fate, _)| fate),
                "ended_at": ended.as_ref().map(|(_, at)| at),
            });
            ("delivery", detail)
        }
        HistoryEvent::Log(entry) => ("log", json!(entry.event)),
        HistoryEvent::Review(item) => {
            let resolved = item.resolved.as_ref();
            let detail = json!({
                "id": item.id,
                "reason": item.reason,
                "is_open": resolved.is_none(),
                "resolution": resolved.map(|resolved| resolved.resolution.as_str()),
                "by": resolved.map(|resolved| &resolved.by),
                "resolved_at": resolved.map(|resolved| resolved.at),
                "outcome": resolved.and_then(|resolved| resolved.outcome.as_deref()),
            });
            ("review", detail)
        }
        _ => ("other", Value::Null),
    }
}

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: HistoryArgs,
) -> Result<(), Failure> {
    let id = &arguments.appointment;
    let tenant = find_appointment(context, id).await?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    // Pages come oldest first, and the newest entries are wanted.
    let mut kept: VecDeque<HistoryEntry> = VecDeque::new();
    let mut left_out: u64 = 0;
    let mut after: Option<HistoryPosition> = None;
    loop {
        let mut page = Page::first(PAGE);
        page.after = after;
        let entries = context.engine.history(&tenant, id, page).await?;
        let Some(last) = entries.last() else {
            break;
        };
        after = Some(last.position);
        let is_last = entries.len() < PAGE as usize;
        kept.extend(entries);
        while kept.len() > limit {
            kept.pop_front();
            left_out += 1;
        }
        if is_last {
            break;
        }
    }
    if output.is_json() {
        let entries: Vec<EntryView> = kept.iter().map(EntryView::from).collect();
        output.json(&json!({
            "tenant": tenant,
            "appointment": id,
            "left_out": left_out,
            "entries": entries,
        }));
        return Ok(());
    }
    if left_out > 0 {
        output.line(format!(
            "{left_out} older entries are left out; see --limit."
        ));
    }
    for entry in &kept {
        let sentence = sentences::of_event(&entry.event, &|at| output.time(at));
        output.line(format!("{}  {}", output.time(entry.at), plain(&sentence)));
    }
    if kept.is_empty() && left_out == 0 {
        output.line("Nothing was recorded for this appointment yet.");
    }
    output.line(plain(&format!(
        "How it stands now: calcom-sync status {}{}",
        quoted(id.as_str()),
        tenant_flag(context, output, &tenant)
    )));
    Ok(())
}
