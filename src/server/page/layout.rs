//! The layout of every page.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};

use super::access::Kind;
use super::asset;
use super::desk::{Desk, Visit};
use super::fields::encode;
use super::icons::{Icon, icon};
use super::parts::outside;
use super::problem::Problem;
use super::routes::Page;
use crate::store::ReviewFilter;

/// What a page shows.
pub(super) struct View {
    pub(super) title: String,
    pub(super) parts: Vec<Part>,
}

/// A part of a page.
pub(super) struct Part {
    pub(super) shown: Markup,
    pub(super) live: Option<Live>,
}

/// A part that is kept up to date while the page is open.
#[derive(Clone, Copy)]
pub(super) struct Live {
    pub(super) name: &'static str,
    /// Whether a screen reader says what is new. It reads the whole part, so only short ones.
    pub(super) is_said: bool,
}

impl View {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            parts: Vec::new(),
        }
    }

    /// Adds a part that stays as it is.
    pub(super) fn still(self, shown: Markup) -> Self {
        self.with(shown, None)
    }

    /// Adds a part that is kept up to date.
    pub(super) fn live(self, name: &'static str, shown: Markup) -> Self {
        let is_said = false;
        self.with(shown, Some(Live { name, is_said }))
    }

    /// Adds a short part that is kept up to date, and said when it changes.
    pub(super) fn said(self, name: &'static str, shown: Markup) -> Self {
        let is_said = true;
        self.with(shown, Some(Live { name, is_said }))
    }

    fn with(mut self, shown: Markup, live: Option<Live>) -> Self {
        self.parts.push(Part { shown, live });
        self
    }
}

/// By which the script recognizes what it shows already.
pub(super) fn fingerprint(shown: &Markup) -> String {
    hex::encode(&Sha256::digest(&shown.0)[..8])
}

const TABS: &[(Page, &str, &str, Icon)] = &[
    (Page::Overview, "", "Overview", Icon::Pulse),
    (Page::Activity, "/activity", "Activity", Icon::List),
    (Page::Reviews, "/reviews", "Review", Icon::Inbox),
    (Page::Drift, "/drift", "Drift", Icon::Compare),
    (Page::Services, "/services", "Services", Icon::Tag),
    (Page::Places, "/places", "Branches", Icon::Person),
    (Page::Webhook, "/webhook", "Webhook", Icon::Plug),
    #[cfg(feature = "agents")]
    (Page::Agents, "/agents", "Agent", Icon::Phone),
    (Page::Actions, "/actions", "Actions", Icon::Scroll),
];

/// The tabs of a tenant's pages. There is none for branches, staff or an agent that the tenant does not
/// have.
fn tabs(visit: &Visit) -> impl Iterator<Item = (Page, &'static str, &'static str, Icon)> {
    let tabs = TABS.iter().copied();
    tabs.filter(|(page, ..)| visit.has_tab(*page))
}

/// The tab under which a page belongs.
fn tab_of(page: Page) -> Page {
    match page {
        Page::Pause | Page::Resume => Page::Overview,
        Page::Appointment | Page::OnAppointments => Page::Activity,
        Page::Review | Page::Resolve => Page::Reviews,
        Page::StartDrift | Page::StopDrift => Page::Drift,
        Page::SyncServices => Page::Services,
        Page::TestWebhook | Page::RepairWebhook => Page::Webhook,
        #[cfg(feature = "agents")]
        Page::AgentDiff
        | Page::SwitchFunction
        | Page::SelectEvents
        | Page::RestoreAgent
        | Page::PushAgent
        | Page::TestAgent => Page::Agents,
        page => page,
    }
}

/// A page of an operator's.
pub(super) async fn page(visit: &Visit, view: View) -> Response {
    let badge = badge(visit).await;
    let live = view.parts.iter().any(|part| part.live.is_some());
    let live = live.then(|| live_link(visit)).flatten();
    let is_of_tenant = visit.page.is_of_tenant();
    let desk = &visit.desk;
    let tenant = clean(visit.tenant.as_str());
    let title = if is_of_tenant {
        format!("{} · {tenant} · {}", view.title, desk.config.title)
    } else {
        format!("{} · {}", view.title, desk.config.title)
    };
    let body = html! {
        body.with-tabs[is_of_tenant] data-live-url=[live.as_deref()] {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                a.brand href=(desk.link("/")) { (desk.config.title) }
                @if is_of_tenant {
                    a.tenant href=(desk.link("/")) title="Choose another tenant" {
                        span.hidden { "Tenant: " } (outside(visit.tenant.as_str()))
                    }
                }
                p.live-state #live-state role="status" hidden {}
                div.who {
                    span.name { (icon(Icon::Person)) (outside(&visit.operator.name)) " " span.role { (visit.operator.role.as_str()) } }
                    @if matches!(desk.config.access.0, Kind::Tokens(_)) {
                        form method="post" action=(desk.link("/logout")) { button.quiet type="submit" { "Sign out" } }
                    }
                }
            }
            @if is_of_tenant {
                nav.tabs aria-label="Pages" {
                    ul {
                        @for (page, path, name, drawn) in tabs(visit) {
                            li {
                                a href=(visit.link(path)) aria-current=[(tab_of(visit.page) == page).then_some("page")] {
                                    (icon(drawn)) span { (name) }
                                    @if page == Page::Reviews { (region(Live { name: "badge", is_said: false }, &badge)) }
                                }
                            }
                        }
                    }
                }
            }
            main #main tabindex="-1" {
                h1 { (view.title) }
                @for part in &view.parts {
                    @match part.live {
                        Some(live) => (region(live, &part.shown)),
                        None => (part.shown),
                    }
                }
            }
        }
    };
    respond(StatusCode::OK, &document(desk, &title, &body))
}

fn region(live: Live, shown: &Markup) -> Markup {
    let hash = fingerprint(shown);
    html! {
        div.live data-live=(live.name) data-hash=(hash) aria-live=[live.is_said.then_some("polite")] aria-atomic=[live.is_said.then_some("true")] {
            (shown)
        }
    }
}

/// How many open review items there are, beside their tab.
pub(super) async fn badge(visit: &Visit) -> Markup {
    if !visit.page.is_of_tenant() {
        return html! {};
    }
    let filter = ReviewFilter::open();
    let counts = visit.engine().count_reviews(&visit.tenant, &filter);
    // Where the store does not answer, the page itself says so.
    let open: u64 = match counts.await {
        Ok(counts) => counts.iter().map(|count| count.count).sum(),
        Err(_) => 0,
    };
    html! { @if open > 0 { span.badge { (open) span.hidden { " open" } } } }
}

/// Where the live updates of a page come from.
fn live_link(visit: &Visit) -> Option<String> {
    let word = visit.page.live_word()?;
    let query = visit.query.query_with("page", None);
    let query = query.strip_prefix('?').map(|rest| format!("&{rest}"));
    let query = query.unwrap_or_default();
    let path = format!("/live?page={word}&of={}{query}", encode(&visit.id));
    Some(visit.link(&path))
}

/// A page that says why there is none. It looks the same whatever was asked for.
pub(super) fn problem(desk: &Desk, problem: &Problem) -> Response {
    let (heading, text) = problem.words();
    let body = html! {
        p.lead { (text) }
        p { a.button href=(desk.link("/")) { "To the first page" } }
    };
    let mut response = plain(desk, heading, &body);
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    match problem {
        Problem::SignedOut => {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        Problem::TooManyAttempts | Problem::TooManyStreams => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        _ => {}
    }
    response
}

/// A page for nobody in particular.
pub(super) fn plain(desk: &Desk, heading: &str, content: &Markup) -> Response {
    let title = format!("{heading} · {}", desk.config.title);
    let body = html! {
        body.plain {
            header.top { a.brand href=(desk.link("/")) { (desk.config.title) } }
            main #main { h1 { (heading) } (content) }
        }
    };
    respond(StatusCode::OK, &document(desk, &title, &body))
}

fn document(desk: &Desk, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(desk.link(&asset::path("page.css")));
                link rel="icon" type="image/svg+xml" href=(desk.link(&asset::path("icon.svg")));
                script src=(desk.link(&asset::path("page.js"))) defer {}
            }
            (body)
        }
    }
}

fn respond(status: StatusCode, document: &Markup) -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let fields = [(header::CONTENT_TYPE, html)];
    (status, fields, document.0.clone()).into_response()
}

fn clean(text: &str) -> String {
    crate::model::clean_line(text).into_owned()
}
