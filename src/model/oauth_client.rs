//! OAuth clients: applications that act for users with their consent.

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::open_enum::open_enum;

open_enum! {
    /// Whether an OAuth client can keep a secret.
    OAuthClientType {
        /// It can, as a server does.
        Confidential = "CONFIDENTIAL",
        /// It cannot, as an app on the user's device.
        Public = "PUBLIC",
    }
}

open_enum! {
    /// What a user can allow an OAuth client to do.
    ///
    /// The scopes of teams and organizations begin with `TEAM_` and `ORG_`; write them as
    /// `OAuthScope::from("TEAM_BOOKING_READ")`.
    OAuthScope {
        /// Read event types and private links.
        EventTypeRead = "EVENT_TYPE_READ",
        /// Change event types and private links.
        EventTypeWrite = "EVENT_TYPE_WRITE",
        /// Read bookings.
        BookingRead = "BOOKING_READ",
        /// Change bookings.
        BookingWrite = "BOOKING_WRITE",
        /// Read schedules.
        ScheduleRead = "SCHEDULE_READ",
        /// Change schedules.
        ScheduleWrite = "SCHEDULE_WRITE",
        /// Read connected apps.
        AppsRead = "APPS_READ",
        /// Change connected apps.
        AppsWrite = "APPS_WRITE",
        /// Read the user.
        ProfileRead = "PROFILE_READ",
        /// Change the user.
        ProfileWrite = "PROFILE_WRITE",
    }
}

/// An OAuth client, as it is registered at Cal.com and shown to users who are asked for consent.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuthClientInfo {
    /// The client.
    #[serde(alias = "clientId")]
    pub client_id: String,
    /// The name shown.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// Where users are sent back to.
    #[serde(default, alias = "redirectUri")]
    pub redirect_uri: Option<String>,
    /// The logo's address.
    #[serde(default)]
    pub logo: Option<String>,
    /// Whether Cal.com trusts it.
    #[serde(default, alias = "isTrusted")]
    pub is_trusted: Option<bool>,
    /// Whether it can keep a secret.
    #[serde(default, alias = "clientType")]
    pub client_type: Option<OAuthClientType>,
}
