//! The authenticated user: reading and updating the profile.

use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::input::LANGUAGES;
use super::request::Request;
use super::state::{State, User};
use super::validate::{Checks, Need, is_url, zone};

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// What users can set about themselves, apart from what bookings tell of them.
#[derive(Clone)]
pub(super) struct Profile {
    pub(super) time_format: i64,
    pub(super) week_start: String,
    /// Stays when the schedule is deleted, and can be the number of anybody's schedule, as on the
    /// real server.
    pub(super) default_schedule: i64,
    pub(super) avatar_url: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

impl Profile {
    pub(super) fn new(default_schedule: i64, week_start: String) -> Self {
        Self {
            time_format: 24,
            week_start,
            default_schedule,
            avatar_url: None,
            metadata: Map::new(),
        }
    }
}

/// A user as event types tell it.
pub(super) fn user_of_event_type(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatarUrl": user.profile.avatar_url,
        "brandColor": null,
        "darkBrandColor": null,
        "weekStart": user.profile.week_start,
        "metadata": user.profile.metadata,
    })
}

impl State {
    pub(super) fn me(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?;
        let user = if request.method == Method::PATCH {
            self.update_me(request, user.id)?
        } else {
            user
        };
        Ok(Reply::data(
            200,
            json!({
                "id": user.id,
                "email": user.email,
                "timeFormat": user.profile.time_format,
                "defaultScheduleId": user.profile.default_schedule,
                "weekStart": user.profile.week_start,
                "timeZone": user.time_zone,
                "username": user.username,
                "organizationId": null,
            }),
        ))
    }

    /// Changes what is given; unknown properties are ignored (observed). The bio and the language
    /// are checked, but nothing of this API tells them.
    fn update_me(&mut self, request: &Request, id: i64) -> Result<User, Refusal> {
        let body = request.object()?;
        let change = Change::read(&body)?;
        let taken = |email: &str| {
            self.users
                .iter()
                .any(|other| other.id != id && other.email == email)
        };
        if change.email.as_deref().is_some_and(taken) {
            return Err(Refusal::Short {
                status: 409,
                code: "CONFLICT",
                message: "Invalid Input: Trying to create a record that already exists.".into(),
            });
        }
        if let Some(zone) = &change.time_zone {
            // The default schedule moves along.
            let schedule = self.user(id).profile.default_schedule;
            if let Some(schedule) = self.schedules.iter_mut().find(|s| s.id == schedule) {
                schedule.zone = *zone;
            }
        }
        if let Some(user) = self.users.iter_mut().find(|user| user.id == id) {
            change.apply(user);
        }
        Ok(self.user(id))
    }
}

/// What a body asks to change.
struct Change {
    email: Option<String>,
    name: Option<String>,
    time_format: Option<i64>,
    default_schedule: Option<i64>,
    week_start: Option<String>,
    time_zone: Option<chrono_tz::Tz>,
    avatar_url: Option<String>,
    metadata: Option<Map<String, Value>>,
}

impl Change {
    fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut checks = Checks::of(body);
        let text = |text: Option<&str>| text.map(ToOwned::to_owned);
        let email = text(checks.string("email", Need::Optional));
        let name = text(checks.string("name", Need::Optional));
        let format = checks.given("timeFormat");
        let time_format = format
            .and_then(Value::as_i64)
            .filter(|f| [12, 24].contains(f));
        if format.is_some() && time_format.is_none() {
            let message = "timeFormat must be one of the following values: 12, 24";
            checks.fail("timeFormat", &[("isIn", message)]);
        }
        checks.number("defaultScheduleId", Need::Optional);
        let week_start = text(checks.one_of("weekStart", Need::Optional, "isIn", &DAYS));
        checks.time_zone(Need::Optional);
        let languages: Vec<&str> = LANGUAGES.split(", ").collect();
        checks.one_of("locale", Need::Optional, "isEnum", &languages);
        let avatar_url = checks.given("avatarUrl").and_then(Value::as_str);
        if checks.given("avatarUrl").is_some_and(|url| !is_url(url)) {
            checks.fail("avatarUrl", &[("isUrl", "avatarUrl must be a URL address")]);
        }
        checks.string("bio", Need::Optional);
        let metadata = checks.given("metadata");
        if !metadata.is_none_or(Value::is_object) {
            checks.fail("metadata", &[("isObject", "metadata must be an object")]);
        }
        checks.finish()?;
        Ok(Self {
            email,
            name,
            time_format,
            default_schedule: body.get("defaultScheduleId").and_then(Value::as_i64),
            week_start,
            time_zone: body.get("timeZone").and_then(zone),
            avatar_url: text(avatar_url),
            metadata: metadata.and_then(Value::as_object).cloned(),
        })
    }

    fn apply(self, user: &mut User) {
        let profile = &mut user.profile;
        set(&mut profile.time_format, self.time_format);
        set(&mut profile.default_schedule, self.default_schedule);
        set(&mut profile.week_start, self.week_start);
        set(&mut profile.metadata, self.metadata);
        profile.avatar_url = self.avatar_url.or(profile.avatar_url.take());
        set(&mut user.email, self.email);
        set(&mut user.name, self.name);
        set(
            &mut user.time_zone,
            self.time_zone.map(|zone| zone.name().to_owned()),
        );
    }
}

/// Changes a place if there is something to put there.
pub(super) fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
