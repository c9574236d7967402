//! Making bookings: single, recurring, seated.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::event_type::FakeEventType;
use super::free::{TOO_SOON, check_time};
use super::input::{Target, Wanted};
use super::request::Request;
use super::shape::booking_json;
use super::state::{Arrival, Attendee, Record, Seat, State, User, is_bookable, minutes};
use crate::testing::payload::Kind;

impl State {
    pub(super) fn create_booking(
        &mut self,
        arrival: Arrival,
        request: &Request,
    ) -> Result<Reply, Refusal> {
        let body = request.object()?;
        if !request.speaks("2024-08-13") {
            return Err(Refusal::OldBooking {
                target: json!({"start": body.get("start"), "eventTypeId": body.get("eventTypeId")}),
            });
        }
        let wanted = Wanted::read(&body)?;
        let id = self.resolve(&wanted.target)?;
        let Some(event_type) = self.event_type(id).cloned() else {
            return Err(not_found(id));
        };
        let length = length(&event_type, wanted.length)?;
        let location = location(&event_type, id, wanted.location.as_ref())?;
        let end = wanted.start + minutes(length);
        check_time(&event_type, arrival.now, wanted.start)?;
        let host = self.owner(&event_type);
        if let Some(waiting) = self.waiting_request(arrival, id, &wanted) {
            return Ok(Reply::data(201, booking_json(self, waiting)));
        }
        if event_type.seats.is_some() {
            return self.take_seat(arrival, &event_type, id, &host, wanted, end, location);
        }

        let count = match (&event_type.recurrence, wanted.recurrence_count) {
            (None, _) => 1,
            (Some((_, _, most)), Some(count)) if count > *most => {
                return Err(Refusal::bad_request(
                    "Provided recurrence count is higher than the event type's recurring event count.",
                ));
            }
            (Some((_, _, most)), count) => count.unwrap_or(*most).max(1),
        };
        let mut starts = Vec::new();
        for index in 0..count {
            let start = event_type
                .occurrence(wanted.start, index)
                .filter(|start| is_bookable(*start))
                .ok_or_else(|| Refusal::bad_request(TOO_SOON))?;
            self.check_free(arrival, id, start, start + minutes(length), None)?;
            starts.push(start);
        }
        let recurring_uid = event_type.recurrence.as_ref().map(|_| self.uuid());
        let mut made = Vec::new();
        for start in starts {
            let mut record = self.blank(
                &event_type,
                id,
                &host,
                arrival.now,
                start,
                start + minutes(length),
            );
            record.title = title(&event_type, &host, &wanted.attendee.name);
            record.attendees = std::iter::once(&wanted.attendee)
                .map(|person| {
                    (
                        person.name.clone(),
                        person.email.clone(),
                        person.phone.clone(),
                    )
                })
                .chain(
                    wanted
                        .guests
                        .iter()
                        .map(|email| (String::new(), email.clone(), None)),
                )
                .map(|(name, email, phone)| Attendee {
                    id: None,
                    person: crate::testing::payload::Person {
                        name,
                        email,
                        phone,
                        ..wanted.attendee.clone()
                    },
                    seat: None,
                })
                .collect();
            record.notes = wanted
                .responses
                .get("notes")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            record.guests.clone_from(&wanted.guests);
            record.location.clone_from(&location.text);
            record.metadata.clone_from(&wanted.metadata);
            record.responses = responses(&wanted, &location);
            record.recurring_uid.clone_from(&recurring_uid);
            if event_type.waits_for_host(arrival.now, record.start) {
                record.status = "pending".into();
            }
            made.push(record);
        }
        let mut answers = Vec::new();
        for record in made {
            let kind = if record.status == "pending" {
                Kind::Requested
            } else {
                Kind::Created
            };
            self.notify(kind, arrival.now, &record, None, |_| {});
            answers.push(booking_json(self, &record));
            self.bookings.push(record);
        }
        if recurring_uid.is_some() {
            return Ok(Reply::data(201, json!(answers)));
        }
        Ok(Reply::data(201, answers.pop().unwrap_or_default()))
    }

    /// The same attendee's request for the same start that still waits for the host: it is answered again, as it is.
    fn waiting_request(&self, arrival: Arrival, id: i64, wanted: &Wanted) -> Option<&Record> {
        let event_type = self.event_type(id)?;
        if !event_type.requires_confirmation
            || event_type.seats.is_some()
            || event_type.recurrence.is_some()
        {
            return None;
        }
        self.bookings.iter().find(|other| {
            other.event_type == id
                && other.start == wanted.start
                && other.status == "pending"
                && other.was_live(arrival.seen)
                && other
                    .attendees
                    .iter()
                    .any(|attendee| attendee.person.email == wanted.attendee.email)
        })
    }

    fn resolve(&self, target: &Target) -> Result<i64, Refusal> {
        match target {
            Target::Id(id) => Ok(*id),
            Target::Slug { slug, owner } => self.find_event_type(slug, owner).ok_or_else(|| {
                Refusal::not_found(format!(
                    "Event type with slug {slug} belonging to user {owner} not found."
                ))
            }),
        }
    }

    /// An accepted booking with nobody in it.
    pub(super) fn blank(
        &mut self,
        event_type: &FakeEventType,
        event_type_id: i64,
        host: &User,
        now: DateTime<Utc>,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Record {
        let uid = self.booking_uid();
        Record {
            id: self.next_booking_id(),
            ics_uid: format!("{uid}@Cal.com"),
            uid,
            title: event_type.title.clone(),
            notes: String::new(),
            status: "accepted".into(),
            host: host.id,
            event_type: event_type_id,
            start,
            end,
            attendees: Vec::new(),
            guests: Vec::new(),
            location: event_type.default_location(),
            absent_host: false,
            metadata: Map::new(),
            responses: Map::new(),
            rescheduled_from: None,
            rescheduled_to: None,
            rescheduling_reason: None,
            cancellation_reason: None,
            rejection_reason: None,
            recurring_uid: None,
            seated: false,
            confirmed: false,
            references: Vec::new(),
            created_at: now,
            updated_at: now,
            born: self.next_in_order(),
            ended: None,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the second half of create_booking"
    )]
    fn take_seat(
        &mut self,
        arrival: Arrival,
        event_type: &FakeEventType,
        event_type_id: i64,
        host: &User,
        wanted: Wanted,
        end: DateTime<Utc>,
        location: Place,
    ) -> Result<Reply, Refusal> {
        let seat = Seat {
            uid: self.uuid(),
            metadata: wanted.metadata,
        };
        let attendee = Attendee {
            id: None,
            person: wanted.attendee,
            seat: Some(seat.clone()),
        };
        let shared = self.bookings.iter().position(|other| {
            other.event_type == event_type_id && other.start == wanted.start && other.is_live()
        });
        let record = if let Some(index) = shared {
            let record = &mut self.bookings[index];
            let email = &attendee.person.email;
            if record
                .attendees
                .iter()
                .any(|other| other.person.email == *email)
            {
                return Err(Refusal::bare(
                    409,
                    "already_signed_up_for_this_booking_error",
                ));
            }
            let seats = event_type.seats.unwrap_or(0) as usize;
            if record.attendees.len() >= seats {
                return Err(Refusal::usual(
                    409,
                    "No more seats left at this seated booking.",
                ));
            }
            record.attendees.push(attendee.clone());
            record.updated_at = arrival.now;
            record.clone()
        } else {
            self.check_free(arrival, event_type_id, wanted.start, end, None)?;
            let mut record = self.blank(
                event_type,
                event_type_id,
                host,
                arrival.now,
                wanted.start,
                end,
            );
            record.title = title(event_type, host, &attendee.person.name);
            // Seated bookings have a calendar identity of their own.
            record.ics_uid = format!("{}@Cal.com", self.booking_uid());
            record.location = location.text;
            record.seated = true;
            record.attendees.push(attendee.clone());
            self.bookings.push(record.clone());
            record
        };
        self.notify(
            Kind::Created,
            arrival.now,
            &record,
            Some(vec![attendee.person]),
            |facts| {
                facts.seat_uid = Some(seat.uid.clone());
                facts.metadata = seat.metadata;
            },
        );
        let mut json = booking_json(self, &record);
        json["seatUid"] = json!(seat.uid);
        Ok(Reply::data(201, json))
    }
}

pub(super) fn title(event_type: &FakeEventType, host: &User, attendee: &str) -> String {
    format!("{} between {} and {attendee}", event_type.title, host.name)
}

pub(super) fn not_found(id: i64) -> Refusal {
    Refusal::not_found(format!("Event type with id {id} not found."))
}

fn length(event_type: &FakeEventType, wanted: Option<u32>) -> Result<u32, Refusal> {
    match wanted {
        None => Ok(event_type.minutes),
        Some(minutes) if !event_type.options.is_empty() && event_type.has_length(minutes) => {
            Ok(minutes)
        }
        Some(_) if event_type.options.is_empty() => Err(Refusal::bad_request(
            "Can't specify 'lengthInMinutes' because event type does not have multiple possible lengths. Please, remove the 'lengthInMinutes' field from the request.",
        )),
        Some(_) => Err(Refusal::bad_request(format!(
            "Provided 'lengthInMinutes' is not one of the possible lengths for the event type. The possible lengths are: {}",
            event_type
                .options
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

/// Where a booking takes place, and what its responses say about it.
struct Place {
    text: String,
    response: Option<Value>,
}

fn location(event_type: &FakeEventType, id: i64, wanted: Option<&Value>) -> Result<Place, Refusal> {
    let Some(wanted) = wanted else {
        return Ok(Place {
            text: event_type.default_location(),
            response: None,
        });
    };
    let kind = |location: &Value| {
        location
            .get("type")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let offered: Vec<String> = event_type.locations.iter().filter_map(kind).collect();
    let asked = kind(wanted).unwrap_or_default();
    if !offered.contains(&asked) {
        return Err(Refusal::bad_request(format!(
            "Booking location with type {asked} not valid for event type with id={id}. The event type has following location types: {}, and only these types are allowed for booking location.",
            offered.join(", ")
        )));
    }
    let given = ["phone", "address", "location", "link", "integration"]
        .iter()
        .find_map(|name| wanted.get(name).and_then(Value::as_str));
    Ok(match given {
        Some(text) => Place {
            response: (asked == "attendeePhone")
                .then(|| json!({"value": "phone", "optionValue": text})),
            text: text.to_owned(),
        },
        None => Place {
            text: event_type
                .locations
                .iter()
                .find(|location| kind(location).as_deref() == Some(&asked))
                .and_then(|location| {
                    ["address", "link", "integration"]
                        .iter()
                        .find_map(|name| location.get(name).and_then(Value::as_str))
                })
                .unwrap_or(&asked)
                .to_owned(),
            response: None,
        },
    })
}

fn responses(wanted: &Wanted, place: &Place) -> Map<String, Value> {
    let mut responses = wanted.responses.clone();
    responses.insert("email".into(), json!(wanted.attendee.email));
    responses.insert("name".into(), json!(wanted.attendee.name));
    if !wanted.guests.is_empty() {
        responses.insert("guests".into(), json!(wanted.guests));
    }
    if let Some(response) = &place.response {
        responses.insert("location".into(), response.clone());
    }
    responses
}
