//! `book`, `move`, `cancel` and `slots`: appointments from the command line.
//!
//! They write into the appointments table and record the change, as an application does; a worker brings
//! it to Cal.com. With `--wait`, they wait for that. If no worker takes the change up within
//! a few seconds, because none runs, they do what is due themselves until the time is over.
mod offer;
mod place;
mod settled;
mod slots;

use std::time::Duration;

use calcom::ambient::{Entropy, SystemEntropy};
use calcom::model::{PhoneError, PhoneNumber};
use calcom::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, AppointmentWrite,
    OperatorAction, Origin, Person, Reason, StoreErrorKind, TenantId,
};
use calcom::sync::{Cancellation, Cancelled, Operations, SyncEngine};
use chrono_tz::Tz;
use serde_json::json;
use tokio::time::Instant;

use self::offer::offer;
use self::place::Place;
use self::settled::{Outcome, finish};
pub(crate) use self::slots::slots;
use super::common::{FailureView, ended, find_appointment, note, worse};
use crate::cli::{BookArgs, CancelArgs, MoveArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, plain, quoted};
use crate::settings::TenantSettings;
use crate::when;

pub(crate) async fn book(
    context: &Context,
    output: &Output,
    arguments: BookArgs,
) -> Result<(), Failure> {
    let tenant = context.tenant()?.clone();
    let by = arguments.operator.name();
    if arguments.start <= when::now() {
        return Err(in_the_past());
    }
    let settings = context.settings_of(&tenant)?;
    let place = Place::of(settings, &arguments.place)?;
    let person = person(&arguments, settings, &place)?;
    let offer = offer(context, &tenant, &arguments.service, arguments.length).await?;
    place.check(offer.event_type)?;
    if !place.is_open(arguments.start, offer.length) {
        return Err(Failure::settings(
            "the branch is closed then",
            "choose another time; `calcom-sync slots --branch` shows what is free while it is open",
        ));
    }
    let end = arguments.start + offer.length;
    let status = AppointmentStatus::Confirmed;
    let mut state = AppointmentState::new(status, arguments.start, end, offer.event_type, person);
    state.host = place.member.and_then(|member| member.user);
    let id = match arguments.id {
        Some(id) if id.as_str().trim().is_empty() => {
            return Err(Failure::settings("the id is empty", "leave --id out"));
        }
        Some(id) => id,
        None => AppointmentId::new(format!("cli-{:016x}", SystemEntropy.next_u64())),
    };
    let write = AppointmentWrite::new(state, Origin::Admin, when::now());
    let created = context.database.create_appointment(&tenant, &id, write);
    let created = created.await.map_err(|error| match error.kind() {
        StoreErrorKind::Conflict => Failure::settings(
            format!("there is an appointment {id} already"),
            "choose another id, or leave --id out",
        ),
        _ => error.into(),
    })?;
    context.engine.nudge();
    let at = when::typed(created.state.start);
    let outcome = format!("{at}, event type {}", offer.event_type);
    let action = OperatorAction::Book;
    note(context, output, &tenant, Some(&id), action, &by, &outcome).await;
    output.line(plain(&format!(
        "Appointment {} is taken: {}, {}.",
        quoted(id.as_str()),
        when::time(created.state.start, place.zone().unwrap_or(output.zone())),
        when::span((end - arguments.start).to_std().unwrap_or_default())
    )));
    let (outcome, kind) =
        finish(context, output, &tenant, &created, arguments.wait, "booked").await?;
    output.json(&outcome);
    ended(kind)
}

pub(crate) async fn move_to(
    context: &Context,
    output: &Output,
    arguments: MoveArgs,
) -> Result<(), Failure> {
    let id = &arguments.appointment;
    let by = arguments.operator.name();
    if arguments.start <= when::now() {
        return Err(in_the_past());
    }
    let tenant = find_appointment(context, id).await?;
    let before = own(context, &tenant, id).await?;
    if !before.state.status.is_live() {
        let status = before.state.status.as_str();
        return Err(Failure::new(
            FailureKind::Found,
            format!("appointment {id} is {status}"),
            "take a new one with `calcom-sync book`",
        ));
    }
    let mut state = before.state.clone();
    state.end = arguments.start + (before.state.end - before.state.start);
    state.start = arguments.start;
    let write = AppointmentWrite::new(state, Origin::Admin, when::now());
    let moved = context
        .appointments
        .update(&tenant, id, before.revision, write);
    let moved = moved.await?;
    context.engine.nudge();
    let (from, to) = (
        when::typed(before.state.start),
        when::typed(moved.state.start),
    );
    let action = OperatorAction::Move;
    let outcome = format!("from {from} to {to}");
    note(context, output, &tenant, Some(id), action, &by, &outcome).await;
    output.line(plain(&format!(
        "Appointment {} is moved to {}.",
        quoted(id.as_str()),
        output.time(moved.state.start)
    )));
    let (outcome, kind) = finish(context, output, &tenant, &moved, arguments.wait, "moved").await?;
    output.json(&outcome);
    ended(kind)
}

pub(crate) async fn cancel(
    context: &Context,
    output: &Output,
    arguments: CancelArgs,
) -> Result<(), Failure> {
    let by = arguments.operator.name();
    let mut cancellation = Cancellation::by(Origin::Admin);
    if let Some(reason) = arguments.reason.as_deref().map(str::trim)
        && !reason.is_empty()
    {
        cancellation = cancellation.because(Reason::new(reason));
    }
    let until = arguments.wait.map(|wait| Instant::now() + wait);
    let mut found = None;
    let mut views = Vec::new();
    for id in &arguments.appointments {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let cancelled = cancel_one(context, output, id, &cancellation, &by, left).await;
        match cancelled {
            Ok((outcome, kind)) => {
                found = worse(found, kind);
                views.push(json!(outcome));
            }
            Err(failure) => {
                if !output.is_json() {
                    output.failure(&failure);
                }
                found = worse(found, Some(failure.kind()));
                views.push(json!({"appointment": id, "error": FailureView::from(&failure)}));
            }
        }
    }
    output.json(&json!({"appointments": views}));
    ended(found)
}

async fn cancel_one(
    context: &Context,
    output: &Output,
    id: &AppointmentId,
    cancellation: &Cancellation,
    by: &str,
    wait: Option<Duration>,
) -> Result<(Outcome, Option<FailureKind>), Failure> {
    let tenant = find_appointment(context, id).await?;
    let ids = std::slice::from_ref(id);
    let results = context.engine.cancel_all(&tenant, ids, cancellation).await;
    let mut results = results.into_iter();
    let cancelled = results.next().ok_or_else(|| gone(id))??;
    let shown = quoted(id.as_str());
    let told = match cancelled {
        Cancelled::Now(_) => {
            let action = OperatorAction::Cancel;
            note(context, output, &tenant, Some(id), action, by, "").await;
            format!("Appointment {shown} is cancelled.")
        }
        _ => format!("Appointment {shown} had ended before."),
    };
    output.line(plain(&told));
    let ended = own(context, &tenant, id).await?;
    finish(context, output, &tenant, &ended, wait, "cancelled").await
}

fn gone(id: &AppointmentId) -> Failure {
    Failure::not_found(
        format!("appointment {id} is not in the database"),
        "check the id and the tenant",
    )
}

fn in_the_past() -> Failure {
    Failure::settings(
        "the start lies in the past",
        "choose a later one; `calcom-sync slots` shows what is free",
    )
}

async fn own(
    context: &Context,
    tenant: &TenantId,
    id: &AppointmentId,
) -> Result<Appointment, Failure> {
    let found = context.appointments.get(tenant, id).await?;
    found.ok_or_else(|| gone(id))
}

fn person(
    arguments: &BookArgs,
    settings: &TenantSettings,
    place: &Place<'_>,
) -> Result<Person, Failure> {
    let wrong = |what: &str, advice: &str| Err(Failure::settings(what, advice));
    let name = arguments.name.trim();
    if name.is_empty() {
        return wrong("the name is empty", "give the customer's name with --name");
    }
    let zone = match &arguments.time_zone {
        Some(zone) => zone.as_str(),
        None => place
            .branch
            .map_or("Europe/Berlin", |branch| branch.time_zone.as_str()),
    };
    if zone.parse::<Tz>().is_err() {
        return wrong(
            "there is no such time zone",
            "write one as in Europe/Berlin",
        );
    }
    let phone = match &arguments.phone {
        Some(text) => Some(phone(text, settings)?),
        None => None,
    };
    let mut person = match (&arguments.email, &phone) {
        (Some(email), _) => {
            let email = email.trim();
            let is_address = email.split_once('@').is_some_and(|(user, domain)| {
                !user.is_empty() && !domain.is_empty() && !email.contains(char::is_whitespace)
            });
            if !is_address {
                return wrong(
                    "that is no e-mail address",
                    "write it as in ann@example.com",
                );
            }
            Person::new(name, email, zone)
        }
        (None, Some(phone)) => Person::by_phone(name, phone.as_str(), zone),
        (None, None) => {
            return wrong("the customer cannot be reached", "give --email or --phone");
        }
    };
    person.phone_number = phone.map(|number| number.to_string());
    Ok(person)
}

fn phone(text: &str, settings: &TenantSettings) -> Result<PhoneNumber, Failure> {
    PhoneNumber::parse(text, settings.default_region).map_err(|why| {
        let advice = match why {
            PhoneError::NoCountry => {
                "write it with its country code, as in +4930123456, or set default_region"
            }
            _ => "write it as in +4930123456",
        };
        Failure::settings(format!("that is no phone number: {why}"), advice)
    })
}
