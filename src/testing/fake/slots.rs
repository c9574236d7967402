//! Free slots.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::event_type::FakeEventType;
use super::free::check_time;
use super::iso::Iso;
use super::request::Request;
use super::state::{Record, State, minutes};
use crate::testing::zone::time_zone;

/// A window longer than this is cut, so that no request makes the fake work for long.
const MOST_DAYS: i64 = 366;

impl State {
    pub(super) fn slots(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
    ) -> Result<Reply, Refusal> {
        let asked = Asked::read(request)?;
        let reply = |body| Ok(Reply { status: 200, body });
        if let Some(body) = self.slots_cache.get(&request.target, now) {
            return reply(body);
        }
        let body = self.free_slots(now, &asked)?;
        self.slots_cache.put(&request.target, now, &body);
        reply(body)
    }

    fn free_slots(&self, now: DateTime<Utc>, asked: &Asked) -> Result<Value, Refusal> {
        let id = match &asked.of {
            Of::Id(id) => Some(*id),
            Of::Name { slug, username } => {
                if !self.knows(username) {
                    return Err(Refusal::not_found(format!(
                        "User with username {username} not found"
                    )));
                }
                self.find_event_type(slug, username)
            }
        };
        let Some((id, event_type)) = id.and_then(|id| Some((id, self.event_type(id)?))) else {
            return Err(Refusal::not_found("Event Type not found"));
        };
        // Observed: also a length that cannot be booked is answered for.
        let length = asked.duration.unwrap_or(event_type.minutes);
        let step = event_type.slot_interval.unwrap_or(length);
        let hosts = self.hosts_by_turn(id);
        let mut days: BTreeMap<String, BTreeMap<DateTime<Utc>, Value>> = BTreeMap::new();
        for host in &hosts {
            let busy: Vec<&Record> = self
                .bookings
                .iter()
                .filter(|record| {
                    record.host == host.id
                        && record.is_live()
                        && Some(record.uid.as_str()) != asked.moving.as_deref()
                })
                .collect();
            let hours = self.hours(event_type, host);
            let mut day = Some(hours.day(asked.from));
            while let Some(date) = day.filter(|date| *date <= hours.day(asked.to)) {
                let spans = hours.on(date).into_iter();
                let starts = spans.flat_map(|(opens, closes)| {
                    let next = |start: &DateTime<Utc>| Some(*start + minutes(step));
                    let last = closes.min(asked.to);
                    std::iter::successors(Some(opens), next).take_while(move |start| *start < last)
                });
                for start in starts {
                    let end = start + minutes(length);
                    let shared = event_type.seats.and_then(|_| {
                        busy.iter()
                            .find(|other| other.event_type == id && other.start == start)
                    });
                    let taken = shared.map_or(0, |record| record.attendees.len())
                        + self.reserved_seats(now, id, start);
                    let free = event_type.seats.is_none_or(|seats| taken < seats as usize)
                        && (shared.is_some()
                            || !busy
                                .iter()
                                .any(|other| self.collides(other, id, start, end)))
                        && !self.is_reserved(now, host.id, start, end)
                        && !self.is_busy(host.id, start, end);
                    let moving = asked.moving.as_deref();
                    if free
                        && start >= asked.from
                        && check_time(event_type, now, start).is_ok()
                        && hours.cover(start, end)
                        && self
                            .reached_limit(id, start, end, u64::MAX, moving)
                            .is_none()
                    {
                        let slot = asked.slot(event_type, start, end, taken, shared.copied());
                        let local = start.with_timezone(&asked.zone).date_naive().to_string();
                        days.entry(local).or_default().insert(start, slot);
                    }
                }
                day = date.succ_opt();
            }
        }
        let days: BTreeMap<String, Vec<Value>> = days
            .into_iter()
            .map(|(day, slots)| (day, slots.into_values().collect()))
            .collect();
        Ok(json!({"data": days, "status": "success"}))
    }
}

/// What slots are asked for.
struct Asked {
    of: Of,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    zone: Tz,
    duration: Option<u32>,
    moving: Option<String>,
    with_end: bool,
}

enum Of {
    Id(i64),
    Name { slug: String, username: String },
}

impl Asked {
    fn read(request: &Request) -> Result<Self, Refusal> {
        let given = |name: &str| request.parameter(name);
        let common = [
            "start",
            "end",
            "timeZone",
            "duration",
            "format",
            "bookingUidToReschedule",
        ];
        let mut errors: Vec<String> = Vec::new();
        let mut of = None;
        let known: &[&str] = if let Some(text) = given("eventTypeId") {
            of = text.parse().ok().map(Of::Id);
            &["eventTypeId"]
        } else if let (Some(slug), Some(username)) = (given("eventTypeSlug"), given("username")) {
            of = Some(Of::Name {
                slug: slug.to_owned(),
                username: username.to_owned(),
            });
            &["eventTypeSlug", "username", "organizationSlug"]
        } else {
            &["usernames", "organizationSlug"]
        };
        for (name, _) in &request.query {
            if !known.contains(&name.as_str()) && !common.contains(&name.as_str()) {
                errors.push(format!(
                    "{name} property is wrong,property {name} should not exist "
                ));
            }
        }
        if given("eventTypeId").is_some() && of.is_none() {
            errors.push("eventTypeId property is wrong,eventTypeId must be a number conforming to the specified constraints ".into());
        }
        if known.contains(&"usernames") {
            if given("usernames").is_none_or(|names| names.split(',').count() < 2) {
                errors.push("usernames property is wrong,each value in usernames must be a string, The array must contain at least 2 elements., usernames must be an array ".into());
            }
            if given("organizationSlug").is_none() {
                errors.push(
                    "organizationSlug property is wrong,organizationSlug must be a string ".into(),
                );
            }
        }
        let (from, to) = (bound(request, "start", false), bound(request, "end", true));
        for (name, bound) in [("start", from), ("end", to)] {
            if bound.is_none() {
                errors.push(format!(
                    "{name} property is wrong,{name} must be a valid ISO 8601 date string "
                ));
            }
        }
        let zone = given("timeZone").map_or(Some(Tz::UTC), time_zone);
        if zone.is_none() {
            errors
                .push("timeZone property is wrong,timeZone must be a valid IANA time-zone ".into());
        }
        let duration = given("duration").map(str::parse::<u32>);
        if duration.as_ref().is_some_and(Result::is_err) {
            errors.push("duration property is wrong,duration must be a number conforming to the specified constraints ".into());
        }
        let format = given("format").unwrap_or("time");
        if !["range", "time"].contains(&format) {
            errors.push(
                "format property is wrong,slotFormat must be either 'range' or 'time' ".into(),
            );
        }
        let (true, Some(from), Some(to), Some(zone)) = (errors.is_empty(), from, to, zone) else {
            return Err(Refusal::bad_request(errors.join(", ")));
        };
        Ok(Self {
            // Several users at once are those of an organization, and the fake has none.
            of: of.ok_or_else(|| Refusal::not_found("Event Type not found"))?,
            from,
            to: to.min(from + TimeDelta::days(MOST_DAYS)),
            zone,
            duration: duration
                .and_then(Result::ok)
                .map(|minutes| minutes.clamp(1, 1440)),
            moving: given("bookingUidToReschedule").map(ToOwned::to_owned),
            with_end: format == "range",
        })
    }

    fn slot(
        &self,
        event_type: &FakeEventType,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        taken: usize,
        shared: Option<&Record>,
    ) -> Value {
        let mut slot = json!({"start": spell(start, self.zone)});
        if self.with_end {
            slot["end"] = json!(spell(end, self.zone));
        }
        if let Some(seats) = event_type.seats {
            slot["seatsBooked"] = json!(taken);
            slot["seatsRemaining"] = json!((seats as usize).saturating_sub(taken));
            slot["seatsTotal"] = json!(seats);
            if let Some(record) = shared {
                slot["bookingUid"] = json!(record.uid);
            }
        }
        slot
    }
}

/// One end of the window. A date without a time stands for that day of UTC, whatever the time zone
/// of the answer (observed).
fn bound(request: &Request, name: &str, last: bool) -> Option<DateTime<Utc>> {
    let text = request.parameter(name)?;
    let instant = Iso::read(text).instant()?;
    let is_day = text.len() == "2027-01-01".len();
    Some(match (is_day, last) {
        // The last moment of the day: slots that begin at the end do not count.
        (true, true) => instant + TimeDelta::days(1) - TimeDelta::milliseconds(1),
        _ => instant,
    })
}

fn spell(instant: DateTime<Utc>, zone: Tz) -> String {
    instant
        .with_timezone(&zone)
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
