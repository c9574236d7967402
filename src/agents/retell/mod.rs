//! A client for the part of Retell's API that is about an agent's functions and webhook settings.
//!
//! An agent's functions belong to its response engine, of which the kind `retell-llm` is supported. Only
//! functions that are ours are ever added, changed or removed, by [`diff`]; all others are sent back byte for
//! byte as they were read, and so is everything that is unknown here. Functions of single states are left
//! alone.
//!
//! ```no_run
//! use calcom::agents::dialect::retell::{FunctionSettings, RetellEndpoints};
//! use calcom::agents::retell::{RetellClient, diff};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = calcom::SecretString::from("key");
//! let retell = RetellClient::new(key)?;
//! let agent = retell.agent(&"agent_1".into(), None).await?;
//! let engine = retell.engine(&agent).await?;
//! let endpoints = RetellEndpoints::new(&"https://example.org".parse()?, &"salon".into());
//! let wanted = FunctionSettings::new(endpoints.functions);
//! for change in diff(&engine.functions, &wanted) {
//!     println!("{change}");
//! }
//! retell.push_functions(&agent, &wanted).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is not certain
//!
//! The API is used as the vendor's documentation describes it
//! (<https://docs.retellai.com/api-references/update-agent>,
//! <https://docs.retellai.com/api-references/update-retell-llm>); none of it was observed at the real
//! service. In particular: a version that is published is taken to be unchangeable, and what is pushed goes
//! to a draft that somebody publishes at Retell; there is no conditional write, so an edit by somebody else
//! between the read and the write of a push is lost.

mod client;
mod console;
mod endpoint;
mod error;
mod functions;
mod parts;
mod webhook;

pub use client::{RETELL_BASE_URL, RetellClient};
pub use console::{RETELL_CALL_EVENTS, RetellAccount, RetellConsole};
pub use error::{RetellError, RetellErrorKind};
pub use functions::{FunctionChange, apply, diff};
pub use parts::{AgentFunction, RetellAgent, RetellAgentId, RetellEngine, RetellLlmId};
pub use webhook::{WebhookChange, WebhookSettings, diff_webhook};
