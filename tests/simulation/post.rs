//! The webhooks: nothing is lost for good, all else may happen to them.

use std::sync::{Arc, Mutex};

use calcom::store::TenantId;
use calcom::sync::{Engine, ReceiveError, SyncEngine};
use calcom::testing::{FakeCalcom, Fault, Then, When, sign};
use calcom::webhook::SIGNATURE_HEADER;
use http::{HeaderMap, HeaderValue};

use crate::chance::Chance;

/// What the fake has told and what of it has arrived.
#[derive(Clone)]
pub(crate) struct Post {
    fake: FakeCalcom,
    chance: Chance,
    bag: Arc<Mutex<Bag>>,
}

#[derive(Default)]
struct Bag {
    /// Who receives.
    engine: Option<Arc<Engine>>,
    /// How many of the fake's webhooks were looked at.
    seen: usize,
    waiting: Vec<usize>,
    /// How many in a hundred arrive before the answer of the call that caused them.
    prompt: u32,
}

impl Post {
    pub(crate) fn new(fake: &FakeCalcom, chance: Chance) -> Self {
        let post = Self {
            fake: fake.clone(),
            bag: Arc::default(),
            chance,
        };
        post.keep_all();
        post
    }

    /// The fake hands every webhook to the history; to be said again after its faults were cleared.
    pub(crate) fn keep_all(&self) {
        let hold = Fault::new(When::Any, Then::HoldWebhooks).always();
        self.fake.inject(hold);
    }

    pub(crate) fn address(&self, engine: &Arc<Engine>) {
        self.bag.lock().unwrap().engine = Some(engine.clone());
    }

    pub(crate) fn arrive_promptly(&self, percent: u32) {
        self.bag.lock().unwrap().prompt = percent;
    }

    /// How many are on their way.
    pub(crate) fn waiting(&self) -> usize {
        self.collect();
        self.bag.lock().unwrap().waiting.len()
    }

    fn collect(&self) {
        let told = self.fake.deliveries().len();
        let mut bag = self.bag.lock().unwrap();
        let new = bag.seen..told;
        bag.waiting.extend(new);
        bag.seen = told;
    }

    /// Delivers each that is on its way, or leaves it there.
    pub(crate) async fn deliver_some(&self) {
        self.collect();
        let prompt = self.bag.lock().unwrap().prompt;
        self.deliver(prompt).await;
    }

    /// Delivers so many in a hundred of those on their way, in any order.
    pub(crate) async fn deliver(&self, percent: u32) {
        self.collect();
        let mut waiting = std::mem::take(&mut self.bag.lock().unwrap().waiting);
        self.chance.shuffle(&mut waiting);
        for id in waiting {
            let arrived = self.chance.percent(percent) && self.send(id).await;
            if !arrived {
                self.bag.lock().unwrap().waiting.push(id);
            }
        }
    }

    /// Sends one once more, whatever became of it before.
    pub(crate) async fn again(&self) -> Option<usize> {
        let told = self.fake.deliveries().len();
        let ids: Vec<usize> = (0..told).collect();
        let id = *self.chance.pick(&ids)?;
        self.send(id).await;
        Some(id)
    }

    /// Sends all once more.
    pub(crate) async fn all_again(&self) {
        for id in 0..self.fake.deliveries().len() {
            self.send(id).await;
        }
    }

    async fn send(&self, id: usize) -> bool {
        let delivery = self.fake.deliveries()[id].clone();
        let tenant = delivery.url.rsplit('/').next().unwrap();
        let tenant = TenantId::new(tenant);
        self.receive(&tenant, &delivery.signature, &delivery.body)
            .await
    }

    /// Hands over bytes of the history's own, rightly signed.
    pub(crate) async fn forge(&self, tenant: &TenantId, secret: &str, body: &[u8]) -> bool {
        self.receive(tenant, &sign(secret, body), body).await
    }

    /// Whether it was acknowledged; the sender keeps what was not.
    async fn receive(&self, tenant: &TenantId, signature: &str, body: &[u8]) -> bool {
        let Some(engine) = self.bag.lock().unwrap().engine.clone() else {
            return false;
        };
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(signature).unwrap());
        match engine.receive(tenant, &headers, body).await {
            Ok(_) => true,
            Err(ReceiveError::Store(_)) => false,
            Err(error) => panic!("a webhook was refused: {error}"),
        }
    }
}
