//! Locations: the host's text as Cal.com's typed location.

use crate::model::{BookingLocation, Location};
use crate::store::Place;

/// What a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Link,
    Phone,
    Address,
}

fn kind_of(text: &str) -> Kind {
    let is_link = text.starts_with("https://") || text.starts_with("http://");
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_phone = (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_link {
        Kind::Link
    } else if is_phone {
        Kind::Phone
    } else {
        Kind::Address
    }
}

/// The location that a booking is moved to: a link, a phone number in E.164 format, or else an
/// address.
pub(super) fn location_of(place: &Place) -> BookingLocation {
    let text = place.as_str().trim();
    match kind_of(text) {
        Kind::Link => BookingLocation::link(text),
        Kind::Phone => BookingLocation::phone(text),
        Kind::Address => BookingLocation::address(text),
    }
}

/// The location of a new booking, if the event type offers it: one of its own, or one that the
/// attendee is to name. Cal.com refuses any other.
pub(super) fn offered_location(place: &Place, offered: &[Location]) -> Option<BookingLocation> {
    let text = place.as_str().trim();
    let own = offered.iter().find_map(|location| match location {
        Location::Address { address, .. } if address == text => {
            Some(BookingLocation::event_type_address())
        }
        Location::Link { link, .. } if link == text => Some(BookingLocation::event_type_link()),
        Location::Phone { phone, .. } if phone == text => Some(BookingLocation::event_type_phone()),
        Location::Integration { integration, .. } if integration == text => {
            Some(BookingLocation::integration(text))
        }
        _ => None,
    });
    own.or_else(|| {
        offered
            .iter()
            .find_map(|location| match (location, kind_of(text)) {
                (Location::AttendeePhone, Kind::Phone) => {
                    Some(BookingLocation::attendee_phone(text))
                }
                (Location::AttendeeAddress, Kind::Address) => {
                    Some(BookingLocation::attendee_address(text))
                }
                (Location::AttendeeDefined, _) => Some(BookingLocation::attendee_defined(text)),
                _ => None,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_the_location_that_it_looks_like() {
        let kind = |text: &str| location_of(&text.into()).kind().to_owned();
        assert_eq!(kind("https://meet.example.com/hanna"), "link");
        assert_eq!(kind("+4930123456"), "phone");
        assert_eq!(kind("Hauptstr. 1, Berlin"), "address");
        assert_eq!(kind("+49 Street"), "address");
    }

    #[test]
    fn a_new_booking_names_only_what_is_offered() {
        let offered = [
            Location::address("Hauptstr. 1, Berlin"),
            Location::link("https://meet.example.com/hanna"),
            Location::integration("cal-video"),
            Location::AttendeePhone,
        ];
        let chosen = |text: &str| offered_location(&text.into(), &offered);
        assert_eq!(
            chosen("Hauptstr. 1, Berlin"),
            Some(BookingLocation::event_type_address())
        );
        assert_eq!(
            chosen("cal-video"),
            Some(BookingLocation::integration("cal-video"))
        );
        assert_eq!(
            chosen("+4930123456"),
            Some(BookingLocation::attendee_phone("+4930123456"))
        );
        assert_eq!(chosen("Nebenstr. 2"), None);
        assert_eq!(
            offered_location(&"Nebenstr. 2".into(), &[Location::AttendeeAddress]),
            Some(BookingLocation::attendee_address("Nebenstr. 2"))
        );
    }
}
