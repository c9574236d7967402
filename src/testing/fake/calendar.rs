//! Calendars that users have connected, as a test sets them up.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::FakeCalcom;
use super::shared::lock;
use super::state::State;
use crate::model::UserId;

/// A calendar to be connected to a user of a [`FakeCalcom`]; get its credential's number from
/// [`connect_calendar`](FakeCalcom::connect_calendar).
///
/// Defaults: connected to the first user, named after its external name, writable, and selected, so
/// that its busy times keep slots from being offered and booked. `Debug` does not show its names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeCalendar {
    integration: String,
    external_id: String,
    name: String,
    owner: Option<i64>,
    read_only: bool,
    selected: bool,
    busy: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl std::fmt::Debug for FakeCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeCalendar")
            .field("integration", &self.integration)
            .field("busy", &self.busy.len())
            .finish_non_exhaustive()
    }
}

impl FakeCalendar {
    /// A calendar of an integration, such as `google_calendar`, `office365_calendar` or
    /// `ics-feed_calendar`, by its name there, such as an e-mail address or a URL.
    pub fn new(integration: impl Into<String>, external_id: impl Into<String>) -> Self {
        let external_id = external_id.into();
        Self {
            integration: integration.into(),
            name: external_id.clone(),
            external_id,
            owner: None,
            read_only: false,
            selected: true,
            busy: Vec::new(),
        }
    }

    /// Sets the name shown.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Connects it to another user than the first one.
    #[must_use]
    pub fn with_owner(mut self, owner: UserId) -> Self {
        self.owner = Some(owner.get());
        self
    }

    /// Makes it read-only: bookings cannot be written to it.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Leaves it out when availability is computed, until somebody selects it.
    #[must_use]
    pub fn not_selected(mut self) -> Self {
        self.selected = false;
        self
    }

    /// Adds a busy time.
    #[must_use]
    pub fn with_busy(mut self, start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        self.busy.push((start, end));
        self
    }
}

/// A calendar that is connected.
pub(super) struct Calendar {
    pub(super) credential: i64,
    pub(super) user: i64,
    pub(super) integration: String,
    pub(super) external_id: String,
    pub(super) name: String,
    pub(super) read_only: bool,
    pub(super) busy: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Calendar {
    /// The app's short name, such as `google-calendar` or `ics-feed`.
    pub(super) fn app(&self) -> String {
        match self.integration.strip_suffix("_calendar") {
            Some("ics-feed") => "ics-feed".to_owned(),
            _ => self.integration.replace('_', "-"),
        }
    }

    pub(super) fn is(&self, integration: &str, external_id: &str) -> bool {
        self.integration == integration && self.external_id == external_id
    }

    /// A calendar of a connection. The address is that of the account, which the fake takes to be
    /// the external name.
    pub(super) fn to_json(&self, selected: bool) -> Value {
        json!({
            "externalId": self.external_id,
            "integration": self.integration,
            "name": self.name,
            "primary": !self.read_only,
            "readOnly": self.read_only,
            "email": self.external_id,
            "isSelected": selected,
            "credentialId": self.credential,
            "delegationCredentialId": null,
        })
    }
}

/// A calendar that counts when availability is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) user: i64,
    pub(super) integration: String,
    pub(super) external_id: String,
    pub(super) credential: i64,
}

impl Selected {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "userId": self.user,
            "integration": self.integration,
            "externalId": self.external_id,
            "credentialId": self.credential,
        })
    }
}

impl FakeCalcom {
    /// Connects a calendar to a user and returns the number of its credential.
    pub fn connect_calendar(&self, calendar: FakeCalendar) -> i64 {
        lock(&self.shared.state).connect_calendar(calendar)
    }
}

impl State {
    fn connect_calendar(&mut self, calendar: FakeCalendar) -> i64 {
        let user = calendar.owner.unwrap_or(self.users[0].id);
        let last = self.calendars.last().map_or(0, |last| last.credential);
        let credential = last + 1;
        if calendar.selected {
            self.selected_calendars.push(Selected {
                user,
                integration: calendar.integration.clone(),
                external_id: calendar.external_id.clone(),
                credential,
            });
        }
        self.calendars.push(Calendar {
            credential,
            user,
            integration: calendar.integration,
            external_id: calendar.external_id,
            name: calendar.name,
            read_only: calendar.read_only,
            busy: calendar.busy,
        });
        credential
    }

    pub(super) fn calendars_of(&self, user: i64) -> impl Iterator<Item = &Calendar> {
        self.calendars
            .iter()
            .filter(move |calendar| calendar.user == user)
    }

    pub(super) fn is_selected(&self, calendar: &Calendar) -> bool {
        self.selected_calendars.iter().any(|selected| {
            selected.user == calendar.user
                && selected.credential == calendar.credential
                && calendar.is(&selected.integration, &selected.external_id)
        })
    }

    /// The calendar that a user's bookings are written to: the chosen one, else the first that can
    /// be written to.
    pub(super) fn destination(&self, user: i64) -> Option<&Calendar> {
        let chosen = self.destinations.get(&user);
        self.calendars_of(user)
            .filter(|calendar| !calendar.read_only)
            .find(|calendar| chosen.is_none_or(|credential| *credential == calendar.credential))
    }

    /// Whether a user is busy according to the calendars selected.
    pub(super) fn is_busy(&self, user: i64, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        self.calendars_of(user)
            .filter(|calendar| self.is_selected(calendar))
            .any(|calendar| {
                calendar
                    .busy
                    .iter()
                    .any(|(from, to)| *from < end && start < *to)
            })
    }
}
