//! Prints what this crate makes of one recorded exchange, or of one webhook, as one line of JSON.
//!
//! ```text
//! inspect EXCHANGE.json
//! inspect HEADERS BODY --secret SECRET [--secret SECRET …]
//! ```
//!
//! An exchange is `{"request": {"method", "path", …}, "response": {"status", "headers", "body"}}`. The headers of a webhook are
//! an object, an object with a field `headers`, or lines of `Name: value`.
//!
//! Exit status: 0 if the crate understands it, which an error answer of a known kind is too; 1 if an answer cannot be decoded
//! or a signature is refused; 2 if the command line or a file is wrong.
//!
//! The line holds what the exchange holds, people included: mind where you paste it.

use std::process::ExitCode;

use bytes::Bytes;
use calcom::ambient::{Clock, SystemClock};
use calcom::client::{self, Error, ErrorKind};
use calcom::model::{
    Booking, BookingOrSeries, CalendarLink, EventType, Reassignment, Reservation, Schedule,
    SlotsByDay, User, WebhookSubscription,
};
use calcom::webhook::{self, VerifyError};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const USAGE: &str =
    "usage: inspect EXCHANGE.json | inspect HEADERS BODY --secret SECRET [--secret SECRET ...]";

/// What is printed, and whether the crate understood it.
struct Finding {
    line: Value,
    understood: bool,
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(finding) => {
            println!("{}", finding.line);
            if finding.understood {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(1)
            }
        }
        Err(message) => {
            eprintln!("inspect: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: impl Iterator<Item = String>) -> Result<Finding, String> {
    let mut files = Vec::new();
    let mut secrets = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--secret" => {
                let secret = arguments.next().ok_or("--secret takes a value")?;
                secrets.push(SecretString::from(secret));
            }
            "--help" | "-h" => return Err(USAGE.to_owned()),
            flag if flag.starts_with("--") => return Err(format!("{flag} is unknown; {USAGE}")),
            file => files.push(file.to_owned()),
        }
    }
    match files.as_slice() {
        [exchange] if secrets.is_empty() => inspect_exchange(&read(exchange)?),
        [headers, body] if !secrets.is_empty() => {
            let headers = parse_headers(&read(headers)?)?;
            Ok(inspect_webhook(&secrets, &headers, &read(body)?))
        }
        _ => Err(USAGE.to_owned()),
    }
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{path}: {error}"))
}

fn inspect_exchange(file: &[u8]) -> Result<Finding, String> {
    let exchange: Value = serde_json::from_slice(file)
        .map_err(|error| format!("the exchange is not JSON: {error}"))?;
    let text = |pointer: &str| exchange.pointer(pointer).and_then(Value::as_str);
    let method = text("/request/method").ok_or("the exchange has no request.method")?;
    let path = text("/request/path").ok_or("the exchange has no request.path")?;
    let status = exchange
        .pointer("/response/status")
        .and_then(Value::as_u64)
        .and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok())
        .ok_or("the exchange has no response.status")?;
    let body = match exchange.pointer("/response/body") {
        None | Some(Value::Null) => Bytes::new(),
        // What was not JSON was recorded as text.
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(json) => Bytes::from(json.to_string()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(headers) = exchange.pointer("/response/headers") {
        *response.headers_mut() = header_map(headers);
    }
    Ok(inspect_answer(method, path, &response))
}

/// Reads an answer as the type that its request asked for.
fn inspect_answer(method: &str, path: &str, response: &Response<Bytes>) -> Finding {
    let resource = path.split_once("/v2/").map_or(path, |(_, rest)| rest);
    let segments: Vec<&str> = resource.split('/').filter(|s| !s.is_empty()).collect();
    match (method, segments.as_slice()) {
        ("GET" | "PATCH", ["me"]) => found::<User>("user", response),
        ("GET", ["bookings"]) => found::<Vec<Booking>>("bookings", response),
        ("GET", ["bookings", _]) | ("POST", ["bookings"] | ["bookings", _, "cancel"]) => {
            found::<BookingOrSeries>("booking", response)
        }
        (
            "POST",
            [
                "bookings",
                _,
                "reschedule" | "confirm" | "decline" | "mark-absent",
            ],
        ) => found::<Booking>("booking", response),
        ("POST", ["bookings", _, "reassign", ..]) => {
            found::<Reassignment>("reassignment", response)
        }
        ("GET", ["bookings", _, "calendar-links"]) => {
            found::<Vec<CalendarLink>>("calendar_links", response)
        }
        // Reading a reservation that is gone answers with null.
        ("GET", ["slots", "reservations", _]) => {
            found::<Option<Reservation>>("reservation", response)
        }
        ("POST" | "PATCH", ["slots", "reservations", ..]) => {
            found::<Reservation>("reservation", response)
        }
        ("GET", ["slots"]) => found::<SlotsByDay>("slots", response),
        ("GET", ["event-types"]) => found::<Vec<EventType>>("event_types", response),
        ("POST", ["event-types"]) | ("GET" | "PATCH", ["event-types", _]) => {
            found::<EventType>("event_type", response)
        }
        ("GET", ["schedules"]) => found::<Vec<Schedule>>("schedules", response),
        ("GET", ["schedules", "default"]) => found::<Option<Schedule>>("schedule", response),
        ("POST", ["schedules"]) | ("GET" | "PATCH", ["schedules", _]) => {
            found::<Schedule>("schedule", response)
        }
        ("GET", ["webhooks"] | ["event-types", _, "webhooks"]) => {
            found::<Vec<WebhookSubscription>>("webhooks", response)
        }
        (_, ["webhooks", ..] | ["event-types", _, "webhooks", ..]) => {
            found::<WebhookSubscription>("webhook", response)
        }
        // Answers that this version has no type for.
        _ => found_json(response),
    }
}

fn found<T: DeserializeOwned + Serialize>(kind: &str, response: &Response<Bytes>) -> Finding {
    match client::decode::<T>("inspect", response, SystemClock.now()) {
        Ok(value) => understood(json!({"result": "value", "type": kind, "value": value})),
        Err(error) => failed(&error),
    }
}

fn found_json(response: &Response<Bytes>) -> Finding {
    // A deletion acknowledges without data.
    let data = client::decode::<Value>("inspect", response, SystemClock.now());
    match data {
        Ok(value) => understood(json!({"result": "value", "type": "json", "value": value})),
        Err(_) if is_bare_success(response) => {
            understood(json!({"result": "value", "type": "acknowledgement", "value": null}))
        }
        Err(error) => failed(&error),
    }
}

fn is_bare_success(response: &Response<Bytes>) -> bool {
    let body = serde_json::from_slice::<Value>(response.body()).unwrap_or_default();
    response.status().is_success() && body == json!({"status": "success"})
}

fn understood(line: Value) -> Finding {
    Finding {
        line,
        understood: true,
    }
}

fn failed(error: &Error) -> Finding {
    let fields: Vec<Value> = error
        .fields()
        .iter()
        .map(|field| json!({"field": field.field(), "message": field.message()}))
        .collect();
    let api = error.api();
    let line = json!({
        "result": "error",
        "kind": error.kind().as_str(),
        "retry": format!("{:?}", error.retryability()),
        "retry_after_seconds": error.retry_after().map(|wait| wait.as_secs()),
        "status": api.map(|api| api.status().as_u16()),
        "code": api.and_then(|api| api.code()),
        "message": api.map(client::ApiError::message).filter(|message| !message.is_empty()),
        "fields": fields,
        "json_path": error.json_path(),
        "request_id": api.and_then(|api| api.request_id()),
        "error": error.to_string(),
    });
    Finding {
        line,
        understood: error.kind() != ErrorKind::Decode,
    }
}

fn inspect_webhook(secrets: &[SecretString], headers: &HeaderMap, body: &[u8]) -> Finding {
    match webhook::receive(secrets, headers, body) {
        Ok(event) => understood(json!({
            "result": "event",
            "trigger": event.trigger(),
            "booking": event.booking_uid(),
            "value": event,
        })),
        Err(refused) => {
            let kind = match refused {
                VerifyError::Missing => "missing",
                VerifyError::NoSecretAtSender => "no_secret_at_sender",
                VerifyError::NoSecretHere => "no_secret_here",
                VerifyError::Malformed => "malformed",
                _ => "mismatch",
            };
            Finding {
                line: json!({"result": "refused", "kind": kind, "error": refused.to_string()}),
                understood: false,
            }
        }
    }
}

fn parse_headers(file: &[u8]) -> Result<HeaderMap, String> {
    if let Ok(json) = serde_json::from_slice::<Value>(file) {
        return Ok(header_map(json.get("headers").unwrap_or(&json)));
    }
    let text = std::str::from_utf8(file).map_err(|_| "the headers are not text")?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    Ok(lines
        .filter_map(|(name, value)| header(name.trim(), value.trim()))
        .collect())
}

fn header_map(json: &Value) -> HeaderMap {
    let pairs = json.as_object().into_iter().flatten();
    pairs
        .filter_map(|(name, value)| header(name, value.as_str()?))
        .collect()
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?))
}
