//! What is asked in German about what is missing or not clear.

use chrono::NaiveDate;

use super::phrases::{at, clock, day, on_day, to};
use crate::agents::language::speech::{Choice, list, list_days};
use crate::agents::outcome::{Doubt, Item, Problem};

/// Asks about the first doubt: one question at a time.
pub(super) fn ask(doubts: &[Doubt], today: NaiveDate) -> String {
    let Some(doubt) = doubts.first() else {
        return "Das habe ich leider nicht verstanden. Können Sie es bitte noch einmal sagen?"
            .to_owned();
    };
    let question = question(doubt.item);
    let choice = choice(doubt, today);
    match (&doubt.problem, choice) {
        (Problem::Ambiguous, Some(choice)) if doubt.item == Item::Appointment => {
            format!("Welchen Termin meinen Sie: {choice}?")
        }
        (Problem::Ambiguous, Some(choice)) => format!("Meinen Sie {choice}?"),
        (Problem::Missing | Problem::Ambiguous, _) => question.to_owned(),
        (Problem::NotKnown, Some(choice)) => {
            let unknown = unknown(doubt.item);
            match doubt.item {
                Item::Staff => format!("{unknown} Möchten Sie zu {choice}?"),
                Item::Service | Item::Services => format!("{unknown} Möchten Sie {choice}?"),
                Item::Branch => format!("{unknown} In welche möchten Sie kommen: {choice}?"),
                _ => format!("{unknown} Meinen Sie {choice}?"),
            }
        }
        (Problem::NotKnown, None) => format!("{} {question}", unknown(doubt.item)),
        (Problem::NotUnderstood, _) => format!("{} {question}", not_understood(doubt.item)),
        (Problem::InThePast, _) => match doubt.item {
            Item::Time => format!("Diese Uhrzeit ist schon vorbei. {question}"),
            Item::Date => format!("Dieser Tag ist schon vorbei. {question}"),
            _ => format!("Das ist schon vorbei. {question}"),
        },
        (Problem::Closed, _) => match doubt.item {
            Item::Time => {
                "Um diese Zeit haben wir geschlossen. Welche andere Uhrzeit passt Ihnen?".to_owned()
            }
            _ => "An diesem Tag haben wir geschlossen. Welcher andere Tag passt Ihnen?".to_owned(),
        },
    }
}

/// What can be chosen; `None` if there is no choice.
fn choice(doubt: &Doubt, today: NaiveDate) -> Option<String> {
    if doubt.readings.is_empty() {
        return None;
    }
    let choice = Choice::of(&doubt.readings);
    if matches!(&choice, Choice::Names(names) if names.is_empty()) {
        return None;
    }
    if doubt.item == Item::Appointment {
        return Some(appointments(choice, today));
    }
    Some(match choice {
        Choice::Days(days) => {
            let days: Vec<String> = days.iter().map(|on| day(*on, today)).collect();
            list_days(&days, "oder")
        }
        Choice::Times(times) => {
            let times: Vec<String> = times.iter().map(|time| clock(*time)).collect();
            list(&times, "oder")
        }
        Choice::Moments(moments) => {
            let moments: Vec<String> = moments.iter().map(|at| to(*at, today)).collect();
            list(&moments, "oder")
        }
        Choice::Names(names) => list(&names, "oder"),
    })
}

/// Which appointment: "den am Dienstag, den 1. Dezember, um 9 Uhr oder den morgen um 9 Uhr".
fn appointments(choice: Choice, today: NaiveDate) -> String {
    let one = |when: String| format!("den {when}");
    match choice {
        Choice::Days(days) => {
            let days: Vec<String> = days.iter().map(|day| one(on_day(*day, today))).collect();
            list_days(&days, "oder")
        }
        Choice::Times(times) => {
            let times = times.iter().map(|time| one(format!("um {}", clock(*time))));
            list(&times.collect::<Vec<_>>(), "oder")
        }
        Choice::Moments(moments) => {
            let moments = moments.iter().map(|moment| one(at(*moment, today)));
            list(&moments.collect::<Vec<_>>(), "oder")
        }
        Choice::Names(names) => list(&names, "oder"),
    }
}

fn question(item: Item) -> &'static str {
    match item {
        Item::Name => "Auf welchen Namen darf ich den Termin eintragen?",
        Item::Contact => "Unter welcher Telefonnummer oder E-Mail-Adresse erreichen wir Sie?",
        Item::Phone => "Unter welcher Telefonnummer erreichen wir Sie?",
        Item::Email => "Wie lautet Ihre E-Mail-Adresse?",
        Item::Service => "Wofür möchten Sie einen Termin?",
        Item::Services => "Um welche Leistungen geht es?",
        Item::Date => "An welchem Tag möchten Sie kommen?",
        Item::Time => "Um wie viel Uhr möchten Sie kommen?",
        Item::Branch => "In welche Filiale möchten Sie kommen?",
        Item::Staff => "Zu wem möchten Sie kommen?",
        Item::Appointment => "Um welchen Ihrer Termine geht es?",
    }
}

fn unknown(item: Item) -> &'static str {
    match item {
        Item::Service | Item::Services => "Diese Leistung haben wir leider nicht.",
        Item::Branch => "Diese Filiale haben wir leider nicht.",
        Item::Staff => "Diesen Namen gibt es bei uns leider nicht.",
        Item::Appointment => "Diesen Termin finde ich leider nicht.",
        other => not_understood(other),
    }
}

fn not_understood(item: Item) -> &'static str {
    match item {
        Item::Name | Item::Staff => "Den Namen habe ich leider nicht verstanden.",
        Item::Contact => "Das habe ich leider nicht verstanden.",
        Item::Phone => "Die Telefonnummer habe ich leider nicht richtig verstanden.",
        Item::Email => "Die E-Mail-Adresse habe ich leider nicht richtig verstanden.",
        Item::Service | Item::Services => "Die Leistung habe ich leider nicht verstanden.",
        Item::Date => "Den Tag habe ich leider nicht verstanden.",
        Item::Time => "Die Uhrzeit habe ich leider nicht verstanden.",
        Item::Branch => "Die Filiale habe ich leider nicht verstanden.",
        Item::Appointment => "Den Termin habe ich leider nicht verstanden.",
    }
}
