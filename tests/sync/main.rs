//! The sync engine against a Cal.com on loopback: the promises, one by one.

mod decide;
mod harness;
mod inbound;
mod interrupted;
mod outbound;
mod reopened;
mod review;
mod unanswered;
