//! The client's error type, whose kind tells the caller what to do.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::api_error::{ApiError, FieldError};
use super::http_service::{HttpError, HttpErrorKind};
use crate::model::{InvalidRequest, clean_line};

/// The kind of error, by what the caller can do about it.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::client::{Error, ErrorKind};
///
/// enum Reaction {
///     OfferAlternatives,
///     RetryIn(Duration),
///     SignInAgain,
///     FixTheForm(Vec<String>),
///     Report,
/// }
///
/// fn react(error: &Error) -> Reaction {
///     match error.kind() {
///         ErrorKind::SlotUnavailable | ErrorKind::BookingLimitReached => {
///             Reaction::OfferAlternatives
///         }
///         ErrorKind::RateLimited | ErrorKind::CircuitOpen => {
///             Reaction::RetryIn(error.retry_after().unwrap_or(Duration::from_secs(60)))
///         }
///         ErrorKind::Unauthorized => Reaction::SignInAgain,
///         ErrorKind::Invalid => {
///             let names = error.fields().iter().map(|field| field.field().to_owned());
///             Reaction::FixTheForm(names.collect())
///         }
///         _ => Reaction::Report,
///     }
/// }
/// # let _ = react;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The slot is taken, outside the host's hours, too soon or too far ahead: choose another one.
    ///
    /// Cal.com does not distinguish these cases, and reports the same error when the conflicting
    /// booking is the caller's own.
    SlotUnavailable,
    /// The request contradicts the current state at Cal.com: retrieve the resource, then decide.
    ///
    /// Examples are a booking that is already cancelled, or a second booking at the very same time.
    Conflict,
    /// The event type has reached its limit of bookings or minutes for that day, week, month or
    /// year: choose another day, or raise the limit.
    ///
    /// Cal.com responds with 401; the credential is valid.
    BookingLimitReached,
    /// The resource does not exist, or not for this credential.
    NotFound,
    /// The deployment does not have this endpoint, or not in the requested API version: check the
    /// base URL, and whether the deployment is recent enough.
    UnknownEndpoint,
    /// The response has the shape of another API version: request a version that the deployment
    /// supports.
    VersionMismatch,
    /// The credential is missing, wrong or expired: replace it.
    Unauthorized,
    /// The credential does not permit this request: use another one.
    Forbidden,
    /// Too many requests: wait for [`Error::retry_after`].
    RateLimited,
    /// Cal.com has failed repeatedly, so the circuit breaker is open: wait for
    /// [`Error::retry_after`].
    ///
    /// Nothing was sent.
    CircuitOpen,
    /// The request cannot succeed in its current form: fix the fields listed by [`Error::fields`].
    Invalid,
    /// Cal.com failed. The request may have been carried out.
    Server,
    /// No complete response arrived.
    ///
    /// The request may have been carried out, unless the connection could not be established.
    Transport,
    /// The response cannot be deserialized: report it, including [`Error::json_path`].
    ///
    /// The request was carried out.
    Decode,
}

impl ErrorKind {
    /// Returns the name used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlotUnavailable => "slot_unavailable",
            Self::Conflict => "conflict",
            Self::BookingLimitReached => "booking_limit_reached",
            Self::NotFound => "not_found",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::VersionMismatch => "version_mismatch",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::CircuitOpen => "circuit_open",
            Self::Invalid => "invalid",
            Self::Server => "server",
            Self::Transport => "transport",
            Self::Decode => "decode",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::SlotUnavailable => "the slot is not available; choose another one",
            Self::Conflict => {
                "the request conflicts with the current state at Cal.com; retrieve it again"
            }
            Self::BookingLimitReached => {
                "the event type has reached its booking limit; choose another day or raise the limit"
            }
            Self::NotFound => "there is no such resource for this credential",
            Self::UnknownEndpoint => {
                "the server does not have this endpoint; check the base URL and the server's release"
            }
            Self::VersionMismatch => {
                "the response has the shape of another API version; request one that the server supports"
            }
            Self::Unauthorized => "Cal.com rejected the credential; check the API key",
            Self::Forbidden => "the credential does not permit this request",
            Self::RateLimited => "too many requests; wait until the rate limit resets",
            Self::CircuitOpen => {
                "the circuit breaker is open because Cal.com has failed repeatedly; retry later"
            }
            Self::Invalid => "the request is invalid",
            Self::Server => "Cal.com failed; the request may have been carried out",
            Self::Transport => "no complete response from Cal.com; check that it is reachable",
            Self::Decode => "the response cannot be deserialized",
        }
    }
}

/// Whether a failed request can be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retryability {
    /// It would fail again.
    Never,
    /// It was not carried out, so it can always be retried.
    Always,
    /// It may have been carried out, so only idempotent requests can be retried.
    ///
    /// Creating a booking is not idempotent.
    IfIdempotent,
}

/// A failed call. The cause is available through [`source`](StdError::source).
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) {
/// if let Err(error) = client.me().get().await {
///     // Names the operation, the kind, and Cal.com's status code and message.
///     eprintln!("{error}");
///     println!("{} failed: {}", error.operation(), error.kind().as_str());
///     if let Some(wait) = error.retry_after() {
///         println!("retry in {} s", wait.as_secs());
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    operation: &'static str,
    kind: ErrorKind,
    retryability: Retryability,
    timeout: bool,
    deleted_before: bool,
    json_path: Option<String>,
    detail: Option<String>,
    api: Option<ApiError>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    // Shared, because one failed request may be the result of many calls that waited for it.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    fn new(operation: &'static str, kind: ErrorKind, retryability: Retryability) -> Self {
        Self(Box::new(Inner {
            operation,
            kind,
            retryability,
            timeout: false,
            deleted_before: false,
            json_path: None,
            detail: None,
            api: None,
            fields: Vec::new(),
            retry_after: None,
            source: None,
        }))
    }

    /// Returns the kind of error, which tells what to do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns whether the call can be retried.
    pub fn retryability(&self) -> Retryability {
        self.0.retryability
    }

    /// Returns the name of the call that failed, such as `bookings.create`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns Cal.com's error response; `None` if there was none.
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// Returns the rejected fields, as far as they are named.
    pub fn fields(&self) -> &[FieldError] {
        self.0.api.as_ref().map_or(&self.0.fields, ApiError::fields)
    }

    /// Returns how long to wait before the next call, if the server, the rate budget or the circuit
    /// breaker specifies it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the path in the response at which deserializing failed, such as `data[3].start`.
    pub fn json_path(&self) -> Option<&str> {
        self.0.json_path.as_deref()
    }

    /// Returns whether the call timed out.
    pub fn is_timeout(&self) -> bool {
        self.0.timeout
    }

    pub(crate) fn api_answer(
        operation: &'static str,
        kind: ErrorKind,
        api: ApiError,
        retry_after: Option<Duration>,
    ) -> Self {
        let retryability = match kind {
            ErrorKind::RateLimited => Retryability::Always,
            ErrorKind::Server => Retryability::IfIdempotent,
            _ => Retryability::Never,
        };
        let mut error = Self::new(operation, kind, retryability);
        error.0.api = Some(api);
        error.0.retry_after = retry_after;
        error
    }

    pub(crate) fn transport(operation: &'static str, cause: reqwest::Error) -> Self {
        let retryability = if cause.is_builder() {
            Retryability::Never
        } else if cause.is_connect() {
            Retryability::Always
        } else {
            Retryability::IfIdempotent
        };
        let mut error = Self::new(operation, ErrorKind::Transport, retryability);
        error.0.timeout = cause.is_timeout();
        // The URL may contain a uid or an e-mail address.
        error.0.source = Some(Arc::new(cause.without_url()));
        error
    }

    /// A sign-in that ended without a code, and the OAuth error code.
    pub(crate) fn sign_in_refused(operation: &'static str, code: &str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Forbidden, Retryability::Never);
        let code = clean_line(code);
        error.0.detail = Some(format!("the sign-in ended without a code: {code}"));
        error
    }

    /// A failure of an HTTP service of the user's own.
    pub(crate) fn http_service(
        operation: &'static str,
        failure: HttpError,
        max_body: usize,
    ) -> Self {
        let retryability = match failure.kind {
            HttpErrorKind::TooLarge => return Self::too_large(operation, max_body),
            HttpErrorKind::NotSent => Retryability::Always,
            HttpErrorKind::Timeout | HttpErrorKind::Interrupted => Retryability::IfIdempotent,
        };
        let mut error = Self::new(operation, ErrorKind::Transport, retryability);
        error.0.timeout = failure.kind == HttpErrorKind::Timeout;
        error.0.source = Some(Arc::new(failure));
        error
    }

    pub(crate) fn deadline(operation: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::IfIdempotent);
        error.0.timeout = true;
        error.0.detail = Some("the total timeout of the call has elapsed".to_owned());
        error
    }

    /// A request that was not sent, because it was too early.
    pub(crate) fn held_back(operation: &'static str, kind: ErrorKind, wait: Duration) -> Self {
        let mut error = Self::new(operation, kind, Retryability::Always);
        error.0.retry_after = Some(wait);
        error.0.detail = Some(format!(
            "nothing was sent; retry in {} s",
            wait.as_secs_f64().ceil()
        ));
        error
    }

    /// A failure of the idempotency key store, before anything was sent.
    pub(crate) fn key_store(
        operation: &'static str,
        cause: Box<dyn StdError + Send + Sync>,
    ) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::Always);
        error.0.detail = Some("the idempotency key store failed; nothing was sent".to_owned());
        error.0.source = Some(Arc::from(cause));
        error
    }

    /// A failure of the token store.
    ///
    /// The tokens are kept in memory, and the next call tries to store them again.
    pub(crate) fn token_store(
        operation: &'static str,
        cause: Box<dyn StdError + Send + Sync>,
    ) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::Always);
        error.0.detail = Some("the new tokens could not be stored; nothing was sent".to_owned());
        error.0.source = Some(Arc::from(cause));
        error
    }

    /// A turn to refresh the tokens that could not be had.
    pub(crate) fn token_turn(
        operation: &'static str,
        cause: Box<dyn StdError + Send + Sync>,
    ) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::Always);
        let detail = "the token store gave no turn to refresh the tokens; nothing was sent";
        error.0.detail = Some(detail.to_owned());
        error.0.source = Some(Arc::from(cause));
        error
    }

    /// A refresh token that was rejected.
    pub(crate) fn session_ended(refusal: Self) -> Self {
        let mut error = Self::new(
            refusal.0.operation,
            ErrorKind::Unauthorized,
            Retryability::Never,
        );
        error.0.detail =
            Some("the refresh token was rejected; the user has to sign in again".to_owned());
        error.0.api = refusal.0.api;
        error
    }

    /// An authorization code that was rejected.
    pub(crate) fn code_refused(refusal: Self) -> Self {
        let mut error = Self::new(
            refusal.0.operation,
            ErrorKind::Unauthorized,
            Retryability::Never,
        );
        let detail =
            "the authorization code is wrong, used or expired; the user has to sign in again";
        error.0.detail = Some(detail.to_owned());
        error.0.api = refusal.0.api;
        error
    }

    /// A call that ended without a usable response, for a reason of its own.
    pub(crate) fn unanswered(operation: &'static str, detail: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::IfIdempotent);
        error.0.detail = Some(detail.to_owned());
        error
    }

    /// A list that exceeds any plausible length.
    pub(crate) fn endless_list(operation: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Decode, Retryability::Never);
        error.0.detail =
            Some("the list does not end; the server seems to ignore `skip`".to_owned());
        error
    }

    /// Deleting something that is already gone, after an attempt whose response was lost.
    pub(crate) fn after_lost_deletion(mut self) -> Self {
        self.0.deleted_before = true;
        self
    }

    /// Whether the call was a deletion that an earlier attempt had carried out.
    pub(crate) fn is_deleted_before(&self) -> bool {
        self.0.deleted_before
    }

    /// Changes the kind, according to what the rejection means for this operation.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// A response with a different booking from the requested one.
    pub(crate) fn other_booking(operation: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Conflict, Retryability::Never);
        error.0.detail = Some(
            "Cal.com responded with a booking that was created with another key; nothing was booked"
                .to_owned(),
        );
        error
    }

    pub(crate) fn too_large(operation: &'static str, limit: usize) -> Self {
        let mut error = Self::new(operation, ErrorKind::Decode, Retryability::Never);
        error.0.detail = Some(format!(
            "the response is larger than the limit of {limit} bytes"
        ));
        error
    }

    /// A response that does not have the expected shape.
    ///
    /// It can be retried if it was merely cut off.
    pub(crate) fn decode(
        operation: &'static str,
        json_path: Option<String>,
        cause: &serde_json::Error,
        api: ApiError,
    ) -> Self {
        let retryability = if cause.is_eof() {
            Retryability::IfIdempotent
        } else {
            Retryability::Never
        };
        let mut error = Self::new(operation, ErrorKind::Decode, retryability);
        // It contains keys of the response.
        error.0.json_path = json_path.map(|path| clean_line(&path).into_owned());
        error.0.detail = Some(describe_json_error(cause).to_owned());
        error.0.api = Some(api);
        error
    }

    pub(crate) fn version_mismatch(operation: &'static str, api: ApiError) -> Self {
        let mut error = Self::new(operation, ErrorKind::VersionMismatch, Retryability::Never);
        error.0.api = Some(api);
        error
    }

    pub(crate) fn invalid_argument(
        operation: &'static str,
        field: &str,
        message: &'static str,
    ) -> Self {
        let mut error = Self::new(operation, ErrorKind::Invalid, Retryability::Never);
        error.0.fields = vec![FieldError::new(field, message)];
        error.0.detail = Some(format!("{field}: {message}"));
        error
    }

    /// A request that breaks a rule of the server; nothing was sent.
    pub(crate) fn refused(operation: &'static str, invalid: &InvalidRequest) -> Self {
        let mut error = Self::new(operation, ErrorKind::Invalid, Retryability::Never);
        error.0.fields = invalid
            .violations()
            .iter()
            .map(|violation| FieldError::new(violation.field(), violation.message()))
            .collect();
        error.0.detail = Some(format!("nothing was sent: {invalid}"));
        error
    }

    pub(crate) fn unserializable(operation: &'static str, cause: serde_json::Error) -> Self {
        let mut error = Self::new(operation, ErrorKind::Invalid, Retryability::Never);
        error.0.detail = Some("the body cannot be serialized as JSON".to_owned());
        error.0.source = Some(Arc::new(cause));
        error
    }
}

/// Describes the category of a JSON error only, because serde's own message repeats the offending
/// value, which may be personal data.
fn describe_json_error(cause: &serde_json::Error) -> &'static str {
    if cause.is_eof() {
        "the response is truncated"
    } else if cause.is_syntax() {
        "the response is not valid JSON"
    } else {
        "a field is missing or has an unexpected type"
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.operation, self.0.kind.describe())?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail}")?;
            if let Some(path) = &self.0.json_path {
                write!(f, " at {path}")?;
            }
            f.write_str(")")?;
        }
        if let Some(api) = &self.0.api {
            write!(f, " [{api}]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("operation", &self.0.operation)
            .field("kind", &self.0.kind)
            .field("retryability", &self.0.retryability)
            .field("detail", &self.0.detail)
            .field("json_path", &self.0.json_path)
            .field("api", &self.0.api)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source as &(dyn StdError + 'static))
    }
}
