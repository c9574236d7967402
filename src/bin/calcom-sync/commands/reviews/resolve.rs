//! `reviews resolve`: decisions, and what became of them.

use std::time::Duration;

use calcom::store::{
    Page, Resolution, ReviewFilter, ReviewId, ReviewItem, StoreErrorKind, TenantId,
};
use calcom::sync::{self, ErrorKind, Operations, SyncEngine, choices};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use crate::cli::{ResolutionWord, ReviewsResolveArgs};
use crate::commands::common::{FailureView, ended, find_review, worse};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, plain, quoted};
use crate::when;

/// How long a single decision is waited for unless told otherwise.
const WAIT: Duration = Duration::from_secs(10);
/// How often the outcome is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// How far a decision has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// There is nothing to carry out.
    Closed,
    /// A worker has carried it out.
    CarriedOut,
    /// Stored; a worker will carry it out.
    Stored,
    /// Refused, or not stored.
    Failed,
}

#[derive(Debug, Serialize)]
struct DecisionView {
    id: i64,
    tenant: Option<String>,
    resolution: String,
    #[serde(skip)]
    word: &'static str,
    by: String,
    progress: Progress,
    outcome: Option<String>,
    /// Items that are open about the appointment now.
    open_again: Vec<i64>,
    error: Option<FailureView>,
}

pub(super) async fn resolve(
    context: &Context,
    output: &Output,
    arguments: ReviewsResolveArgs,
) -> Result<(), Failure> {
    let by = arguments.operator.name();
    let resolution = resolution(&arguments)?;
    let wait = match arguments.wait {
        Some(wait) => Some(wait),
        None if arguments.ids.len() == 1 => Some(WAIT),
        None => None,
    };
    let mut found = None;
    let mut views = Vec::new();
    for id in &arguments.ids {
        let decided = decide(context, *id, &resolution, &by, wait).await;
        let (mut view, kind) = match decided {
            Ok(view) => {
                let is_late = view.progress == Progress::Stored
                    && arguments.wait.is_some_and(|wait| !wait.is_zero());
                let kind = if !view.open_again.is_empty() {
                    Some(FailureKind::Found)
                } else if is_late {
                    Some(FailureKind::Unfinished)
                } else {
                    None
                };
                (view, kind)
            }
            Err(failure) => {
                let kind = failure.kind();
                let view = DecisionView {
                    id: id.get(),
                    tenant: None,
                    resolution: resolution.as_str().to_owned(),
                    word: word_of(&resolution).unwrap_or_default(),
                    by: by.clone(),
                    progress: Progress::Failed,
                    outcome: None,
                    open_again: Vec::new(),
                    error: Some(FailureView::from(&failure)),
                };
                if !output.is_json() {
                    output.failure(&failure);
                }
                (view, Some(kind))
            }
        };
        view.outcome = view.outcome.map(|outcome| plain(&outcome));
        print_decision(output, &view, wait);
        found = worse(found, kind);
        views.push(view);
    }
    output.json(&json!({"decisions": views}));
    ended(found)
}

fn print_decision(output: &Output, view: &DecisionView, wait: Option<Duration>) {
    let (id, word) = (view.id, view.word);
    match view.progress {
        Progress::Failed => {}
        Progress::Closed => output.line(format!("Item {id} is closed ({word}).")),
        Progress::CarriedOut => {
            let outcome = view.outcome.as_deref().unwrap_or_default();
            let tone = if view.open_again.is_empty() {
                Tone::Good
            } else {
                Tone::Warning
            };
            let text = match outcome.trim_end_matches('.') {
                "" | "carried out" => format!("Item {id}: the decision ({word}) was carried out."),
                outcome => format!("Item {id}: the decision ({word}) ended: {outcome}."),
            };
            output.line(output.paint(tone, &text));
        }
        Progress::Stored => {
            let none = match wait {
                Some(wait) if !wait.is_zero() => {
                    format!("; none has within {}", when::span(wait))
                }
                _ => String::new(),
            };
            output.line(format!(
                "Item {id}: the decision ({word}) is stored; a worker will carry it out{none}."
            ));
            if !none.is_empty() {
                output.line(format!(
                    "See whether one runs: calcom-sync status{}",
                    output.common_flags()
                ));
            }
        }
    }
    for open in &view.open_again {
        output.line(format!(
            "It needs a decision again: calcom-sync reviews show {open}{}",
            output.common_flags()
        ));
    }
}

fn resolution(arguments: &ReviewsResolveArgs) -> Result<Resolution, Failure> {
    let is_rebook = arguments.resolution == ResolutionWord::Rebook;
    if arguments.start.is_some() && !is_rebook {
        return Err(Failure::settings(
            "--start goes with rebook only",
            "leave it out, or decide rebook",
        ));
    }
    Ok(match arguments.resolution {
        ResolutionWord::Retry => Resolution::Retry,
        ResolutionWord::TakeRemote => Resolution::TakeRemote,
        ResolutionWord::ForceLocal => Resolution::ForceLocal,
        ResolutionWord::AcceptDifference => Resolution::AcceptDifference,
        ResolutionWord::Dismiss => Resolution::Dismiss,
        ResolutionWord::Rebook => {
            let start = arguments.start.ok_or_else(|| {
                Failure::settings("rebook needs a start", "add --start with the new start")
            })?;
            if start <= when::now() {
                return Err(Failure::settings(
                    "the new start lies in the past",
                    "choose a later one; `calcom-sync reviews show` lists free slots",
                ));
            }
            Resolution::rebook(start)
        }
    })
}

/// The word on the command line; `None` for what is no decision of a person's.
pub(super) fn word_of(resolution: &Resolution) -> Option<&'static str> {
    Some(match resolution {
        Resolution::Retry => "retry",
        Resolution::TakeRemote => "take-remote",
        Resolution::ForceLocal => "force-local",
        Resolution::AcceptDifference => "accept-difference",
        Resolution::Rebook { .. } => "rebook",
        Resolution::Dismiss => "dismiss",
        _ => return None,
    })
}

async fn decide(
    context: &Context,
    id: ReviewId,
    resolution: &Resolution,
    by: &str,
    wait: Option<Duration>,
) -> Result<DecisionView, Failure> {
    let (tenant, before) = find_review(context, id).await?;
    let resolved = context.engine.resolve(&tenant, id, resolution.clone(), by);
    let resolved = resolved
        .await
        .map_err(|error| refused(&tenant, &before, resolution, error))?;
    context.engine.nudge();
    let mut view = DecisionView {
        id: id.get(),
        tenant: Some(tenant.to_string()),
        resolution: resolution.as_str().to_owned(),
        word: word_of(resolution).unwrap_or_default(),
        by: by.to_owned(),
        progress: Progress::Stored,
        outcome: None,
        open_again: Vec::new(),
        error: None,
    };
    if *resolution == Resolution::Dismiss || resolved.links == 0 {
        view.progress = Progress::Closed;
        return Ok(view);
    }
    let Some(wait) = wait.filter(|wait| !wait.is_zero()) else {
        return Ok(view);
    };
    let until = Instant::now() + wait;
    loop {
        let item = context.engine.review(&tenant, id).await?;
        let outcome = item.and_then(|item| item.resolved.and_then(|resolved| resolved.outcome));
        if let Some(outcome) = outcome {
            view.outcome = Some(outcome);
            view.progress = Progress::CarriedOut;
            break;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(view);
        }
        tokio::time::sleep(LOOK.min(left)).await;
    }
    if let Some(appointment) = &before.appointment {
        let open = ReviewFilter::open().with_appointment(appointment.clone());
        let open = context.engine.reviews(&tenant, &open, Page::first(10));
        let open = open.await?;
        view.open_again = open.iter().map(|item| item.id.get()).collect();
    }
    Ok(view)
}

/// Why a decision was refused, in terms of the item.
fn refused(
    tenant: &TenantId,
    item: &ReviewItem,
    resolution: &Resolution,
    error: sync::Error,
) -> Failure {
    let id = item.id;
    match error.kind() {
        ErrorKind::Store(StoreErrorKind::Conflict) => {
            let by = match &item.resolved {
                Some(resolved) => format!(" by {} ({})", resolved.by, resolved.resolution.as_str()),
                None => String::new(),
            };
            Failure::new(
                FailureKind::Found,
                format!("item {id} was resolved already{by}"),
                format!("look at it with `calcom-sync reviews show {id}`"),
            )
        }
        ErrorKind::Store(StoreErrorKind::Invalid) => {
            let possible = choices(item);
            let possible: Vec<&str> = possible
                .iter()
                .filter_map(|choice| word_of(&choice.resolution))
                .collect();
            let word = resolution.as_str();
            Failure::settings(
                format!("item {id} cannot be resolved with {word}"),
                format!("possible are: {}", possible.join(", ")),
            )
            .because(error)
        }
        ErrorKind::Store(StoreErrorKind::NotFound) => Failure::not_found(
            format!(
                "tenant {} has no review item {id} any more",
                quoted(tenant.as_str())
            ),
            "`calcom-sync reviews list` shows what is open",
        ),
        _ => error.into(),
    }
}
