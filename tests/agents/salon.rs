//! A salon in Berlin: its appointments, an engine with a worker, and a fake Cal.com.

use std::sync::Arc;
use std::time::Duration;

use calcom::agents::{Answer, Caller, Outcome, Tool, Tools, ToolsConfig};
use calcom::ambient::Clock;
use calcom::model::{EventTypeId, PhoneNumber};
use calcom::store::{
    Appointment, AppointmentWrite, InMemoryStore, ServiceDetails, ServiceRepository, ServiceWrite,
    TenantId,
};
use calcom::sync::{Locale, StaticTenants, Tenant, TenantServices};
use calcom::testing::{FakeEventType, Harness, ManualClock};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub(crate) const ANN: &str = "+4915123456789";
pub(crate) const BEN: &str = "+4915187654321";

/// A catalog that nobody asks.
fn catalog(base_url: &str) -> Arc<calcom::client::Client> {
    let client = calcom::client::Client::builder("key")
        .base_url(base_url)
        .build();
    Arc::new(client.unwrap())
}

pub(crate) struct Salon {
    pub(crate) harness: Arc<Harness>,
    pub(crate) table: InMemoryStore,
    pub(crate) tools: Tools,
    pub(crate) tenant: TenantId,
    worker: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Salon {
    fn drop(&mut self) {
        self.rest();
    }
}

impl Salon {
    pub(crate) async fn open() -> Self {
        Self::open_with(|tenant| tenant).await
    }

    pub(crate) async fn open_with(
        adjust: impl FnOnce(Tenant) -> Tenant + Send + Clone + 'static,
    ) -> Self {
        Self::open_for(Duration::from_secs(30), adjust).await
    }

    /// A salon whose tools answer within a time.
    pub(crate) async fn open_for(
        answer_within: Duration,
        adjust: impl FnOnce(Tenant) -> Tenant + Send + Clone + 'static,
    ) -> Self {
        let clock = ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap());
        let table = InMemoryStore::with_clock(clock.shared());
        let haircut = FakeEventType::new("haircut", 30).with_title("Haarschnitt");
        let colour = FakeEventType::new("colour", 60).with_title("Färben");
        let services = Arc::new(table.clone());
        let with_services = adjust.clone();
        let harness = Harness::builder(Arc::new(table.clone()))
            .store(Arc::new(table.clone()))
            .clock(clock.clone())
            .event_type(haircut)
            .event_type(colour)
            .with_tenant(move |tenant| {
                let tenant = tenant
                    .with_phone_only_domain("phone.example")
                    .with_locale(Locale::new("Europe/Berlin".into(), "de").with_region("DE"));
                with_services(tenant)
            })
            .start()
            .await
            .unwrap();
        let tenant = harness.tenant().clone();
        let names = [("Haarschnitt", 30), ("Färben", 60)];
        for (id, (name, minutes)) in harness.event_types().iter().zip(names) {
            let write = ServiceWrite::new(ServiceDetails::new(name, minutes), clock.now());
            table
                .create_for_event_type(&tenant, *id, write)
                .await
                .unwrap();
        }
        // The tools see the tenant with its services.
        let fake = harness.fake();
        let client = calcom::client::Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .build()
            .unwrap();
        let mut of_tools = Tenant::new(tenant.clone(), Arc::new(client))
            .with_host(fake.host_id())
            .with_phone_only_domain("phone.example")
            .with_locale(Locale::new("Europe/Berlin".into(), "de").with_region("DE"))
            .with_services(TenantServices::new(
                services,
                catalog(fake.base_url().as_str()),
            ));
        for id in harness.event_types() {
            of_tools = of_tools.with_event_type(*id);
        }
        let directory = Arc::new(StaticTenants::new([adjust(of_tools)]));
        let mut config = ToolsConfig::default();
        config.answer_within = answer_within;
        let tools = Tools::over_engine(&harness.engine(), Arc::new(table.clone()), directory)
            .clock(clock.shared())
            .config(config)
            .build();
        let harness = Arc::new(harness);
        let mut salon = Self {
            harness,
            table,
            tools,
            tenant,
            worker: None,
        };
        salon.work();
        salon
    }

    /// Lets a worker do what is due, until it is told to rest.
    pub(crate) fn work(&mut self) {
        let harness = Arc::clone(&self.harness);
        self.worker = Some(tokio::spawn(async move {
            loop {
                harness.work().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }

    pub(crate) fn rest(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.abort();
        }
    }

    pub(crate) async fn call(&self, caller: &Caller, tool: Tool, arguments: Value) -> Answer {
        self.tools.call(&self.tenant, caller, tool, arguments).await
    }

    pub(crate) fn appointments(&self) -> Vec<Appointment> {
        self.table.appointments(&self.tenant)
    }

    /// Takes an appointment at the salon, behind Cal.com's back for as long as no worker works.
    pub(crate) fn write_in(&self, id: &str, write: AppointmentWrite) -> Appointment {
        self.table
            .create_appointment(&self.tenant, &id.into(), write)
            .unwrap()
    }

    pub(crate) fn event_type(&self) -> EventTypeId {
        self.harness.event_type()
    }
}

pub(crate) fn number(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

/// Somebody on the phone.
pub(crate) fn calling(call: &str, from: &str) -> Caller {
    Caller::on_the_phone(call, Some(number(from)))
}

pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The outcome's word, with the whole answer for a failing test.
pub(crate) fn kind(answer: &Answer) -> &'static str {
    answer.result.as_str()
}

pub(crate) fn shown(answer: &Answer) -> String {
    serde_json::to_string_pretty(answer).unwrap()
}

pub(crate) fn booking(when: &str) -> Value {
    json!({"service": "Haarschnitt", "when": when, "name": "Anna Schmidt"})
}

pub(crate) fn id_of(answer: &Answer) -> String {
    let kept = match &answer.result {
        Outcome::Booked { appointment, .. }
        | Outcome::Moved { appointment, .. }
        | Outcome::Cancelled { appointment, .. } => appointment,
        other => panic!("{other:?}"),
    };
    kept.id.clone()
}
