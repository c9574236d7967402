//! The operations page: what people see of the engine, and what they can do.
//!
//! Pages are made here on the server. A script only keeps what is shown up to date and makes lists
//! more comfortable; without it, everything works.

mod access;
mod actions;
mod activity;
#[cfg(feature = "agents")]
mod agents;
mod answer;
mod appointment;
mod asset;
mod charts;
mod config;
mod connection;
mod desk;
mod door;
mod drift;
mod drift_report;
mod fields;
mod headers;
mod icons;
mod jobs;
mod layout;
mod live;
mod on_appointments;
mod overview;
mod parts;
mod pause;
mod places;
mod problem;
mod resolve;
mod review;
mod reviews;
mod routes;
mod services;
mod session;
mod sides;
mod sign_in;
mod sync;
mod tenants;
mod timeline;
mod times;
mod webhook;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::routing::on;

#[cfg(feature = "agents")]
pub(super) use self::access::is_same;
pub use self::access::{Access, Operator, Role, Token};
pub use self::config::OperationsConfig;
use self::desk::Desk;
pub use self::live::LiveStreams;
use self::routes::Page;
pub use self::routes::{OPERATIONS_ROUTES, OperationsRoute};
pub use self::sign_in::SignInLinks;
pub use self::sync::Operated;

/// The largest form that is read, in bytes.
const LARGEST_FORM: usize = 256 * 1024;

/// A router with the operations page: how a tenant's appointments and bookings stand, what needs a
/// person, and everything that a person can do about it.
///
/// Nest it with `nest_service`, under the [base path](OperationsConfig::with_base_path), or serve it by itself: it answers
/// every path that it is asked for. Serve with the
/// [peer's address](axum::extract::ConnectInfo), so that failed attempts to sign in are counted for each
/// by itself.
///
/// ```no_run
/// # async fn run(engine: std::sync::Arc<calcom::sync::Engine>, secret: calcom::SecretString) -> std::io::Result<()> {
/// use std::net::SocketAddr;
///
/// use calcom::server::{Access, OperationsConfig, Role, Token, operations};
///
/// let access = Access::tokens([Token::new("hanna", secret, Role::Operator)]);
/// let config = OperationsConfig::new(access).with_base_path("/operations");
/// let app = axum::Router::new().nest_service("/operations", operations(engine, config));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
/// # }
/// ```
///
/// - A tenant that an operator may not see is answered like one that does not exist.
/// - A [`Viewer`](Role::Viewer) changes nothing; whatever an [`Operator`](Role::Operator) does is
///   written down, see [`Operations::actions`](crate::sync::Operations::actions).
/// - Forms that another site sends are refused, and no page can be framed. Pages are not stored by
///   browsers or proxies. They contain personal data: serve them over HTTPS.
/// - The audit of a [drift check](crate::sync::SyncEngine::audit) runs in this process, one for each
///   tenant, whoever looks; its report is kept until the next one.
pub fn operations(engine: Arc<dyn Operated>, config: OperationsConfig) -> Router {
    let desk = Arc::new(Desk::new(engine, config));
    let mut router = Router::new();
    for route in OPERATIONS_ROUTES {
        let page = route.page;
        let answer = move |State(desk): State<Arc<Desk>>, request: Request| {
            answer::answer(desk, page, request)
        };
        router = router.route(route.path, on(route.filter(), answer));
    }
    let otherwise = |page: Page| {
        move |State(desk): State<Arc<Desk>>, request: Request| answer::answer(desk, page, request)
    };
    router
        .method_not_allowed_fallback(otherwise(Page::WrongMethod))
        .fallback(otherwise(Page::Nowhere))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(desk)
}
