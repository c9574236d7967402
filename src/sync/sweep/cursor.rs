//! How far the sweeps of a tenant have come: opaque to the store.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::store::{AppointmentId, Opaque};

/// The format of what this version writes. Unknown keys are passed over and missing ones filled in,
/// so that versions that run side by side understand each other.
const FORMAT: u16 = 1;

/// How many notices are remembered. A notice that is forgotten may be given once more.
const MAX_TOLD: usize = 1000;

/// Where the sweeps of a tenant stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SweepCursor {
    /// The newest update at Cal.com that was seen, by Cal.com's own clock: a wrong clock of ours
    /// passes over nothing.
    pub(super) seen: Option<DateTime<Utc>>,
    /// The notices about bookings within the overlap, as the time of the update in milliseconds and
    /// the beginning of the fingerprint. The overlap is read again and again while nothing new
    /// happens, and what went to review is not to be told each time.
    pub(super) told: Vec<(i64, u64)>,
    /// The appointment that the walk through the host's had come to; `None` if it came to the end.
    pub(super) scanned: Option<(DateTime<Utc>, AppointmentId)>,
}

impl SweepCursor {
    /// Reads back what was stored. What cannot be read is as if nothing had been stored: the sweep
    /// begins anew.
    pub(super) fn of(stored: Option<&Opaque>) -> Self {
        stored
            .and_then(|stored| serde_json::from_slice(stored.bytes()).ok())
            .unwrap_or_default()
    }

    pub(super) fn to_opaque(&self) -> Opaque {
        let bytes = serde_json::to_vec(self).expect("plain data with texts as keys is always JSON");
        Opaque::new(FORMAT, bytes)
    }

    pub(super) fn has_told(&self, notice: (i64, u64)) -> bool {
        self.told.contains(&notice)
    }

    pub(super) fn tell(&mut self, notice: (i64, u64)) {
        self.told.push(notice);
    }

    /// Everything up to `seen` was read. What no later sweep reads again is forgotten.
    pub(super) fn advance(&mut self, seen: DateTime<Utc>, overlap: TimeDelta) {
        let seen = self.seen.map_or(seen, |before| before.max(seen));
        self.seen = Some(seen);
        let again_from = seen.checked_sub_signed(overlap);
        let again_from = again_from.map_or(i64::MIN, |at| at.timestamp_millis());
        self.told.retain(|(at, _)| *at >= again_from);
        let surplus = self.told.len().saturating_sub(MAX_TOLD);
        self.told.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_place_is_read_back_and_what_is_no_place_begins_anew() {
        let mut place = SweepCursor::default();
        place.tell((at(5).timestamp_millis(), u64::MAX));
        place.advance(at(5), TimeDelta::seconds(60));
        place.scanned = Some((at(1), "a-1".into()));
        assert_eq!(SweepCursor::of(Some(&place.to_opaque())), place);
        let noise = Opaque::new(9, b"noise".to_vec());
        assert_eq!(SweepCursor::of(Some(&noise)), SweepCursor::default());
        let newer = Opaque::new(2, br#"{"seen":null,"more":1}"#.to_vec());
        assert_eq!(SweepCursor::of(Some(&newer)), SweepCursor::default());
    }

    #[test]
    fn a_place_never_goes_back_and_forgets_what_is_not_read_again() {
        let mut place = SweepCursor::default();
        for second in [0, 50, 100] {
            place.tell((at(second).timestamp_millis(), 7));
        }
        place.advance(at(100), TimeDelta::seconds(50));
        place.advance(at(20), TimeDelta::seconds(50));
        assert_eq!(place.seen, Some(at(100)));
        assert!(!place.has_told((at(0).timestamp_millis(), 7)));
        assert!(place.has_told((at(50).timestamp_millis(), 7)));
        for number in 0..2000 {
            place.tell((at(100).timestamp_millis(), number));
        }
        place.advance(at(100), TimeDelta::seconds(50));
        assert_eq!(place.told.len(), MAX_TOLD);
        assert!(place.has_told((at(100).timestamp_millis(), 1999)));
    }
}
