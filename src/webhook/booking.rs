//! Deliveries about bookings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::fields::event;
use super::people::{
    EventAppStatus, EventAttendee, EventHost, EventRecurrence, EventResponse, EventTeam,
};
use crate::model::{BookingId, BookingUid, EventTypeId, SeatUid, UserId, open_enum};

open_enum! {
    /// The booking status in deliveries, which differs from the API's in case.
    EventStatus {
        /// Confirmed.
        Accepted = "ACCEPTED",
        /// Awaiting confirmation.
        Pending = "PENDING",
        /// Cancelled.
        Cancelled = "CANCELLED",
        /// Declined.
        Rejected = "REJECTED",
    }
}

event! {
    /// A booking as a delivery describes it: a hint, built when the delivery was sent. Read the
    /// booking to know its state.
    ///
    /// Texts are as they were sent; clean them with [`clean_line`](crate::model::clean_line) or
    /// [`clean_text`](crate::model::clean_text) before showing them. One-time passwords are not
    /// kept. Only the uid is required; which other fields are present depends on the trigger, and a
    /// value that is not of its field's type is in `extra`. Fields marked as documented are in
    /// Cal.com's webhook documentation of 2026 and were not observed.
    BookingEvent shows [uid, reschedule_uid, status, start_time]
    requires (
        /// The booking; after a reschedule, the new one.
        uid: BookingUid = "uid"
    ) {
        /// The booking's id.
        booking_id: BookingId = "bookingId",
        /// The status.
        status: EventStatus = "status",
        /// The title, such as `Intro between Hanna Host and Ann Attendee`.
        title: String = "title",
        /// The slug of the event type, or its title where there is none.
        event_type_slug: String = "type",
        /// The event type's id.
        event_type_id: EventTypeId = "eventTypeId",
        /// The event type's title.
        event_title: String = "eventTitle",
        /// The event type's description.
        event_description: String = "eventDescription",
        /// The description; the additional notes where there is none.
        description: String = "description",
        /// The booker's notes.
        additional_notes: String = "additionalNotes",
        /// The start.
        start_time: DateTime<Utc> = "startTime",
        /// The end.
        end_time: DateTime<Utc> = "endTime",
        /// The event type's length in minutes.
        length: i64 = "length",
        /// The host.
        organizer: EventHost = "organizer",
        /// The attendees, the booker first. A delivery about a seat has that seat's attendee only.
        attendees: Vec<EventAttendee> = "attendees",
        /// The team, for team event types.
        team: EventTeam = "team",
        /// The hosts newly assigned by a reassignment (documented).
        added_host_user_ids: Vec<UserId> = "addedHostUserIds",
        /// The hosts removed by a reassignment (documented).
        removed_host_user_ids: Vec<UserId> = "removedHostUserIds",
        /// How hosts are chosen, such as `ROUND_ROBIN`; absent for a user's own event types.
        scheduling_type: String = "schedulingType",
        /// The place: an address, a phone number, a link, or an app such as `integrations:daily`.
        location: String = "location",
        /// The place before a change of location (documented).
        previous_location: String = "previousLocation",
        /// The video call's room (documented).
        video_call_data: Value = "videoCallData",
        /// The request to a conferencing app.
        conference_data: Value = "conferenceData",
        /// The calendar that the booking is written to: a list or an object.
        destination_calendar: Value = "destinationCalendar",
        /// The outcome in connected apps.
        apps_status: Vec<EventAppStatus> = "appsStatus",
        /// The answers to the booking fields, by the field's slug.
        responses: BTreeMap<String, EventResponse> = "responses",
        /// The answers to the booking fields that the event type's owner added.
        user_fields_responses: BTreeMap<String, EventResponse> = "userFieldsResponses",
        /// The older form of answers; empty in all recorded deliveries.
        custom_inputs: Value = "customInputs",
        /// The booking's metadata. Present for created, requested and rescheduled bookings; absent
        /// for cancelled, rejected and confirmed ones. May gain a `videoCallUrl`, sometimes empty.
        metadata: Map<String, Value> = "metadata",
        /// How the series repeats, for one booking of a series.
        recurring_event: EventRecurrence = "recurringEvent",
        /// The seat concerned; such a body names that one attendee only.
        attendee_seat_id: SeatUid = "attendeeSeatId",
        /// The number of seats per slot.
        seats_per_time_slot: i64 = "seatsPerTimeSlot",
        /// Whether the attendees of seats see each other.
        seats_show_attendees: bool = "seatsShowAttendees",
        /// Whether the number of free seats is shown.
        seats_show_availability_count: bool = "seatsShowAvailabilityCount",
        /// Whether the event type's bookings wait for confirmation.
        requires_confirmation: bool = "requiresConfirmation",
        /// Whether the notes are hidden in the calendar.
        hide_calendar_notes: bool = "hideCalendarNotes",
        /// Whether the details are hidden in the calendar.
        hide_calendar_event_details: bool = "hideCalendarEventDetails",
        /// Whether the organizer's address is hidden.
        hide_organizer_email: bool = "hideOrganizerEmail",
        /// Whether the booker may not reschedule.
        disable_rescheduling: bool = "disableRescheduling",
        /// Whether the booker may not cancel.
        disable_cancelling: bool = "disableCancelling",
        /// The reply-to address for e-mails.
        custom_reply_to_email: String = "customReplyToEmail",
        /// The address of the booking pages.
        booker_url: String = "bookerUrl",
        /// The organization's id (documented).
        organization_id: i64 = "organizationId",
        /// The calendar identity, the same along a chain of reschedules; absent from most
        /// reschedules.
        ical_uid: String = "iCalUID",
        /// The sequence number of the calendar entry. Does not order deliveries.
        ical_sequence: i64 = "iCalSequence",
        /// The attendees' calendar invitation (documented, payload version 2026-07-27).
        attendee_ics_content: String = "attendeeIcsContent",
        /// The organizer's calendar invitation (documented, payload version 2026-07-27).
        organizer_ics_content: String = "organizerIcsContent",
        /// The id of the booking that this one replaced.
        reschedule_id: BookingId = "rescheduleId",
        /// The booking that this one replaced.
        reschedule_uid: BookingUid = "rescheduleUid",
        /// The start of the replaced booking.
        reschedule_start_time: DateTime<Utc> = "rescheduleStartTime",
        /// The end of the replaced booking.
        reschedule_end_time: DateTime<Utc> = "rescheduleEndTime",
        /// Who rescheduled it, by e-mail address (documented).
        rescheduled_by: String = "rescheduledBy",
        /// Set if the attendee was asked to choose another time, which arrives as a cancellation
        /// (documented).
        request_reschedule: bool = "requestReschedule",
        /// The cancellation reason; may be empty. Also present on live bookings: it does not mean
        /// that the booking is cancelled.
        cancellation_reason: String = "cancellationReason",
        /// Who cancelled it, by e-mail address (documented).
        cancelled_by: String = "cancelledBy",
        /// The starts of the cancelled occurrences of a series (documented).
        cancelled_dates: Vec<String> = "cancelledDates",
        /// The rejection reason; may be empty.
        rejection_reason: String = "rejectionReason",
        /// The price, in the currency's smallest unit.
        price: i64 = "price",
        /// The currency's code, such as `usd`.
        currency: String = "currency",
        /// The payment's id (documented).
        payment_id: i64 = "paymentId",
        /// The payment, as Cal.com keeps it (documented).
        payment_data: Value = "paymentData",
        /// The number that text messages go to (documented).
        sms_reminder_number: String = "smsReminderNumber",
    }
}

event! {
    /// An attendee was marked as absent, or no longer is.
    NoShowEvent shows [booking_uid]
    requires (
        /// The booking. The body has no `uid`.
        booking_uid: BookingUid = "bookingUid"
    ) {
        /// The booking's id.
        booking_id: BookingId = "bookingId",
        /// The attendees concerned: their e-mail address and `no_show`.
        attendees: Vec<EventAttendee> = "attendees",
        /// A description in English, such as `ann@example.com marked as no-show`.
        message: String = "message",
    }
}
