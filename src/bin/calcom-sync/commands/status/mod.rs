//! `status`: how the sync is doing, or how one appointment is.

mod appointment;

use std::time::Duration;

use calcom::store::{Page, TenantId, Waits};
use calcom::sync::{Activity, ActivityFilter, Operations, Overview};
use serde::Serialize;
use serde_json::{Value, json};

use self::appointment::{of_appointment, search};
use super::common::{ended, tenant_flag, worse};
use crate::cli::StatusArgs;
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, counted, plain, quoted};
use crate::{sentences, when};

/// How often a watched status is shown.
const EVERY: Duration = Duration::from_secs(2);
/// For how long work may be due before somebody has to look whether a worker runs.
const STUCK: Duration = Duration::from_secs(60);
/// How many appointments are listed as the latest.
const LATEST: u32 = 5;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: StatusArgs,
) -> Result<(), Failure> {
    if !arguments.watch {
        return once(context, output, &arguments).await;
    }
    let mut is_first = true;
    loop {
        output.new_screen(is_first);
        match once(context, output, &arguments).await {
            Ok(()) | Err(Failure::Printed(_)) => {}
            // What is wrong at the beginning stays wrong.
            Err(failure) if is_first => return Err(failure),
            Err(failure) => output.failure(&failure),
        }
        is_first = false;
        tokio::time::sleep(EVERY).await;
    }
}

async fn once(context: &Context, output: &Output, arguments: &StatusArgs) -> Result<(), Failure> {
    if let Some(id) = &arguments.appointment {
        return of_appointment(context, output, id).await;
    }
    if let Some(text) = &arguments.search {
        return search(context, output, text).await;
    }
    let mut found = None;
    let mut views = Vec::new();
    for tenant in context.selected()? {
        let overview = context.engine.overview(tenant, arguments.within).await?;
        let recent = context
            .engine
            .recent(tenant, &ActivityFilter::default(), Page::first(LATEST))
            .await?;
        let verdict = Verdict::of(context, output, tenant, &overview);
        print(output, &overview, &verdict, &recent.rows);
        if verdict.health != Health::Fine {
            found = worse(found, Some(FailureKind::Found));
        }
        views.push(view_of(&overview, &verdict, &recent.rows));
    }
    output.json(&json!({"at": when::now(), "tenants": views}));
    ended(found)
}

/// How a tenant is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Fine,
    NeedsAttention,
    Stopped,
}

#[derive(Clone, Debug, Serialize)]
struct Verdict {
    health: Health,
    /// What is wrong, and what to do about it, in sentences.
    reasons: Vec<String>,
}

impl Verdict {
    fn of(context: &Context, output: &Output, tenant: &TenantId, overview: &Overview) -> Self {
        let flag = tenant_flag(context, output, tenant);
        let counts = &overview.counts;
        let mut health = Health::Fine;
        let mut reasons = Vec::new();
        let mut say = |how: Health, reason: String| {
            health = health.max(how);
            reasons.push(reason);
        };
        if counts.is_paused {
            say(
                Health::Stopped,
                format!(
                    "The work is paused. See why: calcom-sync reviews list{flag}; go on: calcom-sync resume{flag}"
                ),
            );
        }
        if let Some(held) = counts.held_for.filter(|held| !held.is_zero()) {
            say(
                Health::NeedsAttention,
                format!(
                    "The work is held for another {}: Cal.com asked for it or cannot be reached.",
                    when::span(held)
                ),
            );
        }
        let open = overview.open_reviews();
        if open > 0 {
            say(
                Health::NeedsAttention,
                format!(
                    "To be decided: {}; see with: calcom-sync reviews list{flag}",
                    counted(open, "review item")
                ),
            );
        }
        let oldest = counts.oldest_due.unwrap_or_default();
        if oldest > STUCK && !counts.is_paused && counts.held_for.is_none() {
            say(
                Health::NeedsAttention,
                format!(
                    "Work has waited for {}: no worker takes it up. Check that `calcom-sync serve` runs.",
                    when::span(oldest)
                ),
            );
        }
        let missed = overview.webhooks.found_by_sweep;
        if missed > 0 {
            say(
                Health::NeedsAttention,
                format!(
                    "Webhooks get lost: {} found by comparing in the last {}; see calcom-sync webhook status{flag}",
                    match missed {
                        1 => "1 change at Cal.com was".to_owned(),
                        missed => format!("{missed} changes at Cal.com were"),
                    },
                    when::span(overview.within)
                ),
            );
        }
        Self { health, reasons }
    }
}

fn print(output: &Output, overview: &Overview, verdict: &Verdict, recent: &[Activity]) {
    let (word, tone) = match verdict.health {
        Health::Fine => ("everything is fine", Tone::Good),
        Health::NeedsAttention => ("somebody has to look", Tone::Warning),
        Health::Stopped => ("the work is stopped", Tone::Bad),
    };
    let heading = plain(&format!("Tenant {}: {word}.", overview.tenant));
    output.line(output.paint(tone, &heading));
    for reason in &verdict.reasons {
        output.line(format!("  ! {}", plain(reason)));
    }
    let counts = &overview.counts;
    let changes = counts.changes.iter().filter(|one| one.fate.is_some());
    let changes: u64 = changes.map(|one| one.waits.count).sum();
    let webhooks = counts.deliveries.iter().filter(|one| one.fate.is_some());
    let webhooks: u64 = webhooks.map(|one| one.waits.count).sum();
    let (well, ill) = overview.successes_and_failures();
    let rate = match overview.success_rate() {
        Some(rate) => format!(
            "; {:.1} % ended well ({well} of {})",
            rate * 100.0,
            well + ill
        ),
        None => String::new(),
    };
    let label = |label: &str| format!("  {label:<16}");
    output.line(format!(
        "{}{} and {} ended{rate}",
        label(&format!("Last {}", when::span(overview.within))),
        counted(changes, "change"),
        counted(webhooks, "notice")
    ));
    let oldest = match counts.oldest_due {
        Some(oldest) => format!("; the oldest has waited for {}", when::span(oldest)),
        None => String::new(),
    };
    output.line(format!(
        "{}{} due, {} later, {} being worked on{oldest}",
        label("Queue"),
        counts.due,
        counts.later,
        counts.leased
    ));
    let health = &overview.webhooks;
    let last = match health.last_received_ago {
        Some(ago) => format!("the last one {} ago", when::span(ago)),
        None => "none ever".to_owned(),
    };
    output.line(format!(
        "{}{} received, {last}; {} ignored, {} never confirmed, {} missed",
        label("Webhooks"),
        health.received,
        health.ignored,
        health.contradicted,
        health.found_by_sweep
    ));
    if counts.reviews.is_empty() {
        output.line(format!("{}none", label("To be decided")));
    }
    for (index, review) in counts.reviews.iter().enumerate() {
        let label = label(if index == 0 { "To be decided" } else { "" });
        output.line(format!(
            "{label}{} x {}; the oldest since {}",
            review.count,
            plain(sentences::of_reason(&review.reason)),
            when::span(review.oldest)
        ));
    }
    for (index, activity) in recent.iter().take(LATEST as usize).enumerate() {
        let label = label(if index == 0 { "Latest" } else { "" });
        output.line(format!(
            "{label}{}  {}: {}",
            output.time(activity.at),
            plain(&quoted(activity.status.appointment.as_str())),
            sentences::of_state(activity.status.state)
        ));
    }
}

/// How long some rows waited, as JSON.
fn waits(waits: &Waits) -> Value {
    json!({
        "count": waits.count,
        "mean_ms": millis(waits.mean),
        "longest_ms": millis(waits.longest),
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn view_of(overview: &Overview, verdict: &Verdict, recent: &[Activity]) -> Value {
    let counts = &overview.counts;
    let health = &overview.webhooks;
    let changes = counts
        .changes
        .iter()
        .map(|one| json!({"origin": one.origin, "fate": one.fate, "waits": waits(&one.waits)}));
    let deliveries = counts
        .deliveries
        .iter()
        .map(|one| json!({"source": one.source, "fate": one.fate, "waits": waits(&one.waits)}));
    let reviews = counts.reviews.iter().map(|one| {
        json!({"reason": one.reason, "count": one.count, "oldest_seconds": one.oldest.as_secs()})
    });
    let recent = recent.iter().take(LATEST as usize).map(|activity| {
        json!({
            "at": activity.at,
            "appointment": activity.status.appointment,
            "state": sentences::state_word(activity.status.state),
        })
    });
    let (well, ill) = overview.successes_and_failures();
    json!({
        "tenant": overview.tenant,
        "health": verdict.health,
        "reasons": verdict.reasons,
        "within_seconds": overview.within.as_secs(),
        "succeeded": well,
        "failed": ill,
        "success_rate": overview.success_rate(),
        "is_paused": counts.is_paused,
        "held_for_seconds": counts.held_for.map(|held| held.as_secs()),
        "queue": {
            "due": counts.due,
            "later": counts.later,
            "leased": counts.leased,
            "oldest_due_seconds": counts.oldest_due.map(|oldest| oldest.as_secs()),
        },
        "changes": changes.collect::<Vec<_>>(),
        "notices": deliveries.collect::<Vec<_>>(),
        "open_reviews": overview.open_reviews(),
        "reviews": reviews.collect::<Vec<_>>(),
        "webhooks": {
            "received": health.received,
            "ignored": health.ignored,
            "contradicted": health.contradicted,
            "found_by_sweep": health.found_by_sweep,
            "last_received_seconds_ago": health.last_received_ago.map(|ago| ago.as_secs()),
        },
        "recent": recent.collect::<Vec<_>>(),
    })
}
