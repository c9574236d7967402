//! `reviews show`: one item with its evidence and how it can be resolved.

use std::time::Duration;

use calcom::store::{AppointmentState, Field, Resolution, ReviewId, ReviewItem, TenantId, Window};
use calcom::sync::{Choice, Operations, choices};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use super::ItemView;
use super::resolve::word_of;
use super::sides::{differences, print_sides};
use crate::commands::common::{StateView, booking_url, find_review, tenant_flag};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, plain};
use crate::{sentences, when};

/// How long Cal.com may take to list free slots, which are an extra here.
const SLOTS_WITHIN: Duration = Duration::from_secs(5);
/// How far around the wanted start free slots are looked for, and how many are shown.
const SLOTS_AROUND: TimeDelta = TimeDelta::days(7);
const SLOTS_SHOWN: usize = 5;

/// A choice as it is shown.
#[derive(Debug, Serialize)]
struct ChoiceView {
    resolution: String,
    /// The word on the command line.
    #[serde(skip)]
    word: &'static str,
    effect: String,
    is_suggested: bool,
    command: String,
}

pub(super) async fn show(context: &Context, output: &Output, id: ReviewId) -> Result<(), Failure> {
    let (tenant, item) = find_review(context, id).await?;
    let of_item = choices(&item);
    let can_rebook = of_item
        .iter()
        .any(|choice| matches!(choice.resolution, Resolution::Rebook { .. }));
    let (slots, is_fresh) = if can_rebook {
        free_slots(context, &tenant, &item).await
    } else {
        (Vec::new(), false)
    };
    let views: Vec<ChoiceView> = of_item
        .iter()
        .filter_map(|choice| view_of(context, output, &tenant, id, choice, slots.first().copied()))
        .collect();
    if output.is_json() {
        print_json(context, output, &tenant, &item, &views, &slots, is_fresh);
        return Ok(());
    }
    let reason = sentences::of_reason(&item.reason);
    output.line(output.paint(Tone::Strong, &format!("Review item {id}: {reason}")));
    let about = match &item.appointment {
        Some(appointment) if item.link.is_some() => format!("Appointment {appointment}"),
        Some(appointment) => format!(
            "The tenant as a whole; {} involved, such as {appointment}",
            match item.links {
                1 => "1 appointment is".to_owned(),
                links => format!("{links} appointments are"),
            }
        ),
        None => "The tenant as a whole".to_owned(),
    };
    output.line(plain(&format!("{about}; tenant {tenant}.")));
    let times = match item.count {
        1 => "once".to_owned(),
        count => format!("{count} times, last at {}", output.time(item.updated_at)),
    };
    output.line(format!(
        "Opened {} ago, at {}; it happened {times}.",
        when::span(when::since(item.opened_at)),
        output.time(item.opened_at)
    ));
    output.line("");
    output.line(plain(&item.evidence.message));
    print_sides(output, &item);
    if !item.evidence.bookings.is_empty() {
        output.line("");
        output.line(output.paint(Tone::Strong, "Bookings"));
        for booking in &item.evidence.bookings {
            let url = booking_url(context, &tenant, booking.as_str());
            let url = url.unwrap_or_else(|| {
                "(set app_url to the address of your Cal.com to see a link)".to_owned()
            });
            output.line(format!("  {}  {url}", plain(booking.as_str())));
        }
    }
    if let Some(resolved) = &item.resolved {
        output.line("");
        let outcome = match &resolved.outcome {
            Some(outcome) => format!("; {}", plain(outcome)),
            None => String::new(),
        };
        output.line(format!(
            "Resolved by {} at {}: {}{outcome}.",
            plain(&resolved.by),
            output.time(resolved.at),
            resolved.resolution.as_str()
        ));
        return Ok(());
    }
    print_choices(output, &views);
    print_slots(output, &slots, is_fresh);
    Ok(())
}

fn print_choices(output: &Output, views: &[ChoiceView]) {
    output.line("");
    output.line(output.paint(Tone::Strong, "What you can do"));
    for view in views {
        let mark = if view.is_suggested {
            " (suggested)"
        } else {
            ""
        };
        output.line(format!("  {}{mark}: {}", view.word, view.effect));
        output.line(format!("      {}", view.command));
    }
}

fn print_slots(output: &Output, slots: &[DateTime<Utc>], is_fresh: bool) {
    if slots.is_empty() {
        return;
    }
    output.line("");
    let source = if is_fresh {
        "as Cal.com has them now"
    } else {
        "as they were when the item was opened; Cal.com does not answer now"
    };
    output.line(output.paint(Tone::Strong, &format!("Free slots for rebook, {source}")));
    for slot in slots {
        let (shown, typed) = (output.time(*slot), when::typed(*slot));
        output.line(format!("  {shown}  --start {typed}"));
    }
}

fn print_json(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    item: &ReviewItem,
    choices: &[ChoiceView],
    slots: &[DateTime<Utc>],
    is_fresh: bool,
) {
    let evidence = &item.evidence;
    let state = |state: &Option<AppointmentState>| state.as_ref().map(StateView::from);
    let bookings = evidence.bookings.iter().map(|booking| {
        let url = booking_url(context, tenant, booking.as_str());
        json!({"uid": booking, "url": url})
    });
    let differing = Field::ALL.iter().filter(|field| {
        let differences = differences(item);
        differences.contains(**field)
    });
    output.json(&json!({
        "review": ItemView::from(item),
        "evidence": {
            "base_local": state(&evidence.base_local),
            "base_remote": state(&evidence.base_remote),
            "local": state(&evidence.local),
            "remote": state(&evidence.remote),
            "differences": differing.collect::<Vec<_>>(),
        },
        "bookings": bookings.collect::<Vec<_>>(),
        "choices": choices,
        "free_slots": slots,
        "free_slots_are_fresh": is_fresh,
    }));
}

/// The free slots nearest to the wanted start: as Cal.com has them now, or else those of the evidence;
/// and whether they are fresh.
async fn free_slots(
    context: &Context,
    tenant: &TenantId,
    item: &ReviewItem,
) -> (Vec<DateTime<Utc>>, bool) {
    let stored = item.evidence.alternatives.clone();
    let Some(local) = &item.evidence.local else {
        return (stored, false);
    };
    let from = (local.start - SLOTS_AROUND).max(when::now());
    let window = Window::new(from, local.start.max(from) + SLOTS_AROUND);
    let slots = context.engine.free_slots(tenant, local.event_type, window);
    match tokio::time::timeout(SLOTS_WITHIN, slots).await {
        Ok(Ok(mut slots)) => {
            slots.sort_by_key(|slot| (*slot - local.start).abs());
            slots.truncate(SLOTS_SHOWN);
            slots.sort_unstable();
            (slots, true)
        }
        _ => (stored, false),
    }
}

fn view_of(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    id: ReviewId,
    choice: &Choice,
    slot: Option<DateTime<Utc>>,
) -> Option<ChoiceView> {
    let word = word_of(&choice.resolution)?;
    let start = match choice.resolution {
        Resolution::Rebook { start, .. } => Some(slot.unwrap_or(start)),
        _ => None,
    };
    let start = start.map(|start| format!(" --start {}", when::typed(start)));
    Some(ChoiceView {
        resolution: choice.resolution.as_str().to_owned(),
        word,
        effect: choice.effect.clone(),
        is_suggested: choice.is_suggested,
        command: format!(
            "calcom-sync reviews resolve {id} {word}{}{}",
            start.unwrap_or_default(),
            tenant_flag(context, output, tenant)
        ),
    })
}
