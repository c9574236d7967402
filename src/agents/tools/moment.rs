//! From what was said about a time to instants, in the time zone of the business. Pure.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::super::outcome::{Doubt, Item, Problem, Reading};
use super::super::when::{When, WhenTime};

/// How many days of what was said are looked at.
const MOST_DAYS: usize = 62;
/// What is farther away than this was not meant. It keeps arithmetic with instants in bounds.
const FARTHEST: TimeDelta = TimeDelta::days(3 * 366);
/// How long a wish without a day is looked for.
const WITHOUT_DAY: u64 = 7;

/// What was said about a time, as instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// One instant, or one of several, the likeliest first.
    At(Vec<DateTime<Utc>>),
    /// Spans of time, in order.
    Within(Vec<(DateTime<Utc>, DateTime<Utc>)>),
}

/// The instant of a local time. Of two, the earlier one; one that the clocks leave out is an hour later.
pub(super) fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    use chrono::LocalResult;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => found.to_utc(),
        LocalResult::None => {
            let later = local.checked_add_signed(TimeDelta::hours(1));
            let later = later.unwrap_or(local);
            let found = zone.from_local_datetime(&later).earliest();
            found.map_or_else(|| later.and_utc(), |found| found.to_utc())
        }
    }
}

/// What was said, as instants; or what is in doubt about it. Without a day, a part of the day means one of
/// the next few days.
pub(super) fn moment(when: &When, zone: Tz, now: DateTime<Utc>) -> Result<Moment, Doubt> {
    if let Some(instant) = when.instant {
        return match absurd(instant - now) {
            Some(problem) => Err(Doubt::new(Item::Date, problem)),
            None => Ok(Moment::At(vec![instant])),
        };
    }
    let today = now.with_timezone(&zone).date_naive();
    let days = match (when.days, &when.time) {
        (None, None) => return Err(Doubt::new(Item::Date, Problem::NotUnderstood)),
        (None, Some(WhenTime::Between(..))) => {
            let last = today.checked_add_days(Days::new(WITHOUT_DAY));
            (today, last.unwrap_or(today))
        }
        (None, Some(_)) => return Err(Doubt::new(Item::Date, Problem::Missing)),
        (Some((first, last)), _) => {
            if !when.other_days.is_empty() {
                let all = std::iter::once(first).chain(when.other_days.iter().copied());
                let readings = all.map(|day| Reading::new(day.to_string(), day.to_string()));
                return Err(Doubt::new(Item::Date, Problem::Ambiguous).with_readings(readings));
            }
            if let Some(problem) = absurd(last - today).or_else(|| absurd(first - today)) {
                return Err(Doubt::new(Item::Date, problem));
            }
            (first, last)
        }
    };
    // What has passed of a span of days is left out; a single day that has passed is said to be so.
    let first = days.0.max(today.min(days.1));
    let each = first.iter_days().take_while(|day| *day <= days.1);
    let each: Vec<NaiveDate> = each.take(MOST_DAYS).collect();
    let at = |day: &NaiveDate, time: NaiveTime| instant(zone, day.and_time(time));
    Ok(match &when.time {
        Some(WhenTime::At(time)) => Moment::At(each.iter().map(|day| at(day, *time)).collect()),
        Some(WhenTime::OneOf(times)) => Moment::At(
            each.iter()
                .flat_map(|day| times.iter().map(move |time| at(day, *time)))
                .collect(),
        ),
        Some(WhenTime::Between(from, until)) => Moment::Within(
            each.iter()
                .filter_map(|day| {
                    let end_of_day = *until == NaiveTime::MIN;
                    let last = if end_of_day { day.succ_opt()? } else { *day };
                    Some((at(day, *from), at(&last, *until)))
                })
                .filter(|(from, until)| from < until)
                .collect(),
        ),
        None => Moment::Within(
            each.iter()
                .filter_map(|day| {
                    Some((
                        at(day, NaiveTime::MIN),
                        at(&day.succ_opt()?, NaiveTime::MIN),
                    ))
                })
                .collect(),
        ),
    })
}

/// What is wrong with something that is farther away than anybody means.
fn absurd(away: TimeDelta) -> Option<Problem> {
    match away {
        away if away < -FARTHEST => Some(Problem::InThePast),
        away if away > FARTHEST => Some(Problem::NotUnderstood),
        _ => None,
    }
}

/// The one instant that was said; or what is missing or in doubt.
pub(super) fn exactly(when: &When, zone: Tz, now: DateTime<Utc>) -> Result<DateTime<Utc>, Doubt> {
    match moment(when, zone, now)? {
        Moment::At(instants) => match instants.as_slice() {
            [one] => Ok(*one),
            several => {
                let readings = several.iter().map(|instant| reading(zone, *instant));
                Err(Doubt::new(Item::Time, Problem::Ambiguous).with_readings(readings))
            }
        },
        Moment::Within(_) => Err(Doubt::new(Item::Time, Problem::Missing)),
    }
}

/// An instant as one of several readings.
pub(super) fn reading(zone: Tz, instant: DateTime<Utc>) -> Reading {
    let local = instant.with_timezone(&zone).fixed_offset().to_rfc3339();
    Reading::new(local.clone(), local)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Tz = Tz::Europe__Berlin;

    fn now() -> DateTime<Utc> {
        "2026-11-29T10:00:00Z".parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn time(text: &str) -> NaiveTime {
        NaiveTime::parse_from_str(text, "%H:%M").unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_and_a_time_are_one_instant() {
        let monday = day("2026-11-30");
        let when = When::nothing()
            .with_days(monday, monday)
            .with_time(WhenTime::At(time("14:30")));
        assert_eq!(
            exactly(&when, BERLIN, now()),
            Ok(utc("2026-11-30T13:30:00Z"))
        );
    }

    #[test]
    fn what_is_missing_or_ambiguous_is_said() {
        let nothing = exactly(&When::nothing(), BERLIN, now()).unwrap_err();
        assert_eq!(
            (nothing.item, nothing.problem),
            (Item::Date, Problem::NotUnderstood)
        );
        let no_day = When::nothing().with_time(WhenTime::At(time("15:00")));
        let no_day = exactly(&no_day, BERLIN, now()).unwrap_err();
        assert_eq!(
            (no_day.item, no_day.problem),
            (Item::Date, Problem::Missing)
        );
        let monday = day("2026-11-30");
        let no_time = When::nothing().with_days(monday, monday);
        let no_time_doubt = exactly(&no_time, BERLIN, now()).unwrap_err();
        assert_eq!(
            (no_time_doubt.item, no_time_doubt.problem),
            (Item::Time, Problem::Missing)
        );
        let times = WhenTime::OneOf(vec![time("07:00"), time("19:00")]);
        let two = exactly(&no_time.clone().with_time(times), BERLIN, now()).unwrap_err();
        let values: Vec<_> = two.readings.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(
            values,
            ["2026-11-30T07:00:00+01:00", "2026-11-30T19:00:00+01:00"]
        );
        let days = no_time.with_other_day(day("2026-12-07"));
        let days = exactly(&days, BERLIN, now()).unwrap_err();
        assert_eq!((days.item, days.readings.len()), (Item::Date, 2));
    }

    #[test]
    fn a_part_of_the_day_without_a_day_is_one_of_the_next_days() {
        let when = When::nothing().with_time(WhenTime::Between(time("12:00"), time("18:00")));
        let Ok(Moment::Within(spans)) = moment(&when, BERLIN, now()) else {
            panic!();
        };
        assert_eq!(spans.len(), 8);
        assert_eq!(
            spans[0],
            (utc("2026-11-29T11:00:00Z"), utc("2026-11-29T17:00:00Z"))
        );
    }

    #[test]
    fn clocks_that_change_confuse_nobody() {
        // Left out in spring, twice in autumn.
        let spring = day("2027-03-28").and_time(time("02:30"));
        assert_eq!(instant(BERLIN, spring), utc("2027-03-28T01:30:00Z"));
        let autumn = day("2026-10-25").and_time(time("02:30"));
        assert_eq!(instant(BERLIN, autumn), utc("2026-10-25T00:30:00Z"));
        let whole_day = When::nothing().with_days(day("2027-03-28"), day("2027-03-28"));
        let Ok(Moment::Within(spans)) = moment(&whole_day, BERLIN, now()) else {
            panic!();
        };
        assert_eq!(spans[0].1 - spans[0].0, TimeDelta::hours(23));
    }

    #[test]
    fn an_absurd_time_is_not_understood() {
        let (first, last) = (NaiveDate::MIN, NaiveDate::MAX);
        for (when, problem) in [
            (
                When::nothing().with_days(first, last),
                Problem::NotUnderstood,
            ),
            (
                When::nothing().with_days(last, last),
                Problem::NotUnderstood,
            ),
            (When::nothing().with_days(first, first), Problem::InThePast),
            (
                When::exactly(DateTime::<Utc>::MAX_UTC),
                Problem::NotUnderstood,
            ),
            (When::exactly(DateTime::<Utc>::MIN_UTC), Problem::InThePast),
        ] {
            let doubt = moment(&when, BERLIN, now()).unwrap_err();
            assert_eq!(doubt.problem, problem, "{when:?}");
        }
        let year = When::nothing().with_days(day("2026-12-01"), day("2027-12-01"));
        let Ok(Moment::Within(spans)) = moment(&year, BERLIN, now()) else {
            panic!();
        };
        assert_eq!(spans.len(), MOST_DAYS);
    }
}
