//! Prints who booked what, from verified webhooks, without the sync engine.
//!
//! Set `CALCOM_WEBHOOK_SECRET` to the subscription's secret, and `CALCOM_LISTEN` to the address to listen on if it is not
//! 127.0.0.1:8080. It prints people's names: mind where its output goes.

use axum::body::Bytes;
use axum::{Router, routing::post};
use calcom::model::clean_line;
use calcom::webhook::{self, VerifyError, WebhookEvent};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = SecretString::from(std::env::var("CALCOM_WEBHOOK_SECRET")?);
    let address = std::env::var("CALCOM_LISTEN").unwrap_or("127.0.0.1:8080".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let answer = async move |headers: HeaderMap, body: Bytes| receive(&secret, &headers, &body);
    axum::serve(listener, Router::new().route("/", post(answer))).await?;
    Ok(())
}

fn receive(secret: &SecretString, headers: &HeaderMap, body: &[u8]) -> StatusCode {
    match webhook::receive(std::slice::from_ref(secret), headers, body) {
        Ok(WebhookEvent::Booking(event)) => {
            let names = event.attendees.iter().flatten().flat_map(|a| &a.name);
            let names: Vec<_> = names.map(|name| clean_line(name)).collect();
            let title = clean_line(event.title.as_deref().unwrap_or_default());
            println!("{}: {}: {title}", event.trigger, names.join(", "));
            StatusCode::OK
        }
        Ok(_) => StatusCode::OK,
        // 401 is final: the sender does not try again.
        Err(VerifyError::NoSecretHere) => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}
