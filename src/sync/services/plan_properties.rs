//! What holds of every comparison, whatever both sides look like.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::catalog::CatalogEntry;
use super::decide::{ServiceBase, ServiceWinner};
use super::plan::{Allowed, Known, LeftAlone, Listed, Plan, ServiceAction, ServiceFinding, plan};
use crate::model::EventTypeId;
use crate::store::{Revision, Service, ServiceDetails, ServiceId, ServiceWrite};

/// Both sides and the books.
#[derive(Clone, Debug)]
struct Shop {
    services: Vec<Service>,
    listed: Vec<Listed>,
    known: Vec<Known>,
}

fn details() -> impl Strategy<Value = ServiceDetails> {
    let name = prop_oneof![Just("Cut"), Just("Dry"), Just("Colour")];
    let description = proptest::option::of(prop_oneof![Just(""), Just("long")]);
    (name, 1..3_u32, description).prop_map(|(name, length, description)| {
        let mut details = ServiceDetails::new(name, length * 15);
        details.description = description.map(str::to_owned);
        details
    })
}

fn service(number: u8, details: ServiceDetails, event_type: Option<i64>, active: bool) -> Service {
    let at = chrono::DateTime::UNIX_EPOCH;
    let write = ServiceWrite::new(details, at)
        .with_event_type(event_type.map(EventTypeId::new))
        .with_active(active);
    Service::new(id(number), Revision::FIRST, write)
}

fn id(number: u8) -> ServiceId {
    ServiceId::new(format!("s{number}"))
}

fn shop() -> impl Strategy<Value = Shop> {
    let event_type = || proptest::option::of(0..6_i64);
    let services = proptest::collection::vec((details(), event_type(), any::<bool>()), 0..5);
    let services = services.prop_map(|all| {
        let all = (0..).zip(all);
        all.map(|(number, (details, event_type, active))| {
            service(number, details, event_type, active)
        })
        .collect()
    });
    let left_alone = prop_oneof![
        4 => Just(None),
        1 => Just(Some(LeftAlone::Hidden)),
        1 => Just(Some(LeftAlone::OtherTenant)),
    ];
    let made_for = proptest::option::weighted(0.3, (0..6_u8).prop_map(id));
    let listed = proptest::collection::vec((details(), left_alone, made_for), 0..5);
    let listed = listed.prop_map(|all| {
        let all = (0..).zip(all);
        all.map(|(number, (details, left_alone, made_for))| Listed {
            entry: CatalogEntry::new(EventTypeId::new(number), "slug", details),
            left_alone,
            made_for,
        })
        .collect()
    });
    let known = proptest::collection::vec((0..6_u8, 0..6_i64, details(), details()), 0..5);
    let known = known.prop_map(|all| {
        all.into_iter()
            .map(|(service, event_type, local, remote)| Known {
                service: Some(id(service)),
                event_type: Some(EventTypeId::new(event_type)),
                base: ServiceBase::of(&local, &remote),
                is_begun: false,
            })
            .collect()
    });
    (services, listed, known).prop_map(|(services, listed, known)| Shop {
        services,
        listed,
        known,
    })
}

fn allowed() -> impl Strategy<Value = Allowed> {
    let winner = prop_oneof![
        Just(ServiceWinner::Report),
        Just(ServiceWinner::Host),
        Just(ServiceWinner::Calcom),
    ];
    (any::<[bool; 4]>(), winner).prop_map(|([import, export, update, deactivate], winner)| {
        Allowed {
            import,
            export,
            update,
            deactivate,
            winner,
        }
    })
}

impl Shop {
    fn plan(&self, allowed: Allowed) -> Plan {
        plan(&self.services, &self.listed, &self.known, allowed)
    }

    /// Carries a plan out as the engine does, where nothing fails.
    fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let (mut service, mut event_type) = (step.service.clone(), step.event_type);
            match &step.action {
                None => {}
                Some(ServiceAction::CreateEventType) => {
                    let made = 1_000 + i64::try_from(self.listed.len()).unwrap();
                    event_type = Some(EventTypeId::new(made));
                    let details = self.service(&service).details.clone();
                    self.listed.push(Listed {
                        entry: CatalogEntry::new(EventTypeId::new(made), "made", details),
                        left_alone: None,
                        made_for: service.clone(),
                    });
                    self.service(&service).event_type = event_type;
                }
                Some(ServiceAction::Pair) => self.service(&service).event_type = event_type,
                Some(ServiceAction::CreateService) => {
                    let number = 100 + u8::try_from(self.services.len()).unwrap();
                    let details = self.entry(event_type).details.clone();
                    let event_type = event_type.map(EventTypeId::get);
                    self.services
                        .push(self::service(number, details, event_type, true));
                    service = Some(id(number));
                }
                Some(ServiceAction::Update {
                    event_type: remote,
                    service: local,
                }) => {
                    if let Some(details) = remote {
                        self.entry(event_type).details = details.clone();
                    }
                    if let Some(details) = local {
                        self.service(&service).details = details.clone();
                    }
                }
                Some(ServiceAction::Deactivate) => self.service(&service).is_active = false,
            }
            let (Some(_), Some(_)) = (&service, event_type) else {
                continue;
            };
            let is_gone = !self
                .listed
                .iter()
                .any(|listed| Some(listed.entry.id) == event_type);
            if is_gone || matches!(step.finding, ServiceFinding::Duplicate { .. }) {
                continue;
            }
            let local = self.service(&service).details.clone();
            let remote = self.entry(event_type).details.clone();
            let is_it =
                |known: &&mut Known| known.service == service && known.event_type == event_type;
            let conflicts = step
                .decision
                .as_ref()
                .map(|decision| decision.conflicts.clone());
            let mut open = conflicts.unwrap_or_default();
            if step.action.is_none()
                && let Some(decision) = &step.decision
            {
                open.extend(&decision.to_calcom);
                open.extend(&decision.to_host);
            }
            match self.known.iter_mut().find(is_it) {
                Some(known) => known.base = known.base.moved(&local, &remote, &open),
                None => self.known.push(Known {
                    service,
                    event_type,
                    base: ServiceBase::default().moved(&local, &remote, &open),
                    is_begun: false,
                }),
            }
        }
    }

    fn service(&mut self, id: &Option<ServiceId>) -> &mut Service {
        let mut services = self.services.iter_mut();
        let found = services.find(|service| Some(&service.id) == id.as_ref());
        found.expect("a step names a service that is there")
    }

    fn entry(&mut self, id: Option<EventTypeId>) -> &mut CatalogEntry {
        let mut listed = self.listed.iter_mut();
        let found = listed.find(|listed| Some(listed.entry.id) == id);
        &mut found
            .expect("a step names an event type that is there")
            .entry
    }

    fn left_alone(&self) -> Vec<CatalogEntry> {
        let left = self
            .listed
            .iter()
            .filter(|listed| listed.left_alone.is_some());
        left.map(|listed| listed.entry.clone()).collect()
    }
}

proptest! {
    #[test]
    fn plans_converge_and_nothing_is_lost(shop in shop(), allowed in allowed()) {
        let before = shop.clone();
        let mut shop = shop;
        let mut rounds = 0;
        loop {
            let plan = shop.plan(allowed);
            if plan.steps.iter().all(|step| step.action.is_none()) {
                break;
            }
            rounds += 1;
            prop_assert!(rounds <= 3, "{plan:?}");
            shop.carry_out(&plan);
        }
        let ids = |shop: &Shop| -> BTreeSet<ServiceId> {
            shop.services.iter().map(|service| service.id.clone()).collect()
        };
        prop_assert!(ids(&before).is_subset(&ids(&shop)));
        prop_assert!(shop.listed.len() >= before.listed.len());
        prop_assert_eq!(shop.left_alone(), before.left_alone());
        for (old, new) in before.services.iter().zip(&shop.services) {
            prop_assert!(old.event_type.is_none() || old.event_type == new.event_type);
            prop_assert!(allowed.deactivate || old.is_active == new.is_active);
        }
    }

    #[test]
    fn nothing_is_done_that_is_not_allowed(shop in shop(), winner in allowed()) {
        let nothing = Allowed { winner: winner.winner, ..Allowed::default() };
        let plan = shop.plan(nothing);
        prop_assert!(plan.steps.iter().all(|step| step.action.is_none()), "{plan:?}");
    }

    #[test]
    fn every_service_and_event_type_is_reported_once(shop in shop(), allowed in allowed()) {
        let plan = shop.plan(allowed);
        let mut services = BTreeSet::new();
        for step in &plan.steps {
            if let Some(service) = &step.service {
                prop_assert!(services.insert(service.clone()), "{plan:?}");
            }
        }
        for service in &shop.services {
            let is_idle = service.event_type.is_none() && !service.is_active;
            prop_assert!(is_idle || services.contains(&service.id));
        }
        let mut seen: BTreeSet<EventTypeId> = plan.steps.iter().filter_map(|step| step.event_type).collect();
        for step in &plan.steps {
            if let ServiceFinding::Duplicate { event_types, .. } = &step.finding {
                seen.extend(event_types);
            }
        }
        for listed in &shop.listed {
            prop_assert!(listed.left_alone.is_some() || seen.contains(&listed.entry.id));
        }
    }

    #[test]
    fn the_order_of_the_lists_does_not_matter(shop in shop(), allowed in allowed()) {
        let mut turned = shop.clone();
        turned.services.reverse();
        turned.listed.reverse();
        prop_assert_eq!(shop.plan(allowed), turned.plan(allowed));
    }

    #[test]
    fn with_a_winner_pairs_agree_in_the_end(
        local in details(),
        remote in details(),
        base in details(),
        host_wins: bool,
    ) {
        let winner = if host_wins { ServiceWinner::Host } else { ServiceWinner::Calcom };
        let allowed = Allowed { update: true, winner, ..Allowed::default() };
        let mut shop = Shop {
            services: vec![service(0, local, Some(1), true)],
            listed: vec![Listed {
                entry: CatalogEntry::new(EventTypeId::new(1), "slug", remote),
                left_alone: None,
                made_for: None,
            }],
            known: vec![Known {
                service: Some(id(0)),
                event_type: Some(EventTypeId::new(1)),
                base: ServiceBase::of(&base, &base),
                is_begun: false,
            }],
        };
        let plan = shop.plan(allowed);
        shop.carry_out(&plan);
        let (local, remote) = (&shop.services[0].details, &shop.listed[0].entry.details);
        prop_assert_eq!(&local.name, &remote.name);
        prop_assert_eq!(local.length_in_minutes, remote.length_in_minutes);
        let is_known = local.description.is_some() && remote.description.is_some();
        prop_assert!(!is_known || local.description == remote.description);
        let plan = shop.plan(allowed);
        prop_assert_eq!(&plan.steps[0].finding, &ServiceFinding::Synced);
    }
}
