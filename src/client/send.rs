//! Sending: the one loop that decides about attempts. The only file that talks to the network.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use tokio::time::Instant;
use tracing::{Instrument, Span, field};
use url::Url;

use super::error::Error;
use super::request::ApiRequest;
use super::response::to_response;
use super::retry::RetryPolicy;
use super::version;
use crate::ambient::{Clock, Entropy};

#[derive(Debug)]
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) base_url: Url,
    pub(super) retry: RetryPolicy,
    pub(super) total_timeout: Duration,
    pub(super) max_response_bytes: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Transport {
    /// Makes a call, again where the policy allows it, and reads each answer with `read`.
    pub(super) async fn call<T>(
        &self,
        request: ApiRequest,
        read: impl Fn(&'static str, &Response<Bytes>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // The path is not recorded: it holds uids, and the query addresses.
        let span = tracing::debug_span!(
            "calcom.call",
            operation = request.operation,
            http.request.method = %request.method,
            http.response.status_code = field::Empty,
            http.request.resend_count = field::Empty,
            calcom.error = field::Empty,
        );
        async {
            let url = request.url(&self.base_url)?;
            let deadline = Instant::now() + self.total_timeout;
            let mut attempt = 1;
            loop {
                let sent = tokio::time::timeout_at(deadline, self.attempt(&request, &url)).await;
                let result = sent
                    .unwrap_or_else(|_| Err(Error::deadline(request.operation)))
                    .and_then(|response| read(request.operation, &response));
                Span::current().record("http.request.resend_count", attempt - 1);
                let error = match result {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                };
                Span::current().record("calcom.error", error.kind().as_str());
                let chance = self.entropy.next_u64();
                let delay = self
                    .retry
                    .next_delay(&error, request.is_idempotent(), attempt, chance)
                    .filter(|delay| Instant::now() + *delay < deadline);
                let Some(delay) = delay else {
                    return Err(error);
                };
                tracing::debug!(attempt, ?delay, "trying again");
                tokio::time::sleep(delay).await;
                attempt += 1;
            }
        }
        .instrument(span)
        .await
    }

    async fn attempt(&self, request: &ApiRequest, url: &Url) -> Result<Response<Bytes>, Error> {
        let failed = |cause| Error::transport(request.operation, cause);
        let mut builder = self.http.request(request.method.clone(), url.clone());
        if let Some(version) = &request.version {
            builder = builder.header(version::HEADER, version.header());
        }
        if let Some(body) = &request.body {
            builder = builder
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone());
        }
        let mut response = builder.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        Span::current().record("http.response.status_code", status.as_u16());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.max_response_bytes {
                return Err(Error::too_large(request.operation, self.max_response_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(to_response(status, headers, body.freeze()))
    }
}
