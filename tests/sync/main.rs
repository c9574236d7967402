//! The sync engine against a Cal.com on loopback: the promises, one by one.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod announced;
mod audit;
mod choices;
mod contained;
mod crooked;
mod crowded;
mod decide;
mod deleted_books;
mod details;
mod ended_early;
mod faulty;
mod fences;
mod handed_back;
mod harness;
mod hooked;
mod inbound;
mod interrupted;
mod late_landing;
mod lost_books;
mod notify;
mod numbered;
mod occurrences;
mod operate;
mod operators;
mod orders;
mod outbound;
mod ownership;
mod people;
mod queue;
mod reasons;
mod rebook;
mod rebook_races;
mod rebuild;
mod reopened;
mod requests;
mod review;
mod seats;
mod services;
mod story;
mod subscription;
mod sweep;
mod unanswered;
