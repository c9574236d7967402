//! The authenticated user.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::booking::{Metadata, text_entries};
use super::id::{ScheduleId, TimeZone, UserId};
use super::json_object::JsonObject;
use super::schedule::Weekday;
use super::setters::setters;

/// The authenticated user. `Debug` shows only the id and the time zone.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// The user name, which is the first part of the booking page's URL.
    #[serde(default)]
    pub username: Option<String>,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// The time format: 12 or 24.
    #[serde(default)]
    pub time_format: Option<u32>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// The schedule of event types that specify none.
    #[serde(default)]
    pub default_schedule_id: Option<ScheduleId>,
    /// The language, such as `de`. Some servers were observed to omit it.
    #[serde(default)]
    pub locale: Option<String>,
    /// The URL of the avatar.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// The user's bio.
    #[serde(default)]
    pub bio: Option<String>,
    /// The metadata.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
    /// The organization's id, if the user belongs to one.
    #[serde(default)]
    pub organization_id: Option<i64>,
    /// The organization, if the user belongs to one.
    #[serde(default)]
    pub organization: Option<UserOrganization>,
}

/// The organization of a user.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserOrganization {
    /// The organization's id.
    #[serde(default)]
    pub id: Option<i64>,
    /// Whether it belongs to a platform.
    #[serde(default)]
    pub is_platform: Option<bool>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("time_zone", &self.time_zone)
            .finish_non_exhaustive()
    }
}

/// Parameters for updating the user.
///
/// `None` leaves a value unchanged. `Debug` shows no personal data.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserUpdate {
    /// The e-mail address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The time format: 12 or 24.
    pub time_format: Option<u32>,
    /// The schedule of event types that specify none.
    pub default_schedule_id: Option<ScheduleId>,
    /// The first day of the week.
    pub week_start: Option<Weekday>,
    /// The time zone.
    pub time_zone: Option<TimeZone>,
    /// The language, such as `de`. The server accepts a fixed list and rejects others.
    pub locale: Option<String>,
    /// The URL of the avatar.
    pub avatar_url: Option<String>,
    /// The user's bio.
    pub bio: Option<String>,
    /// The metadata; see [`Metadata`] for the limits.
    pub metadata: Option<Metadata>,
}

setters! {
    UserUpdate {
        with_time_format => time_format: u32,
        with_default_schedule_id => default_schedule_id: ScheduleId,
        ;
        with_email => email: String,
        with_name => name: String,
        with_week_start => week_start: Weekday,
        with_time_zone => time_zone: TimeZone,
        with_locale => locale: String,
        with_avatar_url => avatar_url: String,
        with_bio => bio: String,
        with_metadata => metadata: Metadata,
    }
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

/// Copies everything that an update can set.
///
/// Metadata is copied only as far as the values are strings.
impl From<&User> for UserUpdate {
    fn from(read: &User) -> Self {
        Self {
            email: Some(read.email.clone()),
            name: read.name.clone(),
            time_format: read.time_format,
            default_schedule_id: read.default_schedule_id,
            week_start: read.week_start.clone(),
            time_zone: read.time_zone.clone(),
            locale: read.locale.clone(),
            avatar_url: read.avatar_url.clone(),
            bio: read.bio.clone(),
            metadata: read.metadata.as_ref().map(text_entries),
        }
    }
}
