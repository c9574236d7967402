//! Webhooks on their way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::fault::Then;
use super::history::{Delivery, DeliveryOutcome};
use super::kind::ServerKind;
use super::notice::Notice;
use super::request::Operation;
use super::shared::{Shared, lock};
use crate::model::BookingUid;
use crate::testing::payload::Facts;
use crate::testing::sign::{NO_SECRET, PAYLOAD_VERSION, PAYLOAD_VERSION_HEADER, sign};
use crate::webhook::SIGNATURE_HEADER;

/// How long a receiver may take. Observed: a caller waits at least 8 s for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the hosted service tries.
const ATTEMPTS: u32 = 3;

/// A body that is still to be written, for a delivery and its copies.
pub(super) struct Draft {
    notice: Notice,
    secret: Option<String>,
    deliveries: Vec<usize>,
}

fn write(facts: &Facts, secret: Option<&str>) -> (Bytes, String) {
    let body = Bytes::from(facts.to_json().to_string());
    let signature = secret.map_or(NO_SECRET.into(), |secret| sign(secret, &body));
    (body, signature)
}

impl Shared {
    /// Writes one delivery for each subscription that wants to hear, and says their numbers.
    pub(super) fn write_deliveries(&self, notice: &Notice) -> Vec<usize> {
        let trigger = notice.facts.kind.trigger();
        let subscribers: Vec<(String, Option<String>)> = lock(&self.state)
            .subscriptions
            .iter()
            .filter(|subscription| {
                subscription.active
                    && subscription.user == notice.host
                    && subscription
                        .event_type
                        .is_none_or(|id| id == notice.facts.event_type_id)
                    && subscription
                        .triggers
                        .iter()
                        .any(|word| word == trigger.as_str())
            })
            .map(|subscription| {
                let secret = subscription.secret.clone();
                let secret = secret.filter(|secret| !secret.is_empty());
                (subscription.url.clone(), secret)
            })
            .collect();
        let mut deliveries = lock(&self.deliveries);
        subscribers
            .into_iter()
            .map(|(url, secret)| {
                let id = deliveries.len();
                let (body, signature) = write(&notice.facts, secret.as_deref());
                deliveries.push(Delivery {
                    id,
                    trigger: trigger.clone(),
                    booking_uid: BookingUid::new(notice.facts.uid.clone()),
                    url,
                    body,
                    signature,
                    attempts: 0,
                    outcome: DeliveryOutcome::Open,
                });
                if self.kind.is_hosted() {
                    lock(&self.drafts).push(Draft {
                        notice: notice.clone(),
                        secret,
                        deliveries: vec![id],
                    });
                }
                id
            })
            .collect()
    }

    /// Writes a body anew, as the hosted service does before it sends it for the first time.
    fn write_anew(&self, id: usize) {
        let draft = {
            let mut drafts = lock(&self.drafts);
            let Some(index) = drafts
                .iter()
                .position(|draft| draft.deliveries.contains(&id))
            else {
                return;
            };
            drafts.swap_remove(index)
        };
        let facts = lock(&self.state).as_of_now(&draft.notice);
        let (body, signature) = write(&facts, draft.secret.as_deref());
        let mut deliveries = lock(&self.deliveries);
        for id in draft.deliveries {
            deliveries[id].body.clone_from(&body);
            deliveries[id].signature.clone_from(&signature);
        }
    }

    /// Sends a delivery as the kind of server and the script of faults have it.
    pub(super) async fn send(self: &Arc<Self>, cause: Operation, id: usize) {
        let trigger = lock(&self.deliveries)[id].trigger.clone();
        let fault = lock(&self.script).strike(cause, Some(&trigger));
        match fault {
            Some(Then::LoseWebhook) => self.set_outcome(id, DeliveryOutcome::Lost),
            Some(Then::HoldWebhooks) => self.set_outcome(id, DeliveryOutcome::Held),
            Some(Then::DelayWebhook(delay)) => self.send_later(id, delay),
            Some(Then::DoubleWebhook) => {
                let copy = self.copy(id);
                self.send_timely(id).await;
                self.send_timely(copy).await;
            }
            _ => self.send_timely(id).await,
        }
    }

    async fn send_timely(self: &Arc<Self>, id: usize) {
        match self.kind {
            ServerKind::SelfHosted => self.attempt(id).await,
            ServerKind::Hosted { .. } => self.send_later(id, self.some_delay()),
        }
    }

    fn send_later(self: &Arc<Self>, id: usize, delay: Duration) {
        let shared = Arc::clone(self);
        self.spawn(async move {
            tokio::time::sleep(delay).await;
            shared.attempt(id).await;
            if !shared.kind.is_hosted() {
                return;
            }
            for _ in 1..ATTEMPTS {
                if !shared.wants_retry(id) {
                    return;
                }
                tokio::time::sleep(shared.some_delay()).await;
                shared.attempt(id).await;
            }
        });
    }

    /// Sends once, now, and keeps how that went.
    pub(super) async fn attempt(&self, id: usize) {
        self.write_anew(id);
        let (url, body, signature) = {
            let mut deliveries = lock(&self.deliveries);
            let delivery = &mut deliveries[id];
            delivery.attempts += 1;
            (
                delivery.url.clone(),
                delivery.body.clone(),
                delivery.signature.clone(),
            )
        };
        let mut request = self
            .http
            .post(&url)
            .header("content-type", "application/json")
            .header(SIGNATURE_HEADER, signature);
        if self.kind.is_hosted() {
            // Servers of August 2025 did not send it yet.
            request = request.header(PAYLOAD_VERSION_HEADER, PAYLOAD_VERSION);
        }
        let answer = request.timeout(PATIENCE).body(body).send().await;
        let outcome = answer.map_or(DeliveryOutcome::Failed, |answer| {
            DeliveryOutcome::Answered(answer.status().as_u16())
        });
        let gone = outcome == DeliveryOutcome::Answered(410);
        self.set_outcome(id, outcome);
        if gone && self.kind.is_hosted() {
            let mut state = lock(&self.state);
            for subscription in &mut state.subscriptions {
                subscription.active &= subscription.url != url;
            }
        }
    }

    fn wants_retry(&self, id: usize) -> bool {
        matches!(
            lock(&self.deliveries)[id].outcome,
            DeliveryOutcome::Failed | DeliveryOutcome::Answered(408 | 429 | 500 | 502 | 503 | 504)
        )
    }

    fn some_delay(&self) -> Duration {
        let ServerKind::Hosted {
            min_delay,
            max_delay,
        } = self.kind
        else {
            return Duration::ZERO;
        };
        let share = lock(&self.state).delay_rng.f64();
        min_delay + max_delay.saturating_sub(min_delay).mul_f64(share)
    }

    fn copy(&self, id: usize) -> usize {
        let mut deliveries = lock(&self.deliveries);
        let copy = Delivery {
            id: deliveries.len(),
            ..deliveries[id].clone()
        };
        deliveries.push(copy);
        let copy = deliveries.len() - 1;
        for draft in lock(&self.drafts).iter_mut() {
            if draft.deliveries.contains(&id) {
                draft.deliveries.push(copy);
            }
        }
        copy
    }

    fn set_outcome(&self, id: usize, outcome: DeliveryOutcome) {
        lock(&self.deliveries)[id].outcome = outcome;
    }
}
