//! Phone numbers as people write them.

use calcom::model::{PhoneNumber, Region};

use super::Input;

/// Two bytes name the region; the rest is what was written.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let letters = [input.byte(), input.byte()];
    let region: Option<Region> = String::from_utf8_lossy(&letters).parse().ok();
    let text = String::from_utf8_lossy(input.rest());
    // E.164 that is in no numbering plan can be shown, too.
    if let Ok(number) = text.parse::<PhoneNumber>() {
        let _ = (number.national(), number.international(), number.region());
    }
    let Ok(number) = PhoneNumber::parse(&text, region) else {
        return;
    };
    assert!(number.is_valid(), "{text} in {region:?}");
    for shown in [number.as_str(), &number.international()] {
        let again = PhoneNumber::parse(shown, region);
        assert_eq!(again.as_ref(), Ok(&number), "{text} in {region:?}: {shown}");
    }
    let _ = (number.national(), number.region());
    assert!(!format!("{number:?}").contains(number.as_str()));
}
