//! What is asked in English about what is missing or not clear.

use chrono::NaiveDate;

use super::phrases::{at, clock, day, on_day, to};
use crate::agents::language::speech::{Choice, list, list_days};
use crate::agents::outcome::{Doubt, Item, Problem};

/// Asks about the first doubt: one question at a time.
pub(super) fn ask(doubts: &[Doubt], today: NaiveDate) -> String {
    let Some(doubt) = doubts.first() else {
        return "I'm sorry, I didn't understand that. Could you say it again, please?".to_owned();
    };
    let question = question(doubt.item);
    let choice = choice(doubt, today);
    match (&doubt.problem, choice) {
        (Problem::Ambiguous, Some(choice)) if doubt.item == Item::Appointment => {
            format!("Which appointment do you mean: {choice}?")
        }
        (Problem::Ambiguous, Some(choice)) => format!("Do you mean {choice}?"),
        (Problem::Missing | Problem::Ambiguous, _) => question.to_owned(),
        (Problem::NotKnown, Some(choice)) => {
            let unknown = unknown(doubt.item);
            match doubt.item {
                Item::Staff => format!("{unknown} Would you like to see {choice}?"),
                Item::Service | Item::Services => format!("{unknown} Would you like {choice}?"),
                Item::Branch => format!("{unknown} Which would you like: {choice}?"),
                _ => format!("{unknown} Do you mean {choice}?"),
            }
        }
        (Problem::NotKnown, None) => format!("{} {question}", unknown(doubt.item)),
        (Problem::NotUnderstood, _) => format!("{} {question}", not_understood(doubt.item)),
        (Problem::InThePast, _) => match doubt.item {
            Item::Time => format!("That time has already passed. {question}"),
            Item::Date => format!("That day has already passed. {question}"),
            _ => format!("That has already passed. {question}"),
        },
        (Problem::Closed, _) => match doubt.item {
            Item::Time => "We are closed at that time. Which other time would suit you?".to_owned(),
            _ => "We are closed on that day. Which other day would suit you?".to_owned(),
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
            list_days(&days, "or")
        }
        Choice::Times(times) => {
            let times: Vec<String> = times.iter().map(|time| clock(*time)).collect();
            list(&times, "or")
        }
        Choice::Moments(moments) => {
            let moments: Vec<String> = moments.iter().map(|at| to(*at, today)).collect();
            list(&moments, "or")
        }
        Choice::Names(names) => list(&names, "or"),
    })
}

/// Which appointment: "the one on Tuesday, December 1st, at 9 am or the one tomorrow at 9 am".
fn appointments(choice: Choice, today: NaiveDate) -> String {
    let one = |when: String| format!("the one {when}");
    match choice {
        Choice::Days(days) => {
            let days: Vec<String> = days.iter().map(|day| one(on_day(*day, today))).collect();
            list_days(&days, "or")
        }
        Choice::Times(times) => {
            let times = times.iter().map(|time| one(format!("at {}", clock(*time))));
            list(&times.collect::<Vec<_>>(), "or")
        }
        Choice::Moments(moments) => {
            let moments = moments.iter().map(|moment| one(at(*moment, today)));
            list(&moments.collect::<Vec<_>>(), "or")
        }
        Choice::Names(names) => list(&names, "or"),
    }
}

fn question(item: Item) -> &'static str {
    match item {
        Item::Name => "What name shall I put the appointment under?",
        Item::Contact => "What phone number or email address can we reach you at?",
        Item::Phone => "What phone number can we reach you at?",
        Item::Email => "What is your email address?",
        Item::Service => "What would you like an appointment for?",
        Item::Services => "Which services would you like?",
        Item::Date => "What day would you like to come?",
        Item::Time => "What time would you like to come?",
        Item::Branch => "Which of our branches would you like to come to?",
        Item::Staff => "Who would you like to see?",
        Item::Appointment => "Which of your appointments do you mean?",
    }
}

fn unknown(item: Item) -> &'static str {
    match item {
        Item::Service | Item::Services => "I'm afraid we don't offer that.",
        Item::Branch => "I'm afraid we don't have that branch.",
        Item::Staff => "I'm afraid there is nobody of that name here.",
        Item::Appointment => "I'm afraid I can't find that appointment.",
        other => not_understood(other),
    }
}

fn not_understood(item: Item) -> &'static str {
    match item {
        Item::Name | Item::Staff => "I'm sorry, I didn't catch the name.",
        Item::Contact => "I'm sorry, I didn't catch that.",
        Item::Phone => "I'm sorry, I didn't quite catch the phone number.",
        Item::Email => "I'm sorry, I didn't quite catch the email address.",
        Item::Service | Item::Services => "I'm sorry, I didn't catch what you would like.",
        Item::Date => "I'm sorry, I didn't catch the day.",
        Item::Time => "I'm sorry, I didn't catch the time.",
        Item::Branch => "I'm sorry, I didn't catch which branch.",
        Item::Appointment => "I'm sorry, I didn't catch which appointment.",
    }
}
