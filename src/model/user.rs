//! The user behind a credential.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::booking::Metadata;
use super::id::{ScheduleId, UserId};
use super::schedule::Weekday;

/// The user behind a credential. `Debug` shows the number and the time zone only.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct User {
    /// The user's number.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// The user name, the first part of the booking page's address.
    #[serde(default)]
    pub username: Option<String>,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The IANA time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// 12 or 24.
    #[serde(default)]
    pub time_format: Option<u32>,
    /// The first day of the week, such as `Monday`.
    #[serde(default)]
    pub week_start: Option<String>,
    /// The schedule of event types that name none.
    #[serde(default)]
    pub default_schedule_id: Option<ScheduleId>,
    /// The organization, where the user belongs to one.
    #[serde(default)]
    pub organization_id: Option<i64>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("time_zone", &self.time_zone)
            .finish_non_exhaustive()
    }
}

/// What to change about the user. What is `None` stays as it is. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserUpdate {
    /// The e-mail address.
    pub email: Option<String>,
    /// The name shown.
    pub name: Option<String>,
    /// 12 or 24.
    pub time_format: Option<u32>,
    /// The schedule of event types that name none.
    pub default_schedule_id: Option<ScheduleId>,
    /// The first day of the week.
    pub week_start: Option<Weekday>,
    /// The IANA time zone.
    pub time_zone: Option<String>,
    /// The language, such as `de`; the server takes a fixed list and refuses others.
    pub locale: Option<String>,
    /// The picture's address.
    pub avatar_url: Option<String>,
    /// What the user says about themselves.
    pub bio: Option<String>,
    /// What the user carries; see [`Metadata`] for the limits.
    pub metadata: Option<Metadata>,
}

impl fmt::Debug for UserUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserUpdate")
            .field("time_format", &self.time_format)
            .field("default_schedule_id", &self.default_schedule_id)
            .field("week_start", &self.week_start)
            .field("time_zone", &self.time_zone)
            .field("locale", &self.locale)
            .finish_non_exhaustive()
    }
}
