//! What a fake Cal.com knows. Pure: the time and the order of arrival come in, chance comes from
//! the seed.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::{Map, Value};

use super::account::FakeAccount;
use super::answer::Refusal;
use super::booking_details::Reference;
use super::calendar::{Calendar, Selected};
use super::event_type::FakeEventType;
use super::limit::Limiter;
use super::notice::Notice;
use super::request::Request;
use super::reservations::Reservation;
use super::schedule::Schedule;
use super::slots_cache::SlotsCache;
use super::subscriptions::Subscription;
use super::users::Profile;
use crate::testing::payload::Person;

#[derive(Clone)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) time_zone: String,
    pub(super) api_key: String,
    pub(super) profile: Profile,
}

#[derive(Clone)]
pub(super) struct Seat {
    pub(super) uid: String,
    pub(super) metadata: Map<String, Value>,
}

#[derive(Clone)]
pub(super) struct Attendee {
    /// Its number once somebody has asked for it.
    pub(super) id: Option<i64>,
    pub(super) person: Person,
    pub(super) seat: Option<Seat>,
}

/// One booking.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) notes: String,
    pub(super) status: String,
    pub(super) host: i64,
    pub(super) event_type: i64,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) attendees: Vec<Attendee>,
    pub(super) guests: Vec<String>,
    pub(super) location: String,
    pub(super) absent_host: bool,
    pub(super) metadata: Map<String, Value>,
    pub(super) responses: Map<String, Value>,
    pub(super) rescheduled_from: Option<String>,
    pub(super) rescheduled_to: Option<String>,
    pub(super) rescheduling_reason: Option<String>,
    pub(super) cancellation_reason: Option<String>,
    pub(super) rejection_reason: Option<String>,
    pub(super) recurring_uid: Option<String>,
    pub(super) seated: bool,
    /// Whether a host confirmed it.
    pub(super) confirmed: bool,
    pub(super) ics_uid: String,
    /// What it is called elsewhere.
    pub(super) references: Vec<Reference>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    /// When in the order of events it came to be, and when it ceased to be live.
    pub(super) born: u64,
    pub(super) ended: Option<u64>,
}

impl Record {
    pub(super) fn is_live(&self) -> bool {
        !matches!(self.status.as_str(), "cancelled" | "rejected")
    }

    /// Whether somebody who looked at that moment saw it live.
    pub(super) fn was_live(&self, seen: u64) -> bool {
        self.born <= seen && (self.is_live() || self.ended.is_some_and(|ended| ended > seen))
    }

    pub(super) fn overlaps(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        self.start < end && start < self.end
    }
}

/// When a request arrived: by the clock, and in the order of events.
///
/// A write is judged by what could be seen when it arrived, not by what is there when it is carried
/// out. That is how the real server comes to double bookings under races.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) now: DateTime<Utc>,
    pub(super) seen: u64,
}

pub(super) struct State {
    rng: Rng,
    request_rng: Rng,
    pub(super) delay_rng: Rng,
    order: u64,
    last_booking: i64,
    last_event_type: i64,
    pub(super) last_attendee: i64,
    pub(super) last_schedule: i64,
    pub(super) users: Vec<User>,
    pub(super) event_types: Vec<(i64, FakeEventType)>,
    pub(super) bookings: Vec<Record>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) reservations: Vec<Reservation>,
    pub(super) calendars: Vec<Calendar>,
    pub(super) selected_calendars: Vec<Selected>,
    /// The credentials that users have chosen for what their bookings are written to.
    pub(super) destinations: BTreeMap<i64, i64>,
    /// The apps for video calls that users have chosen.
    pub(super) video_apps: BTreeMap<i64, String>,
    pub(super) limiter: Limiter,
    /// What the request at hand caused so far.
    pub(super) notices: Vec<Notice>,
    pub(super) base: String,
    /// Whether it is the hosted service, which has newer routes than a server of one's own.
    pub(super) hosted: bool,
    pub(super) slots_cache: SlotsCache,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("users", &self.users.len())
            .field("bookings", &self.bookings.len())
            .finish_non_exhaustive()
    }
}

impl State {
    pub(super) fn new(seed: u64, requests_per_minute: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (request_rng, delay_rng) = (rng.fork(), rng.fork());
        Self {
            rng,
            request_rng,
            delay_rng,
            order: 0,
            last_booking: 0,
            last_event_type: 0,
            last_attendee: 0,
            last_schedule: 0,
            users: Vec::new(),
            event_types: Vec::new(),
            bookings: Vec::new(),
            subscriptions: Vec::new(),
            schedules: Vec::new(),
            reservations: Vec::new(),
            calendars: Vec::new(),
            selected_calendars: Vec::new(),
            destinations: BTreeMap::new(),
            video_apps: BTreeMap::new(),
            limiter: Limiter::new(requests_per_minute),
            notices: Vec::new(),
            base: String::new(),
            hosted: false,
            slots_cache: SlotsCache::default(),
        }
    }

    pub(super) fn arrive(&mut self, now: DateTime<Utc>) -> Arrival {
        Arrival {
            // The database keeps milliseconds.
            now: now.trunc_subsecs(3),
            seen: self.next_in_order(),
        }
    }

    pub(super) fn next_in_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    pub(super) fn add_user(&mut self, account: FakeAccount) -> User {
        let id = i64::try_from(self.users.len()).unwrap_or(i64::MAX - 1) + 1;
        let zone = account.zone();
        let schedule = self.add_schedule(id, "Working Hours", zone, account.availability());
        let user = User {
            id,
            username: account.username,
            name: account.name,
            email: account.email,
            time_zone: account.time_zone,
            api_key: format!("cal_test{}", self.text(32)),
            profile: Profile::new(schedule, account.week_start),
        };
        self.users.push(user.clone());
        user
    }

    pub(super) fn add_event_type(&mut self, event_type: FakeEventType) -> i64 {
        let id = event_type.id.unwrap_or(self.last_event_type + 1);
        self.last_event_type = self.last_event_type.max(id);
        self.event_types.retain(|(known, _)| *known != id);
        self.event_types.push((id, event_type));
        id
    }

    /// The event type that was there first.
    pub(super) fn first_event_type(&self) -> i64 {
        self.event_types.first().map_or(0, |(id, _)| *id)
    }

    pub(super) fn next_booking_id(&mut self) -> i64 {
        self.last_booking += 1;
        self.last_booking
    }

    /// Letters and digits by chance.
    pub(super) fn text(&mut self, length: usize) -> String {
        std::iter::repeat_with(|| self.rng.alphanumeric())
            .take(length)
            .collect()
    }

    /// A uid as bookings have them.
    pub(super) fn booking_uid(&mut self) -> String {
        self.text(22)
    }

    pub(super) fn uuid(&mut self) -> String {
        uuid(&mut self.rng)
    }

    pub(super) fn request_id(&mut self) -> String {
        uuid(&mut self.request_rng)
    }

    pub(super) fn event_type(&self, id: i64) -> Option<&FakeEventType> {
        self.event_types
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, event_type)| event_type)
    }

    /// Whose an event type is; the first user if it does not say.
    pub(super) fn owner(&self, event_type: &FakeEventType) -> User {
        self.users
            .iter()
            .find(|user| event_type.owner == Some(user.id))
            .unwrap_or(&self.users[0])
            .clone()
    }

    pub(super) fn user(&self, id: i64) -> User {
        self.users
            .iter()
            .find(|user| user.id == id)
            .unwrap_or(&self.users[0])
            .clone()
    }

    /// An event type by slug and user name, as a body or a query names it.
    pub(super) fn find_event_type(&self, slug: &str, username: &str) -> Option<i64> {
        self.event_types
            .iter()
            .find(|(_, event_type)| {
                event_type.slug == slug && self.owner(event_type).username == username
            })
            .map(|(id, _)| *id)
    }

    pub(super) fn booking(&self, uid: &str) -> Option<&Record> {
        self.bookings.iter().find(|booking| booking.uid == uid)
    }

    /// The bookings of a recurring series, by start.
    pub(super) fn series(&self, uid: &str) -> Vec<&Record> {
        let mut series: Vec<&Record> = self
            .bookings
            .iter()
            .filter(|record| record.recurring_uid.as_deref() == Some(uid))
            .collect();
        series.sort_by_key(|record| record.start);
        series
    }

    pub(super) fn booking_mut(&mut self, uid: &str) -> Option<&mut Record> {
        self.bookings.iter_mut().find(|booking| booking.uid == uid)
    }

    /// Who calls: `None` without credentials.
    ///
    /// # Errors
    ///
    /// If there are credentials and they are wrong.
    pub(super) fn caller(&self, request: &Request) -> Result<Option<User>, Refusal> {
        let Some(authorization) = request.header("authorization") else {
            return Ok(None);
        };
        match authorization.strip_prefix("Bearer ") {
            Some(key) if key.starts_with("cal_") => self
                .users
                .iter()
                .find(|user| user.api_key == key)
                .map(|user| Some(user.clone()))
                .ok_or_else(|| Refusal::usual(401, "CustomThrottlerGuard - Invalid API Key")),
            _ => Err(Refusal::usual(401, "Invalid Access Token.")),
        }
    }
}

fn uuid(rng: &mut Rng) -> String {
    let mut bytes = rng.u128(..).to_be_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// Whether an instant and the ends of the bookings that begin then have four digits of a year, as
/// the API's format needs.
pub(super) fn is_bookable(instant: DateTime<Utc>) -> bool {
    (1970..=9998).contains(&instant.year())
}

/// Minutes as a span.
pub(super) fn minutes(minutes: u32) -> TimeDelta {
    TimeDelta::minutes(minutes.into())
}
