//! Slots that are taken by appointments of the host's that Cal.com does not know yet.

use chrono::{DateTime, TimeDelta, Utc};

/// A span of time that is taken, from its start to its end.
pub(super) type Span = (DateTime<Utc>, DateTime<Utc>);

/// Whether a slot of this length overlaps a span.
pub(super) fn overlaps(start: DateTime<Utc>, length: TimeDelta, span: Span) -> bool {
    start < span.1 && span.0 < start + length
}

/// The slots that overlap none of the spans.
pub(super) fn without(
    slots: Vec<DateTime<Utc>>,
    length: TimeDelta,
    taken: &[Span],
) -> Vec<DateTime<Utc>> {
    let is_free = |slot: &DateTime<Utc>| !taken.iter().any(|span| overlaps(*slot, length, *span));
    slots.into_iter().filter(is_free).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-12-08T{time}:00Z").parse().unwrap()
    }

    #[test]
    fn slots_that_only_touch_are_free() {
        let slots = ["09:00", "09:15", "09:30", "10:00", "10:30"]
            .map(at)
            .to_vec();
        let free = without(slots, TimeDelta::minutes(30), &[(at("09:30"), at("10:00"))]);
        assert_eq!(free, ["09:00", "10:00", "10:30"].map(at));
    }
}
