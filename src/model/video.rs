//! Cal Video: recordings and sessions of a booking's calls.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

/// A recording.
///
/// `Debug` shows neither the link nor the token, because anyone who has one can view it.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Recording {
    /// The recording's id.
    pub id: String,
    /// The name of the call's room.
    #[serde(default)]
    pub room_name: Option<String>,
    /// The start, in seconds since 1970.
    #[serde(default)]
    pub start_ts: Option<i64>,
    /// The status, such as `finished`.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub status: String,
    /// The maximum number of simultaneous participants.
    #[serde(default)]
    pub max_participants: Option<u32>,
    /// The length in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// The token with which it is shared.
    #[serde(default)]
    pub share_token: Option<String>,
    /// The download URL, which expires after a while.
    #[serde(default)]
    pub download_link: Option<String>,
    /// Why there is no download URL.
    #[serde(default)]
    pub error: Option<String>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("start_ts", &self.start_ts)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

/// A video call of a booking.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VideoSession {
    /// The session's id.
    pub id: String,
    /// The name of the room.
    #[serde(default)]
    pub room: Option<String>,
    /// The start, in seconds since 1970.
    #[serde(default)]
    pub start_time: Option<i64>,
    /// The length in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// Whether the call is in progress.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub ongoing: bool,
    /// The maximum number of simultaneous participants.
    #[serde(default)]
    pub max_participants: Option<u32>,
    /// The participants.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub participants: Vec<VideoParticipant>,
}

/// A participant of a call. `Debug` shows no personal data.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VideoParticipant {
    /// The user's id, if the participant is a user.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// When the participant joined, in seconds since 1970.
    #[serde(default)]
    pub join_time: Option<i64>,
    /// How long the participant stayed, in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
}

impl fmt::Debug for VideoParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoParticipant")
            .field("join_time", &self.join_time)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}
