//! Making bookings: single, recurring, seated.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::event_type::FakeEventType;
use super::free::{TOO_SOON, check_time};
use super::input::{Target, Wanted};
use super::place::{location, responses};
use super::request::Request;
use super::seat::Slot;
use super::shape::booking_json;
use super::state::{Arrival, Attendee, Record, State, User, is_bookable, minutes};
use crate::testing::payload::{Kind, Person};
use crate::testing::zone::time_zone;

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
        let mut wanted = Wanted::read(&body)?;
        let id = self.resolve(&wanted.target)?;
        let Some(event_type) = self.event_type(id).cloned() else {
            return Err(not_found(id));
        };
        if wanted.instant && event_type.hosts.is_empty() {
            return Err(Refusal::bad_request(
                "Instant bookings are only supported for team event types, not individual user event types.",
            ));
        }
        let length = length(&event_type, wanted.length)?;
        let location = location(&event_type, id, wanted.location.as_ref())?;
        let start = wanted.check(event_type.phone_only)?;
        let end = start + minutes(length);
        check_time(&event_type, arrival.now, start)?;
        if let Some(waiting) = self.waiting_request(arrival, id, start, &wanted) {
            return Ok(Reply::data(201, booking_json(self, waiting)));
        }
        if event_type.seats.is_some() {
            let host = self.owner(&event_type);
            let slot = Slot {
                event_type_id: id,
                event_type: &event_type,
                host: &host,
                start,
                end,
            };
            return self.take_seat(arrival, &slot, wanted, location);
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
        let zone = time_zone(&wanted.attendee.time_zone).unwrap_or(Tz::UTC);
        let mut starts = Vec::new();
        for index in 0..count {
            let start = event_type
                .occurrence(start, zone, index)
                .filter(|start| is_bookable(*start))
                .ok_or_else(|| Refusal::bad_request(TOO_SOON))?;
            starts.push(start);
        }
        let host = self.free_host(arrival, id, &starts, length)?;
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
                .map(|(name, email, phone)| (name, email, phone, wanted.attendee.language.clone()))
                .chain(wanted.guests.iter().map(|email| {
                    // Whatever the attendee speaks.
                    (String::new(), email.clone(), None, "en".to_owned())
                }))
                .map(|(name, email, phone, language)| Attendee {
                    id: None,
                    person: Person {
                        name,
                        email,
                        phone,
                        language,
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

    /// The same attendee's request for the same start that still waits for the host: it is answered
    /// again, as it is.
    fn waiting_request(
        &self,
        arrival: Arrival,
        id: i64,
        start: DateTime<Utc>,
        wanted: &Wanted,
    ) -> Option<&Record> {
        let event_type = self.event_type(id)?;
        if !event_type.requires_confirmation
            || event_type.seats.is_some()
            || event_type.recurrence.is_some()
        {
            return None;
        }
        self.bookings.iter().find(|other| {
            other.event_type == id
                && other.start == start
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

    /// The user who takes a booking: the owner, or in a round robin who is free and has the fewest.
    fn free_host(
        &self,
        arrival: Arrival,
        id: i64,
        starts: &[DateTime<Utc>],
        length: u32,
    ) -> Result<User, Refusal> {
        let mut refusal = not_found(id);
        for host in self.hosts_by_turn(id) {
            let free = starts.iter().try_for_each(|start| {
                self.check_free(arrival, id, &host, *start, *start + minutes(length), None)
            });
            match free {
                Ok(()) => return Ok(host),
                Err(reason) => refusal = reason,
            }
        }
        Err(refusal)
    }

    /// The users who may take a booking, who is to be asked first coming first.
    pub(super) fn hosts_by_turn(&self, id: i64) -> Vec<User> {
        let Some(event_type) = self.event_type(id) else {
            return Vec::new();
        };
        if event_type.hosts.is_empty() {
            return vec![self.owner(event_type)];
        }
        let mut hosts: Vec<User> = event_type
            .hosts
            .iter()
            .map(|host| self.user(*host))
            .collect();
        hosts.sort_by_key(|host| {
            let taken = |record: &&Record| {
                record.event_type == id && record.host == host.id && record.is_live()
            };
            self.bookings.iter().filter(taken).count()
        });
        hosts
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
