//! Deliveries about meetings and what they leave behind. None of these was recorded: the shapes are
//! those of Cal.com's webhook documentation of 2026
//! (<https://cal.com/docs/developing/guides/automation/webhooks>).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::booking::EventStatus;
use super::fields::{event, part};
use super::people::{EventAppStatus, EventAttendee, EventHost, EventResponse};
use crate::model::{BookingId, BookingUid, EventTypeId, UserId};

event! {
    /// The scheduled start or end of a booking was reached: `MEETING_STARTED`, `MEETING_ENDED`.
    /// Documented, not observed.
    ///
    /// The body is flat: the booking's fields are at its top level, and `created_at` is when the
    /// booking was made. It says nothing about who actually attends.
    MeetingEvent shows [uid, status, start_time] {
        /// The booking.
        uid: BookingUid = "uid",
        /// The booking's id.
        booking_id: BookingId = "id",
        /// The status.
        status: EventStatus = "status",
        /// The title.
        title: String = "title",
        /// The description.
        description: String = "description",
        /// The event type's id.
        event_type_id: EventTypeId = "eventTypeId",
        /// The start.
        start_time: DateTime<Utc> = "startTime",
        /// The end.
        end_time: DateTime<Utc> = "endTime",
        /// When the booking was last updated.
        updated_at: DateTime<Utc> = "updatedAt",
        /// The place.
        location: String = "location",
        /// The host's id.
        user_id: UserId = "userId",
        /// The host's e-mail address.
        user_primary_email: String = "userPrimaryEmail",
        /// The host.
        user: EventHost = "user",
        /// The attendees.
        attendees: Vec<EventAttendee> = "attendees",
        /// The answers to the booking fields, by the field's slug.
        responses: BTreeMap<String, EventResponse> = "responses",
        /// The older form of answers.
        custom_inputs: Value = "customInputs",
        /// The booking's metadata.
        metadata: Map<String, Value> = "metadata",
        /// Whether it is paid.
        paid: bool = "paid",
        /// The payments.
        payment: Vec<Value> = "payment",
        /// The booking in connected apps.
        references: Vec<Value> = "references",
        /// The outcome in connected apps.
        apps_status: Vec<EventAppStatus> = "appsStatus",
        /// The cancellation reason.
        cancellation_reason: String = "cancellationReason",
        /// Who cancelled it, by e-mail address.
        cancelled_by: String = "cancelledBy",
        /// The rejection reason.
        rejection_reason: String = "rejectionReason",
        /// Whether it was replaced by another booking.
        rescheduled: bool = "rescheduled",
        /// The booking that it replaced.
        from_reschedule: BookingUid = "fromReschedule",
        /// Who rescheduled it, by e-mail address.
        rescheduled_by: String = "rescheduledBy",
        /// The series that it belongs to.
        recurring_event_id: String = "recurringEventId",
        /// Whether the host is marked as absent.
        no_show_host: bool = "noShowHost",
        /// Whether it was recorded.
        is_recorded: bool = "isRecorded",
        /// The rating that the attendee gave.
        rating: i64 = "rating",
        /// The attendee's feedback.
        rating_feedback: String = "ratingFeedback",
        /// The number that text messages go to.
        sms_reminder_number: String = "smsReminderNumber",
        /// The calendar identity.
        ical_uid: String = "iCalUID",
        /// The sequence number of the calendar entry.
        ical_sequence: i64 = "iCalSequence",
        /// Where the booking was made, such as `WEBAPP`.
        creation_source: String = "creationSource",
    }
}

part! {
    /// Where a transcript can be fetched in one format. The link is a credential; `Debug` does not
    /// show it.
    TranscriptLink shows [] {
        /// The format: `json`, `srt`, `txt`, `vtt`.
        format: String = "format",
        /// The address, signed and short-lived.
        link: String = "link",
    }
}

part! {
    /// Where a recording and its transcripts can be fetched. The links are credentials; `Debug`
    /// does not show them.
    DownloadLinks shows [] {
        /// The transcripts, one for each format.
        transcription: Vec<TranscriptLink> = "transcription",
        /// The recording's address, with a token in it.
        recording: String = "recording",
    }
}

event! {
    /// A recording or its transcript is available: `RECORDING_READY`,
    /// `RECORDING_TRANSCRIPTION_GENERATED`. Documented, not observed.
    ///
    /// Whoever has a link can fetch what it points to; `Debug` shows none.
    RecordingEvent shows [uid, start_time] {
        /// The booking.
        uid: BookingUid = "uid",
        /// The booking's id.
        booking_id: BookingId = "bookingId",
        /// The title.
        title: String = "title",
        /// The event type's slug or title.
        event_type_slug: String = "type",
        /// The booking's start.
        start_time: DateTime<Utc> = "startTime",
        /// The booking's end.
        end_time: DateTime<Utc> = "endTime",
        /// The host.
        organizer: EventHost = "organizer",
        /// The attendees.
        attendees: Vec<EventAttendee> = "attendees",
        /// The reply-to address for e-mails.
        custom_reply_to_email: String = "customReplyToEmail",
        /// The recording's address, with a token in it; on `RECORDING_READY`.
        download_link: String = "downloadLink",
        /// The addresses of recording and transcripts; on `RECORDING_TRANSCRIPTION_GENERATED`.
        download_links: DownloadLinks = "downloadLinks",
    }
}

event! {
    /// A party did not join a Cal Video call in time: `AFTER_HOSTS_CAL_VIDEO_NO_SHOW`,
    /// `AFTER_GUESTS_CAL_VIDEO_NO_SHOW`. Documented, not observed.
    VideoNoShowEvent shows [booking_uid, start_time] {
        /// The booking. The body has no `uid`.
        booking_uid: BookingUid = "bookingUid",
        /// The booking's id.
        booking_id: BookingId = "bookingId",
        /// The title.
        title: String = "title",
        /// The booking's start.
        start_time: DateTime<Utc> = "startTime",
        /// The booking's end.
        end_time: DateTime<Utc> = "endTime",
        /// The attendees.
        attendees: Vec<EventAttendee> = "attendees",
        /// The guests that did not join.
        guests: Vec<EventAttendee> = "guests",
        /// The e-mail address of the host that did not join.
        host_email: String = "hostEmail",
        /// Whether the host is marked as absent.
        no_show_host: bool = "noShowHost",
        /// Who was in the call.
        participants: Value = "participants",
        /// The event type: numbers of its own, of its team and of its parent.
        event_type: Value = "eventType",
        /// The subscription that this delivery belongs to.
        webhook: Value = "webhook",
        /// A description in English that includes the host's e-mail address.
        message: String = "message",
    }
}

event! {
    /// An attendee is waiting for a host in an instant meeting: `INSTANT_MEETING`. Documented, not
    /// observed.
    ///
    /// Whoever has the address can join as the host; `Debug` does not show it.
    InstantMeetingEvent shows [uid, event_type_id] {
        /// The booking.
        uid: BookingUid = "uid",
        /// The event type's id.
        event_type_id: EventTypeId = "eventTypeId",
        /// The event type's title.
        event_type_title: String = "eventTypeTitle",
        /// The answers to the booking fields, by the field's slug: plain values here.
        responses: Map<String, Value> = "responses",
        /// The older form of answers.
        custom_inputs: Value = "customInputs",
        /// Where a host joins, with a token in it.
        connect_and_join_url: String = "connectAndJoinUrl",
    }
}
