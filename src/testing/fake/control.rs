//! The control API: over HTTP, what a test in Rust does with its [`FakeCalcom`] handle.
//!
//! See [`FakeCalcomBuilder::control_api`](super::FakeCalcomBuilder::control_api) for its
//! operations.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::FakeCalcom;
use super::answer::{Answer, Refused};
use super::control_body::{Advance, Move, NewFault, Reason, Release, Subscribe};
use super::fault::{Fault, When};
use super::history::{DeliveryOutcome, RequestOutcome};
use super::shared::lock;
use crate::model::{Booking, BookingUid, NewWebhook};

/// Where the control API lies.
const PREFIX: &str = "/_fake";

/// Why a call to the control API fails.
struct Failure {
    status: u16,
    message: String,
}

impl Failure {
    fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self {
            status: refused.status,
            message: refused.message,
        }
    }
}

/// Answers a call to the control API; `None` if the path is not one of its own.
pub(super) async fn answer(
    fake: &FakeCalcom,
    method: &Method,
    path: &str,
    body: &Bytes,
) -> Option<Answer> {
    let path = path.strip_prefix(PREFIX)?;
    if !path.is_empty() && !path.starts_with('/') {
        return None;
    }
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let answered = serve(fake, method, &segments, body).await;
    Some(match answered {
        Ok((status, body)) => Answer::json(status, &body),
        Err(Failure { status, message }) => Answer::json(status, &json!({"error": message})),
    })
}

async fn serve(
    fake: &FakeCalcom,
    method: &Method,
    segments: &[&str],
    body: &Bytes,
) -> Result<(u16, Value), Failure> {
    let (get, post) = (*method == Method::GET, *method == Method::POST);
    match segments {
        [] if get => Ok((200, about(fake))),
        ["bookings"] if get => Ok((200, json!(fake.bookings()))),
        ["bookings"] if post => {
            let booking = fake.book_with(&read::<Value>(body)?).await?;
            Ok((201, json!(booking)))
        }
        ["bookings", uid, action] if post => {
            let booking = act(fake, &BookingUid::new(*uid), action, body).await?;
            Ok((200, json!(booking)))
        }
        ["requests"] if get => Ok((200, requests(fake))),
        ["webhooks"] if get => Ok((200, webhooks(fake))),
        ["webhooks"] if post => {
            let new: Subscribe = read(body)?;
            let triggers = new.triggers.unwrap_or_else(NewWebhook::booking_triggers);
            let id = fake.subscribe(new.url, &new.secret, triggers);
            Ok((201, json!({"id": id})))
        }
        ["webhooks", "release"] if post => {
            fake.release(&read::<Release>(body)?.ids).await;
            Ok((200, webhooks(fake)))
        }
        ["faults"] if post => {
            let new: NewFault = read(body)?;
            let on = When::try_from(new.on).map_err(Failure::bad_request)?;
            let fault = Fault::new(on, new.then.into());
            let fault = match new.times {
                Some(times) => fault.times(times),
                None => fault.always(),
            };
            fake.inject(fault.skip_first(new.skip_first));
            Ok((201, json!({})))
        }
        ["faults"] if *method == Method::DELETE => {
            fake.clear_faults();
            Ok((200, json!({})))
        }
        ["clock"] if get => Ok((200, clock(fake))),
        ["clock"] if post => {
            let by = read::<Advance>(body)?.advance_seconds;
            fake.advance_clock(Duration::from_secs(by.into()));
            Ok((200, clock(fake)))
        }
        _ => Err(Failure {
            status: 404,
            message: format!("the control API has no such operation; see GET {PREFIX}"),
        }),
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    // Without a body, everything optional is left out.
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Failure::bad_request(error.to_string()))
}

async fn act(
    fake: &FakeCalcom,
    uid: &BookingUid,
    action: &str,
    body: &Bytes,
) -> Result<Booking, Failure> {
    let reason = |body| Ok::<_, Failure>(read::<Reason>(body)?.reason.unwrap_or_default());
    Ok(match action {
        "move" => fake.move_booking(uid, read::<Move>(body)?.start).await?,
        "cancel" => {
            let reason = reason(body)?;
            let reason = if reason.is_empty() {
                "no reason given"
            } else {
                &reason
            };
            fake.cancel_booking(uid, reason).await?
        }
        "confirm" => fake.confirm(uid).await?,
        "decline" => fake.decline(uid, &reason(body)?).await?,
        _ => {
            return Err(Failure {
                status: 404,
                message: "a booking can be sent `move`, `cancel`, `confirm` and `decline`".into(),
            });
        }
    })
}

/// How to reach the fake, and what is there.
fn about(fake: &FakeCalcom) -> Value {
    let event_types: Vec<Value> = {
        let state = lock(&fake.shared.state);
        let all = state.event_types.iter();
        all.map(|(id, event_type)| {
            json!({
                "id": id,
                "slug": event_type.slug,
                "title": event_type.title,
                "lengthInMinutes": event_type.minutes,
                "ownerId": state.owner(event_type).id,
            })
        })
        .collect()
    };
    json!({
        "baseUrl": fake.base_url().as_str(),
        "now": instant(fake.shared.clock.now()),
        "users": users(fake),
        "eventTypes": event_types,
        "operations": OPERATIONS,
    })
}

const OPERATIONS: [&str; 15] = [
    "GET /_fake",
    "GET /_fake/bookings",
    "POST /_fake/bookings, with the body of POST /v2/bookings",
    "POST /_fake/bookings/{uid}/move {start}",
    "POST /_fake/bookings/{uid}/cancel {reason?}",
    "POST /_fake/bookings/{uid}/confirm",
    "POST /_fake/bookings/{uid}/decline {reason?}",
    "GET /_fake/requests",
    "GET /_fake/webhooks",
    "POST /_fake/webhooks {url, secret?, triggers?}",
    "POST /_fake/webhooks/release {ids}",
    "POST /_fake/faults {on, then, times?, skipFirst?}",
    "DELETE /_fake/faults",
    "GET /_fake/clock",
    "POST /_fake/clock {advanceSeconds}",
];

fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn clock(fake: &FakeCalcom) -> Value {
    json!({"now": instant(fake.shared.clock.now())})
}

fn requests(fake: &FakeCalcom) -> Value {
    let all = fake.requests().into_iter();
    all.map(|request| {
        let status = match request.outcome {
            RequestOutcome::Answered(status) => Some(status),
            RequestOutcome::Open | RequestOutcome::Dropped => None,
        };
        json!({
            "operation": request.operation,
            "method": request.method.as_str(),
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "body": request.body,
            "at": instant(request.at),
            "status": status,
            "applied": request.applied,
        })
    })
    .collect()
}

fn webhooks(fake: &FakeCalcom) -> Value {
    let all = fake.deliveries().into_iter();
    all.map(|delivery| {
        let (outcome, status) = match delivery.outcome {
            DeliveryOutcome::Open => ("open", None),
            DeliveryOutcome::Held => ("held", None),
            DeliveryOutcome::Lost => ("lost", None),
            DeliveryOutcome::Answered(status) => ("answered", Some(status)),
            DeliveryOutcome::Failed => ("failed", None),
        };
        json!({
            "id": delivery.id,
            "trigger": delivery.trigger,
            "bookingUid": delivery.booking_uid,
            "url": delivery.url,
            "attempts": delivery.attempts,
            "outcome": outcome,
            "status": status,
            "body": String::from_utf8_lossy(&delivery.body),
        })
    })
    .collect()
}

fn users(fake: &FakeCalcom) -> Value {
    let users = lock(&fake.shared.state).users.clone().into_iter();
    let users = users.map(|user| {
            json!({"id": user.id, "username": user.username, "email": user.email, "timeZone": user.time_zone, "apiKey": user.api_key})
    });
    users.collect()
}
