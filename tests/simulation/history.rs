//! A random history: what the host, people at Cal.com, the network and the operator do, in any order.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::store::{AppointmentStatus, Guests, Origin};
use calcom::testing::{Fault, Operation, Then, WebhookBody};
use chrono::TimeDelta;

use crate::chance::Chance;
use crate::host::{FAILS, PANICS};
use crate::plan::{Actors, Plan};
use crate::processes::Sleeper;
use crate::tenants::Customer;
use crate::world::{SLOTS, Setting, World, person, slot, wish};

/// What happened, for whoever has to find out why it went wrong.
#[derive(Clone, Default)]
pub(crate) struct Chronicle(Arc<Mutex<Vec<String>>>);

impl Chronicle {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

pub(crate) struct History {
    pub(crate) world: World,
    pub(crate) chance: Chance,
    pub(crate) chronicle: Chronicle,
    /// Turns that were put aside in the middle.
    pub(crate) sleepers: Vec<Sleeper>,
    foreign: u32,
}

/// Where appointments take place.
const ROOMS: [&str; 3] = ["Room 1", "Room 2", "Room 3"];

impl History {
    pub(crate) async fn new(setting: Setting, seed: u64, chronicle: Chronicle) -> Self {
        let chance = Chance::with_seed(seed);
        let plan = Plan::draw(setting, &chance);
        let world = World::new(setting, plan, chance.fork()).await;
        chronicle.note(format!(
            "{setting:?}, {:?}, policies: {:?}",
            world.plan,
            world.customers.each_ref().map(|c| c.policy)
        ));
        Self {
            world,
            chance,
            chronicle,
            sleepers: Vec::new(),
            foreign: 0,
        }
    }

    pub(crate) async fn live(&mut self) {
        if self.chance.percent(30) {
            self.world.host_fails.store(5, Ordering::SeqCst);
        }
        if self.world.plan.poison && self.world.plan.actors != Actors::CalCom {
            self.plant_poison().await;
        }
        for _ in 0..self.chance.number(20..61) {
            self.step().await;
        }
    }

    pub(crate) fn note(&self, line: impl Into<String>) {
        let now = calcom::ambient::Clock::now(&self.world.clock);
        self.chronicle
            .note(format!("{} {}", now.format("%T%.3f"), line.into()));
    }

    pub(crate) fn customer(&self) -> &Customer {
        let second = usize::from(self.chance.percent(35));
        &self.world.customers[second]
    }

    async fn step(&mut self) {
        match self.chance.number(0..116) {
            0..=51 => self.somebody_acts().await,
            52..=64 => self.engine_steps().await,
            65..=70 => self.several_workers().await,
            71..=75 => self.crash().await,
            76..=80 => self.put_aside().await,
            81..=84 => self.wake_one().await,
            85..=92 => {
                let spans = [100, 1100, 5500, 60_000, 125_000];
                let millis = *self.chance.pick(&spans).unwrap();
                self.note(format!("{millis} ms pass"));
                self.world.advance(Duration::from_millis(millis)).await;
            }
            93..=99 => self.something_breaks(),
            100..=104 => {
                let percent = *self.chance.pick(&[30, 100]).unwrap();
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
                self.world.set_online(online).await;
            }
            108 => self.foreign_delivery().await,
            109..=111 => {
                // A person is asked about what does not show within half a minute.
                let span = *self.chance.pick(&[300, 3_000, 20_000]).unwrap();
                self.note(format!("the replica lags for {span} ms"));
                self.world.lag(Duration::from_millis(span)).await;
            }
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

    /// Two appointments that nobody can work on: reading one panics, reading the other fails.
    async fn plant_poison(&self) {
        for (id, hour) in [(PANICS, 20), (FAILS, 21)] {
            let customer = self.customer();
            let start = slot(0) + TimeDelta::hours(hour);
            let state = wish(customer.types.plain, start, 30, 0);
            let world = &self.world;
            world.make(customer, &id.into(), state, Origin::Phone).await;
            self.note(format!("{}: {id} is planted", customer.id));
        }
    }

    async fn host_acts(&self) {
        let (customer, chance) = (self.customer(), &self.chance);
        let start = slot(chance.number(0..SLOTS));
        let origin = match chance.number(0..25) {
            0..=1 => Origin::Calcom,
            2..=12 => Origin::Phone,
            _ => Origin::Admin,
        };
        let mut all = self.world.appointments(customer).await;
        all.retain(|found| ![PANICS, FAILS].contains(&found.id.as_str()));
        let kind = chance.number(0..46);
        let Some(found) = chance.pick(&all).filter(|_| kind >= 12) else {
            self.host_makes_one(customer, origin).await;
            return;
        };
        let what = match kind {
            12..=23 => "moves",
            24..=29 => "cancels",
            30..=33 => "revives",
            34 => "lengthens",
            35..=36 => "renames",
            37 => "gives away",
            38..=39 => "declines",
            40..=42 => "relocates",
            43..=44 => "invites somebody to",
            _ => "moves and relocates",
        };
        let whom = chance.number(0..3);
        self.note(format!(
            "{}: host {what} {} at {start} ({origin})",
            customer.id, found.id
        ));
        let change = self.world.change(customer, found, origin, |state| {
            match what {
                "cancels" => state.status = AppointmentStatus::Cancelled,
                "renames" => state.attendee.name += " Corrected",
                "gives away" => state.attendee = person(whom),
                "declines" => state.status = AppointmentStatus::Declined,
                "relocates" => state.location = Some(ROOMS[whom as usize].into()),
                "invites somebody to" => {
                    let known = state.guests.iter().flat_map(Guests::iter);
                    let known: Vec<String> = known.map(str::to_owned).collect();
                    let guest = format!("guest{whom}@example.com");
                    state.guests = Some(known.into_iter().chain([guest]).collect());
                }
                "moves and relocates" => {
                    state.location = Some(ROOMS[whom as usize].into());
                    state.end = start + (state.end - state.start);
                    state.start = start;
                }
                "lengthens" => state.end += TimeDelta::minutes(30),
                "moves" => {
                    state.end = start + (state.end - state.start);
                    state.start = start;
                }
                _ => state.status = AppointmentStatus::Confirmed,
            };
        });
        change.await;
    }

    async fn host_makes_one(&self, customer: &Customer, origin: Origin) {
        let chance = &self.chance;
        let start = slot(chance.number(0..SLOTS));
        let id = format!("a{}", chance.number(0..9)).into();
        let event_type = match chance.number(0..60) {
            // Not the tenant's own: nothing may be sent for it.
            0 => {
                let [salon, studio] = self.world.customers.each_ref();
                let other = if salon.id == customer.id {
                    studio
                } else {
                    salon
                };
                other.types.plain
            }
            _ => customer.types.some(chance),
        };
        let minutes = if event_type == customer.types.lengths {
            *chance.pick(&[30, 60, 90]).unwrap()
        } else if chance.percent(4) {
            // Cal.com knows no such length: it books its own.
            50
        } else {
            30
        };
        let state = wish(event_type, start, minutes, chance.number(0..3));
        let made = self.world.make(customer, &id, state, origin.clone());
        if made.await {
            self.note(format!(
                "{}: host makes {id} of {event_type} at {start}, {minutes} min ({origin})",
                customer.id
            ));
        }
    }

    fn something_breaks(&self) {
        let chance = &self.chance;
        let operations = [
            Operation::CreateBooking,
            Operation::CreateBooking,
            Operation::Reschedule,
            Operation::Reschedule,
            Operation::Cancel,
            Operation::GetBooking,
            Operation::ListBookings,
            Operation::Slots,
        ];
        let operation = *chance.pick(&operations).unwrap();
        let mut thens = vec![
            Then::DropBeforeApplying,
            Then::ApplyThenDrop,
            Then::ApplyThenDrop,
            Then::TruncateBody,
            Then::too_many_requests(30),
            Then::status(500),
            Then::status(503),
            Then::html_page(200),
            Then::html_page(502),
            Then::html_page(404),
            Then::status(401),
        ];
        if self.world.setting == Setting::Memory {
            // Beyond 45 s the engine has given the call up: it lands late.
            for seconds in [20, 50, 50, 70, 100] {
                thens.push(Then::DelayBefore(Duration::from_secs(seconds)));
            }
            thens.push(Then::DelayAfterApplying(Duration::from_secs(50)));
        }
        let then = chance.pick(&thens).unwrap().clone();
        let (times, skipped) = (chance.number(1..4), chance.number(0..2));
        self.note(format!("fault: {operation:?} {then:?} x{times}"));
        let fault = Fault::new(operation, then).times(times);
        self.world.fake.inject(fault.skip_first(skipped));
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
