//! Phone numbers as they were said.

use crate::model::PhoneNumber;

/// The number that digits mean in a country.
pub(super) fn read(digits: &str, _region: Option<&str>) -> Option<PhoneNumber> {
    let kept: String = digits
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    kept.parse().ok()
}
