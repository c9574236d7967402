//! The people and the smaller parts of payloads. `Debug` shows none of what identifies a person.

use serde_json::Value;

use super::fields::part;
use crate::model::{AttendeeId, BookingId, TeamId, UserId};

part! {
    /// A language as deliveries write it.
    EventLanguage shows [] {
        /// The code, such as `en`.
        locale: String = "locale",
    }
}

part! {
    /// An attendee as a delivery describes one. Which fields are present depends on the trigger: cancellations have the number,
    /// the locale and the absence, created bookings the first and last name.
    EventAttendee shows [id, no_show] {
        /// The attendee's number.
        id: AttendeeId = "id",
        /// The number of the booking.
        booking_id: BookingId = "bookingId",
        /// The name as it was given, not cleaned.
        name: String = "name",
        /// The first name; empty unless the event type asks for it separately.
        first_name: String = "firstName",
        /// The last name; empty unless the event type asks for it separately.
        last_name: String = "lastName",
        /// The e-mail address, its case as it was given.
        email: String = "email",
        /// The phone number in E.164.
        phone_number: String = "phoneNumber",
        /// The IANA time zone.
        time_zone: String = "timeZone",
        /// The language.
        language: EventLanguage = "language",
        /// The language's code.
        locale: String = "locale",
        /// The time zone's offset from UTC at the start, in minutes.
        utc_offset: i64 = "utcOffset",
        /// Whether the attendee is marked as absent.
        no_show: bool = "noShow",
    }
}

part! {
    /// A Cal.com user as a delivery describes one: an organizer, a member of a team, somebody who is out of office.
    EventHost shows [id] {
        /// The user's number. A host that is not a Cal.com user has a text here, which is kept in `extra`.
        id: UserId = "id",
        /// The name.
        name: String = "name",
        /// The first name; on members of a team, and empty there.
        first_name: String = "firstName",
        /// The last name; on members of a team, and empty there.
        last_name: String = "lastName",
        /// The e-mail address.
        email: String = "email",
        /// The user name.
        username: String = "username",
        /// The user name within the organization (documented, not observed).
        username_in_org: String = "usernameInOrg",
        /// The phone number in E.164.
        phone_number: String = "phoneNumber",
        /// The IANA time zone.
        time_zone: String = "timeZone",
        /// The language.
        language: EventLanguage = "language",
        /// How times are shown, such as `HH:mm`. The documentation also has the number 12, which is kept in `extra`.
        time_format: String = "timeFormat",
        /// The time zone's offset from UTC at the start, in minutes.
        utc_offset: i64 = "utcOffset",
    }
}

part! {
    /// The team whose event type was booked.
    EventTeam shows [id] {
        /// The team's number.
        id: TeamId = "id",
        /// Its name.
        name: String = "name",
        /// Its members, other than the organizer, who take part.
        members: Vec<EventHost> = "members",
    }
}

part! {
    /// The answer to one booking field, or to one question of a routing form.
    EventResponse shows [is_hidden] {
        /// The question, or the key of its translation, such as `your_name`.
        label: String = "label",
        /// The answer: a text, a list of texts, a boolean, or for a place `{value, optionValue}`.
        value: Value = "value",
        /// Whether the field is hidden from the booker.
        is_hidden: bool = "isHidden",
        /// The answer to a routing form's question, with labels and ids of options (documented, not observed).
        response: Value = "response",
    }
}

part! {
    /// How a series repeats.
    EventRecurrence shows [frequency, interval, count] {
        /// The unit: 0 years, 1 months, 2 weeks, 3 days (the numbers of the iCalendar library `rrule`).
        frequency: i64 = "freq",
        /// How many units lie between two occurrences.
        interval: i64 = "interval",
        /// How many occurrences there are.
        count: i64 = "count",
    }
}

part! {
    /// What became of a booking in one connected app.
    EventAppStatus shows [success, failures] {
        /// The app, such as `daily-video`.
        app_name: String = "appName",
        /// Its type, such as `daily_video`.
        kind: String = "type",
        /// How many calls succeeded.
        success: i64 = "success",
        /// How many calls failed.
        failures: i64 = "failures",
        /// What went wrong.
        errors: Vec<Value> = "errors",
        /// What may be wrong (documented, not observed).
        warnings: Vec<Value> = "warnings",
    }
}
