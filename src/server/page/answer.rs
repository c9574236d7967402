//! From a request to a response: who asks, whether they may, and which page it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::access::{Kind, Operator};
#[cfg(feature = "agents")]
use super::agents;
use super::desk::{Desk, Visit};
use super::fields::{Fields, of_segment};
use super::layout::{self, View};
use super::problem::Problem;
use super::routes::Page;
use super::{
    actions, activity, appointment, asset, door, drift, headers, live, on_appointments, overview,
    pause, places, resolve, review, reviews, services, session, tenants, webhook,
};
use crate::server::webhooks::last_of;
use crate::store::TenantId;

/// How long a form may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers a request for a page.
pub(super) async fn answer(desk: Arc<Desk>, page: Page, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_secure = headers::is_secure(&desk.config, &parts.headers);
    let mut asked = Asked {
        params: Params::of(&mut parts).await,
        is_secure,
        form: Fields::default(),
        parts,
    };
    let response = if page == Page::Asset {
        asset::answer(&asked)
    } else if asked.parts.method == Method::POST && !headers::is_same_site(&asked.parts.headers) {
        layout::problem(&desk, &Problem::CrossSite)
    } else {
        let body = Request::from_parts(Parts::clone(&asked.parts), body);
        match read(&asked.parts, body).await {
            Ok(form) => {
                asked.form = form;
                Box::pin(answer_read(&desk, page, asked)).await
            }
            Err(problem) => layout::problem(&desk, &problem),
        }
    };
    headers::complete(response, page, is_secure)
}

/// A request that was read.
pub(super) struct Asked {
    pub(super) parts: Parts,
    pub(super) params: Params,
    pub(super) is_secure: bool,
    pub(super) form: Fields,
}

impl Asked {
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    pub(super) fn query(&self) -> Fields {
        Fields::parse(self.parts.uri.query().unwrap_or_default().as_bytes())
    }

    /// Whom the request comes from, for the count of failed attempts.
    pub(super) fn source(&self, desk: &Desk) -> String {
        let named = desk.config.source_header.as_ref();
        if let Some(source) = named.and_then(|name| last_of(self.headers(), name)) {
            return source;
        }
        let peer = self.parts.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default()
    }

    pub(super) fn session_attributes<'a>(&self, desk: &'a Desk) -> session::Attributes<'a> {
        session::Attributes {
            path: desk.cookie_path(),
            is_secure: self.is_secure,
        }
    }
}

/// The variable parts of the path, decoded.
#[derive(Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    async fn of(parts: &mut Parts) -> Self {
        let params = RawPathParams::from_request_parts(parts, &()).await;
        let params = params.ok().map(|params| {
            let each = params.iter();
            each.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        });
        Self(params.unwrap_or_default())
    }

    /// `None` also if the path is not text.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

async fn read(parts: &Parts, request: Request) -> Result<Fields, Problem> {
    if parts.method != Method::POST {
        return Ok(Fields::default());
    }
    let invalid = |why: &str| Problem::Invalid(why.to_owned());
    let body = Bytes::from_request(request, &());
    let body = tokio::time::timeout(READ_TIMEOUT, body).await;
    let body = body.map_err(|_| invalid("The form did not arrive in time."))?;
    let body = body.map_err(|_| invalid("The form is too large."))?;
    Ok(Fields::parse(&body))
}

async fn answer_read(desk: &Arc<Desk>, page: Page, asked: Asked) -> Response {
    if page.is_public() {
        return door::answer(desk, page, &asked).await;
    }
    let operator = match operator_of(desk, &asked).await {
        Ok(operator) => operator,
        Err(Problem::SignedOut) if door::can_sign_in(desk, &asked) => {
            return door::to_sign_in(desk, &asked);
        }
        Err(problem) => return layout::problem(desk, &problem),
    };
    let visit = match admit(desk, page, operator, asked).await {
        Ok(visit) => visit,
        Err(problem) => return layout::problem(desk, &problem),
    };
    let answered = match page {
        Page::Live => Box::pin(live::stream(visit)).await,
        Page::Home => tenants::answer(&visit).await,
        page if is_write(page) => match visit.must_write() {
            Ok(()) => Box::pin(act(visit)).await,
            Err(problem) => Err(problem),
        },
        _ => match Box::pin(view(&visit)).await {
            Ok(view) => Ok(layout::page(&visit, view).await),
            Err(problem) => Err(problem),
        },
    };
    answered.unwrap_or_else(|problem| layout::problem(desk, &problem))
}

/// Who asks.
async fn operator_of(desk: &Desk, asked: &Asked) -> Result<Operator, Problem> {
    let access = &desk.config.access;
    if let Kind::Middleware = access.0 {
        let operator = asked.parts.extensions.get::<Operator>();
        return operator.cloned().ok_or(Problem::SignedOut);
    }
    if let Some(secret) = bearer(asked.headers()) {
        let source = asked.source(desk);
        if !desk.failures.admits(&source).await {
            return Err(Problem::TooManyAttempts);
        }
        return match access.token_with(secret) {
            Some(token) => Ok(token.operator.clone()),
            None => {
                desk.failures.add(source).await;
                Err(Problem::SignedOut)
            }
        };
    }
    let operator = session::operator(access, asked.headers(), desk.now(), desk.cookie_path());
    operator.cloned().ok_or(Problem::SignedOut)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

/// A visit, if there is such a tenant for the operator. Of one that is not theirs they hear as of one
/// that does not exist, whatever else is wrong with the request.
async fn admit(
    desk: &Arc<Desk>,
    page: Page,
    operator: Operator,
    asked: Asked,
) -> Result<Visit, Problem> {
    let query = asked.query();
    let mut visit = Visit {
        desk: Arc::clone(desk),
        page,
        operator,
        tenant: TenantId::new(""),
        id: String::new(),
        places: Arc::default(),
        query,
        now: desk.now(),
        form: asked.form,
        is_live: false,
    };
    if page.is_of_tenant() {
        let tenant = asked.params.get("tenant").ok_or(Problem::NotFound)?;
        visit.tenant = TenantId::new(of_segment(tenant));
        if !visit.operator.may_see(&visit.tenant) {
            return Err(Problem::NotFound);
        }
        let setup = desk.engine.setup(&visit.tenant).await?;
        setup.ok_or(Problem::NotFound)?;
        visit.places = Arc::new(desk.engine.places(&visit.tenant).await?.unwrap_or_default());
        visit.id = of_segment(asked.params.get("id").unwrap_or_default()).to_owned();
    }
    Ok(visit)
}

fn is_write(page: Page) -> bool {
    matches!(
        page,
        Page::Pause
            | Page::Resume
            | Page::OnAppointments
            | Page::Resolve
            | Page::StartDrift
            | Page::StopDrift
            | Page::SyncServices
            | Page::TestWebhook
            | Page::RepairWebhook
    ) || is_write_of_agent(page)
}

#[cfg(feature = "agents")]
fn is_write_of_agent(page: Page) -> bool {
    matches!(
        page,
        Page::SwitchFunction
            | Page::SelectEvents
            | Page::RestoreAgent
            | Page::PushAgent
            | Page::TestAgent
    )
}

#[cfg(not(feature = "agents"))]
fn is_write_of_agent(_: Page) -> bool {
    false
}

/// What a page shows.
pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    match visit.page {
        Page::Overview => overview::view(visit).await,
        Page::Activity => activity::view(visit).await,
        Page::Appointment => appointment::view(visit).await,
        Page::Reviews => reviews::view(visit).await,
        Page::Review => review::view(visit).await,
        Page::Drift => Ok(drift::view(visit)),
        Page::Services => services::view(visit).await,
        Page::Places => Ok(places::view(visit)),
        Page::Webhook => webhook::view(visit).await,
        #[cfg(feature = "agents")]
        Page::Agents => agents::view(visit).await,
        #[cfg(feature = "agents")]
        Page::AgentDiff => agents::diff(visit).await,
        Page::Actions => actions::view(visit).await,
        Page::WrongMethod => Err(Problem::WrongMethod),
        _ => Err(Problem::NotFound),
    }
}

/// Does what a form asks for.
async fn act(visit: Visit) -> Result<Response, Problem> {
    let view = match visit.page {
        Page::Pause => return pause::pause(&visit).await,
        Page::Resume => return pause::resume(&visit).await,
        Page::StartDrift => match drift::start(&visit)? {
            Some(view) => view,
            None => return Ok(redirect(&visit.link("/drift"))),
        },
        Page::StopDrift => {
            drift::stop(&visit).await;
            return Ok(redirect(&visit.link("/drift")));
        }
        Page::Resolve => return resolve::act(&visit).await,
        Page::OnAppointments => on_appointments::act(&visit).await?,
        Page::SyncServices => services::act(&visit).await?,
        Page::TestWebhook => webhook::test(&visit).await?,
        Page::RepairWebhook => webhook::repair(&visit).await?,
        #[cfg(feature = "agents")]
        Page::SwitchFunction => agents::switch(&visit).await?,
        #[cfg(feature = "agents")]
        Page::SelectEvents => agents::select_events(&visit).await?,
        #[cfg(feature = "agents")]
        Page::RestoreAgent => agents::restore(&visit).await?,
        #[cfg(feature = "agents")]
        Page::PushAgent => agents::push(&visit).await?,
        #[cfg(feature = "agents")]
        Page::TestAgent => agents::test(&visit).await?,
        _ => return Err(Problem::NotFound),
    };
    Ok(layout::page(&visit, view).await)
}

/// Has the browser get another page.
pub(super) fn redirect(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
