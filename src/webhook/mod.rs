//! Webhooks: verifying who sent a delivery, and reading what it says. No server: bytes and headers come in as values.
//!
//! ```
//! use calcom::webhook::{self, WebhookEvent};
//! use http::HeaderMap;
//! use secrecy::SecretString;
//!
//! fn receive(headers: &HeaderMap, body: &[u8]) -> Result<WebhookEvent, webhook::VerifyError> {
//!     let secrets = [SecretString::from("the newest"), SecretString::from("the one before")];
//!     webhook::verify(&secrets, headers, body)?;
//!     Ok(WebhookEvent::parse(body))
//! }
//! ```

mod event;
mod signature;

pub use event::{
    BookingEvent, EventStatus, NoShowAttendee, NoShowEvent, OtherEvent, TemplateBody, WebhookEvent,
    without_one_time_passwords,
};
pub use signature::{SIGNATURE_HEADER, VerifyError, verify};
