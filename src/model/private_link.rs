//! Private links: URLs at which an event type can be booked for a limited time or number of uses.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{EventTypeId, PrivateLinkId};
use super::time::Instant;

/// A private link, which expires at a point in time or after a number of uses.
///
/// `Debug` shows neither the URL nor the id that is part of it, because anyone who has the URL can
/// book.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PrivateLink {
    /// The link's id.
    pub link_id: PrivateLinkId,
    /// The event type that can be booked.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// Whether it has expired.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_expired: bool,
    /// The URL of the booking page.
    #[serde(default)]
    pub booking_url: Option<String>,
    /// When it expires; absent for links with a maximum number of uses.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
    /// The maximum number of bookings; absent for links that expire at a point in time.
    #[serde(default)]
    pub max_usage_count: Option<u32>,
    /// The number of bookings created through the link.
    #[serde(default)]
    pub usage_count: Option<u32>,
}

impl fmt::Debug for PrivateLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateLink")
            .field("event_type_id", &self.event_type_id)
            .field("is_expired", &self.is_expired)
            .field("expires_at", &self.expires_at)
            .field("max_usage_count", &self.max_usage_count)
            .field("usage_count", &self.usage_count)
            .finish_non_exhaustive()
    }
}

/// When a private link expires: at a point in time or after a number of uses, but not both.
///
/// With neither, a new link expires after one booking, according to the published document of
/// August 2026; a server of August 2025 rejects that. An update with neither turns any link into
/// one that expires after one booking, as observed on the latter.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PrivateLinkParams {
    /// When the link expires.
    #[serde_as(as = "Option<Instant>")]
    pub expires_at: Option<DateTime<Utc>>,
    /// The maximum number of bookings, at least one.
    pub max_usage_count: Option<u32>,
}

impl PrivateLinkParams {
    /// Expires at a point in time.
    pub fn until(instant: DateTime<Utc>) -> Self {
        Self {
            expires_at: Some(instant),
            max_usage_count: None,
        }
    }

    /// Expires after a number of bookings.
    pub fn uses(count: u32) -> Self {
        Self {
            expires_at: None,
            max_usage_count: Some(count),
        }
    }
}
