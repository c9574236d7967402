//! What it takes to test a host, or a store of your own, without Cal.com.

pub mod conformance;
