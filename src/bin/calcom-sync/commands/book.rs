//! `book`, `move`, `cancel` and `slots`: appointments from the command line.
//!
//! They write into the appointments table and record the change, as an application does; a worker brings
//! it to Cal.com. With `--wait`, they wait for that. If no worker takes the change up within
//! [`PATIENCE`], because none runs, they do what is due themselves until the time is over.

use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::{Entropy, SystemEntropy};
use calcom::model::{EventTypeId, SlotQuery};
use calcom::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, AppointmentWrite,
    OperatorAction, Origin, Person, Reason, Revision, Service, ServiceId, StoreErrorKind, TenantId,
    Window,
};
use calcom::sync::{
    Cancellation, Cancelled, Operations, SyncEngine, SyncState, SyncStatus, Worker,
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::common::{
    FailureView, booking_url, ended, find_appointment, note, tell, tenant_flag, worse,
};
use crate::cli::{BookArgs, CancelArgs, MoveArgs, SlotsArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, counted, plain, quoted};
use crate::{sentences, when};

/// How long a worker has for taking a change up before this command does the work.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the state is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The longest time that one attempt to work may take.
const LONGEST_DRAIN: Duration = Duration::from_secs(60);
/// The window of `slots` unless told otherwise.
const SLOT_DAYS: i64 = 14;
/// The longest appointment that reaches into a window of slots.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// How many rows are read at once.
const PAGE: u32 = 200;

/// What an appointment from the command line came to.
#[derive(Debug, Serialize)]
struct Outcome {
    tenant: TenantId,
    appointment: AppointmentId,
    revision: Revision,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    state: &'static str,
    booking: Option<String>,
    booking_url: Option<String>,
    reviews: Vec<i64>,
    /// Whether this command did the work, because no worker did.
    worked_here: bool,
}

/// What waiting came to.
struct Waited {
    status: SyncStatus,
    worked_here: bool,
    is_over: bool,
}

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
    let person = person(&arguments)?;
    let offer = offer(context, &tenant, &arguments.service, arguments.length).await?;
    let end = arguments.start + offer.length;
    let status = AppointmentStatus::Confirmed;
    let state = AppointmentState::new(status, arguments.start, end, offer.event_type, person);
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
        output.time(created.state.start),
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

fn person(arguments: &BookArgs) -> Result<Person, Failure> {
    let wrong = |what: &str, advice: &str| Err(Failure::settings(what, advice));
    let name = arguments.name.trim();
    if name.is_empty() {
        return wrong("the name is empty", "give the customer's name with --name");
    }
    if arguments.time_zone.parse::<Tz>().is_err() {
        return wrong(
            "there is no such time zone",
            "write one as in Europe/Berlin",
        );
    }
    let phone = arguments.phone.as_deref().map(str::trim);
    if let Some(phone) = phone {
        let digits = phone.strip_prefix('+').unwrap_or_default();
        if digits.len() < 6 || !digits.chars().all(|c| c.is_ascii_digit()) {
            return wrong(
                "that is no phone number with its country code",
                "write it as in +4930123456",
            );
        }
    }
    let zone = &arguments.time_zone;
    let mut person = match (&arguments.email, phone) {
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
        (None, Some(phone)) => Person::by_phone(name, phone, zone),
        (None, None) => {
            return wrong("the customer cannot be reached", "give --email or --phone");
        }
    };
    person.phone_number = phone.map(str::to_owned);
    Ok(person)
}

/// What is booked: an event type, and for how long.
struct Offer {
    event_type: EventTypeId,
    length: TimeDelta,
}

/// All services of a tenant.
async fn services(context: &Context, tenant: &TenantId) -> Result<Vec<Service>, Failure> {
    let mut all: Vec<Service> = Vec::new();
    let mut after: Option<ServiceId> = None;
    loop {
        let page = context.services.services_page(tenant, after.as_ref(), PAGE);
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = Some(last.id.clone());
        all.extend(page);
    }
}

/// The service or event type of this word.
async fn chosen(
    context: &Context,
    tenant: &TenantId,
    word: &str,
) -> Result<(EventTypeId, Option<Service>), Failure> {
    let all = services(context, tenant).await?;
    let with_id = all.iter().find(|service| service.id.as_str() == word);
    let named = |service: &&Service| {
        service.details.name.trim().to_lowercase() == word.trim().to_lowercase()
    };
    let service = match with_id {
        Some(service) => Some(service),
        None => {
            let mut named = all.iter().filter(named);
            let first = named.next();
            if named.next().is_some() {
                return Err(Failure::settings(
                    format!("several services are named {word:?}"),
                    "name the service by its id",
                ));
            }
            first
        }
    };
    if let Some(service) = service {
        if !service.is_active {
            return Err(Failure::settings(
                format!("service {word:?} is not offered"),
                "choose another one",
            ));
        }
        let event_type = service.event_type.ok_or_else(|| {
            Failure::settings(
                format!("service {word:?} has no event type at Cal.com"),
                "see `calcom-sync services check`",
            )
        })?;
        return Ok((event_type, Some(service.clone())));
    }
    let unknown = || {
        Failure::not_found(
            format!("there is no service {word:?}"),
            "`calcom-sync slots` lists what can be booked; `calcom-sync services import` makes services of event types",
        )
    };
    let number: i64 = word.trim().parse().map_err(|_| unknown())?;
    let id = EventTypeId::new(number);
    let configured = &context.settings_of(tenant)?.event_types;
    if !configured.is_empty() && !configured.contains(&id) {
        return Err(Failure::not_found(
            format!("event type {id} is none of tenant {tenant}'s"),
            "add it to event_types, or choose another one",
        ));
    }
    let service = all
        .into_iter()
        .find(|service| service.event_type == Some(id));
    Ok((id, service))
}

async fn offer(
    context: &Context,
    tenant: &TenantId,
    word: &str,
    length: Option<Duration>,
) -> Result<Offer, Failure> {
    let (event_type, service) = chosen(context, tenant, word).await?;
    let length = match (length, service) {
        (Some(length), _) => TimeDelta::from_std(length).ok(),
        (None, Some(service)) => Some(TimeDelta::minutes(i64::from(
            service.details.length_in_minutes,
        ))),
        (None, None) => {
            let read = context
                .client(tenant)?
                .event_types()
                .get(event_type)
                .await?;
            Some(TimeDelta::minutes(i64::from(read.length_in_minutes)))
        }
    };
    let is_usable = |length: &TimeDelta| *length >= TimeDelta::minutes(1) && *length <= LONGEST;
    let length = length.filter(is_usable).ok_or_else(|| {
        Failure::settings(
            "an appointment lasts between a minute and a day",
            "give its length as in --length 45m",
        )
    })?;
    Ok(Offer { event_type, length })
}

/// Waits if that is asked for, tells what came of it, and returns it with the exit.
async fn finish(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    written: &Appointment,
    wait: Option<Duration>,
    done: &str,
) -> Result<(Outcome, Option<FailureKind>), Failure> {
    let id = &written.id;
    let waited = match wait {
        Some(wait) => until_settled(context, output, tenant, written, wait).await?,
        None => Waited {
            status: context.engine.status(tenant, id).await?,
            worked_here: false,
            is_over: false,
        },
    };
    let status = &waited.status;
    let booking = status.booking.as_ref();
    let url = booking.and_then(|uid| booking_url(context, tenant, uid.as_str()));
    let reviews: Vec<i64> = status.reviews.iter().map(|(id, _)| id.get()).collect();
    let kind = match wait {
        None => None,
        Some(_) if !reviews.is_empty() || status.state == SyncState::Paused => {
            Some(FailureKind::Found)
        }
        Some(_) if !waited.is_over => Some(FailureKind::Unfinished),
        Some(_) => None,
    };
    let flag = tenant_flag(context, output, tenant);
    if wait.is_none() {
        output.line(plain(&format!(
            "A worker brings it to Cal.com. See with: calcom-sync status {}{flag}",
            quoted(id.as_str())
        )));
    } else if kind.is_none() {
        let text = match (status.state, booking) {
            (SyncState::Skipped, _) => "There was nothing to do at Cal.com.".to_owned(),
            (_, Some(booking)) => format!("It is {done} at Cal.com: booking {booking}."),
            (_, None) => format!("It is {done}."),
        };
        output.line(output.paint(Tone::Good, &plain(&text)));
        if let Some(url) = &url {
            output.line(format!("  {url}"));
        }
    } else {
        let text = format!(
            "It is not {done} at Cal.com: {}.",
            sentences::of_state(status.state)
        );
        output.line(output.paint(Tone::Bad, &text));
        if let Some(error) = &status.last.error {
            output.line(plain(&format!("  {error}")));
        }
        for review in &reviews {
            output.line(plain(&format!(
                "  Decide with: calcom-sync reviews show {review}{flag}"
            )));
        }
        if status.state == SyncState::Paused {
            output.line(plain(&format!("  Go on with: calcom-sync resume{flag}")));
        }
        if kind == Some(FailureKind::Unfinished) {
            output.line(plain(&format!(
                "  It goes on. See with: calcom-sync status {}{flag}",
                quoted(id.as_str())
            )));
        }
    }
    let outcome = Outcome {
        tenant: tenant.clone(),
        appointment: id.clone(),
        revision: written.revision,
        start: Some(written.state.start),
        end: Some(written.state.end),
        state: sentences::state_word(status.state),
        booking: booking.map(ToString::to_string),
        booking_url: url,
        reviews,
        worked_here: waited.worked_here,
    };
    Ok((outcome, kind))
}

/// Waits until both sides agree, or a person has to decide, or the time is over.
async fn until_settled(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    written: &Appointment,
    wait: Duration,
) -> Result<Waited, Failure> {
    let progress = output.progress(None, "Waiting for a worker");
    let begun = Instant::now();
    let until = begun + wait;
    let mut worked_here = false;
    loop {
        let status = context.engine.status(tenant, &written.id).await?;
        let is_settled = status.waiting_changes == 0 && status.pending.is_empty();
        let is_over = match status.state {
            SyncState::InSync | SyncState::Skipped => is_settled,
            SyncState::InReview | SyncState::Paused => true,
            _ => false,
        };
        let left = until.saturating_duration_since(Instant::now());
        if is_over || left.is_zero() {
            return Ok(Waited {
                status,
                worked_here,
                is_over,
            });
        }
        let is_idle = matches!(status.state, SyncState::Waiting | SyncState::Retrying);
        // Who has begun to work goes on with it, since nobody else may be there.
        if is_idle && (worked_here || begun.elapsed() >= PATIENCE.min(wait / 2)) {
            progress.says("Working");
            worked_here = true;
            let worker = Worker::new(Arc::clone(&context.engine) as Arc<dyn SyncEngine>);
            let drained = tokio::time::timeout(left.min(LONGEST_DRAIN), worker.drain()).await;
            // What is not finished in time is handed back for others to go on with at once.
            match drained {
                Ok(done) => drop(done?),
                Err(_) => context.engine.hand_back(),
            }
            tell(context, output).await;
        }
        let left = until.saturating_duration_since(Instant::now());
        tokio::time::sleep(LOOK.min(left)).await;
    }
}

/// The free slots of one event type.
struct Free {
    event_type: EventTypeId,
    service: Option<Service>,
    length: TimeDelta,
    slots: Vec<DateTime<Utc>>,
    held_back: usize,
}

pub(crate) async fn slots(
    context: &Context,
    output: &Output,
    arguments: SlotsArgs,
) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    let zone = match &arguments.time_zone {
        None => output.zone(),
        Some(name) => name.parse().map_err(|_| {
            Failure::settings(
                format!("there is no time zone {name:?}"),
                "write one as in Europe/Berlin",
            )
        })?,
    };
    let window = arguments.span.window(0, SLOT_DAYS)?;
    let window = Window::new(window.from.max(when::now()), window.until);
    if window.from >= window.until {
        return Err(Failure::settings(
            "that span of time lies in the past",
            "let --until be later than now",
        ));
    }
    let wanted = wanted(context, tenant, arguments.service.as_deref()).await?;
    let unsynced = unsynced(context, tenant, window).await?;
    let mut all = Vec::new();
    for (event_type, service) in wanted {
        all.push(free(context, tenant, event_type, service, window, &unsynced).await?);
    }
    let views = all.iter().map(|free| {
        json!({
            "event_type": free.event_type,
            "service": free.service.as_ref().map(|service| &service.id),
            "name": free.service.as_ref().map(|service| &service.details.name),
            "length_minutes": free.length.num_minutes(),
            "slots": free.slots,
            "held_back": free.held_back,
        })
    });
    output.json(&json!({
        "tenant": tenant,
        "from": window.from,
        "until": window.until,
        "event_types": views.collect::<Vec<_>>(),
    }));
    for free in &all {
        print_free(output, free, zone);
    }
    Ok(())
}

fn print_free(output: &Output, free: &Free, zone: Tz) {
    let name = match &free.service {
        Some(service) => format!("{} ({})", service.details.name, service.id),
        None => "no service".to_owned(),
    };
    let length = when::span(free.length.to_std().unwrap_or_default());
    let heading = format!(
        "Event type {}: {name}, {length}; times in {}",
        free.event_type,
        zone.name()
    );
    output.line(output.paint(Tone::Strong, &plain(&heading)));
    let mut days: Vec<(String, Vec<String>)> = Vec::new();
    for slot in &free.slots {
        let at = slot.with_timezone(&zone);
        let day = at.format("%a %Y-%m-%d").to_string();
        let time = at.format("%H:%M").to_string();
        match days.last_mut() {
            Some((last, times)) if *last == day => times.push(time),
            _ => days.push((day, vec![time])),
        }
    }
    for (day, times) in days {
        output.line(format!("  {day}  {}", times.join(" ")));
    }
    if free.slots.is_empty() {
        output.line("  Nothing is free.");
    }
    if free.held_back > 0 {
        output.line(format!(
            "  Held back: {}, free at Cal.com, which does not know yet of appointments there.",
            counted(u64::try_from(free.held_back).unwrap_or(u64::MAX), "slot")
        ));
    }
}

/// The event types whose slots are wanted.
async fn wanted(
    context: &Context,
    tenant: &TenantId,
    word: Option<&str>,
) -> Result<Vec<(EventTypeId, Option<Service>)>, Failure> {
    if let Some(word) = word {
        return Ok(vec![chosen(context, tenant, word).await?]);
    }
    let all = services(context, tenant).await?;
    let service_of = |id: EventTypeId| {
        let mut of_it = all.iter().filter(|service| service.event_type == Some(id));
        of_it.next().cloned()
    };
    let configured = &context.settings_of(tenant)?.event_types;
    let mut ids: Vec<EventTypeId> = configured.iter().copied().collect();
    if ids.is_empty() {
        ids = all
            .iter()
            .filter_map(|service| service.event_type)
            .collect();
        ids.sort_unstable();
        ids.dedup();
    }
    if ids.is_empty() {
        return Err(Failure::settings(
            format!("tenant {tenant} has no event types"),
            "set event_types, or CALCOM_EVENT_TYPE_IDS",
        ));
    }
    Ok(ids.into_iter().map(|id| (id, service_of(id))).collect())
}

/// Live appointments that reach into a window and that Cal.com does not know as they are.
async fn unsynced(
    context: &Context,
    tenant: &TenantId,
    window: Window,
) -> Result<Vec<Appointment>, Failure> {
    let wide = Window::new(window.from - LONGEST, window.until);
    let mut unsynced = Vec::new();
    let mut after: Option<(DateTime<Utc>, AppointmentId)> = None;
    loop {
        let page = context.appointments.scan(tenant, wide, after.clone(), PAGE);
        let page = page.await?;
        let last = page.last().map(|one| (one.state.start, one.id.clone()));
        for one in page {
            let reaches_in = one.state.end > window.from && one.state.status.is_live();
            // What the sync wrote last is what Cal.com has.
            if !reaches_in || one.origin == Origin::Calcom {
                continue;
            }
            let status = context.engine.status(tenant, &one.id).await?;
            let is_known = status.booking.is_some()
                && status.waiting_changes == 0
                && status.state == SyncState::InSync;
            if !is_known {
                unsynced.push(one);
            }
        }
        if last.is_none() || last <= after {
            return Ok(unsynced);
        }
        after = last;
    }
}

async fn free(
    context: &Context,
    tenant: &TenantId,
    event_type: EventTypeId,
    service: Option<Service>,
    window: Window,
    unsynced: &[Appointment],
) -> Result<Free, Failure> {
    let client = context.client(tenant)?;
    let length = match &service {
        Some(service) => service.details.length_in_minutes,
        None => {
            client
                .event_types()
                .get(event_type)
                .await?
                .length_in_minutes
        }
    };
    let length = TimeDelta::minutes(i64::from(length));
    let query = SlotQuery::new(event_type, window.from, window.until);
    let by_day = client.slots().list(&query).await?;
    // Which member of staff a slot is of is not said. With one, every appointment is in its way.
    let has_one_host = context.settings_of(tenant)?.hosts.len() <= 1;
    let is_taken = |slot: DateTime<Utc>| {
        unsynced.iter().any(|one| {
            let state = &one.state;
            let is_in_the_way = has_one_host || state.event_type == event_type;
            is_in_the_way && state.start < slot + length && slot < state.end
        })
    };
    let slots = by_day.values().flatten().map(|slot| slot.start);
    let (taken, mut slots): (Vec<_>, Vec<_>) = slots.partition(|slot| is_taken(*slot));
    slots.sort_unstable();
    Ok(Free {
        event_type,
        service,
        length,
        slots,
        held_back: taken.len(),
    })
}
