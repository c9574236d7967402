//! The list of bookings: its filters, sorts and pages.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{Refusal, Reply, Wrong};
use super::iso::Iso;
use super::request::Request;
use super::shape::{booking_json, old_booking_json};
use super::state::{Record, State};

impl State {
    pub(super) fn list_bookings(
        &self,
        now: DateTime<Utc>,
        request: &Request,
    ) -> Result<Reply, Refusal> {
        let caller = self.permitted(request)?;
        if !request.speaks("2024-08-13") {
            // The old version knows none of the filters below.
            let all: Vec<Value> = self
                .bookings
                .iter()
                .filter(|record| record.host == caller.id)
                .map(|record| old_booking_json(self, record))
                .collect();
            return Ok(Reply::data(
                200,
                json!({"bookings": all, "recurringInfo": [], "nextCursor": null}),
            ));
        }
        let statuses = statuses(request)?;
        let limits = Limits::read(request)?;
        let (take, skip) = (
            page(request, "take", 1, 250, 100)?,
            page(request, "skip", 0, u64::MAX, 0)?,
        );
        let sorts = sorts(request, &statuses)?;
        let list = |name: &str| {
            request
                .parameter(name)
                .map(|text| text.split(',').map(str::trim).collect::<Vec<_>>())
        };
        let event_types = list("eventTypeIds").or_else(|| list("eventTypeId"));
        self.check_event_types(request)?;
        let mut found: Vec<&Record> = self
            .bookings
            .iter()
            .filter(|record| {
                record.host == caller.id
                    && (statuses.is_empty()
                        || statuses.iter().any(|word| has_status(record, word, now)))
                    && limits.admit(record, Field::is_of_the_booking)
                    && request
                        .parameter("bookingUid")
                        .is_none_or(|uid| uid == record.uid)
                    && event_types
                        .as_ref()
                        .is_none_or(|ids| ids.contains(&record.event_type.to_string().as_str()))
                    && request.parameter("attendeeEmail").is_none_or(|email| {
                        record.attendees.iter().any(|a| a.person.email == email)
                    })
                    && request
                        .parameter("attendeeName")
                        .is_none_or(|name| record.attendees.iter().any(|a| a.person.name == name))
            })
            .collect();
        // Sorts are stable, so the last one named decides least.
        for (field, descending) in sorts.iter().rev() {
            found.sort_by(|a, b| {
                let order = field.of(a).cmp(&field.of(b));
                if *descending { order.reverse() } else { order }
            });
        }
        // Observed: the page's description counts what the limits on creation and change leave out.
        let total = found.len() as u64;
        found.retain(|record| limits.admit(record, |field| !field.is_of_the_booking()));
        let page: Vec<Value> = found
            .into_iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
            .take(usize::try_from(take).unwrap_or(usize::MAX))
            .map(|record| booking_json(self, record))
            .collect();
        let returned = page.len() as u64;
        let pages = total.div_ceil(take);
        let remaining = total.saturating_sub(skip).saturating_sub(returned);
        Ok(Reply {
            status: 200,
            body: json!({
                "status": "success",
                "data": page,
                "pagination": {
                    "returnedItems": returned,
                    "totalItems": total,
                    "itemsPerPage": take,
                    "remainingItems": remaining,
                    // Observed: 0 on an empty first page.
                    "currentPage": (skip / take + 1).min(pages),
                    "totalPages": pages,
                    "hasNextPage": remaining > 0,
                    "hasPreviousPage": skip > 0,
                },
            }),
        })
    }
}

impl State {
    fn check_event_types(&self, request: &Request) -> Result<(), Refusal> {
        let Some(text) = request.parameter("eventTypeId") else {
            return Ok(());
        };
        let Ok(id) = text.parse::<i64>() else {
            return Err(wrong(
                "eventTypeId",
                Value::Null,
                "isInt",
                "eventTypeId must be an integer number",
            ));
        };
        if self.event_type(id).is_none() {
            return Err(Refusal::bad_request(format!(
                "Event type with id {id} not found."
            )));
        }
        Ok(())
    }
}

fn has_status(record: &Record, word: &str, now: DateTime<Utc>) -> bool {
    let ahead = record.end >= now && record.is_live();
    match word {
        "upcoming" => ahead,
        "recurring" => ahead && record.recurring_uid.is_some(),
        "past" => record.end < now && record.is_live(),
        "cancelled" => !record.is_live(),
        _ => record.status == "pending" && record.end >= now,
    }
}

fn statuses(request: &Request) -> Result<Vec<String>, Refusal> {
    let known = ["upcoming", "recurring", "past", "cancelled", "unconfirmed"];
    let words: Vec<String> = request
        .parameter("status")
        .into_iter()
        .flat_map(|words| words.split(','))
        .map(|word| word.trim().to_owned())
        .collect();
    if words.iter().all(|word| known.contains(&word.as_str())) {
        return Ok(words);
    }
    Err(wrong(
        "status",
        json!(words),
        "isEnum",
        "Invalid status. Allowed are upcoming, recurring, past, cancelled, unconfirmed",
    ))
}

#[derive(Clone, Copy)]
enum Field {
    Start,
    End,
    Created,
    Updated,
}

impl Field {
    /// Whether it is a time of the booking itself, not of its row in the database.
    fn is_of_the_booking(self) -> bool {
        matches!(self, Self::Start | Self::End)
    }

    fn of(self, record: &Record) -> DateTime<Utc> {
        match self {
            Self::Start => record.start,
            Self::End => record.end,
            Self::Created => record.created_at,
            Self::Updated => record.updated_at,
        }
    }
}

/// The sorts asked for, and whether each is descending. Without one, past bookings come latest
/// first.
fn sorts(request: &Request, statuses: &[String]) -> Result<Vec<(Field, bool)>, Refusal> {
    let mut sorts = Vec::new();
    for (name, label, field) in [
        ("sortStart", "SortStart", Field::Start),
        ("sortEnd", "SortEnd", Field::End),
        ("sortCreated", "SortCreated", Field::Created),
        ("sortUpdatedAt", "SortUpdated", Field::Updated),
    ] {
        match request.parameter(name) {
            None => {}
            Some("asc") => sorts.push((field, false)),
            Some("desc") => sorts.push((field, true)),
            Some(other) => {
                return Err(wrong(
                    name,
                    json!(other),
                    "isEnum",
                    &format!("{label} must be either \"asc\" or \"desc\"."),
                ));
            }
        }
    }
    if sorts.is_empty() {
        let behind = statuses.len() == 1 && matches!(statuses[0].as_str(), "past" | "cancelled");
        sorts.push((Field::Start, behind));
    }
    Ok(sorts)
}

/// Bounds on the four times of a booking, all inclusive.
struct Limits(Vec<(Field, bool, DateTime<Utc>)>);

impl Limits {
    fn read(request: &Request) -> Result<Self, Refusal> {
        let mut limits = Vec::new();
        for (name, field, is_least) in [
            ("afterStart", Field::Start, true),
            ("beforeEnd", Field::End, false),
            ("afterCreatedAt", Field::Created, true),
            ("beforeCreatedAt", Field::Created, false),
            ("afterUpdatedAt", Field::Updated, true),
            ("beforeUpdatedAt", Field::Updated, false),
        ] {
            let Some(text) = request.parameter(name) else {
                continue;
            };
            let Some(instant) = Iso::read(text).instant() else {
                return Err(wrong(
                    name,
                    json!(text),
                    "isISO8601",
                    &format!("{name} must be a valid ISO 8601 date string"),
                ));
            };
            limits.push((field, is_least, instant));
        }
        Ok(Self(limits))
    }

    /// Whether those limits admit a booking that are on a field of the given kind.
    fn admit(&self, record: &Record, kind: impl Fn(Field) -> bool) -> bool {
        let limits = self.0.iter().filter(|(field, _, _)| kind(*field));
        limits.into_iter().all(|(field, is_least, limit)| {
            let value = field.of(record);
            if *is_least {
                value >= *limit
            } else {
                value <= *limit
            }
        })
    }
}

fn page(
    request: &Request,
    name: &'static str,
    least: u64,
    most: u64,
    default: u64,
) -> Result<u64, Refusal> {
    let Some(text) = request.parameter(name) else {
        return Ok(default);
    };
    match text.parse::<u64>() {
        Ok(number) if number > most => Err(wrong(
            name,
            json!(number),
            "max",
            &format!("{name} must not be greater than {most}"),
        )),
        Ok(number) if number >= least => Ok(number),
        Ok(number) => Err(wrong(
            name,
            json!(number),
            "min",
            &format!("{name} must not be less than {least}"),
        )),
        Err(_) => Err(wrong(
            name,
            Value::Null,
            "isNumber",
            &format!("{name} must be a number conforming to the specified constraints"),
        )),
    }
}

fn wrong(name: &'static str, value: Value, rule: &'static str, message: &str) -> Refusal {
    Refusal::Properties {
        target: json!({name: value}),
        wrong: vec![Wrong {
            property: name,
            value: Some(value),
            constraints: vec![(rule, message.to_owned())],
        }],
    }
}
