//! Free slots.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::request::Request;
use super::state::{State, instant, minutes};

/// A window longer than this is cut, so that no request makes the fake work for long.
const MOST_DAYS: i64 = 366;

impl State {
    pub(super) fn slots(&self, now: DateTime<Utc>, request: &Request) -> Result<Reply, Refusal> {
        if !request.speaks("2024-09-04") {
            return Err(Refusal::unknown_route("GET", &request.target));
        }
        let from = bound(request, "start", false)?;
        let to = bound(request, "end", true)?.min(from + TimeDelta::days(MOST_DAYS));
        let zone = match request.parameter("timeZone") {
            None => Tz::UTC,
            Some(name) => name.parse::<Tz>().map_err(|_| {
                Refusal::bad_request(
                    "timeZone property is wrong,timeZone must be a valid IANA time-zone ",
                )
            })?,
        };
        let id = match request.parameter("eventTypeId") {
            Some(text) => text.parse::<i64>().ok(),
            None => request
                .parameter("eventTypeSlug")
                .zip(request.parameter("username"))
                .and_then(|(slug, owner)| self.find_event_type(slug, owner)),
        };
        let Some((id, event_type)) = id.and_then(|id| Some((id, self.event_type(id)?))) else {
            return Err(Refusal::not_found("Event Type not found"));
        };
        let host = self.owner(event_type).id;
        // Observed: also a length that cannot be booked is answered for.
        let length = match request.parameter("duration") {
            None => event_type.minutes,
            Some(text) => text
                .parse::<u32>()
                .map_err(|_| {
                    Refusal::bad_request(
                        "duration property is wrong,duration must be a number conforming to the specified constraints ",
                    )
                })?
                .clamp(1, 1440),
        };
        let step = event_type.slot_interval.unwrap_or(length);
        let moving = request.parameter("bookingUidToReschedule");
        let with_end = request.parameter("format") == Some("range");
        let earliest = now + minutes(event_type.notice);
        let busy: Vec<_> = self
            .bookings
            .iter()
            .filter(|record| {
                record.host == host
                    && record.is_live()
                    && self.takes_time_from(record, id)
                    && Some(record.uid.as_str()) != moving
            })
            .collect();

        let mut days: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let hours = self.hours(event_type);
        let mut day = Some(hours.day(from));
        while let Some(date) = day.filter(|date| *date <= hours.day(to)) {
            let (mut start, closes) = hours.on(date).unwrap_or((to, to));
            while start < closes && start <= to {
                let end = start + minutes(length);
                let shared = event_type.seats.and_then(|_| {
                    busy.iter()
                        .find(|other| other.event_type == id && other.start == start)
                });
                let taken = shared.map_or(0, |record| record.attendees.len());
                let seats = event_type.seats.map(|seats| seats as usize);
                let free = match shared {
                    Some(_) => seats.is_some_and(|seats| taken < seats),
                    None => !busy.iter().any(|other| other.overlaps(start, end)),
                };
                if free
                    && start >= from
                    && start >= earliest
                    && hours.cover(start, end)
                    && !self.is_full(id, start, u64::MAX, moving)
                {
                    let mut slot = json!({"start": spell(start, zone)});
                    if with_end {
                        slot["end"] = json!(spell(end, zone));
                    }
                    if let Some(seats) = seats {
                        slot["seatsBooked"] = json!(taken);
                        slot["seatsRemaining"] = json!(seats.saturating_sub(taken));
                        slot["seatsTotal"] = json!(seats);
                    }
                    let local = start.with_timezone(&zone).date_naive().to_string();
                    days.entry(local).or_default().push(slot);
                }
                start += minutes(step);
            }
            day = date.succ_opt();
        }
        Ok(Reply {
            status: 200,
            body: json!({"data": days, "status": "success"}),
        })
    }
}

/// One end of the window. A date without a time stands for that day of UTC, whatever the time zone of the answer (observed).
fn bound(request: &Request, name: &str, last: bool) -> Result<DateTime<Utc>, Refusal> {
    let text = request.parameter(name).unwrap_or_default();
    let day = || {
        let date = text.parse::<NaiveDate>().ok()?;
        let midnight = instant(&format!("{date}T00:00:00Z"))?.date_naive();
        let end = midnight.and_hms_opt(23, 59, 59)?;
        Some(
            if last {
                end
            } else {
                midnight.and_time(NaiveTime::MIN)
            }
            .and_utc(),
        )
    };
    instant(text).or_else(day).ok_or_else(|| {
        Refusal::bad_request(format!(
            "{name} property is wrong,{name} must be a valid ISO 8601 date string "
        ))
    })
}

fn spell(instant: DateTime<Utc>, zone: Tz) -> String {
    instant
        .with_timezone(&zone)
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
