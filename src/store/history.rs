//! The history of one appointment: everything that is kept about it, in one list.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::inbox::{Delivery, DeliveryFate};
use super::log::LogEntry;
use super::outbox::{ChangeFate, RecordedChange};
use super::page::Page;
use super::review::ReviewItem;

/// What a history entry is. Entries of the same instant are ordered by it: a change or a delivery
/// comes before what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HistoryKind {
    /// A recorded change.
    Change,
    /// A delivery.
    Delivery,
    /// An entry of the sync log.
    Log,
    /// A review item.
    Review,
}

impl HistoryKind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Change, "change"),
        (Self::Delivery, "delivery"),
        (Self::Log, "log"),
        (Self::Review, "review"),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Delivery => "delivery",
            Self::Log => "log",
            Self::Review => "review",
        }
    }
}

/// The place of an entry in a history: its time to the microsecond, its kind, and its row id.
///
/// As text (`Display` and `FromStr`) it is a cursor for the next page.
///
/// ```
/// use calcom::store::{HistoryKind, HistoryPosition};
///
/// let at = "2026-12-08T09:00:00Z".parse()?;
/// let position = HistoryPosition::new(at, HistoryKind::Log, 12);
/// let cursor = position.to_string();
/// assert_eq!(cursor.parse::<HistoryPosition>()?, position);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryPosition {
    micros: i64,
    kind: HistoryKind,
    id: i64,
}

impl HistoryPosition {
    /// The place of a row of this kind.
    pub fn new(at: DateTime<Utc>, kind: HistoryKind, id: i64) -> Self {
        Self {
            micros: at.timestamp_micros(),
            kind,
            id,
        }
    }

    /// For stores that read each kind of row by itself, in the order of time and id: the time, in
    /// microseconds since the epoch, and the id after which the rows of `kind` belong to the page.
    pub fn start_of(page: &Page<Self>, kind: HistoryKind) -> (i64, i64) {
        match page.after {
            None => (i64::MIN, i64::MIN),
            // Rows of the same instant: all of a later kind follow, none of an earlier one does.
            Some(after) if kind > after.kind => (after.micros, i64::MIN),
            Some(after) if kind < after.kind => (after.micros, i64::MAX),
            Some(after) => (after.micros, after.id),
        }
    }
}

impl fmt::Display for HistoryPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.micros, self.kind.as_str(), self.id)
    }
}

/// A text that is not the cursor of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not the cursor of a history")]
pub struct NoHistoryPosition;

impl FromStr for HistoryPosition {
    type Err = NoHistoryPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(NoHistoryPosition);
        let micros = next()?.parse().map_err(|_| NoHistoryPosition)?;
        let word = next()?;
        let kind = HistoryKind::ALL.iter().find(|(_, name)| *name == word);
        let (kind, _) = kind.ok_or(NoHistoryPosition)?;
        let id = next()?.parse().map_err(|_| NoHistoryPosition)?;
        Ok(Self {
            micros,
            kind: *kind,
            id,
        })
    }
}

/// One entry of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its place; the next page begins after the last one's.
    pub position: HistoryPosition,
    /// When, by the store's clock: when a change or a delivery was taken in, a log entry was
    /// written, or a review item was opened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: HistoryEvent,
}

/// What a history entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryEvent {
    /// The host recorded a change, or a sweep found one.
    #[non_exhaustive]
    Change {
        /// The change.
        recorded: RecordedChange,
        /// How it ended, and when; `None` while it waits.
        ended: Option<(ChangeFate, DateTime<Utc>)>,
    },
    /// A webhook arrived for one of the appointment's bookings, or a sweep found a difference.
    #[non_exhaustive]
    Delivery {
        /// The delivery.
        delivery: Delivery,
        /// How it ended, and when; `None` while it waits.
        ended: Option<(DeliveryFate, DateTime<Utc>)>,
    },
    /// What a turn of the engine did, or did not do, and why.
    Log(LogEntry),
    /// A review item in which the appointment is involved.
    Review(Box<ReviewItem>),
}

impl HistoryEntry {
    fn new(at: DateTime<Utc>, kind: HistoryKind, id: i64, event: HistoryEvent) -> Self {
        Self {
            position: HistoryPosition::new(at, kind, id),
            at,
            event,
        }
    }

    /// An entry about a change.
    pub fn of_change(
        taken_at: DateTime<Utc>,
        recorded: RecordedChange,
        ended: Option<(ChangeFate, DateTime<Utc>)>,
    ) -> Self {
        let id = recorded.id.get();
        let event = HistoryEvent::Change { recorded, ended };
        Self::new(taken_at, HistoryKind::Change, id, event)
    }

    /// An entry about a delivery.
    pub fn of_delivery(delivery: Delivery, ended: Option<(DeliveryFate, DateTime<Utc>)>) -> Self {
        let (at, id) = (delivery.received_at, delivery.id.get());
        let event = HistoryEvent::Delivery { delivery, ended };
        Self::new(at, HistoryKind::Delivery, id, event)
    }

    /// An entry of the sync log.
    pub fn of_log(entry: LogEntry) -> Self {
        let (at, id) = (entry.at, entry.id.get());
        Self::new(at, HistoryKind::Log, id, HistoryEvent::Log(entry))
    }

    /// An entry about a review item.
    pub fn of_review(item: ReviewItem) -> Self {
        let (at, id) = (item.opened_at, item.id.get());
        let event = HistoryEvent::Review(Box::new(item));
        Self::new(at, HistoryKind::Review, id, event)
    }

    /// One page out of the entries that follow its start, read kind by kind: ordered, and no more
    /// than the page holds.
    pub fn merge(mut entries: Vec<Self>, page: &Page<HistoryPosition>) -> Vec<Self> {
        entries.retain(|entry| page.after.is_none_or(|after| entry.position > after));
        entries.sort_by_key(|entry| entry.position);
        entries.truncate(page.rows());
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(micros: i64, kind: HistoryKind, id: i64) -> HistoryPosition {
        HistoryPosition { micros, kind, id }
    }

    /// The rows that a store reads after `start_of` are those that follow the position.
    #[test]
    fn a_page_starts_where_the_last_one_ended() {
        let kinds = HistoryKind::ALL.map(|(kind, _)| kind);
        let all = || {
            let rows = (1..=3).flat_map(|micros| (1..=3).map(move |id| (micros, id)));
            rows.flat_map(move |(micros, id)| kinds.map(|kind| position(micros, kind, id)))
        };
        for after in all() {
            let page = Page::after(after, 10);
            for row in all() {
                let (micros, id) = HistoryPosition::start_of(&page, row.kind);
                assert_eq!((row.micros, row.id) > (micros, id), row > after, "{row:?}");
            }
        }
    }

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let first = position(-5, HistoryKind::Review, i64::MAX);
        assert_eq!(first.to_string().parse(), Ok(first));
        for text in [
            "",
            "1",
            "1.log",
            "1.log.x",
            "x.log.1",
            "1.turn.1",
            "1.log.1.1",
        ] {
            assert_eq!(
                text.parse::<HistoryPosition>(),
                Err(NoHistoryPosition),
                "{text}"
            );
        }
    }
}
