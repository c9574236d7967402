//! Recognizing one person in texts and states, and what a search for them reports.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::model::BookingUid;
use crate::store::{
    AppointmentId, AppointmentState, DeliveryId, LinkId, Person, ReviewEvidence, ReviewId,
    SenderEventId,
};

/// The fewest digits by which a phone number is looked for.
const MIN_DIGITS: usize = 6;
/// The fewest digits of which two numbers are taken for one with and without its country code.
const MIN_NATIONAL_DIGITS: usize = 8;

/// Whom to look for: whoever has this e-mail address, this phone number or this name. `Debug` shows
/// none of them.
///
/// An address is compared without regard to case, a phone number by its digits, with or without a
/// country code, and a name as whole words without regard to case. Other people may have the same
/// name: look at what [`find_person`](super::Operations::find_person) finds before you erase by it.
///
/// ```
/// use calcom::sync::PersonQuery;
///
/// let ann = PersonQuery::email("ann@example.com").or_phone("+44 20 7946 0000");
/// # let _ = ann;
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonQuery {
    email: Option<String>,
    digits: Option<String>,
    name: Option<String>,
}

impl fmt::Debug for PersonQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonQuery").finish_non_exhaustive()
    }
}

impl PersonQuery {
    /// Whoever has this e-mail address.
    pub fn email(address: impl AsRef<str>) -> Self {
        Self::default().or_email(address)
    }

    /// Whoever has this phone number. One with fewer than six digits finds nobody.
    pub fn phone(number: impl AsRef<str>) -> Self {
        Self::default().or_phone(number)
    }

    /// Whoever has this name.
    pub fn name(name: impl AsRef<str>) -> Self {
        Self::default().or_name(name)
    }

    /// Or whoever has this e-mail address.
    #[must_use]
    pub fn or_email(mut self, address: impl AsRef<str>) -> Self {
        let address = address.as_ref().trim().to_lowercase();
        self.email = Some(address).filter(|address| !address.is_empty());
        self
    }

    /// Or whoever has this phone number. One with fewer than six digits finds nobody.
    #[must_use]
    pub fn or_phone(mut self, number: impl AsRef<str>) -> Self {
        let digits = significant(&digits_of(number.as_ref()));
        self.digits = Some(digits).filter(|digits| digits.len() >= MIN_DIGITS);
        self
    }

    /// Or whoever has this name.
    #[must_use]
    pub fn or_name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Some(folded(name.as_ref())).filter(|name| !name.is_empty());
        self
    }

    /// Whether a text names the person.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.has_email(text) || self.has_phone(text) || self.has_name(text)
    }

    /// Whether any text in a JSON value names the person.
    pub(super) fn is_in_json(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_in(text),
            Value::Array(values) => values.iter().any(|value| self.is_in_json(value)),
            Value::Object(fields) => fields
                .iter()
                .any(|(key, value)| self.is_in(key) || self.is_in_json(value)),
            // A phone number may be sent as a number.
            Value::Number(number) => self.has_phone(&number.to_string()),
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// Whether the body of a webhook names the person. One that is no JSON is searched as it stands.
    pub(super) fn is_in_body(&self, body: &str) -> bool {
        match serde_json::from_str(body) {
            Ok(value) => self.is_in_json(&value),
            Err(_) => self.is_in(body),
        }
    }

    /// Whether a state names the person: as attendee or guest, or in any other text.
    pub(super) fn is_in_state(&self, state: &AppointmentState) -> bool {
        let value = serde_json::to_value(state);
        value.is_ok_and(|value| self.is_in_json(&value))
    }

    /// Whether the evidence of a review item names the person.
    pub(super) fn is_in_evidence(&self, evidence: &ReviewEvidence) -> bool {
        let mut states = states_of(evidence);
        self.is_in(&evidence.message) || states.any(|state| self.is_in_state(state))
    }

    fn has_email(&self, text: &str) -> bool {
        let Some(address) = &self.email else {
            return false;
        };
        let text = text.to_lowercase();
        text.match_indices(address.as_str()).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let mut after = text[at + found.len()..].chars();
            let is_longer = match after.next() {
                // It may end a sentence.
                Some('.') => after.next().is_some_and(char::is_alphanumeric),
                Some(next) => next.is_alphanumeric() || next == '-',
                None => false,
            };
            let begins = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
            !before.is_some_and(begins) && !is_longer
        })
    }

    fn has_phone(&self, text: &str) -> bool {
        let Some(digits) = &self.digits else {
            return false;
        };
        // Runs of what a phone number is written with.
        let is_part = |c: char| c.is_ascii_digit() || " -./()+\u{a0}".contains(c);
        text.split(|c: char| !is_part(c)).any(|run| {
            let run = significant(&digits_of(run));
            let is_national = run.len().min(digits.len()) >= MIN_NATIONAL_DIGITS
                && (run.ends_with(digits.as_str()) || digits.ends_with(&run));
            run == *digits || is_national
        })
    }

    fn has_name(&self, text: &str) -> bool {
        let Some(name) = &self.name else {
            return false;
        };
        let text = folded(text);
        text.match_indices(name.as_str()).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    }
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Without the zeros of an international or a national prefix.
fn significant(digits: &str) -> String {
    digits.trim_start_matches('0').to_owned()
}

/// In lower case, with single spaces.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn states_of(evidence: &ReviewEvidence) -> impl Iterator<Item = &AppointmentState> {
    let bases = evidence.base_local.iter().chain(&evidence.base_remote);
    bases.chain(&evidence.local).chain(&evidence.remote)
}

/// Takes what identifies a person out of a state. What is left is compared with nothing.
pub(super) fn anonymize(state: &mut AppointmentState) {
    state.attendee = Person::erased();
    state.location = None;
    state.guests = None;
    state.notes = None;
    state.responses = None;
    state.metadata = None;
}

/// The evidence without persons. The message, which may quote Cal.com, goes too if it names the
/// person.
pub(super) fn without_persons(
    mut evidence: ReviewEvidence,
    person: &PersonQuery,
) -> ReviewEvidence {
    let states = [
        &mut evidence.base_local,
        &mut evidence.base_remote,
        &mut evidence.local,
        &mut evidence.remote,
    ];
    for state in states.into_iter().flatten() {
        anonymize(state);
    }
    if person.is_in(&evidence.message) {
        "The message was erased, because it named a person.".clone_into(&mut evidence.message);
    }
    evidence
}

/// Where a person's data was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "in", content = "id", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PersonPlace {
    /// In the body of a webhook.
    Delivery(DeliveryId),
    /// In the body of an event of another sender.
    Event(SenderEventId),
    /// In the evidence of a review item.
    Review(ReviewId),
    /// In what the engine remembers of a pair.
    Link(LinkId),
}

/// What became of data that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PersonOutcome {
    /// Found; nothing was to be erased.
    Found,
    /// Erased.
    Erased,
    /// Kept: a write to Cal.com may still take effect and its result is recognized by it, or a booking
    /// is being replaced. It can be erased once that is over: for a write, when its outcome is known
    /// or ten minutes later; for a replacement that is in review, when the item is resolved.
    KeptForPendingWrite,
    /// Kept: a worker has the link, or the event has not ended and its handler needs the body. Erase
    /// again later; of an event that is in review, once the item is resolved.
    KeptInUse,
    /// Kept, and unknown whether it names the person: it cannot be decoded.
    Undecodable,
}

/// One place where a person's data was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PersonFinding {
    /// The place.
    pub place: PersonPlace,
    /// The appointment concerned, if known: the host's own record of it is the host's to erase.
    pub appointment: Option<AppointmentId>,
    /// The booking concerned, if known: Cal.com holds the same data.
    pub booking: Option<BookingUid>,
    /// What became of it.
    pub outcome: PersonOutcome,
}

/// What a search for a person found, and what was erased. Contains none of the data itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PersonReport {
    /// Where something was found.
    pub findings: Vec<PersonFinding>,
    /// How many webhook bodies were searched.
    pub bodies_searched: u64,
    /// How many bodies of other senders' events were searched.
    pub events_searched: u64,
    /// How many review items were searched.
    pub reviews_searched: u64,
    /// How many links were searched.
    pub links_searched: u64,
}

impl PersonReport {
    /// Whether nothing of the person is left: nothing was found, or all of it was erased.
    pub fn is_clear(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.all(|finding| finding.outcome == PersonOutcome::Erased)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_as_a_whole() {
        let ann = PersonQuery::email(" Ann@Example.com");
        for text in [
            "ann@example.com",
            "Ann <ANN@example.com>",
            "to ann@example.com.",
        ] {
            assert!(ann.is_in(text), "{text}");
        }
        for text in [
            "joann@example.com",
            "ann@example.com.au",
            "ann@example.community",
            "",
        ] {
            assert!(!ann.is_in(text), "{text}");
        }
    }

    #[test]
    fn a_phone_number_is_found_by_its_digits() {
        let ann = PersonQuery::phone("+49 170 1234567");
        for text in [
            "+491701234567",
            "0170 123 45 67",
            "call 0049-170/1234567 please",
        ] {
            assert!(ann.is_in(text), "{text}");
        }
        for text in ["0170 1234568", "34567", "2026-12-08T09:00:00Z"] {
            assert!(!ann.is_in(text), "{text}");
        }
        assert!(!PersonQuery::phone("12345").is_in("12345"));
    }

    #[test]
    fn a_name_is_found_as_whole_words() {
        let ann = PersonQuery::name("ann  Attendee");
        assert!(ann.is_in("30 min between Hanna and Ann Attendee"));
        assert!(!ann.is_in("Joann Attendee") && !ann.is_in("Ann Attendees"));
        assert!(!PersonQuery::name(" ").is_in("anything at all"));
    }

    #[test]
    fn a_body_is_searched_through_escapes_and_keys() {
        let ann = PersonQuery::email("ann@example.com").or_phone("+441234567890");
        assert!(
            ann.is_in_body(r#"{"payload": {"attendees": [{"email": "ann\u0040example.com"}]}}"#)
        );
        assert!(ann.is_in_body(r#"{"responses": {"phone": 441234567890}}"#));
        assert!(ann.is_in_body("not JSON, but ann@example.com"));
        assert!(!ann.is_in_body(r#"{"email": "bob@example.com"}"#));
    }

    #[test]
    fn a_query_shows_nobody() {
        let query = PersonQuery::email("ann@example.com").or_name("Ann");
        assert_eq!(format!("{query:?}"), "PersonQuery { .. }");
    }
}
