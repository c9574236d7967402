//! `reviews`: what needs a decision.

mod resolve;
mod show;
mod sides;

use calcom::store::{AppointmentId, Page, ReviewFilter, ReviewId, ReviewItem, ReviewReason};
use calcom::sync::Operations;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::common::ended;
use crate::cli::{ReviewsCommand, ReviewsListArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::sentences;

/// How many items are read at once.
const PAGE: u32 = 100;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: ReviewsCommand,
) -> Result<(), Failure> {
    match command {
        ReviewsCommand::List(arguments) => list(context, output, arguments).await,
        ReviewsCommand::Show { id } => Box::pin(show::show(context, output, id)).await,
        ReviewsCommand::Resolve(arguments) => resolve::resolve(context, output, arguments).await,
    }
}

/// A review item without its evidence.
#[derive(Debug, Serialize)]
struct ItemView<'a> {
    id: i64,
    tenant: &'a str,
    appointment: Option<&'a str>,
    reason: &'a str,
    message: &'a str,
    is_open: bool,
    opened_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    count: u64,
    appointments: u32,
    resolved: Option<ResolvedView<'a>>,
}

#[derive(Debug, Serialize)]
struct ResolvedView<'a> {
    resolution: &'a str,
    by: &'a str,
    at: DateTime<Utc>,
    outcome: Option<&'a str>,
}

impl<'a> From<&'a ReviewItem> for ItemView<'a> {
    fn from(item: &'a ReviewItem) -> Self {
        let resolved = item.resolved.as_ref();
        Self {
            id: item.id.get(),
            tenant: item.tenant.as_str(),
            appointment: item.appointment.as_ref().map(AppointmentId::as_str),
            reason: item.reason.as_str(),
            message: &item.evidence.message,
            is_open: resolved.is_none(),
            opened_at: item.opened_at,
            updated_at: item.updated_at,
            count: item.count,
            appointments: item.links,
            resolved: resolved.map(|resolved| ResolvedView {
                resolution: resolved.resolution.as_str(),
                by: &resolved.by,
                at: resolved.at,
                outcome: resolved.outcome.as_deref(),
            }),
        }
    }
}

async fn list(
    context: &Context,
    output: &Output,
    arguments: ReviewsListArgs,
) -> Result<(), Failure> {
    let filter = filter(&arguments)?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut items: Vec<ReviewItem> = Vec::new();
    for tenant in context.selected()? {
        let mut after: Option<ReviewId> = None;
        let mut of_tenant: Vec<ReviewItem> = Vec::new();
        while of_tenant.len() <= limit {
            let mut page = Page::first(PAGE);
            page.after = after;
            let read = context.engine.reviews(tenant, &filter, page).await?;
            after = read.last().map(|item| item.id);
            let is_last = read.len() < PAGE as usize;
            of_tenant.extend(read);
            if is_last {
                break;
            }
        }
        items.extend(of_tenant);
    }
    items.sort_by_key(|item| (item.opened_at, item.id));
    let has_more = items.len() > limit;
    items.truncate(limit);
    let views: Vec<ItemView<'_>> = items.iter().map(ItemView::from).collect();
    output.json(&json!({"reviews": views, "has_more": has_more}));
    if items.is_empty() {
        output.line(if arguments.resolved {
            "No item was resolved."
        } else {
            "Nothing needs a decision."
        });
        return Ok(());
    }
    let several = context.selected()?.len() > 1;
    let mut headings = vec!["id", "since", "appointment", "why"];
    if several {
        headings.insert(1, "tenant");
    }
    if arguments.resolved {
        headings.push("decision");
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let about = match &item.appointment {
                Some(id) if item.link.is_some() => id.to_string(),
                _ => "(the tenant)".to_owned(),
            };
            let mut row = vec![
                item.id.to_string(),
                output.time(item.opened_at),
                about,
                sentences::of_reason(&item.reason).to_owned(),
            ];
            if several {
                row.insert(1, item.tenant.to_string());
            }
            if let Some(resolved) = &item.resolved {
                row.push(format!(
                    "{} by {}",
                    resolved.resolution.as_str(),
                    resolved.by
                ));
            }
            row
        })
        .collect();
    output.table(&headings, &rows);
    if has_more {
        output.line("There are more; see --limit.");
    }
    if arguments.resolved {
        return Ok(());
    }
    let first = items.first().map(|item| item.id);
    if let Some(first) = first {
        output.line(format!(
            "Look at one with: calcom-sync reviews show {first}{}",
            output.common_flags()
        ));
    }
    ended(Some(FailureKind::Found))
}

fn filter(arguments: &ReviewsListArgs) -> Result<ReviewFilter, Failure> {
    let mut filter = if arguments.resolved {
        ReviewFilter::resolved()
    } else {
        ReviewFilter::open()
    };
    if let Some(word) = &arguments.reason {
        let reason = ReviewReason::from(word.replace('-', "_").as_str());
        if !ReviewReason::KNOWN.contains(&reason) {
            let known: Vec<&str> = ReviewReason::KNOWN
                .iter()
                .map(ReviewReason::as_str)
                .collect();
            return Err(Failure::settings(
                format!("there is no reason {word:?}"),
                format!("use one of these: {}", known.join(", ")),
            ));
        }
        filter = filter.with_reason(reason);
    }
    if let Some(id) = &arguments.appointment {
        filter = filter.with_appointment(id.clone());
    }
    if let Some(age) = arguments.older_than {
        filter = filter.older_than(age);
    }
    Ok(filter)
}
