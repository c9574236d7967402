//! Cal.com.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod ambient;
#[cfg(feature = "client")]
pub mod client;
pub mod model;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod webhook;
