//! `slots`: what is free at Cal.com, and not taken here.

use calcom::model::{EventTypeId, SlotQuery};
use calcom::store::{Appointment, AppointmentId, Origin, Service, TenantId, Window};
use calcom::sync::{Operations, SyncState};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::offer::{LONGEST, PAGE, chosen, services};
use super::place::Place;
use crate::cli::SlotsArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, counted, plain};
use crate::when;

/// The window unless told otherwise.
const SLOT_DAYS: i64 = 14;

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
    let place = Place::of(context.settings_of(tenant)?, &arguments.place)?;
    let zone = match &arguments.time_zone {
        None => place.zone().unwrap_or(output.zone()),
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
    let wanted = wanted(context, tenant, arguments.service.as_deref(), &place).await?;
    let unsynced = unsynced(context, tenant, window).await?;
    let mut all = Vec::new();
    for (event_type, service) in wanted {
        let mut free = free(context, tenant, event_type, service, window, &unsynced).await?;
        let length = free.length;
        free.slots.retain(|slot| place.is_open(*slot, length));
        all.push(free);
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
        "branch": place.branch.map(|branch| &branch.id),
        "staff": place.member.map(|member| &member.id),
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
    place: &Place<'_>,
) -> Result<Vec<(EventTypeId, Option<Service>)>, Failure> {
    if let Some(word) = word {
        let (event_type, service) = chosen(context, tenant, word).await?;
        place.check(event_type)?;
        return Ok(vec![(event_type, service)]);
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
    ids.retain(|id| place.offers(*id));
    if ids.is_empty() {
        return Err(Failure::settings(
            format!("tenant {tenant} has no event types that could be booked"),
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
