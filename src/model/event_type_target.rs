//! Which event type is meant, wherever slots are listed or a booking is made.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::id::EventTypeId;

/// Which event type is meant: by number, or by its slug under a user's or a team's name.
///
/// ```
/// use calcom::model::{EventTypeId, EventTypeTarget};
///
/// let by_number = EventTypeTarget::from(EventTypeId::new(42));
/// let of_a_user = EventTypeTarget::user("hanna", "intro-30");
/// let of_a_team = EventTypeTarget::team("sales", "demo").in_organization("acme");
/// # let _ = (by_number, of_a_user, of_a_team);
/// ```
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum EventTypeTarget {
    /// By number.
    #[non_exhaustive]
    Id {
        /// The event type's number.
        event_type_id: EventTypeId,
    },
    /// By the slug of a user's event type.
    #[non_exhaustive]
    User {
        /// The event type's slug.
        event_type_slug: String,
        /// Whose event type it is.
        username: String,
        /// The organization, where the user belongs to one.
        organization_slug: Option<String>,
    },
    /// By the slug of a team's event type.
    #[non_exhaustive]
    Team {
        /// The event type's slug.
        event_type_slug: String,
        /// Whose event type it is.
        team_slug: String,
        /// The organization, where the team belongs to one.
        organization_slug: Option<String>,
    },
    /// The event type that Cal.com makes up for a meeting with several users at once. Its slots can
    /// be listed; the API cannot book it.
    #[non_exhaustive]
    Users {
        /// The user names; at least two.
        usernames: Vec<String>,
        /// The organization, where the users belong to one.
        organization_slug: Option<String>,
    },
}

impl EventTypeTarget {
    /// An event type of a user.
    pub fn user(username: impl Into<String>, event_type_slug: impl Into<String>) -> Self {
        Self::User {
            event_type_slug: event_type_slug.into(),
            username: username.into(),
            organization_slug: None,
        }
    }

    /// An event type of a team.
    pub fn team(team_slug: impl Into<String>, event_type_slug: impl Into<String>) -> Self {
        Self::Team {
            event_type_slug: event_type_slug.into(),
            team_slug: team_slug.into(),
            organization_slug: None,
        }
    }

    /// A meeting with several users at once.
    pub fn users(usernames: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Users {
            usernames: usernames.into_iter().map(Into::into).collect(),
            organization_slug: None,
        }
    }

    /// Names the organization of the user or the team. Means nothing for an event type by number.
    #[must_use]
    pub fn in_organization(mut self, slug: impl Into<String>) -> Self {
        match &mut self {
            Self::Id { .. } => {}
            Self::User {
                organization_slug, ..
            }
            | Self::Team {
                organization_slug, ..
            }
            | Self::Users {
                organization_slug, ..
            } => *organization_slug = Some(slug.into()),
        }
        self
    }

    /// The parameters of a query, in the API's spelling.
    pub(super) fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let (mut pairs, organization) = match self {
            Self::Id { event_type_id } => (vec![("eventTypeId", event_type_id.to_string())], None),
            Self::User {
                event_type_slug,
                username,
                organization_slug,
            } => (
                vec![
                    ("eventTypeSlug", event_type_slug.clone()),
                    ("username", username.clone()),
                ],
                organization_slug.clone(),
            ),
            Self::Team {
                event_type_slug,
                team_slug,
                organization_slug,
            } => (
                vec![
                    ("eventTypeSlug", event_type_slug.clone()),
                    ("teamSlug", team_slug.clone()),
                ],
                organization_slug.clone(),
            ),
            Self::Users {
                usernames,
                organization_slug,
            } => (
                vec![("usernames", usernames.join(","))],
                organization_slug.clone(),
            ),
        };
        pairs.extend(organization.map(|slug| ("organizationSlug", slug)));
        pairs
    }
}

impl From<EventTypeId> for EventTypeTarget {
    fn from(event_type_id: EventTypeId) -> Self {
        Self::Id { event_type_id }
    }
}
