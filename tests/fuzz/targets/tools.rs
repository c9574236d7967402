//! The agents' tools, called with whatever a model may send.

use std::sync::Arc;
use std::time::Duration;

use calcom::agents::{Caller, Outcome, Tool, Tools, ToolsConfig};
use calcom::async_trait;
use calcom::chrono::{DateTime, TimeDelta, Utc};
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId};
use calcom::store::{
    AppointmentDesk, AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin,
    Person, ServiceDetails, ServiceRepository, ServiceWrite,
};
use calcom::sync::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, CatalogEntry, Engine,
    EventTypeCatalog, EventTypeFacts, Locale, StaticTenants, Tenant, TenantServices, Write,
};
use calcom::testing::ManualClock;
use serde_json::{Map, Value};

use super::{Input, Output};

/// What separates the fields of an input that is no JSON.
pub const SEPARATOR: u8 = 0x1f;
/// The fields, in their order.
const FIELDS: [&str; 8] = [
    "service",
    "when",
    "name",
    "phone",
    "email",
    "date",
    "time",
    "appointment",
];
const NUMBER: &str = "+4915123456789";
/// What nobody may be told by accident.
const NAME: &str = "Theodora Quist";

/// A Cal.com at which every half hour is free, and which takes nothing.
#[derive(Debug)]
struct AlwaysFree;

fn out_of_order() -> CalendarError {
    CalendarError::new(CalendarErrorKind::Unavailable, "out of order")
}

#[async_trait]
impl Calendar for AlwaysFree {
    async fn booking(&self, _: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        Ok(None)
    }

    async fn bookings(&self, _: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        Ok(Vec::new())
    }

    async fn bookings_page(&self, _: &BookingQuery) -> Result<BookingPage, CalendarError> {
        Ok(BookingPage::default())
    }

    async fn write(&self, _: &Write) -> Result<Booking, CalendarError> {
        Err(out_of_order())
    }

    async fn free_slots(
        &self,
        _: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        let half_hour = 30 * 60;
        let first = (from.timestamp() + half_hour - 1).div_euclid(half_hour) * half_hour;
        let first = DateTime::from_timestamp(first, 0).unwrap_or(from);
        let all = (0..).map(|slot| first + TimeDelta::seconds(slot * half_hour));
        Ok(all.take_while(|slot| *slot < until).collect())
    }

    async fn event_type(&self, _: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        Ok(None)
    }

    async fn account(&self) -> Result<(), CalendarError> {
        Ok(())
    }
}

#[async_trait]
impl EventTypeCatalog for AlwaysFree {
    async fn list_event_types(&self) -> Result<Vec<CatalogEntry>, CalendarError> {
        Ok(Vec::new())
    }

    async fn read_event_type(&self, _: EventTypeId) -> Result<Option<CatalogEntry>, CalendarError> {
        Ok(None)
    }

    async fn create_event_type(
        &self,
        _: &str,
        _: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError> {
        Err(out_of_order())
    }

    async fn update_event_type(
        &self,
        _: EventTypeId,
        _: &ServiceDetails,
        _: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError> {
        Err(out_of_order())
    }
}

/// An input of the target: a tool and its arguments, as JSON or as fields.
pub fn input(tool: Tool, arguments: &[u8]) -> Vec<u8> {
    let tool = Tool::ALL.iter().position(|known| *known == tool);
    let tool = u8::try_from(tool.unwrap_or_default()).unwrap_or_default();
    Output::default().byte(tool).rest(arguments)
}

fn arguments(data: &[u8]) -> Value {
    if let Ok(read) = serde_json::from_slice(data) {
        return read;
    }
    let texts = data.split(|byte| *byte == SEPARATOR);
    let texts = texts.map(|text| String::from_utf8_lossy(text).into_owned());
    let fields = FIELDS.iter().zip(texts);
    let fields: Map<String, Value> = fields
        .map(|(field, text)| ((*field).to_owned(), Value::String(text)))
        .collect();
    Value::Object(fields)
}

/// Calls a tool twice, in both languages.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let byte = usize::from(input.byte());
    let tool = Tool::ALL[byte % Tool::ALL.len()];
    let arguments = arguments(input.rest());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (tools, desk, now) = tools().await;
        for language in ["de", "en"] {
            let caller = Caller::on_the_phone("call", NUMBER.parse().ok());
            let caller = caller.with_language(language.to_owned());
            let answer = tools
                .call(&"salon".into(), &caller, tool, arguments.clone())
                .await;
            // A tool that panics is not available either.
            assert_ne!(answer.result, Outcome::Unavailable, "{tool}");
            assert!(!answer.say.is_empty(), "{tool}");
            assert!(answer.say.chars().count() <= 300, "{}", answer.say);
            assert!(!format!("{answer:?}").contains(NAME));
            let told = serde_json::to_string(&answer).expect("an answer is JSON");
            assert!(!told.contains(NAME), "somebody else's name is told");
        }
        let other: &str = "+4915187654321";
        let theirs = desk
            .by_phone(&"salon".into(), &other.parse().expect("a number"), now, 10)
            .await
            .expect("the store answers");
        assert_eq!(theirs.len(), 1, "somebody else's appointment was touched");
    });
}

/// Tools over two appointments: the caller's, and somebody else's.
async fn tools() -> (Tools, InMemoryStore, DateTime<Utc>) {
    let now = DateTime::from_timestamp(1_796_112_000, 0).expect("an instant");
    let clock = ManualClock::at(now);
    let store = InMemoryStore::with_clock(clock.shared());
    let services = Arc::new(store.clone());
    let calendar = Arc::new(AlwaysFree);
    let tenant = Tenant::new("salon".into(), calendar.clone())
        .with_event_type(1.into())
        .with_phone_only_domain("phone.example")
        .with_locale(Locale::new("Europe/Berlin".into(), "de").with_region("DE"))
        .with_services(TenantServices::new(services, calendar));
    let write = ServiceWrite::new(ServiceDetails::new("Haircut", 30), now);
    let salon = "salon".into();
    let created = store.create_for_event_type(&salon, 1.into(), write).await;
    created.expect("a service");
    for (id, hours, name, number) in [
        ("a-1", 30, "Ann", NUMBER),
        ("a-2", 40, NAME, "+4915187654321"),
    ] {
        let start = now + TimeDelta::hours(hours);
        let person = Person::by_phone(name, number, "Europe/Berlin");
        let end = start + TimeDelta::minutes(30);
        let status = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(status, start, end, 1.into(), person);
        let write = AppointmentWrite::new(state, Origin::Admin, now);
        store
            .create_appointment(&"salon".into(), &id.into(), write)
            .expect("an appointment");
    }
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let books = Arc::new(store.clone());
    let engine = Engine::builder(books.clone(), books.clone(), tenants.clone())
        .clock(clock.shared())
        .build();
    let mut config = ToolsConfig::default();
    config.answer_within = Duration::from_secs(1);
    let tools = Tools::over_engine(&Arc::new(engine), books, tenants)
        .clock(clock.shared())
        .config(config)
        .build();
    (tools, store, now)
}
