//! Whole phone calls, as a voice provider plays them: everything is sent twice, and an answer is lost.

use std::net::SocketAddr;

use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::ambient::Clock;
use calcom::server::{AgentsConfig, agents_with};
use calcom::store::Origin;
use calcom::sync::{Branch, Locale, Tenant};
use calcom::testing::{FakeCall, FakeCallSettings, FakeRetell};
use calcom::webhook::RetellVerifier;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::salon::{ANN, Salon, number, utc};

const KEY: &str = "key_of_the_salon";
const SALON: &str = "+493011111111";

struct Provider {
    retell: FakeRetell,
    endpoints: RetellEndpoints,
    server: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    async fn of(salon: &Salon) -> Self {
        let clock = salon.harness.clock().shared();
        let retell = FakeRetell::start_with_clock(KEY, clock).await.unwrap();
        let config = AgentsConfig::default();
        let router = agents_with(salon.harness.engine(), salon.tools.clone(), config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        let base = format!("http://{address}").parse().unwrap();
        let endpoints = RetellEndpoints::new(&base, &salon.tenant);
        Self {
            retell,
            endpoints,
            server,
        }
    }

    /// Ann calls.
    async fn call(&self) -> FakeCall {
        let settings = FakeCallSettings::inbound(ANN, SALON).sending_twice();
        let call = self.retell.call(self.endpoints.clone(), settings);
        let taken = call.inbound().await;
        call.taken_as(&taken)
    }
}

fn of_the_salon(tenant: Tenant, zone: &str, language: &str) -> Tenant {
    let locale = Locale::new(zone.into(), language).with_region("DE");
    let branch = Branch::new("mitte".into(), "Salon Mitte", zone.into());
    tenant
        .with_locale(locale)
        .with_branch(branch.with_phone_number(number(SALON)))
        .with_sender(std::sync::Arc::new(RetellVerifier::new([KEY.into()])))
}

/// Asks, hears the same answer to every request, and returns what is said.
async fn ask(call: &FakeCall, function: &str, arguments: Value) -> String {
    let answer = call.function(function, arguments).await;
    let heard: Vec<_> = answer
        .attempts
        .iter()
        .map(|attempt| &attempt.body)
        .collect();
    assert!(heard.len() >= 2, "everything is sent twice");
    assert!(
        heard.iter().all(|body| *body == heard[0]),
        "{function}: {heard:?}"
    );
    answer.said().unwrap()
}

async fn has_one_booking(salon: &Salon, start: &str) {
    let appointments = salon.appointments();
    assert_eq!(appointments.len(), 1);
    assert_eq!(appointments[0].origin, Origin::Phone);
    let attendee = &appointments[0].state.attendee;
    assert_eq!(attendee.phone_number.as_deref(), Some(ANN));
    assert_eq!(attendee.name, "Anna Schmidt");
    assert_eq!(appointments[0].state.start, utc(start));
    let bookings = salon.harness.fake().live_bookings();
    assert_eq!(bookings.len(), 1);
    assert_eq!(bookings[0].start, utc(start));
    assert_eq!(bookings[0].attendees[0].phone_number.as_deref(), Some(ANN));
    salon.harness.assert_in_sync().await;
    salon.harness.assert_no_doubles().await;
}

#[tokio::test]
async fn a_call_in_german() {
    let salon = Salon::open_with(|tenant| of_the_salon(tenant, "Europe/Berlin", "de")).await;
    assert_eq!(salon.harness.clock().now(), utc("2026-12-01T08:00:00Z"));
    let provider = Provider::of(&salon).await;
    let call = provider.call().await;
    let said = ask(&call, "list_services", json!({})).await;
    assert!(
        said.contains("Haarschnitt") && said.contains("Färben"),
        "{said}"
    );
    let so_far = json!({"service": "haarschnitt", "date": "übermorgen"});
    let said = ask(&call, "collect_appointment_data", so_far).await;
    assert!(said.ends_with('?'), "{said}");
    let wish = json!({"service": "Haarschnitt", "when": "Übermorgen um halb drei"});
    let said = ask(&call, "check_availability", wish).await;
    assert!(said.contains("3. Dezember, um 14 Uhr 30"), "{said}");
    // The answer to the first of three requests is lost.
    provider.retell.drop_answers(1);
    let booking = json!({
        "service": "Haarschnitt", "when": "übermorgen um halb drei", "name": "Anna Schmidt",
    });
    let said = ask(&call, "book_appointment", booking).await;
    assert!(said.contains("14 Uhr 30"), "{said}");
    has_one_booking(&salon, "2026-12-03T13:30:00Z").await;
    assert_eq!(call.event("call_ended").await.statuses(), [Some(204); 2]);

    // She calls again, and nobody asks who she is.
    let call = provider.call().await;
    let said = ask(&call, "find_appointments", json!({})).await;
    assert!(said.contains("3. Dezember"), "{said}");
    provider.retell.drop_answers(1);
    let said = ask(
        &call,
        "move_appointment",
        json!({"when": "Freitag um 16 Uhr"}),
    )
    .await;
    assert!(said.contains("4. Dezember, um 16 Uhr"), "{said}");
    has_one_booking(&salon, "2026-12-04T15:00:00Z").await;
    provider.retell.drop_answers(1);
    let said = ask(&call, "cancel_appointment", json!({"reason": "krank"})).await;
    assert!(
        said.contains("abgesagt") || said.contains("storniert"),
        "{said}"
    );
    assert!(salon.harness.fake().live_bookings().is_empty());
    salon.harness.assert_in_sync().await;
}

#[tokio::test]
async fn a_call_in_english() {
    let salon = Salon::open_with(|tenant| of_the_salon(tenant, "Europe/London", "en")).await;
    let provider = Provider::of(&salon).await;
    let call = provider.call().await;
    let so_far = json!({"service": "haarschnitt", "time": "half past two", "name": "Anna Schmidt"});
    let said = ask(&call, "collect_appointment_data", so_far).await;
    assert!(said.ends_with('?'), "{said}");
    let wish = json!({"service": "Haarschnitt", "wish": "the day after tomorrow in the afternoon"});
    let said = ask(&call, "find_next_slot", wish).await;
    assert!(said.contains("December 3rd"), "{said}");
    provider.retell.drop_answers(1);
    let booking = json!({
        "service": "Haarschnitt", "when": "the day after tomorrow at half past two", "name": "Anna Schmidt",
    });
    let said = ask(&call, "book_appointment", booking).await;
    assert!(said.contains("2:30 pm"), "{said}");
    has_one_booking(&salon, "2026-12-03T14:30:00Z").await;
    assert_eq!(call.event("call_ended").await.statuses(), [Some(204); 2]);

    let call = provider.call().await;
    provider.retell.drop_answers(1);
    let said = ask(&call, "move_appointment", json!({"when": "Friday at four"})).await;
    assert!(said.contains("December 4th, at 4 pm"), "{said}");
    has_one_booking(&salon, "2026-12-04T16:00:00Z").await;
    provider.retell.drop_answers(1);
    let said = ask(&call, "cancel_appointment", json!({})).await;
    assert!(said.contains("cancelled"), "{said}");
    assert!(salon.harness.fake().live_bookings().is_empty());
    salon.harness.assert_in_sync().await;
}
