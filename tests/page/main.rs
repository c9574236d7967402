//! The operations page as people use it: in a headless Chromium, over an engine at work and a fake Cal.com.
//!
//! `scripts/test-page` runs these tests and installs what they need. Pictures of every page are in `target/page` afterwards.

mod agents;
mod browser;
mod causes;
mod checks;
mod every_page;
mod host;
mod images;
mod keyboard;
mod live;
mod operators_day;
mod person;
mod reviews;
mod roles;
mod visit;
