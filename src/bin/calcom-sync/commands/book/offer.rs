//! What can be booked: a service or an event type, and for how long.

use std::time::Duration;

use calcom::model::EventTypeId;
use calcom::store::{Service, ServiceId, TenantId};
use chrono::TimeDelta;

use crate::context::Context;
use crate::failure::Failure;

/// The longest appointment.
pub(super) const LONGEST: TimeDelta = TimeDelta::days(1);
/// How many rows are read at once.
pub(super) const PAGE: u32 = 200;

/// What is booked: an event type, and for how long.
pub(super) struct Offer {
    pub(super) event_type: EventTypeId,
    pub(super) length: TimeDelta,
}

/// All services of a tenant.
pub(super) async fn services(
    context: &Context,
    tenant: &TenantId,
) -> Result<Vec<Service>, Failure> {
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
pub(super) async fn chosen(
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

/// What is booked under this word.
pub(super) async fn offer(
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
