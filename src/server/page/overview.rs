//! How a tenant stands, at a glance.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};

use super::charts;
use super::connection;
use super::desk::Visit;
use super::icons::{Icon, icon};
use super::layout::View;
use super::parts::{figure, notice};
use super::pause;
use super::problem::Problem;
use super::times;
use super::words::{self, Ending, Tone, count};
use crate::store::{ReviewReason, WebhookHealth, WorkCounts};
use crate::sync::{CalendarCondition, Overview};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Work that has been due for longer than this is late.
const LATE: Duration = Duration::from_secs(2 * 60);

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let (engine, tenant) = (visit.engine(), &visit.tenant);
    let overview = engine.overview(tenant, DAY).await?;
    let slices = engine.activity(tenant, DAY, HOUR).await?;
    // What the directory does not tell is not shown; the rest is.
    let condition = engine.connection(tenant).await.ok().flatten();
    let counts = &overview.counts;
    let told = html! { @if let Some(told) = pause::told_of(visit) { div role="status" { (notice(Tone::Good, told)) } } };
    let control = pause::form(visit, counts.is_paused, counts.held_for.is_some());
    Ok(View::new("Overview")
        .still(told)
        .said("verdict", verdict(visit, &overview, condition.as_ref()))
        .live("figures", figures(&overview))
        .live("activity", charts::activity(visit, &slices))
        .live("outcomes", columns(&[outcomes(counts), by_origin(counts)]))
        .live("webhooks", columns(&[webhooks(&overview.webhooks), charts::lag(visit, &slices)]))
        .live("connection", connection::card(visit, condition.as_ref()))
        .live("control", html! { section.card aria-labelledby="control" { h2 #control { "Pause and resume" } (control) } }))
}

fn columns(cards: &[Markup]) -> Markup {
    html! { div.columns { @for card in cards { (card) } } }
}

struct Verdict {
    tone: Tone,
    icon: Icon,
    heading: String,
    text: String,
}

fn verdict(visit: &Visit, overview: &Overview, condition: Option<&CalendarCondition>) -> Markup {
    let found = judge(overview, condition);
    let open = overview.open_reviews();
    html! {
        section.verdict.(found.tone.class()) aria-labelledby="verdict" {
            (icon(found.icon))
            div {
                h2 #verdict { (found.heading) }
                p { (found.text) }
                @if open > 0 {
                    ul.reasons {
                        @for of_reason in &overview.counts.reviews {
                            li {
                                a href=(visit.link(&format!("/reviews?reason={}", super::fields::encode(of_reason.reason.as_str())))) {
                                    (of_reason.count) " × " (words::reason(&of_reason.reason))
                                }
                                " " span.sub { "oldest " (times::age_of(of_reason.oldest)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The one thing to know first.
fn judge(overview: &Overview, condition: Option<&CalendarCondition>) -> Verdict {
    let counts = &overview.counts;
    let has = |reason: ReviewReason| counts.reviews.iter().any(|count| count.reason == reason);
    let is_open = condition.is_some_and(|condition| condition.circuit.is_open());
    let open = overview.open_reviews();
    let verdict = |tone, icon, heading: &str, text: &str| Verdict {
        tone,
        icon,
        heading: heading.to_owned(),
        text: text.to_owned(),
    };
    if counts.is_paused && has(ReviewReason::CredentialsRefused) {
        return verdict(
            Tone::Bad,
            Icon::Pause,
            "Paused: Cal.com refuses the credentials",
            "Replace the tenant's key, then resume. What comes in meanwhile is stored and waits.",
        );
    }
    if counts.is_paused {
        return verdict(
            Tone::Warn,
            Icon::Pause,
            "Paused",
            "Nothing is sent to Cal.com or taken from it. What comes in is stored and waits.",
        );
    }
    if is_open || has(ReviewReason::RetriesExhausted) {
        return verdict(
            Tone::Bad,
            Icon::Alert,
            "Cal.com is unreachable",
            "Several requests in a row have failed. Nothing is lost: the work goes on once Cal.com answers.",
        );
    }
    if open > 0 {
        let heading = match open {
            1 => "1 needs a person".to_owned(),
            open => format!("{open} need a person"),
        };
        let text = "The engine cannot decide these by itself. Everything else goes on.";
        return verdict(Tone::Bad, Icon::Alert, &heading, text);
    }
    let oldest = counts.oldest_due.unwrap_or_default();
    if oldest > LATE {
        let text = format!(
            "The oldest work has been due for {}. Check that a worker runs.",
            times::span(oldest)
        );
        return verdict(Tone::Warn, Icon::Clock, "Behind", &text);
    }
    if let Some(held) = counts.held_for {
        let text = format!(
            "Cal.com has asked for a pause; the work goes on in {}.",
            times::span(held)
        );
        return verdict(Tone::Warn, Icon::Clock, "Waiting for Cal.com", &text);
    }
    let busy = at_work(counts);
    if busy > 0 {
        let text = format!("{} worked on, or next.", are(busy));
        return verdict(Tone::Busy, Icon::Play, "Working", &text);
    }
    let text = match counts.later {
        0 => "Both sides agree, and nothing waits.".to_owned(),
        later => format!(
            "Both sides agree; {} will be looked at again later.",
            count(later, "appointment", "appointments")
        ),
    };
    verdict(Tone::Good, Icon::Check, "In sync", &text)
}

/// How much waits or is worked on: links, or what no worker has looked at yet.
fn at_work(counts: &WorkCounts) -> u64 {
    let changes = counts.changes.iter().filter(|one| one.fate.is_none());
    let changes: u64 = changes.map(|one| one.waits.count).sum();
    let deliveries = counts.deliveries.iter().filter(|one| one.fate.is_none());
    let deliveries: u64 = deliveries.map(|one| one.waits.count).sum();
    (counts.due + counts.leased).max(changes + deliveries)
}

fn are(number: u64) -> String {
    match number {
        1 => "1 change or webhook is".to_owned(),
        number => format!("{number} changes and webhooks are"),
    }
}

fn figures(overview: &Overview) -> Markup {
    let counts = &overview.counts;
    let (well, ill) = overview.successes_and_failures();
    let rate = match overview.success_rate() {
        Some(rate) => percent(rate),
        None => "–".to_owned(),
    };
    let depth = at_work(counts) + counts.later;
    let oldest = counts.oldest_due.map_or_else(
        || "nothing is due".to_owned(),
        |oldest| format!("oldest due for {}", times::span(oldest)),
    );
    let webhooks = overview.webhooks.last_received_ago.map_or_else(
        || "none yet".to_owned(),
        |ago| format!("last {}", times::age_of(ago)),
    );
    html! {
        dl.figures {
            (figure("Succeeded, 24 h", &rate, &format!("{well} well, {ill} not")))
            (figure("Need a person", &overview.open_reviews().to_string(), "open review items"))
            (figure("Queue", &depth.to_string(), &oldest))
            (figure("Webhooks, 24 h", &overview.webhooks.received.to_string(), &webhooks))
        }
    }
}

/// Rounded down, so that it says 100 only where everything has ended well.
fn percent(rate: f64) -> String {
    let tenths = (rate * 1000.0).floor();
    if tenths >= 1000.0 {
        "100 %".to_owned()
    } else {
        format!("{:.1} %", tenths / 10.0)
    }
}

fn outcomes(counts: &WorkCounts) -> Markup {
    let mut rows: BTreeMap<String, (u64, Ending)> = BTreeMap::new();
    for change in &counts.changes {
        if let Some(fate) = &change.fate {
            let words = format!("Change: {}", words::lower_first(&words::change_fate(fate)));
            let row = rows
                .entry(words)
                .or_insert((0, Ending::of_change(Some(fate))));
            row.0 += change.waits.count;
        }
    }
    for delivery in &counts.deliveries {
        if let Some(fate) = &delivery.fate {
            let words = words::lower_first(&words::delivery_fate(fate));
            let words = format!("{}: {words}", words::source(&delivery.source));
            let row = rows
                .entry(words)
                .or_insert((0, Ending::of_delivery(Some(fate))));
            row.0 += delivery.waits.count;
        }
    }
    let mut rows: Vec<(String, u64, Ending)> = rows
        .into_iter()
        .map(|(words, (count, ending))| (words, count, ending))
        .collect();
    rows.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    charts::outcomes(&rows)
}

fn by_origin(counts: &WorkCounts) -> Markup {
    let mut rows: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    let mut add = |name: String, ending: Ending, count: u64| {
        rows.entry(name).or_default()[ending as usize] += count;
    };
    for change in &counts.changes {
        let ending = Ending::of_change(change.fate.as_ref());
        let name = format!("By {}", words::origin(&change.origin));
        add(name, ending, change.waits.count);
    }
    for delivery in &counts.deliveries {
        let ending = Ending::of_delivery(delivery.fate.as_ref());
        add(
            words::source(&delivery.source),
            ending,
            delivery.waits.count,
        );
    }
    html! {
        section.card aria-labelledby="origins" {
            h2 #origins { "By origin" }
            @if rows.is_empty() {
                p.hint { "No changes and no webhooks within 24 hours." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="By origin" {
                table.counts {
                    caption.hidden { "Changes and webhooks by origin: what waits, and what has ended within 24 hours" }
                    thead { tr { th scope="col" { "Origin" } th.number scope="col" { "Waiting" } th.number scope="col" { "Done" } th.number scope="col" { "Review" } th.number scope="col" { "Nothing to do" } } }
                    tbody { @for (name, numbers) in &rows { tr { th scope="row" { (name) } @for number in numbers { td.number { (number) } } } } }
                }
                }
            }
        }
    }
}

fn webhooks(health: &WebhookHealth) -> Markup {
    let (tone, text) = match health {
        WebhookHealth {
            found_by_sweep: 1..,
            ..
        } => (
            Tone::Warn,
            format!(
                "{} by a sweep, and no webhook told of them: check the webhook.",
                match health.found_by_sweep {
                    1 => "1 change was found".to_owned(),
                    found => format!("{found} changes were found"),
                }
            ),
        ),
        WebhookHealth { received: 0, .. } => (
            Tone::Calm,
            "No webhook has arrived within 24 hours.".to_owned(),
        ),
        _ => (
            Tone::Good,
            "Webhooks arrive, and no change was missed.".to_owned(),
        ),
    };
    let last = health
        .last_received_ago
        .map_or_else(|| "none is kept".to_owned(), times::age_of);
    html! {
        section.card aria-labelledby="webhooks" {
            h2 #webhooks { "Webhooks" }
            (notice(tone, &text))
            dl.facts {
                div { dt { "Received, 24 h" } dd { (health.received) } }
                div { dt { "Last received" } dd { (last) } }
                div { dt { "Ignored" } dd { (health.ignored) } }
                div { dt { "Never borne out" } dd { (health.contradicted) } }
                div { dt { "Found by a sweep only" } dd { (health.found_by_sweep) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_not_rounded_up_to_all() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.9999), "99.9 %");
        assert_eq!(percent(0.0), "0.0 %");
    }
}
