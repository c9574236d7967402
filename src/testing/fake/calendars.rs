//! The endpoints of connected calendars, and of the app for video calls.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::calendar::{Calendar, Selected};
use super::iso::Iso;
use super::request::Request;
use super::shape::millis;
use super::state::State;
use super::validate::{Checks, Need, check_each};

/// What bookings can be written to.
const WRITABLE: [&str; 3] = ["apple_calendar", "google_calendar", "office365_calendar"];

/// The apps for video calls. All but Cal Video have to be connected, which the fake does not do.
const VIDEO_APPS: [&str; 4] = ["google-meet", "zoom", "msteams", "daily-video"];

impl State {
    /// `/v2/calendars`.
    pub(super) fn list_calendars(&self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?.id;
        let connected: Vec<Value> = self
            .calendars_of(user)
            .map(|calendar| {
                let json = calendar.to_json(self.is_selected(calendar));
                json!({
                    "integration": integration(calendar),
                    "credentialId": calendar.credential,
                    "delegationCredentialId": null,
                    "primary": json,
                    "calendars": [json],
                })
            })
            .collect();
        let destination = match self.destination(user) {
            Some(calendar) => {
                let mut json = calendar.to_json(self.is_selected(calendar));
                json["id"] = json!(calendar.credential);
                json["userId"] = json!(user);
                json["eventTypeId"] = Value::Null;
                json["primaryEmail"] = json!(calendar.external_id);
                json["integrationTitle"] = json!(title(calendar));
                json
            }
            // Observed of connections that are read-only: the server makes a destination that is
            // none.
            None if !connected.is_empty() => json!({
                "id": 0,
                "integration": "",
                "externalId": "",
                "primaryEmail": null,
                "userId": user,
                "eventTypeId": null,
                "credentialId": null,
                "delegationCredentialId": null,
            }),
            None => json!({}),
        };
        Ok(Reply::data(
            200,
            json!({"connectedCalendars": connected, "destinationCalendar": destination}),
        ))
    }

    /// `/v2/calendars/busy-times`: what the calendars asked for say, and the bookings that were
    /// written to them.
    pub(super) fn busy_times(&self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?.id;
        let query = busy_query(request);
        let mut checks = Checks::of(&query);
        checks.string("loggedInUsersTz", Need::Required);
        for name in ["dateFrom", "dateTo"] {
            let given = checks.given(name).and_then(Value::as_str);
            if given.and_then(day_or_instant).is_none() {
                let message = format!("{name} must be a valid ISO 8601 date string");
                checks.fail(name, &[("isDateString", &message)]);
            }
        }
        let wanted = checks.array("calendarsToLoad", Need::Required);
        if let Some(items) = wanted {
            let wrong = check_each(items, |checks| {
                checks.number("credentialId", Need::Required);
                checks.string("externalId", Need::Required);
            });
            checks.fail_inside("calendarsToLoad", &wrong);
        }
        checks.finish()?;
        let bound = |name: &str| query.get(name)?.as_str().and_then(day_or_instant);
        let (Some((from, _)), Some((_, to))) = (bound("dateFrom"), bound("dateTo")) else {
            return Err(Refusal::broken());
        };
        let mut times = Vec::new();
        for item in wanted.into_iter().flatten() {
            let credential = item["credentialId"].as_i64();
            let own = self.calendars_of(user);
            let Some(calendar) = own.into_iter().find(|c| Some(c.credential) == credential) else {
                return Err(Refusal::usual(
                    401,
                    "These credentials do not belong to you",
                ));
            };
            if item["externalId"].as_str() != Some(&calendar.external_id) {
                continue;
            }
            times.extend(self.times_of(calendar));
            times.retain(|(start, end, _)| *start < to && from < *end);
        }
        let times: Vec<Value> = times
            .into_iter()
            .map(|(start, end, source)| {
                json!({"start": millis(start), "end": millis(end), "source": source})
            })
            .collect();
        Ok(Reply::data(200, json!(times)))
    }

    fn times_of(&self, calendar: &Calendar) -> Vec<(DateTime<Utc>, DateTime<Utc>, String)> {
        let app = calendar.app();
        let destination = self.destination(calendar.user);
        let holds_bookings = destination.is_some_and(|d| d.credential == calendar.credential);
        let bookings = self
            .bookings
            .iter()
            .filter(|record| {
                holds_bookings && record.host == calendar.user && record.status == "accepted"
            })
            .map(|record| (record.start, record.end));
        let busy = calendar.busy.iter().copied();
        busy.chain(bookings)
            .map(|(start, end)| (start, end, app.clone()))
            .collect()
    }

    /// `/v2/selected-calendars`.
    pub(super) fn select_calendars(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?.id;
        let deletes = request.method == Method::DELETE;
        let wanted = if deletes {
            selected_query(request)
        } else {
            request.object()?
        };
        let mut checks = Checks::of(&wanted);
        let integration = checks.string("integration", Need::Required);
        let external_id = checks.string("externalId", Need::Required);
        let credential = checks.integer("credentialId", Need::Required, None, None);
        checks.finish()?;
        let (Some(integration), Some(external_id), Some(credential)) =
            (integration, external_id, credential)
        else {
            return Err(Refusal::broken());
        };
        if !self
            .calendars_of(user)
            .any(|calendar| calendar.credential == credential)
        {
            return Err(Refusal::not_found("Calendar credentials not found"));
        }
        let selected = Selected {
            user,
            integration: integration.to_owned(),
            external_id: external_id.to_owned(),
            credential,
        };
        let found = self.selected_calendars.iter().position(|s| *s == selected);
        match (found, deletes) {
            (None, true) => Err(Refusal::not_found("No SelectedCalendar found.")),
            (Some(index), true) => {
                self.selected_calendars.remove(index);
                Ok(Reply::data(200, selected.to_json()))
            }
            // Observed: what is selected already is answered without data.
            (Some(_), false) => Ok(Reply {
                status: 201,
                ..Reply::success()
            }),
            (None, false) => {
                let json = selected.to_json();
                self.selected_calendars.push(selected);
                Ok(Reply::data(201, json))
            }
        }
    }

    /// `PUT /v2/destination-calendars`.
    pub(super) fn set_destination(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?.id;
        let body = request.object()?;
        let mut checks = Checks::of(&body);
        let integration = checks
            .given("integration")
            .and_then(Value::as_str)
            .filter(|word| WRITABLE.contains(word));
        if integration.is_none() {
            // Observed: the server fails to name them.
            let message = "integration must be one of the following values: ";
            let mut rules = vec![("isEnum", message)];
            if !checks.given("integration").is_some_and(Value::is_string) {
                rules.push(("isString", "integration must be a string"));
            }
            checks.fail("integration", &rules);
        }
        let external_id = checks.string("externalId", Need::Required);
        checks.finish()?;
        let (integration, external_id) = (
            integration.unwrap_or_default(),
            external_id.unwrap_or_default(),
        );
        let found = self
            .calendars_of(user)
            .find(|calendar| calendar.is(integration, external_id) && !calendar.read_only)
            .map(|calendar| calendar.credential);
        let Some(credential) = found else {
            return Err(Refusal::not_found(format!(
                "Could not find calendar {external_id}"
            )));
        };
        self.destinations.insert(user, credential);
        Ok(Reply::data(
            200,
            json!({
                "userId": user,
                "integration": integration,
                "externalId": external_id,
                "credentialId": credential,
            }),
        ))
    }

    /// `/v2/conferencing` and what is under it: the default app can be read and set. No app is
    /// connected, and none can be.
    pub(super) fn conferencing(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?.id;
        let path = request.path.to_ascii_lowercase();
        let words: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        match words.as_slice() {
            [_, "default"] => Ok(match self.video_apps.get(&user) {
                Some(app) => Reply::data(200, json!({"appSlug": app})),
                None => Reply::success(),
            }),
            [_, app, "default"] => {
                if !VIDEO_APPS.contains(app) {
                    return Err(Refusal::Choice {
                        message: "Invalid app, available apps are: ",
                        choices: "google-meet, zoom, msteams",
                    });
                }
                if *app != "daily-video" {
                    return Err(Refusal::bad_request(format!("{app} not connected.")));
                }
                self.video_apps.insert(user, (*app).to_owned());
                Ok(Reply::success())
            }
            _ => Ok(Reply::data(200, json!([]))),
        }
    }
}

fn title(calendar: &Calendar) -> &str {
    match calendar.integration.as_str() {
        "google_calendar" => "Google Calendar",
        "office365_calendar" => "Outlook Calendar",
        "apple_calendar" => "Apple Calendar",
        "ics-feed_calendar" => "ICS Feed",
        other => other,
    }
}

/// The app of a connection.
fn integration(calendar: &Calendar) -> Value {
    let (app, title) = (calendar.app(), title(calendar));
    json!({
        "name": title,
        "title": title,
        "description": "",
        "installed": true,
        "type": calendar.integration,
        "variant": "calendar",
        "category": "calendar",
        "categories": ["calendar"],
        "logo": "icon.svg",
        "publisher": "Cal.com",
        "slug": app,
        "url": "https://cal.com/",
        "email": "help@cal.com",
        "dirName": app.replace('-', ""),
        "locationOption": null,
    })
}

/// The known parameters as the validator sees them: `calendarsToLoad[0][credentialId]` is a number
/// within an array, and what is no number is null.
fn busy_query(request: &Request) -> Map<String, Value> {
    let mut query = Map::new();
    let mut items: BTreeMap<usize, Map<String, Value>> = BTreeMap::new();
    for (name, text) in &request.query {
        if ["loggedInUsersTz", "dateFrom", "dateTo"].contains(&name.as_str()) {
            query.insert(name.clone(), json!(text));
        }
        let item = name
            .strip_prefix("calendarsToLoad[")
            .and_then(|rest| rest.strip_suffix(']'))
            .and_then(|rest| rest.split_once("]["))
            .and_then(|(index, field)| Some((index.parse::<usize>().ok()?, field)));
        if let Some((index, field)) = item {
            let value = match field {
                "credentialId" => json!(text.parse::<f64>().ok().map(number)),
                _ => json!(text),
            };
            let item = items.entry(index).or_default();
            item.insert(field.to_owned(), value);
        }
    }
    if !items.is_empty() {
        let items: Vec<Value> = items.into_values().map(Value::Object).collect();
        query.insert("calendarsToLoad".into(), json!(items));
    }
    query
}

fn selected_query(request: &Request) -> Map<String, Value> {
    let mut query = Map::new();
    for name in ["integration", "externalId", "credentialId"] {
        if let Some(text) = request.parameter(name) {
            let value = match name {
                "credentialId" => json!(text.parse::<f64>().ok().map(number)),
                _ => json!(text),
            };
            query.insert(name.into(), value);
        }
    }
    query
}

/// A number as JavaScript writes it.
fn number(number: f64) -> Value {
    super::validate::integer(&json!(number)).map_or_else(|| json!(number), |whole| json!(whole))
}

/// A day of UTC from its beginning to its end, or an instant.
fn day_or_instant(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let start = day.and_time(NaiveTime::MIN).and_utc();
        return Some((start, start.checked_add_signed(TimeDelta::days(1))?));
    }
    Iso::read(text).instant().map(|instant| (instant, instant))
}
