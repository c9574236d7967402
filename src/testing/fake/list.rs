//! The list of bookings: its filters, sorts and pages.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::request::Request;
use super::shape::{booking_json, old_booking_json};
use super::state::{Record, State, instant};

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
        let mut found: Vec<&Record> = self
            .bookings
            .iter()
            .filter(|record| {
                record.host == caller.id
                    && (statuses.is_empty()
                        || statuses.iter().any(|word| has_status(record, word, now)))
                    && limits.admit(record)
                    && request
                        .parameter("bookingUid")
                        .is_none_or(|uid| uid == record.uid)
                    && event_types
                        .as_ref()
                        .is_none_or(|ids| ids.contains(&record.event_type.to_string().as_str()))
                    && request.parameter("attendeeEmail").is_none_or(|email| {
                        record.attendees.iter().any(|a| a.person.email == email)
                    })
                    && request.parameter("attendeeName").is_none_or(|name| {
                        record
                            .attendees
                            .iter()
                            .any(|a| a.person.name.contains(name))
                    })
            })
            .collect();
        // Sorts are stable, so the last one named decides least.
        for (field, descending) in sorts.iter().rev() {
            found.sort_by(|a, b| {
                let order = field.of(a).cmp(&field.of(b));
                if *descending { order.reverse() } else { order }
            });
        }
        let total = found.len() as u64;
        let page: Vec<Value> = found
            .into_iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
            .take(usize::try_from(take).unwrap_or(usize::MAX))
            .map(|record| booking_json(self, record))
            .collect();
        let returned = page.len() as u64;
        let pages = total.div_ceil(take);
        Ok(Reply {
            status: 200,
            body: json!({
                "status": "success",
                "data": page,
                "pagination": {
                    "returnedItems": returned,
                    "totalItems": total,
                    "itemsPerPage": take,
                    "remainingItems": total.saturating_sub(skip).saturating_sub(returned),
                    // Observed: 0 on an empty first page.
                    "currentPage": (skip / take + 1).min(pages),
                    "totalPages": pages,
                    "hasNextPage": skip.saturating_add(take) < total,
                    "hasPreviousPage": skip > 0,
                },
            }),
        })
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
        .filter(|word| !word.is_empty())
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
    fn of(self, record: &Record) -> DateTime<Utc> {
        match self {
            Self::Start => record.start,
            Self::End => record.end,
            Self::Created => record.created_at,
            Self::Updated => record.updated_at,
        }
    }
}

/// The sorts asked for, and whether each is descending. Without one, what lies behind is told latest first.
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
            let Some(instant) = instant(text) else {
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

    fn admit(&self, record: &Record) -> bool {
        self.0.iter().all(|(field, is_least, limit)| {
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
    Refusal::Property {
        property: name,
        target: json!({name: value}),
        value,
        constraint: (rule, message.to_owned()),
    }
}
