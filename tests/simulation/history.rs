//! A random history: what the host, people at Cal.com, the network and the operator do, in any order.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use calcom::model::{NewAttendee, NewBooking};
use calcom::store::{AppointmentStatus, Origin, Resolution};
use calcom::sync::SyncEngine;
use calcom::testing::{Fault, Operation, Then, WebhookBody};
use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::chance::Chance;
use crate::world::{Customer, SLOTS, Setting, World, person, slot};

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
    /// Whether nobody but the host changes anything. Then no two changes can contradict each other.
    pub(crate) host_only: bool,
    foreign: u32,
}

/// Runs a future until it is done, or drops it after so many polls: a process that dies at an await.
async fn cut_off<T>(future: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
        tokio::task::yield_now().await;
    }
    None
}

impl History {
    pub(crate) async fn new(setting: Setting, seed: u64, chronicle: Chronicle) -> Self {
        let chance = Chance::with_seed(seed);
        let world = World::new(setting, chance.fork()).await;
        let prompt = *chance.pick(&[0, 30, 70, 100]).unwrap();
        world.post.arrive_promptly(prompt);
        let host_only = chance.percent(35);
        chronicle.note(format!(
            "{setting:?}, host only: {host_only}, prompt: {prompt}, policies: {:?}",
            world.customers.each_ref().map(|c| c.policy)
        ));
        Self {
            world,
            chance,
            chronicle,
            host_only,
            foreign: 0,
        }
    }

    pub(crate) async fn live(&mut self) {
        if self.chance.percent(30) {
            self.world.host_fails.store(5, Ordering::SeqCst);
        }
        for _ in 0..self.chance.number(20..61) {
            self.step().await;
        }
    }

    fn note(&self, line: impl Into<String>) {
        self.chronicle.note(line);
    }

    fn customer(&self) -> &Customer {
        let second = usize::from(self.chance.percent(35));
        &self.world.customers[second]
    }

    async fn step(&mut self) {
        match self.chance.number(0..104) {
            0..=35 => self.host_acts().await,
            36..=51 if self.host_only => self.engine_steps().await,
            36..=51 => self.somebody_at_cal_com_acts().await,
            52..=64 => self.engine_steps().await,
            65..=70 => self.several_workers().await,
            71..=77 => self.crash().await,
            78..=85 => {
                let millis = *self.chance.pick(&[100, 1100, 5500, 60_000]).unwrap();
                self.note(format!("{millis} ms pass"));
                self.world.advance(Duration::from_millis(millis)).await;
            }
            86..=92 => self.something_breaks(),
            93..=97 => {
                let percent = *self.chance.pick(&[30, 100]).unwrap();
                self.note(format!("{percent} % of the webhooks arrive"));
                self.world.post.deliver(percent).await;
            }
            98..=99 => {
                let id = self.world.post.again().await;
                self.note(format!("webhook {id:?} arrives (again)"));
            }
            100 => {
                let online = !self.world.exchange.online.load(Ordering::SeqCst);
                self.note(format!("online: {online}"));
                self.world.set_online(online).await;
            }
            101 => self.foreign_delivery().await,
            _ => self.somebody_resolves().await,
        }
    }

    async fn host_acts(&self) {
        let (customer, chance) = (self.customer(), &self.chance);
        let start = slot(chance.number(0..SLOTS));
        let origin = match chance.number(0..25) {
            0 => Origin::Calcom,
            1..=12 => Origin::Phone,
            _ => Origin::Admin,
        };
        let all = self.world.appointments(customer).await;
        let kind = chance.number(0..36);
        let Some(found) = chance.pick(&all).filter(|_| kind >= 12) else {
            let id = format!("a{}", chance.number(0..8)).into();
            let whom = chance.number(0..3);
            let made = self.world.make(customer, &id, start, whom, origin.clone());
            if made.await {
                self.note(format!(
                    "{}: host makes {id} at {start} ({origin})",
                    customer.id
                ));
            }
            return;
        };
        let what = match kind {
            12..=23 => "moves",
            24..=30 => "cancels",
            31..=34 => "revives",
            _ => "renames",
        };
        let whom = chance.number(0..3);
        self.note(format!(
            "{}: host {what} {} at {start} ({origin})",
            customer.id, found.id
        ));
        let change = self.world.change(customer, found, origin, |state| {
            match what {
                "cancels" => state.status = AppointmentStatus::Cancelled,
                "renames" => state.attendee = person(whom),
                "moves" => {
                    state.start = start;
                    state.end = start + TimeDelta::minutes(30);
                }
                _ => state.status = AppointmentStatus::Confirmed,
            };
        });
        change.await;
    }

    async fn somebody_at_cal_com_acts(&self) {
        let (customer, chance) = (self.customer(), &self.chance);
        let fake = &self.world.fake;
        let start = slot(chance.number(0..SLOTS));
        let live = self.world.live_bookings(customer);
        let kind = chance.number(0..30);
        let Some(booking) = chance.pick(&live).filter(|_| kind >= 11) else {
            let attendee = NewAttendee::from(&person(chance.number(0..3)));
            let booking = NewBooking::new(customer.event_type, start, attendee);
            let booked = fake.book(booking).await.map(|booking| booking.uid);
            self.note(format!("{}: booked at {start}: {booked:?}", customer.id));
            return;
        };
        let uid = &booking.uid;
        let what = match kind {
            11..=18 => {
                let moved = fake.move_booking(uid, start).await;
                format!("moved to {start}: {:?}", moved.map(|booking| booking.uid))
            }
            19..=25 => format!(
                "cancelled: {}",
                fake.cancel_booking(uid, "ill").await.is_ok()
            ),
            26..=27 => format!("confirmed: {}", fake.confirm(uid).await.is_ok()),
            28 => format!("declined: {}", fake.decline(uid, "no").await.is_ok()),
            _ => {
                let moved = fake.move_booking(uid, start).await.is_ok();
                let other = slot(chance.number(0..SLOTS));
                let second = fake.force_second_successor(uid, other).await;
                format!("moved twice at once: {moved}, {:?}", second.map(|b| b.uid))
            }
        };
        self.note(format!("{}: at Cal.com {uid} {what}", customer.id));
    }

    async fn engine_steps(&self) {
        for _ in 0..self.chance.number(1..5) {
            let report = self.world.engine.step().await.unwrap();
            self.note(format!("step: {report:?}"));
        }
    }

    async fn several_workers(&self) {
        let engine = &self.world.engine;
        let workers = (0..self.chance.number(2..4)).map(|_| engine.step());
        for report in join_all(workers).await {
            self.note(format!("one of several: {:?}", report.unwrap()));
        }
    }

    async fn crash(&mut self) {
        let polls = match self.world.setting {
            Setting::Memory => self.chance.number(1..40),
            _ => self.chance.number(1..400),
        };
        let engine = self.world.engine.clone();
        let workers = (0..self.chance.number(1..3)).map(|_| engine.step());
        let ended = cut_off(join_all(workers), polls).await;
        self.note(format!("crash after {polls} polls; ended: {ended:?}"));
        self.world.restart().await;
        if self.chance.percent(50) {
            self.world.advance(Duration::from_secs(121)).await;
            self.note("the lease runs out");
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
            thens.push(Then::DelayBefore(Duration::from_secs(20)));
            thens.push(Then::DelayBefore(Duration::from_secs(50)));
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

    async fn somebody_resolves(&self) {
        let customer = self.customer();
        let open = self.world.reviews(customer).await;
        if let Some(item) = self.chance.pick(&open) {
            self.note(format!("{}: retry {:?}", customer.id, item.reason));
            let retry = Resolution::Retry;
            let engine = &self.world.engine;
            engine
                .resolve(&customer.id, item.id, retry, "eve")
                .await
                .unwrap();
        }
    }
}
