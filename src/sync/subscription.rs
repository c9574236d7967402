//! The check of our own webhook subscription: whether it is there, active, signed, goes to our URL
//! and hears of everything that the engine needs.
//!
//! A subscription can go away without a word: somebody deletes it, or the hosted service switches it
//! off. Only those that go to our URL are ever changed, and none is ever deleted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::calendar::{CalendarError, CalendarErrorKind};
use super::engine::Engine;
use super::tenant::Tenant;
use crate::model::{NewWebhook, Trigger, WebhookId, WebhookSubscription, WebhookUpdate};
use crate::store::{StoreError, TenantId};

/// Triggers that newer servers know and older ones refuse.
const NEWER: [Trigger; 2] = [Trigger::BookingLocationUpdated, Trigger::BookingReassigned];

/// How long a server that has refused a trigger is taken at its word. It may be updated.
const TTL: TimeDelta = TimeDelta::hours(24);

/// Cal.com's webhook subscriptions, as their check needs them. The client implements it, for the
/// subscriptions of its user.
#[async_trait]
pub trait Subscriptions: std::fmt::Debug + Send + Sync + 'static {
    /// Lists all subscriptions of the account.
    async fn subscriptions(&self) -> Result<Vec<WebhookSubscription>, CalendarError>;

    /// Creates a subscription. A trigger that the server does not know is
    /// [`Rejected`](CalendarErrorKind::Rejected).
    async fn subscribe(&self, new: &NewWebhook) -> Result<WebhookSubscription, CalendarError>;

    /// Changes a subscription. A trigger that the server does not know is
    /// [`Rejected`](CalendarErrorKind::Rejected).
    async fn update_subscription(
        &self,
        id: &WebhookId,
        update: &WebhookUpdate,
    ) -> Result<WebhookSubscription, CalendarError>;

    /// Posts a body with these headers to the URL of a subscription, without credentials, and returns
    /// the status and the body of the answer, of which a receiver's has some hundred bytes. Follows no
    /// redirect. By default not supported.
    async fn post_test(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), CalendarError> {
        let _ = (url, headers, body);
        let message = "this connection cannot send a test to a webhook";
        Err(CalendarError::new(CalendarErrorKind::Unsupported, message))
    }
}

/// The subscription that a tenant should have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExpectedSubscription {
    /// The URL that deliveries are to be sent to.
    pub url: String,
    /// The secrets that are accepted here; the first one is given to a subscription without one.
    pub secrets: Vec<SecretString>,
    /// The triggers that it must have.
    pub triggers: Vec<Trigger>,
    /// The triggers that it should have where the server knows them.
    pub newer_triggers: Vec<Trigger>,
}

impl ExpectedSubscription {
    /// A subscription for this URL, signed with one of these secrets, for all changes to bookings.
    pub fn new(url: impl Into<String>, secrets: impl Into<Vec<SecretString>>) -> Self {
        Self {
            url: url.into(),
            secrets: secrets.into(),
            triggers: NewWebhook::booking_triggers(),
            newer_triggers: NEWER.to_vec(),
        }
    }
}

/// What is wrong with a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionFinding {
    /// No subscription goes to our URL.
    Missing,
    /// It is switched off.
    #[non_exhaustive]
    Inactive {
        /// The subscription.
        id: WebhookId,
    },
    /// It lacks triggers that the engine needs.
    #[non_exhaustive]
    MissingTriggers {
        /// The subscription.
        id: WebhookId,
        /// What it lacks.
        triggers: Vec<Trigger>,
    },
    /// It lacks triggers that only newer servers know. Harmless on an older one; a repair finds out.
    #[non_exhaustive]
    MissingNewerTriggers {
        /// The subscription.
        id: WebhookId,
        /// What it lacks.
        triggers: Vec<Trigger>,
    },
    /// It has no secret, so that its deliveries are refused here.
    #[non_exhaustive]
    Unsigned {
        /// The subscription.
        id: WebhookId,
    },
    /// Its secret is none of the tenant's, so that its deliveries are refused here.
    #[non_exhaustive]
    OtherSecret {
        /// The subscription.
        id: WebhookId,
    },
    /// It has a payload template, so that its deliveries cannot be read here. No repair removes it.
    #[non_exhaustive]
    Template {
        /// The subscription.
        id: WebhookId,
    },
    /// Another subscription goes to our URL, too, so that deliveries come twice. No repair removes
    /// it.
    #[non_exhaustive]
    Duplicate {
        /// The other subscription.
        id: WebhookId,
    },
    /// The tenant has no webhook secret here, so that every delivery is refused.
    NoSecretHere,
}

impl SubscriptionFinding {
    /// Whether webhooks get lost, or are refused, because of it.
    pub fn loses_webhooks(&self) -> bool {
        !matches!(
            self,
            Self::Duplicate { .. } | Self::MissingNewerTriggers { .. }
        )
    }
}

/// The result of a check or a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionReport {
    /// The tenant.
    pub tenant: TenantId,
    /// What was found.
    pub findings: Vec<SubscriptionFinding>,
    /// The subscription that a repair has created.
    pub created: Option<WebhookId>,
    /// The subscription that a repair has changed.
    pub updated: Option<WebhookId>,
    /// What is left of the findings after a repair; for a check, the findings.
    pub remaining: Vec<SubscriptionFinding>,
}

impl SubscriptionReport {
    /// Whether, as far as the subscription goes, no webhook gets lost.
    pub fn is_healthy(&self) -> bool {
        let mut left = self.remaining.iter();
        !left.any(SubscriptionFinding::loses_webhooks)
    }
}

/// Why a subscription could not be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// The tenant does not exist.
    #[error("there is no such tenant")]
    UnknownTenant,
    /// The tenant names no subscription; see
    /// [`Tenant::with_subscription`](super::Tenant::with_subscription).
    #[error("the tenant names no webhook subscription")]
    NotNamed,
    /// The tenant has no webhook secret to sign with.
    #[error("the tenant has no webhook secret")]
    NoSecret,
    /// The tenant directory failed.
    #[error("the tenant directory failed")]
    Directory(#[source] StoreError),
    /// A call to Cal.com failed.
    #[error("a call to Cal.com failed")]
    Calendar(#[from] CalendarError),
}

/// Compares the subscriptions that were found with the one that is expected. `refused` are newer
/// triggers that the server is known not to know.
pub fn check_subscriptions(
    expected: &ExpectedSubscription,
    found: &[WebhookSubscription],
    refused: &[Trigger],
) -> Vec<SubscriptionFinding> {
    let mut findings = Vec::new();
    if expected.secrets.is_empty() {
        findings.push(SubscriptionFinding::NoSecretHere);
    }
    let Some(own) = own_of(expected, found) else {
        findings.push(SubscriptionFinding::Missing);
        return findings;
    };
    let id = || own.id.clone();
    if !own.active {
        findings.push(SubscriptionFinding::Inactive { id: id() });
    }
    let lacks = |wanted: &[Trigger]| -> Vec<Trigger> {
        let wanted = wanted.iter().filter(|trigger| !refused.contains(trigger));
        let lacking = wanted.filter(|trigger| !own.triggers.contains(trigger));
        lacking.cloned().collect()
    };
    let triggers = lacks(&expected.triggers);
    if !triggers.is_empty() {
        findings.push(SubscriptionFinding::MissingTriggers { id: id(), triggers });
    }
    let triggers = lacks(&expected.newer_triggers);
    if !triggers.is_empty() {
        findings.push(SubscriptionFinding::MissingNewerTriggers { id: id(), triggers });
    }
    match own.secret.as_ref().map(ExposeSecret::expose_secret) {
        None | Some("") => findings.push(SubscriptionFinding::Unsigned { id: id() }),
        Some(secret) => {
            let mut accepted = expected.secrets.iter().map(ExposeSecret::expose_secret);
            if !expected.secrets.is_empty() && accepted.all(|known| known != secret) {
                findings.push(SubscriptionFinding::OtherSecret { id: id() });
            }
        }
    }
    let template = own.payload_template.as_ref();
    if template.is_some_and(|template| !template.is_empty()) {
        findings.push(SubscriptionFinding::Template { id: id() });
    }
    let others = found.iter().filter(|other| other.id != own.id);
    let others = others.filter(|other| is_same_url(&other.subscriber_url, &expected.url));
    findings.extend(others.map(|other| SubscriptionFinding::Duplicate {
        id: other.id.clone(),
    }));
    findings
}

/// The subscription that goes to our URL: of several, the one that does most of what it should.
fn own_of<'a>(
    expected: &ExpectedSubscription,
    found: &'a [WebhookSubscription],
) -> Option<&'a WebhookSubscription> {
    let ours = found
        .iter()
        .filter(|known| is_same_url(&known.subscriber_url, &expected.url));
    ours.max_by_key(|known| {
        let wanted = expected.triggers.iter();
        let has = wanted.filter(|trigger| known.triggers.contains(trigger));
        (known.active, has.count(), known.id.clone())
    })
}

/// Whether two URLs lead to the same place: the case of the host, the default port and a final slash
/// make no difference.
fn is_same_url(one: &str, other: &str) -> bool {
    fn plain(url: &str) -> String {
        let parsed = Url::parse(url.trim()).map_or_else(|_| url.trim().to_owned(), String::from);
        parsed.trim_end_matches('/').to_owned()
    }
    plain(one) == plain(other)
}

/// By tenant, the newer triggers that its server has refused, and when.
#[derive(Debug, Default)]
pub(super) struct RefusedTriggers(Mutex<HashMap<(TenantId, Trigger), DateTime<Utc>>>);

impl RefusedTriggers {
    fn add(&self, tenant: &TenantId, trigger: Trigger, now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| now - *at < TTL);
        known.insert((tenant.clone(), trigger), now);
    }

    fn of(&self, tenant: &TenantId, now: DateTime<Utc>) -> Vec<Trigger> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = known
            .iter()
            .filter(|((of, _), at)| of == tenant && now - **at < TTL);
        refused.map(|((_, trigger), _)| trigger.clone()).collect()
    }
}

impl Engine {
    /// Checks the tenant's own subscription.
    pub(super) async fn check_subscription_of(
        &self,
        id: &TenantId,
    ) -> Result<SubscriptionReport, SubscriptionError> {
        let tenant = self.host_call(self.tenants.tenant(id)).await;
        let tenant = tenant.map_err(SubscriptionError::Directory)?;
        let tenant = tenant.ok_or(SubscriptionError::UnknownTenant)?;
        let subscribed = Subscribed::of(self, &tenant)?;
        let found = subscribed.list().await?;
        let findings = subscribed.findings(&found);
        Ok(SubscriptionReport {
            tenant: id.clone(),
            remaining: findings.clone(),
            findings,
            created: None,
            updated: None,
        })
    }

    /// Creates the tenant's own subscription, or brings it to what it should be.
    pub(super) async fn repair_subscription_of(
        &self,
        id: &TenantId,
    ) -> Result<SubscriptionReport, SubscriptionError> {
        let tenant = self.host_call(self.tenants.tenant(id)).await;
        let tenant = tenant.map_err(SubscriptionError::Directory)?;
        let tenant = tenant.ok_or(SubscriptionError::UnknownTenant)?;
        let subscribed = Subscribed::of(self, &tenant)?;
        let found = subscribed.list().await?;
        let findings = subscribed.findings(&found);
        let mut report = SubscriptionReport {
            tenant: id.clone(),
            remaining: findings.clone(),
            findings,
            created: None,
            updated: None,
        };
        // Deliveries that nobody can verify are worth nothing.
        if subscribed.expected.secrets.is_empty() {
            return Ok(report);
        }
        match own_of(&subscribed.expected, &found) {
            None => report.created = Some(subscribed.create().await?),
            Some(own) => {
                if subscribed.bring_up(own, &report.findings).await? {
                    report.updated = Some(own.id.clone());
                }
            }
        }
        if report.created.is_some() || report.updated.is_some() {
            tracing::info!(tenant = %id, "the webhook subscription was repaired");
        }
        report.remaining = subscribed.findings(&subscribed.list().await?);
        Ok(report)
    }
}

/// A tenant's subscription, expected and at Cal.com.
struct Subscribed<'a> {
    engine: &'a Engine,
    tenant: &'a TenantId,
    port: &'a Arc<dyn Subscriptions>,
    expected: ExpectedSubscription,
}

impl<'a> Subscribed<'a> {
    fn of(engine: &'a Engine, tenant: &'a Tenant) -> Result<Self, SubscriptionError> {
        let named = tenant.subscription.as_ref();
        let (port, url) = named.ok_or(SubscriptionError::NotNamed)?;
        Ok(Self {
            engine,
            tenant: &tenant.id,
            port,
            expected: ExpectedSubscription::new(url, tenant.webhook_secrets.clone()),
        })
    }

    async fn list(&self) -> Result<Vec<WebhookSubscription>, CalendarError> {
        self.engine.calendar_call(self.port.subscriptions()).await
    }

    fn refused(&self) -> Vec<Trigger> {
        let now = self.engine.clock.now();
        self.engine.refused_triggers.of(self.tenant, now)
    }

    fn findings(&self, found: &[WebhookSubscription]) -> Vec<SubscriptionFinding> {
        check_subscriptions(&self.expected, found, &self.refused())
    }

    /// The newer triggers that the server may know.
    fn newer(&self) -> Vec<Trigger> {
        let refused = self.refused();
        let newer = self.expected.newer_triggers.iter();
        newer
            .filter(|trigger| !refused.contains(trigger))
            .cloned()
            .collect()
    }

    async fn create(&self) -> Result<WebhookId, CalendarError> {
        let newer = self.newer();
        let known = self.expected.triggers.clone();
        let all: Vec<Trigger> = known.iter().chain(&newer).cloned().collect();
        match self.subscribe(all).await {
            Ok(created) => Ok(created.id),
            Err(error) if is_refusal(&error) && !newer.is_empty() => {
                let created = self.subscribe(known).await?;
                self.add_one_by_one(&created.id, created.triggers, newer)
                    .await?;
                Ok(created.id)
            }
            Err(error) => Err(error),
        }
    }

    async fn subscribe(
        &self,
        triggers: Vec<Trigger>,
    ) -> Result<WebhookSubscription, CalendarError> {
        let secret = self.expected.secrets.first().cloned().unwrap_or_default();
        let new = NewWebhook::new(self.expected.url.clone(), triggers, secret);
        self.engine.calendar_call(self.port.subscribe(&new)).await
    }

    /// Changes what was found to be wrong; returns whether there was anything.
    async fn bring_up(
        &self,
        own: &WebhookSubscription,
        findings: &[SubscriptionFinding],
    ) -> Result<bool, CalendarError> {
        let mut update = WebhookUpdate::default();
        let mut newer = Vec::new();
        let mut lacking = Vec::new();
        for finding in findings {
            match finding {
                SubscriptionFinding::Inactive { .. } => update.active = Some(true),
                SubscriptionFinding::Unsigned { .. } | SubscriptionFinding::OtherSecret { .. } => {
                    update.secret = self.expected.secrets.first().cloned();
                }
                SubscriptionFinding::MissingTriggers { triggers, .. } => {
                    lacking.clone_from(triggers);
                }
                SubscriptionFinding::MissingNewerTriggers { triggers, .. } => {
                    newer.clone_from(triggers);
                }
                _ => {}
            }
        }
        // What somebody has added is kept.
        let known: Vec<Trigger> = own.triggers.iter().chain(&lacking).cloned().collect();
        let all: Vec<Trigger> = known.iter().chain(&newer).cloned().collect();
        if all != own.triggers {
            update.triggers = Some(all);
        }
        if update.triggers.is_none() && update.active.is_none() && update.secret.is_none() {
            return Ok(false);
        }
        match self.update(&own.id, &update).await {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(&error) && !newer.is_empty() => {
                let is_wrong_otherwise =
                    known != own.triggers || update.active.is_some() || update.secret.is_some();
                update.triggers = (known != own.triggers).then(|| known.clone());
                if is_wrong_otherwise {
                    self.update(&own.id, &update).await?;
                }
                let added = self.add_one_by_one(&own.id, known, newer).await?;
                Ok(is_wrong_otherwise || added)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds newer triggers as far as the server knows them, and remembers those that it refuses.
    async fn add_one_by_one(
        &self,
        id: &WebhookId,
        mut known: Vec<Trigger>,
        newer: Vec<Trigger>,
    ) -> Result<bool, CalendarError> {
        let mut added = false;
        for trigger in newer {
            let mut triggers = known.clone();
            triggers.push(trigger.clone());
            let update = WebhookUpdate::default().with_triggers(triggers.clone());
            match self.update(id, &update).await {
                Ok(_) => {
                    known = triggers;
                    added = true;
                }
                Err(error) if is_refusal(&error) => {
                    let now = self.engine.clock.now();
                    self.engine.refused_triggers.add(self.tenant, trigger, now);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(added)
    }

    async fn update(
        &self,
        id: &WebhookId,
        update: &WebhookUpdate,
    ) -> Result<WebhookSubscription, CalendarError> {
        let updated = self.port.update_subscription(id, update);
        self.engine.calendar_call(updated).await
    }
}

fn is_refusal(error: &CalendarError) -> bool {
    error.kind() == CalendarErrorKind::Rejected
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "https://salon.example/webhooks/salon";

    fn expected() -> ExpectedSubscription {
        ExpectedSubscription::new(URL, ["whsec_a".into(), "whsec_b".into()])
    }

    fn found(id: &str, more: &Value) -> WebhookSubscription {
        let triggers = NewWebhook::booking_triggers();
        let triggers: Vec<_> = triggers.iter().chain(&NEWER).collect();
        let mut json = json!({
            "id": id, "subscriberUrl": URL, "active": true, "secret": "whsec_b",
            "payloadTemplate": null, "triggers": triggers,
        });
        for (key, value) in more.as_object().unwrap() {
            json[key] = value.clone();
        }
        serde_json::from_value(json).unwrap()
    }

    fn findings(more: &Value) -> Vec<SubscriptionFinding> {
        check_subscriptions(&expected(), &[found("a", more)], &[])
    }

    #[test]
    fn one_that_is_as_it_should_be_leads_to_no_finding() {
        assert_eq!(findings(&json!({})), []);
        assert_eq!(findings(&json!({"secret": "whsec_a"})), []);
        let same = "https://SALON.example:443/webhooks/salon/";
        assert_eq!(findings(&json!({"subscriberUrl": same})), []);
    }

    #[test]
    fn every_fault_is_found() {
        let id = || WebhookId::new("a");
        let other = "https://salon.example/webhooks/other";
        let missing = [SubscriptionFinding::Missing];
        assert_eq!(findings(&json!({"subscriberUrl": other})), missing);
        assert_eq!(check_subscriptions(&expected(), &[], &[]), missing);
        let inactive = [SubscriptionFinding::Inactive { id: id() }];
        assert_eq!(findings(&json!({"active": false})), inactive);
        let unsigned = [SubscriptionFinding::Unsigned { id: id() }];
        assert_eq!(findings(&json!({"secret": null})), unsigned);
        let other_secret = [SubscriptionFinding::OtherSecret { id: id() }];
        assert_eq!(findings(&json!({"secret": "theirs"})), other_secret);
        let template = [SubscriptionFinding::Template { id: id() }];
        assert_eq!(findings(&json!({"payloadTemplate": "{}"})), template);
        let triggers = NewWebhook::booking_triggers();
        let found = findings(&json!({"triggers": &triggers[1..]}));
        let (first, newer) = (vec![triggers[0].clone()], NEWER.to_vec());
        assert_eq!(
            found,
            [
                SubscriptionFinding::MissingTriggers {
                    id: id(),
                    triggers: first
                },
                SubscriptionFinding::MissingNewerTriggers {
                    id: id(),
                    triggers: newer
                },
            ]
        );
        assert!(found[0].loses_webhooks() && !found[1].loses_webhooks());
    }

    #[test]
    fn a_refused_trigger_is_not_missed() {
        let plain = found("a", &json!({"triggers": NewWebhook::booking_triggers()}));
        assert_eq!(check_subscriptions(&expected(), &[plain], &NEWER), []);
    }

    #[test]
    fn the_better_one_of_two_is_ours_and_the_other_is_reported() {
        let off = found("b", &json!({"active": false}));
        let bare = found("c", &json!({"triggers": []}));
        let all = [off, found("a", &json!({})), bare];
        let duplicate = |id| SubscriptionFinding::Duplicate {
            id: WebhookId::new(id),
        };
        let findings = check_subscriptions(&expected(), &all, &[]);
        assert_eq!(findings, [duplicate("b"), duplicate("c")]);
    }

    #[test]
    fn without_a_secret_here_every_delivery_is_refused() {
        let nothing: [SecretString; 0] = [];
        let expected = ExpectedSubscription::new(URL, nothing);
        let findings = check_subscriptions(&expected, &[found("a", &json!({}))], &[]);
        assert_eq!(findings, [SubscriptionFinding::NoSecretHere]);
    }

    #[test]
    fn a_server_is_asked_again_after_a_while() {
        let (refused, tenant) = (RefusedTriggers::default(), TenantId::new("salon"));
        let now = DateTime::UNIX_EPOCH;
        refused.add(&tenant, NEWER[0].clone(), now);
        assert_eq!(refused.of(&tenant, now), NEWER[..1]);
        assert_eq!(refused.of(&TenantId::new("other"), now), []);
        assert_eq!(refused.of(&tenant, now + TTL), []);
    }
}
