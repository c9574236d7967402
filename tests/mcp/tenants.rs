//! Two tenants over one router.

use std::sync::Arc;

use calcom::agents::Tools;
use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::store::{
    AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin, Person, TenantId,
};
use calcom::sync::{Engine, StaticTenants, Tenant};
use calcom::testing::ManualClock;
use serde_json::{Value, json};

use crate::http::{OTHERS, TOKEN, ask, door_over, request};
use crate::salon::{ANN, utc};

fn tenant(id: &str, event_type: i64) -> Tenant {
    let client = Client::builder("key").base_url("http://127.0.0.1:9/v2");
    Tenant::new(id.into(), Arc::new(client.build().unwrap())).with_event_type(event_type.into())
}

/// Both have the same customer; each sees, moves and cancels its own appointment only.
#[tokio::test]
async fn two_tenants_see_nothing_of_each_other() {
    let clock = ManualClock::at(utc("2026-12-01T08:00:00Z"));
    let table = InMemoryStore::with_clock(clock.shared());
    let directory = StaticTenants::new([tenant("salon", 1), tenant("studio", 2)]);
    let directory = Arc::new(directory);
    let store = Arc::new(table.clone());
    let engine = Engine::builder(store.clone(), store.clone(), directory.clone()).build();
    let tools = Tools::over_engine(&Arc::new(engine), store, directory).clock(clock.shared());
    let door = door_over(tools.build());
    for (id, event_type, of, start) in [
        ("a-1", 1, "salon", "2026-12-03T09:00:00Z"),
        ("b-1", 2, "studio", "2026-12-04T09:00:00Z"),
    ] {
        let (start, ann) = (utc(start), Person::by_phone("Ann", ANN, "Europe/Berlin"));
        let end = start + chrono::TimeDelta::minutes(30);
        let (status, event_type) = (AppointmentStatus::Confirmed, EventTypeId::new(event_type));
        let state = AppointmentState::new(status, start, end, event_type, ann);
        let write = AppointmentWrite::new(state, Origin::Admin, start);
        let tenant = TenantId::new(of);
        table
            .create_appointment(&tenant, &id.into(), write)
            .unwrap();
    }
    let asked = async |tenant: &str, token: &str, tool: &str, arguments: Value| {
        let (path, token) = (format!("/mcp/{tenant}"), format!("Bearer {token}"));
        let headers = [("authorization", token.as_str())];
        let body = request(tool, &arguments);
        let answered = ask(&door, ("POST", &path), &headers, body).await;
        let result = &answered.body["result"]["structuredContent"]["result"];
        (answered.status.as_u16(), result.clone())
    };
    for (tenant, token, own, others) in [
        ("salon", TOKEN, "a-1", "b-1"),
        ("studio", OTHERS, "b-1", "a-1"),
    ] {
        let theirs = json!({"phone": ANN});
        let (status, found) = asked(tenant, token, "find_appointments", theirs).await;
        assert_eq!(status, 200);
        let found = found["appointments"].as_array().unwrap();
        let ids: Vec<&Value> = found.iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [own]);
        for tool in ["cancel_appointment", "move_appointment"] {
            let others = json!({"phone": ANN, "appointment": others, "when": "2026-12-05T10:00"});
            let (_, refused) = asked(tenant, token, tool, others).await;
            assert_eq!(refused["reason"], "not_theirs", "{tool}: {refused}");
        }
    }
    for of in ["salon", "studio"] {
        let [kept] = &table.appointments(&TenantId::new(of))[..] else {
            panic!("one of {of}'s");
        };
        assert_eq!(kept.state.status, AppointmentStatus::Confirmed);
    }
}
