//! Every route of the page. There is no other: the router is made from this table.

use axum::routing::MethodFilter;

/// What is at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Page {
    Asset,
    SignIn,
    SignInByToken,
    SignInLink,
    SignInByLink,
    SignOut,
    Home,
    Overview,
    Pause,
    Resume,
    Activity,
    Appointment,
    OnAppointments,
    Reviews,
    Review,
    Resolve,
    Drift,
    StartDrift,
    StopDrift,
    Services,
    SyncServices,
    Places,
    Webhook,
    TestWebhook,
    RepairWebhook,
    #[cfg(feature = "agents")]
    Agents,
    #[cfg(feature = "agents")]
    AgentDiff,
    #[cfg(feature = "agents")]
    SwitchFunction,
    #[cfg(feature = "agents")]
    SelectEvents,
    #[cfg(feature = "agents")]
    RestoreAgent,
    #[cfg(feature = "agents")]
    PushAgent,
    #[cfg(feature = "agents")]
    TestAgent,
    Actions,
    Live,
    /// Anything else.
    Nowhere,
    /// A known path, and another method.
    WrongMethod,
}

/// A route of the operations page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationsRoute {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, in axum's notation.
    pub path: &'static str,
    pub(super) page: Page,
}

const fn get(path: &'static str, page: Page) -> OperationsRoute {
    let method = "GET";
    OperationsRoute { method, path, page }
}

const fn post(path: &'static str, page: Page) -> OperationsRoute {
    let method = "POST";
    OperationsRoute { method, path, page }
}

/// Every route of the operations page: for rules of a proxy, and for tests.
pub const OPERATIONS_ROUTES: &[OperationsRoute] = &[
    get("/", Page::Home),
    get("/assets/{version}/{file}", Page::Asset),
    get("/login", Page::SignIn),
    post("/login", Page::SignInByToken),
    post("/logout", Page::SignOut),
    get("/in/{code}", Page::SignInLink),
    post("/in/{code}", Page::SignInByLink),
    get("/t/{tenant}", Page::Overview),
    post("/t/{tenant}/pause", Page::Pause),
    post("/t/{tenant}/resume", Page::Resume),
    get("/t/{tenant}/activity", Page::Activity),
    post("/t/{tenant}/appointments", Page::OnAppointments),
    get("/t/{tenant}/appointments/{id}", Page::Appointment),
    get("/t/{tenant}/reviews", Page::Reviews),
    post("/t/{tenant}/reviews", Page::Resolve),
    get("/t/{tenant}/reviews/{id}", Page::Review),
    get("/t/{tenant}/drift", Page::Drift),
    post("/t/{tenant}/drift", Page::StartDrift),
    post("/t/{tenant}/drift/stop", Page::StopDrift),
    get("/t/{tenant}/services", Page::Services),
    post("/t/{tenant}/services", Page::SyncServices),
    get("/t/{tenant}/places", Page::Places),
    get("/t/{tenant}/webhook", Page::Webhook),
    post("/t/{tenant}/webhook/test", Page::TestWebhook),
    post("/t/{tenant}/webhook/repair", Page::RepairWebhook),
    #[cfg(feature = "agents")]
    get("/t/{tenant}/agents", Page::Agents),
    #[cfg(feature = "agents")]
    get("/t/{tenant}/agents/diff", Page::AgentDiff),
    #[cfg(feature = "agents")]
    post("/t/{tenant}/agents/function", Page::SwitchFunction),
    #[cfg(feature = "agents")]
    post("/t/{tenant}/agents/events", Page::SelectEvents),
    #[cfg(feature = "agents")]
    post("/t/{tenant}/agents/restore", Page::RestoreAgent),
    #[cfg(feature = "agents")]
    post("/t/{tenant}/agents/push", Page::PushAgent),
    #[cfg(feature = "agents")]
    post("/t/{tenant}/agents/test", Page::TestAgent),
    get("/t/{tenant}/actions", Page::Actions),
    get("/t/{tenant}/live", Page::Live),
];

/// The pages that are updated live, by the word that asks for them.
const LIVE: &[(Page, &str)] = &[
    (Page::Overview, "overview"),
    (Page::Activity, "activity"),
    (Page::Appointment, "appointment"),
    (Page::Reviews, "reviews"),
    (Page::Review, "review"),
    (Page::Drift, "drift"),
];

impl OperationsRoute {
    pub(super) fn filter(&self) -> MethodFilter {
        match self.method {
            "POST" => MethodFilter::POST,
            _ => MethodFilter::GET,
        }
    }
}

impl Page {
    /// Whether it is about a tenant.
    pub(super) fn is_of_tenant(self) -> bool {
        let mut routes = OPERATIONS_ROUTES.iter();
        routes.any(|route| route.page == self && route.path.starts_with("/t/"))
    }

    /// Whether anybody may have it.
    pub(super) fn is_public(self) -> bool {
        matches!(
            self,
            Self::Asset
                | Self::SignIn
                | Self::SignInByToken
                | Self::SignInLink
                | Self::SignInByLink
                | Self::SignOut
        )
    }

    /// The word that asks for its live updates, if it has any.
    pub(super) fn live_word(self) -> Option<&'static str> {
        let found = LIVE.iter().find(|(page, _)| *page == self);
        found.map(|(_, word)| *word)
    }

    pub(super) fn of_live_word(word: &str) -> Option<Self> {
        let found = LIVE.iter().find(|(_, known)| *known == word);
        found.map(|(page, _)| *page)
    }
}
