//! The webhook: whether it arrives, and whether its subscription is as it should be.

use std::time::Duration;

use maud::{Markup, html};

use super::desk::Visit;
use super::icons::{Icon, icon};
use super::layout::View;
use super::parts::{chip, figure, notice, outside, unless_noted};
use super::problem::{Problem, subscription_sentence};
use super::times;
use super::words::Tone;
use crate::model::{Trigger, clean_line};
use crate::store::OperatorAction;
use crate::sync::{SubscriptionError, SubscriptionFinding, SubscriptionReport, SyncEngine};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    shown(visit, html! {}).await
}

async fn shown(visit: &Visit, told: Markup) -> Result<View, Problem> {
    let health = visit.engine().webhook_health(&visit.tenant, DAY).await?;
    let checked = SyncEngine::check_subscription(visit.engine(), &visit.tenant).await;
    let last = health
        .last_received_ago
        .map_or_else(|| "none yet".to_owned(), times::age_of);
    Ok(View::new("Webhook")
        .still(told)
        .still(html! {
            dl.figures {
                (figure("Received, 24 h", &health.received.to_string(), &format!("last: {last}")))
                (figure("Ignored", &health.ignored.to_string(), ""))
                (figure("Never borne out", &health.contradicted.to_string(), "claimed what Cal.com never showed"))
                (figure("Found by a sweep only", &health.found_by_sweep.to_string(), "no webhook told of them"))
            }
        })
        .still(subscription(visit, checked)))
}

fn subscription(visit: &Visit, checked: Result<SubscriptionReport, SubscriptionError>) -> Markup {
    let is_named = !matches!(checked, Err(SubscriptionError::NotNamed));
    html! {
        section.card aria-labelledby="subscription" {
            h2 #subscription { "Subscription at Cal.com" }
            @match checked {
                Err(error) => (notice(if is_named { Tone::Bad } else { Tone::Calm }, subscription_sentence(error))),
                Ok(report) => (findings(&report.findings)),
            }
            @if visit.operator.may_write() && is_named {
                div.buttons {
                    form method="post" action=(visit.link("/webhook/test")) { button.primary type="submit" { (icon(Icon::Plug)) "Send a test" } }
                    form method="post" action=(visit.link("/webhook/repair")) { button type="submit" { "Repair the subscription" } }
                }
                p.hint { "A test posts a signed ping to the webhook's address and changes nothing. A repair creates the subscription, or corrects it; others are left alone, and none is deleted." }
            }
        }
    }
}

fn findings(findings: &[SubscriptionFinding]) -> Markup {
    html! {
        @if findings.is_empty() {
            (notice(Tone::Good, "The subscription is there, active and signed, and hears of everything."))
        } @else {
            ul.findings {
                @for finding in findings {
                    li {
                        @if finding.loses_webhooks() { (chip(Tone::Bad, Icon::Alert, "Webhooks are lost")) } @else { (chip(Tone::Warn, Icon::Dash, "To know")) }
                        " " (finding_words(finding))
                    }
                }
            }
        }
    }
}

fn finding_words(finding: &SubscriptionFinding) -> Markup {
    let list = |triggers: &[Trigger]| {
        let names: Vec<&str> = triggers.iter().map(Trigger::as_str).collect();
        names.join(", ")
    };
    match finding {
        SubscriptionFinding::Missing => {
            html! { "No subscription leads here. A repair creates one." }
        }
        SubscriptionFinding::Inactive { id } => {
            html! { "The subscription " (outside(id.as_str())) " is switched off. A repair switches it on." }
        }
        SubscriptionFinding::MissingTriggers { triggers, .. } => {
            html! { "It lacks triggers that are needed: " (outside(&list(triggers))) ". A repair adds them." }
        }
        SubscriptionFinding::MissingNewerTriggers { triggers, .. } => {
            html! { "It lacks triggers that only newer servers know: " (outside(&list(triggers))) ". A repair tries to add them." }
        }
        SubscriptionFinding::Unsigned { .. } => {
            html! { "It has no secret, so that its webhooks are refused here. A repair sets one." }
        }
        SubscriptionFinding::OtherSecret { .. } => {
            html! { "Its secret is none of the tenant's, so that its webhooks are refused here. A repair sets the right one." }
        }
        SubscriptionFinding::Template { .. } => {
            html! { "It has a payload template, so that its webhooks cannot be read here. Remove the template at Cal.com; a repair does not." }
        }
        SubscriptionFinding::Duplicate { id } => {
            html! { "Another subscription leads here, too: " (outside(id.as_str())) ". Webhooks come twice, which does no harm. Remove it at Cal.com if it is not wanted." }
        }
        SubscriptionFinding::NoSecretHere => {
            html! { "No webhook secret is set up for this tenant, so that every webhook is refused. Set one up." }
        }
    }
}

pub(super) async fn test(visit: &Visit) -> Result<View, Problem> {
    let (tone, text, more) = match visit.engine().test_webhook(&visit.tenant).await {
        Ok(test) => {
            let is_ours = test.has_arrived() && test.code.is_some();
            let tone = if is_ours { Tone::Good } else { Tone::Bad };
            let code = test.code.as_deref().map(clean_line);
            let code = code.map_or_else(String::new, |code| format!(", {code}"));
            let url = clean_line(&test.url);
            let more = format!("{url} answered with {}{code}.", test.status.as_u16());
            (tone, test.advice(), more)
        }
        Err(error) => (Tone::Bad, subscription_sentence(error), String::new()),
    };
    let noted = visit.note(None, OperatorAction::TestWebhook, text).await;
    let told = html! {
        div role="status" { (notice(tone, text)) }
        @if !more.is_empty() { p.hint { (outside(&more)) } }
        (unless_noted(noted))
    };
    shown(visit, told).await
}

pub(super) async fn repair(visit: &Visit) -> Result<View, Problem> {
    let (tone, text) = match SyncEngine::repair_subscription(visit.engine(), &visit.tenant).await {
        Ok(report) => {
            let done = match (&report.created, &report.updated) {
                (Some(_), _) => "The subscription was created.",
                (None, Some(_)) => "The subscription was corrected.",
                (None, None) => "There was nothing that a repair changes.",
            };
            if report.is_healthy() {
                (Tone::Good, done.to_owned())
            } else {
                let left =
                    "What is left has to be corrected at Cal.com, or where the tenant is set up.";
                (Tone::Warn, format!("{done} {left}"))
            }
        }
        Err(error) => (Tone::Bad, subscription_sentence(error).to_owned()),
    };
    let noted = visit
        .note(None, OperatorAction::RepairSubscription, &text)
        .await;
    let told = html! {
        div role="status" { (notice(tone, &text)) }
        (unless_noted(noted))
    };
    shown(visit, told).await
}
