//! Conferencing apps, which host video calls.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::open_enum::open_enum;

open_enum! {
    /// A conferencing app.
    ConferencingApp {
        /// Cal Video, which needs no connection.
        CalVideo = "daily-video",
        /// Google Meet, which needs a connected Google calendar.
        GoogleMeet = "google-meet",
        /// Zoom.
        Zoom = "zoom",
        /// Microsoft Teams.
        MsTeams = "msteams",
    }
}

/// The default conferencing app of event types that specify none. `Debug` does not show the link.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DefaultConferencingApp {
    /// The app.
    #[serde(default, rename = "appSlug")]
    pub app: Option<ConferencingApp>,
    /// The URL of the user's own meeting room, for apps that have one.
    #[serde(default, rename = "appLink")]
    pub link: Option<String>,
}

impl fmt::Debug for DefaultConferencingApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultConferencingApp")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}
