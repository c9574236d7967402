//! Resyncing and cancelling appointments, one or many.

use maud::{Markup, html};

use super::desk::{Noted, Visit};
use super::icons::Icon;
use super::layout::View;
use super::parts::{appointment, chip, confirm, hidden, outside, state, unless_noted};
use super::problem::{Problem, sentence};
use super::times;
use super::words::{Tone, count};
use crate::model::clean_line;
use crate::store::{Appointment, AppointmentId, OperatorAction, Origin};
use crate::sync::{Cancellation, Cancelled, Error, Resynced, SyncStatus};

/// How many appointments one form may name.
const MOST: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Resync,
    Cancel,
}

pub(super) async fn act(visit: &Visit) -> Result<View, Problem> {
    let invalid = |why: &str| Problem::Invalid(why.to_owned());
    let act = match visit.form.get("action") {
        Some("resync") => Act::Resync,
        Some("cancel") => Act::Cancel,
        _ => return Err(invalid("Choose what is to be done.")),
    };
    let ids = visit.form.all("id");
    let ids: Vec<AppointmentId> = ids.into_iter().map(AppointmentId::from).collect();
    if ids.is_empty() {
        return Err(invalid("Select at least one appointment."));
    }
    if ids.len() > MOST {
        return Err(invalid("Select at most 200 appointments at once."));
    }
    if visit.form.is_set("confirmed") {
        Ok(carry_out(visit, act, &ids).await)
    } else {
        ask(visit, act, &ids).await
    }
}

fn counted(ids: &[AppointmentId]) -> String {
    count(ids.len() as u64, "appointment", "appointments")
}

/// Says what will happen to each.
async fn ask(visit: &Visit, act: Act, ids: &[AppointmentId]) -> Result<View, Problem> {
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let status = visit.engine().status(&visit.tenant, id).await?;
        let found = visit.engine().appointment(&visit.tenant, id).await;
        rows.push(planned(visit, act, &status, &found));
    }
    let number = counted(ids);
    let (title, effect, button) = match act {
        Act::Resync => (
            format!("Resync {number}?"),
            "Both sides of each are read and compared, whatever the books say. What differs is brought into agreement as usual, or sent to review.",
            format!("Resync {number}"),
        ),
        Act::Cancel => (
            format!("Cancel {number}?"),
            "Each is cancelled in the host application, and then its booking at Cal.com. This cannot be undone.",
            format!("Cancel {number}"),
        ),
    };
    let what = html! {
        p { (effect) }
        table.rows.stack {
            caption.hidden { "What will happen" }
            thead { tr { th scope="col" { "Appointment" } th scope="col" { "Start" } th scope="col" { "State" } th scope="col" { "What will happen" } } }
            tbody { @for row in &rows { (row) } }
        }
    };
    let fields = html! {
        @for id in ids { (hidden("id", id.as_str())) }
        (hidden("action", match act { Act::Resync => "resync", Act::Cancel => "cancel" }))
        @if act == Act::Cancel {
            div.wide {
                label for="why" { "Reason, as the attendees read it" }
                input #why name="reason" maxlength="300" autocomplete="off";
            }
        }
    };
    let back = match ids {
        [id] => visit.appointment_link(id),
        _ => visit.link("/activity"),
    };
    let asked = confirm(&visit.link("/appointments"), &what, &fields, &button, &back);
    Ok(View::new(title).still(asked))
}

fn planned(
    visit: &Visit,
    act: Act,
    status: &SyncStatus,
    found: &Result<Option<Appointment>, Error>,
) -> Markup {
    let of_host = found.as_ref().ok().and_then(Option::as_ref);
    let is_live = of_host.is_some_and(|found| found.state.status.is_live());
    let plan = match (act, found) {
        (_, Err(_)) => "The host application does not answer; this is tried all the same.",
        (Act::Resync, Ok(Some(_))) => "Both sides are read and compared.",
        (Act::Resync, Ok(None)) if status.booking.is_some() => {
            "The host application has no such appointment; its booking is looked at."
        }
        (_, Ok(None)) => "The host application has no such appointment; this will fail.",
        (Act::Cancel, Ok(Some(_))) if !is_live => {
            "It has ended already, and is recorded once more."
        }
        (Act::Cancel, Ok(Some(_))) if status.booking.is_some() => {
            "It is cancelled, and its booking at Cal.com; the attendee is told by e-mail."
        }
        (Act::Cancel, Ok(Some(_))) => "It is cancelled; there is no booking at Cal.com yet.",
    };
    html! {
        tr {
            td data-label="Appointment" {
                @if let Some(found) = of_host { (outside(&found.state.attendee.name)) " " }
                span.sub { (outside(status.appointment.as_str())) }
            }
            td data-label="Start" {
                @match of_host { Some(found) => (times::at_in(visit, found.state.start, &found.state.attendee.time_zone)), None => "–" }
            }
            td data-label="State" { (state(status.state)) }
            td data-label="What will happen" { (plan) }
        }
    }
}

async fn carry_out(visit: &Visit, act: Act, ids: &[AppointmentId]) -> View {
    let (engine, tenant) = (visit.engine(), &visit.tenant);
    let (action, outcomes) = match act {
        Act::Resync => {
            let results = engine.resync_all(tenant, ids).await;
            let told = results.into_iter().map(|result| match result {
                Ok(Resynced::Recorded(_)) => {
                    Ok("The books did not know it; it is recorded as it stands.")
                }
                Ok(_) => Ok("It is looked at anew."),
                Err(error) => Err(sentence(&error)),
            });
            (OperatorAction::Resync, told.collect::<Vec<_>>())
        }
        Act::Cancel => {
            let results = engine.cancel_all(tenant, ids, &cancellation(visit)).await;
            let told = results.into_iter().map(|result| match result {
                Ok(Cancelled::Before(_)) => Ok("It had ended already, and was recorded once more."),
                Ok(_) => Ok("Cancelled here; its booking at Cal.com follows."),
                Err(error) => Err(sentence(&error)),
            });
            (OperatorAction::Cancel, told.collect())
        }
    };
    let mut noted = Noted(true);
    for (id, outcome) in ids.iter().zip(&outcomes) {
        let (Ok(text) | Err(text)) = outcome;
        noted = noted.and(visit.note(Some(id), action.clone(), text).await);
    }
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let title = match (act, done == ids.len()) {
        (Act::Resync, true) => format!("{} to be looked at", counted(ids)),
        (Act::Resync, false) => format!("{done} of {} to be looked at", counted(ids)),
        (Act::Cancel, true) => format!("{} cancelled", counted(ids)),
        (Act::Cancel, false) => format!("{done} of {} cancelled", counted(ids)),
    };
    let result = html! {
        (unless_noted(noted))
        table.rows.stack {
            caption.hidden { "Outcome" }
            thead { tr { th scope="col" { "Appointment" } th scope="col" { "Outcome" } th scope="col" { "What became of it" } } }
            tbody {
                @for (id, outcome) in ids.iter().zip(&outcomes) {
                    tr {
                        td data-label="Appointment" { (appointment(visit, id)) }
                        td data-label="Outcome" {
                            @match outcome {
                                Ok(_) => (chip(Tone::Good, Icon::Check, "Done")),
                                Err(_) => (chip(Tone::Bad, Icon::Alert, "Failed")),
                            }
                        }
                        td data-label="What became of it" { @match outcome { Ok(text) | Err(text) => (text) } }
                    }
                }
            }
        }
        p.buttons {
            @if let [id] = ids { a.button href=(visit.appointment_link(id)) { "Back to the appointment" } }
            a.button href=(visit.link("/activity")) { "To the activity" }
        }
    };
    View::new(title).still(result)
}

fn cancellation(visit: &Visit) -> Cancellation {
    let by = Cancellation::by(Origin::Admin);
    match visit.form.get("reason") {
        Some(reason) => by.because(clean_line(reason).into_owned()),
        None => by,
    }
}
