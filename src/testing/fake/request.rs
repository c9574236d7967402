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

/// The versions that a server of August 2025 knows.
const VERSIONS: [&str; 5] = [
    OLDEST,
    "2024-06-11",
    "2024-06-14",
    "2024-08-13",
    "2024-09-04",
];

const OLDEST: &str = "2024-04-15";

/// An operation of the API.
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
    /// `PATCH /v2/me`.
    UpdateMe,
    /// `POST /v2/event-types`.
    CreateEventType,
    /// `PATCH /v2/event-types/{id}`.
    UpdateEventType,
    /// `DELETE /v2/event-types/{id}`.
    DeleteEventType,
    /// Everything under `/v2/event-types/{id}/webhooks`.
    EventTypeWebhooks,
    /// Everything under `/v2/schedules`.
    Schedules,
    /// Everything under `/v2/slots/reservations`.
    SlotReservations,
    /// `GET /v2/bookings/{uid}/calendar-links`, `…/references`, `…/attendees` and
    /// `…/attendees/{id}`.
    BookingDetails,
    /// `POST /v2/bookings/{uid}/reassign/{userId}`.
    Reassign,
    /// `PATCH /v2/bookings/{uid}/location`; on hosted servers only.
    UpdateLocation,
    /// `POST /v2/bookings/{uid}/guests`; on hosted servers only.
    AddGuests,
    /// `GET /v2/calendars` and `GET /v2/calendars/busy-times`.
    Calendars,
    /// `POST` and `DELETE /v2/selected-calendars`.
    SelectedCalendars,
    /// `PUT /v2/destination-calendars`.
    DestinationCalendars,
    /// Everything under `/v2/conferencing`.
    Conferencing,
    /// A route that the fake does not serve, whether Cal.com has it or not.
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
                | Self::Reassign
                | Self::UpdateLocation
                | Self::AddGuests
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
        // A HEAD is answered like a GET, and fixed words count in any case.
        let get = self.method == Method::GET || self.method == Method::HEAD;
        let post = self.method == Method::POST;
        let words: Vec<String> = self
            .segments
            .iter()
            .map(|s| s.to_ascii_lowercase())
            .collect();
        let patch = self.method == Method::PATCH;
        let delete = self.method == Method::DELETE;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["me"] if get => Operation::Me,
            ["me"] if patch => Operation::UpdateMe,
            ["bookings"] if post => Operation::CreateBooking,
            ["bookings"] if get => Operation::ListBookings,
            ["bookings", uid] if get && !uid.is_empty() => Operation::GetBooking,
            ["bookings", _, "reschedule"] if post => Operation::Reschedule,
            ["bookings", _, "cancel"] if post => Operation::Cancel,
            ["bookings", _, "confirm"] if post => Operation::Confirm,
            ["bookings", _, "decline"] if post => Operation::Decline,
            ["bookings", _, "mark-absent"] if post => Operation::MarkAbsent,
            ["bookings", _, "reassign", _] if post => Operation::Reassign,
            ["bookings", _, "location"] if patch => Operation::UpdateLocation,
            ["bookings", _, "guests"] if post => Operation::AddGuests,
            ["bookings", _, "calendar-links" | "references" | "attendees"]
            | ["bookings", _, "attendees", _]
                if get =>
            {
                Operation::BookingDetails
            }
            ["slots"] if get => Operation::Slots,
            ["event-types"] | ["event-types", _] if get => Operation::EventTypes,
            ["slots", "reservations"] if post => Operation::SlotReservations,
            ["slots", "reservations", _] if get || patch || delete => Operation::SlotReservations,
            ["event-types"] if post => Operation::CreateEventType,
            ["event-types", _] if patch => Operation::UpdateEventType,
            ["event-types", _] if delete => Operation::DeleteEventType,
            ["event-types", _, "webhooks"] if get || post || delete => Operation::EventTypeWebhooks,
            ["event-types", _, "webhooks", _] if get || patch || delete => {
                Operation::EventTypeWebhooks
            }
            ["schedules"] if get || post => Operation::Schedules,
            ["schedules", _] if get || patch || delete => Operation::Schedules,
            ["calendars"] | ["calendars", "busy-times"] if get => Operation::Calendars,
            ["selected-calendars"] if post || delete => Operation::SelectedCalendars,
            ["destination-calendars"] if self.method == Method::PUT => {
                Operation::DestinationCalendars
            }
            ["conferencing"] | ["conferencing", "default"] if get => Operation::Conferencing,
            ["conferencing", _, "default"] if post => Operation::Conferencing,
            ["webhooks"] if get || post => Operation::Webhooks,
            ["webhooks", _] if get || delete || patch => Operation::Webhooks,
            _ => Operation::Unknown,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The version that the request asks for; what is missing or not known means the oldest,
    /// silently.
    fn version(&self) -> &'static str {
        let asked = self.header("cal-api-version");
        VERSIONS
            .into_iter()
            .find(|known| asked == Some(known))
            .unwrap_or(OLDEST)
    }

    pub(super) fn speaks(&self, version: &str) -> bool {
        self.version() == version
    }

    /// Whether an operation exists in the version that the request asks for.
    pub(super) fn reaches(&self, operation: Operation) -> bool {
        let version = self.version();
        match operation {
            Operation::Unknown => false,
            Operation::Me
            | Operation::UpdateMe
            | Operation::Webhooks
            | Operation::EventTypeWebhooks
            | Operation::Calendars
            | Operation::SelectedCalendars
            | Operation::DestinationCalendars
            | Operation::Conferencing => true,
            Operation::Slots | Operation::SlotReservations => version == "2024-09-04",
            Operation::Schedules => version == "2024-06-11",
            Operation::EventTypes
            | Operation::CreateEventType
            | Operation::UpdateEventType
            | Operation::DeleteEventType => [OLDEST, "2024-06-11", "2024-06-14"].contains(&version),
            Operation::CreateBooking
            | Operation::Cancel
            | Operation::GetBooking
            | Operation::ListBookings => version != "2024-09-04",
            Operation::Reschedule
            | Operation::Confirm
            | Operation::Decline
            | Operation::MarkAbsent
            | Operation::Reassign
            | Operation::UpdateLocation
            | Operation::AddGuests
            | Operation::BookingDetails => version == "2024-08-13",
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as an object. A body that is not `application/json` counts as empty, as it does
    /// behind Express.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") || self.body.is_empty() {
            return Ok(Map::new());
        }
        let text = String::from_utf8_lossy(&self.body);
        let strict = text.trim_start();
        match strict.chars().next() {
            None | Some('{' | '[') => {}
            // Anything but an object or an array is refused before it is read.
            Some(first) => return Err(unexpected(first, &text)),
        }
        match serde_json::from_str(&text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::bad_request(
                "undefined property is wrong,an unknown value was passed to the validate function ",
            )),
            Err(_) if strict.is_empty() => Ok(Map::new()),
            Err(_) if strict.trim_end() == "{" => Err(Refusal::bad_request(
                "Expected property name or '}' in JSON at position 1",
            )),
            Err(error) if error.is_eof() => {
                Err(Refusal::bad_request("Unexpected end of JSON input"))
            }
            Err(error) => {
                let line = text.lines().nth(error.line().saturating_sub(1));
                let at = line.and_then(|line| line.chars().nth(error.column().saturating_sub(1)));
                Err(unexpected(at.unwrap_or('}'), &text))
            }
        }
    }
}

/// V8's message for invalid JSON.
fn unexpected(found: char, text: &str) -> Refusal {
    let text: String = text.chars().take(200).collect();
    Refusal::bad_request(format!(
        "Unexpected token '{found}', \"{text}\" is not valid JSON"
    ))
}
