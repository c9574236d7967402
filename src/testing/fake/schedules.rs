//! The endpoints of schedules, in version 2024-06-11.

use chrono::{DateTime, NaiveDate, Weekday};
use chrono_tz::Tz;
use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::request::Request;
use super::schedule::{ALL_DAYS, Availability, Schedule, Span, minutes, weekday};
use super::state::State;
use super::users::set;
use super::validate::{Checks, Need, check_each};

const DAYS: &str = "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday";

impl State {
    pub(super) fn schedule(&self, id: i64) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| schedule.id == id)
    }

    /// Makes a schedule and gives its number.
    pub(super) fn add_schedule(
        &mut self,
        owner: i64,
        name: &str,
        zone: Tz,
        availability: Vec<Availability>,
    ) -> i64 {
        self.last_schedule += 1;
        self.schedules.push(Schedule {
            id: self.last_schedule,
            owner,
            name: name.to_owned(),
            zone,
            availability,
            overrides: Vec::new(),
        });
        self.last_schedule
    }

    pub(super) fn schedules(
        &mut self,
        request: &Request,
        id: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?;
        let default = user.profile.default_schedule;
        match id {
            None if request.method == Method::POST => self.create_schedule(request, user.id),
            None => {
                let own = self.schedules.iter().filter(|s| s.owner == user.id);
                let list: Vec<Value> = own.map(|schedule| schedule.to_json(default)).collect();
                Ok(Reply::data(200, json!(list)))
            }
            Some(word)
                if word.eq_ignore_ascii_case("default")
                    && ![Method::PATCH, Method::DELETE].contains(&request.method) =>
            {
                let schedule = self.schedule(default);
                let json = schedule.map(|schedule| self.schedule_json(schedule));
                Ok(Reply::data(200, json!(json)))
            }
            Some(id) => self.one_schedule(request, user.id, id),
        }
    }

    fn one_schedule(&mut self, request: &Request, user: i64, id: &str) -> Result<Reply, Refusal> {
        let change = if request.method == Method::PATCH {
            Some(Wanted::read(&request.object()?, Need::Optional)?)
        } else {
            None
        };
        let found = id.parse().ok().and_then(|id: i64| self.schedule(id));
        let Some(schedule) = found else {
            let message = format!("Schedule with ID={id} does not exist.");
            return Err(if id.parse::<f64>().is_err() {
                Refusal::broken()
            } else if request.method == Method::DELETE {
                Refusal::bad_request(message)
            } else {
                Refusal::not_found(message)
            });
        };
        if schedule.owner != user {
            return Err(Refusal::usual(
                403,
                format!("User with ID={user} does not own schedule with ID={id}"),
            ));
        }
        let id = schedule.id;
        if request.method == Method::DELETE {
            self.schedules.retain(|schedule| schedule.id != id);
            for (_, event_type) in &mut self.event_types {
                // Observed: they fall back to the default schedule.
                event_type.schedule = event_type.schedule.filter(|schedule| *schedule != id);
            }
            return Ok(Reply::success());
        }
        if let Some(change) = change {
            self.update_schedule(user, id, change);
        }
        self.schedule(id)
            .map(|schedule| Reply::data(200, self.schedule_json(schedule)))
            .ok_or_else(Refusal::broken)
    }

    fn schedule_json(&self, schedule: &Schedule) -> Value {
        let owner = self.user(schedule.owner);
        schedule.to_json(owner.profile.default_schedule)
    }

    fn create_schedule(&mut self, request: &Request, user: i64) -> Result<Reply, Refusal> {
        let body = request.object()?;
        let wanted = Wanted::read(&body, Need::Required)?;
        let availability = wanted.availability.unwrap_or_else(|| {
            vec![Availability {
                days: ALL_DAYS[1..6].to_vec(),
                span: Span::of_hours(&(9..17)),
            }]
        });
        let name = wanted.name.unwrap_or_default();
        let zone = wanted.zone.unwrap_or(Tz::UTC);
        let id = self.add_schedule(user, &name, zone, availability);
        if let Some(schedule) = self.schedules.last_mut() {
            schedule.overrides = wanted.overrides.unwrap_or_default();
        }
        if wanted.is_default == Some(true) {
            self.set_default_schedule(user, id);
        }
        self.schedule(id)
            .map(|schedule| Reply::data(201, self.schedule_json(schedule)))
            .ok_or_else(Refusal::broken)
    }

    fn update_schedule(&mut self, user: i64, id: i64, change: Wanted) {
        if change.is_default == Some(true) {
            self.set_default_schedule(user, id);
        }
        if let Some(schedule) = self.schedules.iter_mut().find(|s| s.id == id) {
            set(&mut schedule.name, change.name);
            set(&mut schedule.zone, change.zone);
            set(&mut schedule.availability, change.availability);
            set(&mut schedule.overrides, change.overrides);
        }
    }

    fn set_default_schedule(&mut self, user: i64, id: i64) {
        if let Some(user) = self.users.iter_mut().find(|known| known.id == user) {
            user.profile.default_schedule = id;
        }
    }
}

/// The fields of a schedule in a request body.
struct Wanted {
    name: Option<String>,
    zone: Option<Tz>,
    is_default: Option<bool>,
    availability: Option<Vec<Availability>>,
    overrides: Option<Vec<(NaiveDate, Span)>>,
}

impl Wanted {
    fn read(body: &Map<String, Value>, need: Need) -> Result<Self, Refusal> {
        let mut checks = Checks::of(body);
        let name = checks.string("name", need).map(ToOwned::to_owned);
        let zone = checks.time_zone(need);
        let availability = checks.array("availability", Need::Optional);
        if let Some(items) = availability {
            checks.fail_inside("availability", &check_each(items, check_availability));
        }
        let is_default = checks.boolean("isDefault", need);
        let overrides = checks.array("overrides", Need::Optional);
        if let Some(items) = overrides {
            checks.fail_inside("overrides", &check_each(items, check_override));
        }
        checks.finish()?;
        Ok(Self {
            name,
            zone,
            is_default,
            availability: availability.map(|items| items.iter().filter_map(hours).collect()),
            overrides: overrides.map(|items| items.iter().filter_map(date_hours).collect()),
        })
    }
}

fn check_availability(checks: &mut Checks<'_>) {
    let days = checks.given("days").and_then(Value::as_array);
    let known = |day: &Value| day.as_str().and_then(weekday).is_some();
    let unknown = format!("each value in days must be one of the following values: {DAYS}");
    match days {
        Some(days) if days.iter().all(known) => {}
        Some(_) => checks.fail("days", &[("isIn", &unknown)]),
        None => checks.fail(
            "days",
            &[("isIn", &unknown), ("isArray", "days must be an array")],
        ),
    }
    check_times(checks);
}

fn check_override(checks: &mut Checks<'_>) {
    if checks.given("date").and_then(date).is_none() {
        checks.fail(
            "date",
            &[("isIso8601", "date must be a valid ISO 8601 date string")],
        );
    }
    check_times(checks);
}

fn check_times(checks: &mut Checks<'_>) {
    for name in ["startTime", "endTime"] {
        let given = checks.given(name);
        if given.and_then(Value::as_str).and_then(minutes).is_some() {
            continue;
        }
        let form = format!("{name} must be a valid time format HH:MM");
        let text = format!("{name} must be a string");
        let mut rules = vec![("matches", form.as_str())];
        if !given.is_some_and(Value::is_string) {
            rules.push(("isString", &text));
        }
        checks.fail(name, &rules);
    }
}

fn date(value: &Value) -> Option<NaiveDate> {
    let text = value.as_str()?;
    let day = || text.parse::<NaiveDate>().ok();
    let instant = || DateTime::parse_from_rfc3339(text).ok();
    day().or_else(|| instant().map(|instant| instant.to_utc().date_naive()))
}

fn span(item: &Value) -> Option<Span> {
    Span::parse(item["startTime"].as_str()?, item["endTime"].as_str()?)
}

fn hours(item: &Value) -> Option<Availability> {
    let days: Vec<Weekday> = item["days"]
        .as_array()?
        .iter()
        .filter_map(|day| weekday(day.as_str()?))
        .collect();
    let span = span(item)?;
    Some(Availability { days, span })
}

fn date_hours(item: &Value) -> Option<(NaiveDate, Span)> {
    Some((date(&item["date"])?, span(item)?))
}
