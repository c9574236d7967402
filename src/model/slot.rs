//! Available slots.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::event_type_target::EventTypeTarget;
use super::id::{BookingUid, TimeZone};
use super::list_query::present;
use super::open_enum::open_enum;
use super::time::{Instant, format_instant};

/// An available slot.
///
/// In the `time` format, it contains only the start; in the `range` format, also the end.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{EventTypeId, SlotQuery};
///
/// let (from, to) = ("2026-12-07T00:00:00Z".parse()?, "2026-12-14T00:00:00Z".parse()?);
/// let query = SlotQuery::new(EventTypeId::new(42), from, to);
/// for slot in client.slots().list(&query).await?.values().flatten() {
///     match slot.seats_remaining {
///         Some(seats) => println!("{}: {seats} seats left", slot.start),
///         None => println!("{}", slot.start),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Slot {
    /// The start.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// The end; only in the `range` format.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
    /// The number of booked seats; only on seated event types.
    #[serde(default)]
    pub seats_booked: Option<u32>,
    /// The number of free seats; only on seated event types.
    #[serde(default)]
    pub seats_remaining: Option<u32>,
    /// The total number of seats; only on seated event types.
    #[serde(default)]
    pub seats_total: Option<u32>,
    /// The booking that the seats taken belong to; only on seated event types.
    #[serde(default)]
    pub booking_uid: Option<BookingUid>,
}

/// Available slots by day, in the requested time zone. Days without slots are absent.
pub type SlotsByDay = BTreeMap<NaiveDate, Vec<Slot>>;

open_enum! {
    /// Response format for slots.
    SlotFormat {
        /// The start only. This is the default.
        Time = "time",
        /// The start and the end.
        Range = "range",
    }
}

/// Query parameters for listing available slots.
///
/// ```
/// use calcom::model::{EventTypeId, SlotFormat, SlotQuery};
///
/// let (from, to) = ("2026-12-07T00:00:00Z".parse()?, "2026-12-14T00:00:00Z".parse()?);
/// let query = SlotQuery::new(EventTypeId::new(42), from, to)
///     .with_time_zone("Europe/Berlin")
///     .with_format(SlotFormat::Range);
/// # let _ = query;
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SlotQuery {
    /// The event type to list slots for.
    pub target: EventTypeTarget,
    /// The start of the period.
    pub start: DateTime<Utc>,
    /// The end of the period.
    pub end: DateTime<Utc>,
    /// The time zone of the days in the response. The default is UTC.
    pub time_zone: Option<TimeZone>,
    /// The length in minutes, for event types that offer several.
    pub duration: Option<u32>,
    /// Response format for slots.
    pub format: Option<SlotFormat>,
    /// A booking that is to be rescheduled. Its own time then counts as available.
    pub booking_uid_to_reschedule: Option<BookingUid>,
}

impl SlotQuery {
    /// Creates a query for the slots of an event type within a period.
    pub fn new(
        target: impl Into<EventTypeTarget>,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Self {
        Self {
            target: target.into(),
            start,
            end,
            time_zone: None,
            duration: None,
            format: None,
            booking_uid_to_reschedule: None,
        }
    }

    /// Groups the slots by days in this time zone.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<TimeZone>) -> Self {
        self.time_zone = Some(time_zone.into());
        self
    }

    /// Sets the length in minutes, for event types that offer several.
    #[must_use]
    pub fn with_duration(mut self, minutes: u32) -> Self {
        self.duration = Some(minutes);
        self
    }

    /// Sets the booking that is to be rescheduled, whose own time then counts as available.
    #[must_use]
    pub fn with_booking_to_reschedule(mut self, uid: BookingUid) -> Self {
        self.booking_uid_to_reschedule = Some(uid);
        self
    }

    /// Sets the response format.
    #[must_use]
    pub fn with_format(mut self, format: SlotFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Returns the query parameters, with the names that the API uses.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.target.to_pairs();
        pairs.push(("start", format_instant(self.start)));
        pairs.push(("end", format_instant(self.end)));
        let optional = present([
            ("timeZone", self.time_zone.as_ref().map(ToString::to_string)),
            ("duration", self.duration.map(|minutes| minutes.to_string())),
            ("format", self.format.as_ref().map(ToString::to_string)),
            (
                "bookingUidToReschedule",
                self.booking_uid_to_reschedule
                    .as_ref()
                    .map(ToString::to_string),
            ),
        ]);
        pairs.extend(optional);
        pairs
    }
}
