//! The client's error: one type, whose kind says what to do.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::api_error::{ApiError, FieldError};
use super::http_service::{HttpError, HttpErrorKind};
use crate::model::{InvalidRequest, clean_line};

/// The kind of error, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The slot is taken, outside the host's hours, too soon or too far ahead: choose another one. Cal.com does not tell these
    /// apart, and says the same when the booking in the way is one's own.
    SlotUnavailable,
    /// The state at Cal.com contradicts the request, such as a booking that is cancelled already or a second booking at the
    /// very same time: read it again, then decide.
    Conflict,
    /// The event type takes no more bookings, or no more minutes, on that day or in that week, month or year: choose another
    /// day, or raise the event type's limit. Cal.com answers 401; the credential is fine.
    BookingLimitReached,
    /// There is no such resource, or not for this credential.
    NotFound,
    /// The deployment does not have this endpoint, or not under the API version sent: check the base URL, and whether the
    /// deployment is recent enough.
    UnknownEndpoint,
    /// The answer has the shape of another API version: the deployment does not know the version asked for. Ask for one that
    /// it knows.
    VersionMismatch,
    /// The credential is missing, wrong or expired: replace it.
    Unauthorized,
    /// The credential is not allowed to do this: use another one.
    Forbidden,
    /// Too many requests: wait for [`Error::retry_after`].
    RateLimited,
    /// Cal.com has failed repeatedly and is left alone for a while: wait for [`Error::retry_after`]. Nothing was sent.
    CircuitOpen,
    /// The request can never succeed as it is: fix the fields named by [`Error::fields`].
    Invalid,
    /// Cal.com failed. The request may have been carried out.
    Server,
    /// No complete answer came. Unless the connection could not be made, the request may have been carried out.
    Transport,
    /// The answer came and cannot be read: report it, with what [`Error::json_path`] says. The request was carried out.
    Decode,
}

impl ErrorKind {
    /// The word used in logs.
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
            Self::SlotUnavailable => "the slot cannot be booked; choose another one",
            Self::Conflict => "the state at Cal.com contradicts the request; read it again",
            Self::BookingLimitReached => {
                "the event type takes no more bookings then; choose another day or raise its limit"
            }
            Self::NotFound => "there is no such resource for this credential",
            Self::UnknownEndpoint => {
                "the server does not know this endpoint; check the base URL and the server's release"
            }
            Self::VersionMismatch => {
                "the server answered in the shape of another API version; ask for one that it knows"
            }
            Self::Unauthorized => "Cal.com does not accept the credential; check the API key",
            Self::Forbidden => "the credential is not allowed to do this",
            Self::RateLimited => "too many requests; wait until the limit is reset",
            Self::CircuitOpen => {
                "Cal.com has failed repeatedly and is left alone for a while; come back later"
            }
            Self::Invalid => "the request cannot succeed as it is",
            Self::Server => "Cal.com failed; the request may have been carried out",
            Self::Transport => "no complete answer came from Cal.com; check that it can be reached",
            Self::Decode => "the answer cannot be read as what was asked for",
        }
    }
}

/// Whether a failed call can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retryability {
    /// It would fail again.
    Never,
    /// It was not carried out.
    Always,
    /// It may have been carried out: only where doing it twice is doing it once. Creating a booking is not such a call.
    IfIdempotent,
}

/// A failed call. The cause is reached through [`source`](StdError::source).
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
    // Shared, because one failed call may be the answer to many that waited for it.
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

    /// The kind of error, by what to do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the call can be made again.
    pub fn retryability(&self) -> Retryability {
        self.0.retryability
    }

    /// Which call failed, such as `bookings.create`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// What Cal.com said; `None` if no error answer came.
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// The fields that were refused, as far as they are named.
    pub fn fields(&self) -> &[FieldError] {
        self.0.api.as_ref().map_or(&self.0.fields, ApiError::fields)
    }

    /// How long to wait before the next call, where the server, the rate budget or the circuit breaker says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Where in the answer the reading failed, such as `data[3].start`.
    pub fn json_path(&self) -> Option<&str> {
        self.0.json_path.as_deref()
    }

    /// Whether time ran out.
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
        // The address may hold a uid or an e-mail address.
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
        error.0.detail = Some("the time allowed for the whole call is over".to_owned());
        error
    }

    /// A call that was not sent, because it would have come too early.
    pub(crate) fn held_back(operation: &'static str, kind: ErrorKind, wait: Duration) -> Self {
        let mut error = Self::new(operation, kind, Retryability::Always);
        error.0.retry_after = Some(wait);
        error.0.detail = Some(format!(
            "nothing was sent; come back in {} s",
            wait.as_secs_f64().ceil()
        ));
        error
    }

    /// A store of idempotency keys that failed before anything was sent.
    pub(crate) fn key_store(
        operation: &'static str,
        cause: Box<dyn StdError + Send + Sync>,
    ) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::Always);
        error.0.detail = Some("the store of idempotency keys failed; nothing was sent".to_owned());
        error.0.source = Some(Arc::from(cause));
        error
    }

    /// A store of tokens that failed; the tokens are kept in memory, and storing them is tried again with the next call.
    pub(crate) fn token_store(
        operation: &'static str,
        cause: Box<dyn StdError + Send + Sync>,
    ) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::Always);
        error.0.detail = Some("the new tokens could not be stored; nothing was sent".to_owned());
        error.0.source = Some(Arc::from(cause));
        error
    }

    /// A refusal of the refresh token.
    pub(crate) fn session_ended(refusal: Self) -> Self {
        let mut error = Self::new(
            refusal.0.operation,
            ErrorKind::Unauthorized,
            Retryability::Never,
        );
        error.0.detail =
            Some("the refresh token is refused; the user has to sign in again".to_owned());
        error.0.api = refusal.0.api;
        error
    }

    /// An authorization code that buys no tokens.
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

    /// A call that ended without a usable answer, for a reason of its own.
    pub(crate) fn unanswered(operation: &'static str, detail: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Transport, Retryability::IfIdempotent);
        error.0.detail = Some(detail.to_owned());
        error
    }

    /// A list that goes on for longer than any list does.
    pub(crate) fn endless_list(operation: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Decode, Retryability::Never);
        error.0.detail =
            Some("the list does not end; the server seems to ignore `skip`".to_owned());
        error
    }

    /// A deletion of what is already gone, after an attempt whose answer was lost.
    pub(crate) fn after_lost_deletion(mut self) -> Self {
        self.0.deleted_before = true;
        self
    }

    /// Whether the call was a deletion that an earlier attempt carried out.
    pub(crate) fn is_deleted_before(&self) -> bool {
        self.0.deleted_before
    }

    /// Reclassifies a refusal by what it means for this operation.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// An answer about another booking than the one asked for.
    pub(crate) fn other_booking(operation: &'static str) -> Self {
        let mut error = Self::new(operation, ErrorKind::Conflict, Retryability::Never);
        error.0.detail = Some(
            "Cal.com answered with a booking that was made under another key; nothing was booked"
                .to_owned(),
        );
        error
    }

    pub(crate) fn too_large(operation: &'static str, limit: usize) -> Self {
        let mut error = Self::new(operation, ErrorKind::Decode, Retryability::Never);
        error.0.detail = Some(format!("it is larger than the limit of {limit} bytes"));
        error
    }

    /// An answer that is not what was asked for. `cut_off` if it merely ended too early.
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
        // Keys of the answer are in it.
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

    /// A request that breaks a rule of the server's; nothing was sent.
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
        error.0.detail = Some("it cannot be written as JSON".to_owned());
        error.0.source = Some(Arc::new(cause));
        error
    }
}

/// Serde's own message repeats the value that it met, which may be personal; this says the sort of failure only.
fn describe_json_error(cause: &serde_json::Error) -> &'static str {
    if cause.is_eof() {
        "it ends in the middle"
    } else if cause.is_syntax() {
        "it is not JSON"
    } else {
        "a field is missing or has another type"
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
