//! Cal.com.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod model;
pub mod store;
