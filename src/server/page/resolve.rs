//! Resolving review items, one or many.

use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::html;

use super::answer::redirect;
use super::desk::Visit;
use super::icons::Icon;
use super::layout::{self, View};
use super::parts::{chip, confirm, hidden};
use super::problem::{Problem, sentence};
use super::reviews::about;
use super::times;
use super::words::{self, Tone, count};
use crate::store::{Resolution, ReviewId, ReviewItem};
use crate::sync::{Choice, SyncEngine, choices};

/// How many items one form may name.
const MOST: usize = 200;

pub(super) async fn act(visit: &Visit) -> Result<Response, Problem> {
    let invalid = |why: &str| Problem::Invalid(why.to_owned());
    let word = visit.form.get("resolution");
    let word = word.ok_or_else(|| invalid("Choose a decision."))?;
    let ids = visit.form.all("item").into_iter();
    let ids: Result<Vec<ReviewId>, _> = ids.map(str::parse).collect();
    let ids = ids.map_err(|_| invalid("There is no such item."))?;
    if ids.is_empty() {
        return Err(invalid("Select at least one item."));
    }
    if ids.len() > MOST {
        return Err(invalid("Select at most 200 items at once."));
    }
    let start = visit.form.get("start").map(str::parse::<DateTime<Utc>>);
    let start = start.transpose();
    let start = start.map_err(|_| invalid("The slot is not a point in time."))?;
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let item = visit.engine().review(&visit.tenant, id).await?;
        let item = item.ok_or(Problem::NotFound)?;
        let mut possible = choices(&item).into_iter();
        let choice = possible.find(|choice| choice.resolution.as_str() == word);
        items.push((item, choice.map(|choice| at_start(choice, start))));
    }
    if !visit.form.is_set("confirmed") {
        return Ok(layout::page(visit, ask(visit, word, &items)).await);
    }
    if let [(item, choice)] = items.as_slice() {
        resolve(visit, item, choice.as_ref()).await?;
        return Ok(redirect(&visit.review_link(item.id)));
    }
    let view = carry_out(visit, &items).await;
    Ok(layout::page(visit, view).await)
}

/// The choice, with the slot that was picked.
fn at_start(mut choice: Choice, start: Option<DateTime<Utc>>) -> Choice {
    if let (Resolution::Rebook { .. }, Some(start)) = (&choice.resolution, start) {
        choice.resolution = Resolution::rebook(start);
    }
    choice
}

type Chosen = (ReviewItem, Option<Choice>);

fn ask(visit: &Visit, word: &str, items: &[Chosen]) -> View {
    let possible = items.iter().filter(|(_, choice)| choice.is_some());
    let possible: Vec<&Chosen> = possible.collect();
    let name = possible.iter().find_map(|(_, choice)| choice.as_ref());
    let name = name.map_or("Resolve", |choice| words::resolution(&choice.resolution));
    let number = count(possible.len() as u64, "item", "items");
    let what = html! {
        table.rows.stack {
            caption.hidden { "What will happen" }
            thead { tr { th scope="col" { "Item" } th scope="col" { "About" } th scope="col" { "What will happen" } } }
            tbody {
                @for (item, choice) in items {
                    tr {
                        td data-label="Item" { (words::reason(&item.reason)) }
                        td data-label="About" { (about(visit, item)) }
                        td data-label="What will happen" {
                            @match choice {
                                Some(choice) => {
                                    (choice.effect)
                                    @if let Resolution::Rebook { start } = &choice.resolution { " The slot: " (times::sentence(visit, *start)) "." }
                                }
                                None if item.resolved.is_some() => "Nothing: it is resolved already.",
                                None => "Nothing: it cannot be resolved in this way.",
                            }
                        }
                    }
                }
            }
        }
    };
    let view = View::new(format!("{name}: {number}?"));
    if possible.is_empty() {
        return view.still(html! {
            (what)
            p { a.button href=(visit.link("/reviews")) { "Back to the queue" } }
        });
    }
    let fields = html! {
        (hidden("resolution", word))
        @for (item, _) in &possible { (hidden("item", &item.id.to_string())) }
    };
    let back = visit.link("/reviews");
    let button = format!("{name}: {number}");
    view.still(confirm(&back, &what, &fields, &button, &back))
}

async fn resolve(visit: &Visit, item: &ReviewItem, choice: Option<&Choice>) -> Result<(), Problem> {
    let Some(choice) = choice else {
        let why = if item.resolved.is_some() {
            Problem::Conflict("Somebody else has resolved this item already.".to_owned())
        } else {
            Problem::Invalid("This item cannot be resolved in this way.".to_owned())
        };
        return Err(why);
    };
    let (by, resolution) = (visit.operator.name.as_str(), choice.resolution.clone());
    let resolved = SyncEngine::resolve(visit.engine(), &visit.tenant, item.id, resolution, by);
    resolved.await?;
    Ok(())
}

async fn carry_out(visit: &Visit, items: &[Chosen]) -> View {
    let by = visit.operator.name.as_str();
    let mut outcomes = Vec::with_capacity(items.len());
    for (item, choice) in items {
        let outcome = match choice {
            None if item.resolved.is_some() => Err("Somebody else has resolved it already."),
            None => Err("It cannot be resolved in this way."),
            Some(choice) => {
                let resolution = choice.resolution.clone();
                let resolved =
                    SyncEngine::resolve(visit.engine(), &visit.tenant, item.id, resolution, by);
                match resolved.await {
                    Ok(_) => Ok("Decided; the engine carries it out in its next turn."),
                    Err(error) => Err(sentence(&error)),
                }
            }
        };
        outcomes.push(outcome);
    }
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let all = count(items.len() as u64, "item", "items");
    View::new(format!("{done} of {all} resolved")).still(html! {
        table.rows.stack {
            caption.hidden { "Outcome" }
            thead { tr { th scope="col" { "Item" } th scope="col" { "Outcome" } th scope="col" { "What became of it" } } }
            tbody {
                @for ((item, _), outcome) in items.iter().zip(&outcomes) {
                    tr {
                        td data-label="Item" { a href=(visit.review_link(item.id)) { (words::reason(&item.reason)) } span.sub { (about(visit, item)) } }
                        td data-label="Outcome" {
                            @match outcome {
                                Ok(_) => (chip(Tone::Good, Icon::Check, "Done")),
                                Err(_) => (chip(Tone::Bad, Icon::Alert, "Not done")),
                            }
                        }
                        td data-label="What became of it" { @match outcome { Ok(text) | Err(text) => (text) } }
                    }
                }
            }
        }
        p { a.button href=(visit.link("/reviews")) { "Back to the queue" } }
    })
}
