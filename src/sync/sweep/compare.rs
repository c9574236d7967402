//! Whether what a sweep meets differs from the books: pure functions.

use chrono::{DateTime, Utc};

use crate::model::{Booking, BookingStatus, BookingUid};
use crate::store::{Appointment, AppointmentState, AppointmentStatus, DeliveryClaim, Link, Origin};
use crate::sync::notices::FoundBy;
use crate::sync::standing::Standing;
use crate::sync::state::project;

/// What the books hold about a booking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Books<'a> {
    pub(super) link: &'a Link,
    /// `None` if the link cannot be decoded.
    pub(super) standing: Option<&'a Standing>,
    pub(super) found_by: FoundBy,
}

/// What a booking that was met has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BookingSays {
    /// Nothing that the books do not know.
    Nothing,
    /// Look here.
    Look(DeliveryClaim),
    /// Look at the booking that replaced this one, unless the books know it.
    LookAhead(BookingUid),
}

/// Compares a booking with the books.
pub(super) fn booking_says(booking: &Booking, books: Option<Books<'_>>) -> BookingSays {
    let is_live = booking.is_live();
    let Some(books) = books else {
        // One that nobody knew and that has ended is nothing to create.
        return if is_live {
            BookingSays::Look(claim(booking, None))
        } else {
            BookingSays::Nothing
        };
    };
    let Some(standing) = books.standing else {
        return BookingSays::Look(claim(booking, None));
    };
    // What replaced it is the state of the chain, however this one ended.
    let next = booking.rescheduled_to_uid.as_ref();
    let next = next.filter(|next| !is_live && books.link.booking.as_ref() != Some(*next));
    if books.link.booking.as_ref() == Some(&booking.uid) {
        return match (next, &standing.base) {
            (Some(next), _) => BookingSays::LookAhead(next.clone()),
            (None, None) => BookingSays::Look(claim(booking, None)),
            (None, Some(base)) => match project(booking, Some(&base.remote)) {
                Ok(state) if state.changes_since(&base.remote).is_empty() => BookingSays::Nothing,
                _ => BookingSays::Look(claim(booking, Some(&base.remote))),
            },
        };
    }
    let is_on_record = |uids: &[BookingUid]| uids.contains(&booking.uid);
    if is_on_record(&standing.rivals) || is_on_record(&standing.late) {
        // It is read along with the link's own until it has ended.
        return if is_live {
            BookingSays::Nothing
        } else {
            BookingSays::Look(claim(booking, None))
        };
    }
    if is_live {
        return BookingSays::Look(claim(booking, None));
    }
    match (next, books.found_by) {
        (Some(next), _) => BookingSays::LookAhead(next.clone()),
        // The link is not known to have gone beyond it.
        (None, FoundBy::Predecessor) => BookingSays::Look(claim(booking, None)),
        (None, FoundBy::Uid | FoundBy::Chain) if books.link.booking.is_none() => {
            BookingSays::Look(claim(booking, None))
        }
        (None, FoundBy::Uid | FoundBy::Chain) => BookingSays::Nothing,
    }
}

/// What a notice about a booking claims. Nothing, if the claim would pass for an echo of what is
/// known: then the difference lies in what a claim does not hold, and the booking has to be read.
fn claim(booking: &Booking, known: Option<&AppointmentState>) -> DeliveryClaim {
    let status = match &booking.status {
        BookingStatus::Accepted => AppointmentStatus::Confirmed,
        BookingStatus::Pending | BookingStatus::AwaitingHost => AppointmentStatus::Pending,
        BookingStatus::Cancelled => AppointmentStatus::Cancelled,
        BookingStatus::Rejected => AppointmentStatus::Declined,
        BookingStatus::Other(_) => return DeliveryClaim::default(),
    };
    let passes_for_an_echo = known.is_some_and(|known| {
        let millis = |instant: DateTime<Utc>| instant.timestamp_millis();
        status == known.status
            && millis(booking.start) == millis(known.start)
            && millis(booking.end) == millis(known.end)
    });
    if passes_for_an_echo || booking.is_seated() {
        return DeliveryClaim::default();
    }
    DeliveryClaim::new(status, Some(booking.start), Some(booking.end))
}

/// Whether a change of an appointment has to be recorded, as far as the books' pair tells. Whether
/// this very revision was recorded before is for the outbox to say.
pub(super) fn appointment_differs(
    appointment: &Appointment,
    link: Option<(&Link, Option<&Standing>)>,
) -> bool {
    let state = &appointment.state;
    match link {
        // One that has ended and was never booked is nothing to book. One that was made for a
        // booking has one, which the books have lost.
        None => state.status.is_live() || appointment.chain.is_some(),
        Some((_, Some(standing))) => match &standing.base {
            Some(base) => !state.changes_since(&base.local).is_empty(),
            // The engine's own creation, which the link has yet to hear of.
            None if standing.creating_appointment => appointment.origin != Origin::Calcom,
            None => true,
        },
        Some((_, None)) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::{LinkId, Revision};
    use crate::sync::standing::Base;

    fn booking(uid: &str, more: &Value) -> Booking {
        let mut json = json!({
            "id": 1, "uid": uid, "status": "accepted", "eventTypeId": 7,
            "start": "2026-12-08T09:00:00Z", "end": "2026-12-08T09:30:00Z",
            "attendees": [{"name": "Ann", "email": "ann@example.com", "timeZone": "UTC"}],
        });
        for (key, value) in more.as_object().unwrap() {
            json[key] = value.clone();
        }
        serde_json::from_value(json).unwrap()
    }

    fn plain(uid: &str) -> Booking {
        booking(uid, &json!({}))
    }

    fn ended(uid: &str, next: Option<&str>) -> Booking {
        booking(
            uid,
            &json!({"status": "cancelled", "rescheduledToUid": next}),
        )
    }

    fn link(uid: &str) -> (Link, Standing) {
        let mut link = Link::new("salon".into(), LinkId::new(1));
        link.booking = Some(uid.into());
        let state = project(&plain(uid), None).unwrap();
        let standing = Standing {
            base: Some(Base::new(state.clone(), state)),
            ..Standing::default()
        };
        (link, standing)
    }

    fn says_of(booking: &Booking, (link, standing): &(Link, Standing)) -> BookingSays {
        found(booking, (link, standing), FoundBy::Uid)
    }

    fn found(booking: &Booking, known: (&Link, &Standing), found_by: FoundBy) -> BookingSays {
        let books = Books {
            link: known.0,
            standing: Some(known.1),
            found_by,
        };
        booking_says(booking, Some(books))
    }

    fn is_look(says: &BookingSays) -> bool {
        matches!(says, BookingSays::Look(_))
    }

    #[test]
    fn what_the_books_know_says_nothing() {
        assert_eq!(says_of(&plain("a"), &link("a")), BookingSays::Nothing);
        let mut over = link("a");
        let base = over.1.base.as_mut().unwrap();
        base.remote.status = AppointmentStatus::Declined;
        assert_eq!(says_of(&ended("a", None), &over), BookingSays::Nothing);
    }

    #[test]
    fn a_difference_is_looked_at_with_what_it_claims() {
        let moved = booking("a", &json!({"start": "2026-12-08T09:10:00Z"}));
        let says = says_of(&moved, &link("a"));
        let BookingSays::Look(claim) = says else {
            panic!("{says:?}");
        };
        assert_eq!(claim.status, Some(AppointmentStatus::Confirmed));
        assert_eq!(claim.start, Some(moved.start));
        let BookingSays::Look(claim) = says_of(&ended("a", None), &link("a")) else {
            panic!("a cancellation was not told");
        };
        assert_eq!(claim.status, Some(AppointmentStatus::Cancelled));
    }

    /// The turn takes a delivery that claims what the base holds for an echo, and does not read.
    #[test]
    fn a_difference_that_no_claim_holds_claims_nothing() {
        let attendees = json!([{"name": "Bob", "email": "bob@example.com", "timeZone": "UTC"}]);
        let other = booking("a", &json!({"attendees": attendees}));
        let nothing = BookingSays::Look(DeliveryClaim::default());
        assert_eq!(says_of(&other, &link("a")), nothing);
    }

    #[test]
    fn unknown_bookings_are_looked_at_if_they_live() {
        assert!(is_look(&booking_says(&plain("a"), None)));
        let unknown_status = booking("a", &json!({"status": "awaiting_moon"}));
        let look = BookingSays::Look(DeliveryClaim::default());
        assert_eq!(booking_says(&unknown_status, None), look);
        assert_eq!(booking_says(&ended("a", None), None), BookingSays::Nothing);
        assert_eq!(
            booking_says(&ended("a", Some("b")), None),
            BookingSays::Nothing
        );
    }

    #[test]
    fn a_replaced_booking_speaks_for_its_successor() {
        let says = says_of(&ended("a", Some("b")), &link("a"));
        assert_eq!(says, BookingSays::LookAhead("b".into()));
        // The link has gone there already.
        let says = says_of(&ended("a", Some("b")), &link("b"));
        assert_eq!(says, BookingSays::Nothing);
        let (link, standing) = link("a");
        let known = (&link, &standing);
        let successor = plain("b");
        assert!(is_look(&found(&successor, known, FoundBy::Predecessor)));
        let says = found(&ended("b", None), known, FoundBy::Predecessor);
        assert!(is_look(&says));
        let says = found(&ended("b", Some("c")), known, FoundBy::Predecessor);
        assert_eq!(says, BookingSays::LookAhead("c".into()));
    }

    #[test]
    fn another_live_booking_of_a_pair_is_looked_at_until_it_is_on_record() {
        let mut known = link("a");
        assert!(is_look(&says_of(&plain("b"), &known)));
        assert_eq!(says_of(&ended("b", None), &known), BookingSays::Nothing);
        known.1.rivals = vec!["b".into()];
        assert_eq!(says_of(&plain("b"), &known), BookingSays::Nothing);
        assert!(is_look(&says_of(&ended("b", None), &known)));
    }

    #[test]
    fn a_link_that_holds_nothing_of_cal_com_is_looked_at() {
        let (mut link, _) = link("a");
        let empty = Standing::default();
        assert!(is_look(&found(&plain("a"), (&link, &empty), FoundBy::Uid)));
        link.booking = None;
        let known = (&link, &empty);
        assert!(is_look(&found(&ended("a", None), known, FoundBy::Chain)));
        let damaged = Books {
            link: &link,
            standing: None,
            found_by: FoundBy::Uid,
        };
        assert!(is_look(&booking_says(&plain("a"), Some(damaged))));
    }

    #[test]
    fn an_appointment_is_told_if_it_differs_from_its_pair() {
        let (link, mut standing) = link("a");
        let state = project(&plain("a"), None).unwrap();
        let at = state.start;
        let mut appointment =
            Appointment::new("a-1".into(), Revision::FIRST, Origin::Phone, state, at);
        let differs = appointment_differs;
        assert!(!differs(&appointment, Some((&link, Some(&standing)))));
        assert!(differs(&appointment, None));
        assert!(differs(&appointment, Some((&link, None))));
        appointment.state.status = AppointmentStatus::Cancelled;
        assert!(differs(&appointment, Some((&link, Some(&standing)))));
        assert!(!differs(&appointment, None), "it was never booked");
        let made_for_a_booking = appointment.clone().with_chain(Some("chain".into()));
        assert!(differs(&made_for_a_booking, None));
        standing.base = None;
        assert!(differs(&appointment, Some((&link, Some(&standing)))));
        standing.creating_appointment = true;
        appointment.origin = Origin::Calcom;
        assert!(!differs(&appointment, Some((&link, Some(&standing)))));
    }
}
