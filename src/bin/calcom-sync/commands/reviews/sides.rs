//! The appointment and its booking side by side.

use calcom::model::clean_line;
use calcom::store::{AppointmentState, Differences, Field, ReviewItem};

use crate::output::Output;
use crate::{sentences, when};

/// The longest text in a cell.
const LONGEST: usize = 40;

/// The fields in which both sides differ now.
pub(super) fn differences(item: &ReviewItem) -> Differences {
    match (&item.evidence.local, &item.evidence.remote) {
        (Some(local), Some(remote)) => local.differences(remote),
        _ => Differences::NONE,
    }
}

/// The states side by side.
pub(super) fn print_sides(output: &Output, item: &ReviewItem) {
    let evidence = &item.evidence;
    let base = evidence
        .base_local
        .as_ref()
        .or(evidence.base_remote.as_ref());
    let sides = [base, evidence.local.as_ref(), evidence.remote.as_ref()];
    if sides.iter().all(Option::is_none) {
        return;
    }
    let differences = differences(item);
    let mut rows = Vec::new();
    for field in FIELDS {
        let cells: Vec<String> = sides
            .iter()
            .map(|side| {
                side.and_then(|state| cell(output, state, *field))
                    .unwrap_or_else(|| "-".to_owned())
            })
            .collect();
        if cells.iter().all(|cell| cell == "-") {
            continue;
        }
        let mut row = vec![field_name(*field).to_owned()];
        row.extend(cells);
        let differs = field
            .compared()
            .is_some_and(|field| differences.contains(field));
        row.push(if differs { "<- differs" } else { "" }.to_owned());
        rows.push(row);
    }
    output.line("");
    let headings = [
        "",
        "when they agreed",
        "appointment",
        "booking at Cal.com",
        "",
    ];
    output.table(&headings, &rows);
}

/// A line of the comparison: a compared field, or a further one that helps to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Compared(Field),
    Phone,
}

impl Line {
    fn compared(self) -> Option<Field> {
        match self {
            Self::Compared(field) => Some(field),
            Self::Phone => None,
        }
    }
}

const FIELDS: &[Line] = &[
    Line::Compared(Field::Status),
    Line::Compared(Field::Start),
    Line::Compared(Field::Length),
    Line::Compared(Field::EventType),
    Line::Compared(Field::Name),
    Line::Compared(Field::Email),
    Line::Phone,
    Line::Compared(Field::Host),
    Line::Compared(Field::Location),
    Line::Compared(Field::Guests),
    Line::Compared(Field::Notes),
    Line::Compared(Field::Absent),
    Line::Compared(Field::Responses),
    Line::Compared(Field::Metadata),
];

fn field_name(line: Line) -> &'static str {
    match line {
        Line::Compared(field) => sentences::of_field(field),
        Line::Phone => "phone",
    }
}

fn cell(output: &Output, state: &AppointmentState, line: Line) -> Option<String> {
    let short = |text: &str| {
        let text = clean_line(text);
        if text.chars().count() <= LONGEST {
            return text.into_owned();
        }
        let cut: String = text.chars().take(LONGEST - 3).collect();
        format!("{cut}...")
    };
    let json = |value: serde_json::Result<serde_json::Value>| {
        let value = value.ok()?;
        let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        (!is_empty).then(|| short(&value.to_string()))
    };
    let person = &state.attendee;
    let field = match line {
        Line::Phone => return person.phone_number.as_deref().map(short),
        Line::Compared(field) => field,
    };
    match field {
        Field::Status => Some(state.status.as_str().to_owned()),
        Field::Start => Some(output.time(state.start)),
        Field::Length => {
            let length = (state.end - state.start).to_std().unwrap_or_default();
            Some(when::span(length))
        }
        Field::EventType => Some(state.event_type.to_string()),
        Field::Name => Some(short(&person.name)),
        Field::Email => person.email.as_deref().map(short),
        Field::Host => state.host.map(|host| host.to_string()),
        Field::Location => state.location.as_ref().map(|at| short(at.as_str())),
        Field::Guests => state.guests.as_ref().map(|guests| {
            let guests: Vec<&str> = guests.iter().collect();
            if guests.is_empty() {
                "none".to_owned()
            } else {
                short(&guests.join(", "))
            }
        }),
        Field::Notes => state.notes.as_ref().map(|notes| short(notes.as_str())),
        Field::Absent => state
            .absent
            .map(|absent| if absent { "yes" } else { "no" }.to_owned()),
        Field::Responses => state
            .responses
            .as_ref()
            .and_then(|answers| json(serde_json::to_value(answers))),
        Field::Metadata => state
            .metadata
            .as_ref()
            .and_then(|texts| json(serde_json::to_value(texts))),
        _ => None,
    }
}
