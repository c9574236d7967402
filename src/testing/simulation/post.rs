//! The webhooks: they come late, twice, in any order, or, in some histories, never.

use std::sync::{Arc, Mutex};

use crate::ambient::Clock;
use crate::store::TenantId;
use crate::sync::{Engine, ReceiveError, SyncEngine};
use crate::testing::{Delivery, FakeCalcom, Fault, Then, When, sign};
use crate::webhook::SIGNATURE_HEADER;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};

use super::chance::Chance;
use super::clock::SimClock;
use super::coverage::{Mishap, Tally};
use super::lock;
use super::plan::Plan;

/// An address to which nothing can be sent: a fake that sends there knows so at once, and without a
/// network.
pub(super) const NOWHERE: &str = "nowhere:/";

/// What the fake has told and what of it has arrived.
#[derive(Clone)]
pub(super) struct Post {
    fake: FakeCalcom,
    chance: Chance,
    clock: SimClock,
    tally: Tally,
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
    pub(super) fn new(
        fake: &FakeCalcom,
        plan: &Plan,
        clock: &SimClock,
        chance: Chance,
        tally: Tally,
    ) -> Self {
        let post = Self {
            fake: fake.clone(),
            bag: Arc::default(),
            clock: clock.clone(),
            writes_late: plan.is_hosted(),
            chance,
            tally,
        };
        lock(&post.bag).losing = plan.lost;
        post.arrive_promptly(plan.prompt);
        post.keep_all();
        post
    }

    /// The fake hands every webhook to the history; to be said again after its faults were cleared.
    pub(super) fn keep_all(&self) {
        let hold = Fault::new(When::Any, Then::HoldWebhooks).always();
        self.fake.inject(hold);
    }

    pub(super) fn address(&self, engine: &Arc<Engine>) {
        lock(&self.bag).engine = Some(engine.clone());
    }

    /// Nobody receives any more. The engine holds its way to Cal.com, and that this: unless one lets go,
    /// no history is ever freed.
    pub(super) fn close(&self) {
        lock(&self.bag).engine = None;
    }

    pub(super) fn arrive_promptly(&self, percent: u32) {
        lock(&self.bag).prompt = percent;
    }

    /// From now on every webhook arrives in the end.
    pub(super) fn lose_no_more(&self) {
        lock(&self.bag).losing = 0;
    }

    /// What was lost for good, and when.
    pub(super) fn lost(&self) -> Vec<(Delivery, DateTime<Utc>)> {
        let all = self.fake.deliveries();
        let bag = lock(&self.bag);
        let lost = bag.lost.iter();
        lost.map(|(id, at)| (all[*id].clone(), *at)).collect()
    }

    /// What was lost turns up after all.
    pub(super) fn find_lost(&self) {
        let mut bag = lock(&self.bag);
        let lost = std::mem::take(&mut bag.lost);
        bag.waiting.extend(lost.into_iter().map(|(id, _)| id));
    }

    /// How many are on their way.
    pub(super) fn waiting(&self) -> usize {
        self.collect();
        lock(&self.bag).waiting.len()
    }

    fn collect(&self) {
        let told = self.fake.deliveries().len();
        let mut bag = lock(&self.bag);
        for id in bag.seen..told {
            if self.chance.percent(bag.losing) {
                bag.lost.push((id, self.clock.now()));
                self.tally.fault(Mishap::WebhookLost);
            } else {
                bag.waiting.push(id);
            }
        }
        bag.seen = told;
    }

    /// Delivers each that is on its way, or leaves it there.
    pub(super) async fn deliver_some(&self) {
        self.collect();
        let prompt = lock(&self.bag).prompt;
        self.deliver(prompt).await;
    }

    /// Delivers so many in a hundred of those on their way, in any order.
    pub(super) async fn deliver(&self, percent: u32) {
        self.collect();
        let mut waiting = std::mem::take(&mut lock(&self.bag).waiting);
        self.chance.shuffle(&mut waiting);
        for id in waiting {
            let arrived = self.chance.percent(percent) && self.send(id).await;
            if !arrived {
                self.tally.fault(Mishap::WebhookLate);
                lock(&self.bag).waiting.push(id);
            }
        }
    }

    /// Sends one once more, whatever became of it before, unless it was lost.
    pub(super) async fn again(&self) -> Option<usize> {
        let ids = self.all();
        let id = *self.chance.pick(&ids)?;
        self.tally.fault(Mishap::WebhookTwice);
        self.send(id).await;
        Some(id)
    }

    /// Sends all once more.
    pub(super) async fn all_again(&self) {
        for id in self.all() {
            self.send(id).await;
        }
    }

    fn all(&self) -> Vec<usize> {
        self.collect();
        let bag = lock(&self.bag);
        let is_lost = |id: &usize| bag.lost.iter().any(|(lost, _)| lost == id);
        (0..bag.seen).filter(|id| !is_lost(id)).collect()
    }

    async fn send(&self, id: usize) -> bool {
        if self.writes_late {
            // Fails at once, and has the body written anew.
            self.fake.release(&[id]).await;
        }
        let delivery = self.fake.deliveries()[id].clone();
        let tenant = TenantId::new(delivery.url.trim_start_matches(NOWHERE));
        self.receive(&tenant, &delivery.signature, &delivery.body)
            .await
    }

    /// Hands over bytes of the history's own, rightly signed.
    pub(super) async fn forge(&self, tenant: &TenantId, secret: &str, body: &[u8]) -> bool {
        self.receive(tenant, &sign(secret, body), body).await
    }

    /// Whether it was acknowledged; the sender keeps what was not.
    async fn receive(&self, tenant: &TenantId, signature: &str, body: &[u8]) -> bool {
        let Some(engine) = lock(&self.bag).engine.clone() else {
            return false;
        };
        let mut headers = HeaderMap::new();
        let signature = HeaderValue::from_str(signature).expect("a signature is hexadecimal");
        headers.insert(SIGNATURE_HEADER, signature);
        match engine.receive(tenant, &headers, body).await {
            Ok(_) => true,
            Err(ReceiveError::Store(_)) => false,
            Err(error) => panic!("a webhook was refused: {error}"),
        }
    }
}
