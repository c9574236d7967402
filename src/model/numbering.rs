//! Phone numbers as people write and say them, by the numbering plans of all countries.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, Type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::phone_number::PhoneNumber;

/// The longest text that is read, in bytes. A number with all that people put between its digits is a
/// third of it.
const LONGEST_TEXT: usize = 128;
/// A number of 15 digits, and a prefix for dialling abroad.
const MOST_DIGITS: usize = 20;
/// The longest code of a country, in digits.
const LONGEST_CODE: usize = 3;

/// A country or territory with a numbering plan of its own, by its two letters in ISO 3166: `DE`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region(Id);

/// A text that names no region. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a region is given by the two letters of ISO 3166, such as DE")]
#[non_exhaustive]
pub struct UnknownRegion;

impl Region {
    /// Its two letters, in capitals.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    /// Small letters are as good as capital ones.
    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(UnknownRegion);
        }
        let id = text.to_ascii_uppercase().parse().ok();
        // A region without a plan would be of no use.
        let id = id.filter(|id: &Id| DATABASE.by_id(id.as_ref()).is_some());
        id.map(Self).ok_or(UnknownRegion)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is no phone number. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PhoneError {
    /// There is no digit in it.
    #[error("there is no digit in it")]
    Empty,
    /// It is longer than any phone number.
    #[error("it is longer than any phone number")]
    TooLong,
    /// It contains something besides digits and what people put between them, such as a letter.
    #[error("it contains characters other than digits and separators")]
    NotDigits,
    /// It is written without a country, and no region is known.
    #[error("it begins with no country code, and no region is given")]
    NoCountry,
    /// There is no such number in the numbering plan of its country, or no such country.
    #[error("there is no such number: digits are missing, wrong or too many")]
    Invalid,
}

impl PhoneNumber {
    /// Reads a number as people write it, or as they say it, in digits: `030 / 12 34 56`,
    /// `+49 (0) 30 123456`, `0049 30 123456`. Without a country code it is a number of the region.
    ///
    /// Spaces, dashes, slashes, dots and brackets may be anywhere, and digits may be those of other
    /// scripts. Letters are refused, extensions too. That a number can exist does not say that it does.
    ///
    /// The first call in a process loads the numbering plans of all countries, and keeps its thread busy for
    /// as long: 150 ms, or 2 s in a build without optimization. A program that answers callers makes one
    /// when it starts.
    ///
    /// ```
    /// use calcom::model::{PhoneError, PhoneNumber, Region};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let germany: Region = "DE".parse()?;
    /// let number = PhoneNumber::parse("030 / 12 34 56", Some(germany))?;
    /// assert_eq!(number.as_str(), "+4930123456");
    /// assert_eq!(number.national(), "030 123456");
    /// assert_eq!(number.international(), "+49 30 123456");
    /// assert_eq!(number.region(), Some(germany));
    /// assert_eq!(PhoneNumber::parse("030 / 12 34 56", None), Err(PhoneError::NoCountry));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PhoneError`], which says what is wrong.
    pub fn parse(text: &str, region: Option<Region>) -> Result<Self, PhoneError> {
        let written = Written::read(text)?;
        if !written.is_international {
            // Whoever writes 00 means the country code that comes next, whatever is dialled there.
            let abroad = written.digits.strip_prefix("00");
            let Some(region) = region else {
                let abroad = abroad.ok_or(PhoneError::NoCountry)?;
                return with_country(abroad).ok_or(PhoneError::Invalid);
            };
            let found = in_region(&written.digits, region);
            let found = found.or_else(|| with_country(abroad?));
            return found.ok_or(PhoneError::Invalid);
        }
        let found = with_country(&written.digits);
        let found = found.or_else(|| with_country(written.without_trunk_zero.as_deref()?));
        found.ok_or(PhoneError::Invalid)
    }

    /// Whether the number can exist in its country's numbering plan.
    pub fn is_valid(&self) -> bool {
        plan_of(self.digits(), is_of_plan).is_some()
    }

    /// The number as it is written within its country: `030 123456`. In E.164, if it is not
    /// [valid](Self::is_valid).
    pub fn national(&self) -> String {
        self.written(Mode::National)
    }

    /// The number as it is written for abroad: `+49 30 123456`. In E.164, if it is not
    /// [valid](Self::is_valid).
    pub fn international(&self) -> String {
        self.written(Mode::International)
    }

    /// The country or territory that the number belongs to; `None` if it is not
    /// [valid](Self::is_valid), or of no country.
    pub fn region(&self) -> Option<Region> {
        let plan = plan_of(self.digits(), is_of_plan)?;
        plan.id().parse().ok().map(Region)
    }

    fn digits(&self) -> &str {
        self.as_str().trim_start_matches('+')
    }

    fn written(&self, mode: Mode) -> String {
        let mut text = String::new();
        // Its `Display` fails for a country that it does not know.
        let is_written =
            known(self).is_some_and(|known| write!(text, "{}", known.format().mode(mode)).is_ok());
        if is_written {
            text
        } else {
            self.as_str().to_owned()
        }
    }
}

/// The digits of a text.
struct Written {
    digits: String,
    /// A plus sign comes before them.
    is_international: bool,
    /// The digits without a zero that stands in brackets by itself, if there is one.
    without_trunk_zero: Option<String>,
}

impl Written {
    fn read(text: &str) -> Result<Self, PhoneError> {
        if text.len() > LONGEST_TEXT {
            return Err(PhoneError::TooLong);
        }
        let mut digits = String::new();
        let mut is_international = false;
        let mut bracket = None;
        let mut trunk_zero = None;
        for c in text.chars() {
            if let Some(digit) = digit(c) {
                digits.push(digit);
                continue;
            }
            match c {
                '+' | '\u{ff0b}' if digits.is_empty() && !is_international => {
                    is_international = true;
                }
                '(' | '[' | '\u{ff08}' => bracket = Some(digits.len()),
                ')' | ']' | '\u{ff09}' => {
                    if let Some(begin) = bracket.take()
                        && begin > 0
                        && digits.get(begin..) == Some("0")
                    {
                        trunk_zero = Some(begin);
                    }
                }
                c if is_between(c) => {}
                _ => return Err(PhoneError::NotDigits),
            }
        }
        if digits.is_empty() {
            return Err(PhoneError::Empty);
        }
        if digits.len() > MOST_DIGITS {
            return Err(PhoneError::TooLong);
        }
        let without_trunk_zero = trunk_zero.map(|zero| {
            let mut digits = digits.clone();
            digits.remove(zero);
            digits
        });
        Ok(Self {
            digits,
            is_international,
            without_trunk_zero,
        })
    }
}

/// A decimal digit, in Latin, full-width, Arabic or Persian figures, as a Latin one.
fn digit(c: char) -> Option<char> {
    const ZEROS: [char; 4] = ['0', '\u{ff10}', '\u{660}', '\u{6f0}'];
    ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        char::from_digit(value, 10)
    })
}

/// What people, and programs that they copy from, put between digits.
fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '/' | '.' | ',' | '_' | '~' | '\'' | '\u{ad}' | '\u{b7}'
                // Dashes, bullets and the slash of fractions.
                | '\u{2010}'..='\u{2015}' | '\u{2022}' | '\u{2044}' | '\u{2212}' | '\u{30fc}'
                | '\u{ff0d}'..='\u{ff0f}'
                // Marks that are not seen: of direction, and of zero width.
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// The number that these digits are after a plus sign. A prefix that is dialled within the country only,
/// such as a zero, is taken out.
fn with_country(digits: &str) -> Option<PhoneNumber> {
    if plan_of(digits, is_of_plan).is_some() {
        return e164(digits);
    }
    let (plans, national) = plans_of(digits)?;
    let code = digits.strip_suffix(national)?;
    plans.into_iter().find_map(|plan| {
        let prefix = plan
            .national_prefix()
            .filter(|prefix| prefix.starts_with('0'))?;
        let national = national.strip_prefix(prefix)?;
        is_of_plan(plan, national).then(|| e164(&format!("{code}{national}")))?
    })
}

/// The number that these digits are for somebody who dials them in a region.
fn in_region(digits: &str, region: Region) -> Option<PhoneNumber> {
    let plan = DATABASE.by_id(region.as_str())?;
    let of_region = |national: &str| {
        let is_of_plan = is_of_plan(plan, national);
        is_of_plan.then(|| e164(&format!("{}{national}", plan.country_code())))?
    };
    let prefix = plan.national_prefix();
    let dialled = prefix.and_then(|prefix| digits.strip_prefix(prefix));
    dialled
        .and_then(of_region)
        // The library knows how to dial abroad, and area codes that are left out.
        .or_else(|| by_library(region, digits))
        .or_else(|| of_region(digits))
}

/// What the library makes of digits that are dialled in a region.
fn by_library(region: Region, digits: &str) -> Option<PhoneNumber> {
    let parsed = phonenumber::parse(Some(region.0), digits).ok()?;
    let number = format!("{}{}", parsed.country().code(), parsed.national());
    plan_of(&number, is_of_plan)?;
    e164(&number)
}

fn e164(digits: &str) -> Option<PhoneNumber> {
    format!("+{digits}").parse().ok()
}

/// The plans of the countries that share the code with which a number begins, the main country's first,
/// and the rest of the number.
fn plans_of(digits: &str) -> Option<(Vec<&'static Metadata>, &str)> {
    // No code is the beginning of another one.
    (1..=LONGEST_CODE).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        Some((DATABASE.by_code(&code)?, digits.get(length..)?))
    })
}

/// The plan that a number belongs to.
fn plan_of(digits: &str, belongs: fn(&Metadata, &str) -> bool) -> Option<&'static Metadata> {
    let (plans, national) = plans_of(digits)?;
    plans.into_iter().find(|plan| belongs(plan, national))
}

/// Whether a plan has a number of this kind.
fn is_of_plan(plan: &Metadata, national: &str) -> bool {
    const KINDS: [Type; 10] = [
        Type::FixedLine,
        Type::Mobile,
        Type::TollFree,
        Type::PremiumRate,
        Type::SharedCost,
        Type::PersonalNumber,
        Type::Voip,
        Type::Pager,
        Type::Uan,
        Type::Voicemail,
    ];
    let descriptors = plan.descriptors();
    if !descriptors.general().is_match(national) {
        return false;
    }
    let mut kinds = KINDS.iter().filter_map(|kind| descriptors.get(*kind));
    kinds.any(|kind| kind.is_match(national))
}

/// Whether a number has the shape of those of its country. That is less than to be
/// [valid](PhoneNumber::is_valid), and changes less often than the plans do.
pub(super) fn is_possible(number: &PhoneNumber) -> bool {
    let is_match =
        |plan: &Metadata, national: &str| plan.descriptors().general().is_match(national);
    plan_of(number.digits(), is_match).is_some()
}

/// The library's number for this one.
fn known(number: &PhoneNumber) -> Option<phonenumber::PhoneNumber> {
    let parsed = phonenumber::parse(None, number.as_str()).ok()?;
    // Where a number begins with the prefix that is dialled within its country, the library takes that out.
    let is_same = format!("{}{}", parsed.country().code(), parsed.national()) == number.digits();
    (is_same && number.is_valid()).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region(text: &str) -> Option<Region> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, in_region, expected) in [
            ("+4930123456", "", "+4930123456"),
            ("030 / 12 34 56", "DE", "+4930123456"),
            ("(030) 123-456", "DE", "+4930123456"),
            ("+49 (0) 30 123456", "", "+4930123456"),
            ("+49 (0)30 123456", "AT", "+4930123456"),
            ("(+49) 30.123.456", "", "+4930123456"),
            ("0049 30 123456", "", "+4930123456"),
            ("0049 30 123456", "DE", "+4930123456"),
            ("0049 30 123456", "US", "+4930123456"),
            ("011 49 30 123456", "US", "+4930123456"),
            ("0 1 7 0 1 2 3 4 5 6 7", "DE", "+491701234567"),
            ("0170\u{2013}1234567\u{202c}", "DE", "+491701234567"),
            ("\u{ff10}\u{ff13}\u{ff10} 123456", "DE", "+4930123456"),
            ("0676 1234567", "AT", "+436761234567"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("+39 (0)6 1234 5678", "", "+390612345678"),
            ("+34 (0) 912 345 678", "", "+34912345678"),
            ("06 31 96 65 43", "FR", "+33631966543"),
            ("(650) 253-0000", "US", "+16502530000"),
            ("1 650 253 0000", "US", "+16502530000"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("8 800 555 35 35", "RU", "+78005553535"),
            ("8 (495) 123-45-67", "RU", "+74951234567"),
            ("+41 44 668 18 00", "DE", "+41446681800"),
            ("00 41 44 668 18 00", "DE", "+41446681800"),
        ] {
            let read = PhoneNumber::parse(text, region(in_region));
            let read = read.map(|number| number.to_string());
            assert_eq!(read.as_deref(), Ok(expected), "{text} in {in_region}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_apart() {
        let long = "1".repeat(LONGEST_TEXT + 1);
        for (text, in_region, expected) in [
            ("", "DE", PhoneError::Empty),
            (" - ", "DE", PhoneError::Empty),
            ("+", "", PhoneError::Empty),
            ("030 123456", "", PhoneError::NoCountry),
            ("Anna", "DE", PhoneError::NotDigits),
            ("0800 FLOWERS", "DE", PhoneError::NotDigits),
            ("030 123456 ext. 7", "DE", PhoneError::NotDigits),
            ("030 123456 #7", "DE", PhoneError::NotDigits),
            ("030+123456", "DE", PhoneError::NotDigits),
            ("++4930123456", "", PhoneError::NotDigits),
            ("+49 30 123456; +49 30 123457", "", PhoneError::NotDigits),
            ("110", "DE", PhoneError::Invalid),
            ("0", "DE", PhoneError::Invalid),
            ("00", "", PhoneError::Invalid),
            ("+49 1", "", PhoneError::Invalid),
            ("+99912345678", "", PhoneError::Invalid),
            ("+1 555 0100", "", PhoneError::Invalid),
            ("+1 123 456 7890", "", PhoneError::Invalid),
            ("123456789012345678", "DE", PhoneError::Invalid),
            ("123456789012345678901", "DE", PhoneError::TooLong),
            (&long, "DE", PhoneError::TooLong),
        ] {
            let read = PhoneNumber::parse(text, region(in_region));
            assert_eq!(read, Err(expected), "{text} in {in_region}");
        }
    }

    #[test]
    fn a_number_is_shown_for_its_country_and_for_abroad() {
        for (number, national, international, in_region) in [
            ("+4930123456", "030 123456", "+49 30 123456", "DE"),
            ("+16502530000", "(650) 253-0000", "+1 650-253-0000", "US"),
            ("+390612345678", "06 1234 5678", "+39 06 1234 5678", "IT"),
        ] {
            let number: PhoneNumber = number.parse().unwrap();
            assert_eq!(number.national(), national);
            assert_eq!(number.international(), international);
            assert_eq!(number.region(), region(in_region));
            assert!(number.is_valid());
        }
        // It has the shape alone.
        let other: PhoneNumber = "+9991234567".parse().unwrap();
        assert!(!other.is_valid());
        assert_eq!(other.region(), None);
        assert_eq!(other.national(), "+9991234567");
        assert_eq!(other.international(), "+9991234567");
    }

    #[test]
    fn every_example_in_the_plans_can_exist() {
        let mut count = 0;
        let mut wrong = Vec::new();
        for plan in DATABASE.iter() {
            let kinds = [Type::FixedLine, Type::Mobile, Type::TollFree, Type::Voip];
            let kinds = kinds
                .iter()
                .filter_map(|kind| plan.descriptors().get(*kind));
            for national in kinds.filter_map(|kind| kind.example()) {
                let text = format!("+{}{national}", plan.country_code());
                let number: PhoneNumber = text.parse().unwrap();
                count += 1;
                if !number.is_valid() || !is_possible(&number) {
                    wrong.push(text.clone());
                }
                if PhoneNumber::parse(&text, None).as_ref() != Ok(&number) {
                    wrong.push(format!("{text} as it is"));
                }
                let within = PhoneNumber::parse(&number.national(), number.region());
                if number.region().is_some() && within.as_ref() != Ok(&number) {
                    wrong.push(format!("{} in {:?}", number.national(), number.region()));
                }
            }
        }
        assert!(count > 500, "{count} examples");
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn regions_are_those_of_iso_3166() {
        assert_eq!("de".parse::<Region>().unwrap().as_str(), "DE");
        for other in ["", "D", "DEU", "XX", "49", "D\u{c9}", "\u{df}"] {
            assert_eq!(other.parse::<Region>(), Err(UnknownRegion), "{other}");
        }
        let json = serde_json::to_string(&region("AT")).unwrap();
        assert_eq!(json, "\"AT\"");
        let read: Region = serde_json::from_str(&json).unwrap();
        assert_eq!(Some(read), region("AT"));
    }

    /// Every region that there is.
    fn regions() -> Vec<Region> {
        let letters = || 'A'..='Z';
        let pairs = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
        pairs.filter_map(|pair| pair.parse().ok()).collect()
    }

    /// What holds for whatever is read.
    fn holds(text: &str, in_region: Option<Region>) {
        let Ok(number) = PhoneNumber::parse(text, in_region) else {
            return;
        };
        assert!(number.is_valid(), "{text} in {in_region:?}");
        // What is shown is read again as the same number.
        let again = PhoneNumber::parse(number.as_str(), None);
        assert_eq!(again.as_ref(), Ok(&number), "{text} in {in_region:?}");
        let shown = number.international();
        let again = PhoneNumber::parse(&shown, in_region);
        assert_eq!(
            again.as_ref(),
            Ok(&number),
            "{text} in {in_region:?}: {shown}"
        );
        let _ = (number.national(), number.region());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", at in 0..300_usize) {
            let all = regions();
            holds(&text, all.get(at).copied());
        }

        #[test]
        fn any_digits_are_read_or_refused(text in "\\+?[0-9 ()/-]{2,22}", at in 0..300_usize) {
            let all = regions();
            holds(&text, all.get(at).copied());
        }

        #[test]
        fn the_methods_of_any_number_answer(text in "\\+[1-9][0-9]{6,14}") {
            let number: PhoneNumber = text.parse().unwrap();
            let _ = (number.national(), number.international(), number.region());
        }
    }
}
