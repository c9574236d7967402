//! Why a call of Retell's API failed.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use crate::model::clean_line;

/// How much of Retell's message is kept, in characters.
const LONGEST_MESSAGE: usize = 300;

/// What to do about a failed call of Retell's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetellErrorKind {
    /// The key is missing, wrong or not allowed to do this: configure another.
    Unauthorized,
    /// There is no such agent or response engine: check the id.
    NotFound,
    /// Retell refuses the call and would refuse it again, for instance because the version is published:
    /// change it.
    Refused,
    /// Retell did not answer, or asks to be called less often: try again later. Every call may be repeated.
    Unavailable,
    /// The answer was not understood: the API has changed, or the base URL is not Retell's.
    Unreadable,
    /// The agent cannot be used with this client, or the functions cannot be put beside those that it has: a
    /// person has to change it at Retell.
    Unsupported,
    /// The client was set up or called with something that cannot be right: fix the call.
    Invalid,
}

/// Why a call of Retell's API failed.
#[derive(Clone)]
pub struct RetellError {
    kind: RetellErrorKind,
    status: Option<StatusCode>,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl RetellError {
    pub(super) fn new(kind: RetellErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn because(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(cause));
        self
    }

    /// An answer that is no success.
    pub(super) fn answered(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            message: String,
        }
        let kind = match status {
            StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => {
                RetellErrorKind::Unauthorized
            }
            StatusCode::NOT_FOUND => RetellErrorKind::NotFound,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                RetellErrorKind::Unavailable
            }
            status if status.is_client_error() => RetellErrorKind::Refused,
            status if status.is_server_error() => RetellErrorKind::Unavailable,
            _ => RetellErrorKind::Unreadable,
        };
        let said = serde_json::from_slice::<Body>(body).map(|body| body.message);
        let said = said.unwrap_or_default();
        let said: String = clean_line(&said).chars().take(LONGEST_MESSAGE).collect();
        let message = match said.as_str() {
            "" => format!("Retell answered {status}"),
            said => format!("Retell answered {status}: {said}"),
        };
        Self {
            status: Some(status),
            ..Self::new(kind, message)
        }
    }

    /// What to do about it.
    pub fn kind(&self) -> RetellErrorKind {
        self.kind
    }

    /// The HTTP status, if Retell answered.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }
}

impl fmt::Display for RetellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for RetellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetellError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl StdError for RetellError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_to_do() {
        let kind = |status| {
            let status = StatusCode::from_u16(status).unwrap();
            RetellError::answered(status, b"").kind()
        };
        assert_eq!(kind(401), RetellErrorKind::Unauthorized);
        assert_eq!(kind(404), RetellErrorKind::NotFound);
        assert_eq!(kind(422), RetellErrorKind::Refused);
        assert_eq!(kind(429), RetellErrorKind::Unavailable);
        assert_eq!(kind(500), RetellErrorKind::Unavailable);
        assert_eq!(kind(302), RetellErrorKind::Unreadable);
    }

    #[test]
    fn the_message_is_cleaned_and_bounded() {
        let body = serde_json::json!({"status": "error", "message": format!("no\u{1b}{}", "x".repeat(1000))});
        let error = RetellError::answered(StatusCode::BAD_REQUEST, body.to_string().as_bytes());
        let shown = error.to_string();
        assert!(
            shown.starts_with("Retell answered 400 Bad Request: no"),
            "{shown}"
        );
        assert!(shown.len() < 400 && !shown.contains('\u{1b}'));
    }
}
