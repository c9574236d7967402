//! The comparison of a tenant's services with its event types: values in, steps out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::catalog::CatalogEntry;
use super::decide::{PairDecision, ServiceBase, ServiceField, ServiceWinner, decide_pair};
use crate::model::EventTypeId;
use crate::store::{Service, ServiceDetails, ServiceId};

/// What a comparison found about a service, an event type, or a pair of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceFinding {
    /// The pair agrees, or differs in a way that was accepted.
    Synced,
    /// One side, or each in other fields, has changed.
    #[non_exhaustive]
    Different {
        /// The fields that the event type takes from the service.
        to_calcom: Vec<ServiceField>,
        /// The fields that the service takes from the event type.
        to_host: Vec<ServiceField>,
    },
    /// Both sides have changed the same fields, or were different when they were paired, and the
    /// policy says that a person decides.
    #[non_exhaustive]
    Conflict {
        /// The fields.
        fields: Vec<ServiceField>,
    },
    /// A service without an event type.
    NoEventType,
    /// An event type was created for the service, and the service does not name it yet.
    NotPaired,
    /// An event type without a service.
    NoService,
    /// The service names an event type that these credentials do not see: it was deleted, or is a
    /// team's or another account's.
    EventTypeGone,
    /// The event type's service is gone, or names another event type now.
    ServiceGone,
    /// More than one service names the event type, or more than one event type was created for the
    /// service.
    #[non_exhaustive]
    Duplicate {
        /// The services.
        services: Vec<ServiceId>,
        /// The event types.
        event_types: Vec<EventTypeId>,
    },
    /// The service names an event type that is left alone.
    #[non_exhaustive]
    LeftAlone {
        /// Why.
        because: LeftAlone,
    },
}

/// Why an event type is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftAlone {
    /// It belongs to another tenant.
    OtherTenant,
    /// No tenant names it.
    NotNamed,
    /// It is hidden.
    Hidden,
    /// It is a team's, or derived from a team's managed event type.
    Managed,
}

/// What a sync does about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceAction {
    /// Creates the event type.
    CreateEventType,
    /// Creates the service, paired.
    CreateService,
    /// Pairs the service with the event type that was created for it.
    Pair,
    /// Changes the event type, the service, or both, so that they have these details.
    #[non_exhaustive]
    Update {
        /// The new details of the event type; `None` if it stays as it is.
        event_type: Option<ServiceDetails>,
        /// The new details of the service; `None` if it stays as it is.
        service: Option<ServiceDetails>,
    },
    /// Marks the service as no longer offered.
    Deactivate,
}

/// An event type as a comparison sees it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) entry: CatalogEntry,
    /// `None` if it is the tenant's.
    pub(super) left_alone: Option<LeftAlone>,
    /// The service that it was created for, as its slug says.
    pub(super) made_for: Option<ServiceId>,
}

/// What the books hold, as a comparison sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) service: Option<ServiceId>,
    pub(super) event_type: Option<EventTypeId>,
    pub(super) base: ServiceBase,
    /// Whether something was tried and is not done: it goes on, whatever else a sync may do.
    pub(super) is_begun: bool,
}

/// What a sync may do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    pub(super) import: bool,
    pub(super) export: bool,
    pub(super) update: bool,
    pub(super) deactivate: bool,
    pub(super) winner: ServiceWinner,
}

/// One finding, and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) service: Option<ServiceId>,
    pub(super) event_type: Option<EventTypeId>,
    pub(super) finding: ServiceFinding,
    pub(super) action: Option<ServiceAction>,
    /// What was decided about a pair.
    pub(super) decision: Option<PairDecision>,
}

impl Step {
    fn of(
        service: Option<&ServiceId>,
        event_type: Option<EventTypeId>,
        finding: ServiceFinding,
    ) -> Self {
        Self {
            service: service.cloned(),
            event_type,
            finding,
            action: None,
            decision: None,
        }
    }

    fn doing(mut self, action: ServiceAction, is_allowed: bool) -> Self {
        self.action = is_allowed.then_some(action);
        self
    }
}

/// The steps, and how many event types were left alone without a service naming them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) left_alone: u64,
}

/// Compares all services of a tenant with all event types of its account.
pub(super) fn plan(
    services: &[Service],
    listed: &[Listed],
    known: &[Known],
    allowed: Allowed,
) -> Plan {
    Comparison::new(services, listed, known, allowed).run()
}

struct Comparison<'a> {
    services: BTreeMap<&'a ServiceId, &'a Service>,
    /// A list may repeat a row.
    listed: BTreeMap<EventTypeId, &'a Listed>,
    /// The pairs that were in the books.
    known: BTreeMap<(&'a ServiceId, EventTypeId), &'a Known>,
    /// The event types that were paired.
    paired: BTreeSet<EventTypeId>,
    /// Services and event types whose counterpart was tried to be created.
    begun: BTreeSet<(Option<&'a ServiceId>, Option<EventTypeId>)>,
    allowed: Allowed,
    /// The services that name an event type.
    naming: BTreeMap<EventTypeId, Vec<&'a ServiceId>>,
    /// The event types that were created for a service.
    made_for: BTreeMap<&'a ServiceId, Vec<EventTypeId>>,
}

impl<'a> Comparison<'a> {
    fn new(
        services: &'a [Service],
        listed: &'a [Listed],
        known: &'a [Known],
        allowed: Allowed,
    ) -> Self {
        let services: BTreeMap<_, _> = services.iter().map(|s| (&s.id, s)).collect();
        let listed: BTreeMap<_, _> = listed.iter().map(|l| (l.entry.id, l)).collect();
        let mut naming: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, service) in &services {
            if let Some(event_type) = service.event_type {
                naming.entry(event_type).or_default().push(*id);
            }
        }
        let mut made_for: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, listed) in &listed {
            if let Some(service) = listed.made_for.as_ref().filter(|_| listed.is_ours()) {
                made_for.entry(service).or_default().push(*id);
            }
        }
        let mut pairs = BTreeMap::new();
        for known in known {
            if let (Some(service), Some(event_type)) = (&known.service, known.event_type) {
                pairs.insert((service, event_type), known);
            }
        }
        Self {
            services,
            listed,
            begun: known
                .iter()
                .filter(|known| known.is_begun)
                .map(|known| (known.service.as_ref(), known.event_type))
                .collect(),
            paired: pairs.keys().map(|(_, event_type)| *event_type).collect(),
            known: pairs,
            allowed,
            naming,
            made_for,
        }
    }

    fn run(&self) -> Plan {
        let mut plan = Plan::default();
        let mut covered = BTreeSet::new();
        for service in self.services.values() {
            let is_made = self.made_for.contains_key(&service.id);
            if service.event_type.is_none() && !service.is_active && !is_made {
                // Not offered, and nowhere to be booked: as it should be.
                continue;
            }
            let step = self.of_service(service);
            covered.extend(step.event_type);
            if let ServiceFinding::Duplicate { event_types, .. } = &step.finding {
                covered.extend(event_types);
            }
            plan.steps.push(step);
        }
        for (id, listed) in &self.listed {
            if covered.contains(id) {
                continue;
            }
            if listed.is_ours() {
                plan.steps.push(self.of_event_type(listed));
            } else {
                plan.left_alone += 1;
            }
        }
        plan
    }

    fn of_service(&self, service: &Service) -> Step {
        let id = Some(&service.id);
        let Some(named) = service.event_type else {
            return self.of_unpaired(service);
        };
        let step = |finding| Step::of(id, Some(named), finding);
        let namers = self.naming.get(&named).map_or(&[][..], Vec::as_slice);
        if namers.len() > 1 {
            return step(ServiceFinding::Duplicate {
                services: namers.iter().map(|id| (*id).clone()).collect(),
                event_types: vec![named],
            });
        }
        let Some(listed) = self.listed.get(&named) else {
            // One that was never seen may be a team's, and live.
            let was_seen = self.known.contains_key(&(&service.id, named));
            let is_allowed = self.allowed.deactivate && was_seen && service.is_active;
            return step(ServiceFinding::EventTypeGone)
                .doing(ServiceAction::Deactivate, is_allowed);
        };
        match listed.left_alone {
            Some(because) => step(ServiceFinding::LeftAlone { because }),
            None => self.of_pair(service, &listed.entry),
        }
    }

    fn of_unpaired(&self, service: &Service) -> Step {
        let id = Some(&service.id);
        let made = self.made_for.get(&service.id);
        match made.map_or(&[][..], Vec::as_slice) {
            [] => Step::of(id, None, ServiceFinding::NoEventType).doing(
                ServiceAction::CreateEventType,
                service.is_active && (self.allowed.export || self.begun.contains(&(id, None))),
            ),
            // Somebody else may have paired another service with it since.
            [made] if !self.naming.contains_key(made) => {
                Step::of(id, Some(*made), ServiceFinding::NotPaired).doing(
                    ServiceAction::Pair,
                    self.allowed.export || self.allowed.update,
                )
            }
            made => {
                let named = made.iter().filter_map(|made| self.naming.get(made));
                let others = named.flatten().map(|id| (*id).clone());
                let finding = ServiceFinding::Duplicate {
                    services: std::iter::once(service.id.clone()).chain(others).collect(),
                    event_types: made.to_vec(),
                };
                Step::of(id, None, finding)
            }
        }
    }

    fn of_pair(&self, service: &Service, entry: &CatalogEntry) -> Step {
        let known = self.known.get(&(&service.id, entry.id));
        let first = ServiceBase::default();
        let base = known.map_or(&first, |known| &known.base);
        let (local, remote) = (&service.details, &entry.details);
        let decision = decide_pair(base, local, remote, self.allowed.winner);
        let finding = if !decision.conflicts.is_empty() {
            ServiceFinding::Conflict {
                fields: decision.conflicts.clone(),
            }
        } else if decision.is_quiet() {
            ServiceFinding::Synced
        } else {
            ServiceFinding::Different {
                to_calcom: decision.to_calcom.clone(),
                to_host: decision.to_host.clone(),
            }
        };
        let (new_local, new_remote) = decision.targets(local, remote);
        let action = ServiceAction::Update {
            event_type: (!decision.to_calcom.is_empty()).then_some(new_remote),
            service: (!decision.to_host.is_empty()).then_some(new_local),
        };
        let changes = !decision.to_calcom.is_empty() || !decision.to_host.is_empty();
        let mut step = Step::of(Some(&service.id), Some(entry.id), finding)
            .doing(action, changes && self.allowed.update);
        step.decision = Some(decision);
        step
    }

    fn of_event_type(&self, listed: &Listed) -> Step {
        let id = listed.entry.id;
        let step = |finding| Step::of(None, Some(id), finding);
        // A second one for a service that names the first, or one for a service that is gone.
        let made_for = listed.made_for.as_ref();
        if let Some(service) = made_for.and_then(|id| self.services.get(id)) {
            return step(ServiceFinding::Duplicate {
                services: vec![service.id.clone()],
                event_types: service.event_type.into_iter().chain([id]).collect(),
            });
        }
        if self.paired.contains(&id) || made_for.is_some() {
            // Importing it would bring back what the host has removed.
            return step(ServiceFinding::ServiceGone);
        }
        let is_allowed = self.allowed.import || self.begun.contains(&(None, Some(id)));
        step(ServiceFinding::NoService).doing(ServiceAction::CreateService, is_allowed)
    }
}

impl Listed {
    fn is_ours(&self) -> bool {
        self.left_alone.is_none()
    }
}
