//! Calls as Retell plays them.

use std::time::Duration;

use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::testing::FakeCallSettings;
use serde_json::{Value, json};

use crate::world::{ALTONA, CALLER, MITTE, World};

fn haircut(hour: u32) -> Value {
    json!({"service": "Haircut", "when": format!("2026-12-08T{hour:02}:00:00+01:00"), "name": "Ann"})
}

#[tokio::test]
async fn a_call_that_is_sent_twice_and_loses_an_answer_books_once() {
    let world = World::new().await;
    let call = world.call(FakeCallSettings::inbound(CALLER, MITTE).sending_twice());
    let taken = call.inbound().await;
    let call = call.taken_as(&taken);
    let free = call.function("check_availability", haircut(10)).await;
    assert_eq!(
        free.said().as_deref(),
        Some("de: free"),
        "{:?}",
        free.json()
    );
    world.retell.drop_answers(1);
    let booked = call.function("book_appointment", haircut(10)).await;
    assert_eq!(booked.statuses(), [Some(200); 3]);
    assert!(booked.attempts[0].was_dropped);
    assert_eq!(
        booked.said().as_deref(),
        Some("de: booked"),
        "{:?}",
        booked.json()
    );
    assert_eq!(world.appointments().await, 1);
    assert_eq!(world.fake.live_bookings().len(), 1);
    let found = call.function("find_appointments", json!({})).await;
    assert_eq!(found.said().as_deref(), Some("de: appointments 1"));
    let cancelled = call.function("cancel_appointment", json!({})).await;
    assert_eq!(
        cancelled.said().as_deref(),
        Some("de: cancelled"),
        "{:?}",
        cancelled.json()
    );
    assert_eq!(world.appointments().await, 0);
    assert_eq!(world.retell.exchanges().len(), 5);
}

#[tokio::test]
async fn with_the_arguments_alone_a_number_must_be_said_and_nothing_is_shown() {
    let world = World::new().await;
    world.take(CALLER, 2).await;
    let call = world.call(
        FakeCallSettings::inbound(CALLER, MITTE)
            .with_arguments_only()
            .sending_twice(),
    );
    let mut arguments = haircut(10);
    let booked = call.function("book_appointment", arguments.clone()).await;
    assert_eq!(booked.said().as_deref(), Some("de: unclear"));
    arguments["phone"] = json!(CALLER);
    let booked = call.function("book_appointment", arguments).await;
    assert_eq!(
        booked.said().as_deref(),
        Some("de: booked"),
        "{:?}",
        booked.json()
    );
    assert_eq!(world.appointments().await, 2);
    // Whoever says a number is not whoever calls from it.
    let found = call
        .function("find_appointments", json!({"phone": CALLER}))
        .await;
    assert_eq!(found.said().as_deref(), Some("de: refused"));
}

#[tokio::test]
async fn of_an_outbound_call_the_customer_is_whom_the_agent_called() {
    let world = World::new().await;
    world.take(CALLER, 2).await;
    let call = world.call(FakeCallSettings::outbound(MITTE, CALLER));
    let found = call.function("find_appointments", json!({})).await;
    assert_eq!(found.said().as_deref(), Some("de: appointments 1"));
    let call = world.call(FakeCallSettings::inbound(MITTE, CALLER));
    let found = call.function("find_appointments", json!({})).await;
    assert_eq!(found.said().as_deref(), Some("de: appointments 0"));
}

#[tokio::test]
async fn a_call_that_is_not_answered_is_repeated_and_then_given_up() {
    let world = World::new().await;
    let settings = FakeCallSettings::inbound(CALLER, MITTE);
    // Nobody listens at the URL of another tenant's, so to speak: it answers 401.
    let call = world
        .retell
        .call(world.endpoints("studio"), settings.clone());
    assert_eq!(
        call.function("list_services", json!({})).await.statuses(),
        [Some(401); 3]
    );
    assert_eq!(call.inbound().await.statuses(), [Some(401); 4]);
    assert_eq!(call.event("call_ended").await.statuses(), [Some(401); 4]);
    // Somebody who takes a request and never answers.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    let endpoints = RetellEndpoints::new(&silent.parse().unwrap(), &"salon".into());
    let impatient = settings.with_wait(Duration::from_millis(50));
    let call = world.retell.call(endpoints, impatient);
    let asked = call.function("list_services", json!({})).await;
    assert_eq!(asked.statuses(), [None; 3]);
    assert_eq!(
        (asked.heard(), asked.said(), asked.json()),
        (None, None, Value::Null)
    );
}

/// The dynamic variables of an answer, all of which are texts.
fn variables(answer: &Value) -> &Value {
    let variables = &answer["call_inbound"]["dynamic_variables"];
    let all = variables.as_object().unwrap();
    assert!(all.values().all(Value::is_string), "{variables}");
    variables
}

#[tokio::test]
async fn an_inbound_call_gets_branch_agent_and_the_callers_next_appointment() {
    let world = World::with(|config| {
        config
            .with_agent("salon", None, "agent_salon")
            .with_agent("salon", Some("mitte".into()), "agent_mitte")
            .with_agent("studio", None, "agent_studio")
    })
    .await;
    world.take(CALLER, 2).await;
    world.take(CALLER, 4).await;
    world.take("+4915187654321", 6).await;
    let answer = world
        .call(FakeCallSettings::inbound(CALLER, MITTE))
        .inbound()
        .await
        .json();
    let expected = json!({
        "branch": "Mitte",
        "branch_address": "Am Park 1",
        "greeting": "Guten Morgen, Mitte. Wie kann ich Ihnen helfen?",
        "language": "de",
        "time_zone": "Europe/Berlin",
        "date": "2026-12-01",
        "weekday": "Tuesday",
        "time": "09:00",
        "known_caller": "true",
        "next_appointment": "de: appointments 1",
    });
    assert_eq!(*variables(&answer), expected);
    assert_eq!(answer["call_inbound"]["override_agent_id"], "agent_mitte");
    assert_eq!(
        answer["call_inbound"]["metadata"],
        json!({"branch": "mitte"})
    );
    // Another branch, in its own time zone, and somebody who is not known.
    let call = world.call(FakeCallSettings::inbound("+4915100000000", ALTONA));
    let answer = call.inbound().await.json();
    let told = variables(&answer);
    assert_eq!(
        (&told["branch"], &told["time"]),
        (&json!("Lisboa"), &json!("08:00"))
    );
    assert_eq!(
        (&told["known_caller"], &told["next_appointment"]),
        (&json!("false"), &json!(""))
    );
    assert_eq!(answer["call_inbound"]["override_agent_id"], "agent_salon");
}

#[tokio::test]
async fn an_inbound_call_of_nobody_to_nowhere_is_taken_too() {
    let greeting = "Olá {branch}!";
    let world = World::with(|config| config.with_greeting("de", greeting)).await;
    world.take(CALLER, 2).await;
    let call = world.call(FakeCallSettings::inbound("anonymous", "+49891234567"));
    let answer = call.inbound().await.json();
    let told = variables(&answer);
    assert_eq!(
        (&told["branch"], &told["greeting"]),
        (&json!(""), &json!("Olá !"))
    );
    assert_eq!(told["known_caller"], "false");
    let call_inbound = answer["call_inbound"].as_object().unwrap();
    assert_eq!(
        call_inbound.keys().collect::<Vec<_>>(),
        ["dynamic_variables"]
    );
}

#[tokio::test]
async fn a_branch_has_a_greeting_of_its_own() {
    let configure = |config: calcom::server::AgentsConfig| {
        let config = config.with_greeting("de", "Hallo!");
        config.with_branch_greeting("salon", "mitte", "Willkommen in {branch}!")
    };
    let world = World::with(configure).await;
    for (to, greeting) in [(MITTE, "Willkommen in Mitte!"), (ALTONA, "Hallo!")] {
        let call = world.call(FakeCallSettings::inbound(CALLER, to));
        let answer = call.inbound().await.json();
        assert_eq!(variables(&answer)["greeting"], greeting);
    }
}
