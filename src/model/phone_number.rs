//! Phone numbers in E.164.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A phone number in E.164: a plus sign and 7 to 15 digits, the first of which is not 0. `Debug` does
/// not show it.
///
/// The shape alone is checked. Whether a number can exist in its country, and numbers as people write
/// them, take the feature `phone`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(smol_str::SmolStr);

/// A text that is no phone number in E.164. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a phone number in E.164 is a plus sign and 7 to 15 digits")]
#[non_exhaustive]
pub struct NotE164;

impl PhoneNumber {
    /// The number, as in `+4930123456`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text has the shape of a phone number in E.164.
///
/// The server also checks the numbering plans; here that takes the feature `phone`.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

impl FromStr for PhoneNumber {
    type Err = NotE164;

    fn from_str(text: &str) -> Result<Self, NotE164> {
        match is_e164(text) {
            true => Ok(Self(smol_str::SmolStr::new(text))),
            false => Err(NotE164),
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shape_of_e164_is_accepted() {
        for number in ["+4930123456", "+12025550123", "+1234567"] {
            assert_eq!(number.parse::<PhoneNumber>().unwrap().as_str(), number);
        }
        for other in [
            "",
            "030123456",
            "+0301234567",
            "+123456",
            "+1234567890123456",
            "+49 30 1234",
            "+49٣٠١٢٣٤",
        ] {
            assert_eq!(other.parse::<PhoneNumber>(), Err(NotE164), "{other}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let number: PhoneNumber = "+4930123456".parse().unwrap();
        assert_eq!(format!("{number:?}"), "[private]");
    }
}
