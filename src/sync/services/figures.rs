//! Figures: how many services can be booked through Cal.com, and how many are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::plan::{ServiceAction, ServiceFinding};
use super::read::Read;
use super::report::ServiceLine;
use crate::model::EventTypeId;
use crate::store::{Appointment, AppointmentId, Service, ServiceId, StoreError, TenantId, Window};
use crate::sync::engine::Engine;

/// How many appointments are read at a time.
const APPOINTMENTS: u32 = 100;

/// How far services and event types cover each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceCoverage {
    /// All services of the host.
    pub services: u64,
    /// Those that are offered.
    pub active: u64,
    /// Those of the offered ones that are paired with an event type that is there.
    pub active_with_event_type: u64,
    /// The tenant's event types that are not left alone.
    pub event_types: u64,
    /// Those of them that are paired with a service.
    pub event_types_with_service: u64,
}

impl ServiceCoverage {
    /// The figures after the work of a sync.
    pub(super) fn of(read: &Read, lines: &[ServiceLine]) -> Self {
        let pairs: Vec<(&ServiceId, EventTypeId)> = lines
            .iter()
            .filter(|line| is_pair(line))
            .filter_map(|line| Some((line.service.as_ref()?, line.event_type?)))
            .collect();
        let paired: BTreeSet<&ServiceId> = pairs.iter().map(|(service, _)| *service).collect();
        let mut event_types: BTreeSet<EventTypeId> = read
            .listed
            .iter()
            .filter(|listed| listed.left_alone.is_none())
            .map(|listed| listed.entry.id)
            .collect();
        let made = lines
            .iter()
            .filter(|line| line.is_done && line.action == Some(ServiceAction::CreateEventType));
        event_types.extend(made.filter_map(|line| line.event_type));
        let services: BTreeMap<&ServiceId, bool> = read
            .services
            .iter()
            .map(|service| (&service.id, service.is_active))
            .collect();
        let created = paired
            .iter()
            .filter(|id| !services.contains_key(*id))
            .count();
        let active = services.values().filter(|is_active| **is_active).count();
        let covered = paired.iter().filter(|id| services.get(*id) != Some(&false));
        let with_service = pairs.iter().map(|(_, event_type)| event_type);
        let with_service = with_service.filter(|id| event_types.contains(id));
        Self {
            services: count(services.len() + created),
            active: count(active + created),
            active_with_event_type: count(covered.count()),
            event_types_with_service: count(with_service.collect::<BTreeSet<_>>().len()),
            event_types: count(event_types.len()),
        }
    }
}

/// Whether service and event type are paired, and both there.
fn is_pair(line: &ServiceLine) -> bool {
    match line.finding {
        ServiceFinding::Synced
        | ServiceFinding::Different { .. }
        | ServiceFinding::Conflict { .. }
        | ServiceFinding::LeftAlone { .. } => true,
        ServiceFinding::NoEventType | ServiceFinding::NoService | ServiceFinding::NotPaired => {
            line.is_done
        }
        ServiceFinding::EventTypeGone
        | ServiceFinding::ServiceGone
        | ServiceFinding::Duplicate { .. } => false,
    }
}

/// How the services of a tenant are booked, by the host's appointments within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceAdoption {
    /// The offered services that are paired with an event type.
    pub bookable: u64,
    /// Those of them that were booked at least once.
    pub booked: u64,
    /// The number of live appointments of each service that was booked.
    pub appointments: BTreeMap<ServiceId, u64>,
    /// The number of live appointments whose event type no service, or more than one, names.
    pub without_service: u64,
}

impl ServiceAdoption {
    fn of(services: &[Service]) -> (Self, BTreeMap<EventTypeId, ServiceId>) {
        let mut by_event_type = BTreeMap::new();
        let mut duplicate = BTreeSet::new();
        for service in services {
            let Some(event_type) = service.event_type else {
                continue;
            };
            if by_event_type
                .insert(event_type, service.id.clone())
                .is_some()
            {
                duplicate.insert(event_type);
            }
        }
        by_event_type.retain(|event_type, _| !duplicate.contains(event_type));
        let bookable = services
            .iter()
            .filter(|service| service.is_active && service.event_type.is_some());
        let adoption = Self {
            bookable: count(bookable.count()),
            booked: 0,
            appointments: BTreeMap::new(),
            without_service: 0,
        };
        (adoption, by_event_type)
    }
}

impl Engine {
    /// How the services of a tenant are booked; `None` if it has none that are kept in sync.
    ///
    /// # Errors
    ///
    /// Those of the directory and of the host.
    pub(in crate::sync) async fn adoption_of(
        &self,
        id: &TenantId,
        window: Window,
    ) -> Result<Option<ServiceAdoption>, StoreError> {
        let tenant = self.host_call(self.tenants.tenant(id)).await?;
        let of_tenant = tenant.as_ref().and_then(|tenant| tenant.services.as_ref());
        let Some(of_tenant) = of_tenant else {
            return Ok(None);
        };
        let services = self.all_services(id, of_tenant).await?;
        let (mut adoption, by_event_type) = ServiceAdoption::of(&services);
        let mut after: Option<(DateTime<Utc>, AppointmentId)> = None;
        loop {
            let page = self
                .appointments
                .scan(id, window, after.clone(), APPOINTMENTS);
            let page = self.host_call(page).await?;
            let live = |appointment: &&Appointment| appointment.state.status.is_live();
            for appointment in page.iter().filter(live) {
                match by_event_type.get(&appointment.state.event_type) {
                    Some(service) => {
                        *adoption.appointments.entry(service.clone()).or_default() += 1;
                    }
                    None => adoption.without_service += 1,
                }
            }
            let last = page
                .iter()
                .map(|met| (met.state.start, met.id.clone()))
                .max();
            // A repository that does not go on is not asked for ever.
            let Some(last) = last.filter(|last| Some(last) > after.as_ref()) else {
                break;
            };
            after = Some(last);
        }
        let is_bookable = |service: &&Service| service.is_active && service.event_type.is_some();
        let booked = services.iter().filter(is_bookable);
        let booked = booked.filter(|service| adoption.appointments.contains_key(&service.id));
        adoption.booked = count(booked.count());
        Ok(Some(adoption))
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
