//! Every outcome, for the sentences.

use chrono::{DateTime, FixedOffset};

use crate::agents::outcome::{
    Collected, Doubt, Item, Kept, Offer, Outcome, Problem, Progress, Reading, Refusal, ServiceLine,
};
use crate::agents::tool::Tool;

pub(super) fn time(text: &str) -> DateTime<FixedOffset> {
    format!("{text}:00+01:00").parse().unwrap()
}

pub(super) fn service(name: &str, minutes: u32) -> ServiceLine {
    ServiceLine {
        id: "srv_48151623".to_owned(),
        name: name.to_owned(),
        minutes,
        description: None,
    }
}

pub(super) fn offer(start: &str) -> Offer {
    Offer {
        start: time(start),
        end: time(start),
        service: "srv_48151623".to_owned(),
        staff: None,
        branch: None,
    }
}

fn with_anna(start: &str) -> Offer {
    Offer {
        staff: Some("Anna".to_owned()),
        branch: Some("Mitte".to_owned()),
        ..offer(start)
    }
}

pub(super) fn kept(start: &str, service: Option<&str>) -> Kept {
    Kept {
        id: "apt_48151623".to_owned(),
        start: time(start),
        end: time(start),
        service: service.map(str::to_owned),
        staff: None,
        branch: None,
    }
}

fn at_annas(start: &str) -> Kept {
    Kept {
        staff: Some("Anna".to_owned()),
        branch: Some("Mitte".to_owned()),
        ..kept(start, Some("Balayage"))
    }
}

fn doubt(item: Item, problem: Problem, readings: &[&str]) -> Outcome {
    let readings = readings
        .iter()
        .map(|name| Reading::new(format!("id_{name}"), *name));
    Outcome::Unclear {
        doubts: vec![
            Doubt::new(item, problem).with_readings(readings),
            Doubt::new(Item::Name, Problem::Missing),
        ],
    }
}

fn slots(starts: &[&str], as_wished: bool) -> Outcome {
    Outcome::Slots {
        slots: starts.iter().map(|start| offer(start)).collect(),
        as_wished,
    }
}

fn taken(wanted: &str, alternatives: &[&str]) -> Outcome {
    Outcome::Taken {
        wanted: time(wanted),
        alternatives: alternatives.iter().map(|start| offer(start)).collect(),
    }
}

fn nothing(from: &str, until: &str) -> Outcome {
    Outcome::NothingFree {
        from: time(from),
        until: time(until),
    }
}

/// Every variant of every outcome, with the tool that answers so.
pub(super) fn all() -> Vec<(Tool, Outcome)> {
    let mut all = Vec::new();
    let mut add = |tool: Tool, outcomes: Vec<Outcome>| {
        all.extend(outcomes.into_iter().map(|outcome| (tool, outcome)));
    };
    let cut = || service("Haircut", 45);
    let color = || service("Balayage", 150);
    let services = |services: Vec<ServiceLine>| Outcome::Services { services };
    add(
        Tool::ListServices,
        vec![
            services(Vec::new()),
            services(vec![cut()]),
            services(vec![cut(), color()]),
            services(vec![
                cut(),
                color(),
                service("Beard trim", 15),
                service("Perm", 90),
            ]),
        ],
    );
    let duration = |services: Vec<ServiceLine>, end: Option<&str>| Outcome::Duration {
        minutes: services.iter().map(|service| service.minutes).sum(),
        services,
        end: end.map(time),
    };
    add(
        Tool::CalculateDuration,
        vec![
            duration(vec![cut()], None),
            duration(
                vec![cut(), service("Beard trim", 15)],
                Some("2026-12-10T15:30"),
            ),
            duration(
                vec![cut(), service("Beard trim", 15), service("Wash", 15)],
                Some("2026-11-29T15:30"),
            ),
            duration(vec![cut(), cut(), cut(), color()], None),
            duration(vec![service("Wash", 1)], None),
        ],
    );
    add(
        Tool::CheckAvailability,
        vec![
            Outcome::Free {
                slot: offer("2026-12-10T14:30"),
            },
            Outcome::Free {
                slot: with_anna("2026-11-30T09:00"),
            },
            slots(&[], true),
            slots(&["2026-12-10T14:30"], true),
            slots(
                &[
                    "2026-12-10T14:00",
                    "2026-12-10T15:00",
                    "2026-12-10T16:30",
                    "2026-12-10T17:00",
                ],
                true,
            ),
            slots(
                &["2026-11-29T14:00", "2026-11-30T09:00", "2027-12-10T12:00"],
                true,
            ),
            slots(&["2026-11-30T09:00"], false),
            slots(&["2026-11-30T09:00", "2026-11-30T10:15"], false),
            Outcome::Slots {
                slots: vec![with_anna("2026-12-01T12:00"), with_anna("2026-12-01T12:30")],
                as_wished: true,
            },
            taken("2026-12-10T14:30", &[]),
            taken("2026-12-10T14:30", &["2026-12-10T15:00"]),
            taken(
                "2026-12-10T14:30",
                &["2026-12-10T15:00", "2026-12-10T13:30"],
            ),
            taken(
                "2026-11-29T14:30",
                &["2026-11-29T15:00", "2026-11-30T09:00", "2026-12-01T09:30"],
            ),
            nothing("2026-12-10T00:00", "2026-12-11T00:00"),
            nothing("2026-12-10T12:00", "2026-12-10T18:00"),
            nothing("2026-11-29T10:00", "2026-11-30T00:00"),
            nothing("2026-11-29T10:00", "2026-11-29T18:00"),
            nothing("2026-11-29T17:00", "2026-11-30T00:00"),
            nothing("2026-11-29T10:00", "2027-01-28T10:00"),
            nothing("2026-12-07T00:00", "2026-12-14T00:00"),
        ],
    );
    add(
        Tool::MoveAppointment,
        vec![
            taken("2026-12-10T14:30", &[]),
            taken(
                "2026-12-10T14:30",
                &["2026-12-10T15:00", "2026-12-11T09:00"],
            ),
        ],
    );
    let collected = |data: Collected| Outcome::Collected {
        data,
        open: Vec::new(),
    };
    let known = Collected {
        name: Some("Erika Mustermann".to_owned()),
        phone: Some("+4930123456".to_owned()),
        service: Some("Haircut".to_owned()),
        start: Some(time("2026-12-10T14:30")),
        ..Collected::default()
    };
    add(
        Tool::CollectAppointmentData,
        vec![
            collected(known.clone()),
            collected(Collected {
                service: None,
                ..known.clone()
            }),
            collected(Collected {
                start: None,
                ..known.clone()
            }),
            Outcome::Collected {
                data: known,
                open: vec![
                    Doubt::new(Item::Contact, Problem::Missing),
                    Doubt::new(Item::Time, Problem::Missing),
                ],
            },
        ],
    );
    for progress in [
        Progress::Confirmed,
        Progress::Accepted,
        Progress::AwaitsConfirmation,
    ] {
        add(
            Tool::BookAppointment,
            vec![Outcome::Booked {
                appointment: kept("2026-12-10T14:30", Some("Haircut")),
                progress,
            }],
        );
        add(
            Tool::MoveAppointment,
            vec![Outcome::Moved {
                appointment: kept("2026-12-10T14:30", Some("Haircut")),
                progress,
            }],
        );
    }
    add(
        Tool::BookAppointment,
        vec![
            Outcome::Booked {
                appointment: at_annas("2026-11-29T14:30"),
                progress: Progress::Confirmed,
            },
            Outcome::Moved {
                appointment: at_annas("2026-11-30T12:00"),
                progress: Progress::Confirmed,
            },
        ],
    );
    add(
        Tool::CancelAppointment,
        vec![
            Outcome::Cancelled {
                appointment: kept("2026-12-10T14:30", Some("Haircut")),
            },
            Outcome::Cancelled {
                appointment: kept("2026-11-30T00:00", None),
            },
        ],
    );
    let appointments = |appointments: Vec<Kept>| Outcome::Appointments { appointments };
    let first = || kept("2026-11-30T09:00", Some("Haircut"));
    add(
        Tool::FindAppointments,
        vec![
            appointments(Vec::new()),
            appointments(vec![first()]),
            appointments(vec![at_annas("2026-12-10T14:30")]),
            appointments(vec![first(), kept("2026-12-10T14:30", None)]),
            appointments(vec![
                first(),
                kept("2026-12-10T14:30", None),
                at_annas("2026-12-11T09:05"),
                kept("2026-12-12T09:00", None),
            ]),
        ],
    );
    let every = [
        Item::Name,
        Item::Contact,
        Item::Phone,
        Item::Email,
        Item::Service,
        Item::Services,
        Item::Date,
        Item::Time,
        Item::Branch,
        Item::Staff,
        Item::Appointment,
    ];
    let tool = Tool::BookAppointment;
    add(
        tool,
        every
            .iter()
            .map(|item| doubt(*item, Problem::Missing, &[]))
            .collect(),
    );
    add(
        tool,
        every
            .iter()
            .map(|item| doubt(*item, Problem::NotUnderstood, &[]))
            .collect(),
    );
    let named = [Item::Service, Item::Branch, Item::Staff, Item::Appointment];
    add(
        tool,
        named
            .iter()
            .map(|item| doubt(*item, Problem::NotKnown, &[]))
            .collect(),
    );
    add(
        tool,
        vec![
            doubt(Item::Service, Problem::NotKnown, &["Haircut", "Balayage"]),
            doubt(
                Item::Staff,
                Problem::NotKnown,
                &["Anna", "Ben", "Cem", "Dana"],
            ),
            doubt(Item::Branch, Problem::NotKnown, &["Mitte", "Nord"]),
            doubt(Item::Date, Problem::InThePast, &[]),
            doubt(Item::Time, Problem::InThePast, &[]),
            doubt(Item::Appointment, Problem::InThePast, &[]),
            doubt(Item::Date, Problem::Closed, &[]),
            doubt(Item::Time, Problem::Closed, &[]),
            doubt(
                Item::Date,
                Problem::Ambiguous,
                &["2026-12-01", "2026-12-08"],
            ),
            doubt(
                Item::Date,
                Problem::Ambiguous,
                &["2026-11-29", "2026-12-06"],
            ),
            doubt(
                Item::Date,
                Problem::Ambiguous,
                &["2026-12-01T14:30:00+01:00", "2026-12-08T14:30:00+01:00"],
            ),
            doubt(Item::Time, Problem::Ambiguous, &["07:30", "19:30"]),
            doubt(Item::Time, Problem::Ambiguous, &["06:00", "18:00"]),
            doubt(
                Item::Time,
                Problem::Ambiguous,
                &["2026-12-01T09:00:00+01:00", "2026-12-01T21:00:00+01:00"],
            ),
            doubt(
                Item::Date,
                Problem::Ambiguous,
                &["2026-12-01T09:00:00+01:00", "2026-12-08T21:00:00+01:00"],
            ),
            doubt(Item::Date, Problem::Ambiguous, &[]),
            doubt(
                Item::Service,
                Problem::Ambiguous,
                &["Haircut women", "Haircut men", "Haircut children", "Perm"],
            ),
            doubt(Item::Staff, Problem::Ambiguous, &["Anna", "Annika"]),
            doubt(
                Item::Appointment,
                Problem::Ambiguous,
                &["2026-12-01T09:00:00+01:00", "2026-12-08T10:00:00+01:00"],
            ),
            doubt(
                Item::Appointment,
                Problem::Ambiguous,
                &["2026-11-29T14:00:00+01:00", "2026-11-29T16:00:00+01:00"],
            ),
            Outcome::Unclear { doubts: Vec::new() },
        ],
    );
    let refusals = [
        Refusal::NumberWithheld,
        Refusal::NotTheirs,
        Refusal::WasCancelled,
        Refusal::HasBegun,
        Refusal::Rejected,
    ];
    add(
        tool,
        refusals.map(|reason| Outcome::Refused { reason }).into(),
    );
    add(tool, vec![Outcome::Unknown]);
    add(tool, vec![Outcome::Unavailable]);
    all
}
