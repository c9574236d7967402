//! Tenants take turns, and nothing is sent before the server allows it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{MORNING, World, ann, at, config, drain, move_to};
use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId};
use calcom::store::{
    AppointmentState, AppointmentStatus, AppointmentWrite, Change, ClaimRequest, InMemoryStore,
    Links, Origin, Outbox, Page, Revision, SyncLog, TenantId,
};
use calcom::sync::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, Engine, EventTypeFacts, StaticTenants,
    SyncEngine, Tenant, Write,
};
use calcom::testing::{Fault, ManualClock, Operation, SeededEntropy, Then};
use chrono::{DateTime, TimeDelta, Utc};

const TYPE: EventTypeId = EventTypeId::new(1);

/// Allows so many calls a minute, and answers 429 to all others.
#[derive(Debug)]
struct Metered {
    clock: ManualClock,
    limit: u32,
    window: Mutex<(DateTime<Utc>, u32)>,
    sent: Mutex<u32>,
}

impl Metered {
    fn new(clock: &ManualClock, limit: u32) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            limit,
            window: Mutex::new((clock.now(), 0)),
            sent: Mutex::new(0),
        })
    }

    fn sent(&self) -> u32 {
        *self.sent.lock().unwrap()
    }

    fn pass(&self) -> Result<(), CalendarError> {
        let now = self.clock.now();
        let mut window = self.window.lock().unwrap();
        let minute = TimeDelta::seconds(60);
        if now >= window.0 + minute {
            *window = (now, 0);
        }
        if window.1 >= self.limit {
            let wait = (window.0 + minute - now).to_std().unwrap();
            let error = CalendarError::new(CalendarErrorKind::Throttled, "429");
            return Err(error.with_retry_after(wait));
        }
        window.1 += 1;
        Ok(())
    }
}

#[async_trait]
impl Calendar for Metered {
    async fn booking(&self, _: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        self.pass()?;
        Ok(None)
    }

    async fn bookings(&self, _: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        self.pass()?;
        Ok(Vec::new())
    }

    async fn bookings_page(&self, _: &BookingQuery) -> Result<BookingPage, CalendarError> {
        self.pass()?;
        Ok(BookingPage::default())
    }

    async fn write(&self, write: &Write) -> Result<Booking, CalendarError> {
        self.pass()?;
        let Write::Create(new) = write else {
            panic!("only creations are expected");
        };
        let mut sent = self.sent.lock().unwrap();
        *sent += 1;
        let json = serde_json::json!({
            "id": *sent, "uid": format!("u{sent}"), "icsUid": format!("u{sent}@x"), "status": "accepted",
            "start": new.start, "end": new.start + TimeDelta::minutes(30), "eventTypeId": 1, "metadata": new.metadata,
            "attendees": [{"name": "Ann Attendee", "email": "ann@example.com", "timeZone": "Europe/London"}],
        });
        Ok(serde_json::from_value(json).unwrap())
    }

    async fn free_slots(
        &self,
        _: EventTypeId,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        Ok(Vec::new())
    }

    async fn event_type(&self, _: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        Ok(Some(EventTypeFacts::default()))
    }

    async fn account(&self) -> Result<(), CalendarError> {
        self.pass()
    }
}

fn make(store: &InMemoryStore, tenant: &str, id: &str, hours: i64, clock: &ManualClock) {
    let start = clock.now() + TimeDelta::days(3) + TimeDelta::hours(hours);
    let end = start + TimeDelta::minutes(30);
    let status = AppointmentStatus::Confirmed;
    let state = AppointmentState::new(status, start, end, TYPE, ann());
    let write = AppointmentWrite::new(state, Origin::Phone, clock.now());
    store
        .create_appointment(&tenant.into(), &id.into(), write)
        .unwrap();
}

fn engine(store: &InMemoryStore, clock: &ManualClock, tenants: Vec<Tenant>) -> Arc<Engine> {
    let books = Arc::new(store.clone());
    let engine = Engine::builder(books.clone(), books, Arc::new(StaticTenants::new(tenants)))
        .config(config())
        .clock(clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

/// A throttle is remembered by tenant: the turns grow with the work, not with its square.
#[tokio::test]
async fn a_throttled_tenant_costs_turns_in_proportion_to_its_work() {
    let mut costs = Vec::new();
    for n in [60_u32, 240] {
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let store = InMemoryStore::with_clock(clock.shared());
        let calendar = Metered::new(&clock, 12);
        let tenant = Tenant::new("big".into(), calendar.clone()).with_event_type(TYPE);
        let engine = engine(&store, &clock, vec![tenant]);
        for i in 0..n {
            make(&store, "big", &format!("a{i}"), i64::from(i), &clock);
        }
        let mut turns = 0;
        while calendar.sent() < n {
            turns += drain(&engine).await.len();
            clock.advance(Duration::from_secs(1));
        }
        let big = TenantId::new("big");
        let log = store.log(&big, Page::first(1_000_000)).await;
        assert!(log.unwrap().len() < 2 * turns);
        costs.push(turns);
    }
    assert!(costs[1] <= 5 * costs[0], "four times the work: {costs:?}");
}

/// 100,000 due links of a throttled tenant and one change of another.
#[tokio::test]
async fn a_throttled_tenant_with_a_hundred_thousand_links_delays_nobody() {
    let clock = ManualClock::at(MORNING.parse().unwrap());
    let store = InMemoryStore::with_clock(clock.shared());
    let throttled = Metered::new(&clock, 0);
    let free = Metered::new(&clock, 1000);
    let big = TenantId::new("big");
    for n in 0..100_000 {
        make(&store, "big", &format!("a{n}"), n, &clock);
    }
    let tenants = vec![
        Tenant::new(big, throttled).with_event_type(TYPE),
        Tenant::new("small".into(), free.clone()).with_event_type(EventTypeId::new(2)),
    ];
    let engine = engine(&store, &clock, tenants);
    // It meets the throttle.
    engine.step().await.unwrap().unwrap();
    let mut state = AppointmentState::new(
        AppointmentStatus::Confirmed,
        clock.now() + TimeDelta::days(3),
        clock.now() + TimeDelta::days(3) + TimeDelta::minutes(30),
        EventTypeId::new(2),
        ann(),
    );
    state.attendee = ann();
    let write = AppointmentWrite::new(state, Origin::Phone, clock.now());
    store
        .create_appointment(&"small".into(), &"x".into(), write)
        .unwrap();
    let mut turns = 0;
    while free.sent() == 0 {
        engine.step().await.unwrap();
        turns += 1;
        assert!(turns <= 10, "the other tenant waits");
    }
    drain(&engine).await;
    // And for ten minutes it costs fewer than two turns a minute.
    let mut turns = 0;
    for _ in 0..600 {
        turns += drain(&engine).await.len();
        clock.advance(Duration::from_secs(1));
    }
    assert!(turns < 20, "{turns} turns in ten minutes");
    assert!(turns >= 5, "it is tried again: {turns}");
}

/// A change or a webhook during a throttle sends nothing before the reset.
#[tokio::test]
async fn nothing_is_sent_before_the_server_allows_it() {
    let world = World::new().await;
    let limit = Fault::new(Operation::CreateBooking, Then::too_many_requests(60));
    world.fake.inject(limit.always());
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    for n in 1..=5 {
        world.clock.advance(Duration::from_secs(1));
        world.change(&made.id, Origin::Admin, move_to(at(n))).await;
        world.drain().await;
    }
    assert_eq!(world.writes(), 1);
}

/// Changes during an outage of seconds neither shorten a backoff nor use up an attempt.
#[tokio::test]
async fn what_comes_during_a_backoff_does_not_use_up_the_retries() {
    let world = World::new().await;
    world.fake.go_offline().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    for n in 1..=6 {
        world.change(&made.id, Origin::Admin, move_to(at(n))).await;
        assert_eq!(world.drain().await, [], "no time has passed");
    }
    assert_eq!(world.standing_of(&made.id).await.attempts, 1);
    assert_eq!(world.review_reasons().await, []);
}

/// The queue goes by the order in which the store took things in, whatever the host says of the time.
#[tokio::test]
async fn the_hosts_timestamps_do_not_order_the_queue() {
    let clock = ManualClock::at(MORNING.parse().unwrap());
    let store = InMemoryStore::with_clock(clock.shared());
    let now = clock.now();
    let change = |tenant: &str, id: &str, at| {
        let (tenant, id) = (tenant.into(), id.into());
        Change::new(tenant, id, Revision::FIRST, Origin::Phone, at)
    };
    store.record(&change("small", "urgent", now)).await.unwrap();
    for n in 0..1000 {
        let old = change("importer", &format!("old{n}"), now - TimeDelta::days(365));
        store.record(&old).await.unwrap();
    }
    let ahead = change("zone", "two hours ahead", now + TimeDelta::hours(2));
    store.record(&ahead).await.unwrap();
    let (mut order, mut served) = (Vec::new(), None);
    loop {
        let request = ClaimRequest::new(Duration::from_secs(120), 1).after(served.clone());
        let Some(claim) = store.claim(&request).await.unwrap() else {
            break;
        };
        served = Some(claim.link.tenant.clone());
        order.push(claim.link.tenant.to_string());
    }
    assert_eq!(order.len(), 1002);
    let place = |name: &str| order.iter().position(|tenant| tenant == name).unwrap();
    assert!(place("small") < 3 && place("zone") < 3, "{:?}", &order[..5]);
}
