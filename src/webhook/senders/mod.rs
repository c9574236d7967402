//! The senders whose deliveries can be verified.

mod calcom;
mod header;
mod name;
mod retell;
#[cfg(feature = "standard-webhooks")]
mod standard_webhooks;
mod stripe;
mod time;

pub use calcom::CalcomVerifier;
pub use retell::{RETELL_SIGNATURE_HEADER, RetellVerifier};
#[cfg(feature = "standard-webhooks")]
pub use standard_webhooks::{SecretError, StandardWebhooksVerifier};
pub use stripe::{STRIPE_SIGNATURE_HEADER, StripeVerifier};
