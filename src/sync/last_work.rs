//! When a link was last worked on, and how that went.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use crate::model::InstantFormat;

/// When a link was last worked on, and how that went, by the store's clock.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LastWork {
    /// When the last turn was.
    #[serde_as(as = "Option<InstantFormat>")]
    pub attempted_at: Option<DateTime<Utc>>,
    /// When a turn last left nothing to do.
    #[serde_as(as = "Option<InstantFormat>")]
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When a turn last failed, or ended in review.
    #[serde_as(as = "Option<InstantFormat>")]
    pub failed_at: Option<DateTime<Utc>>,
    /// The last error, with its causes. Contains no personal data. Stays after a success.
    pub error: Option<String>,
}

impl LastWork {
    pub(super) fn attempted(&mut self, now: DateTime<Utc>) {
        self.attempted_at = Some(now);
    }

    pub(super) fn succeeded(&mut self, now: DateTime<Utc>) {
        self.attempted_at = Some(now);
        self.succeeded_at = Some(now);
    }

    pub(super) fn failed(&mut self, now: DateTime<Utc>, error: &str) {
        self.attempted_at = Some(now);
        self.failed_at = Some(now);
        self.error = Some(error.to_owned());
    }
}
