//! Tools for testing an application against a Cal.com that is not there.
//!
//! - [`FakeCalcom`] is a whole one, on a loopback port: bookings, slots, webhooks, and faults by script ([`Fault`]).
//! - [`conformance`] holds a store of your own to the promises of its ports.
//! - [`WebhookBody`] and [`sign`] make single webhook deliveries for unit tests.
//!
//! All of it follows recordings of a real server; nothing needs the network beyond loopback.

mod clock;
pub mod conformance;
mod entropy;
mod fake;
mod payload;
mod sign;
mod webhook_body;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use fake::{
    AnnouncedCancellation, Delivery, DeliveryOutcome, FakeAccount, FakeCalcom, FakeCalcomBuilder,
    FakeEventType, FakeUser, Fault, Operation, RecordedRequest, Refused, RequestOutcome,
    ServerKind, Then, When,
};
pub use sign::{NO_SECRET, PAYLOAD_VERSION, PAYLOAD_VERSION_HEADER, sign};
pub use webhook_body::WebhookBody;
