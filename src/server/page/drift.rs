//! Drift: checks and repairs of a window of time.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::desk::Visit;
use super::drift_report;
use super::icons::{Icon, icon};
use super::jobs::{Ended, Job};
use super::layout::View;
use super::parts::{confirm, empty, hidden, notice, outside};
use super::problem::Problem;
use super::times;
use super::words::{Tone, count};
use crate::store::Window;
use crate::sync::{AuditMode, AuditParams};

/// The window that the form begins with.
const DAYS: i64 = 30;
/// The longest window, in days.
const MOST_DAYS: i64 = 3_660;
const BRAKE_PERCENT: u32 = 10;

pub(super) fn view(visit: &Visit) -> View {
    let job = visit.desk.jobs.of(&visit.tenant);
    let job = job.as_deref();
    let is_running = job.is_some_and(Job::is_running);
    View::new("Drift")
        .still(html! {
            p.lead { "Compares every appointment and booking that starts within a window, and reports where the two sides have drifted apart. A repair has each difference looked at by the engine, which decides as usual: nothing is cancelled because it is absent from a list." }
            @if is_running { noscript { p { a href=(visit.link("/drift")) { "Reload to see how far it has come." } } } }
        })
        .still(form(visit))
        .said("said", said(job))
        .live("job", shown(visit, job))
}

fn form(visit: &Visit) -> Markup {
    let until = visit.now + TimeDelta::days(DAYS);
    html! {
        @if visit.operator.may_write() {
            section.card aria-labelledby="window" {
                h2 #window { "Window" }
                form.row method="post" action=(visit.link("/drift")) data-confirm="repair" {
                    div { label for="from" { "From" } input #from type="date" name="from" required value=(times::field(visit, visit.now)); }
                    div { label for="until" { "Until, exclusive" } input #until type="date" name="until" required value=(times::field(visit, until)); }
                    div {
                        label for="brake" { "Brake, in percent" }
                        input #brake type="number" name="brake" min="0" max="100" required value=(BRAKE_PERCENT) aria-describedby="brake-hint";
                    }
                    div.buttons {
                        button.primary type="submit" name="mode" value="check" { "Check" }
                        button type="submit" name="mode" value="repair" { "Check and repair" }
                    }
                    p.hint #brake-hint { "The brake: a repair that would cancel more than this share of the appointments within the window stops before it does anything, and asks." }
                }
            }
        } @else {
            (notice(Tone::Calm, "An operator can start a check or a repair here."))
        }
    }
}

/// What a screen reader says.
fn said(job: Option<&Job>) -> Markup {
    let text = match job.map(|job| (job.mode, job.ended())) {
        None => return html! {},
        Some((AuditMode::CheckOnly, None)) => "A check is under way.",
        Some((AuditMode::Repair, None)) => "A repair is under way.",
        Some((AuditMode::CheckOnly, Some(_))) => "The check has ended.",
        Some((AuditMode::Repair, Some(_))) => "The repair has ended.",
    };
    html! { p.hidden { (text) } }
}

fn shown(visit: &Visit, job: Option<&Job>) -> Markup {
    let Some(job) = job else {
        return empty(
            "Nothing has been checked since this program was started.",
            "A report is kept here until the next one.",
        );
    };
    let name = match job.mode {
        AuditMode::CheckOnly => "Check",
        AuditMode::Repair => "Check and repair",
    };
    let last = job.window.until - TimeDelta::seconds(1);
    html! {
        section.card aria-labelledby="job" {
            h2 #job { (name) }
            p.hint {
                (times::day(visit, job.window.from)) " to " (times::day(visit, last))
                " · started by " (outside(&job.by)) ", " (times::at(visit, job.began))
                @if job.mode == AuditMode::Repair {
                    @match job.brake_percent { Some(percent) => { " · brake at " (percent) " %" }, None => " · without the brake" }
                }
                @if let Some((_, at)) = job.ended() { " · ended " (times::at(visit, at)) }
            }
            @match job.ended() {
                None => (running(visit, job)),
                Some((Ended::Reported(report), _)) => (drift_report::shown(visit, job, &report)),
                Some((Ended::Failed(why), _)) => (notice(Tone::Bad, why)),
                Some((Ended::Stopped, _)) => (notice(Tone::Warn, "It was stopped before its end. What a repair had handed over by then is worked on.")),
            }
        }
    }
}

fn running(visit: &Visit, job: &Job) -> Markup {
    let progress = job.progress();
    let doing = if progress.is_repairing {
        "Repairing"
    } else {
        "Comparing"
    };
    let counts = &progress.counts;
    html! {
        div.progress {
            label for="progress" { (doing) ", " (progress.percent) " %" }
            progress #progress max="100" value=(progress.percent) { (progress.percent) " %" }
        }
        p { (count(counts.appointments_read, "appointment", "appointments")) " and " (count(counts.bookings_read, "booking", "bookings")) " read, " (count(counts.drift(), "difference", "differences")) " found so far." }
        @if visit.operator.may_write() {
            form method="post" action=(visit.link("/drift/stop")) { button type="submit" { (icon(Icon::Cross)) "Stop" } }
        }
    }
}

/// Begins a check or a repair; or asks first, if it is a repair.
pub(super) fn start(visit: &Visit) -> Result<Option<View>, Problem> {
    let window = window_of(visit)?;
    let mode = match visit.form.get("mode") {
        Some("check") => AuditMode::CheckOnly,
        Some("repair") => AuditMode::Repair,
        _ => return Err(Problem::Invalid("Choose a check or a repair.".to_owned())),
    };
    let brake = brake_of(visit)?;
    if mode == AuditMode::Repair && !visit.form.is_set("confirmed") {
        return Ok(Some(ask(visit, window, brake)));
    }
    let params = match mode {
        AuditMode::CheckOnly => AuditParams::check(window),
        AuditMode::Repair => AuditParams::repair(window),
    };
    let params = match brake {
        Some(percent) => params.with_brake_percent(percent),
        None => params.without_brake(),
    };
    visit.desk.jobs.begin(visit, params)?;
    Ok(None)
}

/// Stops what is under way. The job itself cannot write that down any more.
pub(super) async fn stop(visit: &Visit) {
    if let Some(job) = visit.desk.jobs.of(&visit.tenant)
        && job.stop(visit.now)
    {
        let outcome = "It was stopped before its end.";
        visit.note(None, job.action(), outcome).await;
    }
}

fn ask(visit: &Visit, window: Window, brake: Option<u32>) -> View {
    let last = window.until - TimeDelta::seconds(1);
    let what = html! {
        p { "Everything that starts from " strong { (times::day(visit, window.from)) } " to " strong { (times::day(visit, last)) } " is compared. Then each difference is handed over to the engine, which reads both sides and brings them into agreement as usual: it may book, move or cancel at Cal.com, whose attendees are told by e-mail, and change appointments here." }
        @match brake {
            Some(percent) => p { "If that would cancel more than " (percent) " % of the appointments within the window, it stops before it does anything." },
            None => p { strong { "Without the brake: it may cancel any number of appointments and bookings." } },
        }
    };
    let brake = brake.map_or_else(|| "none".to_owned(), |percent| percent.to_string());
    let fields = html! {
        (hidden("from", &times::field(visit, window.from)))
        (hidden("until", &times::field(visit, window.until)))
        (hidden("brake", &brake))
        (hidden("mode", "repair"))
    };
    View::new("Repair drift?").still(confirm(
        &visit.link("/drift"),
        &what,
        &fields,
        "Repair",
        &visit.link("/drift"),
    ))
}

fn window_of(visit: &Visit) -> Result<Window, Problem> {
    let day = |name| -> Option<DateTime<Utc>> {
        let field = visit.form.get(name)?;
        times::of_field(visit, field)
    };
    let days = day("from").zip(day("until"));
    let invalid = |why: &str| Problem::Invalid(why.to_owned());
    let (from, until) =
        days.ok_or_else(|| invalid("Name the first day, and the day after the last."))?;
    if from >= until {
        return Err(invalid("The window ends before it begins."));
    }
    if until - from > TimeDelta::days(MOST_DAYS) {
        return Err(invalid("The window is longer than ten years."));
    }
    Ok(Window::new(from, until))
}

/// `None` for none at all.
fn brake_of(visit: &Visit) -> Result<Option<u32>, Problem> {
    match visit.form.get("brake") {
        None => Ok(Some(BRAKE_PERCENT)),
        Some("none") => Ok(None),
        Some(text) => match text.parse() {
            Ok(percent @ 0..=100) => Ok(Some(percent)),
            _ => Err(Problem::Invalid(
                "The brake is a number from 0 to 100.".to_owned(),
            )),
        },
    }
}
