//! The door for the webhooks of other senders.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;

use super::webhooks::{Addressee, Door, WebhookConfig, router};
use crate::sync::SyncEngine;
use crate::webhook::Sender;

/// [`sender_webhooks_with`] the default settings.
pub fn sender_webhooks(engine: Arc<dyn SyncEngine>) -> Router {
    sender_webhooks_with(engine, WebhookConfig::default())
}

/// A router that receives webhooks of other senders at `POST /webhooks/{sender}/{tenant}`: of those that
/// the tenant [names](crate::sync::Tenant::with_sender), under their [names](Sender). It can be merged
/// with [`webhooks`](super::webhooks), whose path `/webhooks/calcom/{tenant}` goes first.
///
/// A delivery is answered once it is stored, and before its [handler](crate::sync::EventHandler) is
/// called. The answer is the one of [`webhooks_with`](super::webhooks_with), but for its status: a
/// delivery that was accepted, and one whose event is known already, is answered with the status that
/// its [verifier](crate::webhook::Verifier::accepted_status) names. An answer with 204 has no body.
///
/// | HTTP status | `status` | `code` |
/// | --- | --- | --- |
/// | as the verifier says | `accepted` | `stored` |
/// | as the verifier says | `duplicate` | `duplicate`: an event with the same id is stored already |
/// | 401 | `error` | `unverified`: the signature, the sender or the tenant |
/// | 400 | `error` | `no_event`: correctly signed, but the body names no event |
/// | 400, 408, 413, 429, 503 | `error` | as with [`webhooks_with`](super::webhooks_with) |
///
/// The limits are those of [`WebhookConfig`], each sender with a rate of its own. All senders of a source
/// together, whether the tenant names them or not, have ten times that rate.
///
/// ```no_run
/// # fn router(engine: std::sync::Arc<dyn calcom::sync::SyncEngine>) -> axum::Router {
/// calcom::server::webhooks(engine.clone()).merge(calcom::server::sender_webhooks(engine))
/// # }
/// ```
pub fn sender_webhooks_with(engine: Arc<dyn SyncEngine>, config: WebhookConfig) -> Router {
    let receive = post(receive);
    router("/webhooks/{sender}/{tenant}", receive, engine, config)
}

async fn receive(
    State(door): State<Arc<Door>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let to = path.map(|Path((sender, tenant))| Addressee {
        tenant,
        sender: Some(Sender::from(sender)),
    });
    door.answer(to, request).await.into_response()
}
