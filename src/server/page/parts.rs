//! Pieces that several pages share.

use maud::{Markup, html};

use super::desk::{Noted, Visit};
use super::icons::{Icon, icon};
use super::words::{STATES, Tone};
use crate::model::{BookingUid, clean_line};
use crate::store::AppointmentId;
use crate::sync::SyncState;

/// A text from outside, on one line. Its direction does not reach beyond it.
pub(super) fn outside(text: &str) -> Markup {
    html! { bdi { (clean_line(text)) } }
}

/// A word with a colour and an icon.
pub(super) fn chip(tone: Tone, drawn: Icon, word: &str) -> Markup {
    html! { span.chip.(tone.class()) { (icon(drawn)) (word) } }
}

pub(super) fn state(state: SyncState) -> Markup {
    let found = STATES.iter().find(|(known, ..)| *known == state);
    match found {
        Some((_, _, word, tone, drawn)) => chip(*tone, *drawn, word),
        None => chip(Tone::Calm, Icon::Dash, "Other"),
    }
}

/// A link to a booking at Cal.com.
pub(super) fn booking(visit: &Visit, uid: &BookingUid) -> Markup {
    html! {
        a.booking href=(visit.booking_link(uid)) target="_blank" rel="noopener noreferrer" {
            (outside(uid.as_str())) (icon(Icon::Link))
            span.hidden { " at Cal.com, in a new tab" }
        }
    }
}

pub(super) fn appointment(visit: &Visit, id: &AppointmentId) -> Markup {
    html! { a.id href=(visit.appointment_link(id)) { (outside(id.as_str())) } }
}

pub(super) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// Where there would be rows.
pub(super) fn empty(text: &str, hint: &str) -> Markup {
    html! { div.empty { p { (text) } @if !hint.is_empty() { p.hint { (hint) } } } }
}

/// A message in a box.
pub(super) fn notice(tone: Tone, text: &str) -> Markup {
    let drawn = match tone {
        Tone::Good => Icon::Check,
        Tone::Warn | Tone::Bad => Icon::Alert,
        Tone::Busy => Icon::Clock,
        Tone::Calm => Icon::Dash,
    };
    html! { div.notice.(tone.class()) { (icon(drawn)) p { (text) } } }
}

/// Said where an action was done and could not be written down.
pub(super) fn unless_noted(noted: Noted) -> Markup {
    let text = "This was done, but it could not be written down under Actions: the engine's store did not take it.";
    html! { @if !noted.0 { (notice(Tone::Warn, text)) } }
}

/// Links to the first and the next page of a list.
pub(super) fn pager(visit: &Visit, path: &str, next: Option<String>) -> Markup {
    let is_first = !visit.query.is_set("after");
    html! {
        @if !is_first || next.is_some() {
            nav.pager aria-label="Pages of this list" {
                @if !is_first {
                    a.button href={ (visit.link(path)) (visit.query.query_with("after", None)) } { "Back to the first page" }
                }
                @if let Some(next) = next {
                    a.button rel="next" href={ (visit.link(path)) (visit.query.query_with("after", Some(&next))) } { "Next page" }
                }
            }
        }
    }
}

/// A choice of a filter.
pub(super) fn option(value: &str, words: &str, chosen: Option<&str>) -> Markup {
    html! { option value=(value) selected[chosen == Some(value)] { (words) } }
}

/// A number with its caption.
pub(super) fn figure(caption: &str, value: &str, more: &str) -> Markup {
    html! {
        div.figure {
            dt { (caption) }
            dd { span.value { (value) } @if !more.is_empty() { span.more { (more) } } }
        }
    }
}

/// Asks before something is done: what will happen, and the buttons. The script shows it in a dialog.
pub(super) fn confirm(
    action: &str,
    what: &Markup,
    fields: &Markup,
    button: &str,
    back: &str,
) -> Markup {
    html! {
        div #confirm {
            (what)
            form.buttons method="post" action=(action) {
                (fields)
                (hidden("confirmed", "1"))
                button.danger type="submit" { (button) }
                a.button href=(back) data-close autofocus { "Go back, and do nothing" }
            }
        }
    }
}
