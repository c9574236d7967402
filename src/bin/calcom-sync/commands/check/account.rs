//! The account at Cal.com: the clock, the key, the event types, and the webhook subscription.

use std::collections::{BTreeMap, BTreeSet};

use calcom::client::{self, Client};
use calcom::model::{EventTypeId, Trigger, WebhookQuery, WebhookSubscription};
use calcom::sync::{ExpectedSubscription, Places, SubscriptionFinding, check_subscriptions};
use url::Url;

use super::clock;
use super::line::{Line, Lines};
use crate::failure::{Failure, FailureKind};
use crate::settings::{Settings, TenantSettings};

/// How many subscriptions are named.
const NAMED: usize = 3;

/// Checks the account; tells whether a slot could be booked there.
pub(super) async fn check(
    settings: &Settings,
    tenant: &TenantSettings,
    client: &Client,
    lines: &mut Lines<'_>,
) -> bool {
    let me = client.me();
    let (clock, user) = tokio::join!(clock::check(client), me.get());
    let user = match user {
        Ok(user) => user,
        Err(error) => {
            let failure = of_account(client, error);
            lines.push(Line::failed("key", &failure));
            for what in ["event types", "webhook"] {
                lines.push(Line::skipped(
                    what,
                    "not checked, because Cal.com gave no answer about the account",
                ));
            }
            // A server that cannot be reached has said so already.
            lines.push(match clock {
                Ok(line) => line,
                Err(_) => Line::skipped("clock", "not checked, because Cal.com did not answer"),
            });
            return false;
        }
    };
    let name = user.username.clone().unwrap_or_else(|| user.id.to_string());
    let server = client.base_url().host_str().unwrap_or_default();
    let text = format!("Cal.com at {server} accepts it; the account is {name}");
    lines.push(Line::fine("key", text));
    let mut may_book = event_types(tenant, client, &user, lines).await;
    may_book &= !tenant.event_types.is_empty();
    subscription(settings, tenant, client, lines).await;
    lines.push(clock.unwrap_or_else(|text| Line::skipped("clock", text)));
    may_book
}

fn of_account(client: &Client, error: client::Error) -> Failure {
    use client::ErrorKind as Kind;

    let url = client.base_url();
    match error.kind() {
        Kind::Unauthorized | Kind::Forbidden => error.into(),
        Kind::NotFound | Kind::UnknownEndpoint | Kind::Decode | Kind::VersionMismatch => {
            Failure::new(
                FailureKind::Unreachable,
                format!("{url} does not answer as Cal.com's API v2 does"),
                "check base_url: it ends in /v2, or in /api/v2 on your own server",
            )
            .because(error)
        }
        Kind::Server | Kind::RateLimited => Failure::new(
            FailureKind::Unreachable,
            format!("Cal.com at {url} does not answer properly"),
            "try again in a minute",
        )
        .because(error),
        _ => Failure::new(
            FailureKind::Unreachable,
            format!("Cal.com cannot be reached at {url}"),
            "check base_url and the network",
        )
        .because(error),
    }
}

async fn event_types(
    tenant: &TenantSettings,
    client: &Client,
    user: &calcom::model::User,
    lines: &mut Lines<'_>,
) -> bool {
    const WHAT: &str = "event types";
    if tenant.event_types.is_empty() {
        if tenant.hosts.is_empty() {
            let failure = Failure::settings(
                "none is named, so that nothing is synced",
                "list them in event_types (or CALCOM_EVENT_TYPE_IDS)",
            );
            lines.push(Line::failed(WHAT, &failure));
            return false;
        }
        lines.push(Line::remark(
            WHAT,
            "none is named, so that bookings come in and nothing is booked",
            "list those that may be booked in event_types",
        ));
        return true;
    }
    let (mut names, mut missing, mut foreign) = (BTreeMap::new(), Vec::new(), Vec::new());
    for id in &tenant.event_types {
        match client.event_types().get(*id).await {
            Ok(found) => {
                let is_foreign = found.owner_id.is_some_and(|owner| owner != user.id);
                if is_foreign && found.team_id.is_none() {
                    foreign.push(id.to_string());
                } else {
                    names.insert(*id, format!("{} ({id})", found.title));
                }
            }
            Err(error) if is_missing(&error) => missing.push(id.to_string()),
            Err(error) => {
                lines.push(Line::failed(WHAT, &of_account(client, error)));
                return false;
            }
        }
    }
    let wrong = |text: String| {
        let advice =
            "correct event_types; the number is in the address of the event type's page at Cal.com";
        Failure::not_found(text, advice)
    };
    let failure = match (missing.as_slice(), foreign.as_slice()) {
        ([], []) => None,
        ([id], []) => Some(wrong(format!("{id} does not exist in this account"))),
        ([], [id]) => Some(wrong(format!("{id} belongs to another account"))),
        (missing, foreign) => {
            let all = [missing, foreign].concat().join(", ");
            Some(wrong(format!("{all} do not exist in this account")))
        }
    };
    match failure {
        Some(failure) => {
            lines.push(Line::failed(WHAT, &failure));
            false
        }
        None => {
            let all: Vec<&str> = names.values().map(String::as_str).collect();
            lines.push(Line::fine(WHAT, all.join(", ")));
            if !tenant.places.is_empty() {
                lines.push(Line::fine("branches", places(&tenant.places, &names)));
            }
            true
        }
    }
}

/// What is booked where, and with whom.
fn places(places: &Places, names: &BTreeMap<EventTypeId, String>) -> String {
    let listed = |ids: &BTreeSet<EventTypeId>, none: &str| {
        let named: Vec<&str> = ids
            .iter()
            .filter_map(|id| names.get(id))
            .map(String::as_str)
            .collect();
        if named.is_empty() {
            none.to_owned()
        } else {
            named.join(", ")
        }
    };
    let branches = places.branches.iter();
    let branches = branches.map(|branch| {
        let offered = listed(&branch.event_types, "all event types");
        format!("{}: {offered}", branch.name)
    });
    let staff = places.staff.iter();
    let staff = staff.map(|member| {
        let own = listed(&member.event_types, "no event types of their own");
        format!("{}: {own}", member.name)
    });
    branches.chain(staff).collect::<Vec<_>>().join("; ")
}

fn is_missing(error: &client::Error) -> bool {
    use client::ErrorKind as Kind;
    matches!(error.kind(), Kind::NotFound | Kind::Forbidden)
}

async fn subscription(
    settings: &Settings,
    tenant: &TenantSettings,
    client: &Client,
    lines: &mut Lines<'_>,
) {
    const WHAT: &str = "webhook";
    let Some(url) = settings.webhook_url(&tenant.id) else {
        lines.push(Line::remark(
            WHAT,
            "not checked, because public_url is not set; without webhooks, changes at Cal.com are found every 15 min",
            "set public_url to the address under which Cal.com reaches this program",
        ));
        return;
    };
    let found = client.webhooks().list_all(WebhookQuery::default());
    let found: Vec<WebhookSubscription> = match found.try_collect().await {
        Ok(found) => found,
        Err(error) => {
            lines.push(Line::failed(WHAT, &of_account(client, error)));
            return;
        }
    };
    let expected = ExpectedSubscription::new(&url, tenant.webhook_secrets.clone());
    let findings = check_subscriptions(&expected, &found, &[]);
    let mut harmful = findings.iter().filter(|finding| finding.loses_webhooks());
    lines.push(match harmful.next() {
        Some(finding) => {
            let text = told(finding, &url, &found);
            Line::wrong(WHAT, text, advice(finding))
        }
        None => match findings.first() {
            Some(finding) => Line::remark(WHAT, told(finding, &url, &found), advice(finding)),
            None => Line::fine(WHAT, format!("active and signed, goes to {url}")),
        },
    });
}

fn told(finding: &SubscriptionFinding, url: &str, found: &[WebhookSubscription]) -> String {
    use SubscriptionFinding as Finding;

    let listed = |triggers: &[Trigger]| {
        let names: Vec<String> = triggers.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    match finding {
        Finding::Missing if found.is_empty() => {
            format!("Cal.com has no webhook subscription, and needs one that goes to {url}")
        }
        Finding::Missing => {
            // Without path and query, which may be another program's secret.
            let mut places: Vec<String> = found
                .iter()
                .map(|known| origin(&known.subscriber_url))
                .collect();
            places.sort_unstable();
            places.dedup();
            places.truncate(NAMED);
            format!(
                "the subscription goes to {} and not to {url}",
                places.join(", ")
            )
        }
        Finding::Inactive { .. } => "the subscription is switched off".to_owned(),
        Finding::MissingTriggers { triggers, .. } => {
            format!("the subscription does not tell of {}", listed(triggers))
        }
        Finding::MissingNewerTriggers { triggers, .. } => format!(
            "the subscription does not tell of {}, which newer servers can",
            listed(triggers)
        ),
        Finding::Unsigned { .. } => {
            "the subscription has no secret, so that its webhooks are refused here".to_owned()
        }
        Finding::OtherSecret { .. } => {
            "the subscription has another secret than the one configured here".to_owned()
        }
        Finding::Template { .. } => {
            "the subscription has a payload template, so that its webhooks cannot be read here"
                .to_owned()
        }
        Finding::Duplicate { .. } => {
            "two subscriptions go here, so that everything comes twice".to_owned()
        }
        Finding::NoSecretHere => {
            "no webhook secret is configured, so that every webhook is refused".to_owned()
        }
        _ => "the subscription is not in order".to_owned(),
    }
}

fn advice(finding: &SubscriptionFinding) -> &'static str {
    use SubscriptionFinding as Finding;

    match finding {
        Finding::Template { .. } => "remove the template at Cal.com, under Developer, Webhooks",
        Finding::Duplicate { .. } => "delete one of them at Cal.com, under Developer, Webhooks",
        Finding::NoSecretHere => {
            "set webhook_secrets (or CALCOM_WEBHOOK_SECRET), then run `calcom-sync webhook repair`"
        }
        _ => "run `calcom-sync webhook repair`",
    }
}

fn origin(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => "another address".to_owned(),
    }
}
