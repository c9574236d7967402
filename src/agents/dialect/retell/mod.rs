//! Retell's custom functions, inbound webhooks and call events.
//!
//! Read from the vendor's documentation (<https://docs.retellai.com/build/single-multi-prompt/custom-function>,
//! <https://docs.retellai.com/features/inbound-call-webhook>,
//! <https://docs.retellai.com/features/webhook-overview>), and not observed.

mod definition;
mod function;
mod inbound;

pub use definition::{FunctionSettings, RetellEndpoints, RetellFunction};
pub use function::{LONGEST_ANSWER, answer, read_function};
pub use inbound::{InboundAnswer, InboundCall, read_event};
