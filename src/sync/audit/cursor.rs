//! Where an audit stands.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::serde_as;

use super::report::AuditCounts;
use crate::model::InstantFormat;
use crate::store::Window;

/// Where an interrupted audit goes on: plain data to be stored anywhere and passed back to
/// [`AuditParams::resuming`](super::AuditParams::resuming).
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditCursor {
    #[serde_as(as = "InstantFormat")]
    pub(super) from: DateTime<Utc>,
    #[serde_as(as = "InstantFormat")]
    pub(super) until: DateTime<Utc>,
    /// Every start before this one was compared.
    #[serde_as(as = "InstantFormat")]
    pub(super) position: DateTime<Utc>,
    /// Whether Cal.com's list came out of order, so that a place in it means nothing.
    #[serde(default)]
    pub(super) unordered: bool,
    /// Whether everything was counted, and the repair has begun or is waiting for the brake.
    #[serde(default)]
    pub(super) counted: bool,
    /// How many the repair has cancelled or would have.
    #[serde(default)]
    pub(super) cancelled: u64,
    #[serde(default)]
    pub(super) counts: AuditCounts,
}

impl AuditCursor {
    /// The beginning of a window.
    pub(super) fn at_beginning(window: Window) -> Self {
        Self {
            from: window.from,
            until: window.until,
            position: window.from,
            unordered: false,
            counted: false,
            cancelled: 0,
            counts: AuditCounts::default(),
        }
    }

    pub(super) fn window(&self) -> Window {
        Window::new(self.from, self.until)
    }

    /// What is still to be walked.
    pub(super) fn rest(&self) -> Window {
        Window::new(self.position, self.until)
    }

    /// Everything was counted: the repair walks through it again.
    pub(super) fn begin_repair(&mut self) {
        self.counted = true;
        self.position = self.from;
    }
}
