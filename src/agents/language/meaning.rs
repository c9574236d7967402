//! The days that can be meant by what was heard.

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use super::calendar::{day_of_month, last_of_month, monday, month_day, nth, plus, weekday_from};
use super::heard::Heard;
use super::said::{Day, Join, Piece, Which};
use crate::agents::when::{When, WhenTime};

/// How many other days are kept.
const MOST_OTHERS: usize = 14;

/// The days of one thing that was said: the first, the last, and others that can be meant.
struct Days {
    first: NaiveDate,
    last: NaiveDate,
    others: Vec<NaiveDate>,
}

impl Days {
    fn on(day: NaiveDate) -> Self {
        Self::span(day, day)
    }

    fn span(first: NaiveDate, last: NaiveDate) -> Self {
        Self {
            first,
            last,
            others: Vec::new(),
        }
    }

    fn or(mut self, other: Option<NaiveDate>) -> Self {
        self.others.extend(other);
        self
    }
}

/// Puts together what belongs together: a day of the week with its week or its date.
fn merged(said: &[(Join, Day)]) -> Vec<(Join, Day)> {
    let mut days: Vec<(Join, Day)> = Vec::new();
    for (join, day) in said {
        let Some((earlier, before)) = days.last_mut() else {
            days.push((*join, *day));
            continue;
        };
        let together = match (*before, *day) {
            _ if !matches!(join, Join::And) => None,
            (Day::Week(weeks, _), Day::Weekday(name, _))
            | (Day::Weekday(name, _), Day::Week(weeks, Piece::Whole)) => {
                Some(Day::Weekday(name, Which::InWeek(weeks)))
            }
            (Day::InWeeks(weeks), Day::Weekday(name, _)) => {
                Some(Day::Weekday(name, Which::Plus(weeks)))
            }
            (Day::OfMonth(day), Day::Month { month, .. }) => Some(Day::Dated {
                month,
                day,
                year: None,
            }),
            _ => None,
        };
        if let Some(together) = together {
            *before = together;
            continue;
        }
        // "The 10th or 11th of December."
        if let (Day::OfMonth(first), Day::Dated { month, year, .. }) = (*before, *day) {
            *before = Day::Dated {
                month,
                day: first,
                year,
            };
        }
        // "Next week from Wednesday on", "next week on Monday or Tuesday".
        let mut day = *day;
        match (*before, day, *earlier) {
            (Day::Week(weeks, _), Day::Weekday(name, _), Join::And) if join.is_bound() => {
                *before = Day::Weekday(name, Which::InWeek(weeks));
                *earlier = *join;
                continue;
            }
            (Day::Weekday(_, which @ Which::InWeek(_)), Day::Weekday(name, Which::Plain), _) => {
                day = Day::Weekday(name, which);
            }
            _ => {}
        }
        days.push((*join, day));
    }
    days
}

/// Whether a time of today is still to come; `None` if that depends on what is meant.
fn to_come(time: Option<&WhenTime>, now: NaiveTime) -> Option<bool> {
    match time? {
        WhenTime::At(time) => Some(*time > now),
        WhenTime::OneOf(times) => {
            let coming = times.iter().filter(|time| **time > now).count();
            match coming {
                0 => Some(false),
                some if some == times.len() => Some(true),
                _ => None,
            }
        }
        WhenTime::Between(start, end) if start == end => None,
        WhenTime::Between(_, end) => Some(*end > now || *end == NaiveTime::default()),
    }
}

/// The days that a day of the week can mean.
fn of_weekday(
    name: Weekday,
    which: Which,
    now: NaiveDateTime,
    time: Option<&WhenTime>,
) -> Option<Days> {
    let today = now.date();
    let coming = weekday_from(plus(today, 1)?, name)?;
    let is_today = today.weekday() == name;
    Some(match which {
        Which::Plain if is_today => match to_come(time, now.time()) {
            Some(true) => Days::on(today),
            Some(false) => Days::on(coming),
            None => Days::on(today).or(Some(coming)),
        },
        Which::Plain | Which::Coming => Days::on(coming),
        Which::Next if is_today => Days::on(coming),
        Which::Next => Days::on(coming).or(plus(coming, 7)),
        Which::AfterNext => Days::on(plus(coming, 7)?),
        Which::Last => Days::on(weekday_from(plus(today, -7)?, name)?),
        Which::Plus(weeks) => {
            let first = weekday_from(today, name)?;
            Days::on(plus(first, weeks.checked_mul(7)?)?)
        }
        Which::InWeek(weeks) => {
            let start = plus(monday(today)?, weeks.checked_mul(7)?)?;
            let day = weekday_from(start, name)?;
            Days::on(if weeks == 0 && day < today {
                coming
            } else {
                day
            })
        }
    })
}

/// A piece of a week; one that has passed is that of the week after.
fn of_week(weeks: i64, piece: Piece, today: NaiveDate) -> Option<Days> {
    let start = plus(monday(today)?, weeks.checked_mul(7)?)?;
    let (first, last) = match piece {
        Piece::Whole => (0, 6),
        Piece::Start => (0, 1),
        Piece::Middle => (1, 3),
        Piece::End => (3, 4),
    };
    let (first, last) = (plus(start, first)?, plus(start, last)?);
    if weeks == 0 && last < today {
        return Some(Days::span(plus(first, 7)?, plus(last, 7)?));
    }
    let first = if weeks == 0 { first.max(today) } else { first };
    Some(Days::span(first, last))
}

/// A piece of a month.
fn of_month(first: NaiveDate, piece: Piece, today: NaiveDate) -> Option<Days> {
    let end = last_of_month(first)?;
    let (from, to) = match piece {
        Piece::Whole => (first, end),
        Piece::Start => (first, first.with_day(10)?),
        Piece::Middle => (first.with_day(11)?, first.with_day(20)?),
        Piece::End => (first.with_day(21)?, end),
    };
    let from = if to >= today { from.max(today) } else { from };
    Some(Days::span(from, to))
}

fn of(day: Day, now: NaiveDateTime, time: Option<&WhenTime>) -> Option<Days> {
    let today = now.date();
    match day {
        Day::None => None,
        Day::Date(date) => Some(Days::on(date)),
        Day::Either(one, other) => Some(Days::on(one).or(Some(other))),
        Day::Dated { month, day, year } => month_day(today, month, day, year).map(Days::on),
        Day::OfMonth(day) => day_of_month(today, day).map(Days::on),
        Day::Weekday(name, which) => of_weekday(name, which, now, time),
        Day::Nth(place, name, month) => nth(today, place, name, month).map(Days::on),
        Day::Week(weeks, piece) => of_week(weeks, piece, today),
        Day::InWeeks(weeks) => plus(today, weeks.checked_mul(7)?).map(Days::on),
        Day::Weekend(next) => {
            // On a Sunday the weekend is over.
            let day = if today.weekday() == Weekday::Sun {
                plus(today, 1)?
            } else {
                today
            };
            let saturday = weekday_from(day, Weekday::Sat)?;
            let days = Days::span(saturday, plus(saturday, 1)?);
            Some(if next {
                days.or(plus(saturday, 7)).or(plus(saturday, 8))
            } else {
                days
            })
        }
        Day::Month { month, piece } => {
            let this = (today.month() == month)
                .then(|| today.with_day(1))
                .flatten();
            let first = this.or_else(|| month_day(today, month, 1, None))?;
            let days = of_month(first, piece, today)?;
            if days.last < today {
                return of_month(first.checked_add_months(Months::new(12))?, piece, today);
            }
            Some(days)
        }
        Day::MonthAhead(months, piece) => {
            let months = Months::new(u32::try_from(months).ok()?);
            let first = today.with_day(1)?.checked_add_months(months)?;
            let days = of_month(first, piece, today)?;
            if days.last < today {
                return of_month(first.checked_add_months(Months::new(1))?, piece, today);
            }
            Some(days)
        }
    }
}

/// Whether a day is known by its date and not only by a name.
fn is_dated(day: Day) -> bool {
    !matches!(
        day,
        Day::Weekday(..)
            | Day::Week(..)
            | Day::Weekend(_)
            | Day::Month { .. }
            | Day::MonthAhead(..)
    )
}

/// Puts the days that were said into a [`When`].
pub(super) fn days(heard: &Heard, now: NaiveDateTime, when: &mut When) {
    let mut found: Vec<(Join, Day, Days)> = Vec::new();
    for (join, day) in merged(&heard.days) {
        // Where a day was said that does not exist, a guess at the rest would be a wrong day.
        let Some(days) = of(day, now, when.time.as_ref()) else {
            return;
        };
        found.push((join, day, days));
    }
    let bound = |start: bool| {
        let mut bounds = found.iter().filter(|(join, ..)| join.is_bound());
        let found = bounds.find(|(join, ..)| matches!(join, Join::From | Join::After) == start);
        found.map(|(join, _, days)| (*join, days))
    };
    let (from, until) = (bound(true), bound(false));
    if from.is_some() || until.is_some() {
        when.days = between(from, until, now.date());
        return;
    }
    // A date leads: "Thursday, December 10th".
    if let Some(dated) = found
        .iter()
        .position(|(join, day, _)| *join == Join::And && is_dated(*day))
    {
        found[..=dated].rotate_right(1);
    }
    for (join, day, days) in found {
        let Some((start, end)) = when.days else {
            when.days = Some((days.first, days.last));
            when.other_days = days.others;
            continue;
        };
        // The name that a date has is no other day.
        let agrees = match day {
            Day::Weekday(name, _) => start.weekday() == name,
            _ => !is_dated(day) && (days.first..=days.last).contains(&start),
        };
        if join == Join::And && start == end && agrees {
            continue;
        }
        let span = days.first.iter_days().take_while(|day| *day <= days.last);
        for day in span.take(7).chain(days.others) {
            let known = (start..=end).contains(&day) || when.other_days.contains(&day);
            if !known && when.other_days.len() < MOST_OTHERS {
                when.other_days.push(day);
            }
        }
    }
}

/// The days from one to another, as far as they were said.
fn between(
    from: Option<(Join, &Days)>,
    until: Option<(Join, &Days)>,
    today: NaiveDate,
) -> Option<(NaiveDate, NaiveDate)> {
    let first = match from {
        Some((Join::After, days)) => Some(plus(days.last, 1)?),
        Some((_, days)) => Some(days.first),
        None => None,
    };
    let last = match until {
        Some((Join::Before, days)) => Some(plus(days.first, -1)?),
        Some((_, days)) => Some(days.last),
        None => None,
    };
    match (first, last) {
        (Some(first), None) => Some((first, plus(first, 6)?)),
        (None, Some(last)) => Some((today.min(last), last)),
        // "Tuesday until Thursday", said on a Wednesday.
        (Some(first), Some(last)) if last < first => {
            let weeks = (first - last).num_days() / 7 + 1;
            let later = plus(last, weeks * 7)?;
            Some(if weeks == 1 {
                (first, later)
            } else {
                (last, last)
            })
        }
        (Some(first), Some(last)) => Some((first, last)),
        (None, None) => None,
    }
}
