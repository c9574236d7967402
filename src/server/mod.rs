//! An axum router over the engine.
//!
//! ```no_run
//! # async fn run(engine: std::sync::Arc<dyn calcom::sync::SyncEngine>) -> std::io::Result<()> {
//! let router = calcom::server::webhooks(engine);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, router).await
//! # }
//! ```

use std::error::Error as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::routing::post;
use http::{HeaderMap, StatusCode};

use crate::store::TenantId;
use crate::sync::SyncEngine;

/// The largest body that is read at all; the engine's own limit may be lower.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A router that receives webhooks at `POST /webhooks/{tenant}`.
///
/// It answers 200 once a delivery is stored, and before anything else is done with it; 401, 413 or
/// 503 as [`ReceiveError::status`](crate::sync::ReceiveError::status) says. Never 410.
pub fn webhooks(engine: Arc<dyn SyncEngine>) -> Router {
    Router::new()
        .route("/webhooks/{tenant}", post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(engine)
}

async fn receive(
    State(engine): State<Arc<dyn SyncEngine>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let tenant = TenantId::new(tenant);
    match engine.receive(&tenant, &headers, &body).await {
        Ok(_) => StatusCode::OK,
        Err(error) => {
            // The tenant's name comes from outside and is not repeated.
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(error = %error, cause, "a webhook was not accepted");
            error.status()
        }
    }
}
