//! The people and the smaller parts of payloads. `Debug` shows none of what identifies a person.

use serde_json::Value;

use super::fields::part;
use crate::model::{AttendeeId, BookingId, TeamId, UserId};

part! {
    /// A language.
    EventLanguage shows [] {
        /// The code, such as `en`.
        locale: String = "locale",
    }
}

part! {
    /// An attendee in a delivery. Which fields are present depends on the trigger: cancellations
    /// have the id, the locale and the absence, created bookings the first and last name.
    EventAttendee shows [id, no_show] {
        /// The attendee's id.
        id: AttendeeId = "id",
        /// The booking's id.
        booking_id: BookingId = "bookingId",
        /// The name as given, not cleaned.
        name: String = "name",
        /// The first name; empty unless the event type asks for it separately.
        first_name: String = "firstName",
        /// The last name; empty unless the event type asks for it separately.
        last_name: String = "lastName",
        /// The e-mail address, in its original case.
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
    /// A Cal.com user in a delivery: an organizer, a team member, or an absent user.
    EventHost shows [id] {
        /// The user's id. A host that is not a Cal.com user has a text here, which is kept in
        /// `extra`.
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
        /// How times are shown, such as `HH:mm`. The documentation also has the number 12, which is
        /// kept in `extra`.
        time_format: String = "timeFormat",
        /// The time zone's offset from UTC at the start, in minutes.
        utc_offset: i64 = "utcOffset",
    }
}

part! {
    /// The team whose event type was booked.
    EventTeam shows [id] {
        /// The team's id.
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
        /// The answer to a routing form's question, with labels and ids of options (documented, not
        /// observed).
        response: Value = "response",
    }
}

part! {
    /// How a series repeats.
    EventRecurrence shows [frequency, interval, count] {
        /// The unit: 0 years, 1 months, 2 weeks, 3 days (the numbers of the iCalendar library
        /// `rrule`).
        frequency: i64 = "freq",
        /// The number of units between occurrences.
        interval: i64 = "interval",
        /// The number of occurrences.
        count: i64 = "count",
    }
}

part! {
    /// The outcome of a booking in one connected app.
    EventAppStatus shows [success, failures] {
        /// The app, such as `daily-video`.
        app_name: String = "appName",
        /// Its type, such as `daily_video`.
        kind: String = "type",
        /// The number of successful calls.
        success: i64 = "success",
        /// The number of failed calls.
        failures: i64 = "failures",
        /// The errors.
        errors: Vec<Value> = "errors",
        /// The warnings (documented, not observed).
        warnings: Vec<Value> = "warnings",
    }
}
