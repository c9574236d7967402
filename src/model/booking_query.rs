//! Which bookings to list.

use std::fmt;

use chrono::{DateTime, Utc};

use super::id::{BookingUid, EventTypeId, TeamId};
use super::open_enum::open_enum;
use super::time::format_instant;

open_enum! {
    /// The words of the list's status filter, which are not those of [`BookingStatus`](super::BookingStatus).
    BookingFilter {
        /// Ahead, pending ones included.
        Upcoming = "upcoming",
        /// Ahead and one of a series.
        Recurring = "recurring",
        /// Over.
        Past = "past",
        /// Cancelled, rejected, and rescheduled away.
        Cancelled = "cancelled",
        /// Waiting for confirmation.
        Unconfirmed = "unconfirmed",
    }
}

open_enum! {
    /// The direction of a sort.
    SortOrder {
        /// Smallest first.
        Ascending = "asc",
        /// Largest first.
        Descending = "desc",
    }
}

/// Which bookings to list. Everything at its default lists all bookings, cancelled and rejected ones too, by start ascending.
///
/// `Debug` does not show whom the filter names.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BookingQuery {
    /// Only these; several are joined with *or*.
    pub status: Vec<BookingFilter>,
    /// Only bookings of the attendee with this address; exact and case-sensitive.
    pub attendee_email: Option<String>,
    /// Only bookings of an attendee whose name contains this.
    pub attendee_name: Option<String>,
    /// Only the booking with this uid.
    pub booking_uid: Option<BookingUid>,
    /// Only bookings of these event types.
    pub event_type_ids: Vec<EventTypeId>,
    /// Only bookings of these teams.
    pub team_ids: Vec<TeamId>,
    /// Only bookings that begin at this instant or later.
    pub after_start: Option<DateTime<Utc>>,
    /// Only bookings that end at this instant or earlier.
    pub before_end: Option<DateTime<Utc>>,
    /// Only bookings made at this instant or later.
    pub after_created_at: Option<DateTime<Utc>>,
    /// Only bookings made at this instant or earlier.
    pub before_created_at: Option<DateTime<Utc>>,
    /// Only bookings changed at this instant or later.
    pub after_updated_at: Option<DateTime<Utc>>,
    /// Only bookings changed at this instant or earlier.
    pub before_updated_at: Option<DateTime<Utc>>,
    /// Sorts by start.
    pub sort_start: Option<SortOrder>,
    /// Sorts by end.
    pub sort_end: Option<SortOrder>,
    /// Sorts by the time of creation.
    pub sort_created: Option<SortOrder>,
    /// Sorts by the time of the last change.
    pub sort_updated_at: Option<SortOrder>,
    /// How many a page: 1 to 250, 100 if absent.
    pub take: Option<u32>,
    /// How many to leave out at the beginning.
    pub skip: Option<u32>,
    /// Where to begin, in the list of API version 2026-05-01: the `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl BookingQuery {
    /// Adds a status; several are joined with *or*.
    #[must_use]
    pub fn with_status(mut self, status: BookingFilter) -> Self {
        self.status.push(status);
        self
    }

    /// Adds an event type; several are joined with *or*.
    #[must_use]
    pub fn with_event_type(mut self, event_type: EventTypeId) -> Self {
        self.event_type_ids.push(event_type);
        self
    }

    /// Adds a team; several are joined with *or*.
    #[must_use]
    pub fn with_team(mut self, team: TeamId) -> Self {
        self.team_ids.push(team);
        self
    }

    /// Only bookings of the attendee with this address; exact and case-sensitive.
    #[must_use]
    pub fn with_attendee_email(mut self, email: impl Into<String>) -> Self {
        self.attendee_email = Some(email.into());
        self
    }

    /// Only bookings of an attendee whose name contains this.
    #[must_use]
    pub fn with_attendee_name(mut self, name: impl Into<String>) -> Self {
        self.attendee_name = Some(name.into());
        self
    }

    /// Only the booking with this uid.
    #[must_use]
    pub fn with_booking_uid(mut self, uid: BookingUid) -> Self {
        self.booking_uid = Some(uid);
        self
    }

    /// Only bookings that begin at this instant or later.
    #[must_use]
    pub fn with_after_start(mut self, instant: DateTime<Utc>) -> Self {
        self.after_start = Some(instant);
        self
    }

    /// Only bookings that end at this instant or earlier.
    #[must_use]
    pub fn with_before_end(mut self, instant: DateTime<Utc>) -> Self {
        self.before_end = Some(instant);
        self
    }

    /// Only bookings made at this instant or later.
    #[must_use]
    pub fn with_after_created_at(mut self, instant: DateTime<Utc>) -> Self {
        self.after_created_at = Some(instant);
        self
    }

    /// Only bookings made at this instant or earlier.
    #[must_use]
    pub fn with_before_created_at(mut self, instant: DateTime<Utc>) -> Self {
        self.before_created_at = Some(instant);
        self
    }

    /// Only bookings changed at this instant or later.
    #[must_use]
    pub fn with_after_updated_at(mut self, instant: DateTime<Utc>) -> Self {
        self.after_updated_at = Some(instant);
        self
    }

    /// Only bookings changed at this instant or earlier.
    #[must_use]
    pub fn with_before_updated_at(mut self, instant: DateTime<Utc>) -> Self {
        self.before_updated_at = Some(instant);
        self
    }

    /// Sorts by start.
    #[must_use]
    pub fn with_sort_start(mut self, order: SortOrder) -> Self {
        self.sort_start = Some(order);
        self
    }

    /// Sorts by end.
    #[must_use]
    pub fn with_sort_end(mut self, order: SortOrder) -> Self {
        self.sort_end = Some(order);
        self
    }

    /// Sorts by the time of creation.
    #[must_use]
    pub fn with_sort_created(mut self, order: SortOrder) -> Self {
        self.sort_created = Some(order);
        self
    }

    /// Sorts by the time of the last change.
    #[must_use]
    pub fn with_sort_updated_at(mut self, order: SortOrder) -> Self {
        self.sort_updated_at = Some(order);
        self
    }

    /// Sets the page size: 1 to 250.
    #[must_use]
    pub fn with_take(mut self, bookings: u32) -> Self {
        self.take = Some(bookings);
        self
    }

    /// Skips this many at the beginning.
    #[must_use]
    pub fn with_skip(mut self, bookings: u32) -> Self {
        self.skip = Some(bookings);
        self
    }

    /// Begins where a page before said, in the list of API version 2026-05-01.
    #[must_use]
    pub fn with_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// The query's parameters, in the API's spelling.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        fn join<T: ToString>(items: &[T]) -> Option<String> {
            let words: Vec<String> = items.iter().map(ToString::to_string).collect();
            (!words.is_empty()).then(|| words.join(","))
        }
        let sort = |order: &Option<SortOrder>| order.as_ref().map(ToString::to_string);
        let parameters = [
            ("status", join(&self.status)),
            ("attendeeEmail", self.attendee_email.clone()),
            ("attendeeName", self.attendee_name.clone()),
            (
                "bookingUid",
                self.booking_uid.as_ref().map(ToString::to_string),
            ),
            ("eventTypeIds", join(&self.event_type_ids)),
            ("teamsIds", join(&self.team_ids)),
            ("afterStart", self.after_start.map(format_instant)),
            ("beforeEnd", self.before_end.map(format_instant)),
            ("afterCreatedAt", self.after_created_at.map(format_instant)),
            (
                "beforeCreatedAt",
                self.before_created_at.map(format_instant),
            ),
            ("afterUpdatedAt", self.after_updated_at.map(format_instant)),
            (
                "beforeUpdatedAt",
                self.before_updated_at.map(format_instant),
            ),
            ("sortStart", sort(&self.sort_start)),
            ("sortEnd", sort(&self.sort_end)),
            ("sortCreated", sort(&self.sort_created)),
            ("sortUpdatedAt", sort(&self.sort_updated_at)),
            ("take", self.take.map(|n| n.to_string())),
            ("skip", self.skip.map(|n| n.to_string())),
            ("cursor", self.cursor.clone()),
        ];
        parameters
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
            .collect()
    }
}

impl fmt::Debug for BookingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookingQuery")
            .field("status", &self.status)
            .field("event_type_ids", &self.event_type_ids)
            .field("after_start", &self.after_start)
            .field("before_end", &self.before_end)
            .field("take", &self.take)
            .field("skip", &self.skip)
            .finish_non_exhaustive()
    }
}
