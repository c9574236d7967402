//! The history of an appointment: the host on the left, Cal.com on the right, the engine between them.

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::{Icon, icon};
use super::parts::{booking, empty, outside};
use super::sides;
use super::times;
use super::words::{self, Tone};
use crate::store::{DeliveryClaim, HistoryEntry, HistoryEvent, LogEvent, NoticeSource, Resolution};

pub(super) fn shown(visit: &Visit, history: &[HistoryEntry], next: Option<String>) -> Markup {
    let path = format!(
        "/appointments/{}",
        super::fields::segment(visit.id.as_str())
    );
    html! {
        section aria-labelledby="history" {
            h2 #history { "History" }
            @if history.is_empty() {
                (empty("Nothing is kept about this appointment.", "What is old is removed after a time."))
            } @else {
                div.lanes aria-hidden="true" { span { "Host" } span { "Engine" } span { "Cal.com" } }
                ol.timeline { @for entry in history { (line(visit, entry)) } }
            }
            (super::parts::pager(visit, &path, next))
        }
    }
}

fn line(visit: &Visit, entry: &HistoryEntry) -> Markup {
    let (lane, side) = match &entry.event {
        HistoryEvent::Change { .. } => ("host", "Host"),
        HistoryEvent::Delivery { .. } => ("calcom", "Cal.com"),
        HistoryEvent::Log(_) | HistoryEvent::Review(_) => ("engine", "Engine"),
    };
    html! {
        li.(lane) {
            div.event {
                p.meta { span.side { (side) } " " (times::at(visit, entry.at)) }
                (event(visit, &entry.event))
            }
        }
    }
}

fn event(visit: &Visit, event: &HistoryEvent) -> Markup {
    match event {
        HistoryEvent::Change { recorded, ended } => {
            let change = &recorded.change;
            let by = words::origin(&change.origin);
            html! {
                p {
                    @if change.source == NoticeSource::Host { "Changed by " strong { (by) } }
                    @else { "A sweep found a change by " strong { (by) } }
                    " (revision " (change.revision) ")."
                }
                p.fate {
                    @match ended {
                        Some((fate, at)) => { (words::change_fate(fate)) " " (times::at(visit, *at)) }
                        None => "Waits.",
                    }
                }
            }
        }
        HistoryEvent::Delivery { delivery, ended } => html! {
            p {
                @match &delivery.source {
                    NoticeSource::Webhook => { "Webhook " strong { (outside(&delivery.trigger)) } }
                    NoticeSource::Sweep => "A sweep found a difference",
                    NoticeSource::Seats => "Heard of a booking with seats",
                    other => (words::source(other)),
                }
                @if let Some(uid) = &delivery.booking { ", booking " (booking(visit, uid)) }
                "."
            }
            (claim(visit, &delivery.claim))
            p.fate {
                @match ended {
                    Some((fate, at)) => { (words::delivery_fate(fate)) " " (times::at(visit, *at)) }
                    None => "Waits.",
                }
            }
        },
        HistoryEvent::Log(entry) => {
            html! { p.(tone_of(&entry.event).class()) { (words::sentence(visit, &entry.event)) } }
        }
        HistoryEvent::Review(item) => html! {
            p {
                (icon(Icon::Alert)) " Review item: "
                a href=(visit.review_link(item.id)) { (words::reason(&item.reason)) }
            }
            p.fate {
                @match &item.resolved {
                    None => "Open.",
                    Some(resolved) if resolved.resolution == Resolution::Settled => "Closed by itself.",
                    Some(resolved) => { (words::resolution(&resolved.resolution)) ", by " (outside(&resolved.by)) "." }
                }
            }
        },
    }
}

fn claim(visit: &Visit, claim: &DeliveryClaim) -> Markup {
    html! {
        @if let Some(status) = claim.status {
            p.sub {
                "Claims: " (sides::status(status).to_lowercase())
                @if let Some(start) = claim.start { ", start " (times::sentence(visit, start)) }
            }
        }
    }
}

fn tone_of(event: &LogEvent) -> Tone {
    match event {
        LogEvent::RetryScheduled { .. } | LogEvent::Contradicted { .. } => Tone::Warn,
        LogEvent::SentToReview { .. } => Tone::Bad,
        _ => Tone::Calm,
    }
}
