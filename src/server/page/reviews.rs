//! The review queue.

use std::time::Duration;

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::Icon;
use super::layout::View;
use super::parts::{appointment, chip, empty, hidden, option, outside, pager};
use super::problem::Problem;
use super::times;
use super::words::{self, Tone, count};
use crate::model::clean_text;
use crate::store::{Page, Resolution, ReviewFilter, ReviewId, ReviewItem, ReviewReason};

/// How many items a page lists.
const ROWS: u32 = 50;
/// How much of a message a row shows, in characters.
const EXCERPT: usize = 160;

/// The ages to filter by, with the words of queries and of the page.
const AGES: [(&str, &str, u64); 4] = [
    ("hour", "Older than an hour", 60 * 60),
    ("day", "Older than a day", 24 * 60 * 60),
    ("3days", "Older than three days", 3 * 24 * 60 * 60),
    ("week", "Older than a week", 7 * 24 * 60 * 60),
];

/// What can be done in bulk, by the words of forms.
const BULK: [(&str, Option<Resolution>); 6] = [
    ("retry", Some(Resolution::Retry)),
    ("take_remote", Some(Resolution::TakeRemote)),
    ("force_local", Some(Resolution::ForceLocal)),
    ("accept_difference", Some(Resolution::AcceptDifference)),
    ("rebook", None),
    ("dismiss", Some(Resolution::Dismiss)),
];

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let after = visit.query.get("after");
    let after = after.and_then(|text| text.parse::<ReviewId>().ok());
    let page = after.map_or_else(|| Page::first(ROWS), |after| Page::after(after, ROWS));
    let filter = filter_of(visit);
    let items = visit.engine().reviews(&visit.tenant, &filter, page).await?;
    Ok(View::new("Review")
        .still(filters(visit))
        .live("list", list(visit, &items)))
}

fn filter_of(visit: &Visit) -> ReviewFilter {
    let query = &visit.query;
    let mut filter = match query.get("show") {
        Some("resolved") => ReviewFilter::resolved(),
        Some("all") => ReviewFilter::default(),
        _ => ReviewFilter::open(),
    };
    if let Some(reason) = query.get("reason") {
        filter = filter.with_reason(ReviewReason::from(reason));
    }
    let age = query.get("age");
    if let Some((_, _, seconds)) = AGES.iter().find(|(word, ..)| age == Some(*word)) {
        filter = filter.older_than(Duration::from_secs(*seconds));
    }
    filter
}

fn is_filtered(visit: &Visit) -> bool {
    let names = ["show", "reason", "age"];
    names.iter().any(|name| visit.query.is_set(name))
}

fn filters(visit: &Visit) -> Markup {
    let query = &visit.query;
    let chosen = |name| query.get(name);
    html! {
        form.row.filters method="get" action=(visit.link("/reviews")) role="search" aria-label="Review items" {
            div {
                label for="show" { "Show" }
                select #show name="show" {
                    option value="" { "Open" }
                    (option("resolved", "Resolved", chosen("show")))
                    (option("all", "All", chosen("show")))
                }
            }
            div.wide {
                label for="reason" { "Reason" }
                select #reason name="reason" {
                    option value="" { "All" }
                    @for reason in ReviewReason::KNOWN { (option(reason.as_str(), &words::reason(reason), chosen("reason"))) }
                }
            }
            div {
                label for="age" { "Age" }
                select #age name="age" {
                    option value="" { "Any" }
                    @for (word, words, _) in AGES { (option(word, words, chosen("age"))) }
                }
            }
            div.buttons {
                button type="submit" { "Filter" }
                @if is_filtered(visit) {
                    a.button.quiet href=(visit.link("/reviews")) { "Clear" }
                }
            }
        }
    }
}

fn list(visit: &Visit, items: &[ReviewItem]) -> Markup {
    let next = items.last().filter(|_| items.len() >= ROWS as usize);
    let next = next.map(|last| last.id.to_string());
    let may_write = visit.operator.may_write();
    let has_open = items.iter().any(|item| item.resolved.is_none());
    html! {
        @if items.is_empty() && is_filtered(visit) {
            (empty("There are no such items.", ""))
        } @else if items.is_empty() {
            (empty("Nothing needs a person.", "What the engine cannot decide by itself is put here, with everything that is needed to decide."))
        } @else if may_write && has_open {
            form method="post" action=(visit.link("/reviews")) data-confirm {
                (table(visit, items, true))
                (bulk())
            }
        } @else {
            (table(visit, items, false))
        }
        (pager(visit, "/reviews", next))
    }
}

fn table(visit: &Visit, items: &[ReviewItem], may_pick: bool) -> Markup {
    html! {
        table.rows.stack {
            caption.hidden { "Review items, oldest first" }
            thead {
                tr {
                    @if may_pick { th.pick scope="col" { span.hidden { "Select" } } }
                    th scope="col" { "Reason" }
                    th scope="col" { "What happened" }
                    th scope="col" { "Appointment" }
                    th scope="col" { "Opened" }
                    th scope="col" { "State" }
                }
            }
            tbody { @for item in items { (row(visit, item, may_pick)) } }
        }
    }
}

fn bulk() -> Markup {
    let rebook = Resolution::rebook(chrono::DateTime::UNIX_EPOCH);
    html! {
        div.bulk {
            label for="resolution" { "With the selected items:" }
            select #resolution name="resolution" {
                @for (word, resolution) in &BULK {
                    option value=(word) { (words::resolution(resolution.as_ref().unwrap_or(&rebook))) }
                }
            }
            button type="submit" { "Resolve" }
        }
    }
}

fn row(visit: &Visit, item: &ReviewItem, may_pick: bool) -> Markup {
    let message = clean_text(&item.evidence.message);
    let excerpt: String = message.chars().take(EXCERPT).collect();
    let is_whole = excerpt.len() == message.len();
    html! {
        tr {
            @if may_pick {
                td.pick {
                    @if item.resolved.is_none() {
                        label { input type="checkbox" name="item" value=(item.id); span.hidden { "Select item " (item.id) } }
                    }
                }
            }
            td.main data-label="Reason" {
                a href=(visit.review_link(item.id)) { (words::reason(&item.reason)) }
                @if item.count > 1 { span.sub { (count(item.count, "time", "times")) } }
            }
            td.done data-label="What happened" { bdi { (excerpt) @if !is_whole { "…" } } }
            td data-label="Appointment" {
                @match &item.appointment {
                    Some(id) => {
                        (appointment(visit, id))
                        @if item.links > 1 { span.sub { "and " (item.links - 1) " more" } }
                    }
                    None => "The whole tenant",
                }
            }
            td.when data-label="Opened" { (times::ago(visit, item.opened_at)) }
            td data-label="State" { (standing(item)) }
        }
    }
}

/// Whether an item is open, and how far its resolution is.
pub(super) fn standing(item: &ReviewItem) -> Markup {
    match &item.resolved {
        None => chip(Tone::Bad, Icon::Alert, "Open"),
        Some(resolved) => match (&resolved.resolution, &resolved.outcome) {
            (Resolution::Settled, _) => chip(Tone::Calm, Icon::Check, "Closed by itself"),
            (Resolution::Dismiss, _) => chip(Tone::Calm, Icon::Dash, "Dismissed"),
            (_, Some(_)) => chip(Tone::Good, Icon::Check, "Resolved"),
            (_, None) => chip(Tone::Busy, Icon::Clock, "Being carried out"),
        },
    }
}

/// The fields that name an item and a decision.
pub(super) fn fields(item: ReviewId, word: &str) -> Markup {
    html! { (hidden("item", &item.to_string())) (hidden("resolution", word)) }
}

/// Whose item it is, in a sentence.
pub(super) fn about(visit: &Visit, item: &ReviewItem) -> Markup {
    html! {
        @match &item.appointment {
            Some(id) => {
                "Appointment " (appointment(visit, id))
                @if item.links > 1 { " and " (item.links - 1) " more" }
            }
            None => { "The whole of " (outside(item.tenant.as_str())) }
        }
    }
}
