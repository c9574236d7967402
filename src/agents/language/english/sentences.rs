//! English sentences.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};

use super::doubts;
use super::phrases::{at, clock, count, date, duration, on_day, slots, to};
use crate::agents::language::speech::{
    ALTERNATIVES, Slots, common, fit, hours, last_day, list, said, start, starts,
};
use crate::agents::language::{Scene, speech};
use crate::agents::outcome::{
    Collected, Doubt, Kept, Offer, Outcome, Progress, Refusal, ServiceLine,
};
use crate::agents::tool::Tool;

/// The sentence for an outcome.
pub(super) fn say(outcome: &Outcome, scene: &Scene) -> String {
    let today = scene.now.date();
    match outcome {
        Outcome::Services { services } => offered(services),
        Outcome::Duration {
            services,
            minutes,
            end,
        } => lasts(services, *minutes, end.as_ref(), today),
        Outcome::Free { slot } => {
            let (staff, branch) = common(std::slice::from_ref(slot));
            let place = place(staff, branch);
            let time = to(slot.start.naive_local(), today);
            format!("Yes, {time}{place} is free. Shall I book it for you?")
        }
        Outcome::Slots { slots, as_wished } => free(slots, *as_wished, today),
        Outcome::Taken {
            wanted,
            alternatives,
        } => taken(wanted, alternatives, scene),
        Outcome::NothingFree { from, until } => nothing_free(from, until, scene.now),
        Outcome::Collected { data, open } => collected(data, open, scene),
        Outcome::Booked {
            appointment,
            progress,
        } => {
            let which = which(appointment, today);
            match progress {
                Progress::Confirmed => format!("{which} is booked. We look forward to seeing you."),
                Progress::Accepted => format!("{which} is booked; the confirmation follows."),
                Progress::AwaitsConfirmation => {
                    format!("{which} is reserved. We just have to confirm it.")
                }
            }
        }
        Outcome::Moved {
            appointment,
            progress,
        } => {
            let mine = mine(appointment);
            let to = to(start(appointment), today);
            let branch = place(None, said(appointment.branch.as_ref()));
            let moved = format!("{mine} has been moved to {to}{branch}");
            match progress {
                Progress::Confirmed => format!("{moved}."),
                Progress::Accepted => format!("{moved}; the confirmation follows."),
                Progress::AwaitsConfirmation => {
                    format!("{moved}. We just have to confirm the new time.")
                }
            }
        }
        Outcome::Cancelled { appointment } => {
            format!("{} has been cancelled.", which(appointment, today))
        }
        Outcome::Appointments { appointments } => kept(appointments, today),
        Outcome::Unclear { doubts } => doubts::ask(doubts, today),
        Outcome::Refused { reason } => refused(*reason).to_owned(),
        Outcome::Unknown => {
            "That is taking too long, and I can't tell yet whether it worked. Shall I check again?".to_owned()
        }
        Outcome::Unavailable => {
            "I'm afraid I can't do that right now; nothing has been changed. Please try again a little later.".to_owned()
        }
    }
}

/// With whom and where.
fn place(staff: Option<String>, branch: Option<String>) -> String {
    let staff = staff.map(|staff| format!(" with {staff}"));
    let branch = branch.map(|branch| format!(" at our {branch} branch"));
    staff.unwrap_or_default() + &branch.unwrap_or_default()
}

/// "Your haircut appointment with Anna".
fn mine(appointment: &Kept) -> String {
    let service = said(appointment.service.as_ref());
    let service = service.map_or_else(String::new, |service| format!("{service} "));
    let staff = place(said(appointment.staff.as_ref()), None);
    format!("Your {service}appointment{staff}")
}

/// "Your haircut appointment with Anna on Thursday, December 10th, at 2:30 pm".
fn which(appointment: &Kept, today: NaiveDate) -> String {
    let time = at(start(appointment), today);
    let branch = place(None, said(appointment.branch.as_ref()));
    format!("{} {time}{branch}", mine(appointment))
}

fn names(services: &[ServiceLine]) -> Vec<String> {
    speech::names(services.iter().map(|service| &service.name))
}

fn offered(services: &[ServiceLine]) -> String {
    let names = names(services);
    match names.as_slice() {
        [] => "I'm afraid there is nothing to book at the moment.".to_owned(),
        [one] => {
            let minutes = services.first().map_or(0, |service| service.minutes);
            let length = match minutes {
                0 => String::new(),
                minutes => format!(", which takes {}", duration(minutes)),
            };
            format!("You can book {one}{length}. Would you like an appointment?")
        }
        names => fit(names.len().min(ALTERNATIVES), |most| {
            let some = if names.len() > most {
                ", for example,"
            } else {
                ""
            };
            let list = list(&names[..most], "and");
            format!("You can book{some} {list}. What would you like an appointment for?")
        }),
    }
}

fn lasts(
    services: &[ServiceLine],
    minutes: u32,
    end: Option<&DateTime<FixedOffset>>,
    today: NaiveDate,
) -> String {
    let length = duration(minutes);
    let end = end.map(|end| at(end.naive_local(), today));
    let end = end.map_or_else(String::new, |end| format!(" You would be done {end}."));
    let names = names(services);
    match names.as_slice() {
        [] => format!("That takes {length}.{end}"),
        [one] => format!("{one} takes {length}.{end}"),
        names if names.len() <= ALTERNATIVES => {
            format!("{} take {length} altogether.{end}", list(names, "and"))
        }
        names => format!("All {} take {length} altogether.{end}", count(names.len())),
    }
}

/// "On Thursday, December 10th, at 2 pm or 3 pm with Anna".
fn times(offers: &[Offer], today: NaiveDate, asked: Option<NaiveDate>) -> String {
    let (staff, branch) = common(offers);
    let times = slots(&Slots::new(starts(offers)), today, asked);
    format!("{times}{}", place(staff, branch))
}

/// The question that follows a list of alternatives.
fn choose(alternatives: usize) -> &'static str {
    if alternatives == 1 {
        "Does that work for you?"
    } else {
        "Which suits you best?"
    }
}

fn free(offers: &[Offer], as_wished: bool, today: NaiveDate) -> String {
    if offers.is_empty() {
        return "I'm afraid nothing is free then. Shall I look at another day?".to_owned();
    }
    fit(offers.len().min(ALTERNATIVES), |most| {
        let times = times(&offers[..most], today, None);
        let choose = choose(most);
        if as_wished {
            format!("I have an opening {times}. {choose}")
        } else {
            format!("Nothing is free at exactly that time, but I have an opening {times}. {choose}")
        }
    })
}

fn taken(wanted: &DateTime<FixedOffset>, alternatives: &[Offer], scene: &Scene) -> String {
    let today = scene.now.date();
    let wanted = wanted.naive_local();
    let time = to(wanted, today);
    let stays = if scene.tool == Tool::MoveAppointment {
        ", so your appointment stays as it is"
    } else {
        ""
    };
    if alternatives.is_empty() {
        return format!("I'm afraid {time} is not free{stays}. Shall I look at another day?");
    }
    fit(alternatives.len().min(ALTERNATIVES), |most| {
        let times = times(&alternatives[..most], today, Some(wanted.date()));
        let choose = choose(most);
        format!("I'm afraid {time} is not free{stays}. I have an opening {times}. {choose}")
    })
}

fn nothing_free(
    from: &DateTime<FixedOffset>,
    until: &DateTime<FixedOffset>,
    now: NaiveDateTime,
) -> String {
    let today = now.date();
    let (first, last) = (from.naive_local(), last_day(until));
    let span = if first.date() >= last {
        let day = on_day(first.date(), today);
        let comma = if day.contains(',') { "," } else { "" };
        match hours(first, until.naive_local(), now) {
            (None, None) => day,
            (Some(from), None) => format!("{day}{comma} after {}", clock(from)),
            (None, Some(until)) => format!("{day}{comma} before {}", clock(until)),
            (Some(from), Some(until)) => {
                format!("{day}{comma} between {} and {}", clock(from), clock(until))
            }
        }
    } else if first.date() <= today {
        format!("until {}", date(last, today))
    } else {
        format!(
            "from {} to {}",
            date(first.date(), today),
            date(last, today)
        )
    };
    format!("I'm afraid nothing is free {span}. Shall I look at another day?")
}

fn collected(data: &Collected, open: &[Doubt], scene: &Scene) -> String {
    let today = scene.now.date();
    if !open.is_empty() {
        return doubts::ask(open, today);
    }
    let service = said(data.service.as_ref());
    let time = data.start;
    let place = place(said(data.staff.as_ref()), said(data.branch.as_ref()));
    match (service, time) {
        (Some(service), Some(start)) => {
            let time = at(start.naive_local(), today);
            format!("So that's {service} {time}{place}. Shall I book that for you?")
        }
        (None, Some(start)) => {
            let time = to(start.naive_local(), today);
            format!("So that's {time}{place}. Shall I book that for you?")
        }
        _ => "I have everything I need. Shall I book that for you?".to_owned(),
    }
}

fn kept(appointments: &[Kept], today: NaiveDate) -> String {
    let place = |kept: &Kept| place(said(kept.staff.as_ref()), said(kept.branch.as_ref()));
    let service = |kept: &Kept| {
        let service = said(kept.service.as_ref());
        service.map_or_else(String::new, |service| format!(" for {service}"))
    };
    match appointments {
        [] => {
            "I can't find any upcoming appointments under this number. Would you like to make one?"
                .to_owned()
        }
        [one] => {
            let time = at(start(one), today);
            format!(
                "You have an appointment {time}{}{}.",
                service(one),
                place(one)
            )
        }
        all => fit(all.len().min(ALTERNATIVES), |most| {
            let items = all[..most]
                .iter()
                .zip(["The first is", "the second", "the third"]);
            let items: Vec<String> = items
                .map(|(kept, which)| {
                    let time = at(start(kept), today);
                    format!("{which} {time}{}{}", service(kept), place(kept))
                })
                .collect();
            format!(
                "You have {} appointments. {}.",
                count(all.len()),
                list(&items, "and")
            )
        }),
    }
}

fn refused(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NumberWithheld => {
            "Your number is withheld, so I can't look up your appointments. Please call again with your number shown."
        }
        Refusal::NotTheirs => "I'm afraid I can't find that appointment under your number.",
        Refusal::WasCancelled => {
            "That appointment has been cancelled. Would you like me to book it again?"
        }
        Refusal::HasBegun => {
            "This appointment has already started or is over, so I'm afraid I can't change it any more."
        }
        Refusal::Rejected => {
            "I'm afraid that didn't work. Someone from our team will take a look at it."
        }
    }
}
