//! Slots: when something can be booked.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::event_type_target::EventTypeTarget;
use super::id::{BookingUid, TimeZone};
use super::open_enum::open_enum;
use super::time::{Instant, format_instant};

/// One free slot, in either format of the API: the `time` format has only the start, the `range` format also the end.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Slot {
    /// When it begins.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// When it ends; only in the `range` format.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
    /// How many seats are taken; only on seated event types.
    #[serde(default)]
    pub seats_booked: Option<u32>,
    /// How many seats are free; only on seated event types.
    #[serde(default)]
    pub seats_remaining: Option<u32>,
    /// How many seats there are; only on seated event types.
    #[serde(default)]
    pub seats_total: Option<u32>,
    /// The booking that the seats taken belong to; only on seated event types.
    #[serde(default)]
    pub booking_uid: Option<BookingUid>,
}

/// Free slots by day, the days being those of the time zone that was asked for. A day without slots is absent.
pub type SlotsByDay = BTreeMap<NaiveDate, Vec<Slot>>;

open_enum! {
    /// Response format for slots.
    SlotFormat {
        /// The start only; the default.
        Time = "time",
        /// Start and end.
        Range = "range",
    }
}

/// Which free slots to list.
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
    /// What is to be booked.
    pub target: EventTypeTarget,
    /// From when.
    pub start: DateTime<Utc>,
    /// Until when.
    pub end: DateTime<Utc>,
    /// The time zone of the days in the answer; UTC if absent.
    pub time_zone: Option<TimeZone>,
    /// The length in minutes, on event types that offer several.
    pub duration: Option<u32>,
    /// Response format for slots.
    pub format: Option<SlotFormat>,
    /// A booking about to be moved, whose own time then counts as free.
    pub booking_uid_to_reschedule: Option<BookingUid>,
}

impl SlotQuery {
    /// The slots of a target between two instants.
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

    /// Groups the slots by the days of this time zone.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<TimeZone>) -> Self {
        self.time_zone = Some(time_zone.into());
        self
    }

    /// Asks for one of the event type's several lengths, in minutes.
    #[must_use]
    pub fn with_duration(mut self, minutes: u32) -> Self {
        self.duration = Some(minutes);
        self
    }

    /// Counts the time of a booking about to be moved as free.
    #[must_use]
    pub fn with_booking_to_reschedule(mut self, uid: BookingUid) -> Self {
        self.booking_uid_to_reschedule = Some(uid);
        self
    }

    /// Chooses the response format.
    #[must_use]
    pub fn with_format(mut self, format: SlotFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The query's parameters, in the API's spelling.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.target.to_pairs();
        pairs.push(("start", format_instant(self.start)));
        pairs.push(("end", format_instant(self.end)));
        let optional = [
            ("timeZone", self.time_zone.as_ref().map(ToString::to_string)),
            ("duration", self.duration.map(|minutes| minutes.to_string())),
            ("format", self.format.as_ref().map(ToString::to_string)),
            (
                "bookingUidToReschedule",
                self.booking_uid_to_reschedule
                    .as_ref()
                    .map(ToString::to_string),
            ),
        ];
        pairs.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| value.map(|value| (name, value))),
        );
        pairs
    }
}
