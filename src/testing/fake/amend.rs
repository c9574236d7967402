//! Changing who holds a booking, its location and its guests. The latter two follow the published
//! document: the servers that were recorded have neither.

use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::input::{only, text};
use super::request::Request;
use super::state::{Arrival, Attendee, Record, State};
use crate::testing::payload::{Kind, Person};

/// How many guests one request may add.
const MAX_GUESTS: usize = 10;

impl State {
    /// The booking that the caller may change.
    fn amendable(&self, request: &Request, uid: &str) -> Result<Record, Refusal> {
        let caller = self.permitted(request)?;
        let record = self.booking(uid).cloned();
        let record = record.filter(|record| record.host == caller.id);
        record.ok_or_else(|| Refusal::not_found(format!("Booking with uid={uid} not found")))
    }

    /// Gives a booking to another host of its event type. No webhook tells of it (observed).
    pub(super) fn reassign(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        self.permitted(request)?;
        let Some(record) = self.booking(uid).cloned() else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} was not found in the database"
            )));
        };
        let id = request.segments().get(3).copied().unwrap_or_default();
        let event_type = self.event_type(record.event_type);
        let hosts = event_type.map(|event_type| event_type.hosts.clone());
        let mut hosts = hosts.unwrap_or_default().into_iter();
        let Some(host) = hosts.find(|host| host.to_string() == id) else {
            return Err(Refusal::bad_request(format!(
                "User with id={id} is not a valid Round Robin host - the user to which you reassign this booking must be one of the booking hosts. Fetch the booking using following endpoint and select id of one of the hosts: https://cal.com/docs/api-reference/v2/bookings/get-a-booking"
            )));
        };
        if let Some(record) = self.booking_mut(uid) {
            record.host = host;
            record.updated_at = arrival.now;
        }
        let user = self.user(host);
        let to = json!({"id": host, "name": user.name, "email": user.email});
        Ok(Reply::data(
            200,
            json!({"bookingUid": uid, "reassignedTo": to}),
        ))
    }

    pub(super) fn update_location(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        self.amendable(request, uid)?;
        let body = request.object()?;
        only(&body, &["location"])?;
        let wanted = body.get("location").cloned().unwrap_or_default();
        let words = ["address", "link", "phone", "location", "integration"];
        let word = words.iter().find_map(|word| wanted.get(word)?.as_str());
        let Some(word) = word else {
            return Err(Refusal::bad_request("location is not valid"));
        };
        if let Some(record) = self.booking_mut(uid) {
            word.clone_into(&mut record.location);
            record.updated_at = arrival.now;
        }
        if let Some(after) = self.booking(uid).cloned() {
            let status = after.status.to_uppercase();
            self.notify(Kind::Located, arrival.now, &after, None, |facts| {
                facts.status = Some(status);
            });
        }
        self.read(uid, 200)
    }

    pub(super) fn add_guests(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        let before = self.amendable(request, uid)?;
        let body = request.object()?;
        only(&body, &["guests"])?;
        let guests = body.get("guests").and_then(Value::as_array);
        let guests = guests.filter(|guests| (1..=MAX_GUESTS).contains(&guests.len()));
        let guests: Option<Vec<String>> = guests.and_then(|guests| {
            let email = |guest: &Value| text(guest.as_object()?, "email");
            guests.iter().map(email).collect()
        });
        let Some(guests) = guests else {
            return Err(Refusal::bad_request("guests are not valid"));
        };
        let known = |email: &String| before.attendees.iter().any(|a| a.person.email == *email);
        if guests.iter().any(known) {
            return Err(Refusal::bad_request(
                "emails are already in use by attendees of this booking",
            ));
        }
        if let Some(record) = self.booking_mut(uid) {
            for email in guests {
                let booker = record.attendees.first().map(|first| first.person.clone());
                record.guests.push(email.clone());
                record.attendees.extend(booker.map(|booker| Attendee {
                    id: None,
                    person: Person {
                        name: String::new(),
                        email,
                        phone: None,
                        absent: false,
                        ..booker
                    },
                    seat: None,
                }));
            }
            record
                .responses
                .insert("guests".into(), json!(record.guests));
            record.updated_at = arrival.now;
        }
        self.read(uid, 200)
    }
}
