//! The salon: its table, its books and its engine, as every process of it sets them up.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use calcom::ambient::{Clock, SystemClock};
use calcom::client::{Client, RetryPolicy};
use calcom::model::{EventTypeId, UserId};
use calcom::store::{
    Appointment, AppointmentState, AppointmentStatus, Field, Person, TenantId, Window,
};
use calcom::sync::{Engine, Inexpressible, StaticTenants, SyncConfig, SyncPolicy, Tenant};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::books::{Books, Place};
use crate::chance::Chance;

pub(crate) static TENANT: LazyLock<TenantId> = LazyLock::new(|| TenantId::new("salon"));

pub(crate) const SECRET: &str = "whsec_of_the_salon";
const SYNC_KEY_SECRET: &str = "kept over all lives";

/// How far apart the starts are: no appointment of 90 minutes reaches into the next.
const GRID: TimeDelta = TimeDelta::hours(2);

/// How many starts there are; so many that few collide.
const STARTS: u32 = 4000;

/// The system's clock, put forward: a process that starts later finds the leases of a dead one run out.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaterClock(Arc<AtomicI64>);

impl LaterClock {
    pub(crate) fn by(later: TimeDelta) -> Self {
        Self(Arc::new(AtomicI64::new(later.num_milliseconds())))
    }

    pub(crate) fn later(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.0.load(Ordering::SeqCst))
    }

    /// The part of a time by which it can be advanced.
    pub(crate) fn counted(by: Duration) -> Duration {
        Duration::from_millis(u64::try_from(by.as_millis()).unwrap())
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(Self::counted(by).as_millis()).unwrap();
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for LaterClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.later()
    }
}

/// What is the same for all processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Salon {
    pub(crate) place: Place,
    pub(crate) base_url: String,
    pub(crate) api_key: String,
    pub(crate) host: UserId,
    pub(crate) types: Types,
    /// The earliest start of an appointment.
    pub(crate) opens: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Types {
    /// 30 minutes.
    pub(crate) plain: EventTypeId,
    /// 45 minutes.
    pub(crate) other: EventTypeId,
    /// 30, 60 or 90 minutes.
    pub(crate) lengths: EventTypeId,
    /// 30 minutes, once the salon has confirmed it.
    pub(crate) confirm: EventTypeId,
}

impl Types {
    fn all(self) -> [EventTypeId; 4] {
        [self.plain, self.other, self.lengths, self.confirm]
    }

    /// An event type, with a length that it offers.
    pub(crate) fn some(self, chance: &mut Chance) -> (EventTypeId, u32) {
        match chance.number(0..10) {
            0..=3 => (self.plain, 30),
            4..=5 => (self.other, 45),
            6..=8 => (self.lengths, 30 * chance.number(1..4)),
            _ => (self.confirm, 30),
        }
    }
}

/// Who an appointment is for. The address names the appointment, whichever version of the person it is: bookings that belong
/// together are told by it, without the engine's books.
pub(crate) fn person(mark: &str, version: u32) -> Person {
    let email = format!("{mark}.{version}@example.com");
    Person::new(format!("Guest {mark}"), email, "Europe/Berlin")
}

/// The mark and the version in an address.
pub(crate) fn mark_of(email: &str) -> (&str, u32) {
    let (name, _) = email.split_once('@').unwrap();
    let (mark, version) = name.split_once('.').unwrap();
    (mark, version.parse().unwrap())
}

pub(crate) fn mark_of_appointment(appointment: &Appointment) -> (&str, u32) {
    mark_of(appointment.state.attendee.email.as_deref().unwrap())
}

impl Salon {
    pub(crate) fn slot(&self, chance: &mut Chance) -> DateTime<Utc> {
        self.opens + GRID * i32::try_from(chance.number(0..STARTS)).unwrap()
    }

    pub(crate) fn state(
        &self,
        start: DateTime<Utc>,
        (event_type, minutes): (EventTypeId, u32),
        person: Person,
    ) -> AppointmentState {
        let end = start + TimeDelta::minutes(minutes.into());
        AppointmentState::new(AppointmentStatus::Confirmed, start, end, event_type, person)
    }

    pub(crate) fn engine(&self, books: &Books, clock: &LaterClock) -> Arc<Engine> {
        let client = Client::builder(self.api_key.clone())
            .base_url(&self.base_url)
            // The engine's own schedule is what is tested.
            .retry(RetryPolicy::none())
            .breaker(None)
            .rate(None)
            .attempt_timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        // Another length or event type is rebooked anyway.
        let policy = SyncPolicy::default().with_inexpressible(Field::Email, Inexpressible::Rebook);
        let mut tenant = Tenant::new(TENANT.clone(), Arc::new(client))
            .with_webhook_secret(SECRET)
            .with_host(self.host)
            .with_policy(policy);
        for event_type in self.types.all() {
            tenant = tenant.with_event_type(event_type);
        }
        let mut config = SyncConfig::default();
        config.sweep_window_ahead = Duration::from_secs(400 * 24 * 60 * 60);
        let tenants = Arc::new(StaticTenants::new([tenant]));
        let engine = Engine::builder(books.store(), books.table(), tenants)
            .config(config)
            .sync_key_secret(SYNC_KEY_SECRET)
            .clock(Arc::new(clock.clone()));
        Arc::new(engine.build())
    }

    /// All appointments, by start.
    pub(crate) async fn appointments(&self, books: &Books) -> Vec<Appointment> {
        const PAGE: u32 = 500;
        let until = self.opens + TimeDelta::days(1000);
        let window = Window::new(self.opens - TimeDelta::days(1), until);
        let (table, mut all) = (books.table(), Vec::<Appointment>::new());
        loop {
            let after = all.last().map(|last| (last.state.start, last.id.clone()));
            let page = table.scan(&TENANT, window, after, PAGE);
            let page = page.await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }
}

/// The first start, some days from now.
pub(crate) fn opening(clock: &LaterClock) -> DateTime<Utc> {
    (clock.now() + TimeDelta::days(5))
        .trunc_subsecs(0)
        .date_naive()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
}
