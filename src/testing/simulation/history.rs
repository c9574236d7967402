//! A random history: what the host, people at Cal.com, the network and the operator do, in any
//! order.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;

use super::chance::Chance;
use super::coverage::Mishap;
use super::plan::{Actors, Plan, Setting};
use super::processes::Sleeper;
use super::quiet::WEBHOOK_LAG;
use super::tenants::Customer;
use super::world::World;
use super::{StartHost, lock};
use crate::ambient::Clock;
use crate::testing::WebhookBody;

/// What happened, for whoever has to find out why it went wrong.
#[derive(Clone, Default)]
pub(super) struct Chronicle(Arc<Mutex<Vec<String>>>);

impl Chronicle {
    pub(super) fn note(&self, line: impl Into<String>) {
        lock(&self.0).push(line.into());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}

/// After this some of the slots lie in the past, and some ahead.
const DAYS: Duration = Duration::from_secs(8 * 24 * 60 * 60 + 5 * 60 * 60);

pub(super) struct History {
    pub(super) world: World,
    pub(super) chance: Chance,
    pub(super) chronicle: Chronicle,
    /// Turns that were put aside in the middle.
    pub(super) sleepers: Vec<Sleeper>,
    /// Whether the last sweep did not come to its end.
    pub(super) broken_off: Cell<bool>,
    foreign: u32,
}

impl History {
    pub(super) async fn new(
        setting: Setting,
        seed: u64,
        start: &StartHost,
        chronicle: Chronicle,
    ) -> Self {
        let chance = Chance::with_seed(seed);
        let plan = Plan::draw(setting, &chance);
        let world = World::new(setting, plan, chance.fork(), seed, start).await;
        chronicle.note(format!(
            "{setting:?}, {:?}, policies: {:?}",
            world.plan,
            world.customers.each_ref().map(|c| &c.policy)
        ));
        Self {
            world,
            chance,
            chronicle,
            sleepers: Vec::new(),
            broken_off: Cell::new(false),
            foreign: 0,
        }
    }

    pub(super) async fn live(&mut self) {
        if self.chance.percent(30) {
            self.world.host_fails.store(5, Ordering::SeqCst);
        }
        if self.world.plan.poison && self.world.plan.actors != Actors::CalCom {
            self.plant_poison().await;
        }
        for _ in 0..self.chance.number(20..61) {
            self.step().await;
        }
        if self.chance.percent(15) {
            // What is broken is mended within that time, and the workers sweep on a schedule.
            self.mend().await;
            self.world.advance(2 * WEBHOOK_LAG).await;
            let report = self.sweep_whole().await;
            self.note(format!("eight days pass, after a sweep: {report}"));
            self.world.tally.fault(Mishap::DaysPass);
            self.world.advance(DAYS).await;
            for _ in 0..self.chance.number(5..20) {
                self.step().await;
            }
        }
    }

    pub(super) fn note(&self, line: impl Into<String>) {
        let now = self.world.clock.now();
        self.chronicle
            .note(format!("{} {}", now.format("%T%.3f"), line.into()));
    }

    pub(super) fn customer(&self) -> &Customer {
        let second = usize::from(self.chance.percent(35));
        &self.world.customers[second]
    }

    async fn step(&mut self) {
        let chance = self.chance.clone();
        match chance.number(0..119) {
            0..=51 => self.somebody_acts().await,
            52..=64 => self.engine_steps().await,
            65..=70 => self.several_workers().await,
            71..=74 => self.crash().await,
            75 => self.stop_one().await,
            76..=80 => self.put_aside().await,
            81..=84 => self.wake_one().await,
            85..=92 => {
                let millis = chance.one_of(&[100, 1100, 5500, 60_000, 125_000]);
                self.note(format!("{millis} ms pass"));
                self.world.advance(Duration::from_millis(millis)).await;
            }
            93..=99 => self.something_breaks(),
            100..=104 => {
                let percent = chance.one_of(&[30, 100]);
                self.note(format!("{percent} % of the webhooks arrive"));
                self.world.post.deliver(percent).await;
            }
            105..=106 => {
                let id = self.world.post.again().await;
                self.note(format!("webhook {id:?} arrives (again)"));
            }
            107 => {
                let online = !self.world.exchange.online.load(Ordering::SeqCst);
                self.note(format!("online: {online}"));
                if !online {
                    self.world.tally.fault(Mishap::Offline);
                }
                self.world.set_online(online).await;
            }
            108 => self.foreign_delivery().await,
            109..=111 => {
                // A person is asked about what does not show within half a minute.
                let millis = chance.one_of(&[300, 3_000, 20_000]);
                self.note(format!("the replica lags for {millis} ms"));
                self.world.tally.fault(Mishap::ReplicaLags);
                self.world.lag(TimeDelta::milliseconds(millis)).await;
            }
            112..=114 => self.somebody_sweeps().await,
            _ => self.somebody_resolves().await,
        }
    }

    async fn somebody_acts(&self) {
        let is_hosts = match self.world.plan.actors {
            Actors::Host => true,
            Actors::CalCom => false,
            Actors::Everybody => self.chance.percent(70),
        };
        if is_hosts {
            self.host_acts().await;
        } else {
            self.somebody_at_cal_com_acts().await;
        }
    }

    /// A webhook that is signed by one tenant names a booking of the other.
    async fn foreign_delivery(&mut self) {
        self.foreign += 1;
        let (victim, sender) = match self.chance.percent(50) {
            true => (&self.world.customers[0], &self.world.customers[1]),
            false => (&self.world.customers[1], &self.world.customers[0]),
        };
        let theirs = self.world.live_bookings(victim);
        let Some(foreign) = self.chance.pick(&theirs) else {
            return;
        };
        let own = self.world.live_bookings(sender);
        let uid = foreign.uid.clone();
        let body = match self.chance.pick(&own) {
            Some(own) if self.chance.percent(60) => {
                WebhookBody::rescheduled(uid, foreign.start, own.uid.clone(), own.start)
            }
            _ => WebhookBody::cancelled(uid, foreign.start),
        };
        self.world.tally.fault(Mishap::ForgedWebhook);
        // Bytes that were never sent before.
        let body = body.with_reason(format!("forged {}", self.foreign));
        self.note(format!(
            "{} names {} of {}",
            sender.id, foreign.uid, victim.id
        ));
        let post = &self.world.post;
        post.forge(&sender.id, sender.secret, &body.to_bytes())
            .await;
    }
}
