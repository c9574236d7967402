//! Time zones by their names.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// A time zone by its IANA name, in whatever case.
pub(crate) fn time_zone(name: &str) -> Option<Tz> {
    name.parse().ok().or_else(|| {
        let same = |zone: &&Tz| zone.name().eq_ignore_ascii_case(name);
        chrono_tz::TZ_VARIANTS.iter().find(same).copied()
    })
}

/// Minutes east of UTC at an instant; 0 for a zone that nobody knows.
pub(super) fn utc_offset(zone: &str, at: DateTime<Utc>) -> i32 {
    time_zone(zone).map_or(0, |zone| {
        zone.offset_from_utc_datetime(&at.naive_utc())
            .fix()
            .local_minus_utc()
            / 60
    })
}
