//! Which event types, subscriptions, memberships and schedules to list.

use std::fmt;

use super::booking_query::SortOrder;
use super::setters::setters;

/// Which event types to list.
///
/// ```
/// use calcom::model::EventTypeQuery;
///
/// let query = EventTypeQuery::of_user("hanna").with_event_slug("intro-30");
/// # let _ = query;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventTypeQuery {
    /// The owner's user name. Without it, some servers answer 404 even to the owner of event types.
    pub username: Option<String>,
    /// Only the event type with this slug.
    pub event_slug: Option<String>,
    /// Several user names, for the event type that Cal.com makes up for a meeting with all of them.
    pub usernames: Vec<String>,
    /// The organization's slug, where the user belongs to one.
    pub org_slug: Option<String>,
    /// The organization's number, where the user belongs to one.
    pub org_id: Option<i64>,
    /// Sorts by the time of creation.
    pub sort_created_at: Option<SortOrder>,
}

impl EventTypeQuery {
    /// The event types of one user.
    pub fn of_user(username: impl Into<String>) -> Self {
        Self {
            username: Some(username.into()),
            ..Self::default()
        }
    }

    /// The event type that Cal.com makes up for a meeting with several users.
    pub fn of_users(usernames: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            usernames: usernames.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The query's parameters, in the API's spelling.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let usernames = (!self.usernames.is_empty()).then(|| self.usernames.join(","));
        present([
            ("username", self.username.clone()),
            ("eventSlug", self.event_slug.clone()),
            ("usernames", usernames),
            ("orgSlug", self.org_slug.clone()),
            ("orgId", self.org_id.map(|id| id.to_string())),
            (
                "sortCreatedAt",
                self.sort_created_at.as_ref().map(ToString::to_string),
            ),
        ])
    }
}

setters! {
    EventTypeQuery {
        with_org_id => org_id: i64,
        with_sort_created_at => sort_created_at: SortOrder,
        ;
        with_username => username: String,
        with_event_slug => event_slug: String,
        with_org_slug => org_slug: String,
    }
}

/// Which of a team's event types to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TeamEventTypeQuery {
    /// Only the event type with this slug.
    pub event_slug: Option<String>,
    /// Maximum number of hosts returned for each.
    pub hosts_limit: Option<u32>,
    /// Sorts by the time of creation.
    pub sort_created_at: Option<SortOrder>,
}

impl TeamEventTypeQuery {
    /// The query's parameters, in the API's spelling.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        present([
            ("eventSlug", self.event_slug.clone()),
            ("hostsLimit", self.hosts_limit.map(|n| n.to_string())),
            (
                "sortCreatedAt",
                self.sort_created_at.as_ref().map(ToString::to_string),
            ),
        ])
    }
}

setters! {
    TeamEventTypeQuery {
        with_hosts_limit => hosts_limit: u32,
        with_sort_created_at => sort_created_at: SortOrder,
        ;
        with_event_slug => event_slug: String,
    }
}

/// A query that has nothing but a position and a page size.
macro_rules! page_query {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            /// Page size: 1 to 250.
            pub take: Option<u32>,
            /// How many to skip at the beginning.
            pub skip: Option<u32>,
        }

        impl $name {
            /// The query's parameters, in the API's spelling.
            pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
                present([
                    ("take", self.take.map(|n| n.to_string())),
                    ("skip", self.skip.map(|n| n.to_string())),
                ])
            }
        }

        setters! {
            $name {
                with_take => take: u32,
                with_skip => skip: u32,
            }
        }
    };
}

page_query! {
    /// Which webhook subscriptions to list.
    WebhookQuery
}
page_query! {
    /// Which schedules of a team's members to list.
    TeamScheduleQuery
}

page_query! {
    /// Which verified e-mail addresses or phone numbers to list.
    VerifiedResourceQuery
}

/// Which memberships to list. `Debug` does not show the addresses.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MembershipQuery {
    /// Only members with one of these e-mail addresses; servers that do not know the filter ignore it.
    pub emails: Vec<String>,
    /// Page size: 1 to 250.
    pub take: Option<u32>,
    /// How many to skip at the beginning.
    pub skip: Option<u32>,
}

impl MembershipQuery {
    /// Adds an e-mail address; several are joined with *or*.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.emails.push(email.into());
        self
    }

    /// The query's parameters, in the API's spelling.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let emails = (!self.emails.is_empty()).then(|| self.emails.join(","));
        present([
            ("emails", emails),
            ("take", self.take.map(|n| n.to_string())),
            ("skip", self.skip.map(|n| n.to_string())),
        ])
    }
}

setters! {
    MembershipQuery {
        with_take => take: u32,
        with_skip => skip: u32,
    }
}

impl fmt::Debug for MembershipQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MembershipQuery")
            .field("take", &self.take)
            .field("skip", &self.skip)
            .finish_non_exhaustive()
    }
}

/// The parameters that are set.
pub(super) fn present<const N: usize>(
    parameters: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    parameters
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}
