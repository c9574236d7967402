//! The transport: reqwest, or an HTTP service of the user's own.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Request, Response};
use tracing::Span;
use url::Url;

use super::error::{Error, ErrorKind};
use super::http_settings::HttpSettings;
use super::response::to_response;

/// How much room is made for a body before it has come, whatever its length is said to be.
const MAX_RESERVED: usize = 1024 * 1024;

/// Sends HTTP requests in place of the client's own transport: over a connection pool that the
/// application shares, through middleware, or to a recording in a test.
///
/// The client still decides about retries, rate limits, the circuit breaker and timeouts.
///
/// ```
/// use async_trait::async_trait;
/// use calcom::bytes::Bytes;
/// use calcom::client::{Client, HttpError, HttpService};
/// use calcom::http::{Request, Response};
///
/// /// Answers everything with the same user.
/// #[derive(Debug)]
/// struct Canned;
///
/// #[async_trait]
/// impl HttpService for Canned {
///     async fn send(&self, _: Request<Bytes>, _: usize) -> Result<Response<Bytes>, HttpError> {
///         let user = r#"{"status": "success", "data": {"id": 7, "email": "hanna@example.com"}}"#;
///         Ok(Response::new(Bytes::from_static(user.as_bytes())))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("cal_live_0123").http_service(Canned).build()?;
/// assert_eq!(client.me().get().await?.id.get(), 7);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - No redirect is followed: it would carry the key to another host.
/// - Nothing is sent twice: the client retries by itself.
/// - A body that is larger than `max_body` bytes fails with [`HttpError::too_large`].
/// - The future may be dropped at any time; the connection is then not used again.
#[async_trait]
pub trait HttpService: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and reads the whole response, of at most `max_body` bytes.
    async fn send(
        &self,
        request: Request<Bytes>,
        max_body: usize,
    ) -> Result<Response<Bytes>, HttpError>;
}

#[async_trait]
impl<S: HttpService + ?Sized> HttpService for Arc<S> {
    async fn send(
        &self,
        request: Request<Bytes>,
        max_body: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        S::send(self, request, max_body).await
    }
}

/// Why an [`HttpService`] has no response. The cause must not contain the request's URL or headers.
#[derive(Debug)]
pub struct HttpError {
    pub(super) kind: HttpErrorKind,
    pub(super) source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpErrorKind {
    NotSent,
    Timeout,
    TooLarge,
    Interrupted,
}

impl HttpError {
    fn new(kind: HttpErrorKind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind,
            source: Some(Arc::from(cause.into())),
        }
    }

    /// The connection could not be made: the server certainly did not get the request.
    pub fn not_sent(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(HttpErrorKind::NotSent, cause)
    }

    /// No response came in time; the server may have got the request.
    pub fn timeout(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(HttpErrorKind::Timeout, cause)
    }

    /// Anything else that went wrong after the request may have reached the server.
    pub fn interrupted(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(HttpErrorKind::Interrupted, cause)
    }

    /// The body is larger than allowed.
    pub fn too_large() -> Self {
        Self {
            kind: HttpErrorKind::TooLarge,
            source: None,
        }
    }

    pub(crate) fn is_too_large(&self) -> bool {
        self.kind == HttpErrorKind::TooLarge
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            HttpErrorKind::NotSent => "the connection could not be made",
            HttpErrorKind::Timeout => "no response came in time",
            HttpErrorKind::TooLarge => "the response is too large",
            HttpErrorKind::Interrupted => "the exchange was interrupted",
        })
    }
}

impl StdError for HttpError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source as &(dyn StdError + 'static))
    }
}

/// One request, as the client's layers hand it down.
pub(super) struct Outgoing<'a> {
    pub(super) operation: &'static str,
    pub(super) method: &'a Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

#[derive(Clone, Debug)]
pub(super) enum Http {
    Reqwest(reqwest::Client),
    Service {
        service: Arc<dyn HttpService>,
        /// Those of every request.
        headers: Arc<HeaderMap<HeaderValue>>,
        attempt_timeout: Duration,
    },
}

impl Http {
    /// Sends a request once and reads the response, up to a limit.
    pub(super) async fn send(
        &self,
        request: Outgoing<'_>,
        max_body: usize,
    ) -> Result<Response<Bytes>, Error> {
        let operation = request.operation;
        match self {
            Self::Reqwest(client) => {
                let failed = |cause| Error::transport(operation, cause);
                let mut builder = client
                    .request(request.method.clone(), request.url)
                    .headers(request.headers);
                if let Some(body) = request.body {
                    builder = builder.body(body);
                }
                let mut response = builder.send().await.map_err(failed)?;
                let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
                record_head(status, &headers);
                let body = read_body(operation, response, max_body).await?;
                Ok(to_response(status, headers, body))
            }
            Self::Service {
                service,
                headers,
                attempt_timeout,
            } => {
                let mut sent = Request::new(request.body.unwrap_or_default());
                *sent.method_mut() = request.method.clone();
                *sent.uri_mut() = request.url.as_str().parse().map_err(|_| {
                    Error::invalid_argument(operation, "path", "makes a URL that is too long")
                })?;
                let mut all = HeaderMap::clone(headers);
                all.extend(request.headers);
                *sent.headers_mut() = all;
                let answered = tokio::time::timeout(*attempt_timeout, service.send(sent, max_body));
                let response = answered
                    .await
                    .unwrap_or_else(|_| Err(HttpError::timeout("the attempt took too long")))
                    .map_err(|error| Error::http_service(operation, error, max_body))?;
                if response.body().len() > max_body {
                    return Err(Error::too_large(operation, max_body));
                }
                record_head(response.status(), response.headers());
                Ok(response)
            }
        }
    }
}

/// The client's own transport, for what is posted elsewhere than to Cal.com.
pub(crate) fn transport(
    operation: &'static str,
    attempt_timeout: Duration,
) -> Result<Arc<dyn HttpService>, Error> {
    let http = HttpSettings::default().build(operation, attempt_timeout)?;
    Ok(Arc::new(Transport { operation, http }))
}

#[derive(Debug)]
struct Transport {
    operation: &'static str,
    http: Http,
}

#[async_trait]
impl HttpService for Transport {
    async fn send(
        &self,
        request: Request<Bytes>,
        max_body: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(HttpError::not_sent)?;
        let outgoing = Outgoing {
            operation: self.operation,
            method: &head.method,
            url,
            headers: head.headers,
            body: Some(body),
        };
        let sent = self.http.send(outgoing, max_body).await;
        sent.map_err(|error| match error.kind() {
            // Nothing is decoded here: all that can be wrong with a body is its size.
            ErrorKind::Decode => HttpError::too_large(),
            _ => HttpError::interrupted(error),
        })
    }
}

/// Records in the call's span what the head of a response says.
fn record_head(status: http::StatusCode, headers: &HeaderMap) {
    let span = Span::current();
    span.record("http.response.status_code", status.as_u16());
    if let Some(id) = headers.get("x-request-id").and_then(|id| id.to_str().ok()) {
        span.record("calcom.request_id", id);
    }
}

/// Reads a body, up to the limit. One that comes in one piece is not copied.
async fn read_body(
    operation: &'static str,
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Bytes, Error> {
    let failed = |cause| Error::transport(operation, cause);
    let too_large = || Error::too_large(operation, limit);
    // `content_length` counts only the bytes not yet read, so read it before the first chunk.
    let announced = response.content_length().unwrap_or_default();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    let Some(first) = response.chunk().await.map_err(failed)? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(too_large());
    }
    let Some(second) = response.chunk().await.map_err(failed)? else {
        return Ok(first);
    };
    let mut body = BytesMut::with_capacity(announced.min(MAX_RESERVED));
    body.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
        next = response.chunk().await.map_err(failed)?;
    }
    Ok(body.freeze())
}
