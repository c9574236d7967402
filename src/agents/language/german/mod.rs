//! German.

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

/// German, in the polite form.
///
/// "Viertel drei" is read as 2:15, as it is said in the east and the south; elsewhere it is not said at
/// all. "Morgen" alone is tomorrow, and after a day or "am" the morning. "In acht Tagen" is a week or, less
/// likely, eight days.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct German;

impl Language for German {
    fn code(&self) -> &str {
        "de"
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
