//! English.

mod dates;
mod days;
mod doubts;
mod numbers;
pub(super) mod phrases;
mod reading;
mod sentences;
mod spelling;
mod times;

use chrono::NaiveDateTime;

use super::{Language, Scene};
use crate::agents::outcome::Outcome;
use crate::agents::when::When;

/// English.
///
/// Of `12/5` both readings are given, the American one first. "Half two" is half past two.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct English;

impl Language for English {
    fn code(&self) -> &str {
        "en"
    }

    fn read_when(&self, text: &str, now: NaiveDateTime) -> When {
        reading::read(text, now, false)
    }

    fn read_time(&self, text: &str, now: NaiveDateTime) -> When {
        reading::read(text, now, true)
    }

    fn read_digits(&self, text: &str) -> String {
        spelling::digits(text)
    }

    fn read_email(&self, text: &str) -> String {
        spelling::email(text)
    }

    fn is_yes(&self, text: &str) -> bool {
        spelling::is_yes(text)
    }

    fn say(&self, outcome: &Outcome, scene: &Scene) -> String {
        sentences::say(outcome, scene)
    }
}
