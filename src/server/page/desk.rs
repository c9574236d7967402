//! What all requests share, and what one request is.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::access::Operator;
use super::config::OperationsConfig;
use super::fields::{Fields, encode, segment};
use super::jobs::Jobs;
use super::problem::Problem;
use super::routes::Page;
use super::sign_in::Failures;
use super::sync::Operated;
use crate::model::BookingUid;
use crate::store::{AppointmentId, LogEvent, OperatorAction, ReviewId, TenantId};
use crate::sync::Places;

/// What all requests share.
pub(super) struct Desk {
    pub(super) engine: Arc<dyn Operated>,
    pub(super) config: OperationsConfig,
    pub(super) failures: Failures,
    pub(super) jobs: Jobs,
    pub(super) zone: Tz,
}

impl Desk {
    pub(super) fn new(engine: Arc<dyn Operated>, config: OperationsConfig) -> Self {
        let zone = config.time_zone.parse().unwrap_or(Tz::UTC);
        Self {
            engine,
            config,
            failures: Failures::new(),
            jobs: Jobs::default(),
            zone,
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.config.clock.now()
    }

    /// A link to a path below the page's own.
    pub(super) fn link(&self, path: &str) -> String {
        match (self.config.base_path.as_str(), path) {
            ("", path) => path.to_owned(),
            (base, "/") => base.to_owned(),
            (base, path) => format!("{base}{path}"),
        }
    }

    /// The path to which the session's cookie belongs.
    pub(super) fn cookie_path(&self) -> &str {
        match self.config.base_path.as_str() {
            "" => "/",
            base => base,
        }
    }
}

/// A request of an operator's for a page.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) desk: Arc<Desk>,
    pub(super) page: Page,
    pub(super) operator: Operator,
    /// The tenant; for pages that are about none, one without a name.
    pub(super) tenant: TenantId,
    /// The last part of the path, for pages about one thing.
    pub(super) id: String,
    /// The tenant's branches and staff.
    pub(super) places: Arc<Places>,
    pub(super) query: Fields,
    pub(super) form: Fields,
    pub(super) now: DateTime<Utc>,
    /// Whether only what is updated live will be shown.
    pub(super) is_live: bool,
}

impl Visit {
    pub(super) fn engine(&self) -> &dyn Operated {
        &*self.desk.engine
    }

    /// A link to a page of the tenant's.
    pub(super) fn link(&self, path: &str) -> String {
        let tenant = segment(self.tenant.as_str());
        self.desk.link(&format!("/t/{tenant}{path}"))
    }

    pub(super) fn appointment_link(&self, id: &AppointmentId) -> String {
        self.link(&format!("/appointments/{}", segment(id.as_str())))
    }

    pub(super) fn review_link(&self, id: ReviewId) -> String {
        self.link(&format!("/reviews/{id}"))
    }

    /// The address of a booking's page at Cal.com. A seat has that of its booking.
    pub(super) fn booking_link(&self, booking: &BookingUid) -> String {
        let uid = booking.as_str();
        let uid = uid.split_once('#').map_or(uid, |(uid, _)| uid);
        let template = &self.desk.config.booking_url;
        template.replace("{uid}", &encode(uid))
    }

    /// Writes down what the operator did. What was done stays done if that fails: the answer says so.
    pub(super) async fn note(
        &self,
        appointment: Option<&AppointmentId>,
        action: OperatorAction,
        outcome: &str,
    ) -> Noted {
        let event = LogEvent::operated(action, self.operator.name.as_str(), outcome);
        match self.engine().note(&self.tenant, appointment, event).await {
            Ok(()) => Noted(true),
            Err(error) => {
                tracing::warn!(tenant = %self.tenant, error = %error, "an action could not be written down");
                Noted(false)
            }
        }
    }

    /// Through which voice agents are set up, if the host has set it up.
    #[cfg(feature = "agents")]
    pub(super) fn agents(&self) -> Option<&dyn crate::agents::AgentConsole> {
        self.desk.config.agents.as_deref()
    }

    /// Whether there is a tab for a page.
    pub(super) fn has_tab(&self, page: Page) -> bool {
        match page {
            Page::Places => !self.places.is_empty(),
            #[cfg(feature = "agents")]
            Page::Agents => {
                let agents = self.agents();
                agents.is_some_and(|agents| agents.has_agent(&self.tenant))
            }
            _ => true,
        }
    }

    pub(super) fn must_write(&self) -> Result<(), Problem> {
        if self.operator.may_write() {
            Ok(())
        } else {
            Err(Problem::Forbidden)
        }
    }
}

/// Whether an action was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted(pub(super) bool);

impl Noted {
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 && other.0)
    }
}
