//! Settings of the page.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use super::access::Access;
use super::live::LiveStreams;
use super::sign_in::SignInLinks;
#[cfg(feature = "agents")]
use crate::agents::AgentConsole;
use crate::ambient::{Clock, SystemClock};

/// Settings of the operations page.
///
/// ```
/// use calcom::server::{Access, OperationsConfig};
///
/// let config = OperationsConfig::new(Access::by_middleware())
///     .with_base_path("/operations")
///     .with_title("Salon sync")
///     .with_time_zone("Europe/Berlin")
///     .with_booking_url("https://cal.example.com/booking/{uid}");
/// # let _ = config;
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct OperationsConfig {
    /// How operators are recognized.
    pub access: Access,
    /// The path at which the host nests the router, without a final slash. Default: empty.
    pub base_path: String,
    /// The address of a booking's own page at Cal.com; `{uid}` stands for the booking's uid.
    /// Default: that of the hosted service.
    pub booking_url: String,
    /// The name of the page. Default: `Cal.com sync`.
    pub title: String,
    /// The time zone in which times are shown, by its IANA name; an unknown one is UTC. Appointments
    /// are shown in their attendees' time zones. Default: UTC.
    pub time_zone: String,
    /// Whether the page is reached over HTTPS, so that cookies are `Secure`. Default: if the
    /// request's `X-Forwarded-Proto` says so.
    pub is_secure: Option<bool>,
    /// The header in which your own proxy says whom a request comes from, as for
    /// [`WebhookConfig::source_header`](crate::server::WebhookConfig::source_header): failed
    /// attempts to sign in are counted by it. Default: none.
    pub source_header: Option<HeaderName>,
    /// Links that sign in once. Default: none are accepted.
    pub sign_in_links: Option<SignInLinks>,
    /// Limits of the live updates, and their end.
    pub live: LiveStreams,
    /// Through which voice agents are set up. Default: none, and then the page for it is not there.
    #[cfg(feature = "agents")]
    pub agents: Option<Arc<dyn AgentConsole>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for OperationsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationsConfig")
            .field("access", &self.access)
            .field("base_path", &self.base_path)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

impl OperationsConfig {
    /// Default settings.
    pub fn new(access: Access) -> Self {
        Self {
            access,
            base_path: String::new(),
            booking_url: "https://app.cal.com/booking/{uid}".to_owned(),
            title: "Cal.com sync".to_owned(),
            time_zone: "UTC".to_owned(),
            is_secure: None,
            source_header: None,
            sign_in_links: None,
            live: LiveStreams::default(),
            #[cfg(feature = "agents")]
            agents: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the path at which the host nests the router.
    #[must_use]
    pub fn with_base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        let trimmed = self.base_path.trim_end_matches('/').len();
        self.base_path.truncate(trimmed);
        self
    }

    /// Sets the address of a booking's own page; `{uid}` stands for the booking's uid.
    #[must_use]
    pub fn with_booking_url(mut self, template: impl Into<String>) -> Self {
        self.booking_url = template.into();
        self
    }

    /// Sets the name of the page.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the time zone in which times are shown.
    #[must_use]
    pub fn with_time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = name.into();
        self
    }

    /// Sets whether the page is reached over HTTPS.
    #[must_use]
    pub fn with_secure(mut self, is_secure: bool) -> Self {
        self.is_secure = Some(is_secure);
        self
    }

    /// Sets the header in which your own proxy says whom a request comes from.
    #[must_use]
    pub fn with_source_header(mut self, name: HeaderName) -> Self {
        self.source_header = Some(name);
        self
    }

    /// Accepts links that sign in once.
    #[must_use]
    pub fn with_sign_in_links(mut self, links: SignInLinks) -> Self {
        self.sign_in_links = Some(links);
        self
    }

    /// Sets the limits of the live updates. Keep a clone to end them.
    #[must_use]
    pub fn with_live(mut self, live: LiveStreams) -> Self {
        self.live = live;
        self
    }

    /// Adds a page on which the voice agents of tenants are set up, for those that have one.
    #[cfg(feature = "agents")]
    #[must_use]
    pub fn with_agents(mut self, agents: Arc<dyn AgentConsole>) -> Self {
        self.agents = Some(agents);
        self
    }

    /// Sets the clock, by which sessions end and ages are shown.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
