//! Cal.com.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod ambient;
#[cfg(feature = "client")]
pub mod client;
pub mod model;
pub mod store;
pub mod sync;
#[cfg(feature = "testing")]
pub mod testing;
pub mod webhook;
