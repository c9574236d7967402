//! A phone agent takes, moves and cancels an appointment. Cal.com and the voice provider are fakes in the
//! same process; everything in between is real.
//!
//! ```console
//! $ cargo run --example phone_agent --features testing
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use calcom::agents::Tools;
use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::client::Client;
use calcom::store::{InMemoryStore, TenantId};
use calcom::sync::{
    Branch, Engine, Locale, ServiceSyncParams, StaticTenants, SyncEngine, Tenant, TenantServices,
    Worker,
};
use calcom::testing::{FakeCalcom, FakeCall, FakeCallSettings, FakeEventType, FakeRetell};
use calcom::webhook::RetellVerifier;
use serde_json::{Value, json};

const RETELL_KEY: &str = "key_of_the_salon";
const SALON: &str = "+493012345678";
const ANNA: &str = "+4915123456789";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A Cal.com with one event type, and the salon that books there.
    let haircut = FakeEventType::new("haircut", 30)
        .with_title("Haircut")
        .with_hours(0..24);
    let fake = FakeCalcom::builder().event_type(haircut).start().await?;
    let client = Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .build()?;
    let client = Arc::new(client);
    let store = Arc::new(InMemoryStore::new()); // the salon's appointments, and the engine's books
    let tenant = TenantId::new("salon");
    let branch = Branch::new("mitte".into(), "Salon Mitte", "Europe/Berlin".into());
    let salon = Tenant::new(tenant.clone(), client.clone())
        .with_event_type(fake.event_type_id())
        .with_services(TenantServices::new(store.clone(), client))
        .with_locale(Locale::new("Europe/Berlin".into(), "en").with_region("DE"))
        .with_phone_only_domain("phone.example.com")
        .with_branch(branch.with_phone_number(SALON.parse()?))
        .with_sender(Arc::new(RetellVerifier::new([RETELL_KEY.into()])));
    let tenants = Arc::new(StaticTenants::new([salon]));
    let engine = Engine::builder(store.clone(), store.clone(), tenants.clone()).build();
    let engine = Arc::new(engine);
    engine
        .sync_services(&tenant, ServiceSyncParams::default().with_import(true))
        .await?;
    let worker = Worker::new(engine.clone());
    let worker = tokio::spawn(async move { worker.run_until(std::future::pending()).await });

    // The doors for the agent.
    let tools = Tools::over_engine(&engine, store.clone(), tenants).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?).parse()?;
    let router = calcom::server::agents(engine, tools);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });

    // Anna calls. What the model understands is sent as it is; every call is sent twice, as happens.
    let retell = FakeRetell::start(RETELL_KEY).await?;
    let endpoints = RetellEndpoints::new(&url, &tenant);
    let call = retell.call(
        endpoints,
        FakeCallSettings::inbound(ANNA, SALON).sending_twice(),
    );
    call.inbound().await;
    ask(&call, "list_services", json!({})).await?;
    let wish = json!({"service": "haircut", "wish": "tomorrow in the afternoon"});
    ask(&call, "find_next_slot", wish).await?;
    let booking = json!({
        "service": "haircut", "when": "tomorrow at half past two", "name": "Anna Schmidt",
    });
    ask(&call, "book_appointment", booking).await?;
    let again = json!({"service": "haircut", "when": "tomorrow at half past two", "name": "Ben"});
    ask(&call, "book_appointment", again).await?;
    ask(
        &call,
        "move_appointment",
        json!({"when": "the day after tomorrow at four"}),
    )
    .await?;
    ask(&call, "find_appointments", json!({})).await?;
    println!(
        "-- {} appointment at the salon, {} booking at Cal.com",
        store.appointments(&tenant).len(),
        fake.live_bookings().len()
    );
    ask(&call, "cancel_appointment", json!({})).await?;
    println!("-- {} bookings at Cal.com", fake.live_bookings().len());

    server.abort();
    worker.abort();
    fake.shutdown().await;
    Ok(())
}

async fn ask(call: &FakeCall, function: &str, arguments: Value) -> Result<(), Box<dyn Error>> {
    println!("{function} {arguments}");
    let answer = call.function(function, arguments).await;
    println!("   {}", answer.said().ok_or("no answer")?);
    Ok(())
}
