//! Cal.com.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod model;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
