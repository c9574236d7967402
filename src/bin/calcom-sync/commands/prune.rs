//! `prune`: finished records that are older than they are to be kept.

use calcom::store::{OperatorAction, Pruned, Retention};
use calcom::sync::SyncEngine;
use serde_json::json;

use super::common::note;
use crate::cli::PruneArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, counted};
use crate::when;

/// How many rows of a kind are deleted at once, so that others get their turn.
const AT_ONCE: u32 = 500;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: PruneArgs,
) -> Result<(), Failure> {
    if context.settings.selected.is_some() {
        return Err(Failure::settings(
            "records are pruned for all tenants together",
            "leave --tenant out; `calcom-sync erase` works for one tenant",
        ));
    }
    let by = arguments.operator.name();
    let retention = arguments
        .older_than
        .map_or_else(Retention::default, Retention::of);
    let progress = output.progress(None, "Deleting old records");
    let mut sum = Pruned::default();
    loop {
        let pruned = context.engine.prune(&retention, AT_ONCE).await?;
        if pruned.total() == 0 {
            break;
        }
        sum.bodies += pruned.bodies;
        sum.changes += pruned.changes;
        sum.deliveries += pruned.deliveries;
        sum.events += pruned.events;
        sum.event_bodies += pruned.event_bodies;
        sum.reviews += pruned.reviews;
        sum.log += pruned.log;
        sum.client += pruned.client;
        progress.at(sum.total());
    }
    drop(progress);
    output.json(&json!({
        "bodies": sum.bodies,
        "changes": sum.changes,
        "webhooks": sum.deliveries,
        "events": sum.events,
        "event_bodies": sum.event_bodies,
        "reviews": sum.reviews,
        "log": sum.log,
        "client": sum.client,
        "total": sum.total(),
    }));
    let kept = match arguments.older_than {
        Some(span) => format!(
            "Records that were finished more than {} ago",
            when::span(span)
        ),
        None => "Bodies of webhooks that were finished more than 30 d ago".to_owned(),
    };
    let rows = [
        ("emptied bodies of webhooks", sum.bodies),
        ("changes", sum.changes),
        ("webhooks", sum.deliveries),
        ("emptied bodies of other senders' events", sum.event_bodies),
        ("events of other senders", sum.events),
        ("resolved review items", sum.reviews),
        ("log entries", sum.log),
        ("the client's own", sum.client),
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(what, number)| vec![format!("  {what}"), number.to_string()])
        .collect();
    if rows.is_empty() {
        output.line(format!("{kept}: there are none."));
    } else {
        output.line(format!("{kept} are deleted, for all tenants."));
        output.table(&["  records", "number"], &rows);
    }
    if sum.total() > 0 {
        let outcome = format!("{}, for all tenants", counted(sum.total(), "record"));
        for tenant in &context.tenants {
            let action = OperatorAction::Prune;
            note(context, output, tenant, None, action, &by, &outcome).await;
        }
    }
    Ok(())
}
