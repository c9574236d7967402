//! Webhooks: verifying who sent a delivery, and reading what it says. No server: bytes and headers
//! come in as values.
//!
//! [`receive`] does both in one call, so that nothing is read that was not verified:
//!
//! ```
//! use calcom::webhook::{self, VerifyError, WebhookEvent};
//! use http::HeaderMap;
//! use secrecy::SecretString;
//!
//! fn who_booked(headers: &HeaderMap, body: &[u8]) -> Result<Vec<String>, VerifyError> {
//!     let secrets = [SecretString::from("the newest"), SecretString::from("the one before")];
//!     let WebhookEvent::Booking(booking) = webhook::receive(&secrets, headers, body)? else {
//!         return Ok(Vec::new());
//!     };
//!     let attendees = booking.attendees.iter().flatten();
//!     let names = attendees.filter_map(|attendee| attendee.name.as_deref());
//!     Ok(names.map(|name| calcom::model::clean_line(name).into_owned()).collect())
//! }
//! ```
//!
//! # Other senders
//!
//! A host that hears from others than Cal.com, such as a voice agent or a payment provider, verifies
//! each through a [`Verifier`]: [`RetellVerifier`], [`StripeVerifier`], `StandardWebhooksVerifier`
//! (feature `standard-webhooks`), [`CalcomVerifier`] itself, or one of its own. What comes out is the
//! same for all: who names the event how, and what it is about.
//!
//! ```
//! use calcom::chrono::{DateTime, Utc};
//! use calcom::webhook::{Verifier, VerifyError};
//! use http::{HeaderMap, StatusCode};
//!
//! fn answer(
//!     sender: &dyn Verifier,
//!     headers: &HeaderMap,
//!     body: &[u8],
//!     now: DateTime<Utc>,
//! ) -> Result<StatusCode, VerifyError> {
//!     let event = sender.verify(headers, body, now)?;
//!     // A row of the host's own, unique by both: the same event can come more than once.
//!     let key = (sender.sender(), event.event_id);
//!     # drop(key);
//!     Ok(sender.accepted_status())
//! }
//! # use calcom::webhook::StripeVerifier;
//! # let stripe = StripeVerifier::new(["whsec_test".into()]);
//! # let refused = answer(&stripe, &HeaderMap::new(), b"{}", DateTime::UNIX_EPOCH);
//! # assert_eq!(refused.unwrap_err().status(), StatusCode::UNAUTHORIZED);
//! ```
//!
//! # Texts
//!
//! Events hold every text as it was sent, for they are the receiver's evidence of it. Before a text
//! is shown, written to a log or stored as a name, clean it:
//! [`clean_line`](crate::model::clean_line), [`clean_text`](crate::model::clean_text).

mod account;
mod booking;
mod event;
mod fields;
mod json;
mod meeting;
mod one_time_password;
mod people;
mod senders;
mod signature;
mod verifier;

pub use account::{FormEvent, OutOfOfficeEntry, OutOfOfficeEvent, OutOfOfficeReason, PingEvent};
pub use booking::{BookingEvent, EventStatus, NoShowEvent};
pub use event::{OtherEvent, TemplateBody, WebhookEvent};
pub use meeting::{
    DownloadLinks, InstantMeetingEvent, MeetingEvent, RecordingEvent, TranscriptLink,
    VideoNoShowEvent,
};
pub use one_time_password::without_one_time_passwords;
pub use people::{
    EventAppStatus, EventAttendee, EventHost, EventLanguage, EventRecurrence, EventResponse,
    EventTeam,
};
pub use senders::{
    CalcomVerifier, RETELL_SIGNATURE_HEADER, RetellVerifier, STRIPE_SIGNATURE_HEADER,
    StripeVerifier,
};
#[cfg(feature = "standard-webhooks")]
pub use senders::{SecretError, StandardWebhooksVerifier};
pub(crate) use signature::sign;
pub use signature::{SIGNATURE_HEADER, VerifyError, receive, verify};
pub use verifier::{Sender, Verified, Verifier};
