//! One review item: what happened, both sides, and what can be done.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::desk::Visit;
use super::layout::View;
use super::parts::{booking, hidden, notice, outside};
use super::problem::{Problem, sentence};
use super::reviews::{about, fields, standing};
use super::sides::{self, Side};
use super::times;
use super::words::{self, Tone, count};
use crate::model::clean_text;
use crate::store::{AppointmentState, Differences, Resolution, ReviewId, ReviewItem, Window};
use crate::sync::{Choice, choices};

/// How far ahead free slots are looked for.
const DAYS_AHEAD: i64 = 14;
/// How many slots of a day are shown.
const SLOTS_A_DAY: usize = 48;

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let id: ReviewId = visit.id.parse().map_err(|_| Problem::NotFound)?;
    let item = visit.engine().review(&visit.tenant, id).await?;
    let item = item.ok_or(Problem::NotFound)?;
    let evidence =
        html! { @if !visit.is_live { (what_happened(visit, &item)) (both(visit, &item)) } };
    let slots = if visit.is_live {
        html! {}
    } else {
        rebooking(visit, &item).await
    };
    let view = View::new(words::reason(&item.reason))
        .said("outcome", outcome(visit, &item))
        .still(evidence);
    let decisions = decisions(visit, &item);
    Ok(if suggests_rebooking(&item) {
        view.still(slots).live("choices", decisions)
    } else {
        view.live("choices", decisions).still(slots)
    })
}

fn outcome(visit: &Visit, item: &ReviewItem) -> Markup {
    html! {
        div.standing { (standing(item)) span { (about(visit, item)) } }
        @if let Some(resolved) = &item.resolved {
            @if resolved.resolution == Resolution::Settled {
                p { "Its cause is gone: it closed by itself, " (times::at(visit, resolved.at)) "." }
            } @else {
                p {
                    strong { (words::resolution(&resolved.resolution)) }
                    @if let Resolution::Rebook { start } = &resolved.resolution { ": " (times::sentence(visit, *start)) }
                    ", decided by " (outside(&resolved.by)) ", " (times::at(visit, resolved.at)) "."
                }
                @match (&resolved.outcome, &resolved.resolution) {
                    (Some(outcome), _) => (notice(Tone::Good, &clean_text(outcome))),
                    (None, Resolution::Dismiss) => (notice(Tone::Calm, "Nothing was changed.")),
                    (None, _) => (notice(Tone::Busy, "The engine carries this out in its next turn. The outcome will be here.")),
                }
            }
        }
    }
}

fn what_happened(visit: &Visit, item: &ReviewItem) -> Markup {
    let evidence = &item.evidence;
    html! {
        section.card aria-labelledby="happened" {
            h2 #happened { "What happened" }
            p.text { bdi { (clean_text(&evidence.message)) } }
            dl.facts {
                div { dt { "Opened" } dd { (times::at(visit, item.opened_at)) } }
                @if item.count > 1 {
                    div { dt { "Happened" } dd { (count(item.count, "time", "times")) ", last " (times::at(visit, item.updated_at)) } }
                }
                @if !evidence.bookings.is_empty() {
                    div {
                        dt { "Bookings" }
                        dd { ul.plain { @for uid in &evidence.bookings { li { (booking(visit, uid)) } } } }
                    }
                }
            }
        }
    }
}

fn both(visit: &Visit, item: &ReviewItem) -> Markup {
    let evidence = &item.evidence;
    let (local, remote) = (evidence.local.as_ref(), evidence.remote.as_ref());
    let base = evidence
        .base_local
        .as_ref()
        .or(evidence.base_remote.as_ref());
    if local.is_none() && remote.is_none() && base.is_none() {
        return html! {};
    }
    let differing = |one: Option<&AppointmentState>, other: Option<&AppointmentState>| {
        one.zip(other)
            .map_or(Differences::NONE, |(one, other)| one.differences(other))
    };
    // Without the other side, what has changed since both last agreed is marked.
    let (here, there) = match (local, remote) {
        (Some(_), Some(_)) => (differing(local, remote), differing(local, remote)),
        _ => (
            differing(local, evidence.base_local.as_ref()),
            differing(remote, evidence.base_remote.as_ref()),
        ),
    };
    let sides = [
        Side {
            heading: "When both last agreed",
            state: base,
            marked: Differences::NONE,
        },
        Side {
            heading: "Host application",
            state: local,
            marked: here,
        },
        Side {
            heading: "Cal.com",
            state: remote,
            marked: there,
        },
    ];
    let sides: Vec<Side<'_>> = sides
        .into_iter()
        .enumerate()
        .filter(|(index, side)| *index > 0 || side.state.is_some())
        .map(|(_, side)| side)
        .collect();
    html! {
        section.card aria-labelledby="both" {
            h2 #both { "Both sides" }
            @if local.is_none() { p.hint { "The host application has no such appointment." } }
            @if remote.is_none() { p.hint { "Cal.com's side is not known." } }
            (sides::table(visit, "Both sides, field by field", &sides))
        }
    }
}

fn suggests_rebooking(item: &ReviewItem) -> bool {
    let possible = choices(item);
    let mut rebookings = possible
        .iter()
        .filter(|choice| matches!(choice.resolution, Resolution::Rebook { .. }));
    rebookings.any(|choice| choice.is_suggested)
}

fn decisions(visit: &Visit, item: &ReviewItem) -> Markup {
    let possible = choices(item);
    let plain = possible.iter();
    let plain = plain.filter(|choice| !matches!(choice.resolution, Resolution::Rebook { .. }));
    let suggested = possible.iter().filter(|choice| choice.is_suggested);
    let is_only = suggested.count() == 1;
    html! {
        @if !possible.is_empty() {
            section.card aria-labelledby="decide" {
                h2 #decide { "What can be done" }
                @if !visit.operator.may_write() { p.hint { "An operator can decide." } }
                ul.choices { @for choice in plain { li { (decision(visit, item, choice, is_only)) } } }
            }
        }
    }
}

/// `is_only` tells whether one decision alone is suggested, whose button then stands out.
fn decision(visit: &Visit, item: &ReviewItem, choice: &Choice, is_only: bool) -> Markup {
    let word = choice.resolution.as_str();
    let effect = format!("effect-{word}");
    let name = match word {
        "retry" if item.link.is_none() => match item.reason.as_str() {
            "paused_by_person" | "credentials_refused" => "Resume",
            _ => words::resolution(&choice.resolution),
        },
        _ => words::resolution(&choice.resolution),
    };
    let what = html! {
        p #(effect) { strong { (name) } @if choice.is_suggested { " " span.suggested { "Suggested" } } br; (choice.effect) }
    };
    html! {
        @if visit.operator.may_write() {
            form.choice method="post" action=(visit.link("/reviews")) {
                (fields(item.id, word))
                (hidden("confirmed", "1"))
                (what)
                button.primary[is_only && choice.is_suggested] type="submit" aria-describedby=(effect) { (name) }
            }
        } @else {
            (what)
        }
    }
}

/// The slots to move the appointment to, and more of them on demand.
async fn rebooking(visit: &Visit, item: &ReviewItem) -> Markup {
    let possible = choices(item).into_iter();
    let mut possible =
        possible.filter(|choice| matches!(choice.resolution, Resolution::Rebook { .. }));
    let (Some(choice), true) = (possible.next(), visit.operator.may_write()) else {
        return html! {};
    };
    let asked = visit.query.is_set("slots");
    let mut failed = None;
    let mut slots = item.evidence.alternatives.clone();
    if let (true, Some(local)) = (asked, &item.evidence.local) {
        let window = Window::new(visit.now, visit.now + TimeDelta::days(DAYS_AHEAD));
        let found = visit
            .engine()
            .free_slots(&visit.tenant, local.event_type, window);
        match found.await {
            Ok(found) => slots = found,
            Err(error) => failed = Some(sentence(&error)),
        }
    }
    slots.retain(|slot| *slot > visit.now);
    slots.sort_unstable();
    slots.dedup();
    let more = visit.review_link(item.id);
    html! {
        section.card aria-labelledby="rebook" {
            h2 #rebook { "Book another slot" @if choice.is_suggested { " " span.suggested { "Suggested" } } }
            p { (choice.effect) }
            @if let Some(why) = failed { (notice(Tone::Warn, why)) }
            @if slots.is_empty() {
                p.hint { @if asked { "Cal.com has no free slot within the next 14 days." } @else { "No free slots are known yet." } }
            } @else {
                form method="post" action=(visit.link("/reviews")) {
                    (fields(item.id, "rebook"))
                    (hidden("confirmed", "1"))
                    (by_day(visit, &slots))
                    button.primary type="submit" { "Book the chosen slot" }
                }
            }
            @if !asked { p { a.button href={ (more) "?slots=1#rebook" } { "Look for free slots within the next 14 days" } } }
        }
    }
}

fn by_day(visit: &Visit, slots: &[DateTime<Utc>]) -> Markup {
    let days = slots.chunk_by(|one, other| times::day(visit, *one) == times::day(visit, *other));
    html! {
        p.hint { "Times in " (visit.desk.zone.name()) "." }
        @for (index, day) in days.enumerate() {
            @let name = times::day(visit, day[0]);
            details.day open[index == 0] {
                summary { (name) " " span.sub { (count(day.len() as u64, "slot", "slots")) } }
                fieldset.slots {
                    legend.hidden { (name) }
                    @for slot in day.iter().take(SLOTS_A_DAY) {
                        label { input type="radio" name="start" required value=(slot.to_rfc3339()); span { (times::clock(visit, *slot)) } }
                    }
                }
            }
        }
    }
}
