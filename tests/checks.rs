//! The checks under whatever a caller may say: what they accept fits the server's limits, and what they refuse is named.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use calcom::model::{
    BookingQuery, EventTypeId, InvalidRequest, NewAttendee, NewBooking, SlotQuery, Violation,
};
use chrono::{DateTime, Utc};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        // Nothing is written next to the sources: a failing case prints its input.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn email() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_+'.-]{1,8}@[a-z0-9-]{1,5}\\.[a-z]{1,4}",
        "[a-z]{1,250}@example\\.com",
        ".{0,12}@?.{0,12}",
    ]
}

fn phone() -> impl Strategy<Value = String> {
    prop_oneof!["\\+?[0-9]{5,17}", ".{0,12}"]
}

fn time_zone() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Europe/Berlin".to_owned()),
        Just("UTC".to_owned()),
        "[A-Z][a-z]{2,6}/[A-Z][a-z]{2,8}",
        ".{0,12}",
    ]
}

fn attendee() -> impl Strategy<Value = NewAttendee> {
    let language = prop_oneof![Just("de".to_owned()), "[a-z]{2}(-[A-Z]{2})?"];
    (
        prop_oneof![" {0,2}", ".{0,8}"],
        option::of(email()),
        time_zone(),
        option::of(language),
        option::of(phone()),
    )
        .prop_map(|(name, email, time_zone, language, phone_number)| {
            let mut attendee = NewAttendee::new(name, "", time_zone.into());
            attendee.email = email;
            attendee.language = language;
            attendee.phone_number = phone_number;
            attendee
        })
}

/// Good ones and bad ones, so that either outcome is common.
fn booking() -> impl Strategy<Value = NewBooking> {
    let good = Just(NewAttendee::new(
        "Ann",
        "ann@example.com",
        "Europe/London".into(),
    ));
    let key = prop_oneof!["[a-z]{1,8}", "k{38,42}", "😀{19,21}", ".{0,3}"];
    let value = prop_oneof![".{0,8}", "v{499,502}", "😀{249,251}"];
    (
        prop_oneof![good, attendee()],
        vec(email(), 0..2),
        prop_oneof![
            btree_map(key, value, 0..3),
            btree_map("[a-z0-9]{6}", "v", 48..53)
        ],
        option::of(0_u32..3),
        option::of(0_u32..3),
    )
        .prop_map(|(attendee, guests, metadata, length, count)| {
            let mut booking = NewBooking::new(EventTypeId::new(2), start(), attendee);
            booking.guests = guests;
            booking.metadata = metadata;
            booking.length_in_minutes = length;
            booking.recurrence_count = count;
            booking
        })
}

fn start() -> DateTime<Utc> {
    "2026-12-08T09:00:00Z".parse().unwrap()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn names(checked: &Result<(), InvalidRequest>) -> Vec<&str> {
    let violations = checked.as_ref().err().map(InvalidRequest::violations);
    let violations = violations.unwrap_or_default().iter();
    violations.map(Violation::field).collect()
}

/// As published: the address as the server's own pattern describes it, told in another way than the check does.
fn fits_email(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    let [local, domain] = parts[..] else {
        return false;
    };
    let labels: Vec<&str> = domain.split('.').collect();
    units(text) <= 254
        && !local.is_empty()
        && local.split('.').all(|part| !part.is_empty())
        && local
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+-.'".contains(&b))
        && labels.len() >= 2
        && labels
            .iter()
            .all(|label| !label.is_empty() && !label.starts_with('-'))
        && domain
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
        && labels
            .last()
            .is_some_and(|l| l.len() >= 2 && l.bytes().all(|b| b.is_ascii_alphabetic()))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_booking_is_accepted_exactly_if_it_fits_the_limits(booking in booking()) {
        let checked = booking.check();
        let named = names(&checked);
        let attendee = &booking.attendee;
        let email = attendee.email.as_deref().filter(|email| !email.is_empty());
        let phone = attendee.phone_number.as_deref().filter(|phone| !phone.is_empty());

        let says = |field: &str| named.contains(&field);
        prop_assert_eq!(says("attendee.name"), attendee.name.trim().is_empty());
        let email_fits = email.map_or(phone.is_some(), fits_email);
        prop_assert_eq!(says("attendee.email"), !email_fits, "{:?}", email);
        let digits = phone.map(|phone| phone.trim_start_matches('+').len());
        if digits.is_some_and(|digits| !(7..=15).contains(&digits)) {
            prop_assert!(says("attendee.phoneNumber"));
        }
        for (index, guest) in booking.guests.iter().enumerate() {
            prop_assert_eq!(says(&format!("guests[{index}]")), !fits_email(guest), "{}", guest);
        }
        prop_assert_eq!(says("lengthInMinutes"), booking.length_in_minutes == Some(0));
        prop_assert_eq!(says("recurrenceCount"), booking.recurrence_count == Some(0));
        let too_many = booking.metadata.len() > 50 || booking.metadata.contains_key("");
        prop_assert_eq!(says("metadata"), too_many);
        let oversized = booking.metadata.iter().filter(|(key, value)| units(key) > 40 || units(value) > 500);
        prop_assert_eq!(
            named.iter().any(|field| field.starts_with("metadata.")),
            oversized.count() > 0
        );
        if checked.is_ok() {
            prop_assert!(email.is_some() || phone.is_some());
            prop_assert!(attendee.time_zone.as_str().is_ascii() && !attendee.time_zone.as_str().is_empty());
        }
    }

    #[test]
    fn what_is_refused_repeats_no_value(secret in "[a-z]{8,12}") {
        let attendee = NewAttendee::new(" ", format!("#{secret}"), format!("Nowhere/{secret}").into())
            .with_phone_number(format!("#{secret}"))
            .with_language(format!("#{secret}"));
        let booking = NewBooking::new(EventTypeId::new(2), start(), attendee)
            .with_guest(format!("#{secret}"))
            .with_metadata("k", secret.repeat(100));
        let invalid = booking.check().unwrap_err();
        prop_assert_eq!(invalid.violations().len(), 7);
        let shown = format!("{invalid} {invalid:?}");
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn a_page_is_accepted_exactly_from_1_to_250(take in prop_oneof![0_u32..300, any::<u32>()]) {
        let checked = BookingQuery::default().with_take(take).check();
        prop_assert_eq!(checked.is_ok(), (1..=250).contains(&take));
    }

    #[test]
    fn slots_are_accepted_exactly_forwards(apart in -3_i64..3, duration in 0_u32..3) {
        let end = start() + chrono::TimeDelta::seconds(apart);
        let query = SlotQuery::new(EventTypeId::new(2), start(), end).with_duration(duration);
        let checked = query.check();
        let named = names(&checked);
        prop_assert_eq!(named.contains(&"end"), apart < 0);
        prop_assert_eq!(named.contains(&"duration"), duration == 0);
    }
}
