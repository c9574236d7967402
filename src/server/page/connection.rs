//! The connection to Cal.com, as this process knows it.

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::Icon;
use super::parts::{chip, outside};
use super::times;
use super::words::{Tone, count};
use crate::sync::{CalendarCondition, CircuitCondition, RateCondition};

pub(super) fn card(visit: &Visit, condition: Option<&CalendarCondition>) -> Markup {
    html! {
        section.card aria-labelledby="connection" {
            h2 #connection { "Connection to Cal.com" }
            @match condition {
                None => p.hint { "This process knows nothing of it yet." },
                Some(condition) => (facts(visit, condition)),
            }
        }
    }
}

fn facts(visit: &Visit, condition: &CalendarCondition) -> Markup {
    let answers = &condition.answers;
    html! {
        dl.facts {
            div { dt { "Circuit breaker" } dd { (circuit(condition.circuit)) } }
            div { dt { "Rate budget" } dd { @match condition.rate { Some(rate) => (budget(rate)), None => "None" } } }
            div { dt { "Latest requests" } dd { (count(u64::from(answers.count), "answer", "answers")) ", " (answers.failed) " failed" } }
            @if let (Some(median), Some(slow)) = (answers.p50, answers.p95) {
                div { dt { "Time to answer" } dd { (times::span(median)) span.sub { "95 % within " (times::span(slow)) } } }
            }
            @if let Some(at) = answers.last_success_at { div { dt { "Last success" } dd { (times::at(visit, at)) } } }
            @if let Some(failure) = &answers.last_failure {
                div { dt { "Last failure" } dd { (times::at(visit, failure.at)) span.sub { (outside(&failure.kind)) } } }
            }
        }
        p.hint { "As this process knows it." }
    }
}

fn circuit(circuit: CircuitCondition) -> Markup {
    let (shown, more) = match circuit {
        CircuitCondition::Closed => (
            chip(Tone::Good, Icon::Check, "Closed"),
            "calls go through".to_owned(),
        ),
        CircuitCondition::HalfOpen => (
            chip(Tone::Warn, Icon::Clock, "Half open"),
            "a few calls are sent as probes".to_owned(),
        ),
        CircuitCondition::Open { probes_in } => (
            chip(Tone::Bad, Icon::Cross, "Open"),
            format!("no calls are sent; probes in {}", times::span(probes_in)),
        ),
    };
    html! { (shown) span.sub { (more) } }
}

fn budget(rate: RateCondition) -> Markup {
    let label = format!("{} of {} requests left", rate.remaining, rate.limit);
    html! {
        meter min="0" max=(rate.limit) value=(rate.remaining) aria-label=(label) {}
        span.sub { (label) @if !rate.resets_in.is_zero() { ", whole again in " (times::span(rate.resets_in)) } }
    }
}
