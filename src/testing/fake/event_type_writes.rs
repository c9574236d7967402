//! Making, changing and deleting event types, in version 2024-06-14 and in 2024-04-15.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::event_type::FakeEventType;
use super::event_type_checks::{check, with_defaults};
use super::request::Request;
use super::shape::millis;
use super::state::State;
use super::validate::Need;

/// The properties that version 2024-04-15 names differently.
const OLD_LENGTH: (&str, &str) = ("length", "lengthInMinutes");

impl State {
    pub(super) fn create_event_type(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
    ) -> Result<Reply, Refusal> {
        let owner = self.event_type_author(request)?;
        let body = read(request, Need::Required)?;
        let mut event_type = FakeEventType::made_by_api(owner);
        event_type.apply(&body)?;
        self.check_destination(owner, &body)?;
        let same_slug = self
            .event_types
            .iter()
            .any(|(_, other)| other.slug == event_type.slug && self.owner(other).id == owner);
        if same_slug {
            return Err(Refusal::bad_request(
                "User already has an event type with this slug.",
            ));
        }
        self.check_schedule(owner, event_type.schedule)?;
        let id = self.add_event_type(event_type);
        self.told(now, request, id, &body, 201)
    }

    pub(super) fn update_event_type(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        id: &str,
    ) -> Result<Reply, Refusal> {
        let caller = self.event_type_author(request)?;
        let body = read(request, Need::Optional)?;
        let Ok(number) = id.parse::<i64>() else {
            return Err(Refusal::bad_request(
                "Validation failed (numeric string is expected)",
            ));
        };
        let missing = || Refusal::not_found(format!("Event type with id {id} not found"));
        let own = self.event_type(number).cloned();
        let own = own.filter(|event_type| self.owner(event_type).id == caller);
        let mut event_type = own.ok_or_else(missing)?;
        let before = event_type.slug.clone();
        event_type.apply(&body)?;
        self.check_destination(caller, &body)?;
        self.check_schedule(caller, event_type.schedule)?;
        let same_slug = self.event_types.iter().any(|(other_id, other)| {
            *other_id != number
                && other.slug == event_type.slug
                && other.slug != before
                && self.owner(other).id == caller
        });
        if same_slug {
            return Err(Refusal::trpc(
                400,
                "Bad request: Please check your request data and try again",
            ));
        }
        if let Some((_, place)) = self
            .event_types
            .iter_mut()
            .find(|(known, _)| *known == number)
        {
            *place = event_type;
        }
        self.told(now, request, number, &body, 200)
    }

    pub(super) fn delete_event_type(
        &mut self,
        request: &Request,
        id: &str,
    ) -> Result<Reply, Refusal> {
        let caller = self.event_type_author(request)?;
        if id.parse::<f64>().is_err() {
            return Err(Refusal::broken());
        }
        let index = self
            .event_types
            .iter()
            .position(|(known, _)| known.to_string() == id)
            .ok_or_else(|| {
                Refusal::not_found(format!("Event type with ID={id} does not exist."))
            })?;
        if self.owner(&self.event_types[index].1).id != caller {
            return Err(Refusal::usual(
                403,
                format!("User with ID={caller} does not own event type with ID={id}"),
            ));
        }
        let (id, event_type) = self.event_types.remove(index);
        // Its bookings stay.
        self.reservations
            .retain(|reservation| reservation.event_type != id);
        self.subscriptions
            .retain(|subscription| subscription.event_type != Some(id));
        let length = if is_new(request) {
            OLD_LENGTH.1
        } else {
            OLD_LENGTH.0
        };
        Ok(Reply::data(
            200,
            json!({
                "id": id,
                length: event_type.minutes,
                "slug": event_type.slug,
                "title": event_type.title,
            }),
        ))
    }

    /// Who makes or changes an event type. Without a key the two versions refuse in two ways.
    fn event_type_author(&self, request: &Request) -> Result<i64, Refusal> {
        let user = if is_new(request) {
            self.permitted(request)
        } else {
            self.authenticated(request)
        };
        user.map(|user| user.id)
    }

    fn check_schedule(&self, user: i64, schedule: Option<i64>) -> Result<(), Refusal> {
        let Some(id) = schedule.filter(|id| *id != 0) else {
            return Ok(());
        };
        if self
            .schedule(id)
            .is_some_and(|schedule| schedule.owner == user)
        {
            return Ok(());
        }
        Err(Refusal::not_found(format!(
            "User with ID={user} does not own schedule with ID={id}"
        )))
    }

    /// Refuses a calendar to write bookings to that is not connected, or cannot be written to.
    fn check_destination(&self, user: i64, body: &Map<String, Value>) -> Result<(), Refusal> {
        if let Some(wanted) = body.get("destinationCalendar").filter(|v| !v.is_null()) {
            let text = |name: &str| wanted.get(name).and_then(Value::as_str).unwrap_or_default();
            let (integration, external_id) = (text("integration"), text("externalId"));
            let found = self
                .calendars_of(user)
                .find(|calendar| calendar.is(integration, external_id));
            let problem = match found {
                None => Some("Calendar does not exist"),
                Some(calendar) if calendar.read_only => {
                    Some("Calendar does not have write permission")
                }
                Some(_) => None,
            };
            if let Some(problem) = problem {
                return Err(Refusal::bad_request(format!(
                    "Invalid destinationCalendarId: {problem}"
                )));
            }
        }
        let wants_email = body.get("useDestinationCalendarEmail") == Some(&Value::Bool(true));
        if wants_email && self.destination(user).is_none() {
            return Err(Refusal::bad_request(
                "Validation failed: A primary connected calendar is required to set useDestinationCalendarEmail",
            ));
        }
        Ok(())
    }

    /// The answer to creating and updating one. In the newer version it includes the settings for
    /// video calls, which no read does (observed).
    fn told(
        &self,
        now: DateTime<Utc>,
        request: &Request,
        id: i64,
        body: &Map<String, Value>,
        status: u16,
    ) -> Result<Reply, Refusal> {
        let Some(event_type) = self.event_type(id) else {
            return Err(Refusal::broken());
        };
        let owner = self.owner(event_type);
        if !is_new(request) {
            return Ok(Reply::data(status, event_type.to_old_json(id, &owner)));
        }
        let mut json = event_type.to_json(id, &owner);
        json["calVideoSettings"] = video_settings(body, id, now);
        Ok(Reply::data(status, json))
    }
}

fn is_new(request: &Request) -> bool {
    request.speaks("2024-06-14")
}

/// The body in the newer form, checked.
fn read(request: &Request, need: Need) -> Result<Map<String, Value>, Refusal> {
    let mut body = request.object()?;
    if !is_new(request) {
        let (old, new) = OLD_LENGTH;
        if let (Need::Required, None) = (need, body.get(old)) {
            let mut checks = super::validate::Checks::of(&body);
            let number = "length must be a number conforming to the specified constraints";
            let least = "length must not be less than 1";
            checks.fail(old, &[("min", least), ("isNumber", number)]);
            checks.finish()?;
        }
        let known = ["length", "slug", "title", "description", "hidden"];
        body.retain(|name, _| known.contains(&name.as_str()));
        if let Some(length) = body.remove(old) {
            body.insert(new.into(), length);
        }
    }
    let body = with_defaults(body);
    check(&body, need)?;
    Ok(body)
}

fn video_settings(body: &Map<String, Value>, id: i64, now: DateTime<Utc>) -> Value {
    let Some(Value::Object(given)) = body.get("calVideoSettings") else {
        return Value::Null;
    };
    let mut settings = json!({
        "eventTypeId": id,
        "disableRecordingForOrganizer": false,
        "disableRecordingForGuests": false,
        "enableAutomaticTranscription": false,
        "enableAutomaticRecordingForOrganizer": false,
        "redirectUrlOnExit": null,
        "disableTranscriptionForGuests": false,
        "disableTranscriptionForOrganizer": false,
        "createdAt": millis(now),
        "updatedAt": millis(now),
    });
    if let Value::Object(settings) = &mut settings {
        for (name, value) in settings.iter_mut() {
            if let Some(given) = given.get(name) {
                value.clone_from(given);
            }
        }
    }
    settings
}
