//! Pending webhooks: their content at the time of the event, or by now.

use chrono::{DateTime, Utc};

use super::event_type::FakeEventType;
use super::state::{Record, State};
use crate::testing::payload::{Facts, Kind, Organizer, Person};

/// A webhook to be sent, and why.
#[derive(Clone)]
pub(super) struct Notice {
    pub(super) host: i64,
    pub(super) facts: Facts,
    /// Whether the notice is about the whole booking rather than individual attendees.
    everybody: bool,
}

impl State {
    /// Tells the host's subscribers about a booking, about all attendees or about those given.
    pub(super) fn notify(
        &mut self,
        kind: Kind,
        now: DateTime<Utc>,
        record: &Record,
        attendees: Option<Vec<Person>>,
        change: impl FnOnce(&mut Facts),
    ) {
        let found = self.event_type(record.event_type).cloned();
        let orphaned = found.is_none();
        let event_type = found.unwrap_or_else(|| FakeEventType::new("", 1));
        if !event_type.hosts.is_empty() {
            // Observed: a user's subscribers hear nothing about a team's event.
            return;
        }
        let host = self.user(record.host);
        let everybody = attendees.is_none();
        let mut facts = Facts {
            kind,
            status: None,
            created_at: now,
            booker_url: self.base.clone(),
            uid: record.uid.clone(),
            booking_id: record.id,
            title: record.title.clone(),
            start: record.start,
            end: record.end,
            notes: record.notes.clone(),
            event_type_id: record.event_type,
            orphaned,
            slug: event_type.slug.clone(),
            event_title: event_type.title.clone(),
            event_description: None,
            requires_confirmation: event_type.requires_confirmation,
            seats: event_type.seats,
            recurring: event_type.recurring_event(),
            series_length: None,
            newer: self.hosted,
            organizer: Organizer {
                id: host.id,
                name: host.name,
                email: host.email,
                username: host.username,
                time_zone: host.time_zone,
            },
            attendees: attendees.unwrap_or_else(|| people(record)),
            guests: record.guests.clone(),
            location: record.location.clone(),
            ics_uid: record.ics_uid.clone(),
            one_time_password: (kind == Kind::Requested).then(|| self.uuid()),
            metadata: record.metadata.clone(),
            previous: None,
            seat_uid: None,
            reason: None,
        };
        change(&mut facts);
        self.notices.push(Notice {
            host: record.host,
            facts,
            everybody,
        });
    }

    /// What there is to tell by now: the booking as it is, or as it was if it is gone.
    pub(super) fn as_of_now(&self, notice: &Notice) -> Facts {
        let mut facts = notice.facts.clone();
        let Some(record) = self.booking(&facts.uid) else {
            return facts;
        };
        facts.title.clone_from(&record.title);
        facts.start = record.start;
        facts.end = record.end;
        facts.location.clone_from(&record.location);
        if notice.everybody {
            facts.status = Some(record.status.to_uppercase());
            // Who was in a seated booking is not in it any more once it is cancelled.
            if !record.attendees.is_empty() {
                facts.attendees = people(record);
            }
        }
        facts
    }
}

fn people(record: &Record) -> Vec<Person> {
    let people = record.attendees.iter();
    people.map(|attendee| attendee.person.clone()).collect()
}
