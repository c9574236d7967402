//! The door for whoever wants to know how the engine is: load balancers, orchestrators, people.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::sync::{HealthStatus, Monitor};

/// Where health is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthConfig {
    /// Where everything is told. Default: `/health/calcom`.
    pub path: String,
    /// Where it is told that the process runs. Default: `/health/live`.
    pub live_path: String,
    /// Where it is told whether requests can be served. Default: `/health/ready`.
    pub ready_path: String,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self {
            path: "/health/calcom".to_owned(),
            live_path: "/health/live".to_owned(),
            ready_path: "/health/ready".to_owned(),
        }
    }
}

impl HealthConfig {
    /// Sets where everything is told.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets where it is told that the process runs.
    #[must_use]
    pub fn with_live_path(mut self, path: impl Into<String>) -> Self {
        self.live_path = path.into();
        self
    }

    /// Sets where it is told whether requests can be served.
    #[must_use]
    pub fn with_ready_path(mut self, path: impl Into<String>) -> Self {
        self.ready_path = path.into();
        self
    }
}

/// [`health_with`] the default paths.
pub fn health(monitor: Arc<Monitor>) -> Router {
    health_with(monitor, HealthConfig::default())
}

/// A router that tells how the engine is. It answers from what the monitor knows: no request causes a
/// call to Cal.com, to the store or to the tenant directory. [Run](Monitor::run_until) the monitor
/// beside it; one that has not looked for three intervals is unhealthy itself.
///
/// | path | answer |
/// | --- | --- |
/// | `GET /health/calcom` | everything; 503 if something is unhealthy, else 200 |
/// | `GET /health/live` | 200, always: the process runs |
/// | `GET /health/ready` | 200 if the storage answers and the tenants can be listed, else 503 |
///
/// ```json
/// {
///   "status": "degraded",
///   "timestamp": "2026-12-01T08:00:00.000Z",
///   "checks": {
///     "storage": {
///       "status": "degraded",
///       "message": "The storage took 412 ms for a small read.",
///       "action": "Look what keeps the database busy: its load, its locks, its disk.",
///       "answered_in_ms": 412
///     }
///   },
///   "summary": {"healthy": 6, "degraded": 1, "unhealthy": 0}
/// }
/// ```
///
/// There are seven checks: `configuration`, `storage`, `workers`, `webhooks`, `api`, `rate_limit` and
/// `sync`. What is degraded or unhealthy is up to the [thresholds](crate::sync::HealthThresholds). The
/// answer counts tenants and names none; still, whoever can read it learns how much is going on, so
/// do not publish it.
///
/// Have an orchestrator ask for `live` and `ready` only. What `/health/calcom` tells is often
/// Cal.com's trouble, and restarting this process, or sending it no webhooks, makes that worse.
///
/// ```no_run
/// # async fn run(engine: std::sync::Arc<calcom::sync::Engine>) -> std::io::Result<()> {
/// use std::sync::Arc;
///
/// use calcom::sync::Monitor;
///
/// let monitor = Arc::new(Monitor::new(engine.clone()));
/// let looking = Arc::clone(&monitor);
/// tokio::spawn(async move { looking.run_until(std::future::pending()).await });
/// let router = calcom::server::webhooks(engine).merge(calcom::server::health(monitor));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, router).await
/// # }
/// ```
///
/// # Panics
///
/// If two paths are the same, or one does not begin with a slash.
pub fn health_with(monitor: Arc<Monitor>, config: HealthConfig) -> Router {
    let HealthConfig {
        path,
        live_path,
        ready_path,
    } = config;
    Router::new()
        .route(&path, get(tell))
        .route(&live_path, get(live))
        .route(&ready_path, get(ready))
        .with_state(monitor)
}

async fn tell(State(monitor): State<Arc<Monitor>>) -> Response {
    let health = monitor.health();
    answer(health.status != HealthStatus::Unhealthy, &health)
}

async fn live() -> Response {
    answer(true, &Word { status: "alive" })
}

async fn ready(State(monitor): State<Arc<Monitor>>) -> Response {
    let is_ready = monitor.is_ready();
    let status = if is_ready { "ready" } else { "not_ready" };
    answer(is_ready, &Word { status })
}

#[derive(Serialize)]
struct Word {
    status: &'static str,
}

fn answer(is_well: bool, body: &impl Serialize) -> Response {
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut response = (status, Json(body)).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
