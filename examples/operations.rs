//! An application that mounts the door for webhooks and the operations page in its own router; here over a fake Cal.com, and with an
//! appointment of its own.
//!
//! `cargo run --example operations`, and open the link that it prints.

#![allow(clippy::disallowed_methods, reason = "an example may ask the clock")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use calcom::chrono::{DurationRound, TimeDelta, Utc};
use calcom::client::Client;
use calcom::model::NewWebhook;
use calcom::server::{Access, OperationsConfig, Role, SignInLinks, Token, operations, webhooks};
use calcom::store::{AppointmentState, AppointmentStatus, AppointmentWrite, Change};
use calcom::store::{InMemoryStore, Origin, Person, TenantId};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant, Worker};
use calcom::testing::FakeCalcom;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let (calcom, salon) = (FakeCalcom::start().await?, TenantId::new("salon"));
    let client = Client::builder(calcom.api_key()).base_url(calcom.base_url().as_str());
    let client = Arc::new(client.build()?);
    let (door, secret) = (
        format!("http://{address}/webhooks/calcom/salon"),
        "whsec_of_the_example",
    );
    calcom.subscribe(&door, secret, NewWebhook::booking_triggers());
    let tenant = Tenant::new(salon.clone(), client.clone())
        .with_event_type(calcom.event_type_id())
        .with_webhook_secret(secret)
        .with_subscription(client, door);

    let store = Arc::new(InMemoryStore::new());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Arc::new(Engine::builder(store.clone(), store.clone(), tenants).build());

    let start = (Utc::now() + TimeDelta::days(7)).duration_trunc(TimeDelta::days(1))?
        + TimeDelta::hours(10);
    let ann = Person::new("Ann", "ann@example.com", "Europe/Berlin");
    let (status, end) = (AppointmentStatus::Confirmed, start + TimeDelta::minutes(30));
    let state = AppointmentState::new(status, start, end, calcom.event_type_id(), ann);
    let write = AppointmentWrite::new(state, Origin::Admin, Utc::now());
    let made = store.create_appointment(&salon, &"a-1".into(), write)?;
    let change = Change::new(salon, made.id, made.revision, made.origin, made.updated_at);
    engine.record(&change).await?;
    let worker = Worker::new(engine.clone());
    tokio::spawn(async move { worker.run_until(std::future::pending()).await });

    // In production, the token comes from where secrets are kept.
    let access = Access::tokens([Token::new(
        "hanna",
        "a token of the example",
        Role::Operator,
    )]);
    let links = SignInLinks::default();
    println!("http://{address}/operations{}", links.mint("hanna")?);
    let config = OperationsConfig::new(access)
        .with_base_path("/operations")
        .with_sign_in_links(links);
    let app = Router::new()
        .merge(webhooks(engine.clone()))
        .nest("/operations", operations(engine, config));
    Ok(axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?)
}
