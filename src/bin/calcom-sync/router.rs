//! All routes of the program: the one place where routers are merged.

use std::sync::Arc;

use axum::Router;
use calcom::server::WebhookConfig;
use calcom::sync::SyncEngine;

use crate::context::Context;

/// The routes over what is configured.
pub(crate) fn router(context: &Context) -> Router {
    let engine: Arc<dyn SyncEngine> = context.engine.clone();
    let settings = &context.settings.webhooks;
    let mut config =
        WebhookConfig::default().with_requests_per_minute(settings.requests_per_minute);
    config.source_header = settings.source_header.clone();
    Router::new().merge(calcom::server::webhooks_with(engine, config))
}
