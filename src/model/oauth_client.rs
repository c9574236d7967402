//! OAuth clients: applications that act on behalf of users with their consent.

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::open_enum::open_enum;

open_enum! {
    /// Whether an OAuth client can keep a secret.
    OAuthClientType {
        /// It can keep a secret, like a server.
        Confidential = "CONFIDENTIAL",
        /// It cannot keep a secret, like an app on the user's device.
        Public = "PUBLIC",
    }
}

open_enum! {
    /// A permission that a user can grant to an OAuth client.
    ///
    /// The scopes of teams and organizations begin with `TEAM_` and `ORG_`. Create them with
    /// `OAuthScope::from("TEAM_BOOKING_READ")`.
    OAuthScope {
        /// Read event types and private links.
        EventTypeRead = "EVENT_TYPE_READ",
        /// Modify event types and private links.
        EventTypeWrite = "EVENT_TYPE_WRITE",
        /// Read bookings.
        BookingRead = "BOOKING_READ",
        /// Modify bookings.
        BookingWrite = "BOOKING_WRITE",
        /// Read schedules.
        ScheduleRead = "SCHEDULE_READ",
        /// Modify schedules.
        ScheduleWrite = "SCHEDULE_WRITE",
        /// Read connected apps.
        AppsRead = "APPS_READ",
        /// Modify connected apps.
        AppsWrite = "APPS_WRITE",
        /// Read the user's profile.
        ProfileRead = "PROFILE_READ",
        /// Modify the user's profile.
        ProfileWrite = "PROFILE_WRITE",
    }
}

/// An OAuth client, as registered at Cal.com and shown to users on the consent page.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuthClientInfo {
    /// The client's id.
    #[serde(alias = "clientId")]
    pub client_id: String,
    /// The display name.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// The redirect URI.
    #[serde(default, alias = "redirectUri")]
    pub redirect_uri: Option<String>,
    /// The URL of the logo.
    #[serde(default)]
    pub logo: Option<String>,
    /// Whether Cal.com trusts the client.
    #[serde(default, alias = "isTrusted")]
    pub is_trusted: Option<bool>,
    /// Whether the client can keep a secret.
    #[serde(default, alias = "clientType")]
    pub client_type: Option<OAuthClientType>,
}
