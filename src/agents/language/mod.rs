//! Languages: how a caller is understood and answered.

mod calendar;
mod english;
mod german;
mod heard;
mod hours;
mod iso;
mod meaning;
mod reading;
mod said;
mod speech;
mod spelling;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use chrono::NaiveDateTime;

use super::outcome::Outcome;
use super::tool::Tool;
use super::when::When;

pub use english::English;
pub use german::German;

/// Where and when a sentence is said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scene {
    /// The tool that answers.
    pub tool: Tool,
    /// The time now, in the time zone of the business.
    pub now: NaiveDateTime,
}

impl Scene {
    /// The answer of a tool at a time, in the time zone of the business.
    pub fn new(tool: Tool, now: NaiveDateTime) -> Self {
        Self { tool, now }
    }
}

/// How a caller is understood and answered in one language. Pure: the same words at the same time are
/// understood alike.
///
/// # Contract
///
/// - Any text is read without a panic and in time proportional to its length.
/// - A sentence is short, can be said aloud, and asks no more than one question.
pub trait Language: fmt::Debug + Send + Sync + 'static {
    /// The code, such as `de`.
    fn code(&self) -> &str;

    /// Reads what was said about a day, a time or both: in words, or in ISO 8601. What is not understood is
    /// passed over.
    ///
    /// German and English go by these rules:
    ///
    /// - A day of the week is the next such day from tomorrow on. If today is one, it is today if a time was
    ///   said that is still to come, the one in a week if that time has passed, and either of them if no time
    ///   was said.
    /// - "Next Tuesday" is the coming one or the one a week later, unless today is a Tuesday.
    /// - A date without a year is the next such date, today included. Where a day was said that does not
    ///   exist, no day was understood.
    /// - An hour from 1 to 6 is in the afternoon, 12 is noon, and 7 to 11 may be in the morning or in the
    ///   evening, unless a part of the day is said. An hour counts from 0 to 24 if it is written with a zero
    ///   in front, or as `HH:MM` alone or after an ISO date.
    /// - Of "after" and "before" seven to eleven, the morning is meant.
    /// - A day of a week that has passed in this one is the coming one; a date that has passed stays as it is.
    /// - A week begins on Monday. Its beginning is Monday and Tuesday, its middle Tuesday to Thursday, its end
    ///   Thursday and Friday.
    /// - "From Thursday on" is seven days, "until Thursday" begins today.
    fn read_when(&self, text: &str, now: NaiveDateTime) -> When;

    /// Reads what was said about a time of day alone, such as `two` or `14:30`. A day that is said as well
    /// is left out.
    fn read_time(&self, text: &str, now: NaiveDateTime) -> When;

    /// Puts the digits of a phone number that was said in words into figures, and leaves everything else.
    fn read_digits(&self, text: &str) -> String;

    /// Puts an e-mail address that was spelled together: "anna dot schmidt at example dot com". What is
    /// none stays as it is.
    fn read_email(&self, text: &str) -> String;

    /// Whether a text says yes: `true`, `yes`, `1`.
    fn is_yes(&self, text: &str) -> bool;

    /// The sentence for an outcome.
    fn say(&self, outcome: &Outcome, scene: &Scene) -> String;
}
