//! Phone numbers as they were said.

use crate::model::{PhoneNumber, Region};

/// The number that digits mean in a country.
pub(super) fn read(digits: &str, region: Option<&str>) -> Option<PhoneNumber> {
    let region: Option<Region> = region.and_then(|region| region.parse().ok());
    PhoneNumber::parse(digits, region).ok()
}
