//! Two sides of an appointment beside each other, field by field, with what differs marked.

use maud::{Markup, html};

use super::desk::Visit;
use super::parts::outside;
use super::places;
use super::times;
use super::words::field as name_of;
use crate::model::clean_text;
use crate::store::{AppointmentState, AppointmentStatus, Differences, Field};

/// A side, with its heading.
pub(super) struct Side<'a> {
    pub(super) heading: &'a str,
    pub(super) state: Option<&'a AppointmentState>,
    /// What to mark in it.
    pub(super) marked: Differences,
}

/// The word that stands for the mark where it is not seen.
const MARK: &str = "differs: ";

/// The fields of all sides, as far as one of them knows a field.
pub(super) fn table(visit: &Visit, caption: &str, sides: &[Side<'_>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.sides {
                caption.hidden { (caption) }
                thead { tr { th scope="col" { span.hidden { "Field" } } @for side in sides { th scope="col" { (side.heading) } } } }
                tbody {
                    @for field in Field::ALL {
                        @if sides.iter().any(|side| side.state.is_some_and(|state| is_known(state, *field))) {
                            tr.differs[sides.iter().any(|side| side.marked.contains(*field))] {
                                th scope="row" { (name_of(*field)) }
                                @for side in sides { td { (cell(visit, side, *field)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(visit: &Visit, side: &Side<'_>, field: Field) -> Markup {
    match side.state.filter(|state| is_known(state, field)) {
        None => html! { span.unknown { "–" span.hidden { " not known" } } },
        Some(state) if side.marked.contains(field) => {
            html! { mark { span.hidden { (MARK) } (value(visit, state, field)) } }
        }
        Some(state) => value(visit, state, field),
    }
}

fn is_known(state: &AppointmentState, field: Field) -> bool {
    match field {
        Field::Email => state.attendee.email.is_some(),
        Field::Host => state.host.is_some(),
        Field::Location => state.location.is_some(),
        Field::Guests => state.guests.is_some(),
        Field::Notes => state.notes.is_some(),
        Field::Absent => state.absent.is_some(),
        Field::Responses => state
            .responses
            .as_ref()
            .is_some_and(|answers| !answers.as_object().is_empty()),
        Field::Metadata => state
            .metadata
            .as_ref()
            .is_some_and(|entries| entries.iter().next().is_some()),
        Field::Status | Field::Start | Field::Length | Field::EventType | Field::Name => true,
    }
}

pub(super) fn status(status: AppointmentStatus) -> &'static str {
    match status {
        AppointmentStatus::Pending => "Pending",
        AppointmentStatus::Confirmed => "Confirmed",
        AppointmentStatus::Cancelled => "Cancelled",
        AppointmentStatus::Declined => "Declined",
    }
}

fn value(visit: &Visit, state: &AppointmentState, field: Field) -> Markup {
    match field {
        Field::Status => html! { (status(state.status)) },
        Field::Start => times::at_in(visit, state.start, &state.attendee.time_zone),
        Field::Length => html! { ((state.end - state.start).num_minutes()) " min" },
        Field::EventType => places::event_type(visit, state.event_type),
        Field::Email => html! { @if let Some(email) = &state.attendee.email { (outside(email)) } },
        Field::Name => outside(&state.attendee.name),
        Field::Host => {
            html! { @if let Some(host) = state.host { (places::host(visit, host)) } }
        }
        Field::Location => {
            html! { @if let Some(place) = &state.location { (outside(place.as_str())) } }
        }
        Field::Guests => html! {
            @if let Some(guests) = &state.guests {
                @if guests.is_empty() { "None" }
                @for guest in guests.iter() { span.line { (outside(guest)) } }
            }
        },
        Field::Notes => html! {
            @if let Some(notes) = &state.notes { bdi.text { (clean_text(notes.as_str())) } }
        },
        Field::Absent => html! { @match state.absent { Some(true) => "Yes", _ => "No" } },
        Field::Responses => html! {
            @if let Some(responses) = &state.responses {
                @for (slug, answer) in responses.as_object().iter() {
                    span.line { (outside(slug)) ": " (outside(&answer.to_string())) }
                }
            }
        },
        Field::Metadata => html! {
            @if let Some(metadata) = &state.metadata {
                @for (key, text) in metadata.iter() { span.line { (outside(key)) ": " (outside(text)) } }
            }
        },
    }
}
