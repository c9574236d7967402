//! All routes of the program: the one place where routers are merged.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use calcom::server::WebhookConfig;
use calcom::sync::{Monitor, SyncEngine};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::context::Context;

/// What Prometheus expects, in its own text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes over what is configured.
pub(crate) fn router(
    context: &Context,
    monitor: Arc<Monitor>,
    metrics: PrometheusHandle,
) -> Router {
    let engine: Arc<dyn SyncEngine> = context.engine.clone();
    let settings = &context.settings.webhooks;
    let mut config =
        WebhookConfig::default().with_requests_per_minute(settings.requests_per_minute);
    config.source_header = settings.source_header.clone();
    let render = async move || ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render());
    Router::new()
        .merge(calcom::server::webhooks_with(engine, config))
        .merge(calcom::server::health(monitor))
        .route("/metrics", get(render))
}
