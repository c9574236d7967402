//! Cal Video: recordings and sessions of a booking's calls.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

/// A recording. Whoever has the link or the token can see it: `Debug` shows neither.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Recording {
    /// The recording.
    pub id: String,
    /// The room of the call.
    #[serde(default)]
    pub room_name: Option<String>,
    /// When it began, in seconds since 1970.
    #[serde(default)]
    pub start_ts: Option<i64>,
    /// Whether it is done, such as `finished`.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub status: String,
    /// The most people who were there at a time.
    #[serde(default)]
    pub max_participants: Option<u32>,
    /// The length in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// The token under which it is shared.
    #[serde(default)]
    pub share_token: Option<String>,
    /// Where it can be fetched, for a while.
    #[serde(default)]
    pub download_link: Option<String>,
    /// Why there is no link.
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

/// One call of a booking.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VideoSession {
    /// The session.
    pub id: String,
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// When it began, in seconds since 1970.
    #[serde(default)]
    pub start_time: Option<i64>,
    /// The length in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// Whether it goes on.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub ongoing: bool,
    /// The most people who were there at a time.
    #[serde(default)]
    pub max_participants: Option<u32>,
    /// Who was there.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub participants: Vec<VideoParticipant>,
}

/// Somebody in a call. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VideoParticipant {
    /// The user, where the participant is one.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// When they came, in seconds since 1970.
    #[serde(default)]
    pub join_time: Option<i64>,
    /// How long they stayed, in seconds.
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
