//! An application that mounts the door for webhooks and the operations page in its own router; here over a fake Cal.com, where somebody
//! books.
//!
//! `cargo run --example operations`, and open the link that it prints.

#![allow(clippy::disallowed_methods, reason = "an example may ask the clock")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use calcom::chrono::{DurationRound, TimeDelta, Utc};
use calcom::client::Client;
use calcom::model::{NewAttendee, NewBooking, NewWebhook};
use calcom::server::{Access, OperationsConfig, Role, SignInLinks, Token, operations, webhooks};
use calcom::store::InMemoryStore;
use calcom::sync::{Engine, StaticTenants, Tenant, Worker};
use calcom::testing::FakeCalcom;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let calcom = FakeCalcom::start().await?;
    let client = Client::builder(calcom.api_key()).base_url(calcom.base_url().as_str());
    let client = Arc::new(client.build()?);
    let (door, secret) = (format!("http://{address}/webhooks/calcom/salon"), "whsec_1");
    calcom.subscribe(&door, secret, NewWebhook::booking_triggers());
    let salon = Tenant::new("salon".into(), client.clone())
        .with_event_type(calcom.event_type_id())
        .with_webhook_secret(secret)
        .with_subscription(client, door);
    let (store, tenants) = (Arc::new(InMemoryStore::new()), StaticTenants::new([salon]));
    let engine = Engine::builder(store.clone(), store, Arc::new(tenants)).build();
    let engine = Arc::new(engine);
    let worker = Worker::new(engine.clone());
    tokio::spawn(async move { worker.run_until(std::future::pending()).await });

    // In production, the token comes from where secrets are kept.
    let access = Access::tokens([Token::new("hanna", "a token to be kept", Role::Operator)]);
    let links = SignInLinks::default();
    println!("http://{address}/operations{}", links.mint("hanna")?);
    let config = OperationsConfig::new(access)
        .with_base_path("/operations")
        .with_sign_in_links(links);
    let app = Router::new()
        .merge(webhooks(engine.clone()))
        .nest_service("/operations", operations(engine, config));

    let week = Utc::now().duration_trunc(TimeDelta::days(1))? + TimeDelta::days(7);
    let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
    let start = week + TimeDelta::hours(10);
    let booking = NewBooking::new(calcom.event_type_id(), start, ann);
    let _calcom = tokio::spawn(async move { calcom.book(booking).await.map(|_| calcom) });
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).await?)
}
