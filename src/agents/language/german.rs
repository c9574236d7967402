//! German.

use chrono::NaiveDateTime;

use super::{Language, Scene};
use crate::agents::outcome::Outcome;
use crate::agents::when::When;

/// German.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct German;

impl Language for German {
    fn code(&self) -> &str {
        "de"
    }

    fn read_when(&self, _text: &str, _now: NaiveDateTime) -> When {
        When::nothing()
    }

    fn read_time(&self, _text: &str, _now: NaiveDateTime) -> When {
        When::nothing()
    }

    fn read_digits(&self, text: &str) -> String {
        text.to_owned()
    }

    fn read_email(&self, text: &str) -> String {
        text.to_owned()
    }

    fn is_yes(&self, _text: &str) -> bool {
        false
    }

    fn say(&self, _outcome: &Outcome, _scene: &Scene) -> String {
        String::new()
    }
}
