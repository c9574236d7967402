//! What sentences of all languages have in common.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use crate::agents::outcome::{Kept, Offer, Reading};

/// How many alternatives are said at once; nobody remembers more.
pub(super) const ALTERNATIVES: usize = 3;

/// How many characters are said at once, unless one name alone has more.
const LONGEST: usize = 300;

/// How many characters of a name are said.
const LONGEST_NAME: usize = 50;

/// A name that a host or a person has given, without what cannot be said: marks of the sentence and of
/// markup.
pub(super) fn name(text: &str) -> String {
    let keep = |character: char| match character {
        _ if character.is_alphanumeric() => character,
        '-' | '\'' | '’' | '&' | '+' | ',' | '/' | '%' | '€' | '$' => character,
        // Combining accents are part of a letter.
        '\u{300}'..='\u{36f}' => character,
        '.' => character,
        _ => ' ',
    };
    let text: String = text.chars().map(keep).collect();
    let mut name = String::new();
    let mut length = 0;
    let words = text
        .split_whitespace()
        .map(|word| word.trim_start_matches(['.', ',', '/']));
    for word in words.filter(|word| !word.is_empty()) {
        length += word.chars().count() + 1;
        if length > LONGEST_NAME {
            if name.is_empty() {
                name = word.chars().take(LONGEST_NAME).collect();
            }
            break;
        }
        // A mark alone is said only between words: "wash & cut".
        let is_mark = !word.contains(char::is_alphanumeric) && !["&", "+", "-"].contains(&word);
        if is_mark {
            continue;
        }
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
    let ends =
        |character: char| !character.is_alphanumeric() && !matches!(character, '%' | '€' | '$');
    let accent = |character: char| matches!(character, '\u{300}'..='\u{36f}');
    name.trim_matches(|character| ends(character) && !accent(character))
        .to_owned()
}

/// The names that can be said.
pub(super) fn names<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let names = texts.into_iter().map(|text| name(text));
    names.filter(|name| !name.is_empty()).collect()
}

/// A name, if it has anything that can be said.
pub(super) fn said(text: Option<&String>) -> Option<String> {
    text.map(|text| name(text)).filter(|name| !name.is_empty())
}

/// "A, B or C".
pub(super) fn list(items: &[String], or: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {or} {last}", first.join(", ")),
    }
}

/// "Thursday, December 3rd, or Thursday, December 10th": what has a comma inside is closed by one.
pub(super) fn list_days(items: &[String], or: &str) -> String {
    match items {
        [first @ .., last] if first.last().is_some_and(|day| day.contains(',')) => {
            format!("{}, {or} {last}", first.join(", "))
        }
        _ => list(items, or),
    }
}

/// The sentence that says the most and is short enough. It is given how many things to say.
pub(super) fn fit(most: usize, sentence: impl Fn(usize) -> String) -> String {
    let fitting = (1..=most).rev().map(&sentence);
    let mut fitting = fitting.filter(|text| text.chars().count() <= LONGEST);
    fitting.next().unwrap_or_else(|| sentence(1))
}

/// The sentence with a capital letter in front.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Whether a date is not understood without its year.
pub(super) fn needs_year(date: NaiveDate, today: NaiveDate) -> bool {
    let next = super::calendar::month_day(today, date.month(), date.day(), None);
    next != Some(date)
}

/// Times on one day, or days with a time each.
pub(super) enum Slots {
    OneDay(NaiveDate, Vec<NaiveTime>),
    Several(Vec<NaiveDateTime>),
}

impl Slots {
    /// Puts times of one day together.
    pub(super) fn new(starts: Vec<NaiveDateTime>) -> Self {
        match starts.first().map(NaiveDateTime::date) {
            Some(day) if starts.iter().all(|start| start.date() == day) => {
                Self::OneDay(day, starts.iter().map(NaiveDateTime::time).collect())
            }
            _ => Self::Several(starts),
        }
    }
}

/// What slots have in common besides the day: with whom, and where.
pub(super) fn common(slots: &[Offer]) -> (Option<String>, Option<String>) {
    let first = slots.first();
    let staff = first.and_then(|slot| slot.staff.as_ref());
    let branch = first.and_then(|slot| slot.branch.as_ref());
    let same_staff = slots.iter().all(|slot| slot.staff.as_ref() == staff);
    let same_branch = slots.iter().all(|slot| slot.branch.as_ref() == branch);
    (
        said(staff.filter(|_| same_staff)),
        said(branch.filter(|_| same_branch)),
    )
}

/// The time that is said for a slot.
pub(super) fn starts(slots: &[Offer]) -> Vec<NaiveDateTime> {
    slots.iter().map(|slot| slot.start.naive_local()).collect()
}

/// The time that is said for an appointment.
pub(super) fn start(appointment: &Kept) -> NaiveDateTime {
    appointment.start.naive_local()
}

/// The hours of a day that were looked through; `None` for where the day begins or ends anyway.
pub(super) fn hours(
    from: NaiveDateTime,
    until: NaiveDateTime,
    now: NaiveDateTime,
) -> (Option<NaiveTime>, Option<NaiveTime>) {
    let midnight = NaiveTime::default();
    let start = Some(from.time()).filter(|time| *time != midnight && from > now);
    (start, Some(until.time()).filter(|time| *time != midnight))
}

/// The last day before an end that does not belong to a range.
pub(super) fn last_day(until: &DateTime<FixedOffset>) -> NaiveDate {
    let local = until.naive_local();
    let midnight = local.time() == NaiveTime::default();
    let before = local.date().pred_opt().filter(|_| midnight);
    before.unwrap_or(local.date())
}

/// The day, the time or both that a reading stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(NaiveDateTime),
    Day(NaiveDate),
    Time(NaiveTime),
}

impl Moment {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::At(instant.naive_local()));
        }
        for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
            if let Ok(moment) = NaiveDateTime::parse_from_str(text, form) {
                return Some(Self::At(moment));
            }
        }
        if let Ok(day) = text.parse() {
            return Some(Self::Day(day));
        }
        let time = ["%H:%M", "%H:%M:%S"];
        let mut times = time
            .iter()
            .filter_map(|form| NaiveTime::parse_from_str(text, form).ok());
        times.next().map(Self::Time)
    }
}

/// What readings are said as.
pub(super) enum Choice {
    Days(Vec<NaiveDate>),
    Times(Vec<NaiveTime>),
    Moments(Vec<NaiveDateTime>),
    Names(Vec<String>),
}

impl Choice {
    /// Puts the readings of a doubt into the fewest words that tell them apart.
    pub(super) fn of(readings: &[Reading]) -> Self {
        let readings = &readings[..readings.len().min(ALTERNATIVES)];
        let read = |reading: &Reading| {
            Moment::read(&reading.name).or_else(|| Moment::read(&reading.value))
        };
        let moments: Option<Vec<Moment>> = readings.iter().map(read).collect();
        let named = || Self::Names(names(readings.iter().map(|reading| &reading.name)));
        let Some(moments) = moments.filter(|moments| !moments.is_empty()) else {
            return named();
        };
        let mut days = Vec::new();
        let mut times = Vec::new();
        let mut whole = Vec::new();
        for moment in &moments {
            match moment {
                Moment::At(at) => {
                    whole.push(*at);
                    days.push(at.date());
                    times.push(at.time());
                }
                Moment::Day(day) => days.push(*day),
                Moment::Time(time) => times.push(*time),
            }
        }
        let all = moments.len();
        let same_time = times.windows(2).all(|pair| pair[0] == pair[1]);
        let same_day = days.windows(2).all(|pair| pair[0] == pair[1]);
        if days.len() == all && (times.is_empty() || (same_time && all > 1 && !same_day)) {
            Self::Days(days)
        } else if times.len() == all && (days.is_empty() || (same_day && all > 1 && !same_time)) {
            Self::Times(times)
        } else if whole.len() == all {
            Self::Moments(whole)
        } else {
            named()
        }
    }
}
