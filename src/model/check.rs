//! Checks that detect what the server would reject, before anything is sent.
//!
//! Pure: no I/O, no feature.
//!
//! A check rejects what every observed server rejects, according to recorded responses and
//! Cal.com's published sources. What only the server can decide (whether a slot is free, whether
//! the answer to a booking field is valid) is left to it.

use std::fmt;

use super::booking::Metadata;
use super::booking_query::BookingQuery;
use super::booking_request::{NewAttendee, NewBooking, RescheduleParams};
use super::event_type_target::EventTypeTarget;
use super::id::TimeZone;
use super::phone_number::is_e164;
use super::slot::SlotQuery;

/// The e-mail languages that the server accepts, as listed in its error response to any other.
const LANGUAGES: [&str; 43] = [
    "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "es-419", "et", "eu", "fi",
    "fr", "he", "hr", "hu", "id", "it", "iw", "ja", "km", "ko", "lv", "nl", "no", "pl", "pt",
    "pt-BR", "ro", "ru", "sk", "sr", "sv", "ta", "th", "tr", "uk", "vi", "zh-CN", "zh-TW",
];

const MAX_METADATA_KEYS: usize = 50;
const MAX_METADATA_KEY: usize = 40;
const MAX_METADATA_VALUE: usize = 500;
/// The maximum length of an e-mail address at Cal.com.
const MAX_EMAIL: usize = 254;
/// The maximum page size of the list of bookings.
const MAX_TAKE: u32 = 250;
/// The number of violations that an error message lists; the others are counted.
const SPELLED_OUT: usize = 5;

/// A request that the server would reject, with all its violations.
///
/// It contains the names of fields and rules, but no values, because values may be personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidRequest {
    violations: Vec<Violation>,
}

/// A field that violates a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    field: String,
    message: &'static str,
}

impl Violation {
    /// Returns the field's path, with the names that the API uses, such as `attendee.timeZone`,
    /// `guests[1]` or `metadata.orderId`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the rule that the field violates.
    pub fn message(&self) -> &'static str {
        self.message
    }
}

impl InvalidRequest {
    /// Returns all violations, at least one.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().take(SPELLED_OUT).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", violation.field, violation.message)?;
        }
        match self.violations.len().saturating_sub(SPELLED_OUT) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for InvalidRequest {}

/// Collects violations.
#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn refuse(&mut self, field: impl Into<String>, message: &'static str) {
        let field = field.into();
        self.0.push(Violation { field, message });
    }

    fn require(&mut self, holds: bool, field: &str, message: &'static str) {
        if !holds {
            self.refuse(field, message);
        }
    }

    fn not_blank(&mut self, field: &str, text: &str) {
        self.require(!text.trim().is_empty(), field, "must not be empty");
    }

    fn positive(&mut self, field: &str, number: Option<u32>) {
        self.require(number != Some(0), field, "must be at least 1");
    }

    fn email(&mut self, field: &str, email: &str) {
        self.require(is_email(email), field, "must be an e-mail address");
    }

    fn time_zone(&mut self, field: &str, time_zone: &TimeZone) {
        self.require(
            is_time_zone(time_zone.as_str()),
            field,
            "must be an IANA time zone, such as Europe/Berlin",
        );
    }

    fn target(&mut self, target: &EventTypeTarget) {
        match target {
            EventTypeTarget::Id { .. } => {}
            EventTypeTarget::User {
                event_type_slug,
                username,
                ..
            } => {
                self.not_blank("eventTypeSlug", event_type_slug);
                self.not_blank("username", username);
            }
            EventTypeTarget::Team {
                event_type_slug,
                team_slug,
                ..
            } => {
                self.not_blank("eventTypeSlug", event_type_slug);
                self.not_blank("teamSlug", team_slug);
            }
            EventTypeTarget::Users { usernames, .. } => {
                self.require(!usernames.is_empty(), "usernames", "must not be empty");
                for username in usernames {
                    self.not_blank("usernames", username);
                }
            }
        }
    }

    fn attendee(&mut self, attendee: &NewAttendee) {
        // In both fields, the server treats an empty string as absent.
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (email, phone) = (said(&attendee.email), said(&attendee.phone_number));
        self.not_blank("attendee.name", &attendee.name);
        self.time_zone("attendee.timeZone", &attendee.time_zone);
        match &email {
            Some(email) => self.email("attendee.email", email),
            None => self.require(
                phone.is_some(),
                "attendee.email",
                "an e-mail address or a phone number is required",
            ),
        }
        if let Some(phone) = &phone {
            self.require(
                is_e164(phone),
                "attendee.phoneNumber",
                "must be in E.164 format: a plus sign and 7 to 15 digits",
            );
            // The server checks this, too.
            #[cfg(feature = "phone")]
            if let Ok(number) = phone.parse::<super::PhoneNumber>() {
                self.require(
                    super::numbering::is_possible(&number),
                    "attendee.phoneNumber",
                    "is not a possible number in its country: digits are missing, wrong or too many",
                );
            }
        }
        if let Some(language) = &attendee.language {
            self.require(
                LANGUAGES.contains(&language.as_str()),
                "attendee.language",
                "must be one of the languages that Cal.com supports, such as de or pt-BR",
            );
        }
    }

    fn metadata(&mut self, metadata: &Metadata) {
        self.require(
            metadata.len() <= MAX_METADATA_KEYS,
            "metadata",
            "must have at most 50 keys",
        );
        for (key, value) in metadata {
            if key.is_empty() {
                self.refuse("metadata", "must not contain an empty key");
            }
            if utf16_len(key) > MAX_METADATA_KEY {
                let message = "the key must have at most 40 characters (UTF-16 units)";
                self.refuse(metadata_field(key), message);
            }
            if utf16_len(value) > MAX_METADATA_VALUE {
                let message = "must have at most 500 characters (UTF-16 units)";
                self.refuse(metadata_field(key), message);
            }
        }
    }

    fn into_result(self) -> Result<(), InvalidRequest> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(InvalidRequest { violations: self.0 })
    }
}

impl NewBooking {
    /// Checks everything that can be checked without the server. The client does so before sending.
    ///
    /// The attendee must have a name, an e-mail address or a phone number, and an existing time
    /// zone. E-mail addresses, phone numbers and the language must have the format that the server
    /// accepts; with feature `phone`, a phone number must also be like those of its country.
    /// Metadata may have at most 50 keys of 1 to 40 characters and values of up to 500,
    /// counted in UTF-16 code units, as the server does. Lengths and counts must be greater than
    /// zero.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`], with every field that violates a rule.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let mut findings = Findings::default();
        findings.target(&self.event_type);
        findings.require(
            !matches!(self.event_type, EventTypeTarget::Users { .. }),
            "usernames",
            "cannot be booked through the API",
        );
        findings.attendee(&self.attendee);
        for (index, guest) in self.guests.iter().enumerate() {
            findings.email(&format!("guests[{index}]"), guest);
        }
        findings.positive("lengthInMinutes", self.length_in_minutes);
        findings.positive("recurrenceCount", self.recurrence_count);
        findings.metadata(&self.metadata);
        findings.into_result()
    }
}

impl RescheduleParams {
    /// Checks that no reason is given for a single seat, because the server accepts none there.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`], with the field.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let mut findings = Findings::default();
        let both = self.seat_uid.is_some() && self.rescheduling_reason.is_some();
        findings.require(
            !both,
            "reschedulingReason",
            "is not accepted for a single seat",
        );
        findings.into_result()
    }
}

impl BookingQuery {
    /// Checks that the page size is between 1 and 250.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`], with the field.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let mut findings = Findings::default();
        let fits = self.take.is_none_or(|take| (1..=MAX_TAKE).contains(&take));
        findings.require(fits, "take", "must be between 1 and 250");
        findings.into_result()
    }
}

impl SlotQuery {
    /// Checks that the end is not before the start, that the length is greater than zero, and that
    /// the time zone exists.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`], with every field that violates a rule.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let mut findings = Findings::default();
        findings.target(&self.target);
        findings.require(
            self.start <= self.end,
            "end",
            "must not be before the start",
        );
        findings.positive("duration", self.duration);
        if let Some(time_zone) = &self.time_zone {
            findings.time_zone("timeZone", time_zone);
        }
        findings.into_result()
    }
}

/// The length in UTF-16 code units, as JavaScript counts it on the server. An emoji counts as two.
fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Returns the path of a metadata entry.
///
/// Keys come from the program, but overlong ones are truncated and line breaks replaced.
fn metadata_field(key: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = key.chars().take(MAX_METADATA_KEY).map(printable).collect();
    if shown.len() < key.len() {
        shown.push('…');
    }
    format!("metadata.{shown}")
}

/// Cal.com's own rule, which is zod's and stricter than the RFC.
///
/// Before the `@`: ASCII letters, digits and `_+-.'`, without a dot at either end or two in a row.
/// After it: at least two labels, the last of which consists of letters only.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let in_local = |c: char| c.is_ascii_alphanumeric() || "_+-.'".contains(c);
    let dotted = local.starts_with('.') || local.ends_with('.') || text.contains("..");
    let Some((names, last)) = domain.rsplit_once('.') else {
        return false;
    };
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.len() <= MAX_EMAIL
        && !local.is_empty()
        && !dotted
        && local.chars().all(in_local)
        && names.split('.').all(is_name)
        && last.len() >= 2
        && last.chars().all(|c| c.is_ascii_alphabetic())
}

/// Checks against the names in the time zone database, including old ones, in any case, as
/// JavaScript does.
///
/// Only the names of `chrono-tz` are linked, which takes 17 kB. A time zone newer than its release
/// requires `cargo update`.
pub(crate) fn is_time_zone(name: &str) -> bool {
    name.parse::<chrono_tz::Tz>().is_ok()
        || chrono_tz::TZ_VARIANTS
            .iter()
            .any(|zone| zone.name().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventTypeId, SeatUid};
    use chrono::{DateTime, TimeDelta, Utc};

    fn start() -> DateTime<Utc> {
        "2026-12-08T09:00:00Z".parse().unwrap()
    }

    fn ann() -> NewAttendee {
        NewAttendee::new("Ann", "ann@example.com", "Europe/London".into())
    }

    fn of(attendee: NewAttendee) -> NewBooking {
        NewBooking::new(EventTypeId::new(2), start(), attendee)
    }

    fn fields(checked: Result<(), InvalidRequest>) -> Vec<String> {
        let invalid = checked.err().map(|invalid| invalid.violations);
        let violations = invalid.unwrap_or_default().into_iter();
        violations.map(|violation| violation.field).collect()
    }

    #[test]
    fn a_booking_with_what_is_always_needed_is_accepted() {
        assert_eq!(of(ann()).check(), Ok(()));
        let by_phone = NewAttendee::by_phone("Phil", "+4915123456789", "Europe/Berlin".into());
        assert_eq!(of(by_phone).check(), Ok(()));
    }

    #[test]
    fn an_attendee_needs_a_name_and_a_way_to_be_reached() {
        for name in ["", " ", "\t\n"] {
            let attendee = NewAttendee::new(name, "ann@example.com", "UTC".into());
            assert_eq!(fields(of(attendee).check()), ["attendee.name"]);
        }
        let mut unreachable = ann();
        unreachable.email = None;
        assert_eq!(fields(of(unreachable.clone()).check()), ["attendee.email"]);
        unreachable.email = Some(String::new());
        unreachable.phone_number = Some(String::new());
        assert_eq!(fields(of(unreachable.clone()).check()), ["attendee.email"]);
        unreachable.phone_number = Some("+4930123456".to_owned());
        assert_eq!(of(unreachable).check(), Ok(()));
    }

    #[test]
    fn e_mail_addresses_have_the_servers_form() {
        let longest = format!("{}@example.com", "a".repeat(242));
        for good in [
            "a@b.de",
            "Ann.O'Hara+x_y-z@mail.example.co.uk",
            "1@2.cc",
            "a@b-.c1.de",
            &longest,
        ] {
            assert!(is_email(good), "{good}");
        }
        let too_long = format!("a{longest}");
        for bad in [
            "",
            "@",
            "ann",
            "ann@",
            "@b.de",
            "ann@b",
            "ann@b.d",
            "ann@.de",
            "ann@b..de",
            "a..b@c.de",
            ".a@b.de",
            "a.@b.de",
            "a@b@c.de",
            "a b@c.de",
            " a@b.de",
            "a@b.de ",
            "ä@b.de",
            "a@bä.de",
            "a@-b.de",
            "a@b.d1",
            "a,b@c.de",
            "Ann <a@b.de>",
            &too_long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn guests_are_named_by_their_place() {
        let booking = of(ann())
            .with_guest("bob@example.com")
            .with_guest("bob")
            .with_guest("");
        assert_eq!(fields(booking.check()), ["guests[1]", "guests[2]"]);
    }

    #[test]
    fn phone_numbers_are_in_e_164() {
        for good in ["+1234567", "+491512345678901"[..16].as_ref()] {
            assert!(is_e164(good), "{good}");
        }
        for bad in [
            "",
            "+",
            "4930123456",
            "+123456",
            "+1234567890123456",
            "+0301234567",
            "+49 30 123456",
            "+49-30-123456",
            "0049301234567",
            "+49301234x",
            "+４９３０１２３４",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
        let booking = of(ann().with_phone_number("030 123"));
        assert_eq!(fields(booking.check()), ["attendee.phoneNumber"]);
    }

    #[cfg(feature = "phone")]
    #[test]
    fn phone_numbers_can_exist() {
        // Numbers that the server has accepted.
        for good in ["+4915112345678", "+4930123456"] {
            assert_eq!(of(ann().with_phone_number(good)).check(), Ok(()), "{good}");
        }
        for bad in ["+4912", "+49301", "+1234567", "+11234567890", "+9991234567"] {
            let booking = of(ann().with_phone_number(bad));
            assert_eq!(fields(booking.check()), ["attendee.phoneNumber"], "{bad}");
        }
    }

    #[test]
    fn time_zones_exist() {
        for good in [
            "UTC",
            "GMT",
            "Europe/Berlin",
            "europe/berlin",
            "Asia/Calcutta",
            "US/Pacific",
            "Etc/GMT+5",
            "America/Argentina/Buenos_Aires",
        ] {
            assert!(is_time_zone(good), "{good}");
        }
        for bad in [
            "",
            "Mars/Olympus",
            "CEST",
            "+01:00",
            "Europe/Berlin ",
            "Berlin",
            "Z",
        ] {
            assert!(!is_time_zone(bad), "{bad}");
        }
        let nowhere = NewAttendee::new("Ann", "ann@example.com", "Mars/Olympus".into());
        assert_eq!(fields(of(nowhere).check()), ["attendee.timeZone"]);
    }

    #[test]
    fn languages_are_the_servers() {
        for language in LANGUAGES {
            assert_eq!(of(ann().with_language(language)).check(), Ok(()));
        }
        for language in ["xx", "", "DE", "de-DE", "zh"] {
            let booking = of(ann().with_language(language));
            assert_eq!(fields(booking.check()), ["attendee.language"], "{language}");
        }
    }

    #[test]
    fn metadata_is_counted_as_the_server_counts() {
        let full = (0..50).fold(of(ann()), |booking, n| {
            // An emoji is two code units, so twenty of them are forty, and two hundred and fifty
            // are five hundred.
            let key = format!("{n:02}{}", "😀".repeat(19));
            booking.with_metadata(key, "😀".repeat(250))
        });
        assert_eq!(full.check(), Ok(()));
        assert_eq!(fields(full.with_metadata("k", "v").check()), ["metadata"]);

        let long = "k".repeat(41);
        let cut = format!("metadata.{}…", "k".repeat(40));
        assert_eq!(fields(of(ann()).with_metadata(long, "v").check()), [cut]);
        let emoji = format!("k{}", "😀".repeat(20));
        let field = format!("metadata.{emoji}");
        assert_eq!(fields(of(ann()).with_metadata(emoji, "v").check()), [field]);
        let booking = of(ann()).with_metadata("orderId", "v".repeat(501));
        assert_eq!(fields(booking.check()), ["metadata.orderId"]);
        let booking = of(ann()).with_metadata("", "v");
        assert_eq!(fields(booking.check()), ["metadata"]);
    }

    #[test]
    fn lengths_and_counts_are_above_zero() {
        let good = of(ann()).with_length(1).with_recurrence_count(1);
        assert_eq!(good.check(), Ok(()));
        let bad = of(ann()).with_length(0).with_recurrence_count(0);
        assert_eq!(fields(bad.check()), ["lengthInMinutes", "recurrenceCount"]);
    }

    #[test]
    fn slugs_are_not_empty() {
        let by_user = EventTypeTarget::User {
            event_type_slug: String::new(),
            username: String::new(),
            organization_slug: None,
        };
        let booking = NewBooking::new(by_user, start(), ann());
        assert_eq!(fields(booking.check()), ["eventTypeSlug", "username"]);
        let by_team = EventTypeTarget::Team {
            event_type_slug: "intro".to_owned(),
            team_slug: String::new(),
            organization_slug: None,
        };
        let booking = NewBooking::new(by_team, start(), ann());
        assert_eq!(fields(booking.check()), ["teamSlug"]);
    }

    #[test]
    fn a_seat_is_moved_without_a_reason() {
        let seat = || SeatUid::new("s");
        let moved = RescheduleParams::default();
        assert_eq!(moved.clone().with_reason("ill").check(), Ok(()));
        assert_eq!(moved.clone().with_seat(seat()).check(), Ok(()));
        let both = moved.with_seat(seat()).with_reason("ill");
        assert_eq!(fields(both.check()), ["reschedulingReason"]);
    }

    #[test]
    fn a_page_has_one_to_250_bookings() {
        let query = BookingQuery::default();
        assert_eq!(query.check(), Ok(()));
        for take in [1, 250] {
            assert_eq!(query.clone().with_take(take).check(), Ok(()));
        }
        for take in [0, 251, u32::MAX] {
            assert_eq!(fields(query.clone().with_take(take).check()), ["take"]);
        }
    }

    #[test]
    fn slots_are_asked_for_from_start_to_end() {
        let of = |end| SlotQuery::new(EventTypeId::new(2), start(), end);
        assert_eq!(of(start()).with_duration(1).check(), Ok(()));
        let turned = of(start() - TimeDelta::nanoseconds(1));
        let bad = turned.with_duration(0).with_time_zone("Mars/Olympus");
        assert_eq!(fields(bad.check()), ["end", "duration", "timeZone"]);
        let nobody = EventTypeTarget::user(" ", "");
        let nobody = SlotQuery::new(nobody, start(), start());
        assert_eq!(fields(nobody.check()), ["eventTypeSlug", "username"]);
    }

    #[test]
    fn an_error_names_fields_and_repeats_no_value() {
        let booking = of(NewAttendee::new(" ", "ann at home", "Mars/Olympus".into()))
            .with_guest("bob at work")
            .with_length(0)
            .with_metadata("orderId", "v".repeat(501));
        let invalid = booking.check().unwrap_err();
        let shown = format!("{invalid} {invalid:?}");
        for value in ["home", "work", "Mars", "vvv"] {
            assert!(!shown.contains(value), "{shown}");
        }
        let text = invalid.to_string();
        assert!(text.starts_with("attendee.name: must not be empty; attendee.timeZone: "));
        assert!(text.ends_with("; and 1 more"), "{text}");
    }
}
