//! German sentences.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};

use super::doubts;
use super::phrases::{at, clock, count, date, duration, on_day, slots, to};
use crate::agents::language::speech::{
    ALTERNATIVES, Slots, capital, common, fit, hours, last_day, list, said, start, starts,
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
            let time = at(slot.start.naive_local(), today);
            format!("Ja, {time}{place} ist noch etwas frei. Soll ich den Termin für Sie buchen?")
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
                Progress::Confirmed => format!("{which} ist gebucht. Wir freuen uns auf Sie."),
                Progress::Accepted => format!("{which} ist gebucht; die Bestätigung folgt."),
                Progress::AwaitsConfirmation => {
                    format!("{which} ist vorgemerkt. Wir müssen ihn nur noch bestätigen.")
                }
            }
        }
        Outcome::Moved {
            appointment,
            progress,
        } => {
            let service = service(appointment);
            let to = to(start(appointment), today);
            let place = place(said(appointment.staff.as_ref()), said(appointment.branch.as_ref()));
            let moved = format!("Ihr Termin{service} ist auf {to}{place} verschoben");
            match progress {
                Progress::Confirmed => format!("{moved}."),
                Progress::Accepted => format!("{moved}; die Bestätigung folgt."),
                Progress::AwaitsConfirmation => {
                    format!("{moved}. Wir müssen die neue Zeit nur noch bestätigen.")
                }
            }
        }
        Outcome::Cancelled { appointment } => {
            format!("{} ist abgesagt.", which(appointment, today))
        }
        Outcome::Appointments { appointments } => kept(appointments, today),
        Outcome::Unclear { doubts } => doubts::ask(doubts, today),
        Outcome::Refused { reason } => refused(*reason).to_owned(),
        Outcome::Unknown => {
            "Das dauert gerade zu lange, und ich weiß noch nicht, ob es geklappt hat. Soll ich noch einmal nachsehen?".to_owned()
        }
        Outcome::Unavailable => {
            "Das geht im Moment leider nicht; es wurde nichts geändert. Bitte versuchen Sie es etwas später noch einmal."
                .to_owned()
        }
    }
}

/// With whom and where.
fn place(staff: Option<String>, branch: Option<String>) -> String {
    let staff = staff.map(|staff| format!(" bei {staff}"));
    let branch = branch.map(|branch| format!(" in der Filiale {branch}"));
    staff.unwrap_or_default() + &branch.unwrap_or_default()
}

fn service(appointment: &Kept) -> String {
    let service = said(appointment.service.as_ref());
    service.map_or_else(String::new, |service| format!(" für {service}"))
}

/// "Ihr Termin für Haarschnitt am Donnerstag, den 10. Dezember, um 14 Uhr 30".
fn which(appointment: &Kept, today: NaiveDate) -> String {
    let time = at(start(appointment), today);
    let place = place(
        said(appointment.staff.as_ref()),
        said(appointment.branch.as_ref()),
    );
    format!("Ihr Termin{} {time}{place}", service(appointment))
}

fn names(services: &[ServiceLine]) -> Vec<String> {
    speech::names(services.iter().map(|service| &service.name))
}

fn offered(services: &[ServiceLine]) -> String {
    let names = names(services);
    match names.as_slice() {
        [] => "Zurzeit kann man bei uns leider nichts buchen.".to_owned(),
        [one] => {
            let minutes = services.first().map_or(0, |service| service.minutes);
            let length = match minutes {
                0 => String::new(),
                minutes => format!("; das dauert {}", duration(minutes)),
            };
            format!("Sie können {one} buchen{length}. Möchten Sie dafür einen Termin?")
        }
        names => fit(names.len().min(ALTERNATIVES), |most| {
            let some = if names.len() > most {
                "zum Beispiel "
            } else {
                ""
            };
            let list = list(&names[..most], "und");
            format!("Sie können {some}{list} buchen. Wofür möchten Sie einen Termin?")
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
    let end = end.map_or_else(String::new, |end| format!(" Sie wären {end} fertig."));
    let names = names(services);
    match names.as_slice() {
        [] => format!("Das dauert {length}.{end}"),
        [one] => format!("{one} dauert {length}.{end}"),
        names if names.len() <= ALTERNATIVES => {
            format!("{} dauern zusammen {length}.{end}", list(names, "und"))
        }
        names => format!("Alle {} zusammen dauern {length}.{end}", count(names.len())),
    }
}

/// "Am Donnerstag, den 10. Dezember, um 14 Uhr oder 15 Uhr bei Anna".
fn times(offers: &[Offer], today: NaiveDate, asked: Option<NaiveDate>) -> String {
    let (staff, branch) = common(offers);
    let times = slots(&Slots::new(starts(offers)), today, asked);
    format!("{times}{}", place(staff, branch))
}

/// The question that follows a list of alternatives.
fn choose(alternatives: usize) -> &'static str {
    if alternatives == 1 {
        "Passt Ihnen das?"
    } else {
        "Was passt Ihnen am besten?"
    }
}

fn free(offers: &[Offer], as_wished: bool, today: NaiveDate) -> String {
    if offers.is_empty() {
        return "Da ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?".to_owned();
    }
    fit(offers.len().min(ALTERNATIVES), |most| {
        let times = times(&offers[..most], today, None);
        let choose = choose(most);
        if as_wished {
            format!("Ich hätte {times} etwas frei. {choose}")
        } else {
            format!(
                "Genau dann ist leider nichts frei. Ich hätte aber {times} noch etwas. {choose}"
            )
        }
    })
}

fn taken(wanted: &DateTime<FixedOffset>, alternatives: &[Offer], scene: &Scene) -> String {
    let today = scene.now.date();
    let wanted = wanted.naive_local();
    let time = capital(&at(wanted, today));
    let stays = if scene.tool == Tool::MoveAppointment {
        "; Ihr bisheriger Termin bleibt bestehen"
    } else {
        ""
    };
    if alternatives.is_empty() {
        return format!(
            "{time} ist leider nichts mehr frei{stays}. Soll ich an einem anderen Tag nachsehen?"
        );
    }
    fit(alternatives.len().min(ALTERNATIVES), |most| {
        let times = times(&alternatives[..most], today, Some(wanted.date()));
        let choose = choose(most);
        format!(
            "{time} ist leider nichts mehr frei{stays}. Ich hätte aber {times} noch etwas. {choose}"
        )
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
        let hours = match hours(first, until.naive_local(), now) {
            (None, None) => String::new(),
            (Some(from), None) => format!(" ab {}", clock(from)),
            (None, Some(until)) => format!(" bis {}", clock(until)),
            (Some(from), Some(until)) => format!(" zwischen {} und {}", clock(from), clock(until)),
        };
        format!("{day}{comma}{hours}")
    } else if first.date() <= today {
        format!("bis zum {}", date(last, today))
    } else {
        format!(
            "vom {} bis zum {}",
            date(first.date(), today),
            date(last, today)
        )
    };
    let span = capital(&span);
    format!("{span} ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?")
}

fn collected(data: &Collected, open: &[Doubt], scene: &Scene) -> String {
    let today = scene.now.date();
    if !open.is_empty() {
        return doubts::ask(open, today);
    }
    let service = said(data.service.as_ref());
    let time = data.start.map(|start| at(start.naive_local(), today));
    let place = place(said(data.staff.as_ref()), said(data.branch.as_ref()));
    match (service, time) {
        (Some(service), Some(time)) => {
            format!("Also {service} {time}{place}. Soll ich das so buchen?")
        }
        (None, Some(time)) => format!("Also {time}{place}. Soll ich das so buchen?"),
        _ => "Ich habe alles, was ich brauche. Soll ich das so buchen?".to_owned(),
    }
}

fn kept(appointments: &[Kept], today: NaiveDate) -> String {
    let place = |kept: &Kept| place(said(kept.staff.as_ref()), said(kept.branch.as_ref()));
    match appointments {
        [] => {
            "Unter dieser Nummer finde ich keinen kommenden Termin. Möchten Sie einen vereinbaren?"
                .to_owned()
        }
        [one] => {
            let time = at(start(one), today);
            format!(
                "Sie haben {time} einen Termin{}{}.",
                service(one),
                place(one)
            )
        }
        all => fit(all.len().min(ALTERNATIVES), |most| {
            let items = all[..most]
                .iter()
                .zip(["Der erste ist", "der zweite", "der dritte"]);
            let items: Vec<String> = items
                .map(|(kept, which)| {
                    let time = at(start(kept), today);
                    format!("{which} {time}{}{}", service(kept), place(kept))
                })
                .collect();
            format!(
                "Sie haben {} Termine. {}.",
                count(all.len()),
                list(&items, "und")
            )
        }),
    }
}

fn refused(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NumberWithheld => {
            "Ihre Nummer wird nicht angezeigt, deshalb kann ich Ihre Termine nicht aufrufen. Bitte rufen Sie noch einmal \
             mit sichtbarer Nummer an."
        }
        Refusal::NotTheirs => "Diesen Termin finde ich unter Ihrer Nummer leider nicht.",
        Refusal::WasCancelled => "Dieser Termin ist abgesagt. Soll ich ihn noch einmal buchen?",
        Refusal::HasBegun => {
            "Dieser Termin hat schon begonnen oder ist vorbei; daran kann ich leider nichts mehr ändern."
        }
        Refusal::Rejected => {
            "Das hat leider nicht geklappt. Jemand aus unserem Team sieht sich das an."
        }
    }
}
