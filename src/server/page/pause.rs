//! Pausing and resuming a tenant's work.

use axum::response::Response;
use maud::{Markup, html};

use super::answer::redirect;
use super::desk::Visit;
use super::problem::Problem;
use crate::model::clean_line;
use crate::store::OperatorAction;

pub(super) async fn pause(visit: &Visit) -> Result<Response, Problem> {
    let why = clean_line(visit.form.get("reason").unwrap_or_default()).into_owned();
    let by = visit.operator.name.as_str();
    let is_new = visit.engine().pause(&visit.tenant, by, &why).await?;
    if !is_new {
        return Err(Problem::Conflict("The sync is paused already.".to_owned()));
    }
    let outcome = match why.as_str() {
        "" => "No reason was given.".to_owned(),
        why => format!("Reason: {why}"),
    };
    let noted = visit.note(None, OperatorAction::Pause, &outcome).await;
    Ok(told(visit, "paused", noted.0))
}

pub(super) async fn resume(visit: &Visit) -> Result<Response, Problem> {
    visit.engine().resume(&visit.tenant).await?;
    let outcome = "What had come in is worked on.";
    let noted = visit.note(None, OperatorAction::Resume, outcome).await;
    Ok(told(visit, "resumed", noted.0))
}

fn told(visit: &Visit, what: &str, is_noted: bool) -> Response {
    let more = if is_noted { "" } else { "-unnoted" };
    redirect(&visit.link(&format!("?told={what}{more}")))
}

/// What the operator has just done, as the page says after it.
pub(super) fn told_of(visit: &Visit) -> Option<&'static str> {
    match visit.query.get("told")? {
        "paused" => Some("The sync is paused. What comes in is stored and waits."),
        "resumed" => Some("The sync goes on."),
        "paused-unnoted" => {
            Some("The sync is paused, but this could not be written down under Actions.")
        }
        "resumed-unnoted" => {
            Some("The sync goes on, but this could not be written down under Actions.")
        }
        _ => None,
    }
}

/// The form for either.
pub(super) fn form(visit: &Visit, is_paused: bool, is_held: bool) -> Markup {
    html! {
        @if visit.operator.may_write() {
            @if is_paused || is_held {
                form method="post" action=(visit.link("/resume")) {
                    @if is_paused {
                        p { "Nothing is sent to Cal.com or taken from it. What comes in is stored and waits." }
                        button.primary type="submit" { "Resume the sync" }
                    } @else {
                        p { "Cal.com, or the tenant's settings, have asked for a pause; the work goes on by itself." }
                        button type="submit" { "Go on at once" }
                    }
                }
            } @else {
                form.pause method="post" action=(visit.link("/pause")) {
                    p.hint { "While paused, nothing is sent to Cal.com or taken from it. Webhooks and changes are stored and wait." }
                    label for="reason" { "Reason" }
                    input #reason name="reason" maxlength="200" placeholder="Such as: maintenance until noon" autocomplete="off";
                    button type="submit" { "Pause the sync" }
                }
            }
        } @else if is_paused {
            p { "The sync is paused. An operator can resume it." }
        } @else {
            p.hint { "An operator can pause the sync here." }
        }
    }
}
