//! `webhook`: the subscription at Cal.com.

use calcom::store::OperatorAction;
use calcom::sync::{
    CalendarErrorKind, Operations, SubscriptionError, SubscriptionReport, SyncEngine,
};
use serde_json::{Value, json};

use super::common::{FailureView, ended, note, tenant_flag, worse};
use crate::cli::{Operator, WebhookCommand};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, plain};
use crate::sentences;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: WebhookCommand,
) -> Result<(), Failure> {
    match command {
        WebhookCommand::Status => status(context, output).await,
        WebhookCommand::Repair(operator) => repair(context, output, &operator).await,
        WebhookCommand::Test(operator) => test(context, output, &operator).await,
    }
}

async fn status(context: &Context, output: &Output) -> Result<(), Failure> {
    let mut found = None;
    let mut views = Vec::new();
    for tenant in context.selected()? {
        let url = context.settings.webhook_url(tenant);
        match context.engine.check_subscription(tenant).await {
            Ok(report) => {
                let flag = tenant_flag(context, output, tenant);
                print(output, &report, url.as_deref());
                if report.is_healthy() {
                    output.line(plain(&format!(
                        "See whether webhooks arrive: calcom-sync webhook test{flag}"
                    )));
                } else {
                    found = worse(found, Some(FailureKind::Found));
                    output.line(plain(&format!(
                        "Put it in order with: calcom-sync webhook repair{flag}"
                    )));
                }
                views.push(view_of(&report, url.as_deref()));
            }
            Err(error) => {
                let failure = Failure::from(error);
                found = worse(found, Some(failure.kind()));
                views.push(failed(output, tenant.as_str(), &failure));
            }
        }
    }
    output.json(&json!({"tenants": views}));
    ended(found)
}

async fn repair(context: &Context, output: &Output, operator: &Operator) -> Result<(), Failure> {
    let by = operator.name();
    let mut found = None;
    let mut views = Vec::new();
    for tenant in context.selected()? {
        let url = context.settings.webhook_url(tenant);
        match context.engine.repair_subscription(tenant).await {
            Ok(report) => {
                let did = match (&report.created, &report.updated) {
                    (Some(id), _) => format!("created subscription {id}"),
                    (None, Some(id)) => format!("corrected subscription {id}"),
                    (None, None) => "nothing was to be done".to_owned(),
                };
                let action = OperatorAction::RepairSubscription;
                note(context, output, tenant, None, action, &by, &did).await;
                output.line(plain(&format!("Tenant {tenant}: {did}.")));
                print(output, &report, url.as_deref());
                if !report.is_healthy() {
                    found = worse(found, Some(FailureKind::Found));
                }
                views.push(view_of(&report, url.as_deref()));
            }
            Err(error) => {
                let failure = Failure::from(error);
                found = worse(found, Some(failure.kind()));
                views.push(failed(output, tenant.as_str(), &failure));
            }
        }
    }
    output.json(&json!({"tenants": views}));
    ended(found)
}

async fn test(context: &Context, output: &Output, operator: &Operator) -> Result<(), Failure> {
    let by = operator.name();
    let mut found = None;
    let mut views = Vec::new();
    for tenant in context.selected()? {
        let tested = context.engine.test_webhook(tenant).await;
        let (outcome, view, kind) = match tested {
            Ok(test) => {
                // Another program may answer with a success, too.
                let is_ours = test.has_arrived() && test.code.is_some();
                let tone = if is_ours { Tone::Good } else { Tone::Bad };
                output.line(plain(&format!(
                    "Tenant {tenant}: sent a test to {}.",
                    test.url
                )));
                let code = match &test.code {
                    Some(code) => format!("{} {code}", test.status.as_u16()),
                    None => test.status.as_u16().to_string(),
                };
                output.line(plain(&format!("The answer was {code}.")));
                output.line(output.paint(tone, test.advice()));
                let view = json!({
                    "tenant": tenant,
                    "url": test.url,
                    "status": test.status.as_u16(),
                    "code": test.code,
                    "has_arrived": is_ours,
                    "advice": test.advice(),
                });
                let kind = (!is_ours).then_some(FailureKind::Found);
                (format!("answered {code}"), view, kind)
            }
            Err(error) => {
                let failure = of_test(context.settings.webhook_url(tenant), error);
                let view = failed(output, tenant.as_str(), &failure);
                ("no answer".to_owned(), view, Some(failure.kind()))
            }
        };
        let action = OperatorAction::TestWebhook;
        note(context, output, tenant, None, action, &by, &outcome).await;
        found = worse(found, kind);
        views.push(view);
    }
    output.json(&json!({"tenants": views}));
    ended(found)
}

/// A test goes to our own address, not to Cal.com.
fn of_test(url: Option<String>, error: SubscriptionError) -> Failure {
    let is_unanswered = matches!(
        &error,
        SubscriptionError::Calendar(error) if error.kind() == CalendarErrorKind::Unavailable
    );
    match url {
        Some(url) if is_unanswered => Failure::new(
            FailureKind::Found,
            format!("nothing answers at {url}"),
            "check that `calcom-sync serve` runs, that public_url leads to it, and the proxy in between",
        )
        .because(error),
        _ => error.into(),
    }
}

fn failed(output: &Output, tenant: &str, failure: &Failure) -> Value {
    if !output.is_json() {
        output.failure(failure);
    }
    json!({"tenant": tenant, "error": FailureView::from(failure)})
}

fn print(output: &Output, report: &SubscriptionReport, url: Option<&str>) {
    let tenant = &report.tenant;
    let to = url.map(|url| format!(" to {url}")).unwrap_or_default();
    let (tone, word) = if report.is_healthy() {
        (Tone::Good, "is in order")
    } else {
        (Tone::Bad, "loses webhooks")
    };
    let text = plain(&format!("Tenant {tenant}: the subscription{to} {word}."));
    output.line(output.paint(tone, &text));
    for finding in &report.remaining {
        let tone = if finding.loses_webhooks() {
            Tone::Bad
        } else {
            Tone::Warning
        };
        let (_, sentence) = sentences::of_subscription(finding);
        output.line(format!("  {}", output.paint(tone, &plain(&sentence))));
    }
}

fn view_of(report: &SubscriptionReport, url: Option<&str>) -> Value {
    let findings = |of: &[calcom::sync::SubscriptionFinding]| -> Vec<Value> {
        let each = of.iter().map(|finding| {
            let (kind, message) = sentences::of_subscription(finding);
            json!({"kind": kind, "message": message, "loses_webhooks": finding.loses_webhooks()})
        });
        each.collect()
    };
    json!({
        "tenant": report.tenant,
        "url": url,
        "is_healthy": report.is_healthy(),
        "findings": findings(&report.findings),
        "remaining": findings(&report.remaining),
        "created": report.created,
        "updated": report.updated,
    })
}
