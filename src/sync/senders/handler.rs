//! What a host subscribes to a sender.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::store::SenderEvent;

/// Takes the events of one sender, of all tenants. Subscribe it with
/// [`EngineBuilder::on`](crate::sync::EngineBuilder::on), in every process that runs a
/// [`Worker`](crate::sync::Worker). A [`TypedHandler`] gets the body as a type of its own.
///
/// ```
/// use async_trait::async_trait;
/// use calcom::store::SenderEvent;
/// use calcom::sync::{EventHandler, HandlerError};
///
/// #[derive(Debug)]
/// struct Calls;
///
/// #[async_trait]
/// impl EventHandler for Calls {
///     async fn handle(&self, event: &SenderEvent) -> Result<(), HandlerError> {
///         if event.event == "call_ended" {
///             // Store event.body, under event.event_id.
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// # Contract
///
/// - It is called at least once for every event: again after a failure, and again after a process was
///   killed before the end was stored. Handling an event twice does no more than handling it once; the
///   tenant, the sender and [`event_id`](SenderEvent::event_id) name it.
/// - Events of one tenant and sender with the same order key come one after the other. Others come
///   concurrently, in this process and elsewhere.
/// - It may be dropped at any await: when [its time](crate::sync::SyncConfig::event_timeout) is over, and
///   when the worker stops. A panic counts as a failure.
#[async_trait]
pub trait EventHandler: fmt::Debug + Send + Sync + 'static {
    /// Takes an event.
    ///
    /// # Errors
    ///
    /// [`HandlerError`] says whether to try again.
    async fn handle(&self, event: &SenderEvent) -> Result<(), HandlerError>;
}

/// What to do about a [`HandlerError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandlerErrorKind {
    /// Call the handler again, on the [usual schedule](crate::sync::SyncConfig::retry_delays); after
    /// the last attempt, manual review.
    Retry,
    /// It would fail again: manual review at once.
    GiveUp,
}

/// Why a handler has not taken an event. The cause is reached through [`source`](StdError::source).
///
/// The message and those of the causes are stored in a review item and written to the log: they must
/// contain no personal data.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HandlerError {
    kind: HandlerErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl HandlerError {
    /// A failure that may pass.
    pub fn retry(message: impl Into<String>) -> Self {
        Self {
            kind: HandlerErrorKind::Retry,
            message: message.into(),
            source: None,
        }
    }

    /// A failure that would come again.
    pub fn give_up(message: impl Into<String>) -> Self {
        Self {
            kind: HandlerErrorKind::GiveUp,
            ..Self::retry(message)
        }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> HandlerErrorKind {
        self.kind
    }
}

/// A handler of events whose bodies are JSON of one type; see [`TypedHandler`]. The contract is that of
/// [`EventHandler`].
#[async_trait]
pub trait TypedEventHandler: fmt::Debug + Send + Sync + 'static {
    /// What the bodies are read into.
    type Body: DeserializeOwned + Send;

    /// Takes an event with its body.
    ///
    /// # Errors
    ///
    /// [`HandlerError`] says whether to try again.
    async fn handle(&self, event: &SenderEvent, body: Self::Body) -> Result<(), HandlerError>;
}

/// Reads bodies for a [`TypedEventHandler`]. An event whose body cannot be read goes to review at once.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use calcom::store::SenderEvent;
/// use calcom::sync::{EventHandler, HandlerError, TypedEventHandler, TypedHandler};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Payment {
///     amount: u64,
/// }
///
/// #[derive(Debug)]
/// struct Payments;
///
/// #[async_trait]
/// impl TypedEventHandler for Payments {
///     type Body = Payment;
///
///     async fn handle(&self, event: &SenderEvent, body: Payment) -> Result<(), HandlerError> {
///         println!("{} paid {}", event.tenant, body.amount);
///         Ok(())
///     }
/// }
///
/// let handler: Arc<dyn EventHandler> = Arc::new(TypedHandler::new(Payments));
/// # let _ = handler;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TypedHandler<H>(H);

impl<H: TypedEventHandler> TypedHandler<H> {
    /// A handler that reads the bodies first.
    pub fn new(handler: H) -> Self {
        Self(handler)
    }
}

#[async_trait]
impl<H: TypedEventHandler> EventHandler for TypedHandler<H> {
    async fn handle(&self, event: &SenderEvent) -> Result<(), HandlerError> {
        let body = read(&event.body)?;
        self.0.handle(event, body).await
    }
}

/// Reads a body; the error says where it is not what was expected, and nothing of what is there.
fn read<T: DeserializeOwned>(body: &str) -> Result<T, HandlerError> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    let value = read.map_err(|error| unreadable(&error.path().to_string(), error.inner()))?;
    let end = deserializer.end();
    end.map_err(|error| unreadable(".", &error))?;
    Ok(value)
}

/// The text of serde's own error may repeat what it read, and so it is left out.
fn unreadable(path: &str, error: &serde_json::Error) -> HandlerError {
    let what = match error.classify() {
        Category::Data => "it is not what the handler expects",
        Category::Eof => "it ends early",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    let (line, column) = (error.line(), error.column());
    HandlerError::give_up(format!(
        "the body cannot be read at `{path}` (line {line}, column {column}): {what}"
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Call {
        #[allow(dead_code, reason = "only whether it can be read matters")]
        call: Times,
    }

    #[derive(Debug, Deserialize)]
    struct Times {
        #[allow(dead_code, reason = "only whether it can be read matters")]
        start: u64,
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_path_and_not_by_its_content() {
        let told = |body: &str| {
            let error = read::<Call>(body).unwrap_err();
            assert_eq!(error.kind(), HandlerErrorKind::GiveUp);
            assert!(error.source().is_none());
            error.to_string()
        };
        let data = told(r#"{"call": {"start": "Ann Attendee"}}"#);
        assert_eq!(
            data,
            "the body cannot be read at `call.start` (line 1, column 33): it is not what the handler expects"
        );
        assert!(told("Ann Attendee").contains("it is not JSON"));
        assert!(told(r#"{"call": {"start": 7"#).contains("it ends early"));
        assert!(told(r#"{"call": {"start": 7}} Ann"#).contains("it is not JSON"));
        assert!(read::<Call>(r#"{"call": {"start": 7}}"#).is_ok());
    }
}
