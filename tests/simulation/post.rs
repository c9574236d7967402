//! The webhooks: they come late, twice, in any order, or, in some histories, never.

use std::sync::{Arc, Mutex};

use calcom::ambient::Clock;
use calcom::store::TenantId;
use calcom::sync::{Engine, ReceiveError, SyncEngine};
use calcom::testing::{Delivery, FakeCalcom, Fault, Then, When, sign};
use calcom::webhook::SIGNATURE_HEADER;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};

use crate::chance::Chance;
use crate::clock::SimClock;
use crate::plan::Plan;

/// An address to which nothing can be sent: a fake that sends there knows so at once, and without a network.
pub(crate) const NOWHERE: &str = "nowhere:/";

/// What the fake has told and what of it has arrived.
#[derive(Clone)]
pub(crate) struct Post {
    fake: FakeCalcom,
    chance: Chance,
    clock: SimClock,
    /// The hosted service writes a body when it sends it for the first time.
    writes_late: bool,
    bag: Arc<Mutex<Bag>>,
}

#[derive(Default)]
struct Bag {
    /// Who receives.
    engine: Option<Arc<Engine>>,
    /// How many of the fake's webhooks were looked at.
    seen: usize,
    waiting: Vec<usize>,
    lost: Vec<(usize, DateTime<Utc>)>,
    /// How many in a hundred arrive before the answer of the call that caused them.
    prompt: u32,
    /// How many in a hundred are lost for good.
    losing: u32,
}

impl Post {
    pub(crate) fn new(fake: &FakeCalcom, plan: &Plan, clock: &SimClock, chance: Chance) -> Self {
        let post = Self {
            fake: fake.clone(),
            bag: Arc::default(),
            clock: clock.clone(),
            writes_late: plan.is_hosted(),
            chance,
        };
        post.bag.lock().unwrap().losing = plan.lost;
        post.arrive_promptly(plan.prompt);
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

    /// From now on every webhook arrives in the end.
    pub(crate) fn lose_no_more(&self) {
        self.bag.lock().unwrap().losing = 0;
    }

    /// What was lost for good, and when.
    pub(crate) fn lost(&self) -> Vec<(Delivery, DateTime<Utc>)> {
        let all = self.fake.deliveries();
        let bag = self.bag.lock().unwrap();
        let lost = bag.lost.iter();
        lost.map(|(id, at)| (all[*id].clone(), *at)).collect()
    }

    /// What was lost turns up after all.
    pub(crate) fn find_lost(&self) {
        let mut bag = self.bag.lock().unwrap();
        let lost = std::mem::take(&mut bag.lost);
        bag.waiting.extend(lost.into_iter().map(|(id, _)| id));
    }

    /// How many are on their way.
    pub(crate) fn waiting(&self) -> usize {
        self.collect();
        self.bag.lock().unwrap().waiting.len()
    }

    fn collect(&self) {
        let told = self.fake.deliveries().len();
        let mut bag = self.bag.lock().unwrap();
        for id in bag.seen..told {
            if self.chance.percent(bag.losing) {
                bag.lost.push((id, self.clock.now()));
            } else {
                bag.waiting.push(id);
            }
        }
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

    /// Sends one once more, whatever became of it before, unless it was lost.
    pub(crate) async fn again(&self) -> Option<usize> {
        let ids = self.all();
        let id = *self.chance.pick(&ids)?;
        self.send(id).await;
        Some(id)
    }

    /// Sends all once more.
    pub(crate) async fn all_again(&self) {
        for id in self.all() {
            self.send(id).await;
        }
    }

    fn all(&self) -> Vec<usize> {
        self.collect();
        let bag = self.bag.lock().unwrap();
        let is_lost = |id: &usize| bag.lost.iter().any(|(lost, _)| lost == id);
        (0..bag.seen).filter(|id| !is_lost(id)).collect()
    }

    async fn send(&self, id: usize) -> bool {
        if self.writes_late {
            // Fails at once, and has the body written anew.
            self.fake.release(&[id]).await;
        }
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
