//! Opening hours as people write them: `Mon-Fri 09:00-18:00, Sat 09:00-13:00`.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveTime, Weekday};

use super::branch::{OpeningHours, OpeningTime};

/// The days of a week as they are written, in their order.
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Mon, "Mon"),
    (Weekday::Tue, "Tue"),
    (Weekday::Wed, "Wed"),
    (Weekday::Thu, "Thu"),
    (Weekday::Fri, "Fri"),
    (Weekday::Sat, "Sat"),
    (Weekday::Sun, "Sun"),
];

/// Text that cannot be parsed as opening hours. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "opening hours are written as in Mon-Fri 09:00-12:00 14:00-18:00, and each span begins before it ends"
)]
#[non_exhaustive]
pub struct NotOpeningHours;

impl FromStr for OpeningHours {
    type Err = NotOpeningHours;

    /// A day or a span of days, and then one or several spans of time; `24:00` is the end of a day. Commas
    /// separate several of these. The names of days are English, and three letters of them are enough.
    fn from_str(text: &str) -> Result<Self, NotOpeningHours> {
        let mut times = Vec::new();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let mut words = part.split_whitespace();
            let days = days(words.next().ok_or(NotOpeningHours)?)?;
            let spans: Vec<_> = words.map(span).collect::<Result<_, _>>()?;
            if spans.is_empty() {
                return Err(NotOpeningHours);
            }
            for day in days {
                let of_day = spans.iter();
                times.extend(of_day.map(|(from, until)| OpeningTime::new(day, *from, *until)));
            }
        }
        Ok(times.into_iter().collect())
    }
}

fn days(text: &str) -> Result<Vec<Weekday>, NotOpeningHours> {
    let day = |text: &str| text.parse::<Weekday>().map_err(|_| NotOpeningHours);
    let Some((first, last)) = text.split_once(['-', '\u{2013}']) else {
        return Ok(vec![day(text)?]);
    };
    let (first, last) = (day(first)?, day(last)?);
    let mut days = vec![first];
    // Saturday to Monday goes on into the next week.
    while let Some(before) = days.last().copied()
        && before != last
    {
        days.push(before.succ());
    }
    Ok(days)
}

fn span(text: &str) -> Result<(NaiveTime, NaiveTime), NotOpeningHours> {
    let time = |text: &str| {
        let time = match text {
            "24:00" => Ok(NaiveTime::MIN),
            text => NaiveTime::parse_from_str(text, "%H:%M"),
        };
        time.map_err(|_| NotOpeningHours)
    };
    let (from, until) = text.split_once(['-', '\u{2013}']).ok_or(NotOpeningHours)?;
    let (from, until) = (time(from)?, time(until)?);
    if from < until || until == NaiveTime::MIN {
        Ok((from, until))
    } else {
        Err(NotOpeningHours)
    }
}

impl fmt::Display for OpeningHours {
    /// Days that follow one another and are alike are put together: `Mon-Fri 09:00-18:00, Sat 09:00-13:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(&str, &str, Vec<String>)> = Vec::new();
        let mut was_open = false;
        for (day, name) in DAYS {
            let mut of_day: Vec<&OpeningTime> =
                self.times().iter().filter(|time| time.day == day).collect();
            of_day.sort_by_key(|time| time.from);
            let spans: Vec<String> = of_day.into_iter().map(written).collect();
            let is_open = !spans.is_empty();
            match groups.last_mut() {
                Some((_, last, known)) if is_open && was_open && *known == spans => *last = name,
                _ if is_open => groups.push((name, name, spans)),
                _ => {}
            }
            was_open = is_open;
        }
        for (index, (first, last, spans)) in groups.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{first}")?;
            if first != last {
                write!(f, "-{last}")?;
            }
            write!(f, " {}", spans.join(" "))?;
        }
        Ok(())
    }
}

fn written(time: &OpeningTime) -> String {
    let until = match time.until {
        NaiveTime::MIN => "24:00".to_owned(),
        until => until.format("%H:%M").to_string(),
    };
    format!("{}-{until}", time.from.format("%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_hours_are_read_and_written() {
        for (text, shown) in [
            ("", ""),
            (
                "Mon-Fri 09:00-18:00, Sat 09:00-13:00",
                "Mon-Fri 09:00-18:00, Sat 09:00-13:00",
            ),
            (
                "monday-wednesday 14:00-18:00 9:00-12:00",
                "Mon-Wed 09:00-12:00 14:00-18:00",
            ),
            (
                "Sat-Mon 22:00-24:00",
                "Mon 22:00-24:00, Sat-Sun 22:00-24:00",
            ),
            (
                "Mon 09:00-12:00, Wed 09:00-12:00,",
                "Mon 09:00-12:00, Wed 09:00-12:00",
            ),
            ("Tue\u{2013}Wed 09:00\u{2013}12:00", "Tue-Wed 09:00-12:00"),
        ] {
            let hours: OpeningHours = text.parse().unwrap();
            assert_eq!(hours.to_string(), shown, "{text}");
            let again: OpeningHours = shown.parse().unwrap();
            assert_eq!(again.to_string(), shown);
        }
        let all: OpeningHours = "Fri-Thu 00:00-24:00".parse().unwrap();
        assert_eq!(all.times().len(), 7);
    }

    #[test]
    fn what_says_no_opening_hours_is_refused() {
        for text in [
            "Mon",
            "09:00-18:00",
            "Mon 09:00",
            "Mon 18:00-09:00",
            "Mon 09:00-09:00",
            "Mon 24:00-09",
            "Mon 25:00-26:00",
            "Someday 09:00-18:00",
            "Mon- 09:00-18:00",
            "Mon 09:00-18:00 closed",
        ] {
            let read: Result<OpeningHours, _> = text.parse();
            assert_eq!(read, Err(NotOpeningHours), "{text}");
        }
    }
}
