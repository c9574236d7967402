//! Reading event types: the list, a single one, and their forms in two versions.

use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::booking_fields::default_fields;
use super::event_type::{FakeEventType, Window};
use super::request::Request;
use super::state::{State, User};
use super::users::user_of_event_type;

/// What never changes in the forms of version 2024-04-15, and in that of an event type made up for
/// several users.
const FORMS: &str = include_str!("event_type_forms.json");

fn form(name: &str) -> Value {
    let forms: Value = serde_json::from_str(FORMS).unwrap_or_default();
    forms[name].clone()
}

impl State {
    pub(super) fn event_types(
        &self,
        request: &Request,
        id: Option<&str>,
    ) -> Result<Reply, Refusal> {
        match (id, request.speaks("2024-06-14")) {
            (Some(id), true) => self.event_type_json(request, id),
            (Some(id), false) => self.old_event_type_json(request, id),
            (None, true) => self.list_event_types(request),
            (None, false) => self.old_event_type_list(request),
        }
    }

    /// An event type of the caller's.
    fn own_event_type(&self, request: &Request, id: &str) -> Result<Option<(i64, User)>, Refusal> {
        let caller = self.permitted(request)?;
        let Ok(id) = id.parse::<i64>() else {
            // Observed: no 400.
            return Err(Refusal::broken());
        };
        let found = self.event_type(id).map(|event_type| self.owner(event_type));
        Ok(found
            .filter(|owner| owner.id == caller.id)
            .map(|owner| (id, owner)))
    }

    fn event_type_json(&self, request: &Request, id: &str) -> Result<Reply, Refusal> {
        let own = self.own_event_type(request, id)?;
        let json = own.and_then(|(id, owner)| Some(self.event_type(id)?.to_json(id, &owner)));
        json.map(|json| Reply::data(200, json))
            .ok_or_else(|| Refusal::not_found(format!("Event type with id {id} not found")))
    }

    fn old_event_type_json(&self, request: &Request, id: &str) -> Result<Reply, Refusal> {
        let own = self.own_event_type(request, id)?;
        let Some((event_type, (id, owner))) =
            own.and_then(|(id, owner)| Some((self.event_type(id)?, (id, owner))))
        else {
            return Err(Refusal::trpc(404, "The requested resource was not found"));
        };
        let mut whole = form("get");
        let avatar = format!("{}/avatar.svg", self.base);
        let fields = &mut whole["eventType"];
        event_type.fill_old(fields, id, &owner);
        fields["owner"] = json!({"id": owner.id, "timeZone": owner.time_zone});
        fields["schedule"] = json!(
            event_type
                .schedule
                .unwrap_or(owner.profile.default_schedule)
        );
        fields["bookerUrl"] = json!(self.base);
        fields["users"] = json!([{
            "id": owner.id,
            "name": owner.name,
            "username": owner.username,
            "nonProfileUsername": owner.username,
            "email": owner.email,
            "timeZone": owner.time_zone,
            "locale": "en",
            "avatarUrl": null,
            "avatar": avatar,
            "defaultScheduleId": owner.profile.default_schedule,
            "isPlatformManaged": false,
            "profile": {
                "id": null,
                "upId": format!("usr-{}", owner.id),
                "username": owner.username,
                "organizationId": null,
                "organization": null,
            },
        }]);
        Ok(Reply::data(200, whole))
    }

    fn list_event_types(&self, request: &Request) -> Result<Reply, Refusal> {
        self.caller(request)?;
        let none = || Refusal::not_found("Event types not found");
        if let Some(usernames) = request.parameter("usernames") {
            return self.dynamic_event_type(usernames).ok_or_else(none);
        }
        // Observed: the caller's key alone is not enough.
        let username = request.parameter("username").ok_or_else(none)?;
        let slug = request.parameter("eventSlug");
        let list: Vec<Value> = self
            .of(username)
            .filter(|(_, event_type)| slug.is_none_or(|slug| slug == event_type.slug))
            .map(|(id, event_type)| {
                let mut json = event_type.to_json(*id, &self.owner(event_type));
                if let Value::Array(fields) = &mut json["bookingFields"] {
                    // The public list leaves out what a booker does not see.
                    fields.retain(|field| field["hidden"] != true);
                }
                json
            })
            .collect();
        if list.is_empty() && (slug.is_some() || !self.knows(username)) {
            return Err(none());
        }
        Ok(Reply::data(200, json!(list)))
    }

    /// What several users together can be booked for.
    fn dynamic_event_type(&self, usernames: &str) -> Option<Reply> {
        let users: Vec<Value> = usernames
            .split(',')
            .map(|name| self.users.iter().find(|user| user.username == name))
            .map(|user| user.map(user_of_event_type))
            .collect::<Option<_>>()?;
        let mut json = form("dynamic");
        json["users"] = json!(users);
        Some(Reply::data(200, json!([json])))
    }

    fn old_event_type_list(&self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?;
        let own: Vec<Value> = self
            .of(&user.username)
            .map(|(id, event_type)| event_type.to_old_json(*id, &user))
            .collect();
        let image = format!("{}/avatar.svg", self.base);
        let profile = json!({"slug": user.username, "name": user.name, "image": image});
        Ok(Reply::data(
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
                "profiles": [{
                    "slug": user.username,
                    "name": user.name,
                    "image": image,
                    "membershipCount": 1,
                    "membershipRole": null,
                    "readOnly": false,
                    "teamId": null,
                }],
                "allUsersAcrossAllEventTypes": {},
            }),
        ))
    }

    pub(super) fn knows(&self, username: &str) -> bool {
        self.users.iter().any(|user| user.username == username)
    }

    fn of<'a>(&'a self, username: &'a str) -> impl Iterator<Item = &'a (i64, FakeEventType)> {
        self.event_types
            .iter()
            .filter(move |(_, event_type)| self.owner(event_type).username == username)
    }
}

impl FakeEventType {
    /// The form of version 2024-06-14.
    pub(super) fn to_json(&self, id: i64, owner: &User) -> Value {
        let disables_guests = self.stored.get("disableGuests") == Some(&Value::Bool(true));
        let recurrence = self.recurrence.as_ref().map(|(frequency, interval, occurrences)| {
            json!({"disabled": false, "interval": interval, "occurrences": occurrences, "frequency": frequency})
        });
        let mut json = json!({
            "id": id,
            "ownerId": owner.id,
            "lengthInMinutes": self.minutes,
            "title": self.title,
            "slug": self.slug,
            "description": "",
            "locations": self.locations,
            "bookingFields": default_fields(disables_guests),
            "recurrence": recurrence,
            "disableGuests": false,
            "slotInterval": self.slot_interval,
            "minimumBookingNotice": self.notice,
            "beforeEventBuffer": self.buffers.0,
            "afterEventBuffer": self.buffers.1,
            "metadata": {},
            "price": 0,
            "currency": "usd",
            "lockTimeZoneToggleOnBookingPage": false,
            "forwardParamsSuccessRedirect": true,
            "successRedirectUrl": null,
            "isInstantEvent": false,
            "users": [user_of_event_type(owner)],
            "scheduleId": self.schedule,
            "onlyShowFirstAvailableSlot": false,
            "offsetStart": 0,
            "bookingWindow": self.booking_window(),
            "confirmationPolicy": if self.requires_confirmation {
                json!({"type": "always", "blockUnconfirmedBookingsInBooker": self.requests_block})
            } else {
                json!({"disabled": true})
            },
            "requiresBookerEmailVerification": false,
            "hideCalendarNotes": false,
            "seats": match self.seats {
                Some(seats) => json!({"disabled": false, "seatsPerTimeSlot": seats, "showAttendeeInfo": true, "showAvailabilityCount": true}),
                None => json!({"disabled": true}),
            },
            "useDestinationCalendarEmail": false,
            "hideCalendarEventDetails": false,
            "hideOrganizerEmail": false,
            "hidden": false,
            "bookingRequiresAuthentication": false,
        });
        if let Some(limit) = self.daily_limit {
            json["bookingLimitsCount"] = json!({"day": limit});
        }
        if let Some(limit) = self.daily_minutes {
            json["bookingLimitsDuration"] = json!({"day": limit});
        }
        if !self.options.is_empty() {
            json["lengthInMinutesOptions"] = json!(self.options);
        }
        for (name, value) in &self.stored {
            json[name] = value.clone();
        }
        json
    }

    fn booking_window(&self) -> Value {
        match &self.window {
            None => json!({"disabled": true}),
            Some(Window::Range(range)) => {
                let day = |instant: chrono::DateTime<chrono::Utc>| instant.date_naive().to_string();
                json!({"type": "range", "value": [day(range.start), day(range.end)]})
            }
            Some(Window::Rolling(days)) => {
                json!({"type": "calendarDays", "value": days, "rolling": true})
            }
            Some(Window::BusinessDays(days)) => {
                json!({"type": "businessDays", "value": days, "rolling": true})
            }
        }
    }

    /// The form of version 2024-04-15.
    pub(super) fn to_old_json(&self, id: i64, owner: &User) -> Value {
        let mut fields = form("list");
        self.fill_old(&mut fields, id, owner);
        fields["owner"] = json!({"timeZone": owner.time_zone});
        fields["userIds"] = json!([owner.id]);
        fields["scheduleId"] = json!(self.schedule);
        fields
    }

    /// What differs from one event type to another in version 2024-04-15.
    fn fill_old(&self, fields: &mut Value, id: i64, owner: &User) {
        let recurring = self.recurrence.as_ref().zip(self.recurring_event());
        let recurring = recurring.map(|((_, _, count), (frequency, interval))| {
            json!({"freq": frequency, "count": count, "interval": interval})
        });
        let varying = json!({
            "id": id,
            "userId": owner.id,
            "slug": self.slug,
            "title": self.title,
            "description": self.stored.get("description"),
            "hidden": self.stored.get("hidden").unwrap_or(&Value::Bool(false)),
            "length": self.minutes,
            "requiresConfirmation": self.requires_confirmation,
            "requiresConfirmationWillBlockSlot": self.requests_block,
            "minimumBookingNotice": self.notice,
            "beforeEventBuffer": self.buffers.0,
            "afterEventBuffer": self.buffers.1,
            "seatsPerTimeSlot": self.seats,
            "seatsShowAttendees": self.seats.is_some(),
            "slotInterval": self.slot_interval,
            "recurringEvent": recurring,
            "locations": self.locations.iter().map(old_location).collect::<Vec<_>>(),
        });
        if let (Value::Object(fields), Value::Object(varying)) = (fields, varying) {
            fields.extend(varying);
        }
    }
}

/// The database's word for a kind of location.
pub(super) fn old_location_kind(kind: &str) -> &str {
    match kind {
        "address" => "inPerson",
        "phone" => "userPhone",
        "attendeePhone" => "phone",
        "attendeeAddress" => "attendeeInPerson",
        "attendeeDefined" => "somewhereElse",
        "organizersDefaultApp" => "conferencing",
        other => other,
    }
}

fn old_location(location: &Value) -> Value {
    let mut old: Map<String, Value> = location.as_object().cloned().unwrap_or_default();
    let kind = old.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind = old_location_kind(kind).to_owned();
    old.insert("type".into(), kind.into());
    if let Some(public) = old.remove("public") {
        old.insert("displayLocationPublicly".into(), public);
    }
    Value::Object(old)
}
