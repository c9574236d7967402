//! What verifies the deliveries of a sender, whoever that is.

use std::fmt;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};

use super::signature::VerifyError;
use crate::model::id::text_id;

text_id! {
    /// Names whoever sends webhooks: `calcom`, `retell`, `stripe`, or a word of the host's own. It
    /// stands in URLs, rows and logs.
    Sender
}

/// What a verified delivery says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// What names the event, as its sender does: 1 to 255 bytes without control characters. A
    /// delivery with the same one is the same event again.
    pub event_id: String,
    /// The event's name, such as `call_ended` or `invoice.paid`; empty where the sender gives none.
    pub event: String,
    /// What the event is about: events with the same key are handled one after the other, as they
    /// came. `None` if it stands alone.
    pub order_key: Option<String>,
    /// When it was signed; `None` where the sender does not say.
    pub signed_at: Option<DateTime<Utc>>,
}

impl Verified {
    /// A delivery of an event that stands alone.
    pub fn new(event_id: impl Into<String>, event: impl Into<String>) -> Self {
        Self {
            event_id: event_id.into(),
            event: event.into(),
            order_key: None,
            signed_at: None,
        }
    }

    /// Sets what the event is about.
    #[must_use]
    pub fn with_order_key(mut self, key: impl Into<Option<String>>) -> Self {
        self.order_key = key.into();
        self
    }

    /// Sets when it was signed.
    #[must_use]
    pub fn with_signed_at(mut self, at: impl Into<Option<DateTime<Utc>>>) -> Self {
        self.signed_at = at.into();
        self
    }
}

/// Verifies the deliveries of one sender for one receiver, whose secrets it holds.
///
/// # Contract
///
/// - The signature is verified over the raw bytes, in constant time, against every secret.
/// - Nothing of a body is read before it is verified.
/// - It is pure: time comes in as `now`, and it reads and keeps nothing.
/// - `Debug` shows no secret, and an error nothing of what was sent.
pub trait Verifier: fmt::Debug + Send + Sync + 'static {
    /// The sender's name.
    fn sender(&self) -> Sender;

    /// Verifies a delivery that arrived at `now`.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] says why it must be refused.
    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Verified, VerifyError>;

    /// The status with which the sender expects to hear that a delivery was accepted.
    fn accepted_status(&self) -> StatusCode;
}
