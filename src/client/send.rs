//! Sending requests: the loop that decides about attempts.
//!
//! Only token refreshes, in `oauth`, bypass it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use tokio::time::Instant;
use tracing::{Instrument, Span, field};
use url::Url;

use super::answers::{AnswerSummary, Answers, Ended};
use super::cache::{ForgetOnDrop, Memories};
use super::error::{Error, ErrorKind, Retryability};
use super::gate::Gate;
use super::http_service::{Http, Outgoing};
use super::idempotency::IdempotencyKeys;
use super::oauth::{Authorization, Authorizer};
use super::rate::Class;
use super::request::ApiRequest;
use super::retry::RetryPolicy;
use super::shared_budget::CredentialId;
use super::version;
use crate::ambient::{Clock, Entropy};
use crate::metrics;

/// Sent with every attempt of a call and recorded in its span, so that the logs of both sides can
/// be correlated.
const CORRELATION_HEADER: &str = "x-correlation-id";

struct CorrelationId(u64);

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[derive(Debug)]
pub(super) struct Transport {
    pub(super) http: Http,
    pub(super) base_url: Url,
    pub(super) authorizer: Authorizer,
    pub(super) gate: Gate,
    pub(super) memories: Memories,
    pub(super) answers: Mutex<Answers>,
    pub(super) idempotency: IdempotencyKeys,
    pub(super) retry: RetryPolicy,
    pub(super) total_timeout: Duration,
    pub(super) max_response_bytes: usize,
    pub(super) local_checks: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Transport {
    /// Makes a call, retries it if the policy allows it, and reads each response with `read`.
    pub(super) async fn call<T>(
        &self,
        request: ApiRequest,
        read: impl Fn(&'static str, &Response<Bytes>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let correlation = self.entropy.next_u64();
        // The path is not recorded, because it contains uids, and the query contains e-mail
        // addresses.
        let span = tracing::debug_span!(
            "calcom.call",
            otel.kind = "client",
            otel.status_code = field::Empty,
            operation = request.operation,
            http.request.method = %request.method,
            http.response.status_code = field::Empty,
            http.request.resend_count = field::Empty,
            http.client.request.duration = field::Empty,
            calcom.request_id = field::Empty,
            calcom.correlation_id = %CorrelationId(correlation),
            calcom.error = field::Empty,
        );
        let called = async {
            let url = request.url(&self.base_url)?;
            let deadline = Instant::now() + self.total_timeout;
            // Any write may change the available slots, even if its response never arrives.
            let is_write = request.method != http::Method::GET;
            let _forget = is_write.then(|| ForgetOnDrop::after(&self.memories, request.operation));
            let mut attempt = 1;
            let mut renewed = false;
            let mut answer_lost = false;
            let began = Instant::now();
            self.gate.earn_retry();
            loop {
                let authorize = self.authorizer.authorize(request.operation);
                let authorization = tokio::time::timeout_at(deadline, authorize)
                    .await
                    .unwrap_or_else(|_| Err(Error::deadline(request.operation)))?;
                let attempted = self.pass_gate(&request, &url, &authorization, correlation, &read);
                let result = tokio::time::timeout_at(deadline, attempted)
                    .await
                    .unwrap_or_else(|_| Err(Error::deadline(request.operation)));
                let span = Span::current();
                span.record("http.request.resend_count", attempt - 1);
                span.record(
                    "http.client.request.duration",
                    began.elapsed().as_secs_f64(),
                );
                let error = match result {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                };
                if request.method == http::Method::DELETE
                    && error.kind() == ErrorKind::NotFound
                    && answer_lost
                {
                    return Err(error.after_lost_deletion());
                }
                answer_lost |= error.retryability() == Retryability::IfIdempotent;
                Span::current().record("calcom.error", error.kind().as_str());
                // A token that expired in transit was rejected before anything was done.
                if error.kind() == ErrorKind::Unauthorized && !renewed {
                    renewed = true;
                    let renew = self.authorizer.renew(request.operation, &authorization);
                    if renew.await? {
                        continue;
                    }
                }
                let chance = self.entropy.next_u64();
                let delay = self
                    .retry
                    .next_delay(&error, request.is_idempotent(), attempt, chance)
                    .filter(|delay| Instant::now() + *delay < deadline)
                    .filter(|_| self.gate.spend_retry());
                let Some(delay) = delay else {
                    return Err(error);
                };
                tracing::debug!(attempt, ?delay, "trying again");
                metrics::request_repeated();
                tokio::time::sleep(delay).await;
                attempt += 1;
            }
        };
        let result = called.instrument(span.clone()).await;
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        result
    }

    /// Remembers how an attempt went.
    fn note(&self, ended: Ended) {
        let (now, utc) = (Instant::now(), self.clock.now());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.note(ended, now, utc);
    }

    /// How the latest attempts went.
    pub(super) fn answers_summary(&self) -> AnswerSummary {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.summary(Instant::now())
    }

    /// Makes one attempt once the policies admit it, and updates them from its response.
    async fn pass_gate<T>(
        &self,
        request: &ApiRequest,
        url: &Url,
        authorization: &Authorization,
        correlation: u64,
        read: impl Fn(&'static str, &Response<Bytes>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let class = if request.method == http::Method::GET {
            Class::Read
        } else {
            Class::Write
        };
        // Of which account the limits are.
        let credential = || {
            let is_known = !request.is_anonymous;
            is_known.then(|| CredentialId::of(&self.base_url, &authorization.headers))?
        };
        let passage = self.gate.enter(request.operation, class, credential);
        let passage = passage.await?;
        let sent_at = Instant::now();
        let answered = self.attempt(request, url, authorization, correlation).await;
        let (took, was_answered) = (sent_at.elapsed(), answered.is_ok());
        if let Ok(response) = &answered
            && !request.has_own_limit
        {
            passage.learn(response.headers(), self.clock.now());
        }
        let result = answered.and_then(|response| read(request.operation, &response));
        let error = result.as_ref().err();
        let outcome = error.map_or("ok", |error| error.kind().as_str());
        metrics::api_request(request.operation, outcome, took);
        self.note(Ended {
            took,
            was_answered,
            error: error.map(Error::kind),
        });
        passage.settle(error);
        if let Err(error) = &result
            && error.kind() == ErrorKind::RateLimited
            && !request.has_own_limit
        {
            let wait = error.retry_after().unwrap_or_default();
            self.gate.block(wait, credential).await;
        }
        result
    }

    async fn attempt(
        &self,
        request: &ApiRequest,
        url: &Url,
        authorization: &Authorization,
        correlation: u64,
    ) -> Result<Response<Bytes>, Error> {
        let mut headers = if request.is_anonymous {
            HeaderMap::new()
        } else {
            authorization.headers.clone()
        };
        if let Ok(id) = HeaderValue::try_from(CorrelationId(correlation).to_string()) {
            headers.insert(CORRELATION_HEADER, id);
        }
        if let Some(version) = &request.version {
            headers.insert(version::HEADER, version.header());
        }
        if request.body.is_some() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(CONTENT_TYPE, json);
        }
        let outgoing = Outgoing {
            operation: request.operation,
            method: &request.method,
            url: url.clone(),
            headers,
            body: request.body.clone(),
        };
        self.http.send(outgoing, self.max_response_bytes).await
    }
}
