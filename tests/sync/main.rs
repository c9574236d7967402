//! The sync engine against a Cal.com on loopback: the promises, one by one.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod announced;
mod contained;
mod crooked;
mod decide;
mod details;
mod fences;
mod harness;
mod hooked;
mod inbound;
mod interrupted;
mod late_landing;
mod lost_books;
mod occurrences;
mod orders;
mod outbound;
mod ownership;
mod people;
mod queue;
mod rebook;
mod reopened;
mod requests;
mod review;
mod seats;
mod story;
mod sweep;
mod unanswered;
