//! The report of a drift check.

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::Icon;
use super::jobs::Job;
use super::parts::{appointment, booking, chip, figure, hidden, notice};
use super::times;
use super::words::{Tone, count, field};
use crate::store::Field;
use crate::sync::{AuditMode, AuditReport, AuditStop, Brake, Drift, DriftKind};

pub(super) fn shown(visit: &Visit, job: &Job, report: &AuditReport) -> Markup {
    let counts = &report.counts;
    let number = |number: u64| number.to_string();
    html! {
        (verdict(job, report))
        @if let Some(brake) = report.brake { (braked(visit, job, brake)) }
        dl.figures {
            (figure("In step", &number(counts.in_step), ""))
            (figure("Missing here", &number(counts.missing_here), "bookings without an appointment"))
            (figure("Missing at Cal.com", &number(counts.missing_there), "appointments without a booking"))
            (figure("Differ", &number(counts.differing), ""))
            (figure("Doubled", &number(counts.doubled), "further live bookings"))
            (figure("In review already", &number(counts.in_review), "a repair leaves these alone"))
        }
        details {
            summary { "All counts" }
            table {
                caption.hidden { "Everything that was counted" }
                tbody {
                    (row("Appointments read", counts.appointments_read))
                    (row("Bookings read", counts.bookings_read))
                    (row("Difference accepted", counts.accepted))
                    (row("Written too recently to be compared", counts.too_recent))
                    (row("A write is still under way", counts.in_flight))
                    (row("Bookings of somebody else", counts.foreign))
                    (row("Bookings that cannot be compared", counts.not_comparable))
                    (row("Of which one side has ended", counts.would_cancel))
                    @for (differing, number) in &counts.by_field { (row(&format!("Differ in: {}", field(*differing).to_lowercase()), *number)) }
                    @if job.mode == AuditMode::Repair {
                        (row("Bookings handed over", report.notices_given))
                        (row("Appointments handed over", report.changes_recorded))
                    }
                }
            }
        }
        @if !report.drift.is_empty() { (list(visit, report)) }
    }
}

fn row(caption: &str, number: u64) -> Markup {
    html! { tr { th scope="row" { (caption) } td.number { (number) } } }
}

fn verdict(job: &Job, report: &AuditReport) -> Markup {
    let drift = report.counts.drift();
    let left = report.counts.too_recent + report.counts.in_flight;
    let found = count(drift, "difference", "differences");
    let (tone, text) = match (&report.stopped, job.mode) {
        (Some(AuditStop::Brake), _) => return html! {},
        (Some(AuditStop::Calendar { .. }), _) => (
            Tone::Bad,
            "Cal.com failed before the end was reached. Start again later.".to_owned(),
        ),
        (Some(AuditStop::Host(_)), _) => (
            Tone::Bad,
            "The host application failed before the end was reached. Start again later.".to_owned(),
        ),
        (Some(_), _) => (Tone::Bad, "It could not be carried out.".to_owned()),
        (None, _) if drift == 0 && left > 0 => (
            Tone::Good,
            format!(
                "What was compared agrees. {} written too recently: check again in a few minutes.",
                match left {
                    1 => "1 was".to_owned(),
                    left => format!("{left} were"),
                }
            ),
        ),
        (None, _) if drift == 0 => (Tone::Good, "Both sides agree within the window.".to_owned()),
        (None, AuditMode::CheckOnly) => {
            (Tone::Warn, format!("{found} found. Nothing was changed."))
        }
        (None, AuditMode::Repair) => (
            Tone::Busy,
            format!("{found} found, and handed over: see Activity for what becomes of them."),
        ),
    };
    html! {
        (notice(tone, &text))
        @if report.has_gaps { (notice(Tone::Warn, "Cal.com's list withheld some rows, so that the report may be incomplete.")) }
    }
}

/// Why a repair stopped and asks.
fn braked(visit: &Visit, job: &Job, brake: Brake) -> Markup {
    let text = format!(
        "The brake has stopped the repair before it did anything: it would cancel {} of {} appointments within the window, and {} are allowed. That many at once are more often a mistake, such as another account's key or an empty database, than the truth.",
        brake.would_cancel, brake.appointments, brake.allowed
    );
    html! {
        (notice(Tone::Warn, &text))
        @if visit.operator.may_write() {
            form method="post" action=(visit.link("/drift")) data-confirm {
                (hidden("from", &times::field(visit, job.window.from)))
                (hidden("until", &times::field(visit, job.window.until)))
                (hidden("brake", "none"))
                (hidden("mode", "repair"))
                button.danger type="submit" { "Repair without the brake" }
            }
        }
    }
}

fn list(visit: &Visit, report: &AuditReport) -> Markup {
    let listed = report.drift.len() as u64;
    let all = report.counts.drift();
    html! {
        h3 { "Differences" }
        @if listed < all { p.hint { "The first " (listed) " of " (all) "." } }
        div.scroll tabindex="0" role="region" aria-label="Differences" {
            table.rows {
                caption.hidden { "Differences, in the order of their starts" }
                thead { tr { th scope="col" { "Kind" } th scope="col" { "Start" } th scope="col" { "Appointment" } th scope="col" { "Booking" } th scope="col" { "Differs in" } } }
                tbody { @for drift in &report.drift { (difference(visit, drift)) } }
            }
        }
    }
}

fn difference(visit: &Visit, drift: &Drift) -> Markup {
    let (tone, word) = match drift.kind {
        DriftKind::MissingHere => (Tone::Warn, "Missing here"),
        DriftKind::MissingThere => (Tone::Warn, "Missing at Cal.com"),
        DriftKind::Differs => (Tone::Busy, "Differs"),
        DriftKind::Doubled => (Tone::Bad, "Doubled"),
    };
    let fields = Field::ALL.iter();
    let fields = fields.filter(|one| drift.fields.contains(**one));
    let fields: Vec<&str> = fields.map(|one| field(*one)).collect();
    html! {
        tr {
            td data-label="Kind" {
                (chip(tone, Icon::Compare, word))
                @if drift.in_review { " " (chip(Tone::Bad, Icon::Alert, "In review")) }
            }
            td data-label="Start" { (times::at(visit, drift.start)) }
            td data-label="Appointment" { @match &drift.appointment { Some(id) => (appointment(visit, id)), None => "–" } }
            td data-label="Booking" {
                @match &drift.booking { Some(uid) => (booking(visit, uid)), None => "–" }
                @if let Some(rival) = &drift.rival { " and " (booking(visit, rival)) }
            }
            td data-label="Differs in" { @if fields.is_empty() { "–" } @else { (fields.join(", ")) } }
        }
    }
}
