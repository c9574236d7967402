//! API versions. Cal.com versions each resource by a date in the header `cal-api-version`.

use http::HeaderValue;

/// The header that names the version. A missing or unknown value silently means 2024-04-15: other shapes, other rules.
pub(crate) const HEADER: &str = "cal-api-version";

/// A version of one resource of the API, such as `2024-08-13`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion(HeaderValue);

impl ApiVersion {
    /// Bookings: the newest that hosted and self-hosted servers alike were seen to know.
    pub const BOOKINGS: Self = Self(HeaderValue::from_static("2024-08-13"));
    /// Bookings, newer: the same shapes, and more that a host may override. Self-hosted servers of March 2026 did not know it.
    pub const BOOKINGS_2026: Self = Self(HeaderValue::from_static("2026-02-25"));
    /// Event types, newer.
    pub const EVENT_TYPES_2026: Self = Self(HeaderValue::from_static("2026-06-12"));
    /// The list of bookings by cursor. In September 2026 it timed out on the hosted service where the older list took under a
    /// second; [`Bookings::list_all`](super::Bookings::list_all) walks it by the shape of its pages.
    pub const BOOKINGS_LIST_BY_CURSOR: Self = Self(HeaderValue::from_static("2026-05-01"));
    /// Slots.
    pub const SLOTS: Self = Self(HeaderValue::from_static("2024-09-04"));
    /// Event types.
    pub const EVENT_TYPES: Self = Self(HeaderValue::from_static("2024-06-14"));

    /// A version by its date; `None` if the text cannot stand in a header.
    pub fn new(date: &str) -> Option<Self> {
        HeaderValue::from_str(date).ok().map(Self)
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Which version of each resource is asked for. The defaults are what this crate's types were made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersions {
    pub(crate) bookings: ApiVersion,
    pub(crate) bookings_list: Option<ApiVersion>,
    pub(crate) slots: ApiVersion,
    pub(crate) event_types: ApiVersion,
}

impl Default for ApiVersions {
    fn default() -> Self {
        Self {
            bookings: ApiVersion::BOOKINGS,
            bookings_list: None,
            slots: ApiVersion::SLOTS,
            event_types: ApiVersion::EVENT_TYPES,
        }
    }
}

impl ApiVersions {
    /// Asks for another version of the bookings.
    #[must_use]
    pub fn with_bookings(mut self, version: ApiVersion) -> Self {
        self.bookings = version;
        self
    }

    /// Asks for another version of the list of bookings only; that of the bookings by default.
    #[must_use]
    pub fn with_bookings_list(mut self, version: ApiVersion) -> Self {
        self.bookings_list = Some(version);
        self
    }

    /// Asks for another version of the slots.
    #[must_use]
    pub fn with_slots(mut self, version: ApiVersion) -> Self {
        self.slots = version;
        self
    }

    /// Asks for another version of the event types.
    #[must_use]
    pub fn with_event_types(mut self, version: ApiVersion) -> Self {
        self.event_types = version;
        self
    }
}
