//! A request as the core sees it, and which operation it is.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::answer::Refusal;

/// Bodies above this are refused with 413.
pub(super) const MAX_BODY: usize = 100 * 1024;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Operation {
    /// `POST /v2/bookings`.
    CreateBooking,
    /// `POST /v2/bookings/{uid}/reschedule`.
    Reschedule,
    /// `POST /v2/bookings/{uid}/cancel`.
    Cancel,
    /// `POST /v2/bookings/{uid}/confirm`.
    Confirm,
    /// `POST /v2/bookings/{uid}/decline`.
    Decline,
    /// `POST /v2/bookings/{uid}/mark-absent`.
    MarkAbsent,
    /// `GET /v2/bookings/{uid}`.
    GetBooking,
    /// `GET /v2/bookings`.
    ListBookings,
    /// `GET /v2/slots`.
    Slots,
    /// `GET /v2/event-types` and `GET /v2/event-types/{id}`.
    EventTypes,
    /// Everything under `/v2/webhooks`.
    Webhooks,
    /// `GET /v2/me`.
    Me,
    /// A route that the fake does not have.
    Unknown,
}

impl Operation {
    /// Whether it changes bookings.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::CreateBooking
                | Self::Reschedule
                | Self::Cancel
                | Self::Confirm
                | Self::Decline
                | Self::MarkAbsent
        )
    }
}

/// A request, taken apart.
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query under `/v2`, as error answers repeat them.
    pub(super) target: String,
    pub(super) path: String,
    segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Request {
    pub(super) fn new(method: Method, target: &str, headers: HeaderMap, body: Bytes) -> Self {
        // Some installations put the API under /api; the server behind does not see that part.
        let target = match target.strip_prefix("/api/") {
            Some(rest) => format!("/{rest}"),
            None => target.to_owned(),
        };
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut segments: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .map(ToOwned::to_owned)
            .collect();
        // Without the version, nothing is a route.
        if segments.first().is_some_and(|first| first == "v2") {
            segments.remove(0);
        } else {
            segments.clear();
        }
        let query = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self {
            path: path.to_owned(),
            target,
            method,
            segments,
            query,
            headers,
            body,
        }
    }

    /// The parts of the path behind `/v2/`.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    pub(super) fn operation(&self) -> Operation {
        let get = self.method == Method::GET;
        let post = self.method == Method::POST;
        match self.segments().as_slice() {
            ["me"] if get => Operation::Me,
            ["bookings"] if post => Operation::CreateBooking,
            ["bookings"] if get => Operation::ListBookings,
            ["bookings", _] if get => Operation::GetBooking,
            ["bookings", _, "reschedule"] if post => Operation::Reschedule,
            ["bookings", _, "cancel"] if post => Operation::Cancel,
            ["bookings", _, "confirm"] if post => Operation::Confirm,
            ["bookings", _, "decline"] if post => Operation::Decline,
            ["bookings", _, "mark-absent"] if post => Operation::MarkAbsent,
            ["slots"] if get => Operation::Slots,
            ["event-types"] | ["event-types", _] if get => Operation::EventTypes,
            ["webhooks"] if get || post => Operation::Webhooks,
            ["webhooks", _]
                if get || self.method == Method::DELETE || self.method == Method::PATCH =>
            {
                Operation::Webhooks
            }
            _ => Operation::Unknown,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the request asks for this version; anything else falls back to 2024-04-15, silently.
    pub(super) fn speaks(&self, version: &str) -> bool {
        self.header("cal-api-version") == Some(version)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as an object. A body that does not say that it is JSON counts as empty, as it does behind Express.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        let is_json = self
            .header("content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
        if !is_json || self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(Value::String(text)) if text.is_empty() => Ok(Map::new()),
            Ok(Value::Array(_)) => Err(Refusal::bad_request(
                "undefined property is wrong,an unknown value was passed to the validate function ",
            )),
            _ => Err(Refusal::bad_request("Unexpected token in JSON")),
        }
    }
}
