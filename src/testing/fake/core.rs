//! From a request to its answer: authentication, rate limit, routes. Pure.

use serde_json::{Value, json};

use super::answer::{Refusal, Reply, Step};
use super::request::{MAX_BODY, Operation, Request};
use super::routes;
use super::shape::{booking_json, old_booking_json};
use super::state::{Arrival, State, User};

impl State {
    /// Checks a request, and carries it out unless subscribers must be notified first; `headers` go
    /// into every answer to it.
    ///
    /// The webhooks it causes are in `notices` afterwards.
    pub(super) fn serve(
        &mut self,
        arrival: Arrival,
        request: &Request,
        headers: &mut Vec<(String, String)>,
    ) -> Result<Step, Refusal> {
        if request.body.len() > MAX_BODY {
            // Refused before anything else looks at it; no request id either.
            return Err(Refusal::bare(413, "request entity too large"));
        }
        let operation = request.operation();
        let mut tell = |name: &str, value: &dyn ToString| {
            headers.push((name.to_owned(), value.to_string()));
        };
        tell("x-request-id", &self.request_id());
        if !request.reaches(operation) || self.is_too_new(operation, request) {
            return Err(self.no_route(operation, request));
        }
        let credential = request.header("authorization").unwrap_or("nobody");
        if credential.starts_with("Bearer cal_") {
            self.caller(request)?;
        }
        let standing = self.limiter.count(credential, arrival.now);
        tell("x-ratelimit-limit-default", &standing.limit);
        tell("x-ratelimit-remaining-default", &standing.remaining);
        tell("x-ratelimit-reset-default", &standing.reset);
        if !standing.allowed {
            return Err(Refusal::TooManyRequests);
        }
        self.route(arrival, operation, request)
    }

    /// Whether the request is for what only the hosted service has. Servers of 2025 have no
    /// attendees, and neither location nor guests can be changed there (observed).
    fn is_too_new(&self, operation: Operation, request: &Request) -> bool {
        let detail = request.segments().get(2).copied().unwrap_or_default();
        let is_newer = match operation {
            Operation::BookingDetails => detail.eq_ignore_ascii_case("attendees"),
            Operation::UpdateLocation | Operation::AddGuests => true,
            _ => false,
        };
        is_newer && !self.hosted
    }

    pub(super) fn route(
        &mut self,
        arrival: Arrival,
        operation: Operation,
        request: &Request,
    ) -> Result<Step, Refusal> {
        let segments = request.segments();
        let name = segments.get(1).copied();
        let uid = name.unwrap_or_default();
        // Wrong credentials are refused even where none are needed.
        self.caller(request)?;
        let reply = match operation {
            Operation::Cancel => {
                let announced = self.announce_cancellation(arrival, request, uid)?;
                return Ok(Step::Announced(announced));
            }
            Operation::Me | Operation::UpdateMe => self.me(request),
            Operation::CreateBooking => self.create_booking(arrival, request),
            Operation::Reschedule => self.reschedule(arrival, request, uid),
            Operation::Confirm => self.judge(arrival, request, uid, true),
            Operation::Decline => self.judge(arrival, request, uid, false),
            Operation::MarkAbsent => self.mark_absent(arrival, request, uid),
            Operation::Reassign => self.reassign(arrival, request, uid),
            Operation::UpdateLocation => self.update_location(arrival, request, uid),
            Operation::AddGuests => self.add_guests(arrival, request, uid),
            Operation::GetBooking => self.get_booking(request, uid),
            Operation::ListBookings => self.list_bookings(arrival.now, request),
            Operation::Slots => self.slots(arrival.now, request),
            Operation::EventTypes => self.event_types(request, name),
            Operation::CreateEventType => self.create_event_type(arrival.now, request),
            Operation::UpdateEventType => self.update_event_type(arrival.now, request, uid),
            Operation::DeleteEventType => self.delete_event_type(request, uid),
            Operation::EventTypeWebhooks => {
                let id = segments.get(3).copied();
                self.webhooks(arrival.now, request, name, id)
            }
            Operation::Schedules => self.schedules(request, name),
            Operation::SlotReservations => {
                self.slot_reservations(arrival.now, request, segments.get(2).copied())
            }
            Operation::BookingDetails => self.booking_details(arrival.now, request, &segments),
            Operation::Calendars if name.is_some() => self.busy_times(request),
            Operation::Calendars => self.list_calendars(request),
            Operation::SelectedCalendars => self.select_calendars(request),
            Operation::DestinationCalendars => self.set_destination(request),
            Operation::Conferencing => self.conferencing(request),
            Operation::Webhooks => self.webhooks(arrival.now, request, None, name),
            Operation::Unknown => Err(self.no_route(operation, request)),
        };
        reply.map(Step::Done)
    }

    /// The 404 of the real server, or 501 where the real server has a route and the fake does not.
    fn no_route(&self, operation: Operation, request: &Request) -> Refusal {
        let (method, segments) = (&request.method, request.segments());
        if operation == Operation::Unknown
            && let Some(known) = routes::documented(method, &segments, self.hosted)
        {
            return Refusal::not_served(&known);
        }
        Refusal::unknown_route(method.as_str(), &request.target)
    }

    /// The caller, where the real server asks for one with 401.
    pub(super) fn authenticated(&self, request: &Request) -> Result<User, Refusal> {
        self.caller(request)?.ok_or_else(|| {
            Refusal::usual(
                401,
                "ApiAuthStrategy - No authentication method provided. Either pass an API key as 'Bearer' header or OAuth client credentials as 'x-cal-secret-key' and 'x-cal-client-id' headers",
            )
        })
    }

    /// The caller, where the real server asks for one with 403.
    pub(super) fn permitted(&self, request: &Request) -> Result<User, Refusal> {
        self.caller(request)?.ok_or_else(|| {
            Refusal::usual(
                403,
                "PermissionsGuard - no authentication provided. Provide either authorization bearer token containing managed user access token or oAuth client id in 'x-cal-client-id' header.",
            )
        })
    }

    fn get_booking(&self, request: &Request, uid: &str) -> Result<Reply, Refusal> {
        let form = |record| {
            if request.speaks("2024-08-13") {
                booking_json(self, record)
            } else {
                old_booking_json(self, record)
            }
        };
        if let Some(record) = self.booking(uid) {
            return Ok(Reply::data(200, form(record)));
        }
        let series: Vec<Value> = self.series(uid).into_iter().map(form).collect();
        if series.is_empty() || !request.speaks("2024-08-13") {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} was not found in the database"
            )));
        }
        Ok(Reply::data(200, json!(series)))
    }
}
