//! Connected apps: calendars and conferencing services.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::id::{CredentialId, TeamId, UserId};

/// The connection of an app to the account.
///
/// It does not contain the credentials that Cal.com uses for it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectedApp {
    /// The id of the credential, which identifies the connection in other requests.
    pub id: CredentialId,
    /// The kind of app, such as `google_calendar` or `zoom_video`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The user who owns the connection.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The team, if the connection belongs to one.
    #[serde(default)]
    pub team_id: Option<TeamId>,
    /// The app's slug, such as `google-meet`; not in every response.
    #[serde(default)]
    pub app_id: Option<String>,
    /// Whether the connection no longer works.
    #[serde(default)]
    pub invalid: Option<bool>,
}

/// A URL at which the user connects an app in the browser.
///
/// It is a secret: Cal.com includes the credential of the request, such as the API key, in its
/// `state`. Redirect the user's browser to it, and keep it out of logs. `Debug` does not show it.
#[derive(Clone, Debug, Deserialize)]
pub struct ConnectUrl {
    #[serde(rename = "authUrl", alias = "url")]
    url: SecretString,
}

impl ConnectUrl {
    /// Returns the URL, to redirect the user's browser to.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_address_are_read_and_neither_is_shown() {
        for key in ["authUrl", "url"] {
            let json = format!(r#"{{"{key}": "https://zoom.us/?state=cal_live_0123"}}"#);
            let url: ConnectUrl = serde_json::from_str(&json).unwrap();
            assert_eq!(url.expose(), "https://zoom.us/?state=cal_live_0123");
            assert!(!format!("{url:?}").contains("cal_live"), "{url:?}");
        }
    }
}
