//! Converts a booking into the state that is compared.

use super::SYNC_KEY_METADATA;
use crate::model::{Booking, BookingStatus, clean_line, clean_text};
use crate::store::{
    AppointmentState, AppointmentStatus, ChainKey, Notes, Person, Place, Reason, ReviewReason,
};

/// The slug of the booking field for the attendee's notes, which every event type has.
pub(super) const NOTES_FIELD: &str = "notes";

/// The keys of a booking's metadata that the engine, or Cal.com itself, has set.
pub(super) const OWN_METADATA: [&str; 2] = [SYNC_KEY_METADATA, "videoCallUrl"];

/// A booking's state in the host's terms. What a booking no longer has (an attendee, a deleted
/// event type) is taken from the last known state.
///
/// # Errors
///
/// The review reason if the booking cannot be expressed in those terms.
pub(super) fn project(
    booking: &Booking,
    known: Option<&AppointmentState>,
) -> Result<AppointmentState, ReviewReason> {
    let status = match &booking.status {
        BookingStatus::Accepted => AppointmentStatus::Confirmed,
        BookingStatus::Pending | BookingStatus::AwaitingHost => AppointmentStatus::Pending,
        BookingStatus::Cancelled => AppointmentStatus::Cancelled,
        BookingStatus::Rejected => AppointmentStatus::Declined,
        BookingStatus::Other(_) => return Err(ReviewReason::UnknownStatus),
    };
    if booking.is_seated() {
        return Err(ReviewReason::SeatedBooking);
    }
    let attendee = booking.attendees.first().map(Person::from);
    let attendee = attendee.or_else(|| known.map(|known| known.attendee.clone()));
    // Of a seat that was given up before it was known, nothing is left.
    let is_given_up = booking.uid.seat().is_some() && !booking.is_live();
    let attendee = attendee.or_else(|| is_given_up.then(|| Person::new("", "", "UTC")));
    let event_type = booking
        .event_type_id()
        .or_else(|| known.map(|known| known.event_type));
    let (Some(attendee), Some(event_type)) = (attendee, event_type) else {
        // A live booking of nobody or of nothing; seats that were all given up look like this too.
        return Err(ReviewReason::SeatedBooking);
    };
    let mut state = AppointmentState::new(status, booking.start, booking.end, event_type, attendee);
    state.host = booking.hosts.first().and_then(|host| host.id);
    let location = booking.location.as_deref().map(clean_line);
    let location = location.filter(|location| !location.is_empty());
    state.location = location.map(|location| Place::new(location.into_owned()));
    state.guests = Some(booking.guests.iter().collect());
    let responses = booking.booking_fields_responses.as_ref();
    let notes = responses.and_then(|responses| responses.get_str(NOTES_FIELD));
    state.notes = notes.map(|notes| Notes::new(clean_text(notes).into_owned()));
    state.absent = booking.attendees.first().map(|attendee| attendee.absent);
    state.responses = responses.map(|responses| responses.clone().into());
    state.metadata = booking.metadata.as_ref().map(|metadata| {
        let texts = metadata
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?)));
        let of_host = texts.filter(|(key, _)| !OWN_METADATA.contains(key));
        of_host
            .map(|(key, value)| (clean_line(key), clean_text(value)))
            .collect()
    });
    Ok(match known {
        Some(known) => state.keeping_details_of(known),
        None => state,
    })
}

/// Why a booking ended or was moved, if somebody said so. Live bookings can carry a cancellation
/// reason.
pub(super) fn reason_of(booking: &Booking) -> Option<Reason> {
    let reason = if booking.is_live() {
        booking.rescheduling_reason.as_deref()
    } else {
        booking.cancellation_reason.as_deref()
    };
    let reason = reason
        .map(clean_text)
        .filter(|reason| !reason.trim().is_empty());
    reason.map(|reason| Reason::new(reason.into_owned()))
}

/// The booking's chain key: `icsUid` stays the same across reschedules.
pub(super) fn chain_key(booking: &Booking) -> ChainKey {
    let key = booking.ics_uid.as_deref().filter(|uid| !uid.is_empty());
    ChainKey::new(key.unwrap_or_else(|| booking.uid.as_str()))
}
