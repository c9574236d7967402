//! Waiting until Cal.com has an appointment, and telling what came of it.

use std::sync::Arc;
use std::time::Duration;

use calcom::store::{Appointment, AppointmentId, Revision, TenantId};
use calcom::sync::{Operations, SyncEngine, SyncState, SyncStatus, Worker};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::Instant;

use crate::commands::common::{booking_url, tell, tenant_flag};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, plain, quoted};
use crate::sentences;

/// How long a worker has for taking a change up before this command does the work.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the state is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The longest time that one attempt to work may take.
const LONGEST_DRAIN: Duration = Duration::from_secs(60);

/// What an appointment from the command line came to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    tenant: TenantId,
    appointment: AppointmentId,
    revision: Revision,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    state: &'static str,
    booking: Option<String>,
    booking_url: Option<String>,
    reviews: Vec<i64>,
    /// Whether this command did the work, because no worker did.
    worked_here: bool,
}

/// What waiting came to.
struct Waited {
    status: SyncStatus,
    worked_here: bool,
    is_over: bool,
}

/// Waits if that is asked for, tells what came of it, and returns it with the exit.
pub(super) async fn finish(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    written: &Appointment,
    wait: Option<Duration>,
    done: &str,
) -> Result<(Outcome, Option<FailureKind>), Failure> {
    let id = &written.id;
    let waited = match wait {
        Some(wait) => until_settled(context, output, tenant, written, wait).await?,
        None => Waited {
            status: context.engine.status(tenant, id).await?,
            worked_here: false,
            is_over: false,
        },
    };
    let status = &waited.status;
    let booking = status.booking.as_ref();
    let url = booking.and_then(|uid| booking_url(context, tenant, uid.as_str()));
    let reviews: Vec<i64> = status.reviews.iter().map(|(id, _)| id.get()).collect();
    let kind = match wait {
        None => None,
        Some(_) if !reviews.is_empty() || status.state == SyncState::Paused => {
            Some(FailureKind::Found)
        }
        Some(_) if !waited.is_over => Some(FailureKind::Unfinished),
        Some(_) => None,
    };
    let flag = tenant_flag(context, output, tenant);
    if wait.is_none() {
        output.line(plain(&format!(
            "A worker brings it to Cal.com. See with: calcom-sync status {}{flag}",
            quoted(id.as_str())
        )));
    } else if kind.is_none() {
        let text = match (status.state, booking) {
            (SyncState::Skipped, _) => "There was nothing to do at Cal.com.".to_owned(),
            (_, Some(booking)) => format!("It is {done} at Cal.com: booking {booking}."),
            (_, None) => format!("It is {done}."),
        };
        output.line(output.paint(Tone::Good, &plain(&text)));
        if let Some(url) = &url {
            output.line(format!("  {url}"));
        }
    } else {
        let text = format!(
            "It is not {done} at Cal.com: {}.",
            sentences::of_state(status.state)
        );
        output.line(output.paint(Tone::Bad, &text));
        if let Some(error) = &status.last.error {
            output.line(plain(&format!("  {error}")));
        }
        for review in &reviews {
            output.line(plain(&format!(
                "  Decide with: calcom-sync reviews show {review}{flag}"
            )));
        }
        if status.state == SyncState::Paused {
            output.line(plain(&format!("  Go on with: calcom-sync resume{flag}")));
        }
        if kind == Some(FailureKind::Unfinished) {
            output.line(plain(&format!(
                "  It goes on. See with: calcom-sync status {}{flag}",
                quoted(id.as_str())
            )));
        }
    }
    let outcome = Outcome {
        tenant: tenant.clone(),
        appointment: id.clone(),
        revision: written.revision,
        start: Some(written.state.start),
        end: Some(written.state.end),
        state: sentences::state_word(status.state),
        booking: booking.map(ToString::to_string),
        booking_url: url,
        reviews,
        worked_here: waited.worked_here,
    };
    Ok((outcome, kind))
}

/// Waits until both sides agree, or a person has to decide, or the time is over.
async fn until_settled(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    written: &Appointment,
    wait: Duration,
) -> Result<Waited, Failure> {
    let progress = output.progress(None, "Waiting for a worker");
    let begun = Instant::now();
    let until = begun + wait;
    let mut worked_here = false;
    loop {
        let status = context.engine.status(tenant, &written.id).await?;
        let is_settled = status.waiting_changes == 0 && status.pending.is_empty();
        let is_over = match status.state {
            SyncState::InSync | SyncState::Skipped => is_settled,
            SyncState::InReview | SyncState::Paused => true,
            _ => false,
        };
        let left = until.saturating_duration_since(Instant::now());
        if is_over || left.is_zero() {
            return Ok(Waited {
                status,
                worked_here,
                is_over,
            });
        }
        let is_idle = matches!(status.state, SyncState::Waiting | SyncState::Retrying);
        // Who has begun to work goes on with it, since nobody else may be there.
        if is_idle && (worked_here || begun.elapsed() >= PATIENCE.min(wait / 2)) {
            progress.says("Working");
            worked_here = true;
            let worker = Worker::new(Arc::clone(&context.engine) as Arc<dyn SyncEngine>);
            let drained = tokio::time::timeout(left.min(LONGEST_DRAIN), worker.drain()).await;
            // What is not finished in time is handed back for others to go on with at once.
            match drained {
                Ok(done) => drop(done?),
                Err(_) => context.engine.hand_back(),
            }
            tell(context, output).await;
        }
        let left = until.saturating_duration_since(Instant::now());
        tokio::time::sleep(LOOK.min(left)).await;
    }
}
