//! Reservations of slots: for some minutes a slot is not offered. Bookings do not care (observed).

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::event_type::FakeEventType;
use super::iso::Iso;
use super::request::Request;
use super::shape::millis;
use super::state::{State, User, minutes};
use super::validate::{Checks, Need};

/// The default duration of a reservation, in minutes.
const DEFAULT_MINUTES: u32 = 5;

/// The most minutes that a caller can ask for: a year.
const MOST_MINUTES: u32 = 366 * 24 * 60;

#[derive(Clone)]
pub(super) struct Reservation {
    uid: String,
    pub(super) event_type: i64,
    host: i64,
    seated: bool,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Reservation {
    fn overlaps(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        self.start < end && start < self.end
    }

    fn to_json(&self) -> Value {
        json!({
            "reservationUid": self.uid,
            "eventTypeId": self.event_type,
            "slotStart": millis(self.start),
            "slotEnd": millis(self.end),
            "slotDuration": (self.end - self.start).num_minutes(),
            "reservationUntil": millis(self.until),
        })
    }
}

impl State {
    pub(super) fn slot_reservations(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        uid: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let caller = self.caller(request)?;
        let Some(uid) = uid else {
            return self.reserve(now, request, caller.as_ref());
        };
        let found = self
            .reservations
            .iter()
            .position(|known| known.uid == uid && known.until > now);
        match request.method {
            Method::PATCH => self.move_reservation(now, request, uid, found),
            Method::DELETE => {
                self.reservations.retain(|known| known.uid != uid);
                Ok(Reply::success())
            }
            _ => {
                let found = found.map(|index| self.reservations[index].to_json());
                Ok(Reply::data(200, json!(found)))
            }
        }
    }

    fn reserve(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        caller: Option<&User>,
    ) -> Result<Reply, Refusal> {
        let wanted = Wanted::read(&request.object()?)?;
        if wanted.minutes.is_some() && caller.is_none() {
            return Err(Refusal::usual(
                401,
                "reservationDuration can only be used for authenticated requests - use access token, api key or OAuth credentials",
            ));
        }
        let event_type = self.reservable(wanted.event_type)?;
        let host = self.owner(&event_type).id;
        if wanted.minutes.is_some() && caller.is_none_or(|caller| caller.id != host) {
            return Err(Refusal::usual(
                403,
                "authenticated user is not owner of event type, does not have memberships in common with owner of the event type, nor does belong to event type's team or org.",
            ));
        }
        let mut reservation = Reservation {
            uid: String::new(),
            event_type: wanted.event_type,
            host,
            seated: event_type.seats.is_some(),
            start: wanted.start,
            end: wanted.end(&event_type)?,
            until: wanted.until(now),
        };
        self.check_reservable(now, &event_type, &reservation)?;
        reservation.uid = self.uuid();
        let json = wanted.told(&reservation);
        self.reservations.retain(|known| known.until > now);
        self.reservations.push(reservation);
        Ok(Reply::data(201, json))
    }

    fn move_reservation(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        uid: &str,
        found: Option<usize>,
    ) -> Result<Reply, Refusal> {
        let wanted = Wanted::read(&request.object()?)?;
        let Some(index) = found else {
            return Err(Refusal::not_found(format!("Slot with uid={uid} not found")));
        };
        let event_type = self.reservable(wanted.event_type)?;
        let moved = Reservation {
            event_type: wanted.event_type,
            start: wanted.start,
            end: wanted.end(&event_type)?,
            until: wanted.until(now),
            ..self.reservations[index].clone()
        };
        // The server compares with all reservations, this one among them: it cannot stay where it
        // is.
        self.check_reservable(now, &event_type, &moved)?;
        let json = wanted.told(&moved);
        self.reservations[index] = moved;
        Ok(Reply::data(200, json))
    }

    fn reservable(&self, id: i64) -> Result<FakeEventType, Refusal> {
        self.event_type(id)
            .cloned()
            .ok_or_else(|| Refusal::not_found(format!("Event Type with ID={id} not found")))
    }

    /// Refuses a slot that is booked or reserved on the same event type.
    fn check_reservable(
        &self,
        now: DateTime<Utc>,
        event_type: &FakeEventType,
        wanted: &Reservation,
    ) -> Result<(), Refusal> {
        let booked = self.bookings.iter().find(|record| {
            record.event_type == wanted.event_type
                && record.is_live()
                && record.overlaps(wanted.start, wanted.end)
        });
        match (event_type.seats, booked) {
            (None, Some(_)) => {
                return Err(Refusal::usual(
                    422,
                    "Can't reserve a slot if the event is already booked.",
                ));
            }
            (Some(seats), Some(record)) if record.attendees.len() >= seats as usize => {
                return Err(Refusal::usual(
                    422,
                    format!(
                        "Booking with id={} at {} has no more seats left.",
                        wanted.event_type,
                        millis(wanted.start)
                    ),
                ));
            }
            _ => {}
        }
        let reserved = self.reservations.iter().any(|other| {
            other.event_type == wanted.event_type
                && other.until > now
                && other.overlaps(wanted.start, wanted.end)
        });
        if reserved {
            return Err(Refusal::usual(
                422,
                "This time slot is already reserved by another user. Please choose a different time.",
            ));
        }
        Ok(())
    }

    /// Whether a reservation keeps a time of a host from being offered, on any event type. One of a
    /// seated event type takes a seat instead.
    pub(super) fn is_reserved(
        &self,
        now: DateTime<Utc>,
        host: i64,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> bool {
        self.reservations.iter().any(|reservation| {
            !reservation.seated
                && reservation.host == host
                && reservation.until > now
                && reservation.overlaps(start, end)
        })
    }

    /// How many seats of a slot are reserved.
    pub(super) fn reserved_seats(
        &self,
        now: DateTime<Utc>,
        event_type: i64,
        start: DateTime<Utc>,
    ) -> usize {
        let of_slot = self.reservations.iter().filter(|reservation| {
            reservation.seated
                && reservation.event_type == event_type
                && reservation.until > now
                && reservation.start == start
        });
        of_slot.count()
    }
}

/// What a body asks for.
struct Wanted {
    event_type: i64,
    start: DateTime<Utc>,
    length: Option<u32>,
    minutes: Option<u32>,
}

impl Wanted {
    fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut checks = Checks::of(body);
        let event_type = checks.integer("eventTypeId", Need::Required, None, None);
        let start = checks
            .given("slotStart")
            .and_then(Value::as_str)
            .and_then(|text| Iso::read(text).instant());
        if start.is_none() {
            let message = "slotStart must be a valid ISO 8601 date string";
            checks.fail("slotStart", &[("isDateString", message)]);
        }
        let length = checks.integer("slotDuration", Need::Optional, Some(1), None);
        let most = Some(MOST_MINUTES.into());
        let minutes = checks.integer("reservationDuration", Need::Optional, Some(1), most);
        checks.finish()?;
        let number = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Ok(Self {
            event_type: event_type.unwrap_or_default(),
            start: start.unwrap_or_default().trunc_subsecs(3),
            length: number(length),
            minutes: number(minutes),
        })
    }

    fn end(&self, event_type: &FakeEventType) -> Result<DateTime<Utc>, Refusal> {
        let length = match self.length {
            None => event_type.minutes,
            Some(_) if event_type.options.is_empty() => {
                return Err(Refusal::bad_request(
                    "You passed 'slotDuration' but this event type is not a variable length event type.",
                ));
            }
            Some(length) if event_type.options.contains(&length) => length,
            Some(_) => {
                let lengths: Vec<String> =
                    event_type.options.iter().map(ToString::to_string).collect();
                return Err(Refusal::bad_request(format!(
                    "Provided 'slotDuration' is not one of the possible lengths for the event type. The possible lengths for this variable length event type are: {}",
                    lengths.join(", ")
                )));
            }
        };
        Ok(self.start + minutes(length))
    }

    fn duration(&self) -> u32 {
        self.minutes.unwrap_or(DEFAULT_MINUTES)
    }

    fn until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_add_signed(TimeDelta::minutes(self.duration().into()))
            .unwrap_or(now)
    }

    /// The answer to creating and updating a reservation, which includes the duration.
    fn told(&self, reservation: &Reservation) -> Value {
        let mut json = reservation.to_json();
        json["reservationDuration"] = json!(self.duration());
        json
    }
}
