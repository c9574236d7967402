//! Query parameters for listing bookings.

use std::fmt;

use chrono::{DateTime, Utc};

use super::id::{BookingUid, EventTypeId, TeamId};
use super::list_query::present;
use super::open_enum::open_enum;
use super::time::format_instant;

open_enum! {
    /// The values of the list's status filter, which differ from those of
    /// [`BookingStatus`](super::BookingStatus).
    BookingFilter {
        /// Bookings in the future, including pending ones.
        Upcoming = "upcoming",
        /// Bookings in the future that are part of a series.
        Recurring = "recurring",
        /// Bookings in the past.
        Past = "past",
        /// Cancelled, rejected and rescheduled bookings.
        Cancelled = "cancelled",
        /// Bookings waiting for confirmation.
        Unconfirmed = "unconfirmed",
    }
}

open_enum! {
    /// The sort order.
    SortOrder {
        /// Smallest first.
        Ascending = "asc",
        /// Largest first.
        Descending = "desc",
    }
}

/// Query parameters for listing bookings.
///
/// By default, all bookings are listed, including cancelled and rejected ones, sorted by start in
/// ascending order.
///
/// `Debug` does not show the names and e-mail addresses in the filter.
///
/// ```
/// use calcom::model::{BookingFilter, BookingQuery, EventTypeId, SortOrder};
///
/// let query = BookingQuery::default()
///     .with_status(BookingFilter::Upcoming)
///     .with_event_type(EventTypeId::new(42))
///     .with_after_start("2026-12-07T00:00:00Z".parse()?)
///     .with_sort_start(SortOrder::Descending)
///     .with_take(50);
/// # let _ = query;
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BookingQuery {
    /// Only bookings with one of these statuses.
    pub status: Vec<BookingFilter>,
    /// Only bookings of the attendee with this e-mail address. Exact and case-sensitive.
    pub attendee_email: Option<String>,
    /// Only bookings of an attendee whose name contains this string.
    pub attendee_name: Option<String>,
    /// Only the booking with this uid.
    pub booking_uid: Option<BookingUid>,
    /// Only bookings of these event types.
    pub event_type_ids: Vec<EventTypeId>,
    /// Only bookings of these teams.
    pub team_ids: Vec<TeamId>,
    /// Only bookings that start at this time or later.
    pub after_start: Option<DateTime<Utc>>,
    /// Only bookings that end at this time or earlier.
    pub before_end: Option<DateTime<Utc>>,
    /// Only bookings created at this time or later.
    pub after_created_at: Option<DateTime<Utc>>,
    /// Only bookings created at this time or earlier.
    pub before_created_at: Option<DateTime<Utc>>,
    /// Only bookings updated at this time or later.
    pub after_updated_at: Option<DateTime<Utc>>,
    /// Only bookings updated at this time or earlier.
    pub before_updated_at: Option<DateTime<Utc>>,
    /// Sorts by start.
    pub sort_start: Option<SortOrder>,
    /// Sorts by end.
    pub sort_end: Option<SortOrder>,
    /// Sorts by creation time.
    pub sort_created: Option<SortOrder>,
    /// Sorts by the time of the last update.
    pub sort_updated_at: Option<SortOrder>,
    /// The page size, 1 to 250. The default is 100.
    pub take: Option<u32>,
    /// The number of bookings to skip.
    pub skip: Option<u32>,
    /// The cursor of the page, in the list of API version 2026-05-01: the `next_cursor` of the
    /// previous page.
    pub cursor: Option<String>,
}

impl BookingQuery {
    /// Adds a status. Several are combined with *or*.
    #[must_use]
    pub fn with_status(mut self, status: BookingFilter) -> Self {
        self.status.push(status);
        self
    }

    /// Adds an event type. Several are combined with *or*.
    #[must_use]
    pub fn with_event_type(mut self, event_type: EventTypeId) -> Self {
        self.event_type_ids.push(event_type);
        self
    }

    /// Adds a team. Several are combined with *or*.
    #[must_use]
    pub fn with_team(mut self, team: TeamId) -> Self {
        self.team_ids.push(team);
        self
    }

    /// Only bookings of the attendee with this e-mail address. Exact and case-sensitive.
    #[must_use]
    pub fn with_attendee_email(mut self, email: impl Into<String>) -> Self {
        self.attendee_email = Some(email.into());
        self
    }

    /// Only bookings of an attendee whose name contains this string.
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

    /// Only bookings that start at this time or later.
    #[must_use]
    pub fn with_after_start(mut self, instant: DateTime<Utc>) -> Self {
        self.after_start = Some(instant);
        self
    }

    /// Only bookings that end at this time or earlier.
    #[must_use]
    pub fn with_before_end(mut self, instant: DateTime<Utc>) -> Self {
        self.before_end = Some(instant);
        self
    }

    /// Only bookings created at this time or later.
    #[must_use]
    pub fn with_after_created_at(mut self, instant: DateTime<Utc>) -> Self {
        self.after_created_at = Some(instant);
        self
    }

    /// Only bookings created at this time or earlier.
    #[must_use]
    pub fn with_before_created_at(mut self, instant: DateTime<Utc>) -> Self {
        self.before_created_at = Some(instant);
        self
    }

    /// Only bookings updated at this time or later.
    #[must_use]
    pub fn with_after_updated_at(mut self, instant: DateTime<Utc>) -> Self {
        self.after_updated_at = Some(instant);
        self
    }

    /// Only bookings updated at this time or earlier.
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

    /// Sorts by creation time.
    #[must_use]
    pub fn with_sort_created(mut self, order: SortOrder) -> Self {
        self.sort_created = Some(order);
        self
    }

    /// Sorts by the time of the last update.
    #[must_use]
    pub fn with_sort_updated_at(mut self, order: SortOrder) -> Self {
        self.sort_updated_at = Some(order);
        self
    }

    /// Sets the page size, 1 to 250.
    #[must_use]
    pub fn with_take(mut self, bookings: u32) -> Self {
        self.take = Some(bookings);
        self
    }

    /// Sets the number of bookings to skip.
    #[must_use]
    pub fn with_skip(mut self, bookings: u32) -> Self {
        self.skip = Some(bookings);
        self
    }

    /// Sets the cursor, in the list of API version 2026-05-01: the `next_cursor` of the previous
    /// page.
    #[must_use]
    pub fn with_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// Returns the query parameters, with the names that the API uses.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        fn join<T: ToString>(items: &[T]) -> Option<String> {
            let words: Vec<String> = items.iter().map(ToString::to_string).collect();
            (!words.is_empty()).then(|| words.join(","))
        }
        let sort = |order: &Option<SortOrder>| order.as_ref().map(ToString::to_string);
        present([
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
        ])
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
