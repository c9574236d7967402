//! From a request to its answer: authentication, rate limit, routes. Pure.

use serde_json::{Value, json};

use super::answer::{Refusal, Reply, Step};
use super::request::{MAX_BODY, Operation, Request};
use super::shape::{booking_json, old_booking_json};
use super::state::{Arrival, State, User};

impl State {
    /// Judges a request, and carries it out if nobody has to hear of it before; `headers` is what every answer to it has.
    ///
    /// What it causes to be told lies in `notices` afterwards.
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
        if !self.has_route(operation, request) {
            return Err(Refusal::unknown_route(
                request.method.as_str(),
                &request.target,
            ));
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

    /// Whether the version that the request asks for has its route.
    fn has_route(&self, operation: Operation, request: &Request) -> bool {
        match operation {
            Operation::Unknown => false,
            Operation::Slots | Operation::SlotReservations => request.speaks("2024-09-04"),
            Operation::Schedules => request.speaks("2024-06-11"),
            Operation::BookingDetails => {
                // Servers of 2025 do not have the attendees (observed).
                let is_new = request.segments().get(2) == Some(&"attendees");
                request.speaks("2024-08-13") && (self.hosted || !is_new)
            }
            _ => true,
        }
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
            Operation::Unknown => Err(Refusal::unknown_route(
                request.method.as_str(),
                &request.target,
            )),
        };
        reply.map(Step::Done)
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
        if series.is_empty() {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} was not found in the database"
            )));
        }
        Ok(Reply::data(200, json!(series)))
    }

    fn event_types(&self, request: &Request, id: Option<&str>) -> Result<Reply, Refusal> {
        let caller = self.caller(request)?;
        let new = request.speaks("2024-06-14");
        let form = |id: i64, event_type: &super::event_type::FakeEventType| {
            let owner = self.owner(event_type);
            if new {
                event_type.to_json(id, &owner)
            } else {
                event_type.to_old_json(id, &owner)
            }
        };
        if let Some(id) = id {
            let caller = self.authenticated(request)?;
            let found = self.event_types.iter().find(|(known, event_type)| {
                known.to_string() == id && self.owner(event_type).id == caller.id
            });
            let Some((id, event_type)) = found else {
                return Err(Refusal::not_found(format!(
                    "Event type with id {id} not found"
                )));
            };
            let json = form(*id, event_type);
            return Ok(Reply::data(
                200,
                if new {
                    json
                } else {
                    json!({"eventType": json})
                },
            ));
        }
        if !new {
            let user = self.authenticated(request)?;
            let own: Vec<Value> = self
                .of(&user.username)
                .map(|(id, e)| form(*id, e))
                .collect();
            let profile = json!({"slug": user.username, "name": user.name, "image": format!("{}/avatar.svg", self.base)});
            return Ok(Reply::data(
                200,
                json!({
                    "eventTypeGroups": [{
                        "teamId": null,
                        "bookerUrl": self.base,
                        "membershipRole": null,
                        "profile": profile,
                        "eventTypes": own,
                        "metadata": {"membershipCount": 1, "readOnly": false},
                    }],
                    "profiles": [profile],
                    "allUsersAcrossAllEventTypes": {},
                }),
            ));
        }
        // Observed: the caller's key alone is not enough.
        let (_, Some(username)) = (caller, request.parameter("username")) else {
            return Err(Refusal::not_found("Event types not found"));
        };
        let list: Vec<Value> = self
            .of(username)
            .filter(|(_, event_type)| {
                request
                    .parameter("eventSlug")
                    .is_none_or(|slug| slug == event_type.slug)
            })
            .map(|(id, event_type)| form(*id, event_type))
            .collect();
        Ok(Reply::data(200, json!(list)))
    }

    fn of<'a>(
        &'a self,
        username: &'a str,
    ) -> impl Iterator<Item = &'a (i64, super::event_type::FakeEventType)> {
        self.event_types
            .iter()
            .filter(move |(_, event_type)| self.owner(event_type).username == username)
    }
}
