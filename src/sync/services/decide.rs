//! What is to be done about one pair of a service and its event type: a pure function, field by
//! field.

use serde::{Deserialize, Serialize};

use crate::store::ServiceDetails;

/// A field that is compared between a service and its event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceField {
    /// The name.
    Name,
    /// The length.
    Length,
    /// The description.
    Description,
}

impl ServiceField {
    /// Every field.
    pub const ALL: [Self; 3] = [Self::Name, Self::Length, Self::Description];

    /// The word used in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Length => "length",
            Self::Description => "description",
        }
    }

    /// Copies the field.
    pub(super) fn copy(self, from: &ServiceDetails, into: &mut ServiceDetails) {
        match self {
            Self::Name => into.name.clone_from(&from.name),
            Self::Length => into.length_in_minutes = from.length_in_minutes,
            Self::Description => into.description.clone_from(&from.description),
        }
    }

    fn is_same(self, one: &ServiceDetails, other: &ServiceDetails) -> bool {
        match self {
            Self::Name => one.name == other.name,
            Self::Length => one.length_in_minutes == other.length_in_minutes,
            Self::Description => one.description == other.description,
        }
    }

    fn is_known(self, details: &ServiceDetails) -> bool {
        self != Self::Description || details.description.is_some()
    }
}

/// Which side wins where both have changed, or where it is not known which one has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceWinner {
    /// Neither: the difference is reported, and nothing is written.
    #[default]
    Report,
    /// The host.
    Host,
    /// Cal.com.
    Calcom,
}

/// Both sides of a pair as they were when they last agreed, or when their difference was accepted,
/// field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ServiceBase {
    sides: Option<(ServiceDetails, ServiceDetails)>,
    /// The fields for which `sides` counts.
    agreed: Vec<ServiceField>,
}

impl ServiceBase {
    /// The base of a pair that stands as it is to stand.
    #[cfg(test)]
    pub(super) fn of(local: &ServiceDetails, remote: &ServiceDetails) -> Self {
        Self::default().moved(local, remote, &[])
    }

    /// The base once everything but `conflicts` stands as it is to stand. For those, it stays what
    /// it was.
    pub(super) fn moved(
        &self,
        local: &ServiceDetails,
        remote: &ServiceDetails,
        conflicts: &[ServiceField],
    ) -> Self {
        let (mut base_local, mut base_remote) = (local.clone(), remote.clone());
        let mut agreed = Vec::new();
        for field in ServiceField::ALL {
            if !conflicts.contains(&field) {
                agreed.push(field);
            } else if let Some((old_local, old_remote)) = self.sides_of(field) {
                field.copy(old_local, &mut base_local);
                field.copy(old_remote, &mut base_remote);
                agreed.push(field);
            }
        }
        Self {
            sides: Some((base_local, base_remote)),
            agreed,
        }
    }

    fn sides_of(&self, field: ServiceField) -> Option<(&ServiceDetails, &ServiceDetails)> {
        let sides = self.sides.as_ref().filter(|_| self.agreed.contains(&field));
        sides.map(|(local, remote)| (local, remote))
    }
}

/// What is to be done about a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PairDecision {
    /// The fields that the event type takes from the service.
    pub(super) to_calcom: Vec<ServiceField>,
    /// The fields that the service takes from the event type.
    pub(super) to_host: Vec<ServiceField>,
    /// The fields that somebody has to decide.
    pub(super) conflicts: Vec<ServiceField>,
}

impl PairDecision {
    pub(super) fn is_quiet(&self) -> bool {
        self.to_calcom.is_empty() && self.to_host.is_empty() && self.conflicts.is_empty()
    }

    /// The details that both sides are to have: those of the service, and those of the event type.
    pub(super) fn targets(
        &self,
        local: &ServiceDetails,
        remote: &ServiceDetails,
    ) -> (ServiceDetails, ServiceDetails) {
        let (mut new_local, mut new_remote) = (local.clone(), remote.clone());
        for field in &self.to_host {
            field.copy(remote, &mut new_local);
        }
        for field in &self.to_calcom {
            field.copy(local, &mut new_remote);
        }
        (new_local, new_remote)
    }
}

/// Compares both sides of a pair with each other, and each with its own past.
pub(super) fn decide_pair(
    base: &ServiceBase,
    local: &ServiceDetails,
    remote: &ServiceDetails,
    winner: ServiceWinner,
) -> PairDecision {
    let mut decision = PairDecision::default();
    for field in ServiceField::ALL {
        let is_known = field.is_known(local) && field.is_known(remote);
        if !is_known || field.is_same(local, remote) {
            continue;
        }
        let changed = base.sides_of(field).map(|(base_local, base_remote)| {
            (
                !field.is_same(base_local, local),
                !field.is_same(base_remote, remote),
            )
        });
        match (changed, winner) {
            // The difference was accepted.
            (Some((false, false)), _) => {}
            (Some((true, false)), _) => decision.to_calcom.push(field),
            (Some((false, true)), _) => decision.to_host.push(field),
            (Some((true, true)) | None, ServiceWinner::Host) => decision.to_calcom.push(field),
            (Some((true, true)) | None, ServiceWinner::Calcom) => decision.to_host.push(field),
            (Some((true, true)) | None, ServiceWinner::Report) => decision.conflicts.push(field),
        }
    }
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(name: &str, length: u32, description: Option<&str>) -> ServiceDetails {
        ServiceDetails {
            name: name.to_owned(),
            length_in_minutes: length,
            description: description.map(str::to_owned),
        }
    }

    #[test]
    fn whoever_changed_wins_and_two_changes_of_one_field_are_a_conflict() {
        use ServiceField::{Description, Length, Name};
        let base = ServiceBase::of(&details("Cut", 30, Some("")), &details("Cut", 30, Some("")));
        let decide = |local: &ServiceDetails, remote: &ServiceDetails, winner| {
            let decision = decide_pair(&base, local, remote, winner);
            (decision.to_calcom, decision.to_host, decision.conflicts)
        };
        let old = details("Cut", 30, Some(""));
        let renamed = details("Haircut", 30, Some(""));
        let longer = details("Cut", 45, Some("new"));
        let both = details("Coupe", 45, Some(""));
        let report = ServiceWinner::Report;
        assert_eq!(decide(&old, &old, report), (vec![], vec![], vec![]));
        assert_eq!(decide(&renamed, &old, report), (vec![Name], vec![], vec![]));
        assert_eq!(decide(&old, &renamed, report), (vec![], vec![Name], vec![]));
        // Different fields do not get in each other's way.
        let merged = decide(&renamed, &longer, report);
        assert_eq!(merged, (vec![Name], vec![Length, Description], vec![]));
        assert_eq!(decide(&renamed, &renamed, report), (vec![], vec![], vec![]));
        let conflict = decide(&renamed, &both, report);
        assert_eq!(conflict, (vec![], vec![Length], vec![Name]));
        let host = decide(&renamed, &both, ServiceWinner::Host);
        assert_eq!(host, (vec![Name], vec![Length], vec![]));
        let calcom = decide(&renamed, &both, ServiceWinner::Calcom);
        assert_eq!(calcom, (vec![], vec![Name, Length], vec![]));
    }

    #[test]
    fn without_a_base_every_difference_is_for_the_policy() {
        let base = ServiceBase::default();
        let (local, remote) = (details("Cut", 30, None), details("Cut", 45, Some("long")));
        let decide = |winner| decide_pair(&base, &local, &remote, winner);
        assert_eq!(
            decide(ServiceWinner::Report).conflicts,
            [ServiceField::Length]
        );
        assert_eq!(
            decide(ServiceWinner::Host).to_calcom,
            [ServiceField::Length]
        );
        assert_eq!(
            decide(ServiceWinner::Calcom).to_host,
            [ServiceField::Length]
        );
    }

    #[test]
    fn an_accepted_difference_never_comes_up_again_and_blocks_no_other_field() {
        let (local, remote) = (details("Cut", 30, None), details("CUT", 30, Some("x")));
        let base = ServiceBase::of(&local, &remote);
        let report = ServiceWinner::Report;
        assert!(decide_pair(&base, &local, &remote, report).is_quiet());
        let longer = details("Cut", 40, None);
        let decision = decide_pair(&base, &longer, &remote, report);
        assert_eq!(decision.to_calcom, [ServiceField::Length]);
        assert!(decision.conflicts.is_empty());
    }

    #[test]
    fn a_conflict_keeps_its_own_base_while_the_rest_moves_on() {
        let old = details("Cut", 30, None);
        let base = ServiceBase::of(&old, &old);
        let (local, remote) = (details("Coupe", 45, None), details("Haircut", 45, None));
        let moved = base.moved(&local, &remote, &[ServiceField::Name]);
        let report = ServiceWinner::Report;
        assert_eq!(
            decide_pair(&moved, &local, &remote, report).conflicts,
            [ServiceField::Name]
        );
        // Taking back one of the two changes ends the conflict.
        let back = decide_pair(&moved, &details("Cut", 45, None), &remote, report);
        assert_eq!(back.to_host, [ServiceField::Name]);
    }
}
