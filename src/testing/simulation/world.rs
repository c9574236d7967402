//! Two tenants of one host over one store, their engine, and a Cal.com.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::chance::Chance;
use super::clock::SimClock;
use super::coverage::{Mishap, Tally};
use super::host::{Scene, SimulatedHost};
use super::ledger::Ledger;
use super::plan::{Actors, Plan, Setting};
use super::post::Post;
use super::tenants::{Customer, customers};
use super::trace::Findings;
use super::unsteady::{Past, UnsteadyHost, change_of};
use super::wire::{Calls, Exchange, Wire};
use super::{STORE, StartHost};
use crate::ambient::Clock;
use crate::client::{Client, RetryPolicy};
use crate::model::{Booking, EventTypeId};
use crate::store::{
    Appointment, AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin,
    Page, Person, ReviewItem, Store, Window,
};
use crate::sync::{Calendar, Engine, StaticTenants, SyncConfig, SyncEngine, Tenant};
use crate::testing::{FakeCalcom, SeededEntropy};

/// 2026-12-01, 08:00 UTC.
const MORNING: DateTime<Utc> = match DateTime::from_timestamp(1_796_112_000, 0) {
    Some(morning) => morning,
    None => DateTime::UNIX_EPOCH,
};

pub(super) struct World {
    pub(super) setting: Setting,
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    pub(super) fake: FakeCalcom,
    pub(super) clock: SimClock,
    pub(super) post: Post,
    pub(super) exchange: Exchange,
    pub(super) customers: [Customer; 2],
    pub(super) findings: Findings,
    pub(super) tally: Tally,
    /// Whether a sweep has looked at both sides since quiet returned.
    pub(super) is_swept: bool,
    host: Box<dyn SimulatedHost>,
    /// The bookkeeping of a host that has none.
    books: Arc<dyn Store>,
    /// The processes of the host, over one store: each goes by a clock of its own.
    engines: Vec<Arc<Engine>>,
    pub(super) host_fails: Arc<AtomicU32>,
}

/// The slots that people choose from: few, so that they get in each other's way.
pub(super) fn slot(number: u32) -> DateTime<Utc> {
    let (day, hour) = (i64::from(number / 4), i64::from(number % 4) * 2);
    MORNING + TimeDelta::days(7 + day) + TimeDelta::hours(hour)
}

pub(super) const SLOTS: u32 = 14;

pub(super) fn person(number: u32) -> Person {
    let name = ["Ann", "Bob", "Cem"][number as usize % 3];
    let email = format!("{}@example.com", name.to_lowercase());
    Person::new(format!("{name} Attendee"), email, "Europe/London")
}

impl World {
    pub(super) async fn new(
        setting: Setting,
        plan: Plan,
        chance: Chance,
        seed: u64,
        start: &StartHost,
    ) -> Self {
        let clock = SimClock::new(MORNING, setting.is_simulated());
        let fake = FakeCalcom::builder()
            .seed(chance.seed())
            .clock(clock.shared())
            .server(plan.server)
            .cancellation_lag(plan.lag)
            .processing_time(Duration::from_millis(u64::from(chance.number(0..2))))
            .start()
            .await
            .expect("the fake listens on loopback");
        let customers = customers(&fake, &plan, &chance);
        let tenants = customers.iter();
        let tenants = tenants.map(|customer| (customer.id.clone(), customer.types.all().to_vec()));
        let scene = Scene {
            seed,
            clock: clock.shared(),
            tenants: tenants.collect(),
            workers: setting.workers,
        };
        let tally = Tally::default();
        let post = Post::new(&fake, &plan, &clock, chance.fork(), tally.clone());
        let findings = Findings::default();
        let exchange = Exchange {
            fake: fake.clone(),
            post: post.clone(),
            clock: clock.clone(),
            chance: chance.fork(),
            online: Arc::new(AtomicBool::new(true)),
            ledger: Ledger::default(),
            past: Past::default(),
            tally: tally.clone(),
            lag: plan.lag,
            strange: plan.strange,
            calls: Calls::default(),
        };
        let mut world = Self {
            setting,
            plan,
            chance,
            fake,
            post,
            exchange,
            customers,
            findings,
            tally,
            is_swept: false,
            host: start(scene).await,
            books: Arc::new(InMemoryStore::with_clock(clock.shared())),
            clock,
            engines: Vec::new(),
            host_fails: Arc::new(AtomicU32::new(0)),
        };
        world.start();
        world
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.host.store().unwrap_or_else(|| self.books.clone())
    }

    /// Whether writing an appointment also records the change.
    pub(super) fn host_records(&self) -> bool {
        self.host.records_changes()
    }

    /// One of the processes.
    pub(super) fn engine(&self) -> Arc<Engine> {
        let engine = self.chance.pick(&self.engines);
        engine.expect("there are several").clone()
    }

    /// The processes that take the next step: one of them, or all at once.
    pub(super) fn next_engines(&self) -> Vec<Arc<Engine>> {
        if self.setting.at_once {
            self.engines.clone()
        } else {
            vec![self.engine()]
        }
    }

    /// New processes over the same store: nothing in memory survives.
    pub(super) async fn restart(&mut self) {
        let restarted = self.host.restart().await;
        restarted.expect("the host starts again");
        self.start();
    }

    fn start(&mut self) {
        // The first clock is right, the others are minutes ahead or behind.
        let engines = (0..self.setting.workers).map(|number| {
            let skew = i64::from(self.chance.number(0..600));
            let sign = match number {
                0 => 0,
                odd if odd % 2 == 1 => 1,
                _ => -1,
            };
            (number, TimeDelta::seconds(sign * skew))
        });
        // All draws of the clocks come first.
        let engines: Vec<_> = engines.collect();
        let engines = engines.into_iter();
        let engines = engines.map(|(number, skew)| self.process(number, skew));
        self.engines = engines.collect();
        self.post.address(&self.engines[0]);
    }

    /// Time passes, for everybody.
    pub(super) async fn advance(&self, by: Duration) {
        self.clock.advance(by).await;
        if self.setting.real_io {
            let told = self.host.clock_moved(self.clock.now()).await;
            told.expect("the host's clock is moved");
        }
    }

    pub(super) async fn set_online(&self, online: bool) {
        self.exchange.online.store(online, Ordering::SeqCst);
        if self.setting.network {
            if online {
                let back = self.fake.come_back().await;
                back.expect("the fake listens again");
            } else {
                self.fake.go_offline().await;
            }
        }
    }

    pub(super) async fn appointments(&self, customer: &Customer) -> Vec<Appointment> {
        let span = TimeDelta::days(999);
        let window = Window::new(MORNING - span, MORNING + span);
        let table = self.host.appointments();
        let all = table.scan(&customer.id, window, None, 10_000).await;
        all.expect("the host's table is scanned")
    }

    pub(super) async fn reviews(&self, customer: &Customer) -> Vec<ReviewItem> {
        let open = self.engines[0].open_reviews(&customer.id, Page::first(10_000));
        open.await.expect(STORE)
    }

    /// The tenant's bookings that take up time.
    pub(super) fn live_bookings(&self, customer: &Customer) -> Vec<Booking> {
        let mut live = self.fake.live_bookings();
        live.retain(|booking| customer.owns(booking.event_type_id()));
        live
    }

    /// The host writes a new appointment.
    pub(super) async fn make(
        &self,
        customer: &Customer,
        state: AppointmentState,
        origin: Origin,
    ) -> Appointment {
        let write = AppointmentWrite::new(state, origin, self.clock.now());
        let made = self.host.create(&customer.id, write).await;
        let made = made.expect("the host makes an appointment");
        self.written(customer, &made).await;
        made
    }

    /// The host changes an appointment.
    pub(super) async fn change(
        &self,
        customer: &Customer,
        found: &Appointment,
        origin: Origin,
        edit: impl FnOnce(&mut AppointmentState),
    ) {
        let mut state = found.state.clone();
        edit(&mut state);
        let write = AppointmentWrite::new(state, origin, self.clock.now());
        let (tenant, id) = (&customer.id, &found.id);
        let written = self.host.change(tenant, id, found.revision, write).await;
        let written = written.expect("the host changes an appointment");
        self.written(customer, &written).await;
    }

    /// The host has written an appointment, and records it, unless it dies before.
    async fn written(&self, customer: &Customer, written: &Appointment) {
        let past = &self.exchange.past;
        past.written(&customer.id, written);
        if self.host.records_changes() {
            return;
        }
        if self.chance.percent(self.plan.forgetting) {
            self.tally.fault(Mishap::NeverRecorded);
            past.never_recorded(&customer.id, written);
            return;
        }
        let change = change_of(&customer.id, written);
        self.store().record(&change).await.expect(STORE);
        past.recorded(&customer.id, &written.id);
    }

    /// The replica that the processes read from stands still for a while.
    pub(super) async fn lag(&self, span: TimeDelta) {
        let mut table = BTreeMap::new();
        for customer in &self.customers {
            for appointment in self.appointments(customer).await {
                table.insert((customer.id.clone(), appointment.id.clone()), appointment);
            }
        }
        self.exchange.past.lag(self.clock.now() + span, table);
    }

    fn process(&self, number: usize, skew: TimeDelta) -> Arc<Engine> {
        let exchange = &self.exchange;
        let store = self.host.store_of(number);
        let store = store.unwrap_or_else(|| self.books.clone());
        let tenants = self.customers.iter().map(|customer| {
            let calendar: Arc<dyn Calendar> = if self.setting.network {
                Arc::new(client(&exchange.fake, &customer.key))
            } else {
                Arc::new(Wire {
                    exchange: exchange.clone(),
                    tenant: customer.id.clone(),
                    event_types: customer.types.all().to_vec(),
                    store: store.clone(),
                    key: customer.key.clone(),
                })
            };
            let tenant = Tenant::new(customer.id.clone(), calendar)
                .with_webhook_secret(customer.secret)
                .with_host(customer.host)
                .with_policy(customer.policy.clone());
            let all = customer.types.all().into_iter();
            all.fold(tenant, Tenant::with_event_type)
        });
        let host = UnsteadyHost {
            inner: self.host.appointments_of(number),
            chance: exchange.chance.clone(),
            clock: self.clock.clone(),
            failing: self.host_fails.clone(),
            past: exchange.past.clone(),
            tally: self.tally.clone(),
            outbox: (!self.host.records_changes()).then(|| store.clone()),
            meddles: self.plan.actors == Actors::Everybody,
        };
        let tenants = Arc::new(StaticTenants::new(tenants));
        let engine = Engine::builder(store.clone(), Arc::new(host), tenants)
            .config(SyncConfig::default())
            .clock(self.clock.wrong_by(skew).shared())
            .entropy(Arc::new(SeededEntropy::new(self.chance.seed())))
            .observer(Arc::new(self.tally.clone()))
            .build();
        Arc::new(engine)
    }
}

/// What the host wants of a new appointment.
pub(super) fn wish(
    event_type: EventTypeId,
    start: DateTime<Utc>,
    minutes: i64,
    whom: u32,
) -> AppointmentState {
    let end = start + TimeDelta::minutes(minutes);
    let status = AppointmentStatus::Confirmed;
    AppointmentState::new(status, start, end, event_type, person(whom))
}

fn client(fake: &FakeCalcom, key: &SecretString) -> Client {
    let client = Client::builder(key.clone())
        .base_url(fake.base_url().as_str())
        // The engine's own schedule is what is tested.
        .retry(RetryPolicy::none())
        // It would wait by the machine's clock.
        .breaker(None)
        .rate(None)
        .attempt_timeout(Duration::from_millis(700))
        .build();
    client.expect("the settings of the client are valid")
}
