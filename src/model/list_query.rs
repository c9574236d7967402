//! Query parameters for listing event types, webhook subscriptions, memberships and schedules.

use std::fmt;

use super::booking_query::SortOrder;
use super::setters::setters;

/// Query parameters for listing event types.
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
    /// The owner's user name.
    ///
    /// Without it, some servers respond with 404 even to the owner of event types.
    pub username: Option<String>,
    /// Only the event type with this slug.
    pub event_slug: Option<String>,
    /// Several user names, for the dynamic event type of a meeting with all of them.
    pub usernames: Vec<String>,
    /// The slug of the organization, if the user belongs to one.
    pub org_slug: Option<String>,
    /// The id of the organization, if the user belongs to one.
    pub org_id: Option<i64>,
    /// Sorts by creation time.
    pub sort_created_at: Option<SortOrder>,
}

impl EventTypeQuery {
    /// Creates a query for the event types of a user.
    pub fn of_user(username: impl Into<String>) -> Self {
        Self {
            username: Some(username.into()),
            ..Self::default()
        }
    }

    /// Creates a query for the dynamic event type of a meeting with several users.
    pub fn of_users(usernames: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            usernames: usernames.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Returns the query parameters, with the names that the API uses.
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

/// Query parameters for listing a team's event types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TeamEventTypeQuery {
    /// Only the event type with this slug.
    pub event_slug: Option<String>,
    /// The maximum number of hosts returned per event type.
    pub hosts_limit: Option<u32>,
    /// Sorts by creation time.
    pub sort_created_at: Option<SortOrder>,
}

impl TeamEventTypeQuery {
    /// Returns the query parameters, with the names that the API uses.
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

/// Declares a query that has only a page size and an offset.
macro_rules! page_query {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            /// The page size, 1 to 250.
            pub take: Option<u32>,
            /// The number of items to skip.
            pub skip: Option<u32>,
        }

        impl $name {
            /// Returns the query parameters, with the names that the API uses.
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
    /// Query parameters for listing webhook subscriptions.
    WebhookQuery
}
page_query! {
    /// Query parameters for listing the schedules of a team's members.
    TeamScheduleQuery
}

page_query! {
    /// Query parameters for listing verified e-mail addresses or phone numbers.
    VerifiedResourceQuery
}

/// Query parameters for listing memberships. `Debug` does not show the e-mail addresses.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MembershipQuery {
    /// Only members with one of these e-mail addresses. Servers without this filter ignore it.
    pub emails: Vec<String>,
    /// The page size, 1 to 250.
    pub take: Option<u32>,
    /// The number of memberships to skip.
    pub skip: Option<u32>,
}

impl MembershipQuery {
    /// Adds an e-mail address. Several are combined with *or*.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.emails.push(email.into());
        self
    }

    /// Returns the query parameters, with the names that the API uses.
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

/// Returns only the parameters that are set.
pub(super) fn present<const N: usize>(
    parameters: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    parameters
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}
