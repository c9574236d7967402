//! `rebuild`: pairs appointments and bookings anew.

use calcom::store::OperatorAction;
use calcom::sync::{RebuildParams, SyncEngine};
use serde_json::json;

use super::common::{FailureView, confirm, note, stopped, tenant_flag};
use crate::cli::RebuildArgs;
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, counted, plain};
use crate::when;

/// The window unless told otherwise.
const DAYS_BEHIND: i64 = 7;
const DAYS_AHEAD: i64 = 365;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: RebuildArgs,
) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    let by = arguments.operator.name();
    let window = arguments.span.window(DAYS_BEHIND, DAYS_AHEAD)?;
    let (from, until) = (output.time(window.from), output.time(window.until));
    if !arguments.yes {
        let question = plain(&format!(
            "All appointments and bookings of tenant {tenant} that start between {from} and {until} and are in no pair will \
             be looked at and paired. Nothing is deleted, and doing it twice does no harm. It is needed only if the sync's \
             own records were lost. Go on? (yes/no)"
        ));
        confirm(question, "yes").await?;
    }
    let progress = output.progress(None, "Reading bookings and appointments");
    let report = context.engine.rebuild(tenant, RebuildParams::new(window));
    let report = report.await?;
    drop(progress);
    let counts = report.counts;
    let again = format!(
        "calcom-sync rebuild --from {} --until {}{} --yes",
        when::typed(window.from),
        when::typed(window.until),
        tenant_flag(context, output, tenant)
    );
    let failure = report.stopped.as_ref().map(|stop| stopped(stop, &again));
    let action = OperatorAction::Rebuild;
    let outcome = format!(
        "to be paired: {} and {}",
        counted(counts.notices_given, "booking"),
        counted(counts.changes_recorded, "appointment")
    );
    note(context, output, tenant, None, action, &by, &outcome).await;
    output.json(&json!({
        "tenant": tenant,
        "from": window.from,
        "until": window.until,
        "bookings_read": counts.bookings_read,
        "appointments_read": counts.appointments_read,
        "known": counts.known,
        "foreign": counts.foreign,
        "bookings_to_pair": counts.notices_given,
        "appointments_to_pair": counts.changes_recorded,
        "has_gaps": report.has_gaps,
        "is_complete": report.is_complete(),
        "error": failure.as_ref().map(FailureView::from),
    }));
    output.line(format!(
        "Read {} and {} between {from} and {until}. In a pair already: {}.",
        counted(counts.bookings_read, "booking"),
        counted(counts.appointments_read, "appointment"),
        counts.known
    ));
    output.line(plain(&format!(
        "Given to the workers, {outcome}. See with: calcom-sync status{}",
        tenant_flag(context, output, tenant)
    )));
    if report.has_gaps {
        output.line("Cal.com's list left some bookings out. Run the same again.");
    }
    match failure {
        // It was told within the JSON.
        Some(failure) if output.is_json() => Err(Failure::Printed(failure.kind())),
        Some(failure) => Err(failure),
        None if report.has_gaps => Err(Failure::Printed(FailureKind::Found)),
        None => Ok(()),
    }
}
