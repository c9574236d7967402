//! Verified e-mail addresses and phone numbers, which workflows can send messages to.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::id::{TeamId, UserId, VerifiedEmailId, VerifiedPhoneId};

/// A verified e-mail address. `Debug` does not show it.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifiedEmail {
    /// The id of the entry.
    pub id: VerifiedEmailId,
    /// The e-mail address.
    pub email: String,
    /// The user who verified it.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The team that can use it, if it belongs to one.
    #[serde(default)]
    pub team_id: Option<TeamId>,
}

impl fmt::Debug for VerifiedEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedEmail")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("team_id", &self.team_id)
            .finish_non_exhaustive()
    }
}

/// A verified phone number. `Debug` does not show it.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifiedPhone {
    /// The id of the entry.
    pub id: VerifiedPhoneId,
    /// The phone number, in international format.
    pub phone_number: String,
    /// The user who verified it.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The team that can use it, if it belongs to one.
    #[serde(default)]
    pub team_id: Option<TeamId>,
}

impl fmt::Debug for VerifiedPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedPhone")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("team_id", &self.team_id)
            .finish_non_exhaustive()
    }
}
