//! The user behind a credential.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::booking::Metadata;
use super::id::{ScheduleId, TimeZone, UserId};
use super::schedule::Weekday;
use super::setters::setters;

/// The user behind a credential. `Debug` shows the number and the time zone only.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
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
    /// The time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// 12 or 24.
    #[serde(default)]
    pub time_format: Option<u32>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// The schedule of event types that name none.
    #[serde(default)]
    pub default_schedule_id: Option<ScheduleId>,
    /// The language, such as `de`; servers were seen to leave it out.
    #[serde(default)]
    pub locale: Option<String>,
    /// The picture's address.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// What the user says about themselves.
    #[serde(default)]
    pub bio: Option<String>,
    /// What the user carries.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The organization's number, where the user belongs to one.
    #[serde(default)]
    pub organization_id: Option<i64>,
    /// The organization, where the user belongs to one.
    #[serde(default)]
    pub organization: Option<UserOrganization>,
}

/// The organization of a user.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserOrganization {
    /// The organization's number.
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

/// What to change about the user. What is `None` stays as it is. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
    /// The time zone.
    pub time_zone: Option<TimeZone>,
    /// The language, such as `de`; the server takes a fixed list and refuses others.
    pub locale: Option<String>,
    /// The picture's address.
    pub avatar_url: Option<String>,
    /// What the user says about themselves.
    pub bio: Option<String>,
    /// What the user carries; see [`Metadata`] for the limits.
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

/// Everything that an update can set, as it was read; metadata only as far as it is text.
impl From<&User> for UserUpdate {
    fn from(read: &User) -> Self {
        let text =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
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
            metadata: read
                .metadata
                .as_ref()
                .map(|metadata| metadata.iter().filter_map(text).collect()),
        }
    }
}
