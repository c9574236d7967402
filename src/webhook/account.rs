//! Deliveries about things other than bookings. None of these was recorded: the shapes are those of
//! Cal.com's webhook documentation of 2026
//! (<https://cal.com/docs/developing/guides/automation/webhooks>), and that of `PING` is in its
//! source (`testTrigger.handler.ts`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fields::{event, part};
use super::people::{EventAttendee, EventHost, EventResponse};
use crate::model::TeamId;

event! {
    /// A routing form was submitted: `FORM_SUBMITTED`, `FORM_SUBMITTED_NO_EVENT`,
    /// `ROUTING_FORM_FALLBACK_HIT`. Documented, not observed; of the last one only the name is.
    ///
    /// For older receivers, `FORM_SUBMITTED` repeats the answers beside the payload: they are in
    /// `root`, by question.
    FormEvent shows [team_id, response_id] {
        /// The form.
        form_id: String = "formId",
        /// Its name.
        form_name: String = "formName",
        /// The team that it belongs to.
        team_id: TeamId = "teamId",
        /// The submission's id.
        response_id: i64 = "responseId",
        /// The answers, by question: `response`, and `value` for older receivers.
        responses: BTreeMap<String, EventResponse> = "responses",
        /// Where the form sent the visitor: `{type, value}`.
        redirect: Value = "redirect",
    }
}

part! {
    /// The reason for an absence.
    OutOfOfficeReason shows [] {
        /// An emoji.
        emoji: String = "emoji",
        /// The reason, or the key of its translation, such as `ooo_reasons_vacation`.
        reason: String = "reason",
    }
}

part! {
    /// An absence from the office.
    OutOfOfficeEntry shows [id, start, end] {
        /// The entry's id.
        id: i64 = "id",
        /// Its uid.
        uuid: String = "uuid",
        /// The start.
        start: DateTime<Utc> = "start",
        /// The end.
        end: DateTime<Utc> = "end",
        /// When it was created.
        created_at: DateTime<Utc> = "createdAt",
        /// When it was last updated.
        updated_at: DateTime<Utc> = "updatedAt",
        /// The notes.
        notes: String = "notes",
        /// The reason.
        reason: OutOfOfficeReason = "reason",
        /// The reason's id.
        reason_id: i64 = "reasonId",
        /// The absent user.
        user: EventHost = "user",
        /// The substitute, if any.
        to_user: EventHost = "toUser",
    }
}

event! {
    /// An out-of-office entry was created: `OOO_CREATED`. Documented, not observed.
    OutOfOfficeEvent shows [entry] {
        /// The absence.
        entry: OutOfOfficeEntry = "oooEntry",
    }
}

event! {
    /// The test that Cal.com's settings page sends: `PING`. Its booking does not exist, and has no
    /// uid. Read from Cal.com's source, not observed.
    PingEvent shows [] {
        /// `Test`.
        event_type_slug: String = "type",
        /// `Test trigger event`.
        title: String = "title",
        /// Empty.
        description: String = "description",
        /// When it was sent.
        start_time: DateTime<Utc> = "startTime",
        /// When it was sent.
        end_time: DateTime<Utc> = "endTime",
        /// A made-up host.
        organizer: EventHost = "organizer",
        /// A made-up attendee.
        attendees: Vec<EventAttendee> = "attendees",
    }
}
