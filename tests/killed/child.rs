//! One life of the salon's process: it receives webhooks, works, and its staff changes appointments.

use std::time::Duration;

use calcom::ambient::Clock;
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, AppointmentWrite, Origin,
    StoreErrorKind,
};
use calcom::sync::{SyncEngine, Worker, WorkerConfig};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::books::Books;
use crate::chance::Chance;
use crate::salon::{LaterClock, Salon, TENANT, mark_of_appointment, person};

const VARIABLE: &str = "CALCOM_KILLED_ORDERS";

/// What the parent tells the child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) salon: Salon,
    /// Which life it is.
    pub(crate) life: u32,
    pub(crate) seed: u64,
    /// How far its clock is ahead of the system's, in milliseconds.
    pub(crate) later: i64,
}

impl Orders {
    pub(crate) fn from_environment() -> Option<Self> {
        let orders = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&orders).unwrap())
    }

    pub(crate) fn give_to(&self, command: &mut tokio::process::Command) {
        command.env(VARIABLE, serde_json::to_string(self).unwrap());
    }
}

/// What the child tells the parent, a line each, before it does it.
pub(crate) const LISTENS: &str = "listens on port ";
pub(crate) const TAKES: &str = "takes ";
pub(crate) const REBOOKS: &str = "rebooks ";
pub(crate) const CHANGES: &str = "changes ";

/// Lives until it is killed.
pub(crate) async fn live(orders: Orders) {
    let clock = LaterClock::by(TimeDelta::milliseconds(orders.later));
    let books = orders.salon.place.open(&clock).await;
    let engine = orders.salon.engine(&books, &clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{LISTENS}{}", listener.local_addr().unwrap().port());
    let unlimited = WebhookConfig::default().with_requests_per_minute(None);
    let router = webhooks_with(engine.clone(), unlimited);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut config = WorkerConfig::default();
    config.poll_interval = Duration::from_millis(50);
    let worker = Worker::new(engine.clone()).with_config(config);
    tokio::spawn(async move { worker.run_until(std::future::pending()).await });

    let mut staff = Staff {
        chance: Chance::with_seed(orders.seed),
        salon: orders.salon,
        books,
        clock,
        life: orders.life,
    };
    for number in 0..staff.chance.number(1..5) {
        staff.work(number).await;
        engine.nudge();
        let pause = staff.chance.number(0..60);
        tokio::time::sleep(Duration::from_millis(pause.into())).await;
    }
    std::future::pending::<()>().await;
}

struct Staff {
    chance: Chance,
    salon: Salon,
    books: Books,
    clock: LaterClock,
    life: u32,
}

impl Staff {
    /// Somebody takes an appointment or changes one.
    async fn work(&mut self, number: u32) {
        let all = self.salon.appointments(&self.books).await;
        let live: Vec<&Appointment> = all
            .iter()
            .filter(|appointment| appointment.state.status.is_live())
            .collect();
        let kind = self.chance.number(0..100);
        let some = self.chance.pick(&live).filter(|_| kind >= 34);
        let Some(appointment) = some.copied().cloned() else {
            return self.take(number).await;
        };
        let (mark, _) = mark_of_appointment(&appointment);
        let state = match kind {
            34..=68 => {
                println!("{REBOOKS}{mark}");
                self.rebooked(&appointment)
            }
            _ => {
                println!("{CHANGES}{mark}");
                self.changed(&appointment)
            }
        };
        let write = AppointmentWrite::new(state, Origin::Admin, self.clock.now());
        let (table, id) = (self.books.table(), &appointment.id);
        let written = table.update(&TENANT, id, appointment.revision, write);
        match written.await {
            Ok(_) => {}
            // The engine was faster.
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn take(&mut self, number: u32) {
        let mark = format!("h{}-{number}", self.life);
        println!("{TAKES}{mark}");
        let start = self.salon.slot(&mut self.chance);
        let what = self.salon.types.some(&mut self.chance);
        let state = self.salon.state(start, what, person(&mark, 0));
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        let id = AppointmentId::new(mark);
        let taken = self.books.create_appointment(&id, write);
        taken.await.unwrap();
    }

    /// Another length, event type or attendee: what Cal.com can only express by a new booking.
    fn rebooked(&mut self, appointment: &Appointment) -> AppointmentState {
        let mut state = appointment.state.clone();
        // At its own time the old booking is in the way, and has to go first; elsewhere it goes last.
        if self.chance.percent(50) {
            let length = state.end - state.start;
            state.start = self.salon.slot(&mut self.chance);
            state.end = state.start + length;
        }
        let what = match self.chance.number(0..3) {
            0 => {
                let (mark, version) = mark_of_appointment(appointment);
                state.attendee = person(mark, version + 1);
                return state;
            }
            1 => (self.salon.types.lengths, 30 * self.chance.number(1..4)),
            _ => self.salon.types.some(&mut self.chance),
        };
        state.event_type = what.0;
        state.end = state.start + TimeDelta::minutes(what.1.into());
        state
    }

    /// What Cal.com can do to a booking.
    fn changed(&mut self, appointment: &Appointment) -> AppointmentState {
        let mut state = appointment.state.clone();
        match (state.status, self.chance.number(0..10)) {
            (AppointmentStatus::Pending, 0..=5) => state.status = AppointmentStatus::Confirmed,
            (AppointmentStatus::Pending, 6) => state.status = AppointmentStatus::Declined,
            (_, 0..=7) => {
                let length = state.end - state.start;
                state.start = self.salon.slot(&mut self.chance);
                state.end = state.start + length;
            }
            _ => state.status = AppointmentStatus::Cancelled,
        }
        state
    }
}
