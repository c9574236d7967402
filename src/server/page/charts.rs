//! Charts, drawn here. Each says in words what it shows, and can be read as a table.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::desk::Visit;
use super::times;
use super::words::{Ending, count};
use crate::store::{ActivitySlice, NoticeSource};

const HOURS: usize = 24;
/// A bar and the gap after it, and the height of a chart, in its own units.
const STEP: usize = 10;
const BAR: usize = 8;
const HEIGHT: u64 = 100;

/// The parts of a bar, from below.
const STACK: [(Ending, &str, &str); 3] = [
    (Ending::Well, "good", "Done"),
    (Ending::Review, "bad", "Needs a person"),
    (Ending::Nothing, "calm", "Nothing to do"),
];

#[derive(Clone, Copy)]
struct Hour {
    from: DateTime<Utc>,
    /// By [`STACK`].
    ended: [u64; 3],
    webhooks: u64,
    lag_sum: Duration,
    lag_most: Duration,
}

impl Hour {
    fn total(&self) -> u64 {
        self.ended.iter().sum()
    }

    fn lag(&self) -> Option<Duration> {
        let webhooks = u32::try_from(self.webhooks).unwrap_or(u32::MAX);
        self.lag_sum.checked_div(webhooks)
    }
}

/// The last 24 hours, those without anything included.
fn hours(now: DateTime<Utc>, slices: &[ActivitySlice]) -> Vec<Hour> {
    let this = now.timestamp().div_euclid(3_600) * 3_600;
    let this = DateTime::from_timestamp(this, 0).unwrap_or(now);
    let mut hours: Vec<Hour> = (0..HOURS)
        .rev()
        .map(|ago| Hour {
            from: this - TimeDelta::hours(i64::try_from(ago).unwrap_or(0)),
            ended: [0; 3],
            webhooks: 0,
            lag_sum: Duration::ZERO,
            lag_most: Duration::ZERO,
        })
        .collect();
    for slice in slices {
        let Some(hour) = hours.iter_mut().find(|hour| hour.from == slice.from) else {
            continue;
        };
        let changes = slice.changes.iter();
        let changes = changes.map(|one| (Ending::of_change(one.fate.as_ref()), one.waits.count));
        let deliveries = slice.deliveries.iter();
        let deliveries =
            deliveries.map(|one| (Ending::of_delivery(one.fate.as_ref()), one.waits.count));
        for (ending, number) in changes.chain(deliveries) {
            if let Some(index) = STACK.iter().position(|(one, ..)| *one == ending) {
                hour.ended[index] += number;
            }
        }
        let webhooks = slice.deliveries.iter();
        for one in webhooks.filter(|one| one.source == NoticeSource::Webhook) {
            let number = u32::try_from(one.waits.count).unwrap_or(u32::MAX);
            hour.webhooks += one.waits.count;
            hour.lag_sum += one.waits.mean.saturating_mul(number);
            hour.lag_most = hour.lag_most.max(one.waits.longest);
        }
    }
    hours
}

/// What ended in each hour, stacked by how.
pub(super) fn activity(visit: &Visit, slices: &[ActivitySlice]) -> Markup {
    let hours = hours(visit.now, slices);
    let most = hours.iter().map(Hour::total).max().unwrap_or(0);
    let all: u64 = hours.iter().map(Hour::total).sum();
    let summary = format!(
        "{} ended within 24 hours, at most {most} in an hour.",
        count(all, "change or webhook", "changes and webhooks")
    );
    html! {
        section.card aria-labelledby="hours" {
            h2 #hours { "Activity, last 24 hours" }
            @if all == 0 {
                p.hint { "Nothing has ended within 24 hours." }
            } @else {
                figure.chart {
                    svg role="img" aria-label=(summary) viewBox={ "0 0 " (HOURS * STEP) " " (HEIGHT) } preserveAspectRatio="none" {
                        @for (index, hour) in hours.iter().enumerate() {
                            g { title { (in_words(visit, hour)) } (stacked(index, hour, most)) }
                        }
                    }
                    (axis(visit, &hours))
                    figcaption {
                        (summary)
                        ul.legend { @for (_, class, word) in STACK { li { span.swatch.(class) {} (word) } } }
                    }
                }
                (as_table(visit, &hours))
            }
        }
    }
}

fn in_words(visit: &Visit, hour: &Hour) -> String {
    let parts: Vec<String> = STACK
        .iter()
        .zip(hour.ended)
        .map(|((_, _, word), number)| format!("{number} {}", word.to_lowercase()))
        .collect();
    format!("{}: {}", times::clock(visit, hour.from), parts.join(", "))
}

fn stacked(index: usize, hour: &Hour, most: u64) -> Markup {
    let mut top = HEIGHT;
    let parts = STACK
        .iter()
        .zip(hour.ended)
        .filter(|(_, number)| *number > 0);
    let bars: Vec<(&str, u64, u64)> = parts
        .map(|((_, class, _), number)| {
            // A single one among thousands is still seen.
            let height = (HEIGHT * number / most.max(1)).clamp(1, HEIGHT);
            top = top.saturating_sub(height);
            (*class, top, height)
        })
        .collect();
    html! {
        rect.empty x=(index * STEP + 1) y="0" width=(BAR) height=(HEIGHT) {}
        @for (class, top, height) in bars { rect.(class) x=(index * STEP + 1) y=(top) width=(BAR) height=(height) {} }
    }
}

fn axis(visit: &Visit, hours: &[Hour]) -> Markup {
    html! {
        div.axis aria-hidden="true" {
            @for hour in hours.iter().step_by(HOURS / 4) { span { (times::clock(visit, hour.from)) } }
            span { "now" }
        }
    }
}

fn as_table(visit: &Visit, hours: &[Hour]) -> Markup {
    html! {
        details {
            summary { "As a table" }
            table.counts {
                caption.hidden { "What ended in each hour" }
                thead { tr { th scope="col" { "From" } @for (_, _, word) in STACK { th.number scope="col" { (word) } } } }
                tbody {
                    @for hour in hours.iter().filter(|hour| hour.total() > 0) {
                        tr { th scope="row" { (times::at(visit, hour.from)) } @for number in hour.ended { td.number { (number) } } }
                    }
                }
            }
        }
    }
}

/// How long webhooks waited until they were dealt with.
pub(super) fn lag(visit: &Visit, slices: &[ActivitySlice]) -> Markup {
    let hours = hours(visit.now, slices);
    let most = hours.iter().filter_map(Hour::lag).max();
    let longest = hours.iter().map(|hour| hour.lag_most).max();
    let longest = longest.unwrap_or_default();
    html! {
        section.card aria-labelledby="lag" {
            h2 #lag { "Webhook lag" }
            @match most {
                None => p.hint { "No webhook was dealt with within 24 hours." },
                Some(most) => {
                    @let summary = format!("From arrival to outcome, the mean of each hour was at most {}; the longest took {}.", times::span(most), times::span(longest));
                    figure.chart.small {
                        svg role="img" aria-label=(summary) viewBox={ "0 0 " (HOURS * STEP) " " (HEIGHT) } preserveAspectRatio="none" {
                            @for (index, hour) in hours.iter().enumerate() {
                                rect.empty x=(index * STEP + 1) y="0" width=(BAR) height=(HEIGHT) {}
                                @if let Some(lag) = hour.lag() {
                                    @let height = height_of(lag, most);
                                    g {
                                        title { (times::clock(visit, hour.from)) ": " (times::span(lag)) " on average, " (count(hour.webhooks, "webhook", "webhooks")) }
                                        rect.busy x=(index * STEP + 1) y=(HEIGHT - height) width=(BAR) height=(height) {}
                                    }
                                }
                            }
                        }
                        (axis(visit, &hours))
                        figcaption { (summary) }
                    }
                    details {
                        summary { "As a table" }
                        table.counts {
                            caption.hidden { "Webhook lag in each hour" }
                            thead { tr { th scope="col" { "From" } th.number scope="col" { "Webhooks" } th.number scope="col" { "Mean" } th.number scope="col" { "Longest" } } }
                            tbody {
                                @for hour in &hours {
                                    @if let Some(lag) = hour.lag() {
                                        tr { th scope="row" { (times::at(visit, hour.from)) } td.number { (hour.webhooks) } td.number { (times::span(lag)) } td.number { (times::span(hour.lag_most)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn height_of(lag: Duration, most: Duration) -> u64 {
    let share = u128::from(HEIGHT) * lag.as_micros() / most.as_micros().max(1);
    u64::try_from(share).unwrap_or(HEIGHT).clamp(2, HEIGHT)
}

/// How often what came of changes and webhooks.
pub(super) fn outcomes(rows: &[(String, u64, Ending)]) -> Markup {
    let most = rows
        .iter()
        .map(|(_, number, _)| *number)
        .max()
        .unwrap_or(1)
        .max(1);
    html! {
        section.card aria-labelledby="outcomes" {
            h2 #outcomes { "Outcomes, last 24 hours" }
            @if rows.is_empty() {
                p.hint { "Nothing has ended within 24 hours." }
            } @else {
                table.bars {
                    caption.hidden { "Outcomes of changes and webhooks within 24 hours" }
                    thead.hidden { tr { th scope="col" { "Outcome" } th scope="col" { "Number" } } }
                    tbody {
                        @for (words, number, ending) in rows {
                            tr {
                                th scope="row" {
                                    (words)
                                    svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
                                        rect.empty x="0" y="0" width="100" height="4" {}
                                        rect.(class_of(*ending)) x="0" y="0" width=((100 * number / most).max(1)) height="4" {}
                                    }
                                }
                                td.number { (number) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn class_of(ending: Ending) -> &'static str {
    let found = STACK.iter().find(|(one, ..)| *one == ending);
    found.map_or("busy", |(_, class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ChangeCount, ChangeFate, DeliveryCount, DeliveryFate, Origin, Waits};

    #[test]
    fn hours_hold_what_ended_in_them() {
        let now: DateTime<Utc> = "2026-12-08T09:30:00Z".parse().unwrap();
        let seconds = Duration::from_secs;
        let mut slice = ActivitySlice::new("2026-12-08T09:00:00Z".parse().unwrap());
        let pushed = Some(ChangeFate::Pushed);
        let waits = Waits::new(3, seconds(9), seconds(2));
        slice.changes = vec![ChangeCount::new(Origin::Admin, pushed, waits)];
        slice.deliveries = vec![
            DeliveryCount::new(NoticeSource::Webhook, Some(DeliveryFate::Applied), waits),
            DeliveryCount::new(
                NoticeSource::Webhook,
                Some(DeliveryFate::InReview),
                Waits::new(1, seconds(6), seconds(6)),
            ),
        ];
        let before = ActivitySlice::new("2026-12-07T09:00:00Z".parse().unwrap());
        let hours = hours(now, &[before, slice]);
        assert_eq!(hours.len(), HOURS);
        let last = hours.last().unwrap();
        assert_eq!(last.ended, [6, 1, 0]);
        assert_eq!((last.lag(), last.lag_most), (Some(seconds(3)), seconds(9)));
        assert_eq!(hours[0].total(), 0);
    }

    #[test]
    fn a_bar_is_never_higher_than_its_chart() {
        assert_eq!(height_of(Duration::ZERO, Duration::ZERO), 2);
        let second = Duration::from_secs(1);
        assert_eq!(height_of(2 * second, second), HEIGHT);
        assert_eq!(height_of(Duration::MAX, second), HEIGHT);
    }
}
