//! A tenant's policies: which side wins a conflict, and what becomes of a change that Cal.com cannot
//! take, by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::{Differences, Field};

/// Which side wins when both have changed, differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictPolicy {
    /// Neither: manual review.
    #[default]
    Review,
    /// Cal.com.
    RemoteWins,
    /// The host. If that would revive an ended booking, manual review.
    LocalWins,
    /// The latest change. If Cal.com does not say when it changed, manual review.
    NewestWins,
}

/// What becomes of a change of the host's that Cal.com's API cannot take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Inexpressible {
    /// The two sides may differ: the host keeps its value, Cal.com its own.
    Accept,
    /// The booking is replaced: a new one is made, and the old one is cancelled. A status, and a
    /// member of staff without an event type of their own, cannot be brought to Cal.com in this way
    /// and are reviewed.
    Rebook,
    /// Manual review.
    Review,
}

/// The policies of a tenant, as plain data.
///
/// By default every conflict is reviewed. Of the changes that Cal.com cannot take in place, a name,
/// notes, answers to booking fields and metadata may differ, another length or event type is rebooked,
/// and anything else is reviewed.
///
/// ```
/// use calcom::store::Field;
/// use calcom::sync::{ConflictPolicy, Inexpressible, SyncPolicy};
///
/// let policy = SyncPolicy::default()
///     .with_conflicts_of(Field::Notes, ConflictPolicy::NewestWins)
///     .with_conflicts_of(Field::Location, ConflictPolicy::LocalWins)
///     .with_inexpressible(Field::Location, Inexpressible::Accept);
/// assert_eq!(policy.conflicts_of(Field::Start), ConflictPolicy::Review);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SyncPolicy {
    /// Who wins a conflict about a field that has no policy of its own.
    pub conflicts: ConflictPolicy,
    /// Who wins a conflict about these fields.
    pub conflicts_of: BTreeMap<Field, ConflictPolicy>,
    /// What becomes of a change that Cal.com cannot take, where that is not the default.
    pub inexpressible: BTreeMap<Field, Inexpressible>,
}

impl SyncPolicy {
    /// The same winner for all conflicts.
    pub fn new(conflicts: ConflictPolicy) -> Self {
        Self {
            conflicts,
            ..Self::default()
        }
    }

    /// Sets who wins a conflict about a field. A conflict about several fields is reviewed whole if
    /// one of them is.
    #[must_use]
    pub fn with_conflicts_of(mut self, field: Field, policy: ConflictPolicy) -> Self {
        self.conflicts_of.insert(field, policy);
        self
    }

    /// Sets what becomes of a change of a field that Cal.com cannot take.
    #[must_use]
    pub fn with_inexpressible(mut self, field: Field, policy: Inexpressible) -> Self {
        self.inexpressible.insert(field, policy);
        self
    }

    /// Who wins a conflict about a field.
    pub fn conflicts_of(&self, field: Field) -> ConflictPolicy {
        let own = self.conflicts_of.get(&field);
        own.copied().unwrap_or(self.conflicts)
    }

    /// What becomes of a change of a field that Cal.com cannot take in place.
    pub fn inexpressible_of(&self, field: Field) -> Inexpressible {
        let own = self.inexpressible.get(&field).copied();
        own.unwrap_or(match field {
            Field::Name | Field::Notes | Field::Responses | Field::Metadata => {
                Inexpressible::Accept
            }
            Field::Length | Field::EventType => Inexpressible::Rebook,
            _ => Inexpressible::Review,
        })
    }

    /// The fields to which a policy applies where Cal.com cannot take them in place.
    pub(super) fn fields_to(&self, policy: Inexpressible) -> Differences {
        let fields = Field::ALL.iter().copied();
        fields
            .filter(|field| self.inexpressible_of(*field) == policy)
            .collect()
    }
}

impl From<ConflictPolicy> for SyncPolicy {
    fn from(conflicts: ConflictPolicy) -> Self {
        Self::new(conflicts)
    }
}
