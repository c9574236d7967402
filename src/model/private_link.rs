//! Private links: addresses under which an event type can be booked for some time, or some times.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{EventTypeId, PrivateLinkId};
use super::time::Instant;

/// A private link. It ends at an instant or after a number of bookings.
///
/// Whoever has the address can book: `Debug` does not show it, nor the id that it is made of.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PrivateLink {
    /// The link.
    pub link_id: PrivateLinkId,
    /// What can be booked under it.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// Whether it has ended.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_expired: bool,
    /// The booking page's address.
    #[serde(default)]
    pub booking_url: Option<String>,
    /// When it ends; absent on links that end after a number of bookings.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
    /// After how many bookings it ends; absent on links that end at an instant.
    #[serde(default)]
    pub max_usage_count: Option<u32>,
    /// How many bookings were made under it.
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

/// When a private link ends: at an instant or after a number of bookings, not both.
///
/// With neither, a new link ends after one booking according to the published document of August
/// 2026; a server of August 2025 refuses that. An update with neither turns any link into one that
/// ends after one booking, observed on the latter.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PrivateLinkParams {
    /// At this instant.
    #[serde_as(as = "Option<Instant>")]
    pub expires_at: Option<DateTime<Utc>>,
    /// After this many bookings, at least one.
    pub max_usage_count: Option<u32>,
}

impl PrivateLinkParams {
    /// Ends at an instant.
    pub fn until(instant: DateTime<Utc>) -> Self {
        Self {
            expires_at: Some(instant),
            max_usage_count: None,
        }
    }

    /// Ends after a number of bookings.
    pub fn uses(count: u32) -> Self {
        Self {
            expires_at: None,
            max_usage_count: Some(count),
        }
    }
}
