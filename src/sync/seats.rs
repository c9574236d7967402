//! Seats: the engine treats each as a booking of its own, named `booking#seat`.
//!
//! Cal.com keeps one booking for all participants, with one attendee per seat. These functions split
//! it: a seat has one attendee, its own metadata and its own answers, and counts as cancelled once
//! nobody holds it. The links of one booking's seats share a [series](crate::store::Link::series), so
//! that when one ends the engine looks at the others.

use sha2::{Digest, Sha256};

use crate::model::{Attendee, Booking, BookingStatus, BookingUid, RecurringBookingUid, SeatUid};

/// The series that the links of a booking's seats share.
pub(super) fn group_of(booking: &BookingUid) -> RecurringBookingUid {
    RecurringBookingUid::new(format!("seats:{booking}"))
}

/// One seat as a booking. A seat that nobody holds is cancelled.
pub(crate) fn seat_of(whole: &Booking, seat: &SeatUid) -> Booking {
    let holds = |attendee: &&Attendee| attendee.seat_uid.as_ref() == Some(seat);
    let holder = whole.attendees.iter().find(holds).cloned();
    let mut one = whole.clone();
    one.uid = whole.uid.with_seat(seat);
    one.recurring_booking_uid = Some(group_of(&whole.uid));
    one.seat_uid = None;
    // All seats of a booking share it.
    one.ics_uid = None;
    one.rescheduled_from_uid = None;
    one.rescheduled_to_uid = None;
    one.guests.clear();
    if holder.is_none() && one.is_live() {
        one.status = BookingStatus::Cancelled;
    }
    one.metadata = holder.as_ref().and_then(|holder| holder.metadata.clone());
    let responses = holder.as_ref();
    one.booking_fields_responses = responses.and_then(|h| h.booking_fields_responses.clone());
    one.attendees = holder.into_iter().map(without_seat).collect();
    one
}

fn without_seat(mut attendee: Attendee) -> Attendee {
    attendee.seat_uid = None;
    attendee.metadata = None;
    attendee.booking_fields_responses = None;
    attendee
}

/// The seats of a booking, or the booking itself if it has none.
pub(crate) fn seats_of(booking: Booking) -> Vec<Booking> {
    if !booking.is_seated() {
        return vec![booking];
    }
    let seats = booking
        .attendees
        .iter()
        .filter_map(|attendee| attendee.seat_uid.clone());
    let mut seats: Vec<SeatUid> = seats.collect();
    seats.dedup();
    seats.iter().map(|seat| seat_of(&booking, seat)).collect()
}

/// The response to a write: the seat that it names, or else the booking itself. A moved seat points
/// back to where it was.
pub(super) fn answered(booking: Booking, moved_from: Option<&BookingUid>) -> Booking {
    match booking.seat_uid.clone() {
        Some(seat) => {
            let mut one = seat_of(&booking, &seat);
            one.rescheduled_from_uid = moved_from.cloned();
            one
        }
        None => booking,
    }
}

/// The seat of the same person in the booking that replaced a whole one.
pub(super) fn same_seat(whole: &Booking, seat: &SeatUid, next: &Booking) -> Option<SeatUid> {
    let keeps = |attendee: &&Attendee| attendee.seat_uid.as_ref() == Some(seat);
    if next.attendees.iter().any(|attendee| keeps(&attendee)) {
        return Some(seat.clone());
    }
    let holder = whole.attendees.iter().find(keeps)?;
    let is_same = |other: &&Attendee| other.email.eq_ignore_ascii_case(&holder.email);
    next.attendees.iter().find(is_same)?.seat_uid.clone()
}

/// Whether a booking that has ended may have been cancelled with this reason. A seat is given up
/// without one, and bears only the reason for which the whole booking was cancelled.
pub(super) fn may_bear(ended: &Booking, reason: &str) -> bool {
    match &ended.cancellation_reason {
        Some(given) => given == reason,
        None => ended.uid.seat().is_some(),
    }
}

/// Identifies an attendee's seat within a claim without revealing the address.
pub(super) fn fingerprint_of(booking: &BookingUid, email: &str) -> String {
    let mut digest = Sha256::new_with_prefix("calcom seat\n");
    digest.update(booking.as_str().as_bytes());
    digest.update(b"\n");
    digest.update(email.trim().to_lowercase().as_bytes());
    hex::encode(&digest.finalize()[..8])
}

/// Whether one of the seats named by a claim is still held.
pub(super) fn holds_one_of(booking: &Booking, fingerprints: &[String]) -> bool {
    let mut held = booking.attendees.iter();
    held.any(|attendee| fingerprints.contains(&fingerprint_of(&booking.uid, &attendee.email)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn course(seats: &[(&str, &str)]) -> Booking {
        let attendees: Vec<_> = seats
            .iter()
            .map(|(seat, email)| {
                json!({
                    "name": email, "email": email, "timeZone": "UTC", "absent": false, "seatUid": seat,
                    "metadata": {"ref": seat}, "bookingFieldsResponses": {"name": email},
                })
            })
            .collect();
        let booking = json!({
            "id": 1, "uid": "course", "status": "accepted", "start": "2027-01-14T09:00:00Z",
            "end": "2027-01-14T10:00:00Z", "eventTypeId": 6, "hosts": [], "icsUid": "c@Cal.com",
            "attendees": attendees,
        });
        serde_json::from_value(booking).unwrap()
    }

    #[test]
    fn each_seat_is_a_booking_of_one_attendee() {
        let whole = course(&[("s1", "sam@example.com"), ("s2", "tess@example.com")]);
        let seats = seats_of(whole.clone());
        let uids: Vec<_> = seats.iter().map(|seat| seat.uid.as_str()).collect();
        assert_eq!(uids, ["course#s1", "course#s2"]);
        assert_eq!(seats[1].attendees[0].email, "tess@example.com");
        assert_eq!(seats[1].metadata_str("ref"), Some("s2"));
        assert_eq!(seats[1].ics_uid, None);
        assert!(!seats[1].is_seated() && seats[1].is_live());
        let given_up = seat_of(&whole, &SeatUid::new("s3"));
        assert!(!given_up.is_live() && given_up.attendees.is_empty());
        assert!(whole.is_live());
    }

    #[test]
    fn a_booking_without_seats_stays_whole() {
        let mut whole = course(&[]);
        whole.ics_uid = Some("c@Cal.com".to_owned());
        assert_eq!(seats_of(whole.clone()), [whole.clone()]);
        assert_eq!(answered(whole.clone(), None), whole);
    }

    #[test]
    fn who_moves_with_the_whole_booking_is_found_again() {
        let before = course(&[("s1", "sam@example.com"), ("s2", "tess@example.com")]);
        let after = course(&[("n1", "Tess@example.com"), ("s1", "sam@example.com")]);
        let found = |seat: &str| same_seat(&before, &SeatUid::new(seat), &after);
        assert_eq!(found("s1"), Some(SeatUid::new("s1")));
        assert_eq!(found("s2"), Some(SeatUid::new("n1")));
        assert_eq!(found("s9"), None);
    }

    #[test]
    fn a_seat_is_given_up_without_a_reason() {
        let mut whole = course(&[("s1", "sam@example.com")]);
        let given_up = seat_of(&whole, &SeatUid::new("s2"));
        assert!(may_bear(&given_up, "ours"));
        whole.status = BookingStatus::Cancelled;
        assert!(!may_bear(&whole, "ours"));
        whole.cancellation_reason = Some("teacher ill".to_owned());
        let with_all = seat_of(&whole, &SeatUid::new("s1"));
        assert!(!may_bear(&with_all, "ours"));
        assert!(may_bear(&with_all, "teacher ill"));
    }

    #[test]
    fn a_claim_tells_whose_seat_has_gone() {
        let whole = course(&[("s1", "sam@example.com")]);
        let claimed = |email: &str| vec![fingerprint_of(&whole.uid, email)];
        assert!(holds_one_of(&whole, &claimed("Sam@Example.com")));
        assert!(!holds_one_of(&whole, &claimed("tess@example.com")));
    }
}
