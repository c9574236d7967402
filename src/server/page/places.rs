//! Branches and staff, and their names where the page shows event types and users.

use maud::{Markup, html};

use super::desk::Visit;
use super::layout::View;
use super::parts::{empty, outside};
use crate::model::{EventTypeId, UserId};
use crate::sync::{Branch, StaffMember};

pub(super) fn view(visit: &Visit) -> View {
    let places = &visit.places;
    let view = View::new("Branches and staff");
    if places.is_empty() {
        let how = "They are set up where the tenant is set up.";
        return view.still(empty("The tenant names no branches and no staff.", how));
    }
    view.still(html! {
        @if !places.branches.is_empty() { section aria-labelledby="branches" { h2 #branches { "Branches" } (branches(visit)) } }
        @if !places.staff.is_empty() { section aria-labelledby="staff" { h2 #staff { "Staff" } (staff(visit)) } }
    })
}

fn branches(visit: &Visit) -> Markup {
    html! {
        table.rows.stack {
            caption.hidden { "Branches" }
            thead { tr { th scope="col" { "Branch" } th scope="col" { "Open" } th scope="col" { "Called under" } th scope="col" { "Event types" } } }
            tbody { @for branch in &visit.places.branches { (branch_row(branch)) } }
        }
    }
}

fn branch_row(branch: &Branch) -> Markup {
    let hours = branch.opening_hours.to_string();
    html! {
        tr {
            td.main data-label="Branch" {
                (outside(&branch.name)) span.sub { (outside(branch.id.as_str())) }
                @if let Some(address) = &branch.address { span.sub { (outside(address)) } }
            }
            td data-label="Open" { @if hours.is_empty() { "As Cal.com says" } @else { (hours) } span.sub { (outside(branch.time_zone.as_str())) } }
            td data-label="Called under" {
                @if branch.phone_numbers.is_empty() { "–" }
                @for number in &branch.phone_numbers { span.line { (number) } }
            }
            td data-label="Event types" { (event_types(branch.event_types.iter(), "All")) }
        }
    }
}

fn staff(visit: &Visit) -> Markup {
    html! {
        table.rows.stack {
            caption.hidden { "Staff" }
            thead { tr { th scope="col" { "Name" } th scope="col" { "Cal.com user" } th scope="col" { "Event types of their own" } th scope="col" { "Branches" } } }
            tbody { @for member in &visit.places.staff { (member_row(visit, member)) } }
        }
    }
}

fn member_row(visit: &Visit, member: &StaffMember) -> Markup {
    let name_of = |id: &str| {
        let branch = visit.places.branch(id);
        outside(branch.map_or(id, |branch| branch.name.as_str()))
    };
    html! {
        tr {
            td.main data-label="Name" { (outside(&member.name)) span.sub { (outside(member.id.as_str())) } }
            td data-label="Cal.com user" { @match member.user { Some(user) => (user), None => "–" } }
            td data-label="Event types of their own" { (event_types(member.event_types.iter(), "None")) }
            td data-label="Branches" {
                @if member.branches.is_empty() { "All" }
                @for id in &member.branches { span.line { (name_of(id.as_str())) } }
            }
        }
    }
}

fn event_types<'a>(ids: impl Iterator<Item = &'a EventTypeId>, none: &str) -> Markup {
    let ids: Vec<String> = ids.map(ToString::to_string).collect();
    html! { @if ids.is_empty() { (none) } @else { (ids.join(", ")) } }
}

/// An event type, and whose it is.
pub(super) fn event_type(visit: &Visit, id: EventTypeId) -> Markup {
    let names = visit.places.names_of_event_type(id);
    html! { (id) @if !names.is_empty() { span.sub { (outside(&names.join(", "))) } } }
}

/// A member of staff, or a Cal.com user of whom nothing else is known.
pub(super) fn host(visit: &Visit, id: UserId) -> Markup {
    match visit.places.member_of_user(id) {
        Some(member) => html! { (outside(&member.name)) span.sub { "User " (id) } },
        None => html! { "User " (id) },
    }
}
