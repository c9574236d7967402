//! Webhooks on their way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::fault::Then;
use super::history::{Delivery, DeliveryOutcome};
use super::request::Operation;
use super::shared::{Shared, WebhookTiming, lock};
use super::state::Notice;
use crate::model::BookingUid;
use crate::testing::sign::{NO_SECRET, PAYLOAD_VERSION, PAYLOAD_VERSION_HEADER, sign};
use crate::webhook::SIGNATURE_HEADER;

/// How long a receiver may take. Observed: a caller waits at least 8 s for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the hosted service tries.
const ATTEMPTS: u32 = 3;

impl Shared {
    /// Writes one delivery for each subscription that wants to hear, and says their numbers.
    pub(super) fn write_deliveries(&self, notice: &Notice) -> Vec<usize> {
        let trigger = notice.facts.kind.trigger();
        let body: Bytes = notice.facts.to_json().to_string().into();
        let subscribers: Vec<(String, String)> = lock(&self.state)
            .subscriptions
            .iter()
            .filter(|subscription| {
                subscription.active
                    && subscription.user == notice.host
                    && subscription
                        .triggers
                        .iter()
                        .any(|word| word == trigger.as_str())
            })
            .map(|subscription| {
                let secret = subscription
                    .secret
                    .as_deref()
                    .filter(|secret| !secret.is_empty());
                let signature = secret.map_or(NO_SECRET.into(), |secret| sign(secret, &body));
                (subscription.url.clone(), signature)
            })
            .collect();
        let mut deliveries = lock(&self.deliveries);
        subscribers
            .into_iter()
            .map(|(url, signature)| {
                let id = deliveries.len();
                deliveries.push(Delivery {
                    id,
                    trigger: trigger.clone(),
                    booking_uid: BookingUid::new(notice.facts.uid.clone()),
                    url,
                    body: body.clone(),
                    signature,
                    attempts: 0,
                    outcome: DeliveryOutcome::Open,
                });
                id
            })
            .collect()
    }

    /// Sends a delivery as the timing and the script of faults have it.
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
        match self.timing {
            WebhookTiming::BeforeAnswer => self.attempt(id).await,
            WebhookTiming::After { .. } => self.send_later(id, self.some_delay()),
        }
    }

    fn send_later(self: &Arc<Self>, id: usize, delay: Duration) {
        let shared = Arc::clone(self);
        self.spawn(async move {
            tokio::time::sleep(delay).await;
            shared.attempt(id).await;
            if matches!(shared.timing, WebhookTiming::BeforeAnswer) {
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
        let answer = self
            .http
            .post(&url)
            .header("content-type", "application/json")
            .header(SIGNATURE_HEADER, signature)
            .header(PAYLOAD_VERSION_HEADER, PAYLOAD_VERSION)
            .timeout(PATIENCE)
            .body(body)
            .send()
            .await;
        let outcome = answer.map_or(DeliveryOutcome::Failed, |answer| {
            DeliveryOutcome::Answered(answer.status().as_u16())
        });
        let gone = outcome == DeliveryOutcome::Answered(410);
        self.set_outcome(id, outcome);
        if gone && matches!(self.timing, WebhookTiming::After { .. }) {
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
        let WebhookTiming::After { min, max } = self.timing else {
            return Duration::ZERO;
        };
        let share = lock(&self.state).delay_rng.f64();
        min + max.saturating_sub(min).mul_f64(share)
    }

    fn copy(&self, id: usize) -> usize {
        let mut deliveries = lock(&self.deliveries);
        let copy = Delivery {
            id: deliveries.len(),
            ..deliveries[id].clone()
        };
        deliveries.push(copy);
        deliveries.len() - 1
    }

    fn set_outcome(&self, id: usize, outcome: DeliveryOutcome) {
        lock(&self.deliveries)[id].outcome = outcome;
    }
}
