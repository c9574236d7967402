//! Tools for testing an application against a Cal.com that is not there.
//!
//! Feature `conformance`, which brings neither the client nor any other HTTP:
//!
//! - [`conformance`] holds a store of your own to the promises of its ports.
//! - [`ManualClock`] and [`SeededEntropy`] are time and chance that a test decides.
//! - [`FaultyStore`], [`FaultyAppointments`] and [`FaultyDesk`] fail, hang or are slow, by script or by seed.
//! - [`WebhookBody`] and [`sign`] make single webhook deliveries for unit tests; [`RetellBody`],
//!   [`StripeBody`] and `StandardWebhookBody` those of other senders.
//!
//! Feature `testing`, which includes it:
//!
//! - `FakeCalcom` is a whole one, on a loopback port: bookings, slots, webhooks, and faults by
//!   script (`Fault`).
//! - `Harness` puts it together with a repository of the host's, a store and an engine, for a test
//!   that drives them by hand; `assert_in_sync`, `assert_no_doubles` and `wait_until_settled` look at
//!   the result.
//! - `FakeRetell`, with feature `agents`, is a voice provider: it plays calls against our endpoints, and
//!   serves the part of its API that is used.
//! - `simulation` plays random, hostile histories against the engine over a host of your own, and
//!   checks after each what the engine promises.
//!
//! All of it follows recordings of a real server; nothing needs the network beyond loopback.

mod clock;
pub mod conformance;
mod entropy;
#[cfg(feature = "testing")]
mod fake;
mod faulty;
#[cfg(feature = "testing")]
mod harness;
mod payload;
mod responses;
#[cfg(all(feature = "testing", feature = "agents"))]
mod retell;
mod retell_body;
mod sign;
#[cfg(feature = "testing")]
pub mod simulation;
#[cfg(feature = "standard-webhooks")]
mod standard_webhook_body;
mod store_fault;
mod stripe_body;
mod webhook_body;
mod zone;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
#[cfg(feature = "testing")]
pub use fake::{
    AnnouncedCancellation, Delivery, DeliveryOutcome, FakeAccount, FakeCalcom, FakeCalcomBuilder,
    FakeCalendar, FakeEventType, FakeUser, Fault, Operation, RecordedRequest, Refused,
    RequestOutcome, ServerKind, Then, When,
};
pub use faulty::{FaultyAppointments, FaultyDesk, FaultyStore};
#[cfg(feature = "testing")]
pub use harness::{
    Harness, HarnessBuilder, Sides, assert_in_sync, assert_no_doubles, wait_until_settled,
};
#[cfg(all(feature = "testing", feature = "agents"))]
pub use retell::{
    FakeCall, FakeCallSettings, FakeRetell, RetellAttempt, RetellExchange, RetellRequest,
};
pub use retell_body::RetellBody;
#[cfg(feature = "standard-webhooks")]
pub use sign::sign_standard_webhook;
pub use sign::{
    NO_SECRET, PAYLOAD_VERSION, PAYLOAD_VERSION_HEADER, sign, sign_retell, sign_stripe,
};
#[cfg(feature = "standard-webhooks")]
pub use standard_webhook_body::StandardWebhookBody;
pub use store_fault::{StoreFault, StoreFaults, StoreOperation, StoreTrouble};
pub use stripe_body::StripeBody;
pub use webhook_body::WebhookBody;
