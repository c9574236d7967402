//! References to an event type, for listing slots and creating bookings.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::id::EventTypeId;

/// A reference to an event type: by id, or by its slug and the name of a user or a team.
///
/// ```
/// use calcom::model::{EventTypeId, EventTypeTarget};
///
/// let by_id = EventTypeTarget::from(EventTypeId::new(42));
/// let of_a_user = EventTypeTarget::user("hanna", "intro-30");
/// let of_a_team = EventTypeTarget::team("sales", "demo").in_organization("acme");
/// # let _ = (by_id, of_a_user, of_a_team);
/// ```
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum EventTypeTarget {
    /// By id.
    #[non_exhaustive]
    Id {
        /// The event type's id.
        event_type_id: EventTypeId,
    },
    /// By the slug of a user's event type.
    #[non_exhaustive]
    User {
        /// The event type's slug.
        event_type_slug: String,
        /// The user name of the owner.
        username: String,
        /// The slug of the organization, if the user belongs to one.
        organization_slug: Option<String>,
    },
    /// By the slug of a team event type.
    #[non_exhaustive]
    Team {
        /// The event type's slug.
        event_type_slug: String,
        /// The slug of the team.
        team_slug: String,
        /// The slug of the organization, if the team belongs to one.
        organization_slug: Option<String>,
    },
    /// A dynamic event type that Cal.com creates for a meeting with several users.
    ///
    /// Its slots can be listed, but it cannot be booked through the API.
    #[non_exhaustive]
    Users {
        /// The user names, at least two.
        usernames: Vec<String>,
        /// The slug of the organization, if the users belong to one.
        organization_slug: Option<String>,
    },
}

impl EventTypeTarget {
    /// References an event type of a user.
    pub fn user(username: impl Into<String>, event_type_slug: impl Into<String>) -> Self {
        Self::User {
            event_type_slug: event_type_slug.into(),
            username: username.into(),
            organization_slug: None,
        }
    }

    /// References an event type of a team.
    pub fn team(team_slug: impl Into<String>, event_type_slug: impl Into<String>) -> Self {
        Self::Team {
            event_type_slug: event_type_slug.into(),
            team_slug: team_slug.into(),
            organization_slug: None,
        }
    }

    /// References a meeting with several users.
    pub fn users(usernames: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Users {
            usernames: usernames.into_iter().map(Into::into).collect(),
            organization_slug: None,
        }
    }

    /// Sets the organization of the user or the team. Has no effect on a reference by id.
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

    /// Returns the query parameters, with the names that the API uses.
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
