//! The seed file: the users, event types and bookings that are there from the start.

use std::path::Path;

use calcom::model::{EventTypeId, NewAttendee, NewBooking, UserId};
use calcom::testing::{FakeAccount, FakeCalcom, FakeCalcomBuilder, FakeEventType};
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// What a seed file holds. The first user and the first event type are those that the fake prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Seed {
    users: Vec<User>,
    event_types: Vec<EventType>,
    #[serde(default)]
    bookings: Vec<Booking>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct User {
    username: String,
    name: Option<String>,
    email: Option<String>,
    time_zone: Option<String>,
    /// Working hours of every day, in the user's time zone: `[9, 17]`.
    hours: Option<[u32; 2]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventType {
    slug: String,
    title: Option<String>,
    length_in_minutes: u32,
    #[serde(default)]
    length_in_minutes_options: Vec<u32>,
    /// A user name; the first user if left out.
    owner: Option<String>,
    #[serde(default)]
    requires_confirmation: bool,
    seats: Option<u32>,
    #[serde(default)]
    minimum_booking_notice: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Booking {
    /// A slug.
    event_type: String,
    start: DateTime<Utc>,
    attendee: Attendee,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Attendee {
    name: String,
    email: String,
    time_zone: String,
}

/// Reads a seed file.
pub(crate) fn read(path: &Path) -> Result<Seed, String> {
    let problem = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let text = std::fs::read(path).map_err(|error| problem(&error))?;
    let seed: Seed = serde_json::from_slice(&text).map_err(|error| problem(&error))?;
    if seed.users.is_empty() || seed.event_types.is_empty() {
        return Err(problem(&"it needs at least one user and one event type"));
    }
    Ok(seed)
}

impl Seed {
    /// Starts a fake with all of it.
    pub(crate) async fn start(
        &self,
        builder: FakeCalcomBuilder,
    ) -> Result<FakeCalcom, Box<dyn std::error::Error>> {
        let [first_user, users @ ..] = self.users.as_slice() else {
            return Err("there is no user".into());
        };
        let [first_type, event_types @ ..] = self.event_types.as_slice() else {
            return Err("there is no event type".into());
        };
        if first_type
            .owner
            .as_ref()
            .is_some_and(|o| *o != first_user.username)
        {
            return Err("the first event type has to belong to the first user".into());
        }
        let builder = builder.host(first_user.account());
        let fake = builder.event_type(first_type.setup(None)).start().await?;

        let mut owners = vec![(first_user.username.as_str(), fake.host_id())];
        for user in users {
            owners.push((&user.username, fake.add_user(user.account()).id));
        }
        let mut known = vec![(first_type.slug.as_str(), fake.event_type_id())];
        for event_type in event_types {
            let owner = match &event_type.owner {
                Some(name) => Some(find(&owners, name, "user")?),
                None => None,
            };
            let id = fake.add_event_type(event_type.setup(owner));
            known.push((&event_type.slug, id));
        }
        for booking in &self.bookings {
            let id: EventTypeId = find(&known, &booking.event_type, "event type")?;
            let Attendee {
                name,
                email,
                time_zone,
            } = &booking.attendee;
            let attendee = NewAttendee::new(name, email, time_zone.as_str().into());
            fake.book(NewBooking::new(id, booking.start, attendee))
                .await
                .map_err(|refused| format!("the booking at {}: {refused}", booking.start))?;
        }
        Ok(fake)
    }
}

fn find<T: Copy>(known: &[(&str, T)], name: &str, what: &str) -> Result<T, String> {
    let found = known.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, id)| *id)
        .ok_or_else(|| format!("there is no {what} {name:?}"))
}

impl User {
    fn account(&self) -> FakeAccount {
        let mut account = FakeAccount::new(&self.username);
        if let Some(name) = &self.name {
            account = account.with_name(name);
        }
        if let Some(email) = &self.email {
            account = account.with_email(email);
        }
        if let Some(time_zone) = &self.time_zone {
            account = account.with_time_zone(time_zone);
        }
        if let Some([from, to]) = self.hours {
            account = account.with_hours(from..to);
        }
        account
    }
}

impl EventType {
    fn setup(&self, owner: Option<UserId>) -> FakeEventType {
        let mut setup = FakeEventType::new(&self.slug, self.length_in_minutes)
            .with_lengths(self.length_in_minutes_options.clone())
            .with_minimum_notice(self.minimum_booking_notice);
        if let Some(title) = &self.title {
            setup = setup.with_title(title);
        }
        if let Some(owner) = owner {
            setup = setup.with_owner(owner);
        }
        if self.requires_confirmation {
            setup = setup.with_confirmation();
        }
        if let Some(seats) = self.seats {
            setup = setup.with_seats(seats);
        }
        setup
    }
}
