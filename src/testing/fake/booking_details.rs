//! What hangs on a booking and is read by itself: links for calendars, references, attendees with
//! their numbers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::FakeCalcom;
use super::answer::{Refusal, Reply};
use super::event_type::FakeEventType;
use super::request::Request;
use super::shared::lock;
use super::state::{Attendee, Record, State};
use super::validate::{Checks, Need};
use crate::model::BookingUid;

const KINDS: [&str; 6] = [
    "google_calendar",
    "office365_calendar",
    "daily_video",
    "google_video",
    "office365_video",
    "zoom_video",
];

/// What a booking is called in a calendar or at a video service.
#[derive(Clone)]
pub(super) struct Reference {
    id: i64,
    kind: String,
    event_uid: String,
    calendar: Option<String>,
}

impl FakeCalcom {
    /// Says what a booking is called elsewhere, such as in a `google_calendar` or at `daily_video`,
    /// as the list of its references tells it. False if there is no such booking.
    pub fn add_reference(
        &self,
        uid: &BookingUid,
        kind: impl Into<String>,
        event_uid: impl Into<String>,
        calendar: Option<&str>,
    ) -> bool {
        let mut state = lock(&self.shared.state);
        let all = state.bookings.iter().map(|record| record.references.len());
        let id = i64::try_from(all.sum::<usize>()).unwrap_or(i64::MAX - 1) + 1;
        let Some(record) = state.booking_mut(uid.as_str()) else {
            return false;
        };
        record.references.push(Reference {
            id,
            kind: kind.into(),
            event_uid: event_uid.into(),
            calendar: calendar.map(ToOwned::to_owned),
        });
        true
    }
}

impl State {
    /// What follows `/v2/bookings/{uid}/`.
    pub(super) fn booking_details(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        segments: &[&str],
    ) -> Result<Reply, Refusal> {
        let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
        match segments {
            [_, uid, word] if is(word, "calendar-links") => self.calendar_links(now, uid),
            [_, uid, word] if is(word, "references") => self.references(request, uid),
            [_, uid, _, id] => self.attendees(request, uid, Some(*id)),
            [_, uid, _] => self.attendees(request, uid, None),
            _ => Err(Refusal::broken()),
        }
    }

    /// Like a read of the booking, it needs no key.
    fn calendar_links(&self, now: DateTime<Utc>, uid: &str) -> Result<Reply, Refusal> {
        let record = self.booking(uid).ok_or_else(|| unknown(uid))?;
        let event_type = self.event_type(record.event_type);
        let description = event_type.map_or("", FakeEventType::description);
        Ok(Reply::data(200, links(now, record, description)))
    }

    fn references(&self, request: &Request, uid: &str) -> Result<Reply, Refusal> {
        let caller = self.permitted(request)?.id;
        let record = self.booking(uid).ok_or_else(|| unknown(uid))?;
        let query: Map<String, Value> = request
            .parameter("type")
            .map(|kind| ("type".to_owned(), json!(kind)))
            .into_iter()
            .collect();
        let mut checks = Checks::of(&query);
        let wanted = checks.one_of("type", Need::Optional, "isIn", &KINDS);
        checks.finish()?;
        if record.host != caller {
            return Err(Refusal::bad_request(format!(
                "Booking with uid {uid} does not belong to user"
            )));
        }
        let references: Vec<Value> = record
            .references
            .iter()
            .filter(|reference| wanted.is_none_or(|kind| kind == reference.kind))
            .map(|reference| {
                json!({
                    "type": reference.kind,
                    "eventUid": reference.event_uid,
                    "id": reference.id,
                    "destinationCalendarId": reference.calendar,
                })
            })
            .collect();
        Ok(Reply::data(200, json!(references)))
    }

    /// As the published document of August 2026 has it; no server that has it was recorded.
    fn attendees(
        &mut self,
        request: &Request,
        uid: &str,
        id: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let caller = self.authenticated(request)?.id;
        if self.booking(uid).is_none_or(|record| record.host != caller) {
            return Err(Refusal::usual(
                403,
                format!(
                    "BookingPbacGuard - user with id={caller} does not have access to booking with uid={uid}"
                ),
            ));
        }
        let mut last = self.last_attendee;
        let Some(record) = self.booking_mut(uid) else {
            return Err(unknown(uid));
        };
        for attendee in &mut record.attendees {
            attendee.id.get_or_insert_with(|| {
                last += 1;
                last
            });
        }
        let mut all: Vec<Value> = record.attendees.iter().map(attendee_json).collect();
        self.last_attendee = last;
        let Some(id) = id else {
            return Ok(Reply::data(200, json!(all)));
        };
        let number = id.parse::<i64>().ok();
        let found = all
            .iter()
            .position(|attendee| number.is_some() && attendee["id"].as_i64() == number);
        match found {
            Some(index) => Ok(Reply::data(200, all.swap_remove(index))),
            None => Err(Refusal::not_found(format!(
                "Attendee with id {id} not found in booking {uid}"
            ))),
        }
    }
}

fn unknown(uid: &str) -> Refusal {
    Refusal::not_found(format!("Booking with uid {uid} not found"))
}

fn attendee_json(attendee: &Attendee) -> Value {
    let person = &attendee.person;
    let mut json = json!({
        "id": attendee.id,
        "name": person.name,
        "email": person.email,
        "displayEmail": person.email,
        "timeZone": person.time_zone,
        "language": person.language,
        "absent": person.absent,
    });
    if let Some(phone) = &person.phone {
        json["phoneNumber"] = json!(phone);
    }
    json
}

/// The four links, each encoded as the server does it: not at all, once or twice (observed).
fn links(now: DateTime<Utc>, record: &Record, description: &str) -> Value {
    let compact = |instant: DateTime<Utc>| instant.format("%Y%m%dT%H%M%SZ").to_string();
    let (from, to) = (compact(record.start), compact(record.end));
    let plain = |instant: DateTime<Utc>| instant.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (begin, end) = (plain(record.start), plain(record.end));
    let title = &record.title;
    let text = encode(description);
    let minutes = (record.end - record.start).num_minutes();
    let mut ics = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".into(),
        "CALSCALE:GREGORIAN".into(),
        "PRODID:adamgibbons/ics".into(),
        "METHOD:PUBLISH".into(),
        "X-PUBLISHED-TTL:PT1H".into(),
        "BEGIN:VEVENT".into(),
        format!("UID:{}", record.uid),
        format!("SUMMARY:{}", escape(title)),
        format!("DTSTAMP:{}", now.format("%Y%m%dT%H%M00Z")),
        format!("DTSTART:{from}"),
    ];
    if !description.is_empty() {
        ics.push(format!("DESCRIPTION:{}", escape(description)));
    }
    let duration = match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}M"),
        (hours, 0) => format!("{hours}H"),
        (hours, minutes) => format!("{hours}H{minutes}M"),
    };
    ics.push(format!("DURATION:PT{duration}"));
    ics.extend(["END:VEVENT".into(), "END:VCALENDAR".into(), String::new()]);
    let ics = encode(&ics.join("\r\n"));
    json!([
        {
            "label": "Google Calendar",
            "id": "googleCalendar",
            "link": format!("https://calendar.google.com/calendar/r/eventedit?dates={from}/{to}&text={title}&details={text}"),
        },
        {
            "label": "Microsoft Office",
            "id": "microsoftOffice",
            "link": format!("https://outlook.office.com/calendar/0/deeplink/compose?body={text}&enddt={end}&path=%2Fcalendar%2Faction%2Fcompose&rru=addevent&startdt={begin}&subject={title}"),
        },
        {
            "label": "Microsoft Outlook",
            "id": "microsoftOutlook",
            "link": format!("https://outlook.live.com/calendar/0/deeplink/compose?body={text}&enddt={end}&path=%252Fcalendar%252Faction%252Fcompose&rru=addevent&startdt={begin}&subject={}", encode(title)),
        },
        {
            "label": "ICS",
            "id": "ics",
            "link": format!("data:text/calendar,{ics}"),
        },
    ])
}

/// What has a meaning in a text of a calendar file, made to have none.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace(';', "\\;")
        .replace(',', "\\,")
        .replace("\r\n", "\\n")
        .replace('\n', "\\n")
}

/// As `encodeURIComponent` of JavaScript does.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
