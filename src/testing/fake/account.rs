//! Users, as a test sets them up.

use std::ops::Range;

/// A user to be added to a [`FakeCalcom`](super::FakeCalcom).
///
/// Defaults: named after the user name, an address at `example.com`, Europe/Berlin, and no working hours, so that only the
/// hours of an event type count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeAccount {
    pub(super) username: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) time_zone: String,
    pub(super) hours: Option<Range<u32>>,
}

impl FakeAccount {
    /// A user of this user name.
    pub fn new(username: impl Into<String>) -> Self {
        let username = username.into();
        let mut name = username.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            name: format!("{name} Host"),
            email: format!("{username}@example.com"),
            username,
            time_zone: "Europe/Berlin".into(),
            hours: None,
        }
    }

    /// Sets the full name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = email.into();
        self
    }

    /// Sets the time zone, by its IANA name; one that is not known counts as UTC.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.time_zone = time_zone.into();
        self
    }

    /// Sets the working hours of every day, in the user's own time zone, such as `9..17`. They apply to each event type of the
    /// user without [hours of its own](super::FakeEventType::with_hours).
    #[must_use]
    pub fn with_hours(mut self, hours: Range<u32>) -> Self {
        self.hours = Some(hours.start.min(24)..hours.end.min(24));
        self
    }
}

impl From<&str> for FakeAccount {
    fn from(username: &str) -> Self {
        Self::new(username)
    }
}
